"""Scores by hand, against slow loops, and against what a score must do whatever the data."""

import math

import numpy as np
import pytest

from analysis.forecasting import scores
from analysis.words.errors import DataError


def make_cases(*, n=400, seed=0, slope=1.0):
    """Probabilities and outcomes whose calibration slope is known: the truth is logit(p) * slope."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1.2, 1.2, n)
    logit = np.log(p / (1 - p))
    return p, (rng.random(n) < 1 / (1 + np.exp(-slope * logit))).astype(float)


def test_brier_by_hand():
    assert scores.brier([0.9, 0.2, 0.5], [1, 0, 0]) == pytest.approx((0.01 + 0.04 + 0.25) / 3)


def test_brier_accepts_booleans_and_one_case():
    assert scores.brier([0.7], [True]) == pytest.approx(0.09)


def test_brier_skill_is_zero_for_the_base_rate_and_negative_for_certain_errors():
    assert scores.brier_skill([0.5, 0.5], [1, 0]) == 0
    assert scores.brier_skill([0.0, 1.0], [1, 0]) == -3  # 1 against .25


def test_brier_skill_against_named_probabilities():
    # ours .01, reference .25
    assert scores.brier_skill([0.9], [1], reference=[0.5]) == pytest.approx(0.96)


def test_skill_of_a_perfect_reference_is_missing_not_infinite():
    assert math.isnan(scores.brier_skill([0.9, 0.9], [1, 1]))


def test_log_score_clips_openly():
    assert scores.log_score([0.0], [1], clip=0.01) == pytest.approx(-math.log(0.01))
    assert scores.log_score([0.0], [1]) == pytest.approx(-math.log(scores.LOG_SCORE_CLIP))
    assert scores.log_score([0.25, 0.25], [0, 1]) == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)


def test_auc_equals_counting_all_pairs():
    p, outcome = make_cases(n=60)
    p = np.round(p, 1)  # ties
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a in p[outcome == 1] for b in p[outcome == 0]]
    assert scores.auc(p, outcome) == pytest.approx(np.mean(wins))


def test_auc_without_both_outcomes_is_missing():
    assert math.isnan(scores.auc([0.3, 0.4], [1, 1]))


def test_reliability_puts_a_probability_on_an_edge_into_the_upper_bin():
    table = scores.reliability([0.3, 0.7, 1.0], [0, 1, 1])
    assert table["bin_lower"].tolist() == [0.3, 0.7, 0.9]
    assert table["n"].tolist() == [1, 1, 1]


def test_reliability_bounds_are_wilson():
    table = scores.reliability([0.5] * 10, [1] * 5 + [0] * 5)
    # Wilson for 5 of 10: .2366 .. .7634
    assert table[["share_lower", "share_upper"]].iloc[0].tolist() == pytest.approx([0.2366, 0.7634], abs=1e-4)


def test_ece_equals_a_slow_loop():
    p, outcome = make_cases(n=200)
    total = 0.0
    for k in range(10):
        inside = [i for i in range(200) if min(int(p[i] * 10), 9) == k]
        if inside:
            total += len(inside) * abs(np.mean(p[inside]) - np.mean(outcome[inside]))
    assert scores.ece(p, outcome) == pytest.approx(total / 200)


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_calibration_slope_is_recovered(slope):
    p, outcome = make_cases(n=40_000, slope=slope)
    intercept, found = scores.calibration_line(p, outcome)
    assert found == pytest.approx(slope, abs=0.05)
    assert intercept == pytest.approx(0, abs=0.05)


def test_calibration_line_agrees_with_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    p, outcome = make_cases(n=1000, slope=0.7)
    kept = np.clip(p, 0.005, 0.995)
    reference = sm.Logit(outcome, sm.add_constant(np.log(kept / (1 - kept)))).fit(disp=0).params
    assert scores.calibration_line(p, outcome) == pytest.approx(tuple(reference), abs=2e-3)


def test_calibration_line_stays_finite_when_p_separates_the_outcomes():
    intercept, slope = scores.calibration_line([0.4, 0.45, 0.55, 0.6], [0, 0, 1, 1])
    assert np.isfinite([intercept, slope]).all() and slope > 1


def test_calibration_line_is_missing_without_two_outcomes_or_two_probabilities():
    assert np.isnan(scores.calibration_line([0.2, 0.8], [1, 1])).all()
    assert np.isnan(scores.calibration_line([0.5, 0.5], [0, 1])).all()


def test_calibration_intercept_shows_optimism():
    p = np.repeat([0.3, 0.8], 500)
    outcome = np.concatenate([np.arange(500) < 75, np.arange(500) < 300])  # 15 % and 60 %: said too much
    assert scores.calibration_line(p, outcome)[0] < -0.5


def test_flip_flop_by_hand():
    assert scores.flip_flop_index([0.2, 0.8, 0.2, 0.8]) == pytest.approx(0.6)
    assert scores.flip_flop_index([0.1, 0.4, 0.9]) == pytest.approx(0)
    assert math.isnan(scores.flip_flop_index([0.1, np.nan, 0.9]))


@pytest.mark.parametrize(
    ("score", "empty"),
    [(scores.brier, []), (scores.log_score, []), (scores.ece, []), (scores.brier_skill, [])],
)
def test_no_cases_give_a_missing_score(score, empty):
    assert math.isnan(score(empty, empty))


@pytest.mark.parametrize("score", [scores.brier, scores.log_score, scores.auc, scores.ece, scores.calibration_slope])
def test_order_of_cases_does_not_matter(score):
    p, outcome = make_cases(n=300)
    order = np.random.default_rng(1).permutation(300)
    assert score(p[order], outcome[order]) == pytest.approx(score(p, outcome), rel=1e-9)


@pytest.mark.parametrize("score", [scores.brier, scores.log_score, scores.auc, scores.ece, scores.calibration_slope])
def test_swapping_the_event_for_its_opposite_changes_nothing(score):
    p, outcome = make_cases(n=300)
    assert score(1 - p, 1 - outcome) == pytest.approx(score(p, outcome), rel=1e-6)


@pytest.mark.parametrize(
    ("p", "outcome", "message"),
    [
        (
            [0.5],
            [1, 0],
            "scores: 1 probabilities and 2 outcomes. Allowed: one outcome a probability. Align them.",
        ),
        (
            [80.0, 0.5],
            [1, 0],
            "scores: 1 probabilities are missing or outside 0..1, e.g. 80.0. Allowed: 0..1, not per cent. "
            "Drop unforecast cases openly, before scoring.",
        ),
        (
            [0.5, 0.5],
            [1, np.nan],
            "scores: 1 outcomes are missing or not 0 or 1, e.g. nan. Allowed: 0 or 1. "
            "Drop cases that have no outcome yet.",
        ),
    ],
)
def test_bad_cases_are_refused_in_words(p, outcome, message):
    with pytest.raises(DataError) as caught:
        scores.brier(p, outcome)
    assert str(caught.value) == message


def test_every_name_of_the_door_is_there():
    assert all(callable(getattr(scores, name)) for name in scores.__all__)
