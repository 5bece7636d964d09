"""The steps of a run, in order, on one page: read this first.

``read -> forecast -> record -> publish``; each step is one function on tables. The statistics of a quarter are joined
in :mod:`analysis.quarters` and cut into pieces in :mod:`analysis.pieces`, the pages in :mod:`analysis.pages`, what goes
with them in :mod:`analysis.around`; the arithmetic is in `forecasting` and `attainment`, the words in `briefing`.
Between the steps stand the files of ``outputs/<run_id>/tables``; what already stands as it would be made is told by
:mod:`analysis.standing`. The statistics run in a process of their own and are imported there: the process that forks
the pages stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from analysis import around, folders, pages, records, standing
from analysis.publishing.apart import Beside, run_apart
from analysis.publishing.lock import run_lock
from analysis.registry.params import RunParams, project_root, read_params
from analysis.registry.targets import places_of, read_targets, targets_table
from analysis.standing import RunResult
from analysis.words import schema
from analysis.words.errors import ParamsError, Problem, did_you_mean

if TYPE_CHECKING:
    from analysis import intake

KEPT = ".kept"  # folder of the statistics' pieces inside a run's folder: only there to save time
STEPS = ("read", "forecast", "publish")  # what `--from` may name; "forecast" and "publish" use the stored tables

Report = Callable[[str, int, int], None]  # (step, done, total)


def run(
    params_path: str | Path,
    *,
    data_dir: str | Path | None = None,
    out_dir: str | Path | None = None,
    units: Sequence[str] | None = None,
    jobs: int = 2,
    start: str = "read",
    period: str | None = None,
    language: str | None = None,
    force: bool = False,
    correct: bool = False,
    pdf: bool = False,
    dask: str | None = None,
    report: Report = lambda step, done, total: None,
) -> RunResult:
    """Run one params file from raw data to a published site.

    Parameters
    ----------
    params_path : path
        One complete YAML; see ``params/README.md``.
    data_dir : path, optional
        Where relative source paths are looked up; default: the project's root.
    out_dir : path, optional
        Default: ``outputs/<run_id>`` below the project's root (with `period`: ``outputs/<run_id>-<period>``).
    units : sequence of str, optional
        Publish the briefings of these units only; the statistics always use all units.
    jobs : int
        Processes that publish pages; the pages do not depend on it.
    start : {"read", "forecast", "publish"}
        First step to do; earlier ones are taken from the run's stored tables.
    period : str, optional
        Replaces the params' cutoff, e.g. ``2026Q3``.
    language : str, optional
        Replaces the params' language.
    force : bool
        Build every page again, also where nothing it depends on has changed.
    correct : bool
        Tell anew only the units whose figures differ from those of the run that stands (:mod:`analysis.corrections`).
    pdf : bool
        Print every page as PDF too, through Chromium: about a second a page.
    dask : str, optional
        Address of a Dask scheduler, whose workers make the pages: ``"tcp://10.0.0.5:8786"``.
    report : callable
        Told ``(step, done, total)``.

    Returns
    -------
    RunResult

    Raises
    ------
    ParamsError, DataError
        The input is wrong; every problem is listed.
    PublishError
        More units failed than `max_failed_share` allows.
    """
    if start not in STEPS:
        raise ParamsError(Problem("--from", f"{start!r}", ", ".join(STEPS), did_you_mean(start, STEPS)))
    if correct and start != "read":
        raise ParamsError(
            Problem("--correct", f"--from {start}", "all steps", "Leave out --from: figures are read anew")
        )
    if dask:
        pages.check_dask(dask)
    params = read_params(params_path, period=period, language=language)
    root = project_root(params_path)
    run_dir = Path(out_dir) if out_dir else root / "outputs" / folders.run_name(params, period=period)
    folders.check_run_dir(run_dir, run_id=params.run_id)
    wanted = {"language": params.language, "wanted": params.publish.downloads and units is None, "jobs": jobs}
    with run_lock(run_dir), around.files_beside(run_dir, **wanted) as files:
        places = {"params_path": params_path, "root": root, "run_dir": run_dir, "data_dir": data_dir}
        recipe = standing.recipe(params, **places) if start == "read" and not correct else ""
        if start == "publish" or (not force and standing.tables_stand(run_dir, recipe=recipe)):
            tables = folders.stored_tables(run_dir, params=params)
            folders.check_units(units, known=tables.units["unit"])
        else:
            step = correction_step if correct else partial(statistics_step, from_stored=start == "forecast")
            work = lambda told: step(params, **places, units=units, jobs=jobs, report=told)
            ready = (pages.get_ready, files.load) if jobs > 1 else ()  # the second shares what the first has loaded
            run_apart(work, note=report, meanwhile=lambda: [one() for one in ready])
            standing.note_tables(run_dir, recipe=recipe)
            tables = folders.stored_tables(run_dir, params=params)
        how = {"jobs": jobs, "force": force, "pdf": pdf, "dask": dask, "report": report}
        if jobs > 1:
            files.begin()
        result = publish_step(tables, params=params, root=root, run_dir=run_dir, units=units, files=files, **how)
        if units is None:
            standing.note_site(run_dir, recipe=recipe, pages=result.pages, others=around.around(run_dir))
        return result


def statistics_step(
    params: RunParams,
    *,
    params_path: str | Path,
    root: Path,
    run_dir: Path,
    data_dir: str | Path | None,
    from_stored: bool,
    units: Sequence[str] | None,
    jobs: int,
    report: Report,
) -> None:
    """Everything up to the written tables, in a process of its own: see :func:`analysis.publishing.apart.run_apart`.

    With `from_stored`, the observations are those of the stored run.
    """
    stored = folders.stored_tables(run_dir, params=params) if from_stored else None
    inputs = read_step(params, root=root, data_dir=data_dir, stored=stored, report=report)
    folders.check_units(units, known=inputs.units["unit"])
    published = _published(inputs, params=params, run_dir=run_dir)
    keep = run_dir / KEPT
    found = forecast_step(inputs, params=params, published=published, jobs=jobs, keep=keep, report=report)
    record_step(found, inputs, params=params, params_path=params_path, root=root, run_dir=run_dir)


def correction_step(
    params: RunParams,
    *,
    params_path: str | Path,
    root: Path,
    run_dir: Path,
    data_dir: str | Path | None,
    units: Sequence[str] | None,
    jobs: int,
    report: Report,
) -> None:
    """As :func:`statistics_step`, for figures that differ from those of the run that stands and for nothing else.

    The raw files are read in a process of their own while the statistics and the stored run are loaded.
    """
    with Beside(lambda: _read(params, root=root, data_dir=data_dir), what="raw files") as figures:
        if jobs > 1:
            figures.begin()
        from analysis import corrections

        stored = folders.stored_tables(run_dir, params=params)
        hashes = folders.hashes(params, params_path=params_path, root=root)
        corrections.require_same(stored, hashes=hashes, where=str(run_dir))
        inputs = read_step(params, root=root, read=figures.value, report=report)
    folders.check_units(units, known=inputs.units["unit"])
    made = corrections.correct(
        inputs,
        stored,
        params=params,
        published=_published(inputs, params=params, run_dir=run_dir),
        jobs=jobs,
        keep=run_dir / KEPT,
        report=lambda done, total: report("forecast", done, total),
    )
    inputs = replace(inputs, quality=made.quality)
    places = {"params_path": params_path, "root": root, "run_dir": run_dir}
    record_step(made.tables, inputs, params=params, **places, corrected=made.note, standing=stored)


def _published(inputs: intake.Inputs, *, params: RunParams, run_dir: Path) -> Mapping[str, pd.DataFrame]:
    """What stored runs beside this one said at earlier cutoffs."""
    from analysis import quarters

    before = quarters.cutoff_of(inputs, params=params)
    return records.published_assessments(run_dir.parent, run_id=params.run_id, before=before)


def _read(params: RunParams, *, root: Path, data_dir: str | Path | None) -> intake.Inputs:
    from analysis import intake

    return intake.read_inputs(params, data_dir=Path(data_dir) if data_dir else None, root=root)


def read_step(
    params: RunParams,
    *,
    root: Path,
    data_dir: str | Path | None = None,
    stored: schema.RunTables | None = None,
    read: Callable[[], intake.Inputs] | None = None,
    report: Report = lambda step, done, total: None,
) -> intake.Inputs:
    """Raw files and registry to checked tables; with `stored`, the observations are those of the stored run.

    `read` stands for the reading, where another process does it.
    """
    from analysis import intake, quarters

    report("read", 0, 1)
    if stored is None:
        inputs = read() if read else _read(params, root=root, data_dir=data_dir)
    else:
        targets = read_targets([root / one for one in params.targets], indicators=stored.indicators, units=stored.units)
        inputs = intake.Inputs(
            units=stored.units,
            indicators=stored.indicators,
            targets=targets,
            observations=stored.observations,
            quality=stored.quality,
            sources=tuple(stored.manifest["sources"]),
            tasks=stored.extra.get("task_list"),
        )
    places = places_of([root / one for one in params.targets])
    quarters.check_promises(inputs, cutoff=quarters.cutoff_of(inputs, params=params), places=places)
    report("read", 1, 1)
    return inputs


def forecast_step(
    inputs: intake.Inputs,
    *,
    params: RunParams,
    published: Mapping[str, pd.DataFrame] = MappingProxyType({}),
    jobs: int = 1,
    keep: Path | None = None,
    report: Report = lambda step, done, total: None,
) -> dict[str, pd.DataFrame]:
    """Forecast, assess, look back: see :func:`analysis.pieces.make_statistics`."""
    from analysis import pieces

    told = lambda done, total: report("forecast", done, total)
    return pieces.make_statistics(inputs, params=params, published=published, jobs=jobs, keep=keep, report=told)


def record_step(
    found: dict[str, pd.DataFrame],
    inputs: intake.Inputs,
    *,
    params: RunParams,
    params_path: str | Path,
    root: Path,
    run_dir: Path,
    corrected: Mapping | None = None,
    standing: schema.RunTables | None = None,
) -> None:
    """Write the tables, the exact params and the manifest: what the notebooks will see."""
    from analysis import quarters

    tables = {
        "units": inputs.units,
        "indicators": inputs.indicators,
        "targets": targets_table(inputs.targets),
        "observations": inputs.observations,
        "quality": inputs.quality,
        **found,
    }
    if inputs.tasks is not None:
        tables["extra_task_list"] = inputs.tasks
    paths = records.write_run(tables, run_dir, standing=standing)
    records.write_bytes(run_dir / "params.yml", Path(params_path).read_bytes())
    manifest = records.build_manifest(
        run_id=params.run_id,
        params=params.model_dump(mode="json"),
        cutoff=quarters.cutoff_of(inputs, params=params),
        hashes=folders.hashes(params, params_path=params_path, root=root),
        sources=inputs.sources,
        tables=paths,
        corrected=corrected,
    )
    records.write_bytes(run_dir / "manifest.json", records.manifest_text(manifest).encode("utf-8"))


def publish_step(
    tables: schema.RunTables,
    *,
    params: RunParams,
    root: Path,
    run_dir: Path,
    files: Beside,
    units: Sequence[str] | None = None,
    jobs: int = 2,
    force: bool = False,
    pdf: bool = False,
    dask: str | None = None,
    report: Report = lambda step, done, total: None,
) -> RunResult:
    """Execute the notebooks, publish the pages that are proven whole, build the site around them.

    Raises
    ------
    PublishError
        More pages failed than `max_failed_share` allows; the site stands all the same, with the reasons.
    """
    page_jobs = pages.page_jobs(tables, params=params, root=root, run_dir=run_dir, units=units, n_jobs=jobs)
    results = pages.publish(
        page_jobs,
        run_dir=run_dir,
        root=root,
        language=params.language,
        n_jobs=jobs,
        force=force,
        dask=dask,
        on_done=lambda done, total: report("publish", done, total),
    )
    made = files.value()
    index = around.build(tables, results, run_dir=run_dir, language=params.language, files=made)
    if pdf:
        pages.build_pdfs(results, run_dir=run_dir, on_done=lambda done, total: report("pdf", done, total))
    if made:
        around.build_archive(run_dir, results, files=made)
    error = pages.too_many_failed(results, max_failed_share=params.max_failed_share)
    if error is not None:
        raise error
    return RunResult(run_dir, index, results)


def check(
    params_path: str | Path, *, data_dir: str | Path | None = None, period: str | None = None
) -> tuple[RunParams, intake.Inputs]:
    """Do all the reading and checking of a run and write nothing.

    Raises
    ------
    ParamsError, DataError
        The input is wrong; every problem is listed.
    """
    params = read_params(params_path, period=period)
    return params, read_step(params, root=project_root(params_path), data_dir=data_dir)


def summarise(
    params_path: str | Path, *, data_dir: str | Path | None = None, period: str | None = None
) -> dict[str, pd.DataFrame | str]:
    """What `candich check` prints: what a run would use, table by table.

    Raises
    ------
    ParamsError, DataError
        As :func:`check`.
    """
    from analysis import intake, quarters

    params, inputs = check(params_path, data_dir=data_dir, period=period)
    return {"cutoff": quarters.cutoff_of(inputs, params=params), **intake.summarise_inputs(inputs)}


def backtest(
    params_path: str | Path,
    *,
    data_dir: str | Path | None = None,
    out: Path | None = None,
    units: Sequence[str] | None = None,
) -> dict[str, pd.DataFrame | str]:
    """Ask the models at past cutoffs of a run's own panels; return the evidence, write the cases where asked.

    With `units`, only these units are scored.

    Raises
    ------
    ParamsError, DataError
        As :func:`check`.
    """
    from analysis import quarters

    params, inputs = check(params_path, data_dir=data_dir)
    folders.check_units(units, known=inputs.units["unit"])
    panels = quarters.panels_at(inputs, cutoff=quarters.cutoff_of(inputs, params=params))
    cases = quarters.backtest_cases(inputs, panels, params=params, scored=units)
    if out is not None and len(cases):
        records.write_frame(cases, out)
    table = quarters.evidence_of(cases)
    return {"evidence": table[table["slice_kind"].isin(["overall", "horizon"])]}
