"""Scores that the league alone uses: by hand, against slow loops, and against one another."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from league import scoring  # noqa: E402
from league.scoring import interval_score, mase, msis, owa, seasonal_scale, smape, wis  # noqa: E402

from analysis.words.errors import DataError  # noqa: E402


def make_cases(*, n=300, seed=0):
    """Calibrated probabilities and their outcomes."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1.2, 1.2, n)
    return p, (rng.random(n) < p).astype(float)


def test_log_score_clips_openly():
    assert scoring.log_score([0.0], [1], clip=0.01) == pytest.approx(-math.log(0.01))
    assert scoring.log_score([0.0], [1]) == pytest.approx(-math.log(scoring.LOG_SCORE_CLIP))
    assert scoring.log_score([0.25, 0.25], [0, 1]) == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)


def test_auc_equals_counting_all_pairs():
    p, outcome = make_cases(n=60)
    p = np.round(p, 1)  # ties
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a in p[outcome == 1] for b in p[outcome == 0]]
    assert scoring.auc(p, outcome) == pytest.approx(np.mean(wins))


def test_auc_without_both_outcomes_is_missing():
    assert math.isnan(scoring.auc([0.3, 0.4], [1, 1]))


@pytest.mark.parametrize("score", [scoring.log_score, scoring.auc])
def test_order_and_naming_of_the_event_do_not_matter(score):
    p, outcome = make_cases()
    order = np.random.default_rng(1).permutation(300)
    assert score(p[order], outcome[order]) == pytest.approx(score(p, outcome), rel=1e-9)
    assert score(1 - p, 1 - outcome) == pytest.approx(score(p, outcome), rel=1e-6)


def test_no_cases_have_no_log_score():
    assert math.isnan(scoring.log_score([], []))


LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


def normal_quantiles(*, n, seed=0):
    from scipy.stats import norm

    rng = np.random.default_rng(seed)
    centre, spread = rng.normal(size=n), rng.uniform(0.5, 2, n)
    return centre[:, None] + spread[:, None] * norm.ppf(LEVELS), centre + spread * rng.normal(size=n)


def test_interval_score_by_hand_below_inside_above():
    score = interval_score([1, 1, 1], [3, 3, 3], [0.5, 2, 4], interval_level=0.8)
    assert score == pytest.approx([2 + 10 * 0.5, 2, 2 + 10 * 1])


def test_interval_score_misses_stay_missing():
    assert np.isnan(interval_score([1], [3], [np.nan], interval_level=0.8)[0])


def test_wis_equals_twice_the_mean_pinball_loss():
    quantiles, observed = normal_quantiles(n=50)
    gap = observed[:, None] - quantiles
    oracle = np.mean(2 * np.maximum(LEVELS * gap, (LEVELS - 1) * gap), axis=1)
    assert wis(quantiles, observed, levels=LEVELS) == pytest.approx(oracle)


def test_wis_of_the_median_alone_is_the_absolute_error():
    assert wis([[2.0]], [5.0], levels=[0.5]) == pytest.approx([3.0])


def test_the_true_distribution_scores_better_than_a_wrong_one():
    quantiles, observed = normal_quantiles(n=4000)
    wrong = quantiles + 0.5
    assert wis(quantiles, observed, levels=LEVELS).mean() < wis(wrong, observed, levels=LEVELS).mean()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: interval_score([0], [1], [0.5], interval_level=80),
            "interval_level: found 80.0. Allowed: a fraction in (0, 1): 0.8, not 80. Divide per cent by 100.",
        ),
        (
            lambda: interval_score([2], [1], [0.5], interval_level=0.8),
            "interval_score: 1 intervals have lower > upper. Allowed: lower <= upper. Swap the bounds.",
        ),
        (
            lambda: interval_score([0], [1], [0.5], interval_level=0),
            "interval_level: found 0.0. Allowed: a fraction in (0, 1): 0.8, not 80. Divide per cent by 100.",
        ),
        (
            lambda: wis([[1.0, 2.0]], [1.0], levels=[0.1, 0.9]),
            "wis: levels 0.1, 0.9. Allowed: increasing, symmetric about 0.5, with it. Add the missing levels.",
        ),
    ],
)
def test_bad_levels_and_bounds_are_refused_in_words(call, message):
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == message


