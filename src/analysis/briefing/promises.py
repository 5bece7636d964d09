"""The registry of promises: each with its exact sentence, its source, its state, and what we had to infer."""

from __future__ import annotations

import math
from types import SimpleNamespace

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, tabled, tag
from analysis.briefing.locale import N_, date, number, percent, period
from analysis.briefing.wording import list_of, say_goal, word_of

MOST_SHARE = 2.0  # a threshold of a count at or below it is a share of a quota, not a count
KINDS = {
    "level_at": N_("level at a deadline"),
    "sustained_from": N_("maintained over time"),
    "cumulative_count": N_("cumulative count"),
    "coverage_all": N_("everything on a list"),
    "tasks_k_of_n": N_("tasks completed"),
    "rank_le": N_("rank among peers"),
    "score_ge": N_("composite score"),
    "relative_change": N_("change from a baseline"),
    "indicators_k_of_n": N_("number of targets met"),
    "directional": N_("direction without a number"),
    "conditional": N_("starts when another authority acts"),
}
FIELDS = {
    "deadline": N_("deadline"),
    "operator": N_("“at least” or “more than”"),
    "threshold": N_("number"),
    "start": N_("start date"),
    "reading": N_("how it is measured over time"),
    "scope": N_("who it applies to"),
    "baseline": N_("baseline"),
    "indicator": N_("indicator"),
    "better": N_("direction"),
    "n": N_("total number"),
    "k": N_("number required"),
    "document_date": N_("date of the document"),
    "components": N_("components"),
    "total": N_("maximum score"),
    "version": N_("edition"),
}


class RegistryPage(parts.Page):
    """The registry of a run; see :func:`registry_page`."""

    NOTEBOOK = "registry"
    TITLE = N_("Register of commitments")

    def answer(self) -> Fragment:
        """How many promises, how many with a number, how many with something inferred."""
        _, language, targets = self.view._, self.view.language, list(self.view.targets.values())
        counted = [
            row for row in targets if math.isfinite(row.threshold) or math.isfinite(row.k) or math.isfinite(row.n)
        ]
        text = _.plural(
            "The register has {n} commitment. With a number: {k}; with a deadline: {m}; with inferred details: {i}.",
            "The register has {n} commitments. With a number: {k}; with a deadline: {m}; with inferred details: {i}.",
            len(targets),
        ).format(
            n=number(len(targets), language),
            k=number(len(counted), language),
            m=number(sum(bool(row.deadline) for row in targets), language),
            i=number(sum(bool(row.inferred) for row in targets), language),
        )
        pairs = [
            (_("types of commitment"), number(len({row.kind for row in targets}), language)),
            (_("source documents"), number(len({row.document for row in targets if row.document}), language)),
            (
                _("commitments replaced by a later one"),
                number(len({row.replaces for row in targets if row.replaces}), language),
            ),
        ]
        return parts.answered(text, parts.facts(pairs))

    def promises(self) -> Fragment:
        """The register itself."""
        _ = self.view._
        body = [self._row(row) for row in self.view.targets.values()]
        return tabled(
            _(
                "Registered commitments; {dagger} marks details that the text does not state and that we inferred"
            ).format(dagger=parts.DAGGER),
            [
                _("Commitment"),
                _("Exact wording and source"),
                _("Content of the commitment"),
                _("Lead"),
                _("Status, by number of units"),
            ],
            body,
            class_="promises",
            cards=(),
        )

    def _row(self, row) -> list[object]:
        _, language = self.view._, self.view.language
        sentence = tag("blockquote", row.sentence, lang="vi") if row.sentence else Markup("")
        source = ", ".join(filter(None, [row.document, row.document_date and date(row.document_date, language)]))
        mark = f" {parts.DAGGER}" if row.inferred else ""
        about = [row.target, parts.validity(self.view, row)]
        return [
            Markup(" ").join([
                tag("b", self.view.target_name(row.target)) + mark,
                *[tag("span", one, class_="soft") for one in about if one],
            ]),
            sentence + tag("span", source or _("source not stated"), class_="soft"),
            Markup("{} {}").format(self._goal(row), tag("span", word_of(KINDS, row.kind, language), class_="soft")),
            row.owner or "–",
            self._state(row),
        ]  # fmt: skip

    def _goal(self, row) -> str:
        _, language, indicator = self.view._, self.view.language, self.view.indicators.get(row.indicator)
        said = {"share": percent(row.threshold, language, 0), "deadline": period(row.deadline, language)}
        if row.kind == "cumulative_count" and getattr(indicator, "kind", "") == "count" and row.threshold <= MOST_SHARE:
            return _("{share} of the number assigned to each unit by {deadline}").format(**said)
        if row.kind == "relative_change":
            dated, open_ = _("{change} from the baseline by {deadline}"), _("{change} from the baseline")
            return (dated if row.deadline else open_).format(change=said["share"], deadline=said["deadline"])
        stated = SimpleNamespace(kind=row.kind, operator=row.operator, threshold=row.threshold, deadline=row.deadline)
        return say_goal(stated, indicator, language, row)

    def _state(self, row) -> Markup:
        mine = [one for rows in self.view.all_assessed().values() for one in rows if one.target == row.target]
        if not mine:
            return tag("span", self.view._("not assessed in this run"), class_="soft")
        return parts.status_counts(mine, self.view.language)

    def inferred(self) -> Fragment:
        """What the texts leave open and we filled in."""
        _, language = self.view._, self.view.language
        rows = [row for row in self.view.targets.values() if row.inferred]
        if not rows:
            return parts.note(_("Nothing had to be inferred."))
        notes = [self.view.text(row, "note") for row in rows]
        header = [_("Commitment"), _("Inferred")] + ([_("Note")] if any(notes) else [])
        body = [
            [self.view.target_name(row.target), self._fields(row), note or "–"][: len(header)]
            for row, note in zip(rows, notes, strict=True)
        ]
        return tabled(
            _("{dagger} Commitments with inferred details: {n}").format(
                dagger=parts.DAGGER, n=number(len(rows), language)
            ),
            header,
            body,
            class_="inferred",
            cards=(),
        )

    def _fields(self, row) -> str:
        language, names = self.view.language, row.inferred.replace(",", " ").split()
        return list_of([word_of(FIELDS, one, language) for one in names], language)

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
        return tabled(
            _("Indicators and their definitions; similar indicators are kept separate"),
            [
                _("Indicator"),
                _("Definition"),
                _("Numerator or unit counted"),
                _("Denominator"),
                _("Direction"),
                _("Valid from"),
            ],
            body,
            class_="indicators",
            cards=(),
        )


registry_page = parts.opener(RegistryPage)
