"""What one unit's page may read of a run: the unit's own rows, and of other units only what it names.

A page made through a :class:`UnitView` can show the unit's own rows, the names of the units above it, of its peers the
figures of today and their statuses, of sub-units that hold it back their names, and what the whole run has in common
(registry, record, params). All else raises, so a page of one unit cannot show another's figures by mistake.
"""

from __future__ import annotations

from functools import cached_property
from operator import attrgetter
from types import SimpleNamespace
from typing import NamedTuple

from analysis.briefing.locale import Translator
from analysis.briefing.view import EXTRA_NAMES, Fan, History, View, nearest_in_size, view_of
from analysis.words.errors import DataError, Problem
from analysis.words.schema import RunTables


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
    """A run as one unit's page reads it; the names are those of :class:`analysis.briefing.view.View`.

    Parameters
    ----------
    view : View
    unit : str

    Raises
    ------
    DataError
        When the run has no such unit.
    """

    def __init__(self, view: View, unit: str):
        view.unit(unit)
        self.__view, self.own = view, unit
        self.__rows: dict[str, list[tuple]] = {}
        self.__histories: dict[tuple[str, str], History] = {}
        self.language: str = view.language
        self.peers = tuple(nearest_in_size(view, unit))
        self.cutoff: str = view.cutoff
        self.newest: str = view.newest
        self.indicators: dict[str, tuple] = view.indicators
        self.targets: dict[str, tuple] = view.targets
        self.has_before: bool = view.has_before
        named = [unit, *view.ancestors(unit), *self.peers, *self.__parts()]
        self.units: dict[str, tuple] = {code: view.units[code] for code in named}
        run = view.run
        self.run = SimpleNamespace(run_id=run.run_id, params=run.params, manifest=run.manifest)

    def __parts(self) -> list[str]:
        """The sub-units that a sentence may say hold the unit back."""
        found = [
            one.part
            for row in self.__view.assessed(self.own)
            for one in self.__view.extra_rows("contributions", self.own, row.target)
        ]
        return list(dict.fromkeys(found))

    def __reads(self, unit: str, what: str) -> None:
        if unit != self.own:
            raise DataError(
                Problem(
                    f"page of unit {self.own!r}",
                    f"it reads {what} of unit {unit!r}, which is another unit's",
                    "the unit's own rows, and what UnitView lets through",
                    "Let UnitView through to it in src/analysis/briefing/slices.py if the page should show it",
                )
            )

    @property
    def _(self) -> Translator:
        return self.__view._

    def unit(self, code: str) -> tuple:
        """Row of the unit, of a unit above it, of a peer, or of a sub-unit that holds it back."""
        if code not in self.units:
            self.__reads(code, "the row")
        return self.units[code]

    def name(self, code: str) -> str:
        """Name of such a unit."""
        self.unit(code)
        return self.__view.name(code)

    def text(self, row: tuple, column: str) -> str:
        """A row's text in the page's language."""
        return self.__view.text(row, column)

    def target_name(self, code: str) -> str:
        """Name of a target."""
        return self.__view.target_name(code)

    def ancestors(self, code: str) -> list[str]:
        """Units above the page's own."""
        self.__reads(code, "the ancestors")
        return self.__view.ancestors(code)

    def assessed(self, unit: str) -> list[tuple]:
        """The unit's assessments; of a peer, what :class:`Peer` holds."""
        rows = self.__view.assessed(unit)
        if unit == self.own:
            return rows
        if unit not in self.peers:
            self.__reads(unit, "the assessments")
        return [Peer._make(_shown(row)) for row in rows]

    def rows(self, table: str, unit: str) -> list[tuple]:
        """The unit's rows of the tables ``quality`` and ``scorecard``."""
        self.__reads(unit, f"table {table}")
        if table not in self.__rows:  # each chart asks again
            self.__rows[table] = self.__view.rows(table, unit)
        return self.__rows[table]

    def history(self, unit: str, indicator: str) -> History:
        """The unit's series; of a peer, that of a score it is promised (its unit of measure hangs on it)."""
        if (unit, indicator) not in self.__histories:  # charts, findings and provenance each ask again
            if (unit, indicator) not in self.__scores:
                self.__reads(unit, "the series")
            self.__histories[unit, indicator] = self.__view.history(unit, indicator)
        return self.__histories[unit, indicator]

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

    @cached_property
    def records(self) -> dict[str, tuple]:
        """Our record on the indicators that the unit has targets of."""
        used = {row.indicator for row in self.assessed(self.own)}
        return {code: row for code, row in self.__view.records.items() if code in used}

    @cached_property
    def signals(self) -> dict[str, list[tuple]]:
        """The unit's signals."""
        return {self.own: self.__view.signals.get(self.own, [])}

    @cached_property
    def milestones(self) -> dict[tuple[str, str], tuple[tuple[str, float], ...]]:
        """The steps of the unit's targets."""
        keys = [(unit, row.target) for row in self.assessed(self.own) for unit in (self.own, "")]
        return {key: self.__view.milestones[key] for key in keys if key in self.__view.milestones}

    def extra_rows(self, name: str, unit: str, target: str) -> list[tuple]:
        """Rows of an extra table about the unit."""
        self.__reads(unit, f"table {name}")
        if name not in EXTRA_NAMES:
            self.__reads("", f"table {name}")
        return self.__view.extra_rows(name, unit, target)

    @cached_property
    def task_list(self) -> dict[str, tuple]:
        """The unit's tasks as the list has them."""
        mine = {one.task for row in self.assessed(self.own) for one in self.extra_rows("tasks", self.own, row.target)}
        return {task: row for task, row in self.__view.task_list.items() if task in mine}


def unit_view(run: RunTables, *, unit: str, language: str) -> UnitView:
    """What the page of `unit` may read of a run, in a language.

    Raises
    ------
    DataError
        When the run has no such unit.
    ParamsError
        When we do not speak `language`.
    """
    return UnitView(view_of(run, language), unit)
