"""The rows of a run that one page needs, found without scanning the tables again for every page.

Read-only selections over :class:`RunTables`; nothing is computed here that a table does not hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.briefing.grouped import Grouped
from analysis.briefing.locale import Translator, text_of, translator
from analysis.words.errors import DataError, Problem, did_you_mean
from analysis.words.periods import last_day
from analysis.words.schema import RunTables

_VIEWS: dict[tuple[int, str], View] = {}
_MAX_VIEWS = 8
OURS = "ensemble"  # model of the evidence table that the probabilities come from
ALL_TARGETS = "all"  # its rows that pool the targets of an indicator
N_PEERS = 5
OBSERVED = ("indicator", "period", "vintage", "flags", "value", "numerator", "denominator")
FORECAST = ("indicator", "period", "quantile_level", "predicted")
# extra tables with rows about a unit and target that a unit's page may show
EXTRA_NAMES = (
    *("readings", "ranks", "components", "task_counts", "k_of_n", "denominators", "milestones", "scenarios"),
    *("contributions", "pace", "crosswalk_labels", "tasks"),
)


class History(NamedTuple):
    """One unit's observed series: periods, values in natural units, counts, flags; each of length n."""

    periods: list[str]
    values: np.ndarray
    numerator: np.ndarray
    denominator: np.ndarray
    flags: list[str]


class Fan(NamedTuple):
    """One unit's forecast: periods, quantile levels and predicted, shape (n_periods, n_levels)."""

    periods: list[str]
    levels: np.ndarray
    predicted: np.ndarray

    def at_level(self, level: float) -> np.ndarray | None:
        """Column of a quantile level, None where the run did not store it."""
        found = next((at for at, one in enumerate(self.levels.tolist()) if abs(one - level) < 1e-6), None)
        return None if found is None else self.predicted[:, found]

    def band(self, interval_level: float) -> tuple[np.ndarray, np.ndarray] | None:
        """Lower and upper bound of a central interval."""
        lower, upper = self.at_level((1 - interval_level) / 2), self.at_level((1 + interval_level) / 2)
        return None if lower is None or upper is None else (lower, upper)


