"""Fork the pages from a new interpreter, when this process holds threads (a library's pool, a notebook server).

The new one has the pinned environment and a single thread; it is told the tasks once and answers a line of JSON a
page. It ends with this process, and this process ends it.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from analysis.publishing.environment import pinned_environment
from analysis.publishing.forks import Outcome
from analysis.publishing.processes import Limits, die_with_parent
from analysis.words.errors import Problem, PublishError


def fresh_outcomes(
    tasks: Sequence[object], *, run_dir: Path, n_jobs: int, limits: Limits
) -> Iterator[tuple[int, Outcome]]:
    """Make the pages of `tasks` in a new interpreter.

    Yields
    ------
    tuple of int and Outcome
        Index of the task and what it came to.

    Raises
    ------
    PublishError
        When the new interpreter ends before its last task.
    """
    worker = subprocess.Popen(
        [sys.executable, "-m", "analysis.publishing.fresh", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **pinned_environment()},
    )
    try:
        with worker.stdin:
            pickle.dump((list(tasks), Path(run_dir), n_jobs, limits), worker.stdin)
        for line in worker.stdout:
            at, outcome = json.loads(line)
            yield at, Outcome(**outcome)
        if worker.wait() != 0:
            found = f"the process that forks the pages ended with exit code {worker.returncode}"
            raise PublishError(Problem("publishing", found, "", "Run again: pages that are done are kept"))
    finally:
        worker.stdout.close()
        worker.kill()
        worker.wait()


def main() -> None:
    """Read the tasks from standard input, write outcomes to standard output."""
    die_with_parent(int(sys.argv[1]))
    tasks, run_dir, n_jobs, limits = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own parent, by a pipe
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a notebook prints is no answer
    from analysis.publishing.execute import forked_outcomes

    for at, outcome in forked_outcomes(tasks, run_dir=run_dir, n_jobs=n_jobs, limits=limits):
        answers.write(json.dumps([at, asdict(outcome)]) + "\n")


if __name__ == "__main__":
    main()
