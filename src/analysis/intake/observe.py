"""One raw file to observations: codes, periods, numbers; every row is used, refused with a reason, or empty.

A refused row becomes a finding of severity "error"; above the source's `max_refused_share` the file is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.intake.cells import Numbers, as_codes, as_numbers, as_periods
from analysis.intake.checks import FLAGS, finding
from analysis.intake.named import UNMATCHED, with_codes
from analysis.registry.sources import SIDES, Measure, SourceParams
from analysis.words.errors import Problem, did_you_mean

MAX_SUGGESTIONS = 20


@dataclass(frozen=True)
class Observed:
    """Rows of one file.

    ``rows``: unit, indicator, period, day, row, bound (yes/no), refused ("" or a flag), found, and the five `SIDES`.
    """

    rows: pd.DataFrame
    findings: list[pd.DataFrame]
    n_rows: int
    n_ignored: int


def observe(
    frame: pd.DataFrame,
    *,
    source: SourceParams,
    indicators: pd.DataFrame,
    units: pd.DataFrame,
    former: Collection[str] = (),
) -> Observed:
    """Read prepared raw rows as observations.

    Parameters
    ----------
    frame : DataFrame
        From :func:`prepare`.
    source : SourceParams
    indicators, units : DataFrame
        `schema.INDICATORS`, `schema.UNITS`.
    former : collection of str
        Units that no longer exist and are known by the run's crosswalk.

    Returns
    -------
    Observed
        Refused rows stay in ``rows`` with their reason.
    """
    unmatched: dict[str, list[int]] = {}
    if source.units_by == "name":
        frame, unmatched = with_codes(frame, source=source, units=units)
    parts, ignored = [], np.zeros(len(frame), dtype=bool)
    for measure in source.measures:
        codes = _indicator_codes(frame, measure=measure, source=source)
        skip = np.isin(codes, source.ignore_indicators)
        ignored |= skip
        parts.append(
            _read_measure(frame[~skip], measure=measure, codes=codes[~skip], source=source, indicators=indicators)
        )
    rows = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0].reset_index(drop=True)
    _refuse(rows, rows["unit"].eq(""), "missing_code", "the unit's code is empty")
    for told, places in unmatched.items():
        _refuse(rows, rows["row"].isin(places), UNMATCHED, told)
    known = {*units["unit"], *former}
    unknown = ~rows["unit"].isin(known) & rows["unit"].ne("")
    if unknown.any():
        distinct = sorted(set(rows.loc[unknown, "unit"]))
        told = {one: did_you_mean(one, known) if place < MAX_SUGGESTIONS else "" for place, one in enumerate(distinct)}
        found = rows["unit"].map(lambda one: f"{one!r} is not in the list of units. {told.get(one, '')}".strip())
        _refuse(rows, unknown, "unknown_unit", found)
    findings = _check_values(rows, indicators=indicators, source=source)
    return Observed(rows, findings, len(frame), int(ignored.sum()))


def _indicator_codes(frame: pd.DataFrame, *, measure: Measure, source: SourceParams) -> np.ndarray:
    if source.columns.indicator is None:
        return np.full(len(frame), measure.indicator, dtype=object)
    codes = pd.Series(as_codes(frame[source.columns.indicator]), dtype=object)
    return codes.replace(source.indicators).to_numpy() if source.indicators else codes.to_numpy()


def _read_measure(
    frame: pd.DataFrame, *, measure: Measure, codes: np.ndarray, source: SourceParams, indicators: pd.DataFrame
) -> pd.DataFrame:
    rows = pd.DataFrame({"unit": frame[source.columns.unit].to_numpy(), "indicator": codes, "row": frame.index})
    rows["refused"], rows["found"], rows["bound"] = "", "", False
    frequency = rows["indicator"].map(indicators.set_index("indicator")["frequency"])
    unknown = frequency.isna()
    raw_period = frame[source.columns.period]
    periods = as_periods(
        raw_period, frequency.fillna("M"), dates=source.dates, year=source.year, rule=source.period_rule
    )
    rows["period"], rows["day"] = periods.code, periods.day
    _refuse(rows, pd.Series(periods.refused != "") & ~unknown, "unreadable_period", pd.Series(periods.refused))
    if unknown.any():
        known = list(indicators["indicator"])
        told = {
            one: f"{one!r} is not in the list. {did_you_mean(one, known)}".strip()
            for one in set(rows.loc[unknown, "indicator"])
        }
        _refuse(rows, unknown, "unknown_indicator", rows["indicator"].map(told))
    for side in SIDES:
        rows[side] = np.nan
    for side in SIDES:
        column = getattr(measure, side)
        if column is not None:
            _fill_side(rows, as_numbers(frame[column], numbers=source.numbers, missing=source.missing), side=side,
                       column=column, measure=measure, indicators=indicators, source=source)  # fmt: skip
    return rows


def _fill_side(
    rows: pd.DataFrame, read: Numbers, *, side: str, column: str, measure: Measure, indicators: pd.DataFrame,
    source: SourceParams,
) -> None:  # fmt: skip
    """Write one column's numbers into the rows; fractions, bounds and per cent signs with what they mean."""
    _refuse(
        rows,
        read.refused != "",
        "unreadable_number",
        pd.Series(read.refused, index=rows.index) + f" (column {column!r})",
    )
    kind = rows["indicator"].map(indicators.set_index("indicator")["kind"])
    rate = kind.eq("rate").to_numpy()
    counted = kind.eq("count").to_numpy() | (side in ("numerator", "denominator"))
    bare = np.isfinite(read.value) & ~read.percent & ~np.isfinite(read.denominator)
    scale = np.where(bare & rate & measure.percent & (side not in ("numerator", "denominator")), 0.01, 1.0)
    _refuse(
        rows, read.percent & ~rate, "unreadable_number", f"a % sign in a figure that is no share (column {column!r})"
    )
    _refuse(rows, read.percent & (side in ("numerator", "denominator")), "unreadable_number", f"a % sign in {column!r}")
    rows[side] = read.value * scale
    _refuse(rows, counted & read.two_ways, "unreadable_number", lambda part: _quote(part, side) + _TWO_WAYS)
    bound = np.isfinite(read.lower) | np.isfinite(read.upper)
    rows["bound"] |= bound
    if side in ("numerator", "denominator"):
        rows[f"{side}_low"] = np.where(np.isfinite(read.upper), 0.0, read.value)
        rows[f"{side}_high"] = np.where(np.isfinite(read.lower), np.inf, read.value)
        rows[f"{side}_bound"] = bound
    if side == "value":
        for bound_side, values in (("lower", read.lower), ("upper", read.upper)):
            rows[bound_side] = np.where(np.isfinite(values), values * scale, rows[bound_side])
        if source.bounds == "bound":
            rows.loc[bound, "value"] = np.nan
        fraction = np.isfinite(read.denominator)
        for part, values in (("numerator", read.numerator), ("denominator", read.denominator)):
            rows[part] = np.where(fraction, values, rows[part])


