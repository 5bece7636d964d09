"""How good were intervals and quantiles? Coverage, interval score, pinball loss, WIS, CRPS.

Lower is better, except coverage.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.words.errors import DataError, Problem, examples, require


def coverage(lower: ArrayLike, upper: ArrayLike, observed: ArrayLike) -> float:
    """Share of `observed` inside ``[lower, upper]``, both ends included; cases with a missing number are left out.

    Examples
    --------
    >>> coverage([0, 0], [1, 1], [1.0, 2.0])
    0.5
    """
    lower, upper, observed = (np.asarray(one, float) for one in (lower, upper, observed))
    known = ~(np.isnan(lower) | np.isnan(upper) | np.isnan(observed))
    inside = (lower <= observed) & (observed <= upper)
    return float(inside[known].mean()) if known.any() else float("nan")


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
    problems = _level_problems([interval_level], name="interval_level")
    if np.any(lower > upper):
        found = f"{int(np.sum(lower > upper))} intervals have lower > upper"
        problems.append(Problem("interval_score", found, "lower <= upper", "Swap the bounds"))
    require(problems)
    miss = np.maximum(lower - observed, 0) + np.maximum(observed - upper, 0)
    return (upper - lower) + 2 / (1 - interval_level) * miss


def pinball_loss(predicted: ArrayLike, observed: ArrayLike, *, quantile_level: ArrayLike) -> np.ndarray:
    """Quantile loss, without the factor 2 that some write: ``max(q (y - x), (q - 1) (y - x))``.

    Parameters
    ----------
    predicted, observed, quantile_level : arrays that broadcast
        `quantile_level` in (0, 1). NaN in, NaN out.

    Raises
    ------
    DataError
        A level outside (0, 1).

    References
    ----------
    Koenker & Bassett (1978), Econometrica 46(1), 33-50.

    Examples
    --------
    >>> pinball_loss([0.4, 0.6], 0.5, quantile_level=0.9).round(6)
    array([0.09, 0.01])
    """
    require(_level_problems(np.ravel(quantile_level), name="quantile_level"))
    gap = np.asarray(observed, float) - np.asarray(predicted, float)
    return np.maximum(np.asarray(quantile_level) * gap, (np.asarray(quantile_level) - 1) * gap)


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


def crps_from_quantiles(quantiles: ArrayLike, observed: ArrayLike, *, levels: ArrayLike) -> np.ndarray:
    """Approximate continuous ranked probability score: ``2 * integral of the pinball loss over levels``.

    Each level stands for the stretch of (0, 1) nearest to it, so unevenly spaced levels are fair. Parameters as
    :func:`wis`, but any increasing levels.

    References
    ----------
    Laio & Tamea (2007), Hydrology and Earth System Sciences 11(4), 1267-1277.

    Examples
    --------
    >>> crps_from_quantiles([[3.0, 3.0, 3.0]], [5.0], levels=[0.1, 0.5, 0.9]).round(6)   # certain: the absolute error
    array([2.])
    """
    levels = np.asarray(levels, float)
    edges = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    observed = np.asarray(observed, float)[:, None]
    return 2 * pinball_loss(quantiles, observed, quantile_level=levels) @ np.diff(edges)


def _level_problems(levels: ArrayLike, *, name: str) -> list[Problem]:
    bad = [float(one) for one in levels if not 0 < one < 1]
    problem = Problem(name, f"found {examples(bad)}", "a fraction in (0, 1): 0.8, not 80", "Divide per cent by 100")
    return [problem] if bad else []
