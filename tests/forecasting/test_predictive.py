"""Quantiles, probabilities and paths of one distribution agree with one another and with hand-computed cases."""

from dataclasses import replace

import numpy as np
import pytest
from forecasting_make import expit, make_panel, make_walks
from scipy import stats

from analysis.forecasting.ensemble import forecast_panel
from analysis.forecasting.predictive import Predictive
from analysis.forecasting.published import t_quantile, t_upper
from analysis.forecasting.scales import candidates


def make_predictive(mean, sd, *, df=1e9, kind="level", last=None, **rest):
    mean = np.atleast_2d(np.asarray(mean, dtype=float))
    n = len(mean)
    history = np.full((n, 4), 0.5 if kind == "rate" else 1.0)
    panel = make_panel(history, kind=kind, resolution=rest.pop("resolution", None))
    return Predictive(
        units=panel.units,
        scale=candidates(panel)[0],
        mean=mean,
        sd=np.broadcast_to(np.asarray(sd, dtype=float), mean.shape),
        df=np.full(n, float(df)),
        carry=np.full((n, mean.shape[1] - 1), 0.6),
        common=np.zeros(mean.shape[1]),
        last=np.full(n, 1.0 if last is None else last),
        cumulative=rest.pop("cumulative", False),
        seed=7,
    )


def test_normal_quantiles_and_probabilities_by_hand():
    predictive = make_predictive([[10.0, 20.0]], [[1.0, 2.0]])
    np.testing.assert_allclose(predictive.quantiles([0.1, 0.5]), [[[8.7184484, 10.0], [17.4368969, 20.0]]], atol=1e-6)
    assert predictive.p_exceeds(11.0, horizon=1)[0] == pytest.approx(stats.norm.sf(1.0), abs=1e-8)
    assert predictive.p_exceeds(20.0, horizon=2)[0] == pytest.approx(0.5)


def test_every_unit_may_have_its_own_threshold_and_horizon():
    predictive = make_predictive([[10.0, 20.0], [0.0, 5.0]], 1.0)
    found = predictive.p_exceeds(np.array([20.0, 1.0]), horizon=np.array([2, 1]))
    np.testing.assert_allclose(found, [0.5, stats.norm.sf(1.0)], atol=1e-8)
    assert np.isnan(predictive.p_exceeds(np.array([np.nan, 1.0]), horizon=1)).tolist() == [True, False]


def test_strictness_matters_by_one_published_step():
    predictive = make_predictive([[10.0]], 1.0, kind="count", resolution=1.0)
    at_least, above = (predictive.p_exceeds(10.0, horizon=1, strict=strict)[0] for strict in (False, True))
    assert at_least == pytest.approx(stats.norm.cdf(0.5), abs=1e-8)
    assert above == pytest.approx(stats.norm.sf(0.5), abs=1e-8)
    assert predictive.p_exceeds(9.0, horizon=1, strict=True)[0] == pytest.approx(at_least)


def test_thresholds_outside_the_bounds_are_certain():
    predictive = make_predictive([[0.0]], 1.0, kind="rate", last=0.5)
    assert predictive.p_exceeds(0.0, horizon=1)[0] == 1.0
    assert predictive.p_exceeds(1.1, horizon=1)[0] == 0.0


def test_a_cumulative_value_never_falls():
    predictive = make_predictive([[0.9, 0.8]], 0.5, kind="count", cumulative=True)
    assert predictive.quantiles([0.1]).min() == 1.0
    assert predictive.p_exceeds(1.0, horizon=2)[0] == 1.0
    paths = predictive.paths(n_paths=200)
    assert np.all(np.diff(paths, axis=1) >= 0) and paths.min() >= 1.0


def test_t_functions_are_symmetric_to_the_last_bits():
    z = np.array([-30.0, -2.5, -0.1, 0.0, 0.1, 2.5, 30.0])
    np.testing.assert_allclose(t_upper(z, np.full(7, 5.0)), stats.t.sf(z, 5), rtol=1e-9)
    np.testing.assert_allclose(t_upper(z, np.full(7, 5.0)) + t_upper(-z, np.full(7, 5.0)), 1.0, rtol=0, atol=2e-16)
    p = np.array([0.025, 0.5, 0.975])
    np.testing.assert_allclose(t_quantile(p, np.full(3, 4.0)), stats.t.ppf(p, 4), atol=1e-9)


