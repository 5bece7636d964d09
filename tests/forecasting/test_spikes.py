"""A change far beyond all others moves the level, not the trend; a change of all units is none."""

import numpy as np
import pytest
from forecasting_make import make_panel

from analysis.forecasting import grid, holt
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.spikes import most_handed_on


def decline(*, units=40, periods=24, seed=0):
    """Logarithms that fall by 3 % a year, smoothly, each at its own speed."""
    rng = np.random.default_rng(seed)
    speed = -0.03 + rng.normal(0, 0.01, (units, 1)) + np.cumsum(rng.normal(0, 0.002, (units, periods)), axis=1)
    return 4 + rng.normal(0, 0.5, (units, 1)) + np.cumsum(speed, axis=1)


def test_a_spike_in_the_last_year_does_not_set_a_trend():
    """A country's mortality trebles in its last year: the forecast may stay there or fall, it does not treble again."""
    logs = decline()
    logs[3, -1] += 1.2
    found = forecast_panel(make_panel(np.exp(logs), kind="level"), horizon=7, options=Options(scale="log"))
    assert np.all(np.diff(found.mean[3]) < 0.1)
    assert found.sd[3, 0] > 5 * np.median(found.sd[:, 0])  # it is less certain than the others ...
    assert found.sd[3, 6] < 1.5  # ... and stays so, without exploding (it was 2.8)


def test_the_bound_by_hand():
    steps = np.tile([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0], (4, 1))
    steps[2, 6] = 21.0
    most = most_handed_on(steps)
    assert most[2, 6] == most[2, 7] == 10.0  # there and back
    assert np.isinf(np.delete(most.ravel(), [2 * 11 + 6, 2 * 11 + 7])).all()


@pytest.mark.parametrize("spike", [0.0, 9.0])
def test_what_moves_all_units_or_stays_within_ten_usual_changes_is_no_spike(spike):
    values = np.cumsum(np.random.default_rng(1).choice([-1.0, 1.0], (30, 30)), axis=1)
    values[5, -1] += spike
    assert most_handed_on(values) is None
    values[:, 20:] += 100.0  # everyone jumps
    most = most_handed_on(values)
    assert most is None or np.isinf(most).all()


def test_short_or_empty_histories_know_no_usual_change():
    assert most_handed_on(np.array([[1.0, 2.0, 100.0]])) is None
    assert most_handed_on(np.full((3, 20), np.nan)) is None
    assert most_handed_on(np.ones((3, 20))) is None
    assert most_handed_on(np.empty((0, 20))) is None


def test_gaps_are_bridged_and_other_units_are_left_alone():
    logs = decline(seed=2)
    logs[0, 15:18] = np.nan
    spiked = logs.copy()
    spiked[0, 20] += 2.0
    assert np.isfinite(most_handed_on(spiked)[0]).sum() == 2
    one, other = (grid.fit_grid(y, chosen=grid.settings()) for y in (logs, spiked))
    np.testing.assert_array_equal(one.slope[:, 1:], other.slope[:, 1:])


def test_the_slope_takes_no_more_than_the_bound():
    """The same end as if the last innovation had been the bound, but for the level."""
    logs = decline(units=20, seed=3)
    logs[7, -1] += 3.0
    fit = grid.fit_grid(logs)
    before = grid.fit_grid(logs[:, :-1])
    use = fit.settings.trend & (fit.settings.phi == 1.0)
    moved = np.abs(fit.slope[use, 7] - before.slope[use, 7])
    gain = (fit.settings.alpha * fit.settings.beta)[use]
    drift = np.abs(fit.drift - before.drift)
    assert np.all(moved <= gain * fit.most[7, -1] + 0.5 * drift + 0.01)


def test_order_changes_nothing():
    logs = decline(seed=4)
    logs[11, -2] += 2.0
    order = np.random.default_rng(0).permutation(len(logs))
    one, other = (forecast_panel(make_panel(np.exp(y), kind="level"), horizon=3) for y in (logs, logs[order]))
    np.testing.assert_array_equal(one.sd[order], other.sd)
    fit = grid.fit_grid(logs)
    loglik = grid.log_likelihood(fit)
    errors = holt.one_step_errors(logs, fit, loglik, prior=np.full(len(fit.settings), 1 / len(fit.settings)))
    assert np.nanmax(np.abs(errors[11])) > 1.5


def test_one_observed_period_has_no_changes():
    assert most_handed_on(np.array([[1.0], [2.0]])) is None
