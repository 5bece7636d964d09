"""The steps of a run, in order, on one page: read this first.

``read -> forecast and assess -> publish``; each step is one function on tables. The statistics are in
:mod:`analysis.statistics`, where the files are and how a run becomes current in :mod:`analysis.run_folder`; the
arithmetic is in `forecasting` and `attainment`, the words in `briefing`, the pages in `publishing`.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis import records
from analysis.publishing import operator
from analysis.publishing.chrome import check_archive, keep_quarters
from analysis.publishing.environment import environment_hashes
from analysis.publishing.jobs import FAILED, SITE, PageResult
from analysis.publishing.page_maker import PageMaker
from analysis.publishing.publish import Maker, publish_pages, too_many_failed, write_results
from analysis.publishing.verify import FILES, altered_files
from analysis.records.register import PUBLISHED, as_day, read_entry
from analysis.records.store import MANIFEST
from analysis.registry.indicators import read_indicators
from analysis.registry.params import RunParams, project_root, read_params
from analysis.registry.targets import places_of, read_targets, targets_table
from analysis.run_folder import (
    ENTRY,
    QuarterResult,
    RunFolder,
    RunKey,
    RunResult,
    disk_report,
    read_key,
    run_key,
    stored_tables,
)
from analysis.words import periods, schema
from analysis.words.errors import AnalysisError, ParamsError, Problem, did_you_mean, require, unknown
from analysis.words.files import file_sha256, json_text, sha256_of_json, write_file

if TYPE_CHECKING:
    from analysis import intake

STEPS = ("read", "forecast", "publish")  # what `--from` may name; the later two use the current run's tables

Report = Callable[[str, int, int], None]  # (step, done, total)


def no_report(step: str, done: int, total: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class RunOptions:
    """How to run, beyond what the params file says.

    Parameters
    ----------
    out_dir : path, optional
        Default: ``outputs/<run_id>`` below the project's root; with `units`, ``outputs/<run_id>-units``.
    units : sequence of str, optional
        Publish the briefings of these units only; the statistics always use all units.
    jobs : int
        Processes at a time; the numbers and pages do not depend on it.
    start : {"read", "forecast", "publish"}
        First step to do; what comes before is taken from the current run.
    language : str, optional
        Replaces the params' language.
    pdf : bool
        Print every page as PDF too, through Chromium: about a second a page.
    dask : str, optional
        Address of a Dask scheduler, whose workers make the pages: ``"tcp://10.0.0.5:8786"``.
    """

    out_dir: str | Path | None = None
    units: Sequence[str] | None = None
    jobs: int = 2
    start: str = "read"
    language: str | None = None
    pdf: bool = False
    dask: str | None = None


def run(
    params_path: str | Path,
    *,
    period: str | None = None,
    data_dir: str | Path | None = None,
    options: RunOptions = RunOptions(),  # noqa: B008  frozen
    report: Report = no_report,
) -> RunResult:
    """Run one params file from raw data to a published site.

    Parameters
    ----------
    params_path : path
        One complete YAML; see ``params/README.md``.
    period : str, optional
        Replaces the params' cutoff, e.g. ``2026Q3``; ``last``: the last completed quarter.
    data_dir : path, optional
        Where relative source paths are looked up; default: the project's root.
    options : RunOptions
    report : callable
        Called with ``(step, done, total)``.

    Returns
    -------
    RunResult

    Raises
    ------
    ParamsError, DataError
        The input is wrong; every problem is listed.
    PublishError
        More pages failed than `max_failed_share` allows; the run before stays current.
    """
    _check_options(options)
    params = read_params(params_path, period=periods.named(period), language=options.language)
    root, data_dir = project_root(params_path), Path(data_dir) if data_dir else None
    name = params.run_id + ("-units" if options.units is not None else "")
    path = Path(options.out_dir) if options.out_dir else root / "outputs" / name
    read = partial(read_step, params, root=root, data_dir=data_dir, report=report)
    register = records.Register(root, params.run_id)
    with RunFolder.locked(path, run_id=params.run_id) as folder:
        previous, inputs = folder.current, None
        extras = {"units": sorted(options.units or []), "pdf": options.pdf}
        hashed = partial(run_key, params, params_path=params_path, data_dir=data_dir, extras=extras)
        try:
            cutoff = _stated_cutoff(params, root=root) or _cutoff_of_run(previous)
            key = hashed(history=register.hashes(before=cutoff))
        except (AnalysisError, OSError):
            read()  # says all that is wrong, at once
            raise
        if options.start == "read" and folder.is_current(key.whole):
            folder.remove_old(params.keep_runs)
            return folder.published()
        if not params.cutoff or options.start == "forecast":
            from analysis import statistics

            inputs = read(stored=_stored(previous, path) if options.start == "forecast" else None)
            cutoff = statistics.cutoff_of(inputs, params=params)
            key = hashed(history=register.hashes(before=cutoff))
        key = _key_from(options.start, key, previous=previous, path=path)
        _require_newest(cutoff, previous=previous, path=path)
        with folder.build(key, cutoff=cutoff) as building:
            if not stored_tables(building, key, previous=previous):
                inputs = inputs or read()
                history = register.past(before=cutoff)
                found = forecast_step(inputs, params=params, history=history, jobs=options.jobs, report=report)
                record_step(found, inputs, params=params, key=key, building=building)
            elif not (building / MANIFEST).is_file():
                _restate_manifest(params, key=key, building=building, previous=previous)
            write_file(building / "params.yml", Path(params_path).read_bytes())
            pages = publish_step(building, root=root, previous=previous, options=options, report=report)
            folder.log(pages)
            too_many_failed(pages, max_failed_share=params.max_failed_share)
        folder.remove_old(params.keep_runs)
        return replace(folder.published(), pages=pages)


def publish(
    run_dir: str | Path = "latest",
    *,
    on: str | None = None,
    options: RunOptions = RunOptions(),  # noqa: B008  frozen
    report: Report = no_report,
) -> RunResult:
    """Publish a finished run: an entry in the register, and its pages made again with the entry's seal.

    The entry is appended when all pages are whole on the disk; the same command again after an interruption ends what
    was begun, and a run that is published already stays as it is.

    Parameters
    ----------
    run_dir : str or Path
        A run's folder, or ``"latest"``.
    on : str, optional
        Day of publication, only for simulated runs; default: today.
    options : RunOptions
        `jobs`, `pdf` and `dask`.
    report : callable
        Called with ``(step, done, total)``.

    Returns
    -------
    RunResult

    Raises
    ------
    DataError
        There is no finished run, or the run or the register was altered.
    ParamsError
        A day was given for a run that is not simulated.
    PublishError
        The clock was set back, another publication came first, or too many pages failed.
    """
    run = records.find_run(run_dir)
    run_id = records.read_manifest(run / MANIFEST)["run_id"]
    with RunFolder.locked(run.parents[1], run_id=run_id) as folder:
        tables, register = records.load_run(run), records.Register(records.project_of(run), run_id)
        cutoff, entries = tables.manifest["cutoff"], []
        _require_newest(cutoff, previous=folder.current, path=folder.path)
        if on is not None and not tables.params.get("simulated"):
            found, remedy = "the day of publication may be given for simulated runs only", "Leave --on out"
            raise ParamsError(Problem("--on", found, "", remedy))
        key = _published_key(run, register)
        done = folder.find(key.whole) or (run if (run / ENTRY).is_file() else None)
        if done is not None:  # published before, or interrupted just before it became current
            register.append(read_entry(done / ENTRY))
            folder.switch(done)
            return _published(folder, register)
        with folder.build(key, cutoff=cutoff, before_switch=lambda: register.append(entries[0])) as building:
            if not (building / ENTRY).is_file():
                entry = register.next_entry(tables.manifest, records.to_keep(tables), published_on=as_day(on))
                write_file(building / ENTRY, entry.line() + "\n")
            entries.append(read_entry(building / ENTRY))
            shutil.rmtree(building / "tables", ignore_errors=True)
            shutil.copytree(run / "tables", building / "tables")
            manifest = tables.manifest | {"register": entries[0].public()}
            write_file(building / MANIFEST, json_text(manifest))
            write_file(building / "params.yml", (run / "params.yml").read_bytes())
            pages = publish_step(building, root=register.root, previous=run, options=options, report=report)
            folder.log(pages)
            too_many_failed(pages, max_failed_share=tables.params["max_failed_share"])
        return replace(_published(folder, register), pages=pages)


def _published_key(run: Path, register: records.Register) -> RunKey:
    """The key of the run that publishing this one makes: it follows the register's last entry that is not its own."""
    draft, tables = read_key(run), records.read_manifest(run / MANIFEST)["tables"]
    others = [entry.hash for entry in register.entries() if dict(entry.tables) != tables]
    return RunKey(draft["parts"], draft["tables"], sha256_of_json([PUBLISHED, run.name, others[-1:]]), draft["whole"])


