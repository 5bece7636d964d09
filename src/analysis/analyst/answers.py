"""Answers from a finished run: who is worst, what if, why, what changed, how two units compare; SQL over all runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis import records
from analysis.registry.entries import as_entry
from analysis.registry.params import RunParams
from analysis.registry.targets import read_targets
from analysis.words.errors import DataError, ParamsError, Problem, require
from analysis.words.schema import RunTables
from analysis.words.units import find_indicator, find_target, find_unit

_SHOWN = ["unit", "name", "status", "p_attain", "gap", "gap_cases", "required_pace", "actual_pace", "grade", "cause"]


def worst(run: RunTables, *, target: str, n: int = 10) -> pd.DataFrame:
    """The units least likely to reach a target, the least likely first.

    Parameters
    ----------
    run : RunTables
    target : str
    n : int
        How many.

    Returns
    -------
    DataFrame
        unit, name, status, p_attain, gap (unit of the indicator; shares as fractions), gap_cases, required_pace and
        actual_pace (a period), grade of the evidence, cause (what moved the probability most since last quarter). Units
        that are not assessable, or whose target is settled, are left out. Ties of p_attain are ordered by the
        unrounded probability, then by the gap.

    Raises
    ------
    DataError
        There is no such target.
    """
    rows = run.assessments[run.assessments["target"] == find_target(run, target)]
    rows = rows[rows["p_attain"].notna() & ~rows["settled"] & (rows["status"] != "not_assessable")]
    rows = rows.sort_values(["p_raw", "gap", "unit"], ascending=[True, False, True]).head(n)
    rows = rows.merge(run.units[["unit", "name"]], on="unit", how="left")
    causes = run.extra.get("changes", pd.DataFrame(columns=["unit", "target", "cause"]))
    rows = rows.merge(causes[["unit", "target", "cause"]], on=["unit", "target"], how="left")
    return rows[_SHOWN].reset_index(drop=True)


def what_if(run: RunTables, *, unit: str, target: str, points: float) -> pd.DataFrame:
    """The probability when a share grows (falls, for "at most") by more a period than forecast.

    Parameters
    ----------
    run : RunTables
    unit : str
        Code, or name as people type it.
    target : str
        On a share (level_at, cumulative_count, coverage_all or relative_change), not settled.
    points : float
        Percentage points a period, in (0, 100].

    Returns
    -------
    DataFrame
        Two rows, "as forecast" and the lever: scenario, p_attain (calibrated), predicted_median (at the deadline).

    Raises
    ------
    DataError
        No such unit or target, or this target has no such lever.
    ParamsError
        `points` is out of bounds.
    """
    if not 0 < points <= 100:
        found, allowed = f"points is {points!r}", "more than 0, at most 100"
        raise ParamsError(Problem("what_if", found, allowed, "Give percentage points per period, e.g. 2"))
    code, target = find_unit(run, unit), find_target(run, target)
    own = run.assessments[(run.assessments["unit"] == code) & (run.assessments["target"] == target)]
    scenarios = _scenarios(run, target=target, points=points / 100)
    rows = scenarios[(scenarios["unit"] == code) & scenarios["scenario"].str.startswith("points_per_period")]
    if own.empty or rows.empty or not rows["p_attain"].notna().all():
        found = f"{target!r} has no lever in points for {code!r}: it is settled, not assessable, or not on a share"
        raise DataError(Problem("what_if", found, "an open target on a share", "See run.assessments for its status"))
    now = own[["p_attain", "predicted_median"]].assign(scenario="as forecast")
    lever = rows[["p_attain", "predicted_median"]].assign(scenario=f"{points:+g} percentage points a period")
    return pd.concat([now, lever], ignore_index=True)[["scenario", "p_attain", "predicted_median"]]


def _scenarios(run: RunTables, *, target: str, points: float) -> pd.DataFrame:
    """The what-if rows of a target, from the run's own figures and the project's targets."""
    from analysis import statistics
    from analysis.intake import Inputs

    params, problems = as_entry(RunParams, run.params, where="params of the run")
    require(problems, ParamsError)
    root = records.project_of(Path(run.folder))
    targets = read_targets([root / name for name in params.targets], indicators=run.indicators, units=run.units)
    inputs = Inputs(run.units, run.indicators, targets, run.observations, run.quality, (), run.extra.get("task_list"))
    return statistics.scenarios_of(inputs, target=target, params=params, points=points)


def explain(run: RunTables, unit: str, target: str) -> pd.DataFrame:
    """What a probability rests on, and what moved it since last quarter.

    Parameters
    ----------
    run : RunTables
    unit : str
        Code, or name as people type it.
    target : str

    Returns
    -------
    DataFrame
        what, value, meaning: status and probability, figures, pace, evidence (grade, J, Brier score, coverage), and the
        parts of the change, which sum to it.

    Raises
    ------
    DataError
        No such unit or target, or the target does not bind the unit.
    """
    code, target = find_unit(run, unit), find_target(run, target)
    rows = run.assessments[(run.assessments["unit"] == code) & (run.assessments["target"] == target)]
    if rows.empty:
        bound = ", ".join(run.assessments.loc[run.assessments["unit"] == code, "target"]) or "none"
        raise DataError(Problem("explain", f"{target!r} does not bind {code!r}", bound, "Take one of its targets"))
    row = rows.iloc[0]
    found = [(name, row[name], meaning) for name, meaning in _MEANINGS.items()]
    evidence = run.evidence[(run.evidence["target"] == target) & (run.evidence["model"] == "ensemble")]
    overall = evidence[evidence["slice_kind"] == "overall"]
    for name, meaning in _EVIDENCE.items():
        found.append((name, overall[name].iloc[0] if len(overall) else None, meaning))
    changed = run.extra.get("changes", pd.DataFrame(columns=["unit", "target"]))
    changed = changed[(changed["unit"] == code) & (changed["target"] == target)]
    for name, meaning in _CHANGE.items() if len(changed) else ():
        found.append((name, changed[name].iloc[0], meaning))
    return pd.DataFrame(found, columns=["what", "value", "meaning"])


_MEANINGS = {
    "status": "by the cut points of the params, held by hysteresis",
    "p_attain": "calibrated probability of reaching the target",
    "p_raw": "before calibration",
    "current": "latest figure (a share as a fraction)",
    "current_period": "its period",
    "gap": "what is missing, unit of the indicator",
    "required_pace": "change a period that closes the gap by the deadline",
    "actual_pace": "change a period of late",
    "predicted_median": "forecast at the deadline",
    "lower80": "lower end of its 80 % interval",
    "upper80": "upper end of its 80 % interval",
    "horizon": "periods to the deadline",
    "n_points": "observed periods that the forecast uses",
    "grade": "of the evidence, A to D",
    "n_origins": "J: past cutoffs that it was calibrated on",
    "reason": "why it is not assessable, or empty",
}
_EVIDENCE = {
    "brier": "mean Brier score of past forecasts of this target",
    "coverage80": "share of outcomes in past 80 % intervals",
    "skill_pace": "Brier skill against linear pace",
}
_CHANGE = {
    "p_before": "probability a quarter ago",
    "p_change": "change since",
    "from_revision": "of it: revised data",
    "from_target": "of it: the target was changed",
    "from_definition": "of it: a definition or boundary was changed",
    "from_model": "of it: the model",
    "from_expected": "of it: time passing, had the new figures been as forecast",
    "from_surprise": "of it: new figures other than forecast",
}


def changes(run: RunTables, *, target: str | None = None) -> pd.DataFrame:
    """What changed since last quarter, the largest change of probability first.

    Returns
    -------
    DataFrame
        unit, target, status before and now, probability before and now, its change and the parts that sum to it.
    """
    rows = run.extra.get("changes", pd.DataFrame(columns=["unit", "target", "p_change"]))
    if target is not None:
        rows = rows[rows["target"] == find_target(run, target)]
    order = rows["p_change"].abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[order].reset_index(drop=True)


def compare(run: RunTables, *, units: Sequence[str], indicator: str):
    """Units on one chart: observed figures, median forecast, 80 % interval.

    Parameters
    ----------
    run : RunTables
    units : sequence of str
        Codes, or names as people type them; at most eight.
    indicator : str

    Returns
    -------
    tuple of DataFrame and matplotlib.figure.Figure
        unit, name, period, value, predicted, lower80, upper80; and the chart of it.

    Raises
    ------
    DataError
        No such unit or indicator, or too many units.
    """
    from analysis.briefing.charts.compare import compare_figure

    codes = list(dict.fromkeys(find_unit(run, unit) for unit in units))
    if not 1 <= len(codes) <= 8:
        remedy = "Choose fewer: readers cannot tell more lines apart"
        raise DataError(Problem("compare", f"{len(codes)} units", "1 to 8", remedy))
    indicator = find_indicator(run, indicator)
    seen = run.observations[run.observations["unit"].isin(codes) & (run.observations["indicator"] == indicator)]
    seen = seen.drop_duplicates(["unit", "period"], keep="last")[["unit", "period", "value"]]
    ahead = run.forecasts[run.forecasts["unit"].isin(codes) & (run.forecasts["indicator"] == indicator)]
    names = {0.5: "predicted", 0.1: "lower80", 0.9: "upper80"}
    ahead = ahead[ahead["quantile_level"].isin(names)].pivot(
        index=["unit", "period"], columns="quantile_level", values="predicted"
    )
    table = seen.merge(ahead.rename(columns=names).reset_index(), on=["unit", "period"], how="outer")
    table = table.merge(run.units[["unit", "name"]], on="unit", how="left")
    order = ["unit", "name", "period", "value", *(one for one in names.values() if one in table)]
    table = table[order].sort_values(["unit", "period"], ignore_index=True)
    about = run.indicators.set_index("indicator").loc[indicator]
    return table, compare_figure(table, title=str(about["name_vi"]), share=about["kind"] == "rate")


def diagnose(run: RunTables, *, unit: str, indicator: str) -> pd.DataFrame:
    """Season, residuals, breaks and the straight line of one series, by statsmodels.

    Returns
    -------
    DataFrame
        See :func:`analysis.forecasting.diagnose.diagnose_series`.

    Raises
    ------
    DataError
        No such unit or indicator, or fewer than eight figures.
    """
    from analysis.forecasting.diagnose import diagnose_series

    code, indicator = find_unit(run, unit), find_indicator(run, indicator)
    rows = run.observations[(run.observations["unit"] == code) & (run.observations["indicator"] == indicator)]
    rows = rows.drop_duplicates("period", keep="last").dropna(subset=["value"])
    season = int(run.indicators.set_index("indicator").loc[indicator, "season_length"])
    return diagnose_series(rows["period"].to_numpy(), rows["value"].to_numpy(dtype=float), season_length=season)


def sql(query: str, *, outputs: str | Path | None = None) -> pd.DataFrame:
    """Query the tables of all finished runs with DuckDB, read-only.

    Parameters
    ----------
    query : str
        One SELECT. Tables are those of a run (assessments, forecasts, observations, units, extra_changes ...); column
        ``run`` has the run's folder, e.g. ``demo/2026-09-1f3a...``; ``is_current`` says whether it is the current one.
    outputs : path, optional
        Folder of the runs; default: ``outputs`` here or above.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        No run, not one SELECT, or what DuckDB says of the query.
    """
    import duckdb

    runs = _finished_runs(Path(outputs) if outputs else records.find_run("latest").parents[2])
    files: dict[str, list[str]] = {}
    for run in runs:
        for path in sorted((run / "tables").glob("*.parquet")):
            files.setdefault(path.stem, []).append(str(path))
    current = [str(records.current_run(run.parents[1])) for run in runs]
    with duckdb.connect() as connection:
        try:
            statements = connection.extract_statements(query)
        except duckdb.Error as error:
            raise DataError(Problem("sql", str(error).splitlines()[0], "one SELECT", "Correct the query")) from error
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise DataError(Problem("sql", f"found {query[:60]!r}", "one SELECT", "Only read, one query"))
        for name, paths in files.items():
            connection.execute(
                f'create view "{name}" as select * exclude (filename), '  # names of files that candich wrote
                "concat_ws('/', split_part(filename, '/', -5), split_part(filename, '/', -3)) as run, "
                "list_contains($current, replace(filename, concat('/tables/', split_part(filename, '/', -1)), '')) "
                "as is_current from read_parquet($paths, union_by_name=true, filename=true)".replace(
                    "$current", _list(current)
                ).replace("$paths", _list(paths))
            )
        connection.execute(f"set allowed_directories = {_list([str(run) for run in runs])}")
        connection.execute("set enable_external_access = false")
        try:
            return connection.execute(query).df()
        except duckdb.Error as error:
            found, tables = str(error).splitlines()[0], ", ".join(sorted(files))
            raise DataError(Problem("sql", found, f"tables: {tables}", "Correct the query")) from error


def _finished_runs(outputs: Path) -> list[Path]:
    runs = sorted(path.parent.resolve() for path in outputs.glob("*/runs/[!.]*/manifest.json"))
    if not runs:
        raise DataError(Problem(str(outputs), "there is no finished run in it", "", "Run `candich run` first"))
    return runs


def _list(texts: Sequence[str]) -> str:
    """Texts as an SQL list."""
    return "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in texts) + "]"


def explore(run: RunTables, *, language: str = "vi"):
    """The explorer: choose a unit, an indicator and a target, try a threshold; the answer follows.

    Returns
    -------
    ipywidgets.VBox
    """
    from analysis.briefing import explorer

    return explorer(run, language=language)
