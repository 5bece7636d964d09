"""The forecast page: the record as the evidence table has it, and plain words where we did not beat pace."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.briefing import forecast_page
from analysis.briefing.locale import number, percent
from analysis.briefing.scorecard import binned
from analysis.publishing.sanitise import is_clean
from analysis.words import schema

METHODS = (
    "title",
    "answer",
    "record",
    "reliability",
    "skill_by_horizon",
    "coverage",
    "limits",
    "method",
    "provenance",
    "end",
)


def soup(fragment):
    return BeautifulSoup(str(fragment.html), "html.parser")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_is_whole_and_clean_with_or_without_evidence(run, bare_run, language):
    for one in (run, replace(bare_run, evidence=schema.EVIDENCE.empty())):
        page = forecast_page(one, language=language)
        html = "".join(str(getattr(page, name)().html) for name in METHODS)
        assert is_clean(html) and html.count("<h1") == 1
        ids = re.findall(r'\sid="([^"]*)"', html)
        assert len(ids) == len(set(ids))


def test_it_says_plainly_where_ours_did_not_beat_pace(run):
    assert forecast_page(run, language="en").answer().text == (
        "At past deadlines, our probabilities had a smaller error than linear pace for 3 of 4 "
        "indicators; this was not the case for Dossiers decided late."
    )
    text = soup(forecast_page(run, language="vi").record()).get_text(" ")
    assert text.count("chưa tốt hơn tiến độ đều") == 1 and len(re.findall("(?<!chưa )tốt hơn tiến độ đều", text)) == 3


def test_the_record_prints_the_evidence_rows(run):
    rows = run.evidence[(run.evidence.slice_kind == "overall") & (run.evidence.model == "ensemble")]
    text = soup(forecast_page(run, language="vi").record()).get_text(" ")
    for row in rows.itertuples():
        for printed in (number(row.brier, "vi", 3), percent(row.skill_pace, "vi", 0), percent(row.coverage80, "vi", 0)):
            assert printed in text


def test_without_evidence_there_is_no_claim(run):
    page = forecast_page(replace(run, evidence=schema.EVIDENCE.empty(), extra={}), language="en")
    assert page.answer().text == "There is no track record yet: the data has no past deadline to test."
    assert page.reliability().kind == page.skill_by_horizon().kind == "note"


def test_the_reliability_chart_shows_its_bins_and_their_table(run):
    many = pd.concat([run.scorecard] * 12, ignore_index=True)
    bins = binned(many)
    page = soup(forecast_page(replace(run, scorecard=many), language="en").reliability())
    assert len(page.find("details").tbody.find_all("tr")) == len(bins) > 1
    off = (bins.n * (bins.share - bins.mean_p).abs()).sum() / bins.n.sum()
    assert f"differ by {100 * off:.1f} percentage points on average" in page.figcaption.text
    assert f"past probabilities: {bins.n.sum()}, groups: {len(bins)}" in page.figcaption.text


def test_skill_by_horizon_names_who_is_not_better_everywhere(run):
    page = forecast_page(run, language="en").skill_by_horizon()
    assert page.text.startswith("Not better than linear pace at one or more horizons: Dossiers decided late")
    better = run.evidence[run.evidence.indicator != "late"].reset_index(drop=True)
    text = forecast_page(replace(run, evidence=better), language="en").skill_by_horizon().text
    assert text.startswith("Better than linear pace at every horizon tested")


def test_horizons_are_sorted_as_numbers(run):
    header = [
        one.text
        for one in soup(forecast_page(run, language="en").skill_by_horizon()).find("details").thead.find_all("th")
    ]
    assert header == ["Indicator", "3", "6", "12"]


def test_bands_that_were_too_narrow_are_named(run):
    narrow = run.evidence.assign(coverage80=np.where(run.evidence.indicator == "vneid", 0.5, run.evidence.coverage80))
    text = forecast_page(replace(run, evidence=narrow), language="en").coverage().text
    assert text == "The 80% intervals were too narrow for VNeID level-2 accounts."


def test_j_is_told_with_what_it_means(run):
    text = forecast_page(run, language="en").limits().text
    assert "J is the number of past deadlines that do not overlap" in text and "4 of 4 indicators" in text


def test_the_models_stand_side_by_side_with_the_best_in_bold(run):
    table = soup(forecast_page(run, language="en").models()).table
    assert [one.text for one in table.thead.find_all("th")] == [
        "Indicator",
        "ours",
        "linear pace, 12 periods",
        "base rate, known in hindsight",
    ]
    rows = run.evidence[(run.evidence.slice_kind == "overall")]
    for tr, code in zip(table.tbody.find_all("tr"), ("online", "vneid", "late", "score")):
        own = rows[rows.indicator == code].set_index("model").brier
        assert tr.b.text == f"{own.min():.3f}"


def test_where_even_the_base_rate_was_better_it_is_said(run):
    bad = run.evidence.assign(
        skill_climatology=np.where(run.evidence.indicator == "score", -0.2, run.evidence.skill_climatology)
    )
    page = forecast_page(replace(run, evidence=bad), language="en")
    assert (
        "Always forecasting the base rate would have been as good or better for Service index (QĐ 766)."
        in page.answer().text
    )
    assert "better than linear pace, not better than the base rate" in soup(page.record()).text


def test_without_bins_the_scorecards_own_cases_are_drawn_if_there_are_enough(run):
    many = pd.concat([run.scorecard.assign(cutoff=f"2025-{at + 1:02d}") for at in range(3)], ignore_index=True)
    page = forecast_page(replace(run, extra={}, scorecard=many), language="en").reliability()
    assert page.kind == "chart" and f"past probabilities: {len(many)}," in page.text
    assert forecast_page(replace(run, extra={}), language="en").reliability().kind == "note"
