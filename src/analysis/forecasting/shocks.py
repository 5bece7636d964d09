"""What the panel's own past errors say about the width of its forecasts, and how much of an error all units share.

A campaign, a new rule or an epidemic moves every unit at once. Units then err together, and a thousand of them say
little more than one. So the effective number of past errors at a horizon is ``J / (r + (1 - r) / k)``: J origins that
do not overlap, k units, r the share of the error variance they have in common. The width factor is estimated with that
weight against a prior centred on 1, by the likelihood of the standardised errors, recent origins counting more; the
sign of past common errors is not carried on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.forecasting.past import Past, n_apart

LOG_WIDTHS = np.linspace(np.log(0.4), np.log(5.0), 29)
PRIOR_SD = 0.35  # of the log width; weighs as much as four errors
PRIOR_COMMON = 0.25  # share of the variance in common, before any origin has been seen
PRIOR_ORIGINS = 2.0
LEAST_HALF = 3.0  # periods after which an origin counts half as much, at least; else the horizon or the origins' step
CLIP = 4.0  # standardised errors beyond this count as this in the common share


@dataclass(frozen=True)
class Shocks:
    """What past origins teach, by horizon.

    Attributes
    ----------
    width : array, shape (H,)
        Factor on the standard deviation.
    common : array, shape (H,)
        Share of the error variance that all units have in common.
    n_origins : array of int, shape (H,)
        J.
    """

    width: np.ndarray
    common: np.ndarray
    n_origins: np.ndarray


def none(horizon: int) -> Shocks:
    """What is assumed when no past origin can be looked at."""
    return Shocks(np.ones(horizon), np.full(horizon, PRIOR_COMMON), np.zeros(horizon, dtype=np.int64))


def learn(past: Past, *, n_periods: int) -> Shocks:
    """Learn width and common share from past standardised errors.

    Parameters
    ----------
    past : Past
    n_periods : int
        Periods observed so far: origins whose horizon ends later are left out.

    Returns
    -------
    Shocks
    """
    horizon = past.mean.shape[2]
    out = none(horizon)
    for h in range(1, horizon + 1):
        realised = past.origins + h <= n_periods
        z = past.error[realised, :, h - 1] / past.sd[realised, :, h - 1]
        seen = np.isfinite(z).sum(axis=1) > 0
        j = n_apart(past.origins[realised][seen], horizon=h, n_periods=n_periods)
        if j == 0:
            if h > 1:
                out.width[h - 1], out.common[h - 1] = out.width[h - 2], out.common[h - 2]
            continue
        z, df = z[seen], past.df[realised][seen]
        common = common_share(z, n_origins=j)
        k = np.isfinite(z).sum(axis=1).mean()
        weight = recency(past.origins[realised][seen], horizon=h)
        effective = max(j * weight.sum() ** 2 / (weight**2).sum() / len(weight), 1.0)
        out.width[h - 1] = width_factor(z, df=df, effective=effective / (common + (1.0 - common) / k), weight=weight)
        out.common[h - 1], out.n_origins[h - 1] = common, j
    return out


def recency(origins: np.ndarray, *, horizon: int) -> np.ndarray:
    """Weight of every origin, 1 for the newest: the models learn, and what they erred by at first they no longer do.

    Examples
    --------
    >>> recency(np.array([6, 9, 12]), horizon=1)
    array([0.25, 0.5 , 1.  ])
    """
    step = float(np.diff(origins).min()) if len(origins) > 1 else 0.0
    half = max(float(horizon), LEAST_HALF, step)
    return 0.5 ** ((origins[-1] - origins) / half)


def common_share(z: np.ndarray, *, n_origins: int) -> float:
    """Share of the variance of standardised errors that the units of one origin have in common.

    Parameters
    ----------
    z : array, shape (K, k)
    n_origins : int
        J: the estimate is drawn to PRIOR_COMMON with weight ``PRIOR_ORIGINS / (J + PRIOR_ORIGINS)``.

    Returns
    -------
    float
        In 0..1.
    """
    seen = np.isfinite(z)
    clipped = np.clip(np.where(seen, z, 0.0), -CLIP, CLIP)
    count = seen.sum(axis=1)
    square = _row_mean(clipped * clipped, count)
    mean = _row_mean(clipped, count)
    some = count > 1
    if not some.any() or square[some].sum() == 0:
        return PRIOR_COMMON
    together = (count * mean**2 - square)[some] / (count - 1)[some]  # mean product of two units' errors
    share = min(max(float(together.sum() / square[some].sum()), 0.0), 0.98)
    return (n_origins * share + PRIOR_ORIGINS * PRIOR_COMMON) / (n_origins + PRIOR_ORIGINS)


def width_factor(z: np.ndarray, *, df: np.ndarray, effective: float, weight: np.ndarray | None = None) -> float:
    """Factor on the standard deviation: posterior mean of its logarithm under a normal prior around 0.

    Parameters
    ----------
    z : array, shape (K, k)
        Standardised errors.
    df : array, shape (K, k)
    effective : float
        Number of independent errors that `z` is worth.
    weight : array, shape (K,), optional
        Say of every origin; default: the same.
    """
    say = np.ones(len(z)) if weight is None else weight
    seen = np.isfinite(z)
    count = seen.sum(axis=1)
    square = np.where(seen, z * z, 0.0) / df
    score = np.empty(len(LOG_WIDTHS))
    for index, log_width in enumerate(LOG_WIDTHS):
        loglik = -0.5 * (df + 1.0) * np.log1p(square * np.exp(-2.0 * log_width)) - log_width
        score[index] = _row_mean(np.where(seen, loglik, 0.0), count) @ say / say.sum()
    score = effective * score - 0.5 * (LOG_WIDTHS / PRIOR_SD) ** 2
    weight = np.exp(score - score.max())
    return float(np.exp((weight * LOG_WIDTHS).sum() / weight.sum()))


def _row_mean(values: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Mean of every row, added in order of size: the same for any order of the units."""
    ordered = np.sort(values, axis=1)
    return np.add.accumulate(ordered, axis=1)[:, -1] / np.maximum(count, 1)