@dataclass(frozen=True)
class View:
    """A run as a page reads it, in one language."""

    run: RunTables
    language: str

    @property
    def _(self) -> Translator:
        return translator(self.language)

    @cached_property
    def units(self) -> dict[str, tuple]:
        """Unit code -> its row, in the order of the table."""
        return {row.unit: row for row in self.run.units.itertuples(index=False)}

    @cached_property
    def indicators(self) -> dict[str, tuple]:
        """Indicator code -> its row, in the registry's order."""
        return _by_order(self.run.indicators, "indicator")

    @cached_property
    def targets(self) -> dict[str, tuple]:
        """Target code -> its row, in the registry's order."""
        return _by_order(self.run.targets, "target")

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for code, row in self.units.items():
            found.setdefault(row.parent, []).append(code)
        return found

    @cached_property
    def _by_unit(self) -> dict[str, Grouped]:
        return {name: Grouped(getattr(self.run, name), "unit") for name in ("quality", "scorecard")}

    @cached_property
    def _observed(self) -> Grouped:
        return Grouped(self.run.observations, "unit", "indicator", columns=OBSERVED)

    @cached_property
    def _forecast(self) -> Grouped:
        return Grouped(self.run.forecasts, "unit", "indicator", columns=FORECAST)

    @cached_property
    def _assessed(self) -> Grouped:
        return Grouped(self.run.assessments, "unit")

    @cached_property
    def _order(self) -> dict[str, int]:
        return {code: at for at, code in enumerate(self.targets)}

    def unit(self, code: str) -> tuple:
        """Row of a unit.

        Raises
        ------
        DataError
            When the run has no such unit.
        """
        if code not in self.units:
            raise DataError(
                Problem(
                    f"run {self.run.run_id}: unit {code!r}",
                    "the run has no such unit",
                    f"one of the {len(self.units)} codes in its units table",
                    did_you_mean(code, self.units),
                )
            )
        return self.units[code]

    def name(self, code: str) -> str:
        """Name of a unit in the page's language; its code where it has none."""
        row = self.units.get(code)
        if row is None:
            return code
        return (row.name_en or row.name if self.language == "en" else row.name) or code

    def text(self, row: tuple, column: str) -> str:
        """A row's text in the page's language."""
        return text_of(row, column, self.language)

    def target_name(self, code: str) -> str:
        """Name of a target; its code where the registry does not know it."""
        row = self.targets.get(code)
        return (self.text(row, "name") if row is not None else "") or code

    def children(self, code: str) -> list[str]:
        """Units right below."""
        return self._children.get(code, [])

    def ancestors(self, code: str) -> list[str]:
        """Units above, the nearest first; a circle in the tree ends the walk."""
        found: list[str] = []
        parent = self.units[code].parent if code in self.units else ""
        while parent and parent in self.units and parent not in found:
            found.append(parent)
            parent = self.units[parent].parent
        return found

    @cached_property
    def roots(self) -> list[str]:
        """Units without a known parent."""
        return [code for code, row in self.units.items() if row.parent not in self.units]

    @cached_property
    def root(self) -> str:
        """The unit the overview speaks of: the first root with a child, else the first unit."""
        with_children = [code for code in self.roots if self.children(code)]
        return (with_children or self.roots or list(self.units) or [""])[0]

    def assessed(self, unit: str) -> list[tuple]:
        """A unit's assessments in the registry's order of targets."""
        order = self._order
        return sorted(self._assessed.rows(unit), key=lambda row: (order.get(row.target, len(order)), row.target))

    @cached_property
    def _all_assessed(self) -> dict[str, list[tuple]]:
        return {unit: self.assessed(unit) for unit in self._assessed}

    def all_assessed(self) -> dict[str, list[tuple]]:
        """Every unit's assessments; for pages of the whole run."""
        return self._all_assessed

    def rows(self, table: str, unit: str) -> list[tuple]:
        """A unit's rows of the tables ``quality`` and ``scorecard``."""
        return self._by_unit[table].rows(unit)

    def history(self, unit: str, indicator: str) -> History:
        """A unit's series, the latest vintage of every period."""
        column, at = self._observed.column, self._observed.slice_of(unit, indicator)
        periods, vintages = column("period")[at].tolist(), column("vintage")[at]
        values = [column(name)[at] for name in ("value", "numerator", "denominator")]
        flags = column("flags")[at]
        if len(vintages) and (vintages[1:] != vintages[:-1]).any():  # sorted: the last of a period is the latest
            keep = np.array([one != after for one, after in zip(periods, [*periods[1:], None])])
            periods = [one for one, kept in zip(periods, keep) if kept]
            values, flags = [one[keep] for one in values], flags[keep]
        return History(periods, *values, flags.tolist())

    def fan(self, unit: str, indicator: str) -> Fan:
        """A unit's forecast quantiles."""
        column, at = self._forecast.column, self._forecast.slice_of(unit, indicator)
        every = column("quantile_level")[at]  # the levels of the first horizon, then those of the next
        again = np.flatnonzero(every[1:] <= every[:-1])
        levels = every[: again[0] + 1] if len(again) else every
        n_periods = len(every) // max(len(levels), 1)
        if n_periods * len(levels) != len(every) or (every.reshape(n_periods, len(levels)) != levels).any():
            raise DataError(Problem(f"forecasts of {unit!r}, {indicator!r}", "quantile levels differ between horizons"))
        predicted = column("predicted")[at].reshape(n_periods, len(levels))
        return Fan(column("period")[at][:: max(len(levels), 1)].tolist(), levels, predicted)

    @cached_property
    def has_before(self) -> bool:
        """Whether the forecasts of the quarter before are stored."""
        return self.run.previous is not None

    def fan_before(self, unit: str, indicator: str) -> Fan:
        """A unit's forecast quantiles of the quarter before."""
        return view_of(self.run.previous, self.language).fan(unit, indicator)

    @cached_property
    def sizes(self) -> dict[str, float]:
        """Size of every unit: what its shares are shares of."""
        sized = ((unit, _size(self.assessed(unit))) for unit in self._assessed if unit in self.units)
        return {unit: size for unit, size in sized if size > 0}

    @cached_property
    def _sizes_of_level(self) -> dict[str, tuple[np.ndarray, list[str]]]:
        """Level -> logarithms of its units' sizes and their codes, the smallest first."""
        found: dict[str, list[tuple[float, str]]] = {}
        for unit, size in self.sizes.items():
            found.setdefault(self.units[unit].level, []).append((math.log(size), unit))
        ordered = {level: sorted(pairs) for level, pairs in found.items()}
        return {level: (np.array([a for a, _b in one]), [b for _a, b in one]) for level, one in ordered.items()}

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """Our own model's rows of the panels' backtest that pool all targets; whole numbers as floats."""
        table = plain(self.run.evidence)
        return table[(table["model"].to_numpy() == OURS) & (table["target"].to_numpy() == ALL_TARGETS)]

    @cached_property
    def records(self) -> dict[str, tuple]:
        """Indicator -> our record over all horizons and past deadlines."""
        overall = self.evidence[self.evidence["slice_kind"].to_numpy() == "overall"]
        return {row.indicator: row for row in overall.itertuples(index=False)}

    @cached_property
    def signals(self) -> dict[str, list[tuple]]:
        """Unit -> its signals, where the run has any."""
        found: dict[str, list[tuple]] = {}
        for row in self.extra("signals").itertuples(index=False):
            found.setdefault(row.unit, []).append(row)
        return found

    @cached_property
    def milestones(self) -> dict[tuple[str, str], tuple[tuple[str, float], ...]]:
        """(unit, target) -> its milestones as (period, threshold); unit "" where the table names none."""
        table = self.extra("milestones")
        units = table["unit"] if "unit" in table else [""] * len(table)
        found: dict[tuple[str, str], list[tuple[str, float]]] = {}
        if len(table):
            for unit, target, step, threshold in zip(units, table["target"], table["period"], table["threshold"]):
                found.setdefault((unit, target), []).append((step, float(threshold)))
        return {key: tuple(steps) for key, steps in found.items()}

    def extra(self, name: str) -> pd.DataFrame:
        """A table that a target kind or a scenario adds; empty where the run has none."""
        return self.run.extra.get(name, pd.DataFrame())

    @cached_property
    def _extra_rows(self) -> dict[str, Grouped | None]:
        return {}

    def extra_rows(self, name: str, unit: str, target: str) -> list[tuple]:
        """Rows of an extra table about a unit and target; the table is sorted out once a run, by pairs."""
        if name not in self._extra_rows:
            table = self.extra(name)
            paired = len(table) and {"unit", "target"} <= set(table.columns)
            self._extra_rows[name] = Grouped(table, "unit", "target") if paired else None
        found = self._extra_rows[name]
        return [] if found is None else found.rows(unit, target)

    @cached_property
    def cutoff(self) -> str:
        """The last observed period the forecasts saw; the latest where indicators differ."""
        cutoffs = self.run.assessments["cutoff"].unique().tolist() or self.run.forecasts["cutoff"].unique().tolist()
        return max(cutoffs, default=str(self.run.params.get("cutoff") or ""))

    @cached_property
    def task_list(self) -> dict[str, tuple]:
        """Task to its row in the list: name, owner, due date."""
        found = self.extra("task_list")
        return {row.task: row for row in plain(found).itertuples(index=False)} if len(found) else {}

    @cached_property
    def newest(self) -> str:
        """The newest period with a figure, the cutoff at the latest; "" without figures."""
        seen = self.run.observations["period"].unique().tolist()
        return max((one for one in seen if last_day(one) <= last_day(self.cutoff)), key=last_day, default="")


