"""What a unit's answer rests on: trajectories, peers of similar size, last quarter's forecast, remarks on the data.

A remark is to be checked, never an accusation.
"""

from __future__ import annotations

import math

import numpy as np
from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.charts import trajectory
from analysis.briefing.charts.trajectory import MAX_HISTORY, Panel, Promised, frequency_of
from analysis.briefing.flags import CHECK, SEVERITIES, SIGNALS, flag_word
from analysis.briefing.found import found_words
from analysis.briefing.fragment import Fragment, name_html, table, tabled, tag
from analysis.briefing.locale import NOTHING, number, percent, period
from analysis.briefing.parts import measure_of, speaks_of_series
from analysis.briefing.view import Fan, History, UnitView, View
from analysis.briefing.wording import difference, list_of, quantity, say_chance, status_word, word_of

MAX_PEER_TARGETS = 5
MAX_SETTLED = 4  # past probabilities of a unit; the scorecard has them all
MAX_FAN = 8  # periods of a forecast listed one by one
MAX_YEARS = 6  # older years are drawn no more
MAX_NOTES = 12
MAX_PERIODS = 3  # named in one line; the rest is counted
UNMARKED = frozenset(  # not about one figure
    {"summed", "missing_unit_in_sum", "missing_period", "late_unit", "empty_unit"}
)
IN_FULL = frozenset(  # findings of which a reader asks at once: which units, from what to what
    "rebased rebased_partial split_estimated falling_cumulative level_jump numerator_above_denominator".split()
)
_ORDER = {"error": 0, "warning": 1, "info": 2}


def trajectories(view: View, *, unit: str, rows: list[tuple]) -> Fragment:
    """One panel an indicator, each with a headline, a subtitle and its data table."""
    of_indicator: dict[str, list[tuple]] = {}
    for row in rows:
        if row.indicator in view.indicators:
            of_indicator.setdefault(row.indicator, []).append(row)
    series = {code: (marked(view, unit, code), view.fan(unit, code)) for code in of_indicator}
    series = {code: pair for code, pair in series.items() if pair[0].periods}
    if not series:
        return parts.note(view._("There is no data series for this unit, so no chart can be drawn."))
    spans, first = _spans(series, of_indicator), {}
    made = []
    for at, (code, pair) in enumerate(series.items()):
        panel = _panel(view, code, pair, of_indicator[code], spans=spans)
        key, frequency = f"c{at}", frequency_of(pair[0].periods[-1])
        shared = [first.setdefault(scale, key) for scale in (frequency, (panel.scale, panel.indicator.kind))]
        grid, labels = ("" if one == key else one for one in shared)  # those of the first panel with the same scale
        name, said = view.indicator_name(code), say_description(view, code, of_indicator[code], pair)
        drawn = trajectory.draw(panel, key=key, title=name, description=said, shared=grid, labels=labels)
        data = history_table(view, panel.indicator, pair[0]) + fan_table(view, panel.indicator, pair[1])
        headline = say_headline(view, code, of_indicator[code], pair[0])
        made.append(parts.figure(view, drawn, data, said=(headline, _say_measure(view, panel))))
    reading = tag("p", trajectory.legend_words(view.language), class_="soft legend")
    html = tag("div", *[one.html for one in made], class_="multiples") + reading
    return Fragment(html, "chart", "\n".join(one.text for one in made))


def marked(view: View, unit: str, code: str) -> History:
    """The series with the flags a reader should see on single figures: declared ones and findings worth a look."""
    history = view.history(unit, code)
    shown: dict[str, str] = {}
    for row in view.rows("quality", unit):
        if row.indicator == code and row.severity != "info" and row.flag not in UNMARKED:
            shown[row.period] = row.flag
    flags = [
        " ".join(filter(None, [*(one for one in flags.split() if one not in UNMARKED), shown.get(at, "")]))
        for at, flags in zip(history.periods, history.flags)
    ]
    return history._replace(flags=flags)


def _spans(series: dict, of_indicator: dict) -> dict[str, tuple[int, int]]:
    """Common horizontal scale of all panels of one frequency."""
    found: dict[str, list[tuple[int, int]]] = {}
    for code, (history, fan) in series.items():
        until = [*fan.periods[-1:], *[row.deadline for row in of_indicator[code]]]
        span = trajectory.span_of(history.periods, until=until)
        found.setdefault(frequency_of(history.periods[-1]), []).append(span)
    return {name: (min(a for a, _b in spans), max(b for _a, b in spans)) for name, spans in found.items()}


