"""The one-page report as a Word document in the form of Decree 30/2020/NĐ-CP: a draft for an office to sign.

A4, margins 20 mm above and below, 30 mm left, 20 mm right; Times New Roman; the motto, authority, number, place and
date, kind of document and summary, body, recipients and signature in their places and sizes. What only the office
knows (its name, number, place, date, signatory) is in square brackets or dots: the program has no clock and signs
nothing. Every part is a named style, the language is set, and the same run gives the same bytes.

References
----------
Decree 30/2020/NĐ-CP of 5 March 2020 on clerical work, appendix I.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table
from docx.text.paragraph import Paragraph

from analysis.briefing.view import View
from analysis.publishing.downloads.archive import write_zip
from analysis.publishing.downloads.report import Section, build_report
from analysis.publishing.downloads.texts import LOCALES, document_date

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
BORDERS = {  # style -> sides, and what their lines look like
    "NĐ30 Kẻ": (("bottom",), {"val": "single", "sz": 6, "space": 1, "color": "000000"}),
    "NĐ30 Cảnh báo": (  # simulated figures are not to be overlooked
        ("top", "left", "bottom", "right"),
        {"val": "single", "sz": 8, "space": 2, "color": "000000"},
    ),
}
OUTLINE = {"NĐ30 Tên loại": "Heading 1", "NĐ30 Đề mục": "Heading 2"}  # what a screen reader walks by
INDENTED = ("NĐ30 Nội dung", "NĐ30 Gạch đầu dòng")
COLUMNS = (Mm(47), Mm(33), Mm(20), Mm(33), Mm(27))  # of the table of targets, together 160 mm


def write_report(view: View, path: Path) -> None:
    """Write the one-page report about the unit of the overview; the same run gives the same bytes. Raises OSError."""
    report = build_report(view)
    document = _blank(LOCALES[view.language])
    _head(document, view, title=report.title, figures=report.period)
    for at, section in enumerate(report.sections):
        _section(document, section, after_table=at > 0 and bool(report.sections[at - 1].table))
    document.add_paragraph(report.note, "NĐ30 Nội dung")
    _foot(document, view)
    for row in document.element.body.iter(qn("w:tr")):  # a name never without its post above it
        row.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    properties, date = document.core_properties, document_date(view)
    properties.title, properties.language, properties.comments = report.title, LOCALES[view.language], report.period
    properties.author = properties.last_modified_by = "Cán Đích"
    properties.created = properties.modified = date
    saved = io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as archive:  # python-docx dates the members by the clock
        write_zip({name: archive.read(name) for name in sorted(archive.namelist())}, path)


def _blank(locale: str) -> DocumentObject:
    """An empty document with page, styles and language."""
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    for name, value in MARGINS.items():
        setattr(section, name, value)
    section.header_distance = Mm(10)
    section.different_first_page_header_footer = True  # appendix I: the number of the first page is not shown
    _page_number(section.header.paragraphs[0])
    _font(document.styles["Normal"], size=13, bold=False, italic=False)
    for properties in (
        document.styles.element.find(".//" + qn("w:rPrDefault")).find(qn("w:rPr")),
        document.styles["Normal"].element.get_or_add_rPr(),
    ):
        for old in properties.findall(qn("w:lang")):
            properties.remove(old)
        properties.append(_element("w:lang", val=locale, eastAsia=locale, bidi="ar-SA"))
    for name, (size, bold, italic, align, before, after) in STYLES.items():
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = document.styles[OUTLINE.get(name, "Normal")]
        if name in BORDERS:
            style.element.get_or_add_pPr().append(_borders(*BORDERS[name]))
        _font(style, size=size, bold=bold, italic=italic)
        format_ = style.paragraph_format
        format_.alignment, format_.space_before, format_.space_after = align, Pt(before), Pt(after)
        format_.line_spacing, format_.keep_with_next = 1.0, name == "NĐ30 Đề mục"
        format_.first_line_indent = Mm(10) if name in INDENTED else None  # 1 cm or 1.27 cm
    return document


def _font(style, *, size: float, bold: bool, italic: bool) -> None:
    style.font.name, style.font.size = FONT, Pt(size)
    style.font.bold, style.font.italic, style.font.color.rgb = bold, italic, RGBColor(0, 0, 0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)  # a theme font would win over the named one
    for name in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(name), FONT)


def _element(tag: str, **attributes: object):
    return OxmlElement(tag, attrs={qn(f"w:{name}"): str(value) for name, value in attributes.items()})


def _borders(sides: Sequence[str], line: dict):
    borders = OxmlElement("w:pBdr")
    for side in sides:
        borders.append(_element(f"w:{side}", **line))
    return borders


def _page_number(paragraph: Paragraph) -> None:
    """A page number in the middle of the top margin, size 13."""
    paragraph.alignment = CENTRE
    font = paragraph.add_run().font
    font.name, font.size = FONT, Pt(13)
    instruction = OxmlElement("w:instrText")
    instruction.text = " PAGE "
    font.element.append(_element("w:fldChar", fldCharType="begin"))
    font.element.append(instruction)
    font.element.append(_element("w:fldChar", fldCharType="end"))


def _head(document: DocumentObject, view: View, *, title: str, figures: str) -> None:
    """Authority and number on the left; motto, place and date on the right; then the kind and the summary."""
    _ = view._
    left, right = _side_by_side(document, (Mm(66), Mm(94)))
    lines = _fill(
        left,
        ("NĐ30 Cơ quan chủ quản", _("[SUPERIOR AUTHORITY]")),
        ("NĐ30 Cơ quan ban hành", _("[ISSUING AUTHORITY]")),
        ("NĐ30 Kẻ", ""),
        ("NĐ30 Số", _("No.: ......./BC-.......")),
        ("NĐ30 Chức vụ", _("DRAFT")),
    )
    _shorten(lines[2], by=Mm(22))  # a third to a half of the line above
    lines[-1].paragraph_format.space_before = Pt(0)
    lines = _fill(
        right,
        ("NĐ30 Quốc hiệu", _("SOCIALIST REPUBLIC OF VIET NAM")),
        ("NĐ30 Tiêu ngữ", _("Independence - Freedom - Happiness")),
        ("NĐ30 Kẻ", ""),
        ("NĐ30 Địa danh", _("[Place], ...... (day) ...... (month) ...... (year)")),
    )
    _shorten(lines[2], by=Mm(19))  # as long as the line above
    document.add_paragraph(_("REPORT"), "NĐ30 Tên loại")
    document.add_paragraph(title, "NĐ30 Trích yếu")
    document.add_paragraph(f"({figures})", "NĐ30 Trích yếu")
    _shorten(document.add_paragraph("", "NĐ30 Kẻ"), by=Mm(55))
    if view.run.params.get("simulated"):
        document.add_paragraph(_("Simulated data: no figure here describes a real place."), "NĐ30 Cảnh báo")


def _foot(document: DocumentObject, view: View) -> None:
    """Recipients on the left, the signatory's place on the right."""
    _ = view._
    left, right = _side_by_side(document, (Mm(58), Mm(102)))
    _fill(
        left,
        ("NĐ30 Nơi nhận", _("Recipients:")),
        ("NĐ30 Danh sách nơi nhận", _("- [As above];")),
        ("NĐ30 Danh sách nơi nhận", _("- Filed: clerical office.")),
    )
    _fill(
        right,
        ("NĐ30 Chức vụ", _("[AUTHORITY AND POST OF THE SIGNATORY]")),
        ("NĐ30 Chữ ký", _("[Signature and seal]")),
        ("NĐ30 Họ tên", _("[Full name]")),
    )


