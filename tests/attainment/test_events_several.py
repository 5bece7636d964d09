"""Ranks, scores, lists of promises, wishes and conditions, against closed forms."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

from analysis.attainment.assess import assess
from analysis.attainment.events.composite import points_gained, points_of
from analysis.attainment.events.joint import copula_scores, correlation, paths_at, tie_together
from analysis.attainment.events.several import p_at_least
from analysis.forecasting.bounds import Relapse
from attainment.factory import make_forecast, make_panel, make_shares, make_target, make_world

WITHIN = 4 * 0.5 / np.sqrt(20_000)


def solve(promises, panels, predictives=None, **more):
    answer = assess(make_world(promises, panels=panels, predictives=predictives, **more))
    return answer.assessments.set_index(["unit", "target"]), answer.extra


# ---- ranks


def ranked(**more):
    usual = {
        "target": "R",
        "indicator": "x",
        "kind": "rank_le",
        "operator": "<=",
        "threshold": 1.0,
        "deadline": "2024-01",
    }
    return make_target(**usual | more)


def test_equal_peers_share_the_first_places_evenly():
    panel = make_panel(np.full((5, 30), 90.0))
    names = panel.units
    table, extra = solve(
        [ranked(units=names, peers=names, threshold=2.0)], {"x": panel}, {"x": make_forecast(panel, [90.0], [1.0])}
    )
    assert table["p_raw"].to_numpy() == pytest.approx([2 / 5] * 5, abs=WITHIN)
    assert table["p_raw"].sum() == pytest.approx(2.0)  # somebody is always first, somebody second
    assert (extra["ranks"]["within_noise"] == 4).all()
    assert (extra["ranks"]["rank_now"] == 1).all()  # equal values share the better place


def test_a_common_shock_moves_no_rank():
    panel = make_panel([[92.80] * 30, [92.41] * 30])
    mean, sd = [[92.80], [92.41]], [[0.5], [0.5]]
    promise = ranked(units=("u0",), peers=panel.units)
    alone = norm.cdf(0.39 / np.sqrt(0.5))
    table, _ = solve([promise], {"x": panel}, {"x": make_forecast(panel, mean, sd)})
    assert table["p_raw"].iloc[0] == pytest.approx(alone, abs=WITHIN)
    table, _ = solve([promise], {"x": panel}, {"x": make_forecast(panel, mean, sd, common=0.8)})
    assert table["p_raw"].iloc[0] == pytest.approx(norm.cdf(0.39 / np.sqrt(0.5 * 0.2)), abs=WITHIN)


def test_where_lower_is_better_the_lowest_is_first():
    panel = make_panel([[5.0] * 3, [4.0] * 3, [9.0] * 3])
    table, extra = solve(
        [ranked(units=("u1",), peers=panel.units, deadline="2023-12")], {"x": panel}, better={"x": "down"}
    )
    assert table["status"].tolist() == ["met"]
    assert extra["ranks"]["rank_now"].tolist() == [1.0]


@pytest.mark.parametrize("deadline", ["2023-12", "2023-11", "2024-12", None])
def test_a_place_has_all_its_columns_where_nothing_is_forecast(deadline):
    panel = make_panel([[5.0] * 3, [4.0] * 3])
    promise, forecast = ranked(units=("u0",), peers=panel.units, deadline=deadline), make_forecast(panel, [5.0], [1.0])
    table, extra = solve([promise], {"x": panel}, {"x": forecast})
    [row] = extra["ranks"].to_dict("records")
    places = [row[one] for one in ("rank_median", "rank_low", "rank_high")]
    settled = bool(table["settled"].iloc[0])
    assert places == [1.0] * 3 if settled else np.isnan(places).all()
    assert settled == (deadline in ("2023-12", "2023-11")) and np.isnan(row["within_noise"])


def test_ranks_are_read_with_their_band():
    panel = make_panel([[90.0] * 30, [80.0] * 30, [70.0] * 30])
    table, extra = solve(
        [ranked(units=panel.units, peers=panel.units, threshold=1)],
        {"x": panel},
        {"x": make_forecast(panel, [[90.0], [80.0], [70.0]], [[1.0]] * 3)},
    )
    assert extra["ranks"][["rank_low", "rank_median", "rank_high"]].values.tolist() == [[1, 1, 1], [2, 2, 2], [3, 3, 3]]
    assert extra["ranks"]["within_noise"].tolist() == [0, 0, 0]
    assert table["current"].tolist() == [1, 2, 3] and table["p_attain"].tolist() == [0.99, 0.01, 0.01]


def test_a_rank_without_peers_is_not_assessable():
    panel = make_panel([[90.0] * 30])
    table, _ = solve(
        [ranked(units=("u0",), peers=("u0", "lost"))], {"x": panel}, {"x": make_forecast(panel, [90.0], [1.0])}
    )
    assert table[["status", "reason"]].values.tolist() == [["not_assessable", "no_peers"]]


def test_a_published_rank_is_a_level():
    panel = make_panel([[8.0, 6.0, 5.0, 4.0]], kind="rank", resolution=1.0)
    table, _ = solve([ranked(units=("u0",), peers=("u0", "u1"), threshold=5.0, deadline="2023-12")], {"x": panel})
    assert table["status"].tolist() == ["met"]


def test_the_probability_of_a_place_agrees_with_a_slow_count_over_paths():
    rng = np.random.default_rng(12)
    panel = make_panel(np.repeat(rng.normal(90, 1, (8, 1)), 30, axis=1))
    forecast = make_forecast(panel, panel.values[:, -1:], rng.uniform(0.3, 2.0, (8, 1)), common=0.5)
    table, extra = solve(
        [ranked(units=panel.units, peers=panel.units, threshold=3)], {"x": panel}, {"x": forecast}, n_paths=4000
    )
    paths = paths_at(make_world([], panels={"x": panel}, predictives={"x": forecast}, n_paths=4000), "x",
                     rows=np.arange(8), horizon=1)  # fmt: skip
    places = np.array([[1 + sum(other > own for other in path) for own in path] for path in paths.T])
    assert table["p_raw"].tolist() == pytest.approx((places <= 3).mean(axis=0).tolist(), abs=1e-12)
    low, high = (np.sort(places, axis=0)[at] for at in (399, 3599))  # the 400th and the 3600th of 4000
    assert extra["ranks"]["rank_low"].tolist() == low.tolist()
    assert extra["ranks"]["rank_high"].tolist() == high.tolist()


def test_peers_within_noise_are_those_whose_order_the_paths_leave_open():
    rng = np.random.default_rng(5)
    mean = rng.normal(90, 1, (30, 1))
    panel = make_panel(np.repeat(mean, 30, axis=1), units=[f"u{at:02d}" for at in range(30)])
    for common in (0.0, 0.9):
        forecast = make_forecast(panel, mean, np.full((30, 1), 0.8), common=common)
        world = make_world(
            [ranked(units=panel.units, peers=panel.units)], panels={"x": panel}, predictives={"x": forecast}
        )
        found = assess(world).extra["ranks"]["within_noise"].to_numpy()
        paths = paths_at(world, "x", rows=np.arange(30), horizon=1)
        above = (paths[:, None, :] > paths[None, :, :]).mean(axis=2)
        slow = ((above >= 0.1) & (above <= 0.9)).sum(axis=1)
        assert np.abs(found - slow).max() <= 2 and np.abs(found - slow).mean() < 0.5
    assert found.mean() < 8  # a shock that all share leaves few orders open; alone it would be 15 of 29


def test_a_unit_outside_the_peer_set_is_no_rival_of_the_others():
    panel = make_panel([[90.0] * 3, [80.0] * 3, [85.0] * 3, [87.0] * 3])
    promise = ranked(units=panel.units, peers=("u0", "u1"), threshold=2, deadline="2023-12")
    table, extra = solve([promise], {"x": panel})
    assert extra["ranks"]["rank_now"].tolist() == [1, 2, 2, 2]  # u1 stays second, u2 and u3 each join alone
    assert extra["ranks"]["n_peers"].tolist() == [2, 2, 3, 3]
    assert set(table["status"]) == {"met"}


# ---- scores: QĐ 766 as published on the boards of Bắc Ninh

WEIGHTS = {"transparency": 18, "progress": 20, "online": 12, "payment": 10, "satisfaction": 18, "digitisation": 22}
POINTS = {
    "transparency": 15.82,
    "progress": 19.45,
    "online": 8.53,
    "payment": 10.0,
    "satisfaction": 17.86,
    "digitisation": 21.17,
}


def score(**more):
    usual = {"target": "S", "indicator": "", "kind": "score_ge", "units": ("u0",), "weights": WEIGHTS, "total": 100.0}
    return make_target(**usual | {"operator": ">=", "threshold": 93.0, "deadline": "2024-01"} | more)


def board(sd=0.1):
    panels = {name: make_panel([[points] * 30]) for name, points in POINTS.items()}
    return panels, {name: make_forecast(panel, [POINTS[name]], [sd]) for name, panel in panels.items()}


def test_the_six_components_sum_to_the_published_score():
    assert sum(WEIGHTS.values()) == 100
    panels, forecasts = board()
    table, extra = solve([score()], panels, forecasts)
    assert table["current"].iloc[0] == pytest.approx(92.83)
    parts = extra["components"].set_index("component")
    assert parts["headroom"].sum() == pytest.approx(100 - 92.83)
    assert parts.loc["online", "headroom"] == pytest.approx(3.47)
    assert parts.loc["payment", "gain_at_90"] == 0.0


def test_online_services_at_90_per_cent_gain_2_32_points():
    assert points_gained([8.48], weight=12).round(2).tolist() == [2.32]
    assert points_of([0.9], kind="rate", weight=12)[0] == pytest.approx(10.8)
    panels, forecasts = board(sd=1e-9)
    panels["online"] = make_panel([[8.48] * 30])
    forecasts["online"] = make_forecast(panels["online"], [8.48], [1e-9])
    _, extra = solve([score()], panels, forecasts)
    gains = extra["scenarios"].set_index("scenario")["predicted_median"]
    total = 92.83 - 8.53 + 8.48
    assert gains["component_at_90:online"] - total == pytest.approx(2.32, abs=1e-6)
    assert gains["component_at_90:payment"] == pytest.approx(total, abs=1e-6)  # 10 of 10: a lever lowers nothing


def test_what_a_score_gained_since_a_quarter_ago_is_the_sum_of_what_its_components_gained():
    panels, forecasts = board()
    panels["online"] = make_panel([[7.0] * 26 + [8.0, 8.2, 8.4, 8.53]])
    panels["progress"] = make_panel([[19.65] * 29 + [19.45]])
    _, extra = solve([score()], panels, forecasts)
    parts = extra["components"].set_index("component")
    assert parts.loc["online", ["points_before", "points_gained"]].tolist() == [8.0, pytest.approx(0.53)]
    assert parts["points_gained"].sum() == pytest.approx(0.53 - 0.20)


def test_a_score_of_independent_components_against_the_normal_distribution():
    panels, forecasts = board(sd=0.05)
    promise = score(threshold=92.9, weights={name: points + 5 for name, points in POINTS.items()}, total=122.83)
    table, _ = solve([promise], panels, forecasts)
    assert table["p_raw"].iloc[0] == pytest.approx(norm.sf(0.07 / (0.05 * np.sqrt(6))), abs=WITHIN)


def test_components_that_moved_together_give_a_wider_score():
    rng = np.random.default_rng(3)
    shared = np.cumsum(rng.normal(0, 1, (40, 60)), axis=1)
    panels = {name: make_panel(50 + shared + rng.normal(0, 1e-3, shared.shape)) for name in "ab"}
    forecasts = {name: make_forecast(panel, [50.0], [1.0]) for name, panel in panels.items()}
    promise = score(weights={"a": 100.0, "b": 100.0}, threshold=102.0, total=200.0)
    table, _ = solve([promise], panels, forecasts)
    assert table["p_raw"].iloc[0] == pytest.approx(norm.sf(1.0), abs=0.02)  # sd 2, not sqrt(2)


def test_a_missing_component_makes_the_score_not_assessable():
    panels, forecasts = board()
    del panels["payment"], forecasts["payment"]
    table, _ = solve([score()], panels, forecasts)
    assert table[["status", "reason"]].values.tolist() == [["not_assessable", "component_missing"]]


def test_a_score_in_the_past_is_settled():
    panels, _ = board()
    table, _ = solve([score(deadline="2023-12", threshold=92.83)], panels)
    assert table["status"].tolist() == ["met"]
    table, _ = solve([score(deadline="2023-12", threshold=92.84)], panels)
    assert table["status"].tolist() == ["missed"]


# ---- joint draws


def test_draws_at_one_horizon_have_the_distribution_of_the_paths():
    panel = make_panel(np.full((2, 30), 5.0))
    forecast = make_forecast(panel, [[1.0, 5.0], [2.0, 6.0]], [[1.0, 2.0], [1.0, 3.0]], common=0.5)
    world = make_world([], panels={"x": panel}, predictives={"x": forecast})
    draws = paths_at(world, "x", rows=np.array([0, 1]), horizon=2)
    paths = forecast.paths(n_paths=20_000, seed=3)[:, 1]
    for found in (draws, paths):
        np.testing.assert_allclose(found.mean(axis=1), [5, 6], atol=0.1)
        np.testing.assert_allclose(found.std(axis=1), [2, 3], rtol=0.03)
        assert np.corrcoef(found)[0, 1] == pytest.approx(0.5, abs=0.03)
    again = paths_at(world, "x", rows=np.array([1]), horizon=2)
    assert (again[0] == draws[1]).all()


def test_draws_of_units_at_a_bound_follow_what_came_next_elsewhere():
    panel = make_panel(np.full((2, 30), 1.0))
    forecast = make_forecast(panel, [0.9, 0.9], [0.01, 0.01])
    relapse = Relapse(np.array([1, 0]), {1: np.array([[0.5, 0.1], [0.5, 0.2]])}, {1: 0.6})
    forecast = replace(forecast, relapse=relapse)
    world = make_world([], panels={"x": panel}, predictives={"x": forecast})
    draws = paths_at(world, "x", rows=np.array([0, 1]), horizon=2)
    for found in (draws, forecast.paths(n_paths=20_000, seed=4)[:, 1]):
        assert np.mean(found[0] == 0.1) == pytest.approx(0.3, abs=0.02)
        assert np.mean(found[0] > 0.8) == pytest.approx(0.4, abs=0.02)
        assert (found[1] > 0.8).all()


def test_reordering_keeps_each_margin_and_gives_the_correlation():
    rng = np.random.default_rng(0)
    draws = rng.exponential(size=(3, 2, 5000))
    scores = copula_scores(np.array([[1, 0.7], [0.7, 1]]), n_paths=5000, seed=1)
    tied = tie_together(draws, scores)
    assert (np.sort(tied, axis=-1) == np.sort(draws, axis=-1)).all()
    for one in tied:
        ranks = np.argsort(np.argsort(one, axis=1), axis=1)
        assert np.corrcoef(ranks)[0, 1] == pytest.approx(6 / np.pi * np.arcsin(0.35), abs=0.02)


def test_the_correlation_of_changes_is_recovered_and_little_data_gives_none():
    rng = np.random.default_rng(1)
    shocks = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=(200, 40))
    panels = [make_panel(np.cumsum(shocks[:, :, i], axis=1)) for i in (0, 1)]
    assert correlation(panels)[0, 1] == pytest.approx(0.6, abs=0.02)
    assert correlation(panels, signs=[1.0, -1.0])[0, 1] == pytest.approx(-0.6, abs=0.02)
    short = [make_panel(one.values[:1, :4]) for one in panels]
    assert abs(correlation(short)[0, 1]) < 0.2


# ---- k of n promises


def test_twelve_independent_nines_are_all_kept_with_28_per_cent():
    scores = np.random.default_rng(0).standard_normal((12, 100_000))
    p, expected = p_at_least(np.full((1, 12), 0.9), k=12, scores=scores)
    assert p[0] == pytest.approx(0.9**12, abs=0.006) and expected[0] == pytest.approx(10.8)
    p, _ = p_at_least(np.full((1, 12), 0.9), k=10, scores=scores)
    assert p[0] == pytest.approx(binom.sf(9, 12, 0.9), abs=0.006)


def test_promises_that_move_as_one_are_kept_as_one():
    scores = np.broadcast_to(np.random.default_rng(0).standard_normal(100_000), (12, 100_000))
    p, _ = p_at_least(np.full((1, 12), 0.9), k=12, scores=scores)
    assert p[0] == pytest.approx(0.9, abs=0.005)


def members(n=3, **more):
    promises = [
        make_target(f"M{i}", f"x{i}", "level_at", ("u0",), ">=", float(i), deadline="2024-01") for i in range(n)
    ]
    codes = tuple(one.target for one in promises)
    return [*promises, make_target("K", "", "indicators_k_of_n", ("u0",), members=codes, deadline="2024-01", **more)]


def independent(n=3):
    rng = np.random.default_rng(2)
    panels = {f"x{i}": make_panel(rng.normal(0, 1, (60, 40))) for i in range(n)}
    return panels, {name: make_forecast(panel, [1.0], [1.0]) for name, panel in panels.items()}


def test_k_of_three_from_their_members_probabilities():
    panels, forecasts = independent()
    table, extra = solve(members(k=2), panels, forecasts)
    a, b, c = norm.sf([-1, 0, 1])
    two = a * b * (1 - c) + a * (1 - b) * c + (1 - a) * b * c + a * b * c
    assert table.loc[("u0", "K"), "p_raw"] == pytest.approx(two, abs=0.03)
    row = extra["k_of_n"].iloc[0]
    assert row["expected_met"] == pytest.approx(a + b + c, abs=1e-6)
    assert row["n_members"] == 3 and row["p_if_independent"] == pytest.approx(two, abs=0.02)
    assert extra["members"]["member"].tolist() == ["M0", "M1", "M2"]


def test_a_place_among_peers_moves_with_the_score_and_not_against_it():
    """Two members on one score: "at least 50" and "among the best two" are kept together."""
    rng = np.random.default_rng(4)
    panel = make_panel(50 + np.cumsum(rng.normal(0, 1, (5, 60)), axis=1))
    forecast = make_forecast(panel, np.full((5, 1), 50.0), np.full((5, 1), 1.0))
    names = panel.units
    promises = [
        make_target("A", "x", "level_at", names, ">=", 50.0, deadline="2024-01"),
        ranked(target="B", units=names, peers=names, threshold=2.0),
        make_target("K", "", "indicators_k_of_n", names, members=("A", "B"), k=2),
    ]
    table, extra = solve(promises, {"x": panel}, {"x": forecast})
    row = extra["k_of_n"].iloc[0]
    assert row["p_if_independent"] == pytest.approx(0.5 * 0.4, abs=0.03)
    assert row["p_joint"] == pytest.approx(0.4, abs=0.05)  # the likelier one comes with the other
    lower = make_target("A", "x", "level_at", names, "<=", 50.0, deadline="2024-01")
    _, extra = solve([lower, *promises[1:]], {"x": panel}, {"x": forecast})
    assert extra["k_of_n"].iloc[0]["p_joint"] < 0.05


def test_members_that_are_settled_can_settle_the_whole():
    panels = {f"x{i}": make_panel([[1.5] * 30]) for i in range(3)}
    promises = [
        make_target(f"M{i}", f"x{i}", "level_at", ("u0",), ">=", float(i), deadline="2023-12") for i in range(3)
    ]
    whole = [make_target("K", "", "indicators_k_of_n", ("u0",), members=("M0", "M1", "M2"), k=k) for k in (2, 3)]
    for promise, status in zip(whole, ("met", "missed")):
        table, _ = solve([*promises, promise], panels)
        assert table.loc[("u0", "K"), "status"] == status


def test_one_missed_member_does_not_decide_while_enough_are_open():
    panels, forecasts = independent()
    promises = members(k=2)
    missed = {"deadline": "2023-12", "threshold": 99.0}
    promises[0] = promises[0].model_copy(update=missed)
    table, extra = solve(promises, panels, forecasts)
    row = table.loc[("u0", "K")]
    assert not row["settled"] and row["p_raw"] == pytest.approx(norm.sf(0) * norm.sf(1), abs=0.03)
    promises[1] = promises[1].model_copy(update=missed)
    table, _ = solve(promises, panels, forecasts)
    assert table.loc[("u0", "K"), "status"] == "missed"


def test_an_unknown_member_matters_only_where_it_can_change_the_answer():
    panels, forecasts = independent()
    del forecasts["x2"]
    table, _ = solve(members(k=2), panels, forecasts)
    assert table.loc[("u0", "K"), ["status", "reason"]].tolist() == ["not_assessable", "member_not_assessable"]
    forecasts["x0"] = make_forecast(panels["x0"], [10.0], [1.0])
    table, _ = solve(members(k=1), panels, forecasts)  # the first alone decides
    assert table.loc[("u0", "K"), "reason"] == ""


# ---- wishes and conditions


def test_a_wish_gets_the_probability_of_improvement_and_no_threshold():
    panel = make_panel([[10.0] * 20 + [12.0] * 10])
    forecast = make_forecast(panel, [13.0], [1.0])
    promise = make_target("D", "x", "directional", ("u0",), start="2023-01", deadline="2024-01")
    table, extra = solve([promise], {"x": panel}, {"x": forecast})
    row = table.iloc[0]
    assert row["p_raw"] == pytest.approx(norm.sf(-3), abs=1e-6)
    assert np.isnan(row["threshold"]) and np.isnan(row["gap"])
    assert extra["directional"].iloc[0][["base_period", "base_value", "change"]].tolist() == ["2023-01", 10.0, 2.0]
    today = make_target("D", "x", "directional", ("u0",), deadline="2024-01")
    table, _ = solve([today], {"x": panel}, {"x": forecast}, better={"x": "down"})
    assert table["p_raw"].iloc[0] == pytest.approx(norm.cdf(-1), abs=1e-6)


def test_a_condition_that_is_not_met_has_no_clock():
    panel = make_panel([[10.0] * 30])
    usual = {"units": ("u0",), "operator": ">=", "threshold": 9.0, "deadline": "2023-12", "then": "level_at"}
    waiting = make_target("W", "x", "conditional", **usual)
    running = make_target("R", "x", "conditional", start="2023-06", **usual)
    table, _ = solve([waiting, running], {"x": panel})
    assert table.loc[("u0", "W"), ["status", "reason"]].tolist() == ["not_assessable", "not_started"]
    assert np.isnan(table.loc[("u0", "W"), "p_attain"])
    assert table.loc[("u0", "R"), "status"] == "met"
    assert table["kind"].tolist() == ["conditional", "conditional"]


def test_shuffled_units_and_promises_change_nothing():
    rng = np.random.default_rng(0)
    names = [f"u{i}" for i in range(6)]
    values = rng.uniform(0.4, 0.8, (6, 30))

    def answer(order, promise_order):
        panel = make_panel(values[order], units=[names[i] for i in order])
        forecast = make_forecast(panel, values[order][:, -3:] + 0.02, np.full((6, 3), 0.05), common=0.2)
        promises = [
            make_target("L", "x", "level_at", tuple(names), ">=", 0.6, deadline="2024-03"),
            make_target("S", "x", "sustained_from", tuple(names), ">=", 0.5, start="2024-01", deadline="2024-03"),
            make_target("R", "x", "rank_le", tuple(names), "<=", 2.0, deadline="2024-03", peers=tuple(names)),
            make_target("K", "", "indicators_k_of_n", tuple(names), members=("L", "S"), k=1),
        ]
        promises = [promises[i] for i in promise_order]
        return assess(make_world(promises, panels={"x": panel}, predictives={"x": forecast}, n_paths=500))

    one, other = answer([0, 1, 2, 3, 4, 5], [0, 1, 2, 3]), answer([5, 3, 1, 0, 2, 4], [3, 1, 0, 2])
    pd.testing.assert_frame_equal(one.assessments, other.assessments)
    assert sorted(one.extra) == sorted(other.extra)
    pd.testing.assert_frame_equal(one.extra["ranks"], other.extra["ranks"])


def test_shares_and_points_may_be_mixed_in_one_score():
    panels = {"a": make_shares([[45] * 10], [[50] * 10]), "b": make_panel([[8.0] * 10])}
    table, extra = solve(
        [score(weights={"a": 20.0, "b": 10.0}, total=30.0, threshold=26.0, deadline="2023-12")], panels
    )
    assert table["current"].iloc[0] == pytest.approx(18 + 8)
    assert table["status"].tolist() == ["met"]
    assert extra["components"]["headroom"].tolist() == [pytest.approx(2.0), pytest.approx(2.0)]
