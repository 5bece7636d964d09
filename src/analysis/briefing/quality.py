"""The data quality page: what the checks found, where to ask, how fresh and how complete the figures are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.flags import flag_word, severity_word
from analysis.briefing.found import found_words
from analysis.briefing.fragment import Fragment, name_html, table, tag
from analysis.briefing.locale import number, percent, period
from analysis.briefing.view import View, view_of
from analysis.briefing.wording import list_of
from analysis.words.periods import ordinals
from analysis.words.schema import RunTables

NOTEBOOK = "data_quality"
SEVERITIES = ("error", "warning", "info")
MAX_UNITS = 20
MAX_EXAMPLES = 3


@dataclass(frozen=True)
class QualityPage:
    """The data quality page of a run; see :func:`quality_page`."""

    view: View

    def title(self) -> Fragment:
        """What the page is about."""
        return parts.title(self.view, self.view._("Data quality"))

    def answer(self) -> Fragment:
        """How many findings, how grave, in how many units."""
        _, language, found = self.view._, self.view.language, self.view.run.quality
        rows = len(self.view.run.observations)
        n = {one: int((found["severity"] == one).sum()) for one in SEVERITIES}
        text = _("Figures used: {n}; rejected: {errors}; to be checked: {warnings}; notes: {notes}.").format(
            n=number(rows, language),
            errors=number(n["error"], language),
            warnings=number(n["warning"], language),
            notes=number(n["info"], language),
        )
        pairs = [
            (_("units with findings"), number(found.loc[found["severity"] != "info", "unit"].nunique(), language)),
            (
                _("indicators with findings"),
                number(found.loc[found["severity"] != "info", "indicator"].nunique(), language),
            ),
            (_("findings in total"), number(len(found), language)),
        ]
        return Fragment(tag("p", text, class_="answer") + parts.facts(pairs), "sentence", text)

    def findings(self) -> Fragment:
        """Findings by kind, the grave ones first, with examples."""
        _, language, found = self.view._, self.view.language, self.view.run.quality
        if found.empty:
            text = _("The checks found nothing.")
            return Fragment(tag("p", text, class_="note"), "note", text)
        rows = []
        for (severity, flag), group in found.groupby(["severity", "flag"], sort=True):
            rows.append(
                (SEVERITIES.index(severity) if severity in SEVERITIES else 9, -len(group), flag, severity, group)
            )
        rows.sort(key=lambda one: one[:3])
        body = [
            [
                severity_word(severity, language),
                flag_word(flag, language),
                number(len(group), language),
                number(group["unit"].nunique(), language),
                self._examples(group),
            ]
            for _rank, _n, flag, severity, group in rows
        ]
        header = [_("Severity"), _("Finding"), _("Count"), _("Units"), _("For example")]
        caption = _("Findings by type")
        return Fragment(table(caption, header, body, class_="findings", stack=True, numeric={2, 3}), "table", caption)

    def _examples(self, group) -> Markup:
        shown = []
        for row in group.drop_duplicates("unit").head(MAX_EXAMPLES).itertuples(index=False):
            name = name_html(self.view.name(row.unit)) if row.unit else self.view._("no single unit")
            when = f", {period(row.period, self.view.language, short=True)}" if row.period else ""
            shown.append(Markup("{}{}: {}").format(name, when, found_words(self.view, row)))
        return Markup("; ").join(shown)

    def units(self) -> Fragment:
        """Units with the most findings that matter."""
        _, language, found = self.view._, self.view.language, self.view.run.quality
        grave = found[(found["severity"] != "info") & (found["unit"] != "")]
        if grave.empty:
            text = _("No unit has an important finding.")
            return Fragment(tag("p", text, class_="note"), "note", text)
        counts = grave.groupby("unit").size().sort_values(ascending=False, kind="stable")
        body = []
        for unit, n in counts.head(MAX_UNITS).items():
            mine = grave[grave["unit"] == unit]
            kinds = [flag_word(one, language) for one in sorted(mine["flag"].unique())]
            link = parts.unit_link(self.view, unit, folder="") if unit in self.view.units else name_html(unit)
            body.append([link, number(n, language), list_of(kinds, language)])
        caption = _("Units with the most findings: {k} of {n}").format(
            k=number(len(body), language), n=number(len(counts), language)
        )
        return Fragment(
            table(caption, [_("Unit"), _("Findings"), _("Types")], body, class_="worst", stack=True, numeric={1}),
            "table",
            caption,
        )

    def freshness(self) -> Fragment:
        """Latest period, units that have it, and how complete the history is."""
        _, language, run = self.view._, self.view.language, self.view.run
        body = []
        for code, indicator in self.view.indicators.items():
            mine = run.observations[run.observations["indicator"] == code]
            if mine.empty:
                body.append([self.view.text(indicator, "name") or code, "–", "–", "–"])
                continue
            latest, units = mine["period"].max(), mine["unit"].nunique()
            span = int(np.ptp(ordinals([mine["period"].min(), latest]))) + 1
            has_latest = mine.loc[mine["period"] == latest, "unit"].nunique()
            filled = len(mine.drop_duplicates(["unit", "period"])) / (span * units)
            body.append(
                [
                    self.view.text(indicator, "name") or code,
                    period(latest, language),
                    f"{number(has_latest, language)}/{number(units, language)}",
                    percent(filled, language),
                ]
            )
        header = [_("Indicator"), _("Latest period"), _("Units with data"), _("Share of periods with data, all units")]
        caption = _("How up to date and how complete each indicator is")
        return Fragment(table(caption, header, body, class_="fresh", stack=True, numeric={2, 3}), "table", caption)

    def sources(self) -> Fragment:
        """Raw files with their rows, used and refused."""
        _, language = self.view._, self.view.language
        sources = parts.source_rows(self.view.run.manifest)
        if not sources:
            text = _("The manifest lists no source.")
            return Fragment(tag("p", text, class_="note"), "note", text)
        body = [
            [
                one.get("path", "–"),
                *[number(one.get(name), language) for name in ("rows", "rows_used", "rows_refused")],
                tag("code", str(one.get("sha256", ""))[:16]),
            ]
            for one in sources
        ]
        header = [_("File"), _("Rows"), _("Used"), _("Rejected"), _("SHA-256")]
        caption = _("Sources of this run")
        return Fragment(table(caption, header, body, class_="sources", stack=True, numeric={1, 2, 3}), "table", caption)

    def provenance(self) -> Fragment:
        """Where the figures come from."""
        return parts.provenance(self.view, notebook=NOTEBOOK)

    def end(self) -> Fragment:
        """The sentinel."""
        return parts.end(
            self.view, title=self.view._("Data quality"), notebook=NOTEBOOK, description=self.answer().text
        )


def quality_page(run: RunTables, *, language: str) -> QualityPage:
    """The data quality page of a run.

    Parameters
    ----------
    run : RunTables
        From :func:`analysis.load_run`.
    language : {"vi", "en"}

    Returns
    -------
    QualityPage
        Its methods give the sections: sentences, tables, charts.

    Raises
    ------
    ParamsError
        When we do not speak `language`.
    """
    return QualityPage(view_of(run, language))
