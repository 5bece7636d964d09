"""Seasonal profiles: known ones recovered, none invented."""

import numpy as np
import pytest

from analysis.forecasting.seasonality import bridge, moving_average, no_profile, seasonal_profile

SEASON = np.sin(2 * np.pi * np.arange(12) / 12)


def wave(*, units, periods, size=1.0, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    trend = 0.02 * np.arange(periods)
    return size * np.resize(SEASON, periods) + trend + rng.normal(0, noise, (units, periods))


def test_a_moving_average_of_one_season_takes_a_pure_season_to_nothing():
    out = moving_average(np.resize(SEASON, 36)[None, :], m=12)
    np.testing.assert_allclose(out, 0.0, atol=1e-12)


def test_a_moving_average_of_a_line_is_the_line_ends_included():
    line = np.arange(28.0)[None, :]
    np.testing.assert_allclose(moving_average(line, m=12), line)
    np.testing.assert_allclose(moving_average(line, m=5), line)


def test_gaps_inside_are_bridged_and_ends_are_not():
    values = np.array([[np.nan, 1.0, np.nan, np.nan, 4.0, np.nan]])
    np.testing.assert_array_equal(bridge(values), [[np.nan, 1, 2, 3, 4, np.nan]])


@pytest.mark.parametrize("units", [1, 50])
def test_a_known_profile_is_recovered(units):
    profile = seasonal_profile(wave(units=units, periods=36), season_length=12, ratio=False)
    np.testing.assert_allclose(profile.index, np.tile(SEASON, (units, 1)), atol=0.15)
    assert np.all(profile.variance < 0.01)


def test_noise_is_shrunk_to_almost_no_profile():
    profile = seasonal_profile(wave(units=200, periods=36, size=0.0, noise=1.0), season_length=12, ratio=False)
    raw_size = 1.0 / 3  # variance of a mean of three
    assert np.mean(profile.index**2) < 0.35 * raw_size


def test_a_ratio_profile_is_about_one_and_follows_the_level():
    values = 1000.0 * (1.0 + 0.3 * np.resize(SEASON, 48)) * (1 + 0.01 * np.arange(48))
    profile = seasonal_profile(values[None, :], season_length=12, ratio=True)
    np.testing.assert_allclose(profile.index[0], 1.0 + 0.3 * SEASON, atol=0.02)
    np.testing.assert_array_equal(profile.at(start=13, length=2), profile.index[:, [1, 2]])


@pytest.mark.parametrize(("periods", "season_length"), [(23, 12), (36, 1)])
def test_below_two_seasons_there_is_no_profile(periods, season_length):
    profile = seasonal_profile(wave(units=3, periods=periods), season_length=season_length, ratio=False)
    np.testing.assert_array_equal(profile.index, no_profile(3).index)


def test_the_profile_is_the_same_to_the_last_bit_in_any_order_of_the_units():
    values = wave(units=31, periods=30)
    values[4, 3:9] = np.nan
    order = np.random.default_rng(0).permutation(31)
    whole = seasonal_profile(values, season_length=12, ratio=False)
    shuffled = seasonal_profile(values[order], season_length=12, ratio=False)
    np.testing.assert_array_equal(whole.index[order], shuffled.index)


def test_seasons_that_are_never_observed_keep_index_nought():
    values = wave(units=40, periods=48)
    values[:, 5::12] = np.nan
    profile = seasonal_profile(values, season_length=12, ratio=False)
    np.testing.assert_array_equal(profile.index[:, 5], 0.0)
    assert np.isfinite(profile.index).all()


def test_units_without_the_common_season_are_not_given_it():
    """Two thirds share a season, a third has none: each third is judged by itself, as if its kind were alone."""
    values = np.vstack([wave(units=40, periods=36, seed=1), wave(units=20, periods=36, size=0.0, seed=2)])
    index = seasonal_profile(values, season_length=12, ratio=False).index
    np.testing.assert_allclose(index[:40], np.tile(SEASON, (40, 1)), atol=0.2)
    assert np.mean(index[40:] ** 2) < 0.1**2 / 9  # a third of what the mean of three errors has by chance
    order = np.random.default_rng(0).permutation(60)
    np.testing.assert_array_equal(seasonal_profile(values[order], season_length=12, ratio=False).index, index[order])
