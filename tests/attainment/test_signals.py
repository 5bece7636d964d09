import numpy as np
import pytest

from analysis.attainment import signals
from analysis.attainment.assess import assess
from analysis.attainment.signals import Limits
from attainment.factory import make_panel, make_target, make_world
from attainment.r_random import R


def block(*rows):
    return np.array(rows, dtype=float)


def wide(centre=0.0, reach=9.0, n=1):
    return Limits(np.full(n, centre), np.full(n, centre - reach), np.full(n, centre + reach))


# Public issue #172 of NHSRplotthedots, first scenario: its thread prints mean 0.717, lpl 0.554, upl 0.880 for these 30
# points
def issue_172():
    r = R(123)
    return block(r.sample(range(50, 71), 20) + r.sample(range(90, 101), 10, replace=True)) / 100


def test_r_random_numbers_are_repeated():
    assert R(123).sample(range(1, 11), 10) == [3, 10, 2, 8, 6, 9, 1, 7, 5, 4]


def test_issue_172_limits_as_printed_in_the_thread():
    limits = signals.xmr(issue_172())
    np.testing.assert_allclose([limits.centre[0], limits.lower[0], limits.upper[0]], [0.717, 0.554, 0.880], atol=0.0005)
    assert signals.assurance(limits, target=0.9, up=True).tolist() == ["consistent_fail"]


def test_issue_172_assurance_uses_the_last_rebased_limits():
    values = issue_172()
    values[:, :20] = np.nan  # rebased at point 21: the new limits straddle 90 %
    assert signals.assurance(signals.xmr(values), target=0.93, up=True).tolist() == ["inconsistent"]


def test_assurance_vectors_of_the_package():
    three = Limits(np.array([2.0, 6.0, 4.0]), np.array([1.0, 5.0, 1.0]), np.array([3.0, 7.0, 5.0]))
    assert signals.assurance(three, target=4, up=True).tolist() == [
        "consistent_fail",
        "consistent_pass",
        "inconsistent",
    ]
    assert signals.assurance(three, target=4, up=False).tolist() == [
        "consistent_pass",
        "consistent_fail",
        "inconsistent",
    ]
    assert signals.assurance(three, target=np.nan, up=True).tolist() == ["", "", ""]


@pytest.mark.parametrize("at", [1.0, 3.0])
def test_a_target_on_the_limit_is_inconsistent(at):
    limits = Limits(np.array([2.0]), np.array([1.0]), np.array([3.0]))
    assert signals.assurance(limits, target=at, up=True).tolist() == ["inconsistent"]


def test_screening_leaves_out_one_wild_moving_range():
    values = block([10, 11, 10, 11, 10, 11, 10, 11, 10, 40, 41, 40])
    # ranges: ten of 1 and one of 30; mean 40/11, times 3.267 = 11.88, so the 30 is screened and the mean range is 1
    assert signals.mean_moving_range(values, screen=True)[0] == 1.0
    assert signals.mean_moving_range(values, screen=False)[0] == pytest.approx(40 / 11)
    excel, screened = signals.xmr(values, screen=False), signals.xmr(values, screen=True)
    assert excel.upper[0] - excel.centre[0] == pytest.approx(2.66 * 40 / 11)
    assert screened.upper[0] - screened.centre[0] == pytest.approx(2.66)


def test_a_constant_series_has_limits_on_its_mean():
    limits = signals.xmr(block([5, 5, 5, 5]))
    assert (limits.lower[0], limits.centre[0], limits.upper[0]) == (5, 5, 5)
    assert set(signals.special_causes(block([5, 5, 5, 5]), limits).ravel()) == {""}


def test_seven_points_on_one_side_of_the_mean():
    rules = signals.special_causes(block([1, 2, 1, 2, 1, 2, 1, 2, -1]), wide())
    assert rules[0].tolist() == ["seven_above"] * 8 + [""]
    assert set(signals.special_causes(block([1, 2, 1, 2, 1, 2, -1]), wide())[0]) == {""}  # six are none
    assert set(signals.special_causes(block([1, 2, 1, 0, 1, 2, 1, 2]), wide())[0]) == {""}  # on the line breaks a run


