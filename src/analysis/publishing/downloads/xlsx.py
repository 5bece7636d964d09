"""The workbook of a run: cover, contents, one real table a sheet, as the Government Analysis Function asks.

Title in A1, what the sheet holds in A2 and A3, then one marked-up table with its header row frozen; no merged cell, no
empty cell (``[x]`` no figure, ``[z]`` does not apply), no formula. No clock: the document's dates are the last day of
the figures. Its language is the custom property "Language", the name Excel offers for it.

References
----------
Government Analysis Function, "Releasing statistics in spreadsheets".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np
import pandas as pd
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from analysis.briefing.flags import flag_word
from analysis.briefing.found import found_words
from analysis.briefing.locale import number, period
from analysis.briefing.view import View
from analysis.briefing.wording import reason_word, say_goal, status_word
from analysis.publishing.downloads.texts import LOCALES, document_date, each, in_cell, run_title, shown
from analysis.words.files import replacing

NO_FIGURE, DOES_NOT_APPLY = "[x]", "[z]"
HEADER_ROW = 5  # title, what it holds, how many rows, what was left out; then the header
MAX_ACROSS = 16  # columns that still can be read on one A4 page across
A4 = 9  # Excel's number of the paper size
COVER_WIDTH = 96
FONT = {"font_name": "Arial", "font_size": 11, "valign": "top"}
TEXT = FONT | {"num_format": "@"}  # keeps a text that looks like a formula a text when it is edited
BOLD, WRAPPED = {"bold": True}, {"text_wrap": True}
NUMBERS = {  # name -> Excel number format
    "percent": "0.0%",
    "probability": "0%",
    "whole": "#,##0",
    "decimal": "#,##0.0",
    "points": "0.0",
    "score": "0.000",
    "missing": "@",
}
STYLES = {
    **{name: FONT | {"num_format": code, "align": "right"} for name, code in NUMBERS.items()},
    "text": TEXT | {"align": "left", "indent": 1},  # a little in, so that it does not touch the number before it
    "title": TEXT | BOLD | {"font_size": 16},
    "note": TEXT,
    "header": TEXT | BOLD | WRAPPED | {"bg_color": "#E7ECF3"},
    "line": TEXT | WRAPPED,
    "heading": TEXT | BOLD | WRAPPED | {"font_size": 13},
    "banner": TEXT | BOLD | WRAPPED | {"bg_color": "#FFE699"},
    "link": TEXT | {"font_color": "#0B5394", "underline": 1},
}
Formats = Mapping[str, Format]


def write_workbook(view: View, path: Path) -> None:
    """Write the workbook of a run; the same run gives the same bytes. Raises OSError."""
    _, sheets = view._, build_sheets(view)
    with replacing(path) as part:
        workbook = Workbook(part)
        formats = {name: workbook.add_format(style) for name, style in STYLES.items()}
        workbook.set_properties(
            {
                "title": shown(run_title(view), limit=250),
                "author": "Cán Đích",
                "comments": _figures_up_to(view, shown(view.run.run_id)),
                "created": document_date(view),
            }
        )
        workbook.set_custom_property("Language", LOCALES[view.language])
        _cover(_new(workbook, _("Cover"), [COVER_WIDTH]), view, sheets, formats)
        contents = _contents(view, sheets)
        for sheet in (contents, *sheets):
            worksheet = _new(workbook, sheet.title, [column.width for column in sheet.columns])
            _write(worksheet, sheet, view, formats)
            if sheet is contents:
                for at, linked in enumerate(sheets, start=HEADER_ROW):
                    worksheet.write_url(at, 0, f"internal:'{linked.title}'!A1", formats["link"], linked.title)
        try:
            workbook.close()
        except FileCreateError as error:
            raise error.args[0] from None  # XlsxWriter wraps the OSError


def _figures_up_to(view: View, run_id: str) -> str:
    text = view._("Figures up to {period}. Run {run}.")
    return text.format(period=period(view.cutoff, view.language), run=run_id)


def _new(workbook: Workbook, title: str, widths: Sequence[int]) -> Worksheet:
    """Add a worksheet that prints across on A4."""
    worksheet = workbook.add_worksheet(title[:31])
    for at, width in enumerate(widths):
        worksheet.set_column(at, at, width)
    worksheet.hide_gridlines(2)
    worksheet.set_landscape()
    worksheet.set_paper(A4)
    if len(widths) <= MAX_ACROSS:  # more would be too small to read on one page: they run over several
        worksheet.fit_to_pages(1, 0)
    return worksheet


def _cover(worksheet: Worksheet, view: View, sheets: Sequence[Sheet], formats: Formats) -> None:
    """Title, banner where simulated, period, notes, sources: one line a cell in column A."""
    _ = view._
    lines = [("title", in_cell(run_title(view)))]
    if view.run.params.get("simulated"):
        lines.append(("banner", _("Simulated data, made up for demonstration. No figure here describes a real place.")))
    lines += [
        ("line", _figures_up_to(view, in_cell(view.run.run_id))),
        ("heading", _("How to read the sheets")),
        ("line", _("Each sheet has one table; its headings stay in view and state the units of measure.")),
        ("line", _("[x]: no figure is available. [z]: not applicable, or no content.")),
        ("line", _("Cells contain numbers at full precision; the format rounds only what is shown.")),
        ("line", _("No cell contains a formula. Text that begins like a formula is still text.")),
        (
            "line",
            _(
                "A probability is a forecast, not a commitment; a target with a known result has a status but no "
                "probability."
            ),
        ),
        *(("line", f"{sheet.title}: {_left_out(sheet, view)}") for sheet in sheets if sheet.n_left_out),
        ("heading", _("Sources")),
        *(("line", line) for line in _sources(view)),
        ("line", _("Made by Cán Đích")),
    ]
    for at, (style, text) in enumerate(lines):
        worksheet.set_row(at, 24 if style == "title" else 15.0 * math.ceil(len(text) / COVER_WIDTH) + 3)
        worksheet.write_string(at, 0, text, formats[style])


def _sources(view: View) -> list[str]:
    pattern = view._("{path} (SHA-256 begins with {digest})")
    lines = [
        in_cell(pattern.format(path=source["path"], digest=source["sha256"][:16]))
        for source in view.run.manifest.get("sources", ())
    ]
    return lines or [view._("No source file is recorded with this run.")]


def _contents(view: View, sheets: Sequence[Sheet]) -> Sheet:
    _ = view._
    columns = [
        Column(_("Sheet"), np.array([sheet.title for sheet in sheets], dtype=object), width=28),
        Column(_("Content"), np.array([sheet.about for sheet in sheets], dtype=object), width=90),
        Column(_("Rows (number)"), np.array([sheet.n_rows for sheet in sheets], dtype="float64"), "whole", 16),
    ]
    return Sheet("contents", _("Contents"), _("The sheets of this workbook; each name is a link."), columns)


def _write(worksheet: Worksheet, sheet: Sheet, view: View, formats: Formats) -> None:
    """Write title and notes, then the cells as a real table whose header is frozen and repeated on paper."""
    _ = view._
    worksheet.write_string(0, 0, sheet.title, formats["title"])
    worksheet.set_row(0, 24)
    worksheet.write_string(1, 0, sheet.about, formats["note"])
    if not sheet.n_rows:
        worksheet.write_string(2, 0, _("This run has no rows for this table."), formats["note"])
        return
    about_rows = _("This sheet has one table; rows: {n}. [x]: no figure; [z]: not applicable.")
    worksheet.write_string(2, 0, about_rows.format(n=number(sheet.n_rows, view.language)), formats["note"])
    worksheet.write_string(3, 0, _left_out(sheet, view) or _("Made by Cán Đích"), formats["note"])
    columns, header = sheet.columns, HEADER_ROW - 1
    table = {
        "name": sheet.code,
        "style": "Table Style Light 1",
        "title": sheet.title,  # alternative text for screen readers
        "description": sheet.about,
        "columns": [{"header": column.heading, "header_format": formats["header"]} for column in columns],
    }
    worksheet.add_table(header, 0, header + sheet.n_rows, len(columns) - 1, table)
    worksheet.set_row(header, _height(columns))
    for place, column in enumerate(columns):
        _fill(worksheet, place, column, formats)
    worksheet.freeze_panes(HEADER_ROW, 2 if len(columns) > 3 else 0)
    worksheet.repeat_rows(header)
    if len(columns) > MAX_ACROSS:
        worksheet.repeat_columns(0, 1)


def _left_out(sheet: Sheet, view: View) -> str:
    if not sheet.n_left_out:
        return ""
    text = view._("Rows that did not fit: {n}; the CSV and Parquet files have all rows.")
    return text.format(n=number(sheet.n_left_out, view.language))


def _height(columns: Sequence[Column]) -> float:
    """Height of the header in points, so that every heading is seen whole: Arial 11 bold takes 1.1 units a letter."""
    lines = max(math.ceil(1.1 * len(column.heading) / column.width) for column in columns)
    return 15.0 * min(lines, 8) + 3


def _fill(worksheet: Worksheet, place: int, column: Column, formats: Formats) -> None:
    """Write a column: text as text whatever it begins with, numbers as numbers, a mark where there is no value."""
    if column.values.dtype == object:
        for row, text in enumerate(column.values, start=HEADER_ROW):
            worksheet.write_string(row, place, text or DOES_NOT_APPLY, formats["text"])
        return
    kinds = repeat(column.formats) if isinstance(column.formats, str) else column.formats
    for row, (value, kind) in enumerate(zip(column.values.tolist(), kinds), start=HEADER_ROW):
        if math.isfinite(value):
            worksheet.write_number(row, place, value, formats[kind])
        else:
            worksheet.write_string(row, place, NO_FIGURE, formats["missing"])


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
            _("Past stretches of units of the same level that kept this pace (%)"),
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
        Column(_("Known before the deadline"), make.text(np.where(frame["early"].eq(True), _("yes"), "")), width=14),
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
