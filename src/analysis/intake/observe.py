"""One raw file to observations: codes, periods, numbers; every row is used, refused with a reason, or empty.

A refused row becomes a finding of severity "error"; above the source's `max_refused_share` the file is an error.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.intake.parse import Number, as_codes, as_numbers, as_periods
from analysis.intake.prepare import with_codes
from analysis.registry.sources import SIDES, Measure, SourceParams
from analysis.words.errors import MAX_EXAMPLES, Problem, nearest
from analysis.words.findings import FINDINGS, finding, say

MAX_SUGGESTIONS = 20
KEY = ["unit", "indicator", "period"]
_PARTS = ("numerator", "denominator")
_ENDS = ("numerator_low", "numerator_high", "denominator_low", "denominator_high")  # of a side with a bound


@dataclass(frozen=True)
class Observed:
    """Rows of one file.

    ``rows``: unit, indicator, period, day, row, bound (yes/no), refused ("" or a flag), and the five `SIDES`.
    """

    rows: pd.DataFrame
    findings: list[pd.DataFrame]
    n_rows: int
    n_ignored: int


@dataclass(frozen=True)
class _Notes:
    """Findings about the rows of one source."""

    source: str
    findings: list[pd.DataFrame] = field(default_factory=list)

    def add(self, rows: pd.DataFrame, hit: pd.Series | np.ndarray, flag: str, **values: Any) -> None:
        """Note a finding where `hit` holds; an error refuses the row, and of a refused row nothing more is noted."""
        hit = np.asarray(hit, dtype=bool)
        if not hit.any():
            return
        hit = hit & rows["refused"].eq("").to_numpy()
        self.findings.append(finding(rows[hit], flag=flag, source=self.source, row=rows["row"], **values))
        if FINDINGS[flag].severity == "error":
            rows.loc[hit, "refused"] = flag


def observe(
    frame: pd.DataFrame,
    *,
    source: SourceParams,
    indicators: pd.DataFrame,
    units: pd.DataFrame,
    former: Collection[str] = (),
) -> Observed:
    """Read prepared raw rows as observations, at most one usable row a unit, indicator and period.

    `former` are units that no longer exist but are in the crosswalk. Refused rows stay in ``rows`` with their flag.
    """
    notes, unmatched = _Notes(source.source), None
    if source.units_by == "name":
        frame, unmatched = with_codes(frame, source=source, units=units)
    table = indicators.set_index("indicator")
    parts, ignored = [], np.zeros(len(frame), dtype=bool)
    for measure in source.measures:
        codes = _indicator_codes(frame, measure=measure, source=source)
        skip = np.isin(codes, source.ignore_indicators)
        ignored |= skip
        parts.append(_read_measure(frame[~skip], measure, codes[~skip], source=source, table=table, notes=notes))
    rows = pd.concat(parts, ignore_index=True)
    notes.add(rows, rows["unit"].eq(""), "missing_code")
    if unmatched is not None:
        reason = unmatched.reindex(rows["row"]).set_index(rows.index)
        notes.add(rows, reason["case"].notna(), "unmatched_name", **reason)
    _note_unknown(rows, "unit", {*units["unit"], *former, ""}, notes)
    _check_values(rows, source=source, table=table, notes=notes)
    rows = _one_row_a_key(rows, source=source, notes=notes)
    return Observed(rows, notes.findings, len(frame), int(ignored.sum()))


def _indicator_codes(frame: pd.DataFrame, *, measure: Measure, source: SourceParams) -> np.ndarray:
    if source.columns.indicator is None:
        return np.full(len(frame), measure.indicator, dtype=object)
    codes = pd.Series(as_codes(frame[source.columns.indicator]), dtype=object)
    return codes.replace(source.indicators).to_numpy() if source.indicators else codes.to_numpy()


def _read_measure(
    frame: pd.DataFrame,
    measure: Measure,
    codes: np.ndarray,
    *,
    source: SourceParams,
    table: pd.DataFrame,
    notes: _Notes,
) -> pd.DataFrame:
    rows = pd.DataFrame({"unit": frame[source.columns.unit].to_numpy(), "indicator": codes, "row": frame.index})
    rows = rows.assign(refused="", bound=False, bound_part=False, **dict.fromkeys((*SIDES, *_ENDS), np.nan))
    frame = frame.set_index(rows.index)
    when, frequency = frame[source.columns.period], rows["indicator"].map(table["frequency"]).fillna("M")
    periods = as_periods(when, frequency, dates=source.dates, year=source.year, rule=source.period_rule)
    rows["period"], rows["day"], case = periods
    _note_unknown(rows, "indicator", set(table.index), notes)
    notes.add(rows, case != "", "unreadable_period", case=pd.Series(case), text=when)
    kind = rows["indicator"].map(table["kind"]).to_numpy()
    for side in SIDES:
        column = getattr(measure, side)
        if column is None:
            continue
        read, part = as_numbers(frame[column], numbers=source.numbers, missing=source.missing), side in _PARTS
        for case, hit in (
            (pd.Series(read.refused), read.refused != ""),
            ("percent", read.percent & (kind != "rate")),
            ("percent_of_cases", read.percent & part),
            ("thousands", read.two_ways & ((kind == "count") | part)),
        ):
            notes.add(rows, hit, "unreadable_number", case=case, text=frame[column], column=column)
        _fill_side(rows, side, read, percent=(kind == "rate") & measure.percent, bounds=source.bounds)
    return rows


def _note_unknown(rows: pd.DataFrame, column: str, known: set[str], notes: _Notes) -> None:
    """Refuse rows whose unit or indicator is in no list, with the nearest code that is."""
    unknown = ~rows[column].isin(known)
    if unknown.any():
        distinct = sorted(set(rows.loc[unknown, column]))[:MAX_SUGGESTIONS]
        near = rows[column].map({one: nearest(one, known) for one in distinct}).fillna("")
        case = near.ne("").map({True: "near", False: "unknown"})
        notes.add(rows, unknown, f"unknown_{column}", case=case, text=rows[column], near=near)


def _fill_side(rows: pd.DataFrame, side: str, read: Number, *, percent: np.ndarray, bounds: str) -> None:
    """Write one column's numbers into the rows; fractions and bounds with what they mean."""
    bound, fraction = np.isfinite(read.lower) | np.isfinite(read.upper), np.isfinite(read.denominator)
    rows["bound"] |= bound
    if side in _PARTS:
        rows[side] = read.value
        rows[f"{side}_low"] = np.where(np.isfinite(read.upper), 0.0, read.value)
        rows[f"{side}_high"] = np.where(np.isfinite(read.lower), np.inf, read.value)
        rows["bound_part"] |= bound
        return
    scale = np.where(percent & ~read.percent & ~fraction, 0.01, 1.0)
    rows[side] = read.value * scale
    if side == "value":
        for name in ("lower", "upper"):
            rows[name] = getattr(read, name) * scale
        for name in _PARTS:
            rows[name] = getattr(read, name)
        rows.loc[bound & (bounds == "bound"), "value"] = np.nan


