"""What past errors teach: width and common share, the common path and its weight; known truth, little evidence."""

import numpy as np
import pytest

from analysis.forecasting import past as lessons
from analysis.forecasting.ensemble import Options, forecast_panel, past_views
from analysis.forecasting.panel import Panel
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
        forecast=lambda n: (np.zeros((1, 3)), np.ones((1, 3)), np.ones(1), np.zeros((1, 3))),
        horizon=3,
        origins=np.array([6, 8]),
        rows=np.array([0]),
    )
    np.testing.assert_array_equal(past.error[:, 0], [[6, 7, 8], [8, 9, np.nan]])


def test_errors_twice_as_wide_as_stated_double_the_width_when_there_are_many():
    rng = np.random.default_rng(0)
    learned = lessons.learn_shocks(make_past(2 * rng.normal(size=(12, 200))), n_periods=40)
    assert learned.width[0] == pytest.approx(2.0, rel=0.06)
    assert learned.common[0] < 0.1
    assert learned.n_origins[0] == 12


def test_recent_origins_count_more_than_old_ones():
    np.testing.assert_allclose(lessons.recency(np.array([10, 16, 22]), horizon=6), [0.25, 0.5, 1.0])
    np.testing.assert_allclose(lessons.recency(np.array([0, 12, 24]), horizon=2), [0.25, 0.5, 1.0])  # the origins' step
    np.testing.assert_array_equal(lessons.recency(np.array([7]), horizon=2), [1.0])
    rng = np.random.default_rng(5)
    sd = np.repeat([2.0, 1.0], 6)[:, None]
    calmed = lessons.learn_shocks(make_past(sd * rng.normal(size=(12, 200))), n_periods=40)
    roused = lessons.learn_shocks(make_past(sd[::-1] * rng.normal(size=(12, 200))), n_periods=40)
    assert calmed.width[0] < 1.3 < 1.6 < roused.width[0]


def test_one_origin_moves_the_width_little_when_all_units_erred_together():
    learned = lessons.learn_shocks(make_past(np.full((1, 500), 2.5)), n_periods=40)
    assert 1.0 < learned.width[0] < 1.6  # of 2.5
    assert learned.n_origins[0] == 1


def test_errors_that_are_all_alike_are_common_whatever_their_sign():
    sign = np.array([1, -1, 1, 1, -1, -1, 1, -1, 1, -1])[:, None]
    learned = lessons.learn_shocks(make_past(sign * np.ones((10, 50))), n_periods=40)
    assert learned.common[0] > 0.8


def test_without_a_past_nothing_is_changed():
    past = make_past(np.empty((0, 5)), horizon=4)
    learned = lessons.learn_shocks(past, n_periods=40)
    np.testing.assert_array_equal(learned.width, 1.0)
    np.testing.assert_array_equal(learned.common, lessons.PRIOR_COMMON)


def test_a_horizon_nobody_has_lived_through_takes_the_longest_one_known():
    rng = np.random.default_rng(1)
    past = make_past(1.5 * rng.normal(size=(6, 50)), horizon=12)
    learned = lessons.learn_shocks(past, n_periods=20)  # origins 10..15: horizons up to 10
    assert learned.n_origins[9] == 1 and learned.n_origins[10] == 0
    assert learned.width[11] == learned.width[9]


def test_the_units_order_does_not_matter_to_the_last_bit():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(5, 60))
    z[2, 7] = np.nan
    order = rng.permutation(60)
    one, other = (lessons.learn_shocks(make_past(v), n_periods=40) for v in (z, z[:, order]))
    np.testing.assert_array_equal(one.width, other.width)
    np.testing.assert_array_equal(one.common, other.common)


def test_a_sample_of_units_is_chosen_by_their_values():
    values = np.random.default_rng(3).normal(size=(500, 6))
    order = np.random.default_rng(4).permutation(500)
    one, other = some_rows(values, at_most=50), some_rows(values[order], at_most=50)
    assert len(one) == 50
    assert {tuple(row) for row in values[one]} == {tuple(row) for row in values[order][other]}
    assert some_rows(values[:7]).tolist() == list(range(7))


def make_panel(values, *, start=2000):
    values = np.asarray(values, dtype=float)
    periods = tuple(str(start + t) for t in range(values.shape[1]))
    return Panel(tuple(f"{i:03d}" for i in range(len(values))), periods, values, kind="level")


def test_the_path_of_units_that_move_alike_is_their_common_movement():
    rng = np.random.default_rng(0)
    truth = np.cumsum(np.repeat([0.1, 0.9, -0.2], 8))
    y = rng.normal(0, 3, (200, 1)) + truth + rng.normal(0, 0.05, (200, 24))
    np.testing.assert_allclose(lessons.common_path(y), truth - truth[0], atol=0.03)


