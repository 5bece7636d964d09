"""The table of a unit's promises: status, probability, bullet graph, pace needed and kept, what closes the gap."""

from __future__ import annotations

import math

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.charts.bars import bullet
from analysis.briefing.charts.trajectory import Scale, scale_of
from analysis.briefing.decisions import urgent_tasks
from analysis.briefing.fragment import Fragment, table, tag
from analysis.briefing.locale import number, percent, period
from analysis.briefing.parts import measure_of, speaks_of_series
from analysis.briefing.remarks import component_tables, remarks
from analysis.briefing.view import View
from analysis.briefing.wording import (
    PER_PERIOD,
    difference,
    level_word,
    quantity,
    say_chance_of,
    say_goal,
    status_word,
    upper_first,
)


def targets_table(view: View, *, unit: str, rows: list[tuple]) -> Fragment:
    """One row a promise."""
    _ = view._
    if not rows:
        return parts.note(_("This unit has no target in this run."))
    scales = scales_of(view, rows)
    body = [_row(view, row, scales.get(scale_key(view, row))) for row in rows]
    html = table(
        _("Targets of {unit}, {upto}").format(unit=view.name(unit), upto=parts.say_upto(view)),
        [
            _("Target"),
            _("Status"),
            _("Probability"),
            _("Now, forecast at the deadline, target"),
            _("Pace needed, actual pace"),
            _("Gap to close, other information"),
        ],
        body,
        class_="targets stack",
    )
    if any(_inferred(view, row.target) for row in rows):
        note = _("{dagger} not stated in the source text, inferred by us; the register of commitments lists each case.")
        html += tag("p", note.format(dagger=parts.DAGGER), class_="soft")
    html += component_tables(view, rows) + urgent_tasks(view, unit=unit)
    text = "\n".join(
        f"{view.target_name(row.target)}: {status_word(row.status, view.language)}, {say_chance_of(row, view.language)}"
        for row in rows
    )
    return Fragment(html, "table", text)


def scales_of(view: View, rows: list[tuple]) -> dict[str, Scale]:
    """One scale for all rows of an indicator's series; a row that speaks of another quantity has its own."""
    found: dict[str, tuple[object, list[float]]] = {}
    for row in rows:
        measure = measure_of(view, row)
        if measure is not None:
            _measure, values = found.setdefault(scale_key(view, row), (measure, []))
            values += [row.current, row.threshold, row.upper80, row.lower80]
    return {key: scale_of(measure, values=values) for key, (measure, values) in found.items()}


def scale_key(view: View, row) -> str:
    """Rows with the same key stand on the same scale."""
    return f"series {row.indicator}" if speaks_of_series(view, row) else f"target {row.target}"


def _inferred(view: View, target: str) -> bool:
    return bool(getattr(view.targets.get(target), "inferred", ""))


def _row(view: View, row, scale: Scale | None) -> list[object]:
    _, language = view._, view.language
    indicator, target = measure_of(view, row), view.targets.get(row.target)
    name = tag("b", view.target_name(row.target)) + (f" {parts.DAGGER}" if _inferred(view, row.target) else "")
    owner = getattr(target, "owner", "")
    goals = [
        parts.validity(view, target) if target is not None else "",
        say_goal(row, indicator, language, target),
        _("Lead: {owner}").format(owner=owner) if owner else "",
    ]
    more = upper_first("; ".join(remarks(view, row)))
    return [
        Markup(" ").join([name, *[tag("span", one, class_="goal") for one in goals if one]]),
        parts.chip(row.status, language) + _before(view, row),
        parts.chance(row, language),
        _level(view, row, indicator, scale),
        _pace(view, row, indicator),
        Markup(" ").join([_closing(view, row, indicator), *[tag("span", one, class_="more") for one in [more] if one]]),
    ]


def _before(view: View, row) -> Markup:
    """Status and probability a quarter ago, where they differ."""
    if not row.previous_status or row.settled or not math.isfinite(row.previous_p) or not math.isfinite(row.p_attain):
        return Markup("")
    if row.previous_status == row.status and f"{row.previous_p:.0%}" == f"{row.p_attain:.0%}":
        return Markup("")
    text = view._("previously: {status}, {p}").format(
        status=status_word(row.previous_status, view.language).lower(), p=percent(row.previous_p, view.language, 0)
    )
    return Markup(" ") + tag("span", text, class_="soft")


