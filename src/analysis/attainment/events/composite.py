"""``score_ge``: a weighted score reaches s; how many points each component gives, and how many are still to be had.

A component's indicator is a share of its highest points (kind "rate") or already counts points. Components move
together as their past changes did. QĐ 766: 18 + 20 + 12 + 10 + 18 + 22 = 100.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.attainment import measures
from analysis.attainment.compare import meets_threshold
from analysis.attainment.events.joint import copula_scores, correlation, paths_at, tie_together
from analysis.attainment.measures import QUANTILE_NAMES, QUANTILES
from analysis.attainment.world import Case, Outcome
from analysis.forecasting.panel import last_observed
from analysis.words.periods import between, frequency_of

LEVER = 0.9  # what-if: a component at 90 % of its points
BLOCK = 128  # units whose draws are held at once


def points_of(values, *, kind: str, weight: float) -> np.ndarray:
    """Points of a component, from its share or its points.

    >>> points_of([0.9], kind="rate", weight=12).round(2).tolist(), points_of([8.48], kind="level", weight=12).tolist()
    ([10.8], [8.48])
    """
    values = np.asarray(values, dtype=float)
    return values * weight if kind == "rate" else values


def points_gained(points, *, weight: float, share: float = LEVER) -> np.ndarray:
    """Points gained when a component rises to `share` of its highest points; nothing where it is already there.

    >>> points_gained([8.48, 11.0], weight=12).round(2).tolist()   # the source says "about 2,3"
    [2.32, 0.0]
    """
    return np.clip(share * weight - np.asarray(points, dtype=float), 0, None)


def score_ge(case: Case) -> Outcome:
    """P(score op s at the deadline); without a number P(score above today's), which no deadline can settle."""
    weights = case.target.weights
    parts = {name: _part(case, name) for name in weights}
    points = {name: _points(part, weights[name]) for name, part in parts.items()}
    table = _components(case, parts, points)
    current = table.groupby("unit")["points"].sum(min_count=len(parts)).reindex(list(case.units)).to_numpy()
    unstated = bool(np.isnan(case.thresholds).all())
    goal = current if unstated else case.thresholds
    how = {"operator": ">" if unstated else case.operator}
    end = next((part.last_period for part in parts.values() if part.panel is not None), case.world.cutoff)
    horizon = case.options.horizon_periods if case.deadline is None else between(end, case.deadline)
    n_points = np.min([np.isfinite(block).sum(axis=1) for block in points.values()], axis=0)
    frame = pd.DataFrame({"unit": list(case.units), "p": np.nan, "p_raw": np.nan, "settled": False, "reason": ""})
    frame = frame.assign(
        n_points=n_points,  # evidence of the weakest component: fewest points, oldest observation
        stale=np.max([block.shape[1] - 1 - last_observed(block) for block in points.values()], axis=0),
        broken=False,
        n_origins=0,
        horizon=horizon,
        current=current,
        current_period=np.where(n_points > 0, end, ""),
        threshold=case.thresholds,
        gap=case.thresholds - current,
        attained_now=False if unstated else meets_threshold(current, threshold=goal, **how),
    )
    measures.set_reason(frame, "component_missing", where=np.isnan(current))
    scenarios = pd.DataFrame()
    predictives = [part.predictive for part in parts.values()]
    if horizon <= 0:
        _observe(frame, case, points, horizon=horizon)
    elif None in predictives or any(one.horizon < horizon for one in predictives):
        measures.set_reason(frame, "no_forecast" if None in predictives else "beyond_horizon")
    else:
        scenarios = _forecast(frame, case, parts, goal=goal, horizon=horizon, how=how)
    return Outcome(frame, {"components": table, "scenarios": scenarios})


def _part(case: Case, name: str) -> Case:
    """The case next to the series of one of its components."""
    target = case.target.model_copy(update={"indicator": name})
    return replace(case, target=target, panel=case.world.panels.get(name))


def _points(part: Case, weight: float) -> np.ndarray:
    """Points of a component in every period, shape (n, T); one missing column where it has no series."""
    if part.panel is None:
        return np.full((len(part.units), 1), np.nan)
    return points_of(part.pick(part.panel.usable()), kind=part.panel.kind, weight=weight)


def _components(case: Case, parts: dict[str, Case], points: dict[str, np.ndarray]) -> pd.DataFrame:
    """Points, share, headroom and the gain at 90 % of every component today, and the points gained since a quarter
    before (a year, where the series is yearly)."""
    tables, at = [], np.arange(len(case.units))
    for name, block in points.items():
        weight, last = case.target.weights[name], last_observed(block)
        back = last - (3 if frequency_of(parts[name].last_period) == "M" else 1)
        now = block[at, last]  # a row without observations is missing everywhere
        before = np.where(back >= 0, block[at, np.clip(back, 0, None)], np.nan)
        table = {
            "unit": case.units,
            "component": name,
            "weight": weight,
            "points": now,
            "share": now / weight,
            "headroom": weight - now,
            "gain_at_90": points_gained(now, weight=weight),
            "points_before": before,
            "points_gained": now - before,
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables).sort_values(["unit", "component"], kind="stable", ignore_index=True)


def _forecast(frame: pd.DataFrame, case: Case, parts: dict[str, Case], *, goal, horizon: int, how) -> pd.DataFrame:
    """Fill p and the quantiles by joint paths; returns the scenarios "component at 90 %"."""
    parts = dict(sorted(parts.items()))
    correlated = correlation([part.panel for part in parts.values()])
    scores = copula_scores(correlated, n_paths=case.options.n_paths, seed=case.options.seed)
    index, rows = np.flatnonzero((frame["reason"] == "").to_numpy()), []
    for begin in range(0, len(index), BLOCK):
        chosen = index[begin : begin + BLOCK]
        drawn = [_drawn(case, part, name, chosen, horizon) for name, part in parts.items()]
        draws = tie_together(np.stack(drawn, axis=1), scores)  # (b, m, n_paths)
        total, goals = draws.sum(axis=1), goal[chosen][:, None]
        p = np.where(np.isnan(total).any(axis=1), np.nan, meets_threshold(total, threshold=goals, **how).mean(axis=1))
        frame.loc[chosen, "p"] = frame.loc[chosen, "p_raw"] = p
        for name, one in zip(QUANTILE_NAMES, np.quantile(total, QUANTILES, axis=1)):
            frame.loc[chosen, name] = one
        for at, name in enumerate(parts):
            lifted = total - draws[:, at] + np.maximum(draws[:, at], LEVER * case.target.weights[name])
            p = meets_threshold(lifted, threshold=goals, **how).mean(axis=1)
            scenario = {
                "unit": frame["unit"].to_numpy()[chosen],
                "scenario": f"component_at_90:{name}",
                "p_attain": np.clip(p, case.options.p_floor, 1 - case.options.p_floor),
                "predicted_median": np.median(lifted, axis=1),
            }
            rows.append(pd.DataFrame(scenario))
    return pd.concat(rows).sort_values(["unit", "scenario"], ignore_index=True) if rows else pd.DataFrame()


def _drawn(case: Case, part: Case, name: str, chosen: np.ndarray, horizon: int) -> np.ndarray:
    """Points of one component at the deadline on every path, within 0 and its weight."""
    weight = case.target.weights[name]
    drawn = paths_at(case.world, name, rows=part.rows[chosen], horizon=horizon)
    return np.clip(points_of(drawn, kind=part.panel.kind, weight=weight), 0, weight)


def _observe(frame: pd.DataFrame, case: Case, points: dict[str, np.ndarray], *, horizon: int) -> None:
    """The deadline lies in the history: the score of its period decides."""
    columns = {name: block.shape[1] - 1 + horizon for name, block in points.items()}
    missing = np.full(len(frame), np.nan)
    total = np.sum([points[name][:, at] if at >= 0 else missing for name, at in columns.items()], axis=0)
    met = meets_threshold(total, operator=case.operator, threshold=case.thresholds)
    measures.settle(frame, met, known=np.isfinite(total) & np.isfinite(case.thresholds))
    lacking = np.where(np.isfinite(total), "no_baseline", "deadline_not_observed")
    measures.set_reason(frame, lacking, where=frame["p"].isna())
    for name in QUANTILE_NAMES:
        frame[name] = total
