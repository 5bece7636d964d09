"""What a Dask worker does with pages: it keeps one clean process beside itself, which forks the pages' processes.

A worker's own process holds threads, so it must not fork, and it must not run notebooks itself either. The process
beside it starts with the pinned environment, warms up once, and is asked for one chunk of pages at a time over its
pipes. It leaves when nothing was asked for a while, when another run begins, and when its worker is gone.

The run's folder and the notebooks are read by path: every machine sees them at the same place. Pages go back as bytes;
nothing is written into the run here.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from analysis.publishing import keys
from analysis.publishing.early import import_papermill
from analysis.publishing.environment import pinned_environment
from analysis.publishing.forks import Outcome
from analysis.publishing.jobs import PageJob
from analysis.publishing.processes import Limits
from analysis.publishing.series import make_pages

IDLE = 60.0  # seconds without a question after which the process beside the worker leaves
SUFFIXES = (".html", ".ipynb")
_lock = threading.Lock()
_beside: dict[str, subprocess.Popen] = {}  # at most one: run to its process


def set_up() -> dict[str, str]:
    """What must be the same on every machine, or the pages would not be: our code, versions, processor class."""
    return {"code": keys.code_hash(), **keys.environment()}


def make_chunk(chunk: dict) -> list[dict]:
    """Make the pages of a chunk; runs in a Dask worker.

    Parameters
    ----------
    chunk : dict
        ``run`` (a name of its own for each run), ``run_dir``, ``limits``, ``set_up``, ``many`` (notebooks that make
        many pages of the run) and ``jobs``, all plain values.

    Returns
    -------
    list of dict
        One a job, in their order: the fields of an ``Outcome`` and, of whole pages, ``.html`` and ``.ipynb`` packed.

    Raises
    ------
    RuntimeError
        The process beside the worker ended twice, or this machine is set up otherwise than the caller's.
    """
    with _lock:
        for _ in range(2):  # it may have left just before we asked
            process = _process_of(chunk["run"])
            try:
                answer = _ask(process, {**chunk, "n_jobs": _threads_of_worker()})
            except (OSError, ValueError):
                _end(chunk["run"])
                continue
            if "refused" in answer:
                raise RuntimeError(answer["refused"])
            return answer["pages"]
    raise RuntimeError("the process that makes the pages of this worker ended twice, perhaps for want of memory")


def _threads_of_worker() -> int:
    from distributed import get_worker

    return get_worker().state.nthreads


def _process_of(run: str) -> subprocess.Popen:
    for other in [one for one, process in _beside.items() if one != run or process.poll() is not None]:
        _end(other)
    if run not in _beside:
        _beside[run] = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **pinned_environment()},
        )
    return _beside[run]


def _ask(process: subprocess.Popen, question: dict) -> dict:
    process.stdin.write(json.dumps(question).encode("ascii") + b"\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def _end(run: str) -> None:
    process = _beside.pop(run)
    process.kill()  # the children it forked die with it
    process.wait()
    with contextlib.suppress(OSError):
        process.stdin.close()
    process.stdout.close()


def pack(content: bytes) -> str:
    """Bytes as a short ASCII text."""
    return base64.b85encode(zlib.compress(content, 1)).decode("ascii")


def unpack(text: str) -> bytes:
    """The bytes that :func:`pack` was given.

    Examples
    --------
    >>> unpack(pack(b"<html>"))
    b'<html>'
    """
    return zlib.decompress(base64.b85decode(text))


def plain_job(job: PageJob) -> dict:
    """A job as plain values."""
    return {**asdict(job), "notebook": str(job.notebook)}


def main() -> None:
    """Answer chunks until the pipe ends; one JSON line in, one out."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever a library prints is no answer
    warmed: set = set()
    with tempfile.TemporaryDirectory(prefix="candich-") as folder:
        while select.select([0], [], [], IDLE)[0]:
            line = sys.stdin.buffer.readline()
            if not line:
                return
            answers.write(json.dumps(_answer(json.loads(line), folder=Path(folder), warmed=warmed)) + "\n")
            answers.flush()


def _answer(chunk: dict, *, folder: Path, warmed: set) -> dict:
    here = set_up()
    differ = sorted(name for name in here if here[name] != chunk["set_up"].get(name))
    if differ:
        there = {name: chunk["set_up"].get(name, "") for name in differ}
        text = ", ".join(f"{name} {here[name][:20]!r} here, {there[name][:20]!r} there" for name in differ)
        return {"refused": f"this worker is set up otherwise than the machine that asks for pages: {text}"}
    jobs = [PageJob(**{**one, "notebook": Path(one["notebook"])}) for one in chunk["jobs"]]
    found = dict(_made(jobs, chunk=chunk, folder=folder, warmed=warmed))
    return {"pages": [_with_pages(found[at], folder / str(at)) for at in range(len(jobs))]}


def _made(jobs: Sequence[PageJob], *, chunk: dict, folder: Path, warmed: set) -> Iterator[tuple[int, Outcome]]:
    """As `execute` does here: the first page of each notebook alone, then once in this process, then the others."""
    import_papermill()
    from analysis.publishing.make import warm_up

    parent = os.getppid()
    pairs = {(job.notebook, job.context.get("language") or job.parameters.get("language") or "vi") for job in jobs}
    pairs -= warmed
    if pairs:
        warm_up(sorted(pairs))
    firsts = {job.notebook: at for at, job in reversed(list(enumerate(jobs)))}
    many = {Path(one) for one in chunk["many"]} - warmed
    warmed |= pairs
    for at, outcome in make_pages(
        jobs,
        target=lambda at: folder / str(at),
        ahead=sorted(at for notebook, at in firsts.items() if notebook in many),
        run_dir=Path(chunk["run_dir"]),
        n_jobs=chunk["n_jobs"],
        limits=Limits(**chunk["limits"]),
        rehearsed=lambda at: warmed.add(jobs[at].notebook),
    ):
        if os.getppid() != parent:
            raise SystemExit("the worker is gone")
        yield at, outcome


def _with_pages(outcome: Outcome, target: Path) -> dict:
    answer = asdict(outcome)
    for suffix in SUFFIXES:
        path = target.with_suffix(suffix)
        if outcome.value is not None:
            answer[suffix] = pack(path.read_bytes())
        path.unlink(missing_ok=True)
    return answer


if __name__ == "__main__":
    main()
