"""Next to a parent's probability: how many sub-units are on track, where the worst tenth is, what the
sub-units' own forecasts add up to, and which sub-unit holds the parent back.

The parent's own forecast decides `p_attain`; next to it is the probability from joint draws of its sub-units (weights:
present denominators; shares without them are never averaged), and the difference between the parent's figure and the
sum of its sub-units.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.attainment.compare import at_least, meets_threshold
from analysis.attainment.events.joint import paths_at
from analysis.attainment.events.level import level_at
from analysis.attainment.world import Case, World
from analysis.forecasting.panel import Panel, last_observed
from analysis.words.schema import ON_TRACK

WORST = 0.1
NOT_SIMULATED = dict.fromkeys(
    ("p_from_parts", "median_from_parts", "expected_met", "met_low", "met_high"), float("nan")
)
KINDS = ("level_at", "cumulative_count", "coverage_all")  # targets whose parent is the sum of its parts


def add_sub_units(frame: pd.DataFrame, world: World) -> None:
    """Fill n_sub_units, n_sub_on_track and worst_decile of every unit with direct sub-units under the same target.

    ``worst_decile`` is the current value that the worst tenth of the sub-units do not pass: the 10 % quantile for "at
    least", the 90 % quantile for "at most". A sub-unit that is not assessable counts as a sub-unit, not as on track.
    Where a target on a share binds the parent only, its sub-units are looked at as if it bound them too.
    """
    frame["n_sub_units"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    frame["n_sub_on_track"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    frame["worst_decile"] = np.nan
    parent = dict(zip(world.units["unit"], world.units["parent"]))
    parts = frame.assign(parent=frame["unit"].map(parent).fillna(""), good=frame["status"].isin(ON_TRACK))
    _add_bound(frame, parts[parts["parent"] != ""])
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
    """Parents of targets that bind no sub-unit: each sub-unit as if the same share were asked of it; in place."""
    for case in world.cases:
        if case.target.kind not in KINDS or case.panel is None or case.panel.kind != "rate":
            continue
        bare = frame["n_sub_units"].isna() & frame["unit"].isin(world.parts)
        for at in frame.index[(frame["target"] == case.target.target) & bare]:
            rows, goal = part_rows(case, frame.at[at, "unit"]), float(frame.at[at, "threshold"])
            if not len(rows) or not np.isfinite(goal):
                continue
            value, p = case.panel.last_value()[rows], _p_as_if_bound(case, rows, goal)
            frame.at[at, "n_sub_units"] = len(rows)
            frame.at[at, "n_sub_on_track"] = int((p >= case.options.cut_points["on_track"]).sum())
            if np.isfinite(value).any():
                frame.at[at, "worst_decile"] = np.nanquantile(value, WORST if case.up else 1 - WORST)


def part_rows(case: Case, parent: str) -> np.ndarray:
    """Rows in the panel of a unit's direct sub-units."""
    names = case.world.parts.get(parent, ())
    return np.array([case.row_of[one] for one in names if one in case.row_of], dtype=int)


def _p_as_if_bound(case: Case, rows: np.ndarray, goal: float) -> np.ndarray:
    """P of each row under the parent's own number: 0 or 1 at a past deadline, NaN where there is no forecast."""
    if case.horizon is None or (case.horizon > 0 and case.lacks_forecast(case.horizon)):
        return np.full(len(rows), np.nan)
    as_all = replace(case, units=case.panel.units, thresholds=np.full(case.panel.n_units, goal))
    return level_at(as_all).frame["p"].to_numpy(dtype=float)[rows]


