"""A list of tasks: CSV in UTF-8, one row a task, for targets of the kind ``tasks_k_of_n``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.registry.targets import Target
from analysis.registry.units import read_csv
from analysis.words.errors import DataError, Problem, did_you_mean, examples, require

COLUMNS = ("task", "target", "unit", "name_vi", "name_en", "owner", "due", "done")
REQUIRED = ("task", "target", "unit", "due")


def read_tasks(path: str | Path, *, units: pd.DataFrame, targets: Sequence[Target]) -> pd.DataFrame:
    """Read a task list as `COLUMNS`, all text; `done` is empty while a task is open."""
    frame = read_csv(path, columns=COLUMNS, required=REQUIRED, key="tasks").reindex(
        columns=list(COLUMNS), fill_value=""
    )
    require(_check(frame, units, targets, str(path)), DataError)
    return frame.sort_values(["target", "unit", "task"], kind="stable", ignore_index=True)


def _check(frame: pd.DataFrame, units: pd.DataFrame, targets: Sequence[Target], where: str) -> list[Problem]:
    problems = []
    twice = frame[frame.duplicated(["task", "target", "unit"], keep=False)]
    if len(twice):
        problems.append(
            Problem(where, f"tasks occur twice: {examples(sorted(set(twice['task'])))}", "each once", "Remove one")
        )
    for column, known in (("unit", set(units["unit"])), ("target", {one.target for one in targets})):
        for one in sorted(set(frame[column]) - known):
            remedy = did_you_mean(one, known) or "Correct the code"
            problems.append(
                Problem(f"{where}: {column}", f"there is no {column} {one!r}", f"one of {len(known)} codes", remedy)
            )
    for column in ("due", "done"):
        for one in sorted(set(frame[column]) - ({""} if column == "done" else set())):
            try:
                dt.date.fromisoformat(one)
            except ValueError:
                problems.append(
                    Problem(f"{where}: {column}", f"found {one!r}", "a date such as 2023-12-31", "Correct the cell")
                )
    return problems
