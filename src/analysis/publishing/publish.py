"""The pages of a new run: copied from the run before where nothing they are made from changed, made where it did.

A page gets into its place only when its notebook ran to its end and its HTML passed the checks. A page that fails keeps
the last good version of the run before, marked as not updated. All this happens in the folder of a run that is being
built: nobody sees it before it is whole.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Protocol

from analysis.publishing.chrome import marked_not_updated
from analysis.publishing.forks import Outcome
from analysis.publishing.jobs import (
    FAILED,
    NOTEBOOKS,
    PUBLISHED,
    SITE,
    UNCHANGED,
    PageJob,
    PageResult,
    check_jobs,
    check_parameters,
)
from analysis.words.errors import ParamsError, Problem, PublishError, examples, require
from analysis.words.files import copy_file, file_sha256, write_file

PAGES = "pages.json"  # the results, in a finished run
JOURNAL = "pages.jsonl"  # the results so far, in a run that is being built
SCRATCH = ".pages-"  # prefix of the folder of pages in the making


class Maker(Protocol):
    """What makes pages: the process of this machine, or a Dask scheduler's workers."""

    def make(self, jobs: Sequence[PageJob], *, folder: Path, run_dir: Path) -> Iterator[tuple[int, Outcome]]: ...


def publish_pages(
    jobs: Sequence[PageJob],
    *,
    building: Path,
    previous: Path | None,
    maker: Callable[[], Maker],
    on_done: Callable[[PageResult], None] = lambda result: None,
) -> list[PageResult]:
    """Put every page into ``building/site`` and its executed notebook into ``building/notebooks``.

    Pages that an interrupted build left whole in `building` are used; `maker` is called only when there is a page to
    make. The results are in the order of `jobs`.

    ParamsError: a page path that leaves the site, a missing notebook, a parameter that the notebook does not have.
    """
    require(check_jobs(jobs), ParamsError)
    interrupted = [*_read_journal(building), *read_results(building)]
    known = {result.page: (result, building) for result in interrupted}
    for result in read_results(previous) if previous else ():
        known.setdefault(result.page, (replace(result, status=UNCHANGED), previous))
    results: dict[int, PageResult] = {}
    for at, job in enumerate(jobs):
        result, run = known.get(job.page, (None, None))
        same = result is not None and result.type_hash == job.type_hash != ""  # "": not known what it is made from
        if same and _take(result, job, run=run, building=building):
            results[at] = result
            on_done(result)
    todo = [at for at in range(len(jobs)) if at not in results]
    if todo:
        for at, result in _make([jobs[at] for at in todo], building=building, previous=previous, maker=maker):
            results[todo[at]] = result
            on_done(result)
    return [results[at] for at in range(len(jobs))]


def _take(result: PageResult, job: PageJob, *, run: Path, building: Path) -> bool:
    """Whether a page made before is whole with its notebook; if so, it is in its place afterwards."""
    files = {Path(SITE) / job.page: result.sha256, Path(NOTEBOOKS) / job.executed: result.notebook_sha256}
    try:
        if any(file_sha256(run / name) != digest for name, digest in files.items()):
            return False
        for name in files if run != building else ():
            copy_file(run / name, building / name)
    except OSError:
        return False
    return True


def _make(
    jobs: Sequence[PageJob], *, building: Path, previous: Path | None, maker: Callable[[], Maker]
) -> Iterator[tuple[int, PageResult]]:
    _check_parameters(jobs)
    for name in {Path(part) / job.page for job in jobs for part in (SITE, NOTEBOOKS)}:
        (building / name).parent.mkdir(parents=True, exist_ok=True)
    for left in building.glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=building, ignore_cleanup_errors=True) as scratch:
        for at, outcome in maker().make(jobs, folder=Path(scratch), run_dir=building):
            result = _settle(jobs[at], outcome, made=Path(scratch) / str(at), building=building, previous=previous)
            with open(building / JOURNAL, "a", encoding="utf-8", newline="\n") as journal:
                journal.write(json.dumps(asdict(result), sort_keys=True) + "\n")
            yield at, result