def _published(folder: RunFolder, register: records.Register) -> RunResult:
    """The current run, now that it is published; which files went out with its entry is recorded."""
    register.record_pages(read_entry(folder.current / ENTRY), file_sha256(folder.current / FILES))
    return folder.published()


def quarter(
    params_path: str | Path,
    *,
    period: str = periods.LAST,
    data_dir: str | Path | None = None,
    incomplete: Sequence[str] = (),
    options: RunOptions = RunOptions(),  # noqa: B008  frozen
    now: dt.datetime | None = None,
) -> QuarterResult:
    """Make and publish a quarter: what a schedule starts. It checks the data, runs, publishes, and says how it ended.

    Parameters
    ----------
    params_path : path
    period : str
        ``last``: the last completed quarter, once; a quarter that is named is made again when something changed.
    data_dir : path, optional
        Where relative source paths are looked up; default: the project's root.
    incomplete : sequence of str
        Sources, indicators and units whose figures may be missing.
    options : RunOptions
    now : datetime, optional
        Replaces the machine's clock; a simulated run is published on this day.

    Returns
    -------
    QuarterResult

    Raises
    ------
    ParamsError, DataError
        The input is wrong, figures have not been delivered, or the clock was set back.
    PublishError
        Another run is active, or too many pages failed. In every case the run before stays current.
    """
    from analysis import intake

    root, name, at = project_root(params_path), Path(params_path).stem, periods.clock(now)
    folder = RunFolder(Path(options.out_dir) if options.out_dir else root / "outputs" / name)
    if not Path(params_path).is_file():
        read_params(params_path)  # says so; there is no place for a summary
    folder.check_owned(run_id=name)
    log = operator.OperatorLog(folder.operator, run=f"{name} {period}", now=at)
    log.write("start", time=at.isoformat(timespec="seconds"), period=period, incomplete=list(incomplete))
    with log.reporting_errors() as mail:
        last = period == periods.LAST
        asked = operator.quarter_asked(folder.current, today=at.date()) if last else period
        log.run = f"{name} {asked}"
        if last and operator.is_published(asked, current=folder.current, register=records.Register(root, name)):
            code = log.finish(operator.Summary(log.run, "nothing to do, it is published already"), mail=None)
            return QuarterResult(folder.published(), asked, False, log.summary_path, code)
        params, inputs = check(params_path, data_dir=data_dir, period=asked)
        if last:
            intake.deliveries.check_dates(inputs, today=at.date())
        missing = _missing(params, inputs, folder=folder)
        intake.deliveries.check_complete(missing, inputs=inputs, accepted=incomplete)
        result = run(params_path, period=asked, data_dir=data_dir, options=options, report=log.step)
        on = at.date().isoformat() if now and params.simulated else None
        result = publish(result.run_dir, on=on, options=options, report=log.step)
    causes = operator.causes_of_pages(result.pages) + operator.causes_of_missing(intake.deliveries.sentences(missing))
    outcome = f"published, {len(result.pages)} pages, {result.count(FAILED)} failed; {result.run_dir.name}"
    code = log.finish(operator.Summary(log.run, outcome, causes), mail=mail)
    return QuarterResult(result, asked, True, log.summary_path, code)


