"""The explorer, without a browser: choices follow one another, what it shows follows the choices."""

import re

import pytest
from factory import NASTY

from analysis.briefing import explorer
from analysis.briefing.explore import say_tried
from analysis.briefing.view import view_of


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
    tried.value = 0.2
    easy = shown.value
    tried.value = 0.95
    assert re.search(r"20\.0% by December 2027: probability 98%", easy)
    assert re.search(r"95\.0% by December 2027: probability 2%", shown.value)


@pytest.mark.parametrize("code", ["999", "004", "64-D2", NASTY])
def test_units_with_missing_things_do_not_break_it(run, code):
    unit, *_others, shown = explorer(run, language="vi").children
    unit.value = label_of(unit, code)
    assert "<script>" not in shown.value


def test_without_a_forecast_it_says_so(run):
    assert (
        say_tried(view_of(run, "en"), unit="004", indicator="online", tried=0.5)
        == "There is no forecast for this choice."
    )
