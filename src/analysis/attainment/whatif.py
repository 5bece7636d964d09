"""What if? A lever moves the forecast, and the probability is read again. Scenarios are labelled and never mixed in.

``points_per_period``  the share rises (falls, for "at most") by so much a period more than forecast
``weakest_at_median``  the weakest sub-units stand at their siblings' median at the deadline; the rest as forecast
``component_at_90``    a component of a score stands at 90 % of its points (:mod:`analysis.attainment.events.composite`)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment.compare import at_least, p_holds
from analysis.attainment.events.level import calibrated
from analysis.attainment.measures import QUANTILES
from analysis.attainment.rollup import weights_of
from analysis.attainment.world import Case, World

KINDS = ("level_at", "cumulative_count", "coverage_all", "relative_change")


def scenarios(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """Scenario rows of all promises on one share.

    Parameters
    ----------
    frame : DataFrame
        Judged rows: unit, target, threshold, settled, predicted_median.
    world : World

    Returns
    -------
    DataFrame
        unit, target, scenario, p_attain, predicted_median; settled rows have none.
    """
    tables = []
    for promise in world.promises:
        case = world.case(promise)
        if promise.kind not in KINDS or not _can(case):
            continue
        own = frame[(frame["target"] == promise.target)].set_index("unit").loc[list(case.units)]
        tables += [_steady(case, own), _weakest(case, own)]
    tables = [one for one in tables if len(one)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _can(case: Case) -> bool:
    if case.panel is None or case.panel.kind != "rate" or case.predictive is None or case.horizon is None:
        return False
    return 0 < case.horizon <= case.predictive.horizon and not np.isfinite(case.promise.upper)


def shifted(case: Case, own: pd.DataFrame, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability and median when the share at the deadline is `gain` better than forecast.

    The forecast's distribution is moved as a whole: ``P(x + gain >= t) = P(x >= t - gain)``; calibration is that of the
    promise itself.
    """
    sign = 1.0 if at_least(case.promise.operator) else -1.0
    threshold = own["threshold"].to_numpy(dtype=float)
    moved = case.spread(threshold - sign * gain)
    raw = p_holds(case.predictive, operator=case.promise.operator, threshold=moved, horizon=case.horizon)
    p, _ = calibrated(raw, case, case.spread(threshold))
    floor = case.options.p_floor
    median = np.clip(own["predicted_median"].to_numpy(dtype=float) + sign * gain, 0, 1)
    return np.clip(case.pick(p), floor, 1 - floor), median


def _steady(case: Case, own: pd.DataFrame) -> pd.DataFrame:
    points = case.options.scenario_points
    p, median = shifted(case, own, np.full(len(own), points * case.horizon))
    sign = "+" if at_least(case.promise.operator) else "-"
    return _table(case, own, f"points_per_period:{sign}{points:g}", p, median)


def _weakest(case: Case, own: pd.DataFrame) -> pd.DataFrame:
    """Lift the weakest sub-units of every parent to the median of their siblings' forecasts."""
    parts = case.world.parts()
    index = {unit: row for row, unit in enumerate(case.panel.units)}
    middle = _medians(case)
    gain, lifted = np.zeros(len(own)), np.zeros(len(own), dtype=bool)
    for at, unit in enumerate(case.units):
        rows = np.array([index[one] for one in parts.get(unit, ()) if one in index], dtype=int)
        rows = rows[np.isfinite(middle[rows])] if len(rows) else rows
        if len(rows) <= case.options.weakest:
            continue
        weights = weights_of(case.panel, rows)
        if np.isnan(weights).any():  # shares without their denominators are never averaged
            continue
        up = at_least(case.promise.operator)
        gain[at] = lift(middle[rows], weights=weights, weakest=case.options.weakest, up=up)
        lifted[at] = True
    if not lifted.any():
        return pd.DataFrame()
    p, median = shifted(case, own, gain)
    table = _table(case, own, f"weakest_at_median:{case.options.weakest}", p, median)
    return table[table["unit"].isin([unit for unit, one in zip(case.units, lifted) if one])]


def lift(values: np.ndarray, *, weights: np.ndarray, weakest: int, up: bool) -> float:
    """By how much the weighted mean moves when the weakest values stand at the median of all.

    Examples
    --------
    >>> lift(np.array([0.2, 0.4, 0.6]), weights=np.array([100.0, 100.0, 200.0]), weakest=1, up=True)   # 100 x 0.2 / 400
    0.05
    """
    middle = np.median(values)
    worst = np.argsort(values if up else -values, kind="stable")[:weakest]
    moved = np.clip(middle - values[worst] if up else values[worst] - middle, 0, None)
    return float((weights[worst] * moved).sum() / weights.sum())


def _medians(case: Case) -> np.ndarray:
    memory, key = case.world.memory, ("quantiles", case.promise.indicator)
    if key not in memory:
        memory[key] = case.predictive.quantiles(QUANTILES)
    return memory[key][:, case.horizon - 1, QUANTILES.index(0.5)]


def _table(case: Case, own: pd.DataFrame, scenario: str, p: np.ndarray, median: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "unit": list(case.units),
            "target": case.promise.target,
            "scenario": scenario,
            "p_attain": p,
            "predicted_median": median,
        }
    )
    open_ = (~own["settled"].to_numpy(dtype=bool)) & np.isfinite(own["p_attain"].to_numpy(dtype=float))
    return table[open_]
