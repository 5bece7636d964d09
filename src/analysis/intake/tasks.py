"""A list of tasks: CSV in UTF-8, one row a task, for targets of the kind ``tasks_k_of_n``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.registry.targets import Target
from analysis.words.errors import DataError, Problem, did_you_mean, examples, require

COLUMNS = ("task", "target", "unit", "name_vi", "name_en", "owner", "due", "done")
REQUIRED = ("task", "target", "unit", "due")
MAX_BYTES = 50_000_000


def read_tasks(path: str | Path, *, units: pd.DataFrame, targets: Sequence[Target]) -> pd.DataFrame:
    """Read a task list as `COLUMNS`, all text; `done` is empty while a task is open."""
    path = Path(path)
    where = str(path)
    if not path.is_file():
        raise DataError(Problem(where, "there is no such file", "", "Check `tasks` in the params file"))
    if path.stat().st_size > MAX_BYTES:
        raise DataError(Problem(where, f"the file has {path.stat().st_size} bytes", f"at most {MAX_BYTES}"))
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(Problem(where, f"it cannot be read: {error}", "CSV in UTF-8")) from None
    problems = [
        Problem(where, f"column {one!r} is not known", ", ".join(COLUMNS), did_you_mean(one, COLUMNS) or "Remove it")
        for one in frame.columns if one not in COLUMNS
    ]  # fmt: skip
    problems += [
        Problem(where, f"the column {one!r} is missing", ", ".join(COLUMNS), "Add it")
        for one in REQUIRED if one not in frame.columns
    ]  # fmt: skip
    require(problems, DataError)
    frame = frame.reindex(columns=list(COLUMNS), fill_value="").map(str.strip)
    require(_check(frame, units, targets, where), DataError)
    return frame.sort_values(["target", "unit", "task"], kind="stable", ignore_index=True)


def _check(frame: pd.DataFrame, units: pd.DataFrame, targets: Sequence[Target], where: str) -> list[Problem]:
    problems = []
    twice = frame[frame.duplicated(["task", "target", "unit"], keep=False)]
    if len(twice):
        problems.append(
            Problem(where, f"tasks stand twice: {examples(sorted(set(twice['task'])))}", "each once", "Remove one")
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
                problems.append(Problem(f"{where}: {column}", f"found {one!r}", "a day as 2023-12-31", "Mend the cell"))
    return problems
