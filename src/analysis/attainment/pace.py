"""How fast must a unit move, how fast does it move, and how often did any unit ever move that fast?

A pace is a change per period: in the indicator's own unit for the reader, on the logit scale for comparison (half a
point at 95 % is harder than at 50 %), and in cases of the numerator. Positive always means towards the target.
"""

from __future__ import annotations

import numpy as np

from analysis.forecasting.panel import Panel, last_observed
from analysis.forecasting.scales import logit

_LEAST = 0.0005  # where neither counts nor a published step are known, 0 % and 100 % are read as 0.05 % and 99.95 %


def scaled(panel: Panel) -> np.ndarray:
    """Usable values of a panel on the scale where paces are compared, see :func:`on_scale`."""
    return on_scale(panel.usable(), kind=panel.kind, denominator=panel.denominator, resolution=panel.resolution)


def on_scale(values, *, kind: str, denominator=None, resolution: float | None = None) -> np.ndarray:
    """Values on the scale where paces are compared: logit for shares, as they are otherwise.

    A share of 0 or 1 has no logit; ``(k + 0.5) / (n + 1)`` is used where n is known, else half the published step.

    >>> on_scale([0.5, 1.0], kind="rate", denominator=[9, 9]).round(3).tolist()   # log(9.5 / 0.5)
    [0.0, 2.944]
    """
    values = np.asarray(values, dtype=float)
    if kind != "rate":
        return values
    least = resolution / 2 if resolution and np.isfinite(resolution) else _LEAST
    share = np.clip(values, least, 1 - least)
    if denominator is not None:
        n = np.broadcast_to(np.asarray(denominator, dtype=float), values.shape)
        share = np.where(n > 0, (np.clip(values, 0, 1) * n + 0.5) / (n + 1), share)
    with np.errstate(invalid="ignore"):
        return logit(share)


def actual_pace(values: np.ndarray, *, window: int) -> np.ndarray:
    """Least-squares slope of each row over its last `window` periods that end in an observation.

    NaN with fewer than two observations in the window.

    >>> actual_pace(np.array([[9.0, 1.0, 2.0, np.nan, 4.0]]), window=3).tolist()
    [1.0]
    """
    last = last_observed(values)
    columns = last[:, None] + np.arange(-window, 1)
    inside = (columns >= 0) & (last >= 0)[:, None]
    y = np.where(inside, np.take_along_axis(values, np.clip(columns, 0, None), axis=1), np.nan)
    known = np.isfinite(y)
    n = known.sum(axis=1)
    x = np.where(known, np.arange(-window, 1.0), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = np.where(known, x - (x.sum(axis=1) / n)[:, None], 0.0)
        slope = (centred * np.where(known, y, 0.0)).sum(axis=1) / (centred**2).sum(axis=1)
    return np.where(n >= 2, slope, np.nan)


def required_pace(current, *, threshold, horizon) -> np.ndarray:
    """Even change per period that leads from `current` to `threshold` in `horizon` periods; NaN when none is left.

    >>> required_pace([0.6], threshold=0.8, horizon=10).round(6).tolist()
    [0.02]
    """
    horizon = np.asarray(horizon, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(
            horizon > 0, (np.asarray(threshold, dtype=float) - np.asarray(current, dtype=float)) / horizon, np.nan
        )


def window_length(*, horizon: int, n_periods: int, season_length: int, pace_window: int) -> int:
    """Length of the windows compared: `pace_window`, or whole seasons, never beyond half of the history.

    >>> window_length(horizon=10, n_periods=36, season_length=1, pace_window=6)
    6
    >>> window_length(horizon=10, n_periods=36, season_length=12, pace_window=6)
    12
    """
    longest = max(1, n_periods // 2)
    if season_length > 1:
        return min(longest, season_length)
    return max(1, min(pace_window, longest, max(1, horizon)))


def share_that_kept(scaled: np.ndarray, *, required, window: int, up: bool) -> np.ndarray:
    """Share of all unit-windows whose pace was at least the required one ("3 % of units in any 6 months").

    `scaled` (n, T) are all units on the scale of :func:`on_scale`, `required` (m,) is a change per period on it. NaN
    where there is no window or no requirement.

    >>> share_that_kept(np.array([[0.0, 1.0, 3.0]]), required=[1.5], window=1, up=True).tolist()   # windows +1 and +2
    [0.5]
    """
    paces, required = _towards(scaled, required, window=window, up=up)
    return _share_at_least(np.sort(paces[np.isfinite(paces)]), required)


def _towards(scaled: np.ndarray, required, *, window: int, up: bool) -> tuple[np.ndarray, np.ndarray]:
    """Paces over every window, shape (n, T - window), and the required ones, both positive where things get better."""
    sign = 1.0 if up else -1.0
    n_windows = max(scaled.shape[1] - window, 0)
    paces = sign * (scaled[:, scaled.shape[1] - n_windows :] - scaled[:, :n_windows]) / window
    return paces, sign * np.asarray(required, dtype=float)


def _share_at_least(paces: np.ndarray, required: np.ndarray) -> np.ndarray:
    """Share of sorted paces that are at least as large as each required one, a rounding error apart."""
    if not len(paces):
        return np.full(required.shape, np.nan)
    tiny = 1e-12 * np.maximum(1, np.abs(required))
    kept = 1 - np.searchsorted(paces, required - tiny, side="left") / len(paces)
    return np.where(np.isfinite(required), kept, np.nan)


def units_that_kept(scaled: np.ndarray, *, required, window: int, up: bool) -> np.ndarray:
    """Share of units that ever kept the required pace over a window, of those with a window at all.

    Arguments as of :func:`share_that_kept`.

    >>> units_that_kept(np.array([[0.0, 1.0, 3.0], [0.0, 1.0, 1.0]]), required=[1.5], window=1, up=True).tolist()
    [0.5]
    """
    paces, required = _towards(scaled, required, window=window, up=up)
    known = np.isfinite(paces)
    best = np.sort(np.where(known, paces, -np.inf).max(axis=1, initial=-np.inf)[known.any(axis=1)])
    return _share_at_least(best, required)
