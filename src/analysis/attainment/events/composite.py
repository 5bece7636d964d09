"""``score_ge``: a weighted score reaches s; how many points each component gives, and how many are still to be had.

A component's indicator is a share of its highest points (kind "rate") or already counts points. Components move
together as their past changes did. QĐ 766: 18 + 20 + 12 + 10 + 18 + 22 = 100.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment.events.joint import copula_scores, correlation, paths_at, tie_together
from analysis.attainment.events.sustained import _compare
from analysis.attainment.measures import QUANTILE_NAMES, QUANTILES
from analysis.attainment.pace import last_observed
from analysis.attainment.world import Case, Outcome
from analysis.words.periods import between, frequency_of

LEVER = 0.9  # what-if: a component at 90 % of its points


def points_of(values, *, kind: str, weight: float) -> np.ndarray:
    """Points of a component, from its share or its points.

    Examples
    --------
    >>> points_of([0.9], kind="rate", weight=12).round(2).tolist(), points_of([8.48], kind="level", weight=12).tolist()
    ([10.8], [8.48])
    """
    values = np.asarray(values, dtype=float)
    return values * weight if kind == "rate" else values


def points_gained(points, *, weight: float, share: float = LEVER) -> np.ndarray:
    """Points gained when a component rises to `share` of its highest points; nothing where it is already there.

    Examples
    --------
    >>> points_gained([8.48, 11.0], weight=12).round(2).tolist()   # the source says "about 2,3"
    [2.32, 0.0]
    """
    return np.clip(share * weight - np.asarray(points, dtype=float), 0, None)


def score_ge(case: Case) -> Outcome:
    """P(score op s at the deadline); without a number P(score above today's)."""
    units, weights = case.units, dict(case.promise.weights)
    frame = _frame(case, weights)
    table = _components(case, weights)
    complete = table.groupby("unit")["points"].apply(lambda points: points.notna().all()).reindex(list(units))
    total = table.groupby("unit")["points"].sum().reindex(list(units)).to_numpy()
    frame["current"] = np.where(complete, total, np.nan)
    directional = bool(np.isnan(case.thresholds).all())
    goal = frame["current"].to_numpy() if directional else case.thresholds
    frame["threshold"] = case.thresholds
    frame["gap"] = case.thresholds - frame["current"]
    operator = ">" if directional else case.promise.operator
    frame["attained_now"] = False if directional else _compare(frame["current"].to_numpy(), goal, operator)
    frame.loc[~complete.to_numpy(), "reason"] = "component_missing"
    scenarios = _forecast(frame, case, weights, goal=goal, operator=operator)
    return Outcome(frame, {"components": table, "scenarios": scenarios})


def _frame(case: Case, weights: dict[str, float]) -> pd.DataFrame:
    """Evidence of the weakest component: fewest points, oldest observation."""
    n = len(case.units)
    frame = pd.DataFrame({"unit": list(case.units), "p": np.nan, "p_raw": np.nan, "settled": False, "reason": ""})
    points, stale = np.full(n, 10**6), np.zeros(n, dtype=int)
    for name in weights:
        panel = case.world.panels.get(name)
        values = _rows(panel, case.units) if panel is not None else np.full((n, 1), np.nan)
        known = np.isfinite(values)
        points = np.minimum(points, known.sum(axis=1))
        ended = np.where(known.any(axis=1), np.argmax(known[:, ::-1], axis=1), known.shape[1])
        stale = np.maximum(stale, ended)
    panels = [case.world.panels[name] for name in weights if name in case.world.panels]
    end = panels[0].periods[-1] if panels else case.world.cutoff
    horizon = case.options.horizon_periods if case.promise.deadline is None else between(end, case.promise.deadline)
    seen = points > 0
    return frame.assign(
        n_points=points,
        stale=stale,
        broken=False,
        n_origins=0,
        horizon=horizon,
        current_period=np.where(seen, end, ""),
    )


def _rows(panel, units: tuple[str, ...]) -> np.ndarray:
    index = {unit: row for row, unit in enumerate(panel.units)}
    at = np.array([index.get(unit, -1) for unit in units])
    values = panel.usable()[np.clip(at, 0, None)].copy()
    values[at < 0] = np.nan
    return values


def _components(case: Case, weights: dict[str, float]) -> pd.DataFrame:
    """Points, share, headroom and the gain at 90 % of every component today, and the points gained since a quarter
    before."""
    names = [
        "unit",
        "component",
        "weight",
        "points",
        "share",
        "headroom",
        "gain_at_90",
        "points_before",
        "points_gained",
    ]
    parts = []
    for name, weight in weights.items():
        now, before = _points_now_and_before(case, name, weight)
        gain = np.where(np.isnan(now), np.nan, points_gained(now, weight=weight))
        values = (case.units, name, weight, now, now / weight, weight - now, gain, before, now - before)
        parts.append(pd.DataFrame(dict(zip(names, values))))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)
    return table.sort_values(["unit", "component"], kind="stable", ignore_index=True)