def test_seven_points_in_one_direction():
    assert signals.special_causes(block([2, -3, -2, -1, 0, 1, 2, 3, -1]), wide())[0].tolist() == [""] + [
        "rising"
    ] * 7 + [""]
    assert set(signals.special_causes(block([-3, -2, -1, -1, 0, 1, 2]), wide())[0]) == {""}  # a tie stops the count


def test_issue_171_a_falling_trend_above_the_mean_is_no_improvement():
    values = block([8, 7, 6, 5, 4, 3, 2, -6, -1, -7, -1, -6, -8, -1])
    rules = signals.special_causes(values, wide())
    assert rules[0, :7].tolist() == ["falling"] * 7
    types = signals.point_types(rules, up=True)
    assert types[0, :7].tolist() == ["special_cause_concern"] * 7
    assert signals.point_types(rules, up=False)[0, :7].tolist() == ["special_cause_improvement"] * 7


def test_issue_143_two_of_three_count_only_on_one_side():
    # two sigma at 6 of 9: 7 and -7 lie close to the limits on opposite sides
    assert set(signals.special_causes(block([1, 7, -7, 1, -1]), wide())[0]) == {""}
    rules = signals.special_causes(block([-1, 7, 1, 7, -1]), wide())
    assert rules[0].tolist() == ["", "two_of_three_above", "", "two_of_three_above", ""]
    # all three points must lie on the same side
    assert set(signals.special_causes(block([1, 7, -1, 7, 1]), wide())[0]) == {""}


def test_a_point_outside_the_limits_comes_first():
    rules = signals.special_causes(block([-3, -2, -1, 0, 1, 2, 10]), wide())
    assert rules[0].tolist() == ["rising"] * 6 + ["above_limit"]


def test_where_a_rise_turns_into_a_fall_the_peak_belongs_to_the_fall():
    rules = signals.special_causes(block([0, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1, 0]), wide())
    assert rules[0].tolist() == ["rising"] * 6 + ["falling"] * 7


def test_gaps_are_closed_up_and_results_go_back_to_their_periods():
    gappy = block([1, np.nan, 2, 1, 2, np.nan, 1, 2, 1, np.nan])
    rules = signals.special_causes(gappy, wide())
    assert rules[0].tolist() == [
        "seven_above",
        "",
        "seven_above",
        "seven_above",
        "seven_above",
        "",
        *["seven_above"] * 3,
        "",
    ]


def test_short_and_empty_series_have_no_signal():
    for row in ([1.0], [1.0, 2.0], [np.nan, np.nan, np.nan]):
        assert set(signals.special_causes(block(row), signals.xmr(block(row))).ravel()) == {""}
    assert np.isnan(signals.xmr(block([np.nan])).centre[0])


def one_way(seven):
    steps = [b - a for a, b in zip(seven[:-1], seven[1:])]
    return all(one > 0 for one in steps) or all(one < 0 for one in steps)


def oracle(row, limits, up):
    """The rules for one complete series, point by point."""
    mean, low, high = (float(one[0]) for one in (limits.centre, limits.lower, limits.upper))
    n = len(row)
    side = [np.sign(one - mean) for one in row]
    out = [one < low or one > high for one in row]
    close = [not out[i] and abs(row[i] - mean) > 2 / 3 * (high - mean) for i in range(n)]
    rules = [""] * n
    for i in range(n):
        run = any(abs(sum(side[j : j + 7])) == 7 for j in range(max(0, i - 6), min(i, n - 7) + 1))
        windows = range(max(0, i - 2), min(i, n - 3) + 1)
        three = any(sum(close[j : j + 3]) >= 2 and abs(sum(side[j : j + 3])) == 3 for j in windows)
        trends = [j for j in range(max(0, i - 6), min(i, n - 7) + 1) if one_way(row[j : j + 7])]
        above = side[i] > 0
        if out[i]:
            rules[i] = "above_limit" if above else "below_limit"
        elif trends:
            rules[i] = "rising" if row[trends[-1] + 1] > row[trends[-1]] else "falling"
        elif three and close[i]:
            rules[i] = "two_of_three_above" if above else "two_of_three_below"
        elif run:
            rules[i] = "seven_above" if above else "seven_below"
    return rules


