"""From the latent value to the published figure: rounding to steps, and counts of few cases.

On the modelling scale a value is ``mean + sd * t(df)``. What is published in steps meets a threshold when the latent
value is beyond it by half a step.

Rates of few cases: what is published is k of n, so a forecast of the rate is not yet a forecast of the figure. With n =
20 a unit whose true rate is .8 publishes anything from .6 to 1. The models' one-step errors hold that noise already,
once: ``sd^2`` is the variance of the published rate. It is split: the latent rate keeps ``sd^2 - v``, v being the
variance of the scale's value of k / n at the unit's recent level, and k is drawn from Binomial(n, latent rate). The
mixture over the latent rate is what a beta-binomial is for a beta. Where most small units vary less than binomial
counts would, the cases are no independent draws (communes that have joined do not leave) and nothing is drawn. Between
two counts the distribution is taken as even, so that P(k / n >= c) is the area above the half-step below c.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import special

from analysis.forecasting import scales
from analysis.forecasting.panel import Panel
from analysis.forecasting.sums import recent, recent_median

MOST_CASES = 60  # cases above which the noise is near enough to continuous
LEAST_LATENT = 0.05  # of the variance: a level smoothed over twenty periods is not known better
BINOMIAL = 0.7  # of the binomial variance: where small units typically vary less, the cases are no draws
POINTS = 129  # latent rates for which P(k) is tabulated; straight lines between
NODES = 32  # equally likely values of the latent rate
ROWS = 512  # distributions at once


@dataclass(frozen=True)
class Latent:
    """Values before they are published, ``mean + sd * t(df)`` on the modelling scale: `mean`, `sd` (n,) or (n, H)."""

    scale: scales.Scale
    mean: np.ndarray
    sd: np.ndarray
    df: np.ndarray


def p_beyond(threshold: np.ndarray, latent: Latent, *, strict: bool, counted: Counted | None) -> np.ndarray:
    """P(published value >= threshold), or > where `strict`; all of shape (n,)."""
    cut = scales.edge(threshold, step=latent.scale.step, strict=strict)
    p = t_upper((latent.scale.forward_cut(cut, strict=strict) - latent.mean) / latent.sd, latent.df)
    if counted is None:
        return p
    few = counted.p_exceeds(threshold, latent, strict=strict)
    return np.where(np.isnan(few) | np.isnan(p), p, few)


def t_quantile(p: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Quantile of Student's t, exactly antisymmetric about p = 1/2."""
    tail = np.minimum(p, 1.0 - p)
    return np.where(p < 0.5, 1.0, -1.0) * special.stdtrit(df, tail)


def t_upper(z: np.ndarray, df: np.ndarray) -> np.ndarray:
    """P(t > z); ``t_upper(z) + t_upper(-z)`` is 1 to the last bit or two."""
    tail = special.stdtr(df, -np.abs(z))
    return np.where(z > 0, tail, 1.0 - tail)