def _level(view: View, row, indicator, scale: Scale | None) -> Markup:
    _, language = view._, view.language
    if indicator is None or scale is None or not math.isfinite(row.current):
        return tag("span", _("no figure"), class_="soft")
    show = lambda value, **how: quantity(value, indicator, language, **how)
    late = row.current_period and row.current_period != view.cutoff
    now = _("now {value} ({period})") if late else _("now {value}")
    target = view.targets.get(row.target)
    since = period(target.start, language) if getattr(target, "reading", "") == "cumulative" else ""
    if since:
        now = _("from {start} to {period}: {value}")
    lines = [now.format(value=show(row.current), period=period(row.current_period, language), start=since)]
    past = math.isfinite(row.horizon) and row.horizon <= 0
    if past and math.isfinite(row.predicted_median):
        lines.append(_("at the deadline {value}").format(value=show(row.predicted_median)))
    elif math.isfinite(row.predicted_median) and not row.settled:
        between = f"{show(row.lower80, unit=False).removesuffix('%')}–{show(row.upper80, unit=False)}"
        forecast = _("forecast {median} (80%: {range})")
        lines.append(forecast.format(median=show(row.predicted_median, unit=False), range=between))
    if math.isfinite(row.threshold):
        lines.append(_("target {value}").format(value=show(row.threshold, stated=True)))
    ahead = math.nan if row.settled else 1.0
    drawn = bullet(
        scale=scale,
        current=row.current,
        median=ahead * row.predicted_median,
        lower=ahead * row.lower80,
        upper=ahead * row.upper80,
        threshold=row.threshold,
    )
    return drawn + Markup("").join(tag("span", one, class_="read") + Markup(" ") for one in lines)


def _rest(view: View, row):
    """What the rest of a cumulative promise needs: its row of the readings; None for other promises."""
    rows = view.rows("readings", row.unit, row.target) if row.kind == "sustained_from" and not row.settled else []
    return next((one for one in rows if one.official and math.isfinite(getattr(one, "needed_rest", math.nan))), None)


def _pace(view: View, row, indicator) -> Markup:
    _ = view._
    rest = _rest(view, row)
    if rest is not None and indicator is not None:
        return _pace_of_rest(view, row, indicator, rest)
    if indicator is None or not math.isfinite(row.required_pace) or row.settled:
        return tag("span", "–", class_="nil")
    per = _per(view, row)
    needed, often = _("no further progress needed"), ""
    if not row.attained_now:
        needed = _("needed {pace} {per}").format(pace=_moved(view, row.required_pace, indicator), per=per)
        often = _how_often(view, row)
    kept = _("actual {pace} {per}").format(pace=_moved(view, row.actual_pace, indicator), per=per)
    lines = [tag("b", needed), tag("span", kept)]
    return Markup(" ").join(lines + [tag("span", often, class_="soft")] * bool(often))


def _pace_of_rest(view: View, row, indicator, rest) -> Markup:
    """A cumulative promise: the mean level that the remaining periods need, and how many ever held it so long."""
    _, language = view._, view.language
    needed = _("needed on average over the remaining {n} periods: {level}").format(
        n=number(rest.n_rest, language), level=quantity(max(rest.needed_rest, 0.0), indicator, language)
    )
    lines = [tag("b", needed)]
    often = "" if row.attained_now else _how_often(view, row)
    if indicator.kind == "rate" and rest.needed_rest > 1:
        often = _("this is more than all of them")
    return Markup(" ").join(lines + [tag("span", often, class_="soft")] * bool(often))


