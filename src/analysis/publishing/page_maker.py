"""One process that makes pages: it loads what pages need once, and forks a process for each batch of up to 16 pages.

A run, `candich each`, `candich verify` and a Dask worker all start this process and send it page jobs. It is a new
interpreter with the pinned environment and a single thread, so that it may fork whatever its caller holds. Where the
system cannot fork (Windows), it makes the pages in ordinary processes with Papermill's ordinary engine.

A page of a batch is made only in a process that the pages before it left as it was (``process_state``); what fails in
a used process is made again in a new one. That pages made in batches equal pages made alone is proven by the tests and
by `candich verify`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from analysis.publishing.environment import environment_hashes, pinned_environment
from analysis.publishing.forks import Limits, Outcome, can_fork, count_threads, run_forked
from analysis.publishing.jobs import BRIEFING, LAB, PageJob
from analysis.words.errors import AnalysisError, Problem, PublishError

BATCH = 16  # pages a process: the fork's share of a page is then small, and so is the memory of its garbage
ROUNDS = 4  # batches a process of the run at least, so that none waits long for another's last
WARMUP_FROM = 4  # pages of one notebook, from which a warm-up pays
_END = -1


class PageMaker:
    """The process that makes pages; use it in a ``with`` block, which ends it.

    Parameters
    ----------
    n_jobs : int
        Processes that make pages at a time.
    limits : Limits
        Of one page.
    """

    def __init__(self, *, n_jobs: int = 2, limits: Limits = Limits()):  # noqa: B008  frozen
        self._how = {"n_jobs": n_jobs, "limits": asdict(limits)}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "analysis.publishing.page_maker"],  # -P: no module of the caller's folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **pinned_environment()},
        )

    def __enter__(self) -> PageMaker:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()  # the processes it forked die with it
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()

    def make(
        self,
        jobs: Sequence[PageJob],
        *,
        folder: Path,
        run_dir: Path | None = None,
        alone: bool = False,
        code: Mapping[str, str] = {},  # noqa: B006  never changed
    ) -> Iterator[tuple[int, Outcome]]:
        """Make every page and its executed notebook, as ``<folder>/<index of the job>.html`` and ``.ipynb``.

        `run_dir` is the run that the pages show, loaded once for all; with `alone` each page is made in a process of
        its own, also those that may be made together; `code` holds hashes (``environment_hashes``) that those of this
        machine must equal. Every job is yielded once, as it ends.

        PublishError: when the process ends before its last page, or cannot begin.
        """
        request = {"jobs": [job.plain() for job in jobs], "folder": str(folder), "alone": alone, **self._how}
        request |= {"run_dir": str(run_dir) if run_dir else "", "code": dict(code)}
        with suppress(BrokenPipeError):  # it ended: its exit code says more below
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            if not line.endswith(b"\n"):  # it ended in the middle of an answer
                break
            at, answer = json.loads(line)
            if at == _END:
                if answer:
                    raise PublishError(Problem(*one) for one in answer)
                return
            yield at, Outcome(**answer)
        found = f"the process that makes the pages ended with exit code {self._process.wait()}"
        raise PublishError(Problem("publishing", found, "it ends after the last page", "Free memory, then run again"))


def main() -> None:
    """Answer requests until the pipe ends: a line of JSON in, a line a page out, and one that ends the answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the caller too, who ends us
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library or a notebook prints is not an answer

    def answer(at: int, value: object) -> None:
        answers.write(json.dumps([at, value]) + "\n")
        answers.flush()

    import_module("analysis.publishing.make")  # while the caller still computes what the pages will show
    try:
        for line in sys.stdin.buffer:
            try:
                for at, outcome in _make(json.loads(line)):
                    answer(at, asdict(outcome))
                answer(_END, [])
            except AnalysisError as error:
                answer(_END, [[one.where, one.found, one.allowed, one.remedy] for one in error.problems])
    except BrokenPipeError:  # the caller is gone
        os._exit(1)


