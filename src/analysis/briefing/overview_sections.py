"""Sections of the overview: changes and their causes, sub-units, scenarios, thin evidence."""

from __future__ import annotations

import math
from collections import Counter

import pandas as pd
from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.charts import strip
from analysis.briefing.fragment import Fragment, name_html, table, tag
from analysis.briefing.locale import number, percent, points, ratio
from analysis.briefing.measures import measure_of
from analysis.briefing.view import View
from analysis.briefing.wording import list_of, quantity, reason_word
from analysis.words.schema import ON_TRACK

MAX_CHANGES = 10


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
    """Statuses that moved, counted by direction and cause; the largest moves as a table."""
    _, language = view._, view.language
    table_ = view.extra("changes")
    if table_.empty:
        text = _("No earlier run is stored to compare with.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    rows = [row for row in table_.itertuples(index=False) if row.status != row.status_before]
    better = [row for row in rows if row.status in ON_TRACK and row.status_before not in ON_TRACK]
    worse = [row for row in rows if row.status not in ON_TRACK and row.status_before in ON_TRACK]
    causes = Counter(row.cause for row in rows)
    text = _(
        "Since the last quarter {up} promises came on track and {down} left it; {n} of {m} statuses changed"
    ).format(
        up=number(len(better), language),
        down=number(len(worse), language),
        n=number(len(rows), language),
        m=number(len(table_), language),
    )
    why = [
        _("{cause}: {n}").format(cause=cause_word(view, cause), n=number(n, language))
        for cause, n in sorted(causes.items(), key=lambda one: (-one[1], one[0]))
    ]
    text += f" ({list_of(why, language)})." if why else "."
    text += _back_and_forth(view)
    largest = [
        row for row in table_.itertuples(index=False) if math.isfinite(row.p_change) and abs(row.p_change) >= 0.005
    ]
    largest.sort(key=lambda row: (row.status == row.status_before, -abs(row.p_change), row.unit, row.target))
    if not largest:
        return Fragment(parts.sentence(text), "sentence", text)
    header = [_("Unit"), _("Target"), _("Before"), _("Now"), _("Change"), _("Why")]
    body = [_change(view, row) for row in largest[:MAX_CHANGES]]
    caption = _("Largest changes of probability since the last quarter, changed statuses first")
    return Fragment(parts.sentence(text) + table(caption, header, body, class_="changes", stack=True), "table", text)


def _back_and_forth(view: View) -> str:
    """How many statuses changed to and fro over the last quarters, and the mean flip-flop index."""
    _, language = view._, view.language
    table_ = view.extra("flip_flops")
    known = table_[table_["flip_flop_index"].notna()] if len(table_) else table_
    if not len(known):
        return ""
    text = _("Over {n} quarters {k} of {m} statuses went back and forth (flip-flop index {index}).").format(
        n=number(known["n_cutoffs"].max(), language),
        k=number((known["flip_flop_index"] > 0).sum(), language),
        m=number(len(known), language),
        index=number(known["flip_flop_index"].mean(), language, 2),
    )
    return f" {text}"


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
    """The cause; where several moved the probability, each with its part."""
    sizes = {cause: getattr(row, f"from_{cause}", math.nan) for cause in CAUSES}
    parts_ = [cause for cause, size in sizes.items() if abs(size) >= 0.005]
    if len(parts_) < 2:
        return cause_word(view, row.cause)
    shown = [
        view._("{cause}: {n}").format(
            cause=cause_word(view, cause), n=points(sizes[cause], view.language, 0, signed=True)
        )
        for cause in sorted(parts_, key=lambda one: (-abs(sizes[one]), one))
    ]
    return "; ".join(shown)


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
        _("Worst tenth stands at or beyond"),
    ]
    body = []
    for row in rows:
        indicator = measure_of(view, row)
        status = parts.chip(row.status, language) + Markup(" ") + parts.chance(row, language)
        count = ratio(int(row.n_sub_on_track), int(row.n_sub_units), language)
        body.append([view.target_name(row.target), status, count, quantity(row.worst_decile, indicator, language)])
    caption = _("{unit} and its sub-units: the whole never stands for its parts").format(unit=view.name(view.root))
    return Fragment(table(caption, header, body, class_="subunits", stack=True, numeric={2, 3}), "table", caption)


