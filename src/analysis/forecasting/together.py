"""What all units do together: the path of their common changes, and whether forecasting it apart has paid off.

A unit's own noise hides a change of the common speed from it; the mean of all units shows it within a period or two. So
the panel is forecast a second time as a common path plus each unit's departure from it. Which of the two views is
nearer is read from the panel's own past origins; without evidence both count the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.forecasting.past import Past, n_apart
from analysis.forecasting.scales import inverse_logit
from analysis.forecasting.seasonality import bridge

TRIMMED = 0.1  # of the units' changes at either end, in every period
MIN_CHANGES = 3  # periods in which at least two units changed
CLIP = 16.0  # squared standardised error that one unit counts at most


def common_path(y: np.ndarray) -> np.ndarray:
    """Cumulated common change of all units, starting at 0, shape (T,).

    A period's common change is the trimmed mean of the units' changes, drawn to the mean of all periods by what its
    noise allows: with few units, or units that move apart, the path is nearly a straight line.

    Parameters
    ----------
    y : array, shape (n, T)
        Modelling scale, season taken out; NaN where missing. Missing periods are bridged by straight lines.

    Examples
    --------
    >>> common_path(np.array([[0.0, 1, 1, 2, 5], [3.0, 4, 4, 5, 8]]))
    array([0., 1., 1., 2., 5.])
    """
    change = np.diff(bridge(y), axis=1)
    count = np.isfinite(change).sum(axis=0)
    known = count > 1
    if known.sum() < MIN_CHANGES:
        return np.zeros(y.shape[1])
    ordered = np.sort(np.where(np.isfinite(change), change, np.inf), axis=0)  # sums do not depend on the units' order
    rank, cut = np.arange(len(y))[:, None], np.floor(TRIMMED * count)
    inside = (rank >= cut) & (rank < count - cut)
    kept = np.maximum(inside.sum(axis=0), 1)
    mean = np.add.accumulate(np.where(inside, ordered, 0.0), axis=0)[-1] / kept
    square = np.where(inside, ordered - mean, 0.0) ** 2
    noise = np.add.accumulate(square, axis=0)[-1] / np.maximum(kept - 1, 1) / np.maximum(count, 1)
    usual = mean[known].mean()
    apart = max(float(((mean - usual) ** 2 - noise)[known].mean()), 0.0)
    trusted = np.where(known, apart / np.maximum(apart + noise, 1e-300), 0.0)
    return np.concatenate([[0.0], np.cumsum(usual + trusted * np.where(known, mean - usual, 0.0))])


def settled(past: Past) -> Past:
    """Every origin's forecast with the weight of the views that could be known there."""
    shift = np.zeros_like(past.mean)
    for k, origin in enumerate(past.origins):
        shift[k] = (2.0 * weight_of(past, n_periods=int(origin)) - 1.0) * past.lean[k]
    return replace(past, mean=past.mean + shift, error=past.error - shift)


def weight_of(past: Past, *, n_periods: int) -> float:
    """Weight of the view with a common path, from the origins realised by `n_periods`: 1/2 where there are none.

    The odds are ``(S_alone / S_together)^(J / 2)``, S the mean squared standardised error over units and origins, the
    logarithm averaged over horizons: what a normal likelihood of J independent errors would give.
    """
    logs = []
    for h in range(1, past.mean.shape[2] + 1):
        realised = np.flatnonzero(past.origins + h <= n_periods)
        error, lean, sd = (one[realised, :, h - 1] for one in (past.error, past.lean, past.sd))
        known = np.isfinite(error) & np.isfinite(sd)
        if not known.any():
            continue
        realised = realised[known.any(axis=1)]
        alone, together = (_mean_square((error + sign * lean) / sd, known) for sign in (1.0, -1.0))
        j = n_apart(past.origins[realised], horizon=h, n_periods=n_periods)
        logs.append(0.5 * j * np.log(max(alone, 1e-12) / max(together, 1e-12)))
    return float(inverse_logit(np.clip(np.mean(logs), -30.0, 30.0))) if logs else 0.5


def _mean_square(z: np.ndarray, known: np.ndarray) -> float:
    square = np.sort(np.minimum(np.where(known, z, 0.0) ** 2, CLIP), axis=None)
    return float(np.add.accumulate(square)[-1]) / float(known.sum())