@dataclass(frozen=True)
class Counted:
    """Units whose published rate is k of a small n."""

    size: np.ndarray  # (n,): Cases of the coming periods (those of late); 0: many or unknown, the rate is continuous
    noise: np.ndarray  # (n,): Variance of counting on the modelling scale at the unit's recent level
    resolution: float  # Step in which the rate is published besides, 0: exactly k / n

    def rows(self, index: np.ndarray) -> Counted:
        """The same for the units `index`."""
        return replace(self, size=self.size[index], noise=self.noise[index])

    def latent_sd(self, sd: np.ndarray) -> np.ndarray:
        """Standard deviation of the latent rate on the modelling scale, shape of `sd`: (n,) or (n, H)."""
        square = sd * sd
        noise = self.noise.reshape(self.noise.shape + (1,) * (sd.ndim - 1))
        return np.where(noise > 0, np.sqrt(np.maximum(square - noise, LEAST_LATENT * square)), sd)

    def least(self, threshold: np.ndarray, *, strict: bool) -> np.ndarray:
        """Smallest k whose published rate meets ``>= threshold`` (``>`` where `strict`), shape (n,)."""
        step = np.full(len(self.size), self.resolution)
        exact = self.resolution == 0.0
        cut = threshold if exact else scales.edge(threshold, step=step, strict=strict)
        cases = np.where(np.isnan(cut), 0.0, cut) * self.size
        nearest = np.rint(cases)
        cases = np.where(np.abs(cases - nearest) <= scales.TOLERANCE * np.maximum(1.0, np.abs(cases)), nearest, cases)
        return (np.floor(cases) + 1.0 if strict and exact else np.ceil(cases)).astype(np.int64)

    def p_exceeds(self, threshold: np.ndarray, latent: Latent, *, strict: bool) -> np.ndarray:
        """P(published rate >= threshold) of the units counted, NaN for the others; all of shape (n,)."""
        out = np.full(len(self.size), np.nan)
        least, sd = self.least(threshold, strict=strict), self.latent_sd(latent.sd)
        for rows, size in self._groups():
            rates = Latent(latent.scale.rows(rows), latent.mean[rows], sd[rows], latent.df[rows])
            place, part = _nodes(rates, size=size)
            below = np.concatenate([np.zeros((POINTS, 1)), _cumulated(size, rates.scale.name)], axis=1)  # P(K < k)
            k = np.clip(least[rows], 0, size + 1)[:, None]
            low, high = below[place, k], below[place + 1, k]
            out[rows] = 1.0 - (low + part * (high - low)).mean(axis=1)
        return out

    def quantiles(self, levels: np.ndarray, latent: Latent) -> np.ndarray:
        """Quantiles of the published rate of the units counted, NaN for the others, shape (n, H, L)."""
        n, horizon = latent.mean.shape
        out = np.full((n, horizon, len(levels)), np.nan)
        sd = self.latent_sd(latent.sd)
        for rows, size in self._groups():
            flat = np.repeat(rows, horizon)
            of_mean, of_sd = latent.mean[rows].ravel(), sd[rows].ravel()
            found = np.empty((len(flat), len(levels)))
            for begin in range(0, len(flat), ROWS):
                part = slice(begin, begin + ROWS)
                rates = Latent(latent.scale.rows(flat[part]), of_mean[part], of_sd[part], latent.df[flat[part]])
                found[part] = _inverted(_mixed(size, latent.scale.name, *_nodes(rates, size=size)), levels)
            out[rows] = found.reshape(len(rows), horizon, len(levels))
        return out

    def published(self, latent: np.ndarray, *, unit: int, scale: scales.Scale, stream: np.random.Generator):
        """Draw what is published of latent values of the modelling scale, any shape, for one of the units counted."""
        size = int(self.size[unit])
        place, part = _places(scale.rows(np.array([unit])), np.asarray(latent, dtype=float)[None], size=size)
        rates = _rates(size, scale.name)
        rate = rates[place[0]] + part[0] * (rates[place[0] + 1] - rates[place[0]])
        share = stream.binomial(size, np.clip(rate, 0.0, 1.0)) / size
        return scales.publish(share[None], step=np.array([self.resolution]))[0]

    def _groups(self):
        for size in np.unique(self.size[self.size > 0]):
            yield np.flatnonzero(self.size == size), int(size)


def learn_counted(panel: Panel, *, scale: scales.Scale, sd: np.ndarray) -> Counted | None:
    """Find the units whose rate is of few cases; None where there are none or their counts are no binomial draws.

    `sd`, shape (n,), is the standard deviation one step ahead on the modelling scale.
    """
    if panel.kind != "rate" or panel.denominator is None or scale.name not in ("logit", "raw"):
        return None
    size = small_sizes(panel)
    size[np.abs(scale.squeeze - size) > 1e-6] = 0  # the squeeze follows a coarser published step
    if not size.any():
        return None
    y = scale.forward(panel.usable())
    lately = recent(y)
    level = np.where(lately, y, 0.0).sum(axis=1) / np.maximum(lately.sum(axis=1), 1)
    noise = np.zeros(panel.n_units)
    for cases in np.unique(size[size > 0]):
        rows = np.flatnonzero(size == cases)
        place, part = _places(scale.rows(rows), level[rows], size=int(cases))
        table = _variances(int(cases), scale.name)
        noise[rows] = table[place] + part * (table[place + 1] - table[place])
    if scale.name == "raw":
        noise /= scale.unit**2
    known = (noise > 0) & np.isfinite(sd)
    if not known.any() or np.median(sd[known] ** 2 / noise[known]) < BINOMIAL:
        return None
    return Counted(size, noise, float(panel.resolution or 0.0))


def small_sizes(panel: Panel) -> np.ndarray:
    """Cases of every unit of late where they are few and the published rates are k of them, else 0, shape (n,)."""
    values = panel.usable()
    known = np.isfinite(values) & (panel.denominator > 0)
    size = recent_median(np.where(known, panel.denominator, np.nan))
    whole = np.abs(size - np.rint(size)) < 1e-6
    step = float(panel.resolution or 0.0)
    small = np.isfinite(size) & whole & (size >= 1) & (size <= MOST_CASES) & (step * size <= 1.0 + 1e-9)
    if not small.any():
        return np.zeros(panel.n_units, dtype=np.int64)
    cases = np.where(known, values * panel.denominator, 0.0)
    if panel.numerator is not None:
        cases = np.where(known & np.isfinite(panel.numerator), panel.numerator, cases)
    slack = np.where(known, 0.5 * step * panel.denominator + 1e-6, 1.0)
    whole = (np.abs(cases - np.rint(cases)) <= slack).all(axis=1)
    return np.where(small & whole, np.rint(np.where(small, size, 0.0)), 0).astype(np.int64)


