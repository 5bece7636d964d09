"""The one-page report as a Word document in the form of Decree 30/2020/NĐ-CP: a draft for an office to sign.

A4, margins 20 mm above and below, 30 mm left, 20 mm right; Times New Roman; the motto, authority, number, place and
date, kind of document and summary, body, recipients and signature in their places and sizes. What only the office
knows (its name, number, place, date, signatory) stands in square brackets or dots: the program has no clock and signs
nothing. Every part is a named style, the language is set, and the same run gives the same bytes.

References
----------
Decree 30/2020/NĐ-CP of 5 March 2020 on clerical work, appendix I.
"""

from __future__ import annotations

import io
import re
import zipfile
from functools import lru_cache
from pathlib import Path

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from analysis.briefing.view import View
from analysis.publishing.downloads.files import write_zip
from analysis.publishing.downloads.phrases import LOCALES, words
from analysis.publishing.downloads.report import Report, Section, build_report
from analysis.publishing.downloads.xlsx import stamp_of

FONT = "Times New Roman"
TEXT_WIDTH = Mm(160)  # A4 less the margins of 30 and 20 mm
MARGINS = {"top_margin": Mm(20), "bottom_margin": Mm(20), "left_margin": Mm(30), "right_margin": Mm(20)}
LEFT, CENTRE, BOTH = WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.JUSTIFY
# name: (size, bold, italic, alignment, points before, points after); sizes from appendix I, part II and its table
STYLES = {
    "NĐ30 Quốc hiệu": (12, True, False, CENTRE, 0, 0),
    "NĐ30 Tiêu ngữ": (13, True, False, CENTRE, 0, 0),
    "NĐ30 Cơ quan chủ quản": (12, False, False, CENTRE, 0, 0),
    "NĐ30 Cơ quan ban hành": (12, True, False, CENTRE, 0, 0),
    "NĐ30 Kẻ": (2, False, False, CENTRE, 0, 4),
    "NĐ30 Số": (13, False, False, CENTRE, 0, 0),
    "NĐ30 Địa danh": (13, False, True, CENTRE, 0, 0),
    "NĐ30 Tên loại": (14, True, False, CENTRE, 6, 0),
    "NĐ30 Trích yếu": (13, True, False, CENTRE, 0, 0),
    "NĐ30 Cảnh báo": (13, True, False, CENTRE, 4, 6),
    "NĐ30 Đề mục": (13, True, False, LEFT, 0, 6),
    "NĐ30 Nội dung": (13, False, False, BOTH, 0, 6),
    "NĐ30 Gạch đầu dòng": (13, False, False, BOTH, 0, 6),
    "NĐ30 Bảng": (11, False, False, LEFT, 0, 0),
    "NĐ30 Nơi nhận": (12, True, True, LEFT, 6, 0),
    "NĐ30 Danh sách nơi nhận": (11, False, False, LEFT, 0, 0),
    "NĐ30 Chức vụ": (13, True, False, CENTRE, 6, 0),
    "NĐ30 Chữ ký": (13, False, True, CENTRE, 10, 10),
    "NĐ30 Họ tên": (13, True, False, CENTRE, 0, 0),
}
STYLE_IDS = {name: f"ND30-{at}" for at, name in enumerate(STYLES, start=1)}
OUTLINE = {"NĐ30 Tên loại": "Heading 1", "NĐ30 Đề mục": "Heading 2"}  # what a screen reader walks by
COLUMNS = (Mm(47), Mm(33), Mm(20), Mm(33), Mm(27))  # of the table of targets, together 160 mm
_FIRST = ("[Content_Types].xml", "_rels/.rels")
_CORE = "docProps/core.xml"
_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def write_report(view: View, path: Path, *, unit: str | None = None) -> Path:
    """Write the one-page report of a unit (default: the unit of the overview).

    Parameters
    ----------
    view : View
        The run in one language.
    path : Path
    unit : str, optional

    Raises
    ------
    DataError
        When the run has no such unit.
    OSError
        When it cannot be written.
    """
    report = build_report(view, unit=unit)
    document = Document(io.BytesIO(_template(view.language)))
    _head(document, report)
    for at, section in enumerate(report.sections):
        _section(document, section, after_table=at > 0 and bool(report.sections[at - 1].table))
    _add(document, report.note, "NĐ30 Nội dung")
    _foot(document, report)
    properties = document.core_properties
    properties.title, properties.language, properties.author = report.title, LOCALES[view.language], "Cán Đích"
    properties.comments, properties.last_modified_by = report.period, "Cán Đích"
    return write_zip(path, _members(document, language=view.language, stamp=stamp_of(view)), first=_FIRST)