def _make(request: dict) -> Iterator[tuple[int, Outcome]]:
    jobs = [PageJob.from_plain(values) for values in request["jobs"]]
    folder, limits = Path(request["folder"]), Limits(**request["limits"])
    _require_same(request["code"])
    if not can_fork():
        yield from _make_in_pool(jobs, folder=folder, n_jobs=request["n_jobs"], limits=limits)
        return
    from analysis.publishing.make import make_page

    _prepare(jobs, run_dir=request["run_dir"])

    def work(at: int) -> dict:
        made = make_page(jobs[at], target=folder / str(at), seconds=limits.seconds)
        return {**made, "n_threads": count_threads()}

    how = {"n_jobs": request["n_jobs"], "limits": limits}
    firsts = warmup_pages(jobs)
    for place, outcome in run_forked(firsts, work, **how):
        at = firsts[place]
        if outcome.value is not None and outcome.value["n_threads"] == 1:
            with suppress(Exception):  # a child has just made it whole; what it imported, the next children inherit
                make_page(jobs[at], target=folder / "warmup")
        yield at, outcome
    rest = [at for at in range(len(jobs)) if at not in firsts]
    together = [at for at in rest if jobs[at].together and not request["alone"]]
    for indices, length in (
        (together, batch_length(len(together), n_jobs=request["n_jobs"])),
        ([at for at in rest if at not in set(together)], 1),
    ):
        for place, outcome in run_forked(indices, work, batch=length, **how):
            yield indices[place], outcome


def _require_same(code: Mapping[str, str]) -> None:
    here = environment_hashes() if code else {}
    differ = sorted(name for name, digest in code.items() if here.get(name) != digest)
    if differ:
        found = f"this machine has other {' and '.join(differ)} than the one that wants the pages"
        raise PublishError(Problem("publishing", found, "the same on all", "Install the same version of candich"))


def _prepare(jobs: Sequence[PageJob], *, run_dir: str) -> None:
    """Do once what every page would do: load the run, import, render; the children share the memory."""
    from analysis.publishing.make import imports_of, lab_exporter, read_notebook, warm_up

    if run_dir:
        briefing = import_module("analysis.briefing")
        run = import_module("analysis.records").load_run(run_dir)
        for language in sorted({job.language for job in jobs}):
            briefing.warm(run, language=language)
    for notebook in [path for path, found in _with_many_pages(jobs).items() if jobs[found[0]].template == LAB]:
        _import_once(imports_of(notebook))
        lab_exporter().from_notebook_node(read_notebook(notebook))
    warm_up(sorted({(job.notebook, job.language) for job in jobs if job.template == BRIEFING}))


def _import_once(names: list[str]) -> None:
    """Import what the pages of an analyst's notebook will; in a child first, because a module may start threads."""
    from analysis.publishing.make import quiet_imports

    def work(names: list[str]) -> dict:
        return {"quiet": quiet_imports(names), "n_threads": count_threads()}

    for _, outcome in run_forked([names], work, n_jobs=1):
        if outcome.value is not None and outcome.value["n_threads"] == 1:
            for name in outcome.value["quiet"]:
                import_module(name)


def warmup_pages(jobs: Sequence[PageJob]) -> list[int]:
    """The first page of each notebook that makes many: made first, then once more in the process that forks the rest.

    Only of notebooks that leave nothing behind (``together``): the other pages would see what it left.

    >>> warmup_pages([PageJob(f"{n}.html", Path("a.ipynb"), {}, together=True) for n in range(4)])
    [0]
    """
    return [found[0] for found in _with_many_pages(jobs).values() if jobs[found[0]].together]


def _with_many_pages(jobs: Sequence[PageJob]) -> dict[Path, list[int]]:
    """Notebooks that make many pages, and the indices of their jobs."""
    of: dict[Path, list[int]] = defaultdict(list)
    for at, job in enumerate(jobs):
        of[job.notebook].append(at)
    return {notebook: found for notebook, found in of.items() if len(found) >= WARMUP_FROM}


def batch_length(n_pages: int, *, n_jobs: int) -> int:
    """Pages that one process makes, of `n_pages` that may be made together.

    >>> [batch_length(n, n_jobs=2) for n in (3, 100, 3355)]
    [1, 12, 16]
    """
    return max(1, min(BATCH, n_pages // (ROUNDS * max(1, n_jobs))))


def _make_in_pool(
    jobs: Sequence[PageJob], *, folder: Path, n_jobs: int, limits: Limits
) -> Iterator[tuple[int, Outcome]]:
    with ProcessPoolExecutor(max_workers=max(1, n_jobs)) as pool:
        waiting = {pool.submit(_made, job, folder / str(at), limits.seconds): at for at, job in enumerate(jobs)}
        for done in as_completed(waiting):
            error = done.exception()
            yield waiting[done], Outcome.of_error(error) if error else done.result()


def _made(job: PageJob, target: Path, seconds: float) -> Outcome:
    """The outcome of a page; as an exception it would lose its problems on the way out of the pool."""
    from analysis.publishing.make import make_page

    try:
        return Outcome(make_page(job, target=target, seconds=seconds))
    except Exception as error:  # noqa: BLE001  one page's failure is a row, whatever it is
        return Outcome.of_error(error)


if __name__ == "__main__":
    main()