def _points_now_and_before(case: Case, name: str, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Points at each unit's last observation and a quarter before it (a year, where the series is yearly)."""
    panel, n = case.world.panels.get(name), len(case.units)
    if panel is None:
        return np.full(n, np.nan), np.full(n, np.nan)
    points = points_of(_rows(panel, case.units), kind=panel.kind, weight=weight)
    last = last_observed(points)
    back = last - (3 if frequency_of(panel.periods[-1]) == "M" else 1)
    at = np.arange(n)
    now = np.where(last >= 0, points[at, np.clip(last, 0, None)], np.nan)
    return now, np.where(back >= 0, points[at, np.clip(back, 0, None)], np.nan)


def _forecast(frame: pd.DataFrame, case: Case, weights: dict, *, goal: np.ndarray, operator: str) -> pd.DataFrame:
    """Fill p and the quantiles by joint paths; returns the scenarios "component at 90 %"."""
    horizon = int(frame["horizon"].iloc[0]) if len(frame) else 0
    names = sorted(weights)
    predictives = [case.world.predictives.get(name) for name in names]
    if horizon <= 0:
        _settle(frame, case, weights, goal, operator, horizon)
        return pd.DataFrame()
    if any(one is None or one.horizon < horizon for one in predictives):
        lacking = "no_forecast" if None in predictives else "beyond_horizon"
        frame["reason"] = frame["reason"].where(frame["reason"] != "", lacking)
        return pd.DataFrame()
    frame["p"] = frame["p_raw"] = np.nan
    panels = [case.world.panels[name] for name in names]
    scores = copula_scores(correlation(panels), n_paths=case.options.n_paths, seed=case.options.seed)
    index = np.flatnonzero((frame["reason"] == "").to_numpy())
    size, rows = 128, []
    for begin in range(0, len(index), size):
        chosen = index[begin : begin + size]
        draws = np.stack(
            [_points_at(case, name, weights[name], chosen, horizon) for name in names], axis=1
        )  # (b, m, n_paths)
        draws = tie_together(draws, scores)
        total = draws.sum(axis=1)
        kept = _compare(total, goal[chosen][:, None], operator)
        p = np.where(np.isnan(total).any(axis=1), np.nan, kept.mean(axis=1))
        frame.loc[chosen, "p"] = frame.loc[chosen, "p_raw"] = p
        for name, one in zip(QUANTILE_NAMES, np.quantile(total, QUANTILES, axis=1)):
            frame.loc[chosen, name] = one
        rows += _levers(case, names, weights, chosen, draws, total, goal, operator)
    return pd.DataFrame(rows).sort_values(["unit", "scenario"], ignore_index=True) if rows else pd.DataFrame()


def _points_at(case: Case, name: str, weight: float, chosen: np.ndarray, horizon: int) -> np.ndarray:
    """Points of one component at the deadline on every path, within 0 and its weight."""
    panel = case.world.panels[name]
    index = {unit: row for row, unit in enumerate(panel.units)}
    rows = np.array([index[case.units[one]] for one in chosen])
    drawn = paths_at(case.world, name, rows=rows, horizon=horizon)
    return np.clip(points_of(drawn, kind=panel.kind, weight=weight), 0, weight)


def _levers(case: Case, names, weights, chosen, draws, total, goal, operator) -> list[dict]:
    rows = []
    for at, name in enumerate(names):
        lifted = total - draws[:, at] + np.maximum(draws[:, at], LEVER * weights[name])
        p = _compare(lifted, goal[chosen][:, None], operator).mean(axis=1)
        middle = np.median(lifted, axis=1)
        for row, unit in enumerate(chosen):
            rows.append(
                {
                    "unit": case.units[unit],
                    "scenario": f"component_at_90:{name}",
                    "p_attain": float(np.clip(p[row], case.options.p_floor, 1 - case.options.p_floor)),
                    "predicted_median": float(middle[row]),
                }
            )
    return rows


def _settle(frame: pd.DataFrame, case: Case, weights: dict, goal, operator: str, horizon: int) -> None:
    """The deadline lies in the history: the score of its period decides."""
    total = np.zeros(len(frame))
    for name, weight in weights.items():
        panel = case.world.panels.get(name)
        values = _rows(panel, case.units) if panel is not None else np.full((len(frame), 1), np.nan)
        column = values.shape[1] - 1 + horizon
        at = values[:, column] if column >= 0 else np.full(len(frame), np.nan)
        total = total + points_of(at, kind=panel.kind if panel is not None else "level", weight=weight)
    known = np.isfinite(total) & np.isfinite(case.thresholds)  # "above today's" is over: the text states no baseline
    frame["settled"] = known
    kept = _compare(total, goal, operator)
    frame["p"] = frame["p_raw"] = np.where(known, kept.astype(float), np.nan)
    lacking = np.where(np.isfinite(total), "no_baseline", "deadline_not_observed")
    frame["reason"] = np.where(known | (frame["reason"] != ""), frame["reason"], lacking)
    for name in QUANTILE_NAMES:
        frame[name] = total
