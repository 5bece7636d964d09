"""How fast must a unit move, how fast does it move, and how many comparable units ever moved that fast?

A pace is a change per period in the indicator's own unit, as it is printed: what is compared is what the reader sees. A
count is compared as a share of each unit's own target. Comparable are the units of the same level, as deep in the tree.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecasting.panel import Panel, last_observed
from analysis.forecasting.scales import logit

_LEAST = 0.0005  # where neither counts nor a published step are known, 0 % and 100 % are read as 0.05 % and 99.95 %


def scaled(panel: Panel) -> np.ndarray:
    """Usable values of a panel on the scale where paces are compared, see :func:`on_scale`."""
    return on_scale(panel.usable(), kind=panel.kind, denominator=panel.denominator, resolution=panel.resolution)


def on_scale(values, *, kind: str, denominator=None, resolution: float | None = None) -> np.ndarray:
    """Values on the scale where paces are compared: logit for shares, as they are otherwise.

    A share of 0 or 1 has no logit; ``(k + 0.5) / (n + 1)`` is used where n is known, else half the published step.

    >>> on_scale([0.5, 1.0], kind="rate", denominator=[9, 9]).round(3).tolist()   # log(9.5 / 0.5)
    [0.0, 2.944]
    """
    values = np.asarray(values, dtype=float)
    if kind != "rate":
        return values
    least = resolution / 2 if resolution and np.isfinite(resolution) else _LEAST
    share = np.clip(values, least, 1 - least)
    if denominator is not None:
        n = np.broadcast_to(np.asarray(denominator, dtype=float), values.shape)
        share = np.where(n > 0, (np.clip(values, 0, 1) * n + 0.5) / (n + 1), share)
    with np.errstate(invalid="ignore"):
        return logit(share)


def actual_pace(values: np.ndarray, *, window: int) -> np.ndarray:
    """Least-squares slope of each row over its last `window` periods that end in an observation.

    NaN with fewer than two observations in the window.

    >>> actual_pace(np.array([[9.0, 1.0, 2.0, np.nan, 4.0]]), window=3).tolist()
    [1.0]
    """
    last = last_observed(values)
    columns = last[:, None] + np.arange(-window, 1)
    inside = (columns >= 0) & (last >= 0)[:, None]
    y = np.where(inside, np.take_along_axis(values, np.clip(columns, 0, None), axis=1), np.nan)
    known = np.isfinite(y)
    n = known.sum(axis=1)
    x = np.where(known, np.arange(-window, 1.0), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = np.where(known, x - (x.sum(axis=1) / n)[:, None], 0.0)
        slope = (centred * np.where(known, y, 0.0)).sum(axis=1) / (centred**2).sum(axis=1)
    return np.where(n >= 2, slope, np.nan)


def required_pace(current, *, threshold, horizon) -> np.ndarray:
    """Even change per period that leads from `current` to `threshold` in `horizon` periods; NaN when none is left.

    >>> required_pace([0.6], threshold=0.8, horizon=10).round(6).tolist()
    [0.02]
    """
    horizon = np.asarray(horizon, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(
            horizon > 0, (np.asarray(threshold, dtype=float) - np.asarray(current, dtype=float)) / horizon, np.nan
        )


def window_length(*, horizon: int, n_periods: int, season_length: int, pace_window: int) -> int:
    """Length of the windows compared: `pace_window`, or whole seasons, never beyond half of the history.

    >>> window_length(horizon=10, n_periods=36, season_length=1, pace_window=6)
    6
    >>> window_length(horizon=10, n_periods=36, season_length=12, pace_window=6)
    12
    """
    longest = max(1, n_periods // 2)
    if season_length > 1:
        return min(longest, season_length)
    return max(1, min(pace_window, longest, max(1, horizon)))


def moved(values: np.ndarray, *, window: int) -> np.ndarray:
    """Change per period of each row over every window, shape (n, T - window).

    >>> moved(np.array([[0.0, 1.0, 4.0]]), window=2).tolist()
    [[2.0]]
    """
    n_windows = max(values.shape[1] - window, 0)
    return (values[:, values.shape[1] - n_windows :] - values[:, :n_windows]) / window


def kept_by(reached: np.ndarray, groups: np.ndarray, *, required, asked: np.ndarray, up: bool) -> pd.DataFrame:
    """How many units of the same group, and how many of their stretches, ever reached at least what is required.

    `reached` (n, W): paces (or levels) of all units over every stretch; `groups` (n,): their groups. Each `required`
    (m,) is compared with the units of its group in `asked` (m,). Columns n_units (with a stretch at all), n_kept,
    n_stretches, n_stretches_kept; missing where nothing is required.

    >>> paces = np.array([[1.0, 2.0], [1.0, 0.0], [9.0, 0.0]])
    >>> found = kept_by(paces, np.array(["a", "a", "b"]), required=[1.5], asked=np.array(["a"]), up=True)
    >>> found.to_numpy().tolist()
    [[2.0, 1.0, 4.0, 1.0]]
    """
    sign = 1.0 if up else -1.0
    reached, required = sign * reached, sign * np.asarray(required, dtype=float)
    out = np.full((len(required), 4), np.nan)
    for group in dict.fromkeys(asked):
        mine = np.flatnonzero(np.isfinite(required) & (asked == group))
        known = np.isfinite(reached) & (groups == group)[:, None]
        best = np.sort(np.where(known, reached, -np.inf).max(axis=1, initial=-np.inf)[known.any(axis=1)])
        for column, one in ((0, best), (2, np.sort(reached[known]))):
            out[mine, column] = len(one)
            out[mine, column + 1] = _at_least(one, required[mine])
    return pd.DataFrame(out, columns=["n_units", "n_kept", "n_stretches", "n_stretches_kept"])


def _at_least(paces: np.ndarray, required: np.ndarray) -> np.ndarray:
    """How many of sorted paces are at least as large as each required one, a rounding error apart."""
    tiny = 1e-12 * np.maximum(1, np.abs(required))
    return len(paces) - np.searchsorted(paces, required - tiny, side="left")
