"""The pages of a run on many machines: the workers of a Dask scheduler, each with a page maker of its own.

A task is a chunk of pages. Workers read the run's folder by path, make the pages with the same page maker as this
machine would, and send bytes back; only the caller writes. A task whose worker is lost goes to another one; a chunk
that no worker can finish is split, so that one bad page does not take its neighbours with it.
"""

from __future__ import annotations

import importlib.util
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from analysis.publishing.forks import Outcome
from analysis.publishing.jobs import PageJob
from analysis.publishing.page_maker import PageMaker
from analysis.publishing.processes import Limits
from analysis.words.errors import ParamsError, Problem
from analysis.words.files import sha256

if TYPE_CHECKING:
    from distributed import Client, Future

OPTION = "--dask"
LARGEST_CHUNK = 48  # pages: three batches, some two seconds of work
ROUNDS = 6  # chunks a thread at least, so that a lost worker costs little and the last ones end together
CONNECT = 10.0  # seconds
PATIENCE = 120.0  # seconds without any worker, then the pages that are left fail
RETRIES = 2  # of a chunk that ended with an error; lost workers are counted by the scheduler
SUFFIXES = (".html", ".ipynb")
_lock = threading.Lock()
_makers: dict[tuple, PageMaker] = {}  # of a worker: at most one


def check_address(address: str) -> None:
    """Refuse an address before a long run when Dask is not installed or no scheduler answers; starts no thread.

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
        allowed, remedy = "an address like 'tcp://10.0.0.5:8786'", "Copy it from the scheduler's first lines"
        raise ParamsError(Problem(OPTION, f"{address!r} is not an address", allowed, remedy))
    try:
        socket.create_connection(place, timeout=CONNECT).close()
    except OSError as error:
        raise _unreachable(address, error) from error


class DaskPages:
    """Makes pages on the workers of a scheduler; stands in for a :class:`PageMaker`.

    Parameters
    ----------
    address : str
        Of the scheduler, ``"tcp://10.0.0.5:8786"``.
    code : dict of str
        Hashes of our code and libraries: a worker with others refuses.
    limits : Limits
        Of one page.
    patience : float
        Seconds without any worker after which the pages that are left fail.
    """

    def __init__(
        self,
        address: str,
        *,
        code: dict[str, str],
        limits: Limits = Limits(),  # noqa: B008  frozen
        patience: float = PATIENCE,
    ):
        self.address, self.code, self.limits, self.patience = address, code, limits, patience

    def make(self, jobs: Sequence[PageJob], *, folder: Path, run_dir: Path) -> Iterator[tuple[int, Outcome]]:
        """Make every page as ``<folder>/<index>.html`` and ``.ipynb``; workers see `run_dir` at the same path.

        Yields
        ------
        tuple of int and Outcome
            Index of the job and what became of it; every job once.

        Raises
        ------
        ParamsError
            Dask is not installed, the scheduler cannot be reached, or it has no workers.
        """
        client = _connect(self.address)
        try:
            yield from self._collect(client, jobs, folder=folder, run_dir=run_dir)
        finally:
            client.close()

    def _collect(
        self, client: Client, jobs: Sequence[PageJob], *, folder: Path, run_dir: Path
    ) -> Iterator[tuple[int, Outcome]]:
        common = {"run_dir": str(run_dir), "limits": asdict(self.limits), "code": self.code}

        def submit(part: list[int]) -> Future:
            chunk = {**common, "jobs": [jobs[at].plain() for at in part]}
            return client.submit(make_chunk, chunk, pure=False, retries=RETRIES)

        waiting = {submit(part): part for part in _chunks(len(jobs), n_threads=sum(client.nthreads().values()))}
        while waiting:
            done, lost = self._next_done(client, waiting)
            if lost:
                for part in waiting.values():
                    yield from ((at, _not_made(lost)) for at in part)
                return
            for future in done:
                part = waiting.pop(future)
                if future.status == "finished":
                    pages = zip(part, future.result(), strict=True)
                    yield from ((at, _written(page, folder / str(at))) for at, page in pages)
                elif len(part) > 1:  # one of them may have ended the worker: each alone
                    waiting |= {submit([at]): [at] for at in part}
                else:
                    yield part[0], _not_made(_reason(future.exception()))
                future.release()

    def _next_done(self, client: Client, waiting: dict[Future, list[int]]) -> tuple[set[Future], str]:
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
                elif time.monotonic() - seen > self.patience:
                    return set(), f"the scheduler at {self.address} has had no worker for {self.patience:g} s"
            except (CancelledError, OSError):
                return set(), f"the scheduler at {self.address} was lost"


def make_chunk(chunk: dict) -> list[dict]:
    """Make the pages of a chunk; runs in a Dask worker.

    Parameters
    ----------
    chunk : dict
        ``run_dir``, ``limits``, ``code`` and ``jobs``, all plain values.

    Returns
    -------
    list of dict
        For each job, in order: the fields of its ``Outcome`` and, of whole pages, the bytes by suffix.

    Raises
    ------
    RuntimeError
        This machine has other code or libraries than the caller.
    """
    from distributed import get_worker

    from analysis.publishing.environment import environment_hashes

    here = environment_hashes()
    differ = sorted(name for name, digest in chunk["code"].items() if here[name] != digest)
    if differ:
        raise RuntimeError(f"this worker has other {' and '.join(differ)} than the machine that asks for pages")
    jobs = [PageJob.from_plain(values) for values in chunk["jobs"]]
    with _lock, tempfile.TemporaryDirectory(prefix="candich-") as folder:
        key = (chunk["run_dir"], get_worker().state.nthreads)
        for old in [one for one in _makers if one != key]:  # of another run
            _makers.pop(old).__exit__()
        if key not in _makers:
            _makers[key] = PageMaker(n_jobs=key[1], limits=Limits(**chunk["limits"]))
        try:
            made = dict(_makers[key].make(jobs, folder=Path(folder), run_dir=Path(chunk["run_dir"])))
        except Exception:
            _makers.pop(key).__exit__()
            raise
        return [_packed(made[at], Path(folder) / str(at)) for at in range(len(jobs))]


def _packed(outcome: Outcome, target: Path) -> dict:
    files = {suffix: target.with_suffix(suffix) for suffix in SUFFIXES if outcome.value is not None}
    return {"outcome": asdict(outcome), **{suffix: path.read_bytes() for suffix, path in files.items()}}


def _written(page: dict, target: Path) -> Outcome:
    """Write what came back, unless it is not what was made."""
    outcome = Outcome(**page["outcome"])
    if outcome.value is None:
        return outcome
    if sha256(page[".html"]) != outcome.value["sha256"] or sha256(page[".ipynb"]) != outcome.value["notebook_sha256"]:
        return _not_made("it did not come back as it was sent")
    for suffix in SUFFIXES:
        target.with_suffix(suffix).write_bytes(page[suffix])
    return outcome


def _not_made(why: str) -> Outcome:
    return Outcome(None, f"The page was not made: {why}."[:2000], kind="DaskError")


def _chunks(n_jobs: int, *, n_threads: int) -> list[list[int]]:
    """Runs of neighbours, so that the pages of one notebook stay together."""
    size = max(1, min(LARGEST_CHUNK, n_jobs // (ROUNDS * max(1, n_threads))))
    return [list(range(start, min(start + size, n_jobs))) for start in range(0, n_jobs, size)]


def _reason(error: BaseException | None) -> str:
    if type(error).__name__ == "KilledWorker":
        return "every worker that tried was lost, by hand or for want of memory"
    return str(error)


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
