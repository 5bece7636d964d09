"""Steps on the way to a deadline: each is the promise itself, asked earlier and with its own number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from analysis.attainment.events.level import level_at
from analysis.attainment.status import bounded
from analysis.attainment.world import Case, Outcome

OWN_EVENT = ("cumulative_count", "rank_le", "score_ge", "relative_change", "tasks_k_of_n")  # half a quota is no level


def add_milestones(outcome: Outcome, case: Case, *, event: Callable[[Case], Outcome]) -> None:
    """Kept or not where observed, else the probability; extra table "milestones" (`threshold` as the series counts).

    A step of a promise on one series is a level at its period; a step of a quota, a rank, a score or a change is of the
    same kind as the promise.

    Parameters
    ----------
    outcome : Outcome
        Gets the table.
    case : Case
    event : callable
        Event of the promise's own kind.
    """
    own = case.promise.kind in OWN_EVENT
    rows = []
    for period, threshold in case.promise.milestones:
        changes = {"deadline": period, "threshold": threshold, "unit_thresholds": {}, "milestones": ()}
        if case.promise.kind == "tasks_k_of_n":
            changes |= {"k": threshold, "threshold": float("nan")}
        if not own:
            changes |= {"kind": "level_at", "upper": float("nan")}
        step = Case(world=case.world, promise=replace(case.promise, **changes), panel=case.panel)
        frame = (event if own else level_at)(step).frame
        settled = frame["settled"].to_numpy(dtype=bool)
        p = bounded(frame["p"], settled=settled, floor=case.options.p_floor)
        rows.append(
            pd.DataFrame(
                {
                    "unit": frame["unit"],
                    "period": period,
                    "threshold": frame["threshold"],
                    "stated": threshold,
                    "p": p,
                    "settled": settled,
                    "kept": settled & (p == 1),
                    "observed": settled & (frame["horizon"] <= 0).to_numpy(),
                }
            )
        )
    outcome.extra["milestones"] = pd.concat(rows, ignore_index=True)
