"""Theta (Assimakopoulos & Nikolopoulos 2000) as exponential smoothing with half the straight line's slope.

The form of Hyndman & Billah (2003), Int. J. Forecasting 19(2): SES of the series plus the drift b/2, where b is the
least-squares slope: ``forecast(h) = l_T + b/2 (h - 1 + (1 - (1 - alpha)^T) / alpha)``. The smoothing weight is averaged
over a grid by likelihood instead of being optimised.
"""

from __future__ import annotations

import numpy as np

from analysis.forecasting import grid


def straight_slope(values: np.ndarray) -> np.ndarray:
    """Least-squares slope of every series against time, missing periods left out, shape (n,)."""
    seen = np.isfinite(values)
    count = np.maximum(seen.sum(axis=1), 1)
    time = np.arange(values.shape[1], dtype=float)
    centre = np.where(seen, time, 0.0).sum(axis=1) / count
    mean = np.where(seen, values, 0.0).sum(axis=1) / count
    centred = np.where(seen, time - centre[:, None], 0.0)
    spread = (centred * centred).sum(axis=1)
    moved = (centred * np.where(seen, values - mean[:, None], 0.0)).sum(axis=1)
    return moved / np.where(spread > 0, spread, 1.0)


def theta_forecast(
    values: np.ndarray, *, horizon: int, drift: float = 0.0, first: grid.FirstPoints | None = None
) -> np.ndarray:
    """Point forecasts of the Theta method.

    Parameters
    ----------
    values : array, shape (n, T)
        Modelling scale; NaN where missing.
    horizon : int
    drift : float
        Change a period that all units share: taken out first and added again, so that half of what a unit's slope
        exceeds it is carried on.
    first : grid.FirstPoints, optional
        Those of `values`, where they are known already.

    Returns
    -------
    array, shape (n, horizon)
    """
    n, n_periods = values.shape
    values = values - drift * np.arange(n_periods)
    chosen = grid.without_trend()
    fit = grid.fit_grid(values, chosen=chosen, first=first)
    loglik = grid.log_likelihood(fit)
    even = np.full(len(chosen), 1.0 / len(chosen))
    weights = grid.posterior(loglik, prior=even)
    half = straight_slope(values) / 2.0
    scored = fit.n_scored
    out = np.empty((n, horizon))
    faded = (1.0 - (1.0 - chosen.alpha[:, None]) ** scored[None, :]) / chosen.alpha[:, None]
    level = grid.column_sum(weights * fit.level)
    start = grid.column_sum(weights * faded)
    for h in range(1, horizon + 1):
        out[:, h - 1] = level + half * (h - 1 + start) + drift * (n_periods - 1 + h)
    return out
