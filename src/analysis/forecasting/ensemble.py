"""From a panel to its predictive distribution: scale, season, three members, variance.

Members, at equal weight on the modelling scale: the pooled grid; damped Holt averaged over its grid by likelihood;
the mean of Theta and that Holt. The variance is the grid's, shrunk to the panel, plus the members' disagreement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.forecasting import grid, holt, scales, theta
from analysis.forecasting.panel import Panel, last_observed
from analysis.forecasting.predictive import Predictive

MAX_GAP = 60  # periods without data after which a unit's variance stops growing


@dataclass(frozen=True)
class Options:
    """Everything about the models that can be chosen; these defaults stand nowhere else.

    Attributes
    ----------
    seed : int
        Of the joint paths.
    pseudo_observations : float
        Weight of the panel's median variance in a unit's own.
    scale : str or None
        "logit", "raw" or "log"; None: chosen by pooled likelihood.
    season : bool
        Estimate a seasonal profile.
    shocks : bool
        Widen for common shocks learned from past origins.
    """

    seed: int = 20220806
    pseudo_observations: float = 4.0
    scale: str | None = None
    season: bool = True
    shocks: bool = True


@dataclass(frozen=True)
class Members:
    """Forecast of the ensemble on the modelling scale (deseasonalised).

    Attributes
    ----------
    mean, sd : array, shape (n, H)
    df : array, shape (n,)
    carry : array, shape (n, H - 1)
        ``c_j`` of the grid member, for the joint paths.
    """

    mean: np.ndarray
    sd: np.ndarray
    df: np.ndarray
    carry: np.ndarray


def forecast_panel(panel: Panel, *, horizon: int, options: Options = Options()) -> Predictive:  # noqa: B008
    """Forecast every unit of the panel.

    Parameters
    ----------
    panel : Panel
    horizon : int
        Periods after the cutoff, >= 1.
    options : Options

    Returns
    -------
    Predictive
        NaN for units with fewer than two usable points.
    """
    values = panel.usable()
    scale = scales.candidates(panel)[0]
    y = scale.forward(values)
    members = fit_members(y, horizon=horizon, floor=np.zeros(panel.n_units), options=options)
    return Predictive(
        units=panel.units,
        scale=scale,
        mean=members.mean,
        sd=members.sd,
        df=members.df,
        carry=members.carry,
        common=np.zeros(horizon),
        last=panel.last_value(),
        cumulative=panel.cumulative,
        seed=options.seed,
    )


def fit_members(y: np.ndarray, *, horizon: int, floor: np.ndarray, options: Options) -> Members:
    """Run the three members on a block of modelling-scale series, shape (n, T).

    Parameters
    ----------
    y : array, shape (n, T)
    horizon : int
    floor : array, shape (n,)
        Variance of the publication itself (rounding, small denominators): no unit's variance falls below it.
    options : Options

    Returns
    -------
    Members
    """
    gap = np.minimum(y.shape[1] - 1 - last_observed(y), MAX_GAP)
    fit = grid.fit_grid(y)
    loglik = grid.log_likelihood(fit, floor=floor)
    prior = grid.pooled_prior(loglik, n_scored=fit.n_scored)
    pooled = holt.mix(fit, loglik, prior=prior, horizon=horizon, gap=gap)
    damped = holt.mix(fit, loglik, prior=holt.damped_prior(fit.settings), horizon=horizon, gap=gap)
    third = 0.5 * (theta.theta_forecast(y, horizon=horizon) + damped.mean)
    mean = (pooled.mean + damped.mean + third) / 3.0
    apart = ((pooled.mean - mean) ** 2 + (damped.mean - mean) ** 2 + (third - mean) ** 2) / 3.0
    one_step = shrink_variance(
        pooled.mean_square, n_scored=fit.n_scored, floor=floor, pseudo=options.pseudo_observations
    )
    variance = one_step[:, None] * pooled.factor + pooled.between + apart
    df = np.maximum(fit.n_scored - 1.0, 1.0) + options.pseudo_observations
    few = np.isfinite(y).sum(axis=1) < 2
    mean[few] = np.nan
    sd = np.sqrt(variance)
    sd[few] = np.nan
    return Members(mean, sd, df, pooled.carry)


def shrink_variance(
    mean_square: np.ndarray, *, n_scored: np.ndarray, floor: np.ndarray, pseudo: float
) -> np.ndarray:
    """One-step variance of every unit, drawn to the panel's median.

    The panel's median is taken of what exceeds each unit's `floor` (its own publication noise), so that a unit with a
    tiny denominator is not drawn to the calm of the large ones.

    Parameters
    ----------
    mean_square : array, shape (n,)
    n_scored : array, shape (n,)
    floor : array, shape (n,)
    pseudo : float
        Weight of the panel in observations.

    Returns
    -------
    array, shape (n,), > 0
    """
    usable = n_scored > 0
    own = np.maximum(mean_square - floor, 0.0)
    centre = float(np.median(own[usable])) if usable.any() else 0.0
    if centre == 0.0 and np.any(own[usable] > 0):
        centre = float(np.sort(own[usable & (own > 0)])[0])
    target = centre + floor
    df = np.maximum(n_scored - 1.0, 0.0)
    shrunk = (df * mean_square + pseudo * target) / (df + pseudo)
    return np.maximum(shrunk, np.maximum(floor, 1e-12))
