"""Scores that the league alone uses: log score, AUC, interval scores, and the M competitions' sMAPE, MASE, OWA, MSIS.

Lower is better, except AUC. In the scores of the M competitions rows are series and columns are horizons. What the
product prints of itself is scored in :mod:`analysis.forecasting.scores`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.forecasting.scores import as_cases
from analysis.words.errors import DataError, Problem, examples, require

LOG_SCORE_CLIP = 0.001  # a probability this near 0 or 1 is scored as if it were this near; printed with the score


def log_score(p: ArrayLike, outcome: ArrayLike, *, clip: float = LOG_SCORE_CLIP) -> float:
    """Mean of ``-log`` of the probability given to what happened, `p` first moved into ``[clip, 1 - clip]``.

    Without the clip one certain miss makes the score infinite; with it the worst case costs ``-log(clip)`` (6.9).

    Raises
    ------
    DataError
        As :func:`analysis.forecasting.scores.brier`.

    References
    ----------
    Good (1952), Journal of the Royal Statistical Society B 14(1), 107-114.

    Examples
    --------
    >>> round(log_score([0.5, 0.0], [1, 1]), 4)   # (0.6931 + 6.9078) / 2
    3.8005
    """
    p, outcome = as_cases(p, outcome)
    p = np.clip(p, clip, 1 - clip)
    return float(-np.mean(np.log(np.where(outcome == 1, p, 1 - p)))) if len(p) else float("nan")


def auc(p: ArrayLike, outcome: ArrayLike) -> float:
    """Chance that a case that happened had a higher probability than one that did not (ties count half).

    Returns
    -------
    float
        0.5 without any order, 1 with the right one; NaN where all outcomes are equal.

    Raises
    ------
    DataError
        As :func:`analysis.forecasting.scores.brier`.

    References
    ----------
    Hanley & McNeil (1982), Radiology 143(1), 29-36 (area = Mann-Whitney statistic).

    Examples
    --------
    >>> auc([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0])   # 3.5 of 4 pairs
    0.875
    """
    p, outcome = as_cases(p, outcome)
    n_yes, n_no = outcome.sum(), (1 - outcome).sum()
    if n_yes == 0 or n_no == 0:
        return float("nan")
    ranks = pd.Series(p).rank(method="average").to_numpy()
    return float((ranks[outcome == 1].sum() - n_yes * (n_yes + 1) / 2) / (n_yes * n_no))


def interval_score(lower: ArrayLike, upper: ArrayLike, observed: ArrayLike, *, interval_level: float) -> np.ndarray:
    """Score central intervals: width plus ``2 / alpha`` times the miss, ``alpha = 1 - interval_level``.

    Parameters
    ----------
    lower, upper, observed : array, any common shape
        Unit of the indicator (shares: fraction). NaN in, NaN out.
    interval_level : float
        Nominal coverage, in (0, 1). 0.9, not 90.

    Returns
    -------
    array of the common shape
        Unit of the indicator, >= 0.

    Raises
    ------
    DataError
        If ``lower > upper`` anywhere, or `interval_level` is not in (0, 1).

    References
    ----------
    Gneiting & Raftery (2007), JASA 102(477), 359-378, section 6.2.

    Examples
    --------
    >>> interval_score([0.2], [0.4], [0.5], interval_level=0.8).round(6)   # 0.2 + 2 / 0.2 * 0.1
    array([1.2])
    """
    lower, upper, observed = (np.asarray(one, float) for one in (lower, upper, observed))
    problems = []
    if not 0 < interval_level < 1:
        found, allowed = f"found {float(interval_level)!r}", "a fraction in (0, 1): 0.8, not 80"
        problems.append(Problem("interval_level", found, allowed, "Divide per cent by 100"))
    if np.any(lower > upper):
        found = f"{int(np.sum(lower > upper))} intervals have lower > upper"
        problems.append(Problem("interval_score", found, "lower <= upper", "Swap the bounds"))
    require(problems)
    miss = np.maximum(lower - observed, 0) + np.maximum(observed - upper, 0)
    return (upper - lower) + 2 / (1 - interval_level) * miss


def wis(quantiles: ArrayLike, observed: ArrayLike, *, levels: ArrayLike) -> np.ndarray:
    """Weighted interval score: ``(|y - median| / 2 + sum of alpha / 2 * interval score) / (K + 1 / 2)``.

    Parameters
    ----------
    quantiles : array, shape (n, L)
    observed : array, shape (n,)
    levels : array, shape (L,)
        Increasing, symmetric about 0.5 and with it: K pairs and the median.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    DataError
        Levels that are not symmetric about a median.

    References
    ----------
    Bracher, Ray, Gneiting & Reich (2021), PLoS Computational Biology 17(2), e1008618.

    Examples
    --------
    >>> wis([[0.2, 0.3, 0.4]], [0.5], levels=[0.1, 0.5, 0.9]).round(6)   # (0.2 / 2 + 0.1 * 1.2) / 1.5
    array([0.146667])
    """
    quantiles, levels = np.atleast_2d(np.asarray(quantiles, float)), np.asarray(levels, float)
    n_pairs = len(levels) // 2
    if len(levels) % 2 == 0 or not np.allclose(levels + levels[::-1], 1) or np.any(np.diff(levels) <= 0):
        found = f"levels {examples(levels.tolist())}"
        raise DataError(Problem("wis", found, "increasing, symmetric about 0.5, with it", "Add the missing levels"))
    total = np.abs(np.asarray(observed, float) - quantiles[:, n_pairs]) / 2
    for k in range(n_pairs):
        level = 1 - 2 * levels[k]
        score = interval_score(quantiles[:, k], quantiles[:, -1 - k], observed, interval_level=level)
        total = total + levels[k] * score  # alpha / 2 = the lower level
    return total / (n_pairs + 0.5)


def smape(predicted: ArrayLike, observed: ArrayLike) -> np.ndarray:
    """Symmetric absolute percentage error, as a fraction 0..2: mean of ``2 |x - y| / (|x| + |y|)`` over the horizon.

    Parameters
    ----------
    predicted, observed : array, shape (n, H)

    Returns
    -------
    array, shape (n,)
        A period at which both are 0 counts as no error.

    References
    ----------
    Makridakis, Spiliotis & Assimakopoulos (2020), International Journal of Forecasting 36(1), 54-74.

    Examples
    --------
    >>> smape([[110.0, 100.0]], [[90.0, 100.0]])
    array([0.1])
    """
    predicted, observed = _same_shape(predicted, observed, where="smape")
    size = np.abs(predicted) + np.abs(observed)
    return np.nanmean(np.where(size > 0, 2 * np.abs(predicted - observed) / np.where(size > 0, size, 1), 0.0), axis=1)


def seasonal_scale(history: ArrayLike, *, season_length: int) -> np.ndarray:
    """Mean absolute change over `season_length` periods within the history: the yardstick of MASE and MSIS.

    Parameters
    ----------
    history : array, shape (n, T)
        What the forecaster knew; NaN before a series starts.

    Returns
    -------
    array, shape (n,)
        NaN for a history that never changes: such a series has no yardstick and is left out of means.

    Raises
    ------
    DataError
        A history not longer than one season.

    Examples
    --------
    >>> seasonal_scale([[1.0, 2.0, 4.0]], season_length=1)
    array([1.5])
    """
    history = np.atleast_2d(np.asarray(history, float))
    if history.shape[1] <= season_length:
        found = f"{history.shape[1]} periods of history"
        allowed = f"more than one season of {season_length}"
        raise DataError(Problem("seasonal_scale", found, allowed, "Use season_length=1"))
    change = np.abs(history[:, season_length:] - history[:, :-season_length])
    n_known = np.sum(~np.isnan(change), axis=1)
    scale = np.nansum(change, axis=1) / np.maximum(n_known, 1)
    return np.where(scale > 0, scale, np.nan)


def mase(predicted: ArrayLike, observed: ArrayLike, *, history: ArrayLike, season_length: int) -> np.ndarray:
    """Mean absolute error in units of :func:`seasonal_scale`.

    Returns
    -------
    array, shape (n,)

    References
    ----------
    Hyndman & Koehler (2006), International Journal of Forecasting 22(4), 679-688.

    Examples
    --------
    >>> mase([[5.0]], [[8.0]], history=[[1.0, 2.0, 4.0]], season_length=1)
    array([2.])
    """
    predicted, observed = _same_shape(predicted, observed, where="mase")
    return np.nanmean(np.abs(predicted - observed), axis=1) / seasonal_scale(history, season_length=season_length)


def owa(
    predicted: ArrayLike, observed: ArrayLike, *, naive2: ArrayLike, history: ArrayLike, season_length: int
) -> float:
    """Overall weighted average of the M4 competition: mean of sMAPE and MASE, each relative to Naive2's mean.

    Parameters
    ----------
    predicted, observed, naive2 : array, shape (n, H)
        `naive2` is the last seasonally adjusted value, put back into its season.
    history : array, shape (n, T)
    season_length : int

    Returns
    -------
    float
        1 is as good as Naive2; lower is better.

    References
    ----------
    Makridakis, Spiliotis & Assimakopoulos (2020), International Journal of Forecasting 36(1), 54-74.

    Examples
    --------
    >>> owa([[7.0]], [[8.0]], naive2=[[4.0]], history=[[1.0, 2.0, 4.0]], season_length=1)   # (.1333/.6667 + 1/4) / 2
    0.225
    """
    kwargs = {"history": history, "season_length": season_length}
    relative_smape = np.mean(smape(predicted, observed)) / np.mean(smape(naive2, observed))
    relative_mase = np.nanmean(mase(predicted, observed, **kwargs)) / np.nanmean(mase(naive2, observed, **kwargs))
    return float(round((relative_smape + relative_mase) / 2, 12))


def msis(
    lower: ArrayLike,
    upper: ArrayLike,
    observed: ArrayLike,
    *,
    history: ArrayLike,
    season_length: int,
    interval_level: float = 0.95,
) -> np.ndarray:
    """Mean interval score over the horizon in units of :func:`seasonal_scale`, shape (n,).

    References
    ----------
    Makridakis, Spiliotis & Assimakopoulos (2020), International Journal of Forecasting 36(1), 54-74.

    Examples
    --------
    >>> msis([[4.0]], [[7.0]], [[8.0]], history=[[1.0, 2.0, 4.0]], season_length=1, interval_level=0.5)
    array([4.66666667])
    """
    score = interval_score(lower, upper, observed, interval_level=interval_level)
    return np.nanmean(np.atleast_2d(score), axis=1) / seasonal_scale(history, season_length=season_length)


def _same_shape(predicted: ArrayLike, observed: ArrayLike, *, where: str) -> tuple[np.ndarray, np.ndarray]:
    predicted, observed = np.atleast_2d(np.asarray(predicted, float)), np.atleast_2d(np.asarray(observed, float))
    if predicted.shape != observed.shape:
        found = f"predicted has shape {predicted.shape}, observed {observed.shape}"
        raise DataError(Problem(where, found, "the same (series, horizons)", "Cut both to the same horizons"))
    return predicted, observed
