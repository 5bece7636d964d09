"""The method in five sentences, and its known record on this very panel: never the one without the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, table, tag
from analysis.briefing.locale import number, percent
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
            "All units of an indicator are forecast together: the mean of three simple trend models whose settings the "
            "panel shares, shares of a total on the logit scale, with a common shock for all units."
        ),
        _(
            "The probability is the part of that forecast that keeps the promise at its deadline, values compared as "
            "they are published; a promise over several periods or units is simulated jointly."
        ),
        _(
            "It is corrected by the panel's own past errors as far as past deadlines allow, and stays between 1% and "
            "99% unless the matter is settled."
        ),
        _(
            "Status by probability: on track from {on_track}, likely from {likely}, at risk from {at_risk}, below that "
            "unlikely; it changes only when the probability passes a bound by {margin} percentage points."
        ).format(
            on_track=show("on_track"),
            likely=show("likely"),
            at_risk=show("at_risk"),
            margin=number(None if margin is None else 100 * margin, language),
        ),
        _(
            "It supposes that the coming periods resemble the past: a campaign, rule or boundary not yet seen shows "
            "only in the width of the bands."
        ),
    ]
    return Fragment(tag("ol", *[tag("li", one) for one in said], class_="method"), "note", "\n".join(said))


def record_table(view: View, *, indicators: Sequence[str]) -> Markup:
    """Record of our forecasts on past deadlines of the same panel, or that there is none yet."""
    _ = view._
    rows = [_record(view, view.records[code]) for code in indicators if code in view.records]
    if not rows:
        return parts.note(_("There is no record yet: the history holds no past deadline to test on.")).html
    return table(
        _("Record on past deadlines of all units: what we would have said then against what came"),
        [
            _("Indicator"),
            _("Error of probabilities (Brier)"),
            _("against linear pace"),
            _("80% bands held"),
            _("95% bands held"),
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
        return _("not better than pace")
    if row.skill_climatology <= 0:
        return _("better than pace, not better than the base rate")
    return _("better than pace")
