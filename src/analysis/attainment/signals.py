"""Is it a signal or noise? XmR charts by the NHS "Making Data Count" rules, P-prime for counts, limits around a trend.

All functions take blocks (n, T) with NaN where nothing was reported; gaps are closed up before the rules are applied,
as the rules count points, not periods. Nothing here is a probability of reaching a target.

References
----------
NHSRplotthedots (nhs-r-community), functions ``ptd_spc_standard`` and ``ptd_calculate_point_type``; its public issues
#171
(the direction of a trend decides its colour, not the side of the mean), #143 (two of three count only on one side) and
#172 (assurance uses the last rebased limits). Laney (2002), Quality Engineering 14(4): improved control charts.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.attainment import pace
from analysis.attainment.suspicions import WINDOW, suspicions
from analysis.attainment.world import World
from analysis.forecasting.panel import Panel
from analysis.forecasting.scales import inverse_logit

LIMIT = 2.66  # 3 / d2(2) with d2(2) = 1.128: mean moving range to three sigma
SCREEN = 3.267  # D4(2): moving ranges beyond this many mean ranges are left out once
RUN = 7  # points of a run or a trend
SIGMA = 1.128  # d2(2)
LEAST_ROWS = 10  # fewer series do not share a season that differs from noise
LEAST_POINTS = 8  # fewer points give limits nobody should act on
COLUMNS = ("unit", "indicator", "period", "signal", "rule", "value", "centre", "lower", "upper")
_OUTSIDE = ("above_limit", "below_limit", "two_of_three_above", "two_of_three_below")
TYPES = ("common_cause", "special_cause_improvement", "special_cause_concern")


@dataclass(frozen=True)
class Limits:
    """Centre line and process limits, shape (n,) or (n, T) where they follow a trend or a denominator."""

    centre: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def signals_table(world: World, *, denominators: pd.DataFrame | None = None) -> pd.DataFrame:
    """The last period's SPC signal of every unit and indicator, and the figures that need checking: `COLUMNS`.

    `signal` is ``special_cause_improvement`` or ``special_cause_concern`` (around the trend where there is one), or a
    code of :mod:`analysis.attainment.suspicions`; common cause is not listed. The `denominators` of counts show quotas
    that are met by a small part of the population.
    """
    better = world.better
    tables = [_special(name, panel, up=better.get(name) != "down") for name, panel in sorted(world.panels.items())]
    tables = [table for table in [*tables, *suspicions(world, denominators=denominators)] if len(table)]
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS))
    table = pd.concat(tables, ignore_index=True)[list(COLUMNS)]
    table = table.drop_duplicates(["unit", "indicator", "period", "signal", "rule"])
    return table.sort_values(["unit", "indicator", "signal", "rule"], kind="stable", ignore_index=True)


def _special(name: str, panel: Panel, *, up: bool) -> pd.DataFrame:
    """Special causes of the last observed period: around the trend of the last two years, season taken out.

    Shares are charted on the logit scale, counts that only grow by their growth. Without trend and season a share with
    its counts has a P-prime chart. Around a trend only points beyond the limits count: runs would find the bend of the
    line.
    """
    values, scaled, is_rate = panel.usable(), pace.scaled(panel), panel.kind == "rate"
    if panel.cumulative and panel.kind == "count":
        scaled = values = np.diff(values, axis=1, prepend=np.nan)
    seasonal = without_season(scaled, season_length=panel.season_length)
    charted = np.where(np.arange(panel.n_periods) >= panel.n_periods - WINDOW, seasonal, np.nan)
    limits, slope = around_trend(charted)
    rules = special_causes(charted, limits)
    rules = np.where((slope != 0)[:, None] & ~np.isin(rules, _OUTSIDE), "", rules)
    chart = np.where(slope != 0, "trend", "xmr").astype(object)
    if is_rate and panel.numerator is not None and panel.denominator is not None and seasonal is scaled:
        flat, known = slope == 0, np.isfinite(charted)
        counted = p_prime(np.where(known, panel.numerator, np.nan), np.where(known, panel.denominator, np.nan))
        own = special_causes(np.where(known, values, np.nan), counted)
        rules, chart = np.where(flat[:, None], own, rules), np.where(flat, "p_prime", chart)
        limits = Limits(*(np.where(flat[:, None], b, a) for a, b in zip(vars(limits).values(), vars(counted).values())))
    edges = {}
    for edge, block in vars(limits).items():  # as shares or counts again
        moved = block[:, -1] + (scaled[:, -1] - charted[:, -1])  # the season of this month back on
        shown = np.where(chart == "p_prime", block[:, -1], inverse_logit(moved))
        edges[edge] = shown if is_rate else moved
    table = {
        "unit": np.array(panel.units, dtype=object),
        "indicator": name,
        "period": panel.periods[-1],
        "signal": point_types(rules[:, -1], up=up),
        "rule": np.array([f"{one}:{two}" for one, two in zip(chart, rules[:, -1])], dtype=object),
        "value": values[:, -1],
        **edges,
    }
    known = np.isfinite(charted)
    return pd.DataFrame(table)[known[:, -1] & (known.sum(axis=1) >= LEAST_POINTS) & (rules[:, -1] != "")]


def compact(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Close up the gaps: observations to the left, NaN to the right; and the column each came from.

    >>> compact(np.array([[np.nan, 1.0, np.nan, 2.0]]))[0].tolist()
    [[1.0, 2.0, nan, nan]]
    """
    order = np.argsort(~np.isfinite(values), axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1), order