def test_quantiles_and_probabilities_invert_each_other():
    predictive = forecast_panel(make_panel(expit(make_walks(units=30, periods=30))), horizon=4)
    for level in (0.05, 0.5, 0.9):
        at = predictive.quantiles([level])[:, 3, 0]
        np.testing.assert_allclose(predictive.p_exceeds(at, horizon=4), 1 - level, atol=1e-6)


def test_paths_have_the_stated_margins_and_are_published_values():
    values = np.round(expit(make_walks(units=10, periods=30)), 2)
    predictive = forecast_panel(make_panel(values, resolution=0.01), horizon=4)
    paths = predictive.paths(n_paths=20000)
    for horizon in (1, 4):
        for threshold in (0.4, 0.6):
            p = predictive.p_exceeds(threshold, horizon=horizon)
            np.testing.assert_allclose((paths[:, horizon - 1] >= threshold).mean(axis=1), p, atol=0.015)
    assert np.isin(np.unique(paths), np.arange(101) / 100).all()


def test_forty_cases_show_their_steps_and_miss_by_chance():
    """85 % in truth, 40 cases a month: below 32 of 40 in 13.5 % of months, however steady the unit is."""
    truth = stats.binom.sf(31, 40, 0.85)
    assert truth == pytest.approx(0.865, abs=0.0005)
    count, whole = np.random.default_rng(0).binomial(40, 0.85, (300, 30)).astype(float), np.full((300, 30), 40.0)
    predictive = forecast_panel(make_panel(count / whole, numerator=count, denominator=whole), horizon=1)
    p, between, next_up = (predictive.p_exceeds(threshold, horizon=1) for threshold in (0.8, 0.81, 0.825))
    assert p.mean() == pytest.approx(truth, abs=0.04)
    np.testing.assert_array_equal(between, next_up)  # nothing between 32 / 40 and 33 / 40 can be published
    assert (p - between).mean() == pytest.approx(stats.binom.pmf(32, 40, 0.85), abs=0.03)
    paths = predictive.paths(n_paths=5000, rows=np.arange(20))[:, 0]
    np.testing.assert_allclose(paths * 40, np.rint(paths * 40), atol=1e-9)
    np.testing.assert_allclose((paths >= 0.8).mean(axis=1), p[:20], atol=0.03)


def test_same_seed_same_bytes_and_a_subset_of_rows_is_a_subset_of_numbers():
    predictive = forecast_panel(make_panel(expit(make_walks(units=150, periods=30))), horizon=4)
    whole = predictive.paths(n_paths=30)
    assert whole.tobytes() == predictive.paths(n_paths=30).tobytes()
    rows = np.array([149, 3, 70])
    np.testing.assert_array_equal(predictive.paths(n_paths=30, rows=rows), whole[rows])
    np.testing.assert_array_equal(predictive.paths(n_paths=30, rows=rows, horizon=2), whole[rows, :2])
    assert not np.array_equal(predictive.paths(n_paths=30, seed=1), whole)


def test_common_shocks_make_units_move_together():
    apart = make_predictive(np.zeros((40, 3)), 1.0)
    together = replace(apart, common=np.full(3, 0.8))

    def spread_of_the_mean(predictive):
        return predictive.paths(n_paths=4000)[:, 2].mean(axis=0).std()

    assert spread_of_the_mean(apart) == pytest.approx(1 / np.sqrt(40), rel=0.1)
    assert spread_of_the_mean(together) == pytest.approx(np.sqrt(0.8 + 0.2 / 40), rel=0.1)


def test_errors_along_a_path_are_carried_on():
    predictive = make_predictive(np.zeros((1, 3)), 1.0)
    z = predictive.paths(n_paths=50000)[0]
    # carry .6, .6: e1 = r1, e2 = r2 + .6 r1, e3 = r3 + .6 r2 + .6 r1
    assert np.corrcoef(z[0], z[1])[0, 1] == pytest.approx(0.6 / np.sqrt(1.36), abs=0.02)
    assert np.corrcoef(z[1], z[2])[0, 1] == pytest.approx((0.6 + 0.36) / np.sqrt(1.36 * 1.72), abs=0.02)
