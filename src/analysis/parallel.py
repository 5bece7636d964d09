"""Tables made side by side: independent calculations, each in a forked process; the same rows for any number of them.

Where the system cannot fork (Windows), or one process is asked for, they run one after the other in this process.
What was made can be kept in a folder, under a hash of all it was made from, and is then read instead of made again.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from analysis import records
from analysis.publishing.forks import may_fork, run_forked
from analysis.publishing.processes import Limits
from analysis.words.errors import DataError, ModelError, Problem, require

LIMITS = Limits(seconds=3600.0, cpu_seconds=3600, memory_mb=8192)
WHOLE = "whole.json"  # written last: table to the hash of its file
Tables = dict[str, pd.DataFrame]


def make_all(
    tasks: Mapping[str, Callable[[], Tables]],
    *,
    n_jobs: int = 1,
    on_done: Callable[[str], None] = lambda name: None,
    keep: Path | None = None,
    keys: Mapping[str, str] | None = None,
) -> dict[str, Tables]:
    """Call every task, or read what it made before, and return its tables.

    Parameters
    ----------
    tasks : mapping of name to function without arguments
        Each returns tables of plain columns (text, numbers, yes/no) by name.
    n_jobs : int
        Processes at a time.
    on_done : callable
        Told the name of each task as it ends.
    keep : Path, optional
        Folder in which tables are kept for the next call.
    keys : mapping of str, optional
        Task to the hash of everything it is made from, needed with `keep`.

    Returns
    -------
    dict of name to dict of name to DataFrame
        In the order of `tasks`, as read back from Parquet: the same whoever made them, and when.

    Raises
    ------
    ModelError
        When a task's process failed; every failed task is named with its reason.
    """
    with tempfile.TemporaryDirectory(prefix="candich-") as scratch:
        folders = {
            name: Path(keep) / keys[name] if keep is not None else Path(scratch) / str(number)
            for number, name in enumerate(tasks)
        }
        found = {name: tables for name in tasks if keep and (tables := _kept(folders[name])) is not None}
        for name in found:
            on_done(name)
        waiting = [name for name in tasks if name not in found]
        if n_jobs <= 1 or len(waiting) < 2 or not may_fork():
            for name in waiting:
                _write(tasks[name](), folders[name])
                on_done(name)
        else:
            _fork(tasks, waiting, folders, n_jobs=n_jobs, on_done=on_done)
        return {name: found[name] if name in found else _read(folders[name]) for name in tasks}


def forget(keep: Path, *, but: Iterable[str]) -> None:
    """Remove what is kept, folders that `but` names left out."""
    named = set(but)
    for folder in sorted(Path(keep).glob("*")):
        if folder.name not in named:
            shutil.rmtree(folder, ignore_errors=True)


def _fork(
    tasks: Mapping[str, Callable[[], Tables]],
    names: list[str],
    folders: Mapping[str, Path],
    *,
    n_jobs: int,
    on_done: Callable[[str], None],
) -> None:
    def work(name: str) -> dict:
        _write(tasks[name](), folders[name])
        return {"name": name}

    problems = []
    for index, outcome in run_forked(names, work, n_jobs=n_jobs, limits=LIMITS):
        if outcome.value is None:
            problems.append(Problem(names[index], outcome.reason, "", "Run with --jobs 1 --debug to see where"))
        on_done(names[index])
    require(sorted(problems), ModelError)


def _write(tables: Tables, folder: Path) -> None:
    """Write the tables of a task, so that they are there whole or not at all."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    for name, table in tables.items():
        records.write_table(table, beside / f"{name}.parquet")
    hashes = {name: records.file_sha256(beside / f"{name}.parquet") for name in tables}
    records.write_bytes(beside / WHOLE, json.dumps(hashes).encode("utf-8"))  # the order of the tables is kept
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(beside, folder)


def _read(folder: Path) -> Tables:
    names = json.loads((folder / WHOLE).read_text(encoding="utf-8"))
    return {name: records.read_table(folder / f"{name}.parquet") for name in names}


def _kept(folder: Path) -> Tables | None:
    """What was kept, when every file is as it was written."""
    try:
        hashes = json.loads((folder / WHOLE).read_text(encoding="utf-8"))
        if any(records.file_sha256(folder / f"{name}.parquet") != one for name, one in hashes.items()):
            return None
        return _read(folder)
    except (OSError, ValueError, AttributeError, DataError):
        return None