def test_units_that_move_apart_have_a_nearly_straight_path():
    y = np.cumsum(np.random.default_rng(1).normal(0.2, 1.0, (30, 40)), axis=1)
    path = lessons.common_path(y)
    bend = path - np.linspace(0, path[-1], 40)
    assert np.abs(bend).max() < 0.5  # the plain mean of 30 walks bends by about 1.1
    assert path[-1] == pytest.approx(0.2 * 39, abs=2.0)


def test_one_wild_unit_does_not_bend_the_path():
    y = np.outer(np.ones(20), np.arange(10.0))
    wild = y.copy()
    wild[3, 6:] += 1000.0
    np.testing.assert_allclose(lessons.common_path(wild), lessons.common_path(y), atol=1e-9)


def test_gaps_short_panels_and_single_units_have_a_path():
    rng = np.random.default_rng(2)
    y = np.cumsum(rng.normal(0.5, 0.1, (10, 12)), axis=1)
    y[:, 4:6] = np.nan  # nobody reported
    y[0] = np.nan
    path = lessons.common_path(y)
    assert np.isfinite(path).all() and path[-1] == pytest.approx(5.5, abs=0.4)
    assert lessons.common_path(y[:, :3]).tolist() == [0.0] * 3
    assert lessons.common_path(y[1:2]).tolist() == [0.0] * 12


def test_the_path_is_the_same_to_the_last_bit_in_any_order():
    y = np.random.default_rng(3).normal(size=(50, 15))
    y[5, 3] = np.nan
    order = np.random.default_rng(4).permutation(50)
    np.testing.assert_array_equal(lessons.common_path(y), lessons.common_path(y[order]))


def make_views(alone, together_error, *, n_origins):
    """Errors of the two views at origins that do not overlap, horizon 1."""
    lean = np.full((n_origins, 40, 1), 0.5 * (alone - together_error))
    error = np.full((n_origins, 40, 1), 0.5 * (alone + together_error))
    one = np.ones((n_origins, 40, 1))
    return Past(np.arange(40), np.arange(10, 10 + n_origins), 0 * one, one, error, one[:, :, 0], lean)


def test_without_evidence_both_views_count_the_same():
    assert lessons.common_weight(make_views(1.0, 0.5, n_origins=0), n_periods=30) == 0.5
    assert lessons.common_weight(make_views(1.0, 0.5, n_origins=5), n_periods=10) == 0.5  # none of them realised
    assert lessons.common_weight(make_views(0.7, 0.7, n_origins=5), n_periods=30) == 0.5


def test_the_odds_are_the_ratio_of_squared_errors_to_the_power_of_half_the_origins():
    for j, odds in ((2, 4.0), (4, 16.0)):
        weight = lessons.common_weight(make_views(1.0, 0.5, n_origins=j), n_periods=30)
        assert weight / (1 - weight) == pytest.approx(odds)
        other = lessons.common_weight(make_views(0.5, 1.0, n_origins=j), n_periods=30)
        assert other == pytest.approx(1 - weight)


def test_an_origin_knows_only_what_had_been_realised_by_then():
    views = make_views(1.0, 0.5, n_origins=4)
    settled = lessons.settled(views)
    assert settled.error[0, 0, 0] == views.error[0, 0, 0]  # nothing before the first
    late = make_views(1.0, 0.5, n_origins=4)
    late.error[3] = 99.0
    np.testing.assert_array_equal(lessons.settled(late).mean[:3], settled.mean[:3])
    assert abs(settled.error[3, 0, 0]) < abs(settled.error[1, 0, 0]) < abs(views.error[0, 0, 0])


def test_a_common_turn_is_followed_where_single_units_are_too_noisy_to_show_it():
    rng = np.random.default_rng(5)
    speed = np.repeat([0.0, 1.0], [20, 6])
    level = rng.normal(0, 5, (150, 1)) + np.cumsum(speed)
    panel = make_panel(level + rng.normal(0, 2.0, (150, 26)))
    ours = forecast_panel(panel, horizon=3).quantiles([0.5])[:30, 2, 0]
    lone = [forecast_panel(panel.rows(np.array([row])), horizon=3) for row in range(30)]
    alone = np.array([one.quantiles([0.5])[0, 2, 0] for one in lone])
    truth = level[:30, -1] + 3.0
    assert np.abs(ours - truth).mean() < 0.9 * np.abs(alone - truth).mean()


def test_both_views_end_at_the_same_place_when_all_units_are_alike():
    values = np.outer(np.ones(5), 10.0 + np.arange(12.0))
    panel = make_panel(values)
    found = forecast_panel(panel, horizon=2)
    np.testing.assert_allclose(found.quantiles([0.5])[:, 0, 0], 22.0, atol=0.2)
    views = past_views(panel, scale=found.scale, horizon=2, options=Options())
    assert np.isfinite(views.lean).all()
