"""A parent's probability never stands alone: how many sub-units are on track, where the worst tenth stands, and what
the sub-units' own forecasts add up to.

The parent's own forecast decides `p_attain`; beside it stands the probability from joint draws of its sub-units
(weights: present denominators; shares without them are never averaged), and the difference between the parent's figure
and the sum of its sub-units.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.attainment.compare import at_least
from analysis.attainment.events.joint import paths_at
from analysis.attainment.events.level import level_at
from analysis.attainment.events.sustained import _within
from analysis.attainment.pace import last_observed
from analysis.attainment.world import Case, World
from analysis.forecasting.panel import Panel
from analysis.words.schema import ON_TRACK

WORST = 0.1
NOT_SIMULATED = dict.fromkeys(
    ("p_from_parts", "median_from_parts", "expected_met", "met_low", "met_high"), float("nan")
)
KINDS = ("level_at", "cumulative_count", "coverage_all")  # promises whose parent is the sum of its parts


def add_sub_units(frame: pd.DataFrame, world: World) -> None:
    """Fill n_sub_units, n_sub_on_track and worst_decile of every unit with direct sub-units under the same target.

    ``worst_decile`` is the current value that the worst tenth of the sub-units do not pass: the 10 % quantile for "at
    least", the 90 % quantile for "at most". A sub-unit that is not assessable counts as a sub-unit, not as on track.
    Where a promise on a share binds the parent only, its sub-units are looked at as if it bound them too.
    """
    frame["n_sub_units"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    frame["n_sub_on_track"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    frame["worst_decile"] = np.nan
    if not len(world.units):
        return
    parent = dict(zip(world.units["unit"], world.units["parent"]))
    parts = frame.assign(parent=frame["unit"].map(parent).fillna(""), good=frame["status"].isin(ON_TRACK))
    parts = parts[parts["parent"] != ""]
    _add_bound(frame, parts)
    _add_unbound(frame, world)


def _add_bound(frame: pd.DataFrame, parts: pd.DataFrame) -> None:
    """Count the rows of the sub-units under the same target; in place."""
    if not len(parts):
        return
    up = parts["operator"].map({one: at_least(one) for one in parts["operator"].unique()})
    groups = parts.assign(worse=np.where(up, parts["current"], -parts["current"]), up=up).groupby(["parent", "target"])
    table = pd.DataFrame(
        {
            "n": groups.size(),
            "good": groups["good"].sum(),
            "worst": groups["worse"].quantile(WORST),
            "up": groups["up"].first(),
        }
    ).reindex(pd.MultiIndex.from_frame(frame[["unit", "target"]]))
    has = table["n"].notna().to_numpy()
    frame.loc[has, "n_sub_units"] = table["n"].to_numpy()[has].astype(int)
    frame.loc[has, "n_sub_on_track"] = table["good"].to_numpy()[has].astype(int)
    worst = np.where(table["up"].eq(True), table["worst"], -table["worst"])
    frame.loc[has, "worst_decile"] = worst[has]


def _add_unbound(frame: pd.DataFrame, world: World) -> None:
    """Parents of promises that bind no sub-unit: each sub-unit as if the same share were asked of it; in place."""
    below = world.parts()
    for promise in world.promises:
        case = world.case(promise)
        if promise.kind not in KINDS or case.panel is None or case.panel.kind != "rate":
            continue
        index = {unit: row for row, unit in enumerate(case.panel.units)}
        bare = frame["n_sub_units"].isna() & frame["unit"].isin(below)
        mine = frame.index[(frame["target"] == promise.target) & bare]
        for at in mine:
            rows = [index[one] for one in below.get(frame.at[at, "unit"], ()) if one in index]
            goal = float(frame.at[at, "threshold"])
            if not rows or not np.isfinite(goal):
                continue
            value, p = case.panel.last_value()[rows], _p_as_if_bound(case, np.array(rows), goal)
            frame.at[at, "n_sub_units"] = len(rows)
            frame.at[at, "n_sub_on_track"] = int((p >= case.options.cut_points["on_track"]).sum())
            known = value[np.isfinite(value)]
            if len(known):
                frame.at[at, "worst_decile"] = np.quantile(known, WORST if at_least(promise.operator) else 1 - WORST)


def _p_as_if_bound(case: Case, rows: np.ndarray, goal: float) -> np.ndarray:
    """P of each row under the parent's own number: 0 or 1 at a past deadline, NaN where there is no forecast."""
    if case.horizon is None or (case.horizon > 0 and case.lacks_forecast(case.horizon)):
        return np.full(len(rows), np.nan)
    as_all = replace(
        case.promise, units=case.panel.units, threshold=goal, unit_thresholds={}, kind="level_at", milestones=()
    )
    every = level_at(Case(world=case.world, promise=as_all, panel=case.panel)).frame.set_index("unit")["p"]
    return every.reindex([case.panel.units[one] for one in rows]).to_numpy(dtype=float)


