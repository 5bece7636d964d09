"""When is an event logically decided? Only then may a probability be 0 or 1."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment.compare import at_least, holds
from analysis.attainment.measures import observed_at
from analysis.attainment.world import Case


def holds_at(case: Case, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether each unit kept the promise in one observed period of the panel.

    Returns
    -------
    known, kept : arrays of bool, shape (n,)
    """
    if not 0 <= column < case.panel.n_periods:
        return np.zeros(len(case.units), dtype=bool), np.zeros(len(case.units), dtype=bool)
    values = case.pick(case.panel.usable()[:, column])
    counts = {
        name: case.pick(block[:, column])
        for name, block in (("numerator", case.panel.numerator), ("denominator", case.panel.denominator))
        if block is not None
    }
    kept = holds(values, operator=case.promise.operator, threshold=case.thresholds, **counts)
    if np.isfinite(case.promise.upper):
        kept &= holds(values, operator="<=", threshold=case.promise.upper, **counts)
    return np.isfinite(values) & np.isfinite(case.thresholds), kept


def settle_past(frame: pd.DataFrame, case: Case) -> None:
    """The deadline lies in the history: 0 or 1 where its period was observed, else not assessable."""
    known, kept = holds_at(case, case.panel.n_periods - 1 + case.horizon)
    unseen = np.isnan(observed_at(case, case.horizon))
    frame["settled"] = known
    frame["p"] = frame["p_raw"] = np.where(known, kept.astype(float), np.nan)
    frame.loc[unseen & (frame["reason"] == ""), "reason"] = "deadline_not_observed"


def settle_absorbing(frame: pd.DataFrame, case: Case) -> None:
    """A count that cannot fall has passed its threshold: decided before the deadline.

    Needs a definition that says so, and a history in which no unit of the panel ever fell: a count that was corrected
    downwards before can be again.
    """
    panel = case.panel
    if panel.kind != "count" or case.promise.indicator not in case.world.declared_cumulative or fell(panel.usable()):
        return
    now = holds(frame["current"], operator=case.promise.operator, threshold=frame["threshold"])
    seen = np.isfinite(frame["current"].to_numpy()) & np.isfinite(frame["threshold"].to_numpy())
    decided = seen & (now if at_least(case.promise.operator) else ~now)
    frame.loc[decided, "settled"], frame.loc[decided, "reason"] = True, ""
    frame.loc[decided, ["p", "p_raw"]] = 1.0 if at_least(case.promise.operator) else 0.0


def fell(values: np.ndarray) -> bool:
    """Whether any row ever falls from one observation to the next observed one.

    Examples
    --------
    >>> fell(np.array([[1.0, np.nan, 2.0]])), fell(np.array([[3.0, np.nan, 2.0]]))
    (False, True)
    """
    highest = np.fmax.accumulate(values, axis=1)
    with np.errstate(invalid="ignore"):
        return bool((values < highest).any())
