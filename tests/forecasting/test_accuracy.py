"""Scores of the M competitions by hand and against loops."""

import numpy as np
import pytest

from analysis.forecasting.accuracy import mase, msis, owa, seasonal_scale, smape
from analysis.words.errors import DataError


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
