"""The figures behind a chart, compact: a year a row, a month a column; the forecast below."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from analysis.briefing.fragment import table
from analysis.briefing.locale import NOTHING, numbers, period
from analysis.briefing.view import Fan, History, View
from analysis.briefing.wording import quantity
from analysis.words.periods import frequency_of

MAX_FAN = 8  # periods of a forecast listed one by one
MAX_YEARS = 6  # older years are drawn no more


def history_table(view: View, indicator, history: History) -> Markup:
    """Observed values, a year a row."""
    _, language = view._, view.language
    frequency = frequency_of(history.periods[-1])
    shown = bare_all(history.values, indicator, language)
    caption = _("Observed ({unit})").format(unit=_unit(view, indicator))
    if frequency == "Y":
        rows = [[period(one, language, short=True), text] for one, text in zip(history.periods, shown)]
        return table(caption, [_("Year"), _("Value")], rows, class_="data")
    n = 12 if frequency == "M" else 4
    years: dict[str, list[str]] = {}
    for code, text in zip(history.periods, shown):
        at = int(code[5:].lstrip("Q")) - 1
        years.setdefault(code[:4], [NOTHING] * n)[at] = text
    names = [str(at + 1) for at in range(n)] if frequency == "M" else ["I", "II", "III", "IV"]
    head = _("Year / month") if frequency == "M" else _("Year / quarter")
    rows = [[year, *cells] for year, cells in sorted(years.items())[-MAX_YEARS:]]
    return table(caption, [head, *names], rows, class_="data")


def fan_table(view: View, indicator, fan: Fan) -> Markup:
    """Forecast: median and the central intervals of every period."""
    _, language = view._, view.language
    if not fan.periods:
        return Markup("")
    listed = shown_periods(fan.periods)
    at = [one for one, _code in listed]
    show = lambda values: bare_all(values[at], indicator, language)
    bands = [(level, fan.band(level)) for level in (0.5, 0.8, 0.95)]
    bands = [(level, bounds) for level, bounds in bands if bounds is not None]
    median = fan.at_level(0.5)
    header = [_("Period"), _("Median"), *[f"{level:.0%}" for level, _bounds in bands]]
    columns = [[period(code, language, short=True) for _at, code in listed]]
    columns.append(show(median) if median is not None else [NOTHING] * len(listed))
    for _level, bounds in bands:
        columns.append([f"{low}–{high}" for low, high in zip(*map(show, bounds))])
    rows = zip(*columns)
    caption = _("Forecast ({unit})").format(unit=_unit(view, indicator))
    return table(caption, header, rows, class_="data")


def shown_periods(periods: list[str]) -> list[tuple[int, str]]:
    """Which periods of a forecast a page lists: all of a short one, else the first, every third and the last.

    The chart's bands are smooth between them; the downloads hold every period.

    Examples
    --------
    >>> [code for _at, code in shown_periods([f"2026-{m:02d}" for m in range(1, 13)])]
    ['2026-01', '2026-03', '2026-06', '2026-09', '2026-12']
    """
    last = len(periods) - 1
    return [(at, one) for at, one in enumerate(periods) if last < MAX_FAN or at in (0, last) or (at + 1) % 3 == 0]


def bare_all(values: np.ndarray, indicator, language: str) -> list[str]:
    """Values without their unit, which the caption names: per cents without their sign.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> bare_all(np.array([0.45652, np.nan, 1.0]), SimpleNamespace(kind="rate"), "vi")
    ['45,7', '–', '100,0']
    """
    if indicator.kind == "rate":
        return numbers(100 * np.asarray(values, float), language, 1)
    return [quantity(value, indicator, language, unit=False) for value in values]


def _unit(view: View, indicator) -> str:
    return "%" if indicator.kind == "rate" else view.text(indicator, "unit") or "–"
