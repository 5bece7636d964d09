"""From a panel to its predictive distribution: known truth, leakage, order, units of measure, odd series."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from forecasting_make import expit, make_panel, make_walks

from analysis.forecasting import ensemble
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.panel import truncate

LEVELS = [0.025, 0.1, 0.5, 0.9, 0.975]


def coverage(panel, *, n_known, horizon, interval=(1, 3)):
    quantiles = forecast_panel(truncate(panel, n_known), horizon=horizon).quantiles(LEVELS)
    seen = panel.values[:, n_known : n_known + horizon]
    return np.mean((seen >= quantiles[:, :, interval[0]]) & (seen <= quantiles[:, :, interval[1]]))


def test_80_per_cent_of_a_simulated_panel_lies_in_the_80_per_cent_interval():
    panel = make_panel(expit(make_walks(units=1500, periods=42, seed=11)))
    assert 0.78 <= coverage(panel, n_known=36, horizon=6) <= 0.83


@pytest.mark.slow
def test_coverage_on_a_simulated_country_of_3321_by_12():
    walks = make_walks(units=3321, periods=48, sd=0.15, drift=0.04, seed=12)
    season = 0.4 * np.sin(2 * np.pi * np.arange(48) / 12)
    panel = make_panel(expit(walks + season), season_length=12)
    assert 0.78 <= coverage(panel, n_known=36, horizon=12) <= 0.82
    assert 0.935 <= coverage(panel, n_known=36, horizon=12, interval=(0, 4)) <= 0.965


@pytest.mark.parametrize("narrowed", [1.0, 0.6])
def test_the_pit_of_a_simulated_panel_is_flat_and_of_forecasts_too_narrow_is_not(narrowed):
    """Where outcomes fall in their predictive distribution: every tenth holds a tenth of them."""
    panel = make_panel(expit(make_walks(units=2000, periods=42, sd=0.15, seed=14)))
    found = forecast_panel(truncate(panel, 36), horizon=6)
    found = replace(found, sd=narrowed * found.sd)
    pit = np.concatenate([1 - found.p_exceeds(panel.values[:, 35 + h], horizon=h) for h in range(1, 7)])
    shares = np.histogram(pit, bins=10, range=(0, 1))[0] / len(pit)
    flat = bool(np.abs(shares - 0.1).max() < 0.02)
    assert flat == (narrowed == 1.0), shares.round(3)


def test_probabilities_of_a_simulated_panel_are_calibrated():
    panel = make_panel(expit(make_walks(units=2000, periods=42, drift=0.01, seed=13)))
    p = forecast_panel(truncate(panel, 36), horizon=6).p_exceeds(0.8, horizon=6)
    outcome = panel.values[:, 41] >= 0.8
    for low in np.arange(0, 1, 0.2):
        inside = (p >= low) & (p < low + 0.2)
        if inside.sum() > 50:  # a sampling error of .5 / sqrt(n), and .03
            assert abs(p[inside].mean() - outcome[inside].mean()) < 0.03 + 0.6 / np.sqrt(inside.sum())
    assert np.mean((p - outcome) ** 2) < 0.75 * outcome.mean() * (1 - outcome.mean())


def test_nothing_after_the_cutoff_reaches_the_forecast():
    values = expit(make_walks(units=30, periods=36))
    planted = values.copy()
    planted[:, 24:] = 0.999
    known = [forecast_panel(truncate(make_panel(v, season_length=12), 24), horizon=4) for v in (values, planted)]
    np.testing.assert_array_equal(known[0].mean, known[1].mean)
    np.testing.assert_array_equal(known[0].sd, known[1].sd)


def test_past_forecasts_know_only_their_own_past():
    values = expit(make_walks(units=30, periods=30))
    planted = values.copy()
    planted[:, 20:] = np.linspace(0.1, 0.9, 10)
    pasts = [forecast_panel(make_panel(v), horizon=3, options=Options(scale="logit", fade=1.0, borrowed=4.0)).past
             for v in (values, planted)]  # fmt: skip
    early = pasts[0].origins <= 20
    assert early.sum() >= 3
    np.testing.assert_array_equal(pasts[0].mean[early], pasts[1].mean[early])


def test_shuffled_and_renamed_units_get_the_same_numbers_to_the_last_bit():
    values = expit(make_walks(units=300, periods=30))  # more than past.MAX_UNITS
    values[5, :10] = np.nan
    order = np.random.default_rng(0).permutation(300)
    one = forecast_panel(make_panel(values, season_length=12), horizon=3)
    other = forecast_panel(make_panel(values[order], season_length=12), horizon=3)
    np.testing.assert_array_equal(one.mean[order], other.mean)
    np.testing.assert_array_equal(one.sd[order], other.sd)
    p, q = one.p_exceeds(0.6, horizon=3), other.p_exceeds(0.6, horizon=3)
    np.testing.assert_array_equal(p[order], q)


def test_another_unit_of_measure_changes_nothing_but_the_unit():
    values = 50 + np.cumsum(np.random.default_rng(1).normal(0.5, 2, (20, 30)), axis=1)
    one = forecast_panel(make_panel(values, kind="level"), horizon=4)
    other = forecast_panel(make_panel(values * 1024.0, kind="level"), horizon=4)
    np.testing.assert_allclose(one.quantiles(LEVELS) * 1024.0, other.quantiles(LEVELS), rtol=1e-9)
    np.testing.assert_allclose(one.p_exceeds(60.0, horizon=4), other.p_exceeds(60.0 * 1024.0, horizon=4), atol=1e-12)


@pytest.mark.parametrize("resolution", [None, 0.01])
@pytest.mark.parametrize("strict", [False, True])
def test_a_share_and_its_complement_tell_the_same_story(resolution, strict):
    values = expit(make_walks(units=25, periods=30))
    values = values if resolution is None else np.round(values, 2)
    options = Options(scale="logit")
    share = forecast_panel(make_panel(values, resolution=resolution), horizon=5, options=options)
    rest = forecast_panel(make_panel(1 - values, resolution=resolution), horizon=5, options=options)
    for threshold in (0.25, 0.5, 0.8, 0.97):
        p = share.p_exceeds(threshold, horizon=5, strict=strict)
        q = rest.p_exceeds(1 - threshold, horizon=5, strict=not strict)
        np.testing.assert_allclose(p, 1 - q, atol=1e-9)


def test_units_that_teach_the_panel_are_the_same_for_a_complement_and_in_any_measure():
    """More units than the learning takes: which ones it takes must not depend on how the values are written."""
    values = expit(make_walks(units=400, periods=24, seed=8))
    options = Options(scale="logit")
    share = forecast_panel(make_panel(values), horizon=4, options=options)
    rest = forecast_panel(make_panel(1 - values), horizon=4, options=options)
    p, q = share.p_exceeds(0.6, horizon=4, strict=False), rest.p_exceeds(0.4, horizon=4, strict=True)
    np.testing.assert_allclose(p, 1 - q, atol=1e-9)
    levels = make_panel(1000 * values, kind="level"), make_panel(64000 * values, kind="level")
    one, other = (forecast_panel(panel, horizon=4).quantiles(LEVELS) for panel in levels)
    np.testing.assert_allclose(one * 64, other, rtol=1e-9)


def test_six_point_windows_are_not_overconfident():
    """Regression: with the start values in the likelihood two points fitted perfectly and won."""
    panel = make_panel(expit(make_walks(units=800, periods=9, seed=4)))
    assert coverage(panel, n_known=6, horizon=3) > 0.74


def test_a_known_season_is_foreseen():
    walks = make_walks(units=40, periods=40, sd=0.05, drift=0.0)
    season = np.where(np.arange(40) % 12 == 0, 1.5, 0.0)
    panel = make_panel(expit(walks + season), season_length=12)
    ahead = forecast_panel(truncate(panel, 30), horizon=8).quantiles([0.5])[:, :, 0]
    jump = np.log(ahead[:, 6] / (1 - ahead[:, 6])) - np.log(ahead[:, 5] / (1 - ahead[:, 5]))  # column 36 is season 0
    assert 1.2 < np.median(jump) < 1.8


def test_growth_by_a_factor_is_put_on_the_log_scale_and_by_an_amount_on_the_raw_one():
    rng = np.random.default_rng(2)
    factor = 1000 * np.exp(np.cumsum(rng.normal(0.1, 0.05, (30, 24)), axis=1))
    amount = 5000 + np.cumsum(rng.normal(100, 30, (30, 24)), axis=1)
    assert ensemble.choose_scale(make_panel(factor, kind="count"), options=Options()).name == "log"
    assert ensemble.choose_scale(make_panel(amount, kind="count"), options=Options()).name == "raw"
    walks = make_panel(expit(make_walks(units=30, periods=24)))
    assert ensemble.choose_scale(walks, options=Options()).name == "logit"
    assert ensemble.choose_scale(walks, options=Options(scale="raw")).name == "raw"


def test_a_unit_not_heard_of_for_a_year_is_less_certain():
    values = expit(make_walks(units=40, periods=40))
    silent = values.copy()
    silent[0, -12:] = np.nan
    whole = forecast_panel(make_panel(values), horizon=1, options=Options(fade=1.0, borrowed=4.0))
    gap = forecast_panel(make_panel(silent), horizon=1, options=Options(fade=1.0, borrowed=4.0))
    assert gap.sd[0, 0] > 2 * whole.sd[0, 0]


NAN = np.nan
ODD = {
    "constant": ([np.full(24, 0.4)], "rate"),
    "zeros": ([np.zeros(24)], "rate"),
    "all ones": ([np.ones(24)], "rate"),
    "one jump": ([np.r_[np.full(12, 0.3), np.full(12, 0.8)]], "rate"),
    "two points": ([[0.2, 0.3]], "rate"),
    "four points": ([[0.2, 0.3, 0.35, 0.4]], "rate"),
    "a year of gaps": ([np.r_[np.linspace(0.2, 0.3, 12), np.full(12, NAN), np.linspace(0.5, 0.6, 6)]], "rate"),
    "silent for a year": ([np.r_[np.linspace(0.2, 0.3, 12), np.full(12, NAN)]], "rate"),
    "noughts and ones by season": (np.tile([0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0], (3, 4)), "rate"),
    "counts of nought": (np.zeros((3, 20)), "count"),
    "counts of any size": ([[3, 1, 4, 1, 5, 9, 2, 6], 1e6 * np.arange(1, 9), 1e12 + 1e9 * np.arange(8)], "count"),
    "levels below nought": (-np.exp(np.arange(20.0)).reshape(2, 10), "level"),
    "mixed sizes": (np.array([[1e-9], [1.0], [1e12]]) * np.linspace(1, 2, 20), "level"),
    "ranks": ([[3, 5, 4, 4, 3, 2, 2, 1], [1, 1, 1, 1, 1, 1, 1, 1]], "rank"),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("horizon", [1, 6])
def test_odd_series_get_finite_and_sane_answers(name, horizon):
    values, kind = ODD[name]
    panel = make_panel(values, kind=kind, season_length=12, resolution=1.0 if kind in ("count", "rank") else None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictive = forecast_panel(panel, horizon=horizon)
        quantiles = predictive.quantiles(LEVELS)
        p = predictive.p_exceeds(panel.last_value() * 1.05, horizon=horizon)
        paths = predictive.paths(n_paths=50)
    assert np.isfinite(quantiles).all() and np.isfinite(paths).all()
    assert np.all(np.diff(quantiles, axis=2) >= 0)
    assert np.all((p >= 0) & (p <= 1))
    assert np.all(predictive.sd > 0)  # never certain
    if kind == "rate":
        assert quantiles.min() >= 0 and quantiles.max() <= 1


def test_a_unit_with_one_point_or_none_is_not_forecast_and_spoils_nobody():
    values = expit(make_walks(units=20, periods=24))
    more = np.vstack([values, np.full(24, NAN), np.r_[np.full(23, NAN), 0.5]])
    predictive = forecast_panel(make_panel(more), horizon=3, options=Options(fade=1.0, borrowed=4.0, shocks=False))
    alone = forecast_panel(make_panel(values), horizon=3, options=Options(fade=1.0, borrowed=4.0, shocks=False))
    assert np.isnan(predictive.p_exceeds(0.5, horizon=3)[20:]).all()
    np.testing.assert_allclose(predictive.mean[:20], alone.mean, atol=1e-9)


def test_an_empty_panel_gives_an_empty_answer():
    panel = make_panel(np.zeros((0, 5)).reshape(0, 5), units=())
    assert forecast_panel(replace(panel), horizon=2).quantiles([0.5]).shape == (0, 2, 1)


def test_a_constant_unit_among_moving_ones_borrows_their_width():
    values = np.vstack([np.full(24, 0.7), expit(make_walks(units=20, periods=24))])
    predictive = forecast_panel(make_panel(values), horizon=3)
    assert predictive.sd[0, 0] > 0.02
    assert 0.5 < predictive.p_exceeds(0.69, horizon=3)[0] < 0.99


def test_a_panel_in_per_cent_gets_the_answer_of_the_same_panel_in_shares():
    shares = np.round(expit(1.5 + make_walks(units=30, periods=24)), 2)
    share = forecast_panel(make_panel(shares, resolution=0.01), horizon=4)
    per_cent = forecast_panel(make_panel(np.rint(100 * shares), kind="level", resolution=1.0), horizon=4)
    p, q = share.p_exceeds(0.9, horizon=4), per_cent.p_exceeds(90.0, horizon=4)
    np.testing.assert_allclose(p, q, atol=0.01)
    assert per_cent.quantiles([0.999]).max() <= 100.0


@pytest.mark.slow
@pytest.mark.parametrize("n_periods", [12, 36])
def test_intervals_of_a_unit_alone_are_as_wide_as_it_errs(n_periods):
    """A unit without a panel: its season, settings and spread all come from its own few points."""
    inside, cases = np.zeros(2), 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        season = rng.normal(0, 0.1, 12) if n_periods == 36 else np.zeros(12)
        walk = np.cumsum(rng.normal(0.01, 0.06, n_periods + 4))
        series = 1 + walk + season[np.arange(n_periods + 4) % 12] + rng.normal(0, 0.06, n_periods + 4)
        panel = make_panel(series[None, :n_periods], kind="level", season_length=12 if n_periods == 36 else 1)
        low95, low80, high80, high95 = forecast_panel(panel, horizon=4).quantiles([0.025, 0.1, 0.9, 0.975])[0].T
        after = series[n_periods:]
        inside += [((low80 <= after) & (after <= high80)).sum(), ((low95 <= after) & (after <= high95)).sum()]
        cases += 4
    assert 0.72 <= inside[0] / cases <= 0.88  # .70 with 36 months before season and settings were counted
    assert 0.88 <= inside[1] / cases <= 0.99


def test_two_years_of_months_with_a_season_are_not_too_narrow():
    """No past forecast with a season can be looked at yet, so the season's degrees of freedom widen the forecast."""
    rng = np.random.default_rng(4)
    season = rng.normal(0, 0.3, 12)[np.arange(30) % 12] + rng.normal(0, 0.1, (60, 12))[:, np.arange(30) % 12]
    values = expit(make_walks(units=60, periods=30, sd=0.05, common=0.2) + season + rng.normal(0, 0.1, (60, 30)))
    quantiles = forecast_panel(make_panel(values[:, :24], season_length=12), horizon=6).quantiles([0.1, 0.9])
    assert 0.74 <= np.mean((values[:, 24:] >= quantiles[:, :, 0]) & (values[:, 24:] <= quantiles[:, :, 1])) <= 0.88
