"""Level promises against their closed form, and when they are settled."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.attainment.assess import assess
from analysis.attainment.events.level import fell
from analysis.forecasting.ensemble import forecast_panel
from attainment.factory import make_forecast, make_panel, make_shares, make_target, make_world


def row(world, unit="u0", target="T"):
    table = assess(world).assessments.set_index(["unit", "target"])
    return table.loc[(unit, target)]


def level(**more):
    return make_target(
        **{"target": "T", "indicator": "x", "kind": "level_at", "units": ("u0",), "deadline": "2024-03"} | more
    )


@pytest.mark.parametrize(
    ("operator", "expected"), [(">=", norm.sf(1)), (">", norm.sf(1)), ("<=", norm.cdf(1)), ("<", norm.cdf(1))]
)
def test_all_operators_against_the_normal_distribution(operator, expected):
    panel = make_panel([[50.0] * 30])
    world = make_world(
        [level(operator=operator, threshold=12.0)],
        panels={"x": panel},
        predictives={"x": make_forecast(panel, [0, 0, 10.0], [1, 1, 2.0])},
    )
    assert row(world)["p_raw"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("operator", "strict", "expected"),
    [(">=", False, norm.sf(0.795, 0.8, 0.01)), (">", True, norm.sf(0.805, 0.8, 0.01))],
)
def test_a_value_published_in_whole_per_cent_is_compared_half_a_unit_off(operator, strict, expected):
    panel = make_panel([[0.5, 0.6, 0.7, 0.75] * 8], kind="rate", resolution=0.01)
    forecast = make_forecast(panel, [0.8], [0.01], lower=0.0, upper=1.0)
    object.__setattr__(forecast.scale, "step", np.array([0.01]))
    world = make_world(
        [level(operator=operator, threshold=0.8, deadline="2024-01")], panels={"x": panel}, predictives={"x": forecast}
    )
    assert row(world)["p_raw"] == pytest.approx(expected, abs=1e-6)


def test_two_sided_promises():
    panel = make_panel([[10.0] * 30])
    world = make_world(
        [level(threshold=9.0, upper=12.0, deadline="2024-01")],
        panels={"x": panel},
        predictives={"x": make_forecast(panel, [10.0], [1.0])},
    )
    found = row(world)
    assert found["p_raw"] == pytest.approx(norm.cdf(2) - norm.cdf(-1), abs=1e-6)
    assert found["status"] == "holding"


def test_a_past_deadline_is_settled_by_its_own_period_not_by_today():
    panel = make_shares([[40, 46, 39, 10]], [[50, 50, 50, 50]])
    promise = level(operator=">=", threshold=0.92, deadline="2023-10")
    met = row(make_world([promise], panels={"x": panel}))
    assert (met["p_attain"], met["status"], met["settled"]) == (1.0, "met", True)
    missed = row(make_world([level(threshold=0.93, deadline="2023-10")], panels={"x": panel}))
    assert (missed["p_attain"], missed["status"]) == (0.0, "missed")


def test_a_past_deadline_that_nobody_observed_is_not_assessable():
    panel = make_panel([[1.0, np.nan, 3.0, 4.0]])
    found = row(make_world([level(threshold=2.0, deadline="2023-10")], panels={"x": panel}))
    assert (found["status"], found["reason"]) == ("not_assessable", "deadline_not_observed")
    assert np.isnan(found["p_attain"])


def cumulative_world(values, *, declared=True, operator=">=", threshold=100.0):
    panel = make_panel([values], kind="count", cumulative=True, resolution=1.0)
    forecast = make_forecast(panel, [values[-1] + 1.0], [5.0], cumulative=True)
    return make_world(
        [level(operator=operator, threshold=threshold, deadline="2024-01")],
        panels={"x": panel},
        predictives={"x": forecast},
        cumulative=("x",) if declared else (),
    )


RISING = [10.0 * i for i in range(1, 13)]  # 10 .. 120


def test_a_count_that_cannot_fall_is_met_before_its_deadline():
    found = row(cumulative_world(RISING))
    assert (found["p_attain"], found["status"], found["settled"]) == (1.0, "met", True)


def test_a_cap_that_a_count_has_passed_is_missed_before_its_deadline():
    found = row(cumulative_world(RISING, operator="<="))
    assert (found["p_attain"], found["status"]) == (0.0, "missed")


def test_it_is_not_settled_when_only_the_history_says_that_it_never_falls():
    found = row(cumulative_world(RISING, declared=False))
    assert (found["p_attain"], found["status"]) == (0.99, "holding")


def test_it_is_not_settled_when_the_count_has_been_corrected_downwards_before():
    found = row(cumulative_world([*RISING[:5], 20.0, *RISING[6:]]))
    assert (found["p_attain"], found["settled"]) == (0.99, False)


def test_a_fall_is_seen_across_a_gap():
    assert fell(np.array([[5.0, np.nan, 4.0]])) and not fell(np.array([[np.nan, 4.0, np.nan, 4.0]]))


def test_a_share_is_never_settled_early():
    panel = make_shares([[46] * 12], [[50] * 12], cumulative=True)
    forecast = make_forecast(panel, [0.92], [0.001], lower=0.0, upper=1.0)
    found = row(
        make_world(
            [level(threshold=0.5, deadline="2024-01")],
            panels={"x": panel},
            predictives={"x": forecast},
            cumulative=("x",),
        )
    )
    assert (found["p_attain"], found["status"]) == (0.99, "holding")


def test_gap_and_pace_by_hand():
    panel = make_shares([[20, 22, 24, 26, 28, 30]], [[50] * 6])  # 40 % .. 60 %, two cases a month
    forecast = make_forecast(panel, [0.62, 0.64, 0.66], [0.01] * 3, lower=0.0, upper=1.0)
    found = row(make_world([level(threshold=0.75)], panels={"x": panel}, predictives={"x": forecast}))
    assert found["current"] == 0.6 and found["horizon"] == 3
    assert found["gap"] == pytest.approx(0.15)
    assert found["gap_cases"] == 8  # 75 % of 50 is 37.5: 38 cases are needed, 30 are there
    assert found["required_pace"] == pytest.approx(0.05)
    assert found["actual_pace"] == pytest.approx(0.04)
    assert found["required_cases"] == pytest.approx(8 / 3)
    assert found["predicted_median"] == pytest.approx(0.66)
    assert found["upper80"] == pytest.approx(0.66 + norm.ppf(0.9) * 0.01)
    assert found["lower50"] == pytest.approx(0.66 + norm.ppf(0.25) * 0.01)
    assert found["pace_percentile"] == 0.0  # in no three months did it gain 15 points


def test_a_unit_that_reports_late_has_its_missing_months_to_make_up():
    panel = make_shares([[20, 22, 24, 26, np.nan, np.nan]], [[50] * 6])  # 52 % two months ago
    forecast = make_forecast(panel, [0.62, 0.64, 0.66], [0.01] * 3, lower=0.0, upper=1.0)
    found = row(make_world([level(threshold=0.77)], panels={"x": panel}, predictives={"x": forecast}))
    assert found["current"] == 0.52 and found["current_period"] == "2023-10"
    assert found["required_pace"] == pytest.approx(0.25 / 5)  # three months ahead and two that are not in
    assert found["required_cases"] == pytest.approx(13 / 5)


def test_reasons_when_nothing_can_be_said():
    panel = make_panel([[1.0] * 30])
    forecast = make_forecast(panel, [1.0], [1.0])
    undated = make_target("T", "x", "conditional", ("u0",), ">=", 1.0, start="2023-01")
    own = make_target("T", "x", "coverage_all", ("u0",), deadline="2024-01")  # all of how many?
    worlds = {
        "no_deadline": make_world([undated], panels={"x": panel}, predictives={"x": forecast}),
        "no_series": make_world([level(threshold=1.0)], panels={}),
        "no_threshold": make_world([own], panels={"x": panel}, predictives={"x": forecast}),
        "no_forecast": make_world([level(threshold=1.0)], panels={"x": panel}),
    }
    for reason, world in worlds.items():
        found = row(world)
        assert (found["status"], found["reason"]) == ("not_assessable", reason)


def test_a_deadline_beyond_the_forecast_says_so():
    panel = make_panel([[1.0] * 30])
    forecast = make_forecast(panel, [1.0], [1.0])
    found = row(
        make_world([level(threshold=1.0, deadline="2024-06")], panels={"x": panel}, predictives={"x": forecast})
    )
    assert (found["status"], found["reason"]) == ("not_assessable", "beyond_horizon")


def test_history_before_a_declared_break_is_not_used():
    panel = make_panel([[9.0] * 27 + [1.0, 1.1, 1.0]], first=np.array([27]))
    forecast = make_forecast(panel, [1.0], [0.1])
    found = row(
        make_world([level(threshold=5.0, deadline="2024-01")], panels={"x": panel}, predictives={"x": forecast})
    )
    assert (found["status"], found["reason"], found["n_points"]) == ("not_assessable", "break", 3)


def test_milestones_are_kept_missed_or_forecast():
    panel = make_shares([[20, 22, 24, 26, 28, 30]], [[50] * 6])
    forecast = make_forecast(panel, [0.62, 0.64, 0.66], [0.01] * 3, lower=0.0, upper=1.0)
    steps = (("2023-10", 0.52), ("2023-11", 0.57), ("2024-02", 0.64))
    world = make_world([level(threshold=0.75, milestones=steps)], panels={"x": panel}, predictives={"x": forecast})
    table = assess(world).extra["milestones"]
    assert table["observed"].tolist() == [True, True, False]
    assert table["kept"].tolist() == [True, False, False]
    assert table["p"].tolist() == [1.0, 0.0, pytest.approx(0.5)]


MIRRORED = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}


@pytest.mark.parametrize("operator", [">=", ">", "<=", "<"])
def test_a_share_and_its_complement_have_one_probability_to_machine_precision(operator):
    """P(share >= t) = 1 - P(complement > 1 - t), forecast, calibration and status included."""
    rng = np.random.default_rng(31)
    bottom = rng.integers(30, 900, (40, 1)) + np.zeros((40, 36))
    logit = rng.normal(0, 0.7, (40, 1)) + 0.04 * np.arange(36) + rng.normal(0, 0.1, (40, 36)).cumsum(axis=1)
    top = rng.binomial(bottom.astype(int), 1 / (1 + np.exp(-logit))).astype(float)
    answers = []
    for numerator, sign, threshold in ((top, operator, 0.8), (bottom - top, MIRRORED[operator], 0.2)):
        panel = make_shares(numerator, bottom)
        promise = level(operator=sign, threshold=threshold, units=panel.units, deadline="2024-09")
        world = make_world(
            [promise], panels={"x": panel}, predictives={"x": forecast_panel(panel, horizon=9)}, calibrate=True
        )
        answers.append(assess(world).assessments)
    one, other = answers
    assert one["n_origins"].min() > 0 and one["p_attain"].between(0.05, 0.95).sum() > 10
    np.testing.assert_allclose(one["p_raw"], other["p_raw"], atol=1e-12)
    np.testing.assert_allclose(one["p_attain"], other["p_attain"], atol=1e-12)
    assert one["status"].tolist() == other["status"].tolist()
    assert one["gap_cases"].tolist() == other["gap_cases"].tolist()