def _panel(view: View, code: str, pair: tuple[History, Fan], rows: list[tuple], *, spans: dict) -> Panel:
    history, fan = pair
    own = [row for row in rows if speaks_of_series(view, row)]
    values = [*history.values[-MAX_HISTORY["M"] :], *[value for row in own for value in (row.threshold, row.upper80)]]
    if len(fan.levels) > 1 and fan.periods:
        values.append(fan.predicted[:, -2].max())
    return Panel(
        indicator=view.indicators[code],
        history=history,
        fan=fan,
        promised=[_promised(view, row) for row in own if math.isfinite(row.threshold)],
        span=spans[frequency_of(history.periods[-1])],
        scale=trajectory.scale_of(view.indicators[code], values=values),
        language=view.language,
    )


def _say_measure(view: View, panel: Panel) -> str:
    """Unit of measure with what it counts, how often, from when to when."""
    _, indicator, periods = view._, panel.indicator, panel.history.periods
    measure = _unit(view, indicator) or view.text(indicator, "name")
    top, bottom = view.text(indicator, "numerator"), view.text(indicator, "denominator")
    if indicator.kind == "rate" and top and bottom:
        measure = _("% = {numerator} / {denominator}").format(numerator=top, denominator=bottom)
    often = {"M": _("monthly"), "Q": _("quarterly"), "Y": _("yearly")}[indicator.frequency or "M"]
    first, last = (period(periods[at], view.language) for at in (0, -1))
    known = _("{first} to {last}").format(first=first, last=last)
    return f"{measure}; {often}, {known}"


def _promised(view: View, row) -> Promised:
    target = view.targets.get(row.target)
    steps = tuple((one.period, float(one.threshold)) for one in view.rows("milestones", row.unit, row.target))
    if target is None:
        return Promised(row.threshold, deadline=row.deadline, milestones=steps)
    baseline = target.baseline if row.kind in ("level_at", "cumulative_count", "score_ge", "coverage_all") else math.nan
    return Promised(row.threshold, start=target.start, deadline=row.deadline, baseline=baseline, milestones=steps)


def say_headline(view: View, code: str, rows: list[tuple], history: History) -> str:
    """The message of a panel: where it stands, where it is heading, what is missing then."""
    _, language, indicator = view._, view.language, view.indicators[code]
    said = {"indicator": view.indicator_name(code), "now": quantity(history.values[-1], indicator, language)}
    dated = [
        row
        for row in rows
        if math.isfinite(row.threshold + row.predicted_median)
        and row.deadline
        and not row.settled
        and speaks_of_series(view, row)
    ]
    if not dated:
        return _("{indicator}: {now} in {period}").format(period=period(history.periods[-1], language), **said)
    row = min(dated, key=lambda one: (one.p_attain if math.isfinite(one.p_attain) else 1, one.target))
    up = row.operator in (">", ">=")
    short = (row.threshold - row.predicted_median) * (1 if up else -1)
    said |= {
        "median": quantity(row.predicted_median, indicator, language),
        "deadline": period(row.deadline, language),
        "short": difference(abs(short), indicator, language, signed=False),
    }
    if indicator.kind == "rank":
        pattern = _("{indicator}: {now}, {median} expected by {deadline}")
    elif said["median"] == quantity(row.threshold, indicator, language):
        pattern = _("{indicator}: {now}, {median} expected by {deadline}, exactly the target")
    elif up and short > 0:
        pattern = _("{indicator}: {now}, {median} expected by {deadline}, {short} below the target")
    elif up:
        pattern = _("{indicator}: {now}, {median} expected by {deadline}, {short} above the target")
    elif short > 0:
        pattern = _("{indicator}: {now}, {median} expected by {deadline}, {short} above the limit")
    else:
        pattern = _("{indicator}: {now}, {median} expected by {deadline}, {short} below the limit")
    return pattern.format(**said)


def say_description(view: View, code: str, rows: list[tuple], pair: tuple) -> str:
    """The panel for a reader who does not see it; every number is in the table below."""
    _, language, indicator = view._, view.language, view.indicators[code]
    history, fan = pair
    show = lambda value: quantity(value, indicator, language)
    known = np.flatnonzero(np.isfinite(history.values))
    parts_ = []
    if len(known):
        first, last = known[0], known[-1]
        parts_.append(
            _("From {a} in {start} to {b} in {end}.").format(
                a=show(history.values[first]),
                start=period(history.periods[first], language),
                b=show(history.values[last]),
                end=period(history.periods[last], language),
            )
        )
    bounds, median = fan.band(0.8), fan.at_level(0.5)
    if bounds is not None and median is not None and fan.periods:
        parts_.append(
            _("Forecast for {period}: {median}, 80% interval from {low} to {high}.").format(
                period=period(fan.periods[-1], language),
                median=show(median[-1]),
                low=show(bounds[0][-1]),
                high=show(bounds[1][-1]),
            )
        )
    for row in rows:
        if math.isfinite(row.threshold) and speaks_of_series(view, row):
            goal = quantity(row.threshold, indicator, language, stated=True)
            word = status_word(row.status, language).lower()
            parts_.append(_("Target {value}: {status}.").format(value=goal, status=word))
    return " ".join(parts_)


