"""What other bodies' rules would call the same targets, beside our status; one sentence wherever they part from it.

None of these rules gives a probability: each reads the past, ours the forecast. The labels are made in
:mod:`analysis.attainment.labels`; here they get their words.
"""

from __future__ import annotations

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, table, tag
from analysis.briefing.view import View


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
WHY = {  # (body, code of the sentence) -> why they part
    ("growth", "theirs_rosier"): _(
        "rosier than ours: growth since the first figure was fast enough, the forecast is not"
    ),
    ("growth", "theirs_darker"): _("darker than ours: growth since the first figure was too slow, the forecast is not"),
    ("escap", "theirs_rosier"): _("rosier than ours: a straight line through the past arrives, the forecast may not"),
    ("escap", "theirs_darker"): _(
        "darker than ours: a straight line through the past falls short, the forecast does not"
    ),
    ("healthy_people", "theirs_rosier"): _(
        "rosier than ours: it asks how far we have come, not whether we arrive in time"
    ),
    ("healthy_people", "theirs_darker"): _(
        "darker than ours: it asks how far we have come, not whether we arrive in time"
    ),
    ("nhs_assurance", "theirs_rosier"): _(
        "rosier than ours: past months vary around the target, the forecast does not"
    ),
    ("nhs_assurance", "theirs_darker"): _(
        "darker than ours: it assumes that nothing changes, the forecast expects a change"
    ),
}
del _
_GROWTH = ("un_progress", "eurostat")


def other_rules(view: View, *, unit: str, rows: list[tuple]) -> Fragment:
    """A row a target with a level: what each body's rule says, with a sentence where it says other than we do."""
    _, language = view._, view.language
    body, parting, labels = [], 0, 0
    for row in rows:
        said = {one.body: one for one in view.extra_rows("crosswalk_labels", row.unit, row.target)}
        if not any(one.label for body_, one in said.items() if body_ != "traffic"):
            continue
        parting += sum(bool(one.disagrees) for one in said.values())
        labels += sum(bool(one.label) for one in said.values())
        body.append([view.target_name(row.target), parts.chip(row.status, language)] +
                    [_cell(view, said.get(one)) for one in BODIES])  # fmt: skip
    if not body:
        text = _("No other body's rule applies to these targets.")
        return Fragment(tag("p", text, class_="note"), "note", text)
    text = _("{k} of {n} labels that other bodies' rules would give say something else than our status").format(
        k=parting, n=labels
    )
    header = [_("Target"), _("Status"), *[_(one) for one in BODIES.values()]]
    caption = _("Other bodies' rules on {unit}, and why they part from us").format(unit=view.name(unit))
    return Fragment(
        parts.sentence(text + ".") + table(caption, header, body, class_="bodies", stack=True), "table", text
    )


def _cell(view: View, one) -> Markup:
    """Label in words, and the sentence where it parts from our status."""
    if one is None or not one.label:
        return tag("span", "–", class_="nil")
    label = view._(LABELS[one.note if one.note in LABELS else one.label])
    why = WHY.get(("growth" if one.body in _GROWTH else one.body, one.sentence))
    return Markup(label) + (Markup(" ") + tag("span", view._(why), class_="soft") if why else Markup(""))