def _missing(params: RunParams, inputs: intake.Inputs, *, folder: RunFolder) -> pd.DataFrame:
    """Who has not delivered, seen from the inputs and from the current run."""
    from analysis import intake, statistics

    whole = folder.current is not None and not altered_files(folder.current)
    before = records.read_stored(folder.current, "observations") if whole else None
    return intake.deliveries.not_delivered(inputs, cutoff=statistics.cutoff_of(inputs, params=params), before=before)


def _check_options(options: RunOptions) -> None:
    if options.start not in STEPS:
        hint = did_you_mean(options.start, STEPS)
        raise ParamsError(Problem("--from", f"{options.start!r}", ", ".join(STEPS), hint or "Take one of these"))
    if options.dask:
        from analysis.publishing.distributed import check_address  # an extra

        check_address(options.dask)


def _stated_cutoff(params: RunParams, *, root: Path) -> str:
    """The params' cutoff in the finest frequency of the indicators, ``""`` where the data decide it."""
    if not params.cutoff:
        return ""
    frequencies = read_indicators(root / params.indicators)["frequency"]
    return periods.last_ended(params.cutoff, periods.finest(frequencies))


def _cutoff_of_run(run: Path | None) -> str:
    return records.read_manifest(run / MANIFEST)["cutoff"] if run is not None else ""


def _stored(previous: Path | None, path: Path) -> schema.RunTables:
    return records.load_run(previous or path)  # without a run, says so


