"""The rows of a run that one page needs, found without scanning the tables again for every page.

Read-only selections over :class:`RunTables`; nothing is computed here that a table does not hold. Pages of the whole
run read through a :class:`View`; a unit's page reads through a :class:`UnitView`, which lets through the unit's own
rows and what the page names of others. All else raises, so one unit's page cannot show another's figures by mistake.
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.briefing.locale import Translator, text_of, translator
from analysis.words.errors import DataError, Problem, did_you_mean
from analysis.words.periods import last_day
from analysis.words.schema import RunTables

_VIEWS: dict[tuple[int, str], View] = {}
_MAX_VIEWS = 8
OURS = "ensemble"  # model of the evidence table that the probabilities come from
ALL_TARGETS = "all"  # its rows that pool the targets of an indicator
N_PEERS = 5
# what a unit's page shows of the whole run: words, registry, record, periods
COMMON = frozenset(
    "_ cutoff has_before indicator_name indicators language newest records target_name targets text".split()
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


class Grouped:
    """Rows of a table found by one or more of its columns: held as arrays, made when they are read.

    A process that publishes thousands of pages forks one child a page, and every fork copies the table of the parent's
    memory pages: hundreds of thousands of ready-made rows would cost each child more than the dozens of rows it shows.

    Columns `keys`; nullable whole numbers become floats: missing is NaN.

    >>> table = pd.DataFrame({"unit": ["a", "b", "a"], "target": ["x", "x", "y"], "p": [0.1, 0.2, 0.3]})
    >>> [row.p for row in Grouped(table, "unit").rows("a")]
    [0.1, 0.3]
    >>> [row.p for row in Grouped(table, "unit", "target").rows("a", "y")]
    [0.3]
    """

    def __init__(self, frame: pd.DataFrame, *keys: str, columns: Iterable[str] | None = None):
        by = frame.groupby(list(keys) if len(keys) > 1 else keys[0], sort=False)
        sizes, order = by.size(), np.argsort(by.ngroup().to_numpy(), kind="stable")
        if (order[1:] > order[:-1]).all():  # sorted already: no copy
            order = slice(None)
        ends = sizes.cumsum()
        self._at = {key: slice(end - n, end) for key, n, end in zip(sizes.index, sizes.tolist(), ends.tolist())}
        self.columns = {name: _array(frame[name])[order] for name in columns or frame.columns}
        self._row = namedtuple("Row", list(self.columns), rename=True)._make

    def __iter__(self) -> Iterator:
        return iter(self._at)

    def places(self, *key: str) -> slice:
        """Where the rows of a group are in ``columns``, in the order of the table."""
        return self._at.get(key if len(key) > 1 else key[0], slice(0, 0))

    def rows(self, *key: str) -> list[tuple]:
        """The rows of a group as :meth:`pandas.DataFrame.itertuples` gives them."""
        at = self.places(*key)
        return [self._row(one) for one in zip(*(column[at].tolist() for column in self.columns.values()))]


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
    def _observed(self) -> Grouped:
        columns = ("period", "flags", "value", "numerator", "denominator")
        return Grouped(self.run.observations, "unit", "indicator", columns=columns)

    @cached_property
    def _forecast(self) -> Grouped:
        columns = ("period", "quantile_level", "predicted")
        return Grouped(self.run.forecasts, "unit", "indicator", columns=columns)

    @cached_property
    def _assessed(self) -> Grouped:
        return Grouped(self.run.assessments, "unit")

    @cached_property
    def _order(self) -> dict[str, int]:
        return {code: at for at, code in enumerate(self.targets)}

    def unit(self, code: str) -> tuple:
        """Row of a unit.

        DataError: the run has no such unit.
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

    def text(self, row: Any, column: str) -> str:
        """A row's text in the page's language."""
        return text_of(row, column, self.language)

    def target_name(self, code: str) -> str:
        """Name of a target; its code where the registry does not know it."""
        return self.text(self.targets.get(code), "name") or code

    def indicator_name(self, code: str) -> str:
        """Name of an indicator; its code where the registry does not know it."""
        return self.text(self.indicators.get(code), "name") or code

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

    def history(self, unit: str, indicator: str) -> History:
        """A unit's series, the latest vintage of every period."""
        columns, at = self._observed.columns, self._observed.places(unit, indicator)
        periods = columns["period"][at]
        last = np.ones(len(periods), dtype=bool)  # of a period, as the table is sorted: its latest vintage
        last[:-1] = periods[1:] != periods[:-1]
        values = [columns[name][at][last] for name in ("value", "numerator", "denominator")]
        return History(periods[last].tolist(), *values, columns["flags"][at][last].tolist())

    def fan(self, unit: str, indicator: str) -> Fan:
        """A unit's forecast quantiles."""
        columns, at = self._forecast.columns, self._forecast.places(unit, indicator)
        every = columns["quantile_level"][at]  # the levels of the first horizon, then those of the next
        again = np.flatnonzero(every[1:] <= every[:-1])
        levels = every[: again[0] + 1] if len(again) else every
        n_levels = max(len(levels), 1)
        if len(every) % n_levels or (every.reshape(-1, n_levels) != levels).any():
            raise DataError(Problem(f"forecasts of {unit!r}, {indicator!r}", "quantile levels differ between horizons"))
        predicted = columns["predicted"][at].reshape(-1, n_levels)
        return Fan(columns["period"][at][::n_levels].tolist(), levels, predicted)

    @cached_property
    def has_before(self) -> bool:
        """Whether the forecasts of the quarter before are stored."""
        return self.run.previous is not None

    def fan_before(self, unit: str, indicator: str) -> Fan:
        """A unit's forecast quantiles of the quarter before."""
        return view_of(self.run.previous, self.language).fan(unit, indicator)

    @cached_property
    def _sizes(self) -> dict[str, tuple[list[str], np.ndarray]]:
        """Level -> its units by code, and their sizes: what their shares are shares of."""
        found: dict[str, dict[str, float]] = {}
        for unit in sorted(self.units.keys() & set(self._assessed)):
            size = _size(self.assessed(unit))
            if size > 0:
                found.setdefault(self.units[unit].level, {})[unit] = size
        return {level: (list(sizes), np.array(list(sizes.values()))) for level, sizes in found.items()}

    def nearest_in_size(self, unit: str) -> list[str]:
        """The five units of the same level whose size (largest denominator, else largest count) is nearest in ratio."""
        codes, sizes = self._sizes.get(self.units[unit].level, ([], np.empty(0)))
        if unit not in codes:
            return []
        size = sizes[codes.index(unit)]
        nearest = np.argsort(np.maximum(sizes / size, size / sizes), kind="stable")[: N_PEERS + 1]
        return [codes[at] for at in nearest if codes[at] != unit][:N_PEERS]

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """Our own model's rows of the panels' backtest that pool all targets; whole numbers as floats."""
        table = plain(self.run.evidence)
        return table[(table["model"].to_numpy() == OURS) & (table["target"].to_numpy() == ALL_TARGETS)]

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Past probabilities whose deadline has passed, all units together; `missed` marks the wrong side."""
        cases = plain(self.run.scorecard)
        cases = cases[~cases["early"].eq(True).to_numpy(dtype=bool)]
        return cases.assign(missed=(cases["p_attain"] > 0.5) != (cases["outcome"] > 0.5))

    @cached_property
    def records(self) -> dict[str, tuple]:
        """Indicator -> our record over all horizons and past deadlines."""
        overall = self.evidence[self.evidence["slice_kind"].to_numpy() == "overall"]
        return {row.indicator: row for row in overall.itertuples(index=False)}

    def extra(self, name: str) -> pd.DataFrame:
        """A table that a target kind or a scenario adds; empty where the run has none."""
        return self.run.extra.get(name, pd.DataFrame())

    @cached_property
    def _by_key(self) -> dict[tuple[str, int], Grouped]:
        return {}

    def rows(self, table: str, *key: str) -> list[tuple]:
        """Rows of the table ``quality``, ``scorecard`` or an extra one about a unit, or about a unit and a target."""
        grouped = self._by_key.get((table, len(key)))
        if grouped is None:
            frame = getattr(self.run, table) if table in ("quality", "scorecard") else self.extra(table)
            if frame.empty:
                return []
            grouped = self._by_key[table, len(key)] = Grouped(frame, *("unit", "target")[: len(key)])
        return grouped.rows(*key)

    @cached_property
    def cutoff(self) -> str:
        """The last observed period the forecasts saw; the latest where indicators differ."""
        cutoffs = self.run.assessments["cutoff"].unique().tolist() or self.run.forecasts["cutoff"].unique().tolist()
        return max(cutoffs, default=str(self.run.params.get("cutoff") or ""))

    @cached_property
    def task_list(self) -> dict[str, tuple]:
        """Task to its row in the list: name, owner, due date."""
        return {row.task: row for row in plain(self.extra("task_list")).itertuples(index=False)}

    @cached_property
    def newest(self) -> str:
        """The newest period with a figure, the cutoff at the latest; "" without figures."""
        seen = self.run.observations["period"].unique().tolist()
        return max((one for one in seen if last_day(one) <= last_day(self.cutoff)), key=last_day, default="")


class Peer(NamedTuple):
    """All that a page may say of another unit's target."""

    unit: str
    target: str
    indicator: str
    kind: str
    current: float
    current_period: str
    status: str


