"""A task list as Đề án 06 keeps it: four states, how many will be done, whether all will be, and which tasks block.

How late tasks get done is read from the list itself: the delay against the due date, open tasks counted as not yet done
(Kaplan-Meier). Bodies differ in diligence, so tasks of one body (the owner where the list names one, else the unit)
are not independent: how much is read from the spread of their on-time shares.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from analysis.words.errors import DataError, Problem, did_you_mean, examples, require
from analysis.words.periods import frequency_of, last_day

STATES = ("done_on_time", "done_late", "open_in_time", "open_overdue")
COLUMNS = ("task", "target", "unit", "due", "done")
MIN_DONE = 5  # finished tasks below which no delay is estimated
MAX_COMMON = 0.5  # upper bound of the correlation between tasks of one unit
LIKELY = 0.5  # an open task less likely than this to be done in time blocks
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()  # expectation over a standard normal


def check_tasks(tasks: pd.DataFrame) -> list[Problem]:
    """What is wrong with a task list; empty when nothing is.

    Columns: task (code), target, unit, due and done (ISO dates or period codes; done empty while open).
    """
    missing = [one for one in COLUMNS if one not in tasks.columns]
    if missing:
        return [
            Problem(
                "tasks",
                f"the column {one!r} is missing",
                ", ".join(COLUMNS),
                did_you_mean(one, tasks.columns) or "Add it",
            )
            for one in missing
        ]
    problems = []
    for name, empty_allowed in (("due", False), ("done", True)):
        text = tasks[name].fillna("").astype(str).str.strip()
        bad = text[days_of(text).isna() & ~((text == "") & empty_allowed)].tolist()
        if bad:
            problems.append(
                Problem(
                    f"tasks: {name}",
                    f"{len(bad)} values cannot be read as dates: {examples(bad)}",
                    "2022-06-30, or a period such as 2022-06 or 2022-Q2"
                    + ("; empty while open" if empty_allowed else ""),
                    "Mend them at the source",
                )
            )
    twice = tasks[tasks.duplicated(["task", "target", "unit"], keep=False)]
    if len(twice):
        codes = sorted(set(twice["task"].astype(str)))
        problems.append(
            Problem("tasks", f"tasks stand twice: {examples(codes)}", "each task once", "Remove the repeats")
        )
    return problems


def day_of(text: str) -> int | None:
    """Day number of an ISO date, or of the last day of a period; None where it is neither.

    Examples
    --------
    >>> day_of("2022-06-30") == day_of("2022-06") == day_of("2022-Q2"), day_of("30/6")
    (True, None)
    """
    if frequency_of(text):
        return last_day(text).toordinal()
    try:
        return dt.date.fromisoformat(text).toordinal() if len(text) == 10 else None
    except ValueError:
        return None


def days_of(column: pd.Series) -> pd.Series:
    """Day number of each text of a column, NaN where it is none; each text is read once.

    Examples
    --------
    >>> days_of(pd.Series(["1970-01-01", ""])).tolist()
    [719163.0, nan]
    """
    text = column.fillna("").astype(str).str.strip()
    days = {one: day_of(one) for one in text.unique()}
    return text.map(days).astype(float)


def states(due, done, *, today: int) -> np.ndarray:
    """One of `STATES` for each task.

    Parameters
    ----------
    due, done : array of int
        Day numbers; `done` < 0 while open. A task done after `today` is open.
    today : int
        Last day of the cutoff. A task due today and open is still in time.

    Examples
    --------
    >>> states([10, 10, 10, 30], [9, 11, -1, -1], today=20).tolist()
    ['done_on_time', 'done_late', 'open_overdue', 'open_in_time']
    """
    due, done = np.asarray(due), np.asarray(done)
    finished = (done >= 0) & (done <= today)
    late = np.where(finished, done > due, due < today)
    return np.array(STATES, dtype=object)[np.where(finished, 0, 2) + late]


def delay_curve(delay, *, finished) -> tuple[np.ndarray, np.ndarray, int]:
    """Kaplan-Meier share of tasks still open this many days after their due date.

    Parameters
    ----------
    delay : array, shape (n,)
        Days from due date to completion, or to today for open tasks (negative: before it).
    finished : array of bool, shape (n,)

    Returns
    -------
    days, still_open : arrays, shape (m,)
        Steps: from ``days[i]`` on the share is ``still_open[i]``; before the first it is 1.
    n : int
        Tasks that the curve is read from.

    Examples
    --------
    >>> days, still, n = delay_curve([-5, 0, 3, 3], finished=[True, True, True, False])
    >>> days.tolist(), still.round(2).tolist(), n
    ([-5.0, 0.0, 3.0], [0.75, 0.5, 0.25], 4)
    """
    delay, finished = np.asarray(delay, dtype=float), np.asarray(finished, dtype=bool)
    days = np.unique(delay[finished])
    at_risk = (delay[None, :] >= days[:, None]).sum(axis=1)
    ended = ((delay[None, :] == days[:, None]) & finished[None, :]).sum(axis=1)
    return days, np.cumprod(1 - ended / np.maximum(at_risk, 1)), len(delay)


def p_done_by(due, *, today: int, deadline: int, curve: tuple[np.ndarray, np.ndarray, int]) -> np.ndarray:
    """P(an open task is done by the deadline | it is open today), one half of a task added on each side.

    ``1 - S(deadline - due) / S(today - due)``; beyond the longest delay ever seen the curve stays flat.

    Examples
    --------
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

    Examples
    --------
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

    Parameters
    ----------
    p : array, shape (m,)
        Of the open tasks.
    done : int
        Tasks done already.
    k : float or array, shape (q,)
        One number, or several that are asked of the same paths.
    common : float
        Correlation of the normal scores.
    scores : array, shape (>= m + number of bodies, n_paths)
        Standard normal; the first rows are those of the bodies.
    bodies : array, shape (m,), optional
        Whose each task is; left out: all are of one body.

    Returns
    -------
    float or array, shape (q,)
    """
    names, whose = np.unique(np.zeros(len(p)) if bodies is None else bodies, return_inverse=True)
    own = np.sqrt(common) * scores[whose] + np.sqrt(1 - common) * scores[len(names) : len(names) + len(p)]
    reached = done + (own <= ndtri(p)[:, None]).sum(axis=0)
    return (reached >= np.asarray(k)[..., None]).mean(axis=-1)


def prepare(tasks: pd.DataFrame, *, today: int) -> pd.DataFrame:
    """Task list with day numbers, states and delays, sorted by target, unit, task.

    Raises
    ------
    DataError
        With every problem of :func:`check_tasks`.
    """
    require(check_tasks(tasks), DataError)
    table = tasks.copy()
    for name in ("task", "target", "unit"):
        table[name] = table[name].fillna("").astype(str)
    for name in ("due", "done"):
        table[name] = table[name].fillna("").astype(str).str.strip()
        table[f"{name}_day"] = days_of(table[name]).fillna(-1).astype(int)
    table["state"] = states(table["due_day"], table["done_day"], today=today)
    finished = table["state"].isin(STATES[:2])
    table["delay"] = np.where(finished, table["done_day"], today) - table["due_day"]
    table["finished"] = finished
    owner = table["owner"].fillna("").astype(str) if "owner" in table else pd.Series("", index=table.index)
    table["body"] = owner.where(owner != "", table["unit"])
    return table.sort_values(["target", "unit", "task"], kind="stable", ignore_index=True)