def _nodes(rates: Latent, *, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where equally likely latent rates lie in the table, shape (k, NODES)."""
    z = t_quantile((np.arange(NODES) + 0.5) / NODES, rates.df[:, None])
    return _places(rates.scale, rates.mean[:, None] + rates.sd[:, None] * z, size=size)


def _places(scale: scales.Scale, values: np.ndarray, *, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Row of the tables below each modelling-scale value, and how far on to the next."""
    if scale.name == "logit":
        top = math.log(2.0 * size + 1.0)
        at = (values + top) / (2.0 * top)
    else:
        at = values * scale.unit.reshape(scale.unit.shape + (1,) * (values.ndim - 1))
    at = np.clip(np.where(np.isnan(at), 0.5, at), 0.0, 1.0) * (POINTS - 1)
    place = np.minimum(at.astype(np.int64), POINTS - 2)
    return place, at - place


def _mixed(size: int, name: str, place: np.ndarray, part: np.ndarray) -> np.ndarray:
    """P(K <= k) for k = 0..size, shape (rows, size + 1)."""
    table = _cumulated(size, name)
    step = np.diff(table, axis=0)
    out = np.zeros((len(place), size + 1))
    for node in range(place.shape[1]):
        out += table[place[:, node]] + part[:, node, None] * step[place[:, node]]
    return out / place.shape[1]


def _inverted(reached: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles of k / n with the mass of every k spread evenly over the step around it, shape (rows, L)."""
    rows, size = reached.shape[0], reached.shape[1] - 1
    reached = np.concatenate([np.zeros((rows, 1)), reached], axis=1)
    k = np.clip((reached[:, 1:, None] < levels).sum(axis=1), 0, size)
    low, high = np.take_along_axis(reached, k, axis=1), np.take_along_axis(reached, k + 1, axis=1)
    within = (levels - low) / np.where(high > low, high - low, 1.0)
    return np.clip((k - 0.5 + np.clip(within, 0.0, 1.0)) / size, 0.0, 1.0)


@lru_cache(maxsize=4 * MOST_CASES)
def _rates(size: int, name: str) -> np.ndarray:
    """Latent rates at the table's points: those whose counts have the point's value as their mean on the scale."""
    if name != "logit":
        return np.linspace(0.0, 1.0, POINTS)
    top = math.log(2.0 * size + 1.0)
    half = scales.inverse_logit(-np.linspace(top + 4.0, 0.0, 200))  # mirrored: a complement has the complement's rate
    rate = np.concatenate([[0.0], half, 1.0 - half[-2::-1], [1.0]])
    mean = _pmf(size, rate) @ _logits(size)
    found = np.interp(np.linspace(-top, top, POINTS), mean, rate)
    return 0.5 * (found + 1.0 - found[::-1])


@lru_cache(maxsize=4 * MOST_CASES)
def _variances(size: int, name: str) -> np.ndarray:
    """Variance of the scale's value of k / n at the table's points (raw: of the rate itself)."""
    rate = _rates(size, name)
    if name != "logit":
        return rate * (1.0 - rate) / size
    pmf, y = _pmf(size, rate), _logits(size)
    return np.maximum(pmf @ (y * y) - (pmf @ y) ** 2, 0.0)


@lru_cache(maxsize=4 * MOST_CASES)
def _cumulated(size: int, name: str) -> np.ndarray:
    """P(K <= k) at the table's points, shape (POINTS, size + 1)."""
    return np.minimum(np.cumsum(_pmf(size, _rates(size, name)), axis=1), 1.0)


def _logits(size: int) -> np.ndarray:
    k = np.arange(size + 1.0)
    return np.log((k + 0.5) / (size - k + 0.5))


def _pmf(size: int, rate: np.ndarray) -> np.ndarray:
    k = np.arange(size + 1.0)
    ways = special.gammaln(size + 1.0) - special.gammaln(k + 1.0) - special.gammaln(size - k + 1.0)
    log = ways + special.xlogy(k, rate[:, None]) + special.xlog1py(size - k, -rate[:, None])
    return np.exp(log)
