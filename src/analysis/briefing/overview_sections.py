"""Sections of the overview: changes and their causes, sub-units, scenarios, thin evidence."""

from __future__ import annotations

import math
from collections import Counter

import pandas as pd
from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.charts import strip
from analysis.briefing.fragment import Fragment, name_html, table, tag
from analysis.briefing.locale import number, percent, period, points, ratio
from analysis.briefing.measures import measure_of, speaks_of_series
from analysis.briefing.view import View, view_of
from analysis.briefing.wording import list_of, quantity, reason_word
from analysis.words.schema import ON_TRACK, STATUSES

MAX_CHANGES = 6
MAX_OF_TARGET = 2
MAX_THIN = 8
MAX_SIGNALS = 8


def _(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


CAUSES = {
    "target": _("the promise was changed"),
    "revision": _("an old figure was revised"),
    "new_figures": _("new figures came"),
    "model": _("our model moved, without new figures"),
}
del _


def changes(view: View) -> Fragment:
    """Statuses that moved, counted by direction and cause; the largest moves, at most two a target, as a table."""
    _ = view._
    table_ = view.extra("changes")
    if table_.empty:
        text = _("No earlier run is stored to compare with.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    rows = list(table_.itertuples(index=False))
    text = " ".join(filter(None, [_say_changes(view, rows), _say_targets(view, rows), _back_and_forth(view)]))
    signals = _signals(view)
    largest = _largest(rows)
    if not largest:
        return Fragment(parts.sentence(text) + signals, "sentence", text)
    header = [_("Unit"), _("Target"), _("Before"), _("Now"), _("Change"), _("Why")]
    body = [_change(view, row) for row in largest]
    caption = _("Largest changes of probability since the last quarter, at most two a target, changed statuses first")
    made = table(caption, header, body, class_="changes", stack=True, unlabelled={1})
    return Fragment(parts.sentence(text) + made + signals, "table", text)


def _say_changes(view: View, rows: list[tuple]) -> str:
    _, language = view._, view.language
    moved = [row for row in rows if row.status != row.status_before]
    better = [row for row in moved if row.status in ON_TRACK and row.status_before not in ON_TRACK]
    worse = [row for row in moved if row.status not in ON_TRACK and row.status_before in ON_TRACK]
    text = _(
        "Since the last quarter {up} promises came on track and {down} left it; {n} of {m} statuses changed"
    ).format(
        up=number(len(better), language),
        down=number(len(worse), language),
        n=number(len(moved), language),
        m=number(len(rows), language),
    )
    causes = Counter(row.cause for row in moved)
    why = [
        _("{cause}: {n}").format(cause=cause_word(view, cause), n=number(n, language))
        for cause, n in sorted(causes.items(), key=lambda one: (-one[1], one[0]))
    ]
    return text + (f" ({'; '.join(why)})." if why else ".")


def _say_targets(view: View, rows: list[tuple]) -> str:
    """The target where most units' status fell, and the one where most rose."""
    _, language = view._, view.language
    order = {status: at for at, status in enumerate(STATUSES)}
    said = []
    for pattern, moved in (
        (_("Most falls: {n} units in “{target}”."), lambda row: order[row.status] > order[row.status_before]),
        (_("Most rises: {n} units in “{target}”."), lambda row: order[row.status] < order[row.status_before]),
    ):
        known = [row for row in rows if "not_assessable" not in (row.status, row.status_before)]
        counts = Counter(row.target for row in known if moved(row))
        if counts:
            target, n = min(counts.items(), key=lambda one: (-one[1], one[0]))
            said.append(pattern.format(n=number(n, language), target=view.target_name(target)))
    return " ".join(said)


def _largest(rows: list[tuple]) -> list[tuple]:
    """The largest moves of probability, changed statuses first; no target more than twice."""
    found = [row for row in rows if math.isfinite(row.p_change) and abs(row.p_change) >= 0.005]
    found.sort(key=lambda row: (row.status == row.status_before, -abs(row.p_change), row.unit, row.target))
    shown: Counter = Counter()
    largest = []
    for row in found:
        shown[row.target] += 1
        if shown[row.target] <= MAX_OF_TARGET and len(largest) < MAX_CHANGES:
            largest.append(row)
    return largest


def _back_and_forth(view: View) -> str:
    """How many statuses changed to and fro over the last quarters, and the mean flip-flop index."""
    _, language = view._, view.language
    table_ = view.extra("flip_flops")
    known = table_[table_["flip_flop_index"].notna()] if len(table_) else table_
    if not len(known):
        return ""
    return _("Over {n} quarters {k} of {m} statuses went back and forth (flip-flop index {index}).").format(
        n=number(known["n_cutoffs"].max(), language),
        k=number((known["flip_flop_index"] > 0).sum(), language),
        m=number(len(known), language),
        index=number(known["flip_flop_index"].mean(), language, 2),
    )


def _change(view: View, row) -> list[object]:
    language = view.language
    before = Markup("{} {}").format(parts.chip(row.status_before, language), percent(row.p_before, language, 0))
    now = Markup("{} {}").format(parts.chip(row.status, language), percent(row.p_attain, language, 0))
    return [
        parts.unit_link(view, row.unit, folder="") if row.unit in view.units else name_html(row.unit),
        view.target_name(row.target),
        before,
        now,
        points(row.p_change, language, 0, signed=True),
        _why(view, row),
    ]


def _why(view: View, row) -> str:
    """The cause; where several moved the probability each with its part, else what came beside what was forecast."""
    _, language = view._, view.language
    sizes = {cause: getattr(row, f"from_{cause}", math.nan) for cause in CAUSES}
    parts_ = sorted((one for one in sizes if abs(sizes[one]) >= 0.005), key=lambda one: (-abs(sizes[one]), one))
    if len(parts_) < 2:
        return _why_figures(view, row)
    pattern = _("{cause}: {n}")
    return "; ".join(
        pattern.format(cause=cause_word(view, one), n=points(sizes[one], language, 0, signed=True)) for one in parts_
    )


def _why_figures(view: View, row) -> str:
    """The cause; where new figures came, what came beside what had been forecast for it."""
    _, language, why = view._, view.language, cause_word(view, row.cause)
    assessed = next((one for one in view.assessed(row.unit) if one.target == row.target), None)
    indicator = measure_of(view, assessed) if assessed is not None else None
    if row.cause != "new_figures" or indicator is None or not math.isfinite(row.current):
        return why
    show = lambda value: quantity(value, indicator, language)
    then = _forecast_then(view, assessed)
    if math.isfinite(then):
        pattern = _("{cause}: {now} where {then} had been forecast")
        return pattern.format(cause=why, now=show(row.current), then=show(then))
    if math.isfinite(row.current_before):
        return _("{cause}: {now}, before {then}").format(
            cause=why, now=show(row.current), then=show(row.current_before)
        )
    return why


def _forecast_then(view: View, assessed) -> float:
    """Last quarter's median for the figure that is the latest now; NaN where none is stored."""
    if view.run.previous is None or not speaks_of_series(view, assessed):
        return math.nan
    fan = view_of(view.run.previous, view.language).fan(assessed.unit, assessed.indicator)
    median = fan.at_level(0.5)
    if median is None or assessed.current_period not in fan.periods:
        return math.nan
    return float(median[fan.periods.index(assessed.current_period)])


def _signals(view: View) -> Markup:
    """Units whose latest figures left their own band of chance swings; every other change is within it."""
    _, language = view._, view.language
    lines = []
    for signal, pattern in (
        ("special_cause_concern", _("Worse than chance swings explain ({n})")),
        ("special_cause_improvement", _("Better than chance swings explain ({n})")),
    ):
        found = [row for rows in view.signals.values() for row in rows if row.signal == signal]
        found = [row for row in found if row.period == view.cutoff and row.unit in view.units]
        if not found:
            continue
        order = {code: at for at, code in enumerate(view.indicators)}
        found.sort(key=lambda row: (order.get(row.indicator, len(order)), row.unit))
        groups: dict[str, list[Markup]] = {}
        for row in found[:MAX_SIGNALS]:
            groups.setdefault(row.indicator, []).append(parts.unit_link(view, row.unit, folder=""))
        named = [
            Markup("{}: {}").format(_indicator_name(view, code), Markup(", ").join(units))
            for code, units in groups.items()
        ]
        rest = len(found) - min(len(found), MAX_SIGNALS)
        more = Markup("; ") + _("{n} more in their units' pages").format(n=number(rest, language)) if rest else ""
        head = tag("b", pattern.format(n=number(len(found), language)) + ":")
        lines.append(Markup("{} {}{}").format(head, Markup("; ").join(named), more))
    if not lines:
        return Markup("")
    heading = _("Real moves: figures of {period} outside the unit's own band of chance swings (control chart)")
    note = tag("p", heading.format(period=period(view.cutoff, language)), class_="lead")
    return note + parts.bullets(lines)


def _indicator_name(view: View, code: str) -> str:
    indicator = view.indicators.get(code)
    return (view.text(indicator, "name") if indicator is not None else "") or code


def cause_word(view: View, cause: str) -> str:
    """Why a status moved."""
    return view._(CAUSES[cause]) if cause in CAUSES else cause.replace("_", " ")


def sub_units(view: View, rows: list[tuple]) -> Fragment:
    """Each target of the top unit with n of m sub-units on track and where the worst tenth stands."""
    _, language = view._, view.language
    rows = [row for row in rows if row.n_sub_units > 0]
    if not rows:
        text = _("The top unit has no assessed sub-units.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    header = [
        _("Target"),
        _("Status and probability of the whole"),
        _("Sub-units on track"),
        _("Level of the worst 10% of sub-units"),
    ]
    body = []
    for row in rows:
        indicator = measure_of(view, row)
        status = parts.chip(row.status, language) + Markup(" ") + parts.chance(row, language)
        count = ratio(int(row.n_sub_on_track), int(row.n_sub_units), language)
        body.append([view.target_name(row.target), status, count, quantity(row.worst_decile, indicator, language)])
    caption = _("{unit} and its sub-units: the whole never stands for its parts").format(unit=view.name(view.root))
    return Fragment(
        table(caption, header, body, class_="subunits", stack=True, numeric={2, 3}, unlabelled={1}), "table", caption
    )


def scenarios(view: View) -> Fragment:
    """Probabilities of the top unit if a lever moved, and how many sub-units will meet each target, with 80 % bands."""
    _, language = view._, view.language
    found, rollup = _of_root(view, "scenarios"), _of_root(view, "rollup")
    if found.empty and rollup.empty:
        text = _("This run holds no scenarios.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    levers, p = _levers(found)
    header = [_("Target"), _("As forecast"), *[scenario_word(view, one) for one in levers]]
    header += [_("Sub-units that will meet it, 80% band"), _("Band, from none to all")]
    parts_of = {row.target: row for row in rollup.itertuples(index=False)} if len(rollup) else {}
    body = []
    for row in view.assessed(view.root):
        own = [p.get((row.target, one), math.nan) for one in levers]
        sub = parts_of.get(row.target)
        if row.settled or sub is None and not any(math.isfinite(one) for one in own):
            continue
        cells = [percent(one, language, 0) for one in (row.p_attain, *own)]
        body.append([view.target_name(row.target), *cells, *_band(view, sub)])
    caption = _("Probability of {unit} if a lever moved, and what a common course makes of its sub-units").format(
        unit=view.name(view.root)
    )
    numeric = set(range(1, len(levers) + 2))
    made = table(caption, header, body, class_="scenarios", stack=True, numeric=numeric, unlabelled={len(header) - 1})
    return Fragment(made, "table", caption)


def _levers(found: pd.DataFrame) -> tuple[list[str], dict[tuple[str, str], float]]:
    """The scenarios that make columns, and the probability under each by target.

    More points a period help a share that should rise, fewer one that should fall: where no target has both, the two
    are one lever, "better by".
    """
    rows = [row for row in found.itertuples(index=False) if not row.scenario.startswith("component_at")]
    name = lambda scenario: scenario.replace(":+", ":").replace(":-", ":")
    pairs = {(row.target, name(row.scenario)) for row in rows}
    if len(pairs) < len(rows):
        name = lambda scenario: scenario
    p = {(row.target, name(row.scenario)): row.p_attain for row in rows}
    return sorted({one for _target, one in p}, key=lambda one: (one.split(":")[0], one)), p


def _band(view: View, sub) -> tuple[str, Markup]:
    """How many sub-units will meet a target: the 80 % band in words and drawn; dashes where it is not known."""
    if sub is None or not math.isfinite(sub.met_low):
        return "–", Markup("")
    _, language = view._, view.language
    said = _("{low} to {high} of {n}").format(
        low=number(sub.met_low, language), high=number(sub.met_high, language), n=number(sub.n_parts, language)
    )
    share = lambda value: value / sub.n_parts
    return said, strip.draw(low=share(sub.met_low), high=share(sub.met_high), now=share(sub.expected_met))


def _of_root(view: View, name: str) -> pd.DataFrame:
    found = view.extra(name)
    return found[found["unit"] == view.root] if len(found) else found


def scenario_word(view: View, scenario: str) -> str:
    """Name of a scenario; an unknown code stands as it is."""
    _ = view._
    kind, _colon, detail = scenario.partition(":")
    if kind == "points_per_period":
        gain = points(float(detail), view.language, 0, signed=detail[0] == "+")
        if detail[0] not in "+-":
            return _("better by {points} in every period").format(points=gain)
        return _("{points} in every period").format(points=gain)
    if kind == "weakest_at_median":
        return _("the {n} weakest sub-units at the median").format(n=detail)
    if kind.startswith("component_at_"):
        indicator = view.indicators.get(detail)
        name = view.text(indicator, "name") if indicator is not None else detail
        return _("{indicator} at {share}% of its points").format(
            indicator=name, share=kind.removeprefix("component_at_")
        )
    return scenario.replace("_", " ")


def thin_evidence(view: View, rows: list[tuple]) -> Fragment:
    """Where the evidence is thin: what cannot be assessed and why, and the targets that rest on few past deadlines."""
    _, language = view._, view.language
    none = [row for row in rows if row.status == "not_assessable"]
    weak = sum(row.grade == "C" for row in rows)
    text = _("{n} of {m} promises cannot be assessed; {k} rest on little evidence (grade C).").format(
        n=number(len(none), language), m=number(len(rows), language), k=number(weak, language)
    )
    reasons = Counter(reason_word(row.reason, language) for row in none if row.reason)
    said = [
        _("{cause}: {n}").format(cause=reason, n=number(n, language))
        for reason, n in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    ]
    if said:
        text += " " + _("Reasons: {reasons}.").format(reasons=list_of(said, language))
    found = [line for target in view.targets if (line := _thin(view, target, rows)) is not None]
    found.sort(key=lambda one: one[0])
    body = [line for _least, line in found[:MAX_THIN]]
    if not body:
        return Fragment(parts.sentence(text), "sentence", text)
    header = [_("Target"), _("Units of grade C"), _("Past deadlines tested (J)")]
    caption = _("Targets whose evidence is of grade C, fewest past deadlines first: {k} of {n}").format(
        k=number(len(body), language), n=number(len(found), language)
    )
    made = table(caption, header, body, class_="thin", stack=True, numeric={1, 2})
    return Fragment(parts.sentence(text) + made, "table", text)


def _thin(view: View, target: str, rows: list[tuple]) -> tuple[float, list[object]] | None:
    """Fewest past deadlines, and the row of the table; None for a target without a unit of grade C."""
    mine = [row for row in rows if row.target == target]
    weak = sum(row.grade == "C" for row in mine)
    if not weak:
        return None
    origins = [row.n_origins for row in mine if math.isfinite(row.n_origins)]
    least = min(origins, default=None)
    cells = [view.target_name(target), ratio(weak, len(mine), view.language), number(least, view.language)]
    return -1.0 if least is None else float(least), cells
