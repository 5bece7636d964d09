"""The answer of a model for every unit and horizon: quantiles, P(published value beyond a threshold), joint paths.

On the modelling scale unit i at horizon h follows ``mean + sd * t(df)``. Every result in natural units goes through
the scale's monotone inverse, so that quantiles, probabilities and paths never contradict one another.

Paths: same seed, same bytes, whatever rows are requested. An h-step error is the sum of one-step shocks carried on,
``e_h = r_h + sum_j c_j r_{h-j}``, with a share common to all units; scaled to unit variance at every horizon and made
t-distributed by one divisor a unit and path. A unit's own random numbers depend on the seed and its code, nothing else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from analysis.forecasting import scales
from analysis.forecasting.bounds import GRID, Relapse
from analysis.forecasting.past import Past
from analysis.forecasting.published import Counted, Latent, p_beyond, t_quantile

BLOCK = 16  # units at once: a block stays in the processor's cache


@dataclass(frozen=True)
class Predictive:
    """Predictive distributions of one panel."""

    units: tuple[str, ...]  # length n
    scale: scales.Scale
    mean: np.ndarray  # (n, H): Modelling scale; NaN where a unit cannot be forecast
    sd: np.ndarray  # (n, H): Modelling scale; NaN where a unit cannot be forecast
    df: np.ndarray  # (n,): Degrees of freedom of the t distribution
    carry: np.ndarray  # (n, H - 1): How much of a one-step error is left j steps later
    common: np.ndarray  # (H,): Share of the variance that all units have in common; the paths take its mean
    last: np.ndarray  # (n,): Last observed value, natural units
    cumulative: bool  # Values never fall below `last`
    seed: int
    past: Past | None = None  # The panel's own past forecasts, where they were made: what calibration learns from
    relapse: Relapse | None = None  # What followed after units were at a bound, mixed in for the units that are there
    # Units whose published rate is k of few: the noise of counting is drawn, not smoothed over
    counted: Counted | None = None

    @property
    def horizon(self) -> int:
        """Longest horizon H."""
        return self.mean.shape[1]

    def quantiles(self, levels: np.ndarray | list[float]) -> np.ndarray:
        """Quantiles in natural units at `levels` in (0, 1), shape (n, H, len(levels))."""
        levels = np.asarray(levels, dtype=float)
        out = self._model_quantiles(levels, np.arange(len(self.units)))
        for side in self.relapse.segments if self.relapse else ():
            at_bound = np.flatnonzero(self.relapse.side == side)
            for begin in range(0, len(at_bound), 500):  # the mixtures of all at once would not fit in memory
                rows = at_bound[begin : begin + 500]
                model = self._model_quantiles(GRID, rows)
                out[rows] = self.relapse.quantiles(levels, model=model, rows=rows, side=side)
        if self.cumulative:
            out = np.maximum(out, self.last[:, None, None])
        return out

    def _model_quantiles(self, levels: np.ndarray, rows: np.ndarray) -> np.ndarray:
        z = t_quantile(levels[None, :], self.df[rows, None])
        latent = Latent(self.scale.rows(rows), self.mean[rows], self.sd[rows], self.df[rows])
        out = latent.scale.inverse(latent.mean[:, :, None] + latent.sd[:, :, None] * z[:, None, :])
        if self.counted is None:
            return out
        few = self.counted.rows(rows).quantiles(levels, latent)
        return np.where(np.isnan(few) | np.isnan(out), out, few)

    def p_exceeds(
        self, threshold: np.ndarray | float, *, horizon: np.ndarray | int, strict: bool = False
    ) -> np.ndarray:
        """P(published value at `horizon` >= threshold), or > threshold when `strict`, shape (n,), not capped.

        `threshold` is in natural units and `horizon` is 1-based, each for all units or one per unit. NaN where the
        unit cannot be forecast or the threshold is NaN.
        """
        n = len(self.units)
        threshold = np.broadcast_to(np.asarray(threshold, dtype=float), (n,))
        at = np.broadcast_to(np.asarray(horizon, dtype=np.int64), (n,))[:, None] - 1
        mean, sd = (np.take_along_axis(one, at, axis=1)[:, 0] for one in (self.mean, self.sd))
        p = p_beyond(threshold, Latent(self.scale, mean, sd, self.df), strict=strict, counted=self.counted)
        if self.relapse is not None:
            p = self.relapse.p_exceeds(p, threshold=threshold, at=at[:, 0], strict=strict)
        if self.cumulative:
            beyond = self.last > threshold if strict else self.last >= threshold
            p = np.where(beyond, 1.0, p)
        return np.where(np.isnan(sd) | np.isnan(threshold), np.nan, p)

    def paths(
        self, *, n_paths: int, seed: int | None = None, rows: np.ndarray | None = None, horizon: int | None = None
    ) -> np.ndarray:
        """Joint paths in natural units, as published (rounded to the published step), shape (n_rows, H, n_paths).

        `rows` selects units (same numbers as in the full call), `horizon` the first periods; default: all. `seed`
        defaults to the options' seed.
        """
        rows = np.arange(len(self.units)) if rows is None else np.asarray(rows)
        length = self.horizon if horizon is None else horizon
        seed = self.seed if seed is None else seed
        out = np.empty((len(rows), length, n_paths), dtype=np.float64)
        for begin in range(0, len(rows), BLOCK):
            part = slice(begin, begin + BLOCK)
            z = path_errors(
                [self.units[one] for one in rows[part]],
                carry=self.carry[rows[part]],
                df=self.df[rows[part]],
                common=float(self.common.mean()),
                n_paths=n_paths,
                seed=seed,
            )[:, :length]
            exact = np.float32 if self.scale.name == "logit" else np.float64  # a share needs no more than seven digits
            z = z.astype(exact, copy=False)
            z *= self.latent_sd(rows[part])[:, :length, None].astype(exact)
            z += self.mean[rows[part], :length, None].astype(exact)
            out[part] = self.relapsed(self.published(z, rows=rows[part], seed=seed), rows[part], seed=seed)
        if self.cumulative:
            np.maximum.accumulate(out, axis=1, out=out)
            np.maximum(out, self.last[rows, None, None], out=out)
        return out

    def latent_sd(self, rows: np.ndarray) -> np.ndarray:
        """Standard deviation of latent values of the units `rows`, shape (k, H): `sd` less the noise of counting."""
        return self.sd[rows] if self.counted is None else self.counted.rows(rows).latent_sd(self.sd[rows])

    def published(self, latent: np.ndarray, *, rows: np.ndarray, seed: int, about: str = "") -> np.ndarray:
        """What is published of latent values, shape (k, ...), which are overwritten: counts drawn, steps rounded to.

        `about` distinguishes the draws from others of the same seed and unit.
        """
        scale = self.scale.rows(rows)
        few = np.flatnonzero(self.counted.size[rows]) if self.counted is not None else ()
        drawn = {
            one: self.counted.published(
                latent[one],
                unit=rows[one],
                scale=self.scale,
                stream=cases(self.units[rows[one]], about, seed=seed),
            )
            for one in few
        }
        natural = scales.publish(scale.inverse(latent).astype(np.float64), step=scale.step)
        for one, values in drawn.items():
            natural[one] = values
        return natural

    def relapsed(self, natural: np.ndarray, rows: np.ndarray, *, seed: int, begin: int = 0) -> np.ndarray:
        """Replace paths of units at a bound, from horizon ``begin + 1`` on, by what followed elsewhere; in place."""
        for index, row in enumerate(rows if self.relapse else ()):
            side = int(self.relapse.side[row])
            if side:
                chance, which = choices(self.units[row], n_paths=natural.shape[2], seed=seed)
                segments = self.relapse.segments[side]
                picked = segments[np.minimum((which * len(segments)).astype(int), len(segments) - 1)]
                taken = chance < self.relapse.weight[side]
                natural[index] = np.where(taken, picked.T[begin : begin + natural.shape[1]], natural[index])
        return natural


def path_errors(
    units: list[str], *, carry: np.ndarray, df: np.ndarray, common: float, n_paths: int, seed: int
) -> np.ndarray:
    """Standardised errors, t-distributed with `df` at every horizon, shape (n, H, n_paths).

    `common` is the share of a shock's variance that all units have in common.
    """
    n, horizon = len(units), carry.shape[1] + 1
    shared = stream(seed, "").standard_normal((horizon, n_paths), dtype=np.float32) * np.float32(np.sqrt(common))
    out = np.empty((n, horizon, n_paths), dtype=np.float32)  # seven digits are plenty for a random error
    divisor = np.empty((n, n_paths), dtype=np.float32)
    for index, unit in enumerate(units):
        own = stream(seed, "unit:" + unit)
        own.standard_normal(dtype=np.float32, out=out[index])
        divisor[index] = own.standard_gamma(df[index] / 2.0, n_paths, dtype=np.float32)
    out *= np.float32(np.sqrt(1.0 - common))
    out += shared
    out = _carry(out, carry.astype(np.float32))
    divisor *= (2.0 / df[:, None]).astype(np.float32)
    np.sqrt(divisor, out=divisor)
    np.divide(np.float32(1.0), divisor, out=divisor)
    out *= divisor[:, None, :]
    return out


def choices(unit: str, *, n_paths: int, seed: int) -> np.ndarray:
    """Two rows of uniform numbers of one unit, shape (2, n_paths); independent of :func:`path_errors`."""
    return stream(seed, "choice:" + unit).random((2, n_paths))


def cases(unit: str, about: str, *, seed: int) -> np.random.Generator:
    """Random numbers for one unit's counts; independent of :func:`path_errors` and :func:`choices`."""
    return stream(seed, f"cases:{about}:{unit}")


def _carry(shocks: np.ndarray, carry: np.ndarray) -> np.ndarray:
    out = np.array(shocks)
    carried = np.empty((shocks.shape[0], shocks.shape[2]), dtype=shocks.dtype)
    for h in range(1, shocks.shape[1]):
        for j in range(1, h + 1):
            np.multiply(shocks[:, h - j], carry[:, j - 1, None], out=carried)
            out[:, h] += carried
    size = 1.0 + np.concatenate([np.zeros((len(carry), 1)), np.cumsum(carry * carry, axis=1)], axis=1)
    out *= (1.0 / np.sqrt(size)).astype(shocks.dtype)[:, :, None]
    return out


def stream(seed: int | str, name: str) -> np.random.Generator:
    digest = hashlib.blake2b(f"{seed}|{name}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