_shown = attrgetter(*Peer._fields)


class UnitView:
    """A run as one unit's page reads it: ``COMMON`` and the methods below, under the names of :class:`View`.

    DataError: the run has no such unit.
    """

    def __init__(self, view: View, unit: str):
        view.unit(unit)
        self.__view, self.own = view, unit
        vars(self).update({name: getattr(view, name) for name in COMMON})
        self.peers = view.nearest_in_size(unit)
        parts = [one.part for row in view.assessed(unit) for one in view.rows("contributions", unit, row.target)]
        named = [unit, *view.ancestors(unit), *self.peers, *parts]  # parts: sub-units said to hold the unit back
        self.units: dict[str, tuple] = {code: view.units[code] for code in named}
        self.run = SimpleNamespace(run_id=view.run.run_id, params=view.run.params, manifest=view.run.manifest)

    def __reads(self, unit: str, what: str) -> None:
        if unit != self.own:
            raise DataError(
                Problem(
                    f"page of unit {self.own!r}",
                    f"it reads {what} of unit {unit!r}, which is another unit's",
                    "the unit's own rows, and what UnitView lets through",
                    "Let UnitView in src/analysis/briefing/view.py through to it if the page should show it",
                )
            )

    def unit(self, code: str) -> tuple:
        """Row of the unit, of a unit above it, of a peer, or of a sub-unit that holds it back."""
        if code not in self.units:
            self.__reads(code, "the row")
        return self.units[code]

    def name(self, code: str) -> str:
        """Name of such a unit."""
        self.unit(code)
        return self.__view.name(code)

    def ancestors(self, code: str) -> list[str]:
        """Units above the page's own."""
        self.__reads(code, "the ancestors")
        return self.__view.ancestors(code)

    def assessed(self, unit: str) -> list[tuple]:
        """The unit's assessments; of a peer, what :class:`Peer` holds."""
        rows = self.__view.assessed(unit)
        if unit in self.peers:
            return [Peer._make(_shown(row)) for row in rows]
        self.__reads(unit, "the assessments")
        return rows

    def history(self, unit: str, indicator: str) -> History:
        """The unit's series; of a peer, that of a score it is promised (its unit of measure hangs on it)."""
        if (unit, indicator) not in self.__scores:
            self.__reads(unit, "the series")
        return self.__view.history(unit, indicator)

    @cached_property
    def __scores(self) -> set[tuple[str, str]]:
        return {(peer, row.indicator) for peer in self.peers for row in self.assessed(peer) if row.kind == "score_ge"}

    def fan(self, unit: str, indicator: str) -> Fan:
        """The unit's forecast."""
        self.__reads(unit, "the forecast")
        return self.__view.fan(unit, indicator)

    def fan_before(self, unit: str, indicator: str) -> Fan:
        """The unit's forecast of the quarter before."""
        self.__reads(unit, "the forecast of the quarter before")
        return self.__view.fan_before(unit, indicator)

    def rows(self, table: str, *key: str) -> list[tuple]:
        """The unit's rows of a table."""
        self.__reads(key[0], f"table {table}")
        return self.__view.rows(table, *key)

    @cached_property
    def task_list(self) -> dict[str, tuple]:
        """The unit's tasks as the list has them."""
        mine = {one.task for row in self.assessed(self.own) for one in self.rows("tasks", self.own, row.target)}
        return {task: row for task, row in self.__view.task_list.items() if task in mine}


def _size(rows: list[tuple]) -> float:
    for name in ("current_denominator", "current"):
        known = [value for row in rows if math.isfinite(value := getattr(row, name)) and value > 0]
        if known:
            return max(known)
    return 0.0


def _array(column: pd.Series) -> np.ndarray:
    return column.to_numpy("float64") if str(column.dtype) == "Int64" else column.to_numpy()


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
