"""``tasks_k_of_n``: at least k of the listed tasks are done by the deadline, as Đề án 06 keeps its lists.

How late tasks get done is read from the list itself: the delay against the due date, open tasks counted as not yet done
(Kaplan-Meier). Bodies differ in diligence, so tasks of one body (the owner where the list names one, else the unit)
are not independent: how much is read from the spread of their on-time shares. Without a task list but with an indicator
that counts tasks done, the target is a coverage of k of n.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from analysis.attainment.events.counting import coverage_all
from analysis.attainment.status import bounded
from analysis.attainment.world import Case, Outcome
from analysis.words.periods import between, last_day

STATES = ("done_on_time", "done_late", "open_in_time", "open_overdue")
COLUMNS = ("task", "target", "unit", "due", "done")
MIN_DONE = 5  # finished tasks below which no delay is estimated
MAX_COMMON = 0.5  # upper bound of the correlation between tasks of one unit
LIKELY = 0.5  # an open task less likely than this to be done in time blocks, overdue or not
LEAST_PATHS = 10_000  # there is no time axis here: many paths cost little
_TABLE = "prepared tasks"  # key of the world's memory
_DETAIL = ["unit", "task", "state", "due", "done", "p_done", "blocking"]
_SUMMARY = ["unit", *STATES, "expected_k", "k", "n", "n_listed", "p_all", "n_blocking"]
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()  # expectation over a standard normal

Curve = tuple[np.ndarray, np.ndarray, int]  # days, share still open from each day on, tasks that it is read from


def tasks_k_of_n(case: Case) -> Outcome:
    """P(k of n tasks done by the deadline), the expected number, the four states and the blocking tasks."""
    table, today = _prepared(case), last_day(case.world.cutoff).toordinal()
    listed = table["target"] == case.target.target
    if case.panel is not None and not listed.any():
        return coverage_all(case)
    mine = table[listed & table["unit"].isin(case.units)].sort_values(["unit", "task"], kind="stable")
    deadline = last_day(case.deadline).toordinal() if case.deadline else mine["due_day"].max()  # NaN: no task
    past = bool(deadline <= today)
    curve, common = _learned(table, today)
    mine = _with_p_done(mine, curve, today=today, deadline=deadline)
    frame = _counts(case, mine, deadline)
    _judge(frame, past=past, known=curve is not None)
    if curve is not None:
        _simulate(frame, mine, case, common=common, past=past)
    frame = frame.assign(stale=0, broken=False, n_origins=0, p_raw=frame["p"], current_period=case.world.cutoff)
    frame["horizon"] = between(case.world.cutoff, case.deadline) if case.deadline else None
    p_done = bounded(mine["p_done"], settled=mine["finished"] | past, floor=case.options.p_floor)
    extra = {"tasks": mine.assign(p_done=p_done)[_DETAIL], "task_counts": frame[_SUMMARY].copy()}
    return Outcome(frame.drop(columns=[*_SUMMARY[1:], "by_then"]), extra)


def _prepared(case: Case) -> pd.DataFrame:
    memory = case.world.memory
    if _TABLE not in memory:
        tasks = pd.DataFrame(columns=list(COLUMNS)) if case.world.tasks is None else case.world.tasks
        memory[_TABLE] = prepare(tasks, today=last_day(case.world.cutoff).toordinal())
    return memory[_TABLE]


def prepare(tasks: pd.DataFrame, *, today: int) -> pd.DataFrame:
    """A checked task list (`COLUMNS` and, where known, owner) with day numbers, states, delays and bodies."""
    number = lambda day: dt.date.fromisoformat(day).toordinal() if day else -1
    table = tasks.assign(**{f"{name}_day": tasks[name].map(number).astype(int) for name in ("due", "done")})
    table["state"] = states(table["due_day"], table["done_day"], today=today)
    table["finished"] = table["state"].isin(STATES[:2])
    table["delay"] = np.where(table["finished"], table["done_day"], today) - table["due_day"]
    owner = table["owner"] if "owner" in table else pd.Series("", index=table.index)
    return table.assign(body=owner.where(owner != "", table["unit"]))


def _learned(table: pd.DataFrame, today: int) -> tuple[Curve | None, float]:
    """Delay curve and correlation from every task of every target; None where too few were finished."""
    table = table.drop_duplicates(["task", "body", "due", "done"])  # a task in two lists is one
    if table["finished"].sum() < MIN_DONE:
        return None, 0.0
    ripe = table[table["finished"] | (table["due_day"] < today)]
    curve = delay_curve(table["delay"], finished=table["finished"])
    return curve, common_share(ripe["state"] == STATES[0], ripe["body"])


def _with_p_done(mine: pd.DataFrame, curve: Curve | None, *, today: int, deadline: float) -> pd.DataFrame:
    """P(done by the deadline) of each task, and whether it blocks."""
    finished = mine["finished"].to_numpy(dtype=bool)
    p = np.where(finished, 1.0, np.nan)
    if curve is not None and not finished.all():
        due = mine["due_day"].to_numpy()[~finished]
        p[~finished] = p_done_by(due, today=today, deadline=deadline, curve=curve)
    return mine.assign(p_done=p, blocking=~finished & (p < LIKELY))


def _counts(case: Case, mine: pd.DataFrame, deadline: float) -> pd.DataFrame:
    """The four states of each unit, k, n, and how many are done by the deadline already."""
    units = pd.Index(case.units, name="unit")
    count = lambda tasks: tasks.groupby("unit").size().reindex(units, fill_value=0)
    frame = pd.DataFrame({state: count(mine[mine["state"] == state]) for state in STATES}, index=units)
    n_listed, done = frame.sum(axis=1), (frame["done_on_time"] + frame["done_late"]).astype(float)
    n = n_listed.astype(float) if case.target.n is None else float(case.target.n)
    frame = frame.assign(n_points=n_listed, n_listed=n_listed, n=n, n_blocking=count(mine[mine["blocking"]]))
    frame["k"] = frame["n"] if case.target.k is None else float(case.target.k)
    in_time = mine[mine["finished"] & (mine["done_day"] <= deadline)]
    frame = frame.assign(
        by_then=count(in_time).astype(float),
        current=done,
        current_numerator=done,
        current_denominator=frame["n"],
        threshold=frame["k"],
        gap=frame["k"] - done,
        gap_cases=frame["k"] - done,
        attained_now=(n_listed > 0) & (done >= frame["k"]),
    )
    return frame.reset_index()


def _judge(frame: pd.DataFrame, *, past: bool, known: bool) -> None:
    """What is decided already, and why the rest has no probability: p, settled, reason, p_all, expected_k; in place.

    Of tasks that are promised but not listed nobody knows whether they are done.
    """
    has, kept = frame["n_points"] > 0, frame["by_then"] >= frame["k"]
    unlisted = has & ~kept & (frame["k"] > frame["n_listed"])
    all_done = frame["by_then"] >= frame[["n", "n_listed"]].max(axis=1)
    frame["settled"] = has & (kept | past) & ~unlisted
    frame["p"] = kept.astype(float).where(frame["settled"])
    frame["p_all"] = all_done.astype(float).where(has & (all_done | past))
    frame["expected_k"] = frame["by_then"].where(has)
    unknown = np.where(frame["settled"] | known, "", "no_task_history")
    frame["reason"] = np.where(~has, "no_tasks", np.where(unlisted, "tasks_unlisted", unknown))


def _simulate(frame: pd.DataFrame, mine: pd.DataFrame, case: Case, *, common: float, past: bool) -> None:
    """Fill what is still open: p, p_all and expected_k of the units whose tasks are not all done; in place."""
    is_open = mine[~mine["finished"]]
    groups = {unit: (rows["p_done"].to_numpy(), rows["body"].to_numpy()) for unit, rows in is_open.groupby("unit")}
    longest = max((len(one) for one, _ in groups.values()), default=0)
    generator = np.random.Generator(np.random.PCG64(case.options.seed))
    scores = generator.standard_normal((2 * longest + 1, max(case.options.n_paths, LEAST_PATHS)))
    for row in frame.index[(frame["n_points"] > 0) & frame["p_all"].isna() & (not past)]:
        own, bodies = groups.get(frame.at[row, "unit"], (np.empty(0), np.empty(0)))
        needed = np.array([max(frame.at[row, "n"], frame.at[row, "n_listed"]), frame.at[row, "k"]])
        done = int(frame.at[row, "by_then"])
        of_all, of_k = p_k_done(own, done=done, k=needed, common=common, scores=scores, bodies=bodies)
        frame.at[row, "p_all"] = bounded(of_all, settled=False, floor=case.options.p_floor)
        if not frame.at[row, "settled"] and not frame.at[row, "reason"]:
            frame.at[row, "p"] = of_k
        frame.at[row, "expected_k"] += own.sum()


def states(due, done, *, today: int) -> np.ndarray:
    """One of `STATES` for each task.

    `due` and `done` are day numbers, `done` < 0 while open; a task done after `today` is open, one due today in time.

    >>> states([10, 10, 10, 30], [9, 11, -1, -1], today=20).tolist()
    ['done_on_time', 'done_late', 'open_overdue', 'open_in_time']
    """
    due, done = np.asarray(due), np.asarray(done)
    finished = (done >= 0) & (done <= today)
    late = np.where(finished, done > due, due < today)
    return np.array(STATES, dtype=object)[np.where(finished, 0, 2) + late]


def delay_curve(delay, *, finished) -> Curve:
    """Kaplan-Meier share of tasks still open this many days after their due date.

    `delay` counts days from due date to completion, or to today for open tasks. From ``days[i]`` on the share is
    ``still_open[i]``, before the first it is 1; the last number is of the tasks that the curve is read from.

    >>> days, still, n = delay_curve([-5, 0, 3, 3], finished=[True, True, True, False])
    >>> days.tolist(), still.round(2).tolist(), n
    ([-5.0, 0.0, 3.0], [0.75, 0.5, 0.25], 4)
    """
    delay, finished = np.asarray(delay, dtype=float), np.asarray(finished, dtype=bool)
    days = np.unique(delay[finished])
    at_risk = (delay[None, :] >= days[:, None]).sum(axis=1)
    ended = ((delay[None, :] == days[:, None]) & finished[None, :]).sum(axis=1)
    return days, np.cumprod(1 - ended / np.maximum(at_risk, 1)), len(delay)


def p_done_by(due, *, today: int, deadline: float, curve: Curve) -> np.ndarray:
    """P(an open task is done by the deadline | it is open today), one half of a task added on each side.

    ``1 - S(deadline - due) / S(today - due)``; beyond the longest delay ever seen the curve stays flat.

    >>> curve = delay_curve([-5.0] * 70 + [20.0] * 30, finished=[True] * 100)   # 30 of 100 were late
    >>> p_done_by([10], today=0, deadline=10, curve=curve).round(3).tolist()   # 1 - 30.5 / 101
    [0.698]
    """
    days, still, n = curve

    def share(x):
        at = np.searchsorted(days, x, side="right") - 1
        return np.where(at >= 0, still[np.clip(at, 0, None)], 1.0) if len(days) else np.ones(np.shape(x))

    due = np.asarray(due, dtype=float)
    left, now = share(deadline - due), share(today - due)
    return np.where(deadline <= today, 0.0, 1 - (left * n + 0.5) / (now * n + 1.0))


def common_share(on_time: pd.Series, body: pd.Series) -> float:
    """Correlation of the normal scores behind on-time marks of tasks of one body, within 0..`MAX_COMMON`.

    A one-way analysis of variance gives the correlation of the marks themselves. A mark only says on which side of a
    cut its score lies, so marks are less correlated than scores; see :func:`score_correlation`.
    """
    groups = on_time.astype(float).groupby(body.to_numpy())
    sizes, means = groups.size().to_numpy(dtype=float), groups.mean().to_numpy()
    total, m = sizes.sum(), len(sizes)
    if m < 2 or total <= m:
        return 0.0
    within = float((sizes * means * (1 - means)).sum()) / (total - m)  # marks are 0 or 1
    share = float((sizes * means).sum() / total)
    between = float((sizes * (means - share) ** 2).sum()) / (m - 1)
    usual = (total - (sizes**2).sum() / total) / (m - 1)
    spread = (between - within) / usual
    marks = max(0.0, spread / (spread + within)) if spread + within > 0 else 0.0
    return min(MAX_COMMON, score_correlation(marks, share=share))


def score_correlation(marks: float, *, share: float) -> float:
    """Correlation of two normal scores whose marks "below the cut of `share`" have the correlation `marks`.

    ``P(both) = E[Phi((z - sqrt(r) x) / sqrt(1 - r))^2]`` over a standard normal x grows with r: found by halving.

    >>> round(score_correlation(1 / 3, share=0.5), 6)   # P(both) = 1/4 + arcsin(r) / (2 pi) = 1/3, so r = 1/2
    0.5
    """
    if not 0 < share < 1 or marks <= 0:
        return 0.0
    both, cut = share**2 + marks * share * (1 - share), ndtri(share)
    low, high = 0.0, 1.0
    for _ in range(40):
        r = (low + high) / 2
        found = _NODE_WEIGHTS @ ndtr((cut - np.sqrt(r) * _NODES) / np.sqrt(1 - r)) ** 2
        low, high = (r, high) if found < both else (low, r)
    return (low + high) / 2


def p_k_done(p: np.ndarray, *, done: int, k, common: float, scores: np.ndarray, bodies=None) -> np.ndarray:
    """P(at least k tasks are done), open tasks of one body tied together by a score they share on each path.

    `p` (m,) of the open tasks; `k` one number or several asked of the same paths; `common` the correlation of the
    normal scores; `scores` (>= m + number of bodies, n_paths), those of the bodies first; `bodies`: all are of one
    where left out.
    """
    names, whose = np.unique(np.zeros(len(p)) if bodies is None else bodies, return_inverse=True)
    own = np.sqrt(common) * scores[whose] + np.sqrt(1 - common) * scores[len(names) : len(names) + len(p)]
    reached = done + (own <= ndtri(p)[:, None]).sum(axis=0)
    return (reached >= np.asarray(k)[..., None]).mean(axis=-1)
