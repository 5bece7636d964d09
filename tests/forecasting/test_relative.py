"""Thresholds set from the units' present values are asked of the past as they would have been set then."""

import numpy as np
import pytest

from analysis.forecasting import relative
from analysis.forecasting.calibration import calibrate_level
from analysis.forecasting.ensemble import forecast_panel
from analysis.forecasting.panel import Panel, truncate


def make_counts(*, seed=0, n=40, n_periods=24, growth=0.08):
    """Counts of very different size that all grow by about 8 % a period."""
    rng = np.random.default_rng(seed)
    y = rng.normal(10, 1.5, (n, 1)) + np.cumsum(rng.normal(growth, 0.03, (n, n_periods)), axis=1)
    periods = tuple(str(1990 + t) for t in range(n_periods))
    return Panel(tuple(f"{i:03d}" for i in range(n)), periods, np.round(np.exp(y)), kind="count", resolution=1.0)


def test_growth_targets_follow_and_common_or_unrelated_ones_do_not():
    panel = make_counts()
    now = panel.last_value()
    assert relative.moving(np.full(40, 30000.0), panel=panel) is None
    assert relative.moving(np.random.default_rng(1).permutation(now), panel=panel) is None
    assert relative.moving(np.full(40, np.nan), panel=panel) is None
    then = truncate(panel, 12)
    for threshold in (1.2 * now, np.round(1.2 * now, -2)):
        found = relative.moving(threshold, panel=panel)(then)
        np.testing.assert_allclose(found / then.last_value(), threshold / now)


def test_levels_below_zero_and_shares_follow_by_what_is_added():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 10, (30, 1)) + rng.normal(0, 0.1, (30, 8))
    panel = Panel(tuple(f"{i:02d}" for i in range(30)), tuple(str(2000 + t) for t in range(8)), values, kind="level")
    moved = relative.moving(values[:, -1] + 0.5, panel=panel)(truncate(panel, 3))
    np.testing.assert_allclose(moved, values[:, 2] + 0.5)
    shares = Panel(panel.units, panel.periods, 1 / (1 + np.exp(-values / 5)), kind="rate")
    logit = np.log(shares.values / (1 - shares.values))
    threshold = 1 / (1 + np.exp(-(logit[:, -1] + 0.3)))
    moved = relative.moving(threshold, panel=shares)(truncate(shares, 3))
    np.testing.assert_allclose(np.log(moved / (1 - moved)), np.clip(logit[:, 2], -6.9, 6.9) + 0.3, atol=0.05)


def test_a_growth_target_is_not_marked_down_because_the_past_never_saw_todays_level():
    """All units grow by 8 % a period; 20 % in three periods is likely, and the past says so."""
    panel = make_counts()
    threshold = 1.2 * panel.last_value()
    predictive = forecast_panel(panel, horizon=3)
    p = predictive.p_exceeds(threshold, horizon=3)
    moved = calibrate_level(panel, threshold=threshold, horizon=3, predictive=predictive).apply(p)
    stated = calibrate_level(
        panel, threshold=lambda then: 1.2 * then.last_value(), horizon=3, predictive=predictive
    ).apply(p)
    np.testing.assert_allclose(moved, stated)
    assert np.mean(moved) == pytest.approx(0.72, abs=0.12)  # 3 * .08 = .24 against log 1.2 = .18, spread .05
