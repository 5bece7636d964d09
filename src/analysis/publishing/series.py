"""Pages made one after the other in a process: a fork and its page faults once for many pages, and no page for it.

A page made in a used process may show what an earlier one left there; charts once turned into text that way, without
an error. So a job must ask for it (``PageJob.together``); a process goes on only while a page leaves it as it was
(``traces.py``); what fails there is made again in a process of its own; and pages of the first series, and later a
sample, are made alone as well and compared to the byte. Where one differs, all that were made in series are made alone,
and so is the rest.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

from analysis.publishing.forks import Outcome, count_threads, run_forked
from analysis.publishing.jobs import PageJob
from analysis.publishing.processes import Limits
from analysis.publishing.traces import snapshot, traces_of

LONGEST = 16  # pages a process: the fork's share of one is then small, and the memory of its garbage too
ROUNDS = 4  # series a process of the run at least, so that none waits long for another's last
SAMPLE = 64  # one page in so many is made alone too
PROOF = ("sha256", "notebook_sha256")
_log = logging.getLogger(__name__)


def series_length(n_pages: int, *, n_jobs: int) -> int:
    """Pages a process makes, of `n_pages` that may be made together.

    Examples
    --------
    >>> [series_length(n, n_jobs=2) for n in (3, 100, 3355)]
    [1, 12, 16]
    """
    return max(1, min(LONGEST, n_pages // (ROUNDS * max(1, n_jobs))))


def make_pages(
    jobs: Sequence[PageJob],
    *,
    target: Callable[[int], Path],
    ahead: Sequence[int],
    run_dir: Path,
    n_jobs: int,
    limits: Limits,
    close: Sequence[int] = (),
    rehearsed: Callable[[int], None] = lambda at: None,
) -> Iterator[tuple[int, Outcome]]:
    """Make pages in processes forked from this one: some first, which are then made in this process once more.

    Parameters
    ----------
    jobs : sequence of PageJob
    target : callable
        Index of a job to where its page goes, without suffix.
    ahead : sequence of int
        Jobs to make first; what they imported and laid out, the others inherit.
    run_dir : Path
    n_jobs, limits, close
        As for :func:`analysis.publishing.forks.run_forked`.
    rehearsed : callable
        Told the index of each job that this process made too.

    Yields
    ------
    tuple of int and Outcome
        As :func:`make_in_series` does.
    """
    from analysis.publishing.make import make_page, rehearse
    from analysis.publishing.shell import prepare_shells

    def work(at: int, aside: bool) -> dict:
        place = target(at).with_name(f"{target(at).name}-aside") if aside else target(at)
        made = make_page(jobs[at], run_dir=run_dir, target=place, seconds=limits.seconds)
        return {**made, "n_threads": count_threads()}

    how = {"n_jobs": n_jobs, "limits": limits, "close": close, "prepare": prepare_shells}
    for at, outcome in make_in_series(jobs, work, among=ahead, **how):
        if outcome.value is not None and outcome.value["n_threads"] == 1:
            rehearse(jobs[at], run_dir=run_dir)
            rehearsed(at)
        yield at, outcome
    yield from make_in_series(jobs, work, among=[at for at in range(len(jobs)) if at not in ahead], **how)


def make_in_series(
    jobs: Sequence[PageJob],
    work: Callable[[int, bool], dict],
    *,
    among: Sequence[int],
    n_jobs: int,
    prepare: Callable[[int], None] = lambda n: None,
    **how: object,
) -> Iterator[tuple[int, Outcome]]:
    """Make pages, in series those that may be.

    Parameters
    ----------
    jobs : sequence of PageJob
    work : callable
        ``(index of a job, aside)`` to a dict with ``sha256`` and ``notebook_sha256``; runs in a child. Aside: a second
        copy, which must not take the place of the first.
    among : sequence of int
        Indices of the jobs to do.
    n_jobs : int
    prepare : callable
        Told how many pages a process will make, before the first fork.
    **how
        ``limits`` and ``close``, as for :func:`analysis.publishing.forks.run_forked`.

    Yields
    ------
    tuple of int and Outcome
        Index of the job and what it came to. A page made again is told twice: the later one counts.
    """
    run = partial(_run, work, n_jobs=n_jobs, **how)
    together = [at for at in among if jobs[at].together]
    length = series_length(len(together), n_jobs=n_jobs)
    prepare(length)
    if length == 1:
        yield from run(among)
        return
    first, rest = together[: n_jobs * length], together[n_jobs * length :]
    found = dict(run(first, series=length))
    sound = _as_alone(found, [max(found, key=lambda at: (found[at].after, at))], run=run, jobs=jobs)
    yield from found.items() if sound else run(first)
    yield from run(at for at in among if not jobs[at].together)
    if not sound:
        yield from run(rest)
        return
    made: dict[int, Outcome] = {}
    for at, outcome in run(rest, series=length):
        made[at] = outcome
        yield at, outcome
    if not _as_alone(made, [at for at in made if _sampled(jobs[at].page)], run=run, jobs=jobs):
        yield from run([*first, *made])


def _run(
    work: Callable[[int, bool], dict], indices: Collection[int], *, aside: bool = False, **how: object
) -> Iterator[tuple[int, Outcome]]:
    indices = list(indices)
    for place, outcome in run_forked(indices, lambda at: work(at, aside), watch=_watch, **how):
        yield indices[place], outcome


def _watch() -> Callable[[], bool]:
    before = snapshot()
    return lambda: not traces_of(before)


def _as_alone(found: dict[int, Outcome], sample: Sequence[int], *, run: Callable, jobs: Sequence[PageJob]) -> bool:
    """Whether pages of the sample that were made after others are what they are when made alone."""
    mine = [at for at in sample if found[at].after and found[at].value is not None]
    differ = [
        jobs[at].page
        for at, alone in run(mine, aside=True)
        if alone.value is not None and any(alone.value[name] != found[at].value[name] for name in PROOF)
    ]
    if differ:
        _log.warning(
            "%s: not the same page when it is made after others in a process; every page gets one of its own",
            ", ".join(sorted(differ)),
        )
    return not differ


def _sampled(page: str) -> bool:
    return int(hashlib.sha256(page.encode("utf-8", "surrogatepass")).hexdigest(), 16) % SAMPLE == 0