@lru_cache(maxsize=4)
def _template(language: str) -> bytes:
    """An empty document with page, styles and language: made once, opened for every report."""
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    for name, value in MARGINS.items():
        setattr(section, name, value)
    section.header_distance = Mm(10)
    section.different_first_page_header_footer = True  # appendix I: the number of the first page is not shown
    _page_number(section.header.paragraphs[0])
    _language(document, LOCALES[language])
    for name, (size, bold, italic, align, before, after) in STYLES.items():
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.element.styleId = STYLE_IDS[name]
        style.base_style = document.styles[OUTLINE.get(name, "Normal")]
        _font(style, size=size, bold=bold, italic=italic)
        format_ = style.paragraph_format
        format_.alignment, format_.space_before, format_.space_after = align, Pt(before), Pt(after)
        format_.line_spacing, format_.keep_with_next = 1.0, name == "NĐ30 Đề mục"
    document.styles["NĐ30 Nội dung"].paragraph_format.first_line_indent = Mm(10)  # 1 cm or 1.27 cm
    document.styles["NĐ30 Gạch đầu dòng"].paragraph_format.first_line_indent = Mm(10)
    _frame(document.styles["NĐ30 Cảnh báo"].element.get_or_add_pPr())
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _font(style, *, size: float, bold: bool, italic: bool) -> None:
    style.font.name, style.font.size = FONT, Pt(size)
    style.font.bold, style.font.italic, style.font.color.rgb = bold, italic, RGBColor(0, 0, 0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)  # a theme font would win over the named one
    for name in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(name), FONT)


def _language(document: DocumentObject, code: str) -> None:
    """Say in the defaults, the base style and the settings what language the text is in."""
    _font(document.styles["Normal"], size=13, bold=False, italic=False)
    defaults = document.styles.element.find(qn("w:docDefaults")).find(qn("w:rPrDefault")).find(qn("w:rPr"))
    for parent in (defaults, document.styles["Normal"].element.get_or_add_rPr()):
        for old in parent.findall(qn("w:lang")):
            parent.remove(old)
        parent.append(_element("w:lang", val=code, eastAsia=code, bidi="ar-SA"))


def _element(tag: str, **attributes: object):
    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), str(value))
    return element


def _page_number(paragraph: Paragraph) -> None:
    """A page number in the middle of the top margin, size 13."""
    paragraph.alignment = CENTRE
    run = paragraph.add_run()
    run.font.name, run.font.size = FONT, Pt(13)
    for kind, text in (("begin", ""), ("", " PAGE "), ("end", "")):
        element = _element("w:fldChar", fldCharType=kind) if kind else OxmlElement("w:instrText")
        element.text = text or None
        run._r.append(element)


def _head(document: DocumentObject, report: Report) -> None:
    """Authority and number on the left; motto, place and date on the right; then the kind and the summary."""
    _ = words(report.language)
    table = _layout(document, (Mm(66), Mm(94)))
    left, right = table.rows[0].cells
    _say(left, _("[SUPERIOR AUTHORITY]"), "NĐ30 Cơ quan chủ quản", first=True)
    _say(left, _("[ISSUING AUTHORITY]"), "NĐ30 Cơ quan ban hành")
    _rule(left, width=Mm(66), line=Mm(22))  # a third to a half of the line above
    _say(left, _("No.: ......./BC-......."), "NĐ30 Số")
    _say(left, _("DRAFT"), "NĐ30 Chức vụ").paragraph_format.space_before = Pt(0)
    _say(right, _("SOCIALIST REPUBLIC OF VIET NAM"), "NĐ30 Quốc hiệu", first=True)
    _say(right, _("Independence - Freedom - Happiness"), "NĐ30 Tiêu ngữ")
    _rule(right, width=Mm(94), line=Mm(56))  # as long as the line above
    _say(right, _("[Place], ...... (day) ...... (month) ...... (year)"), "NĐ30 Địa danh")
    _add(document, _("REPORT"), "NĐ30 Tên loại")
    _add(document, report.title, "NĐ30 Trích yếu")
    _add(document, f"({report.period})", "NĐ30 Trích yếu")
    _rule(document, width=TEXT_WIDTH, line=Mm(50))
    if report.simulated:
        _add(document, _("Simulated data: no figure here describes a real place."), "NĐ30 Cảnh báo")


