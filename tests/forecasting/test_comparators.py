"""The simple comparators by hand."""

import numpy as np
import pytest
import statsmodels.api as sm
from forecasting_make import make_panel

from analysis.forecasting.comparators import drift, linear_pace, naive, straight_line

NAN = np.nan


def test_naive_carries_the_last_observed_value():
    panel = make_panel([[0.1, 0.2, NAN], [NAN, NAN, NAN]])
    np.testing.assert_array_equal(naive(panel, horizon=2), [[0.2, 0.2], [NAN, NAN]])


def test_drift_runs_through_first_and_last_and_counts_the_gap():
    panel = make_panel([[10.0, NAN, 14.0, NAN]], kind="level")
    np.testing.assert_allclose(drift(panel, horizon=2), [[18.0, 20.0]])


def test_pace_looks_back_a_window_and_a_short_history_uses_what_it_has():
    panel = make_panel([[0.0, 10.0, 11.0, 12.0], [NAN, NAN, 5.0, 7.0], [NAN, NAN, NAN, 5.0]], kind="level")
    found = linear_pace(panel, horizon=1, window=2)
    np.testing.assert_allclose(found, [[13.0], [9.0], [NAN]])
    np.testing.assert_allclose(linear_pace(panel, horizon=3, window=3)[0], [16.0, 20.0, 24.0])


def test_straight_line_is_statsmodels_ols_with_gaps():
    values = np.array([[1.0, 2.5, NAN, 3.0, 5.0], [2.0, 1.0, 4.0, 3.0, 6.0], [NAN, NAN, NAN, NAN, 1.0]])
    found = straight_line(make_panel(values, kind="level"), horizon=2)
    seen = np.isfinite(values[0])
    fit = sm.OLS(values[0, seen], sm.add_constant(np.arange(5.0)[seen])).fit()
    np.testing.assert_allclose(found[0], fit.predict(sm.add_constant(np.array([5.0, 6.0]))))
    assert np.isnan(found[2]).all()


def test_lines_of_many_units_at_once_are_those_of_each_alone():
    rng = np.random.default_rng(0)
    values = np.where(rng.random((60, 9)) < 0.1, NAN, rng.normal(size=(60, 9)).cumsum(axis=1))
    together = straight_line(make_panel(values, kind="level"), horizon=1)
    alone = np.vstack([straight_line(make_panel(values[[row]], kind="level"), horizon=1) for row in range(60)])
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("model", [naive, drift, straight_line, linear_pace])
def test_shares_stay_shares(model):
    panel = make_panel([[0.5, 0.8, 0.95], [0.5, 0.2, 0.01]])
    found = model(panel, horizon=5)
    assert found.min() >= 0.0 and found.max() <= 1.0


def test_values_before_a_break_are_not_used():
    panel = make_panel([[100.0, 100.0, 1.0, 2.0]], kind="level", first=np.array([2]))
    np.testing.assert_allclose(drift(panel, horizon=1), [[3.0]])
