import numpy as np
import pytest

from analysis.attainment import pace
from analysis.attainment.assess import assess
from attainment.factory import make_forecast, make_panel, make_target, make_world


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


def kept(values, required, *, window, groups=None, own="a", up=True):
    paces, groups = pace.moved(np.array(values), window=window), np.array(groups or ["a"] * len(values))
    return pace.kept_by(paces, groups, required=required, asked=np.array([own] * len(required)), up=up)


def test_unit_windows_and_units_by_hand():
    values = [[0.0, 1.0, 3.0, 3.5], [0.0, np.nan, 4.0, 4.0], [np.nan, 1.0, np.nan, np.nan]]
    # windows of 2: unit one 3/2, 2.5/2; unit two 4/2, (NaN..4) has no start; unit three has none and does not count
    found = kept(values, [1.5, 1.6, 2.1, -1.0, np.nan], window=2)
    np.testing.assert_array_equal(found["n_stretches_kept"], [2, 1, 0, 3, np.nan])
    np.testing.assert_array_equal(found["n_kept"], [2, 1, 0, 2, np.nan])
    np.testing.assert_array_equal(found["n_units"], [2, 2, 2, 2, np.nan])
    np.testing.assert_array_equal(found["n_stretches"], [3, 3, 3, 3, np.nan])


def test_for_a_promise_of_at_most_a_fall_is_progress():
    found = kept([[5.0, 4.0, 4.0]], [-0.5], window=1, up=False)
    assert found[["n_stretches_kept", "n_stretches"]].to_numpy().tolist() == [[1, 2]]


def test_only_units_of_the_same_group_are_compared():
    found = kept([[0.0, 1.0], [0.0, 2.0], [0.0, 9.0]], [2.0], groups=["a", "a", "b"], window=1)
    assert found[["n_kept", "n_units"]].to_numpy().tolist() == [[1, 2]]


def test_no_window_no_answer():
    for values, window in (([[1.0, np.nan]], 1), ([[1.0]], 5)):
        assert kept(values, [0.1], window=window)["n_units"].tolist() == [0]


def test_counts_are_compared_as_shares_of_each_units_own_quota_and_the_parent_is_no_peer():
    panel = make_panel([[0, 0, 10, 20], [0, 0, 60, 60], [0, 0, 70, 80]], kind="count", units=["a", "b", "p"])
    forecast = make_forecast(panel, [20.0] * 2, [1.0] * 2)
    own = {"a": 40.0, "b": 600.0, "p": 640.0}
    promise = make_target("T", "x", "cumulative_count", ("a", "b", "p"), threshold=1.0, of="quota", quota=own,
                          deadline="2024-02")  # fmt: skip
    world = make_world(
        [promise], panels={"x": panel}, predictives={"x": forecast}, parents={"a": "p", "b": "p"}, pace_window=2
    )
    found = assess(world).extra["pace"].set_index("unit")
    # a needs a quarter of its quota a period and kept it; b never moved by more than a twentieth, though by 30 a period
    assert found.loc["a", ["window", "n_units", "n_kept"]].tolist() == [2, 2, 1]
    assert found.loc["p", ["n_units", "n_stretches"]].tolist() == [1, 2]  # alone at its level: its own past


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
