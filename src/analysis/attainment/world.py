"""Everything an event may look at, and one promise set beside its series: no event reads anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.attainment.options import AssessOptions
from analysis.attainment.promise import Promise
from analysis.forecasting.panel import Panel
from analysis.words.periods import as_period, between, frequency_of


@dataclass(frozen=True)
class World:
    """The tables and arrays of one assessment.

    Parameters
    ----------
    promises : tuple of Promise
    panels : mapping
        Indicator -> Panel that ends at the cutoff.
    predictives : mapping
        Indicator -> forecasting.predictive.Predictive of the same rows.
    units : DataFrame
        ``schema.UNITS``.
    cutoff : str
    declared_cumulative : frozenset of str
        Indicators whose definition (not only whose history) says that a value never falls.
    tasks : DataFrame or None
    memory : dict
        Calibrations already made; filled while assessing.
    """

    promises: tuple[Promise, ...]
    panels: Mapping[str, Panel]
    predictives: Mapping[str, object]
    units: pd.DataFrame
    cutoff: str
    options: AssessOptions
    declared_cumulative: frozenset[str] = frozenset()
    tasks: pd.DataFrame | None = None
    memory: dict = field(default_factory=dict)

    def case(self, promise: Promise) -> Case:
        """The promise beside its own indicator."""
        return Case(world=self, promise=promise, panel=self.panels.get(promise.indicator))

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Parent -> its direct sub-units, both sorted."""
        table = self.units[self.units["parent"] != ""] if len(self.units) else self.units
        if not len(table):
            return {}
        return {parent: tuple(sorted(set(rows))) for parent, rows in table.groupby("parent")["unit"]}


@dataclass(frozen=True)
class Case:
    """One promise, the rows of its units in the panel, and how far away its deadline is."""

    world: World
    promise: Promise
    panel: Panel | None

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Units bound, sorted."""
        return tuple(sorted(set(self.promise.units)))

    @cached_property
    def rows(self) -> np.ndarray:
        """Row of each unit in the panel, -1 where it has no series."""
        index = {} if self.panel is None else {one: i for i, one in enumerate(self.panel.units)}
        return np.array([index.get(one, -1) for one in self.units], dtype=int)

    @property
    def predictive(self) -> object | None:
        """Forecast of the panel, None where it could not be made."""
        return self.world.predictives.get(self.promise.indicator)

    @property
    def options(self) -> AssessOptions:
        """Options of the assessment."""
        return self.world.options

    def lacks_forecast(self, horizon: int) -> str:
        """Reason why there is no forecast that far ahead, "" where there is one."""
        if self.predictive is None:
            return "no_forecast"
        return "" if horizon <= self.predictive.horizon else "beyond_horizon"

    @cached_property
    def last_period(self) -> str:
        """Last period of the panel: where its horizon 0 is."""
        return self.world.cutoff if self.panel is None else self.panel.periods[-1]

    @cached_property
    def horizon(self) -> int | None:
        """Periods of the panel from its end to the deadline; None without a deadline."""
        return None if self.promise.deadline is None else between(self.last_period, self.promise.deadline)

    @cached_property
    def thresholds(self) -> np.ndarray:
        """Threshold of each unit, shape (n,)."""
        return self.promise.thresholds(self.units)

    def pick(self, block: np.ndarray | None) -> np.ndarray:
        """Rows of the units from an array over the panel, NaN where a unit has no series."""
        if block is None or self.panel is None:
            tail = () if block is None or block.ndim == 1 else block.shape[1:]
            return np.full((len(self.units), *tail), np.nan)
        picked = np.asarray(block, dtype=float)[np.clip(self.rows, 0, None)]
        picked[self.rows < 0] = np.nan
        return picked

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Over all rows of the panel: the units' `values`, elsewhere their median (any finite number would do)."""
        usual = np.nanmedian(values) if np.isfinite(values).any() else 0.0
        out = np.full(self.panel.n_units, usual)
        known = (self.rows >= 0) & np.isfinite(values)
        out[self.rows[known]] = values[known]
        return out

    def column(self, period: str, *, how: str = "end") -> int:
        """Column of a period in the panel; it may lie outside.

        A period of another length means its last period of the panel's (`how` "end"), or its first ("start"): a promise
        from 2026 on begins in 2026-01, a baseline of 2025 is that of 2025-12.
        """
        first = as_period(self.panel.periods[0])
        return int(as_period(period).asfreq(frequency_of(self.panel.periods[0]), how=how).ordinal - first.ordinal)


@dataclass
class Outcome:
    """What an event says about each unit of a case; everything else is the same for all kinds.

    `p` is calibrated where the panel allows, `p_raw` is not; both exact 0 or 1 where settled. `frame` holds columns of
    ``schema.ASSESSMENTS``; `extra` tables that the kind adds.
    """

    frame: pd.DataFrame
    extra: dict[str, pd.DataFrame] = field(default_factory=dict)