def _check_values(rows: pd.DataFrame, *, source: SourceParams, table: pd.DataFrame, notes: _Notes) -> None:
    """Rates from numerators and denominators; values that cannot be are refused; what is odd is noted."""
    kind = rows["indicator"].map(table["kind"])
    rate, count = kind.eq("rate"), kind.eq("count")
    if source.bounds == "bound":
        _bound_fractions(rows, rows["bound_part"] & rate)
    stated, numerator, denominator = rows["value"].copy(), rows["numerator"], rows["denominator"]
    for name in _PARTS:
        notes.add(rows, rows[name] < 0, "below_minimum", case=name, a=rows[name])
    notes.add(rows, rate & (numerator > denominator), "numerator_above_denominator", a=numerator, b=denominator)
    alone = rate & numerator.notna() & denominator.isna() & stated.isna()
    notes.add(rows, alone, "missing_denominator", a=numerator)
    whole = rate & numerator.notna() & (denominator > 0)
    value = stated.mask(whole, numerator / denominator.where(denominator > 0))
    rows["value"] = value = value.mask(count & stated.isna(), numerator)
    most = rows["indicator"].map(table["maximum"]).mask(rate, 1.0)
    least = kind.map({"rate": 0.0, "count": 0.0, "rank": 1.0}).fillna(-np.inf)
    notes.add(rows, value > most, "above_maximum", a=value, b=most)
    notes.add(rows, value < least, "below_minimum", case="value", a=value, b=least)
    tolerance = np.maximum(rows["indicator"].map(table["resolution"]).fillna(0.0) / 2, 0.0005) + 1e-9
    notes.add(rows, whole & ((stated - value).abs() > tolerance), "value_differs", p=stated, q=value)
    notes.add(rows, count & (value % 1 != 0) & value.notna(), "fraction_in_count", a=value)
    notes.add(rows, rate & denominator.eq(0), "zero_denominator", a=denominator)
    case = rows["lower"].notna().map({True: "lower", False: "upper"})
    notes.add(rows, rows["bound"], "bound_only", case=case, v=rows["lower"].fillna(rows["upper"]))


