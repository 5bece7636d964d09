"""From a panel to its predictive distribution: scale, season, three members, variance.

Members, averaged on the modelling scale: the pooled grid; damped Holt averaged over its grid by likelihood; Theta. A
unit's own trend counts as far as the panel's series have one (:func:`member_weights`). The variance is the grid's,
shrunk to the panel, plus the members' disagreement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from analysis.forecasting import bounds, grid, past, published, scales, seasonality, variance
from analysis.forecasting.members import damped_prior, mean_ahead, mix, one_step_errors, theta_forecast
from analysis.forecasting.panel import Panel, last_observed, truncate
from analysis.forecasting.predictive import Predictive

MIN_RATIO = 0.02  # a seasonal factor below this is not divided by
SEASON_RULES = 0.1  # of the squared change left without the season: below this the season rules the series
TRENDED, THETA = 1.0 / 2.0, 1.0 / 6.0  # weight of damped Holt where every series trends, and of Theta
MAX_GAP = 60  # periods without data after which a unit's variance stops growing


@dataclass(frozen=True)
class Options:
    """Everything about the models that can be chosen; these defaults are nowhere else."""

    seed: int = 20220806  # Of the joint paths
    scale: str | None = None  # "logit", "raw" or "log"; None: chosen by pooled likelihood
    season: bool = True  # Estimate a seasonal profile
    shocks: bool = True  # Widen for common shocks learned from past origins
    relapse: bool = True  # Mix in what followed after others were at the bound
    fade: float | None = None  # How fast old errors fade (:mod:`.variance`); None: chosen
    borrowed: float | None = None  # How much a unit borrows from the panel (:mod:`.variance`); None: chosen


@dataclass(frozen=True)
class Members:
    """Forecast of the ensemble on the modelling scale (deseasonalised)."""

    mean: np.ndarray  # (n, H)
    sd: np.ndarray  # (n, H)
    df: np.ndarray  # (n,)
    carry: np.ndarray  # (n, H - 1): ``c_j`` of the grid member, for the joint paths
    choice: tuple[float, float]  # Fade and borrowing of the variance
    # (n, H): From `mean` to the forecast of the view with a common path; the other view is as far on the other side
    lean: np.ndarray
    # (n,): Share of the degrees of freedom that the season has used up and `sd` does not know of
    spent: np.ndarray | None = None

    def leaning(self, weight: float) -> np.ndarray:
        """Mean with `weight` on the view with a common path."""
        return self.mean + (2.0 * weight - 1.0) * self.lean


def forecast_panel(panel: Panel, *, horizon: int, options: Options = Options()) -> Predictive:  # noqa: B008
    """Forecast every unit `horizon` >= 1 periods after the cutoff; NaN for units with fewer than two usable points."""
    scale = choose_scale(panel, options=options)
    members = predict(panel, scale=scale, horizon=horizon, options=options)
    same = replace(options, fade=members.choice[0], borrowed=members.choice[1])
    views = past_views(panel, scale=scale, horizon=horizon, options=same) if options.shocks else None
    behind = None if views is None else past.settled(views)
    learned = past.no_shocks(horizon) if behind is None else past.learn_shocks(behind, n_periods=panel.n_periods)
    weight = 0.5 if behind is None else past.common_weight(views, n_periods=panel.n_periods)
    bounded = panel.kind == "rate" or scale.name == "logit"
    sd = members.sd * learned.width
    if not learned.n_origins.any():  # nobody has seen how far these seasons miss
        sd = sd / np.sqrt(1.0 - members.spent[:, None])
    few = published.learn_counted(panel, scale=scale, sd=sd[:, 0])
    relapse = bounds.learn_relapse(panel, horizon=horizon, bounded=bounded) if options.relapse else None
    return Predictive(
        units=panel.units,
        scale=scale,
        mean=members.leaning(weight),
        sd=sd,
        df=members.df,
        carry=members.carry,
        common=learned.common,
        last=panel.last_value(),
        cumulative=panel.cumulative,
        seed=options.seed,
        past=behind,
        relapse=relapse if relapse is None or few is None else relapse.without(few.size > 0),
        counted=few,
    )


def predict(panel: Panel, *, scale: scales.Scale, horizon: int, options: Options) -> Members:
    """Forecast of the ensemble on `scale`, season included, nothing learned from past origins yet."""
    work = prepare(panel, scale=scale, season=options.season)
    members = fit_members(
        work.y,
        horizon=horizon,
        floor=scales.rounding_variance(panel, scale=scale),
        options=options,
        damped=scale.name == "log",
        noise=scales.size_noise(panel),
    )
    mean, sd = work.restore(members.mean, members.sd)
    lean = work.restore(members.mean + members.lean, members.sd)[0] - mean
    spent = work.profile.spent if len(mean) > 1 else np.zeros(1)
    return replace(members, mean=mean, sd=sd, lean=lean, spent=spent)


def past_views(panel: Panel, *, scale: scales.Scale, horizon: int, options: Options) -> past.Past:
    """Forecasts of the same models from earlier origins, for at most ``past.MAX_UNITS`` units."""
    y = scale.forward(panel.usable())
    rows = past.some_rows(y)
    some, chosen = panel.rows(rows), scale.rows(rows)

    def forecast(n_periods: int) -> tuple[np.ndarray, ...]:
        members = predict(truncate(some, n_periods), scale=chosen, horizon=horizon, options=options)
        return members.mean, members.sd, members.df, members.lean

    seasonal = options.season and panel.n_periods >= 2 * panel.season_length > 2
    first = 2 * panel.season_length if seasonal else past.MIN_KNOWN  # an origin without a profile errs otherwise
    ruled = seasonal and season_rules(some, scale=chosen)
    origins = past.origins_of(panel.n_periods, first=first, season_length=panel.season_length if ruled else 1)
    return past.look_back(y, forecast=forecast, horizon=horizon, origins=origins, rows=rows)


def season_rules(panel: Panel, *, scale: scales.Scale) -> bool:
    """Whether most of the change from period to period is the season's (a count that restarts every year)."""
    work = prepare(panel, scale=scale, season=True)
    change, left = (_typical_change(y, even=work.profile.ratio) for y in (scale.forward(panel.usable()), work.y))
    return left < SEASON_RULES * change