def _check_parameters(jobs: Sequence[PageJob]) -> None:
    from analysis.publishing.make import read_notebook  # loads Papermill: only when there is something to make

    problems = []
    for job in jobs:
        problems += check_parameters(read_notebook(job.notebook), job.parameters, where=job.notebook.name)
    require(problems, ParamsError)


def _settle(job: PageJob, outcome: Outcome, *, made: Path, building: Path, previous: Path | None) -> PageResult:
    """Put a whole page in its place, or the last good one with a notice."""
    result = PageResult(
        page=job.page,
        unit=job.unit,
        notebook=job.notebook.name,
        status=FAILED,
        reason=outcome.reason,
        kind=outcome.kind,
        type_hash=job.type_hash,
        cpu_seconds=outcome.cpu_seconds,
        seconds=outcome.seconds,
        peak_mb=outcome.peak_mb,
    )
    if outcome.value is not None:
        made.with_suffix(".ipynb").replace(building / NOTEBOOKS / job.executed)
        made.with_suffix(".html").replace(building / SITE / job.page)
        kept = {name: outcome.value[name] for name in ("sha256", "notebook_sha256", "n_bytes")}
        return replace(result, status=PUBLISHED, reason="", kind="", **kept)
    for suffix in (".html", ".ipynb"):
        made.with_suffix(suffix).unlink(missing_ok=True)
    kept = previous is not None and _keep_last_good(job, result, previous=previous, building=building)
    return replace(result, kept=kept)


def _keep_last_good(job: PageJob, result: PageResult, *, previous: Path, building: Path) -> bool:
    """Whether the run before has a whole page; if so, it is in its place with a notice, and its notebook too."""
    try:
        html = (previous / SITE / job.page).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    marked = marked_not_updated(html, kind=result.kind, reference=result.reference)
    if marked:
        write_file(building / SITE / job.page, marked)
        with suppress(FileNotFoundError):
            copy_file(previous / NOTEBOOKS / job.executed, building / NOTEBOOKS / job.executed)
    return bool(marked)


def read_results(run: Path) -> list[PageResult]:
    """The page results of a finished run; those that failed are left out, so that they are made again."""
    try:
        found = [PageResult(**values) for values in json.loads((run / PAGES).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []
    return [result for result in found if result.status != FAILED]


def write_results(results: Sequence[PageResult], run: Path) -> None:
    """Write the results that a reader of the run may see: no reasons, and nothing that differs from run to run."""
    public = ("page", "unit", "notebook", "status", "kind", "type_hash", "sha256", "notebook_sha256", "n_bytes", "kept")
    rows = [{name: getattr(result, name) for name in public} for result in results]
    for row in rows:
        row["status"] = PUBLISHED if row["status"] == UNCHANGED else row["status"]
    lines = ",\n".join(json.dumps(row, sort_keys=True) for row in rows)
    write_file(run / PAGES, f"[\n{lines}\n]\n")


def _read_journal(building: Path) -> list[PageResult]:
    """Whole pages that an interrupted build made; torn lines are passed over."""
    found = []
    with suppress(OSError):
        for line in (building / JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError):
                found.append(PageResult(**json.loads(line)))
    return [result for result in found if result.status != FAILED]


def too_many_failed(results: Sequence[PageResult], *, max_failed_share: float) -> None:
    """Refuse to publish a run in which too many pages failed.

    PublishError: with the share, and at most five reasons.
    """
    failed = [result for result in results if result.status == FAILED]
    if not results or len(failed) / len(results) <= max_failed_share:
        return
    reasons = examples(sorted({result.reason for result in failed}))
    raise PublishError(
        Problem(
            "max_failed_share",
            f"{len(failed)} of {len(results)} pages failed: {reasons}",
            f"a share of at most {max_failed_share}",
            "Correct the cause and run again; until then the previous run stays current",
        )
    )
