"""Width and common share from past errors: known truth, little evidence, order."""

import numpy as np
import pytest

from analysis.forecasting import shocks
from analysis.forecasting.past import Past, look_back, n_apart, origins_of, some_rows


def make_past(z, *, horizon=1, first=10):
    """A past of standardised errors z, shape (K, k), one period apart."""
    z = np.asarray(z, dtype=float)
    shape = (*z.shape, horizon)
    error = np.repeat(z[:, :, None], horizon, axis=2)
    origins = np.arange(first, first + len(z))
    still = np.zeros(shape)
    return Past(np.arange(z.shape[1]), origins, still, np.ones(shape), error, np.full(z.shape, 30.0), still)


def test_origins_that_overlap_are_one():
    origins = np.array([6, 7, 8, 9, 10])
    assert n_apart(origins, horizon=1, n_periods=12) == 5
    assert n_apart(origins, horizon=4, n_periods=12) == 1  # realised: 6, 7, 8; 8 - 4 is before 6
    assert n_apart(origins, horizon=3, n_periods=20) == 2
    assert n_apart(origins, horizon=9, n_periods=12) == 0
    assert origins_of(5).size == 0


def test_errors_are_known_only_once_observed():
    y = np.arange(10.0)[None, :]
    past = look_back(
        y,
        forecast=lambda rows, n: (np.zeros((1, 3)), np.ones((1, 3)), np.ones(1), np.zeros((1, 3))),
        horizon=3,
        origins=np.array([6, 8]),
        rows=np.array([0]),
    )
    np.testing.assert_array_equal(past.error[:, 0], [[6, 7, 8], [8, 9, np.nan]])


def test_errors_twice_as_wide_as_stated_double_the_width_when_there_are_many():
    rng = np.random.default_rng(0)
    learned = shocks.learn(make_past(2 * rng.normal(size=(12, 200))), n_periods=40)
    assert learned.width[0] == pytest.approx(2.0, rel=0.06)
    assert learned.common[0] < 0.1
    assert learned.n_origins[0] == 12


def test_recent_origins_count_more_than_old_ones():
    np.testing.assert_allclose(shocks.recency(np.array([10, 16, 22]), horizon=6), [0.25, 0.5, 1.0])
    np.testing.assert_allclose(shocks.recency(np.array([0, 12, 24]), horizon=2), [0.25, 0.5, 1.0])  # the origins' step
    np.testing.assert_array_equal(shocks.recency(np.array([7]), horizon=2), [1.0])
    rng = np.random.default_rng(5)
    sd = np.repeat([2.0, 1.0], 6)[:, None]
    calmed = shocks.learn(make_past(sd * rng.normal(size=(12, 200))), n_periods=40)
    roused = shocks.learn(make_past(sd[::-1] * rng.normal(size=(12, 200))), n_periods=40)
    assert calmed.width[0] < 1.3 < 1.6 < roused.width[0]


def test_one_origin_moves_the_width_little_when_all_units_erred_together():
    learned = shocks.learn(make_past(np.full((1, 500), 2.5)), n_periods=40)
    assert 1.0 < learned.width[0] < 1.6  # of 2.5
    assert learned.n_origins[0] == 1


def test_errors_that_are_all_alike_are_common_whatever_their_sign():
    sign = np.array([1, -1, 1, 1, -1, -1, 1, -1, 1, -1])[:, None]
    learned = shocks.learn(make_past(sign * np.ones((10, 50))), n_periods=40)
    assert learned.common[0] > 0.8


def test_without_a_past_nothing_is_changed():
    past = make_past(np.empty((0, 5)), horizon=4)
    learned = shocks.learn(past, n_periods=40)
    np.testing.assert_array_equal(learned.width, 1.0)
    np.testing.assert_array_equal(learned.common, shocks.PRIOR_COMMON)


def test_a_horizon_nobody_has_lived_through_takes_the_longest_one_known():
    rng = np.random.default_rng(1)
    past = make_past(1.5 * rng.normal(size=(6, 50)), horizon=12)
    learned = shocks.learn(past, n_periods=20)  # origins 10..15: horizons up to 10
    assert learned.n_origins[9] == 1 and learned.n_origins[10] == 0
    assert learned.width[11] == learned.width[9]


def test_the_units_order_does_not_matter_to_the_last_bit():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(5, 60))
    z[2, 7] = np.nan
    order = rng.permutation(60)
    one, other = (shocks.learn(make_past(v), n_periods=40) for v in (z, z[:, order]))
    np.testing.assert_array_equal(one.width, other.width)
    np.testing.assert_array_equal(one.common, other.common)


def test_a_sample_of_units_is_chosen_by_their_values():
    values = np.random.default_rng(3).normal(size=(500, 6))
    order = np.random.default_rng(4).permutation(500)
    one, other = some_rows(values, at_most=50), some_rows(values[order], at_most=50)
    assert len(one) == 50
    assert {tuple(row) for row in values[one]} == {tuple(row) for row in values[order][other]}
    assert some_rows(values[:7]).tolist() == list(range(7))