def scenarios(view: View) -> Fragment:
    """Probabilities of the top unit if a lever moved, and how many sub-units will meet each target, with 80 % bands."""
    _, language = view._, view.language
    found, rollup = _of_root(view, "scenarios"), _of_root(view, "rollup")
    if found.empty and rollup.empty:
        text = _("This run holds no scenarios.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    levers = [one for one in dict.fromkeys(found.get("scenario", [])) if not one.startswith("component_at")]
    levers.sort(key=lambda one: (one.split(":")[0], one))
    header = [_("Target"), _("As forecast"), *[scenario_word(view, one) for one in levers]]
    header += [_("Sub-units that will meet it, 80% band"), _("Band, from none to all")]
    p = {(row.target, row.scenario): row.p_attain for row in found.itertuples(index=False)}
    parts_of = {row.target: row for row in rollup.itertuples(index=False)} if len(rollup) else {}
    body = []
    for row in view.assessed(view.root):
        own = [p.get((row.target, one), math.nan) for one in levers]
        sub = parts_of.get(row.target)
        if sub is None and not any(math.isfinite(one) for one in own):
            continue
        band, drawn = "–", Markup("")
        if sub is not None:
            band = _("{low} to {high} of {n}").format(
                low=number(sub.met_low, language), high=number(sub.met_high, language), n=number(sub.n_parts, language)
            )
            drawn = strip.draw(
                low=sub.met_low / sub.n_parts, high=sub.met_high / sub.n_parts, now=sub.expected_met / sub.n_parts
            )
        now = percent(row.p_attain, language, 0)
        body.append([view.target_name(row.target), now, *[percent(one, language, 0) for one in own], band, drawn])
    caption = _("Probability of {unit} if a lever moved, and what a common course makes of its sub-units").format(
        unit=view.name(view.root)
    )
    numeric = set(range(1, len(levers) + 2))
    return Fragment(table(caption, header, body, class_="scenarios", stack=True, numeric=numeric), "table", caption)


def _of_root(view: View, name: str) -> pd.DataFrame:
    found = view.extra(name)
    return found[found["unit"] == view.root] if len(found) else found


def scenario_word(view: View, scenario: str) -> str:
    """Name of a scenario; an unknown code stands as it is."""
    _ = view._
    kind, _colon, detail = scenario.partition(":")
    if kind == "points_per_period":
        sign = "+" if detail.startswith("+") else ""
        gain = sign + number(100 * float(detail), view.language)
        return _("{points} percentage points in every period").format(points=gain)
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
    """Targets whose evidence is thin: grade C, not assessable, and why."""
    _, language = view._, view.language
    header = [
        _("Target"),
        _("Units"),
        _("Not assessable"),
        _("Grade C"),
        _("Past deadlines tested (J)"),
        _("Main reason"),
    ]
    body = []
    for target in view.targets:
        mine = [row for row in rows if row.target == target]
        none = [row for row in mine if row.status == "not_assessable"]
        weak = [row for row in mine if row.grade == "C"]
        if not none and not weak:
            continue
        reasons = Counter(row.reason for row in none if row.reason).most_common(1)
        origins = [row.n_origins for row in mine if math.isfinite(row.n_origins)]
        body.append(
            [
                view.target_name(target),
                number(len(mine), language),
                number(len(none), language),
                number(len(weak), language),
                number(min(origins, default=None), language),
                reason_word(reasons[0][0], language) if reasons else "–",
            ]
        )
    n = sum(row.status == "not_assessable" for row in rows)
    text = _("{n} of {m} promises cannot be assessed; {k} rest on little evidence (grade C).").format(
        n=number(n, language), m=number(len(rows), language), k=number(sum(row.grade == "C" for row in rows), language)
    )
    if not body:
        return Fragment(parts.sentence(text), "sentence", text)
    caption = _("Where the evidence is thin")
    return Fragment(
        parts.sentence(text) + table(caption, header, body, class_="thin", stack=True, numeric={1, 2, 3, 4}),
        "table",
        text,
    )
