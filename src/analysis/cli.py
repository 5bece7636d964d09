"""The command `candich`: parses, calls, prints, sets the exit code (0 done, 2 wrong input, 1 internal error)."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

import analysis as cd
from analysis.publishing.environment import restart_pinned
from analysis.words.errors import AnalysisError

STOPPED = 130  # exit code after Ctrl-C, as every shell has it
READER_GONE = 141  # exit code after SIGPIPE, likewise
NAMES = {"read": "Reading", "forecast": "Forecasting", "publish": "Publishing", "pdf": "Printing"}
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Forecast whether each unit will reach each of its targets, and publish the briefings.",
)
ParamsArgument = Annotated[Path, typer.Argument(help="One complete params file, e.g. params/demo.yml")]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder where relative source paths are looked up")]
PeriodOption = Annotated[str | None, typer.Option(help="Cutoff instead of the params': 2026-09, 2026Q3, 2026, last")]


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error")] = False,
) -> None:
    """Options of every command."""
    if debug:
        os.environ["CANDICH_DEBUG"] = "1"


RunArgument = Annotated[Path, typer.Argument(help="A finished run, e.g. outputs/demo")]


@app.command()
def run(
    params: ParamsArgument,
    data: DataOption = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; default outputs/<run_id>")] = None,
    units: Annotated[str, typer.Option(help="Publish only these units, separated by commas")] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Processes that publish pages")] = os.cpu_count() or 1,
    start: Annotated[str, typer.Option("--from", help="First step: read, forecast or publish")] = "read",
    period: PeriodOption = None,
    language: Annotated[str | None, typer.Option(help="vi or en, instead of the params'")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print every page as PDF too, through Chromium")] = False,
    dask: Annotated[str | None, typer.Option(help="Make pages on a Dask scheduler's workers: tcp://host:port")] = None,
) -> None:
    """Run one params file: raw data to a published site of briefings."""
    options = cd.RunOptions(
        out_dir=out, units=_named(units) or None, jobs=jobs, start=start, language=language, pdf=pdf, dask=dask
    )
    with reporting(sys.stderr) as report:
        result = cd.run(params, period=period, data_dir=data, options=options, report=report)
    counts = ", ".join(f"{result.count(one)} {one}" for one in ("published", "unchanged", "failed"))
    print(f"Pages: {counts}", file=sys.stderr)
    for one in [page for page in result.pages if page.status == "failed"][:5]:
        print(f"  failed: {one.page}: {_shown(one.reason)}", file=sys.stderr)
    print(result.index)


@app.command()
def check(params: ParamsArgument, data: DataOption = None, period: PeriodOption = None) -> None:
    """Read and check everything a run would use; write nothing."""
    print_tables(cd.check_run(params, data_dir=data, period=period))


@app.command()
def assess(
    observations: Annotated[Path, typer.Option(help="Tidy CSV or Parquet: unit,indicator,period,value[,...]")],
    targets: Annotated[Path, typer.Option(help="CSV or Parquet: target,indicator,operator,threshold,deadline[,unit]")],
    cutoff: Annotated[str, typer.Option(help="Last period that may be used, e.g. 2022-02")],
    out: Annotated[Path, typer.Option(help="CSV or Parquet to write, one row per unit and target")],
) -> None:
    """Assess a table of observations against a table of targets, without notebooks."""
    assessed, found = cd.assess_files(observations, targets=targets, cutoff=cutoff, out=out)
    print(f"{len(assessed)} rows written to {out}", file=sys.stderr)
    for one in found:
        print(f"  {_shown(str(one))}", file=sys.stderr)
    if found:
        print(f"  each row: {out}.refused.csv", file=sys.stderr)


@app.command()
def backtest(
    params: ParamsArgument,
    data: DataOption = None,
    out: Annotated[Path | None, typer.Option(help="CSV or Parquet of all cases")] = None,
    units: Annotated[str, typer.Option(help="Test these units only, separated by commas")] = "",
) -> None:
    """Rolling-origin test of the forecasts on a run's own panels."""
    print_tables(cd.backtest_run(params, data_dir=data, out=out, units=_named(units) or None))


