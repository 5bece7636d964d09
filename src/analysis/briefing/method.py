"""The method in five sentences, and its known record on this very panel: never the one without the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, table, tag
from analysis.briefing.locale import number, percent, points
from analysis.briefing.view import View


def method(view: View, *, indicators: Sequence[str]) -> Fragment:
    """Five sentences and a table of records, one row an indicator."""
    said = sentences(view)
    return Fragment(said.html + record_table(view, indicators=indicators), "note", said.text)


def sentences(view: View) -> Fragment:
    """What is done, in five sentences; the numbers are those of the run's params."""
    _, language = view._, view.language
    cuts = view.run.params.get("cut_points") or {}
    show = lambda name: percent(cuts.get(name), language, 0)
    margin = view.run.params.get("hysteresis_margin")
    said = [
        _(
            "All units of an indicator are forecast together, as the mean of three simple trend models with the "
            "same settings for all units; percentages are modelled on the logit scale, and shocks common to all "
            "units are included."
        ),
        _(
            "The probability is the part of the forecast that meets the target at its deadline, with values "
            "compared as they are published; a target over several periods or units is simulated jointly."
        ),
        _(
            "The probability is corrected by past errors on this data, as far as past deadlines allow, and stays "
            "between 1% and 99% unless the result is already known."
        ),
        _(
            "Status by probability: on track from {on_track}, likely from {likely}, at risk from {at_risk}, "
            "unlikely below that; a status changes only when the probability passes a threshold by {margin}."
        ).format(
            on_track=show("on_track"),
            likely=show("likely"),
            at_risk=show("at_risk"),
            margin=points(margin, language, 0),
        ),
        _(
            "The forecast assumes that coming periods resemble the past: a campaign, rule or boundary that has not "
            "occurred before shows only in the width of the intervals."
        ),
    ]
    return Fragment(tag("ol", *[tag("li", one) for one in said], class_="method"), "note", "\n".join(said))


def record_table(view: View, *, indicators: Sequence[str]) -> Markup:
    """Record of our forecasts on past deadlines of the same panel, or that there is none yet."""
    _ = view._
    rows = [_record(view, view.records[code]) for code in indicators if code in view.records]
    if not rows:
        return parts.note(_("There is no track record yet: the data has no past deadline to test.")).html
    return table(
        _(
            "Track record at past deadlines of all units: forecasts from the data of that time, "
            "compared with the outcomes"
        ),
        [
            _("Indicator"),
            _("Error of the probabilities (Brier score)"),
            _("Error reduction compared with linear pace"),
            _("80% interval coverage"),
            _("95% interval coverage"),
            _("Past deadlines (J)"),
            _("Verdict"),
        ],
        rows,
        class_="record",
        numeric={1, 2, 3, 4, 5},
    )


def _record(view: View, row) -> list[object]:
    language = view.language
    return [
        view.indicator_name(row.indicator),
        number(row.brier, language, 3),
        percent(row.skill_pace, language, 0),
        percent(row.coverage80, language, 0),
        percent(row.coverage95, language, 0),
        number(row.n_origins, language),
        verdict(view, row),
    ]


def verdict(view: View, row) -> str:
    """Plain words for a record: against linear pace, and against always saying the share that came true."""
    _ = view._
    if not math.isfinite(row.skill_pace):
        return _("not comparable")
    if row.skill_pace <= 0:
        return _("not better than linear pace")
    if row.skill_climatology <= 0:
        return _("better than linear pace, not better than the base rate")
    return _("better than linear pace")
