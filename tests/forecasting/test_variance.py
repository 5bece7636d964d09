"""One-step variance: borrowed, faded, by size; never nought."""

import numpy as np
import pytest

from analysis.forecasting.variance import UNSEEN, one_step, size_factor


def spread_of(errors, **rest):
    errors = np.atleast_2d(errors)
    rest.setdefault("noise", None)
    rest.setdefault("floor", np.zeros(len(errors)))
    return one_step(errors, **rest)


def test_by_hand_with_the_choice_given():
    found = spread_of([[1.0, 1.0, 3.0], [2.0, 2.0, np.nan], [0.0, 0.0, 0.0]], choice=(0.5, 4.0))
    # faded means: 9.75 / 1.75; 6 / 1.5 = 4; 0 / 1.75; their median is 4. Errors counted: 1.75^2 / 1.3125 = 7 / 3 for
    # the first and last. Three units cannot tell how far apart they are: .5. The first keeps .5 / (.5 + 2 / (7 / 3)),
    # 7 / 19, of its own logarithm; the flat last one adds 4 errors of the median. Each widened by 2 / its own errors
    faded = np.array([(9.75 / 1.75) ** (7 / 19) * 4 ** (12 / 19), 4.0, 4 * 4 / (7 / 3 + 4)])
    np.testing.assert_allclose(found.variance, faded * [1 + 2 / 3, 1 + 2 / 2, 1 + 2 / 3])
    np.testing.assert_allclose(found.df[:1], [7 / 3 - 1 + 2 / 0.5 * (1 - 0.5 / 3)])


def test_calm_and_restless_units_are_told_apart_without_a_common_width():
    rng = np.random.default_rng(3)
    sd = np.repeat([0.1, 1.0, 10.0], 40)
    found = np.sqrt(spread_of(rng.normal(0, sd[:, None], (120, 30))).variance) / sd
    for group in found.reshape(3, 40):
        assert 0.9 < np.median(group) < 1.2


def test_where_nothing_ever_moved_a_little_movement_is_still_allowed():
    found = spread_of(np.zeros((3, 10)))
    assert np.all(found.variance > 0.1 * UNSEEN)


def test_the_floor_is_a_floor():
    found = spread_of(np.full((2, 10), 0.1), floor=np.array([0.0, 4.0]))
    assert found.variance[0] < 0.1
    assert found.variance[1] >= 4.0


def test_a_panel_whose_errors_calm_down_fades_the_old_ones():
    rng = np.random.default_rng(0)
    sd = np.repeat([1.0, 0.1], 15)
    found = spread_of(rng.normal(0, sd, (60, 30)))
    assert found.fade < 1.0
    assert np.sqrt(np.median(found.variance)) < 0.25
    steady = spread_of(rng.normal(0, 1.0, (60, 30)))
    assert steady.fade >= 0.95


def test_units_that_differ_borrow_less_than_units_that_are_alike():
    rng = np.random.default_rng(1)
    alike = spread_of(rng.normal(0, 1.0, (60, 30)))
    differ = spread_of(rng.normal(0, np.exp(rng.normal(0, 1.5, (60, 1))), (60, 30)))
    assert alike.borrowed > differ.borrowed


def test_small_units_borrow_a_wider_target_as_far_as_the_panel_shows_it():
    rng = np.random.default_rng(2)
    noise = np.exp(rng.uniform(-4, 0, 90))
    tied = size_factor(rng.normal(0, np.sqrt(noise)[:, None], (90, 30)) ** 2, noise=noise)
    free = size_factor(rng.normal(0, 1, (90, 30)) ** 2, noise=noise)
    assert np.log(tied.max() / tied.min()) == pytest.approx(np.log(noise.max() / noise.min()), rel=0.15)
    assert free.max() / free.min() < 1.6
    np.testing.assert_array_equal(size_factor(np.ones((5, 3)), noise=np.ones(5)), 1.0)
