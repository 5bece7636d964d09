"""What other bodies' rules would call the same targets, next to our status; one sentence wherever they differ from it.

None of these rules gives a probability: each reads the past, ours the forecast. The labels are made in
:mod:`analysis.attainment.labels`; here they get their words.
"""

from __future__ import annotations

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, table, tag
from analysis.briefing.locale import N_
from analysis.briefing.view import View
from analysis.briefing.wording import ICONS, status_word

BODIES = {
    "un_progress": N_("UN progress chart"),
    "eurostat": N_("Eurostat"),
    "escap": N_("ESCAP"),
    "healthy_people": N_("Healthy People"),
    "nhs_assurance": N_("NHS assurance"),
    "traffic": N_("Green, yellow, red"),
}
LABELS = {
    "target_met": N_("target met"),
    "on_track": N_("on track to the target"),
    "fair": N_("fair progress, acceleration needed"),
    "limited": N_("limited or no progress"),
    "deterioration": N_("deterioration"),
    "significant": N_("significant progress"),
    "moderate": N_("moderate progress"),
    "insufficient": N_("insufficient progress"),
    "moving_away": N_("moving away from the target"),
    "maintain": N_("maintain progress"),
    "accelerate": N_("accelerate progress"),
    "reverse": N_("reverse the trend"),
    "improving": N_("improving"),
    "little_change": N_("little change"),
    "getting_worse": N_("getting worse"),
    "consistent_pass": N_("consistently passing"),
    "consistent_fail": N_("consistently failing"),
    "inconsistent": N_("passing and failing by chance"),
    "on_the_way": N_("approaching the target, not there yet"),
    "green": N_("green"),
    "yellow": N_("yellow"),
    "red": N_("red"),
    "grey": N_("grey"),
}
DIFFERENCES = {
    "theirs_rosier": N_("more optimistic than ours"),
    "theirs_darker": N_("more pessimistic than ours"),
}
WHY = {  # what each rule goes by; traffic is our own status in colours
    "un_progress": N_("it uses growth since the first figure; this report uses the forecast"),
    "eurostat": N_("it uses growth since the first figure; this report uses the forecast"),
    "escap": N_("it uses a straight line through past figures; this report uses the forecast"),
    "healthy_people": N_("it measures progress so far, not whether the deadline will be met"),
    "nhs_assurance": N_("it looks at past months as if nothing changed"),
}


def other_rules(view: View, *, unit: str, rows: list[tuple]) -> Fragment:
    """A row for each open target with a level: what each body's rule says, how it differs from us, and below why."""
    _, language = view._, view.language
    body, shown = [], []
    for row in rows:
        ratings = {one.body: one for one in view.rows("crosswalk_labels", row.unit, row.target) if one.label}
        if row.settled or not ratings.keys() - {"traffic"}:
            continue
        shown += ratings.values()
        status = f"{ICONS[row.status]} {status_word(row.status, language)}"
        body.append([view.target_name(row.target), status, *[_cell(view, ratings.get(one)) for one in BODIES]])
    if not body:
        return parts.note(_("No other organisation's rule applies to these targets."))
    text = _("By other organisations' rules, {k} of {n} ratings differ from the status in this report").format(
        k=sum(bool(one.disagrees) for one in shown), n=len(shown)
    )
    made = table(
        _("Ratings of {unit} by other organisations' rules").format(unit=view.name(unit)),
        [_("Target"), _("Status"), *[_(one) for one in BODIES.values()]],
        body,
        class_="bodies",
        cards={1},
    )
    differing = {one.body for one in shown if one.sentence in DIFFERENCES}
    why = [Markup("{}: {}").format(_(BODIES[one]), _(WHY[one])) for one in BODIES if one in differing and one in WHY]
    return Fragment(parts.sentence(text + ".") + made + (parts.bullets(why) if why else ""), "table", text)


def _cell(view: View, one) -> Markup:
    """Label in words, and how it differs from our status; why is said once below the table."""
    if one is None:
        return tag("span", "–", class_="nil")
    label = Markup(view._(LABELS[one.note if one.note in LABELS else one.label]))
    if one.sentence not in DIFFERENCES or one.body not in WHY:
        return label
    return label + Markup(" ") + tag("small", view._(DIFFERENCES[one.sentence]))
