"""Tables made side by side: independent calculations, each in a forked process; the same rows for any number of them.

Where the system cannot fork (Windows), or one process is asked for, they run one after the other in this process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from analysis import records
from analysis.publishing.forks import Limits, can_fork, count_threads, run_forked
from analysis.words.errors import ModelError, Problem, require

LIMITS = Limits(seconds=3600.0, cpu_seconds=3600, memory_mb=8192)


def make_tables(
    tasks: Mapping[str, Callable[[], pd.DataFrame]],
    *,
    n_jobs: int = 1,
    on_done: Callable[[str], None] = lambda name: None,
) -> dict[str, pd.DataFrame]:
    """Call every task and return its table.

    Parameters
    ----------
    tasks : mapping of name to function without arguments
        Each returns a DataFrame of plain columns (text, numbers, yes/no).
    n_jobs : int
        Processes at a time.
    on_done : callable
        Told the name of each task as it ends.

    Returns
    -------
    dict of name to DataFrame
        In the order of `tasks`, whatever the order they ended in.

    Raises
    ------
    ModelError
        When a task's process failed; every failed task is named with its reason.
    """
    names = list(tasks)
    if n_jobs <= 1 or len(names) < 2 or not can_fork() or count_threads() > 1:
        return {name: _told(name, tasks[name], on_done) for name in names}
    with tempfile.TemporaryDirectory(prefix="candich-") as scratch:
        paths = {name: Path(scratch) / f"{number}.parquet" for number, name in enumerate(names)}

        def work(name: str) -> dict:
            records.write_table(tasks[name](), paths[name])
            return {"name": name}

        problems = []
        for index, outcome in run_forked(names, work, n_jobs=n_jobs, limits=LIMITS):
            if outcome.value is None:
                problems.append(Problem(names[index], outcome.reason, "", "Run with --jobs 1 --debug to see where"))
            on_done(names[index])
        require(sorted(problems), ModelError)
        return {name: records.read_table(path) for name, path in paths.items()}


def _told(name: str, task: Callable[[], pd.DataFrame], on_done: Callable[[str], None]) -> pd.DataFrame:
    table = task()
    on_done(name)
    return table
