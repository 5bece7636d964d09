"""The forecast page: has this panel earned our probabilities? Says plainly where ours did not beat linear pace."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.briefing import method as methods
from analysis.briefing import parts
from analysis.briefing.charts import evidence as charts
from analysis.briefing.fragment import Fragment, table, tabled, tag
from analysis.briefing.locale import N_, number, percent
from analysis.briefing.scorecard import MIN_CASES, binned, reliability
from analysis.briefing.view import ALL_TARGETS, plain
from analysis.briefing.wording import list_of

SOON_ENOUGH = 8  # realised origins from which calibration carries its full form (docs/methods.md)
MODELS = {  # models of the evidence table in the order shown
    "ensemble": N_("ours"),
    "pace12": N_("linear pace, 12 periods"),
    "pace3": N_("linear pace, 3 periods"),
    "straight_line": N_("straight line"),
    "drift": N_("drift"),
    "naive": N_("no change"),
    "climatology": N_("base rate, known in hindsight"),
}


class ForecastPage(parts.Page):
    """The forecast page of a run; see :func:`forecast_page`."""

    NOTEBOOK = "forecast"
    TITLE = N_("Forecast and its track record")

    @cached_property
    def overall(self) -> pd.DataFrame:
        """Our overall row of every indicator that has a record, in the registry's order."""
        ours = self.view.evidence[self.view.evidence["slice_kind"] == "overall"]
        order = {code: at for at, code in enumerate(self.view.indicators)}
        return ours.sort_values("indicator", key=lambda codes: codes.map(order), kind="stable")

    def answer(self) -> Fragment:
        """Whether our probabilities beat linear pace here, and where they did not."""
        _, language = self.view._, self.view.language
        if self.overall.empty:
            return parts.answered(_("There is no track record yet: the data has no past deadline to test."))
        known = self.overall[self.overall["skill_pace"].notna()]
        worse = [self.view.indicator_name(code) for code in known.loc[known["skill_pace"] <= 0, "indicator"]]
        text = _(
            "At past deadlines, our probabilities had a smaller error than linear pace for {k} of {n} indicators"
        ).format(k=number(len(known) - len(worse), language), n=number(len(known), language))
        text += _("; this was not the case for {names}.").format(names=list_of(worse, language)) if worse else "."
        base = [self.view.indicator_name(code) for code in known.loc[known["skill_climatology"] <= 0, "indicator"]]
        if base:
            text += " " + _("Always forecasting the base rate would have been as good or better for {names}.").format(
                names=list_of(base, language)
            )
        pairs = [
            (_("median error reduction compared with linear pace"), percent(known["skill_pace"].median(), language, 0)),
            (
                _("coverage of the 80% intervals, average of the indicators"),
                percent(self.overall["coverage80"].mean(), language, 0),
            ),
            (_("past deadlines tested (J), fewest to most"), self._origins("n_origins")),
            (_("of these, with the figures of that time; the others with today's figures"), self._origins("n_then")),
        ]
        return parts.answered(text, parts.facts(pairs))

    def _origins(self, column: str) -> str:
        origins = self.overall[column].fillna(0)
        low, high = (number(one, self.view.language) for one in (origins.min(), origins.max()))
        return low if low == high else self.view._("{low} to {high}").format(low=low, high=high)

    def record(self) -> Fragment:
        """One row an indicator: error, skill, coverage, J, verdict."""
        html = methods.record_table(self.view, indicators=self.overall["indicator"].tolist())
        return Fragment(html, "table", self.view._("Track record by indicator"))

    def models(self) -> Fragment:
        """Ours compared with the simple methods: the error of every model's probabilities on the same cases."""
        _, language = self.view._, self.view.language
        table_ = plain(self.view.run.evidence)
        table_ = table_[(table_["slice_kind"] == "overall") & (table_["target"] == ALL_TARGETS)]
        models = [one for one in MODELS if one in set(table_["model"])]
        errors = {(row.indicator, row.model): row.brier for row in table_.itertuples(index=False)}
        if not models:
            return parts.note(_("There is no track record yet."))
        rows = []
        for code in self.overall["indicator"]:
            own = [errors.get((code, one), math.nan) for one in models]
            best = min((one for one in own if math.isfinite(one)), default=math.nan)
            shown = [number(one, language, 3) for one in own]
            cells = [tag("b", text) if one == best else text for one, text in zip(own, shown)]
            rows.append([self.view.indicator_name(code), *cells])
        header = [_("Indicator"), *[_(MODELS[one]) for one in models]]
        numeric = set(range(1, len(header)))
        return tabled(
            _(
                "Error of the probabilities (Brier score, 0 is perfect) on the same past cases; the smallest in each "
                "row is in bold"
            ),
            header,
            rows,
            class_="models",
            numeric=numeric,
            cards=(),
        )

    def reliability(self) -> Fragment:
        """Said against seen, over all indicators."""
        cases = self.view.scored  # the backtest's cases are not kept; our own past probabilities are
        if len(cases) < MIN_CASES:
            return parts.note(self.view._("There are too few past forecasts to compare with outcomes."))
        return reliability(self.view, binned(cases), key="rel", ranges=True)

    def skill_by_horizon(self) -> Fragment:
        """Error saved against linear pace, by how far ahead."""
        _, language = self.view._, self.view.language
        lines = self._lines()
        if not lines:
            return parts.note(_("There is no track record by horizon yet."))
        below = [self.view.indicator_name(code) for code, _h, skill in lines if np.nanmin(skill) <= 0]
        headline = (
            _("Not better than linear pace at one or more horizons: {names}").format(names=list_of(below, language))
            if below
            else _("Better than linear pace at every horizon tested")
        )
        subtitle = _("error reduction = 1 − Brier score / Brier score of linear pace, by periods ahead; 0% = no better")
        steps = sorted({int(one) for _code, horizon, _s in lines for one in horizon})
        rows = []
        for code, horizon, skill in lines:
            at = dict(zip(horizon.astype(int).tolist(), skill.tolist()))
            rows.append([self.view.indicator_name(code), *[percent(at.get(one), language, 0) for one in steps]])
        data = table(
            _("Error reduction compared with linear pace, by periods ahead"),
            [_("Indicator"), *[number(one, language) for one in steps]],
            rows,
            class_="data",
        )
        drawn = charts.skill_by_horizon(
            [(self.view.indicator_name(code), horizon, skill) for code, horizon, skill in lines],
            language=language,
            key="skill",
            title=headline,
            description=f"{subtitle}. " + "; ".join(f"{row[0]}: {row[1]}, {row[-1]}" for row in rows),
        )
        return parts.figure(self.view, drawn, data, said=(headline, subtitle), class_="single")

    def _lines(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        ours = self.view.evidence[self.view.evidence["slice_kind"] == "horizon"]
        ours = ours[ours["skill_pace"].notna()]
        lines = []
        for code in self.view.indicators:
            mine = ours[ours["indicator"] == code]
            mine = mine.assign(horizon=mine["slice"].astype(float)).sort_values("horizon")
            if len(mine):
                lines.append((code, mine["horizon"].to_numpy(), mine["skill_pace"].to_numpy()))
        return lines

    def coverage(self) -> Fragment:
        """How often the 80 and 95 % bands held, with the bias."""
        _, language = self.view._, self.view.language
        if self.overall.empty:
            return self.record()
        low = self.overall[self.overall["coverage80"] < 0.75]
        text = (
            _("The 80% intervals were too narrow for {names}.").format(
                names=list_of([self.view.indicator_name(one) for one in low["indicator"]], language)
            )
            if len(low)
            else _("The 80% intervals were right at least 75% of the time for every indicator.")
        )
        rows = [
            [
                self.view.indicator_name(row.indicator),
                percent(row.coverage80, language, 0),
                percent(row.coverage95, language, 0),
                number(row.slope, language, 2),
                percent(row.ece, language, 1),
                number(row.n_cases, language),
            ]
            for row in self.overall.itertuples(index=False)
        ]
        return Fragment(
            parts.sentence(text)
            + table(
                _(
                    "How often the intervals were right at past deadlines; a slope of 1 is right, "
                    "below 1 is overconfident"
                ),
                [
                    _("Indicator"),
                    _("80% interval coverage"),
                    _("95% interval coverage"),
                    _("Calibration slope"),
                    _("Calibration error (ECE)"),
                    _("Cases"),
                ],
                rows,
                class_="record",
                cards=(),
                numeric={1, 2, 3, 4, 5},
            ),
            "table",
            text,
        )

    def limits(self) -> Fragment:
        """How far the evidence reaches: J a panel, and what that means."""
        _, language = self.view._, self.view.language
        few = [
            row.indicator
            for row in self.overall.itertuples(index=False)
            if math.isfinite(row.n_origins) and row.n_origins < SOON_ENOUGH
        ]
        text = _(
            "Units share shocks, so a thousand cases with the same deadline count as one: J is the number of past "
            "deadlines that do not overlap. With fewer than {j} deadlines, the correction by past errors is only "
            "partly reliable; here this applies to {k} of {n} indicators."
        ).format(j=number(SOON_ENOUGH, language), k=number(len(few), language), n=number(len(self.overall), language))
        return Fragment(parts.sentence(text), "note", text)

    def method(self) -> Fragment:
        """The method in five sentences."""
        return methods.sentences(self.view)


forecast_page = parts.opener(ForecastPage)
