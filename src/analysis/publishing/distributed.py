"""The pages of a run on many machines: the same work units as here, on the workers of a Dask scheduler.

A task is a chunk of pages. Workers read the run's folder by path, make the pages in processes forked for them
(``worker.py``) and send bytes back; only the caller writes. A task whose worker is lost goes to another; a chunk that
no worker can finish is taken apart, so that one bad page does not take its neighbours with it. Every page comes back
exactly once: as bytes, or as a reason.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from analysis.publishing.execute import REHEARSE_FROM
from analysis.publishing.forks import Outcome
from analysis.publishing.jobs import PageJob
from analysis.publishing.processes import Limits
from analysis.publishing.worker import SUFFIXES, make_chunk, plain_job, set_up, unpack
from analysis.words.errors import ParamsError, Problem

if TYPE_CHECKING:
    from distributed import Client, Future

OPTION = "--dask"
LARGEST_CHUNK = 40  # pages: about three seconds of work, and ten megabytes
ROUNDS = 6  # chunks a thread at least, so that a lost worker costs little and the last ones end together
CONNECT = 10.0  # seconds
PATIENCE = 120.0  # seconds without any worker, then the pages that are left fail
RETRIES = 2  # of a chunk that ended with an error; lost workers are counted by the scheduler


class Task(Protocol):
    """A page to make and where its files go, without suffix."""

    job: PageJob
    target: Path


def check_address(address: str) -> None:
    """Raise at once, before a long run, when there is no Dask here or no scheduler there; starts no thread.

    Raises
    ------
    ParamsError
    """
    if importlib.util.find_spec("distributed") is None:
        found, remedy = "Dask is not installed", "Install it: pip install 'candich[dask]'"
        raise ParamsError(Problem(OPTION, found, "", remedy))
    try:
        parts = urlsplit(address)
        place = parts.hostname, parts.port
    except ValueError:
        place = None, None
    if None in place:
        raise ParamsError(Problem(OPTION, f"{address!r} is no address", "one like 'tcp://10.0.0.5:8786'"))
    try:
        socket.create_connection(place, timeout=CONNECT).close()
    except OSError as error:
        raise _unreachable(address, error) from error


def make_pages_on_dask(
    tasks: Sequence[Task],
    *,
    address: str,
    run_dir: Path,
    limits: Limits = Limits(),  # noqa: B008  frozen
    patience: float = PATIENCE,
) -> Iterator[tuple[int, Outcome]]:
    """Make pages on the workers of a Dask scheduler and write each to its task's target.

    Parameters
    ----------
    tasks : sequence of Task
        ``job`` and ``target``.
    address : str
        Of the scheduler, ``"tcp://10.0.0.5:8786"``.
    run_dir : Path
        The run's folder; workers see it at the same path.
    limits : Limits
        Of one page.
    patience : float
        Seconds without any worker after which the pages that are left fail.

    Yields
    ------
    tuple of int and Outcome
        Index of the task and what it came to, in the order they come back; each task exactly once.

    Raises
    ------
    ParamsError
        Dask is not installed, the scheduler cannot be reached, or it has no workers.
    """
    client = _connect(address)
    try:
        yield from _collect(client, tasks, address=address, run_dir=Path(run_dir), limits=limits, patience=patience)
    finally:
        client.close()


def _connect(address: str) -> Client:
    check_address(address)
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT, set_as_default=False, name="candich")
    except (OSError, ValueError, TimeoutError) as error:
        raise _unreachable(address, error) from error
    try:
        client.wait_for_workers(1, timeout=CONNECT)
    except TimeoutError as error:
        client.close()
        found, remedy = f"the scheduler at {address} has no workers", f"Start some: dask worker {address}"
        raise ParamsError(Problem(OPTION, found, "", remedy)) from error
    return client


def _unreachable(address: str, error: Exception) -> ParamsError:
    found = f"the scheduler at {address} cannot be reached: {getattr(error, 'strerror', None) or error}"
    return ParamsError(Problem(OPTION, found, "", "Start it with `dask scheduler`, or leave --dask out"))


def _collect(
    client: Client, tasks: Sequence[Task], *, address: str, run_dir: Path, limits: Limits, patience: float
) -> Iterator[tuple[int, Outcome]]:
    common = {"run": f"{socket.gethostname()}-{os.getpid()}-{time.monotonic_ns()}", "run_dir": str(run_dir)}
    notebooks = Counter(str(task.job.notebook) for task in tasks)
    many = sorted(one for one, n_pages in notebooks.items() if n_pages >= REHEARSE_FROM)
    common |= {"limits": asdict(limits), "set_up": set_up(), "many": many}

    def submit(part: list[int]) -> Future:
        chunk = {**common, "jobs": [plain_job(tasks[at].job) for at in part]}
        return client.submit(make_chunk, chunk, pure=False, retries=RETRIES)

    waiting = {submit(part): part for part in _chunks(len(tasks), n_threads=sum(client.nthreads().values()))}
    while waiting:
        done, why = _next_done(client, waiting, patience=patience)
        if why:
            for part in waiting.values():
                yield from ((at, Outcome(None, f"The page was not made: {why.format(address)}.")) for at in part)
            return
        for future in done:
            part = waiting.pop(future)
            if future.status == "finished":
                yield from ((at, _written(tasks[at], page)) for at, page in zip(part, future.result(), strict=True))
            elif len(part) > 1:  # one of them may have ended the worker: each alone
                waiting |= {submit([at]): [at] for at in part}
            else:
                yield part[0], Outcome(None, _reason(future.exception()))
            future.release()


def _chunks(n_tasks: int, *, n_threads: int) -> list[list[int]]:
    """Runs of neighbours, so that the pages of one notebook stay together."""
    size = max(1, min(LARGEST_CHUNK, n_tasks // (ROUNDS * max(1, n_threads))))
    return [list(range(start, min(start + size, n_tasks))) for start in range(0, n_tasks, size)]


def _next_done(client: Client, waiting: dict[Future, list[int]], *, patience: float) -> tuple[set[Future], str]:
    """The chunks that have ended since, or why no more will."""
    from distributed import CancelledError, wait

    seen = time.monotonic()
    while True:
        try:
            with client.as_current():
                return wait(list(waiting), timeout=2.0, return_when="FIRST_COMPLETED").done, ""
        except TimeoutError:
            if client.scheduler_info()["workers"]:
                seen = time.monotonic()
            elif time.monotonic() - seen > patience:
                return set(), f"the scheduler at {{}} has had no worker for {patience:g} s"
        except (CancelledError, OSError):
            return set(), "the scheduler at {} was lost"


def _reason(error: BaseException | None) -> str:
    if type(error).__name__ == "KilledWorker":
        return "The page was not made: every worker that tried was lost, by hand or for want of memory."
    return f"The page was not made: {error}."[:2000]


def _written(task: Task, page: dict) -> Outcome:
    """Put what came back beside its place, unless it is not what was made."""
    contents = {suffix: unpack(page.pop(suffix)) for suffix in SUFFIXES if suffix in page}
    outcome = Outcome(**page)
    if outcome.value is None:
        return outcome
    if hashlib.sha256(contents[".html"]).hexdigest() != outcome.value["sha256"]:
        return Outcome(None, "The page was not made: it did not come back as it was sent.")
    try:
        for suffix, content in contents.items():
            task.target.with_suffix(suffix).write_bytes(content)
    except OSError as error:
        return Outcome(None, f"OSError: {error.strerror or error}")
    return outcome
