"""The figures behind a chart, compact: a year a row, a month a column; the forecast below."""

from __future__ import annotations

from markupsafe import Markup

from analysis.briefing.fragment import table
from analysis.briefing.locale import NOTHING, period
from analysis.briefing.view import Fan, History, View
from analysis.briefing.wording import quantity
from analysis.words.periods import frequency_of

MAX_YEARS = 6  # older years are drawn no more


def history_table(view: View, indicator, history: History) -> Markup:
    """Observed values, a year a row."""
    _, language = view._, view.language
    frequency = frequency_of(history.periods[-1])
    show = lambda value: quantity(value, indicator, language, unit=False)
    caption = _("Observed: {indicator}").format(indicator=view.text(indicator, "name"))
    if frequency == "Y":
        rows = [[period(one, language, short=True), show(value)] for one, value in zip(history.periods, history.values)]
        return table(caption, [_("Year"), _("Value")], rows, class_="data")
    n = 12 if frequency == "M" else 4
    years: dict[str, list[str]] = {}
    for code, value in zip(history.periods, history.values):
        at = int(code[5:].lstrip("Q")) - 1
        years.setdefault(code[:4], [NOTHING] * n)[at] = show(value)
    names = [str(at + 1) for at in range(n)] if frequency == "M" else ["I", "II", "III", "IV"]
    head = _("Year / month") if frequency == "M" else _("Year / quarter")
    rows = [[year, *cells] for year, cells in sorted(years.items())[-MAX_YEARS:]]
    return table(caption, [head, *names], rows, class_="data")


def fan_table(view: View, indicator, fan: Fan) -> Markup:
    """Forecast: median and the central intervals of every period."""
    _, language = view._, view.language
    if not fan.periods:
        return Markup("")
    show = lambda value: quantity(value, indicator, language, unit=False)
    bands = [(level, fan.band(level)) for level in (0.5, 0.8, 0.95)]
    bands = [(level, bounds) for level, bounds in bands if bounds is not None]
    median = fan.at_level(0.5)
    header = [_("Period"), _("Median"), *[f"{level:.0%}" for level, _bounds in bands]]
    rows = []
    for at, code in enumerate(fan.periods):
        centre = show(median[at]) if median is not None else NOTHING
        rows.append(
            [
                period(code, language, short=True),
                centre,
                *[f"{show(low[at])}–{show(high[at])}" for _l, (low, high) in bands],
            ]
        )
    caption = _("Forecast: {indicator}").format(indicator=view.text(indicator, "name"))
    return table(caption, header, rows, class_="data")
