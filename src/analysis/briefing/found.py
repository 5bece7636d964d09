"""What a check found, in the page's language and its way of writing numbers, periods and names."""

from __future__ import annotations

from functools import partial
from typing import Any

from analysis.briefing.fragment import clean_text
from analysis.briefing.locale import date, number, percent, period, translator
from analysis.briefing.view import View
from analysis.briefing.wording import quantity
from analysis.words.findings import say

MAX_TEXT = 80  # characters quoted of a raw cell
MAX_DIGITS = 10  # decimals of a number as the source has it


def found_words(view: View, row: tuple) -> str:
    """The finding of a row of the quality table, in words."""
    indicator = view.indicators.get(row.indicator)
    return say(row.flag, row.details, translate=translator(view.language), write=partial(_write, view, indicator))


def _write(view: View, indicator: tuple | None, name: str, value: Any) -> str:
    """A value by its name; see :data:`analysis.words.findings.SENTENCES`."""
    language = view.language
    if isinstance(value, list):
        return ", ".join(_write(view, indicator, name, one) for one in value)
    if name in ("first", "last"):
        return period(value, language, short=True)
    if name == "day":
        return date(value, language)
    if isinstance(value, str):
        free = clean_text(view.name(value) if name == "units" else value)
        return free if name in ("units", "old", "set", "reason") else f"“{free[:MAX_TEXT]}”"
    rate = getattr(indicator, "kind", "") == "rate"
    if name in ("share", "p", "q") and rate:
        return percent(value, language, 1 if name == "share" else 2)
    if name in ("v", "w") and not (rate and abs(value) > 1):  # else a share's numerator, not the share
        return quantity(value, indicator, language)
    decimals = f"{value or 0:.{MAX_DIGITS}f}".rstrip("0").partition(".")[2]
    return number(value, language, len(decimals))
