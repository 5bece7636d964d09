"""Joint paths in blocks of units, and how the parts of a composite or a list of promises move together.

Paths of one indicator are joint over units and periods. Different indicators are drawn with seeds of their own and tied
together by a Gaussian copula whose correlation is read from their past changes, pooled over units.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from analysis.attainment import pace
from analysis.attainment.world import World
from analysis.forecasting.panel import Panel
from analysis.forecasting.predictive import stream

SHRINK = 20.0  # pseudo-observations that draw a correlation to 0
_BYTES = 48_000_000  # paths held at once


def seed_of(seed: int, name: str) -> int:
    """Seed of one indicator's paths: other indicators do not share its random numbers."""
    return int.from_bytes(hashlib.blake2b(f"{seed}|{name}".encode(), digest_size=6).digest(), "little")


def path_blocks(world: World, indicator: str, *, rows: np.ndarray, horizon: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Paths of some rows of an indicator, a block of units at a time.

    Yields a slice of `rows` and its paths, shape (b, horizon, n_paths): the same numbers whatever the blocks are.
    """
    n_paths = world.options.n_paths
    size = max(1, min(world.options.block_units, _BYTES // (8 * horizon * n_paths)))
    seed = seed_of(world.options.seed, indicator)
    for begin in range(0, len(rows), size):
        part = slice(begin, min(begin + size, len(rows)))
        yield part, world.predictives[indicator].paths(n_paths=n_paths, seed=seed, rows=rows[part], horizon=horizon)


def paths_at(world: World, indicator: str, *, rows: np.ndarray, horizon: int) -> np.ndarray:
    """Joint draws at one horizon, shape (len(rows), n_paths): the paths' distribution there without the way to it.

    ``mean + sd * t(df)`` on the modelling scale, with the panel's common share of the variance, published as the paths
    are. A unit's own numbers depend on the seed and its code only.
    """
    out = np.empty((len(rows), world.options.n_paths))
    size = max(1, _BYTES // (8 * 4 * world.options.n_paths))
    for begin in range(0, len(rows), size):
        part = slice(begin, begin + size)
        out[part] = _draws(world, indicator, rows[part], horizon)
    return out


def _draws(world: World, indicator: str, rows: np.ndarray, horizon: int) -> np.ndarray:
    predictive, n_paths = world.predictives[indicator], world.options.n_paths
    seed, column = seed_of(world.options.seed, indicator), horizon - 1
    shared = stream(f"{seed}|{horizon}", "").standard_normal(n_paths)
    z, common = np.empty((len(rows), n_paths)), float(predictive.common.mean())
    for at, row in enumerate(rows):
        random = stream(f"{seed}|{horizon}", "unit:" + predictive.units[row])
        own = np.sqrt(1 - common) * random.standard_normal(n_paths) + np.sqrt(common) * shared
        half = predictive.df[row] / 2
        z[at] = own / np.sqrt(random.standard_gamma(half, n_paths) / half)
    z = predictive.mean[rows, column][:, None] + predictive.latent_sd(rows)[:, column][:, None] * z
    natural = predictive.published(z, rows=rows, seed=seed, about=str(horizon))
    natural = predictive.relapsed(natural[:, None, :], rows, seed=seed, begin=column)[:, 0]
    return np.maximum(natural, predictive.last[rows][:, None]) if predictive.cumulative else natural


def correlation(panels: list[Panel], *, signs: list[float] | None = None) -> np.ndarray:
    """Correlation of the indicators' changes from period to period, pooled over units, drawn to 0 by `SHRINK` pairs.

    Panels of one frequency; what their units and periods share is used. `signs` are -1 where lower is better, so that
    "moving together" means towards the targets. Shape (m, m), positive semi-definite, ones on the diagonal.
    """
    changes = [_changes(panel, sign) for panel, sign in zip(panels, signs or [1.0] * len(panels))]
    m = len(changes)
    out = np.eye(m)
    for i in range(m):
        for j in range(i):
            out[i, j] = out[j, i] = _pooled(changes[i], changes[j])
    values, vectors = np.linalg.eigh(out)
    out = (vectors * np.clip(values, 1e-9, None)) @ vectors.T
    size = np.sqrt(np.diag(out))
    return out / np.outer(size, size)


def _changes(panel: Panel, sign: float) -> dict[tuple[str, str], float]:
    change = np.diff(pace.scaled(panel), axis=1) * sign
    known = np.isfinite(change)
    n = known.sum(axis=1)
    with np.errstate(all="ignore"):
        mean = np.where(known, change, 0.0).sum(axis=1) / n
        spread = np.sqrt((np.where(known, change - mean[:, None], 0.0) ** 2).sum(axis=1) / n)
        standard = (change - mean[:, None]) / spread[:, None]
    standard[(n < 3) | ~(spread > 0)] = np.nan
    return {"units": panel.units, "periods": panel.periods[1:], "values": standard}


def _pooled(one: dict, other: dict) -> float:
    units = {unit: row for row, unit in enumerate(other["units"])}
    periods = {period: column for column, period in enumerate(other["periods"])}
    rows = [(i, units[unit]) for i, unit in enumerate(one["units"]) if unit in units]
    columns = [(j, periods[period]) for j, period in enumerate(one["periods"]) if period in periods]
    if not rows or not columns:
        return 0.0
    a = one["values"][np.ix_([i for i, _ in rows], [j for j, _ in columns])]
    b = other["values"][np.ix_([i for _, i in rows], [j for _, j in columns])]
    both = np.isfinite(a) & np.isfinite(b)
    return float((a[both] * b[both]).sum() / (both.sum() + SHRINK))


def copula_scores(matrix: np.ndarray, *, n_paths: int, seed: int) -> np.ndarray:
    """Standard normal scores with the correlation `matrix`, shape (m, n_paths)."""
    generator = np.random.Generator(np.random.PCG64(seed_of(seed, "copula")))
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ generator.standard_normal((len(matrix), n_paths))


def tie_together(draws: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Reorder each row of draws so that its ranks follow the scores; the draws of each row stay the same set.

    `draws` have the shape (..., m, n_paths), `scores` (m, n_paths).

    References
    ----------
    Iman & Conover (1982), Communications in Statistics B 11(3), 311-334.
    """
    ranks = np.argsort(np.argsort(scores, axis=1, kind="stable"), axis=1, kind="stable")
    return np.take_along_axis(np.sort(draws, axis=-1), np.broadcast_to(ranks, draws.shape), axis=-1)