def _bound_fractions(rows: pd.DataFrame, hit: pd.Series) -> None:
    """ "gần 63.000" of "hơn 126.000": the share is bounded, and neither side is a count to add up."""
    part = rows[hit]
    low, high = ({side: part[f"{side}_{end}"].fillna(part[side]) for side in _PARTS} for end in ("low", "high"))
    above = high["numerator"] / low["denominator"].where(low["denominator"] > 0)
    below = low["numerator"] / high["denominator"]
    rows.loc[hit, "upper"] = above.where(above < 1)
    rows.loc[hit, "lower"] = below.where(below > 0)
    rows.loc[hit, list(_PARTS)] = np.nan


def _one_row_a_key(rows: pd.DataFrame, *, source: SourceParams, notes: _Notes) -> pd.DataFrame:
    """Of several dates in a period the last stays where the source says so; of equal rows the first; no others."""
    usable = rows["refused"].eq("") & rows[list(SIDES)].notna().any(axis=1)
    twice = usable & rows[usable].duplicated(KEY, keep=False).reindex(rows.index, fill_value=False)
    if not twice.any():
        return rows
    same = rows[twice].sort_values([*KEY, "day", "row"])
    earlier = same["day"] < same.groupby(KEY)["day"].transform("max")
    earlier &= source.several_dates == "last"
    notes.add(same, earlier, "several_dates", day=same["day"].dt.strftime("%Y-%m-%d"))
    again = same[~earlier].duplicated([*KEY, *SIDES])
    notes.add(same[~earlier], again, "repeated_row")
    left = same[~earlier][~again]
    hit = rows.index.isin(left.index[left.duplicated(KEY, keep=False)])
    if hit.any():
        together = rows[hit].groupby(KEY)["row"].agg(list).map(lambda one: one[:MAX_EXAMPLES])
        which = pd.Series(list(together.loc[pd.MultiIndex.from_frame(rows.loc[hit, KEY])]), index=rows.index[hit])
        notes.add(rows, hit, "duplicate_key", which=which, a=rows["value"])
    return rows.drop(same.index.difference(left.index))


def check_share(observed: Observed, *, source: SourceParams, where: str) -> list[Problem]:
    """Problems of a file of which too much is refused: one a flag, with examples."""
    refused = observed.rows[observed.rows["refused"].ne("")]
    if refused["row"].nunique() <= source.max_refused_share * observed.n_rows:
        return []
    problems = []
    for flag, part in refused.groupby("refused"):
        details = pd.concat([one["details"] for one in observed.findings if one["flag"].eq(flag).any()])
        shown = "; ".join(say(flag, one) for one in details.head(MAX_EXAMPLES))
        more = f" and {len(part) - MAX_EXAMPLES} more" if len(part) > MAX_EXAMPLES else ""
        found = f"{FINDINGS[flag].name} in {part['row'].nunique()} of {observed.n_rows} rows: {shown}{more}"
        allowed = f"at most {source.max_refused_share:.0%} of rows refused (`max_refused_share`)"
        problems.append(Problem(where, found, allowed, FINDINGS[flag].remedy))
    return problems
