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


def test_skill_of_a_perfect_reference_is_missing_not_infinite():
    assert math.isnan(scores.skill(0.01, scores.brier([1.0, 1.0], [1, 1])))


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


@pytest.mark.parametrize("score", [scores.brier, scores.ece])
def test_no_cases_give_a_missing_score(score):
    assert math.isnan(score([], []))


@pytest.mark.parametrize("score", [scores.brier, scores.ece, scores.calibration_slope])
def test_order_of_cases_does_not_matter(score):
    p, outcome = make_cases(n=300)
    order = np.random.default_rng(1).permutation(300)
    assert score(p[order], outcome[order]) == pytest.approx(score(p, outcome), rel=1e-9)


@pytest.mark.parametrize("score", [scores.brier, scores.ece, scores.calibration_slope])
def test_swapping_the_event_for_its_opposite_changes_nothing(score):
    p, outcome = make_cases(n=300)
    assert score(1 - p, 1 - outcome) == pytest.approx(score(p, outcome), rel=1e-6)


@pytest.mark.parametrize(
    ("p", "outcome", "message"),
    [
        (
            [0.5],
            [1, 0],
            "scores: 1 probabilities and 2 outcomes. Allowed: one outcome per probability. Align them.",
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


def test_coverage_counts_ends_and_leaves_out_the_missing():
    assert scores.coverage([0, 0, 0, 0], [1, 1, 1, np.nan], [1.0, 1.1, np.nan, 0.5]) == 0.5
    assert np.isnan(scores.coverage([np.nan], [1], [0]))