def history_table(view: View, indicator, history: History) -> Markup:
    """Observed values, a year a row."""
    _, language = view._, view.language
    frequency = frequency_of(history.periods[-1])
    shown = bare_all(history.values, indicator, language)
    caption = _("Observed ({unit})").format(unit=_unit(view, indicator) or NOTHING)
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
    columns = [[period(code, language, short=True) for _at, code in listed]]
    columns.append(show(median) if median is not None else [NOTHING] * len(listed))
    for _level, bounds in bands:
        columns.append([f"{low}–{high}" for low, high in zip(*map(show, bounds))])
    rows = zip(*columns)
    return table(
        _("Forecast ({unit})").format(unit=_unit(view, indicator) or NOTHING),
        [_("Period"), _("Median"), *[f"{level:.0%}" for level, _bounds in bands]],
        rows,
        class_="data",
    )


def shown_periods(periods: list[str]) -> list[tuple[int, str]]:
    """Which periods of a forecast a page lists: all of a short one, else the first, every third and the last.

    The chart's bands are smooth between them; the downloads hold every period.

    >>> [code for _at, code in shown_periods([f"2026-{m:02d}" for m in range(1, 13)])]
    ['2026-01', '2026-03', '2026-06', '2026-09', '2026-12']
    """
    last = len(periods) - 1
    return [(at, one) for at, one in enumerate(periods) if last < MAX_FAN or at in (0, last) or (at + 1) % 3 == 0]


def bare_all(values: np.ndarray, indicator, language: str) -> list[str]:
    """Values without their unit, which the caption names: per cents without their sign.

    >>> from types import SimpleNamespace
    >>> bare_all(np.array([0.45652, np.nan, 1.0]), SimpleNamespace(kind="rate"), "vi")
    ['45,7', '–', '100,0']
    """
    if indicator.kind == "rate":
        return [number(100 * value, language, 1) for value in values]
    return [quantity(value, indicator, language, unit=False) for value in values]


def _unit(view: View, indicator) -> str:
    return "%" if indicator.kind == "rate" else view.text(indicator, "unit")


def peers(view: UnitView, *, unit: str, rows: list[tuple]) -> Fragment:
    """The unit among the five of its level that are nearest in size: level today and status, never a league table."""
    _, language = view._, view.language
    shown = [row for row in rows if row.indicator in view.indicators and math.isfinite(row.current)][:MAX_PEER_TARGETS]
    if not view.peers or not shown:
        return parts.note(_("The data has no unit of the same level with a known size."))
    body = []
    for code in [unit, *view.peers]:
        mine = {row.target: row for row in view.assessed(code)}
        name = tag("b", name_html(view.name(code))) if code == unit else parts.unit_link(view, code, folder="units")
        body.append([name, *[_peer_cell(view, mine.get(row.target)) for row in shown]])
    return tabled(
        _("{unit} and the units of its level nearest in size ({n}); not a ranking").format(
            unit=view.name(unit), n=number(len(view.peers), language)
        ),
        [_("Unit"), *[view.target_name(row.target) for row in shown]],
        body,
        class_="peers",
    )


def _peer_cell(view: View, row) -> Markup | str:
    if row is None:
        return "–"
    indicator = measure_of(view, row)
    value = quantity(row.current, indicator, view.language) if indicator is not None else "–"
    return Markup("{} {}").format(value, parts.chip(row.status, view.language))


def last_forecast(view: UnitView, *, unit: str) -> Fragment:
    """Last quarter's forecast for today with today's figure, and past probabilities whose outcome is known."""
    _ = view._
    pieces, texts = [], []
    rows, held = _then_and_now(view, unit) if view.has_before else ([], 0)
    if rows:
        inside = _("Within last quarter's 80% intervals: {k} of {n} figures.").format(
            k=number(held, view.language), n=number(len(rows), view.language)
        )
        pieces += [
            parts.sentence(inside),
            table(
                _("Last quarter's forecast and the actual result"),
                [_("Indicator"), _("Period"), _("Forecast at the time (80%)"), _("Observed"), _("Within interval")],
                rows,
                class_="then",
                cards=(),
            ),
        ]
        texts.append(inside)
    settled = view.rows("scorecard", unit)
    if settled:
        pieces.append(_settled_table(view, settled))
        texts.append(_("Past forecasts with a known outcome: {n}.").format(n=number(len(settled), view.language)))
    if not pieces:
        return parts.note(_("There is no earlier forecast for this unit: this is the first run, or the unit is new."))
    return Fragment(Markup("").join(pieces), "table", " ".join(texts))


