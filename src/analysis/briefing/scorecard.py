"""The scorecard: what we said and what came, misses first. The page that makes the other pages worth believing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.charts import evidence as charts
from analysis.briefing.fragment import Fragment, details, name_html, table, tag
from analysis.briefing.locale import number, percent, period, points
from analysis.briefing.view import View, plain, view_of
from analysis.briefing.wording import say_chance
from analysis.words.schema import RunTables

NOTEBOOK = "scorecard"
MAX_MISSES = 15  # the downloads hold them all
BINS = np.linspace(0, 1, 11)
MIN_CASES = 30  # fewer past probabilities make no picture


def _(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


CAUSES = {
    "revision": _("the figure was revised"),
    "changed_target": _("the promise was changed"),
    "shock": _("a common shock moved all units"),
    "model": _("our model"),
}
del _


@dataclass(frozen=True)
class ScorecardPage:
    """The scorecard of a run; see :func:`scorecard_page`."""

    view: View

    @cached_property
    def cases(self) -> pd.DataFrame:
        """Past probabilities with a known outcome; `missed` marks the wrong side of one half."""
        cases = plain(self.view.run.scorecard)
        return cases.assign(missed=(cases["p_attain"] > 0.5) != (cases["outcome"] > 0.5))

    def title(self) -> Fragment:
        """What the page is about."""
        return parts.title(self.view, self.view._("What we said, and what came"))

    def answer(self) -> Fragment:
        """How often we were right, and whether we were too hopeful."""
        _, language, cases = self.view._, self.view.language, self.cases
        if cases.empty:
            text = _("None of our past probabilities has a known outcome yet.")
            return Fragment(tag("p", text, class_="answer"), "sentence", text)
        said, came = float(cases["p_attain"].mean()), float(cases["outcome"].mean())
        text = _(
            "{k} of {n} past calls were on the right side; we said {said} on average and {came} came true, {lean}."
        ).format(
            k=number((~cases["missed"]).sum(), language),
            n=number(len(cases), language),
            said=percent(said, language, 0),
            came=percent(came, language, 0),
            lean=self._lean(said - came),
        )
        base = float(((came - cases["outcome"]) ** 2).mean())
        brier = float(cases["brier"].mean())
        pairs = [
            (_("calls that missed"), number(cases["missed"].sum(), language)),
            (_("error of probabilities (Brier), 0 is perfect"), number(brier, language, 3)),
            (_("error of always saying the share that came true"), number(base, language, 3)),
        ]
        html = tag("p", text, class_="answer") + parts.facts(pairs) + parts.sentence(self._origins(), class_="soft")
        return Fragment(html, "sentence", text)

    def _origins(self) -> str:
        """How many of the probabilities were published when they were made, and how many only computed since."""
        _, language = self.view._, self.view.language
        again = int((self.cases["origin"] != "published").sum())
        return _("{k} of them were published at the time; {n} are computed again from what was known then.").format(
            k=number(len(self.cases) - again, language), n=number(again, language)
        )

    def _lean(self, gap: float) -> str:
        _ = self.view._
        if abs(gap) < 0.02:
            return _("so we were neither too hopeful nor too doubtful")
        by = points(abs(gap), self.view.language, 0)
        return (
            _("so we were too hopeful by {points}").format(points=by)
            if gap > 0
            else _("so we were too doubtful by {points}").format(points=by)
        )

    def misses(self) -> Fragment:
        """Every call on the wrong side, the surest first."""
        _, language = self.view._, self.view.language
        misses = self.cases[self.cases["missed"]].sort_values(
            ["brier", "unit", "target"], ascending=[False, True, True], kind="stable"
        )
        if misses.empty:
            text = _("No call missed.") if len(self.cases) else _("There is nothing to score yet.")
            return Fragment(tag("p", text, class_="note"), "note", text)
        rows = [self._miss(row) for row in misses.head(MAX_MISSES).itertuples(index=False)]
        header = [_("Unit"), _("Target"), _("Said with data up to"), _("Probability then"), _("Outcome"), _("Cause")]
        caption = _("Misses: {k} of {n} shown, the surest calls first").format(
            k=number(len(rows), language), n=number(len(misses), language)
        )
        return Fragment(table(caption, header, rows, class_="misses", stack=True), "table", caption)

    def _miss(self, row) -> list[object]:
        _, language = self.view._, self.view.language
        unit = parts.unit_link(self.view, row.unit, folder="") if row.unit in self.view.units else name_html(row.unit)
        said = f"{percent(row.p_attain, language, 0)} ({say_chance(row.p_attain, language)})"
        came = _("reached") if row.outcome > 0.5 else _("not reached")
        return [
            unit,
            self.view.target_name(row.target),
            period(row.cutoff, language),
            said,
            came,
            self._cause(row.cause),
        ]

    def _cause(self, cause: str) -> str:
        return self.view._(CAUSES[cause]) if cause in CAUSES else cause.replace("_", " ") or "–"

    def causes(self) -> Fragment:
        """Misses by cause."""
        _, language = self.view._, self.view.language
        counts = Counter(self.cases.loc[self.cases["missed"], "cause"])
        if not counts:
            text = _("No call missed.") if len(self.cases) else _("There is nothing to score yet.")
            return Fragment(tag("p", text, class_="note"), "note", text)
        total = sum(counts.values())
        rows = [
            [self._cause(cause), number(n, language), percent(n / total, language, 0)]
            for cause, n in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        ]
        caption = _("Misses by cause")
        return Fragment(
            table(caption, [_("Cause"), _("Misses"), _("Share")], rows, class_="causes", numeric={1, 2}),
            "table",
            caption,
        )

    def reliability(self) -> Fragment:
        """Said against seen, in classes of ten points."""
        _, language = self.view._, self.view.language
        if len(self.cases) < MIN_CASES:
            text = _("Fewer than {n} past probabilities: a picture of them would mislead.").format(
                n=number(MIN_CASES, language)
            )
            return Fragment(tag("p", text, class_="note"), "note", text)
        bins = binned(self.cases)
        off = float((bins["n"] * (bins["share"] - bins["mean_p"]).abs()).sum() / bins["n"].sum())
        headline = _("What we said and what came differ by {gap} on average").format(gap=points(off, language))
        subtitle = _("{n} past probabilities in {k} bins; bar: 95% range of the share; size: number of cases").format(
            n=number(bins["n"].sum(), language), k=number(len(bins), language)
        )
        rows = [
            [percent(row.mean_p, language, 0), percent(row.share, language, 0), number(row.n, language)]
            for row in bins.itertuples(index=False)
        ]
        data = table(
            _("Probabilities said and outcomes"),
            [_("Said, mean of the bin"), _("Came true"), _("Cases")],
            rows,
            class_="data",
        )
        said = "; ".join(_("said {p}, came {share}").format(p=row[0], share=row[1]) for row in rows)
        drawn = charts.reliability(
            bins, language=language, key="own", title=headline, description=f"{subtitle}. {said}."
        )
        caption = tag("figcaption", tag("b", headline), Markup(" "), tag("span", subtitle, class_="soft"))
        html = tag("figure", caption, drawn, details(_("Figures of this chart"), data), class_="single")
        return Fragment(html, "chart", f"{headline} ({subtitle})")

    def by_target(self) -> Fragment:
        """Record of every target with a known outcome."""
        _, language = self.view._, self.view.language
        if self.cases.empty:
            text = _("There is nothing to score yet.")
            return Fragment(tag("p", text, class_="note"), "note", text)
        rows = []
        for target, mine in self.cases.groupby("target", sort=True):
            rows.append(
                [
                    self.view.target_name(target),
                    number(len(mine), language),
                    number(mine["missed"].sum(), language),
                    percent(mine["p_attain"].mean(), language, 0),
                    percent(mine["outcome"].mean(), language, 0),
                    number(mine["brier"].mean(), language, 3),
                ]
            )
        header = [_("Target"), _("Calls"), _("Misses"), _("Said on average"), _("Came true"), _("Brier")]
        caption = _("Record by target")
        return Fragment(
            table(caption, header, rows, class_="record", stack=True, numeric={1, 2, 3, 4, 5}), "table", caption
        )

    def provenance(self) -> Fragment:
        """Where the figures come from."""
        return parts.provenance(self.view, notebook=NOTEBOOK)

    def end(self) -> Fragment:
        """The sentinel."""
        title = self.view._("What we said, and what came")
        return parts.end(self.view, title=title, notebook=NOTEBOOK, description=self.answer().text)


def binned(cases: pd.DataFrame) -> pd.DataFrame:
    """Said against seen in classes of ten points, with Wilson's 95 % bounds of the share.

    Returns
    -------
    DataFrame
        ``mean_p, share, share_lower, share_upper, n``; one row a class that has cases.

    References
    ----------
    Wilson (1927), JASA 22(158), 209-212.
    """
    which = np.clip(np.digitize(cases["p_attain"], BINS[1:-1] - 1e-9), 0, len(BINS) - 2)
    groups = cases.groupby(which)
    bins = pd.DataFrame({"n": groups.size(), "mean_p": groups["p_attain"].mean(), "share": groups["outcome"].mean()})
    z, n, share = 1.96, bins["n"], bins["share"]
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return bins.assign(share_lower=(middle - half).clip(0), share_upper=(middle + half).clip(upper=1)).reset_index(
        drop=True
    )


def scorecard_page(run: RunTables, *, language: str) -> ScorecardPage:
    """The scorecard of a run.

    Raises
    ------
    ParamsError
        When we do not speak `language`.
    """
    return ScorecardPage(view_of(run, language))