def _key_from(start: str, key: RunKey, *, previous: Path | None, path: Path) -> RunKey:
    """The key of a run that takes tables from the current one: of these, and of what it adds."""
    if start == "read":
        return key
    stored = _stored(previous, path).manifest
    tables = read_key(previous)["tables"] if start == "publish" else ""
    return RunKey(key.parts, tables, sha256_of_json([start, key.parts, stored["tables"]]))


def _require_newest(cutoff: str, *, previous: Path | None, path: Path) -> None:
    """The folder of a run leads to its newest quarter; an earlier one has a folder of its own."""
    newest = _cutoff_of_run(previous)
    if newest and periods.last_day(cutoff) < periods.last_day(newest):
        found = f"the current run is of {newest}, later than {cutoff}"
        remedy = f"Give the earlier quarter a folder of its own: --out {path}-{cutoff}"
        raise ParamsError(Problem(str(path), found, f"{newest} or later", remedy))


def read_step(
    params: RunParams,
    *,
    root: Path,
    data_dir: Path | None = None,
    stored: schema.RunTables | None = None,
    report: Report = no_report,
) -> intake.Inputs:
    """Raw files and registry to checked tables; with `stored`, the observations are those of the stored run."""
    from analysis import intake, statistics

    report("read", 0, 1)
    if stored is None:
        inputs = intake.read_inputs(params, data_dir=data_dir, root=root)
    else:
        targets = read_targets(
            [root / name for name in params.targets], indicators=stored.indicators, units=stored.units
        )
        inputs = intake.Inputs(
            units=stored.units,
            indicators=stored.indicators,
            targets=targets,
            observations=stored.observations,
            quality=stored.quality,
            sources=tuple(stored.manifest["sources"]),
            tasks=stored.extra.get("task_list"),
        )
    places = places_of([root / name for name in params.targets])
    statistics.check_promises(inputs, cutoff=statistics.cutoff_of(inputs, params=params), places=places)
    report("read", 1, 1)
    return inputs


def forecast_step(
    inputs: intake.Inputs,
    *,
    params: RunParams,
    history: Mapping[str, pd.DataFrame],
    jobs: int = 1,
    report: Report = no_report,
) -> dict[str, pd.DataFrame]:
    """Forecast, assess, look back: see :func:`analysis.statistics.make_statistics`."""
    from analysis import statistics

    tick = partial(report, "forecast")
    return statistics.make_statistics(inputs, params=params, history=history, jobs=jobs, report=tick)


def record_step(
    found: dict[str, pd.DataFrame], inputs: intake.Inputs, *, params: RunParams, key: RunKey, building: Path
) -> None:
    """Write the tables and then the manifest: what the notebooks will see."""
    from analysis import statistics

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
    manifest = records.build_manifest(
        run_id=params.run_id,
        params=params.model_dump(mode="json"),
        cutoff=statistics.cutoff_of(inputs, params=params),
        hashes=key.parts,
        sources=inputs.sources,
        tables=records.write_run(tables, building),
    )
    write_file(building / MANIFEST, json_text(manifest))


def _restate_manifest(params: RunParams, *, key: RunKey, building: Path, previous: Path) -> None:
    """The manifest of a run whose tables are those of the run before."""
    manifest = records.read_manifest(previous / MANIFEST)
    manifest |= {"params": params.model_dump(mode="json"), "hashes": dict(key.parts)}
    write_file(building / MANIFEST, json_text(manifest))


def publish_step(
    building: Path, *, root: Path, previous: Path | None, options: RunOptions, report: Report = no_report
) -> tuple[PageResult, ...]:
    """Execute the notebooks, publish the pages that are proven whole, build the site around them."""
    from analysis.publishing.site import DOWNLOADS, build_site, page_jobs, pages_of

    tables = records.load_run(building)
    check_units(options.units, known=tables.units["unit"])
    site, language = building / SITE, tables.params["language"]
    altered = altered_files(previous) if previous is not None else []
    if previous is not None:
        check_archive(previous, altered, cutoff=tables.manifest["cutoff"])
        there = pages_of(tables, units=options.units)
        keep_quarters(site, before=previous / SITE, cutoff=tables.manifest["cutoff"], pages=there)
    jobs = page_jobs(tables, root=root, run_dir=building, units=options.units)
    done: list[PageResult] = []

    def tick(result: PageResult) -> None:
        done.append(result)
        report("publish", len(done), len(jobs))

    with page_maker(options) as maker:  # nothing is taken over from a run that was altered
        pages = publish_pages(
            jobs, building=building, previous=None if altered else previous, maker=maker, on_done=tick
        )
    files = []
    if tables.params["publish"]["downloads"] and options.units is None:
        from analysis.publishing.downloads import write_downloads  # office formats: only when they are wanted

        files = write_downloads(tables, out_dir=site / DOWNLOADS, language=language)
    links = [file.link(folder=DOWNLOADS, language=language) for file in files]
    build_site(tables, pages, site, language, downloads=links)
    if options.pdf:
        from analysis.publishing.downloads import write_pdfs

        whole = [site / page.page for page in pages if page.status != FAILED]
        write_pdfs(whole, out_dir=site / "pdf", on_done=partial(report, "pdf"))
    if files:
        from analysis.publishing.downloads import write_archive

        parts = {name: building / name for name in ("tables", "params.yml", MANIFEST, SITE)}
        write_archive(parts, building / f"{tables.run_id}.zip")
    write_results(pages, building)
    return tuple(pages)


