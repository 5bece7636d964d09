"""``tasks_k_of_n``: at least k of the listed tasks are done by the deadline.

Without a task list but with an indicator that counts tasks done, the promise is a coverage of k of n.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import tasks as listed
from analysis.attainment.events.counting import coverage_all
from analysis.attainment.status import bounded
from analysis.attainment.world import Case, Outcome
from analysis.words.periods import between, last_day

_TABLE = "prepared tasks"
_DETAIL = ["unit", "task", "state", "due", "done", "p_done", "blocking"]
LEAST_PATHS = 10_000  # there is no time axis here: many paths cost little


def tasks_k_of_n(case: Case) -> Outcome:
    """P(k of n tasks done by the deadline), the expected number, the four states and the blocking tasks."""
    table = _prepared(case)
    if case.panel is not None and (table is None or not (table["target"] == case.promise.target).any()):
        return coverage_all(case)
    today = last_day(case.world.cutoff).toordinal()
    mine = _mine(case, table)
    deadline = _deadline(case, mine)
    curve, common = _learned(table, today)
    _add_p_done(mine, curve, today, deadline)
    frame = _counts(case, mine, deadline)
    _judge(frame, mine, common, known=curve is not None, past=deadline is not None and deadline <= today, case=case)
    frame["horizon"] = between(case.world.cutoff, case.promise.deadline) if case.promise.deadline else None
    frame = frame.assign(stale=0, broken=False, n_origins=0, p_raw=frame["p"], current_period=case.world.cutoff)
    summary = frame[["unit", *listed.STATES, "expected_k", "k", "n", "n_listed", "p_all", "n_blocking"]].copy()
    own = [*listed.STATES, "expected_k", "k", "n", "n_listed", "p_all", "n_blocking", "by_then"]
    return Outcome(frame.drop(columns=own), {"tasks": mine[_DETAIL], "task_counts": summary})


def _prepared(case: Case) -> pd.DataFrame | None:
    if case.world.tasks is None:
        return None
    memory = case.world.memory
    if _TABLE not in memory:
        memory[_TABLE] = listed.prepare(case.world.tasks, today=last_day(case.world.cutoff).toordinal())
    return memory[_TABLE]


def _mine(case: Case, table: pd.DataFrame | None) -> pd.DataFrame:
    """Tasks of the promise and its units, sorted by unit and task."""
    if table is None:
        columns = ["unit", "task", "target", "state", "due", "done", "due_day", "done_day", "finished", "body"]
        return pd.DataFrame({name: [] for name in columns}).astype({"finished": bool, "due_day": int, "done_day": int})
    mine = table[(table["target"] == case.promise.target) & table["unit"].isin(case.units)]
    return mine.sort_values(["unit", "task"], kind="stable", ignore_index=True)


def _deadline(case: Case, mine: pd.DataFrame) -> int | None:
    """Day of the deadline: stated, or the last due date of the promise's own tasks."""
    if case.promise.deadline:
        return last_day(case.promise.deadline).toordinal()
    return int(mine["due_day"].max()) if len(mine) else None


def _learned(table: pd.DataFrame | None, today: int) -> tuple[tuple[np.ndarray, np.ndarray, int] | None, float]:
    """Delay curve and correlation from every task of every promise; None where too few were finished."""
    if table is None:
        return None, 0.0
    table = table.drop_duplicates(["task", "body", "due", "done"])  # a task in two lists is one
    if table["finished"].sum() < listed.MIN_DONE:
        return None, 0.0
    curve = listed.delay_curve(table["delay"], finished=table["finished"])
    ripe = table[table["finished"] | (table["due_day"] < today)]
    return curve, listed.common_share(ripe["state"] == listed.STATES[0], ripe["body"])


def _add_p_done(mine: pd.DataFrame, curve, today: int, deadline: int | None) -> None:
    """P(done by the deadline) of each task, and whether it blocks; in place."""
    finished = mine["finished"].to_numpy(dtype=bool)
    p = np.where(finished, 1.0, np.nan)
    if curve is not None and deadline is not None and not finished.all():
        due = mine["due_day"].to_numpy()[~finished]
        p[~finished] = listed.p_done_by(due, today=today, deadline=deadline, curve=curve)
    mine["p_done"] = p
    mine["blocking"] = ~finished & ((p < listed.LIKELY) | (mine["state"] == "open_overdue").to_numpy())


