"""What a check found, in the page's language and its way of writing numbers.

The quality table keeps the checks' own short English; the forms that come up are known here. Any other text stands as
it is, marked as a quotation, so nothing is hidden and nothing is half translated.
"""

from __future__ import annotations

import re

from markupsafe import Markup

from analysis.briefing.fragment import clean_text, tag
from analysis.briefing.locale import number, percent, period, translator
from analysis.briefing.view import View
from analysis.briefing.wording import quantity

MAX_FOUND = 80  # characters quoted of a raw value
_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_PERIOD = r"\d{4}(?:-(?:\d\d|Q\d))?"


def _(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


FORMS: tuple[tuple[str, str], ...] = (  # pattern of the checks' text -> what it says; names of groups are placeholders
    (rf"numerator (?P<a>{_NUMBER}) is above denominator (?P<b>{_NUMBER})", _("numerator {a}, denominator {b}")),
    (rf"denominator (?P<a>{_NUMBER})", _("denominator {a}")),
    (
        rf"(?P<k>\d+) of (?P<n>\d+) units missing, (?P<share>{_NUMBER}%) of the base: (?P<units>.+)",
        _("{k} of {n} units missing, {share} of the base: {units}"),
    ),
    (
        rf"missing from (?P<first>{_PERIOD}) to (?P<last>{_PERIOD}) \((?P<n>\d+) periods\)",
        _("missing from {first} to {last}, periods: {n}"),
    ),
    (rf"last reported (?P<last>{_PERIOD})", _("last reported {last}")),
    (r"(?P<n>\d+) cases in the median period", _("median number of cases a period: {n}")),
    (
        rf"(?P<p>{_NUMBER}%) -> (?P<q>{_NUMBER}%): denominator (?P<a>{_NUMBER}) -> (?P<b>{_NUMBER})",
        _("from {p} to {q}, denominator from {a} to {b}"),
    ),
    (rf"(?P<v>{_NUMBER}) -> (?P<w>{_NUMBER})", _("from {v} to {w}")),
    (
        rf"(?P<n>\d+) units start a new series: this definition is valid from (?P<first>{_PERIOD})",
        _("{n} units start a new series: this definition is valid from {first}"),
    ),
    (r"(?P<k>\d+) of (?P<n>\d+) old units have no figure", _("{k} of {n} old units have no figure")),
    (
        r"(?P<n>\d+) merged or divided units report themselves from here on",
        _("{n} merged or divided units report themselves from here on"),
    ),
    (rf"figures before (?P<first>{_PERIOD}) are those of (?P<old>.+)", _("figures before {first} are those of {old}")),
    (r"an even part of (?P<old>.+)", _("an even part of {old}")),
    (r"no figure in any source", _("no figure in any source")),
)
ROW = _("{told} (row {row})")
del _
_COMPILED = tuple((re.compile(pattern), message) for pattern, message in FORMS)
_AT_ROW = re.compile(r"(?P<told>.*) \(row (?P<row>\d+)\)")


def found_words(view: View, text: str, *, indicator: str = "") -> Markup:
    """A check's finding for a reader.

    Parameters
    ----------
    view : View
    text : str
        ``found`` of a row of the quality table.
    indicator : str
        The indicator it is about: its figures are then written in its unit.
    """
    _ = translator(view.language)
    at_row = _AT_ROW.fullmatch(text)
    inner = at_row["told"] if at_row else text
    for pattern, message in _COMPILED:
        if match := pattern.fullmatch(inner):
            told = _(message).format(
                **{name: _value(view, name, value, indicator) for name, value in match.groupdict().items()}
            )
            if at_row:
                told = _(ROW).format(told=told, row=number(int(at_row["row"]), view.language))
            return Markup("{}").format(told)
    return tag("code", clean_text(text[:MAX_FOUND]), lang="en") if text else Markup("")


def _value(view: View, name: str, value: str, indicator: str) -> str:
    """A group by its name: a period, a per cent, units by name, a figure of the indicator, else a count."""
    language = view.language
    if name in ("first", "last"):
        return period(value, language, short=True)
    if name in ("share", "p", "q"):
        return percent(float(value.removesuffix("%")) / 100, language, 1 if name == "share" else 2)
    if name == "old":  # names of units that are no more, each in quotes
        return value.replace("'", "")
    if name == "units":
        return ", ".join(view.name(one.strip()) for one in value.split(","))
    if name in ("v", "w"):
        row = view.indicators.get(indicator)
        counted = getattr(row, "kind", "") == "rate" and abs(float(value)) > 1  # a share's numerator, not the share
        return number(float(value), language) if counted else quantity(float(value), row, language)
    return number(float(value), language)
