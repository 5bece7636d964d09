"""The pooled grid: level with no, damped or full trend, every setting's weight shared by all units of the indicator.

State, for setting g = (alpha, beta, phi) and series y: ``f = l + d + phi b``; ``e = y - f``; ``l = f + alpha e``;
``b = phi b + alpha beta e``, where d is the setting's share of the drift that all units have in common. Start values
come from the first max(2, min(5, T // 3)) points and are kept out of the likelihood. A missing period is a step without
an update.

Arrays have the setting first and the series last: ``(n_settings, n)``; every operation is elementwise, so that a
series' numbers do not depend on its neighbours, on the block size or on a linear-algebra library.

An innovation of fifty standard deviations (a catastrophe, a typing error) says nothing about how fast a series will
move from now on, but a linear filter passes it to the slope like any other. Where a change is beyond `BEYOND` times the
usual one (that of the unit, of the panel, and of all units in that period: what moves everyone is no spike), the level
follows it, no more than that is passed on to the slope, and no more than that counts in the spread that grows with the
slope.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.forecasting.panel import last_observed
from analysis.forecasting.sums import FIXED, column_sum, lower_median, whole_multiples

ALPHAS = (0.1, 0.25, 0.45, 0.7, 0.99)
BETAS = (0.03, 0.15, 0.6)
PHIS = (0.8, 0.9, 0.97, 1.0)
TREND_PENALTY = 1.0  # log-likelihood taken off settings with a trend
# A unit's own trend fades to this share of the panel's drift. Nought underrates growth that all units share, all of
# it overrates growth that slows down; the likelihood is higher at a half than at either on 20 of 24 panel stages.
FADE_TO = 1.0 / 3.0
SSE_FLOOR = 0.05  # of the panel's median best mean square, added to every mean square
EM_STEPS = 15
PRIOR_CASES = 2.0  # pseudo-series spread evenly over the settings: one series alone does not pick a single setting
BEYOND = 10.0  # times the usual change; a t with 4 degrees of freedom gets there once in 3,000 periods
MIN_CHANGES = 8  # of a unit, below which its usual change is not known
BLOCK = 512  # series at once: the states of a block stay in the processor's cache


@dataclass(frozen=True)
class Settings:
    """Grid settings, each array of shape (n_settings,); beta 0 and phi 1 mean "no trend".

    `common`: share of the panel's drift that is always added; a unit's own slope fades to it, not to nought.
    """

    alpha: np.ndarray
    beta: np.ndarray
    phi: np.ndarray
    common: np.ndarray

    @property
    def trend(self) -> np.ndarray:
        """Which settings have a trend."""
        return self.beta > 0

    def take(self, index: np.ndarray) -> Settings:
        """The settings `index`."""
        return Settings(self.alpha[index], self.beta[index], self.phi[index], self.common[index])

    def __len__(self) -> int:
        return len(self.alpha)


def settings(*, damped: bool = False) -> Settings:
    """The 70 settings of the pooled grid: 5 without a trend, 5 with the panel's drift, 60 with a trend of their own.

    `damped`: without the 15 undamped ones.
    """
    flat = [(alpha, 0.0, 1.0, 0.0) for alpha in ALPHAS]
    shared = [(alpha, 0.0, 1.0, 1.0) for alpha in ALPHAS]
    phis = [phi for phi in PHIS if phi < 1 or not damped]
    trended = [(alpha, beta, phi, FADE_TO) for alpha in ALPHAS for beta in BETAS for phi in phis]
    table = np.array(flat + shared + trended)
    return Settings(*(np.ascontiguousarray(column) for column in table.T))


def without_trend() -> Settings:
    """The 5 settings without any slope: simple exponential smoothing."""
    n = len(ALPHAS)
    return Settings(np.array(ALPHAS), np.zeros(n), np.ones(n), np.zeros(n))


@dataclass(frozen=True)
class Fit:
    """States at the end of the block and the squared errors on the way."""

    settings: Settings
    sse: np.ndarray  # (n_settings, n)
    level: np.ndarray  # (n_settings, n)
    slope: np.ndarray  # (n_settings, n): The slope is what exceeds the setting's share of the panel's drift
    n_scored: np.ndarray  # (n,): R: observed periods after the start
    drift: float  # of the panel
    first: Points  # What the series started from
    most: np.ndarray | None  # (n, T): Largest innovation that the slope took (:func:`most_handed_on`)


def panel_drift(values: np.ndarray) -> float:
    """Median over the units of the mean change a period, over all their history; 0 where nobody has three points."""
    seen = np.isfinite(values)
    rows = np.flatnonzero(seen.sum(axis=1) >= 3)
    if not rows.size:
        return 0.0
    first, last = np.argmax(seen[rows], axis=1), last_observed(values[rows])
    return float(np.median((values[rows, last] - values[rows, first]) / (last - first)))


@dataclass(frozen=True)
class Points:
    """Some observed points of every series, for lines through them; they depend on what is missing, on no value."""

    used: np.ndarray  # (n, T)
    count: np.ndarray  # (n,): How many are used, at least 1
    last: np.ndarray  # (n,): Column of the last one; T for a series with no point
    time: np.ndarray  # (n,): Their mean column
    centred: np.ndarray  # (n, T): Their columns less the mean, 0 elsewhere
    spread: np.ndarray  # (n,): Sum of its squares, 1 where it is 0


def points(used: np.ndarray) -> Points:
    """The points that are marked in `used`, shape (n, T)."""
    n_periods = used.shape[1]
    k = np.maximum(used.sum(axis=1), 1)
    time = np.arange(n_periods, dtype=float)
    mean_time = np.where(used, time, 0.0).sum(axis=1) / k
    centred = np.where(used, time - mean_time[:, None], 0.0)
    spread = (centred * centred).sum(axis=1)
    last = np.where(used.any(axis=1), n_periods - 1 - np.argmax(used[:, ::-1], axis=1), n_periods)
    return Points(used, k, last, mean_time, centred, np.where(spread > 0, spread, 1.0))


def first_points(values: np.ndarray) -> Points:
    """The first max(2, min(5, T // 3)) observed points: what every series starts from."""
    seen = np.isfinite(values)
    wanted = np.maximum(2, np.minimum(5, seen.sum(axis=1) // 3))
    return points(seen & (np.cumsum(seen, axis=1) <= wanted[:, None]))


def line_through(values: np.ndarray, at: Points) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean of the points, and the level (at the last of them) and slope of their least-squares line, shape (n,) each.

    >>> values = np.array([[1.0, 3.0, np.nan, 7.0]])
    >>> [one.item() for one in line_through(values, points(np.isfinite(values)))]
    [3.6666666666666665, 7.0, 2.0]
    """
    mean = np.where(at.used, values, 0.0).sum(axis=1) / at.count
    apart = np.where(at.used, values - mean[:, None], 0.0)
    slope = (at.centred * apart).sum(axis=1) / at.spread
    level = mean + slope * (np.minimum(at.last, values.shape[1] - 1) - at.time)
    return mean, level, slope


def fit_grid(values: np.ndarray, *, chosen: Settings | None = None, first: Points | None = None) -> Fit:
    """Run every setting (default: :func:`settings`) through every series, shape (n, T), NaN where missing.

    `first` are the first points of `values`, where they are known already.
    """
    chosen = settings() if chosen is None else chosen
    first = first_points(values) if first is None else first
    n, n_periods = values.shape
    shape = (len(chosen), n)
    most = most_handed_on(values) if chosen.trend.any() else None
    drift = panel_drift(values) if np.any(chosen.common) else 0.0
    out = Fit(chosen, np.empty(shape), np.empty(shape), np.empty(shape), np.zeros(n), drift, first, most)
    time = np.arange(n_periods, dtype=float)
    for share in np.unique(chosen.common):  # the drift is taken out, the rest run without it, and put back
        group = np.flatnonzero(chosen.common == share)
        rest = values - share * drift * time
        mean, level, slope = line_through(rest, first)
        part_of = chosen.take(group)
        for begin in range(0, n, BLOCK):
            part = slice(begin, begin + BLOCK)
            l0 = np.where(part_of.trend[:, None], level[part], mean[part])
            b0 = np.where(part_of.trend[:, None], slope[part], 0.0)
            capped = None if most is None else most[part]
            sse, last, trend = _run(rest[part], chosen=part_of, level=l0, slope=b0, at=first.last[part], most=capped)
            out.sse[group, part], out.slope[group, part] = sse, trend
            out.level[group, part] = last + share * drift * time[-1]
    out.n_scored[:] = (np.isfinite(values) & (time > first.last[:, None])).sum(axis=1)
    return out


def _run(
    values: np.ndarray,
    *,
    chosen: Settings,
    level: np.ndarray,
    slope: np.ndarray,
    at: np.ndarray,
    most: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    alpha, phi = chosen.alpha[:, None], chosen.phi[:, None]
    gain = (chosen.alpha * chosen.beta)[:, None]
    trended = bool(chosen.trend.any())
    sse = np.zeros_like(level)
    b, f, e, step = (np.empty_like(level) for _ in range(4))
    y = np.ascontiguousarray(values.T)
    spiked = np.zeros(len(y), dtype=bool) if most is None else np.isfinite(most).any(axis=0)
    for t in range(int(at.min()) + 1 if at.size else 0, len(y)):
        active = t > at
        seen = np.isfinite(y[t]) & active
        if trended:
            np.multiply(slope, phi, out=b)
            np.add(level, b, out=f)
        else:
            f, level = level, f
        np.subtract(np.where(seen, y[t], 0.0), f, out=e)
        if not seen.all():
            e *= seen
        if trended:
            if not active.all():  # a series that has not begun keeps its start values
                f = np.where(active, f, level)
                b = np.where(active, b, slope)
            handed_on = np.clip(e, -most[:, t], most[:, t]) if spiked[t] else e
            np.multiply(handed_on, gain, out=step)
            np.add(b, step, out=slope)
        np.multiply(e, alpha, out=step)
        np.add(f, step, out=level)
        np.multiply(e, e, out=step)
        sse += step
    return sse, level, slope


def log_likelihood(fit: Fit, *, floor: np.ndarray | None = None) -> np.ndarray:
    """``-R/2 log(SSE / R)`` with the floor in it, less 1 for settings with a trend; shape (n_settings, n).

    `floor`, shape (n,), is the mean square below which nothing can be distinguished (rounding at the source).
    """
    scored = np.maximum(fit.n_scored, 1.0)
    best = fit.sse.min(axis=0) / scored
    usable = fit.n_scored > 0
    median = float(np.median(best[usable])) if usable.any() else 0.0
    least = SSE_FLOOR * median + (0.0 if floor is None else floor) + 1e-12
    out = fit.sse / scored
    out += least
    np.log(out, out=out)
    out *= -0.5 * fit.n_scored
    out[fit.settings.trend] -= TREND_PENALTY
    out -= out.max(axis=0)
    return out


def pooled_prior(loglik: np.ndarray, *, n_scored: np.ndarray) -> np.ndarray:
    """Weight of every setting, common to all units, shape (n_settings,): 15 steps of expectation-maximisation.

    Series without a scored period do not count. Independent of the order of the series.
    """
    n_settings = loglik.shape[0]
    use = n_scored > 0
    likelihood = np.exp(loglik[:, use])
    n = likelihood.shape[1]
    prior = np.full(n_settings, 1.0 / n_settings)
    if n == 0:
        return prior
    for _ in range(EM_STEPS):
        total = np.zeros(n_settings, dtype=np.int64)
        for begin in range(0, n, BLOCK):
            post = _posterior(likelihood[:, begin : begin + BLOCK], prior)
            total += whole_multiples(post).sum(axis=1)
        prior = (total / FIXED + PRIOR_CASES / n_settings) / (n + PRIOR_CASES)
    return prior / prior.sum()


def _posterior(likelihood: np.ndarray, prior: np.ndarray) -> np.ndarray:
    post = likelihood * prior[:, None]
    return post / column_sum(post)


def posterior(loglik: np.ndarray, *, prior: np.ndarray) -> np.ndarray:
    """Each series' weights over the settings, shape (n_settings, n); columns sum to one."""
    return _posterior(np.exp(loglik), prior)


def trend_sums(phi: np.ndarray, *, horizon: int) -> np.ndarray:
    """``phi + phi^2 + ... + phi^h`` for h = 1..horizon, shape (n_settings, horizon)."""
    powers = np.cumprod(np.repeat(phi[:, None], horizon, axis=1), axis=1)
    return np.cumsum(powers, axis=1)


def error_weights(chosen: Settings, *, horizon: int) -> np.ndarray:
    """``c_j = alpha (1 + beta (phi + ... + phi^j))`` for j = 1..horizon-1, shape (n_settings, horizon - 1).

    How much of an error is left j steps later.
    """
    sums = trend_sums(chosen.phi, horizon=max(horizon - 1, 0))
    return chosen.alpha[:, None] * (1.0 + chosen.beta[:, None] * sums)


def variance_factors(chosen: Settings, *, horizon: int) -> np.ndarray:
    """h-step variance over one-step variance, ``1 + sum_{j<h} c_j^2``, shape (n_settings, horizon)."""
    weights = error_weights(chosen, horizon=horizon)
    inner = np.cumsum(weights * weights, axis=1)
    return 1.0 + np.concatenate([np.zeros((len(chosen), 1)), inner], axis=1)


def most_handed_on(values: np.ndarray) -> np.ndarray | None:
    """Largest innovation that the slope may take, shape (n, T): inf where the change is not extreme; None: nowhere.

    >>> calm = np.tile([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0], (3, 1))
    >>> most_handed_on(calm) is None
    True
    >>> calm[1, 9] = 50.0
    >>> most_handed_on(calm)[1, 8:]
    array([inf, 10.])
    """
    seen = np.isfinite(values)
    column = np.maximum.accumulate(np.where(seen, np.arange(values.shape[1]), 0), axis=1)
    filled = np.take_along_axis(np.where(seen, values, np.nan), column, axis=1)
    change = np.full(values.shape, np.nan)
    change[:, 1:] = np.where(seen[:, 1:], np.abs(np.diff(filled, axis=1)), np.nan)
    known = np.isfinite(change)
    count = known.sum(axis=1)
    judged = count >= MIN_CHANGES
    largest = np.where(known, change, 0.0).max(axis=1, initial=0.0)
    if not judged.any():
        return None
    own = np.nan_to_num(lower_median(change[:, 1:]))
    usual = np.maximum(own, float(np.median(own[judged])))
    if not (judged & (usual > 0) & (largest > BEYOND * usual)).any():
        return None
    of_period = np.where(known.sum(axis=0) > 1, lower_median(change.T), 0.0)
    most = BEYOND * np.maximum(usual[:, None], of_period)
    return np.where(judged[:, None] & (usual[:, None] > 0) & known & (change > most), most, np.inf)
