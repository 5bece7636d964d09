"""Does a value meet a threshold? One comparison for all of them, exact from raw counts, and its probability.

Rounding never decides: 45.65 % printed as "45,7%" is below a threshold of 45.7 %. Where a numerator and a denominator
are known the comparison is ``numerator * q  vs  p * denominator`` for the threshold ``p / q`` in whole numbers.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

RELATIVE_TOLERANCE = 1e-9  # 57.3 / 100 and 0.573 are one published value
_EXACT_DENOMINATOR = 10**6  # thresholds are written by people: 0.805, 1/3


def at_least(operator: str) -> bool:
    """True where higher is what the target asks for (``>`` or ``>=``)."""
    return operator.startswith(">")


def meets_threshold(values, *, operator: str, threshold, upper=np.nan, numerator=None, denominator=None) -> np.ndarray:
    """Which values meet the threshold, compared from raw counts where they are known.

    Parameters
    ----------
    values : array
        Share (fraction), count or level.
    operator : str
        ``>``, ``>=``, ``<`` or ``<=``.
    threshold : float or array
        Same unit as `values`; NaN is met by none.
    upper : float
        Upper bound of a two-sided target: the value is at most this too; NaN for none.
    numerator, denominator : array or None
        Raw counts behind `values`; used where both are finite and the denominator is positive.

    Returns
    -------
    array of bool
        False where the value is missing.

    Examples
    --------
    >>> meets_threshold([0.8, 0.7999], operator=">=", threshold=0.8).tolist()
    [True, False]
    >>> counts = {"numerator": [21], "denominator": [46]}
    >>> meets_threshold([0.46], operator=">", threshold=0.457, **counts).tolist()   # 45.65 %
    [False]
    """
    values, threshold = np.asarray(values, dtype=float), np.asarray(threshold, dtype=float)
    above = values - threshold
    tolerance = RELATIVE_TOLERANCE * np.maximum(1, np.abs(threshold))
    if numerator is not None and denominator is not None:
        numerator, denominator = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
        known = np.isfinite(numerator) & np.isfinite(denominator) & (denominator > 0)
        tops, bottoms = _ratio(threshold)
        above = np.where(known, numerator * bottoms - tops * denominator, above)
        tolerance = np.where(known, 0.0, tolerance)
    if at_least(operator):
        met = above > tolerance if operator == ">" else above >= -tolerance
    else:
        met = above < -tolerance if operator == "<" else above <= tolerance
    if np.isfinite(upper):
        met &= meets_threshold(values, operator="<=", threshold=upper, numerator=numerator, denominator=denominator)
    return met & np.isfinite(values)


def cases_needed(numerator, denominator, *, operator: str, threshold) -> np.ndarray:
    """How many cases of the numerator are missing at the present denominator; zero or less when the target is met.

    For "at most" it is how many are too many.

    NaN where a count or the threshold is missing.

    >>> cases_needed([21, 21], [46, 46], operator=">=", threshold=[0.5, 1.0]).tolist()   # 23 and 46 are needed
    [2.0, 25.0]
    >>> cases_needed([23], [46], operator=">", threshold=0.5).tolist()
    [1.0]
    """
    numerator, denominator = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    tops, bottoms = _ratio(np.broadcast_to(np.asarray(threshold, dtype=float), numerator.shape))
    exact = tops * denominator / bottoms
    nearest = np.round(exact)
    exact = np.where(nearest * bottoms == tops * denominator, nearest, exact)
    if at_least(operator):
        return (np.floor(exact) + 1 if operator == ">" else np.ceil(exact)) - numerator
    return numerator - (np.ceil(exact) - 1 if operator == "<" else np.floor(exact))


def p_meets_threshold(predictive, *, operator: str, threshold, horizon) -> np.ndarray:
    """P(published value meets the threshold at `horizon`), half-unit rule included.

    ``P(x <= t) = 1 - P(x > t)`` and ``P(x < t) = 1 - P(x >= t)``, so both framings of a share agree to machine
    precision.

    `horizon` 1 is the first period after the panel's last.
    """
    p = predictive.p_exceeds(threshold, horizon=horizon, strict=operator in (">", "<="))
    return p if at_least(operator) else 1 - p


def _ratio(threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds as whole numbers ``p / q``; ``NaN / 1`` where there is none."""
    unique, inverse = np.unique(threshold, return_inverse=True)
    parts = [
        Fraction(repr(float(one))).limit_denominator(_EXACT_DENOMINATOR) if np.isfinite(one) else None for one in unique
    ]
    tops = np.array([np.nan if one is None else one.numerator for one in parts], dtype=float)
    bottoms = np.array([1.0 if one is None else one.denominator for one in parts], dtype=float)
    return tops[inverse].reshape(threshold.shape), bottoms[inverse].reshape(threshold.shape)
