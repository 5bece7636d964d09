"""Everything an event may look at, and one target next to its series: no event reads anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis.attainment.compare import at_least
from analysis.attainment.status import Bands
from analysis.forecasting.panel import Panel
from analysis.forecasting.predictive import Predictive
from analysis.registry.kinds import Target
from analysis.registry.targets import units_of
from analysis.words.errors import ParamsError, Problem, require
from analysis.words.periods import as_period, between, frequency_of

CUT_POINTS = MappingProxyType({"on_track": 0.8, "likely": 0.5, "at_risk": 0.2})
_RANGES = {
    "hysteresis_margin": (0, 0.2), "min_points": (1, 1000), "horizon_periods": (1, 600), "p_floor": (0, 0.2),
    "n_paths": (10, 1_000_000), "block_units": (1, 1_000_000), "pace_window": (1, 600), "weakest": (1, 10_000),
}  # fmt: skip


@dataclass(frozen=True)
class AssessOptions:
    """How probabilities become statuses, and how events are simulated.

    Parameters
    ----------
    cut_points : mapping
        Lower bounds of the bands ``on_track``, ``likely`` and ``at_risk``; below the last one is ``unlikely``.
    hysteresis_margin : float
        A status changes only when p lies further than this beyond the bound of the band it had.
    min_points : int
        Fewer observed points than this: grade D, not assessable.
    max_stale_share : float
        Periods since the last observation, as a share of the observed points; above it: grade D.
    horizon_periods : int
        How far an open-ended or undated target is looked at.
    p_floor : float
        Unless settled, ``p_floor <= p <= 1 - p_floor``.
    n_paths, seed : int
        Joint paths for events of more than one period, unit or indicator. Same seed, same numbers.
    block_units : int
        Units whose paths are held at once; changes memory, not results.
    calibrate : bool
        Apply the panel's own calibration where it has realised origins.
    pace_window : int
        Length in periods of the windows that say how often a pace was ever kept.
    scenario_points : float or None
        An analyst's what-if lever: extra share a period (0.01 = one point); None for none.
    weakest : int
        What-if lever: how many of the weakest sub-units are lifted to the median.

    Raises
    ------
    ParamsError
        Cut points not falling within (0, 1), or a number out of its range; all at once.
    """

    cut_points: Mapping[str, float] = field(default_factory=lambda: CUT_POINTS)
    hysteresis_margin: float = 0.05
    min_points: int = 4
    max_stale_share: float = 0.5
    horizon_periods: int = 12
    p_floor: float = 0.01
    n_paths: int = 2000
    seed: int = 2026
    block_units: int = 256
    calibrate: bool = True
    pace_window: int = 6
    scenario_points: float | None = None
    weakest: int = 5

    def __post_init__(self) -> None:
        cuts = [self.cut_points.get(name, np.nan) for name in CUT_POINTS]
        ranges = [(name, getattr(self, name), *ends) for name, ends in _RANGES.items()]
        problems = [
            Problem(name, f"it is {value!r}", f"{low} to {high}", "Change the option")
            for name, value, low, high in ranges
            if not low <= value <= high
        ]
        if not 1 > cuts[0] > cuts[1] > cuts[2] > 0:
            allowed = "on_track, likely and at_risk, falling, each in (0, 1)"
            remedy = f"Write fractions, as {dict(CUT_POINTS)}"
            problems.append(Problem("cut_points", f"they are {dict(self.cut_points)!r}", allowed, remedy))
        require(problems, ParamsError)

    @property
    def bands(self) -> Bands:
        """Where a status begins, and when it is left."""
        return Bands(self.cut_points, self.hysteresis_margin)


@dataclass(frozen=True)
class World:
    """The tables and arrays of one assessment."""

    targets: tuple[Target, ...]
    panels: Mapping[str, Panel]  # Of every indicator, to the cutoff
    predictives: Mapping[str, Predictive]  # Of the same rows; a missing one gives rows that are not assessable
    units: pd.DataFrame  # ``schema.UNITS``
    indicators: pd.DataFrame  # ``schema.INDICATORS``
    cutoff: str  # Goes into the key of the assessments
    options: AssessOptions = field(default_factory=AssessOptions)
    tasks: pd.DataFrame | None = None  # See :mod:`analysis.attainment.events.tasks`
    memory: dict = field(default_factory=dict)  # What is made once: calibrations, quantiles, answers others look at

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Every target next to its own indicator, by code."""
        return tuple(_case(self, target) for target in sorted(self.targets, key=lambda one: one.target))

    @cached_property
    def better(self) -> dict[str, str]:
        """Indicator -> "up" or "down"."""
        return dict(zip(self.indicators["indicator"], self.indicators["better"]))

    @cached_property
    def never_falls(self) -> frozenset[str]:
        """Indicators whose definition (not only whose history) says that a value never falls."""
        if "cumulative" not in self.indicators:  # plain tables do not state it
            return frozenset()
        return frozenset(self.indicators.loc[self.indicators["cumulative"].eq(True), "indicator"])

    @cached_property
    def group_of(self) -> dict[str, str]:
        """Unit -> its level and depth in the tree: units of one group can be compared."""
        parent, level = (dict(zip(self.units["unit"], self.units[name])) for name in ("parent", "level"))
        found = {}
        for unit in parent:
            above, seen = parent[unit], {unit}
            while above and above not in seen:
                seen.add(above)
                above = parent.get(above, "")
            found[unit] = f"{len(seen)} {level[unit]}"
        return found

    @cached_property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """Parent -> its direct sub-units, both sorted."""
        table = self.units[self.units["parent"] != ""]
        return {parent: tuple(sorted(set(rows))) for parent, rows in table.groupby("parent")["unit"]}