def nearest_in_size(view: View, unit: str, *, n: int = N_PEERS) -> list[str]:
    """Units of the same level whose size (largest denominator, else largest count) is nearest in ratio."""
    if unit not in view.sizes:
        return []
    size = math.log(view.sizes[unit])
    logs, codes = view._sizes_of_level[view.units[unit].level]
    apart = np.abs(logs - size)
    if len(apart) > n + 1:  # the bound lies above the last place by far more than a rounding error
        apart_enough = np.partition(apart, n)[n] + 1e-9
        codes = [codes[at] for at in np.flatnonzero(apart <= apart_enough)]
    return sorted((one for one in codes if one != unit), key=lambda one: _apart(view, unit, one))[:n]


def _apart(view: View, unit: str, other: str) -> tuple[float, str]:
    return abs(math.log(view.sizes[other] / view.sizes[unit])), other


def _size(rows: list[tuple]) -> float:
    for name in ("current_denominator", "current"):
        known = [value for row in rows if math.isfinite(value := getattr(row, name)) and value > 0]
        if known:
            return max(known)
    return 0.0


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its nullable whole numbers as floats: a missing one is NaN, as everywhere else."""
    whole = {name: "float64" for name, kind in frame.dtypes.items() if str(kind) == "Int64"}
    return frame.astype(whole) if whole else frame


def view_of(run: RunTables, language: str) -> View:
    """The view of a run; kept for the next page of the same run."""
    key = (id(run), language)
    found = _VIEWS.get(key)
    if found is None or found.run is not run:
        while len(_VIEWS) >= _MAX_VIEWS:
            _VIEWS.pop(next(iter(_VIEWS)))
        translator(language)
        found = _VIEWS[key] = View(run, language)
    return found


def _by_order(frame: pd.DataFrame, key: str) -> dict[str, tuple]:
    frame = frame.sort_values(["order", key], kind="stable", na_position="last")
    return {getattr(row, key): row for row in frame.itertuples(index=False)}
