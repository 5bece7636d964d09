"""The registry of promises: each with its exact sentence, its source, its state, and what we had to infer."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, table, tag
from analysis.briefing.locale import date, number, percent, period
from analysis.briefing.view import View, view_of
from analysis.briefing.wording import list_of, say_goal, status_word
from analysis.words.schema import STATUSES, RunTables

NOTEBOOK = "registry"
MOST_SHARE = 2.0  # a threshold of a count at or below it is a share of a quota, not a count


def _(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


KINDS = {
    "level_at": _("level at a deadline"),
    "sustained_from": _("kept over time"),
    "cumulative_count": _("cumulative count"),
    "coverage_all": _("all of a list"),
    "tasks_k_of_n": _("tasks done"),
    "rank_le": _("place among peers"),
    "score_ge": _("composite score"),
    "relative_change": _("change against a baseline"),
    "indicators_k_of_n": _("number of indicators met"),
    "directional": _("direction without a number"),
    "conditional": _("starts when another body acts"),
}
FIELDS = {
    "deadline": _("deadline"),
    "operator": _("at least or more than"),
    "threshold": _("number"),
    "start": _("start"),
    "reading": _("how it is read over time"),
    "scope": _("who is bound"),
    "baseline": _("baseline"),
    "indicator": _("indicator"),
    "better": _("direction"),
    "n": _("how many in all"),
    "k": _("how many"),
    "document_date": _("date of the text"),
    "components": _("components"),
    "total": _("highest score"),
    "version": _("edition"),
}
del _


@dataclass(frozen=True)
class RegistryPage:
    """The registry of a run; see :func:`registry_page`."""

    view: View

    def title(self) -> Fragment:
        """What the page is about."""
        return parts.title(self.view, self.view._("Registry of promises"))

    def answer(self) -> Fragment:
        """How many promises, how many with a number, how many with something inferred."""
        _, language, targets = self.view._, self.view.language, list(self.view.targets.values())
        counted = [
            row for row in targets if math.isfinite(row.threshold) or math.isfinite(row.k) or math.isfinite(row.n)
        ]
        text = _(
            "{n} promises are registered: {k} state a number, {m} state a deadline, {i} need something inferred."
        ).format(
            n=number(len(targets), language),
            k=number(len(counted), language),
            m=number(sum(bool(row.deadline) for row in targets), language),
            i=number(sum(bool(row.inferred) for row in targets), language),
        )
        kinds = Counter(row.kind for row in targets)
        pairs = [
            (_("kinds of promise"), number(len(kinds), language)),
            (_("source documents"), number(len({row.document for row in targets if row.document}), language)),
            (
                _("promises replaced by a later one"),
                number(len({row.replaces for row in targets if row.replaces}), language),
            ),
        ]
        return Fragment(tag("p", text, class_="answer") + parts.facts(pairs), "sentence", text)

    def promises(self) -> Fragment:
        """The register itself."""
        _ = self.view._
        header = [_("Promise"), _("Exact sentence and source"), _("What is promised"), _("Lead"), _("State, by units")]
        body = [self._row(row) for row in self.view.targets.values()]
        caption = _("Registered promises; {dagger} marks what no sentence states and we inferred").format(
            dagger=parts.DAGGER
        )
        return Fragment(table(caption, header, body, class_="promises", stack=True), "table", caption)

    def _row(self, row) -> list[object]:
        _, language = self.view._, self.view.language
        sentence = tag("blockquote", row.sentence, lang="vi") if row.sentence else Markup("")
        source = ", ".join(
            one for one in (row.document, date(row.document_date, language) if row.document_date else "") if one
        )
        mark = f" {parts.DAGGER}" if row.inferred else ""
        name = Markup("{}{} {}").format(
            tag("b", self.view.target_name(row.target)), mark, tag("span", row.target, class_="soft")
        )
        valid = parts.validity(self.view, row)
        if valid:
            name += Markup(" ") + tag("span", valid, class_="soft")
        kind = self.view._(KINDS[row.kind]) if row.kind in KINDS else row.kind.replace("_", " ")
        goal = Markup("{} {}").format(self._goal(row), tag("span", kind, class_="soft"))
        return [
            name,
            sentence + tag("span", source or _("source not named"), class_="soft"),
            goal,
            row.owner or "–",
            self._state(row),
        ]

    def _goal(self, row) -> str:
        indicator = self.view.indicators.get(row.indicator)
        if row.kind == "cumulative_count" and getattr(indicator, "kind", "") == "count" and row.threshold <= MOST_SHARE:
            goal = self.view._("{share} of the number assigned to each unit by {deadline}")
            shown = {
                "share": percent(row.threshold, self.view.language, 0),
                "deadline": period(row.deadline, self.view.language),
            }
            return goal.format(**shown)
        if row.kind == "relative_change":
            change = percent(row.threshold, self.view.language, 0)
            if not row.deadline:
                return self.view._("{change} against the baseline").format(change=change)
            goal = self.view._("{change} against the baseline by {deadline}")
            return goal.format(change=change, deadline=period(row.deadline, self.view.language))
        stated = SimpleNamespace(kind=row.kind, operator=row.operator, threshold=row.threshold, deadline=row.deadline)
        return say_goal(stated, self.view.indicators.get(row.indicator), self.view.language, row)

    def _state(self, row) -> Markup:
        _, language = self.view._, self.view.language
        counts = Counter(
            one.status for rows in self.view.all_assessed().values() for one in rows if one.target == row.target
        )
        if not counts:
            return tag("span", _("not assessed in this run"), class_="soft")
        chips = [
            parts.chip(
                status, language, word=f"{number(counts[status], language)} {status_word(status, language).lower()}"
            )
            for status in STATUSES
            if counts[status]
        ]
        return Markup(" ").join(chips)

    def inferred(self) -> Fragment:
        """What the texts leave open and we filled in."""
        _, language = self.view._, self.view.language
        rows = [row for row in self.view.targets.values() if row.inferred]
        if not rows:
            text = _("Nothing had to be inferred.")
            return Fragment(tag("p", text, class_="note"), "note", text)
        notes = [self.view.text(row, "note") for row in rows]
        header = [_("Promise"), _("Inferred")] + ([_("Note")] if any(notes) else [])
        body = [
            [self.view.target_name(row.target), self._fields(row), note or "–"][: len(header)]
            for row, note in zip(rows, notes, strict=True)
        ]
        caption = _("{dagger} Inferred fields: {n} promises").format(dagger=parts.DAGGER, n=number(len(rows), language))
        return Fragment(
            table(caption, header, body, class_="inferred", stack=True),
            "table",
            caption,
        )

    def _fields(self, row) -> str:
        names = row.inferred.replace(",", " ").split()
        return list_of([self.view._(FIELDS[one]) if one in FIELDS else one for one in names], self.view.language)

    def indicators(self) -> Fragment:
        """What each promise is measured by."""
        _ = self.view._
        body = [
            [
                Markup("{} {}").format(
                    tag("b", self.view.text(row, "name")), tag("span", row.indicator, class_="soft")
                ),
                self.view.text(row, "definition") or "–",
                self.view.text(row, "numerator") or self.view.text(row, "unit") or "–",
                self.view.text(row, "denominator") or "–",
                _("higher is better") if row.better != "down" else _("lower is better"),
                period(row.valid_from, self.view.language) if row.valid_from else "–",
            ]
            for row in self.view.indicators.values()
        ]
        header = [_("Indicator"), _("Definition"), _("Counts"), _("Out of"), _("Direction"), _("Valid from")]
        caption = _("Indicators and their definitions; those that look alike are kept apart")
        return Fragment(table(caption, header, body, class_="indicators", stack=True), "table", caption)

    def provenance(self) -> Fragment:
        """Where the figures come from."""
        return parts.provenance(self.view, notebook=NOTEBOOK)

    def end(self) -> Fragment:
        """The sentinel."""
        return parts.end(
            self.view, title=self.view._("Registry of promises"), notebook=NOTEBOOK, description=self.answer().text
        )


def registry_page(run: RunTables, *, language: str) -> RegistryPage:
    """The registry of promises of a run.

    Raises
    ------
    ParamsError
        When we do not speak `language`.
    """
    return RegistryPage(view_of(run, language))
