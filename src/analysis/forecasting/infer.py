"""What a table without an indicator file says about itself: kind, cumulative, season length, published step.

Conservative on purpose: a per cent 0..100 is never rescaled (it is a level), and a doubt means "level", not cumulative,
exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.words.periods import FREQUENCIES

STEPS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.001, 0.0001)  # published steps of a share, coarse first
LEVEL_STEPS = (100.0, 10.0, 5.0, 1.0, 0.5, 0.1, 0.05, 0.01, 0.001)
MAX_FALLS = 0.02  # share of steps that may fall in a cumulative count (corrections at the source)


@dataclass(frozen=True)
class Inferred:
    """What the values say; fields as in :class:`analysis.forecasting.panel.Panel`."""

    kind: str
    cumulative: bool
    season_length: int
    resolution: float | None


def infer_all(
    values: np.ndarray, *, numerator: np.ndarray | None, denominator: np.ndarray | None, frequency: str
) -> Inferred:
    """Kind, cumulative, season length and resolution of a block of values, shape (n, T)."""
    kind = infer_kind(values, numerator=numerator, denominator=denominator)
    return Inferred(
        kind=kind,
        cumulative=infer_cumulative(values, kind=kind),
        season_length=infer_season(frequency),
        resolution=infer_resolution(values, kind=kind, denominator=denominator),
    )


def infer_kind(
    values: np.ndarray, *, numerator: np.ndarray | None = None, denominator: np.ndarray | None = None
) -> str:
    """Return "rate", "count" or "level".

    Rate: every value lies in 0..1 and not all are whole numbers, or equals numerator / denominator. Count: whole
    numbers >= 0 that exceed 100 somewhere (whole numbers up to 100 may as well be a per cent or a score: level, which
    only loses the observation noise). Level: anything else.

    Examples
    --------
    >>> infer_kind(np.array([[0.2, 0.5]])), infer_kind(np.array([[10.0, 2050.0]])), infer_kind(np.array([[-1.5, 80]]))
    ('rate', 'count', 'level')
    """
    seen = values[np.isfinite(values)]
    if seen.size == 0:
        return "level"
    inside = bool(np.all((seen >= 0) & (seen <= 1)))
    if inside and numerator is not None and denominator is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.abs(values - numerator / denominator)
        if np.isfinite(gap).any() and np.nanmax(gap) < 0.006:  # half of a whole per cent, and a little
            return "rate"
    if inside:
        return "rate"
    whole = bool(np.all((seen >= 0) & (seen == np.floor(seen))))
    return "count" if whole and seen.max() > 100 else "level"


def infer_cumulative(values: np.ndarray, *, kind: str) -> bool:
    """Return True for a count that (nearly) never falls and mostly rises.

    A share is never taken as cumulative: its denominator moves.

    Examples
    --------
    >>> infer_cumulative(np.array([[100.0, 150, 220, 300, 310]]), kind="count")
    True
    """
    if kind != "count":
        return False
    steps = np.diff(values, axis=1)
    steps = steps[np.isfinite(steps)]
    if steps.size < 4:
        return False
    return bool(np.mean(steps < 0) <= MAX_FALLS and np.mean(steps > 0) >= 0.5)


def infer_season(frequency: str) -> int:
    """Season length of a frequency: 12 for months, 4 for quarters, 1 for years.

    Examples
    --------
    >>> infer_season("M"), infer_season("Q"), infer_season("Y")
    (12, 4, 1)
    """
    return FREQUENCIES[frequency]


def infer_resolution(values: np.ndarray, *, kind: str, denominator: np.ndarray | None = None) -> float | None:
    """Coarsest step of which every published value is a multiple; None where there is none.

    Needs at least four different values (a panel of 0 and 1 says nothing about its step). A count's step is 1.

    Examples
    --------
    >>> infer_resolution(np.array([[0.17, 0.25, 0.33, 0.51, 0.9]]), kind="rate")
    0.01
    """
    if kind in ("count", "rank"):
        return 1.0
    seen = np.unique(values[np.isfinite(values)])
    if seen.size < 4:
        return None
    for step in STEPS if kind == "rate" else LEVEL_STEPS:
        units = seen / step
        if np.all(np.abs(units - np.rint(units)) < 1e-6 * np.maximum(1.0, np.abs(units))):
            return step
    return None
