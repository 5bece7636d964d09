"""The office files in LibreOffice: the report opens as one A4 page and keeps its styles, the workbook its numbers."""

import re
import shutil
import subprocess

import openpyxl
import pytest
from docx import Document

from analysis.briefing.view import view_of
from analysis.publishing.downloads.docx import write_report
from analysis.publishing.downloads.xlsx import write_workbook

from .conftest import about

pytestmark = pytest.mark.slow
OFFICE = shutil.which("soffice")


def converted(path, to, tmp_path):
    """`path` as LibreOffice saves it: opened and written anew, with a profile of its own."""
    if OFFICE is None:
        pytest.skip("LibreOffice is not installed (apt-packages.txt)")
    out = tmp_path / "office"
    command = [OFFICE, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", to]
    done = subprocess.run([*command, "--outdir", out, path], capture_output=True, text=True, timeout=240)
    made = out / f"{path.stem}.{to.split(':')[0]}"
    assert made.is_file(), done.stderr
    return made


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("unit", [None, "001"])
def test_the_report_is_one_page_of_a4(run, tmp_path, language, unit):
    import pypdf

    path = tmp_path / "report.docx"
    write_report(view_of(about(run, unit) if unit else run, language), path)
    pdf = pypdf.PdfReader(converted(path, "pdf", tmp_path))
    assert len(pdf.pages) == 1
    assert [round(float(one)) for one in pdf.pages[0].mediabox[2:]] == [595, 842]


def test_the_report_keeps_its_styles_and_words(view, tmp_path):
    path = tmp_path / "report.docx"
    write_report(view, path)
    before, after = Document(path), Document(converted(path, "docx:MS Word 2007 XML", tmp_path))

    def told(document):
        cells = [
            one for table in document.tables for row in table.rows for cell in row.cells for one in cell.paragraphs
        ]
        found = [(one.style.name, re.sub(r"\s+", " ", one.text).strip()) for one in [*cells, *document.paragraphs]]
        return [one for one in found if one[1]]

    assert told(after) == told(before) and len(told(before)) > 20
    assert {style for style, _text in told(after)} > {"NĐ30 Quốc hiệu", "NĐ30 Tên loại", "NĐ30 Nơi nhận"}


def test_the_workbook_keeps_every_value(view, tmp_path):
    path = tmp_path / "book.xlsx"
    write_workbook(view, path)
    before, after = (
        openpyxl.load_workbook(one) for one in (path, converted(path, "xlsx:Calc MS Excel 2007 XML", tmp_path))
    )
    assert after.sheetnames == before.sheetnames
    for sheet in before:
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        again = [
            [cell.value for cell in row]
            for row in after[sheet.title].iter_rows(max_row=sheet.max_row, max_col=sheet.max_column)
        ]
        flat = [(a, b) for one, other in zip(rows, again, strict=True) for a, b in zip(one, other, strict=True)]
        wrong = [
            (a, b) for a, b in flat if (a != b and not (isinstance(a, float) and b == pytest.approx(a, rel=1e-12)))
        ]
        assert wrong[:3] == [], sheet.title
