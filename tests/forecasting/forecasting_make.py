"""Factories for the tests of this room: small panels, seeded."""

import numpy as np

from analysis.forecasting.panel import Panel


def make_panel(values, *, kind="rate", **rest):
    """A panel of the rows `values`; units "u000", "u001", ...; periods are only labels."""
    values = np.atleast_2d(np.asarray(values, dtype=float))
    rest.setdefault("units", tuple(f"u{row:03d}" for row in range(len(values))))
    return Panel(periods=tuple(f"t{t:03d}" for t in range(values.shape[1])), values=values, kind=kind, **rest)


def make_walks(*, units=40, periods=30, sd=0.2, drift=0.03, common=0.0, seed=0):
    """Logit random walks, shape (units, periods), with a share `common` of every step's variance shared."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, sd * np.sqrt(1 - common), (units, periods))
    shared = rng.normal(0, sd * np.sqrt(common), (1, periods))
    start = rng.normal(0, 0.5, (units, 1))
    return start + np.cumsum(drift + own + shared, axis=1)


def expit(x):
    """Inverse of the logit."""
    return 1 / (1 + np.exp(-np.asarray(x, dtype=float)))