@dataclass(frozen=True, eq=False)
class Case:
    """One target next to its series, and what it asks of its units.

    An event that comes down to another one states what that one is asked with :func:`dataclasses.replace`.
    """

    world: World
    target: Target
    panel: Panel | None
    units: tuple[str, ...]  # Bound, sorted
    operator: str  # ">=" where the target states none
    thresholds: np.ndarray  # (n,); NaN where the target states no number
    upper: float  # Upper bound of a two-sided target; NaN for none
    deadline: str | None

    @property
    def up(self) -> bool:
        """Whether the operator asks for higher values."""
        return at_least(self.operator)

    @property
    def better(self) -> str:
        """Whether "up" or "down" is better for the indicator: for targets without a number, and for ranks."""
        return self.world.better.get(self.target.indicator, "up")

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Unit -> its row in the panel."""
        return {} if self.panel is None else {one: i for i, one in enumerate(self.panel.units)}

    @cached_property
    def rows(self) -> np.ndarray:
        """Row of each unit in the panel, -1 where it has no series."""
        return np.array([self.row_of.get(one, -1) for one in self.units], dtype=int)

    @property
    def predictive(self) -> Predictive | None:
        """Forecast of the panel, None where it could not be made."""
        return self.world.predictives.get(self.target.indicator)

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
        return None if self.deadline is None else between(self.last_period, self.deadline)

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

        A period of another length means its last period of the panel's (`how` "end"), or its first ("start"): a target
        from 2026 on begins in 2026-01, a baseline of 2025 is that of 2025-12.
        """
        first = as_period(self.panel.periods[0])
        return int(as_period(period).asfreq(frequency_of(self.panel.periods[0]), how=how).ordinal - first.ordinal)


def _case(world: World, target: Target) -> Case:
    units = tuple(units_of(target, world.units))
    return Case(
        world=world,
        target=target,
        panel=world.panels.get(target.indicator),
        units=units,
        operator=target.operator or ">=",
        thresholds=per_unit(target.unit_thresholds, units, default=number(target.threshold)),
        upper=number(target.upper),
        deadline=target.deadline,
    )


def number(value: float | None) -> float:
    """The number, NaN where there is none."""
    return float("nan") if value is None else float(value)


def per_unit(value: object, units: Iterable[str], *, default: float = float("nan")) -> np.ndarray:
    """One number for each unit from a number, a mapping or nothing.

    >>> per_unit({"a": 3}, ["a", "b"], default=1.0).tolist(), per_unit(2, ["a"]).tolist()
    ([3.0, 1.0], [2.0])
    """
    units = list(units)
    if isinstance(value, Mapping):
        return np.array([value.get(one, default) for one in units], dtype=float)
    return np.full(len(units), default if value is None else float(value))


@dataclass
class Outcome:
    """What an event says about each unit of a case; everything else is the same for all kinds.

    `p` is calibrated where the panel allows, `p_raw` is not; both exact 0 or 1 where settled. `frame` holds columns of
    ``schema.ASSESSMENTS``; `extra` tables that the kind adds.
    """

    frame: pd.DataFrame
    extra: dict[str, pd.DataFrame] = field(default_factory=dict)
