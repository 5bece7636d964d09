"""Sums and medians whose last bit depends neither on the order of the units nor on how many of them there are.

A shuffled panel, one block of a panel and the whole panel give the same bytes only if every number that units share is
computed this way.
"""

from __future__ import annotations

import numpy as np

FIXED = 2.0**40  # weights are summed as whole multiples of its inverse
RECENT = 12  # observed periods that count as recent


def whole_multiples(weights: np.ndarray) -> np.ndarray:
    """Weights in 0..1 as integers of ``1 / FIXED``: their sum is exact in any order."""
    return np.rint(weights * FIXED).astype(np.int64)


def column_sum(block: np.ndarray) -> np.ndarray:
    """Sum over the first axis, added in order whatever the number of columns."""
    if block.shape[1] == 1:  # NumPy would add one contiguous column pairwise
        return column_sum(np.repeat(block, 2, axis=1))[:1]
    return block.sum(axis=0)


def ordered_mean(values: np.ndarray, count: np.ndarray, *, axis: int) -> np.ndarray:
    """Sum along `axis`, added in order of size, over `count` (at least 1); values that do not count are 0."""
    ordered = np.sort(values, axis=axis)
    return np.take(np.add.accumulate(ordered, axis=axis), -1, axis=axis) / np.maximum(count, 1)


def median(values: np.ndarray) -> float:
    """Median of finite values, shape (n,) with n > 0: NumPy's to the last bit, a fifth of its time on small arrays."""
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return float((low + high) / 2.0)


def lower_median(rows: np.ndarray) -> np.ndarray:
    """Lower median of the finite values of every row, NaN where there is none, shape (n,).

    >>> lower_median(np.array([[4.0, 1.0, 3.0, np.nan, 2.0], [np.nan] * 5]))
    array([ 2., nan])
    """
    known = np.isfinite(rows)
    if rows.shape[1] and known.all():
        middle = (rows.shape[1] - 1) // 2
        return np.partition(rows, middle, axis=1)[:, middle]
    ordered, count = np.sort(np.where(known, rows, np.inf), axis=1), known.sum(axis=1)
    found = np.take_along_axis(ordered, np.maximum(count - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.where(count > 0, found, np.nan)


def recent(values: np.ndarray) -> np.ndarray:
    """Mark the last twelve finite values of every row, shape (n, T).

    >>> recent(np.array([[1.0, np.nan, *range(12)]])).sum(axis=1)
    array([12])
    """
    seen = np.isfinite(values)
    return seen & (np.cumsum(seen[:, ::-1], axis=1)[:, ::-1] <= RECENT)


def recent_median(values: np.ndarray) -> np.ndarray:
    """Lower median of the last twelve finite values of every row, NaN where there is none; shape (n,)."""
    return lower_median(np.where(recent(values), values, np.nan))
