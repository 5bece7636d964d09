"""Turning grid weights into a forecast: pooled weights (the grid member) and likelihood weights (damped Holt)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.forecasting import grid


@dataclass(frozen=True)
class Mixture:
    """Forecast of one weighted grid.

    Attributes
    ----------
    mean : array, shape (n, H)
    between : array, shape (n, H)
        Variance of the settings' forecasts around the mean.
    factor : array, shape (n, H)
        Mean h-step variance factor.
    carry : array, shape (n, H - 1)
        Mean ``c_j``: how much of a one-step error is left j steps later.
    """

    mean: np.ndarray
    between: np.ndarray
    factor: np.ndarray
    carry: np.ndarray


def damped_prior(chosen: grid.Settings) -> np.ndarray:
    """Weight on the settings with a damped trend only, ``beta ** -1/2``: a noisy unit alone is not to chase its trend.

    Examples
    --------
    >>> chosen = grid.Settings(*np.array([[0.5, 0.5, 0.5], [0.0, 0.04, 0.16], [1.0, 0.9, 0.9], [0.0, 0.0, 0.0]]))
    >>> damped_prior(chosen).round(3)
    array([0.   , 0.667, 0.333])
    """
    damped = chosen.trend & (chosen.phi < 1.0)
    weight = np.where(damped, np.where(damped, chosen.beta, 1.0) ** -0.5, 0.0)
    return weight / weight.sum()


def mix(fit: grid.Fit, loglik: np.ndarray, *, prior: np.ndarray, horizon: int, gap: np.ndarray) -> Mixture:
    """Forecast ``horizon`` steps with each series' posterior weights under `prior`.

    Parameters
    ----------
    fit : grid.Fit
    loglik : array, shape (n_settings, n)
    prior : array, shape (n_settings,)
    horizon : int
    gap : array of int, shape (n,)
        Periods between the last observation and the end of the block: the variance is that of ``h + gap`` steps.

    Returns
    -------
    Mixture
    """
    n = loglik.shape[1]
    out = Mixture(*(np.empty((n, k)) for k in (horizon, horizon, horizon, max(horizon - 1, 0))))
    keep = np.flatnonzero(prior > 0)
    chosen = fit.settings.take(keep)
    longest = horizon + int(gap.max(initial=0))
    table = _Tables(
        grid.trend_sums(chosen.phi, horizon=horizon),
        grid.variance_factors(chosen, horizon=longest),
        grid.error_weights(chosen, horizon=horizon),
    )
    for begin in range(0, n, grid.BLOCK):
        part = slice(begin, min(begin + grid.BLOCK, n))
        weights = grid.posterior(loglik[keep, part], prior=prior[keep])
        shared = (chosen.common * fit.drift)[:, None]
        _mix_block(fit.level[keep, part], fit.slope[keep, part], weights, table, gap[part], part, out, shared)
    return out


@dataclass(frozen=True)
class _Tables:
    sums: np.ndarray
    factors: np.ndarray
    carry: np.ndarray


def _mix_block(
    level: np.ndarray,
    slope: np.ndarray,
    weights: np.ndarray,
    table: _Tables,
    gap: np.ndarray,
    part: slice,
    out: Mixture,
    shared: np.ndarray,
) -> None:
    ahead, weighed = np.empty((2, *weights.shape))
    late = bool(gap.any())
    for h in range(out.mean.shape[1]):
        np.multiply(slope, table.sums[:, h : h + 1], out=ahead)
        ahead += level
        ahead += shared * (h + 1.0)
        mean = grid.column_sum(np.multiply(weights, ahead, out=weighed))
        ahead -= mean
        np.multiply(weights, ahead, out=weighed)
        weighed *= ahead
        out.mean[part, h] = mean
        out.between[part, h] = grid.column_sum(weighed)
        factor = table.factors[:, h + gap] if late else table.factors[:, h : h + 1]
        out.factor[part, h] = grid.column_sum(np.multiply(weights, factor, out=weighed))
    for j in range(out.carry.shape[1]):
        out.carry[part, j] = grid.column_sum(np.multiply(weights, table.carry[:, j : j + 1], out=weighed))


def mean_ahead(fit: grid.Fit, loglik: np.ndarray, *, prior: np.ndarray, horizon: int) -> np.ndarray:
    """Only the mean of :func:`mix`, shape (n, H)."""
    keep = np.flatnonzero(prior > 0)
    chosen = fit.settings.take(keep)
    sums = grid.trend_sums(chosen.phi, horizon=horizon)
    shared = (chosen.common * fit.drift)[:, None]
    out = np.empty((loglik.shape[1], horizon))
    for begin in range(0, len(out), grid.BLOCK):
        part = slice(begin, min(begin + grid.BLOCK, len(out)))
        weights = grid.posterior(loglik[keep, part], prior=prior[keep])
        level, slope, ahead = fit.level[keep, part], fit.slope[keep, part], np.empty_like(weights)
        for h in range(horizon):
            np.multiply(slope, sums[:, h : h + 1], out=ahead)
            ahead += level
            ahead += shared * (h + 1.0)
            ahead *= weights
            out[part, h] = grid.column_sum(ahead)
    return out


def one_step_errors(y: np.ndarray, fit: grid.Fit, loglik: np.ndarray, *, prior: np.ndarray) -> np.ndarray:
    """Errors of each series under the mean of its posterior settings, shape (n, T); NaN where nothing was foretold.

    Parameters
    ----------
    y : array, shape (n, T)
    fit : grid.Fit
    loglik : array, shape (n_settings, n)
    prior : array, shape (n_settings,)
    """
    chosen = fit.settings
    n = len(y)
    alpha, gain, phi, trended, shared, own_share = np.empty((6, n))
    for begin in range(0, n, grid.BLOCK):
        part = slice(begin, min(begin + grid.BLOCK, n))
        weights = grid.posterior(loglik[:, part], prior=prior)
        alpha[part] = grid.column_sum(weights * chosen.alpha[:, None])
        gain[part] = grid.column_sum(weights * (chosen.alpha * chosen.beta)[:, None])
        trended[part] = grid.column_sum(weights * chosen.trend[:, None])
        damping = grid.column_sum(weights * (chosen.phi * chosen.trend)[:, None])
        phi[part] = damping / np.maximum(trended[part], 1e-12)
        own_share[part] = grid.column_sum(weights * (chosen.common * chosen.trend)[:, None])
        shared[part] = grid.column_sum(weights * chosen.common[:, None]) * fit.drift
    mean, level, slope, at = grid.start_values(y, first=fit.first)
    level, slope = trended * level + (1.0 - trended) * mean, trended * slope - own_share * fit.drift
    out = np.full(y.shape, np.nan)
    for t in range(y.shape[1]):
        active = t > at
        seen = np.isfinite(y[:, t]) & active
        b = phi * slope
        f = level + b + shared
        e = np.where(seen, y[:, t] - f, 0.0)
        out[:, t] = np.where(seen, e, np.nan)
        level = np.where(active, f + alpha * e, level)
        handed_on = e if fit.most is None else np.clip(e, -fit.most[:, t], fit.most[:, t])
        slope = np.where(active, b + gain * handed_on, slope)
    return out
