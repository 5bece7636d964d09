"""The scorecard: what we said and what came, misses first. The page that makes the other pages worth believing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.briefing import parts
from analysis.briefing.charts import evidence as charts
from analysis.briefing.fragment import Fragment, table, tabled
from analysis.briefing.locale import N_, number, percent, period, points
from analysis.briefing.view import View, plain
from analysis.briefing.wording import say_chance, word_of

MAX_MISSES = 15  # the downloads hold them all
BINS = np.linspace(0, 1, 11)
MIN_CASES = 30  # fewer past probabilities make no picture
CAUSES = {
    "revision": N_("the figure was revised"),
    "changed_target": N_("the target, a definition or a boundary was changed"),
    "shock": N_("a common shock moved all units"),
    "model": N_("our model"),
}
PARTS = tuple(f"from_{one}" for one in CAUSES)
LEAST_POINTS = 0.005  # a part that rounds to no percentage point is not shown


class ScorecardPage(parts.Page):
    """The scorecard of a run; see :func:`scorecard_page`."""

    NOTEBOOK = "scorecard"
    TITLE = N_("Past forecasts and outcomes")

    @cached_property
    def cases(self) -> pd.DataFrame:
        """Past probabilities of promises whose deadline has passed; `missed` marks the wrong side of one half."""
        return self.view.scored

    def answer(self) -> Fragment:
        """How often we were right, and whether we were too hopeful."""
        _, language, cases = self.view._, self.view.language, self.cases
        if cases.empty:
            return parts.answered(_("None of our past forecasts has reached its deadline yet."))
        said, came = float(cases["p_attain"].mean()), float(cases["outcome"].mean())
        text = _(
            "{k} of {n} past forecasts were on the right side; the average probability was {said}, and the target "
            "was met in {came} of cases, {lean}."
        ).format(
            k=number((~cases["missed"]).sum(), language),
            n=number(len(cases), language),
            said=percent(said, language, 0),
            came=percent(came, language, 0),
            lean=self._lean(said - came),
        )
        base = float(((came - cases["outcome"]) ** 2).mean())
        pairs = [
            (_("wrong forecasts"), number(cases["missed"].sum(), language)),
            (_("error of the probabilities (Brier score), 0 is perfect"), number(cases["brier"].mean(), language, 3)),
            (_("error of always forecasting the actual share"), number(base, language, 3)),
            *self._against_pace(),
        ]
        return parts.answered(text, parts.facts(pairs), parts.sentence(self._origins(), class_="soft"))

    def _against_pace(self) -> list[tuple[str, str]]:
        """Our error and that of the pace, where the pace said something."""
        _, language = self.view._, self.view.language
        paced = self.cases[self.cases["p_pace"].notna()]
        if paced.empty:
            return []
        pace = float(((paced["p_pace"] - paced["outcome"]) ** 2).mean())
        ours, n = number(paced["brier"].mean(), language, 3), number(len(paced), language)
        name = _("error of the linear pace; ours on the same {n} forecasts: {ours}").format(n=n, ours=ours)
        return [(name, number(pace, language, 3))]

    def _origins(self) -> str:
        """How many of the probabilities were published when they were made, and how many only computed since."""
        _, language, cases = self.view._, self.view.language, self.cases
        again = cases[cases["origin"] != "published"]
        late = int((~again["figures_then"].eq(True)).sum())
        text = _(
            "Forecasts are compared when the deadline has passed, all units together. "
            "Of these, published at the time: {k}; recomputed from the data of that time: {n}; "
            "recomputed with today's figures: {late}."
        )
        counts = {"k": len(cases) - len(again), "n": len(again) - late, "late": late}
        return text.format(**{name: number(count, language) for name, count in counts.items()})

    def _lean(self, gap: float) -> str:
        _ = self.view._
        if abs(gap) < 0.02:
            return _("so we were neither too optimistic nor too pessimistic")
        pattern = _("so we were too optimistic by {points}") if gap > 0 else _("so we were too pessimistic by {points}")
        return pattern.format(points=points(abs(gap), self.view.language, 0))

    def _none(self) -> Fragment:
        _ = self.view._
        return parts.note(_("No forecast was wrong.") if len(self.cases) else _("There is nothing to compare yet."))

    @cached_property
    def _misses(self) -> list[tuple]:
        """Wrong forecasts as rows and the number of units of each: one common to all units of a target is one."""
        missed = self.cases[self.cases["missed"]]
        shared = missed["common"].eq(True).to_numpy(dtype=bool)
        rows = [(row, 1) for row in missed[~shared].itertuples(index=False)]
        for _key, mine in missed[shared].groupby(["target", "cutoff", "outcome"]):
            mean = mine[[*PARTS, "p_attain", "brier"]].mean()
            one = mine.head(1).assign(**mean, cause=mine["cause"].mode()[0])
            rows.append((next(one.itertuples(index=False)), len(mine)))
        return sorted(rows, key=lambda one: (-one[0].brier, one[0].unit, one[0].target))

    def misses(self) -> Fragment:
        """Every wrong forecast, the most confident first."""
        _, language = self.view._, self.view.language
        if not self._misses:
            return self._none()
        rows = [self._miss(row, n) for row, n in self._misses[:MAX_MISSES]]
        return tabled(
            _("Wrong forecasts: {k} of {n} shown, most confident first").format(
                k=number(len(rows), language), n=number(len(self._misses), language)
            ),
            [
                _("Unit"),
                _("Target"),
                _("Forecast with data up to"),
                _("Probability at the time"),
                _("Outcome"),
                _("Cause"),
            ],
            rows,
            class_="misses",
            cards=(),
        )

    def _miss(self, row, n_units: int) -> list[object]:
        _, language = self.view._, self.view.language
        together = _("{n} units together").format(n=number(n_units, language))
        return [
            parts.unit_link(self.view, row.unit, folder="") if n_units == 1 else together,
            self.view.target_name(row.target),
            period(row.cutoff, language),
            f"{percent(row.p_attain, language, 0)} ({say_chance(row.p_attain, language)})",
            _("met") if row.outcome > 0.5 else _("not met"),
            self._why(row),
        ]

    def _why(self, row) -> str:
        """The cause; where several count, each with its part of the error."""
        _, language = self.view._, self.view.language
        sizes = {cause: getattr(row, part) for cause, part in zip(CAUSES, PARTS)}
        counted = sorted((one for one in sizes if abs(sizes[one]) >= LEAST_POINTS), key=lambda one: -abs(sizes[one]))
        if len(counted) < 2:
            return word_of(CAUSES, row.cause, language) or "–"
        shown = [(_(CAUSES[one]), points(sizes[one], language, 0, signed=True)) for one in counted]
        return "; ".join(_("{cause}: {n}").format(cause=cause, n=size) for cause, size in shown)

    def causes(self) -> Fragment:
        """Wrong forecasts by their main cause; one common to all units counts once."""
        _, language = self.view._, self.view.language
        counts = Counter(row.cause for row, _n in self._misses)
        if not counts:
            return self._none()
        rows = [
            [word_of(CAUSES, cause, language) or "–", number(n, language), percent(n / counts.total(), language, 0)]
            for cause, n in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        ]
        caption, header = _("Wrong forecasts by cause"), [_("Cause"), _("Wrong forecasts"), _("Share")]
        return tabled(caption, header, rows, class_="causes", numeric={1, 2})

    def reliability(self) -> Fragment:
        """Said against seen, in classes of ten points."""
        if len(self.cases) < MIN_CASES:
            text = self.view._("Fewer than {n} past forecasts with a known outcome: a chart would be misleading.")
            return parts.note(text.format(n=number(MIN_CASES, self.view.language)))
        return reliability(self.view, binned(self.cases), key="own")

    def by_target(self) -> Fragment:
        """Record of every target with a known outcome."""
        _ = self.view._
        return self._record(self.cases, "target", self.view.target_name, _("Track record by target"), _("Target"))

    def by_horizon(self) -> Fragment:
        """Record by the number of periods between forecast and deadline."""
        _, show = self.view._, lambda ahead: number(ahead, self.view.language)
        cases = self.cases[self.cases["horizon"].notna()]
        return self._record(cases, "horizon", show, _("Track record by horizon"), _("Periods before the deadline"))

    def by_quarter(self) -> Fragment:
        """Record by the last period that the forecasts saw."""
        _, show = self.view._, lambda cutoff: period(cutoff, self.view.language)
        return self._record(self.cases, "cutoff", show, _("Track record by quarter"), _("Forecast with data up to"))

    def on_track(self) -> Fragment:
        """How many promises that were forecast on track were kept."""
        _, language = self.view._, self.view.language
        least = float(self.view.run.params.get("cut_points", {}).get("on_track", 0.8))
        called = self.cases[self.cases["p_attain"] >= least]
        if called.empty:
            return parts.note(_("No forecast that was on track has reached its deadline yet."))
        text = _("Of {n} targets forecast on track (probability of at least {least}), {k} were met: {share}.").format(
            n=number(len(called), language),
            least=percent(least, language, 0),
            k=number(called["outcome"].sum(), language),
            share=percent(called["outcome"].mean(), language, 0),
        )
        return Fragment(parts.sentence(text), "sentence", text)

    def early(self) -> Fragment:
        """Outcomes known before the deadline, apart: only one of the two sides can be known that early."""
        _ = self.view._
        caption = _("Outcomes known before the deadline, not part of the figures above")
        cases = plain(self.view.run.scorecard)
        cases = cases[cases["early"].eq(True).to_numpy(dtype=bool)]
        cases = cases.assign(missed=(cases["p_attain"] > 0.5) != (cases["outcome"] > 0.5))
        return self._record(cases, "target", self.view.target_name, caption, _("Target"))

    def _record(
        self, cases: pd.DataFrame, column: str, show: Callable[[Any], str], caption: str, header: str
    ) -> Fragment:
        """Number, wrong ones, means and score of cases, by a column."""
        _, language = self.view._, self.view.language
        if cases.empty:
            return parts.note(_("There is nothing to compare yet."))
        rows = [
            [
                show(value),
                number(len(mine), language),
                number(mine["missed"].sum(), language),
                percent(mine["p_attain"].mean(), language, 0),
                percent(mine["outcome"].mean(), language, 0),
                number(mine["brier"].mean(), language, 3),
            ]
            for value, mine in cases.groupby(column, sort=True)
        ]
        names = [_("Number of forecasts"), _("Wrong forecasts"), _("Average forecast"), _("Actually met")]
        names = [header, *names, _("Brier score")]
        return tabled(caption, names, rows, class_="record", cards=(), numeric={1, 2, 3, 4, 5})


def reliability(view: View, bins: pd.DataFrame, *, key: str, ranges: bool = False) -> Fragment:
    """Said against seen as a chart with its table; `bins` as from :func:`binned`, `ranges` in the table where asked."""
    _, language = view._, view.language
    off = float((bins["n"] * (bins["share"] - bins["mean_p"]).abs()).sum() / bins["n"].sum())
    headline = _("Forecast probabilities and actual shares differ by {gap} on average").format(
        gap=points(off, language)
    )
    subtitle = _(
        "past probabilities: {n}, groups: {k}; bar: 95% interval of the share; dot size: number of cases"
    ).format(n=number(bins["n"].sum(), language), k=number(len(bins), language))
    rows, show = [], lambda share: percent(share, language, 0)
    for row in bins.itertuples(index=False):
        between = [f"{show(row.share_lower)}–{show(row.share_upper)}"] if ranges else []
        rows.append([show(row.mean_p), show(row.share), *between, number(row.n, language)])
    data = table(
        _("Forecast probabilities and outcomes"),
        [_("Forecast (group average)"), _("Actually met"), *([_("95% interval")] if ranges else []), _("Cases")],
        rows,
        class_="data",
    )
    said = "; ".join(_("forecast {p}, actual {share}").format(p=row[0], share=row[1]) for row in rows)
    description = f"{subtitle}. {said}."
    drawn = charts.reliability(bins, language=language, key=key, title=headline, description=description)
    return parts.figure(view, drawn, data, said=(headline, subtitle), class_="single")


def binned(cases: pd.DataFrame) -> pd.DataFrame:
    """Said against seen in classes of ten points, with Wilson's 95 % bounds of the share.

    Columns ``mean_p, share, share_lower, share_upper, n``; one row a class that has cases.

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


scorecard_page = parts.opener(ScorecardPage)