def _foot(document: DocumentObject, report: Report) -> None:
    """Recipients on the left, the signatory's place on the right."""
    _ = words(report.language)
    left, right = _layout(document, (Mm(58), Mm(102))).rows[0].cells
    _say(left, _("Recipients:"), "NĐ30 Nơi nhận", first=True)
    for line in (_("- [As above];"), _("- Filed: clerical office.")):
        _say(left, line, "NĐ30 Danh sách nơi nhận")
    _say(right, _("[AUTHORITY AND POST OF THE SIGNATORY]"), "NĐ30 Chức vụ", first=True)
    _say(right, _("[Signature and seal]"), "NĐ30 Chữ ký")
    _say(right, _("[Full name]"), "NĐ30 Họ tên")


def _section(document: DocumentObject, section: Section, *, after_table: bool) -> None:
    heading = _add(document, section.heading, "NĐ30 Đề mục")
    if after_table:  # a table has no space of its own below it
        heading.paragraph_format.space_before = Pt(6)
    if section.table:
        _table(document, section)
    for text in section.sentences:
        _add(document, text, "NĐ30 Nội dung")
    for item in section.items:
        _add(document, f"- {item}", "NĐ30 Gạch đầu dòng")


def _table(document: DocumentObject, section: Section) -> None:
    """A real table: bordered, its header row marked and repeated, described for screen readers, nothing merged."""
    table = document.add_table(rows=len(section.table), cols=len(section.table[0]))
    table.style = document.styles["Table Grid"]
    _widths(table, COLUMNS)
    properties = table._tbl.tblPr
    properties.append(_element("w:tblCaption", val=section.caption))
    properties.append(_element("w:tblDescription", val=section.caption))
    for at, (row, cells) in enumerate(zip(table.rows, section.table)):
        row._tr.get_or_add_trPr().append(_element("w:cantSplit"))
        if at == 0:
            row._tr.trPr.append(_element("w:tblHeader"))
        for cell, text in zip(row.cells, cells):
            paragraph = _say(cell, text, "NĐ30 Bảng", first=True)
            if at == 0:
                paragraph.runs[0].font.bold = True


def _layout(document: DocumentObject, widths: tuple[Mm, ...]) -> Table:
    """A row without borders, for parts that stand side by side."""
    table = document.add_table(rows=1, cols=len(widths))
    _widths(table, widths)
    table.rows[0]._tr.get_or_add_trPr().append(_element("w:cantSplit"))  # a name never without its post above it
    return table


def _widths(table: Table, widths: tuple[Mm, ...]) -> None:
    """Fixed widths, in the grid (LibreOffice reads that) and in every cell (Word reads that)."""
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for column, width in zip(table.columns, widths):
        column.width = width
    for row in table.rows:
        for cell, width in zip(row.cells, widths):
            cell.width = width


def _say(cell: _Cell, text: str, style: str, *, first: bool = False) -> Paragraph:
    """A paragraph in a cell; the first one uses the empty paragraph that every cell has."""
    paragraph = cell.paragraphs[0] if first else cell.add_paragraph()
    paragraph._p.style = STYLE_IDS[style]  # by its id: python-docx looks every name up through all 180 styles
    paragraph.add_run(text)
    return paragraph


def _add(place: _Cell | DocumentObject, text: str, style: str) -> Paragraph:
    """A paragraph at the end of the document or of a cell."""
    paragraph = place.add_paragraph(text)
    paragraph._p.style = STYLE_IDS[style]
    return paragraph


def _rule(place: _Cell | DocumentObject, *, width: int, line: int) -> None:
    """A solid line of length `line` in the middle of `width`."""
    paragraph = _add(place, "", "NĐ30 Kẻ")
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = int((width - line) / 2)
    borders = OxmlElement("w:pBdr")
    borders.append(_element("w:bottom", val="single", sz=6, space=1, color="000000"))
    paragraph._p.get_or_add_pPr().append(borders)


def _frame(properties) -> None:
    """A frame around a paragraph: the notice that figures are simulated is not to be overlooked."""
    borders = OxmlElement("w:pBdr")
    for side in ("top", "left", "bottom", "right"):
        borders.append(_element(f"w:{side}", val="single", sz=8, space=2, color="000000"))
    properties.append(borders)


def _members(document: DocumentObject, *, language: str, stamp: str) -> dict[str, bytes]:
    """The parts of the document, those that a report changes in place of the template's, with the clock taken out."""
    parts = dict(_template_parts(language))
    for part in document.part.package.iter_parts():
        parts[str(part.partname).lstrip("/")] = part.blob
    parts[_CORE] = _STAMP.sub(lambda one: one[1] + stamp.encode() + one[2], parts[_CORE])
    return parts


@lru_cache(maxsize=4)
def _template_parts(language: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(_template(language))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
