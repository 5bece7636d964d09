"""Modelling scales: where trends are straight and errors even. Logit for shares, raw or log for counts and levels.

A share x is squeezed before the logit, ``(x m + 1/2) / (m + 1)``: with m the denominator this is (k + 1/2)/(n + 1).
The inverse keeps every forecast in bounds. Thresholds go through the same map, after the half-unit rule: what is
published in steps is compared with the target minus half a step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.forecasting.panel import Panel
from analysis.forecasting.sums import recent_median

MAX_SQUEEZE = 1000.0  # a share of exactly 0 or 1 is never further out than half a case in a thousand
MARGIN = 0.1  # log-likelihood an observation by which another scale has to beat the kind's usual one
MIN_SCORED = 60  # one-step errors, over all units, below which the usual scale is kept
WHOLE, NEAR_WHOLE = 100.0, 90.0  # a level within 0..100 may be a per cent; one that comes near 100 is taken for one
SMALLEST = 1e-9  # of a series' typical size, on the log scale
LARGEST = 300.0  # natural logarithm beyond which nothing is distinguished
TOLERANCE = 1e-9  # a threshold this close to a published step is on it (in steps)


def logit(share: np.ndarray) -> np.ndarray:
    """``log(p / (1 - p))`` of shares strictly between 0 and 1.

    >>> logit(np.array([0.5, 0.9])).round(4)
    array([0.    , 2.1972])
    """
    return np.log(share / (1.0 - share))


def inverse_logit(value: np.ndarray) -> np.ndarray:
    """``1 / (1 + exp(-x))``: the share whose logit is `value`.

    >>> inverse_logit(logit(np.array([0.25, 0.8])))
    array([0.25, 0.8 ])
    """
    return 1.0 / (1.0 + np.exp(-value))


@dataclass(frozen=True)
class Scale:
    """A monotone map from natural units to the modelling scale, with its parameters for every unit."""

    name: str  # "logit", "raw" or "log"
    squeeze: np.ndarray  # (n,): m of the logit's squeeze
    # (n,): Size of one unit of measure on the raw and log scale (typical absolute value of the series)
    unit: np.ndarray
    # (n,): Published step of each unit in natural units (1 / denominator, or the resolution); None: exact
    step: np.ndarray | None
    lower: float  # natural units
    upper: float  # natural units
    top: float = 1.0  # What the logit takes as the whole: 1 for shares, 100 for a level that is a per cent

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Modelling scale of values, shape (n, ...)."""
        if self.name == "logit":
            m = _like(self.squeeze, values)
            share = values if self.top == 1.0 else values / self.top
            return np.log((share * m + 0.5) / ((1.0 - share) * m + 0.5))
        scaled = values / _like(self.unit, values)
        return np.log(np.maximum(scaled, SMALLEST)) if self.name == "log" else scaled

    def forward_cut(self, cut: np.ndarray, *, strict: bool = False) -> np.ndarray:
        """Modelling scale of a threshold, shape (n,): -inf and inf outside the bounds.

        What is forecast beyond a bound lies on it, so a bound itself can be reached (not `strict`), or left (`strict`).
        """
        beyond = (cut >= self.upper) if strict else (cut > self.upper)
        below = (cut < self.lower) if strict else (cut <= self.lower)
        usual = 0.5 * self.top if self.name == "logit" else self.unit
        moved = self.forward(np.where(beyond | below | np.isnan(cut), usual, cut))
        return np.where(below, -np.inf, np.where(beyond, np.inf, np.where(np.isnan(cut), np.nan, moved)))

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """Natural units of modelling-scale values, shape (n, ...), inside the bounds."""
        if self.name == "logit":
            m = _like(self.squeeze, values)
            natural = np.exp(-values)  # in place: this is the innermost step of the joint paths
            natural += 1.0
            np.divide(((m + 1.0) / m).astype(natural.dtype), natural, out=natural)
            natural -= (0.5 / m).astype(natural.dtype)
            if self.top != 1.0:
                natural *= natural.dtype.type(self.top)
            return np.clip(natural, self.lower, self.upper, out=natural)
        else:
            inner = np.exp(np.minimum(values, LARGEST)) if self.name == "log" else values
            natural = inner * _like(self.unit, values)
        return np.clip(natural, self.lower, self.upper)

    def log_slope(self, values: np.ndarray) -> np.ndarray:
        """log |d forward / d value|, for comparing likelihoods between scales."""
        if self.name == "logit":
            m = _like(self.squeeze, values)
            share = values if self.top == 1.0 else values / self.top
            a, b = share * m + 0.5, (1.0 - share) * m + 0.5
            return np.log((m / a + m / b) / self.top)
        unit = _like(self.unit, values)
        if self.name == "log":
            return -np.log(np.maximum(values, SMALLEST * unit))
        return -np.log(unit) + np.zeros_like(values)

    def rows(self, index: np.ndarray) -> Scale:
        """The scale of the rows `index`."""
        step = None if self.step is None else self.step[index]
        return replace(self, squeeze=self.squeeze[index], unit=self.unit[index], step=step)


def _like(parameter: np.ndarray, values: np.ndarray) -> np.ndarray:
    return parameter.reshape(parameter.shape + (1,) * (values.ndim - 1))