def _typical_change(y: np.ndarray, *, even: bool) -> float:
    """Median squared change from period to period; `even`: relative to each unit's size."""
    square = np.diff(y / scales.typical_size(y)[:, None] if even else y, axis=1) ** 2
    seen = square[np.isfinite(square)]
    return float(np.median(seen)) if seen.size else 0.0


def choose_scale(panel: Panel, *, options: Options) -> scales.Scale:
    """Scale with the highest pooled log-likelihood of the one-step errors, Jacobian included.

    ``options.scale`` decides when it is stated; the kind's usual scale is kept unless another is better by
    ``scales.MARGIN`` an observation.
    """
    allowed = scales.candidates(panel)
    if options.scale is not None:
        return next((one for one in allowed if one.name == options.scale), allowed[0])
    if len(allowed) == 1:
        return allowed[0]
    rows = past.some_rows(panel.usable())
    some = panel.rows(rows)
    scores = [_scale_score(some, scale=one.rows(rows), options=options) for one in allowed]
    scores[0] += scales.MARGIN
    return allowed[int(np.argmax(scores))]


def _scale_score(panel: Panel, *, scale: scales.Scale, options: Options) -> float:
    y = prepare(panel, scale=scale, season=options.season).y
    fit = grid.fit_grid(y, chosen=grid.settings(damped=scale.name == "log"))
    scored = fit.n_scored
    use = scored > 0
    if math.fsum(scored[use]) < scales.MIN_SCORED:
        return 0.0
    best = fit.sse.min(axis=0) / np.maximum(scored, 1.0)
    floor = grid.SSE_FLOOR * float(np.median(best[use])) + 1e-12
    at = fit.first.last
    counted = np.isfinite(y) & (np.arange(y.shape[1]) > at[:, None])
    slope = np.where(counted, scale.log_slope(np.where(counted, panel.usable(), 0.5)), 0.0).sum(axis=1)
    return math.fsum(slope[use] - 0.5 * scored[use] * np.log(best[use] + floor)) / math.fsum(scored[use])


