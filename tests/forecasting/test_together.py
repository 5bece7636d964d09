"""The common path and the weight of the view that has one: known truth, little evidence, order, no look ahead."""

import numpy as np
import pytest

from analysis.forecasting import together
from analysis.forecasting.ensemble import Options, forecast_panel, past_views
from analysis.forecasting.panel import Panel
from analysis.forecasting.past import Past


def make_panel(values, *, start=2000):
    values = np.asarray(values, dtype=float)
    periods = tuple(str(start + t) for t in range(values.shape[1]))
    return Panel(tuple(f"{i:03d}" for i in range(len(values))), periods, values, kind="level")


def test_the_path_of_units_that_move_alike_is_their_common_movement():
    rng = np.random.default_rng(0)
    truth = np.cumsum(np.repeat([0.1, 0.9, -0.2], 8))
    y = rng.normal(0, 3, (200, 1)) + truth + rng.normal(0, 0.05, (200, 24))
    np.testing.assert_allclose(together.common_path(y), truth - truth[0], atol=0.03)


def test_units_that_move_apart_have_a_nearly_straight_path():
    y = np.cumsum(np.random.default_rng(1).normal(0.2, 1.0, (30, 40)), axis=1)
    path = together.common_path(y)
    bend = path - np.linspace(0, path[-1], 40)
    assert np.abs(bend).max() < 0.5  # the plain mean of 30 walks bends by about 1.1
    assert path[-1] == pytest.approx(0.2 * 39, abs=2.0)


def test_one_wild_unit_does_not_bend_the_path():
    y = np.outer(np.ones(20), np.arange(10.0))
    wild = y.copy()
    wild[3, 6:] += 1000.0
    np.testing.assert_allclose(together.common_path(wild), together.common_path(y), atol=1e-9)


def test_gaps_short_panels_and_single_units_have_a_path():
    rng = np.random.default_rng(2)
    y = np.cumsum(rng.normal(0.5, 0.1, (10, 12)), axis=1)
    y[:, 4:6] = np.nan  # nobody reported
    y[0] = np.nan
    path = together.common_path(y)
    assert np.isfinite(path).all() and path[-1] == pytest.approx(5.5, abs=0.4)
    assert together.common_path(y[:, :3]).tolist() == [0.0] * 3
    assert together.common_path(y[1:2]).tolist() == [0.0] * 12


def test_the_path_is_the_same_to_the_last_bit_in_any_order():
    y = np.random.default_rng(3).normal(size=(50, 15))
    y[5, 3] = np.nan
    order = np.random.default_rng(4).permutation(50)
    np.testing.assert_array_equal(together.common_path(y), together.common_path(y[order]))


def make_views(alone, together_error, *, n_origins):
    """Errors of the two views at origins that do not overlap, horizon 1."""
    lean = np.full((n_origins, 40, 1), 0.5 * (alone - together_error))
    error = np.full((n_origins, 40, 1), 0.5 * (alone + together_error))
    one = np.ones((n_origins, 40, 1))
    return Past(np.arange(40), np.arange(10, 10 + n_origins), 0 * one, one, error, one[:, :, 0], lean)


def test_without_evidence_both_views_count_the_same():
    assert together.weight_of(make_views(1.0, 0.5, n_origins=0), n_periods=30) == 0.5
    assert together.weight_of(make_views(1.0, 0.5, n_origins=5), n_periods=10) == 0.5  # none of them realised
    assert together.weight_of(make_views(0.7, 0.7, n_origins=5), n_periods=30) == 0.5


def test_the_odds_are_the_ratio_of_squared_errors_to_the_power_of_half_the_origins():
    for j, odds in ((2, 4.0), (4, 16.0)):
        weight = together.weight_of(make_views(1.0, 0.5, n_origins=j), n_periods=30)
        assert weight / (1 - weight) == pytest.approx(odds)
        other = together.weight_of(make_views(0.5, 1.0, n_origins=j), n_periods=30)
        assert other == pytest.approx(1 - weight)


def test_an_origin_knows_only_what_had_been_realised_by_then():
    views = make_views(1.0, 0.5, n_origins=4)
    settled = together.settled(views)
    assert settled.error[0, 0, 0] == views.error[0, 0, 0]  # nothing before the first
    late = make_views(1.0, 0.5, n_origins=4)
    late.error[3] = 99.0
    np.testing.assert_array_equal(together.settled(late).mean[:3], settled.mean[:3])
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
