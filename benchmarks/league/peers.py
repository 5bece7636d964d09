"""Peers from statsforecast and Prophet as functions of a panel, which a backtest queries like our models.

A peer models every series alone, on the natural scale ("auto_ets") or, for shares, also on the logit scale
("auto_ets_logit"). Gaps are filled along the line between their neighbours, unknown beginnings are dropped: these
libraries refuse missing values. Its probability is read from its own point and 95 % interval: a normal on each side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from analysis.forecasting.panel import Panel
from analysis.forecasting.scales import inverse_logit, logit
from analysis.words.errors import ParamsError, Problem, did_you_mean, require

Z95 = 1.959964
SCUM = ("AutoETS", "CES", "AutoARIMA", "DynamicOptimizedTheta")  # Petropoulos & Svetunkov (2020), IJF 36(1), 110-115
PEERS = {  # name in the tables -> (members, on the logit scale)
    "auto_ets": (("AutoETS",), False),
    "auto_ets_logit": (("AutoETS",), True),
    "auto_theta": (("AutoTheta",), False),
    "scum": (SCUM, False),
}
if find_spec("prophet"):  # in no lock of ours: `pip install prophet`
    PEERS["prophet"] = (("Prophet",), False)
SLOW = ("scum", "prophet")  # half a second a series and more: a sample of series, and no panel of months
EDGE = 0.0005  # a share is kept this far from 0 and 1 before the logit


@dataclass(frozen=True)
class TwoSided:
    """A normal on each side of a point, natural or logit scale; arrays (n, H), NaN for a unit not asked."""

    point: np.ndarray
    below: np.ndarray
    above: np.ndarray
    logit: bool

    @classmethod
    def from_bounds(cls, point: np.ndarray, lower: np.ndarray, upper: np.ndarray, *, logit: bool) -> TwoSided:
        """From a point and its 95 % interval."""
        return cls(point, np.maximum(point - lower, 0) / Z95, np.maximum(upper - point, 0) / Z95, logit)

    def quantiles(self, levels: np.ndarray) -> np.ndarray:
        """Natural units, shape (n, H, L)."""
        z = ndtri(np.asarray(levels, float))
        side = np.where(z < 0, self.below[:, :, None], self.above[:, :, None])
        out = self.point[:, :, None] + side * z
        return inverse_logit(out) if self.logit else out

    def p_exceeds(self, threshold: np.ndarray, *, horizon: int, strict: bool) -> np.ndarray:
        """P(value beyond the threshold); continuous, so `strict` makes no difference."""
        point, below, above = (one[:, horizon - 1] for one in (self.point, self.below, self.above))
        gap = (_inside(threshold) if self.logit else threshold) - point
        side = np.where(gap < 0, below, above)
        p = 1 - ndtr(gap / np.maximum(side, 1e-9))
        return np.where(np.isnan(point) | np.isnan(gap), np.nan, p)


def peers(
    names: Iterable[str], *, cache: Path | None = None, scored: Sequence[str] | None = None
) -> dict[str, Callable[[Panel, int], TwoSided]]:
    """The named peers for ``Plan(peers=...)`` of a backtest.

    Parameters
    ----------
    names : iterable of str
        Keys of `PEERS`.
    cache : Path, optional
        Folder in which forecasts are kept.
    scored : sequence of str, optional
        Only these units are asked; each series costs a millisecond to half a second.

    Raises
    ------
    ParamsError
        A name that is not known, or statsforecast is not installed.
    """
    names = list(names)
    problems = [
        Problem("--peers", f"{one!r} is no peer", ", ".join(PEERS), did_you_mean(one, PEERS))
        for one in names
        if one not in PEERS
    ]
    if names and find_spec("statsforecast") is None:
        problems.append(Problem("--peers", "statsforecast is not installed", "", "pip install statsforecast"))
    require(problems, ParamsError)
    return {name: _peer(name, cache=cache, scored=scored) for name in names}


def _peer(name: str, *, cache: Path | None, scored: Sequence[str] | None) -> Callable[[Panel, int], TwoSided]:
    members, on_logit = PEERS[name]

    def ask(panel: Panel, horizon: int) -> TwoSided:
        rows = np.flatnonzero(np.isfinite(panel.usable()).any(axis=1))
        if scored is not None:
            rows = rows[np.isin(np.asarray(panel.units)[rows], scored)]
        values = panel.usable()[rows]
        values = _inside(values) if on_logit else values
        season = panel.season_length if panel.n_periods > 2 * panel.season_length else 1
        parts = [forecast_block(one, values, season=season, horizon=horizon, cache=cache) for one in members]
        out = np.full((3, panel.n_units, horizon), np.nan)
        out[:, rows] = np.median(parts, axis=0)
        return TwoSided.from_bounds(*out, logit=on_logit)

    return ask


def forecast_block(name: str, values: np.ndarray, *, season: int, horizon: int, cache: Path | None) -> np.ndarray:
    """Point, lower and upper 95 % bound of one model for a block of series, shape (3, n, horizon); kept in `cache`."""
    ask = _prophet if name == "Prophet" else partial(_statsforecast, name)
    if cache is None:
        return ask(values, season=season, horizon=horizon)
    key = hashlib.sha256(np.ascontiguousarray(values).tobytes() + f"{name}{values.shape}{season}{horizon}".encode())
    file = cache / f"{name}-{key.hexdigest()[:24]}.npy"
    if file.exists():
        return np.load(file)
    out = ask(values, season=season, horizon=horizon)
    cache.mkdir(parents=True, exist_ok=True)
    np.save(file, out)
    return out


def _statsforecast(name: str, values: np.ndarray, *, season: int, horizon: int) -> np.ndarray:
    from statsforecast import StatsForecast
    from statsforecast import models as known

    make = {
        "AutoETS": lambda: known.AutoETS(season_length=season),
        "AutoTheta": lambda: known.AutoTheta(season_length=season),
        "CES": lambda: known.AutoCES(season_length=season),
        "AutoARIMA": lambda: known.AutoARIMA(season_length=season),
        "DynamicOptimizedTheta": lambda: known.DynamicOptimizedTheta(season_length=season),
    }
    series = [filled(row) for row in values]
    table = pd.concat(
        [pd.DataFrame({"unique_id": i, "ds": np.arange(len(one)), "y": one}) for i, one in enumerate(series)]
    )
    # a series that the model refuses (too short, constant) is answered by no change, as a user would
    engine = StatsForecast(models=[make[name]()], freq=1, n_jobs=1, fallback_model=known.RandomWalkWithDrift())
    found = engine.forecast(df=table, h=horizon, level=[95]).sort_values(["unique_id", "ds"])
    column = [one for one in found.columns if one.endswith("-lo-95")][0].removesuffix("-lo-95")
    wanted = [column, f"{column}-lo-95", f"{column}-hi-95"]
    point, lower, upper = (found[one].to_numpy(float).reshape(len(series), horizon) for one in wanted)
    lower, upper = np.where(np.isfinite(lower), lower, point), np.where(np.isfinite(upper), upper, point)
    return np.stack([point, lower, upper])


def _prophet(values: np.ndarray, *, season: int, horizon: int) -> np.ndarray:
    """Prophet with its defaults, on dates of the series' frequency."""
    from prophet import Prophet

    out = np.full((3, len(values), horizon), np.nan)
    for i, row in enumerate(values):
        one = filled(row)
        dates = pd.date_range("2000-01-01", periods=len(one) + horizon, freq={12: "MS", 4: "QS"}.get(season, "YS"))
        model = Prophet(interval_width=0.95).fit(pd.DataFrame({"ds": dates[: len(one)], "y": one}))
        ahead = model.predict(pd.DataFrame({"ds": dates[len(one) :]}))
        out[:, i] = ahead[["yhat", "yhat_lower", "yhat_upper"]].to_numpy().T
    return out


def filled(row: np.ndarray) -> np.ndarray:
    """A series from its first value on, gaps along the line between their neighbours, the last value carried on."""
    seen = np.flatnonzero(np.isfinite(row))
    at = np.arange(seen[0], len(row))  # gaps at the end carry the last value on
    return np.interp(at, seen, row[seen])


def _inside(shares: np.ndarray) -> np.ndarray:
    return logit(np.clip(shares, EDGE, 1 - EDGE))
