"""Selections: the right rows, the latest vintage, the tree, and a clear error for an unknown unit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.briefing.parts import provenance, title
from analysis.briefing.view import view_of
from analysis.words import schema
from analysis.words.errors import DataError
from analysis.words.schema import as_table


def test_a_history_holds_exactly_the_rows_of_its_unit_and_indicator(run):
    rows = run.observations
    mine = rows[(rows.unit == "001") & (rows.indicator == "online")]
    history = view_of(run, "vi").history("001", "online")
    assert history.periods == mine.period.tolist()
    assert history.values.tolist() == mine.value.tolist()
    assert history.denominator.tolist() == mine.denominator.tolist()


def test_of_two_vintages_the_latest_counts(run):
    older = run.observations[run.observations.unit == "001"].assign(vintage="2026-09", value=-1.0)
    both = as_table(pd.concat([run.observations, older]), schema.OBSERVATIONS)
    history = view_of(replace(run, observations=both), "vi").history("001", "online")
    assert history.values.tolist() == view_of(run, "vi").history("001", "online").values.tolist()
    assert len(history.flags) == len(history.periods)


def test_a_fan_is_periods_by_levels(run):
    fan = view_of(run, "vi").fan("001", "online")
    rows = run.forecasts[(run.forecasts.unit == "001") & (run.forecasts.indicator == "online")]
    assert fan.predicted.shape == (15, 7)
    assert fan.predicted[2, 3] == rows[(rows.horizon == 3) & (rows.quantile_level == 0.5)].predicted.item()
    low, high = fan.band(0.8)
    assert (low == fan.predicted[:, 1]).all() and (high == fan.predicted[:, 5]).all()
    assert fan.band(0.42) is None


def test_what_is_not_there_is_empty_and_not_an_error(run):
    view = view_of(run, "vi")
    assert view.history("999", "online").periods == [] and view.fan("999", "online").periods == []
    assert view.assessed("64-D2") == [] and len(view.rows("quality", "64-D2")) == 0


def test_an_unknown_unit_is_refused_with_a_suggestion(run):
    with pytest.raises(DataError) as caught:
        view_of(run, "vi").unit("64-D9")
    assert str(caught.value).startswith(
        "run factory: unit '64-D9': the run has no such unit. Allowed: one of the 10 codes"
    )
    assert "Did you mean '64-D" in str(caught.value)


def test_the_tree_is_walked_up_and_down(run):
    view = view_of(run, "vi")
    assert view.root == "64" and view.ancestors("001") == ["64"]
    assert sorted(view.children("64")) == sorted(set(run.units.unit) - {"64"})


def test_a_circle_of_parents_ends():
    units = as_table(pd.DataFrame({"unit": ["a", "b"], "name": ["", ""], "parent": ["b", "a"]}), schema.UNITS)
    empty = {
        name: schema.TABLES[name].empty()
        for name in ("indicators", "targets", "observations", "forecasts", "assessments")
    }
    empty |= {name: schema.TABLES[name].empty() for name in ("quality", "evidence", "scorecard")}
    view = view_of(schema.RunTables(run_id="r", params={}, units=units, **empty), "en")
    assert view.ancestors("a") == ["b"] or view.ancestors("a") == ["b", "a"]
    assert view.root in {"a", "b"} and view.cutoff == ""


def test_names_fall_back_to_the_other_language_and_to_the_code(run):
    assert view_of(run, "en").name("001") == "Pleiku ward"
    assert view_of(run, "en").name("64-D3") == "Sở Nội vụ"  # has no English name
    assert view_of(run, "en").name("nobody") == "nobody"


def test_levels_that_differ_between_horizons_are_refused(run):
    rows = run.forecasts
    broken = rows[
        ~((rows.unit == "001") & (rows.indicator == "online") & (rows.horizon == 2) & (rows.quantile_level == 0.5))
    ]
    with pytest.raises(DataError, match="quantile levels differ between horizons"):
        view_of(replace(run, forecasts=broken.reset_index(drop=True)), "vi").fan("001", "online")


def test_a_view_is_kept_for_the_next_page_of_the_same_run(run):
    assert view_of(run, "vi") is view_of(run, "vi")
    assert view_of(run, "vi") is not view_of(run, "en")
    assert view_of(replace(run), "vi") is not view_of(run, "vi")


def test_whole_numbers_that_are_missing_are_nan(run):
    [row] = [one for one in view_of(run, "vi").assessed("001") if one.target == "GL-FULL-80"]
    assert np.isnan(row.n_sub_units)


def test_figures_that_end_before_the_cutoff_are_not_said_to_reach_it(run):
    """A run of the quarter just ended, before its figures came in: 2026-08 is the newest, the cutoff 2026-09."""
    late = replace(run, observations=run.observations[run.observations["period"] <= "2026-08"])
    assert title(view_of(run, "vi"), "Đầu trang").text.endswith("số liệu đến tháng 9/2026")
    assert title(view_of(late, "vi"), "Đầu trang").text.endswith(
        "số liệu mới đến tháng 8/2026, dự báo tính từ cuối tháng 9/2026"
    )
    assert title(view_of(late, "en"), "Title").text.endswith(
        "data up to August 2026 only, forecast as of the end of September 2026"
    )
    said = provenance(view_of(late, "en"), notebook="n").html
    assert "August 2026" in said and "September 2026" in said


def test_figures_after_the_cutoff_of_an_earlier_quarter_are_no_newest_ones(run):
    early = replace(run, assessments=run.assessments.assign(cutoff="2026-03"))
    assert view_of(early, "vi").newest == "2026-03"
