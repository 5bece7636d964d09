"""What if? A lever moves the forecast, and the probability is read again. Scenarios are labelled and never mixed in.

``points_per_period``  the share rises (falls, for "at most") by so much a period more than forecast
``weakest_at_median``  the weakest sub-units are at their siblings' median at the deadline; the rest as forecast
``component_at_90``    a component of a score is at 90 % of its points (:mod:`analysis.attainment.events.composite`)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment.compare import p_meets_threshold
from analysis.attainment.events.level import calibrated
from analysis.attainment.measures import QUANTILES, quantiles
from analysis.attainment.rollup import part_rows, weights_of
from analysis.attainment.world import Case, World

KINDS = ("level_at", "cumulative_count", "coverage_all", "relative_change")


def scenarios(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """Scenario rows of all promises on one share.

    `frame` holds judged rows; settled ones have no scenario.
    """
    tables = []
    for case in world.cases:
        if case.target.kind in KINDS and _can(case):
            own = frame[frame["target"] == case.target.target].set_index("unit").loc[list(case.units)]
            tables += [_steady(case, own), _weakest(case, own)]
    tables = [one for one in tables if len(one)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _can(case: Case) -> bool:
    if case.panel is None or case.panel.kind != "rate" or case.horizon is None or np.isfinite(case.upper):
        return False
    return case.horizon > 0 and not case.lacks_forecast(case.horizon)


def shifted(case: Case, own: pd.DataFrame, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability and median when the share at the deadline is `gain` better than forecast.

    The forecast's distribution is moved as a whole: ``P(x + gain >= t) = P(x >= t - gain)``; calibration is that of the
    target itself.
    """
    gain = gain if case.up else -gain
    threshold = own["threshold"].to_numpy(dtype=float)
    moved = case.spread(threshold - gain)
    raw = p_meets_threshold(case.predictive, operator=case.operator, threshold=moved, horizon=case.horizon)
    p, _ = calibrated(raw, case, case.spread(threshold))
    floor = case.options.p_floor
    median = np.clip(own["predicted_median"].to_numpy(dtype=float) + gain, 0, 1)
    return np.clip(case.pick(p), floor, 1 - floor), median


def _steady(case: Case, own: pd.DataFrame) -> pd.DataFrame:
    points = case.options.scenario_points
    scenario = f"points_per_period:{'+' if case.up else '-'}{points:g}"
    return _table(case, own, scenario, gain=np.full(len(own), points * case.horizon))


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
    table = _table(case, own, f"weakest_at_median:{case.options.weakest}", gain=np.nan_to_num(gain))
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


def _table(case: Case, own: pd.DataFrame, scenario: str, *, gain: np.ndarray) -> pd.DataFrame:
    p, median = shifted(case, own, gain)
    about = {"unit": list(case.units), "target": case.target.target, "scenario": scenario}
    is_open = (~own["settled"].to_numpy(dtype=bool)) & np.isfinite(own["p_attain"].to_numpy(dtype=float))
    return pd.DataFrame({**about, "p_attain": p, "predicted_median": median})[is_open]
