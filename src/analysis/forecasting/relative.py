"""Thresholds that move with the unit: "10 % more than now" asked of the past is 10 % more than then.

A table of targets only says a number for every unit. Where those numbers follow the units' present values far more
closely than they resemble each other, they were set from them, and held against the past as they stand they would ask
for tomorrow's level of a unit that was half as large: it never attained it, which says nothing about the forecast.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.forecasting.panel import Panel
from analysis.forecasting.scales import inverse_logit, logit

FOLLOWS = 0.25  # spread of the gaps to the present value, relative to the spread of the thresholds, below which they do
MIN_UNITS = 5
EDGE = 1e-3  # a share is kept this far from 0 and 1 before the logit


def moving(threshold: np.ndarray, *, panel: Panel) -> Callable[[Panel], np.ndarray] | None:
    """Return the threshold as a function of the panel at a cutoff, or None where it stands by itself.

    Parameters
    ----------
    threshold : array, shape (n,)
        Natural units.
    panel : Panel
        As it is now.

    Examples
    --------
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
