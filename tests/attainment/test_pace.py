import numpy as np
import pytest

from analysis.attainment import pace


def slope_oracle(row, window):
    seen = [i for i, one in enumerate(row) if np.isfinite(one)]
    if not seen:
        return np.nan
    points = [(i, row[i]) for i in seen if i >= seen[-1] - window]
    if len(points) < 2:
        return np.nan
    x, y = np.array(points).T
    return float(np.polyfit(x, y, 1)[0])


def test_the_slope_agrees_with_a_slow_fit_of_each_row():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(60, 14))
    values[rng.random(values.shape) < 0.35] = np.nan
    for window in (1, 5, 20):
        fast = pace.actual_pace(values, window=window)
        slow = [slope_oracle(row, window) for row in values]
        np.testing.assert_allclose(fast, slow, atol=1e-12)


def test_required_pace_by_hand():
    assert pace.required_pace([0.6, 0.9], threshold=[0.8, 0.8], horizon=4).round(12).tolist() == [0.05, -0.025]
    assert np.isnan(pace.required_pace([0.6], threshold=0.8, horizon=0)[0])


def test_shares_are_compared_on_the_logit_scale():
    scaled = pace.on_scale([0.5, 0.9, 0.0], kind="rate", resolution=0.01)
    np.testing.assert_allclose(scaled, [0.0, np.log(9), np.log(0.005 / 0.995)])
    assert pace.on_scale([250.0], kind="count").tolist() == [250.0]


def test_share_of_unit_windows_by_hand():
    scaled = np.array([[0.0, 1.0, 3.0, 3.5], [0.0, np.nan, 4.0, 4.0]])
    # windows of 2: unit one 3/2, 2.5/2; unit two 4/2, (NaN..4) has no start
    kept = pace.share_that_kept(scaled, required=[1.5, 1.6, 2.1, -1.0, np.nan], window=2, up=True)
    np.testing.assert_allclose(kept, [2 / 3, 1 / 3, 0.0, 1.0, np.nan])


def test_for_a_promise_of_at_most_a_fall_is_progress():
    kept = pace.share_that_kept(np.array([[5.0, 4.0, 4.0]]), required=[-0.5], window=1, up=False)
    assert kept.tolist() == [0.5]


def test_no_window_no_answer():
    assert np.isnan(pace.share_that_kept(np.array([[1.0, np.nan]]), required=[0.1], window=1, up=True)[0])
    assert np.isnan(pace.share_that_kept(np.array([[1.0]]), required=[0.1], window=5, up=True)[0])


@pytest.mark.parametrize(
    ("horizon", "n_periods", "season_length", "expected"),
    [(10, 36, 1, 6), (3, 36, 1, 3), (10, 36, 12, 12), (10, 8, 12, 4), (0, 1, 1, 1)],
)
def test_window_lengths(horizon, n_periods, season_length, expected):
    found = pace.window_length(horizon=horizon, n_periods=n_periods, season_length=season_length, pace_window=6)
    assert found == expected


def test_a_row_without_data_has_no_pace():
    assert np.isnan(pace.actual_pace(np.full((1, 5), np.nan), window=3)[0])
    assert np.isnan(pace.actual_pace(np.array([[np.nan, 2.0]]), window=3)[0])


def test_share_of_units_that_ever_were_so_fast_by_hand():
    scaled = np.array([[0.0, 1.0, 3.0, 3.5], [0.0, np.nan, 4.0, 4.0], [np.nan, 1.0, np.nan, np.nan]])
    # fastest windows of 2: unit one 3/2, unit two 4/2, unit three has none and does not count
    kept = pace.units_that_kept(scaled, required=[1.5, 1.6, 2.1, np.nan], window=2, up=True)
    np.testing.assert_allclose(kept, [1.0, 0.5, 0.0, np.nan])
    falls = pace.units_that_kept(-scaled, required=[-1.6], window=2, up=False)
    assert falls.tolist() == [0.5]
    assert np.isnan(pace.units_that_kept(scaled, required=[0.1], window=4, up=True)[0])
