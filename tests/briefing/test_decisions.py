"""Who needs a decision: shares by hand, nothing settled or on track, at most ten, the same for any order of rows."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.briefing import overview_page
from analysis.briefing.decisions import MAX_ITEMS, missing, rank
from analysis.briefing.view import view_of
from analysis.words import schema
from analysis.words.schema import as_table


def with_gaps(run, rows):
    """The run with only these assessments: (unit, target, status, p, gap_cases)."""
    made = [
        dict(
            unit=unit,
            target=target,
            cutoff="2026-09",
            indicator="online",
            kind="level_at",
            operator=">=",
            status=status,
            p_attain=p,
            gap_cases=cases,
            gap=0.1,
            settled=status in ("met", "missed"),
            deadline="2026-12",
            threshold=0.8,
            current=0.7,
            n_sub_units=pd.NA,
        )
        for unit, target, status, p, cases in rows
    ]
    return replace(run, assessments=as_table(pd.DataFrame(made), schema.ASSESSMENTS))


def test_gain_is_the_mean_share_of_what_is_missing_times_the_chance_to_miss_it(run):
    rows = [
        ("001", "GL-FULL-80", "unlikely", 0.1, 300.0),
        ("002", "GL-FULL-80", "at_risk", 0.4, 100.0),
        ("001", "LATE-5", "on_track", 0.9, 50.0),
        ("002", "LATE-5", "at_risk", 0.4, 50.0),
    ]
    items = rank(view_of(with_gaps(run, rows), "vi"))
    assert [one.unit for one in items] == ["002", "001"]
    # 002: (100/400 x 0.6 + 50/50 x 0.6) / 2 targets; 001: 300/400 x 0.9 / 2
    assert [one.gain for one in items] == pytest.approx([(0.25 * 0.6 + 0.6) / 2, 0.75 * 0.9 / 2])
    assert (items[0].row.target, items[0].share, items[0].n_others) == ("LATE-5", 1.0, 1)


@pytest.mark.parametrize("status", ["met", "holding", "on_track", "missed", "not_assessable"])
def test_what_is_settled_on_track_or_unknown_asks_for_no_decision(run, status):
    run = with_gaps(run, [("001", "GL-FULL-80", status, 0.9, 100.0)])
    assert rank(view_of(run, "vi")) == []
    text = overview_page(run, language="en").decisions().text
    assert text == "No unit has an open target in doubt with a known gap, so no decision is needed."


def test_the_root_is_not_ranked_and_shares_are_within_a_depth_of_the_tree(run):
    items = rank(view_of(run, "vi"))
    assert "64" not in {one.unit for one in items}
    assert all(0 < one.share <= 1 for one in items)


def test_without_cases_the_gap_in_the_indicators_unit_counts(run):
    row = next(one for one in view_of(run, "vi").assessed("003") if one.target == "IDX-90")
    assert math.isnan(row.gap_cases) and missing(row) == row.gap > 0


def test_the_list_names_lead_due_date_and_at_most_ten_units(run):
    table = BeautifulSoup(str(overview_page(run, language="vi").decisions().html), "html.parser").table
    rows = table.tbody.find_all("tr")
    assert 0 < len(rows) <= MAX_ITEMS
    assert [one.text for one in table.thead.find_all("th")][-2:] == ["Chủ trì", "Hạn"]
    assert rows[0].a["href"].startswith("units/")
    assert any("văn bản không nêu" in one.text for one in rows)  # an owner is never invented


def test_the_order_of_rows_does_not_change_the_ranking(run):
    shuffled = as_table(run.assessments.sample(frac=1, random_state=1), schema.ASSESSMENTS)
    again = rank(view_of(replace(run, assessments=shuffled), "vi"))
    assert [(one.unit, one.gain) for one in again] == [(one.unit, one.gain) for one in rank(view_of(run, "vi"))]
