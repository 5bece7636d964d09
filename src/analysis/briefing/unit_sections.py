"""What a unit's answer rests on: trajectories, peers of similar size, last quarter's forecast, remarks on the data."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from analysis.briefing import parts, series_tables
from analysis.briefing.charts import trajectory
from analysis.briefing.charts.trajectory import Panel, Promised
from analysis.briefing.fragment import Fragment, details, name_html, table, tag
from analysis.briefing.locale import number, percent, period
from analysis.briefing.measures import measure_of, speaks_of_series
from analysis.briefing.slices import UnitView
from analysis.briefing.view import History, View
from analysis.briefing.wording import difference, quantity, say_chance, status_word

MAX_PEER_TARGETS = 5
MAX_SETTLED = 4  # past probabilities of a unit; the scorecard has them all
UNMARKED = frozenset(
    {"summed", "missing_unit_in_sum", "missing_period", "late_unit", "empty_unit"}
)  # not about one figure


class Place(NamedTuple):
    """Where a panel stands: the common horizontal scale, the salt of its ids, the first panel of every scale so far."""

    span: tuple[int, int]
    key: str
    first: dict

    def shared(self, scale: object) -> str:
        """Key of the first panel with this scale, "" where it is this one."""
        found = self.first.setdefault(scale, self.key)
        return "" if found == self.key else found


def trajectories(view: View, *, unit: str, rows: list[tuple]) -> Fragment:
    """One panel an indicator, each with a headline, a subtitle and its data table."""
    _ = view._
    of_indicator: dict[str, list[tuple]] = {}
    for row in rows:
        if row.indicator in view.indicators:
            of_indicator.setdefault(row.indicator, []).append(row)
    series = {code: (marked(view, unit, code), view.fan(unit, code)) for code in of_indicator}
    series = {code: pair for code, pair in series.items() if pair[0].periods}
    if not series:
        text = _("No series of this unit is in the data: nothing can be drawn.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    spans = _spans(series, of_indicator)
    figures, first = [], {}
    for at, (code, pair) in enumerate(series.items()):
        frequency = trajectory.frequency_of(pair[0].periods[-1])
        place = Place(spans[frequency], key=f"c{at}", first=first)
        figures.append(_figure(view, code, pair, of_indicator[code], place=place))
    reading = tag("p", trajectory.legend_words(view.language), class_="soft legend")
    html = tag("div", *[one for one, _text in figures], class_="multiples") + reading
    return Fragment(html, "chart", "\n".join(text for _html, text in figures))


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
        until = [fan.periods[-1]] if fan.periods else []
        until += [row.deadline for row in of_indicator[code]]
        frequency = trajectory.frequency_of(history.periods[-1])
        found.setdefault(frequency, []).append(trajectory.span_of(history.periods, until=until))
    return {name: (min(a for a, _b in spans), max(b for _a, b in spans)) for name, spans in found.items()}


def _figure(view: View, code: str, pair: tuple, rows: list[tuple], *, place: Place) -> tuple[Markup, str]:
    _, language, indicator = view._, view.language, view.indicators[code]
    history, fan = pair
    own = [row for row in rows if speaks_of_series(view, row)]
    values = [*history.values[-trajectory.MAX_HISTORY["M"] :], *[row.threshold for row in own]]
    values += [row.upper80 for row in own] + (
        [fan.predicted[:, -2].max()] if len(fan.levels) > 1 and fan.periods else []
    )
    panel = Panel(
        indicator=indicator,
        history=history,
        fan=fan,
        promised=[_promised(view, row) for row in rows if math.isfinite(row.threshold) and speaks_of_series(view, row)],
        span=place.span,
        scale=trajectory.scale_of(indicator, values=values),
        language=language,
    )
    again = {
        "shared": place.shared(trajectory.frequency_of(history.periods[-1])),
        "labels": place.shared((panel.scale, indicator.kind)),
    }
    headline, description = say_headline(view, code, rows, pair), say_description(view, code, rows, pair)
    name = view.text(indicator, "name") or code
    drawn = trajectory.draw(panel, key=place.key, title=name, description=description, **again)
    known = _("{first} to {last}").format(
        first=period(history.periods[0], language), last=period(history.periods[-1], language)
    )
    subtitle = f"{_measure(view, indicator)}; {_FREQUENCY_WORDS(_)[indicator.frequency or 'M']}, {known}"
    caption = tag("figcaption", tag("b", headline), Markup(" "), tag("span", subtitle, class_="soft"))
    data = details(
        _("Figures of this chart"),
        series_tables.history_table(view, indicator, history) + series_tables.fan_table(view, indicator, fan),
    )
    return tag("figure", caption, drawn, data), f"{headline} ({subtitle})"


def _FREQUENCY_WORDS(_) -> dict[str, str]:
    return {"M": _("monthly"), "Q": _("quarterly"), "Y": _("yearly")}


def _measure(view: View, indicator) -> str:
    """Unit of measure with what it counts."""
    if indicator.kind == "rate":
        top, bottom = view.text(indicator, "numerator"), view.text(indicator, "denominator")
        if top and bottom:
            return view._("% = {numerator} / {denominator}").format(numerator=top, denominator=bottom)
        return "%"
    return view.text(indicator, "unit") or view.text(indicator, "name")


def _promised(view: View, row) -> Promised:
    target = view.targets.get(row.target)
    steps = view.milestones.get((row.unit, row.target)) or view.milestones.get(("", row.target), ())
    if target is None:
        return Promised(row.threshold, deadline=row.deadline, milestones=steps)
    baseline = target.baseline if row.kind in ("level_at", "cumulative_count", "score_ge", "coverage_all") else math.nan
    return Promised(row.threshold, start=target.start, deadline=row.deadline, baseline=baseline, milestones=steps)


def say_headline(view: View, code: str, rows: list[tuple], pair: tuple) -> str:
    """The message of a panel: where it stands, where it is heading, what is missing then."""
    _, language, indicator = view._, view.language, view.indicators[code]
    history, _fan = pair
    name = view.text(indicator, "name") or code
    now = quantity(history.values[-1], indicator, language)
    dated = [
        row
        for row in rows
        if math.isfinite(row.threshold + row.predicted_median)
        and row.deadline
        and not row.settled
        and speaks_of_series(view, row)
    ]
    if not dated:
        return _("{indicator}: {now} in {period}").format(
            indicator=name, now=now, period=period(history.periods[-1], language)
        )
    row = min(dated, key=lambda one: (one.settled, one.p_attain if math.isfinite(one.p_attain) else 1, one.target))
    median = quantity(row.predicted_median, indicator, language)
    up = row.operator in (">", ">=")
    short = (row.threshold - row.predicted_median) * (1 if up else -1)
    deadline = period(row.deadline, language)
    if indicator.kind == "rank":
        pattern = _("{indicator}: {now}, {median} to be expected by {deadline}")
        return pattern.format(indicator=name, now=now, median=median, deadline=deadline)
    gap = difference(abs(short), indicator, language, signed=False)
    if median == quantity(row.threshold, indicator, language):
        pattern = _("{indicator}: {now}, {median} to be expected by {deadline}, just the target")
    elif up:
        pattern = (
            _("{indicator}: {now}, {median} to be expected by {deadline}, {short} short of the target")
            if short > 0
            else _("{indicator}: {now}, {median} to be expected by {deadline}, {short} past the target")
        )
    else:
        pattern = (
            _("{indicator}: {now}, {median} to be expected by {deadline}, {short} above the limit")
            if short > 0
            else _("{indicator}: {now}, {median} to be expected by {deadline}, {short} below the limit")
        )
    return pattern.format(indicator=name, now=now, median=median, deadline=deadline, short=gap)


def say_description(view: View, code: str, rows: list[tuple], pair: tuple) -> str:
    """The panel for a reader who does not see it; every number stands in the table beside."""
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
            _("Forecast for {period}: {median}, with 80% between {low} and {high}.").format(
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


def peers(view: UnitView, *, unit: str, rows: list[tuple]) -> Fragment:
    """The unit among the five of its level that are nearest in size: level today and status, never a league table."""
    _, language = view._, view.language
    shown = [row for row in rows if row.indicator in view.indicators and math.isfinite(row.current)][:MAX_PEER_TARGETS]
    others = list(view.peers)
    if not others or not shown:
        text = _("No unit of the same level and a known size is in the data.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    header = [_("Unit"), *[view.target_name(row.target) for row in shown]]
    body = []
    for code in [unit, *others]:
        mine = {row.target: row for row in view.assessed(code)}
        name = tag("b", name_html(view.name(code))) if code == unit else parts.unit_link(view, code, folder="units")
        body.append([name, *[_peer_cell(view, mine.get(row.target)) for row in shown]])
    caption = _("{unit} beside the {n} units of its level nearest in size; not a ranking").format(
        unit=view.name(unit), n=number(len(others), language)
    )
    return Fragment(table(caption, header, body, class_="peers"), "table", caption)


def _peer_cell(view: View, row) -> Markup | str:
    if row is None:
        return "–"
    indicator = measure_of(view, row)
    value = quantity(row.current, indicator, view.language) if indicator is not None else "–"
    return Markup("{} {}").format(value, parts.chip(row.status, view.language))


def last_forecast(view: UnitView, *, unit: str) -> Fragment:
    """Last quarter's forecast for today beside today's figure, and past probabilities whose outcome is known."""
    _ = view._
    pieces, texts = [], []
    if view.has_before:
        rows, held = _then_and_now(view, unit)
        if rows:
            inside = _("{k} of {n} figures lie within last quarter's 80% bands.").format(
                k=number(held, view.language), n=number(len(rows), view.language)
            )
            header = [_("Indicator"), _("Period"), _("Forecast then (80%)"), _("Observed"), _("Within")]
            pieces += [
                parts.sentence(inside),
                table(_("Last quarter's forecast and what happened"), header, rows, class_="then", stack=True),
            ]
            texts.append(inside)
    settled = view.rows("scorecard", unit)
    if len(settled):
        pieces.append(_settled_table(view, settled))
        texts.append(_("{n} past probabilities have a known outcome.").format(n=number(len(settled), view.language)))
    if not pieces:
        text = _("No earlier forecast of this unit is stored: this is the first run, or the unit is new.")
        return Fragment(tag("p", text, class_="note"), "note", text)
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
        outcome = _("reached") if row.outcome > 0.5 else _("not reached")
        said = f"{percent(row.p_attain, language, 0)} ({say_chance(row.p_attain, language)})"
        rows.append([view.target_name(row.target), period(row.cutoff, language), said, outcome])
    header = [_("Target"), _("Said with data up to"), _("Probability then"), _("Outcome")]
    caption = _("Past probabilities and outcomes, misses first: {k} of {n}").format(
        k=number(min(len(rows), MAX_SETTLED), language), n=number(len(rows), language)
    )
    return table(caption, header, rows[:MAX_SETTLED], class_="settled", stack=True)
