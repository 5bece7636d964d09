"""Sustained promises: three readings against closed forms and a slow simulation."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.attainment.assess import assess
from attainment.factory import make_forecast, make_panel, make_shares, make_target, make_world

WITHIN = 4 * 0.5 / np.sqrt(20_000)  # four Monte Carlo standard errors


def sustained(**more):
    usual = {"target": "S", "indicator": "x", "kind": "sustained_from", "units": ("u0",), "operator": ">"}
    return make_target(
        **usual | {"threshold": 0.6, "start": "2024-01", "deadline": "2024-03", "reading": "each_period"} | more
    )


def solve(promise, panel, forecast=None, **more):
    answer = assess(make_world([promise], panels={"x": panel}, predictives={"x": forecast} if forecast else {}, **more))
    return answer.assessments.iloc[0], answer.extra["readings"].set_index("reading")


def test_independent_months_all_hold_with_the_product_of_their_probabilities():
    panel = make_panel([[0.5] * 30])
    forecast = make_forecast(panel, [0.62, 0.61, 0.65], [0.02, 0.02, 0.04])
    row, readings = solve(sustained(), panel, forecast)
    each = norm.sf(0.6, [0.62, 0.61, 0.65], [0.02, 0.02, 0.04]).prod()
    assert row["p_raw"] == pytest.approx(each, abs=WITHIN)
    mean, sd = np.mean([0.62, 0.61, 0.65]), np.sqrt(0.02**2 + 0.02**2 + 0.04**2) / 3
    assert readings.loc["cumulative", "p"] == pytest.approx(norm.sf(0.6, mean, sd), abs=WITHIN)
    # months before the start do not count, so the only three neighbouring months are these three
    assert readings.loc["rolling_3", "p"] == pytest.approx(norm.sf(0.6, mean, sd), abs=WITHIN)
    assert readings["official"].to_dict() == {"cumulative": False, "each_period": True, "rolling_3": False}


def test_the_official_reading_is_the_one_that_counts():
    panel = make_panel([[0.5] * 30])
    forecast = make_forecast(panel, [0.62, 0.61, 0.65], [0.02, 0.02, 0.04])
    row, readings = solve(sustained(reading="cumulative"), panel, forecast)
    assert row["p_raw"] == readings.loc["cumulative", "p"]


def test_one_broken_month_settles_the_strict_reading_only():
    shares = make_shares([[350, 310, 290, 350]], [[500] * 4])  # 70, 62, 58, 70 %
    forecast = make_forecast(shares, [0.70, 0.70], [0.01, 0.01], lower=0.0, upper=1.0)
    row, readings = solve(sustained(start="2023-09", deadline="2024-02"), shares, forecast)
    assert (row["status"], row["p_attain"], row["settled"]) == ("missed", 0.0, True)
    each = readings.loc["each_period"]
    assert (each["n_observed"], each["n_broken"], each["first_broken"]) == (4, 1, "2023-11")
    rolling = readings.loc["rolling_3"]
    assert (rolling["n_observed"], rolling["n_broken"]) == (2, 0) and rolling[
        "p"
    ] == 0.99  # 63.3 and 63.3 %; open, so not 1
    assert readings.loc["cumulative", "so_far"] == pytest.approx(1300 / 2000)
    assert readings.loc["cumulative", "p"] == 0.99 and not readings.loc["cumulative", "settled"]


def test_percentages_are_summed_by_counts_not_averaged():
    shares = make_shares([[9, 100, 100]], [[10, 200, 200]])  # 90, 50, 50 %: mean 63.3 %, together 51 %
    _, readings = solve(sustained(start="2023-10", deadline="2023-12"), shares)
    assert readings.loc["cumulative", "so_far"] == pytest.approx(209 / 410)
    assert readings.loc["cumulative", "p"] == 0.0 and readings.loc["rolling_3", "p"] == 0.0


def test_a_span_that_is_all_history_is_settled():
    shares = make_shares([[31, 31, 31]], [[50] * 3])
    row, readings = solve(sustained(start="2023-10", deadline="2023-12"), shares)
    assert (row["status"], row["p_attain"]) == ("met", 1.0)
    assert readings["settled"].all() and (readings["p"] == 1).all()


def test_exactly_sixty_per_cent_is_not_above_sixty_per_cent():
    shares = make_shares([[31, 30, 31]], [[50] * 3])
    row, readings = solve(sustained(start="2023-10", deadline="2023-12"), shares)
    assert row["status"] == "missed" and readings.loc["each_period", "first_broken"] == "2023-11"


def test_a_month_nobody_reported_cannot_be_called_kept():
    panel = make_panel([[0.7] * 30 + [np.nan, 0.7]])
    row, _ = solve(sustained(start="2023-10", deadline="2023-12"), panel)
    assert (row["status"], row["reason"]) == ("not_assessable", "deadline_not_observed")
    broken = make_panel([[0.7] * 29 + [0.5, np.nan, 0.7]])
    row, _ = solve(sustained(start="2023-10", deadline="2023-12"), broken)
    assert row["status"] == "missed"  # whatever the missing month was


def test_open_ended_promises_are_looked_at_as_far_as_the_options_say():
    panel = make_panel([[0.5] * 30])
    forecast = make_forecast(panel, [0.62] * 4, [0.02] * 4)
    row, _ = solve(sustained(deadline=None), panel, forecast, horizon_periods=4)
    assert row["horizon"] == 4
    assert row["p_raw"] == pytest.approx(norm.cdf(1) ** 4, abs=WITHIN)


def test_the_start_may_lie_in_the_future():
    panel = make_panel([[0.5] * 30])
    forecast = make_forecast(panel, [0.0, 0.62, 0.62], [0.02] * 3)
    row, _ = solve(sustained(start="2024-02"), panel, forecast)
    assert row["p_raw"] == pytest.approx(norm.cdf(1) ** 2, abs=WITHIN)


def oracle(history, weights, paths, operator_holds):
    """Each reading by loops over paths; the future's weight is the mean of the last three known ones."""
    usual = np.mean(weights[-3:])
    hits = dict.fromkeys(("each_period", "cumulative", "rolling_3"), 0)
    for path in paths:
        values, sizes = [*history, *path], [*weights, *[usual] * len(path)]
        hits["each_period"] += all(operator_holds(one) for one in values)
        hits["cumulative"] += operator_holds(np.average(values, weights=sizes))
        threes = [np.average(values[i : i + 3], weights=sizes[i : i + 3]) for i in range(len(values) - 2)]
        hits["rolling_3"] += all(operator_holds(one) for one in threes)
    return {reading: count / len(paths) for reading, count in hits.items()}


