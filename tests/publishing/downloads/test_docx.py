import time

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from lxml import etree

from analysis.briefing.view import view_of
from analysis.publishing.downloads.docx import COLUMNS, FONT, STYLES, write_report

from .conftest import NASTY, about


@pytest.fixture(scope="module")
def path(view, tmp_path_factory):
    return written(view, tmp_path_factory.mktemp("docx") / "report.docx")


def written(view, path):
    write_report(view, path)
    return path


@pytest.fixture(scope="module")
def document(path):
    return Document(path)


def paragraphs(document):
    for table in document.tables:
        for row in table.rows:
            for cell in row.cells:
                yield from cell.paragraphs
    yield from document.paragraphs


def lines(document):
    return [one.text for one in paragraphs(document) if one.text]


def test_the_page_is_that_of_decree_30(document):
    section = document.sections[0]
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    sizes = (section.page_width, section.page_height, *margins)
    assert [round(one / Mm(1)) for one in sizes] == [210, 297, 20, 20, 30, 20]  # Word counts in twentieths of a point
    assert section.different_first_page_header_footer and not section.first_page_header.paragraphs[0].text
    assert " PAGE " in section.header._element.xml and section.header.paragraphs[0].runs[0].font.size == Pt(13)


def test_the_parts_of_the_form_are_there_in_their_styles(document):
    by_style = {}
    for one in paragraphs(document):
        by_style.setdefault(one.style.name, []).append(one.text)
    assert by_style["NĐ30 Quốc hiệu"] == ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"]
    assert by_style["NĐ30 Tiêu ngữ"] == ["Độc lập - Tự do - Hạnh phúc"]
    assert by_style["NĐ30 Tên loại"] == ["BÁO CÁO"]
    assert by_style["NĐ30 Trích yếu"][0].endswith("Tỉnh Gia Lai")
    assert by_style["NĐ30 Địa danh"] == ["[Địa danh], ngày ...... tháng ...... năm ......"]
    assert by_style["NĐ30 Nơi nhận"] == ["Nơi nhận:"] and by_style["NĐ30 Danh sách nơi nhận"][-1] == "- Lưu: VT."
    assert by_style["NĐ30 Cảnh báo"] == ["Dữ liệu mô phỏng: không con số nào ở đây nói về nơi có thật."]
    assert set(by_style) <= {*STYLES, "Normal"} and not any(by_style.get("Normal", []))


def test_a_real_run_has_no_simulation_notice(run, tmp_path):
    import dataclasses

    real = dataclasses.replace(run, params={**run.params, "simulated": False})
    made = Document(written(view_of(real, "vi"), tmp_path / "x.docx"))
    assert not any("mô phỏng" in one for one in lines(made))


def test_sizes_and_font_are_those_of_the_decree(document):
    for name, (size, bold, italic, *_rest) in STYLES.items():
        style = document.styles[name]
        assert (style.font.name, style.font.bold, style.font.italic) == (FONT, bold, italic)
        assert style.font.size == Pt(size) and str(style.font.color.rgb) == "000000"
        fonts = style.element.rPr.find(qn("w:rFonts"))
        assert not any("Theme" in one for one in fonts.attrib)
    assert 13 <= STYLES["NĐ30 Nội dung"][0] <= 14 and STYLES["NĐ30 Nội dung"][5] >= 6  # 6 pt between paragraphs
    assert document.styles["NĐ30 Nội dung"].paragraph_format.first_line_indent == pytest.approx(Mm(10), rel=1e-3)


@pytest.mark.parametrize(("language", "code"), [("vi", "vi-VN"), ("en", "en-GB")])
def test_the_language_is_set_everywhere(run, tmp_path, parts, language, code):
    members = parts(written(view_of(run, language), tmp_path / "x.docx"))
    styles = etree.fromstring(members["word/styles.xml"])
    said = {one.get(qn("w:val")) for one in styles.iter(qn("w:lang"))}
    assert said == {code} and f"<dc:language>{code}</dc:language>".encode() in members["docProps/core.xml"]


def test_the_table_of_targets_is_described_repeats_its_header_and_merges_nothing(document):
    table = document.tables[1]
    xml = table._tbl.xml
    assert "w:tblHeader" in xml and "gridSpan" not in xml and "vMerge" not in xml
    assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val")).startswith("Các chỉ tiêu của Tỉnh Gia Lai")
    assert sum(COLUMNS) == Mm(160) and [one.width for one in table.columns] == pytest.approx(COLUMNS, rel=1e-3)
    assert all(cell.text for row in table.rows for cell in row.cells)


def test_headings_are_headings(document):
    assert document.styles["NĐ30 Tên loại"].base_style.name == "Heading 1"
    assert document.styles["NĐ30 Đề mục"].base_style.name == "Heading 2"


@pytest.mark.slow
def test_two_writes_are_byte_equal(view, path, tmp_path):
    time.sleep(2.1)  # zip times count in two seconds
    assert written(view, tmp_path / "again.docx").read_bytes() == path.read_bytes()


def test_the_document_knows_no_clock(document, parts, path):
    found = document.core_properties
    assert str(found.created) == str(found.modified) == "2026-09-30 00:00:00+00:00"
    assert found.author == found.last_modified_by == "Cán Đích" and found.language == "vi-VN"


@pytest.mark.slow
def test_every_nasty_name_is_text(nasty, tmp_path, parts):
    for at, unit in enumerate(NASTY):
        path = written(view_of(about(nasty, unit), "vi"), tmp_path / f"{at}.docx")
        members = parts(path)
        for name, content in members.items():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(content)
        assert b"<script" not in members["word/document.xml"]
        assert len(lines(Document(path))) > 20
    first = Document(tmp_path / "0.docx")
    assert any("<script>alert(1)</script>" in one for one in lines(first))


def test_the_reports_parts_do_not_carry_over_from_one_to_the_next(run, view, path, tmp_path):
    write_report(view_of(about(run, "001"), "vi"), tmp_path / "other.docx")
    assert written(view, tmp_path / "again.docx").read_bytes() == path.read_bytes()
