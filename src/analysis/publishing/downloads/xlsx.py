"""The workbook of a run: cover, contents, one real table a sheet, as the Government Analysis Function asks.

Title in A1, what the sheet holds in A2 and A3, then one marked-up table with its header row frozen; no merged cell, no
empty cell (``[x]`` no figure, ``[z]`` does not apply), no formula. openpyxl makes the workbook with the first row of
every table; the rest of the rows are written straight into the sheet's XML with that row's styles, which is what
keeps 90,000 rows under two seconds. No clock: the document's dates are the last day of the figures.

References
----------
Government Analysis Function, "Releasing statistics in spreadsheets".
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

from analysis.briefing.locale import number, period
from analysis.briefing.view import View
from analysis.publishing.downloads.files import write_zip
from analysis.publishing.downloads.phrases import LOCALES, run_title, words
from analysis.publishing.downloads.sheets import Column, Sheet, build_sheets
from analysis.publishing.downloads.texts import in_cell, shown
from analysis.words.errors import DataError
from analysis.words.periods import last_day

NO_FIGURE, DOES_NOT_APPLY = "[x]", "[z]"
FONT = "Arial"
HEADER_ROW = 5  # title, what it holds, how many rows, what was left out; then the header
MAX_ACROSS = 16  # columns that still can be read on one A4 page across
FORMATS = {  # name -> Excel number format; "@" keeps a text that looks like a formula a text when it is edited
    "text": "@",
    "percent": "0.0%",
    "probability": "0%",
    "whole": "#,##0",
    "decimal": "#,##0.0",
    "points": "0.0",
    "score": "0.000",
    "missing": "@",
}
_CORE = "docProps/core.xml"
_FIRST = ("[Content_Types].xml", "_rels/.rels")
_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"')
_CLOSE = b"</sheetData>"
BLOCK = 20_000  # rows whose XML is laid out at once


def write_workbook(view: View, path: Path) -> Path:
    """Write the workbook of a run; the same run gives the same bytes.

    Parameters
    ----------
    view : View
        The run in one language.
    path : Path

    Raises
    ------
    OSError
        When it cannot be written.
    """
    sheets = build_sheets(view)
    workbook, rows = Workbook(), {}
    workbook.remove(workbook.active)
    _cover(workbook, view, sheets)
    _contents(workbook, view, sheets)
    for sheet in sheets:
        rows[sheet.title] = _sheet(workbook, sheet, view.language)
    _properties(workbook, view)
    return write_zip(path, _members(workbook, rows, stamp=stamp_of(view)), first=_FIRST, level=3)


def stamp_of(view: View) -> str:
    """The time written into documents: the last day of the figures, never the clock.

    Returns
    -------
    str
        ISO time with ``Z``; 1 January 1980 where the run states no period.
    """
    try:
        day = last_day(view.cutoff)
    except DataError:
        day = dt.date(1980, 1, 1)
    return f"{day.isoformat()}T00:00:00Z"


def _properties(workbook: Workbook, view: View) -> None:
    workbook.properties.title = shown(run_title(view.run.params, view.run.run_id, view.language), limit=250)
    workbook.properties.language = LOCALES[view.language]
    workbook.properties.creator = "Cán Đích"
    workbook.properties.description = words(view.language)("Figures up to {period}. Run {run}.").format(
        period=period(view.cutoff, view.language), run=shown(view.run.run_id)
    )


def _cover(workbook: Workbook, view: View, sheets: Sequence[Sheet]) -> None:
    """Title, banner where simulated, period, notes, sources: one line a cell in column A."""
    _ = words(view.language)
    sheet = _new(workbook, _("Cover"), [96])
    lines = [(in_cell(run_title(view.run.params, view.run.run_id, view.language)), "title")]
    if view.run.params.get("simulated"):
        lines.append((_("Simulated data, made up for demonstration. No figure here describes a real place."), "banner"))
    up_to = _("Figures up to {period}. Run {run}.")
    lines.append((up_to.format(period=period(view.cutoff, view.language), run=in_cell(view.run.run_id)), "text"))
    lines.append((_("How to read the sheets"), "heading"))
    lines += [
        (_(one), "text")
        for one in (
            "Each sheet has one table; its headings stay in view and carry the units of measure.",
            "[x] means: no figure is available. [z] means: does not apply, or nothing to say.",
            "Cells hold real numbers at full precision; the format rounds only what is shown.",
            "No cell holds a formula. A text that begins like one is text.",
            "A probability is a forecast, not a promise; settled targets carry a status and no probability.",
        )
    ]
    left_out = [one for one in sheets if one.n_left_out]
    lines += [(f"{one.title}: {_left_out(one, view.language)}", "text") for one in left_out]
    lines.append((_("Sources"), "heading"))
    lines += [(line, "text") for line in _sources(view)]
    lines.append((_("Made by Cán Đích"), "text"))
    for at, (text, style) in enumerate(lines, start=1):
        _put(sheet, at, 1, text, style=style)
        sheet.row_dimensions[at].height = 24 if style == "title" else 15.0 * math.ceil(len(text) / 96) + 3
        sheet.cell(at, 1).alignment = Alignment(wrap_text=True, vertical="top")


def _sources(view: View) -> list[str]:
    _ = words(view.language)
    said = view.run.manifest.get("sources") or []
    if isinstance(said, dict):
        said = [{"path": path, "sha256": digest} for path, digest in sorted(said.items())]
    pattern = _("{path} (SHA-256 begins with {digest})")
    lines = [
        in_cell(pattern.format(path=one.get("path", ""), digest=str(one.get("sha256", ""))[:16]))
        for one in said
        if isinstance(one, dict)
    ]
    return lines or [_("No source file is recorded with this run.")]


def _contents(workbook: Workbook, view: View, sheets: Sequence[Sheet]) -> None:
    """A table of the sheets, each name a link to its sheet."""
    _ = words(view.language)
    columns = [
        Column(_("Sheet"), [one.title for one in sheets], width=28),
        Column(_("What it holds"), [one.about for one in sheets], width=90),
        Column(_("Rows (number)"), [float(one.n_rows) for one in sheets], "whole", 16),
    ]
    contents = Sheet("contents", _("Contents"), _("The sheets of this workbook; each name is a link."), columns)
    _sheet(workbook, contents, view.language, spliced=False)
    sheet = workbook[contents.title]
    for at, one in enumerate(sheets, start=HEADER_ROW + 1):
        cell = sheet.cell(at, 1)
        cell.hyperlink = f"#'{one.title}'!A1"
        cell.font = Font(name=FONT, size=11, color="FF0B5394", underline="single")


def _sheet(workbook: Workbook, data: Sheet, language: str, *, spliced: bool = True) -> bytes:
    """Add one sheet; return the XML of the rows after the first."""
    _ = words(language)
    sheet = _new(workbook, data.title, [one.width for one in data.columns])
    _put(sheet, 1, 1, data.title, style="title")
    sheet.row_dimensions[1].height = 24
    _put(sheet, 2, 1, data.about, style="text")
    if not data.n_rows:
        _put(sheet, 3, 1, _("This run has no rows for this table."), style="text")
        return b""
    note = _("This sheet has one table with {n} rows. [x]: no figure; [z]: does not apply.")
    _put(sheet, 3, 1, note.format(n=number(data.n_rows, language)), style="text")
    _put(sheet, 4, 1, _left_out(data, language) or _("Made by Cán Đích"), style="text")
    for at, column in enumerate(data.columns, start=1):
        _put(sheet, HEADER_ROW, at, column.heading, style="header")
    sheet.row_dimensions[HEADER_ROW].height = _height(data.columns)
    styles = _row(sheet, data, 0)
    rest = range(1, data.n_rows)
    if not spliced:
        for at in rest:
            _row(sheet, data, at)
    _mark_up(sheet, data)
    return _rows_xml(data, styles) if spliced else b""


def _height(columns: Sequence[Column]) -> float:
    """Height of the header in points, so that every heading is seen whole: Arial 11 bold takes 1.1 units a letter."""
    lines = max(math.ceil(1.1 * len(one.heading) / one.width) for one in columns)
    return 15.0 * min(lines, 8) + 3


def _left_out(data: Sheet, language: str) -> str:
    if not data.n_left_out:
        return ""
    text = words(language)("{n} more rows did not fit; the CSV and Parquet files have them all.")
    return text.format(n=number(data.n_left_out, language))


def _mark_up(sheet: Worksheet, data: Sheet) -> None:
    """Make the cells a real table; freeze and repeat its header."""
    last = get_column_letter(len(data.columns))
    reference = f"A{HEADER_ROW}:{last}{HEADER_ROW + data.n_rows}"
    table = Table(displayName=data.code, ref=reference, autoFilter=AutoFilter(ref=reference))
    table.tableColumns = [TableColumn(id=at, name=one.heading) for at, one in enumerate(data.columns, start=1)]
    table.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=True)
    sheet.add_table(table)
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 3 if len(data.columns) > 3 else 1)
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
    if len(data.columns) > MAX_ACROSS:  # would be too small to read on one page: let it run over several
        sheet.sheet_properties.pageSetUpPr.fitToPage = False
        sheet.print_title_cols = "A:B"


def _new(workbook: Workbook, title: str, widths: Sequence[int]) -> Worksheet:
    sheet = workbook.create_sheet(title[:31])
    for at, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    return sheet


def _put(sheet: Worksheet, row: int, column: int, text: str, *, style: str) -> None:
    """Write one text as text, whatever it begins with."""
    cell = sheet.cell(row, column)
    cell.value = text
    cell.data_type = "s"
    cell.number_format = FORMATS["text"]
    cell.font = Font(name=FONT, size={"title": 16, "heading": 13}.get(style, 11), bold=style != "text")
    if style == "banner":
        cell.fill = PatternFill("solid", fgColor="FFFFE699")
    if style == "header":
        cell.fill = PatternFill("solid", fgColor="FFE7ECF3")
        cell.alignment = Alignment(wrap_text=True, vertical="top")


def _row(sheet: Worksheet, data: Sheet, at: int) -> dict[str, int]:
    """Write row `at` of the data through openpyxl; return the style number of every format the sheet uses."""
    row = HEADER_ROW + 1 + at
    for place, column in enumerate(data.columns, start=1):
        value, kind = column.values[at], _kind(column, at)
        cell = sheet.cell(row, place)
        missing = _missing(value)
        cell.value = missing or (value if isinstance(value, str) else float(value))
        cell.data_type = "s" if missing or isinstance(value, str) else "n"
        _dress(cell, "text" if isinstance(value, str) else "missing" if missing else kind)
    return _styles(sheet)


def _styles(sheet: Worksheet) -> dict[str, int]:
    """Register every format with the workbook; the cells used for it are not written."""
    aside, found = Worksheet(sheet.parent, "styles"), {}
    for at, kind in enumerate(FORMATS, start=1):
        cell = aside.cell(1, at)  # one each: openpyxl registers the style object itself, so it must not change later
        _dress(cell, kind)
        found[kind] = cell.style_id
    return found


def _dress(cell, kind: str) -> None:
    """Font, number format and side: text on the left a little in, so that it does not touch the number before it."""
    cell.font = Font(name=FONT, size=11)
    cell.number_format = FORMATS[kind]
    text = kind == "text"
    cell.alignment = Alignment(vertical="top", horizontal="left" if text else "right", indent=1 if text else 0)


def _kind(column: Column, at: int) -> str:
    return column.formats if isinstance(column.formats, str) else column.formats[at]


def _missing(value: object) -> str:
    """The mark that stands for a missing value, ``""`` where there is a value."""
    if isinstance(value, str):
        return "" if value else DOES_NOT_APPLY
    return "" if math.isfinite(value) else NO_FIGURE


def _rows_xml(data: Sheet, styles: dict[str, int]) -> bytes:
    """Rows from the second on, as SpreadsheetML: numbers as numbers, text as inline strings."""
    n = data.n_rows
    if n < 2:
        return b""
    return b"".join(_block_xml(data, styles, first=at, last=min(at + BLOCK, n)) for at in range(1, n, BLOCK))


def _block_xml(data: Sheet, styles: dict[str, int], *, first: int, last: int) -> bytes:
    """Rows `first` up to `last`: the pieces of a row joined by Arrow, whose buffer of all rows is the XML."""
    numbers = pa.array(map(str, range(HEADER_ROW + 1 + first, HEADER_ROW + 1 + last)), type=pa.string())
    pieces = ['<row r="', numbers, '">']
    for place, column in enumerate(data.columns, start=1):
        pieces += [f'<c r="{get_column_letter(place)}', numbers, '"', *_cells(column, styles, first=first, last=last)]
    rows = pc.binary_join_element_wise(*pieces, "</row>", "")
    return rows.buffers()[2].to_pybytes()


def _cells(column: Column, styles: dict[str, int], *, first: int, last: int) -> list[str | pa.Array]:
    """What follows the reference in the cells of a column, in pieces."""
    values = column.values[first:last]
    if isinstance(values[0], str):
        text = f' s="{styles["text"]}" t="inlineStr"><is><t xml:space="preserve">'
        return [text, _each(values, lambda one: escape(one or DOES_NOT_APPLY)), "</t></is></c>"]
    values = np.asarray(values, dtype="float64")
    finite = np.isfinite(values)
    told = pa.array(map(repr, values.tolist()), type=pa.string())
    if isinstance(column.formats, str):
        head = f' s="{styles[column.formats]}"><v>'
    else:
        head = _each(column.formats[first:last], lambda kind: f' s="{styles[kind]}"><v>')
    if finite.all():
        return [head, told, "</v></c>"]
    blank = f' s="{styles["missing"]}" t="inlineStr"><is><t>{NO_FIGURE}</t></is></c>'
    return [pc.if_else(pa.array(finite), pc.binary_join_element_wise(head, told, "</v></c>", ""), blank)]


def _each(values: Sequence[str], change: Callable[[str], str]) -> pa.Array:
    """A text made of every value, once for every different one."""
    codes, different = pd.factorize(np.array(values, dtype=object))
    return pa.array([change(one) for one in different], type=pa.string()).take(pa.array(codes))


def _members(workbook: Workbook, rows: dict[str, bytes], *, stamp: str) -> dict[str, bytes]:
    """The parts of the workbook as openpyxl makes them, with the rows put in and the clock taken out."""
    buffer = io.BytesIO()
    workbook.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[_CORE] = _STAMP.sub(lambda one: one[1] + stamp.encode() + one[3], parts[_CORE])
    for at, name in enumerate(workbook.sheetnames, start=1):
        more = rows.get(name)
        if more:
            part = f"xl/worksheets/sheet{at}.xml"
            table = next(iter(workbook[name].tables.values()))
            head, mark, tail = parts[part].rpartition(_CLOSE)
            head = _DIMENSION.sub(b'<dimension ref="A1:' + table.ref.split(":")[1].encode() + b'"', head, count=1)
            parts[part] = head + more + mark + tail
    return parts
