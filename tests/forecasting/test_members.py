"""Theta beside statsmodels' ThetaModel for the same smoothing weight."""

import numpy as np
import pytest
from forecasting_make import make_walks
from statsmodels.tsa.forecasting.theta import ThetaModel

from analysis.forecasting import grid
from analysis.forecasting.members import theta_forecast


def test_slope_is_the_least_squares_slope_and_skips_missing_periods():
    values = np.array([[1.0, 3.0, 5.0, 7.0], [1.0, np.nan, 5.0, 7.0], [4.0, np.nan, np.nan, np.nan]])
    _, level, slope = grid.line_through(values, grid.points(np.isfinite(values)))
    np.testing.assert_allclose(slope, [2.0, 2.0, 0.0])
    np.testing.assert_allclose(level, [7.0, 7.0, 4.0])


def test_forecasts_agree_with_statsmodels_for_the_same_smoothing_weight(monkeypatch):
    y = make_walks(units=1, periods=40, seed=2)[0]
    theirs = ThetaModel(y, deseasonalize=False, use_test=False, method="additive").fit(use_mle=False)
    alpha = float(theirs.params["alpha"])
    monkeypatch.setattr(grid, "ALPHAS", (alpha,))
    # the rest of the start has faded away after 37 scored periods; what is left of it is their (1 - alpha)^T term
    np.testing.assert_allclose(theta_forecast(y[None, :], horizon=6)[0], theirs.forecast(6, theta=2), atol=2e-3)


def test_a_straight_line_is_carried_on_with_half_its_slope_more_than_ses():
    ahead = theta_forecast(np.arange(30.0)[None, :], horizon=3)[0]
    assert np.diff(ahead) == pytest.approx([0.5, 0.5])
    assert 28.0 < ahead[0] < 31.0
