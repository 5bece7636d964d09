"""How good were the forecasts? Scores of probabilities and the coverage of intervals.

Arrays in, numbers out; nothing is fitted but the two numbers of the calibration line. Lower is better, except where
a name says skill, coverage or slope. A case without an outcome is dropped by the caller, openly, before scoring: a
missing probability or outcome is refused.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.forecasting.scales import inverse_logit, logit
from analysis.words.errors import Problem, examples, require

SLOPE_CLIP = 0.005  # logit(p) for the calibration line is finite
NEWTON_STEPS = 25
RIDGE = 1e-4  # on slope - 1 and on the intercept: keeps the line finite when p separates the outcomes


def brier(p: ArrayLike, outcome: ArrayLike) -> float:
    """Mean squared difference of probability and outcome.

    Parameters
    ----------
    p : array, shape (n,)
        Probability of the event, 0..1.
    outcome : array, shape (n,)
        1 (or True) where the event happened, else 0.

    Returns
    -------
    float
        0..1; NaN without cases.

    Raises
    ------
    DataError
        Lengths differ, `p` is outside 0..1, `outcome` is neither 0 nor 1, or either is missing.

    References
    ----------
    Brier (1950), Monthly Weather Review 78(1), 1-3.

    Examples
    --------
    >>> round(brier([0.9, 0.2], [1, 0]), 3)
    0.025
    """
    p, outcome = as_cases(p, outcome)
    return float(np.mean((p - outcome) ** 2)) if len(p) else float("nan")


def skill(score: float, reference: float) -> float:
    """Share of the reference's loss that is avoided: ``1 - score / reference``; NaN where the reference is 0.

    >>> skill(0.1, 0.2)
    0.5
    """
    return float(1 - score / reference) if reference > 0 else float("nan")


def ece(p: ArrayLike, outcome: ArrayLike, *, n_bins: int = 10) -> float:
    """Expected calibration error: mean gap of forecast and observed share over `n_bins` bins of equal width, by cases.

    The last bin includes 1. Biased upwards when bins are thin: 50 perfectly calibrated cases already show about 0.1.

    Raises
    ------
    DataError
        As :func:`brier`.

    References
    ----------
    Naeini, Cooper & Hauskrecht (2015), AAAI 29, 2901-2907.

    Examples
    --------
    >>> round(ece([0.15, 0.85, 0.95], [0, 1, 1], n_bins=2), 4)   # (0.15 + 2 * 0.1) / 3
    0.1167
    >>> round(ece([0.3, 0.39], [0, 1]), 4)   # 0.3 begins its bin: one bin, said 0.345, came 0.5
    0.155
    """
    p, outcome = as_cases(p, outcome)
    if not len(p):
        return float("nan")
    # 1e-9: 0.3 must fall into the bin that starts at 0.3, which floor(0.3 * 10) alone does not promise
    which = np.minimum((p * n_bins + 1e-9).astype(int), n_bins - 1)
    n = np.bincount(which)
    mean_p, share = (np.bincount(which, weights=one)[n > 0] / n[n > 0] for one in (p, outcome))
    return float(np.average(np.abs(mean_p - share), weights=n[n > 0]))


def coverage(lower: ArrayLike, upper: ArrayLike, observed: ArrayLike) -> float:
    """Share of `observed` inside ``[lower, upper]``, both ends included; cases with a missing number are left out.

    >>> coverage([0, 0], [1, 1], [1.0, 2.0])
    0.5
    """
    lower, upper, observed = (np.asarray(one, float) for one in (lower, upper, observed))
    known = ~(np.isnan(lower) | np.isnan(upper) | np.isnan(observed))
    inside = (lower <= observed) & (observed <= upper)
    return float(inside[known].mean()) if known.any() else float("nan")


def calibration_line(p: ArrayLike, outcome: ArrayLike, *, clip: float = SLOPE_CLIP) -> tuple[float, float]:
    """Intercept and slope of ``logit P(outcome) = intercept + slope * logit(p)``; (0, 1) is perfect.

    Newton's method on the likelihood with a small ridge (`RIDGE`, towards intercept 0 and slope 1, per case), which
    leaves ordinary panels unchanged to four digits and keeps the line finite where `p` separates the outcomes.
    A slope under 1 says the probabilities are too extreme, above 1 too timid.

    Returns
    -------
    intercept, slope : float
        NaN where all outcomes or all `p` are equal.

    Raises
    ------
    DataError
        As :func:`brier`.

    References
    ----------
    Cox (1958), Biometrika 45(3/4), 562-565.

    Examples
    --------
    >>> p = [0.2] * 10 + [0.8] * 10
    >>> intercept, slope = calibration_line(p, [1] * 2 + [0] * 8 + [1] * 8 + [0] * 2)
    >>> round(abs(intercept), 3), round(slope, 3)
    (0.0, 1.0)
    """
    p, outcome = as_cases(p, outcome)
    if len(p) < 2 or np.ptp(outcome) == 0 or np.ptp(np.clip(p, clip, 1 - clip)) == 0:
        return float("nan"), float("nan")
    clipped = np.clip(p, clip, 1 - clip)
    x = np.column_stack([np.ones(len(p)), logit(clipped)])
    ridge, anchor = RIDGE * len(p), np.array([0.0, 1.0])
    line = anchor.copy()
    for _ in range(NEWTON_STEPS):
        fitted = inverse_logit(np.clip(x @ line, -30, 30))
        gradient = x.T @ (outcome - fitted) - ridge * (line - anchor)
        hessian = (x * (fitted * (1 - fitted))[:, None]).T @ x + ridge * np.eye(2)
        # steps of at most 1: far from the optimum the quadratic model overshoots
        step = np.linalg.solve(hessian, gradient)
        line = line + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    return float(line[0]), float(line[1])


def calibration_slope(p: ArrayLike, outcome: ArrayLike) -> float:
    """The slope of :func:`calibration_line`."""
    return calibration_line(p, outcome)[1]


def as_cases(p: ArrayLike, outcome: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and outcomes as arrays of floats, shape (n,)."""
    p, outcome = np.asarray(p, float).ravel(), np.asarray(outcome, float).ravel()
    problems = []
    if len(p) != len(outcome):
        found = f"{len(p)} probabilities and {len(outcome)} outcomes"
        problems.append(Problem("scores", found, "one outcome per probability", "Align them"))
    if np.any(bad := ~((p >= 0) & (p <= 1))):
        found = f"{int(bad.sum())} probabilities are missing or outside 0..1, e.g. {examples(p[bad].tolist())}"
        problems.append(Problem("scores", found, "0..1, not per cent", "Drop unforecast cases openly, before scoring"))
    if np.any(bad := ~np.isin(outcome, (0.0, 1.0))):
        found = f"{int(bad.sum())} outcomes are missing or not 0 or 1, e.g. {examples(outcome[bad].tolist())}"
        problems.append(Problem("scores", found, "0 or 1", "Drop cases that have no outcome yet"))
    require(problems)
    return p, outcome