def _how_often(view: View, row) -> str:
    """How many units of the same level ever moved as fast as is needed; of a unit alone there, its own stretches."""
    _, language = view._, view.language
    for one in view.rows("pace", row.unit, row.target):
        if not one.n_units > 0 or not math.isfinite(one.n_kept):
            continue
        if _rest(view, row) is not None:
            some = _("{level}: {k} of {m} units have kept this level before, over {n} periods")
            none = _("{level}: none of {m} units has ever kept this level over {n} periods")
        elif one.n_units > 1:
            some = _("{level}: {k} of {m} units have kept this pace before, over {n} periods")
            none = _("{level}: none of {m} units has ever kept this pace over {n} periods")
        else:
            some = _("this unit kept this pace in {k} of its {m} past stretches of {n} periods; {level}: no other unit")
            none = _("this unit never kept this pace in its {m} past stretches of {n} periods; {level}: no other unit")
        k, m = (one.n_kept, one.n_units) if one.n_units > 1 else (one.n_stretches_kept, one.n_stretches)
        said = (some if k > 0 else none).format(
            level=level_word(view.unit(row.unit).level, language),
            k=number(k, language),
            m=number(m, language),
            n=number(one.window, language),
        )
        if getattr(view.indicators.get(row.indicator), "kind", "") == "count":
            said += " " + _("(as a share of each unit's own target)")
        return said
    return ""


def _moved(view: View, pace: float, indicator) -> str:
    """A pace with its sign; places up or down in words, for a lower number is a better place."""
    if getattr(indicator, "kind", "") != "rank" or not math.isfinite(pace) or pace == 0:
        return difference(pace, indicator, view.language)
    pattern = view._("{places} up") if pace < 0 else view._("{places} down")
    return pattern.format(places=difference(abs(pace), indicator, view.language, signed=False))


def _per(view: View, row) -> str:
    """The indicator's period in words: a month, a quarter or a year."""
    frequency = getattr(view.indicators.get(row.indicator), "frequency", "")
    return view._(PER_PERIOD.get(frequency, PER_PERIOD["M"]))


def _closing(view: View, row, indicator) -> Markup:
    """What is missing in cases, and how many in every period."""
    _, language = view._, view.language
    if row.settled or row.horizon <= 0:  # nothing can be done any more
        return tag("span", "–", class_="nil")
    if row.attained_now:
        return tag("span", _("met today; must be held until the deadline"), class_="soft")
    if indicator is None or not math.isfinite(row.gap_cases) or row.gap_cases <= 0:
        shown = difference(row.gap, indicator, language, signed=False) if indicator and math.isfinite(row.gap) else "–"
        return tag("span", shown, class_="soft")
    things = view.text(indicator, "numerator") or view.text(indicator, "unit")
    fewer = row.operator in ("<", "<=")
    pattern = _("{things}: {n} fewer needed") if fewer else _("{things}: {n} more needed")
    lines = [tag("b", pattern.format(n=number(row.gap_cases, language), things=things))]
    if math.isfinite(row.required_cases):
        lines.append(tag("span", _say_steps(view, row, indicator)))
    rest = _rest(view, row)
    if rest is not None and math.isfinite(rest.cases_rest):
        said = _("of {n} expected in the remaining {m} periods ({of}), {k} are needed").format(
            n=number(rest.expected_rest, language),
            m=number(rest.n_rest, language),
            of=view.text(indicator, "denominator"),
            k=number(rest.cases_rest, language),
        )
        lines.append(tag("span", said))
    if math.isfinite(row.current_denominator):
        things = view.text(indicator, "denominator")
        base = _("{things}: {n}").format(n=number(row.current_denominator, language), things=things)
        lines.append(tag("span", base, class_="soft"))
    return Markup(" ").join(lines)


def _say_steps(view: View, row, indicator) -> str:
    """How many cases a period: to be added to a total that keeps, or by how much each month's own number must rise."""
    _, language = view._, view.language
    n, per = number(math.ceil(row.required_cases - 1e-9), language), _per(view, row)
    if row.kind == "tasks_k_of_n" or getattr(indicator, "cumulative", False):  # what was added stays
        return _("about {n} {per}").format(n=n, per=per)
    fewer = row.operator in ("<", "<=")
    now = row.current_numerator if math.isfinite(row.current_numerator) else row.current
    said = {"n": n, "now": number(now, language), "deadline": period(row.deadline, language), "per": per}
    said["then"] = number(now + (-row.gap_cases if fewer else row.gap_cases), language)
    if fewer:
        return _("the number must fall by about {n} {per}: from {now} now to {then} in {deadline}").format(**said)
    return _("the number must rise by about {n} {per}: from {now} now to {then} in {deadline}").format(**said)