def make_series(*, n=5, n_history=24, horizon=6, seed=0):
    rng = np.random.default_rng(seed)
    values = 100 + np.cumsum(rng.normal(size=(n, n_history + horizon)), axis=1)
    return values[:, :n_history], values[:, n_history:]


def test_smape_by_hand_and_both_zero_is_no_error():
    assert smape([[3.0, 0.0]], [[1.0, 0.0]]) == pytest.approx([(2 * 2 / 4 + 0) / 2])


def test_seasonal_scale_by_hand_skips_gaps_and_a_flat_history_has_none():
    scale = seasonal_scale([[1, np.nan, 4, 2, 8.0], [5, 5, 5, 5, 5]], season_length=2)
    assert scale[0] == pytest.approx((3 + 4) / 2)  # 4-1 and 8-4; the pair with the gap is left out
    assert np.isnan(scale[1])


def test_mase_equals_a_slow_loop():
    history, observed = make_series()
    predicted = observed + np.random.default_rng(1).normal(size=observed.shape)
    oracle = []
    for i in range(len(history)):
        step = [abs(history[i, t] - history[i, t - 12]) for t in range(12, history.shape[1])]
        miss = [abs(predicted[i, j] - observed[i, j]) for j in range(observed.shape[1])]
        oracle.append(np.mean(miss) / np.mean(step))
    assert mase(predicted, observed, history=history, season_length=12) == pytest.approx(oracle)


def test_owa_of_naive2_itself_is_one():
    history, observed = make_series()
    naive2 = np.repeat(history[:, -1:], observed.shape[1], axis=1)
    assert owa(naive2, observed, naive2=naive2, history=history, season_length=1) == 1


def test_owa_takes_means_before_ratios_as_the_competition_did():
    history = np.array([[0.0, 1.0], [0.0, 10.0]])
    observed, naive2 = np.array([[2.0], [20.0]]), np.array([[1.0], [10.0]])
    predicted = np.array([[2.0], [10.0]])
    relative_smape = (0 + 20 / 30) / (2 / 3 + 20 / 30)
    relative_mase = (0 + 1) / (1 + 1)
    expected = (relative_smape + relative_mase) / 2
    assert owa(predicted, observed, naive2=naive2, history=history, season_length=1) == pytest.approx(expected)


def test_owa_and_msis_do_not_depend_on_the_unit_of_measure():
    history, observed = make_series()
    naive2, predicted = np.repeat(history[:, -1:], 6, axis=1), observed + 0.3
    once = owa(predicted, observed, naive2=naive2, history=history, season_length=1)
    times = owa(1000 * predicted, 1000 * observed, naive2=1000 * naive2, history=1000 * history, season_length=1)
    assert times == pytest.approx(once)
    narrow = msis(observed - 1, observed + 0.5, observed, history=history, season_length=1)
    wide = msis(10 * (observed - 1), 10 * (observed + 0.5), 10 * observed, history=10 * history, season_length=1)
    assert wide == pytest.approx(narrow)


def test_msis_by_hand():
    # width 3, missed by 1 at alpha .5: 3 + 4 * 1, over a scale of 1.5
    found = msis([[4.0]], [[7.0]], [[8.0]], history=[[1.0, 2.0, 4.0]], season_length=1, interval_level=0.5)
    assert found == pytest.approx([7 / 1.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: smape([[1.0, 2.0]], [[1.0]]),
            "smape: predicted has shape (1, 2), observed (1, 1). Allowed: the same (series, horizons). "
            "Cut both to the same horizons.",
        ),
        (
            lambda: seasonal_scale([[1.0, 2.0]], season_length=12),
            "seasonal_scale: 2 periods of history. Allowed: more than one season of 12. Use season_length=1.",
        ),
    ],
)
def test_bad_shapes_are_refused_in_words(call, message):
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == message
