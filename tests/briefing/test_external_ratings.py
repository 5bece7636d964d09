"""Other bodies' labels beside our status: every label and every disagreement has its words."""

from dataclasses import replace

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.attainment import labels
from analysis.briefing import external_ratings
from analysis.briefing.view import view_of
from analysis.publishing.sanitise import is_clean

UNIT, TARGET = "001", "GL-FULL-80"


def fragment(run, rows, language="en"):
    table = pd.DataFrame([{"unit": UNIT, "target": TARGET, "note": ""} | row for row in rows])
    view = view_of(replace(run, extra={"crosswalk_labels": table}), language)
    return external_ratings.other_rules(view, unit=UNIT, rows=view.assessed(UNIT))


def said(body, label, sentence="", note=""):
    return {"body": body, "label": label, "sentence": sentence, "disagrees": sentence != "", "note": note}


def cells(found):
    row = BeautifulSoup(str(found.html), "html.parser").tbody.tr
    return [" ".join(one.text.split()) for one in row.find_all("td")][1:]  # without our own status


def test_every_label_and_every_way_to_part_has_words_in_both_languages():
    given = set(labels._SAYS) | set(labels._TRAFFIC.values()) | {"on_the_way"}
    assert set(external_ratings.LABELS) == given and tuple(external_ratings.BODIES) == labels.BODIES
    assert {*external_ratings.WHY, "traffic"} == set(labels.BODIES)  # traffic is our status in colours
    assert set(external_ratings.DIFFERENCES) == {"theirs_rosier", "theirs_darker"}


def test_a_label_that_parts_from_ours_comes_with_one_sentence_and_one_that_agrees_with_none(run):
    found = fragment(run, [
        said("un_progress", "on_track"), said("eurostat", "significant", "theirs_rosier"), said("escap", ""),
        said("healthy_people", "getting_worse", "theirs_darker"), said("nhs_assurance", "inconsistent"),
        said("traffic", "red"),
    ])  # fmt: skip
    assert cells(found) == [
        "on track to the target",
        "significant progress more optimistic than ours",
        "–",
        "getting worse more pessimistic than ours",
        "passing and failing by chance",
        "red",
    ]
    assert found.text.startswith("By other organisations' rules, 2 of 5 ratings differ") and is_clean(str(found.html))
    why = [one.text for one in BeautifulSoup(str(found.html), "html.parser").find_all("li")]
    assert why == [
        "Eurostat: it uses growth since the first figure; this report uses the forecast",
        "Healthy People: it measures progress so far, not whether the deadline will be met",
    ]


def test_a_unit_on_the_way_does_not_read_as_consistently_failing(run):
    found = fragment(run, [said("nhs_assurance", "consistent_fail", "theirs_darker", note="on_the_way")])
    assert "approaching the target, not there yet" in cells(found)[4] and "failing" not in str(found.html)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_without_labels_there_is_a_note(run, language):
    view = view_of(replace(run, extra={}), language)
    assert external_ratings.other_rules(view, unit=UNIT, rows=view.assessed(UNIT)).kind == "note"


def test_a_settled_target_is_past_all_rules(run):
    table = pd.DataFrame([{"unit": UNIT, "target": TARGET, "note": ""} | said("escap", "maintain")])
    view = view_of(replace(run, extra={"crosswalk_labels": table}), "en")
    settled = [one._replace(settled=True) for one in view.assessed(UNIT)]
    assert external_ratings.other_rules(view, unit=UNIT, rows=settled).kind == "note"
