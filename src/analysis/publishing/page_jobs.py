"""Which pages a run has: the notebook that makes each, and one hash a page type of all they are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.publishing.jobs import PageJob
from analysis.publishing.site import DOWNLOADS, page_frame, page_name
from analysis.words.files import file_sha256, sha256_of_json
from analysis.words.schema import RunTables

NOT_ON_PAGES = ("max_failed_share", "keep_runs")  # params that no page shows
UNIT_NOTEBOOK = "unit_briefing"
RUN_PAGES = {  # key of params' `publish` -> (notebook, page of the whole run)
    "overview": ("overview_briefing", "overview.html"),
    "forecast": ("forecast", "forecast.html"),
    "registry": ("registry", "registry.html"),
    "data_quality": ("data_quality", "quality.html"),
    "scorecard": ("scorecard", "scorecard.html"),
}


def page_jobs(tables: RunTables, *, root: Path, run_dir: Path, units: Sequence[str] | None = None) -> list[PageJob]:
    """Every page the params ask for, in the order of the site: pages of the whole run, then a page a unit.

    Parameters
    ----------
    tables : RunTables
    root : Path
        The project, for its notebooks.
    run_dir : Path
        The run that the pages show.
    units : sequence of str, optional
        Only these units' pages; pages of the whole run are left out then.
    """
    wanted = dict(tables.params["publish"])
    language, cutoff = tables.params["language"], tables.manifest["cutoff"]
    notebooks = {page: root / "notebooks" / f"{name}.ipynb" for name, page in RUN_PAGES.values()}
    whole_run = [] if units is not None else [page for key, (_, page) in RUN_PAGES.items() if wanted.get(key)]
    codes = list(units if units is not None else tables.units["unit"]) if wanted["unit"] or units is not None else []
    downloads = [DOWNLOADS] if wanted.get("downloads") and units is None else []  # a run of some units makes none
    there = {*whole_run, *map(page_name, codes), *downloads}
    common = {"run_dir": str(run_dir), "language": language}
    unit_notebook = root / "notebooks" / f"{UNIT_NOTEBOOK}.ipynb"
    hashes = {path: type_hash(tables.manifest, path, pages=there) for path in {*notebooks.values(), unit_notebook}}
    jobs = [
        PageJob(
            page=page,
            notebook=notebooks[page],
            parameters=common,
            context=page_frame(tables, page=page, language=language, pages=there, cutoff=cutoff),
            type_hash=hashes[notebooks[page]],
        )
        for page in whole_run
    ]
    return jobs + [
        PageJob(
            page=page_name(unit),
            notebook=unit_notebook,
            parameters=common | {"unit": unit},
            context=page_frame(tables, page=page_name(unit), language=language, pages=there, unit=unit, cutoff=cutoff),
            type_hash=hashes[unit_notebook],
            together=True,  # it reads through UnitView and leaves nothing behind
        )
        for unit in codes
    ]


def type_hash(manifest: Mapping, notebook: Path, *, pages: set[str]) -> str:
    """One hash of all that the pages of a notebook are made from; ``""`` where the notebook does not exist.

    The manifest holds the hashes of the tables, and of the code, catalogue and libraries that the run uses.
    """
    params = {name: value for name, value in manifest["params"].items() if name not in NOT_ON_PAGES}
    parts = [manifest["tables"], params, manifest["hashes"]["code"], manifest["hashes"]["libraries"]]
    return sha256_of_json([*parts, sorted(pages), file_sha256(notebook)]) if notebook.is_file() else ""