def test_the_block_agrees_with_a_slow_reading_of_the_rules():
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.normal(size=(60, 40)), np.cumsum(rng.normal(size=(60, 40)), axis=1)])
    limits = signals.xmr(values)
    fast = signals.special_causes(values, limits)
    for i, row in enumerate(values):
        single = Limits(limits.centre[i : i + 1], limits.lower[i : i + 1], limits.upper[i : i + 1])
        assert fast[i].tolist() == oracle(list(row), single, True)


def test_p_prime_by_hand():
    limits = signals.p_prime(block([50, 60]), block([100, 100]))
    # centre 0.55, sigma 0.049749, z = -1.0050, 1.0050; moving range 2.0101; widening 1.7820
    assert limits.centre[0, 0] == pytest.approx(0.55)
    sigma = np.sqrt(0.55 * 0.45 / 100)
    assert limits.upper[0, 0] - 0.55 == pytest.approx(3 * sigma * (0.1 / sigma) / 1.128)


def test_p_prime_is_about_the_binomial_chart_without_over_dispersion():
    rng = np.random.default_rng(1)
    n = rng.integers(200, 2000, size=(200, 60)).astype(float)
    limits = signals.p_prime(rng.binomial(n.astype(int), 0.3).astype(float), n)
    ratio = (limits.upper - limits.centre) / (3 * np.sqrt(0.3 * 0.7 / n))
    assert 0.97 < ratio.mean() < 1.03
    outside = np.mean(rng.binomial(n.astype(int), 0.3) / n > limits.upper)
    assert outside < 0.005


def test_p_prime_where_everyone_or_no_one_counts():
    limits = signals.p_prime(block([10, 20, 5]), block([10, 20, 5]))
    assert limits.lower[0].tolist() == [1, 1, 1] and limits.upper[0].tolist() == [1, 1, 1]


def test_a_unit_on_the_way_to_its_target_does_not_fail_consistently():
    rng = np.random.default_rng(0)
    values = block(0.40 + 0.01 * np.arange(24) + rng.normal(0, 0.005, 24))
    limits, slope = signals.around_trend(values)
    assert slope[0] == pytest.approx(0.01, abs=0.001)
    assert np.mean((values > limits.upper) | (values < limits.lower)) == 0
    target = make_target("T", "x", "level_at", ("u0", "u1"), ">=", 0.8, deadline="2024-12")
    panel = make_panel(np.vstack([values, values[:, ::-1]]))  # the second moves away from it
    table = assess(make_world([target], panels={"x": panel})).extra["crosswalk_labels"]
    nhs = table[table["body"] == "nhs_assurance"].set_index("unit")
    assert nhs["label"].tolist() == ["consistent_fail"] * 2 and nhs["note"].to_dict() == {"u0": "on_the_way", "u1": ""}
    assert (table.loc[table["body"] != "nhs_assurance", "note"] == "").all()


def test_noise_seldom_passes_for_a_trend():
    values = np.random.default_rng(2).normal(size=(2000, 24))
    _, slope = signals.around_trend(values)
    assert np.mean(slope != 0) < 0.02


def test_renaming_the_unit_of_measure_changes_no_signal():
    values = np.random.default_rng(4).normal(size=(50, 30))
    before = signals.special_causes(values, signals.xmr(values))
    after = signals.special_causes(100 * values, signals.xmr(100 * values))
    assert (before == after).all()


def test_the_bend_of_a_smooth_curve_is_no_signal():
    x = np.arange(36)
    curves = np.array([1 / (1 + np.exp(-(x - start) / 6)) for start in (5, 12, 18, 24, 30)])
    limits, slope = signals.around_trend(curves)
    assert (slope > 0).all()
    assert not ((curves > limits.upper) | (curves < limits.lower)).any()


def test_a_shared_season_is_taken_out_and_none_is_invented():
    rng = np.random.default_rng(5)
    season = np.tile([-2.0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1.0], 4)
    noise = rng.normal(0, 0.1, (40, 48))
    left = signals.without_season(noise + season, season_length=12)
    np.testing.assert_allclose(left.std(axis=1), noise.std(axis=1), atol=0.03)
    flat = signals.without_season(noise, season_length=12)
    np.testing.assert_allclose(flat, noise, atol=0.05)
    for short in (noise[:5], noise[:, :20]):
        assert signals.without_season(short, season_length=12) is short
