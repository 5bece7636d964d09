"""The pages of a run: which notebook makes each, what each depends on, and where they are published."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import pandas as pd

from analysis import briefing, records
from analysis.publishing.early import import_papermill
from analysis.publishing.execute import publish_pages
from analysis.publishing.jobs import FAILED, SITE, PageJob, PageResult
from analysis.publishing.quarters import keep_quarter
from analysis.publishing.site import page_frame, page_name
from analysis.publishing.verify import verify_pages
from analysis.registry.params import RunParams
from analysis.words.errors import Problem, PublishError, examples
from analysis.words.schema import RunTables

UNIT_NOTEBOOK = "unit_briefing"
RUN_PAGES = {  # key of params' `publish` -> (notebook, page of the whole run)
    "overview": ("overview_briefing", "overview.html"),
    "forecast": ("forecast", "forecast.html"),
    "registry": ("registry", "registry.html"),
    "data_quality": ("data_quality", "quality.html"),
    "scorecard": ("scorecard", "scorecard.html"),
}


def page_jobs(
    tables: RunTables,
    *,
    params: RunParams,
    root: Path,
    run_dir: Path,
    units: Sequence[str] | None = None,
) -> list[PageJob]:
    """Every page the params ask for, in the order of the site: pages of the whole run, then a page a unit.

    Parameters
    ----------
    tables : RunTables
    params : RunParams
    root : Path
        The project, for its notebooks.
    run_dir : Path
    units : sequence of str, optional
        Only these units' pages; pages of the whole run are left out then.
    """
    wanted = params.publish.model_dump()
    language = params.language
    whole_run = [] if units is not None else [RUN_PAGES[key] for key in RUN_PAGES if wanted.get(key)]
    codes = list(units if units is not None else tables.units["unit"]) if wanted["unit"] or units is not None else []
    there = {page for _, page in whole_run} | {page_name(one) for one in codes} | _standing(run_dir)
    whole = inputs_hash(tables)
    common = {"run_dir": str(run_dir), "language": language}
    cutoff = tables.manifest["cutoff"]
    jobs = [
        PageJob(
            page=page,
            notebook=root / "notebooks" / f"{notebook}.ipynb",
            parameters=common,
            context=page_frame(tables, page=page, language=language, pages=there, cutoff=cutoff),
            inputs_hash=whole,
        )
        for notebook, page in whole_run
    ]
    jobs += [
        PageJob(
            page=page_name(unit),
            notebook=root / "notebooks" / f"{UNIT_NOTEBOOK}.ipynb",
            parameters=common | {"unit": unit},
            context=page_frame(tables, page=page_name(unit), language=language, pages=there, unit=unit, cutoff=cutoff),
            inputs_hash=whole,
            together=True,  # it reads through a declared slice and leaves nothing behind: looked after in a run
        )
        for unit in codes
    ]
    return jobs


def _standing(run_dir: Path) -> set[str]:
    """Pages of an earlier run into this folder, which links may lead to."""
    site = run_dir / SITE
    return {path.relative_to(site).as_posix() for path in site.rglob("*.html")} if site.is_dir() else set()


def inputs_hash(tables: RunTables) -> str:
    """Hash of all that a page of a run may show: the manifest with its hashes of every table and raw file."""
    return records.sha256_of(records.manifest_text(tables.manifest))


def publish(
    jobs: Sequence[PageJob],
    *,
    run_dir: Path,
    root: Path,
    language: str,
    n_jobs: int,
    force: bool,
    on_done: Callable[[int, int], None],
    dask: str | None = None,
) -> list[PageResult]:
    """Make every page that must be made, on the workers of the scheduler `dask` where it is given.

    See :func:`analysis.publishing.execute.publish_pages`.
    """
    done = 0
    if jobs:
        keep_quarter(run_dir / SITE, cutoff=str(jobs[0].context.get("cutoff", "")))

    def tick(result: PageResult) -> None:
        nonlocal done
        done += 1
        on_done(done, len(jobs))

    return publish_pages(
        jobs,
        run_dir=run_dir,
        n_jobs=n_jobs,
        on_done=tick,
        warm=lambda: _warm(run_dir, language=language),
        force=force,
        lock_file=root / "requirements.lock",
        elsewhere=_on_dask(dask, run_dir=run_dir) if dask else None,
    )


def _on_dask(address: str, *, run_dir: Path) -> Callable:
    from analysis.publishing.distributed import make_pages_on_dask  # an extra

    return partial(make_pages_on_dask, address=address, run_dir=run_dir)


def check_dask(address: str) -> None:
    """Raise before a long run when `address` is no Dask scheduler's, or Dask is not installed.

    Raises
    ------
    ParamsError
    """
    from analysis.publishing.distributed import check_address

    check_address(address)


def get_ready() -> None:
    """Load what makes pages: while another process still makes what they show."""
    import_papermill()
    for name in ("analysis.publishing.make", "analysis.briefing.unit"):  # the latter with all that draws and says
        import_module(name)


def _warm(run_dir: Path, *, language: str) -> None:
    """Load and lay out what every page needs in the parent once: its children share the memory."""
    briefing.warm(records.load_run(run_dir), language=language)


def build_pdfs(results: Sequence[PageResult], *, run_dir: Path, on_done: Callable[[int, int], None]) -> None:
    """Print every whole page as PDF, through Chromium."""
    from analysis.publishing.downloads import write_pdfs

    whole = [run_dir / SITE / one.page for one in results if one.status != FAILED]
    write_pdfs(whole, out_dir=run_dir / SITE / "pdf", on_done=on_done)


def verify(run_dir: Path, *, unit: str | None = None, jobs: int = 2) -> pd.DataFrame:
    """Make published pages again and say whether they are the same bytes.

    Parameters
    ----------
    run_dir : Path
    unit : str, optional
        Only this unit's page; default: every page.
    jobs : int

    Returns
    -------
    DataFrame
        ``page, verdict, cell, before, after, changed, reason``; ``verdict`` is "identical", "identical after
        rounding", "different" or "cannot be made again".

    Raises
    ------
    DataError
        There is no finished run in `run_dir`.
    """
    tables = records.load_run(run_dir)
    root = Path(__file__).parents[2]
    language, units = tables.params["language"], tables.units["unit"] if unit is None else [unit]
    pages = [page for _, page in RUN_PAGES.values()] + [page_name(one) for one in units]
    inputs = dict.fromkeys(pages, inputs_hash(tables))
    verdicts = verify_pages(
        run_dir,
        notebooks=root / "notebooks",
        pages=None if unit is None else [page_name(unit)],
        inputs=inputs,
        lock_file=root / "requirements.lock",
        warm=lambda: _warm(Path(run_dir), language=language),
        n_jobs=jobs,
    )
    table = pd.DataFrame([dataclasses.asdict(one) for one in verdicts])
    return table.assign(changed=[", ".join(one.changed) for one in verdicts])


def too_many_failed(results: Sequence[PageResult], *, max_failed_share: float) -> PublishError | None:
    """The error of a run in which too many pages failed, or None.

    Examples
    --------
    >>> too_many_failed([], max_failed_share=0.02) is None
    True
    """
    failed = [one for one in results if one.status == FAILED]
    if not results or len(failed) / len(results) <= max_failed_share:
        return None
    reasons = examples(sorted({one.reason for one in failed}))
    return PublishError(
        Problem(
            "max_failed_share",
            f"{len(failed)} of {len(results)} pages failed: {reasons}",
            f"a share of at most {max_failed_share}",
            "Mend the cause and run again; pages that are right are kept",
        )
    )
