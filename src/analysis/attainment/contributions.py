"""Which sub-unit holds its parent back, and by how much: the parent's gap as a sum over its sub-units.

A share's gap is ``sum(w_i (t - x_i)) / sum(w_i)`` with the sub-units' present denominators w: each term is what one
sub-unit adds to it. A count's gap is the sum of what each lacks of its own number. Shares without denominators are
never averaged, so they have no such sum.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment.compare import at_least
from analysis.attainment.rollup import KINDS, weights_of
from analysis.attainment.world import Case, World


def contributions(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """What each sub-unit adds to the gap of its parent.

    Parameters
    ----------
    frame : DataFrame
        Judged rows: unit, target, threshold, current.
    world : World

    Returns
    -------
    DataFrame
        unit (the parent), target, part, weight_share (of the denominators; NaN for a count), current, pull (in units of
        the indicator; positive: holds the parent back; the pulls of a parent sum to its gap), pull_cases (the same in
        cases) and place (1 pulls most).
    """
    parts, tables = world.parts(), []
    for promise in world.promises:
        case = world.case(promise)
        parents = [one for one in case.units if one in parts]
        if promise.kind not in (*KINDS, "sustained_from") or case.panel is None or not parents:
            continue
        if case.panel.kind not in ("rate", "count"):
            continue
        own = frame[frame["target"] == promise.target].set_index("unit")
        tables += [_of_parent(case, own, parent, parts[parent]) for parent in parents]
    tables = [one for one in tables if len(one)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _of_parent(case: Case, own: pd.DataFrame, parent: str, names: tuple[str, ...]) -> pd.DataFrame:
    panel, index = case.panel, {unit: row for row, unit in enumerate(case.panel.units)}
    names = [one for one in names if one in index]
    rows = np.array([index[one] for one in names], dtype=int)
    value, weight = panel.last_value()[rows], weights_of(panel, rows)
    if panel.kind == "rate":
        goal = np.full(len(rows), float(own.at[parent, "threshold"]))
    else:
        goal = own["threshold"].reindex(names).to_numpy(dtype=float)
    known = np.isfinite(value) & np.isfinite(weight) & np.isfinite(goal)
    if not known.any():
        return pd.DataFrame()
    value, weight, goal = value[known], weight[known], goal[known]
    cases = weight * (goal - value) * (1.0 if at_least(case.promise.operator) else -1.0)
    pull = cases / weight.sum() if panel.kind == "rate" else cases
    table = pd.DataFrame(
        {
            "unit": parent,
            "target": case.promise.target,
            "part": np.array(names, dtype=object)[known],
            "weight_share": weight / weight.sum() if panel.kind == "rate" else np.nan,
            "current": value,
            "pull": pull,
            "pull_cases": cases,
        }
    )
    table = table.sort_values(["pull", "part"], ascending=[False, True], kind="stable", ignore_index=True)
    return table.assign(place=np.arange(1, len(table) + 1))