def _bound_fractions(rows: pd.DataFrame, rate: pd.Series) -> None:
    """ "gần 63.000" of "hơn 126.000": the share is bounded, and neither side is a count to add up."""
    bound = rows.get("numerator_bound", False) | rows.get("denominator_bound", False)
    hit = pd.Series(bound, index=rows.index) & rate
    if not hit.any():
        return
    part = rows[hit]
    side = {
        name: part[name] if name in part else part[name.split("_")[0]]
        for name in ("numerator_low", "numerator_high", "denominator_low", "denominator_high")
    }
    above = side["numerator_high"] / side["denominator_low"].where(side["denominator_low"] > 0)
    below = side["numerator_low"] / side["denominator_high"]
    rows.loc[hit, "upper"] = above.where(above < 1)
    rows.loc[hit, "lower"] = below.where(below > 0)
    rows.loc[hit, ["numerator", "denominator"]] = np.nan


_TWO_WAYS = ": a count with three decimals, or thousands in another style: state `numbers`"
Told = str | pd.Series | Callable[[pd.DataFrame], pd.Series]


def _refuse(rows: pd.DataFrame, hit: pd.Series | np.ndarray, flag: str, found: Told) -> None:
    """Mark rows as refused; the first reason stands."""
    hit = np.asarray(hit, dtype=bool)
    if not hit.any():
        return
    hit = hit & rows["refused"].eq("").to_numpy()
    if hit.any():
        if callable(found):
            found = found(rows[hit])
        elif not isinstance(found, str):
            found = np.asarray(found, dtype=object)[hit]
        rows.loc[hit, "found"] = found
        rows.loc[hit, "refused"] = flag


