"""Publish the pages of a run: only those that must be made, in processes apart, each put in place only when whole.

A page is written beside its place and moved there in one step after its notebook ran to its end and its HTML passed
the checks. Whatever happens before that (an exception, ``sys.exit(0)`` in a cell, a kill, a full disk, Ctrl-C) leaves
the page that stood there, which is then marked as not updated, and becomes a result with its reason.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from analysis.publishing import keys
from analysis.publishing.early import import_papermill
from analysis.publishing.forks import Outcome, can_fork, count_threads
from analysis.publishing.fresh import fresh_outcomes
from analysis.publishing.jobs import (
    BUILDING,
    FAILED,
    JOURNAL,
    NOTEBOOKS,
    PUBLISHED,
    SITE,
    UNCHANGED,
    PageJob,
    PageResult,
    check_jobs,
)
from analysis.publishing.lock import run_lock
from analysis.publishing.notice import mark_not_updated
from analysis.publishing.parameters import check_parameters
from analysis.publishing.processes import Limits
from analysis.publishing.series import make_pages
from analysis.words.errors import ParamsError, Problem, PublishError, require

REHEARSE_FROM = 4  # pages of one notebook, from which a page made once more in the parent pays


@dataclasses.dataclass(frozen=True)
class _Task:
    index: int
    job: PageJob
    target: Path  # without suffix
    parts: dict[str, str]
    key: str


def publish_pages(
    jobs: Sequence[PageJob],
    *,
    run_dir: Path,
    n_jobs: int = 2,
    on_done: Callable[[PageResult], None] | None = None,
    warm: Callable[[], None] | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen
    force: bool = False,
    lock_file: Path | None = None,
    elsewhere: Callable[[list[_Task]], Iterator[tuple[int, Outcome]]] | None = None,
) -> list[PageResult]:
    """Publish pages into ``run_dir/site``, their executed notebooks into ``run_dir/notebooks``.

    Parameters
    ----------
    jobs : sequence of PageJob
    run_dir : Path
    n_jobs : int
        Processes at a time.
    on_done : callable, optional
        Told each result as it comes, unchanged pages included.
    warm : callable, optional
        Called once in this process before the first page, when there is one to make: loads what every page needs.
    limits : Limits
        Of one page.
    force : bool
        Make every page, changed or not.
    lock_file : Path, optional
        The environment's lock file, part of every page's key.
    elsewhere : callable, optional
        Makes the pages instead of this machine's processes; see ``distributed.make_pages_on_dask``.

    Returns
    -------
    list of PageResult
        In the order of `jobs`.

    Raises
    ------
    ParamsError
        A page path that leaves the site, a missing notebook, a parameter the notebook does not take.
    PublishError
        Another run holds the folder, it cannot be written, or this process holds threads.
    """
    run_dir = Path(run_dir).resolve()
    require(check_jobs(jobs), ParamsError)
    on_done = on_done or (lambda result: None)
    with run_lock(run_dir) as held, _building(run_dir) as building:
        journal = {} if force else keys.read_journal(run_dir)
        results: dict[int, PageResult] = {}
        tasks = []
        for index, job in enumerate(jobs):
            parts = keys.page_parts(job, lock_file=lock_file)
            key = keys.page_key(parts)
            if keys.still_good(journal.get(job.page), key, run_dir=run_dir, job=job):
                results[index] = _unchanged(job, journal[job.page])
                on_done(results[index])
            else:
                tasks.append(_Task(index, job, building / f"{os.getpid()}-{index}", parts, key))
        if tasks:
            how = {"run_dir": run_dir, "n_jobs": n_jobs, "limits": limits, "warm": warm, "elsewhere": elsewhere}
            for at, outcome in _outcomes(tasks, **how, close=[held]):
                result, again = _settle(tasks[at], outcome, run_dir=run_dir), tasks[at].index in results
                results[tasks[at].index] = result
                if not again:
                    on_done(result)
            _compact(run_dir)
    return [results[index] for index in range(len(jobs))]


def make_pages_aside(
    jobs: Sequence[PageJob],
    *,
    run_dir: Path,
    folder: Path,
    n_jobs: int,
    limits: Limits,
    warm: Callable[[], None] | None = None,
) -> dict[str, tuple[Path | None, str]]:
    """Make pages into another folder and leave the site alone.

    Returns
    -------
    dict
        Page to where it lies (without suffix; None when it was not made) and the reason.
    """
    tasks = [_Task(at, job, Path(folder) / str(at), {}, "") for at, job in enumerate(jobs)]
    made = _outcomes(tasks, run_dir=Path(run_dir), n_jobs=n_jobs, limits=limits, warm=warm) if tasks else ()
    return {tasks[at].job.page: (tasks[at].target if one.value else None, one.reason) for at, one in made}


def _outcomes(
    tasks: list[_Task],
    *,
    run_dir: Path,
    n_jobs: int,
    limits: Limits,
    warm: Callable[[], None] | None,
    close: Sequence[int] = (),
    elsewhere: Callable[[list[_Task]], Iterator[tuple[int, Outcome]]] | None = None,
) -> Iterator[tuple[int, Outcome]]:
    import_papermill()  # only when there is something to make
    from analysis.publishing.make import read_notebook

    for path in sorted({Path(task.job.notebook) for task in tasks}):
        read_notebook(path)
    problems = []
    for task in tasks:
        notebook = read_notebook(Path(task.job.notebook))
        problems += check_parameters(notebook, task.job.parameters, where=Path(task.job.notebook).name)
    require(problems, ParamsError)
    for folder in sorted({(run_dir / part / task.job.page).parent for task in tasks for part in (SITE, NOTEBOOKS)}):
        folder.mkdir(parents=True, exist_ok=True)
    if elsewhere is not None:
        return elsewhere(tasks)
    if not can_fork():
        return _in_pool(tasks, run_dir=run_dir, n_jobs=n_jobs, limits=limits)
    if count_threads() > 1:
        return fresh_outcomes(tasks, run_dir=run_dir, n_jobs=n_jobs, limits=limits)
    if warm is not None:
        warm()
    if count_threads() > 1:  # warming may read through a library that keeps threads
        return fresh_outcomes(tasks, run_dir=run_dir, n_jobs=n_jobs, limits=limits)
    return forked_outcomes(tasks, run_dir=run_dir, n_jobs=n_jobs, limits=limits, close=close)


def forked_outcomes(
    tasks: Sequence[_Task], *, run_dir: Path, n_jobs: int, limits: Limits, close: Sequence[int] = ()
) -> Iterator[tuple[int, Outcome]]:
    """Make the pages of `tasks` in processes forked from this one; yields index and outcome as they end.

    A page that is made again comes again: the later outcome counts.
    """
    import_papermill()
    from analysis.publishing.make import warm_up

    jobs = [task.job for task in tasks]
    warm_up(sorted({(Path(job.notebook), _language(job)) for job in jobs}))
    yield from make_pages(
        jobs,
        target=lambda at: tasks[at].target,
        ahead=_worth_rehearsing(jobs),
        run_dir=run_dir,
        n_jobs=n_jobs,
        limits=limits,
        close=close,
    )


def _worth_rehearsing(jobs: Sequence[PageJob]) -> list[int]:
    """The first page of each notebook that makes many."""
    of: dict[Path, list[int]] = {}
    for at, job in enumerate(jobs):
        of.setdefault(Path(job.notebook), []).append(at)
    return [found[0] for found in of.values() if len(found) >= REHEARSE_FROM]


def _language(job: PageJob) -> str:
    return str(job.context.get("language") or job.parameters.get("language") or "vi")


def _in_pool(tasks: list[_Task], *, run_dir: Path, n_jobs: int, limits: Limits) -> Iterator[tuple[int, Outcome]]:
    """Without fork: ordinary processes, each notebook in a kernel of its own (Papermill's ordinary engine)."""
    from concurrent.futures import ProcessPoolExecutor, as_completed

    from analysis.publishing.make import make_page

    with ProcessPoolExecutor(max_workers=max(1, n_jobs)) as pool:
        waiting = {
            pool.submit(make_page, task.job, run_dir=run_dir, target=task.target, seconds=limits.seconds): at
            for at, task in enumerate(tasks)
        }
        for done in as_completed(waiting):
            error = done.exception()
            yield waiting[done], Outcome(None, str(error)) if error else Outcome(done.result())


def _settle(task: _Task, outcome: Outcome, *, run_dir: Path) -> PageResult:
    """Put a whole page in place, or mark the one that stands there; write it down."""
    result = PageResult(
        page=task.job.page,
        unit=task.job.unit,
        notebook=Path(task.job.notebook).name,
        status=FAILED,
        reason=outcome.reason,
        cpu_seconds=outcome.cpu_seconds,
        seconds=outcome.seconds,
        peak_mb=outcome.peak_mb,
    )
    if outcome.value is not None:
        result = _put_in_place(task, outcome.value, result, run_dir=run_dir)
    if result.status == FAILED:
        for suffix in (".html", ".ipynb"):
            task.target.with_suffix(suffix).unlink(missing_ok=True)
        kept = mark_not_updated(run_dir / SITE / task.job.page, reason=result.reason)
        result = replace(result, kept=kept)
    with contextlib.suppress(OSError), open(run_dir / JOURNAL, "a", encoding="utf-8", newline="\n") as file:
        file.write(keys.journal_line(result, task.parts))  # a full disk: the page is made again next time
    return result


def _put_in_place(task: _Task, value: dict, result: PageResult, *, run_dir: Path) -> PageResult:
    try:
        os.replace(task.target.with_suffix(".ipynb"), run_dir / NOTEBOOKS / task.job.executed)
        os.replace(task.target.with_suffix(".html"), run_dir / SITE / task.job.page)
    except OSError as error:
        return replace(result, reason=f"The page could not be put in place: {error.strerror or error}.")
    made = {name: value[name] for name in ("sha256", "n_bytes")}
    return replace(result, status=PUBLISHED, reason="", key=task.key, **made)


def _unchanged(job: PageJob, entry: dict) -> PageResult:
    return PageResult(
        page=job.page,
        unit=job.unit,
        notebook=Path(job.notebook).name,
        status=UNCHANGED,
        key=entry["key"],
        sha256=entry["sha256"],
        n_bytes=entry["n_bytes"],
    )


@contextlib.contextmanager
def _building(run_dir: Path) -> Iterator[Path]:
    """The folder for pages in the making; what a killed run left there goes first."""
    folder = run_dir / BUILDING
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        found = f"the folder cannot be written: {error.strerror}"
        raise PublishError(Problem(str(run_dir), found, "", "Mend its permissions, or make room")) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compact(run_dir: Path) -> None:
    with contextlib.suppress(OSError):
        keys.write_journal(run_dir, keys.read_journal(run_dir))