def roll_up(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """Joint simulation of the sub-units of every parent, for promises on shares and counts.

    Parameters
    ----------
    frame : DataFrame
        Judged rows: unit, target, threshold, p_attain.
    world : World

    Returns
    -------
    DataFrame
        unit, target, p_direct, p_from_parts, n_parts, expected_met, met_low, met_high (80 % band of the number of
        sub-units that meet the same promise), median_from_parts, current, current_from_parts, difference.
    """
    parts = world.parts()
    rows = []
    for promise in world.promises:
        case = world.case(promise)
        parents = [one for one in case.units if one in parts]
        if promise.kind not in KINDS or case.panel is None or not parents or case.panel.kind not in ("rate", "count"):
            continue
        own = frame[frame["target"] == promise.target].set_index("unit")
        for parent in parents:
            row = _one_parent(case, own, parent, parts[parent])
            if row is not None:
                rows.append(row)
    return pd.DataFrame(rows)


def _one_parent(case: Case, own: pd.DataFrame, parent: str, names: tuple[str, ...]) -> dict | None:
    panel, index = case.panel, {unit: row for row, unit in enumerate(case.panel.units)}
    rows = np.array([index[one] for one in names if one in index], dtype=int)
    rows = rows[np.isfinite(panel.last_value()[rows])] if len(rows) else rows
    if not len(rows):
        return None
    known = np.isfinite(weights_of(panel, rows))
    rows = rows[known] if known.any() else rows
    weight, value = weights_of(panel, rows), panel.last_value()[rows]
    total = float(together(value, weight=weight, kind=panel.kind))
    row = {
        "unit": parent,
        "target": case.promise.target,
        "p_direct": own.at[parent, "p_attain"],
        "n_parts": len(rows),
        "current": own.at[parent, "current"],
        "current_from_parts": total,
        "difference": own.at[parent, "current"] - total,
        **NOT_SIMULATED,
    }
    horizon = case.horizon
    if horizon is None or horizon <= 0 or case.predictive is None or horizon > case.predictive.horizon:
        return row
    goal = float(own.at[parent, "threshold"])
    unbound = goal if panel.kind == "rate" and not set(names) & set(own.index) else np.nan  # as if it bound them too
    threshold = np.array(
        [own.at[one, "threshold"] if one in own.index else unbound for one in (panel.units[r] for r in rows)]
    )
    return row | _simulated(case, rows, weight, threshold, goal)


def _simulated(case: Case, rows: np.ndarray, weight: np.ndarray, threshold: np.ndarray, goal: float) -> dict:
    n_paths, summed = case.options.n_paths, bool(np.isfinite(weight).all())
    total, met, asked = np.zeros(n_paths), np.zeros(n_paths), np.isfinite(threshold)
    usable = np.ones(len(rows), dtype=bool)
    for begin in range(0, len(rows), case.options.block_units):
        part = slice(begin, begin + case.options.block_units)
        draws = paths_at(case.world, case.promise.indicator, rows=rows[part], horizon=case.horizon)
        usable[part] = np.isfinite(draws).all(axis=1)
        total += np.where(usable[part][:, None], weight[part][:, None] * draws, 0.0).sum(axis=0)
        kept = _within(draws, threshold[part][:, None], case.promise) & (usable & asked)[part][:, None]
        met += kept.sum(axis=0)
    if not usable.any():
        return NOT_SIMULATED
    if case.panel.kind == "rate":
        total = total / weight[usable].sum()
    low, high = np.quantile(met, (0.1, 0.9), method="inverted_cdf") if asked.any() else (np.nan, np.nan)
    p = float(_within(total, np.array(goal), case.promise).mean()) if np.isfinite(goal) and summed else np.nan
    floor = case.options.p_floor
    return {
        "p_from_parts": float(np.clip(p, floor, 1 - floor)),
        "median_from_parts": float(np.median(total)) if summed else np.nan,
        "expected_met": float(met.mean()) if asked.any() else np.nan,
        "met_low": float(low),
        "met_high": float(high),
    }


def weights_of(panel: Panel, rows: np.ndarray) -> np.ndarray:
    """Present denominator of each row of a rate, NaN where it is not known (shares are not averaged); 1 for a count."""
    if panel.kind != "rate":
        return np.ones(len(rows))
    if panel.denominator is None:
        return np.full(len(rows), np.nan)
    last = last_observed(panel.usable()[rows])
    weight = panel.denominator[rows, np.clip(last, 0, None)]
    return np.where(np.isfinite(weight) & (weight > 0), weight, np.nan)


def together(values: np.ndarray, *, weight: np.ndarray, kind: str) -> float:
    """Sum of counts, or the share of all: numerators over denominators; NaN where a denominator is not known.

    Examples
    --------
    >>> float(together(np.array([0.9, 0.1]), weight=np.array([100.0, 300.0]), kind="rate"))   # 120 of 400, not 50 %
    0.3
    """
    return (weight * values).sum() / (weight.sum() if kind == "rate" else 1.0)