def candidates(panel: Panel) -> list[Scale]:
    """Scales that the panel's kind allows, the usual one first.

    "logit" then "raw" for a rate; "raw" then "log" (where every value is above 0) for anything else. A level within
    0..100 may be a per cent: "logit" of its hundredth is allowed too, and comes first where values come close to 100.
    """
    values = panel.usable()
    step = published_step(panel)
    squeeze = np.full(panel.n_units, MAX_SQUEEZE)
    if step is not None:
        squeeze = np.clip(1.0 / np.where(step > 0, step, 1e-12), 1.0, MAX_SQUEEZE)
    unit = typical_size(values)
    lower = 0.0 if panel.kind in ("rate", "count") else (1.0 if panel.kind == "rank" else -np.inf)
    raw = Scale("raw", squeeze, unit, step, lower, 1.0 if panel.kind == "rate" else np.inf)
    if panel.kind == "rate":
        return [replace(raw, name="logit"), raw]
    seen = values[np.isfinite(values)]
    found = [raw]
    if seen.size and np.all(seen > 0):
        found.append(replace(raw, name="log", lower=max(lower, 0.0)))
    if panel.kind == "level" and seen.size and seen.min() >= 0.0 and 1.0 < seen.max() <= WHOLE:
        m = np.clip(squeeze * WHOLE, 1.0, MAX_SQUEEZE)
        logit = replace(raw, name="logit", squeeze=m, lower=0.0, upper=WHOLE, top=WHOLE)
        found.insert(0 if seen.max() >= NEAR_WHOLE else len(found), logit)
    return found


def typical_size(values: np.ndarray) -> np.ndarray:
    """Mean absolute value of every row (1 where it is 0 or unknown), shape (n,)."""
    seen = np.isfinite(values)
    size = np.where(seen, np.abs(values), 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.where(size > 0, size, 1.0)


def published_step(panel: Panel) -> np.ndarray | None:
    """Step in which each unit's value is published, natural units, shape (n,); None: exact.

    A rate with a denominator n moves in steps of 1/n (the last one known); a coarser published step wins.
    """
    step = np.full(panel.n_units, 0.0)
    if panel.resolution is not None:
        step = np.full(panel.n_units, float(panel.resolution))
    if panel.kind == "rate" and panel.denominator is not None:
        usual = np.where(panel.denominator > 0, panel.denominator, np.nan)
        counted = recent_median(np.where(np.isfinite(panel.values), usual, np.nan))
        if panel.numerator is not None or panel.resolution is None:
            step = np.maximum(step, np.where(counted >= 1, 1.0 / np.where(counted >= 1, counted, 1.0), 0.0))
    return step if np.any(step > 0) else None


def edge(threshold: np.ndarray, *, step: np.ndarray | None, strict: bool) -> np.ndarray:
    """Where the continuous latent value has to lie for the published one to be above `threshold`.

    ``published >= t`` holds when the latent value is above the first published step that is >= t, less half a step;
    ``published > t`` likewise for the first step above t. Without a step it is t itself.

    >>> edge(np.array([0.8]), step=np.array([0.01]), strict=False)
    array([0.795])
    >>> edge(np.array([0.8]), step=np.array([0.01]), strict=True)
    array([0.805])
    """
    threshold = np.asarray(threshold, dtype=float)
    if step is None:
        return threshold
    width = np.where(step > 0, step, 1.0)
    units = threshold / width
    nearest = np.rint(units)
    units = np.where(np.abs(units - nearest) <= TOLERANCE * np.maximum(1.0, np.abs(units)), nearest, units)
    reached = np.floor(units) + 1.0 if strict else np.ceil(units)
    return np.where(step > 0, (reached - 0.5) * width, threshold)


def publish(values: np.ndarray, *, step: np.ndarray | None) -> np.ndarray:
    """Round latent values to the published step of each row, shape (n, ...)."""
    if step is None:
        return values
    width = _like(np.where(step > 0, step, 1.0), values)
    per_unit = np.rint(1.0 / width)
    exact = np.abs(per_unit * width - 1.0) < 1e-12  # 57 / 100 is 0.57, 57 * 0.01 is not
    units = np.floor(values / width + 0.5)
    rounded = np.where(exact & (width < 1), units / np.maximum(per_unit, 1.0), units * width)
    return np.where(_like(step, values) > 0, rounded, values)


def rounding_variance(panel: Panel, *, scale: Scale) -> np.ndarray:
    """Variance that publication in steps alone puts on the modelling scale, at the last value, shape (n,).

    On the logit scale the step is that of the squeeze where none is published: a share of exactly 0 or 1 says where the
    odds lie only to within half a case.
    """
    last = panel.last_value()
    known = np.isfinite(last)
    if scale.name == "logit":
        step = scale.top / scale.squeeze
        slope = np.exp(scale.log_slope(np.where(known, last, 0.5 * scale.top)))
    elif scale.step is None:
        return np.zeros(panel.n_units)
    else:
        step = scale.step
        slope = np.exp(np.minimum(scale.log_slope(np.where(known, last, scale.unit)), 50.0))
    return (step * slope) ** 2 / 12.0


def size_noise(panel: Panel) -> np.ndarray | None:
    """What a unit's size suggests of its variance, up to a factor: 1 / denominator, or 1 / count; shape (n,)."""
    if panel.kind == "rate" and panel.denominator is not None:
        size = recent_median(np.where(panel.denominator > 0, panel.denominator, np.nan))
    elif panel.kind == "count":
        size = typical_size(panel.usable())
    else:
        return None
    return 1.0 / np.where(np.isfinite(size) & (size > 0), size, np.nan)
