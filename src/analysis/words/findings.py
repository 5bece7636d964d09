"""Findings of the checks: a code and its values, as one row of the quality table; words are made from them once.

`FINDINGS` says what a code means and how grave it is: "error" means that a row was refused, "warning" that a reader
should look, "info" that it is so and known. `SENTENCES` says what was found, with a place for every value; where a code
has several sentences, the value ``case`` chooses. Both are English and the ids of the message catalogue: briefing
translates them and writes the values in the reader's language.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analysis.words.schema import QUALITY, as_table

SEVERITIES = ("error", "warning", "info")
MAX_TEXT = 500  # characters kept of one raw text
MAX_TOGETHER = 5  # findings of one key that are kept one by one; the rest is counted
_KEY = ["unit", "indicator", "period", "flag"]


def _(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


@dataclass(frozen=True)
class Finding:
    """What a code means, and what to do where something can be done."""

    severity: str
    name: str
    remedy: str = ""


FINDINGS = MappingProxyType(
    {
        # rows that are refused
        "unreadable_number": Finding("error", _("a number cannot be read"),
                                     "Correct the cell, or state `numbers` and `missing` in the source's file"),
        "unreadable_period": Finding("error", _("a period cannot be read"),
                                     "Correct the cell, or state `dates` and `year` in the source's file"),
        "unknown_unit": Finding("error", _("the unit is not in the list"),
                                "Correct the code, or add the unit to the list"),
        "unmatched_name": Finding("error", _("the unit's name matches no unit or several units"),
                                  "Write the code, or the parent next to the name (`columns.parent`)"),
        "not_rebased": Finding("error", _("the figure of an old unit cannot be converted"),
                               "Take numerators and denominators, or correct the crosswalk"),
        "unknown_indicator": Finding("error", _("the indicator is not in the list"),
                                     "Correct the code, add the indicator, or name it under `ignore_indicators`"),
        "missing_code": Finding("error", _("the unit's code is missing"),
                                "Add the code at the source, or a correction in the source's file"),
        "numerator_above_denominator": Finding("error", _("the numerator is above the denominator"),
                                               "Correct one of the two at the source"),
        "above_maximum": Finding("error", _("the value is above the possible maximum"),
                                 "If the source reports per cent, set `percent: true` in the measure"),
        "below_minimum": Finding("error", _("the value is below the possible minimum"), "Correct it at the source"),
        "missing_denominator": Finding("error", _("a rate has a numerator but no denominator"),
                                       "Name the denominator's column in the measure"),
        "duplicate_key": Finding("error", _("two rows of the same unit and period disagree"),
                                 "Keep one of them; or `several_dates: last` where they are dated"),
        # figures that are used, and to be looked at
        "mended_code": Finding("warning", _("a missing unit code was filled in")),
        "missing_period": Finding("warning", _("a period is missing")),
        "late_unit": Finding("warning", _("the latest period has not been reported")),
        "empty_unit": Finding("warning", _("the unit has no data")),
        "falling_cumulative": Finding("warning", _("a cumulative figure falls")),
        "level_jump": Finding("warning", _("the level changes suddenly and stays there"),
                              "Check the definition; declare a break where it changed"),
        "zero_run": Finding("warning", _("a run of zeros that may mean 'not measured'"),
                            "Declare it under `not_measured` where it is so"),
        "missing_unit_in_sum": Finding("warning", _("a sum is missing one of its units")),
        "sum_differs": Finding("warning", _("a reported total is not the sum of its parts")),
        "value_differs": Finding("warning", _("a stated rate differs from numerator / denominator")),
        "fraction_in_count": Finding("warning", _("a count is not a whole number"),
                                     "State how the source writes numbers"),
        "parent_changed": Finding("warning", _("the unit has two parent units")),
        "rebased_partial": Finding("warning", _("a sum of old units is missing one of them")),
        "split_estimated": Finding("warning", _("figures of an old unit, divided evenly because no weights are known")),
        # known and harmless
        "rebased": Finding("info", _("added up from units that no longer exist")),
        "merger": Finding("info", _("merged or divided unit")),
        "corrected": Finding("info", _("corrected, as stated in a note")),
        "not_measured": Finding("info", _("declared as not measured")),
        "bound_only": Finding("info", _("the source states only a limit")),
        "several_dates": Finding("info", _("two dates in one period; the later one is used")),
        "repeated_row": Finding("info", _("a row is repeated with the same figures")),
        "zero_denominator": Finding("info", _("the denominator is 0")),
        "tiny_denominator": Finding("info", _("fewer than 30 cases per period")),
        "falling_share": Finding("info", _("the share falls because its denominator grew")),
        "closed_unit": Finding("info", _("the unit stopped reporting")),
        "name_changed": Finding("info", _("the unit's name is written in several ways")),
        "break": Finding("info", _("a declared break in the series")),
    }
)  # fmt: skip

# Values by their name: first, last: periods; day: a date; share, p, q: fractions; v, w: figures of the indicator;
# a, b, k, n, start, row, which: numbers; units: codes; all others: texts of the raw file or of the source's file.
SENTENCES = MappingProxyType(
    {
        "unreadable_number.long": _("{text} is too long for a number"),
        "unreadable_number.none": _("{text} is not a number"),
        "unreadable_number.plain": _("{text} is not a number with a dot for decimals and no mark for thousands"),
        "unreadable_number.vi": _("{text} is not a number with dots for thousands and a comma for decimals"),
        "unreadable_number.en": _("{text} is not a number with commas for thousands and a dot for decimals"),
        "unreadable_number.large": _("{text} is too large"),
        "unreadable_number.behind": _("{text} has unexpected characters after the number"),
        "unreadable_number.two_meanings": _("{text} is a fraction with a word or a % sign: state which is meant"),
        "unreadable_number.infinite": _("an infinite number"),
        "unreadable_number.percent": _("{text} has a % sign, but the figure is not a share"),
        "unreadable_number.percent_of_cases": _("{text} has a % sign, but the column counts cases"),
        "unreadable_number.thousands": _(
            "{text} is a count with three decimals, or writes thousands in another style: state `numbers`"
        ),
        "unreadable_period.long": _("{text} is too long for a date"),
        "unreadable_period.code": _("{text} is not written like 2022-02, 2022-Q1 or 2022"),
        "unreadable_period.iso": _("{text} is not a date written like 2022-02-28"),
        "unreadable_period.none": _("{text} is not a date or period"),
        "unreadable_period.no_year": _("{text} states no year"),
        "unreadable_period.day": _("{text} is not a day of the calendar"),
        "unreadable_period.month": _("{text} is not a month of the calendar"),
        "unreadable_period.year": _("{text} is not a year of the calendar"),
        "unreadable_period.far": _("{text} is outside the years 1900 to 2200"),
        "unreadable_period.not_M": _("{text} is not a month, but the indicator is monthly"),
        "unreadable_period.not_Q": _("{text} is not a quarter, but the indicator is quarterly"),
        "unreadable_period.not_Y": _("{text} is not a year, but the indicator is yearly"),
        "unknown_unit.unknown": _("{text} is not in the list of units"),
        "unknown_unit.near": _("{text} is not in the list of units; nearest: {near}"),
        "unmatched_name.several": _("{text} matches several units: {near}"),
        "unmatched_name.other_kind": _("no unit is called {text}; another kind of unit has this name: {near}"),
        "unmatched_name.unknown": _("no unit is called {text}"),
        "unmatched_name.near": _("no unit is called {text}; nearest: {near}"),
        "unmatched_name.no_parent": _("there is no parent {text}"),
        "unmatched_name.near_parent": _("there is no parent {text}; nearest: {near}"),
        "not_rebased.unknown_unit": _("this unit is not in the crosswalk"),
        "not_rebased.unknown_indicator": _("this indicator is not in the list"),
        "not_rebased.no_sums": _(
            "levels, ranks and indicators without sums cannot be added; use the new unit's own figure"
        ),
        "not_rebased.no_counts": _("a rate without numerator and denominator; percentages are never averaged"),
        "not_rebased.no_value": _("a count without a value"),
        "not_rebased.ended": _("a unit that ended before {first}"),
        "not_rebased.outside": _("this part of an old unit belongs to a unit that is not in the list"),
        "unknown_indicator.unknown": _("{text} is not in the list of indicators"),
        "unknown_indicator.near": _("{text} is not in the list of indicators; nearest: {near}"),
        "missing_code": _("the unit's code is empty"),
        "numerator_above_denominator": _("numerator {a}, denominator {b}"),
        "above_maximum": _("value {a} is above {b}"),
        "below_minimum.value": _("value {a} is below {b}"),
        "below_minimum.numerator": _("numerator {a}"),
        "below_minimum.denominator": _("denominator {a}"),
        "missing_denominator": _("numerator {a}"),
        "duplicate_key": _("rows {which} disagree, value here: {a}"),
        "mended_code.by_name": _("code filled in by name, rows: {n}, first row: {start}"),
        "mended_code.by_correction": _("{set}, rows: {n}, first row: {start}. Reason: {reason}"),
        "corrected": _("{set}, rows: {n}, first row: {start}. Reason: {reason}"),
        "missing_period": _("missing from {first} to {last}, periods: {n}"),
        "missing_period.all": _("no unit reports this period"),
        "late_unit": _("last reported {last}"),
        "empty_unit": _("no figure in any source"),
        "falling_cumulative": _("from {v} to {w}"),
        "level_jump": _("from {v} to {w}"),
        "zero_run.all": _("all {n} units report 0 from {first} to {last}: not measured?"),
        "zero_run.end": _("0 in the last periods, after figures above 0; periods: {n}"),
        "missing_unit_in_sum.summed": _("{k} of {n} units missing, {share} of the denominator: {units}"),
        "missing_unit_in_sum.empty": _("{k} of {n} units missing, {share} of the denominator: {units}; not summed"),
        "missing_unit_in_sum.below_summed": _("units at lower levels are missing, {share} of the denominator"),
        "missing_unit_in_sum.below_empty": _(
            "units at lower levels are missing, {share} of the denominator; not summed"
        ),
        "sum_differs": _("reported {p}, sum of the parts {q}"),
        "value_differs": _("stated {p}, computed {q}"),
        "fraction_in_count": _("value {a}"),
        "parent_changed": _("written as {names}; the last one is used"),
        "rebased_partial": _("old units without a figure: {k} of {n}"),
        "split_estimated": _("an equal part of {old}"),
        "rebased": _("figures before {first} come from {old}"),
        "merger": _("merged or divided units that report for themselves from this period on: {n}"),
        "not_measured": _("zeros excluded from {first} to {last}: {n}. Reason: {reason}"),
        "bound_only.lower": _("at least {v}"),
        "bound_only.upper": _("at most {v}"),
        "several_dates": _("the figure of {day} is not used"),
        "repeated_row": _("the same figures as in an earlier row"),
        "repeated_row.source": _("also in source {name}"),
        "zero_denominator": _("denominator {a}"),
        "tiny_denominator": _("median number of cases per period: {n}"),
        "falling_share": _("from {p} to {q}, denominator from {a} to {b}"),
        "closed_unit": _("last figure; nothing since"),
        "name_changed": _("written as {names}; the last one is used"),
        "break": _("units that start a new series: {n}. Reason: {reason}"),
        "break.definition": _("units that start a new series: {n}; this definition is valid from {first}"),
    }
)
AT_ROW = _("{finding} (row {row})")
AT_CELL = _("{finding} (column {column}, row {row})")
MORE = _("and {n} more")
del _


def finding(frame: pd.DataFrame, *, flag: str, source: str = "", **values: Any) -> pd.DataFrame:
    """Findings of one code of `FINDINGS`, a row for each row of `frame` (columns `unit`, `indicator`, `period` or "").

    `values` belong to the sentence, by name: a Series has one for each row, by its index; anything else is the same
    in all rows. Returns the columns of `schema.QUALITY`. KeyError: no such code or sentence, which is our mistake.
    """
    columns = {name: frame[name] if name in frame else "" for name in ("unit", "indicator", "period")}
    each = [one.loc[frame.index] if isinstance(one, pd.Series) else [one] * len(frame) for one in values.values()]
    rows = [dict(zip(values, row)) for row in zip(*each)] if each else [{}] * len(frame)
    if missing := {_key_of(flag, row) for row in rows} - SENTENCES.keys():
        raise KeyError(f"no sentence for {sorted(missing)}")
    out = pd.DataFrame(columns, index=frame.index)
    return out.assign(flag=flag, severity=FINDINGS[flag].severity, details=list(map(pack, rows)), source=source)


def _key_of(flag: str, values: Mapping[str, Any]) -> str:
    return f"{flag}.{values['case']}" if "case" in values else flag


def pack(values: Mapping[str, Any]) -> str:
    """Values as canonical JSON: sorted, numbers to ten digits, whole ones without a dot.

    >>> pack({"row": 12.0, "a": 1 / 3, "text": "đơn vị", "units": ["01"], "b": float("nan")})
    '{"a":0.3333333333,"b":null,"row":12,"text":"đơn vị","units":["01"]}'
    """
    plain = {name: _plain(value) for name, value in values.items()}
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        text = value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"
        return text.encode("utf-8", "replace").decode("utf-8")  # halves of characters cannot be stored
    if isinstance(value, float | np.floating):
        short = float(f"{value:.10g}") if np.isfinite(value) else None
        return int(short) if short is not None and short.is_integer() and abs(short) < 2**53 else short
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, Iterable):
        return [_plain(one) for one in value]
    return value if value is None else int(value)


def as_quality(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All findings as `schema.QUALITY`; those of one key become one row that holds the others under ``also``."""
    frame = pd.concat([QUALITY.empty(), *parts], ignore_index=True)
    for name in ("unit", "indicator", "period"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), "")
    twice = frame.duplicated(_KEY, keep=False)
    if twice.any():
        how = {"severity": "first", "details": _together, "source": "first"}
        frame = pd.concat([frame[~twice], frame[twice].groupby(_KEY, sort=False, as_index=False).agg(how)])
    return as_table(frame, QUALITY, where="quality")


