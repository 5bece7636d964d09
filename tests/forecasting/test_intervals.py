"""Interval and quantile scores by hand and against one another."""

import numpy as np
import pytest

from analysis.forecasting.intervals import coverage, crps_from_quantiles, interval_score, pinball_loss, wis
from analysis.words.errors import DataError

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


def normal_quantiles(*, n, seed=0, levels=LEVELS):
    from scipy.stats import norm

    rng = np.random.default_rng(seed)
    centre, spread = rng.normal(size=n), rng.uniform(0.5, 2, n)
    return centre[:, None] + spread[:, None] * norm.ppf(levels), centre + spread * rng.normal(size=n), centre, spread


def test_coverage_counts_ends_and_leaves_out_the_missing():
    assert coverage([0, 0, 0, 0], [1, 1, 1, np.nan], [1.0, 1.1, np.nan, 0.5]) == 0.5
    assert np.isnan(coverage([np.nan], [1], [0]))


def test_interval_score_by_hand_below_inside_above():
    score = interval_score([1, 1, 1], [3, 3, 3], [0.5, 2, 4], interval_level=0.8)
    assert score == pytest.approx([2 + 10 * 0.5, 2, 2 + 10 * 1])


def test_interval_score_misses_stay_missing():
    assert np.isnan(interval_score([1], [3], [np.nan], interval_level=0.8)[0])


def test_pinball_by_hand_has_no_factor_two():
    assert pinball_loss([10.0], [12.0], quantile_level=0.9) == pytest.approx([1.8])
    assert pinball_loss([10.0], [8.0], quantile_level=0.9) == pytest.approx([0.2])


def test_wis_equals_twice_the_mean_pinball_loss():
    quantiles, observed, _, _ = normal_quantiles(n=50)
    oracle = [
        np.mean([2 * pinball_loss(quantiles[i, k], observed[i], quantile_level=q) for k, q in enumerate(LEVELS)])
        for i in range(50)
    ]
    assert wis(quantiles, observed, levels=LEVELS) == pytest.approx(oracle)


def test_wis_of_the_median_alone_is_the_absolute_error():
    assert wis([[2.0]], [5.0], levels=[0.5]) == pytest.approx([3.0])


def test_crps_of_a_fine_grid_is_the_closed_form_of_the_normal():
    from scipy.stats import norm

    levels = (np.arange(400) + 0.5) / 400
    quantiles, observed, centre, spread = normal_quantiles(n=40, levels=levels)
    z = (observed - centre) / spread
    # Gneiting & Raftery (2007), section 4.2
    exact = spread * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert crps_from_quantiles(quantiles, observed, levels=levels) == pytest.approx(exact, abs=2e-3)


def test_the_true_distribution_scores_better_than_a_wrong_one():
    quantiles, observed, _, _ = normal_quantiles(n=4000)
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
            lambda: pinball_loss([1], [1], quantile_level=0),
            "quantile_level: found 0.0. Allowed: a fraction in (0, 1): 0.8, not 80. Divide per cent by 100.",
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
