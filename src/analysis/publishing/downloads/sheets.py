"""What stands in each worksheet: columns with headings in the language, real numbers, a format for every cell.

A sheet is data only; :mod:`analysis.publishing.downloads.xlsx` writes it. Rates stay fractions and are shown as per
cent; differences of rates are turned into percentage points, since "5 %" of a rate would say something else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.briefing.flags import flag_word
from analysis.briefing.found import found_words
from analysis.briefing.locale import period
from analysis.briefing.view import View
from analysis.briefing.wording import reason_word, say_goal, status_word
from analysis.publishing.downloads.phrases import words
from analysis.publishing.downloads.texts import each, in_cell

MAX_ROWS = 100_000  # of a sheet; more makes a workbook that an office PC cannot open comfortably
VALUE_FORMATS = {"rate": "percent", "count": "whole", "level": "decimal", "rank": "whole"}
GAP_FORMATS = {"rate": "points", "count": "decimal", "level": "decimal", "rank": "decimal"}


@dataclass(frozen=True)
class Column:
    """One column: heading, values (str or float; NaN and "" are missing), a format name or one for every row."""

    heading: str
    values: Sequence
    formats: str | Sequence[str] = "text"
    width: int = 14


@dataclass(frozen=True)
class Sheet:
    """One worksheet with one table.

    Parameters
    ----------
    code : str
        Name of the table, ASCII: ``"assessments"``.
    title : str
        Name of the tab, at most 31 characters.
    about : str
        What the table holds, one sentence; stands above it.
    columns : list of Column
    n_left_out : int
        Rows that were left out because the sheet would be too long.
    """

    code: str
    title: str
    about: str
    columns: list[Column] = field(default_factory=list)
    n_left_out: int = 0

    @property
    def n_rows(self) -> int:
        """Rows of data."""
        return len(self.columns[0].values) if self.columns else 0


def build_sheets(view: View) -> list[Sheet]:
    """Every worksheet of a run, in the order of the workbook.

    Parameters
    ----------
    view : View
        The run in one language.

    Returns
    -------
    list of Sheet
        Assessments, forecasts, observations, targets, quality, scorecard, evidence; empty ones stay in, with 0 rows.
    """
    return [
        make(_Maker(view))
        for make in (_assessments, _forecasts, _observations, _targets, _quality, _scorecard, _evidence)
    ]


class _Maker:
    """Lookups from codes to words, done once for every different code."""

    def __init__(self, view: View):
        self.view, self.language, self._ = view, view.language, words(view.language)

    def text(self, values: Sequence[str]) -> list[str]:
        return each(map(str, values), in_cell)

    def words(self, values: Sequence[str], word: Callable[[str], str]) -> list[str]:
        return each(map(str, values), lambda code: in_cell(word(code)) if code else "")

    def units(self, codes: Sequence[str]) -> list[Column]:
        _ = self._
        return [
            Column(_("Unit code"), self.text(codes), width=14),
            Column(_("Unit"), self.words(codes, self.view.name), width=34),
        ]

    def indicator(self, code: str) -> str:
        row = self.view.indicators.get(code)
        return (self.view.text(row, "name") if row is not None else "") or code

    def measure(self, code: str) -> str:
        row = self.view.indicators.get(code)
        return self.view.text(row, "unit") if row is not None else ""

    def kind(self, code: str) -> str:
        row = self.view.indicators.get(code)
        return row.kind if row is not None else "count"

    def formats(self, codes: Sequence[str], table: dict[str, str] = VALUE_FORMATS) -> list[str]:
        return each(codes, lambda code: table.get(self.kind(code), "decimal"))

    def period(self, code: str) -> str:
        return period(code, self.language, short=True)

    def gaps(self, values: pd.Series, codes: Sequence[str]) -> np.ndarray:
        """Differences: those of rates in percentage points."""
        rate = np.array(each(codes, self.kind)) == "rate"
        return np.where(rate, 100 * values.to_numpy("float64"), values.to_numpy("float64"))


def _assessments(make: _Maker) -> Sheet:
    _, view, frame = make._, make.view, make.view.run.assessments
    codes = frame["indicator"].tolist()
    ranked = (frame["kind"] == "rank_le").tolist()  # counted in places, whatever the indicator is measured in
    value = ["whole" if rank else one for rank, one in zip(ranked, make.formats(codes))]
    gap = ["whole" if rank else one for rank, one in zip(ranked, make.formats(codes, GAP_FORMATS))]
    measure = [_("place") if rank else one for rank, one in zip(ranked, make.words(codes, make.measure))]
    number = lambda name: frame[name].to_numpy("float64", na_value=np.nan)
    chance = np.where(frame["settled"].to_numpy(bool), np.nan, number("p_attain"))
    goals = [
        in_cell(say_goal(row, view.indicators.get(row.indicator), view.language, view.targets.get(row.target)))
        for row in frame.itertuples(index=False)
    ]
    owner = lambda code: view.targets[code].owner if code in view.targets else ""
    status = lambda code: status_word(code, view.language)
    reason = lambda code: reason_word(code, view.language)
    columns = [
        *make.units(frame["unit"].tolist()),
        Column(_("Target code"), make.text(frame["target"]), width=16),
        Column(_("Target"), make.words(frame["target"], view.target_name), width=60),
        Column(_("What is promised"), goals, width=42),
        Column(_("Status"), make.words(frame["status"], status), width=24),
        Column(_("Probability of reaching it (%)"), chance, "probability", 16),
        Column(_("Grade of evidence (A much, D too little)"), make.text(frame["grade"]), width=16),
        Column(_("Value now (unit of measure beside it)"), number("current"), value, 16),
        Column(_("Unit of measure"), measure, width=14),
        Column(_("Period of the value now"), make.words(frame["current_period"], make.period), width=14),
        Column(_("Target value (unit of measure beside)"), number("threshold"), value, 16),
        Column(_("Deadline"), make.words(frame["deadline"], make.period), width=12),
        Column(_("Gap to the target (rates: percentage points)"), make.gaps(frame["gap"], codes), gap, 18),
        Column(_("Gap to the target in cases"), number("gap_cases"), "whole", 14),
        Column(_("Forecast at the deadline, median"), number("predicted_median"), value, 16),
        Column(_("Forecast, 80% interval, lower"), number("lower80"), value, 16),
        Column(_("Forecast, 80% interval, upper"), number("upper80"), value, 16),
        Column(_("Pace needed a period (rates: percentage points)"), make.gaps(frame["required_pace"], codes), gap, 18),
        Column(_("Pace kept a period (rates: percentage points)"), make.gaps(frame["actual_pace"], codes), gap, 18),
        Column(_("Past spells of all units that kept such a pace (%)"), number("pace_percentile"), "probability", 18),
        Column(_("Sub-units (number)"), number("n_sub_units"), "whole", 12),
        Column(_("Sub-units on track (number)"), number("n_sub_on_track"), "whole", 14),
        Column(_("Status a quarter ago"), make.words(frame["previous_status"], status), width=24),
        Column(_("Probability a quarter ago (%)"), number("previous_p"), "probability", 16),
        Column(_("Reason where it cannot be assessed"), make.words(frame["reason"], reason), width=30),
        Column(_("Lead"), make.words(frame["target"], owner), width=24),
    ]  # fmt: skip
    return Sheet(
        "assessments", _("Assessments"), _("Every unit and target: status, probability, gap and pace."), columns
    )


def _forecasts(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.forecasts
    index = ["unit", "indicator", "cutoff", "horizon", "period"]
    wide = frame.pivot(index=index, columns="quantile_level", values="predicted") if len(frame) else pd.DataFrame()
    keys, left_out = wide.index.to_frame(index=False) if len(wide) else pd.DataFrame(columns=index), 0
    if len(keys) > MAX_ROWS:
        keep = _first_whole(keys["horizon"].to_numpy("int64"))
        left_out, keys, wide = len(keys) - int(keep.sum()), keys[keep], wide[keep]
    codes = keys["indicator"].tolist()
    value = make.formats(codes)
    columns = [
        *make.units(keys["unit"].tolist()),
        Column(_("Indicator"), make.words(codes, make.indicator), width=40),
        Column(_("Unit of measure"), make.words(codes, make.measure), width=14),
        Column(_("Last period observed"), make.words(keys["cutoff"], make.period), width=14),
        Column(_("Period"), make.words(keys["period"], make.period), width=12),
        Column(_("Periods ahead (number)"), keys["horizon"].to_numpy("float64"), "whole", 12),
    ]
    columns += [
        Column(_level(level, _), wide[level].to_numpy("float64"), value, 16) for level in _middle_first(wide.columns)
    ]
    about = _(
        "Forecast of every unit and indicator: the median and the central intervals (unit of measure in its column)."
    )
    return Sheet("forecasts", _("Forecasts"), about, columns, left_out)


def _observations(make: _Maker) -> Sheet:
    _, frame, left_out = make._, make.view.run.observations, 0
    if len(frame) > MAX_ROWS:
        periods = frame["period"].to_numpy(str)
        newest = -np.unique(periods, return_inverse=True)[1]
        keep = _first_whole(newest)
        left_out, frame = len(frame) - int(keep.sum()), frame[keep]
    codes = frame["indicator"].tolist()
    flags = lambda text: ", ".join(flag_word(one, make.language) for one in text.replace(",", " ").split())
    columns = [
        *make.units(frame["unit"].tolist()),
        Column(_("Indicator"), make.words(codes, make.indicator), width=40),
        Column(_("Unit of measure"), make.words(codes, make.measure), width=14),
        Column(_("Period"), make.words(frame["period"], make.period), width=12),
        Column(_("Value (unit of measure beside)"), frame["value"].to_numpy("float64"), make.formats(codes), 16),
        Column(_("Numerator (number)"), frame["numerator"].to_numpy("float64"), "whole", 14),
        Column(_("Denominator (number)"), frame["denominator"].to_numpy("float64"), "whole", 14),
        Column(_("Marks"), make.words(frame["flags"], flags), width=30),
        Column(_("Known since"), make.text(frame["vintage"]), width=14),
    ]
    about = _("What was observed: every unit, indicator and period that the run used.")
    return Sheet("observations", _("Observations"), about, columns, left_out)


def _targets(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.targets.sort_values(["order", "target"], kind="stable")
    codes = frame["indicator"].tolist()
    columns = [
        Column(_("Target code"), make.text(frame["target"]), width=16),
        Column(_("Target"), make.words(frame["target"], make.view.target_name), width=60),
        Column(_("Kind"), make.text(frame["kind"]), width=18),
        Column(_("Indicator"), make.words(codes, make.indicator), width=40),
        Column(_("Operator"), make.text(frame["operator"]), width=10),
        Column(
            _("Target value (unit of measure beside)"), frame["threshold"].to_numpy("float64"), make.formats(codes), 16
        ),
        Column(_("Unit of measure"), make.words(codes, make.measure), width=14),
        Column(_("Needed (number)"), frame["k"].to_numpy("float64"), "whole", 12),
        Column(_("Out of (number)"), frame["n"].to_numpy("float64"), "whole", 12),
        Column(_("Start"), make.words(frame["start"], make.period), width=12),
        Column(_("Deadline"), make.words(frame["deadline"], make.period), width=12),
        Column(_("Lead"), make.text(frame["owner"]), width=24),
        Column(_("Document"), make.text(frame["document"]), width=24),
        Column(_("Date of the document (year-month-day)"), make.text(frame["document_date"]), width=16),
        Column(_("Sentence that promises it"), make.text(frame["sentence"]), width=70),
        Column(_("Fields not in the text, inferred by us"), make.text(frame["inferred"]), width=24),
    ]
    return Sheet("targets", _("Registry of promises"), _("Every promise with the sentence that makes it."), columns)


def _quality(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.quality
    severity = {"error": _("Refused"), "warning": _("To be checked"), "info": _("Note")}
    columns = [
        *make.units(frame["unit"].tolist()),
        Column(_("Indicator"), make.words(frame["indicator"], make.indicator), width=40),
        Column(_("Period"), make.words(frame["period"], make.period), width=12),
        Column(_("Finding"), make.words(frame["flag"], lambda one: flag_word(one, make.language)), width=40),
        Column(_("Weight"), make.words(frame["severity"], lambda one: severity.get(one, one)), width=14),
        Column(_("Details"), make.text([found_words(make.view, row) for row in frame.itertuples()]), width=60),
        Column(_("Source"), make.text(frame["source"]), width=34),
    ]
    return Sheet("quality", _("Data quality"), _("What is wrong or doubtful in the data."), columns)


def _scorecard(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.scorecard
    columns = [
        *make.units(frame["unit"].tolist()),
        Column(_("Target"), make.words(frame["target"], make.view.target_name), width=60),
        Column(_("Last period observed"), make.words(frame["cutoff"], make.period), width=14),
        Column(_("Period judged"), make.words(frame["period"], make.period), width=14),
        Column(_("Probability we gave (%)"), frame["p_attain"].to_numpy("float64"), "probability", 14),
        Column(_("Outcome (1 reached, 0 not)"), frame["outcome"].to_numpy("float64"), "whole", 14),
        Column(_("Brier score (0 best, 1 worst)"), frame["brier"].to_numpy("float64"), "score", 14),
        Column(_("Cause of a miss"), make.text(frame["cause"]), width=20),
        Column(_("Published then, or computed again"), make.text(frame["origin"]), width=18),
    ]
    return Sheet("scorecard", _("Scorecard"), _("Our own earlier probabilities and what happened."), columns)


def _evidence(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.evidence
    numbers = [
        (_("Brier score (0 best, 1 worst)"), "brier", "score"),
        (_("Skill against the base rate (1 best)"), "skill_climatology", "score"),
        (_("Skill against the straight pace (1 best)"), "skill_pace", "score"),
        (_("Share inside the 80% interval (%)"), "coverage80", "percent"),
        (_("Share inside the 95% interval (%)"), "coverage95", "percent"),
        (_("Calibration error (fraction)"), "ece", "score"),
        (_("Calibration slope (1 best)"), "slope", "score"),
        (_("Bias, predicted minus observed (unit of the indicator)"), "bias", "score"),
        (_("Cases (number)"), "n_cases", "whole"),
        (_("Past cutoffs (number)"), "n_origins", "whole"),
    ]
    columns = [
        Column(_("Indicator"), make.words(frame["indicator"], make.indicator), width=40),
        Column(_("Target"), make.words(frame["target"], make.view.target_name), width=30),
        Column(_("Model"), make.text(frame["model"]), width=16),
        Column(_("Cut by"), make.text(frame["slice_kind"]), width=14),
        Column(_("Part"), make.text(frame["slice"]), width=14),
    ]
    columns += [Column(name, frame[one].to_numpy("float64", na_value=np.nan), kind, 16) for name, one, kind in numbers]
    about = _("How the forecasts did on these very series, asked again at past cutoffs.")
    return Sheet("evidence", _("Evidence"), about, columns)


def _first_whole(ranks: np.ndarray) -> np.ndarray:
    """Rows of the lowest ranks that fit a sheet, no rank cut in two; at least one rank."""
    values, counts = np.unique(ranks, return_counts=True)
    n_ranks = max(int((counts.cumsum() <= MAX_ROWS).sum()), 1)
    return ranks <= values[n_ranks - 1]


def _middle_first(levels: Sequence[float]) -> list[float]:
    """Quantile levels: the median, then each interval from the narrow to the wide, lower before upper."""
    return sorted(levels, key=lambda level: (round(abs(level - 0.5), 9), level))


def _level(level: float, _: Callable[[str], str]) -> str:
    if math.isclose(level, 0.5):
        return _("Median (unit of measure beside)")
    share = f"{100 * abs(2 * level - 1):.6g}%"
    return (_("{share} interval, lower") if level < 0.5 else _("{share} interval, upper")).format(share=share)
