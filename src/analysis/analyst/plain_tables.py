"""Assess two plain tables, in memory or in files, by the rules and messages of a run: no params, no registry.

Cells are read by :mod:`analysis.intake`, targets by :mod:`analysis.registry.targets`. What a params file would say of
an indicator (months, quarters or years; a share, a count or a level) is inferred from its figures up to the cutoff.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.attainment.assess import assess as assess_targets
from analysis.attainment.world import AssessOptions, World
from analysis.forecasting import scores
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.panel import infer_kind
from analysis.intake import Inputs
from analysis.intake.inputs import check_cutoff
from analysis.intake.observe import observe
from analysis.intake.parse import as_codes
from analysis.intake.prepare import prepare
from analysis.intake.read import RawFile, raw_table, read_raw
from analysis.records import write_frame
from analysis.registry.sources import SIDES, plain_source
from analysis.registry.targets import ROW, Target, targets_of_rows
from analysis.words.errors import AnalysisError, DataError, ParamsError, Problem, did_you_mean, require
from analysis.words.findings import FINDINGS, say
from analysis.words.periods import between, frequency_of, last_day, last_in, period_code
from analysis.words.schema import UNITS, as_table

OBSERVATIONS = ("unit", "indicator", "period", "value", "numerator", "denominator")
ASSESSED = [
    "unit", "target", "indicator", "indicator_kind", "p_attain", "status", "grade", "n_origins", "settled", "current",
    "predicted_median", "lower80", "upper80", "required_pace", "actual_pace", "n_refused", "reason",
]  # fmt: skip
FOUND = ["table", "row", "unit", "indicator", "period", "target", "severity", "reason", "found", "allowed", "remedy"]
REMEDIES = {flag: one.remedy for flag, one in FINDINGS.items()} | {  # where that of a run is a key of its params
    "unreadable_number": "Write a plain number, as 0.762 or 1234.5",
    "unreadable_period": "Write 2026-09, 2026-Q3 or 2026, one of the three in all rows of an indicator",
    "unknown_indicator": "Write the indicator's code",
    "missing_code": "Write the unit's code",
    "above_maximum": "Shares are fractions: write 0.762 for 76.2 %",
    "missing_denominator": "Write the denominator, or the value",
    "duplicate_key": "Keep one of them",
    "value_differs": "The counts are used: correct them, or the value",
}
ENDINGS = (".csv", ".parquet")
MAX_HORIZON = 600  # periods; a deadline further away is a misprint
ROUNDED = 0.006  # a share published in whole per cent differs from its counts by up to half a point
MOST = 0.9  # of an indicator's figures; what the others say is a slip


def assess(
    observations: pd.DataFrame, targets: pd.DataFrame, *, cutoff: str, options: AssessOptions | None = None
) -> pd.DataFrame:
    """Say how likely each unit is to reach each of its targets.

    Parameters
    ----------
    observations : DataFrame
        unit, indicator, period, value; numerator and denominator where known (a share is then taken from them).
        Shares are fractions: 0.8, not 80. Periods are 2026-09, 2026-Q3 or 2026; in all rows of an indicator alike.
    targets : DataFrame
        target, indicator, operator, threshold, deadline; optionally unit: a row that names one counts for it in place
        of the row for all.
    cutoff : str
        Last period whose figures may be used.
    options : AssessOptions, optional

    Returns
    -------
    DataFrame
        One row a unit and target: unit, target, indicator, indicator_kind ("rate" is a share; "count", "level"),
        p_attain, status, grade (of the evidence, A to D), n_origins (J: past cutoffs that p_attain was
        calibrated on), settled, current, predicted_median, lower80, upper80 (at the deadline), required_pace and
        actual_pace (a period), n_refused (rows of this unit and indicator; :func:`check` lists them), reason ("", or
        why it is not assessable).

    Raises
    ------
    DataError, ParamsError
        A column is missing; the cutoff is no period, or before all figures; no figure or no target can be used.

    Examples
    --------
    >>> months = pd.period_range("2024-01", "2025-12", freq="M")
    >>> online = pd.DataFrame({"unit": "007", "indicator": "online", "period": months, "value": np.arange(24) / 50})
    >>> promise = {"target": "T", "indicator": "online", "operator": ">=", "threshold": 0.8, "deadline": "2026-06"}
    >>> assess(online, pd.DataFrame([promise]), cutoff="2025-12")[["unit", "target", "indicator_kind", "status"]]
      unit target indicator_kind    status
    0  007      T           rate  unlikely
    """
    raw = raw_table(observations, where="observations"), raw_table(targets, where="targets")
    return _assessed(_read(*raw, cutoff=cutoff), cutoff=cutoff, options=options or AssessOptions())


def check(observations: pd.DataFrame, targets: pd.DataFrame, *, cutoff: str) -> pd.DataFrame:
    """Rows that :func:`assess` refuses (severity "error") or only notices ("warning", "info"), and what to do.

    Returns
    -------
    DataFrame
        table, row (its label in the table's index; in a file its number), unit, indicator, period, target, severity,
        reason, found, allowed, remedy.
    """
    raw = raw_table(observations, where="observations"), raw_table(targets, where="targets")
    return _read(*raw, cutoff=cutoff).quality


def assess_files(observations: Path, *, targets: Path, cutoff: str, out: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Assess two files, and write what :func:`assess` and :func:`check` return.

    Parameters
    ----------
    observations, targets : Path
        CSV or Parquet, as for :func:`assess`.
    cutoff : str
        Last period that may be used.
    out : Path
        CSV or Parquet to write; what was refused or noticed goes to ``<out>.refused.csv``.

    Returns
    -------
    DataFrame, list of Problem
        What :func:`assess` returns, and what was refused or noticed, in words.

    Raises
    ------
    ParamsError, DataError
        A file cannot be read, or nothing in it can be used.
    """
    paths = {"--observations": observations, "--targets": targets, "--out": out}
    odd = [one for one in paths.items() if one[1].suffix.lower() not in ENDINGS]
    what = " or ".join(ENDINGS), "Convert or rename the file"
    require([Problem(f"{name} {path}", f"the ending is {path.suffix!r}", *what) for name, path in odd], ParamsError)
    raw, problems = [], []
    for path in (observations, targets):
        try:
            raw.append(read_raw(plain_source(format=path.suffix.lower()[1:]), path=path, where=str(path)))
        except AnalysisError as error:
            problems += error.problems
    require(problems)
    inputs, refused = _read(*raw, cutoff=cutoff), out.with_name(out.name + ".refused.csv")
    refused.unlink(missing_ok=True)
    if len(inputs.quality):
        write_frame(inputs.quality, refused)
    assessed = _assessed(inputs, cutoff=cutoff, options=AssessOptions())
    write_frame(assessed, out)
    return assessed, in_words(inputs.quality)


def forecast(
    observations: pd.DataFrame,
    *,
    horizon: int = 12,
    cutoff: str | None = None,
    interval_levels: Sequence[float] = (0.5, 0.8, 0.95),
    seed: int = 0,
) -> pd.DataFrame:
    """Forecast every unit and indicator of a plain table.

    Parameters
    ----------
    observations : DataFrame
        As for :func:`assess`.
    horizon : int
        Periods ahead, 1 to 600.
    cutoff : str, optional
        Last period whose figures may be used; default: the last one there is.
    interval_levels : sequence of float
        Central intervals, as fractions.
    seed : int
        Same seed, same numbers.

    Returns
    -------
    DataFrame
        unit, indicator, cutoff, horizon, quantile_level, period, member, predicted (unit of the indicator; shares as
        fractions), sorted; the median is always there.

    Raises
    ------
    DataError, ParamsError
        As :func:`assess`; `horizon` is out of bounds.

    Examples
    --------
    >>> months = pd.period_range("2024-01", "2025-12", freq="M").astype(str)
    >>> online = pd.DataFrame({"unit": "007", "indicator": "online", "period": months, "value": np.arange(24) / 50})
    >>> rows = forecast(online, horizon=2, interval_levels=[0.8])
    >>> rows[["horizon", "quantile_level", "period"]].to_numpy().tolist()[:3]
    [[1, 0.1, '2026-01'], [1, 0.5, '2026-01'], [1, 0.9, '2026-01']]
    """
    if not 1 <= horizon <= MAX_HORIZON:
        allowed = f"1 to {MAX_HORIZON} periods"
        raise ParamsError(Problem("horizon", f"found {horizon!r}", allowed, "Forecast less far"))
    inputs, cutoff = _inputs_of(observations, pd.DataFrame(columns=list(ROW)), cutoff=cutoff)
    panels, options = statistics.panels_at(inputs, cutoff=cutoff), Options(seed=seed)
    made = {code: forecast_panel(panel, horizon=horizon, options=options) for code, panel in panels.items()}
    return statistics.forecasts_table(statistics.Forecasted(cutoff, panels, made), interval_levels=interval_levels)


def backtest(
    observations: pd.DataFrame, targets: pd.DataFrame, *, cutoff: str | None = None, seed: int = 0
) -> pd.DataFrame:
    """Apply the models at past cutoffs of a plain table, and put each probability next to what happened.

    Parameters
    ----------
    observations, targets : DataFrame
        As for :func:`assess`; thresholds are applied 1 to 12 periods ahead.
    cutoff : str, optional
        Last period whose figures may be used; default: the last one there is.
    seed : int

    Returns
    -------
    DataFrame
        A row for each unit, target, past cutoff, horizon and model (ours is "ensemble"): p_attain, outcome,
        quantiles. Empty where the history is too short. :func:`score` sums it up.

    Raises
    ------
    DataError, ParamsError
        As :func:`assess`.
    """
    inputs, cutoff = _inputs_of(observations, targets, cutoff=cutoff)
    return statistics.backtest_cases(inputs, statistics.panels_at(inputs, cutoff=cutoff), seed=seed)


def score(cases: pd.DataFrame) -> pd.DataFrame:
    """Score probabilities against outcomes, by model where there is a column ``model``.

    Parameters
    ----------
    cases : DataFrame
        p_attain (0..1), outcome (0 or 1); rows without either are left out.

    Returns
    -------
    DataFrame
        model, n_cases, base_rate, brier (lower is better), skill (against the base rate; 1 is perfect), ece (mean
        distance of stated and realised frequency), slope (1: neither too bold nor too timid).

    Raises
    ------
    DataError
        A column is missing, or no row has both.

    Examples
    --------
    >>> score(pd.DataFrame({"p_attain": [0.9, 0.8, 0.2, 0.1], "outcome": [1, 1, 0, 0]}))[["n_cases", "brier", "skill"]]
       n_cases  brier  skill
    0        4  0.025    0.9
    """
    missing = [
        Problem("cases", f"there is no column {one!r}", "p_attain, outcome", "Add it")
        for one in ("p_attain", "outcome")
        if one not in cases
    ]
    require(missing)
    known = cases.dropna(subset=["p_attain", "outcome"])
    if known.empty:
        raise DataError(
            Problem("cases", "no row has p_attain and outcome", "at least one", "Score later, or check the columns")
        )
    known = known if "model" in known else known.assign(model="")
    rows = []
    for model, mine in known.groupby("model", sort=True):
        p, outcome = mine["p_attain"].to_numpy(dtype=float), mine["outcome"].to_numpy(dtype=float)
        loss, base = scores.brier(p, outcome), float(outcome.mean())
        skill = scores.skill(loss, base * (1 - base))
        rows.append((model, len(mine), base, loss, skill, scores.ece(p, outcome), scores.calibration_slope(p, outcome)))
    return pd.DataFrame(rows, columns=["model", "n_cases", "base_rate", "brier", "skill", "ece", "slope"])


def _inputs_of(observations: pd.DataFrame, targets: pd.DataFrame, *, cutoff: str | None) -> tuple[Inputs, str]:
    """Inputs of two tables, and the cutoff: the last period with figures where none is given."""
    raw = raw_table(observations, where="observations"), raw_table(targets, where="targets")
    if cutoff is None:
        periods = [code for code in as_codes(raw[0].frame.get("period", pd.Series(dtype=object))) if frequency_of(code)]
        cutoff = max(periods, key=last_day, default="")
    inputs = _read(*raw, cutoff=cutoff)
    if not len(inputs.observations):
        require(in_words(inputs.quality) or [Problem("observations", "there is no figure", "", "Add some")], DataError)
    return inputs, cutoff


def in_words(found: pd.DataFrame) -> list[Problem]:
    """The rows of :func:`check` as problems: one a reason, with its first row."""
    rows = found.groupby(["table", "reason"], sort=False)
    return [
        Problem(f"{one.table}, {n} row{'s' * (n > 1)}", one.found, one.allowed, one.remedy)
        for one, n in zip(rows.head(1).itertuples(), rows["row"].nunique())
    ]


def _read(observations: RawFile, targets: RawFile, *, cutoff: str) -> Inputs:
    """Inputs as a run has them; their `quality` is :func:`check`'s table."""
    counts = {"numerator", "denominator"} <= set(observations.frame)
    problems = [
        Problem(raw.where, f"there is no column {one!r}", ", ".join(raw.frame), did_you_mean(one, raw.frame))
        for raw, needed in ((observations, OBSERVATIONS[: 3 if counts else 4]), (targets, ROW[:5]))
        for one in needed
        if one not in raw.frame
    ]
    if not frequency_of(cutoff):
        allowed = "2022-02 (month), 2022-Q1 (quarter) or 2022 (year)"
        problems.append(Problem(f"cutoff {cutoff!r}", "it cannot be read as a period", allowed, "Rewrite it"))
    require(problems)
    cells = observations.frame[[one for one in OBSERVATIONS if one in observations.frame]]
    cells = cells.assign(**{name: as_codes(cells[name]) for name in OBSERVATIONS[:3]})
    wanted = {name: as_codes(targets.frame[name]) if name in targets.frame else "" for name in ROW}
    wanted = pd.DataFrame(wanted, index=targets.frame.index).drop_duplicates()
    own = sorted({*cells["unit"]} - {""})
    codes = sorted({*own, *wanted["unit"]} - {""})
    units = as_table(pd.DataFrame({"unit": codes, "name": codes, "level": "unit"}, dtype=object), UNITS)
    indicators = _indicators(cells, cutoff=cutoff)
    known = indicators.set_index("indicator").to_dict("index")
    kinds, also = indicators.set_index("indicator")["kind"].to_dict(), lambda one: _check_figures(one, known, cutoff)
    promised, refused = targets_of_rows(wanted, kinds=kinds, units=own, also=also)
    refused = refused.assign(table="targets", severity="error").rename(columns={"deadline": "period"})
    figures, found = _observe(cells, indicators=indicators, units=units)
    found = pd.concat([found, refused.reindex(columns=FOUND)]).fillna("").astype({"row": int})
    found = found.sort_values(["table", "row"], kind="stable", ignore_index=True)
    return Inputs(units, indicators, promised, figures, found, ())


def _indicators(cells: pd.DataFrame, *, cutoff: str) -> pd.DataFrame:
    """What a params file would say of each indicator; and `middle`, the median of figures that may be per cent."""
    periods = cells["period"].unique()
    frequency = cells["period"].map({one: frequency_of(one) for one in periods})
    ends = {one: last_day(one).isoformat() if frequency_of(one) else one for one in periods}  # a day is its own end
    early = cells["period"].map(ends).astype(str) <= last_day(cutoff).isoformat()
    numbers = cells.reindex(columns=OBSERVATIONS[3:]).apply(pd.to_numeric, errors="coerce").where(early).astype(float)
    ratio, rows = numbers["numerator"] / numbers["denominator"], []
    for code, at in cells[cells["indicator"].ne("")].groupby("indicator", sort=True).groups.items():
        value = numbers.loc[at, "value"].to_numpy()
        kind, seen = _kind(value, ratio[at].to_numpy()), value[np.isfinite(value)]
        middle = np.median(seen) if kind == "level" and len(seen) and 0 <= seen.min() <= seen.max() <= 100 else np.nan
        rows.append((code, max("MQY", key=frequency[at].tolist().count), kind, middle))
    frame = pd.DataFrame(rows, columns=["indicator", "frequency", "kind", "middle"])
    return frame.assign(resolution=np.nan, maximum=np.nan, better="")


def _kind(value: np.ndarray, ratio: np.ndarray) -> str:
    """Kind of figures, from what most of them say; with counts they are a share also where they are per cent."""
    stated, counted = np.where(np.isnan(value), ratio, value), ratio > 0
    near = (np.minimum(np.abs(stated - ratio), np.abs(stated / 100 - ratio)) <= ROUNDED) & (ratio <= 1)
    if counted.any() and np.mean(near[counted]) >= MOST:
        return "rate"
    seen = stated[np.isfinite(stated)]
    shares = seen[seen <= 2]  # above may be a per cent among fractions; just above 1 says that they are no shares
    if len(shares) >= MOST * len(seen) and infer_kind(shares) == "rate" and (shares % 1).any():
        return "rate"
    kind = infer_kind(seen)
    return "level" if kind == "rate" else kind  # 0 and 1 alone may be counts


def _observe(
    cells: pd.DataFrame, *, indicators: pd.DataFrame, units: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Usable figures, and what was found in the other rows."""
    measure = {one: one for one in OBSERVATIONS[3:] if one in cells}
    codes = cells.empty or any(map(frequency_of, cells["period"].unique()))
    source = plain_source(measures=[measure], dates="code" if codes else "iso")
    frame, _mended, problems = prepare(RawFile(cells, "observations", ""), source=source)
    require(problems)
    observed = observe(frame, source=source, indicators=indicators.assign(resolution=2 * ROUNDED), units=units)
    rows, found = observed.rows, pd.concat([pd.DataFrame(columns=["flag", "details"]), *observed.findings])
    found = found.assign(
        table="observations",
        row=[json.loads(one)["row"] for one in found["details"]],
        found=list(map(say, found["flag"], found["details"])),
        remedy=found["flag"].map(REMEDIES),
    )
    found["period"] = cells["period"].reindex(found["row"]).to_numpy()
    figures = rows[rows["refused"].eq("") & rows[list(SIDES)].notna().any(axis=1)]
    return figures, found.rename(columns={"flag": "reason"}).reindex(columns=FOUND)


def _check_figures(target: Target, indicators: dict[str, dict], cutoff: str) -> list[Problem]:
    """A fraction asked of figures in per cent, and a deadline before the cutoff."""
    problems, threshold, indicator = [], target.threshold, indicators[target.indicator]
    fraction = 0 < threshold < 1 or (threshold == 1 and target.operator.startswith(">"))
    if fraction and indicator["middle"] >= 10 * threshold:  # nearer to 100 times the threshold than to the threshold
        found = f"found {threshold:g}, but half of the figures are {indicator['middle']:g} or more"
        remedy = f"A share: write {100 * threshold:g}, or divide the figures by 100. Else give both in a smaller unit"
        problems.append(Problem("threshold", found, "a number in the unit of the figures", remedy))
    here = period_code(last_in(cutoff, indicator["frequency"]))
    if between(here, target.deadline) < 0:
        found = f"found {target.deadline!r}, but the cutoff is {here}"
        problems.append(Problem("deadline", found, f"{here} or later", "Correct the deadline or the cutoff"))
    return problems


def _assessed(inputs: Inputs, *, cutoff: str, options: AssessOptions) -> pd.DataFrame:
    found, tables = inputs.quality, {"units": inputs.units, "indicators": inputs.indicators}
    left = {"observations": len(inputs.observations), "targets": len(inputs.targets)}
    require(in_words(found) if any(not left[one] for one in found["table"]) else [], DataError)
    require(check_cutoff(inputs.observations, indicators=inputs.indicators, cutoff=cutoff), ParamsError)
    panels, predictives = statistics.panels_at(inputs, cutoff=cutoff), {}
    for code, panel in panels.items():
        ahead = [between(panel.periods[-1], one.deadline) for one in inputs.targets if one.indicator == code]
        horizon = max([n for n in ahead if 0 < n <= MAX_HORIZON], default=0)
        if horizon:
            predictives[code] = forecast_panel(panel, horizon=horizon)
    known = {"panels": panels, "predictives": predictives, "cutoff": cutoff, "options": options}
    made = assess_targets(World(targets=inputs.targets, **tables, **known), annexes=False).assessments
    made["p_attain"] = made["p_attain"].where(made["status"].ne("not_assessable"))
    lost = found[found["table"].eq("targets") & found["target"].ne("")]
    lost = lost.assign(unit=[[one] if one else sorted(inputs.units["unit"]) for one in lost["unit"]]).explode("unit")
    lost = lost[["unit", "target", "indicator", "reason"]].assign(status="not_assessable", grade="D", settled=False)
    made = pd.concat([made, lost.reindex(columns=made.columns).astype(made.dtypes)]).drop_duplicates(["unit", "target"])
    errors = found[found["table"].eq("observations") & found["severity"].eq("error")]
    n_refused = errors.groupby(["unit", "indicator"]).size().to_dict()
    made["n_refused"] = [n_refused.get(one, 0) for one in zip(made["unit"], made["indicator"])]
    made["indicator_kind"] = made["indicator"].map(tables["indicators"].set_index("indicator")["kind"]).fillna("")
    return made[ASSESSED].sort_values(["unit", "target"], ignore_index=True)
