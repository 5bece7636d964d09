"""Which units need a decision, and which tasks are overdue or fall due soon.

Units are ranked by what reaching the target there would give to the whole. Gain of a unit and target = its missing
cases as a share of all cases missing at units as deep in the tree for that target, times the probability that the
promise is missed, over every open promise that is not on track. Shares add up to 100 % a target, so promises counted in
dossiers and in accounts can be in one list; where cases are not known, the gap in the indicator's unit replaces them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, name_html, table, tag
from analysis.briefing.locale import N_, date, number, percent, period
from analysis.briefing.parts import measure_of
from analysis.briefing.view import View
from analysis.briefing.wording import difference

MAX_ITEMS = 10
MAX_TASKS = 6
IN_DOUBT = ("likely", "at_risk", "unlikely")
OPEN_TASKS = {"open_overdue": N_("overdue"), "open_in_time": N_("open, not yet due")}


class Item(NamedTuple):
    """One unit's claim on attention: its gain, the row that gives most of it, and how many other rows there are."""

    gain: float
    unit: str
    row: tuple
    share: float
    n_others: int


def rank(view: View) -> list[Item]:
    """Units by gain, the largest first; the roots are not ranked, they are what the gain is for.

    `gain` is the mean of share x (1 - p) over all promises of the unit's depth.
    """
    depth = {unit: len(view.ancestors(unit)) for unit in view.all_assessed()}
    totals: dict[tuple[int, str], float] = {}
    mine: dict[str, list[tuple[float, tuple]]] = {}
    targets_of: dict[int, set[str]] = {}
    for unit, rows in view.all_assessed().items():
        level = depth[unit]
        for row in rows:
            targets_of.setdefault(level, set()).add(row.target)
            gap = missing(row)
            if gap > 0 and unit not in view.roots:
                totals[level, row.target] = totals.get((level, row.target), 0.0) + gap
                mine.setdefault(unit, []).append((gap, row))
    items = []
    for unit, rows in mine.items():
        level = depth[unit]
        shares = sorted(
            ((gap / totals[level, row.target], row) for gap, row in rows),
            key=lambda one: (-one[0] * (1 - one[1].p_attain), one[1].target),
        )
        gain = sum(share * (1 - row.p_attain) for share, row in shares) / len(targets_of[level])
        items.append(Item(gain, unit, shares[0][1], shares[0][0], len(shares) - 1))
    return sorted(items, key=lambda one: (-one.gain, one.unit))


def missing(row) -> float:
    """What an open promise in doubt lacks: cases, else the gap in its own unit; 0 where there is nothing to do."""
    if row.settled or row.status not in IN_DOUBT:
        return 0.0
    gap = row.gap_cases if math.isfinite(row.gap_cases) else row.gap
    return gap if math.isfinite(gap) and gap > 0 else 0.0


def decisions(view: View) -> Fragment:
    """The list as a table: unit, promise, chance, what is missing, who leads, by when."""
    _, language = view._, view.language
    items = rank(view)
    if not items:
        text = _("No unit has an open target in doubt with a known gap, so no decision is needed.")
        return Fragment(parts.note(text).html + urgent_tasks(view, unit=view.root), "note", text)
    body = [_row(view, item) for item in items[:MAX_ITEMS]]
    caption = _(
        "Units that need a decision: {k} of {n}, ranked by the gain for the overall result if the target is met"
    ).format(k=number(len(body), language), n=number(len(items), language))
    note = _(
        "Share = the unit's gap for that target as part of the total gap of all units at the same level; units are "
        "ranked by this share times the probability of missing the target, averaged over all targets."
    )
    html = table(
        caption,
        [
            _("Unit"),
            _("Target with the largest gain"),
            _("Status and probability"),
            _("Gap today"),
            _("Share of the total gap"),
            _("Lead"),
            _("Due"),
        ],
        body,
        class_="decisions",
        cards={1, 2},
    )
    html += parts.sentence(note, class_="soft") + urgent_tasks(view, unit=view.root)
    lines = [f"{view.name(item.unit)}: {view.target_name(item.row.target)}" for item in items[:MAX_ITEMS]]
    return Fragment(html, "table", "\n".join([caption, *lines]))


def _row(view: View, item: Item) -> list[object]:
    _, language, row = view._, view.language, item.row
    indicator, target = measure_of(view, row), view.targets.get(row.target)
    if math.isfinite(row.gap_cases) and indicator is not None:
        things = view.text(indicator, "numerator") or view.text(indicator, "unit")
        pattern = _("{things}: {n} too many") if row.operator in ("<", "<=") else _("{things}: {n} missing")
        lacking = pattern.format(n=number(row.gap_cases, language), things=things)
    else:
        lacking = difference(row.gap, indicator, language, signed=False)
    others = view._.plural("and {n} other target", "and {n} other targets", item.n_others)
    promise = view.target_name(row.target)
    more = tag("span", others.format(n=number(item.n_others, language)), class_="soft") if item.n_others else Markup("")
    return [
        parts.unit_link(view, item.unit, folder=""),
        Markup("{} {}").format(promise, more),
        parts.chip(row.status, language) + Markup(" ") + parts.chance(row, language),
        lacking,
        percent(item.share, language, 0),
        getattr(target, "owner", "") or _("not stated in the text"),
        period(row.deadline, language),
    ]


def urgent_tasks(view: View, *, unit: str) -> Markup:
    """The open tasks of a unit's lists, overdue ones first, then by due date; nothing where it has none.

    The top unit's list holds everybody's.
    """
    _, language = view._, view.language
    rows = open_tasks(view, unit)
    if not rows:
        return Markup("")
    late = sum(row.state == "open_overdue" for row in rows)
    body = []
    for row in rows[:MAX_TASKS]:
        known, word = view.task_list.get(row.task), OPEN_TASKS[row.state]
        body.append(
            [
                name_html(view.text(known, "name") or row.task),
                name_html(getattr(known, "owner", "") or _("not stated in the text")),
                date(row.due, language),
                parts.chip("missed", language, word=_(word)) if row.state == "open_overdue" else _(word),
                percent(row.p_done, language, 0) if math.isfinite(row.p_done) else "–",
            ]
        )
    return table(
        _("Open tasks: {k} of {n} shown, {late} overdue").format(
            k=number(len(body), language), n=number(len(rows), language), late=number(late, language)
        ),
        [_("Task"), _("Lead"), _("Due"), _("State"), _("Probability of completion by the deadline of the list")],
        body,
        class_="tasks",
        cards={3},
    )


def open_tasks(view: View, unit: str) -> list[tuple]:
    """A unit's open tasks, a task once: overdue ones first, then the earliest due."""
    found = [one for row in view.assessed(unit) for one in view.rows("tasks", unit, row.target)]
    once = {one.task: one for one in reversed(found) if one.state in OPEN_TASKS}
    return sorted(once.values(), key=lambda row: (row.state != "open_overdue", row.due, row.task))
