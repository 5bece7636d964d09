"""The content of each worksheet: columns with headings in the language, real numbers, a format for every cell.

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
from analysis.publishing.downloads.texts import each, in_cell

MAX_ROWS = 100_000  # of a sheet; more makes a workbook that an office PC cannot open comfortably
VALUE_FORMATS = {"rate": "percent", "count": "whole", "level": "decimal", "rank": "whole"}
GAP_FORMATS = {"rate": "points", "count": "decimal", "level": "decimal", "rank": "decimal"}


@dataclass(frozen=True)
class Column:
    """A column: heading, values (all text or all numbers; "" and NaN are missing), a format or one for every row."""

    heading: str
    values: np.ndarray
    formats: str | np.ndarray = "text"
    width: int = 14


@dataclass(frozen=True)
class Sheet:
    """One worksheet with one table: its ASCII code, the name of the tab, one sentence about it, its columns."""

    code: str
    title: str
    about: str
    columns: list[Column] = field(default_factory=list)
    n_left_out: int = 0  # rows left out because the sheet would be too long

    @property
    def n_rows(self) -> int:
        """Rows of data."""
        return len(self.columns[0].values) if self.columns else 0


def build_sheets(view: View) -> list[Sheet]:
    """Every worksheet of a run, in the order of the workbook; those without rows stay in."""
    makers = (_assessments, _forecasts, _observations, _targets, _quality, _scorecard, _evidence)
    return [make(_Maker(view)) for make in makers]


class _Maker:
    """Columns from codes: their words, formats and units of measure, found once for every different code."""

    def __init__(self, view: View):
        self.view, self.language = view, view.language
        self._ = view._

    def text(self, values: Sequence[str]) -> np.ndarray:
        return each(values, in_cell)

    def words(self, codes: Sequence[str], word: Callable[[str], str]) -> np.ndarray:
        return each(codes, lambda code: in_cell(word(code)) if code else "")

    def units(self, codes: Sequence[str]) -> list[Column]:
        _ = self._
        return [
            Column(_("Unit code"), self.text(codes), width=14),
            Column(_("Unit"), self.words(codes, self.view.name), width=34),
        ]

    def indicators(self, codes: Sequence[str]) -> Column:
        return Column(self._("Indicator"), self.words(codes, self._about("name", lambda code: code)), width=40)

    def measures(self, codes: Sequence[str]) -> Column:
        return Column(self._("Unit of measure"), self.words(codes, self._about("unit", lambda _code: "")), width=14)

    def _about(self, column: str, otherwise: Callable[[str], str]) -> Callable[[str], str]:
        """A text of an indicator by its code."""
        rows = self.view.indicators
        return lambda code: (self.view.text(rows[code], column) if code in rows else "") or otherwise(code)

    def targets(self, codes: Sequence[str], width: int = 60) -> Column:
        return Column(self._("Target"), self.words(codes, self.view.target_name), width=width)

    def periods(self, heading: str, codes: Sequence[str], width: int = 12) -> Column:
        return Column(heading, self.words(codes, lambda code: period(code, self.language, short=True)), width=width)

    def kinds(self, codes: Sequence[str]) -> np.ndarray:
        rows = self.view.indicators
        return each(codes, lambda code: rows[code].kind if code in rows else "count")

    def formats(self, codes: Sequence[str], table: dict[str, str] = VALUE_FORMATS) -> np.ndarray:
        return each(self.kinds(codes), lambda kind: table.get(kind, "decimal"))

    def gaps(self, values: pd.Series, codes: Sequence[str]) -> np.ndarray:
        """Differences: those of rates in percentage points."""
        return _numbers(values) * np.where(self.kinds(codes) == "rate", 100, 1)


def _numbers(values: pd.Series) -> np.ndarray:
    return values.to_numpy("float64", na_value=np.nan)


def _assessments(make: _Maker) -> Sheet:
    _, view, frame = make._, make.view, make.view.run.assessments
    codes = frame["indicator"]
    ranked = (frame["kind"] == "rank_le").to_numpy()  # counted in places, whatever the indicator is measured in
    value = np.where(ranked, "whole", make.formats(codes))
    gap = np.where(ranked, "whole", make.formats(codes, GAP_FORMATS))
    measure = np.where(ranked, _("rank"), make.measures(codes).values)
    chance = np.where(frame["settled"].to_numpy(bool), np.nan, _numbers(frame["p_attain"]))
    goals = [
        in_cell(say_goal(row, view.indicators.get(row.indicator), view.language, view.targets.get(row.target)))
        for row in frame.itertuples(index=False)
    ]
    owner = lambda code: view.targets[code].owner if code in view.targets else ""
    status = lambda code: status_word(code, view.language)
    reason = lambda code: reason_word(code, view.language)
    columns = [
        *make.units(frame["unit"]),
        Column(_("Target code"), make.text(frame["target"]), width=16),
        make.targets(frame["target"]),
        Column(_("Content of the commitment"), np.array(goals, dtype=object), width=42),
        Column(_("Status"), make.words(frame["status"], status), width=24),
        Column(_("Probability of meeting it (%)"), chance, "probability", 16),
        Column(_("Grade of evidence (A much, D too little)"), make.text(frame["grade"]), width=16),
        Column(_("Value now (unit of measure in the next column)"), _numbers(frame["current"]), value, 16),
        Column(_("Unit of measure"), measure, width=14),
        make.periods(_("Period of the value now"), frame["current_period"], 14),
        Column(_("Target value (unit of measure in the next column)"), _numbers(frame["threshold"]), value, 16),
        make.periods(_("Deadline"), frame["deadline"]),
        Column(_("Gap to the target (rates: percentage points)"), make.gaps(frame["gap"], codes), gap, 18),
        Column(_("Gap to the target in cases"), _numbers(frame["gap_cases"]), "whole", 14),
        Column(_("Forecast at the deadline, median"), _numbers(frame["predicted_median"]), value, 16),
        Column(_("Forecast, 80% interval, lower"), _numbers(frame["lower80"]), value, 16),
        Column(_("Forecast, 80% interval, upper"), _numbers(frame["upper80"]), value, 16),
        Column(
            _("Pace needed per period (rates: percentage points)"), make.gaps(frame["required_pace"], codes), gap, 18
        ),
        Column(_("Actual pace per period (rates: percentage points)"), make.gaps(frame["actual_pace"], codes), gap, 18),
        Column(
            _("Past stretches of all units that kept this pace (%)"),
            _numbers(frame["pace_percentile"]),
            "probability",
            18,
        ),
        Column(_("Sub-units (number)"), _numbers(frame["n_sub_units"]), "whole", 12),
        Column(_("Sub-units on track (number)"), _numbers(frame["n_sub_on_track"]), "whole", 14),
        Column(_("Status last quarter"), make.words(frame["previous_status"], status), width=24),
        Column(_("Probability last quarter (%)"), _numbers(frame["previous_p"]), "probability", 16),
        Column(_("Reason where it cannot be assessed"), make.words(frame["reason"], reason), width=30),
        Column(_("Lead"), make.words(frame["target"], owner), width=24),
    ]
    about = _("Every unit and target: status, probability, gap and pace.")
    return Sheet("assessments", _("Assessments"), about, columns)


def _forecasts(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.forecasts
    index = ["unit", "indicator", "cutoff", "horizon", "period"]
    wide = frame.pivot(index=index, columns="quantile_level", values="predicted") if len(frame) else pd.DataFrame()
    keys, left_out = wide.index.to_frame(index=False) if len(wide) else pd.DataFrame(columns=index), 0
    if len(keys) > MAX_ROWS:
        keep = _first_whole(keys["horizon"].to_numpy("int64"))
        left_out, keys, wide = len(keys) - int(keep.sum()), keys[keep], wide[keep]
    codes = keys["indicator"]
    value = make.formats(codes)
    columns = [
        *make.units(keys["unit"]),
        make.indicators(codes),
        make.measures(codes),
        make.periods(_("Last period observed"), keys["cutoff"], 14),
        make.periods(_("Period"), keys["period"]),
        Column(_("Periods ahead (number)"), _numbers(keys["horizon"]), "whole", 12),
    ]
    columns += [Column(_level(level, _), _numbers(wide[level]), value, 16) for level in _middle_first(wide.columns)]
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
    codes = frame["indicator"]
    flags = lambda text: ", ".join(flag_word(flag, make.language) for flag in text.replace(",", " ").split())
    columns = [
        *make.units(frame["unit"]),
        make.indicators(codes),
        make.measures(codes),
        make.periods(_("Period"), frame["period"]),
        Column(_("Value (unit of measure in the next column)"), _numbers(frame["value"]), make.formats(codes), 16),
        Column(_("Numerator (number)"), _numbers(frame["numerator"]), "whole", 14),
        Column(_("Denominator (number)"), _numbers(frame["denominator"]), "whole", 14),
        Column(_("Remarks on the figure"), make.words(frame["flags"], flags), width=30),
        Column(_("Known since data version"), make.text(frame["vintage"]), width=14),
    ]
    about = _("Figures used: every unit, indicator and period.")
    return Sheet("observations", _("Observations"), about, columns, left_out)


def _targets(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.targets.sort_values(["order", "target"], kind="stable")
    codes = frame["indicator"]
    columns = [
        Column(_("Target code"), make.text(frame["target"]), width=16),
        make.targets(frame["target"]),
        Column(_("Kind"), make.text(frame["kind"]), width=18),
        make.indicators(codes),
        Column(_("Operator"), make.text(frame["operator"]), width=10),
        Column(
            _("Target value (unit of measure in the next column)"),
            _numbers(frame["threshold"]),
            make.formats(codes),
            16,
        ),
        make.measures(codes),
        Column(_("Needed (number)"), _numbers(frame["k"]), "whole", 12),
        Column(_("Out of (number)"), _numbers(frame["n"]), "whole", 12),
        make.periods(_("Start"), frame["start"]),
        make.periods(_("Deadline"), frame["deadline"]),
        Column(_("Lead"), make.text(frame["owner"]), width=24),
        Column(_("Document"), make.text(frame["document"]), width=24),
        Column(_("Date of the document (year-month-day)"), make.text(frame["document_date"]), width=16),
        Column(_("Exact wording"), make.text(frame["sentence"]), width=70),
        Column(_("Details not in the text, inferred by us"), make.text(frame["inferred"]), width=24),
    ]
    return Sheet("targets", _("Register of commitments"), _("Every commitment with its exact wording."), columns)


def _quality(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.quality
    severity = {"error": _("Rejected"), "warning": _("To be checked"), "info": _("Note")}
    columns = [
        *make.units(frame["unit"]),
        make.indicators(frame["indicator"]),
        make.periods(_("Period"), frame["period"]),
        Column(_("Finding"), make.words(frame["flag"], lambda flag: flag_word(flag, make.language)), width=40),
        Column(_("Severity"), make.words(frame["severity"], lambda code: severity.get(code, code)), width=14),
        Column(_("Details"), make.text([found_words(make.view, row) for row in frame.itertuples()]), width=60),
        Column(_("Source"), make.text(frame["source"]), width=34),
    ]
    return Sheet("quality", _("Data quality"), _("What is wrong or needs checking in the data."), columns)


def _scorecard(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.scorecard
    columns = [
        *make.units(frame["unit"]),
        make.targets(frame["target"]),
        make.periods(_("Last period observed"), frame["cutoff"], 14),
        make.periods(_("Period compared"), frame["period"], 14),
        Column(_("Probability we gave (%)"), _numbers(frame["p_attain"]), "probability", 14),
        Column(_("Outcome (1 met, 0 not met)"), _numbers(frame["outcome"]), "whole", 14),
        Column(_("Brier score (0 best, 1 worst)"), _numbers(frame["brier"]), "score", 14),
        Column(_("Cause of a wrong forecast"), make.text(frame["cause"]), width=20),
        Column(_("Published at the time, or recomputed"), make.text(frame["origin"]), width=18),
    ]
    return Sheet("scorecard", _("Scorecard"), _("Our earlier probabilities and the actual outcomes."), columns)


def _evidence(make: _Maker) -> Sheet:
    _, frame = make._, make.view.run.evidence
    numbers = [
        (_("Brier score (0 best, 1 worst)"), "brier", "score"),
        (_("Skill compared with the base rate (1 best)"), "skill_climatology", "score"),
        (_("Skill compared with linear pace (1 best)"), "skill_pace", "score"),
        (_("Share inside the 80% interval (%)"), "coverage80", "percent"),
        (_("Share inside the 95% interval (%)"), "coverage95", "percent"),
        (_("Calibration error (fraction)"), "ece", "score"),
        (_("Calibration slope (1 best)"), "slope", "score"),
        (_("Bias, predicted minus observed (unit of the indicator)"), "bias", "score"),
        (_("Cases (number)"), "n_cases", "whole"),
        (_("Past cutoffs (number)"), "n_origins", "whole"),
    ]
    columns = [
        make.indicators(frame["indicator"]),
        make.targets(frame["target"], 30),
        Column(_("Model"), make.text(frame["model"]), width=16),
        Column(_("Grouped by"), make.text(frame["slice_kind"]), width=14),
        Column(_("Part"), make.text(frame["slice"]), width=14),
        *(Column(heading, _numbers(frame[name]), kind, 16) for heading, name, kind in numbers),
    ]
    about = _("How accurate the forecasts were on these series, recomputed at past cutoffs.")
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
        return _("Median (unit of measure in the next column)")
    share = f"{100 * abs(2 * level - 1):.6g}%"
    return (_("{share} interval, lower") if level < 0.5 else _("{share} interval, upper")).format(share=share)
