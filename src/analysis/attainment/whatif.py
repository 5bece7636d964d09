"""What if? A lever moves the forecast, and the probability is read again. Scenarios are labelled and never mixed in.

``gap_tenth``          a tenth of today's gap is closed on top of the forecast
``best_quarter``       from today on at the pace that the best quarter of comparable units keep
``points_per_period``  the share rises (falls, for "at most") by so much a period more than forecast: an analyst's own
``weakest_at_median``  the weakest sub-units are at their siblings' median at the deadline; the rest as forecast
``component_at_90``    a component of a score is at 90 % of its points (:mod:`analysis.attainment.events.composite`)

Every lever moves the forecast on the modelling scale, so that no share leaves its bounds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.attainment import pace
from analysis.attainment.compare import p_meets_threshold
from analysis.attainment.events.level import calibrated
from analysis.attainment.measures import QUANTILES, quantiles
from analysis.attainment.rollup import part_rows, weights_of
from analysis.attainment.world import Case, World
from analysis.forecasting.panel import last_observed

LEAST_PEERS = 4  # comparable units below which there is no best quarter
KINDS = ("level_at", "cumulative_count", "coverage_all", "relative_change")


def scenarios(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """Scenario rows of all promises on one share.

    `frame` holds judged rows; settled ones have no scenario.
    """
    tables = []
    for case in world.cases:
        if case.target.kind in KINDS and _can(case):
            own = frame[frame["target"] == case.target.target].set_index("unit").loc[list(case.units)]
            tables += [lever(case, own) for lever in (_tenth, _best_quarter, _steady, _weakest)]
    tables = [one for one in tables if len(one)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _can(case: Case) -> bool:
    if case.panel is None or case.panel.kind != "rate" or case.horizon is None or np.isfinite(case.upper):
        return False
    return case.horizon > 0 and not case.lacks_forecast(case.horizon)


def shifted(case: Case, own: pd.DataFrame, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability and median when the forecast for the deadline lies `shift` higher on the modelling scale.

    Calibration is that of the target itself.
    """
    everyone = np.zeros(case.panel.n_units)
    everyone[case.rows[case.rows >= 0]] = np.nan_to_num(shift)[case.rows >= 0]
    mean = case.predictive.mean.copy()
    mean[:, case.horizon - 1] += everyone
    moved, thresholds = replace(case.predictive, mean=mean), case.spread(own["threshold"].to_numpy(dtype=float))
    raw = p_meets_threshold(moved, operator=case.operator, threshold=thresholds, horizon=case.horizon)
    p, _ = calibrated(raw, case, thresholds)
    floor = case.options.p_floor
    median = case.pick(moved.quantiles([0.5])[:, case.horizon - 1, 0])
    return np.clip(case.pick(p), floor, 1 - floor), median


def _shift_of(case: Case, own: pd.DataFrame, gain: np.ndarray) -> np.ndarray:
    """How far the modelling scale moves when the median at the deadline is `gain` better, within its bounds."""
    scale, rows = case.predictive.scale, np.clip(case.rows, 0, None)
    scale = scale.rows(rows)
    middle = own["predicted_median"].to_numpy(dtype=float)
    goal = np.clip(middle + (gain if case.up else -gain), scale.lower, scale.upper)
    return np.where(case.rows >= 0, scale.forward(goal) - scale.forward(middle), np.nan)


def _steady(case: Case, own: pd.DataFrame) -> pd.DataFrame:
    points = case.options.scenario_points
    if points is None:
        return pd.DataFrame()
    scenario = f"points_per_period:{'+' if case.up else '-'}{points:g}"
    return _table(case, own, scenario, shift=_shift_of(case, own, np.full(len(own), points * case.horizon)))


def _tenth(case: Case, own: pd.DataFrame) -> pd.DataFrame:
    """A tenth of today's gap more than forecast, where there is a gap."""
    gap = own["gap"].to_numpy(dtype=float)
    table = _table(case, own, "gap_tenth", shift=_shift_of(case, own, np.clip(np.nan_to_num(gap), 0, None) / 10))
    return table[table["unit"].isin(own.index[gap > 0])]


def _best_quarter(case: Case, own: pd.DataFrame) -> pd.DataFrame:
    """Today's figure, and from there the pace that a quarter of the comparable units keep or surpass.

    Paces are compared on the modelling scale, where at least four units can be; only where it is faster than forecast.
    """
    scaled = case.predictive.scale.forward(case.panel.usable())
    window = max(case.options.pace_window, case.panel.season_length)
    sign = 1.0 if case.up else -1.0
    paces, last = sign * pace.actual_pace(scaled, window=window), last_observed(scaled)
    group = case.world.group_of
    groups = np.array([group.get(one, "") for one in case.panel.units])
    best = np.full(len(paces), np.nan)
    for one in np.unique(groups):
        mine = (groups == one) & np.isfinite(paces)
        if mine.sum() >= LEAST_PEERS:
            best[groups == one] = np.quantile(paces[mine], 0.75)
    left = case.panel.n_periods - 1 - last + case.horizon
    goal = scaled[np.arange(len(best)), np.clip(last, 0, None)] + sign * best * left
    shift = case.pick(goal - case.predictive.mean[:, case.horizon - 1])
    faster = np.isfinite(shift) & (sign * shift > 0)
    table = _table(case, own, "best_quarter", shift=np.where(faster, shift, 0.0))
    return table[table["unit"].isin(own.index[faster])]


def _weakest(case: Case, own: pd.DataFrame) -> pd.DataFrame:
    """Lift the weakest sub-units of every parent to the median of their siblings' forecasts."""
    middle = quantiles(case)[:, case.horizon - 1, QUANTILES.index(0.5)]
    gain = np.full(len(own), np.nan)
    for at, unit in enumerate(case.units):
        rows = part_rows(case, unit)
        rows = rows[np.isfinite(middle[rows])]
        if len(rows) <= case.options.weakest:
            continue
        weights = weights_of(case.panel, rows)
        if np.isfinite(weights).all():  # shares without their denominators are never averaged
            gain[at] = lift(middle[rows], weights=weights, weakest=case.options.weakest, up=case.up)
    lifted = np.isfinite(gain)
    if not lifted.any():
        return pd.DataFrame()
    shift = _shift_of(case, own, np.nan_to_num(gain))
    table = _table(case, own, f"weakest_at_median:{case.options.weakest}", shift=shift)
    return table[table["unit"].isin(np.array(case.units, dtype=object)[lifted])]


def lift(values: np.ndarray, *, weights: np.ndarray, weakest: int, up: bool) -> float:
    """By how much the weighted mean moves when the weakest values rise to the median of all.

    >>> lift(np.array([0.2, 0.4, 0.6]), weights=np.array([100.0, 100.0, 200.0]), weakest=1, up=True)   # 100 x 0.2 / 400
    0.05
    """
    middle = np.median(values)
    worst = np.argsort(values if up else -values, kind="stable")[:weakest]
    moved = np.clip(middle - values[worst] if up else values[worst] - middle, 0, None)
    return float((weights[worst] * moved).sum() / weights.sum())


def _table(case: Case, own: pd.DataFrame, scenario: str, *, shift: np.ndarray) -> pd.DataFrame:
    p, median = shifted(case, own, shift)
    about = {"unit": list(case.units), "target": case.target.target, "scenario": scenario}
    is_open = (~own["settled"].to_numpy(dtype=bool)) & np.isfinite(own["p_attain"].to_numpy(dtype=float))
    return pd.DataFrame({**about, "p_attain": p, "predicted_median": median})[is_open]
