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
from collections.abc import Mapping, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from analysis.briefing.locale import number, period
from analysis.briefing.view import View
from analysis.publishing.downloads.sheets import Column, Sheet, build_sheets
from analysis.publishing.downloads.texts import LOCALES, document_date, in_cell, run_title, shown
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
