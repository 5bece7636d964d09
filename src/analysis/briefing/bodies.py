"""What other bodies' rules would call the same targets, beside our status; one sentence wherever they part from it.

None of these rules gives a probability: each reads the past, ours the forecast. The labels are made in
:mod:`analysis.attainment.labels`; here they get their words.
"""

from __future__ import annotations

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, table, tag
from analysis.briefing.view import View
from analysis.briefing.wording import ICONS, status_word


def _(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


BODIES = {
    "un_progress": _("UN progress chart"),
    "eurostat": _("Eurostat"),
    "escap": _("ESCAP"),
    "healthy_people": _("Healthy People"),
    "nhs_assurance": _("NHS assurance"),
    "traffic": _("Green, yellow, red"),
}
LABELS = {
    "target_met": _("target met"),
    "on_track": _("on track (UN)"),
    "fair": _("fair progress, must speed up"),
    "limited": _("limited or no progress"),
    "deterioration": _("deterioration"),
    "significant": _("significant progress"),
    "moderate": _("moderate progress"),
    "insufficient": _("insufficient progress"),
    "moving_away": _("moving away"),
    "maintain": _("maintain"),
    "accelerate": _("accelerate"),
    "reverse": _("reverse the trend"),
    "improving": _("improving"),
    "little_change": _("little change"),
    "getting_worse": _("getting worse"),
    "consistent_pass": _("consistently passing"),
    "consistent_fail": _("consistently failing"),
    "inconsistent": _("passing and failing by chance"),
    "on_the_way": _("on the way, not there yet"),
    "green": _("green"),
    "yellow": _("yellow"),
    "red": _("red"),
    "grey": _("grey"),
}
PARTING = {
    "theirs_rosier": _("rosier than ours"),
    "theirs_darker": _("darker than ours"),
}
WHY = {  # what each rule goes by; traffic is our own status in colours
    "un_progress": _("it goes by growth since the first figure, we by the forecast"),
    "eurostat": _("it goes by growth since the first figure, we by the forecast"),
    "escap": _("it goes by a straight line through the past, we by the forecast"),
    "healthy_people": _("it asks how far we have come, not whether we arrive in time"),
    "nhs_assurance": _("it takes the past months as they were, as if nothing changed"),
}
del _


def other_rules(view: View, *, unit: str, rows: list[tuple]) -> Fragment:
    """A row an open target with a level: what each body's rule says, which way it parts from us, and below why."""
    _, language = view._, view.language
    body, parting, labels, apart = [], 0, 0, set()
    for row in (one for one in rows if not one.settled):
        said = {one.body: one for one in view.extra_rows("crosswalk_labels", row.unit, row.target)}
        if not any(one.label for body_, one in said.items() if body_ != "traffic"):
            continue
        parting += sum(bool(one.disagrees) for one in said.values())
        labels += sum(bool(one.label) for one in said.values())
        apart |= {one.body for one in said.values() if one.label and one.sentence in PARTING}
        body.append([view.target_name(row.target), f"{ICONS[row.status]} {status_word(row.status, language)}"] +
                    [_cell(view, said.get(one)) for one in BODIES])  # fmt: skip
    if not body:
        text = _("No other body's rule applies to these targets.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    text = _("{k} of {n} labels that other bodies' rules would give say something else than our status").format(
        k=parting, n=labels
    )
    header = [_("Target"), _("Status"), *[_(one) for one in BODIES.values()]]
    caption = _("Other bodies' rules on {unit}, and why they part from us").format(unit=view.name(unit))
    made = table(caption, header, body, class_="bodies", stack=True, unlabelled={1})
    why = [Markup("{}: {}").format(_(BODIES[one]), _(WHY[one])) for one in BODIES if one in apart and one in WHY]
    return Fragment(parts.sentence(text + ".") + made + (parts.bullets(why) if why else ""), "table", text)


def _cell(view: View, one) -> Markup:
    """Label in words, and which way it parts from our status; why, stands once below the table."""
    if one is None or not one.label:
        return tag("span", "–", class_="nil")
    label = view._(LABELS[one.note if one.note in LABELS else one.label])
    if one.sentence not in PARTING or one.body not in WHY:
        return Markup(label)
    return Markup(label) + Markup(" ") + tag("small", view._(PARTING[one.sentence]))