def test_the_readings_agree_with_a_slow_simulation_on_correlated_paths():
    numerator, denominator = [[130, 120, 66, 125]], [[200, 200, 100, 200]]
    shares = make_shares(numerator, denominator)
    carry = np.full((1, 3), 0.8)
    forecast = make_forecast(
        shares, [0.63, 0.62, 0.62, 0.63], [0.02, 0.03, 0.03, 0.04], carry=carry, lower=0.0, upper=1.0
    )
    promise = sustained(operator=">=", start="2023-09", deadline="2024-04")
    _, readings = solve(promise, shares, forecast, n_paths=4000)
    paths = forecast.paths(n_paths=4000, seed=99)[0].T
    slow = oracle(np.array(numerator[0]) / denominator[0], denominator[0], paths, lambda one: one >= 0.6 - 1e-12)
    for reading, expected in slow.items():
        assert readings.loc[reading, "p"] == pytest.approx(expected, abs=0.04), reading


def test_blocks_of_units_change_nothing():
    rng = np.random.default_rng(0)
    panel = make_panel(rng.uniform(0.5, 0.7, (9, 30)))
    forecast = make_forecast(panel, rng.uniform(0.58, 0.66, (9, 3)), np.full((9, 3), 0.03), common=0.3)
    promise = sustained(units=panel.units)
    one = assess(make_world([promise], panels={"x": panel}, predictives={"x": forecast}, n_paths=500, block_units=1))
    all_ = assess(make_world([promise], panels={"x": panel}, predictives={"x": forecast}, n_paths=500))
    assert one.assessments["p_raw"].tolist() == all_.assessments["p_raw"].tolist()


def test_a_start_in_years_means_its_first_month():
    panel = make_panel([[0.5] * 12 + [0.7] * 12])
    row, readings = solve(sustained(start="2023", deadline="2023-12"), panel)
    assert row["status"] == "met" and readings.loc["each_period", "n_observed"] == 12
    row, readings = solve(sustained(start="2022-Q4", deadline="2023-12"), panel)
    assert row["status"] == "missed" and readings.loc["each_period", "first_broken"] == "2022-10"


