"""The data quality page: what the checks found, where to ask, how fresh and how complete the figures are."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd
from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.flags import CHECK, SEVERITIES, flag_word
from analysis.briefing.found import found_words
from analysis.briefing.fragment import Fragment, name_html, tabled, tag
from analysis.briefing.locale import N_, number, percent, period, ratio
from analysis.briefing.wording import list_of, word_of
from analysis.words.periods import ordinals

MAX_UNITS = 20
MAX_EXAMPLES = 3


class QualityPage(parts.Page):
    """The data quality page of a run; see :func:`quality_page`."""

    NOTEBOOK = "data_quality"
    TITLE = N_("Data quality")

    @cached_property
    def found(self) -> pd.DataFrame:
        """What the checks found, and the figures that need checking: those of the units' pages, each once."""
        found, signals = self.view.run.quality, self.view.extra("signals")
        if not len(signals):
            return found
        odd = signals[signals["signal"].isin(CHECK)].rename(columns={"signal": "flag"})
        key = ["unit", "indicator", "period", "flag"]
        odd = odd[~pd.MultiIndex.from_frame(odd[key]).isin(pd.MultiIndex.from_frame(found[key]))]
        odd = odd[key].drop_duplicates().assign(severity="warning", details="", source="")
        return pd.concat([found, odd], ignore_index=True)

    def answer(self) -> Fragment:
        """How many findings, how grave, in how many units."""
        _, language, found = self.view._, self.view.language, self.found
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
        return parts.answered(text, parts.facts(pairs))

    def findings(self) -> Fragment:
        """Findings by kind, the grave ones first, with examples."""
        _, language, found = self.view._, self.view.language, self.found
        if found.empty:
            return parts.note(_("The checks found nothing."))
        groups = found.groupby(["severity", "flag"], sort=True)
        rows = [
            (list(SEVERITIES).index(severity), -len(group), flag, severity, group) for (severity, flag), group in groups
        ]
        rows.sort(key=lambda one: one[:3])
        body = [
            [
                word_of(SEVERITIES, severity, language),
                flag_word(flag, language),
                number(len(group), language),
                number(group["unit"].nunique(), language),
                self._examples(group),
            ]
            for _rank, _n, flag, severity, group in rows
        ]
        return tabled(
            _("Findings by type"),
            [_("Severity"), _("Finding"), _("Count"), _("Units"), _("For example")],
            body,
            class_="findings",
            cards=(),
            numeric={2, 3},
        )

    def _examples(self, group) -> Markup:
        shown = []
        for row in group.drop_duplicates("unit").head(MAX_EXAMPLES).itertuples(index=False):
            name = name_html(self.view.name(row.unit)) if row.unit else self.view._("no single unit")
            when = f", {period(row.period, self.view.language, short=True)}" if row.period else ""
            said = found_words(self.view, row) if row.details else self.view.indicator_name(row.indicator)
            shown.append(Markup("{}{}: {}").format(name, when, said))
        return Markup("; ").join(shown)

    def units(self) -> Fragment:
        """Units with the most findings that matter."""
        _, language, found = self.view._, self.view.language, self.found
        grave = found[(found["severity"] != "info") & (found["unit"] != "")]
        if grave.empty:
            return parts.note(_("No unit has an important finding."))
        counts = grave.groupby("unit").size().sort_values(ascending=False, kind="stable")
        body = []
        for unit, n in counts.head(MAX_UNITS).items():
            mine = grave[grave["unit"] == unit]
            kinds = [flag_word(one, language) for one in sorted(mine["flag"].unique())]
            link = parts.unit_link(self.view, unit, folder="")
            body.append([link, number(n, language), list_of(kinds, language)])
        return tabled(
            _("Units with the most findings: {k} of {n}").format(
                k=number(len(body), language), n=number(len(counts), language)
            ),
            [_("Unit"), _("Findings"), _("Types")],
            body,
            class_="worst",
            cards=(),
            numeric={1},
        )

    def freshness(self) -> Fragment:
        """Latest period, units that have it, and how complete the history is."""
        _, language, run = self.view._, self.view.language, self.view.run
        body = []
        for code in self.view.indicators:
            mine = run.observations[run.observations["indicator"] == code]
            if mine.empty:
                body.append([self.view.indicator_name(code), "–", "–", "–"])
                continue
            latest, units = mine["period"].max(), mine["unit"].nunique()
            span = int(np.ptp(ordinals([mine["period"].min(), latest]))) + 1
            has_latest = mine.loc[mine["period"] == latest, "unit"].nunique()
            filled = len(mine.drop_duplicates(["unit", "period"])) / (span * units)
            have = ratio(has_latest, units, language)
            body.append([self.view.indicator_name(code), period(latest, language), have, percent(filled, language)])
        return tabled(
            _("How up to date and how complete each indicator is"),
            [_("Indicator"), _("Latest period"), _("Units with data"), _("Share of periods with data, all units")],
            body,
            class_="fresh",
            cards=(),
            numeric={2, 3},
        )

    def sources(self) -> Fragment:
        """Raw files with their rows, used and refused."""
        _, language = self.view._, self.view.language
        sources = self.view.run.manifest.get("sources")
        if not sources:
            return parts.note(_("The manifest lists no source."))
        body = [
            [
                one.get("path", "–"),
                *[number(one.get(name), language) for name in ("rows", "rows_used", "rows_refused")],
                tag("code", str(one.get("sha256", ""))[:16]),
            ]
            for one in sources
        ]
        return tabled(
            _("Sources of this run"),
            [_("File"), _("Rows"), _("Used"), _("Rejected"), _("SHA-256")],
            body,
            class_="sources",
            cards=(),
            numeric={1, 2, 3},
        )


quality_page = parts.opener(QualityPage)