@app.command()
def publish(
    run_dir: RunArgument,
    on: Annotated[str | None, typer.Option(help="Day of publication, of simulated runs only; default: today")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that publish pages")] = os.cpu_count() or 1,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print every page as PDF too, through Chromium")] = False,
    dask: Annotated[str | None, typer.Option(help="Make pages on a Dask scheduler's workers: tcp://host:port")] = None,
) -> None:
    """Publish a finished run: enter its probabilities in the register, print the entry's seal on its pages."""
    with reporting(sys.stderr) as report:
        result = cd.publish(run_dir, on=on, options=cd.RunOptions(jobs=jobs, pdf=pdf, dask=dask), report=report)
    print(f"Seal: {cd.load_run(result.run_dir).manifest['register']['seal']}", file=sys.stderr)
    print(result.index)


@app.command()
def quarter(
    params: ParamsArgument,
    period: Annotated[str, typer.Option(help="The quarter; last: the last completed one, once")] = "last",
    incomplete: Annotated[str, typer.Option(help="Sources, indicators, units that may be missing, by comma")] = "",
    data: DataOption = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that publish pages")] = os.cpu_count() or 1,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print every page as PDF too, through Chromium")] = False,
) -> None:
    """Make and publish a quarter, as a schedule does: check that the data are complete, run, publish, report."""
    options = cd.RunOptions(jobs=jobs, pdf=pdf)
    done = cd.quarter(params, period=period, data_dir=data, incomplete=_named(incomplete), options=options)
    if done.made:  # else silent: a schedule would mail it
        print(_shown(done.summary.read_text(encoding="utf-8")))
        print(done.run.index)
    if done.exit_code:
        raise typer.Exit(done.exit_code)


@app.command()
def schedule(
    kind: Annotated[str, typer.Argument(help="systemd, cron, windows or github")],
    params: ParamsArgument,
    out: Annotated[Path, typer.Option(help="Folder for the files")] = Path("schedule"),
    user: Annotated[str, typer.Option(help="Who runs it (systemd); default: owner of the project's folder")] = "",
    mail: Annotated[bool, typer.Option("--mail", help="Let it reach a mail server on this machine")] = False,
) -> None:
    """Write the files that start `candich quarter` on the fifth of January, April, July and October at 06:00."""
    written, install = cd.write_schedule(kind, params, out_dir=out, user=user, mail=mail)
    for path in written:
        print(path)
    print(f"Install: {install}", file=sys.stderr)


@app.command()
def verify(
    run_dir: RunArgument,
    seal: Annotated[str | None, typer.Option(help="Find the entry of the register that a seal on paper is of")] = None,
    unit: Annotated[str | None, typer.Option(help="Make this unit's page only; default: every page")] = None,
    project: Annotated[
        Path | None, typer.Option(help="Folder with `notebooks`; default: the folder above outputs")
    ] = None,
) -> None:
    """Check every stored and published file, make the pages again, and report what differs."""
    if seal is not None:
        print_tables({"entry": cd.find_seal(run_dir, seal)})
        return
    verdicts = cd.verify_run(run_dir, unit=unit, project=project)
    counts = verdicts["verdict"].value_counts().sort_index()
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    print_tables({"differences": verdicts[verdicts["verdict"] != "identical"]})
    if not verdicts["verdict"].isin(["identical", "identical after rounding"]).all():
        raise typer.Exit(1)


@app.command()
def each(
    notebook: Annotated[Path, typer.Argument(help="Your own notebook, with a cell tagged 'parameters'")],
    parameter: Annotated[str, typer.Option(help="The parameter that changes from page to page")] = "unit",
    values: Annotated[str, typer.Option(help="Its values, separated by commas")] = "",
    values_file: Annotated[Path | None, typer.Option(help="Text file of values instead, one per line")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the executed notebooks and their HTML pages")] = Path(
        "outputs/each"
    ),
    jobs: Annotated[int, typer.Option(min=1, help="Processes that make pages")] = os.cpu_count() or 1,
) -> None:
    """Execute your own notebook, unchanged, once for each of many values."""
    text = values if values_file is None else values_file.read_text(encoding="utf-8-sig").replace("\n", ",")
    with reporting(sys.stderr) as report:
        tick = lambda done, total: report("publish", done, total)
        made = cd.make_each(notebook, parameter=parameter, values=_named(text), out_dir=out, n_jobs=jobs, on_done=tick)
    failed = [one for one in made if one.reason]
    print(f"Pages: {len(made) - len(failed)} made, {len(failed)} failed", file=sys.stderr)
    for one in failed[:5]:
        print(f"  failed: {_shown(one.value)}: {_shown(one.reason)}", file=sys.stderr)
    print(out)
    if failed:
        raise typer.Exit(1)


