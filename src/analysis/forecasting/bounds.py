"""Units at the bound: what happened next to others that were there.

A unit at 100 % has no trend to carry on and no error to measure; all that is known is what the panel's units did after
they had been there. Their values over the following periods (segments) are mixed into the predictive distribution of
the units that are there now. The bound is the largest (or smallest) value that several units share: 0 and 1, but also
0.99 in tables that never print 100 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.forecasting.panel import Panel

MIN_SHARE = 0.02  # of all values that have to lie at a bound
MIN_UNITS = 5  # units that have been there, with what came next on record
HALF_WEIGHT = 5.0  # units at which what came next counts as much as the model
MAX_SEGMENTS = 200
SAME = 1e-9
GRID = (np.arange(99) + 1.0) / 100.0


@dataclass(frozen=True)
class Relapse:
    """What followed after units were at a bound."""

    side: np.ndarray  # (n,): 1 at the upper bound, -1 at the lower, 0 at neither
    segments: dict[int, np.ndarray]  # (m, H) a side: published values in the periods after, natural units
    weight: dict[int, float]  # Weight of the segments against the model

    def without(self, units: np.ndarray) -> Relapse:
        """The same, the `units` (bool, shape (n,)) left to their model: with few cases a bound is reached by chance."""
        return Relapse(np.where(units, 0, self.side), self.segments, self.weight)

    def p_exceeds(self, p: np.ndarray, *, threshold: np.ndarray, at: np.ndarray, strict: bool) -> np.ndarray:
        """Mix the share of segments beyond `threshold` at horizon ``at + 1`` into the model's `p`, shape (n,)."""
        p = np.array(p)
        for side, segments in self.segments.items():
            rows = np.flatnonzero(self.side == side)
            seen = segments[:, at[rows]].T
            cut = threshold[rows, None]
            share = (seen > cut).mean(axis=1) if strict else (seen >= cut).mean(axis=1)
            p[rows] = self.weight[side] * share + (1.0 - self.weight[side]) * p[rows]
        return p

    def quantiles(self, levels: np.ndarray, *, model: np.ndarray, rows: np.ndarray, side: int) -> np.ndarray:
        """Quantiles of the mixture for the units `rows`, shape (k, H, L); `model` has its percentiles 1..99."""
        segments = np.broadcast_to(self.segments[side].T, (len(rows), *self.segments[side].T.shape))
        values = np.concatenate([model, segments], axis=2)
        weight = np.concatenate(
            [
                np.full(model.shape[2], (1.0 - self.weight[side]) / model.shape[2]),
                np.full(segments.shape[2], self.weight[side] / segments.shape[2]),
            ]
        )
        order = np.argsort(values, axis=2, kind="stable")
        values = np.take_along_axis(values, order, axis=2)
        reached = np.cumsum(weight[order], axis=2)
        index = (reached[..., None] < levels - 1e-12).sum(axis=2)
        return np.take_along_axis(values, np.minimum(index, values.shape[2] - 1), axis=2)


def learn_relapse(panel: Panel, *, horizon: int, bounded: bool | None = None) -> Relapse | None:
    """Collect what followed after units were at a bound; None where no unit is there or too few have been.

    `bounded`: the values have a largest and a smallest possible one (a share; a per cent); default: a rate.
    """
    values = panel.usable()
    bounded = panel.kind == "rate" if bounded is None else bounded
    if not bounded or panel.cumulative or not np.isfinite(values).any():
        return None
    last = panel.last_value()
    side = np.zeros(panel.n_units, dtype=np.int64)
    segments, weight = {}, {}
    for sign, bound in ((1, float(np.nanmax(values))), (-1, float(np.nanmin(values)))):
        at = np.abs(values - bound) <= SAME
        if at.sum() < MIN_SHARE * np.isfinite(values).sum() or not (np.abs(last - bound) <= SAME).any():
            continue
        found, n_units = _segments(values, at=at, horizon=horizon)
        if n_units < MIN_UNITS:
            continue
        side[np.abs(last - bound) <= SAME] = sign
        segments[sign], weight[sign] = found, n_units / (n_units + HALF_WEIGHT)
    return Relapse(side, segments, weight) if segments else None


def _segments(values: np.ndarray, *, at: np.ndarray, horizon: int) -> tuple[np.ndarray, int]:
    """What followed, carried on where the record ends or has a hole; and how many units it comes from."""
    unit, time = np.nonzero(at[:, :-1])
    out = np.full((len(unit), horizon), np.nan)
    current = values[unit, time]
    complete = np.ones(len(unit), dtype=bool)
    for h in range(1, horizon + 1):
        inside = time + h < values.shape[1]
        following = values[unit, np.minimum(time + h, values.shape[1] - 1)]
        current = np.where(inside & np.isfinite(following), following, current)
        out[:, h - 1] = current
        complete &= inside | (h > min(horizon, values.shape[1] // 3))
    unit, out = unit[complete], out[complete]
    order = np.lexsort(out.T)  # by value: the same for any order of the units
    picked = order if len(order) <= MAX_SEGMENTS else order[np.linspace(0, len(order) - 1, MAX_SEGMENTS).astype(int)]
    return out[picked], len(np.unique(unit))
