"""Sections of the overview: changes and their causes, sub-units, scenarios, thin evidence."""

from __future__ import annotations

import math
from collections import Counter

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.charts import strip
from analysis.briefing.fragment import Fragment, name_html, table, tag
from analysis.briefing.locale import number, percent, points, ratio
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
SCENARIOS = {
    "as_now": _("as now"),
    "slow": _("slower common course"),
    "fast": _("faster common course"),
    "low": _("low common course"),
    "middle": _("middle common course"),
    "high": _("high common course"),
    "campaign": _("campaign continues"),
    "campaign_ends": _("campaign ends"),
    "weakest_to_median": _("five weakest units at the median"),
    "plus_point": _("one point more in every period"),
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
    text = _("Since the last quarter {up} promises came on track and {down} left it; {n} of {m} statuses changed").format(
        up=number(len(better), language), down=number(len(worse), language), n=number(len(rows), language),
        m=number(len(table_), language),
    )  # fmt: skip
    why = [
        _("{cause}: {n}").format(cause=cause_word(view, cause), n=number(n, language))
        for cause, n in sorted(causes.items(), key=lambda one: (-one[1], one[0]))
    ]
    text += f" ({list_of(why, language)})." if why else "."
    largest = [
        row for row in table_.itertuples(index=False) if math.isfinite(row.p_change) and abs(row.p_change) >= 0.005
    ]
    largest.sort(key=lambda row: (row.status == row.status_before, -abs(row.p_change), row.unit, row.target))
    if not largest:
        return Fragment(parts.sentence(text), "sentence", text)
    header = [_("Unit"), _("Target"), _("Before"), _("Now"), _("Change"), _("Why")]
    body = [_change(view, row) for row in largest[:MAX_CHANGES]]
    caption = _("Largest changes of probability since the last quarter, changed statuses first")
    return Fragment(parts.sentence(text) + table(caption, header, body, class_="changes"), "table", text)


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
        cause_word(view, row.cause),
    ]


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
        indicator = view.indicators.get(row.indicator)
        status = parts.chip(row.status, language) + Markup(" ") + parts.chance(row, language)
        count = ratio(int(row.n_sub_on_track), int(row.n_sub_units), language)
        body.append([view.target_name(row.target), status, count, quantity(row.worst_decile, indicator, language)])
    caption = _("{unit} and its sub-units: the whole never stands for its parts").format(unit=view.name(view.root))
    return Fragment(table(caption, header, body, class_="subunits", numeric={2, 3}), "table", caption)


def scenarios(view: View) -> Fragment:
    """Probabilities of the top unit under other common courses of all units, with their band."""
    _, language = view._, view.language
    found = view.extra("scenarios")
    found = found[found["unit"] == view.root] if len(found) else found
    if found.empty:
        text = _("This run holds no scenarios.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    names = list(dict.fromkeys(found["scenario"]))
    header = [_("Target"), *[scenario_word(view, one) for one in names], _("Band from 0 to 100%")]
    body = []
    for at, target in enumerate(one for one in view.targets if one in set(found["target"])):
        mine = found[found["target"] == target].set_index("scenario")["p_attain"]
        values = [float(mine.get(one, math.nan)) for one in names]
        known = [one for one in values if math.isfinite(one)]
        row = next((one for one in view.assessed(view.root) if one.target == target), None)
        now = row.p_attain if row is not None else math.nan
        label = _("{target}: {low} to {high}").format(
            target=view.target_name(target), low=percent(min(known, default=None), language, 0),
            high=percent(max(known, default=None), language, 0),
        )  # fmt: skip
        drawn = strip.draw(
            low=min(known, default=math.nan), high=max(known, default=math.nan), now=now, key=f"s{at}", title=label
        )
        body.append([view.target_name(target), *[percent(one, language, 0) for one in values], drawn])
    caption = _("Probability of {unit} under other common courses of all units").format(unit=view.name(view.root))
    return Fragment(table(caption, header, body, class_="scenarios"), "table", caption)


def scenario_word(view: View, scenario: str) -> str:
    """Name of a scenario; an unknown code stands as it is."""
    return view._(SCENARIOS[scenario]) if scenario in SCENARIOS else scenario.replace("_", " ")


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
                view.target_name(target), number(len(mine), language), number(len(none), language), number(len(weak), language),
                number(min(origins, default=None), language), reason_word(reasons[0][0], language) if reasons else "–",
            ]
        )  # fmt: skip
    n = sum(row.status == "not_assessable" for row in rows)
    text = _("{n} of {m} promises cannot be assessed; {k} rest on little evidence (grade C).").format(
        n=number(n, language), m=number(len(rows), language), k=number(sum(row.grade == "C" for row in rows), language)
    )
    if not body:
        return Fragment(parts.sentence(text), "sentence", text)
    caption = _("Where the evidence is thin")
    return Fragment(
        parts.sentence(text) + table(caption, header, body, class_="thin", numeric={1, 2, 3, 4}), "table", text
    )
