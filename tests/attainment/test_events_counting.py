"""Counts, coverage and change against a baseline: denominators named, nothing guessed."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.attainment.assess import assess
from attainment.factory import make_forecast, make_panel, make_shares, make_target, make_world


def solve(promise, panel, forecast=None, **more):
    answer = assess(make_world([promise], panels={"x": panel}, predictives={"x": forecast} if forecast else {}, **more))
    return answer.assessments.iloc[0], answer.extra


def count(**more):
    usual = {"target": "C", "indicator": "x", "kind": "cumulative_count", "units": ("u0",), "deadline": "2024-01"}
    return make_target(**usual | {"operator": ">=", "threshold": 1.0} | more)


RISING = [[5.0 * i for i in range(1, 21)]]  # 5 .. 100


def test_the_quota_and_the_population_give_two_answers_and_the_named_one_counts():
    panel = make_panel([[109.0 - 3 * i for i in range(19, -1, -1)]], kind="count", resolution=1.0)
    forecast = make_forecast(panel, [2000.0], [100.0], lower=0.0)
    row, extra = solve(count(of="quota", quota={"u0": 2068}, population={"u0": 5908}), panel, forecast)
    table = extra["denominators"].iloc[0]
    # xã Hà Đông, Gia Lai, 22/3/2025: 109 of 2.068 assigned and of 5.908 residents
    assert round(100 * table["share_of_quota"], 1) == 5.3
    assert round(100 * table["share_of_population"], 1) == 1.8
    assert row["threshold"] == 2068 and row["gap_cases"] == 2068 - 109
    assert row["p_raw"] == pytest.approx(norm.sf(2068, 2000, 100), abs=1e-6)
    assert table["p_quota"] == pytest.approx(row["p_attain"]) and table["p_population"] == 0.01


def test_a_share_of_those_eligible_from_a_count_and_a_population():
    panel = make_panel(RISING, kind="count", resolution=1.0)
    forecast = make_forecast(panel, [105.0], [10.0], lower=0.0)
    row, _ = solve(count(of="eligible", threshold=0.5, population={"u0": 220}), panel, forecast)
    assert row["threshold"] == 110
    assert row["p_raw"] == pytest.approx(norm.sf(0.5), abs=1e-6)


def test_a_quota_against_a_share_of_the_population():
    panel = make_shares([[40, 44, 48, 52]], [[200] * 4])
    forecast = make_forecast(panel, [0.28], [0.02], lower=0.0, upper=1.0)
    row, extra = solve(count(of="quota", quota={"u0": 60}), panel, forecast)
    assert row["threshold"] == pytest.approx(0.3)  # 60 of 200
    assert row["p_raw"] == pytest.approx(norm.sf(1), abs=1e-6)
    assert extra["denominators"].iloc[0]["population"] == 200


def test_a_unit_without_a_quota_is_not_assessable():
    panel = make_panel(RISING, kind="count", resolution=1.0)
    row, _ = solve(count(of="quota", quota={"other": 10}), panel, make_forecast(panel, [105.0], [10.0]))
    assert (row["status"], row["reason"]) == ("not_assessable", "no_quota")


def test_a_reached_quota_of_a_count_that_cannot_fall_is_met_early():
    panel = make_panel(RISING, kind="count", cumulative=True, resolution=1.0)
    forecast = make_forecast(panel, [105.0], [1.0], cumulative=True)
    row, _ = solve(count(of="quota", quota={"u0": 80}), panel, forecast, cumulative=("x",))
    assert (row["status"], row["p_attain"]) == ("met", 1.0)


def test_both_denominators_say_when_they_are_settled():
    panel = make_panel(RISING, kind="count", cumulative=True, resolution=1.0)
    forecast = make_forecast(panel, [105.0], [5.0], cumulative=True)
    promise = count(of="quota", threshold=0.5, quota={"u0": 160}, population={"u0": 220})
    row, extra = solve(promise, panel, forecast, cumulative=("x",))
    table = extra["denominators"].iloc[0]
    assert row["p_attain"] == table["p_quota"] == 1.0  # 100 of the 80 asked for, and it cannot fall
    assert table["p_population"] == pytest.approx(norm.sf(110, 105, 5), abs=1e-6)  # 110 is still ahead


def coverage(**more):
    return make_target(
        **{"target": "K", "indicator": "x", "kind": "coverage_all", "units": ("u0",), "deadline": "2024-01"} | more
    )


def test_177_of_177_communes_are_covered():
    panel = make_shares([[150, 170, 177]], [[177] * 3])
    row, extra = solve(coverage(deadline="2023-12"), panel)
    assert (row["status"], row["p_attain"], row["gap_cases"]) == ("met", 1.0, 0)
    assert extra["coverage"].iloc[0][["covered", "n", "k", "missing"]].tolist() == [177, 177, 177, 0]


def test_one_service_short_is_not_all_of_them():
    panel = make_shares([[20, 22, 24]], [[25] * 3])
    row, extra = solve(coverage(deadline="2023-12", n=25), panel)
    assert (row["status"], row["gap_cases"]) == ("missed", 1)
    assert extra["coverage"].iloc[0]["missing"] == 1


def test_k_of_n_services():
    panel = make_shares([[14, 16, 18, 20]], [[25] * 4])
    forecast = make_forecast(panel, [0.84], [0.02], lower=0.0, upper=1.0)
    row, extra = solve(coverage(k=22), panel, forecast)
    assert extra["coverage"].iloc[0][["covered", "n", "k", "missing"]].tolist() == [20, 25, 22, 2]
    assert row["threshold"] == pytest.approx(0.88)
    assert row["p_raw"] == pytest.approx(norm.sf(2), abs=1e-6)


def test_another_n_in_the_data_than_in_the_promise_is_flagged():
    panel = make_shares([[14, 16, 18, 20]], [[24] * 4])
    _, extra = solve(coverage(n=25), panel, make_forecast(panel, [0.9], [0.1], lower=0.0, upper=1.0))
    assert extra["coverage"]["n_differs"].tolist() == [True]


def test_coverage_without_a_deadline_is_looked_at_as_far_as_the_options_say():
    panel = make_panel([[14.0, 16.0, 18.0, 20.0]], kind="count", resolution=1.0)
    forecast = make_forecast(panel, [21.0, 22.0, 25.0], [1.0, 1.0, 1.0])
    row, _ = solve(coverage(deadline=None, n=25), panel, forecast, horizon_periods=3)
    assert row["horizon"] == 3 and row["deadline"] == "" and row["threshold"] == 25
    assert row["p_raw"] == pytest.approx(0.5, abs=1e-6)


def change(**more):
    usual = {"target": "R", "indicator": "x", "kind": "relative_change", "units": ("u0",), "operator": "<="}
    return make_target(**usual | {"threshold": -0.5, "deadline": "2024-01", "baseline": 0.08} | more)


def test_halving_against_a_stated_baseline():
    panel = make_shares([[16, 14, 12, 10]], [[200] * 4])
    forecast = make_forecast(panel, [0.045], [0.005], lower=0.0, upper=1.0)
    row, extra = solve(change(), panel, forecast)
    assert row["threshold"] == pytest.approx(0.04)
    assert row["p_raw"] == pytest.approx(norm.cdf(-1), abs=1e-6)
    assert extra["baselines"].iloc[0]["change_so_far"] == pytest.approx(0.05 / 0.08 - 1)
    assert row["gap"] == pytest.approx(0.01)  # one point too high


def test_the_baseline_may_be_a_period_and_is_never_guessed():
    panel = make_shares([[20, 14, 12, 10]], [[200] * 4])
    forecast = make_forecast(panel, [0.045], [0.005], lower=0.0, upper=1.0)
    row, extra = solve(change(baseline=None, baseline_period="2023-09"), panel, forecast)
    assert row["threshold"] == pytest.approx(0.05) and extra["baselines"].iloc[0]["baseline"] == 0.1
    for promise in (change(baseline=None), change(baseline=None, baseline_period="2020-01")):
        row, _ = solve(promise, panel, forecast)
        assert (row["status"], row["reason"]) == ("not_assessable", "no_baseline")


def test_a_baseline_under_another_definition_is_none():
    panel = make_shares([[20, 14, 12, 10, 9, 9, 9]], [[200] * 7], first=np.array([2]))
    promise = change(baseline=None, baseline_period="2023-07")
    row, _ = solve(promise, panel, make_forecast(panel, [0.045], [0.005], lower=0.0, upper=1.0))
    assert (row["status"], row["reason"]) == ("not_assessable", "no_baseline")


def test_exactly_half_of_the_baseline_is_enough_for_at_most():
    panel = make_shares([[20, 14, 12, 10]], [[200] * 4])
    row, _ = solve(change(baseline=0.1, deadline="2023-12"), panel)
    assert row["status"] == "met"
    row, _ = solve(change(baseline=0.1, operator="<", deadline="2023-12"), panel)
    assert row["status"] == "missed"


def test_every_unit_has_its_own_baseline():
    panel = make_shares([[10, 10], [10, 10], [10, 10]], [[100, 100]] * 3)
    promise = change(units=("u0", "u1", "u2"), baseline={"u0": 0.2, "u1": 0.15}, deadline="2023-12")
    table = assess(make_world([promise], panels={"x": panel})).assessments
    assert table["status"].tolist() == ["met", "missed", "not_assessable"]
    assert np.isnan(table["threshold"].iloc[2])
