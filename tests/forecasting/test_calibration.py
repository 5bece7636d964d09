"""The ladder by J: nothing below two origins, little from few, and known distortions found; thresholds that move."""

import numpy as np
import pytest
from forecasting_make import expit, make_panel, make_walks
from scipy import stats

from analysis.forecasting.calibration import Calibration, Event, calibrate_level, cap, ladder, moving
from analysis.forecasting.ensemble import forecast_panel
from analysis.forecasting.panel import Panel, truncate


def distorted(*, origins, cases, slope, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, origins * cases)
    outcome = rng.random(x.size) < expit(x)
    return expit((x - shift) / slope), outcome, np.repeat(np.arange(origins), cases)


@pytest.mark.parametrize("n_origins", [0, 1])
def test_below_two_origins_nothing_is_corrected(n_origins):
    p, outcome, origin = distorted(origins=1, cases=500, slope=0.3)
    found = ladder(p, outcome, origin, n_origins=n_origins)
    assert found == Calibration(0.0, 1.0, n_origins)
    np.testing.assert_allclose(found.apply(np.array([0.2, 0.9])), [0.2, 0.9])


def test_a_shift_enters_at_j_over_j_plus_ten_and_a_slope_at_j_over_j_plus_five():
    """Same cases, J stated as 4 or 400 times as many: the fit is nearly that of plenty, the weights are 4's."""
    p, outcome, origin = distorted(origins=4, cases=4000, slope=0.6, shift=-0.8)
    found = ladder(p, outcome, origin, n_origins=4)
    # cases are worth 100 an origin; truth: logit p* = .6 x - .8; tau^2 of 4 equal origins is drawn to 2 / (2 + 4)
    flatter = 1 / np.sqrt(1 + 0.346 * (2 + 4 * 0.08) / 6)
    assert found.slope == pytest.approx(1 + (0.6 * flatter - 1) * 4 / 9, abs=0.06)
    assert found.shift == pytest.approx(-0.8 * flatter * 4 / 14, abs=0.06)


