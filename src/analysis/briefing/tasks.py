"""Tasks that are overdue or fall due soon: which, whose, by when, how likely they are done by the end of the list."""

from __future__ import annotations

import math

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import name_html, table
from analysis.briefing.locale import date, number, percent
from analysis.briefing.view import View

MAX_TASKS = 6
OPEN = ("open_overdue", "open_in_time")


def _(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


STATES = {
    "done_on_time": _("done on time"),
    "done_late": _("done late"),
    "open_in_time": _("open in time"),
    "open_overdue": _("overdue"),
}
del _


def urgent_tasks(view: View, *, unit: str) -> Markup:
    """The open tasks of a unit's lists, overdue ones first, then by due date; nothing where it has none.

    Parameters
    ----------
    unit : str
        A unit with a task list of its own; the top unit's holds everybody's.
    """
    _, language = view._, view.language
    rows = open_tasks(view, unit)
    if not rows:
        return Markup("")
    late_word = _(STATES[OPEN[0]])
    late = sum(row.state == "open_overdue" for row in rows)
    header = [_("Task"), _("Lead"), _("Due"), _("State"), _("Probability of being done by the deadline of the list")]
    body = []
    for row in rows[:MAX_TASKS]:
        known = view.task_list.get(row.task)
        name = (view.text(known, "name") if known is not None else "") or row.task
        owner = getattr(known, "owner", "") or _("not named in the text")
        body.append(
            [
                name_html(name),
                name_html(owner),
                date(row.due, language),
                parts.chip("missed", language, word=late_word) if row.state == "open_overdue" else _(STATES[row.state]),
                percent(row.p_done, language, 0) if math.isfinite(row.p_done) else "–",
            ]
        )
    caption = _("Open tasks: {k} of {n} shown, {late} overdue").format(
        k=number(len(body), language), n=number(len(rows), language), late=number(late, language)
    )
    return table(caption, header, body, class_="tasks", stack=True, unlabelled={3})


def open_tasks(view: View, unit: str) -> list[tuple]:
    """A unit's open tasks, a task once: overdue ones first, then the earliest due."""
    found = [one for row in view.assessed(unit) for one in view.extra_rows("tasks", unit, row.target)]
    once = {one.task: one for one in reversed(found) if one.state in OPEN}
    return sorted(once.values(), key=lambda row: (row.state != "open_overdue", row.due, row.task))
