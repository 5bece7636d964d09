"""What ours has to beat, and what a reader would do by hand: no change, drift, straight line, the pace so far.

Point forecasts ``(n, H)`` in natural units; NaN in the history is allowed.
"""

from __future__ import annotations

import numpy as np

from analysis.forecasting.panel import Panel, last_observed


def naive(panel: Panel, *, horizon: int) -> np.ndarray:
    """The last observed value, carried on, shape (n, horizon)."""
    return np.repeat(panel.last_value()[:, None], horizon, axis=1)


def drift(panel: Panel, *, horizon: int) -> np.ndarray:
    """The line through the first and the last observed value, carried on, shape (n, horizon)."""
    values = panel.usable()
    return _from_pace(panel, _pace(values, window=values.shape[1]), horizon=horizon)


def linear_pace(panel: Panel, *, horizon: int, window: int = 12) -> np.ndarray:
    """The last observed value plus the mean change of the last `window` periods, carried on.

    Parameters
    ----------
    panel : Panel
    horizon : int
    window : int
        Periods looked back; a unit with a shorter history uses what it has.

    Returns
    -------
    array, shape (n, horizon)
    """
    return _from_pace(panel, _pace(panel.usable(), window=window), horizon=horizon)


def straight_line(panel: Panel, *, horizon: int) -> np.ndarray:
    """Least-squares line through all observed values (statsmodels OLS), carried on, shape (n, horizon)."""
    import statsmodels.api as sm  # half a second, for a backtest alone

    values = panel.usable()
    n_periods = values.shape[1]
    time = np.arange(n_periods, dtype=float)
    ahead = np.arange(n_periods, n_periods + horizon, dtype=float)
    out = np.full((len(values), horizon), np.nan)
    patterns, group = np.unique(np.isfinite(values), axis=0, return_inverse=True)
    for index, seen in enumerate(patterns):  # units seen in the same periods share one design
        if seen.sum() < 2:
            continue
        rows = np.flatnonzero(group.ravel() == index)
        lines = sm.OLS(values[np.ix_(rows, seen)].T, sm.add_constant(time[seen])).fit()  # all units' lines at once
        out[rows] = (sm.add_constant(ahead, has_constant="add") @ lines.params).T
    return _bounded(panel, out)


def _pace(values: np.ndarray, *, window: int) -> np.ndarray:
    last = last_observed(values)
    column = np.arange(values.shape[1])
    within = np.isfinite(values) & (column >= (last - window)[:, None])
    begin = np.argmax(within, axis=1)
    span = last - begin
    rows = np.arange(len(values))
    change = values[rows, np.maximum(last, 0)] - values[rows, begin]
    return np.where(span > 0, change / np.maximum(span, 1), np.nan)


def _from_pace(panel: Panel, pace: np.ndarray, *, horizon: int) -> np.ndarray:
    values = panel.usable()
    gap = values.shape[1] - 1 - last_observed(values)
    ahead = gap[:, None] + np.arange(1, horizon + 1)
    return _bounded(panel, panel.last_value()[:, None] + pace[:, None] * ahead)


def _bounded(panel: Panel, forecast: np.ndarray) -> np.ndarray:
    lower = {"rate": 0.0, "count": 0.0, "rank": 1.0}.get(panel.kind, -np.inf)
    return np.clip(forecast, lower, 1.0 if panel.kind == "rate" else np.inf)
