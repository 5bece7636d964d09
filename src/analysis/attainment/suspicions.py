"""Figures that need checking, said without accusing: nothing here says that somebody did something wrong.

================== =================================================================================================
heaping            far more units just on the good side of a target than on the other, in the present period
end_of_period      the last month of a half-year stands out from its neighbours, and falls back after it
denominator_drop   the denominator is far below what it usually was: a share can rise without one more case
level_jump         the level changes from one period to the next and stays
quota_population   the assigned quota is met while only a small part of the population is
================== =================================================================================================
"""

from __future__ import annotations

import numpy as np
from scipy.special import bdtrc

BAND = 0.02  # half-width of the strip around a target: two points
HEAPING_P = 0.01
FLIP = 0.6745  # median absolute deviation of a normal distribution, in standard deviations
JUMP = 6.0  # robust standard deviations
STAYS = 3  # periods on each side
DROP = 0.7
USUAL = 12
SURGE = 4.0


def heaping(values, *, threshold: float, up: bool, band: float = BAND) -> tuple[np.ndarray, float]:
    """Units just above the target when too many stand there for chance, and the one-sided p value.

    Without heaping a unit within `band` of the target is as likely above as below it (the density is smooth).

    Returns
    -------
    flagged : array of bool, shape (n,)
    p_value : float
        1 where fewer than six units are near.

    Examples
    --------
    >>> heaping([0.801] * 12 + [0.79], threshold=0.8, up=True)[1] < 0.01
    True
    """
    values = np.asarray(values, dtype=float)
    distance = (values - threshold) if up else (threshold - values)
    with np.errstate(invalid="ignore"):
        above, below = (distance >= 0) & (distance < band), (distance < 0) & (distance >= -band)
    near = int(above.sum() + below.sum())
    if near < 6:
        return np.zeros(len(values), dtype=bool), 1.0
    p_value = float(bdtrc(above.sum() - 1, near, 0.5))  # of so many above, or more
    return above & (p_value < HEAPING_P), p_value


def level_jumps(values: np.ndarray) -> np.ndarray:
    """Column at which each row's level jumps and stays, -1 where it does not; shape (n,).

    Both the step itself and the difference between the medians of three periods before and after are larger than `JUMP`
    robust standard deviations of the row's usual changes; of several such columns the one with the largest.

    Examples
    --------
    >>> level_jumps(np.array([[1.0, 1.1, 1.0, 1.1, 3.0, 3.1, 3.0, 3.1]])).tolist()
    [4]
    """
    n, width = values.shape
    out = np.full(n, -1)
    if width < 2 * STAYS:
        return out
    view = np.lib.stride_tricks.sliding_window_view(values, STAYS, axis=1)
    with np.errstate(invalid="ignore"):
        middle = np.median(view, axis=2)
    step = middle[:, STAYS:] - middle[:, : middle.shape[1] - STAYS]
    change = np.abs(np.diff(values, axis=1))
    usual = _median(change) / FLIP
    with np.errstate(invalid="ignore"):
        size = np.minimum(np.abs(step), change[:, STAYS - 1 : STAYS - 1 + step.shape[1]])
        known = np.isfinite(size)
        at = np.argmax(np.where(known, size, -1.0), axis=1)
        largest = np.where(known.any(axis=1), size[np.arange(n), at], np.nan)
        jumps = (largest > JUMP * usual) & (usual > 0)
    return np.where(jumps, at + STAYS, -1)


def denominator_drops(denominator: np.ndarray) -> np.ndarray:
    """Whether the last denominator is below `DROP` of the median of the year before it, and lower than any in it.

    Examples
    --------
    >>> denominator_drops(np.array([[100.0, 100, 100, 60], [100, 100, 100, 90]])).tolist()
    [True, False]
    """
    if denominator.shape[1] < 2:
        return np.zeros(len(denominator), dtype=bool)
    year = denominator[:, :-1][:, -USUAL:]
    lowest = np.min(np.where(np.isfinite(year), year, np.inf), axis=1)
    with np.errstate(invalid="ignore"):
        return (denominator[:, -1] < DROP * _median(year)) & (denominator[:, -1] < lowest)


def end_of_period_surges(values: np.ndarray, *, months: np.ndarray) -> np.ndarray:
    """Columns (June or December) that stand out upwards and fall back, as a mask of shape (n, T).

    Parameters
    ----------
    values : array, shape (n, T)
        Monthly.
    months : array of int, shape (T,)
        1 to 12.
    """
    out = np.zeros(values.shape, dtype=bool)
    if values.shape[1] < 8:
        return out
    change = np.diff(values, axis=1)
    usual = _median(np.abs(change)) / FLIP
    with np.errstate(invalid="ignore"):
        rise, fall = change[:, :-1], change[:, 1:]
        peak = (rise > SURGE * usual[:, None]) & (fall < -rise / 2) & (usual > 0)[:, None]
    out[:, 1:-1] = peak & np.isin(months[1:-1], (6, 12))[None, :]
    return out


def quota_against_population(share_of_quota, share_of_population) -> np.ndarray:
    """Whether the quota is met while less than half of it, in share, holds for the population.

    Examples
    --------
    >>> quota_against_population([1.0, 1.0, 0.5], [0.2, 0.7, 0.1]).tolist()
    [True, False, False]
    """
    quota, people = np.asarray(share_of_quota, dtype=float), np.asarray(share_of_population, dtype=float)
    with np.errstate(invalid="ignore"):
        return (quota >= 1) & (people < quota / 2)


def _median(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    ordered = np.sort(np.where(known, values, np.inf), axis=1)
    n = known.sum(axis=1)
    low = np.take_along_axis(ordered, np.clip((n - 1) // 2, 0, None)[:, None], axis=1)[:, 0]
    high = np.take_along_axis(ordered, np.clip(n // 2, 0, values.shape[1] - 1)[:, None], axis=1)[:, 0]
    with np.errstate(invalid="ignore"):
        return np.where(n > 0, (low + high) / 2, np.nan)
