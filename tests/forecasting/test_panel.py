"""Panels by hand: periods in a row, gaps, vintages, breaks; and what a table says about itself."""

import numpy as np
import pandas as pd
import pytest

from analysis.forecasting.panel import as_panel, infer_cumulative, infer_kind, infer_resolution, truncate
from analysis.words.errors import DataError


def observations(**columns):
    rows = pd.DataFrame(columns)
    return rows.assign(indicator="x") if "indicator" not in rows else rows


def test_periods_are_consecutive_and_a_missing_month_is_nan():
    rows = observations(unit=["b", "a", "a"], period=["2022-03", "2022-01", "2022-03"], value=[0.3, 0.1, 0.2])
    panel = as_panel(rows, indicator={"indicator": "x"}, cutoff=None)
    assert panel.units == ("a", "b")
    assert panel.periods == ("2022-01", "2022-02", "2022-03")
    np.testing.assert_array_equal(panel.values, [[0.1, np.nan, 0.2], [np.nan, np.nan, 0.3]])
    assert (panel.kind, panel.cumulative, panel.season_length, panel.resolution) == ("rate", False, 12, None)


def test_what_lies_after_the_cutoff_is_not_seen_not_even_by_the_inference():
    rows = observations(unit=["a"] * 3, period=["2020", "2021", "2022"], value=[0.1, 0.2, 500.0])
    panel = as_panel(rows, indicator={"indicator": "x"}, cutoff="2021")
    assert panel.periods == ("2020", "2021")
    assert panel.kind == "rate"


def test_a_cutoff_after_the_data_leaves_empty_periods_at_the_end():
    rows = observations(unit=["a", "a"], period=["2020-Q1", "2020-Q2"], value=[0.1, 0.2])
    panel = as_panel(rows, indicator={"indicator": "x"}, cutoff="2020-Q4")
    np.testing.assert_array_equal(panel.values, [[0.1, 0.2, np.nan, np.nan]])
    assert panel.last_value() == [0.2]
    assert panel.season_length == 4


def test_the_latest_vintage_counts():
    rows = observations(
        unit=["a", "a"], period=["2020", "2020"], value=[0.4, 0.1], vintage=["2021-05-01", "2021-01-01"]
    )
    assert as_panel(rows, indicator={"indicator": "x"}, cutoff=None).values.item() == 0.4


def test_a_value_is_the_ratio_where_only_numerator_and_denominator_are_given():
    rows = observations(unit=["a"], period=["2020"], value=[np.nan], numerator=[3.0], denominator=[4.0])
    panel = as_panel(rows, indicator={"indicator": "x"}, cutoff=None)
    assert panel.values.item() == 0.75
    assert panel.denominator.item() == 4.0


def test_a_declared_break_restarts_the_usable_window_and_is_unknown_before_it():
    rows = observations(
        unit=["a"] * 4,
        period=["2019", "2020", "2021", "2022"],
        value=[0.1, 0.2, 0.7, 0.8],
        flags=["", "", "revised,break", ""],
    )
    panel = as_panel(rows, indicator={"indicator": "x"}, cutoff=None)
    assert panel.first.tolist() == [2]
    np.testing.assert_array_equal(panel.usable(), [[np.nan, np.nan, 0.7, 0.8]])
    assert truncate(panel, 2).first.tolist() == [0]
    assert truncate(panel, 3).first.tolist() == [2]


def test_what_the_indicator_states_wins_over_what_is_inferred():
    rows = observations(unit=["a"] * 2, period=["2020-01", "2020-02"], value=[0.1, 0.2])
    stated = {"indicator": "x", "kind": "level", "season_length": 1, "resolution": np.nan, "cumulative": True}
    panel = as_panel(rows, indicator=stated, cutoff=None)
    assert (panel.kind, panel.season_length, panel.cumulative, panel.resolution) == ("level", 1, True, None)


def test_an_indicator_without_rows_is_refused_by_name():
    rows = observations(unit=["a"], period=["2020"], value=[0.1])
    with pytest.raises(DataError) as caught:
        as_panel(rows, indicator={"indicator": "y"}, cutoff="2021")
    assert str(caught.value) == (
        "indicator 'y': it has no observation up to '2021'; indicators present: 'x'. Allowed: at least one row. "
        "Correct the indicator's code or the cutoff."
    )


@pytest.mark.parametrize("n_periods", [0, 3])
def test_truncate_refuses_a_length_outside_the_panel(n_periods):
    rows = observations(unit=["a", "a"], period=["2020", "2021"], value=[0.1, 0.2])
    panel = as_panel(rows, indicator={"indicator": "x"}, cutoff=None)
    with pytest.raises(DataError, match=rf"n_periods is {n_periods}. Allowed: 1..2"):
        truncate(panel, n_periods)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([[0.2, 0.5]], "rate"),
        ([[0.0, 1.0]], "rate"),
        ([[20.0, 50.0]], "level"),  # a per cent is not silently rescaled
        ([[98.6, 0.4]], "level"),
        ([[120.0, 3.0]], "count"),
        ([[-120.0, 3.0]], "level"),
        ([[np.nan, np.nan]], "level"),
    ],
)
def test_kind_is_inferred_from_the_values(values, kind):
    assert infer_kind(np.array(values)) == kind


def test_cumulative_needs_a_count_that_nearly_never_falls():
    rising = np.cumsum(np.full((60, 10), 50.0), axis=1)
    corrected = rising.copy()
    corrected[0, 5] -= 60.0  # one correction at the source among 540 steps
    assert infer_cumulative(rising, kind="count")
    assert infer_cumulative(corrected, kind="count")
    assert not infer_cumulative(rising, kind="level")
    assert not infer_cumulative(rising[:, ::-1], kind="count")
    assert not infer_cumulative(np.full((3, 10), 200.0), kind="count")


@pytest.mark.parametrize(
    ("values", "kind", "step"),
    [
        ([0.1, 0.25, 0.33, 0.5], "rate", 0.01),
        ([0.1, 0.2, 0.4, 0.5], "rate", 0.1),
        ([0.123, 0.25, 0.33, 0.5], "rate", 0.001),
        ([1 / 3, 0.25, 1 / 7, 0.5], "rate", None),
        ([0.0, 1.0, 1.0, 1.0], "rate", None),
        ([10.5, 11.0, 12.3, 15.0], "level", 0.1),
        ([1000.0, 200.0, 300.0, 500.0], "count", 1.0),
    ],
)
def test_published_step_is_the_coarsest_that_fits(values, kind, step):
    assert infer_resolution(np.array([values]), kind=kind) == step
