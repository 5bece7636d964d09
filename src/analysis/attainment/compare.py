"""Does a value keep a promise? Operators, exact comparison from raw counts, and the probability of one period.

Rounding never decides: 45.65 % printed as "45,7%" is below a threshold of 45.7 %. Where a numerator and a denominator
are known the comparison is ``numerator * q  vs  p * denominator`` for the threshold ``p / q`` in whole numbers.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from analysis.words.errors import ParamsError, Problem, did_you_mean
from analysis.words.schema import OPERATORS

RELATIVE_TOLERANCE = 1e-9  # 57.3 / 100 and 0.573 are one published value
_EXACT_DENOMINATOR = 10**6  # thresholds are written by people: 0.805, 1/3


def check_operator(operator: str) -> str:
    """Return `operator`, or raise.

    Raises
    ------
    ParamsError
        If it is not one of ``>``, ``>=``, ``<``, ``<=``.
    """
    if operator not in OPERATORS:
        where, allowed = f"operator {operator!r}", ", ".join(OPERATORS)
        raise ParamsError(Problem(where, "it is not known", allowed, did_you_mean(operator, OPERATORS)))
    return operator


def at_least(operator: str) -> bool:
    """True where higher is what the promise asks for (``>`` or ``>=``)."""
    return check_operator(operator) in (">", ">=")


def holds(values, *, operator: str, threshold, numerator=None, denominator=None) -> np.ndarray:
    """Which values keep the promise, compared from raw counts where they are known.

    Parameters
    ----------
    values : array
        Share (fraction), count or level.
    operator : str
    threshold : float or array
        Same unit as `values`.
    numerator, denominator : array or None
        Raw counts behind `values`; used where both are finite and the denominator is positive.

    Returns
    -------
    array of bool, shape of `values`
        False where the value is missing.

    Raises
    ------
    ParamsError
        If `operator` is not known.

    Examples
    --------
    >>> holds([0.8, 0.7999], operator=">=", threshold=0.8).tolist()
    [True, False]
    >>> holds([0.46], operator=">", threshold=0.457, numerator=[21], denominator=[46]).tolist()   # 45.65 %
    [False]
    """
    values = np.asarray(values, dtype=float)
    threshold = np.broadcast_to(np.asarray(threshold, dtype=float), values.shape)
    sign = np.sign(values - threshold)
    near = np.abs(values - threshold) <= RELATIVE_TOLERANCE * np.maximum(1, np.abs(threshold))
    sign = np.where(near, 0.0, sign)
    if numerator is not None and denominator is not None:
        numerator = np.broadcast_to(np.asarray(numerator, dtype=float), values.shape)
        denominator = np.broadcast_to(np.asarray(denominator, dtype=float), values.shape)
        known = np.isfinite(numerator) & np.isfinite(denominator) & (denominator > 0)
        tops, bottoms = _ratio(threshold)
        sign = np.where(known, np.sign(numerator * bottoms - tops * denominator), sign)
    return _keeps(sign, check_operator(operator)) & np.isfinite(values)


def cases_needed(numerator, denominator, *, operator: str, threshold) -> np.ndarray:
    """How many cases of the numerator are missing at the present denominator; zero or less when the promise is kept.

    For a promise of "at most" it is how many are too many.

    Returns
    -------
    array of float, shape (n,)
        Whole numbers; NaN where a count or the threshold is missing.

    Examples
    --------
    >>> cases_needed([21, 21], [46, 46], operator=">=", threshold=[0.5, 1.0]).tolist()   # 23 and 46 are needed
    [2.0, 25.0]
    >>> cases_needed([23], [46], operator=">", threshold=0.5).tolist()
    [1.0]
    """
    numerator, denominator = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    tops, bottoms = _ratio(np.broadcast_to(np.asarray(threshold, dtype=float), numerator.shape))
    exact = tops * denominator / bottoms
    nearest = np.round(exact)
    whole = nearest * bottoms == tops * denominator
    exact = np.where(whole, nearest, exact)
    if at_least(operator):
        return (np.floor(exact) + 1 if operator == ">" else np.ceil(exact)) - numerator
    return numerator - (np.ceil(exact) - 1 if operator == "<" else np.floor(exact))


def p_holds(predictive, *, operator: str, threshold, horizon) -> np.ndarray:
    """P(published value keeps the promise at `horizon`), half-unit rule included.

    ``P(x <= t) = 1 - P(x > t)`` and ``P(x < t) = 1 - P(x >= t)``, so both framings of a share agree to machine
    precision.

    Parameters
    ----------
    predictive : forecasting.predictive.Predictive
    operator : str
    threshold : float or array, shape (n,)
    horizon : int or array of int, shape (n,)
        1 is the first period after the panel's last.

    Returns
    -------
    array, shape (n,)
    """
    strict = check_operator(operator) in (">", "<=")
    p = predictive.p_exceeds(threshold, horizon=horizon, strict=strict)
    return p if at_least(operator) else 1 - p


def _ratio(threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    unique, inverse = np.unique(threshold, return_inverse=True)
    parts = [
        Fraction(repr(float(one))).limit_denominator(_EXACT_DENOMINATOR) if np.isfinite(one) else None for one in unique
    ]
    tops = np.array([np.nan if one is None else one.numerator for one in parts], dtype=float)
    bottoms = np.array([1.0 if one is None else one.denominator for one in parts], dtype=float)
    return tops[inverse].reshape(threshold.shape), bottoms[inverse].reshape(threshold.shape)


def _keeps(sign: np.ndarray, operator: str) -> np.ndarray:
    return {">": sign > 0, ">=": sign >= 0, "<": sign < 0, "<=": sign <= 0}[operator]