@dataclass(frozen=True)
class Prepared:
    """A panel on its modelling scale, shape (n, T), season taken out."""

    y: np.ndarray
    profile: seasonality.Profile

    def restore(self, mean: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Put the season back into forecasts, shape (n, H), and its own uncertainty into their spread."""
        index = self.profile.at(start=self.y.shape[1], length=mean.shape[1])
        own = self.profile.variance[:, None]
        if len(self.y) == 1:
            sd = sd / np.sqrt(1.0 - self.profile.spent[:, None])
        if self.profile.ratio:
            return mean * index, np.sqrt((sd * index) ** 2 + mean**2 * own)
        return mean + index, np.sqrt(sd**2 + own)


def prepare(panel: Panel, *, scale: scales.Scale, season: bool) -> Prepared:
    """Transform and deseasonalise: a factor on the raw scale of values >= 0, else an addend on the modelling scale."""
    values = panel.usable()
    y = scale.forward(values)
    if not season:
        return Prepared(y, seasonality.no_profile(len(y)))
    ratio = scale.name == "raw" and bool(np.all(values[np.isfinite(values)] >= 0))
    profile = seasonality.seasonal_profile(y, season_length=panel.season_length, ratio=ratio)
    index = profile.at(start=0, length=y.shape[1])
    return Prepared(y / np.maximum(index, MIN_RATIO) if profile.ratio else y - index, profile)


def fit_members(
    y: np.ndarray,
    *,
    horizon: int,
    floor: np.ndarray,
    options: Options,
    damped: bool = False,
    noise: np.ndarray | None = None,
) -> Members:
    """Run the three members on a block of modelling-scale series, shape (n, T), in both views.

    `floor` is the variance of the publication itself (rounding): no unit's variance falls below it. `damped`: without
    undamped trends (on the log scale they explode). `noise`: what a unit's size suggests of its variance.
    """
    about = {"horizon": horizon, "options": options, "damped": damped}
    alone = _one_view(y, floor=floor, noise=noise, **about)
    if len(y) == 1:
        at = grid.first_points(y).last
        scored = (np.isfinite(y) & (np.arange(y.shape[1]) > at[:, None])).sum(axis=1)
        return replace(alone, sd=alone.sd * variance.alone(scored)[:, None])
    path = past.common_path(y)
    apart = _one_view(y - path, floor=floor, noise=noise, **about)
    usual = replace(options, fade=variance.USUAL[0], borrowed=variance.USUAL[1])
    common = _one_view(path[None, :], floor=np.zeros(1), noise=None, **(about | {"options": usual}))
    lean = 0.5 * (apart.mean + common.mean - alone.mean)
    sd = np.sqrt(0.5 * (alone.sd**2 + apart.sd**2 + common.sd**2) + lean**2)
    return replace(alone, mean=alone.mean + lean, sd=sd, df=0.5 * (alone.df + apart.df), lean=lean)


def member_weights(chosen: grid.Settings, *, prior: np.ndarray) -> tuple[float, float, float]:
    """Weights of the pooled grid, of damped Holt and of Theta.

    Damped Holt follows every unit's own trend. Where the panel's series have none it adds noise, so it gets half of the
    prior mass that the panel gives to trends (to a drift that all share: a quarter); the pooled grid has the rest.

    >>> chosen = grid.Settings(*np.array([[0.5, 0.5, 0.5], [0.0, 0.0, 0.2], [1.0, 1.0, 0.9], [0.0, 1.0, 1 / 3]]))
    >>> [round(one, 3) for one in member_weights(chosen, prior=np.array([0.0, 0.0, 1.0]))]
    [0.333, 0.5, 0.167]
    >>> [round(one, 3) for one in member_weights(chosen, prior=np.array([0.6, 0.4, 0.0]))]
    [0.733, 0.1, 0.167]
    """
    shared = ~chosen.trend & (chosen.common > 0)
    damped = TRENDED * (float(prior[chosen.trend].sum()) + 0.5 * float(prior[shared].sum()))
    return 1.0 - damped - THETA, damped, THETA


def _one_view(
    y: np.ndarray, *, horizon: int, floor: np.ndarray, options: Options, damped: bool, noise: np.ndarray | None
) -> Members:
    gap = np.minimum(y.shape[1] - 1 - last_observed(y), MAX_GAP)
    fit = grid.fit_grid(y, chosen=grid.settings(damped=damped))
    loglik = grid.log_likelihood(fit, floor=floor)
    prior = grid.pooled_prior(loglik, n_scored=fit.n_scored)
    pooled = mix(fit, loglik, prior=prior, horizon=horizon, gap=gap)
    damped = mean_ahead(fit, loglik, prior=damped_prior(fit.settings), horizon=horizon)
    third = theta_forecast(y, horizon=horizon, drift=grid.FADE_TO * fit.drift, first=fit.first)
    a, b, c = member_weights(fit.settings, prior=prior)
    mean = a * pooled.mean + b * damped + c * third
    apart = a * (pooled.mean - mean) ** 2 + b * (damped - mean) ** 2 + c * (third - mean) ** 2
    errors = one_step_errors(y, fit, loglik, prior=prior)
    choice = None if options.fade is None else (options.fade, options.borrowed)
    spread = variance.one_step(errors, noise=noise, floor=floor, choice=choice, most=fit.most)
    total = spread.variance[:, None] * pooled.factor + pooled.between + apart
    if fit.most is not None:
        total += spread.spikes[:, None] * np.minimum(pooled.factor, np.arange(horizon) + 1.0)
    few = np.isfinite(y).sum(axis=1) < 2
    mean[few] = np.nan
    sd = np.sqrt(total)
    sd[few] = np.nan
    return Members(mean, sd, spread.df, pooled.carry, (spread.fade, spread.borrowed), np.zeros_like(mean))
