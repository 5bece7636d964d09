"""The panel's own past forecasts: what the same models would have said at earlier origins, and how far off they were.

Every origin sees only its own past (values, season, pooled weights). Errors are on the modelling scale; an error is NaN
until its period has been observed. Calibration and common shocks learn from these and nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MIN_SAME = 3  # origins at the cutoff's own point of the season that suffice to leave out all others
MIN_KNOWN = 6  # periods an origin has to know
MAX_ORIGINS = 8
MAX_UNITS = 250  # units asked; more add cost and no independent origin


@dataclass(frozen=True)
class Past:
    """Forecasts from earlier origins and their standardised errors.

    Attributes
    ----------
    rows : array of int, shape (k,)
        Units used, as rows of the panel.
    origins : array of int, shape (K,)
        Periods known at each origin, increasing.
    mean, sd : array, shape (K, k, H)
    error : array, shape (K, k, H)
        Observed less predicted mean; NaN where not (yet) observed.
    df : array, shape (K, k)
    lean : array, shape (K, k, H)
        From the mean to the forecast of the view with a common path (:mod:`.together`); the other is as far away.
    """

    rows: np.ndarray
    origins: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    error: np.ndarray
    df: np.ndarray
    lean: np.ndarray


Forecaster = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]


def some_rows(values: np.ndarray, *, at_most: int = MAX_UNITS) -> np.ndarray:
    """Rows of at most `at_most` units, chosen by the shape of their history.

    The same units in any order, under any name, in any unit of measure and for a share's complement: each row's
    absolute steps relative to its largest, to six digits, decide.

    Examples
    --------
    >>> values = np.array([[0.1, 0.2, 0.4], [0.3, 0.4, 0.45], [0.5, 0.4, 0.1]])
    >>> bool((some_rows(values, at_most=2) == some_rows(1 - values, at_most=2)).all())
    True
    """
    if len(values) <= at_most:
        return np.arange(len(values))
    step = np.abs(np.diff(values, axis=1))
    largest = np.where(np.isfinite(step), step, 0.0).max(axis=1, keepdims=True, initial=0.0)
    shape = np.round(step / np.maximum(largest, 1e-300), 6) + 0.0  # + 0.0: no minus zero in the bytes
    digest = np.array([zlib.crc32(row.tobytes()) for row in np.where(np.isfinite(shape), shape, -1.0)])
    known = np.isfinite(values[:, -1])
    last = np.abs(values[:, -1] - (np.median(values[known, -1]) if known.any() else 0.0))
    return np.sort(np.lexsort((last, digest))[:at_most])


def origins_of(
    n_periods: int, *, at_most: int = MAX_ORIGINS, first: int = MIN_KNOWN, season_length: int = 1
) -> np.ndarray:
    """Evenly spaced origins from `first` to the last but one period, the most recent always among them.

    With a `season_length` (for a series that its season rules): origins at the cutoff's own point of the season, when
    there are three; from another one the same horizon is another question.

    Examples
    --------
    >>> origins_of(9), origins_of(36, at_most=6), origins_of(6)
    (array([6, 7, 8]), array([10, 15, 20, 25, 30, 35]), array([], dtype=int64))
    """
    same = np.arange(n_periods - season_length, first - 1, -season_length, dtype=np.int64)[:at_most][::-1]
    if season_length > 1 and len(same) >= MIN_SAME:
        return same
    last = n_periods - 1
    if last < first:
        return np.zeros(0, dtype=np.int64)
    step = -(-(last - first + 1) // at_most)
    return np.arange(last, first - 1, -step, dtype=np.int64)[::-1]


def n_apart(origins: np.ndarray, *, horizon: int, n_periods: int) -> int:
    """J: how many of the origins are realised and do not overlap.

    Examples
    --------
    >>> n_apart(np.array([6, 7, 8, 9, 10]), horizon=2, n_periods=12)
    3
    """
    realised = origins[origins + horizon <= n_periods]
    count, free = 0, -1
    for origin in realised[::-1]:
        if free < 0 or origin <= free:
            count, free = count + 1, origin - horizon
    return count


def look_back(y: np.ndarray, *, forecast: Forecaster, horizon: int, origins: np.ndarray, rows: np.ndarray) -> Past:
    """Forecast from every origin and compare with what came.

    Parameters
    ----------
    y : array, shape (n, T)
        Modelling scale.
    forecast : callable
        ``forecast(rows, n_periods)`` gives mean and sd, shape (k, H), df, shape (k,), and lean, shape (k, H), from the
        first `n_periods`.
    horizon : int
        H.
    origins, rows : array of int

    Returns
    -------
    Past
    """
    shape = (len(origins), len(rows), horizon)
    mean, sd, lean, error = np.empty(shape), np.empty(shape), np.empty(shape), np.full(shape, np.nan)
    df = np.empty(shape[:2])
    for k, origin in enumerate(origins):
        mean[k], sd[k], df[k], lean[k] = forecast(rows, int(origin))
        seen = y[rows, origin : origin + horizon]
        error[k, :, : seen.shape[1]] = seen - mean[k, :, : seen.shape[1]]
    return Past(rows, origins, mean, sd, error, df, lean)