def _together(details: pd.Series) -> str:
    first, *others = (json.loads(one) for one in dict.fromkeys(details))
    if not others:
        return pack(first)
    more = len(others) + 1 - MAX_TOGETHER
    return pack(first | {"also": others[: MAX_TOGETHER - 1]} | ({"more": more} if more > 0 else {}))


def quoted(name: str, value: Any) -> str:
    """A value as error messages write it: texts with ``!r``, numbers to ten digits."""
    if isinstance(value, list):
        return ", ".join(quoted(name, one) for one in value)
    if name == "share":
        return f"{value:.1%}"
    return repr(value) if isinstance(value, str) and name not in ("first", "last", "day") else str(value)


def say(
    flag: str,
    details: str,
    *,
    translate: Callable[[str], str] = str,
    write: Callable[[str, Any], str] = quoted,
) -> str:
    """What was found, in words, from `flag` and `details` of a row of `schema.QUALITY`.

    `translate` maps an English sentence, and `write` a name and its value, to the reader's language.

    >>> say("numerator_above_denominator", '{"a":145,"b":131,"row":4541}')
    'numerator 145, denominator 131 (row 4541)'
    """
    return "; ".join(_sentences(flag, json.loads(details), translate, write))


def _sentences(flag: str, first: dict, translate: Callable, write: Callable) -> Iterator[str]:
    for values in (first, *first.get("also", ())):
        words = {name: write(name, one) for name, one in values.items() if name not in ("case", "also", "more")}
        sentence = translate(SENTENCES[_key_of(flag, values)]).format(**words)
        place = AT_CELL if "column" in values else AT_ROW if "row" in values else "{finding}"
        yield translate(place).format(finding=sentence, **words)
    if "more" in first:
        yield translate(MORE).format(n=write("n", first["more"]))
