"""``tasks_k_of_n``: at least k of the listed tasks are done by the deadline.

Without a task list but with an indicator that counts tasks done, the promise is a coverage of k of n.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import tasks as listed
from analysis.attainment.events.counting import coverage_all
from analysis.attainment.world import Case, Outcome
from analysis.words.periods import between, last_day

_TABLE = "prepared tasks"


def tasks_k_of_n(case: Case) -> Outcome:
    """P(k of n tasks done by the deadline), the expected number, the four states and the blocking tasks."""
    table = _prepared(case)
    if case.panel is not None and (table is None or not (table["target"] == case.promise.target).any()):
        return coverage_all(case)
    today = last_day(case.world.cutoff).toordinal()
    mine = table[table["target"] == case.promise.target] if table is not None else pd.DataFrame(columns=["unit"])
    deadline = _deadline(case, mine)
    curve, common = _learned(table, today)
    rows, details = [], []
    for unit in case.units:
        own = mine[mine["unit"] == unit]
        row, detail = _unit(case, unit, own, curve, common, today, deadline)
        rows.append(row)
        details.append(detail)
    frame = pd.DataFrame(rows)
    frame["horizon"] = between(case.world.cutoff, case.promise.deadline) if case.promise.deadline else None
    frame = frame.assign(stale=0, broken=False, n_origins=0, p_raw=frame["p"])
    summary = frame[["unit", *listed.STATES, "expected_k", "k", "n"]].copy()
    extra = {"tasks": pd.concat(details, ignore_index=True) if details else pd.DataFrame(), "task_counts": summary}
    return Outcome(frame.drop(columns=[*listed.STATES, "expected_k", "k", "n"]), extra)


def _prepared(case: Case) -> pd.DataFrame | None:
    if case.world.tasks is None:
        return None
    memory = case.world.memory
    if _TABLE not in memory:
        memory[_TABLE] = listed.prepare(case.world.tasks, today=last_day(case.world.cutoff).toordinal())
    return memory[_TABLE]


def _deadline(case: Case, mine: pd.DataFrame) -> int | None:
    """Day of the deadline: stated, or the last due date of the promise's own tasks."""
    if case.promise.deadline:
        return last_day(case.promise.deadline).toordinal()
    return int(mine["due_day"].max()) if len(mine) else None


def _learned(table: pd.DataFrame | None, today: int) -> tuple[tuple[np.ndarray, np.ndarray] | None, float]:
    """Delay curve and correlation from every task of every promise; None where too few were finished."""
    if table is None or table["finished"].sum() < listed.MIN_DONE:
        return None, 0.0
    curve = listed.delay_curve(table["delay"], finished=table["finished"])
    ripe = table[table["finished"] | (table["due_day"] < today)]
    return curve, listed.common_share(ripe["state"] == listed.STATES[0], ripe["unit"])


def _unit(case: Case, unit: str, own: pd.DataFrame, curve, common: float, today: int, deadline: int | None):
    counts = {state: int((own["state"] == state).sum()) if len(own) else 0 for state in listed.STATES}
    done = counts["done_on_time"] + counts["done_late"]
    n = case.promise.n if np.isfinite(case.promise.n) else float(len(own))
    k = case.promise.k if np.isfinite(case.promise.k) else n
    row = {"unit": unit, "current": float(done), "current_numerator": float(done), "current_denominator": n}
    row |= {"threshold": k, "gap": k - done, "gap_cases": k - done, "attained_now": bool(len(own)) and done >= k}
    row |= {"n_points": len(own), "settled": False, "p": np.nan, "reason": "", "k": k, "n": n, "expected_k": np.nan}
    row |= counts | {"current_period": case.world.cutoff}
    detail = own[["unit", "task", "state", "due", "done"]].copy() if len(own) else pd.DataFrame()
    if not len(own):
        row["reason"] = "no_tasks"
        return row, detail
    by_then = done if deadline is None else int((own["finished"] & (own["done_day"] <= deadline)).sum())
    detail["p_done"] = np.where(own["finished"], 1.0, np.nan)
    if (by_then >= k) or (deadline is not None and deadline <= today):
        row |= {"settled": True, "p": float(by_then >= k), "expected_k": float(by_then)}
    elif curve is None:
        row["reason"] = "no_task_history"
    else:
        is_open = ~own["finished"].to_numpy()
        p = listed.p_done_by(own["due_day"].to_numpy()[is_open], today=today, deadline=deadline, curve=curve)
        detail.loc[is_open, "p_done"] = p
        scores = _scores(case, len(p))
        row["p"] = listed.p_k_done(p, done=by_then, k=k, common=common, scores=scores)
        row["expected_k"] = by_then + float(p.sum())
    p_done = detail["p_done"].to_numpy()
    detail["blocking"] = (~own["finished"].to_numpy()) & (
        (p_done < listed.LIKELY) | (own["state"] == "open_overdue").to_numpy()
    )
    return row, detail


def _scores(case: Case, m: int) -> np.ndarray:
    """Standard normal scores, the same for every unit; row 0 is shared by the tasks of a unit."""
    generator = np.random.Generator(np.random.PCG64(case.options.seed))
    return generator.standard_normal((m + 1, max(case.options.n_paths, 10_000)))