def main() -> None:
    """Entry point: pin the numerical environment first, then run the command."""
    _open_streams()
    restart_pinned()  # BLAS kernels and vector instructions are chosen when NumPy is imported: too late afterwards
    try:
        code = app(standalone_mode=False)  # returns what a command exits with, also after Ctrl-C
        sys.stdout.flush()
        if code == STOPPED:
            raise KeyboardInterrupt
        if code:
            raise SystemExit(code)
    except AnalysisError as error:
        _fail(error, code=error.exit_code, lines=[str(one) for one in error.problems])
    except (typer.Abort, KeyboardInterrupt):
        _fail(None, code=STOPPED, lines=["stopped; the run before stays current, run again to finish"])
    except BrokenPipeError:  # whoever read the output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise SystemExit(READER_GONE) from None
    except OSError as error:
        _fail(error, code=1, lines=[f"{error.filename or ''}: {error.strerror or error}"])
    except Exception as error:
        said = getattr(error, "format_message", None)
        if said is not None:  # an option or argument that the command does not know
            _fail(error, code=2, lines=[said()])
        _fail(
            error,
            code=1,
            lines=[f"{type(error).__name__}: {error}", "internal error; run again with --debug for the traceback"],
        )


def _open_streams() -> None:
    """Lead streams that the caller closed (``>&-``) to nowhere: a file opened later must not take their place."""
    for number, mode, name in ((0, "r", "stdin"), (1, "w", "stdout"), (2, "w", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))


def _fail(error: BaseException | None, *, code: int, lines: list[str]) -> None:
    if os.environ.get("CANDICH_DEBUG") and error is not None:
        traceback.print_exception(error)
    for line in [*lines, *getattr(error, "__notes__", [])]:
        print(f"candich: {_shown(line)}", file=sys.stderr)
    raise SystemExit(code)


def _named(text: str) -> list[str]:
    """What a text names, separated by commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _shown(text: str) -> str:
    """A text that may hold anything from the data, as a terminal may be given it: no control or direction marks."""
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


@contextmanager
def reporting(stream: TextIO) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function ``(step, done, total)`` that shows progress on `stream`."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(file=stream)
    columns = [TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    columns += [TextColumn("left"), TimeRemainingColumn()]
    tasks: dict[str, TaskID] = {}
    said: set[str] = set()
    # a thread that refreshes the bars would bar forking
    with Progress(*columns, console=console, auto_refresh=False, disable=not console.is_terminal) as bars:

        def advance(step: str, done: int, total: int) -> None:
            name = NAMES.get(step, step)
            if step not in tasks:
                tasks[step] = bars.add_task(name, total=total)
            bars.update(tasks[step], completed=done, total=total, refresh=True)
            if bars.disable and done >= total and step not in said:
                said.add(step)
                print(f"{name}: {done} of {total}", file=stream, flush=True)

        yield advance


def print_tables(found: Mapping[str, object]) -> None:
    """Print named tables and sentences on the standard output."""
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True)
    if not console.is_terminal:
        console = Console(width=1000, soft_wrap=True)  # a file name stays whole on its line: logs are searched
    for name, frame in found.items():
        if not isinstance(frame, pd.DataFrame):
            console.print(f"{name}: {frame}", markup=False, highlight=False)
            continue
        if frame.empty:
            continue
        table = Table(title=name, title_justify="left", show_edge=False)
        for column in frame.columns:
            numeric = pd.api.types.is_numeric_dtype(frame[column])
            table.add_column(str(column), justify="right" if numeric else "left", overflow="fold")
        for row in frame.itertuples(index=False, name=None):
            table.add_row(*(_cell(value) for value in row))
        console.print(table, markup=False)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return "" if value is None or str(value) == "<NA>" else str(value).replace("[", r"\[")