def mean_moving_range(values: np.ndarray, *, screen: bool) -> np.ndarray:
    """Mean absolute difference of neighbours in closed-up rows, shape (n,); outlying ranges left out once if `screen`.

    >>> mean_moving_range(np.array([[0.0, 1.0, 0.0, 1.0, 0.0, 9.0]]), screen=True).tolist()   # 9 > 3.267 x 13/5
    [1.0]
    """
    ranges = np.abs(np.diff(values, axis=1))
    mean = _mean(ranges)
    if not screen:
        return mean
    with np.errstate(invalid="ignore"):
        inside = np.where(ranges < SCREEN * mean[:, None], ranges, np.nan)
    return np.where(mean == 0, 0.0, _mean(inside))


def xmr(values: np.ndarray, *, screen: bool = True) -> Limits:
    """Limits of an XmR chart: mean plus or minus 2.66 mean moving ranges.

    `values` (n, T) are one rebased stretch; `screen` as NHSRplotthedots does, not as the Excel tool. Shape (n,).
    """
    closed, _ = compact(values)
    centre, spread = _mean(closed), LIMIT * mean_moving_range(closed, screen=screen)
    return Limits(centre, centre - spread, centre + spread)


def special_causes(values: np.ndarray, limits: Limits) -> np.ndarray:
    """Rule that makes each point a special cause, shape (n, T): "" for common cause.

    In this order: ``above_limit`` / ``below_limit``; ``rising`` / ``falling`` (seven points in one direction);
    ``two_of_three_above`` / ``_below`` (beyond two sigma, all three on one side); ``seven_above`` / ``seven_below``.
    """
    closed, order = compact(values)
    centre, lower, upper = (_aligned(one, order) for one in vars(limits).values())
    with np.errstate(invalid="ignore"):
        side = np.nan_to_num(np.sign(closed - centre))
        outside = (closed > upper) | (closed < lower)
        close = ~outside & ((closed > centre + 2 / 3 * (upper - centre)) | (closed < centre - 2 / 3 * (centre - lower)))
    step = np.nan_to_num(np.sign(np.diff(closed, axis=1)))
    in_trend = _covered(_runs(step, RUN - 1), RUN, width=closed.shape[1])
    in_run = _covered(_runs(side, RUN), RUN, width=closed.shape[1])
    in_three = _two_of_three(close, side) & close
    found = np.full(closed.shape, "", dtype=object)
    above = side > 0
    for mask, up, down in (
        (in_run, "seven_above", "seven_below"),
        (in_three, "two_of_three_above", "two_of_three_below"),
    ):
        found[mask & above] = up
        found[mask & ~above] = down
    rising = _trend_direction(in_trend, step) > 0
    found[in_trend & rising], found[in_trend & ~rising] = "rising", "falling"
    found[outside & above], found[outside & ~above] = "above_limit", "below_limit"
    found[~np.isfinite(closed)] = ""
    out = np.full(values.shape, "", dtype=object)
    np.put_along_axis(out, order, found, axis=1)
    return out