def _counts(case: Case, mine: pd.DataFrame, deadline: int | None) -> pd.DataFrame:
    """The four states of each unit, k, n, and how many are done by the deadline already."""
    units = list(case.units)
    states = pd.crosstab(mine["unit"], mine["state"]) if len(mine) else pd.DataFrame(index=[])
    states = states.reindex(index=units, columns=list(listed.STATES), fill_value=0).fillna(0).astype(int)
    frame = states.rename_axis(None, axis=1).rename_axis("unit").reset_index()
    frame["n_points"] = frame[list(listed.STATES)].sum(axis=1)
    frame["n"] = case.promise.n if np.isfinite(case.promise.n) else frame["n_points"].astype(float)
    frame["n_listed"] = frame["n_points"]
    blocking = mine[mine["blocking"]].groupby("unit").size()
    frame["n_blocking"] = frame["unit"].map(blocking).fillna(0).astype(int)
    frame["k"] = case.promise.k if np.isfinite(case.promise.k) else frame["n"]
    done = (frame["done_on_time"] + frame["done_late"]).astype(float)
    in_time = mine["finished"] & (mine["done_day"] <= (deadline if deadline is not None else np.iinfo(np.int64).max))
    frame["by_then"] = frame["unit"].map(mine[in_time].groupby("unit").size()).fillna(0).astype(float)
    frame["current"], frame["current_numerator"], frame["current_denominator"] = done, done, frame["n"]
    frame["threshold"] = frame["k"].astype(float)
    frame["gap"] = frame["gap_cases"] = frame["threshold"] - done
    frame["attained_now"] = (frame["n_points"] > 0) & (done >= frame["k"])
    return frame


def _judge(frame: pd.DataFrame, mine: pd.DataFrame, common: float, *, known: bool, past: bool, case: Case) -> None:
    """Fill p, settled, expected_k and reason of each unit; in place."""
    has = (frame["n_points"] > 0).to_numpy()
    kept = (frame["by_then"] >= frame["k"]).to_numpy()
    settled = has & (kept | past)
    frame["settled"] = settled
    frame["p"] = np.where(settled, kept.astype(float), np.nan)
    frame["expected_k"] = np.where(has, frame["by_then"], np.nan)
    all_in_time = (frame["by_then"] >= frame[["n", "n_listed"]].max(axis=1)).to_numpy()
    frame["p_all"] = np.where(has & (all_in_time | past), all_in_time.astype(float), np.nan)
    frame["reason"] = np.where(~has, "no_tasks", np.where(~settled & (not known), "no_task_history", ""))
    unlisted = has & ~kept & (frame["k"] > frame["n_listed"]).to_numpy()  # nobody knows of the others
    frame.loc[unlisted, "reason"], frame.loc[unlisted, "settled"], frame.loc[unlisted, "p"] = (
        "tasks_unlisted",
        False,
        np.nan,
    )
    if not known:
        return
    is_open = mine[~mine["finished"]]
    groups = {unit: (rows["p_done"].to_numpy(), rows["body"].to_numpy()) for unit, rows in is_open.groupby("unit")}
    longest = max((len(one) for one, _ in groups.values()), default=0)
    generator = np.random.Generator(np.random.PCG64(case.options.seed))
    scores = generator.standard_normal((2 * longest + 1, max(case.options.n_paths, LEAST_PATHS)))
    p, p_all, expected = (frame[name].to_numpy().copy() for name in ("p", "p_all", "expected_k"))
    for row in np.flatnonzero(has & ~past & ~all_in_time):
        own, bodies = groups.get(frame["unit"].iat[row], (np.empty(0), np.empty(0)))
        done, k, n = int(frame["by_then"].iat[row]), float(frame["k"].iat[row]), float(frame["n"].iat[row])
        of_all, of_k = listed.p_k_done(
            own,
            done=done,
            k=np.array([max(n, frame["n_listed"].iat[row]), k]),
            common=common,
            scores=scores,
            bodies=bodies,
        )
        p_all[row] = bounded(of_all, settled=False, floor=case.options.p_floor)
        p[row] = p[row] if settled[row] or unlisted[row] else of_k
        expected[row] += own.sum()
    frame["p"], frame["p_all"], frame["expected_k"] = p, p_all, expected
