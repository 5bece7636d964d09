"""Figures that need checking, said without accusing: nothing here says that somebody did something wrong.

================== =================================================================================================
heaping            far more units just on the good side of a target than on the other, in the present period
end_of_period      the last month of a half-year is far above its neighbours, and falls back after it
denominator_drop   the denominator is far below what it usually was: a share can rise without one more case
level_jump         the level changes from one period to the next and stays
quota_population   the assigned quota is met while only a small part of the population is
================== =================================================================================================
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy.special import bdtrc

from analysis.attainment import pace
from analysis.attainment.measures import observed_at
from analysis.attainment.world import Case, World
from analysis.forecasting.panel import Panel
from analysis.words.periods import frequency_of

BAND = 0.02  # width of the widest strip on each side of a target: two points
LEAST_NEAR = 6  # units near a target below which nothing is said
HEAPING_P = 0.01
FLIP = 0.6745  # median absolute deviation of a normal distribution, in standard deviations
JUMP = 6.0  # robust standard deviations
STAYS = 3  # periods on each side
DROP = 0.7
USUAL = 12
SURGE = 4.0
LEVEL_KINDS = ("level_at", "cumulative_count", "coverage_all", "relative_change", "sustained_from")
WINDOW = 24  # periods looked at: an older level says little about this month
LEAST_JUMP = 0.05  # a share that jumps by less is no level jump, however quiet it was before


def suspicions(world: World, *, denominators: pd.DataFrame | None) -> list[pd.DataFrame]:
    """Tables of the figures that need checking, with the columns of the signals."""
    tables = [one for name, panel in sorted(world.panels.items()) for one in _of_panel(name, panel)]
    tables += [_heaping(case) for case in world.cases if case.target.kind in LEVEL_KINDS]
    return tables if denominators is None else [*tables, _quotas(world, denominators)]


def _of_panel(name: str, panel: Panel) -> list[pd.DataFrame]:
    """Level jumps, falling denominators and end-of-period surges of one indicator, of the last two years.

    A place jumps when others move: ranks are not looked at.
    """
    if panel.kind == "rank":
        return []
    values, scaled, oldest = panel.usable(), pace.scaled(panel), panel.n_periods - WINDOW
    jumps = level_jumps(scaled)
    if panel.kind == "rate":
        at = (np.arange(panel.n_units), np.clip(jumps, 0, None))
        step = np.abs(values[at] - values[at[0], np.clip(jumps - 1, 0, None)])
        jumps = np.where(step >= LEAST_JUMP, jumps, -1)
    tables = [_flag(name, panel, np.where(jumps >= oldest, jumps, -1), "level_jump")]
    if panel.denominator is not None:
        column = np.where(denominator_drops(panel.denominator), panel.n_periods - 1, -1)
        tables.append(_flag(name, panel, column, "denominator_drop", value=panel.denominator))
    if frequency_of(panel.periods[0]) == "M":
        months = np.array([int(one[-2:]) for one in panel.periods])
        surges = end_of_period_surges(scaled, months=months)
        column = np.where(surges.any(axis=1), panel.n_periods - 1 - np.argmax(surges[:, ::-1], axis=1), -1)
        tables.append(_flag(name, panel, np.where(column >= oldest, column, -1), "end_of_period"))
    return tables


def _flag(name: str, panel: Panel, column: np.ndarray, signal: str, *, value: np.ndarray | None = None) -> pd.DataFrame:
    value = panel.values if value is None else value
    rows = np.flatnonzero(column >= 0)
    return pd.DataFrame(
        {
            "unit": np.array(panel.units, dtype=object)[rows],
            "indicator": name,
            "period": np.array(panel.periods, dtype=object)[column[rows]],
            "signal": signal,
            "rule": "",
            "value": value[rows, column[rows]],
            "centre": np.nan,
            "lower": np.nan,
            "upper": np.nan,
        }
    )


def _heaping(case: Case) -> pd.DataFrame:
    """Units just on the good side of a target that has too many of them there."""
    thresholds = case.thresholds[np.isfinite(case.thresholds)]
    if case.panel is None or case.panel.kind != "rate" or not len(thresholds) or np.ptp(thresholds) > 0:
        return pd.DataFrame()
    if case.target.reading not in (None, "each_period"):  # one month is not what the promise reads
        return pd.DataFrame()
    values, counts = observed_at(case, 0)
    flagged, _ = heaping(values, threshold=float(thresholds[0]), up=case.up, denominator=counts.get("denominator"))
    column = np.full(case.panel.n_units, -1)
    column[case.rows[flagged & (case.rows >= 0)]] = case.panel.n_periods - 1
    return _flag(case.target.indicator, case.panel, column, "heaping").assign(rule=case.target.target)


def _quotas(world: World, denominators: pd.DataFrame) -> pd.DataFrame:
    """Quotas that are met while only a small part of the population is."""
    odd = denominators[quota_against_population(denominators["share_of_quota"], denominators["share_of_population"])]
    indicator = {one.target: one.indicator for one in world.targets}
    ends = {name: panel.periods[-1] for name, panel in world.panels.items()}
    named = odd["target"].map(indicator)
    return pd.DataFrame(
        {
            "unit": odd["unit"],
            "indicator": named,
            "period": named.map(ends),
            "signal": "quota_population",
            "rule": odd["target"],
            "value": odd["share_of_quota"],
            "centre": odd["share_of_population"],
            "lower": np.nan,
            "upper": np.nan,
        }
    )


def heaping(values, *, threshold: float, up: bool, denominator=None) -> tuple[np.ndarray, float]:
    """Units just on the good side of the target when there are too many of them for chance, and the p value.

    The band is at most `BAND`, a tenth of the way from the target to the nearer bound, and half the units' spread. In
    it there must be more units than in the band on the other side of the target, and more than in the next band on
    the same side: a density that only rises or falls through the target is no heap. Shares of few cases are compared
    by whole cases, so that both sides hold as many possible values.

    The p value, the larger of the two, is 1 where fewer than six units are near.

    >>> heaping([0.801] * 12 + [0.79], threshold=0.8, up=True)[1] < 0.01
    True
    """
    values = np.asarray(values, dtype=float)
    if np.isfinite(values).sum() < LEAST_NEAR:
        return np.zeros(len(values), dtype=bool), 1.0
    sign = 1.0 if up else -1.0
    distance = sign * (values - threshold)
    if denominator is not None:
        n = np.asarray(denominator, dtype=float)
        with np.errstate(all="ignore"):
            first = np.ceil(threshold * n - 1e-9) if up else np.floor(threshold * n + 1e-9)  # the last good count
            distance = np.where(n > 0, (sign * (np.rint(values * n) - first) + 0.5) / n, np.nan)
    band = min(BAND, min(threshold, 1 - threshold) / 10, float(np.nanstd(values)) / 2)
    with np.errstate(invalid="ignore"):
        above = (distance >= 0) & (distance < band)
        below, beyond = (distance < 0) & (distance >= -band), (distance >= band) & (distance < 2 * band)
    n_above = int(above.sum())
    if n_above + below.sum() < LEAST_NEAR:
        return np.zeros(len(values), dtype=bool), 1.0
    # of so many in two bands, so many in this one, or more
    p_value = max(float(bdtrc(n_above - 1, n_above + int(other.sum()), 0.5)) for other in (below, beyond))
    return above & (p_value < HEAPING_P), p_value


def level_jumps(values: np.ndarray) -> np.ndarray:
    """Column at which each row's level jumps and stays, -1 where it does not; shape (n,).

    Both the step itself and the difference between the medians of three periods before and after are larger than `JUMP`
    robust standard deviations of the row's usual changes; of several such columns the one with the largest.

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
    """Columns (June or December) that are far above the month before and fall back, as a mask of shape (n, T).

    `values` (n, T) are monthly, `months` (T,) 1 to 12.
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

    >>> quota_against_population([1.0, 1.0, 0.5], [0.2, 0.7, 0.1]).tolist()
    [True, False, False]
    """
    quota, people = np.asarray(share_of_quota, dtype=float), np.asarray(share_of_population, dtype=float)
    with np.errstate(invalid="ignore"):
        return (quota >= 1) & (people < quota / 2)


def _median(values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings(action="ignore"):  # of rows without a figure
        return np.nanmedian(values, axis=1)
