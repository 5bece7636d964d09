"""The overview: will we get there, what moved, where is a decision needed, where is the evidence thin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.briefing import decisions, heatmap, overview_sections, parts, tilemap
from analysis.briefing.fragment import Fragment, join, name_html, tag
from analysis.briefing.locale import number, ratio
from analysis.briefing.view import View, view_of
from analysis.words.schema import ON_TRACK, RunTables

NOTEBOOK = "overview_briefing"


@dataclass(frozen=True)
class OverviewPage:
    """The overview of a run; see :func:`overview_page`."""

    view: View

    @cached_property
    def rows(self) -> list[tuple]:
        """Assessments of the unit the overview speaks of."""
        return self.view.assessed(self.view.root)

    @cached_property
    def all_rows(self) -> list[tuple]:
        """Assessments of every unit."""
        return [row for rows in self.view.all_assessed().values() for row in rows]

    def title(self) -> Fragment:
        """What the run is about."""
        heading = self.view.run.params.get(f"title_{self.view.language}") or self.view.name(self.view.root)
        return parts.title(self.view, name_html(heading))

    def answer(self) -> Fragment:
        """One sentence that answers, and three numbers."""
        text = say_overview(self.view, self.rows, self.all_rows)
        html = tag("p", text, class_="answer") + parts.counted(self.rows, self.view.language) + self._facts()
        return Fragment(html, "sentence", text)

    def _facts(self):
        _, language = self.view._, self.view.language
        settled = {"met", "missed"}
        pairs = [
            (
                _("promises on track, all units together"),
                ratio(sum(row.status in ON_TRACK for row in self.all_rows), len(self.all_rows), language),
            ),
            (
                _("promises expected to be missed, of those still open"),
                _("{k} of {n}").format(
                    k=number(
                        sum(
                            1 - row.p_attain
                            for row in self.all_rows
                            if row.status not in settled and np.isfinite(row.p_attain)
                        ),
                        language,
                    ),
                    n=number(
                        sum(row.status not in settled and np.isfinite(row.p_attain) for row in self.all_rows), language
                    ),
                ),
            ),
            (
                _("promises that cannot be assessed"),
                number(sum(row.status == "not_assessable" for row in self.all_rows), language),
            ),
        ]
        return parts.facts(pairs)

    def changes(self) -> Fragment:
        """What changed since the last quarter and why."""
        return overview_sections.changes(self.view)

    def decisions(self) -> Fragment:
        """At most ten units that need a decision."""
        return decisions.decisions(self.view)

    def heat_map(self) -> Fragment:
        """Units x targets by status; before it a tile map where the tree holds Vietnam's provinces."""
        tiles, table = tilemap.tile_map(self.view), heatmap.heat_map(self.view)
        return join([tiles, table], kind="table") if tiles.html else table

    def sub_units(self) -> Fragment:
        """The top unit's targets with the sub-units behind them."""
        return overview_sections.sub_units(self.view, self.rows)

    def scenarios(self) -> Fragment:
        """What a better or worse common course would change."""
        return overview_sections.scenarios(self.view)

    def thin_evidence(self) -> Fragment:
        """Where the evidence is thin."""
        return overview_sections.thin_evidence(self.view, self.all_rows)

    def provenance(self) -> Fragment:
        """Where the figures come from."""
        return parts.provenance(self.view, notebook=NOTEBOOK)

    def end(self) -> Fragment:
        """The sentinel."""
        _ = self.view._
        description = say_overview(self.view, self.rows, self.all_rows)
        title = self.view.run.params.get(f"title_{self.view.language}") or _("Overview briefing")
        return parts.end(self.view, title=title, notebook=NOTEBOOK, description=description)


def overview_page(run: RunTables, *, language: str) -> OverviewPage:
    """The overview of a run.

    Parameters
    ----------
    run : RunTables
    language : {"vi", "en"}

    Raises
    ------
    ParamsError
        When we do not speak `language`.
    """
    return OverviewPage(view_of(run, language))


def say_overview(view: View, rows: list[tuple], all_rows: list[tuple]) -> str:
    """The answer in one sentence: the top unit's targets by status, and the units below."""
    _, language = view._, view.language
    units = len(view.all_assessed())
    if not rows:
        good = sum(row.status in ON_TRACK for row in all_rows)
        text = _("{good} of {n} promises of {units} units are on track.")
        return text.format(
            good=number(good, language), n=number(len(all_rows), language), units=number(units, language)
        )
    good = sum(row.status in ON_TRACK for row in rows)
    doubt = [row for row in rows if row.status in ("at_risk", "unlikely")]
    text = _("{unit} is on track for {good} of {n} targets").format(
        unit=view.name(view.root), good=number(good, language), n=number(len(rows), language)
    )
    below = sum(
        bool(view.children(view.root)) and any(row.status in ("at_risk", "unlikely") for row in mine)
        for unit, mine in view.all_assessed().items()
        if unit != view.root
    )
    if not below:
        return text + "."
    tail = _("{k} of {n} units below it have at least one target at risk or unlikely.").format(
        k=number(below, language), n=number(units - 1, language)
    )
    return f"{text}; {tail}" if doubt or good < len(rows) else f"{text}. {tail[:1].upper()}{tail[1:]}"
