"""Point and interval scores of the M competitions: sMAPE, MASE, OWA, MSIS. Rows are series, columns are horizons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.forecasting.intervals import interval_score
from analysis.words.errors import DataError, Problem


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