def point_types(rules: np.ndarray, *, up: bool) -> np.ndarray:
    """Improvement, concern or common cause, from the rule and the direction that is better.

    >>> point_types(np.array(["rising", "seven_below", ""]), up=False).tolist()
    ['special_cause_concern', 'special_cause_improvement', 'common_cause']
    """
    high = np.isin(rules, ["above_limit", "rising", "two_of_three_above", "seven_above"])
    better = high if up else ~high
    return np.where(rules == "", TYPES[0], np.where(better, TYPES[1], TYPES[2]))


def assurance(limits: Limits, *, target, up: bool) -> np.ndarray:
    """The NHS rule: target beyond the limits means it is consistently failed or passed, else "inconsistent".

    `limits` (n,) are those of the last rebased stretch (issue #172).

    >>> three = Limits(np.array([2.0, 6.0, 4.0]), np.array([1.0, 5.0, 1.0]), np.array([3.0, 7.0, 5.0]))
    >>> assurance(three, target=4.0, up=True).tolist()
    ['consistent_fail', 'consistent_pass', 'inconsistent']
    """
    target = np.broadcast_to(np.asarray(target, dtype=float), limits.centre.shape)
    with np.errstate(invalid="ignore"):
        over, under = target > limits.upper, target < limits.lower
    fail, good = ("consistent_fail", "consistent_pass") if up else ("consistent_pass", "consistent_fail")
    out = np.where(over, fail, np.where(under, good, "inconsistent")).astype(object)
    out[np.isnan(limits.centre) | np.isnan(limits.upper) | np.isnan(target)] = ""
    return out


def p_prime(numerator: np.ndarray, denominator: np.ndarray) -> Limits:
    """Laney's P-prime limits: binomial limits widened by the over-dispersion between periods.

    Shape (n, T), within 0..1; NaN where the denominator is missing or fewer than two points are known.
    """
    known = np.isfinite(numerator) & np.isfinite(denominator) & (denominator > 0)
    top, bottom = np.where(known, numerator, np.nan), np.where(known, denominator, np.nan)
    with np.errstate(all="ignore"):
        centre = np.nansum(top, axis=1) / np.nansum(bottom, axis=1)
        sigma = np.sqrt(centre * (1 - centre))[:, None] / np.sqrt(bottom)
        z = (top / bottom - centre[:, None]) / sigma
        z = np.where(sigma == 0, 0.0, z)
    z[~known] = np.nan
    widening = mean_moving_range(compact(z)[0], screen=False) / SIGMA
    reach = 3 * sigma * widening[:, None]
    middle = np.broadcast_to(centre[:, None], reach.shape)
    return Limits(middle, np.clip(middle - reach, 0, 1), np.clip(middle + reach, 0, 1))


