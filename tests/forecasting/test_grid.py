"""The pooled grid beside a slow oracle written with scalars, and beside statsmodels; spikes move the level alone."""

import math

import numpy as np
import pytest
from forecasting_make import make_panel, make_walks
from statsmodels.tsa.holtwinters import ExponentialSmoothing, Holt, SimpleExpSmoothing

from analysis.forecasting import grid, members
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.grid import most_handed_on


def oracle(series, alpha, beta, phi, d):
    """One series, one setting, in plain Python: start, state recursion, squared errors; None is a missing period."""
    seen = [t for t, y in enumerate(series) if not math.isnan(y)]
    k = max(2, min(5, len(seen) // 3))
    used = seen[:k]
    mean_t, mean_y = sum(used) / len(used), sum(series[t] for t in used) / len(used)
    spread = sum((t - mean_t) ** 2 for t in used)
    moved = sum((t - mean_t) * (series[t] - mean_y) for t in used)
    slope = moved / spread if spread else d  # one point: no slope of its own
    if beta > 0:
        level, trend = mean_y + slope * (used[-1] - mean_t), slope - d
    else:
        level, trend = mean_y + d * (used[-1] - mean_t), 0.0
    sse, scored = 0.0, 0
    for y in series[used[-1] + 1 :]:
        forecast = level + d + phi * trend
        if math.isnan(y):
            level, trend = forecast, phi * trend
            continue
        error = y - forecast
        level, trend = forecast + alpha * error, phi * trend + alpha * beta * error
        sse, scored = sse + error**2, scored + 1
    return level, trend, sse, scored


def setting(alpha, beta, phi):
    """Settings without any share of the panel's drift."""
    return grid.Settings(alpha, beta, phi, np.zeros(len(alpha)))


@pytest.fixture(name="gappy")
def fixture_gappy():
    values = make_walks(units=12, periods=20)
    values[0, :7] = np.nan  # opens late
    values[1, 5:9] = np.nan  # a gap
    values[2, -3:] = np.nan  # not reported lately
    values[3, 4:] = np.nan  # four points
    values[4, 1:] = np.nan  # one point
    values[5, ::2] = np.nan
    return values


def test_every_setting_of_every_series_equals_the_oracle(gappy):
    fit = grid.fit_grid(gappy)
    assert len(fit.settings) == 70
    assert fit.drift != 0.0
    for g in range(0, 70, 3):
        for row, series in enumerate(gappy):
            one = (fit.settings.alpha[g], fit.settings.beta[g], fit.settings.phi[g], fit.settings.common[g] * fit.drift)
            level, trend, sse, scored = oracle(series, *one)
            found = (fit.level[g, row], fit.slope[g, row], fit.sse[g, row], fit.n_scored[row])
            np.testing.assert_allclose(found, (level, trend, sse, scored), rtol=1e-10, atol=1e-12)


def test_start_values_are_kept_out_of_the_likelihood():
    """Six points: two start the line, four are scored; with the start counted the fit would look perfect."""
    six = np.array([[0.0, 5.0, 5.0, 5.0, 5.0, 5.0], *[[0.0, 1.0, 0.0, 1.0, 1.0, 0.0]] * 2])
    fit = grid.fit_grid(six)
    assert fit.drift == 0.0
    assert fit.n_scored[0] == 4.0
    steep = (fit.settings.alpha == 0.99) & (fit.settings.beta == 0.6) & (fit.settings.phi == 1.0)
    flat = (fit.settings.alpha == 0.99) & ~fit.settings.trend & (fit.settings.common == 0)
    assert fit.sse[steep, 0] > 25.0  # the line of the first two points foretold 10, then was corrected
    np.testing.assert_allclose(fit.sse[flat, 0], 2.5**2 * (1 + 0.01**2 + 0.01**4 + 0.01**6), rtol=1e-9)


def test_a_series_depends_on_its_neighbours_by_their_drift_alone_and_not_on_blocks(gappy, monkeypatch):
    monkeypatch.setattr(grid, "panel_drift", lambda values: 0.03)
    whole = grid.fit_grid(gappy)
    monkeypatch.setattr(grid, "BLOCK", 5)
    blocks = grid.fit_grid(gappy)
    alone = grid.fit_grid(gappy[7:8])
    np.testing.assert_array_equal(whole.sse, blocks.sse)
    np.testing.assert_array_equal(whole.level[:, 7], alone.level[:, 0])


def test_the_pooled_prior_is_the_same_to_the_last_bit_in_any_order_and_block_size(gappy, monkeypatch):
    fit = grid.fit_grid(gappy)
    loglik = grid.log_likelihood(fit)
    prior = grid.pooled_prior(loglik, n_scored=fit.n_scored)
    order = np.random.default_rng(1).permutation(len(gappy))
    shuffled = grid.pooled_prior(loglik[:, order], n_scored=fit.n_scored[order])
    np.testing.assert_array_equal(prior, shuffled)
    monkeypatch.setattr(grid, "BLOCK", 1)
    np.testing.assert_array_equal(prior, grid.pooled_prior(loglik, n_scored=fit.n_scored))
    assert prior.sum() == pytest.approx(1.0)


def test_the_panel_learns_how_much_trend_to_trust():
    rng = np.random.default_rng(3)
    flat = np.cumsum(rng.normal(0, 1, (60, 30)), axis=1)
    slopes = np.cumsum(rng.normal(0, 0.3, (60, 30)), axis=1)
    trended = np.cumsum(slopes + rng.normal(0, 0.3, (60, 30)), axis=1)

    def weight_of_trend(values):
        fit = grid.fit_grid(values)
        prior = grid.pooled_prior(grid.log_likelihood(fit), n_scored=fit.n_scored)
        return prior[fit.settings.trend & (fit.settings.beta >= 0.25)].sum()

    assert weight_of_trend(flat) < 0.2
    assert weight_of_trend(trended) > 0.9


def test_ses_and_damped_holt_equal_statsmodels_for_the_same_settings_and_start():
    y = make_walks(units=1, periods=24, seed=5)[0]
    first = grid.first_points(y[None, :])
    mean, level, slope = (one[0] for one in grid.line_through(y[None, :], first))
    rest = y[first.last[0] + 1 :]
    ses = SimpleExpSmoothing(rest, initialization_method="known", initial_level=mean).fit(0.35, optimized=False)
    chosen = setting(np.array([0.35]), np.array([0.0]), np.array([1.0]))
    fit = grid.fit_grid(y[None, :], chosen=chosen)
    assert fit.level[0, 0] == pytest.approx(ses.forecast(1)[0], abs=1e-10)
    assert fit.sse[0, 0] == pytest.approx(ses.sse, rel=1e-10)

    damped = ExponentialSmoothing(
        rest, trend="add", damped_trend=True, initialization_method="known", initial_level=level, initial_trend=slope
    ).fit(smoothing_level=0.5, smoothing_trend=0.25, damping_trend=0.93, optimized=False)
    chosen = setting(np.array([0.5]), np.array([0.25]), np.array([0.93]))
    fit = grid.fit_grid(y[None, :], chosen=chosen)
    ours = fit.level[0, 0] + fit.slope[0, 0] * grid.trend_sums(chosen.phi, horizon=6)[0]
    np.testing.assert_allclose(ours, damped.forecast(6), rtol=1e-9)

    plain = Holt(rest, initialization_method="known", initial_level=level, initial_trend=slope).fit(
        smoothing_level=0.5, smoothing_trend=0.25, optimized=False
    )
    chosen = setting(np.array([0.5]), np.array([0.25]), np.array([1.0]))
    fit = grid.fit_grid(y[None, :], chosen=chosen)
    ours = fit.level[0, 0] + fit.slope[0, 0] * grid.trend_sums(chosen.phi, horizon=6)[0]
    np.testing.assert_allclose(ours, plain.forecast(6), rtol=1e-9)


def test_variance_factors_by_hand():
    chosen = setting(np.array([0.5, 0.5]), np.array([0.0, 0.2]), np.array([1.0, 0.5]))
    # c_1 = .5 and .5 (1 + .2 * .5) = .55; c_2 = .5 and .5 (1 + .2 * .75) = .575
    np.testing.assert_allclose(
        grid.variance_factors(chosen, horizon=3), [[1, 1.25, 1.5], [1, 1 + 0.55**2, 1 + 0.55**2 + 0.575**2]]
    )


def test_the_mixture_is_the_weighted_mean_of_its_settings(gappy):
    fit = grid.fit_grid(gappy)
    loglik = grid.log_likelihood(fit)
    prior = grid.pooled_prior(loglik, n_scored=fit.n_scored)
    gap = np.zeros(len(gappy), dtype=int)
    gap[2] = 3
    mixed = members.mix(fit, loglik, prior=prior, horizon=4, gap=gap)
    for row in (0, 2, 7):
        w = np.exp(loglik[:, row]) * prior
        w /= w.sum()
        ahead = fit.level[:, row] + fit.slope[:, row] * grid.trend_sums(fit.settings.phi, horizon=4)[:, 2]
        ahead = ahead + 3 * fit.settings.common * fit.drift
        factor = grid.variance_factors(fit.settings, horizon=8)[:, 2 + gap[row]]
        assert mixed.mean[row, 2] == pytest.approx((w * ahead).sum())
        assert mixed.between[row, 2] == pytest.approx((w * (ahead - (w * ahead).sum()) ** 2).sum())
        assert mixed.factor[row, 2] == pytest.approx((w * factor).sum())


def test_a_longer_gap_widens_the_forecast(gappy):
    fit = grid.fit_grid(gappy)
    loglik = grid.log_likelihood(fit)
    prior = members.damped_prior(fit.settings)
    near = members.mix(fit, loglik, prior=prior, horizon=2, gap=np.zeros(len(gappy), dtype=int))
    far = members.mix(fit, loglik, prior=prior, horizon=2, gap=np.full(len(gappy), 6))
    assert np.all(far.factor > near.factor)
    np.testing.assert_array_equal(far.mean, near.mean)


def test_the_panels_drift_is_the_median_of_the_units_mean_changes():
    values = np.array([[0.0, 1.0, 4.0], [0.0, np.nan, 1.0], [5.0, 6.0, 5.0], [np.nan, 3.0, np.nan], [1.0, 1.0, 3.0]])
    assert grid.panel_drift(values) == 1.0  # of 2, 0 and 1; a unit with two points has no say
    assert grid.panel_drift(values[3:4]) == 0.0


def test_shared_growth_is_carried_on_where_one_units_would_fade():
    rng = np.random.default_rng(8)
    values = 0.1 * np.arange(20) + np.cumsum(rng.normal(0, 0.3, (200, 20)), axis=1)
    fit = grid.fit_grid(values)
    loglik = grid.log_likelihood(fit)
    prior = grid.pooled_prior(loglik, n_scored=fit.n_scored)
    assert fit.drift == pytest.approx(0.1, abs=0.02)
    assert prior[fit.settings.common == 1].sum() > 0.8
    ahead = members.mix(fit, loglik, prior=prior, horizon=5, gap=np.zeros(200, dtype=int)).mean
    assert np.median(ahead[:, 4] - ahead[:, 0]) == pytest.approx(0.4, abs=0.08)


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
    errors = members.one_step_errors(logs, fit, loglik, prior=np.full(len(fit.settings), 1 / len(fit.settings)))
    assert np.nanmax(np.abs(errors[11])) > 1.5


def test_one_observed_period_has_no_changes():
    assert most_handed_on(np.array([[1.0], [2.0]])) is None
