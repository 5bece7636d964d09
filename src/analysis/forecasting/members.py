"""The three members of the ensemble: from the grid's settings to forecasts.

The pooled grid (settings weighted by the panel's prior) and damped Holt (weighted by the series' own likelihood) are
mixtures of grid settings. Theta (Assimakopoulos & Nikolopoulos 2000) is exponential smoothing with half the straight
line's slope, in the form of Hyndman & Billah (2003), Int. J. Forecasting 19(2): ``forecast(h) = l_T + b/2 (h - 1 + (1 -
(1 - alpha)^T) / alpha)``, b the least-squares slope; alpha is averaged over a grid by likelihood, not optimised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.forecasting import grid
from analysis.forecasting.sums import column_sum


@dataclass(frozen=True)
class Mixture:
    """Forecast of one weighted grid."""

    mean: np.ndarray  # (n, H)
    between: np.ndarray  # (n, H): Variance of the settings' forecasts around the mean
    factor: np.ndarray  # (n, H): Mean h-step variance factor
    carry: np.ndarray  # (n, H - 1): Mean ``c_j``: how much of a one-step error is left j steps later


def damped_prior(chosen: grid.Settings) -> np.ndarray:
    """Weight on the settings with a damped trend only, ``beta ** -1/2``: a noisy unit alone is not to chase its trend.

    >>> chosen = grid.Settings(*np.array([[0.5, 0.5, 0.5], [0.0, 0.04, 0.16], [1.0, 0.9, 0.9], [0.0, 0.0, 0.0]]))
    >>> damped_prior(chosen).round(3)
    array([0.   , 0.667, 0.333])
    """
    damped = chosen.trend & (chosen.phi < 1.0)
    weight = np.where(damped, np.where(damped, chosen.beta, 1.0) ** -0.5, 0.0)
    return weight / weight.sum()


def mix(fit: grid.Fit, loglik: np.ndarray, *, prior: np.ndarray, horizon: int, gap: np.ndarray) -> Mixture:
    """Forecast ``horizon`` steps with each series' posterior weights under `prior`.

    `gap` counts the periods between a series' last observation and the end of the block: the variance is that of
    ``h + gap`` steps.
    """
    n = loglik.shape[1]
    out = Mixture(*(np.empty((n, k)) for k in (horizon, horizon, horizon, max(horizon - 1, 0))))
    chosen = fit.settings.take(np.flatnonzero(prior > 0))
    factors = grid.variance_factors(chosen, horizon=horizon + int(gap.max(initial=0)))
    carry = grid.error_weights(chosen, horizon=horizon)
    for part, weights, forecasts in _ahead(fit, loglik, prior=prior, horizon=horizon):
        weighed, late = np.empty(weights.shape), bool(gap[part].any())
        for h, ahead in enumerate(forecasts):
            out.mean[part, h] = mean = column_sum(np.multiply(weights, ahead, out=weighed))
            ahead -= mean
            np.multiply(weights, ahead, out=weighed)
            weighed *= ahead
            out.between[part, h] = column_sum(weighed)
            factor = factors[:, h + gap[part]] if late else factors[:, h : h + 1]
            out.factor[part, h] = column_sum(np.multiply(weights, factor, out=weighed))
        for j in range(carry.shape[1]):
            out.carry[part, j] = column_sum(np.multiply(weights, carry[:, j : j + 1], out=weighed))
    return out


def mean_ahead(fit: grid.Fit, loglik: np.ndarray, *, prior: np.ndarray, horizon: int) -> np.ndarray:
    """Only the mean of :func:`mix`, shape (n, H)."""
    out = np.empty((loglik.shape[1], horizon))
    for part, weights, forecasts in _ahead(fit, loglik, prior=prior, horizon=horizon):
        for h, ahead in enumerate(forecasts):
            ahead *= weights
            out[part, h] = column_sum(ahead)
    return out


def _ahead(
    fit: grid.Fit, loglik: np.ndarray, *, prior: np.ndarray, horizon: int
) -> Iterator[tuple[slice, np.ndarray, Iterator[np.ndarray]]]:
    """Each block of series: its place, the weights of the settings, their forecasts (one array, reused a horizon)."""
    keep = np.flatnonzero(prior > 0)
    chosen = fit.settings.take(keep)
    sums = grid.trend_sums(chosen.phi, horizon=horizon)
    shared = (chosen.common * fit.drift)[:, None]
    for begin in range(0, loglik.shape[1], grid.BLOCK):
        part = slice(begin, begin + grid.BLOCK)
        weights = grid.posterior(loglik[keep, part], prior=prior[keep])
        yield part, weights, _steps(fit.level[keep, part], fit.slope[keep, part], sums=sums, shared=shared)


def _steps(level: np.ndarray, slope: np.ndarray, *, sums: np.ndarray, shared: np.ndarray) -> Iterator[np.ndarray]:
    ahead = np.empty(level.shape)
    for h in range(sums.shape[1]):
        np.multiply(slope, sums[:, h : h + 1], out=ahead)
        ahead += level
        ahead += shared * (h + 1.0)
        yield ahead


def one_step_errors(y: np.ndarray, fit: grid.Fit, loglik: np.ndarray, *, prior: np.ndarray) -> np.ndarray:
    """Errors of each series under the mean of its posterior settings, shape (n, T); NaN where nothing was forecast."""
    chosen = fit.settings
    n = len(y)
    alpha, gain, phi, trended, shared, own_share = np.empty((6, n))
    for begin in range(0, n, grid.BLOCK):
        part = slice(begin, begin + grid.BLOCK)
        weights = grid.posterior(loglik[:, part], prior=prior)
        alpha[part] = column_sum(weights * chosen.alpha[:, None])
        gain[part] = column_sum(weights * (chosen.alpha * chosen.beta)[:, None])
        trended[part] = column_sum(weights * chosen.trend[:, None])
        damping = column_sum(weights * (chosen.phi * chosen.trend)[:, None])
        phi[part] = damping / np.maximum(trended[part], 1e-12)
        own_share[part] = column_sum(weights * (chosen.common * chosen.trend)[:, None])
        shared[part] = column_sum(weights * chosen.common[:, None]) * fit.drift
    mean, level, slope = grid.line_through(y, fit.first)
    level, slope = trended * level + (1.0 - trended) * mean, trended * slope - own_share * fit.drift
    out = np.full(y.shape, np.nan)
    for t in range(y.shape[1]):
        active = t > fit.first.last
        seen = np.isfinite(y[:, t]) & active
        b = phi * slope
        f = level + b + shared
        e = np.where(seen, y[:, t] - f, 0.0)
        out[:, t] = np.where(seen, e, np.nan)
        level = np.where(active, f + alpha * e, level)
        handed_on = e if fit.most is None else np.clip(e, -fit.most[:, t], fit.most[:, t])
        slope = np.where(active, b + gain * handed_on, slope)
    return out


def theta_forecast(
    values: np.ndarray, *, horizon: int, drift: float = 0.0, first: grid.Points | None = None
) -> np.ndarray:
    """Point forecasts of the Theta method, shape (n, horizon).

    `drift` is the change a period that all units share: taken out first and added again, so that half of what a unit's
    slope exceeds it is carried on.
    """
    n, n_periods = values.shape
    values = values - drift * np.arange(n_periods)
    chosen = grid.without_trend()
    fit = grid.fit_grid(values, chosen=chosen, first=first)
    loglik = grid.log_likelihood(fit)
    weights = grid.posterior(loglik, prior=np.full(len(chosen), 1.0 / len(chosen)))
    half = grid.line_through(values, grid.points(np.isfinite(values)))[2] / 2.0
    out = np.empty((n, horizon))
    faded = (1.0 - (1.0 - chosen.alpha[:, None]) ** fit.n_scored) / chosen.alpha[:, None]
    level = column_sum(weights * fit.level)
    start = column_sum(weights * faded)
    for h in range(1, horizon + 1):
        out[:, h - 1] = level + half * (h - 1 + start) + drift * (n_periods - 1 + h)
    return out