def around_trend(values: np.ndarray) -> tuple[Limits, np.ndarray]:
    """Limits that follow each row's straight line, where it has one, and the slope (0 where it has none).

    A row has a trend when its least-squares slope is more than three of its standard errors from 0, the noise taken
    from the moving ranges and the spread of the residuals. Its limits are 2.66 mean moving ranges of the residuals
    away, or three of their standard deviations where that is more (residuals of a bent curve move together, and their
    ranges are too small). Without a trend the limits are those of :func:`xmr`.
    """
    x = np.broadcast_to(np.arange(values.shape[1], dtype=float), values.shape)
    known = np.isfinite(values)
    with np.errstate(all="ignore"):
        middle = _mean(np.where(known, x, np.nan))[:, None]
        away = np.where(known, x - middle, 0.0)
        size = (away**2).sum(axis=1)
        slope = (away * np.where(known, values, 0.0)).sum(axis=1) / size
        line = _mean(values)[:, None] + slope[:, None] * (x - middle)
        rest = np.where(known, values - line, np.nan)
        spread = mean_moving_range(compact(rest)[0], screen=True)
        n = known.sum(axis=1)
        deviation = np.sqrt(_mean(rest**2) * n / np.maximum(n - 2, 1))
        has = (np.abs(slope) > 3 * np.maximum(spread / SIGMA, deviation) / np.sqrt(size)) & (n >= 6)
    flat = xmr(values)
    centre = np.where(has[:, None], line, flat.centre[:, None])
    reach = np.where(has, np.maximum(LIMIT * spread, 3 * deviation), flat.upper - flat.centre)[:, None]
    return Limits(centre, centre - reach, centre + reach), np.where(has, slope, 0.0)


def without_season(values: np.ndarray, *, season_length: int) -> np.ndarray:
    """Values less the profile of the year that all rows share; unchanged where the history is too short to know it.

    The profile is the median, over rows and years, of the difference to the centred moving mean over a season.
    """
    n, width = values.shape
    if season_length < 2 or width < 2 * season_length or n < LEAST_ROWS:
        return values
    half = season_length // 2
    level = np.full(values.shape, np.nan)
    view = np.lib.stride_tricks.sliding_window_view(values, 2 * half + 1, axis=1)
    weight = np.ones(2 * half + 1)
    weight[[0, -1]] = 0.5 if season_length % 2 == 0 else 1.0
    level[:, half : width - half] = (view * weight).sum(axis=2) / weight.sum()
    rest = values - level
    profile = np.zeros(season_length)
    for phase in range(season_length):
        own = rest[:, phase::season_length]
        own = own[np.isfinite(own)]
        profile[phase] = np.median(own) if len(own) else 0.0
    profile -= profile.mean()
    return values - np.resize(profile, width)[None, :]


def _mean(values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings(action="ignore"):  # of rows without a figure
        return np.nanmean(values, axis=1)


def _aligned(limit: np.ndarray, order: np.ndarray) -> np.ndarray:
    return limit[:, None] if limit.ndim == 1 else np.take_along_axis(limit, order, axis=1)


def _runs(sign: np.ndarray, length: int) -> np.ndarray:
    """Whether a run of `length` equal non-zero signs begins at each column, shape (n, T - length + 1)."""
    if sign.shape[1] < length:
        return np.zeros((sign.shape[0], 0), dtype=bool)
    windows = np.lib.stride_tricks.sliding_window_view(sign, length, axis=1)
    return (np.abs(windows.sum(axis=2)) == length) & (windows[:, :, 0] != 0)


def _covered(starts: np.ndarray, length: int, *, width: int) -> np.ndarray:
    """Columns of `width` covered by stretches of `length` that begin at `starts`."""
    out = np.zeros((starts.shape[0], width), dtype=bool)
    for shift in range(length if starts.shape[1] else 0):
        out[:, shift : shift + starts.shape[1]] |= starts
    return out


def _two_of_three(close: np.ndarray, side: np.ndarray) -> np.ndarray:
    if close.shape[1] < 3:
        return np.zeros(close.shape, dtype=bool)
    view = np.lib.stride_tricks.sliding_window_view
    starts = (view(close, 3, axis=1).sum(axis=2) >= 2) & (np.abs(view(side, 3, axis=1).sum(axis=2)) == 3)
    return _covered(starts, 3, width=close.shape[1])


def _trend_direction(in_trend: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Step to the right where the next point is in a trend too, else the step from the left (issue #171)."""
    left = np.concatenate([np.zeros((len(step), 1)), step], axis=1)
    right = np.concatenate([step, step[:, -1:] if step.shape[1] else np.zeros((len(step), 1))], axis=1)
    next_in = np.concatenate([in_trend[:, 1:], np.zeros((len(in_trend), 1), dtype=bool)], axis=1)
    return np.where(in_trend & next_in, right, left)