def _check_values(rows: pd.DataFrame, *, indicators: pd.DataFrame, source: SourceParams) -> list[pd.DataFrame]:
    """Rates from numerators and denominators; values that cannot be are refused; what is odd is noted."""
    table = indicators.set_index("indicator")
    kind = rows["indicator"].map(table["kind"])
    rate, count, rank = kind.eq("rate"), kind.eq("count"), kind.eq("rank")
    stated = rows["value"].copy()
    if source.bounds == "bound":
        _bound_fractions(rows, rate)
    numerator, denominator = rows["numerator"], rows["denominator"]
    for name in ("numerator", "denominator"):
        _refuse(rows, rows[name] < 0, "below_minimum", lambda part, name=name: _quote(part, name))
    _refuse(rows, rate & (numerator > denominator), "numerator_above_denominator", _fraction)
    alone = rate & numerator.notna() & denominator.isna() & stated.isna()
    _refuse(rows, alone, "missing_denominator", lambda part: _quote(part, "numerator"))
    whole = rate & numerator.notna() & (denominator > 0)
    rows["value"] = np.where(whole, numerator / denominator.where(denominator > 0), rows["value"])
    rows["value"] = np.where(count & stated.isna() & numerator.notna(), numerator, rows["value"])
    rows["most"] = rows["indicator"].map(table["maximum"]).where(~rate, 1.0)
    rows["least"] = np.where(rate | count, 0.0, np.where(rank, 1.0, -np.inf))
    above = rows["value"] > rows["most"]
    _refuse(rows, above, "above_maximum", lambda part: _quote(part, "value") + " is above " + _number(part["most"]))
    below = rows["value"] < rows["least"]
    _refuse(rows, below, "below_minimum", lambda part: _quote(part, "value") + " is below " + _number(part["least"]))
    step = rows["indicator"].map(table["resolution"]).fillna(0.0)
    rows["stated"] = stated
    differs = whole & stated.notna() & ((stated - rows["value"]).abs() > np.maximum(step / 2, 0.0005) + 1e-9)
    findings = []
    for flag, hit, told in (
        (
            "value_differs",
            differs,
            lambda part: "stated " + _number(part["stated"]) + ", computed " + _number(part["value"]),
        ),
        (
            "fraction_in_count",
            count & (rows["value"] % 1 != 0) & rows["value"].notna(),
            lambda part: _quote(part, "value"),
        ),
        ("zero_denominator", rate & denominator.eq(0), lambda part: _quote(part, "denominator")),
        ("bound_only", rows["bound"], _bounds),
    ):
        part = rows[hit] if hit.any() else rows[:0]
        part = part[part["refused"].eq("")]
        if len(part):
            findings.append(finding(part, flag=flag, found=told(part) + _at(part), source=source.source))
    return findings


def _fraction(part: pd.DataFrame) -> pd.Series:
    return "numerator " + _number(part["numerator"]) + " is above denominator " + _number(part["denominator"])


def _bounds(part: pd.DataFrame) -> pd.Series:
    below, above = _number(part["lower"]), _number(part["upper"])
    return ("at least " + below).where(part["lower"].notna(), "at most " + above)


def _number(values: pd.Series) -> pd.Series:
    return values.map(lambda one: f"{one:.10g}")


def _quote(rows: pd.DataFrame, name: str) -> pd.Series:
    return f"{name} " + _number(rows[name])


def _at(rows: pd.DataFrame) -> pd.Series:
    return " (row " + rows["row"].astype(str) + ")"


def refused_findings(rows: pd.DataFrame, *, source: str) -> list[pd.DataFrame]:
    """Findings of all refused rows, each with its value and its row.

    Parameters
    ----------
    rows : DataFrame
        ``Observed.rows``.
    source : str

    Returns
    -------
    list of DataFrame
    """
    refused = rows[rows["refused"].ne("")]
    return [
        finding(part, flag=flag, found=part["found"] + _at(part), source=source)
        for flag, part in refused.groupby("refused")
    ]


def check_share(rows: pd.DataFrame, *, source: SourceParams, n_rows: int, where: str) -> list[Problem]:
    """Problems of a file of which too much is refused: one a flag, with examples."""
    refused = rows[rows["refused"].ne("")]
    if refused["row"].nunique() <= source.max_refused_share * n_rows:
        return []
    problems = []
    for flag, part in refused.groupby("refused"):
        told = [f"{found} (row {row})" for found, row in zip(part["found"][:5], part["row"][:5])]
        more = f" and {len(part) - 5} more" if len(part) > 5 else ""
        found = f"{FLAGS[flag].en} in {part['row'].nunique()} of {n_rows} rows: {'; '.join(told)}{more}"
        allowed = f"at most {source.max_refused_share:.0%} of rows refused (`max_refused_share`)"
        problems.append(Problem(where, found, allowed, FLAGS[flag].remedy))
    return problems
