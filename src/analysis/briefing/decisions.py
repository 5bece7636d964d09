"""Which units need a decision: ranked by what reaching the target there would give to the whole.

Gain of a unit and target = its missing cases as a share of all cases missing at units as deep in the tree for that
target, times the probability that the promise is missed, over every open promise that is not on track. Shares add up to
100 % a target, so promises counted in dossiers and in accounts can stand in one list; where cases are not known, the
gap in the indicator's unit takes their place.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, table, tag
from analysis.briefing.locale import number, percent, period
from analysis.briefing.measures import measure_of
from analysis.briefing.tasks import urgent_tasks
from analysis.briefing.view import View
from analysis.briefing.wording import difference

MAX_ITEMS = 10
IN_DOUBT = ("likely", "at_risk", "unlikely")


class Item(NamedTuple):
    """One unit's claim on attention: its gain, the row that gives most of it, and how many other rows there are."""

    gain: float
    unit: str
    row: tuple
    share: float
    n_others: int


def rank(view: View) -> list[Item]:
    """Units by gain, the largest first; the roots are not ranked, they are what the gain is for.

    Returns
    -------
    list of Item
        All units with an open promise in doubt; `gain` is the mean of share x (1 - p) over all promises of its depth.
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
        text = _("No unit has an open promise in doubt with a known gap: no decision is asked for.")
        return Fragment(tag("p", text, class_="note") + urgent_tasks(view, unit=view.root), "note", text)
    header = [
        _("Unit"),
        _("Promise that gives most"),
        _("Status and probability"),
        _("Missing today"),
        _("Share of all that is missing"),
        _("Lead"),
        _("Due"),
    ]
    body = [_row(view, item) for item in items[:MAX_ITEMS]]
    caption = _("Units that need a decision: {k} of {n}, by what reaching the promise there would give").format(
        k=number(len(body), language), n=number(len(items), language)
    )
    note = _(
        "Share = the unit's missing cases for that promise, of all cases missing at units as deep in the tree; the "
        "order is by the mean over all promises of this share times the probability of missing it."
    )
    html = table(caption, header, body, class_="decisions", stack=True, unlabelled={1, 2})
    html += parts.sentence(note, class_="soft") + urgent_tasks(view, unit=view.root)
    lines = [f"{view.name(item.unit)}: {view.target_name(item.row.target)}" for item in items[:MAX_ITEMS]]
    return Fragment(html, "table", "\n".join([caption, *lines]))


def _row(view: View, item: Item) -> list[object]:
    _, language, row = view._, view.language, item.row
    indicator, target = measure_of(view, row), view.targets.get(row.target)
    if math.isfinite(row.gap_cases) and indicator is not None:
        things = view.text(indicator, "numerator") or view.text(indicator, "unit")
        fewer = row.operator in ("<", "<=")
        lacking = (_("{n} {things} too many") if fewer else _("{n} {things}")).format(
            n=number(row.gap_cases, language), things=things
        )
    else:
        lacking = difference(row.gap, indicator, language, signed=False)
    others = view._.plural("and {n} other promise", "and {n} other promises", item.n_others)
    promise = view.target_name(row.target)
    more = tag("span", others.format(n=number(item.n_others, language)), class_="soft") if item.n_others else Markup("")
    return [
        parts.unit_link(view, item.unit, folder=""),
        Markup("{} {}").format(promise, more),
        parts.chip(row.status, language) + Markup(" ") + parts.chance(row, language),
        lacking,
        percent(item.share, language, 0),
        (target.owner if target is not None else "") or _("not named in the text"),
        period(row.deadline, language),
    ]
