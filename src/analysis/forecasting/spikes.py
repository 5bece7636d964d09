"""Changes far beyond all others: a catastrophe, a typing error. The level follows them, the trend does not.

An innovation of fifty standard deviations says nothing about how fast a series will move from now on, but a linear
filter hands it to the slope like any other and carries it on. Where a change is beyond `BEYOND` times the usual one
(that of the unit, of the panel, and of all units in that period: what moves everyone is no spike), no more than that is
handed on to the slope, and no more than that counts in the spread that grows with the slope.
"""

from __future__ import annotations

import numpy as np

BEYOND = 10.0  # times the usual change; a t with 4 degrees of freedom gets there once in 3,000 periods
MIN_CHANGES = 8  # of a unit, below which its usual change is not known


def most_handed_on(values: np.ndarray) -> np.ndarray | None:
    """Largest innovation that the slope may take, shape (n, T): inf where the change is not extreme; None: nowhere.

    Parameters
    ----------
    values : array, shape (n, T)
        Modelling scale, season taken out; NaN where missing.

    Examples
    --------
    >>> calm = np.tile([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0], (3, 1))
    >>> most_handed_on(calm) is None
    True
    >>> calm[1, 9] = 50.0
    >>> most_handed_on(calm)[1, 8:]
    array([inf, 10.])
    """
    seen = np.isfinite(values)
    column = np.maximum.accumulate(np.where(seen, np.arange(values.shape[1]), 0), axis=1)
    filled = np.take_along_axis(np.where(seen, values, np.nan), column, axis=1)
    change = np.full(values.shape, np.nan)
    change[:, 1:] = np.where(seen[:, 1:], np.abs(np.diff(filled, axis=1)), np.nan)
    known = np.isfinite(change)
    count = known.sum(axis=1)
    told = count >= MIN_CHANGES
    largest = np.where(known, change, 0.0).max(axis=1, initial=0.0)
    if not told.any():
        return None
    own = _lower_median(change[:, 1:])
    usual = np.maximum(own, float(np.median(own[told])))
    if not (told & (usual > 0) & (largest > BEYOND * usual)).any():
        return None
    of_period = np.where(known.sum(axis=0) > 1, _lower_median(change.T), 0.0)
    most = BEYOND * np.maximum(usual[:, None], of_period)
    return np.where(told[:, None] & (usual[:, None] > 0) & known & (change > most), most, np.inf)


def _lower_median(rows: np.ndarray) -> np.ndarray:
    """Lower median of the finite values of every row, 0 where there is none."""
    known = np.isfinite(rows)
    if rows.shape[1] and known.all():
        middle = (rows.shape[1] - 1) // 2
        return np.partition(rows, middle, axis=1)[:, middle]
    ordered = np.sort(np.where(known, rows, np.inf), axis=1)
    found = np.take_along_axis(ordered, np.maximum(known.sum(axis=1) - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.where(np.isfinite(found), found, 0.0)