def shocked(*, origins, cases, tau, seed=0):
    """Calibrated within an origin (slope 1), every origin moved by a shock of its own."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, (origins, cases))
    outcome = rng.random(x.shape) < expit(x + rng.normal(0, tau, (origins, 1)))
    return expit(x).ravel(), outcome.ravel(), np.repeat(np.arange(origins), cases)


def test_shocks_flatten_what_is_said_of_the_next_origin():
    calm, wild = (ladder(*shocked(origins=40, cases=200, tau=tau), n_origins=40) for tau in (0.0, 2.0))
    assert calm.slope == pytest.approx(1.0, abs=0.08)
    # logit averaged over a normal shock of variance 4: 1 / sqrt(1 + .346 * 4) = .65 at weight 40 / 45
    assert wild.slope == pytest.approx(1 + (0.65 - 1) * 40 / 45, abs=0.08)


def test_one_bad_origin_of_three_moves_the_shift_little_and_the_slope_less():
    p, outcome, origin = shocked(origins=3, cases=300, tau=0.0)
    outcome[origin == 2] = False  # a shock that nobody escaped
    found = ladder(p, outcome, origin, n_origins=3)
    assert -0.5 < found.shift < -0.05
    assert 0.6 < found.slope < 1.1


def test_overconfidence_is_found_with_many_origins_and_hardly_with_two():
    many = ladder(*distorted(origins=60, cases=50, slope=0.5), n_origins=60)
    two = ladder(*distorted(origins=2, cases=1500, slope=0.5), n_origins=2)
    assert many.slope < 0.75
    assert two.slope > many.slope
    assert many.apply(np.array([0.95]))[0] < two.apply(np.array([0.95]))[0] < 0.951


def test_cases_in_any_order_give_the_same_to_the_last_bit():
    p, outcome, origin = distorted(origins=6, cases=80, slope=0.6)
    order = np.random.default_rng(1).permutation(p.size)
    assert ladder(p, outcome, origin, n_origins=6) == ladder(p[order], outcome[order], origin[order], n_origins=6)


def test_an_event_and_its_complement_are_corrected_alike():
    p, outcome, origin = distorted(origins=8, cases=80, slope=0.6, shift=0.4)
    one, other = ladder(p, outcome, origin, n_origins=8), ladder(1 - p, ~outcome, origin, n_origins=8)
    assert one.shift == pytest.approx(-other.shift, abs=1e-8)
    np.testing.assert_allclose(one.apply(np.array([0.7])), 1 - other.apply(np.array([0.3])), atol=1e-8)


def test_settled_and_missing_probabilities_stay_and_order_is_kept():
    found = Calibration(shift=-0.2, slope=0.84, n_origins=7).apply(np.array([0.0, 0.1, 0.6, 1.0, np.nan]))
    assert found[0] == 0.0 and found[3] == 1.0 and np.isnan(found[4])
    assert found[1] < found[2]
    assert cap(np.array([0.001, 0.5, 1.0])).tolist() == [0.01, 0.5, 0.99]


def test_every_outcome_alike_does_not_break_it():
    p = np.full(40, 0.3)
    found = ladder(p, np.ones(40, dtype=bool), np.repeat([0, 1, 2, 3], 10), n_origins=4)
    assert 0.3 < found.apply(np.array([0.3]))[0] < 0.6


@pytest.mark.parametrize(("strict", "at_least"), [(False, True), (True, True), (False, False), (True, False)])
def test_a_panel_is_held_against_its_own_past(strict, at_least):
    panel = make_panel(np.round(expit(make_walks(units=60, periods=30)), 2), resolution=0.01)
    predictive = forecast_panel(panel, horizon=3)
    found = calibrate_level(panel, Event(at_least, strict), threshold=0.6, horizon=3, predictive=predictive)
    assert found.n_origins >= 5
    assert 0.6 < found.slope < 1.5
    longer = forecast_panel(panel, horizon=6)  # its past serves every shorter horizon
    again = calibrate_level(panel, Event(at_least, strict), threshold=0.6, horizon=3, predictive=longer)
    assert found.slope == pytest.approx(again.slope, abs=0.05)


def test_a_threshold_set_from_the_level_of_then_asks_the_same_question_of_the_past():
    rng = np.random.default_rng(0)
    values = 1000 * np.exp(np.cumsum(rng.normal(0.03, 0.05, (60, 30)), axis=1) + rng.normal(0, 1, (60, 1)))
    panel = make_panel(np.round(values), kind="count")
    asked = []

    def growth(then):
        asked.append(then.n_periods)
        return 1.1 * then.last_value()

    predictive = forecast_panel(panel, horizon=3)
    moving = calibrate_level(panel, threshold=growth, horizon=3, predictive=predictive)
    fixed = calibrate_level(panel, threshold=growth(panel), horizon=3, predictive=predictive)
    realised = [int(one) for one in predictive.past.origins if one + 3 <= 30]
    assert asked == [*realised, 30]
    assert moving.n_origins == fixed.n_origins > 2
    truth = stats.norm.sf((np.log(1.1) - 3 * 0.03) / (0.05 * np.sqrt(3)))  # .475
    p = predictive.p_exceeds(1.1 * panel.last_value(), horizon=3)
    assert p.mean() + 0.03 < moving.apply(p).mean() < truth  # the models are too timid, and are corrected
    np.testing.assert_allclose(fixed.apply(p), moving.apply(p))  # numbers that follow the present values are growth
    shuffled = calibrate_level(
        panel, threshold=rng.permutation(growth(panel)), horizon=3, predictive=predictive
    )  # today's levels of other units are levels: they were hardly ever reached in the past
    assert shuffled.shift < moving.shift
    same = calibrate_level(panel, threshold=lambda _: 1500.0, horizon=3, predictive=predictive)
    assert same == calibrate_level(panel, threshold=1500.0, horizon=3, predictive=predictive)


def test_at_most_is_the_mirror_of_above():
    panel = make_panel(np.round(expit(make_walks(units=60, periods=30)), 2), resolution=0.01)
    about = {"threshold": 0.6, "horizon": 3, "predictive": forecast_panel(panel, horizon=3)}
    above = calibrate_level(panel, Event(strict=True), **about)
    at_most = calibrate_level(panel, Event(at_least=False), **about)
    assert above.shift == pytest.approx(-at_most.shift, abs=1e-6)
    assert above.slope == pytest.approx(at_most.slope, abs=1e-6)


def test_too_short_a_history_is_left_uncorrected():
    panel = make_panel([[0.2, 0.3, 0.4, 0.5]])
    predictive = forecast_panel(panel, horizon=3)
    assert calibrate_level(panel, threshold=0.6, horizon=3, predictive=predictive) == Calibration(0.0, 1.0, 0)


def make_counts(*, seed=0, n=40, n_periods=24, growth=0.08):
    """Counts of very different size that all grow by about 8 % a period."""
    rng = np.random.default_rng(seed)
    y = rng.normal(10, 1.5, (n, 1)) + np.cumsum(rng.normal(growth, 0.03, (n, n_periods)), axis=1)
    periods = tuple(str(1990 + t) for t in range(n_periods))
    return Panel(tuple(f"{i:03d}" for i in range(n)), periods, np.round(np.exp(y)), kind="count", resolution=1.0)


def test_growth_targets_follow_and_common_or_unrelated_ones_do_not():
    panel = make_counts()
    now = panel.last_value()
    assert moving(np.full(40, 30000.0), panel=panel) is None
    assert moving(np.random.default_rng(1).permutation(now), panel=panel) is None
    assert moving(np.full(40, np.nan), panel=panel) is None
    then = truncate(panel, 12)
    for threshold in (1.2 * now, np.round(1.2 * now, -2)):
        found = moving(threshold, panel=panel)(then)
        np.testing.assert_allclose(found / then.last_value(), threshold / now)


def test_levels_below_zero_and_shares_follow_by_what_is_added():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 10, (30, 1)) + rng.normal(0, 0.1, (30, 8))
    panel = Panel(tuple(f"{i:02d}" for i in range(30)), tuple(str(2000 + t) for t in range(8)), values, kind="level")
    moved = moving(values[:, -1] + 0.5, panel=panel)(truncate(panel, 3))
    np.testing.assert_allclose(moved, values[:, 2] + 0.5)
    shares = Panel(panel.units, panel.periods, 1 / (1 + np.exp(-values / 5)), kind="rate")
    logit = np.log(shares.values / (1 - shares.values))
    threshold = 1 / (1 + np.exp(-(logit[:, -1] + 0.3)))
    moved = moving(threshold, panel=shares)(truncate(shares, 3))
    np.testing.assert_allclose(np.log(moved / (1 - moved)), np.clip(logit[:, 2], -6.9, 6.9) + 0.3, atol=0.05)


def test_a_growth_target_is_not_marked_down_because_the_past_never_saw_todays_level():
    """All units grow by 8 % a period; 20 % in three periods is likely, and the past says so."""
    panel = make_counts()
    threshold = 1.2 * panel.last_value()
    predictive = forecast_panel(panel, horizon=3)
    p = predictive.p_exceeds(threshold, horizon=3)
    moved = calibrate_level(panel, threshold=threshold, horizon=3, predictive=predictive).apply(p)
    stated = calibrate_level(
        panel, threshold=lambda then: 1.2 * then.last_value(), horizon=3, predictive=predictive
    ).apply(p)
    np.testing.assert_allclose(moved, stated)
    assert np.mean(moved) == pytest.approx(0.72, abs=0.12)  # 3 * .08 = .24 against log 1.2 = .18, spread .05
