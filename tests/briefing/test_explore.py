"""The explorer, without a browser: choices follow one another, what it shows follows the choices."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from factory import NASTY

from analysis.briefing import explorer
from analysis.briefing.explore import p_tried, say_tried
from analysis.briefing.locale import period
from analysis.briefing.view import view_of
from analysis.briefing.wording import probability


def label_of(widget, code):
    return next(one for one in widget.options if one.endswith(f"({code})"))


def test_it_starts_with_the_top_unit_and_shows_its_chart(run):
    box = explorer(run, language="vi")
    assert "<h3>Tỉnh Gia Lai</h3>" in box.children[-1].value
    assert "<svg" in box.children[-1].value


def test_choosing_a_unit_changes_indicator_target_and_picture(run):
    unit, indicator, target, tried, shown = explorer(run, language="en").children
    unit.value = label_of(unit, "001")
    assert "<h3>Pleiku ward</h3>" in shown.value
    indicator.value = "late"
    assert [code for _name, code in target.options] == ["LATE-5"]
    assert tried.value == 0.05
    assert "Dossiers decided late" in shown.value


def test_the_threshold_tried_changes_only_the_probability(run):
    _unit, indicator, _target, tried, shown = explorer(run, language="en").children
    indicator.value = "online"
    own = shown.value
    tried.value = 0.2
    easy = shown.value
    tried.value = 0.95
    said = r"by December 2026: probability (\d+)%, [^;]*; "
    stored = int(re.search(rf"80\.0% {said}the calibrated probability", own)[1])
    assert int(re.search(rf"20\.0% {said}approximate", easy)[1]) > stored
    assert int(re.search(rf"95\.0% {said}approximate", shown.value)[1]) == 1


@pytest.mark.parametrize("code", ["999", "004", "64-D2", NASTY])
def test_units_with_missing_things_do_not_break_it(run, code):
    unit, *_others, shown = explorer(run, language="vi").children
    unit.value = label_of(unit, code)
    assert "<script>" not in shown.value


def open_levels(run):
    view = view_of(run, "en")
    rows = [row for unit in view.units for row in view.assessed(unit) if row.kind in ("level_at", "cumulative_count")]
    return view, [row for row in rows if not row.settled and math.isfinite(row.p_attain)]


def test_at_the_targets_own_threshold_and_deadline_it_says_the_stored_probability(run):
    view, rows = open_levels(run)
    assert len(rows) > 10
    for row in rows:
        assert p_tried(view.fan(row.unit, row.indicator), row, tried=row.threshold) == row.p_attain
        said = say_tried(view, unit=row.unit, indicator=row.indicator, target=row.target, tried=row.threshold)
        shown = f"by {period(row.deadline, 'en')}: probability {probability(row.p_attain, 'en')}, "
        assert shown in said and "approximate" not in said


@pytest.mark.parametrize("stored", [None, 0.01, 0.3, 0.77, 0.99])
def test_a_harder_threshold_is_never_likelier(run, stored):
    view, rows = open_levels(run)
    for row in rows:
        row = row if stored is None else row._replace(p_attain=stored)
        fan = view.fan(row.unit, row.indicator)
        low, high = min(fan.predicted.min(), row.threshold), max(fan.predicted.max(), row.threshold)
        tried = sorted([*np.linspace(low, high, 41), row.threshold], reverse=row.operator.startswith("<"))
        p = [p_tried(fan, row, tried=one) for one in tried]
        assert p == sorted(p, reverse=True) and 0.01 <= min(p) and max(p) <= 0.99, (row.unit, row.target)


def test_with_the_forecast_itself_as_probability_it_reads_the_quantiles_at_the_deadline(run):
    view, rows = open_levels(run)
    row = next(one for one in rows if one.target == "GL-FULL-80")
    fan = view.fan(row.unit, row.indicator)
    at = fan.periods.index("2026-12")
    threshold, tried = fan.predicted[at, 4], fan.predicted[at, 2]  # the upper and the lower quartile
    assert p_tried(fan, row._replace(threshold=threshold, p_attain=0.25), tried=tried) == pytest.approx(0.75)


def test_a_target_with_a_result_or_without_assessment_has_no_probability(run):
    view = view_of(run, "en")
    rows = [row for unit in view.units for row in view.assessed(unit)]
    closed = [row for row in rows if row.settled or not math.isfinite(row.p_attain)]
    assert {row.settled for row in closed} == {True, False}
    for row in closed:
        said = say_tried(view, unit=row.unit, indicator=row.indicator, target=row.target, tried=0.5)
        said = said.replace(view.target_name(row.target), "")
        assert said.endswith("; there is no probability.") and "%" not in said


def test_a_target_over_many_periods_has_its_own_probability_only(run):
    view = view_of(run, "en")
    row = next(one for one in view.assessed("002") if one.target == "GL-ONL-60")
    said = say_tried(view, unit="002", indicator="online", target="GL-ONL-60", tried=0.2)
    assert f"probability {probability(row.p_attain, 'en')}, " in said and "no other value can be tried" in said
    unit, _indicator, target, tried, _shown = explorer(run, language="en").children
    unit.value = label_of(unit, "002")
    assert not tried.disabled
    target.value = "GL-ONL-60"
    assert tried.disabled


def test_without_a_forecast_it_says_so(run):
    bare = replace(run, assessments=run.assessments[run.assessments["unit"] != "004"])
    said = say_tried(view_of(bare, "en"), unit="004", indicator="online", target="", tried=0.5)
    assert said == "There is no forecast for this choice."