def test_a_promise_with_two_bounds_is_broken_above_as_well_as_below():
    panel = make_panel([[0.5] * 30])
    means, sd = np.array([0.62, 0.61, 0.65]), np.array([0.02, 0.02, 0.04])
    row, readings = solve(sustained(operator=">=", upper=0.64), panel, make_forecast(panel, means, sd))
    each = (norm.cdf(0.64, means, sd) - norm.cdf(0.6, means, sd)).prod()
    assert row["p_raw"] == pytest.approx(each, abs=WITHIN)
    mean, wide = means.mean(), np.sqrt((sd**2).sum()) / 3
    both = norm.cdf(0.64, mean, wide) - norm.cdf(0.6, mean, wide)
    assert readings.loc["cumulative", "p"] == pytest.approx(both, abs=WITHIN)
    assert readings.loc["rolling_3", "p"] == pytest.approx(both, abs=WITHIN)
    past = make_shares([[31, 33, 31]], [[50] * 3])  # 62, 66, 62 %
    row, readings = solve(sustained(operator=">=", upper=0.64, start="2023-10", deadline="2023-12"), past)
    assert row["status"] == "missed" and readings.loc["each_period", "first_broken"] == "2023-11"
    assert readings.loc["cumulative", "p"] == 1.0  # 95 of 150 is 63.3 %


def test_the_probability_of_the_official_reading_is_that_of_the_assessment():
    panel = make_panel([[0.5] * 30])
    row, readings = solve(sustained(), panel, make_forecast(panel, [0.9, 0.9, 0.9], [0.01] * 3))
    assert readings.loc["each_period", "p"] == row["p_attain"] == 0.99


def test_three_neighbouring_months_may_lie_on_both_sides_of_today():
    """61 and 62 % are behind us at 500 dossiers each: January needs 57 %, February and January together 119 - 61."""
    shares = make_shares([[290, 305, 310]], [[500] * 3])
    forecast = make_forecast(shares, [0.56, 0.61], [0.02, 0.02], lower=0.0, upper=1.0)
    _, readings = solve(sustained(operator=">=", start="2023-11", deadline="2024-02"), shares, forecast, min_points=3)
    draws = np.random.default_rng(3).normal([0.56, 0.61], 0.02, (200_000, 2))
    kept = (0.61 + 0.62 + draws[:, 0] >= 1.8) & (0.62 + draws.sum(axis=1) >= 1.8)
    assert readings.loc["rolling_3", "p"] == pytest.approx(kept.mean(), abs=WITHIN)
    assert kept.mean() < 0.5  # only the months ahead, there would be no three of them


def test_gap_pace_and_peers_of_a_cumulative_promise_are_those_of_the_whole_time():
    panel = make_shares([[80, 80, 20, 55], [95, 95, 95, 95]], [[100] * 4] * 2)
    forecast = make_forecast(panel, [0.5, 0.5], [0.01] * 2, lower=0.0, upper=1.0)
    promise = make_target(
        "T", "x", "sustained_from", ("u0", "u1"), ">=", 0.6, start="2023-11", deadline="2024-02", reading="cumulative"
    )
    found = assess(make_world([promise], panels={"x": panel}, predictives={"x": forecast}))
    row = found.assessments.set_index("unit").loc["u0"]
    assert (row["current"], row["current_numerator"], row["current_denominator"]) == (0.375, 75, 200)
    assert row["gap_cases"] == 45 and not row["attained_now"]  # 60 % of 200 are 120
    assert row["predicted_median"] == pytest.approx((75 + 100) / 400, abs=0.01)
    assert np.isnan(row["required_pace"])  # a level is needed, not a pace
    own = found.extra["readings"].query("official").set_index("unit").loc["u0"]
    assert (own["n_rest"], own["needed_rest"]) == (2, pytest.approx((240 - 75) / 200))
    assert own[["expected_rest", "cases_rest"]].tolist() == [200, 165]
    peers = found.extra["pace"].set_index("unit").loc["u0"]
    assert peers[["window", "n_units", "n_kept"]].tolist() == [2, 2, 1]  # 82.5 % over two months: u1 only


def test_what_cannot_be_assessed_has_no_probability_in_any_table():
    shares = make_shares([[290, 305, 310]], [[500] * 3])
    forecast = make_forecast(shares, [0.56, 0.61], [0.02, 0.02], lower=0.0, upper=1.0)
    level = make_target("L", "x", "level_at", ("u0",), ">=", 0.6, deadline="2024-02", milestones=[("2024-01", 0.5)])
    promises = [sustained(operator=">=", start="2023-12", deadline="2024-02"), level]
    found = assess(make_world(promises, panels={"x": shares}, predictives={"x": forecast}))
    assert found.assessments["status"].tolist() == ["not_assessable"] * 2
    assert found.assessments[["p_attain", "p_raw"]].isna().all(axis=None)
    assert found.extra["readings"]["p"].isna().all() and found.extra["milestones"]["p"].isna().all()
    assert "scenarios" not in found.extra
