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
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
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

from analysis.briefing import decisions
from analysis.briefing.locale import number, period
from analysis.briefing.overview import say_overview
from analysis.briefing.view import View, view_of
from analysis.briefing.wording import (
    ICONS,
    difference,
    probability,
    quantity,
    reason_word,
    say_goal,
    say_publication,
    status_word,
)
from analysis.publishing.downloads.texts import LOCALES, document_date, shown, write_zip
from analysis.words.schema import LANGUAGES, STATUSES

FONT = "Times New Roman"
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
    document.add_paragraph(say_publication(view.run.manifest, view.language), "NĐ30 Trích yếu")
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


MAX_LINES = 12  # lines of the table of targets that fit one page with everything else
LETTERS = (26, 18, 11, 19, 16)  # about as many letters of size 11 fit a line of each column
MAX_DECISIONS = 3
MAX_LETTERS = 70  # of a name in a row
ORDER = ("unlikely", "at_risk", "likely", "missed", "not_assessable", "on_track", "holding", "met")
RANKS = {status: at for at, status in enumerate(STATUSES[:7])}  # "met" best, "missed" worst; not assessable has no rank


@dataclass(frozen=True)
class Section:
    """A heading with sentences, and perhaps a table (header first) or a list."""

    heading: str
    sentences: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)
    caption: str = ""


@dataclass(frozen=True)
class Report:
    """One page about the unit of the overview."""

    title: str
    period: str
    sections: list[Section]
    note: str


def build_report(view: View) -> Report:
    """The report about the unit of the overview, in the view's language."""
    _ = view._
    sections = [_general(view), _doubtful(view)]
    if (decided := _decisions(view)) is not None:
        sections.append(decided)
    sections.append(_compared(view, place=len(sections) + 1))
    return Report(
        title=_("Progress and likelihood of reaching the targets: {unit}").format(unit=shown(view.name(view.root))),
        period=_("Figures up to {period}").format(period=period(view.cutoff, view.language)),
        sections=sections,
        note=_("Probabilities are forecasts; the workbook has every figure and its source."),
    )


def _general(view: View) -> Section:
    rows = [row for mine in view.all_assessed().values() for row in mine]
    text = say_overview(view, view.assessed(view.root), rows)
    return Section(view._("1. General result"), [shown(text, limit=600)])


def _doubtful(view: View) -> Section:
    """The targets, the most in doubt first; what does not fit the page is counted."""
    _, language = view._, view.language
    rows = sorted(view.assessed(view.root), key=_urgency)
    heading = _("2. Targets")
    if not rows:
        return Section(heading, [_("This unit has no target in this run.")])
    n_rows = min(_n_fitting(view_of(view.run, name), rows) for name in LANGUAGES)  # the same facts in both
    header = [_("Target"), _("Status and probability"), _("Now"), _("Commitment"), _("Gap")]
    table = [header, *[_target_row(view, row) for row in rows[:n_rows]]]
    caption = _("Targets of {unit}: status, probability, value now, commitment").format(
        unit=shown(view.name(view.root))
    )
    if len(rows) > n_rows:
        heading = _("2. Targets most in doubt ({k} of {n}; all are in the workbook)").format(
            k=number(n_rows, language), n=number(len(rows), language)
        )
    return Section(heading, table=table, caption=caption)


def _n_fitting(view: View, rows: list[tuple]) -> int:
    """How many rows fit the page in the view's language; at least one."""
    n_lines = MAX_LINES
    for at, row in enumerate(rows):
        cells = _target_row(view, row)
        n_lines -= max(math.ceil(len(cell) / letters) for cell, letters in zip(cells, LETTERS, strict=True))
        if n_lines < 0:
            return max(at, 1)
    return len(rows)


def _urgency(row) -> tuple:
    at = ORDER.index(row.status) if row.status in ORDER else len(ORDER)
    return at, row.p_attain if math.isfinite(row.p_attain) else 2.0, row.target