@contextmanager
def page_maker(options: RunOptions) -> Iterator[Callable[[], Maker]]:
    """Yield a function that gives what makes the pages: a process of this machine, started when needed, or Dask."""
    if options.dask:
        from analysis.publishing.distributed import DaskPages

        yield lambda: DaskPages(options.dask, code=environment_hashes())
        return
    with ExitStack() as stack:
        yield lambda: stack.enter_context(PageMaker(n_jobs=options.jobs))


def check_units(units: Sequence[str] | None, *, known: Iterable[str]) -> None:
    """Refuse unit codes that the run does not know.

    ParamsError: with every unknown code.
    """
    allowed, remedy = "codes of the unit table", "Take a code of the unit list"
    require(unknown(units or (), set(known), where="--units", what="unit", allowed=allowed, remedy=remedy), ParamsError)


def check(
    params_path: str | Path, *, data_dir: str | Path | None = None, period: str | None = None
) -> tuple[RunParams, intake.Inputs]:
    """Do all the reading and checking of a run and write nothing.

    ParamsError, DataError: the input is wrong; every problem is listed.
    """
    params = read_params(params_path, period=periods.named(period))
    data_dir = Path(data_dir) if data_dir else None
    return params, read_step(params, root=project_root(params_path), data_dir=data_dir)


def check_run(
    params_path: str | Path, *, data_dir: str | Path | None = None, period: str | None = None
) -> dict[str, pd.DataFrame | str]:
    """Read and check everything a run would use; write nothing.

    Parameters
    ----------
    params_path : path
    data_dir : path, optional
        Where relative source paths are looked up; default: the project's root.
    period : str, optional
        Replaces the params' cutoff, e.g. ``2026Q3``.

    Returns
    -------
    dict
        ``cutoff`` and ``disk`` (the space a run needs) as text, then a table for each kind of input.

    Raises
    ------
    ParamsError, DataError
        The input is wrong; every problem is listed.
    """
    from analysis import intake, statistics

    params, inputs = check(params_path, data_dir=data_dir, period=period)
    cutoff = statistics.cutoff_of(inputs, params=params)
    outputs = project_root(params_path) / "outputs" / params.run_id
    missing = intake.deliveries.group_missing(_missing(params, inputs, folder=RunFolder(outputs)))
    disk = disk_report(outputs, n_units=len(inputs.units), n_rows=len(inputs.observations))
    warned = {"warning, not delivered": missing}
    return {"cutoff": cutoff, "disk": disk, **intake.summarise_inputs(inputs), **warned}


def backtest_run(
    params_path: str | Path,
    *,
    data_dir: str | Path | None = None,
    out: Path | None = None,
    units: Sequence[str] | None = None,
) -> dict[str, pd.DataFrame | str]:
    """Apply the models at past cutoffs of a run's own panels.

    Parameters
    ----------
    params_path : path
    data_dir : path, optional
        Where relative source paths are looked up; default: the project's root.
    out : Path, optional
        CSV or Parquet of all cases.
    units : sequence of str, optional
        Codes of the units that are tested; default: all.

    Returns
    -------
    dict
        ``evidence``: scores and coverage, over all and by horizon.

    Raises
    ------
    ParamsError, DataError
        The input is wrong; every problem is listed.
    """
    from analysis import statistics

    params, inputs = check(params_path, data_dir=data_dir)
    check_units(units, known=inputs.units["unit"])
    panels = statistics.panels_at(inputs, cutoff=statistics.cutoff_of(inputs, params=params))
    cases = statistics.backtest_cases(inputs, panels, seed=params.seed, scored=units)
    if out is not None and len(cases):
        records.write_frame(cases, out)
    table = statistics.evidence_of(cases)
    return {"evidence": table[table["slice_kind"].isin(["overall", "horizon"])]}
