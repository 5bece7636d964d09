"""From a model's probability to one that has been compared with the panel's own past.

The ladder goes by J, the number of realised origins that do not overlap (one deadline is one common shock, however many
units share it). J < 2 leaves p as it is. From J = 2 two numbers are fitted, ``logit p* = a_o + b logit p``: one slope
for all origins and an intercept of each origin's own, ``a_o ~ N(m, tau^2)``. The order of the units within an origin
shows the slope, because there the common shock cancels; only the differences between origins show the shift. Averaged
over the shock of the coming origin, the shift enters at weight ``J / (J + 10)``, the slope at ``J / (J + 5)``. J is
printed with every probability.

A table of targets only says a number for every unit. Where those numbers follow the units' present values far more
closely than they resemble each other, they were set from them ("10 % more than now"). Compared with the past as they
are, they would require tomorrow's level of a unit that was half as large, so they move with the unit (`moving`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.forecasting import past
from analysis.forecasting.panel import Panel, truncate
from analysis.forecasting.predictive import Predictive
from analysis.forecasting.published import Latent, p_beyond
from analysis.forecasting.scales import inverse_logit, logit

LEAST, MOST = 0.01, 0.99  # no probability is stated beyond these unless the event is settled
MIN_ORIGINS = 2
HALF_WEIGHT = 10.0  # origins at which the past counts as much as the model
HALF_SLOPE = 5.0  # the same for the slope, which shows within an origin
CASES_AN_ORIGIN = 100.0  # cases one origin is taken to be worth, at most
PRIOR_ORIGINS = 2.0  # origins that the prior spread of shocks is worth
PRIOR_SHIFT, PRIOR_SLOPE = 1.0, 0.5  # standard deviations of a around 0 and b around 1
STEPS = 30
FOLLOWS = 0.25  # spread of the gaps to the present value, relative to the spread of the thresholds, below which they do
MIN_UNITS = 5
EPSILON = 1e-9  # 0.8 read from a file as 0.7999999999999999 is 0.8
EDGE = 1e-3  # a share is kept this far from 0 and 1 before the logit

Threshold = float | np.ndarray | Callable[[Panel], np.ndarray]


@dataclass(frozen=True)
class Event:
    """Which values count as attained: at least (or at most) the threshold, or strictly beyond it."""

    at_least: bool = True
    strict: bool = False

    def happened(self, values: ArrayLike, threshold: ArrayLike) -> np.ndarray:
        """1.0, 0.0, or NaN where the value or the threshold is missing.

        >>> Event().happened([0.79, 0.8, np.nan], 0.8).tolist(), Event(strict=True).happened([0.8], 0.8).tolist()
        ([0.0, 1.0, nan], [0.0])
        """
        threshold = np.asarray(threshold, float)
        margin = EPSILON * np.maximum(1, np.abs(threshold))
        gap = (1 if self.at_least else -1) * (np.asarray(values, float) - threshold)
        met = gap > margin if self.strict else gap >= -margin
        return np.where(np.isnan(gap), np.nan, met.astype(float))

    @property
    def above(self) -> bool:
        """Whether the probability, or its complement (`at_least` is False), is that of values strictly above."""
        return self.strict == self.at_least


@dataclass(frozen=True)
class Calibration:
    """How to correct a probability."""

    shift: float = 0.0  # a, already weighted by J; 0 where J < 2
    slope: float = 1.0  # b, already weighted by J; 1 where J < 2
    n_origins: int = 0  # J

    def apply(self, p: np.ndarray) -> np.ndarray:
        """Corrected probabilities, not capped; 0, 1 and NaN stay.

        >>> Calibration(shift=0.0, slope=0.5, n_origins=3).apply(np.array([0.5, 0.9, 1.0])).round(3)
        array([0.5 , 0.75, 1.  ])
        """
        p = np.asarray(p, dtype=float)
        inside = (p > 0) & (p < 1)
        x = self.shift + self.slope * logit(np.where(inside, p, 0.5))
        return np.where(inside, inverse_logit(x), p)


def cap(p: np.ndarray) -> np.ndarray:
    """Bound probabilities of unsettled events to 0.01..0.99.

    >>> cap(np.array([0.0, 0.3, 1.0]))
    array([0.01, 0.3 , 0.99])
    """
    return np.clip(p, LEAST, MOST)


def calibrate_level(
    panel: Panel,
    event: Event = Event(),  # noqa: B008  frozen
    *,
    threshold: Threshold,
    horizon: int,
    predictive: Predictive,
) -> Calibration:
    """Compare the models' past probabilities of an event at `threshold`, `horizon` periods on, with what came.

    A `threshold` (natural units) that is a function of the panel as it was at an origin gives that origin's thresholds:
    growth of 10 % from the level of then; an array that follows the units' present values is taken for one
    (:func:`moving`). `predictive` is at least `horizon` long: its past forecasts are compared. Uncorrected when fewer
    than two origins can be looked back on.
    """
    behind = predictive.past
    if behind is None:
        return Calibration()
    if not callable(threshold):
        threshold = np.broadcast_to(np.asarray(threshold, dtype=float), (panel.n_units,))
        threshold = moving(threshold, panel=panel) or threshold
    values = panel.usable()[behind.rows]
    scale = predictive.scale.rows(behind.rows)
    few = None if predictive.counted is None else predictive.counted.rows(behind.rows)
    probabilities, outcomes, origins = [], [], []
    for k, origin in enumerate(behind.origins):
        if origin + horizon > panel.n_periods:
            continue
        limit = _threshold_at(threshold, panel, n_periods=int(origin))[behind.rows]
        width = past.learn_shocks(behind, n_periods=int(origin)).width[horizon - 1]
        latent = Latent(scale, behind.mean[k, :, horizon - 1], behind.sd[k, :, horizon - 1] * width, behind.df[k])
        p = p_beyond(limit, latent, strict=event.above, counted=few)
        seen = values[:, origin + horizon - 1]
        above = seen > limit if event.above else seen >= limit
        known = np.isfinite(p) & np.isfinite(seen) & np.isfinite(limit)
        probabilities.append((p if event.at_least else 1.0 - p)[known])
        outcomes.append((above if event.at_least else ~above)[known])
        origins.append(np.full(int(known.sum()), origin))
    if not origins:
        return Calibration()
    realised = np.unique(np.concatenate(origins))
    j = past.n_apart(realised, horizon=horizon, n_periods=panel.n_periods)
    return ladder(np.concatenate(probabilities), np.concatenate(outcomes), np.concatenate(origins), n_origins=j)


def _threshold_at(threshold: Threshold, panel: Panel, *, n_periods: int) -> np.ndarray:
    value = threshold(truncate(panel, n_periods)) if callable(threshold) else threshold
    return np.broadcast_to(np.asarray(value, dtype=float), (panel.n_units,))


def ladder(p_past: np.ndarray, outcome_past: np.ndarray, origin: np.ndarray, *, n_origins: int) -> Calibration:
    """Fit the correction that J (`n_origins`) allows; cases of one `origin` share its weight, all arrays (m,)."""
    p_past, outcome = np.asarray(p_past, dtype=float), np.asarray(outcome_past, dtype=float)
    if n_origins < MIN_ORIGINS or p_past.size == 0:
        return Calibration(n_origins=n_origins)
    _, group = np.unique(origin, return_inverse=True)
    size = np.bincount(group)
    worth = np.minimum(size, CASES_AN_ORIGIN) * n_origins / len(size)  # overlapping origins share J's weight
    order = np.lexsort((group, outcome, p_past))  # sums do not depend on the order of the units
    weight = (worth / size)[group][order]
    shift, slope = _fit(logit(cap(p_past[order])), outcome[order], group[order], weight, n_origins=n_origins)
    share = n_origins / (n_origins + HALF_WEIGHT)
    return Calibration(shift * share, 1.0 + (slope - 1.0) * n_origins / (n_origins + HALF_SLOPE), n_origins)


def _fit(
    x: np.ndarray, outcome: np.ndarray, group: np.ndarray, weight: np.ndarray, *, n_origins: int
) -> tuple[float, float]:
    """Posterior mode of the common slope and of one intercept an origin, averaged over the origins' shocks.

    The order within an origin, where the common shock cancels, shows the slope; how origins differ shows the shift.
    """
    k = int(group.max()) + 1
    a, b, mean, spread = np.zeros(k), 1.0, 0.0, PRIOR_SHIFT**2
    for _ in range(STEPS):
        p = inverse_logit(np.clip(a[group] + b * x, -30.0, 30.0))
        gap, curve = weight * (outcome - p), weight * p * (1.0 - p)
        ga = np.bincount(group, gap, k) - (a - mean) / spread
        haa = np.bincount(group, curve, k) + 1.0 / spread
        hab = np.bincount(group, curve * x, k)
        gb = (gap * x).sum() - (b - 1.0) / PRIOR_SLOPE**2
        hbb = (curve * x * x).sum() + 1.0 / PRIOR_SLOPE**2
        db = (gb - (hab * ga / haa).sum()) / (hbb - (hab**2 / haa).sum())
        da = (ga - hab * db) / haa
        step = 1.0 / max(1.0, abs(db), float(np.abs(da).max()))
        a, b = a + step * da, max(b + step * db, 0.1)
        mean = float(a.sum() / (k + spread * k / n_origins))
        apart = float(((a - mean) ** 2 + 1.0 / haa).sum()) * n_origins / k
        spread = (PRIOR_ORIGINS * PRIOR_SHIFT**2 + apart) / (PRIOR_ORIGINS + n_origins)
        if abs(db) + float(np.abs(da).max()) < 1e-9:
            break
    flatter = 1.0 / np.sqrt(1.0 + 0.346 * spread)  # logit averaged over a normal shock (16 sqrt(3) / (15 pi), squared)
    return mean * flatter, b * flatter


def moving(threshold: np.ndarray, *, panel: Panel) -> Callable[[Panel], np.ndarray] | None:
    """Return the threshold (natural units) as a function of the panel at a cutoff, or None where it does not move.

    >>> values = np.array([[50.0, 100], [10, 20], [1, 3], [200, 400], [30, 50]])
    >>> panel = Panel(tuple("abcde"), ("2021", "2022"), values, kind="count")
    >>> moving(np.full(5, 100.0), panel=panel) is None
    True
    >>> then = moving(1.1 * values[:, 1], panel=panel)
    >>> then(Panel(tuple("abcde"), ("2021",), values[:, :1], kind="count")).round(1).tolist()
    [55.0, 11.0, 1.1, 220.0, 33.0]
    """
    now = panel.last_value()
    positive = panel.kind != "rate" and bool(np.nanmin(now, initial=np.inf) > 0) and bool(np.all(threshold > 0))
    forward, inverse = _maps(panel.kind, positive=positive)
    wanted, present = forward(np.asarray(threshold, dtype=float)), forward(now)
    known = np.isfinite(wanted) & np.isfinite(present)
    if known.sum() < MIN_UNITS:
        return None
    gap = wanted - present
    if _spread(wanted[known]) <= 0 or _spread(gap[known]) >= FOLLOWS * _spread(wanted[known]):
        return None
    return lambda then: inverse(forward(then.last_value()) + gap)


def _maps(kind: str, *, positive: bool) -> tuple[Callable, Callable]:
    if kind == "rate":
        return (lambda share: logit(np.clip(share, EDGE, 1.0 - EDGE))), inverse_logit
    return (np.log, np.exp) if positive else (np.array, np.array)


def _spread(values: np.ndarray) -> float:
    return float(np.median(np.abs(values - np.median(values))))
