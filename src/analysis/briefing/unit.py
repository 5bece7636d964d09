"""The briefing of one unit: answer first, a row for each promise, then what it rests on.

Every method returns one :class:`Fragment`; a notebook calls them in order and holds no logic of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from markupsafe import Markup

from analysis.briefing import external_ratings, parts, unit_sections, unit_targets
from analysis.briefing import method as methods
from analysis.briefing.fragment import Fragment, name_html
from analysis.briefing.locale import number, ratio
from analysis.briefing.view import UnitView, View, view_of
from analysis.briefing.wording import level_word, probability, say_chance, say_chance_of, status_word
from analysis.words.schema import ON_TRACK, RunTables
from analysis.words.units import find_unit

WORST_FIRST = ("unlikely", "at_risk", "likely", "missed")


@dataclass(frozen=True)
class UnitPage(parts.Page):
    """One unit's page; see :func:`unit_page`."""

    view: UnitView
    unit: str
    NOTEBOOK = "unit_briefing"

    @cached_property
    def rows(self) -> list[tuple]:
        """The unit's assessments, in the registry's order."""
        return self.view.assessed(self.unit)

    @cached_property
    def name(self) -> str:
        """The unit's name in the page's language."""
        return self.view.name(self.unit)

    def title(self) -> Fragment:
        """Whose page this is."""
        row = self.view.unit(self.unit)
        above = self.view.ancestors(self.unit)
        about = self.view.name(above[0]) if above else level_word(row.level, self.view.language)
        return parts.title(self.view, name_html(self.name), about=about)

    def answer(self) -> Fragment:
        """One sentence that answers, and three numbers."""
        text = say_answer(self.view, name=self.name, rows=self.rows)
        return parts.answered(text, parts.counted(self.rows, self.view.language), self._facts())

    def _facts(self) -> Markup:
        _, language, rows = self.view._, self.view.language, self.rows
        if not rows:
            return Markup("")
        good = sum(one.status in ON_TRACK for one in rows)
        pairs = [(_("targets on track"), ratio(good, len(rows), language))]
        known = [one.p_attain for one in rows if one.status != "not_assessable" and np.isfinite(one.p_attain)]
        if known:
            expected = _("{k} of {n}").format(
                k=number(sum(1 - p for p in known), language, 1), n=number(len(known), language)
            )
            pairs.append((_("targets expected to be missed, of those that can be assessed"), expected))
        below = [one for one in rows if one.n_sub_units > 0]
        if below:
            row = urgent(below)
            pairs.append(
                (
                    _("sub-units on track for “{target}”").format(target=self.view.target_name(row.target)),
                    ratio(int(row.n_sub_on_track), int(row.n_sub_units), language),
                )
            )
        else:
            unclear = sum(one.status == "not_assessable" for one in rows)
            pairs.append((_("targets that cannot be assessed"), number(unclear, language)))
        return parts.facts(pairs)

    def targets(self) -> Fragment:
        """A row for each promise."""
        return unit_targets.targets_table(self.view, unit=self.unit, rows=self.rows)

    def trajectories(self) -> Fragment:
        """Small multiples on a common horizontal scale, rates on a common vertical one."""
        return unit_sections.trajectories(self.view, unit=self.unit, rows=self.rows)

    def peers(self) -> Fragment:
        """Units of similar size."""
        return unit_sections.peers(self.view, unit=self.unit, rows=self.rows)

    def other_rules(self) -> Fragment:
        """What other bodies' rules would call the same targets."""
        return external_ratings.other_rules(self.view, unit=self.unit, rows=self.rows)

    def last_forecast(self) -> Fragment:
        """What was forecast a quarter ago, and what happened."""
        return unit_sections.last_forecast(self.view, unit=self.unit)

    def data_notes(self) -> Fragment:
        """What is wrong or doubtful in this unit's data."""
        return unit_sections.data_notes(self.view, unit=self.unit)

    def method(self) -> Fragment:
        """Method in five sentences, and its record on these panels."""
        indicators = list(dict.fromkeys(one.indicator for one in self.rows if one.indicator))
        return methods.method(self.view, indicators=indicators)

    def end(self) -> Fragment:
        """The sentinel."""
        said = self.answer().text
        return parts.end(self.view, title=self.name, notebook=self.NOTEBOOK, unit=self.unit, description=said)


def unit_page(run: RunTables, *, unit: str, language: str) -> UnitPage:
    """The page of a unit.

    Parameters
    ----------
    run : RunTables
    unit : str
        Code, or name as people type it.
    language : {"vi", "en"}

    Returns
    -------
    UnitPage
        Its methods give the sections: sentences, tables, charts.

    Raises
    ------
    DataError
        When the run has no such unit, or when more than one may be meant.
    ParamsError
        When we do not speak `language`.
    """
    code = find_unit(run, unit)
    return UnitPage(UnitView(view_of(run, language), code), code)


def warm(run: RunTables, *, language: str) -> None:
    """Fill the caches that all unit pages share, so that a forked child finds them ready (some 75 ms a page otherwise).

    Starts no thread and changes nothing a page shows.

    `run` is the very object that the pages will get: the views belong to it.
    """
    view = view_of(run, language)
    for unit in [view.root, *view.units][:2]:  # the root and one ordinary unit touch every cache
        if unit in view.units:
            page = unit_page(run, unit=unit, language=language)
            for section in (page.answer, page.targets, page.trajectories, page.peers, page.last_forecast, page.method):
                section()


def urgent(rows: list[tuple]):
    """The row to speak of first: the lowest open probability below "on track"; None where nothing is open and in doubt.

    Settled rows follow only when there is no open one.
    """
    open_rows = [one for one in rows if one.status in WORST_FIRST and not one.settled]
    if open_rows:
        return min(open_rows, key=_most_in_doubt)
    missed = [one for one in rows if one.status == "missed"]
    if missed:
        return missed[0]
    held = [one for one in rows if one.status in ON_TRACK and not one.settled]
    return min(held, key=_most_in_doubt) if held else (rows[0] if rows else None)


def _most_in_doubt(row) -> tuple:
    """Order of open rows: probability, then the unrounded one, for many lie at 1 %, then the code."""
    return (row.p_attain, row.p_raw if np.isfinite(row.p_raw) else row.p_attain, row.target)


def say_answer(view: View, *, name: str, rows: list[tuple]) -> str:
    """The answer in one sentence: status word, per cent, natural frequency."""
    _, language = view._, view.language
    if not rows:
        return _("{unit} has no target in this run.").format(unit=name)
    if len(rows) == 1:
        row = rows[0]
        return _("{unit}: “{target}” is rated {status}, {chance}.").format(
            unit=name,
            target=view.target_name(row.target),
            status=status_word(row.status, language).lower(),
            chance=say_chance_of(row, language),
        )
    good = sum(one.status in ON_TRACK for one in rows)
    head = _("{unit} is on track for {good} of {n} targets").format(
        unit=name, good=number(good, language), n=number(len(rows), language)
    )
    worst = urgent(rows)
    if worst is None or worst.status == "not_assessable":
        return f"{head}."
    target = view.target_name(worst.target)
    if worst.settled:
        tail = _("the result for “{target}” is known: {status}.").format(
            target=target, status=status_word(worst.status, language).lower()
        )
    else:
        p, chance = probability(worst.p_attain, language), say_chance(worst.p_attain, language)
        tail = _("the target most in doubt is “{target}”, with a probability of {p} ({chance}).").format(
            target=target, p=p, chance=chance
        )
    return f"{head}; {tail}"