def _then_and_now(view: UnitView, unit: str) -> tuple[list[list[object]], int]:
    _, language = view._, view.language
    rows, held = [], 0
    for code, indicator in view.indicators.items():
        history, fan = view.history(unit, code), view.fan_before(unit, code)
        median, bounds = fan.at_level(0.5), fan.band(0.8)
        if not history.periods or history.periods[-1] not in fan.periods or median is None or bounds is None:
            continue
        at, seen = fan.periods.index(history.periods[-1]), history.values[-1]
        if not math.isfinite(seen):
            continue
        low, high = float(bounds[0][at]), float(bounds[1][at])
        inside = low <= seen <= high
        held += inside
        show = lambda value, indicator=indicator: quantity(value, indicator, language)
        said = _("{median} ({low} to {high})").format(median=show(median[at]), low=show(low), high=show(high))
        verdict = _("yes") if inside else _("no, above") if seen > high else _("no, below")
        rows.append([view.text(indicator, "name"), period(history.periods[-1], language), said, show(seen), verdict])
    return rows, held


def _settled_table(view: View, settled) -> Markup:
    _, language = view._, view.language
    rows = []
    for row in sorted(settled, key=lambda one: (-one.brier if one.brier == one.brier else math.inf, one.target)):
        outcome = _("met") if row.outcome > 0.5 else _("not met")
        said = f"{percent(row.p_attain, language, 0)} ({say_chance(row.p_attain, language)})"
        rows.append([view.target_name(row.target), period(row.cutoff, language), said, outcome])
    return table(
        _("Past probabilities and outcomes, wrong forecasts first: {k} of {n}").format(
            k=number(min(len(rows), MAX_SETTLED), language), n=number(len(rows), language)
        ),
        [_("Target"), _("Forecast with data up to"), _("Probability at the time"), _("Outcome")],
        rows[:MAX_SETTLED],
        class_="settled",
        cards=(),
    )


def data_notes(view: View, *, unit: str) -> Fragment:
    """Findings in this unit's data, the grave ones first, then signals of its latest figures."""
    _ = view._
    lines = _note_lines(view, unit)
    if not lines:
        text = _("There are no notes on this unit's data.")
        return Fragment(parts.sentence(text), "note", text)
    text = "\n".join(Markup(one).striptags() for one in lines[:MAX_NOTES])
    html = parts.bullets(lines[:MAX_NOTES])
    if any(row.signal in CHECK for row in view.rows("signals", unit)):
        reply = _("“To be checked” does not say that a figure is wrong; the unit can explain it, and its answer counts.")  # noqa: E501
        html += parts.sentence(reply, class_="soft")
    if len(lines) > MAX_NOTES:
        rest = number(len(lines) - MAX_NOTES, view.language)
        html += parts.sentence(_("More notes on the data quality page: {n}.").format(n=rest))
    return Fragment(html, "note", text)


def _note_lines(view: View, unit: str) -> list[Markup]:
    """A line for every kind of finding; the same finding in the same periods of several indicators is one."""
    language = view.language
    groups: dict[tuple[int, str, str, str], list[str]] = {}
    for row in view.rows("quality", unit):
        words = flag_word(row.flag, language)
        if row.flag in IN_FULL:
            words = f"{words}: {found_words(view, row)}"
        key = (_ORDER.get(row.severity, 3), row.severity, words, row.indicator)
        groups.setdefault(key, []).append(row.period)
    for row in view.rows("signals", unit):  # at most "to be checked": it never says that somebody did wrong
        severity = "info" if row.signal == "special_cause_improvement" else "warning"
        key = (_ORDER[severity], severity, word_of(SIGNALS, row.signal, language), row.indicator)
        groups.setdefault(key, []).append(row.period)
    lines: dict[tuple, list[str]] = {}
    for (_rank, severity, words, code), periods in sorted(groups.items()):
        lines.setdefault((severity, words, tuple(periods)), []).append(code)
    return [_line(view, *key, codes) for key, codes in lines.items()]


def _line(view: View, severity: str, finding: str, periods: tuple[str, ...], codes: list[str]) -> Markup:
    _, language = view._, view.language
    name = "; ".join(view.indicator_name(code) for code in codes)
    known = list(dict.fromkeys(one for one in periods if one))
    shown = [period(one, language) for one in known[:MAX_PERIODS]]
    rest = len(known) - len(shown)
    when = list_of(shown, language) + (_(" and {n} more").format(n=number(rest, language)) if rest else "")
    said = _("{finding} ({when})").format(finding=finding, when=when) if when else finding
    if name:
        said += f": {name}"
    return Markup("{} {}").format(tag("b", word_of(SEVERITIES, severity, language) + ":"), said)