def _target_row(view: View, row) -> list[str]:
    language, indicator = view.language, view.indicators.get(row.indicator)
    now = view._("no figure")
    if math.isfinite(row.current):
        now = number(row.current, language) if row.kind == "rank_le" else quantity(row.current, indicator, language)
        if row.current_period not in ("", view.cutoff):  # the report's own period is in its title
            now += f" ({period(row.current_period, language, short=True)})"
    gap = _gap(view, row) if not row.settled and not row.attained_now else ""
    cells = [
        view.target_name(row.target),
        f"{ICONS.get(row.status, '?')} {status_word(row.status, language)}{_chance(row, language)}",
        now,
        say_goal(row, indicator, language, view.targets.get(row.target)),
        gap or number(None, language),
    ]
    return [shown(one, limit=MAX_LETTERS) for one in cells]


def _chance(row, language: str) -> str:
    if row.settled:
        return ""
    if math.isfinite(row.p_attain) and row.status != "not_assessable":
        return f", {probability(row.p_attain, language)}"
    return f": {reason_word(row.reason, language)}" if row.reason else ""


def _gap(view: View, row) -> str:
    """What the promise still lacks, or has too much of, in cases or in the indicator's unit; ``""`` where nothing."""
    _, language, indicator = view._, view.language, view.indicators.get(row.indicator)
    if row.kind == "rank_le":  # counted in places, whatever the indicator is measured in
        behind = _.plural("{n} place behind", "{n} places behind", row.gap)
        return behind.format(n=number(row.gap, language)) if row.gap > 0 else ""
    if math.isfinite(row.gap_cases) and row.gap_cases > 0 and indicator is not None:
        things = view.text(indicator, "numerator") or view.text(indicator, "unit")
        amount = f"{number(row.gap_cases, language)} {things}".strip()
    elif math.isfinite(row.gap) and row.gap > 0:
        amount = difference(row.gap, indicator, language, signed=False)
    else:
        return ""
    over = row.operator in ("<", "<=")
    return (_("{amount} too many") if over else _("{amount} missing")).format(amount=amount)


def _decisions(view: View) -> Section | None:
    """Units whose decision would give most to the whole; None where no promise is in doubt below."""
    _, language = view._, view.language
    ranked = decisions.rank(view)
    if not ranked:
        return None
    items = []
    for one in ranked[:MAX_DECISIONS]:
        gap = _gap(view, one.row)
        pattern = _("{unit}: {target} ({status}; {gap})") if gap else _("{unit}: {target} ({status})")
        text = pattern.format(
            unit=shown(view.name(one.unit), limit=MAX_LETTERS),
            target=shown(view.target_name(one.row.target), limit=MAX_LETTERS),
            status=f"{status_word(one.row.status, language).lower()}{_chance(one.row, language)}",
            gap=gap,
        )
        items.append(shown(text, limit=260))
    heading = _("3. Units that need a decision ({k} of {n}, ranked by what they would add)").format(
        k=number(len(items), language), n=number(len(ranked), language)
    )
    return Section(heading, items=items)


def _compared(view: View, *, place: int) -> Section:
    """Statuses against a quarter ago, from the assessments themselves."""
    _, language = view._, view.language
    heading = _("3. Compared with last quarter") if place == 3 else _("4. Compared with last quarter")
    known = [row for row in view.assessed(view.root) if row.status in RANKS and row.previous_status in RANKS]
    if not known:
        return Section(heading, [_("There is no earlier quarter to compare with.")])
    moves = [(RANKS[row.previous_status] - RANKS[row.status], row) for row in known]
    up, down = sum(move > 0 for move, _row in moves), sum(move < 0 for move, _row in moves)
    text = _("Targets whose status improved: {up}; worsened: {down}; unchanged: {same}.").format(
        up=number(up, language), down=number(down, language), same=number(len(known) - up - down, language)
    )
    sentences = [text]
    move, row = max(moves, key=lambda one: (abs(one[0]), one[1].target))
    if move:
        sentences[0] += " " + (
            _("The largest change: {target}, from {before} to {now}.").format(
                target=shown(view.target_name(row.target)),
                before=status_word(row.previous_status, language).lower(),
                now=status_word(row.status, language).lower(),
            )
        )
    return Section(heading, sentences)
