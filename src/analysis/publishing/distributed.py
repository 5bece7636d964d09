"""The pages of a run on many machines: the workers of a Dask scheduler, each with a page maker of its own.

A task is a chunk of pages. Workers read the run's folder by path and send bytes back; only the caller writes. A lost
worker's task goes to another one; a chunk that no worker can finish is split, so that one bad page fails alone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from analysis.publishing.forks import Limits, Outcome
from analysis.publishing.jobs import PageJob
from analysis.publishing.page_maker import PageMaker
from analysis.words.errors import ParamsError, Problem
from analysis.words.files import sha256

if TYPE_CHECKING:
    from distributed import Client, Future

LARGEST_CHUNK = 48  # pages: three batches, some two seconds of work
ROUNDS = 6  # chunks a thread at least, so that a lost worker costs little and the last ones end together
CONNECT = 10.0  # seconds
RETRIES = 2  # of a chunk that ended with an error; lost workers are counted by the scheduler
HASHES = {".html": "sha256", ".ipynb": "notebook_sha256"}  # ending of a file -> name of its hash in an outcome
_lock = threading.Lock()
_makers: dict[str, PageMaker] = {}  # of a worker: at most one, of the run it last worked for


def check_address(address: str) -> None:
    """Raise ParamsError before a long run when Dask is not installed or no scheduler answers; starts no thread."""
    if importlib.util.find_spec("distributed") is None:
        raise _refused("Dask is not installed", "Install it: pip install 'candich[dask]'")
    try:
        place = urlsplit(address).hostname, urlsplit(address).port
    except ValueError:
        place = None, None
    if None in place:
        allowed, remedy = "an address like 'tcp://10.0.0.5:8786'", "Copy it from the scheduler's first lines"
        raise _refused(f"{address!r} is not an address", remedy, allowed)
    try:
        socket.create_connection(place, timeout=CONNECT).close()
    except OSError as error:
        raise _unreachable(address, error) from error


@dataclass(frozen=True)
class DaskPages:
    """Makes pages on the workers of a scheduler; stands in for a :class:`PageMaker`."""

    address: str  # of the scheduler, "tcp://10.0.0.5:8786"; its workers see the run's folder at the same path as we do
    code: dict[str, str]  # hashes of our code and libraries: a worker with others refuses
    limits: Limits = Limits()  # of one page
    patience: float = 120.0  # seconds without any worker, then the pages that are left fail

    def make(self, jobs: Sequence[PageJob], *, folder: Path, run_dir: Path) -> Iterator[tuple[int, Outcome]]:
        """As :meth:`PageMaker.make`; raises ParamsError when the scheduler cannot be reached or has no workers."""
        check_address(self.address)
        with _silence(), contextlib.closing(_connect(self.address)) as client:
            how = {"run": uuid.uuid4().hex, "run_dir": str(run_dir), "limits": asdict(self.limits), "code": self.code}
            yield from self._collect(client, jobs, folder=folder, how=how)
            with contextlib.suppress(Exception):  # no scheduler, no workers: nothing to end
                client.run(end_run, how["run"], wait=False)

    def _collect(
        self, client: Client, jobs: Sequence[PageJob], *, folder: Path, how: dict
    ) -> Iterator[tuple[int, Outcome]]:
        from distributed import KilledWorker

        def submit(part: list[int]) -> Future:
            return client.submit(make_chunk, [jobs[at].plain() for at in part], **how, pure=False, retries=RETRIES)

        waiting = {submit(part): part for part in _chunks(len(jobs), n_threads=sum(client.nthreads().values()))}
        while waiting:
            done, lost = self._next_done(client, waiting)
            if lost:
                yield from ((at, _not_made(lost)) for part in waiting.values() for at in part)
                return
            for future in done:
                part = waiting.pop(future)
                if future.status == "finished":
                    pages = zip(part, future.result(), strict=True)
                    yield from ((at, _written(*page, target=folder / str(at))) for at, page in pages)
                elif len(part) > 1:  # one of them may have ended the worker: each alone
                    waiting |= {submit([at]): [at] for at in part}
                else:
                    error, lost = future.exception(), "every worker that tried was lost, by hand or for want of memory"
                    yield part[0], _not_made(lost if isinstance(error, KilledWorker) else str(error))
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


def make_chunk(
    plain: Sequence[dict], *, run: str, run_dir: str, limits: dict, code: Mapping[str, str]
) -> list[tuple[Outcome, dict[str, bytes]]]:
    """Make pages in a Dask worker: of each job its outcome and, of whole pages, the bytes by the file's ending."""
    from distributed import get_worker

    jobs = [PageJob.from_plain(values) for values in plain]
    with _lock, tempfile.TemporaryDirectory(prefix="candich-") as folder:
        if run not in _makers:
            while _makers:
                _makers.popitem()[1].close()
            _makers[run] = PageMaker(n_jobs=get_worker().state.nthreads, limits=Limits(**limits))
        try:
            made = dict(_makers[run].make(jobs, folder=Path(folder), run_dir=Path(run_dir), code=code))
        except Exception as error:  # in words: ours does not come through Dask as it was
            _makers.pop(run).close()
            raise RuntimeError(str(error)) from error
        files = lambda at: {ending: Path(folder, f"{at}{ending}").read_bytes() for ending in HASHES if made[at].value}
        return [(made[at], files(at)) for at in range(len(jobs))]


async def end_run(run: str) -> None:
    """End the page maker of a run in a Dask worker; it holds the run's tables."""
    if run in _makers:
        _makers.pop(run).close()


def _written(outcome: Outcome, files: Mapping[str, bytes], *, target: Path) -> Outcome:
    """Write what came back, unless it is not what was made."""
    if outcome.value and any(sha256(files.get(ending, b"")) != outcome.value[name] for ending, name in HASHES.items()):
        return _not_made("it did not come back as it was sent")
    for ending, content in files.items():
        target.with_suffix(ending).write_bytes(content)
    return outcome


def _chunks(n_jobs: int, *, n_threads: int) -> list[list[int]]:
    """Runs of neighbours, so that the pages of one notebook stay together."""
    size = max(1, min(LARGEST_CHUNK, n_jobs // (ROUNDS * max(1, n_threads))))
    return [list(range(start, min(start + size, n_jobs))) for start in range(0, n_jobs, size)]


def _connect(address: str) -> Client:
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT, set_as_default=False, name="candich")
    except (OSError, ValueError) as error:
        raise _unreachable(address, error) from error
    try:
        client.wait_for_workers(1, timeout=CONNECT)
    except TimeoutError as error:
        client.close()
        raise _refused(f"the scheduler at {address} has no workers", f"Start some: dask worker {address}") from error
    return client


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """No messages of Dask's loggers: what matters of a lost scheduler is the reason of its pages."""
    import distributed  # noqa: F401  gives them their levels

    with contextlib.ExitStack() as stack:
        for logger in map(logging.getLogger, ("distributed", "distributed.client")):  # each has a level of its own
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL + 1)
        yield


def _not_made(why: str) -> Outcome:
    return Outcome(None, f"The page was not made: {why.rstrip('.')}."[:2000], kind="DaskError")


def _unreachable(address: str, error: Exception) -> ParamsError:
    found = f"the scheduler at {address} cannot be reached: {getattr(error, 'strerror', None) or error}"
    return _refused(found, "Start it with `dask scheduler`, or leave --dask out")


def _refused(found: str, remedy: str, allowed: str = "") -> ParamsError:
    return ParamsError(Problem("--dask", found, allowed, remedy))