def roll_up(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """Joint simulation of the sub-units of every parent, for targets on shares and counts.

    `expected_met` is the number of sub-units that meet the same target, `met_low` to `met_high` its 80 % band, of
    `n_counted`: those that can be assessed.
    """
    rows = [_one_parent(case, own, parent) for case, own, parent in _parents(frame, world, kinds=KINDS)]
    return pd.DataFrame([row for row in rows if row is not None])


def _parents(frame: pd.DataFrame, world: World, *, kinds: tuple[str, ...]) -> Iterator[tuple[Case, pd.DataFrame, str]]:
    """Every target of these kinds on a share or a count, with its judged rows and each parent that it binds."""
    for case in world.cases:
        if case.target.kind in kinds and case.panel is not None and case.panel.kind in ("rate", "count"):
            own = frame[frame["target"] == case.target.target].set_index("unit")
            yield from ((case, own, unit) for unit in case.units if unit in world.parts)


def _one_parent(case: Case, own: pd.DataFrame, parent: str) -> dict | None:
    panel, rows = case.panel, part_rows(case, parent)
    rows = rows[np.isfinite(panel.last_value()[rows])]
    if not len(rows):
        return None
    known = np.isfinite(weights_of(panel, rows))
    rows = rows[known] if known.any() else rows
    weight, value = weights_of(panel, rows), panel.last_value()[rows]
    total = float(together(value, weight=weight, kind=panel.kind))
    row = {
        "unit": parent,
        "target": case.target.target,
        "p_direct": own.at[parent, "p_attain"],
        "n_parts": len(rows),
        "n_counted": len(rows),
        "current": own.at[parent, "current"],
        "current_from_parts": total,
        "difference": own.at[parent, "current"] - total,
        **NOT_SIMULATED,
    }
    if case.horizon is None or case.horizon <= 0 or case.lacks_forecast(case.horizon):
        return row
    goal = float(own.at[parent, "threshold"])
    threshold = own["threshold"].reindex([panel.units[one] for one in rows]).to_numpy(dtype=float)
    if panel.kind == "rate" and own.index.isin(case.world.parts[parent]).sum() == 0:
        threshold = np.full(len(rows), goal)  # as if it bound them too
    status = own["status"].reindex([panel.units[one] for one in rows]).to_numpy()
    threshold = np.where(status == "not_assessable", np.nan, threshold)  # not counted, neither as met nor as missed
    row["n_counted"] = int(np.isfinite(threshold).sum())
    found = _simulated(case, rows, weight, threshold, goal)
    return row | found | ({"p_from_parts": np.nan} if own.at[parent, "status"] == "not_assessable" else {})


def _simulated(case: Case, rows: np.ndarray, weight: np.ndarray, threshold: np.ndarray, goal: float) -> dict:
    n_paths, summed = case.options.n_paths, bool(np.isfinite(weight).all())
    how = {"operator": case.operator, "upper": case.upper}
    total, met, asked = np.zeros(n_paths), np.zeros(n_paths), np.isfinite(threshold)
    usable = np.ones(len(rows), dtype=bool)
    for begin in range(0, len(rows), case.options.block_units):
        part = slice(begin, begin + case.options.block_units)
        draws = paths_at(case.world, case.target.indicator, rows=rows[part], horizon=case.horizon)
        usable[part] = np.isfinite(draws).all(axis=1)
        total += np.where(usable[part][:, None], weight[part][:, None] * draws, 0.0).sum(axis=0)
        kept = meets_threshold(draws, threshold=threshold[part][:, None], **how)
        met += (kept & (usable & asked)[part][:, None]).sum(axis=0)
    if not usable.any():
        return NOT_SIMULATED
    if case.panel.kind == "rate":
        total = total / weight[usable].sum()
    low, high = np.quantile(met, (0.1, 0.9), method="inverted_cdf") if asked.any() else (np.nan, np.nan)
    p = float(meets_threshold(total, threshold=goal, **how).mean()) if np.isfinite(goal) and summed else np.nan
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

    >>> float(together(np.array([0.9, 0.1]), weight=np.array([100.0, 300.0]), kind="rate"))   # 120 of 400, not 50 %
    0.3
    """
    return (weight * values).sum() / (weight.sum() if kind == "rate" else 1.0)


def contributions(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """What each sub-unit adds to the gap of its parent: the parent's gap as a sum over its sub-units.

    A share's gap is ``sum(w_i (t - x_i)) / sum(w_i)`` with the sub-units' present denominators w; a count's gap is the
    sum of what each lacks of its own number. Shares without denominators are never averaged, so they have no such sum.
    `pull` is in units of the indicator (positive: holds the parent back), `pull_cases` in cases; place 1 pulls most.
    """
    found = _parents(frame, world, kinds=(*KINDS, "sustained_from"))
    of_today = (one for one in found if one[0].target.reading in (None, "each_period"))
    tables = [_pulls(case, own, parent) for case, own, parent in of_today]
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _pulls(case: Case, own: pd.DataFrame, parent: str) -> pd.DataFrame:
    panel, rows = case.panel, part_rows(case, parent)
    names = np.array([panel.units[one] for one in rows], dtype=object)
    value, weight = panel.last_value()[rows], weights_of(panel, rows)
    goal = own["threshold"].reindex([parent] * len(rows) if panel.kind == "rate" else names).to_numpy(dtype=float)
    known = np.isfinite(value) & np.isfinite(weight) & np.isfinite(goal)
    if not known.any():
        return pd.DataFrame()
    value, weight, goal = value[known], weight[known], goal[known]
    cases = weight * (goal - value) * (1.0 if case.up else -1.0)
    table = pd.DataFrame(
        {
            "unit": parent,
            "target": case.target.target,
            "part": names[known],
            "weight_share": weight / weight.sum() if panel.kind == "rate" else np.nan,
            "current": value,
            "pull": cases / weight.sum() if panel.kind == "rate" else cases,
            "pull_cases": cases,
        }
    )
    table = table.sort_values(["pull", "part"], ascending=[False, True], kind="stable", ignore_index=True)
    return table.assign(place=np.arange(1, len(table) + 1))
