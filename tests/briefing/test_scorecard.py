"""The scorecard: misses first, causes named, our lean told, bins by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.briefing import scorecard_page
from analysis.briefing.scorecard import binned
from analysis.publishing.sanitise import is_clean
from analysis.words import schema
from analysis.words.schema import as_table

METHODS = (
    *("title", "answer", "misses", "causes", "reliability", "by_target", "by_horizon", "by_quarter"),
    *("on_track", "early", "provenance", "end"),
)


def with_cases(run, rows):
    """(unit, p, outcome, cause)"""
    made = [
        dict(
            unit=unit,
            target="GL-VNEID",
            cutoff=f"2025-{at + 1:02d}",
            p_attain=p,
            outcome=o,
            cause=cause,
            brier=(p - o) ** 2,
        )
        for at, (unit, p, o, cause) in enumerate(rows)
    ]
    return replace(run, scorecard=as_table(pd.DataFrame(made), schema.SCORECARD))


def soup(fragment):
    return BeautifulSoup(str(fragment.html), "html.parser")


FOUR = [("001", 0.9, 1.0, ""), ("001", 0.8, 0.0, "shock"), ("002", 0.95, 0.0, "model"), ("002", 0.2, 0.0, "")]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_is_whole_and_clean_with_and_without_cases(run, language):
    for one in (run, replace(run, scorecard=schema.SCORECARD.empty())):
        page = scorecard_page(one, language=language)
        html = "".join(str(getattr(page, name)().html) for name in METHODS)
        assert is_clean(html) and html.count("<h1") == 1


def test_the_answer_counts_right_calls_and_tells_the_lean(run):
    text = scorecard_page(with_cases(run, FOUR), language="en").answer().text
    assert text == (
        "2 of 4 past forecasts were on the right side; the average probability was 71%, and the target "
        "was met in 25% of cases, so we were too optimistic by 46 percentage points."
    )


@pytest.mark.parametrize(
    ("rows", "lean"),
    [
        ([("001", 0.5, 1.0, ""), ("001", 0.5, 0.0, "")], "neither too optimistic nor too pessimistic"),
        ([("001", 0.4, 1.0, ""), ("001", 0.4, 1.0, "")], "too pessimistic by 60 percentage points"),
    ],
)
def test_all_leans_are_said(run, rows, lean):
    assert lean in scorecard_page(with_cases(run, rows), language="en").answer().text


def test_the_surest_miss_comes_first_with_its_cause(run):
    rows = soup(scorecard_page(with_cases(run, FOUR), language="en").misses()).tbody.find_all("tr")
    assert [[one.text for one in tr.find_all(["th", "td"])][::5] for tr in rows] == [
        ["Ia Grai commune", "our model"],
        ["Pleiku ward", "a common shock moved all units"],
    ]


def test_causes_are_counted(run):
    rows = soup(scorecard_page(with_cases(run, FOUR), language="en").causes()).tbody.find_all("tr")
    assert [[one.text for one in tr.find_all(["th", "td"])] for tr in rows] == [
        ["our model", "1", "50%"],
        ["a common shock moved all units", "1", "50%"],
    ]


def test_no_miss_is_said_and_nothing_to_score_is_something_else(run):
    page = scorecard_page(with_cases(run, FOUR[:1]), language="en")
    assert page.misses().text == page.causes().text == "No forecast was wrong."
    assert scorecard_page(replace(run, scorecard=schema.SCORECARD.empty()), language="en").misses().text == (
        "There is nothing to compare yet."
    )


def test_few_cases_make_no_picture(run):
    assert scorecard_page(with_cases(run, FOUR), language="en").reliability().kind == "note"


def test_bins_hold_what_a_hand_count_gives():
    p = np.array([0.05, 0.1, 0.1, 0.95, 1.0])
    bins = binned(pd.DataFrame({"p_attain": p, "outcome": [0.0, 1.0, 0.0, 1.0, 1.0]}))
    assert bins.n.tolist() == [1, 2, 2]
    assert bins.mean_p.tolist() == pytest.approx([0.05, 0.1, 0.975])
    assert bins.share.tolist() == [0.0, 0.5, 1.0]
    # Wilson, n = 2, share 1/2: 1/2 +- 1.96 / (1 + 1.96^2 / 2) x sqrt(1/8 + 1.96^2 / 16)
    half = 1.96 / (1 + 1.96**2 / 2) * np.sqrt(0.125 + 1.96**2 / 16)
    assert bins.share_lower[1] == pytest.approx(0.5 - half) and bins.share_upper[1] == pytest.approx(0.5 + half)


def test_enough_cases_are_drawn(run):
    rng = np.random.default_rng(0)
    rows = [
        (unit, float(p), float(rng.uniform() < p), "")
        for unit in ("001", "002", "003")
        for p in np.linspace(0.05, 0.95, 12)
    ]
    page = scorecard_page(with_cases(run, rows), language="vi").reliability()
    assert page.kind == "chart" and "36 xác suất đã dự báo" in page.text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_it_says_how_many_probabilities_were_published_at_the_time(run, language):
    rows = [("001", 0.9, 1.0, ""), ("002", 0.8, 0.0, "model"), ("003", 0.2, 0.0, ""), ("003", 0.1, 0.0, "")]
    mixed = with_cases(run, rows)
    origins = ["published", "recomputed", "recomputed", "recomputed"]
    table = mixed.scorecard.sort_values("cutoff").assign(origin=origins, figures_then=[True, True, True, False])
    text = str(scorecard_page(replace(mixed, scorecard=table), language=language).answer().html)
    said = {
        "vi": "Trong đó 1 lần đã công bố vào lúc đó; 2 lần được tính lại từ số liệu có khi đó; "
        "1 lần được tính lại với số liệu hiện nay.",
        "en": "Of these, published at the time: 1; recomputed from the data of that time: 2; "
        "recomputed with today&#39;s figures: 1.",
    }
    assert said[language] in text


def cells(fragment):
    return [[one.text for one in tr.find_all(["th", "td"])] for tr in soup(fragment).tbody.find_all("tr")]


def changed(run, **columns):
    """The four cases in the order of their cutoffs, with other columns."""
    mixed = with_cases(run, FOUR)
    return replace(mixed, scorecard=mixed.scorecard.sort_values("cutoff", ignore_index=True).assign(**columns))


def test_what_is_known_before_the_deadline_is_apart_and_in_no_other_figure(run):
    page = scorecard_page(changed(run, early=[False, True, True, False]), language="en")
    said = "2 of 2 past forecasts were on the right side; the average probability was 55%"
    assert page.answer().text.startswith(said)
    assert page.misses().text == "No forecast was wrong."
    assert [row[1:] for row in cells(page.by_target())] == [["2", "0", "55%", "50%", "0.025"]]  # (0.01 + 0.04) / 2
    assert [row[1:] for row in cells(page.early())] == [["2", "2", "88%", "0%", "0.771"]]  # (0.64 + 0.9025) / 2
    assert len(page.view.scored) == 2
    only = scorecard_page(changed(run, early=True), language="en")
    assert only.answer().text == "None of our past forecasts has reached its deadline yet."


def test_horizons_and_quarters_have_their_own_records(run):
    page = scorecard_page(changed(run, horizon=pd.array([3, 3, 6, 6], dtype="Int64")), language="en")
    assert [row[:3] for row in cells(page.by_horizon())] == [["3", "2", "1"], ["6", "2", "1"]]
    assert [row[1:3] for row in cells(page.by_quarter())] == [["1", "0"], ["1", "1"], ["1", "1"], ["1", "0"]]


def test_promises_called_on_track_are_followed_up(run):
    said = "Of 3 targets forecast on track (probability of at least 80%), 1 were met: 33%."
    assert scorecard_page(with_cases(run, FOUR), language="en").on_track().text == said
    assert scorecard_page(with_cases(run, FOUR[3:]), language="en").on_track().kind == "note"


def test_misses_common_to_all_units_are_one_and_each_part_is_named(run):
    split = {"from_revision": -0.3, "from_changed_target": 0.0, "from_shock": -0.5, "from_model": [0, 0.0, -0.15, 0]}
    same = dict(cutoff="2025-02", common=[False, True, True, False])
    page = scorecard_page(changed(run, **split, **same), language="en")
    (row,) = cells(page.misses())
    assert row[0] == "2 units together" and row[3].startswith("88%")
    why = "a common shock moved all units: −50 percentage points; the figure was revised: −30 percentage points; "
    assert row[5] == why + "our model: −8 percentage points"
    assert [one[1] for one in cells(page.causes())] == ["1"]


def test_the_pace_is_compared_on_the_forecasts_that_have_one(run):
    page = scorecard_page(changed(run, p_pace=[1.0, 1.0, np.nan, np.nan]), language="en")
    # pace: (0 + 1) / 2; ours on these two: (0.01 + 0.64) / 2
    html = str(page.answer().html)
    assert "error of the linear pace; ours on the same 2 forecasts: 0.325" in html and "0.500" in html