def _section(document: DocumentObject, section: Section, *, after_table: bool) -> None:
    heading = document.add_paragraph(section.heading, "NĐ30 Đề mục")
    if after_table:  # a table has no space of its own below it
        heading.paragraph_format.space_before = Pt(6)
    if section.table:
        _table(document, section)
    for text in section.sentences:
        document.add_paragraph(text, "NĐ30 Nội dung")
    for item in section.items:
        document.add_paragraph(f"- {item}", "NĐ30 Gạch đầu dòng")


def _table(document: DocumentObject, section: Section) -> None:
    """A real table: bordered, its header row marked and repeated, described for screen readers, nothing merged."""
    table = document.add_table(len(section.table), len(section.table[0]), "Table Grid")
    _set_widths(table, COLUMNS)
    for at, (row, texts) in enumerate(zip(table.rows, section.table, strict=True)):
        for cell, text in zip(row.cells, texts, strict=True):
            (line,) = _fill(cell, ("NĐ30 Bảng", text))
            line.runs[0].font.bold = True if at == 0 else None
    element = document.element.body.findall(qn("w:tbl"))[-1]
    for name in ("w:tblCaption", "w:tblDescription"):
        element.find(qn("w:tblPr")).append(_element(name, val=section.caption))
    element.find(qn("w:tr")).get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _side_by_side(document: DocumentObject, widths: Sequence[Mm]) -> Sequence:
    """The cells of a row without borders."""
    table = document.add_table(rows=1, cols=len(widths))
    _set_widths(table, widths)
    return table.rows[0].cells


def _set_widths(table: Table, widths: Sequence[Mm]) -> None:
    """Fixed widths, in the grid (LibreOffice reads that) and in every cell (Word reads that)."""
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for row in table.rows:
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = width


def _fill(cell, *lines: tuple[str, str]) -> list[Paragraph]:
    """Write (style, text) as paragraphs of a cell, the first into the empty one that every cell has."""
    paragraphs = [*cell.paragraphs, *(cell.add_paragraph() for _line in lines[1:])]
    for paragraph, (style, text) in zip(paragraphs, lines, strict=True):
        paragraph.style = style
        paragraph.add_run(text)
    return paragraphs


def _shorten(paragraph: Paragraph, *, by: Mm) -> None:
    """Indent a paragraph, and so the line below it, on both sides."""
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = by
