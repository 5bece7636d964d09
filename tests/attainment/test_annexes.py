"""What stands beside the probability: sub-units, roll-ups, levers, signals, suspicions, checks, hysteresis."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis.attainment import suspicions
from analysis.attainment.assess import EVENTS, assess, check_targets
from analysis.attainment.signals import signals_table
from analysis.attainment.whatif import lift
from analysis.forecasting.ensemble import forecast_panel
from analysis.registry.kinds import KINDS
from attainment.factory import END, make_forecast, make_panel, make_shares, make_target, make_world

WITHIN = 4 * 0.5 / np.sqrt(20_000)
NAMES = ["P", "a", "b", "c", "d"]
PARENTS = {name: "P" for name in "abcd"}


def province(shares=(0.5, 0.62, 0.7, 0.9), sizes=(100, 100, 100, 100), *, reported=None, common=0.0, sd=0.02):
    """A parent and four sub-units with constant shares; `reported`: what the parent says of itself."""
    tops = np.array([[share * size] * 12 for share, size in zip(shares, sizes)])
    whole = np.full((1, 12), reported * sum(sizes)) if reported else tops.sum(axis=0, keepdims=True)
    bottoms = np.repeat(np.array([[sum(sizes)], *[[one] for one in sizes]], dtype=float), 12, axis=1)
    panel = make_shares(np.vstack([whole, tops]), bottoms, units=NAMES)
    means = panel.values[:, -1:]
    return panel, make_forecast(panel, means, np.full((5, 1), sd), common=common, lower=0.0, upper=1.0)


def level(**more):
    usual = {"target": "T", "indicator": "x", "kind": "level_at", "units": tuple(NAMES), "deadline": "2024-01"}
    return make_target(**usual | {"operator": ">=", "threshold": 0.66} | more)


def solve(promises, panel, forecast, **more):
    world = make_world(promises, panels={"x": panel}, predictives={"x": forecast}, **{"parents": PARENTS} | more)
    answer = assess(world)
    return answer.assessments.set_index(["unit", "target"]), answer.extra


# ---- sub-units and roll-ups


def test_a_parent_shows_its_sub_units_and_the_worst_tenth():
    table, _ = solve([level()], *province())
    row = table.loc[("P", "T")]
    assert (row["n_sub_units"], row["n_sub_on_track"]) == (4, 2)  # 0.70 and 0.90
    assert row["worst_decile"] == pytest.approx(0.5 + 0.3 * 0.12)
    assert pd.isna(table.loc[("a", "T"), "n_sub_units"])


def test_a_promise_of_the_parent_alone_still_shows_its_sub_units():
    """As if the same share were asked of each: 0.70 and 0.90 would reach 0.66."""
    table, extra = solve([level(units=("P",))], *province())
    row = table.loc[("P", "T")]
    assert (row["n_sub_units"], row["n_sub_on_track"]) == (4, 2)
    assert row["worst_decile"] == pytest.approx(0.5 + 0.3 * 0.12)
    assert extra["rollup"].iloc[0]["expected_met"] == pytest.approx(
        norm.sf(0.66, [0.5, 0.62, 0.7, 0.9], 0.02).sum(), abs=4 * WITHIN
    )
    past, _ = solve([level(units=("P",), deadline="2023-12")], *province())
    assert past.loc[("P", "T"), "n_sub_on_track"] == 2


def test_for_at_most_the_worst_tenth_is_the_highest():
    table, _ = solve([level(operator="<=")], *province())
    assert table.loc[("P", "T"), "worst_decile"] == pytest.approx(0.9 - 0.3 * 0.2)


def test_the_parent_from_its_parts_against_the_closed_form():
    _, extra = solve([level()], *province(sizes=(100, 200, 300, 400)))
    row = extra["rollup"].iloc[0]
    mean = (50 + 124 + 210 + 360) / 1000
    sd = 0.02 * np.sqrt(100**2 + 200**2 + 300**2 + 400**2) / 1000
    assert row["p_from_parts"] == pytest.approx(np.clip(norm.sf(0.66, mean, sd), 0.01, 0.99), abs=WITHIN)
    assert row["median_from_parts"] == pytest.approx(mean, abs=0.001)
    kept = norm.sf(0.66, [0.5, 0.62, 0.7, 0.9], 0.02)
    assert row["expected_met"] == pytest.approx(kept.sum(), abs=4 * WITHIN)
    assert (row["met_low"], row["met_high"], row["n_parts"]) == (2, 2, 4)


def test_a_common_shock_does_not_average_out():
    alone, shared = (solve([level(threshold=0.69)], *province(common=one))[1]["rollup"].iloc[0] for one in (0.0, 1.0))
    assert alone["p_from_parts"] == pytest.approx(norm.sf(0.01 / 0.01), abs=WITHIN)
    assert shared["p_from_parts"] == pytest.approx(norm.sf(0.01 / 0.02), abs=WITHIN)


def test_a_parent_that_reports_another_figure_than_its_parts_is_shown():
    _, extra = solve([level()], *province(reported=0.75))
    row = extra["rollup"].iloc[0]
    assert row["current"] == pytest.approx(0.75) and row["current_from_parts"] == pytest.approx(0.68)
    assert row["difference"] == pytest.approx(0.07)


def shares_alone():
    """The same shares without the counts behind them."""
    panel, _ = province()
    panel = make_panel(panel.values, kind="rate", units=NAMES)
    return panel, make_forecast(panel, panel.values[:, -1:], np.full((5, 1), 0.02), lower=0.0, upper=1.0)


def test_shares_without_their_counts_are_never_averaged():
    _, extra = solve([level()], *shares_alone(), weakest=1)
    row = extra["rollup"].iloc[0]
    assert row[["current_from_parts", "difference", "p_from_parts", "median_from_parts"]].isna().all()
    assert row["expected_met"] == pytest.approx(norm.sf(0.66, [0.5, 0.62, 0.7, 0.9], 0.02).sum(), abs=4 * WITHIN)
    assert "contributions" not in extra
    assert not extra["scenarios"]["scenario"].str.startswith("weakest").any()


def test_the_gap_of_a_parent_is_the_sum_of_what_its_sub_units_add():
    table, extra = solve([level()], *province(shares=(0.5, 0.62, 0.7, 0.6), sizes=(100, 200, 300, 400)))
    found = extra["contributions"].set_index("part")
    assert found.index.tolist() == ["d", "a", "b", "c"]  # place 1 pulls most: the largest, not the lowest
    assert found["place"].tolist() == [1, 2, 3, 4]
    assert found["pull_cases"].tolist() == pytest.approx([24, 16, 8, -12])
    assert found["pull"].sum() == pytest.approx(table.loc[("P", "T"), "gap"])
    assert found.loc["d", "weight_share"] == 0.4
    _, extra = solve([level(operator="<=", threshold=0.6)], *province(sizes=(100, 200, 300, 400)))
    assert extra["contributions"]["part"].tolist() == ["d", "c", "b", "a"]  # too high is what holds back


def test_what_sub_units_lack_of_their_own_quotas_adds_up():
    values = np.array([[330.0], [100.0], [100.0], [90.0], [40.0]]) @ np.ones((1, 12))
    panel = make_panel(values, kind="count", units=NAMES, resolution=1.0)
    quota = {"P": 400, "a": 100, "b": 150, "c": 80, "d": 70}
    promise = level(kind="cumulative_count", of="quota", quota=quota, threshold=1.0)
    _, extra = solve([promise], panel, make_forecast(panel, values[:, -1:], np.ones((5, 1))))
    found = extra["contributions"].set_index("part")["pull_cases"]
    assert found.to_dict() == {"b": 50, "d": 30, "a": 0, "c": -10}


# ---- milestones: a step is of the promise's own kind


def steps_of(promise, panels, predictives=None, **more):
    world = make_world([promise], panels=panels, predictives=predictives, **more)
    return assess(world).extra["milestones"]


def test_a_step_of_a_quota_is_a_share_of_the_quota():
    panel = make_panel([[80.0 + i for i in range(20)]], kind="count", resolution=1.0)
    forecast = make_forecast(panel, [100.0, 105.0], [5.0, 5.0])
    quota = {"target": "Q", "indicator": "x", "kind": "cumulative_count", "units": ("u0",), "of": "quota"}
    steps = (("2023-11", 0.49), ("2023-12", 0.5), ("2024-01", 0.525))
    promise = make_target(
        **quota, operator=">=", threshold=1.0, deadline="2024-02", quota={"u0": 200}, milestones=steps
    )
    table = steps_of(promise, {"x": panel}, {"x": forecast})
    assert table["threshold"].tolist() == [98, 100, 105] and table["stated"].tolist() == [0.49, 0.5, 0.525]
    assert table["kept"].tolist() == [True, False, False] and table["observed"].tolist() == [True, True, False]
    assert table["p"].iloc[2] == pytest.approx(norm.sf(105, 100, 5), abs=1e-6)


def test_a_step_of_a_rank_is_a_place():
    panel = make_panel([[90.0] * 12, [80.0] * 12, [70.0] * 12])
    promise = make_target("R", "x", "rank_le", ("u1",), "<=", 1.0, deadline="2024-06", peers=panel.units,
                      milestones=(("2023-12", 2.0),))  # fmt: skip
    assert steps_of(promise, {"x": panel})["kept"].tolist() == [True]


def test_a_step_of_a_change_is_a_change_and_one_of_a_score_a_score():
    panel = make_shares([[10] * 12], [[100] * 12])
    change = make_target("C", "x", "relative_change", ("u0",), "<=", -0.5, deadline="2024-06", baseline=0.2,
                     milestones=(("2023-12", -0.5), ("2023-11", -0.6)))  # fmt: skip
    assert steps_of(change, {"x": panel})["kept"].tolist() == [False, True]  # 2023-11 wanted 8 %
    whole = make_target("S", "", "score_ge", ("u0",), ">=", 90.0, deadline="2024-06", total=100.0, weights={"x": 100.0},
                    milestones=(("2023-12", 10.0), ("2023-11", 10.5)))  # fmt: skip
    assert steps_of(whole, {"x": panel})["kept"].tolist() == [False, True]


def test_a_step_of_a_task_list_counts_tasks():
    rows = [(f"t{i}", "T", "u0", "2023-12-31", "2023-11-01" if i < 3 else "") for i in range(6)]
    tasks = pd.DataFrame(rows, columns=["task", "target", "unit", "due", "done"])
    promise = make_target("T", "", "tasks_k_of_n", ("u0",), deadline="2024-06",
                      milestones=(("2023-12", 3.0), ("2023-11", 4.0)))  # fmt: skip
    assert steps_of(promise, {}, tasks=tasks)["kept"].tolist() == [False, True]


def test_a_step_is_never_sure_before_it_is_decided():
    panel = make_panel([[10.0] * 30])
    promise = level(units=("u0",), threshold=9.0, deadline="2024-02", milestones=(("2024-01", 9.0),))
    table = steps_of(promise, {"x": panel}, {"x": make_forecast(panel, [10.0, 10.0], [0.01, 0.01])})
    assert table["p"].tolist() == [0.99] and not table["settled"].any()


# ---- levers


def test_a_steady_lever_moves_the_forecast_as_a_whole():
    table, extra = solve([level(deadline="2024-01")], *province(), scenario_points=0.03)
    steady = extra["scenarios"].query("scenario == 'points_per_period:+0.03'").set_index("unit")
    assert steady.loc["b", "p_attain"] == pytest.approx(norm.sf(0.66 - 0.03, 0.62, 0.02), abs=1e-6)
    assert steady.loc["b", "predicted_median"] == pytest.approx(0.65)
    assert table.loc[("b", "T"), "p_attain"] == pytest.approx(norm.sf(0.66, 0.62, 0.02), abs=1e-6)  # untouched


def test_a_lever_of_nothing_leaves_the_calibrated_probability_as_it_is():
    rng = np.random.default_rng(41)
    bottom = rng.integers(60, 600, (50, 1)) + np.zeros((50, 36))
    logit = rng.normal(0, 0.6, (50, 1)) + 0.05 * np.arange(36) + rng.normal(0, 0.1, (50, 36)).cumsum(axis=1)
    panel = make_shares(rng.binomial(bottom.astype(int), 1 / (1 + np.exp(-logit))).astype(float), bottom)
    promise = level(units=panel.units, threshold=0.8, deadline="2024-06")
    world = make_world(
        [promise], panels={"x": panel}, predictives={"x": forecast_panel(panel, horizon=6)},
        calibrate=True, scenario_points=0.0,
    )  # fmt: skip
    answer = assess(world)
    assert (answer.assessments["p_raw"] - answer.assessments["p_attain"]).abs().max() > 0.02
    steady = answer.extra["scenarios"].query("scenario == 'points_per_period:+0'").set_index("unit")["p_attain"]
    own = answer.assessments.set_index("unit")["p_attain"]
    np.testing.assert_allclose(steady, own.reindex(steady.index), atol=1e-9)


def test_no_lever_leaves_the_bounds_of_a_share():
    """A late rate of 2,7 % cannot fall by a point a month for three months; 97,3 % cannot rise by three points."""
    rng = np.random.default_rng(8)
    bottom = np.full((8, 36), 1000.0)
    panel = make_shares(rng.binomial(1000, 0.027, (8, 36)).astype(float), bottom)
    predictives = {"x": forecast_panel(panel, horizon=3)}
    promise = level(units=panel.units, operator="<=", threshold=0.02, deadline="2024-03")
    answer = assess(make_world([promise], panels={"x": panel}, predictives=predictives, scenario_points=0.01))
    rows = answer.extra["scenarios"].merge(answer.assessments, on=["unit", "target"], suffixes=("", "_now"))
    assert set(rows["scenario"]) == {"gap_tenth", "best_quarter", "points_per_period:-0.01"}
    assert rows["predicted_median"].between(0, 1).all()
    assert (rows["predicted_median"] <= rows["predicted_median_now"] + 1e-9).all()
    tenth = rows[rows["scenario"] == "gap_tenth"]
    assert (tenth["gap"] > 0).all()
    assert (tenth["predicted_median_now"] - tenth["predicted_median"]).to_numpy() == pytest.approx(
        tenth["gap"].to_numpy() / 10, abs=5e-4
    )


def test_the_weakest_at_the_median_lift_only_their_parent():
    _, extra = solve([level()], *province(), weakest=1)
    lifted = extra["scenarios"].query("scenario == 'weakest_at_median:1'")
    assert lifted["unit"].tolist() == ["P"]
    gain = 0.25 * (0.66 - 0.5)  # the median of 0.50, 0.62, 0.70, 0.90 is 0.66
    assert lifted["p_attain"].iloc[0] == pytest.approx(norm.sf(0.66, 0.68 + gain, 0.02), abs=0.01)


def test_lifting_weighs_by_size_and_turns_with_the_direction():
    values, weights = np.array([0.2, 0.4, 0.6]), np.array([100.0, 100.0, 200.0])
    assert lift(values, weights=weights, weakest=2, up=True) == pytest.approx(0.05)
    assert lift(values, weights=weights, weakest=1, up=False) == pytest.approx(0.1)


def test_settled_promises_have_no_scenario():
    _, extra = solve([level(deadline="2023-12")], *province())
    assert "scenarios" not in extra


# ---- signals and suspicions


def test_heaping_just_above_a_target_is_flagged_and_an_even_spread_is_not():
    even = np.linspace(0.7, 0.9, 201)
    assert not suspicions.heaping(even, threshold=0.8, up=True)[0].any()
    heaped = np.concatenate([even, np.full(40, 0.801)])
    flagged, p = suspicions.heaping(heaped, threshold=0.8, up=True)
    assert p < 1e-5 and 40 <= flagged.sum() <= 61 and not flagged[heaped < 0.8].any()
    assert flagged[heaped == 0.801].all()
    assert not suspicions.heaping([0.801] * 5, threshold=0.8, up=True)[0].any()  # too few to say


def test_heaping_is_seldom_flagged_by_chance():
    rng = np.random.default_rng(0)
    hits = [suspicions.heaping(rng.normal(0.75, 0.08, 300), threshold=0.8, up=True)[0].any() for _ in range(400)]
    assert np.mean(hits) < 0.03


@pytest.mark.parametrize("sizes", [(5, 60), (100, 900), (2000, 9000)])
@pytest.mark.parametrize(
    ("mean", "concentration", "threshold", "up"),
    [
        (0.012, 60, 0.02, False), (0.02, 200, 0.02, False), (0.03, 100, 0.02, False), (0.012, 2000, 0.02, False),
        (0.8, 30, 0.8, True), (0.75, 300, 0.8, True), (0.9, 20, 0.8, True), (0.97, 40, 0.95, True), (0.5, 4, 0.5, True),
    ],
)  # fmt: skip
def test_honest_figures_are_flagged_in_fewer_than_one_of_twenty_simulations(sizes, mean, concentration, threshold, up):
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(300):
        n = rng.integers(*sizes, 155)
        share = rng.beta(mean * concentration, (1 - mean) * concentration, 155)
        values = rng.binomial(n, share) / n
        hits.append(suspicions.heaping(values, threshold=threshold, up=up, denominator=n)[0].any())
    assert np.mean(hits) < 0.05


def test_fourteen_desks_just_below_a_limit_of_two_per_cent_are_found_and_no_others():
    rng = np.random.default_rng(6)
    n = rng.integers(400, 2000, 155)
    late = rng.binomial(n, rng.beta(1.2, 60, 155))
    late[:14] = np.floor(0.02 * n[:14])
    flagged, _ = suspicions.heaping(late / n, threshold=0.02, up=False, denominator=n)
    assert flagged[:14].all() and flagged.sum() <= 24
    assert (late[flagged] / n[flagged] > 0.017).all()


def test_level_jumps_are_found_where_they_were_put():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 0.1, (300, 36))
    assert np.mean(suspicions.level_jumps(values) >= 0) < 0.02
    values[:, 20:] += 2
    assert np.mean(suspicions.level_jumps(values) == 20) > 0.98
    spike = rng.normal(0, 0.1, (300, 36))
    spike[:, 20] += 2  # one odd month is not a new level
    assert np.mean(suspicions.level_jumps(spike) >= 0) < 0.02


def test_a_december_that_stands_out_and_falls_back():
    months = np.arange(36) % 12 + 1
    values = np.random.default_rng(2).normal(0, 0.05, (1, 36))
    values[0, 23] += 1.0  # December of the second year
    values[0, 14] += 1.0  # a March
    surges = suspicions.end_of_period_surges(values, months=months)
    assert np.flatnonzero(surges[0]).tolist() == [23]


def test_signals_are_listed_for_the_last_month_and_figures_that_need_checking():
    rng = np.random.default_rng(3)
    denominator = np.full((3, 24), 1000.0)
    share = np.full((3, 24), 0.5) + rng.normal(0, 0.01, (3, 24))
    share[0, -1] = 0.62  # out of its limits
    denominator[1, -1] = 300.0
    share[2, 12:] += 0.3
    panel = make_shares((share * denominator).round(), denominator)
    table = signals_table(make_world([], panels={"x": panel}))
    found = {(row.unit, row.signal) for row in table.itertuples()}
    assert {("u0", "special_cause_improvement"), ("u1", "denominator_drop"), ("u2", "level_jump")} <= found
    assert table.loc[table["signal"] == "level_jump", "period"].tolist() == ["2023-01"]
    worse = signals_table(make_world([], panels={"x": panel}, better={"x": "down"}))
    assert ("u0", "special_cause_concern") in {(row.unit, row.signal) for row in worse.itertuples()}


def test_old_jumps_and_places_are_not_raised_again():
    """A jump or a December three years ago was looked at then; a place jumps when others move."""
    rng = np.random.default_rng(11)
    values = rng.normal(50, 0.1, (2, 60))
    values[0, 10:] += 4.0  # four years ago
    values[1, 40:] += 4.0
    raised = signals_table(make_world([], panels={"x": make_panel(values)}))
    assert raised.loc[raised["signal"] == "level_jump", "unit"].tolist() == ["u1"]
    december = rng.normal(50, 0.1, (2, 60))
    december[0, 23] += 4.0  # 2020-12
    december[1, 47] += 4.0  # 2022-12
    raised = signals_table(make_world([], panels={"x": make_panel(december)}))
    assert raised.loc[raised["signal"] == "end_of_period", "unit"].tolist() == ["u1"]
    places = make_panel(values.round(), kind="rank", resolution=1.0)
    assert "level_jump" not in set(signals_table(make_world([], panels={"x": places}))["signal"])


def test_around_a_trend_only_points_beyond_the_limits_count():
    """A straight climb is seven points in one direction for ever; the month that leaves its line is news."""
    climb = 10.0 + np.arange(24) + np.random.default_rng(7).normal(0, 0.2, (2, 24))
    climb[1, -1] -= 6.0
    table = signals_table(make_world([], panels={"x": make_panel(climb)}))
    assert table[["unit", "signal", "rule"]].values.tolist() == [["u1", "special_cause_concern", "trend:below_limit"]]


def test_the_label_of_a_past_deadline_is_that_of_the_deadline():
    values = np.array([[10.0, 12, 14, 16, 18, 19, 19, 25, 30, 31, 32, 33]])  # the deadline 2023-07 missed 20 by one
    promise = level(units=("u0",), threshold=20.0, deadline="2023-07")
    answer = assess(make_world([promise], panels={"x": make_panel(values)}))
    assert answer.assessments["status"].tolist() == ["missed"]
    table = answer.extra["crosswalk_labels"].set_index("body")
    assert table.loc["healthy_people", "label"] == "improving" and table.loc["eurostat", "label"] != "target_met"
    # base 10 in 2023-01, 19 in 2023-07, both six months: 19/10 against 20/10
    assert table.loc["eurostat", "ratio"] == pytest.approx((1.9 ** (1 / 6) - 1) / (2.0 ** (1 / 6) - 1))


def test_a_unit_on_the_way_carries_the_note_and_one_that_stands_still_does_not():
    rng = np.random.default_rng(0)
    values = np.vstack([0.40 + 0.01 * np.arange(24), np.full(24, 0.5)]) + rng.normal(0, 0.004, (2, 24))
    panel = make_panel(values)
    promise = level(units=panel.units, threshold=0.8, deadline="2024-01")
    answer = assess(make_world([promise], panels={"x": panel}, predictives={"x": make_forecast(panel, [0.64], [0.01])}))
    nhs = answer.extra["crosswalk_labels"].query("body == 'nhs_assurance'")
    assert nhs["label"].tolist() == ["consistent_fail"] * 2 and nhs["note"].tolist() == ["on_the_way", ""]


def test_labels_of_other_bodies_stand_beside_ours():
    _, extra = solve([level()], *province())
    table = extra["crosswalk_labels"]
    assert len(table) == 5 * 6
    one = table[(table["unit"] == "d") & (table["body"] == "healthy_people")].iloc[0]
    assert (one["label"], one["status"], one["disagrees"]) == ("target_met", "holding", False)


# ---- hysteresis and change since the cutoff before


def before(p=0.82, status="on_track", **more):
    row = {"unit": "b", "target": "T", "cutoff": "2023-09", "p_attain": p, "status": status}
    return pd.DataFrame([row | {"threshold": 0.605, "operator": ">=", "deadline": "2024-01"} | more])


def again(previous, threshold=0.605):
    panel, forecast = province()
    world = make_world([level(threshold=threshold)], panels={"x": panel}, predictives={"x": forecast}, parents=PARENTS)
    return assess(world, previous=previous).assessments.set_index("unit").loc["b"]


def test_a_status_holds_within_the_margin_and_knows_what_it_was():
    row = again(before(), threshold=0.605)  # p = 0.77
    assert row["p_attain"] == pytest.approx(norm.sf(0.605, 0.62, 0.02), abs=1e-6)
    assert row["status"] == "holding" and row["previous_status"] == "on_track" and row["previous_p"] == 0.82
    assert again(None)["status"] == "likely" and again(None)["previous_status"] == ""


def test_after_a_new_text_there_is_no_hysteresis():
    for change in ({"threshold": 0.55}, {"operator": ">"}, {"deadline": "2023-12"}):
        assert again(before(**change))["status"] == "likely"


def test_only_the_latest_cutoff_before_counts():
    older = before(status="unlikely", p=0.1).assign(cutoff="2023-06")
    assert again(pd.concat([before(), older]))["previous_status"] == "on_track"


# ---- the whole, from the registry's entries


def test_the_official_reading_is_marked():
    panel, forecast = province()
    reading = {"operator": ">", "threshold": 0.6, "start": "2023-11", "deadline": "2024-01", "reading": "rolling_3"}
    targets = [level(), make_target("U", "x", "sustained_from", NAMES, **reading)]
    table, extra = solve(targets, panel, forecast)
    assert len(table) == 10 and table["kind"].unique().tolist() == ["level_at", "sustained_from"]
    assert set(extra["readings"].query("official")["reading"]) == {"rolling_3"}


def test_every_kind_of_the_registry_has_an_event():
    assert sorted(EVENTS) == sorted(KINDS)


def test_no_promises_give_an_empty_table():
    answer = assess(make_world([], panels={}))
    assert answer.assessments.empty and answer.extra == {}


# ---- checks


def test_everything_wrong_with_promises_is_said_at_once():
    panel, _ = province()
    lone = make_panel([[1.0] * 5], units=["a"])
    promises = [
        make_target("S", "", "score_ge", ("a",), weights={"x": 18.0, "yy": 20.0}, deadline="2024-01"),
        make_target("R", "lone", "rank_le", ("a",), "<=", 3.0, deadline="2024-01", peers=("a", "zz")),
    ]
    panels = {"x": panel, "lone": lone}
    found = check_targets(promises, panels=panels, places={})
    assert [(one.where, one.found) for one in found] == [
        ("target S: components", "component 'yy' has no data"),
        ("target R: peers", "1 of 2 peers have data"),
    ]
    places = {one.target: f"params/targets/x.yml: target {one.target}" for one in promises}
    named = check_targets(promises, panels=panels, places=places)
    assert all(one.where.startswith("params/targets/x.yml: target ") and one.remedy for one in named)


def test_a_quota_met_by_a_small_part_of_the_population_needs_checking():
    panel = make_panel([[float(i) for i in range(60, 120)]], kind="count", resolution=1.0)
    quota = {"target": "Q", "indicator": "x", "kind": "cumulative_count", "units": ("u0",), "of": "quota"}
    promise = make_target(
        **quota, operator=">=", threshold=1.0, deadline=END, quota={"u0": 100}, population={"u0": 900}
    )
    table = assess(make_world([promise], panels={"x": panel})).extra["signals"]
    found = table[table["signal"] == "quota_population"].iloc[0]
    assert (found["unit"], found["rule"], found["period"]) == ("u0", "Q", END)
    assert found["value"] == pytest.approx(1.19) and found["centre"] == pytest.approx(119 / 900)


def test_the_flip_flop_index_needs_three_cutoffs():
    history = [
        before(status=one).assign(cutoff=cutoff) for one, cutoff in (("likely", "2023-03"), ("on_track", "2023-06"))
    ]
    panel, forecast = province()
    world = make_world([level(threshold=0.63)], panels={"x": panel}, predictives={"x": forecast}, parents=PARENTS)
    answer = assess(world, previous=pd.concat(history))
    table = answer.extra["flip_flops"].set_index("unit")
    assert table.loc["b", ["n_cutoffs", "flip_flop_index"]].tolist() == [3, 1.0]  # likely, on track, at risk
    assert "flip_flops" not in assess(world, previous=history[0]).extra


def test_without_annexes_the_probabilities_are_the_same():
    panel, forecast = province()
    world = make_world([level()], panels={"x": panel}, predictives={"x": forecast}, parents=PARENTS)
    whole, bare = assess(world), assess(world, annexes=False)
    pd.testing.assert_frame_equal(whole.assessments, bare.assessments)
    assert not {"rollup", "scenarios", "crosswalk_labels", "signals"} & set(bare.extra)


def test_ordinary_noise_gives_few_signals():
    rng = np.random.default_rng(6)
    denominator = (rng.integers(200, 900, (400, 1)) * rng.uniform(0.8, 1.2, (400, 36))).round()
    numerator = rng.binomial(denominator.astype(int), 0.6).astype(float)
    table = signals_table(make_world([], panels={"x": make_shares(numerator, denominator)}))
    assert len(table) < 0.06 * 400
