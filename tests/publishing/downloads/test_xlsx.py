import errno
import os
import re
import time

import numpy as np
import openpyxl
import pytest
from lxml import etree
from openpyxl.utils import range_boundaries

from analysis.briefing.view import view_of
from analysis.publishing.downloads import xlsx
from analysis.publishing.downloads.texts import in_cell
from analysis.publishing.downloads.xlsx import HEADER_ROW, write_workbook

from .conftest import NASTY

CODES = ["contents", "assessments", "forecasts", "observations", "targets", "quality", "scorecard", "evidence"]


@pytest.fixture(scope="module")
def path(view, tmp_path_factory):
    return written(view, tmp_path_factory.mktemp("xlsx") / "run.xlsx")


def written(view, path):
    write_workbook(view, path)
    return path


@pytest.fixture(scope="module")
def workbook(path):
    return openpyxl.load_workbook(path)


def table_of(workbook, code):
    for sheet in workbook:
        if code in sheet.tables:
            left, top, right, bottom = range_boundaries(sheet.tables[code].ref)
            rows = list(sheet.iter_rows(top, bottom, left, right, values_only=True))
            return rows[0], rows[1:]
    raise KeyError(code)


def test_every_sheet_but_the_cover_has_one_real_table_with_a_frozen_header(workbook):
    assert [list(sheet.tables) for sheet in workbook] == [[], *[[code] for code in CODES]]
    for sheet in workbook.worksheets[1:]:
        table = next(iter(sheet.tables.values()))
        assert table.ref.startswith(f"A{HEADER_ROW}:") and table.autoFilter.ref == table.ref
        assert sheet.freeze_panes.endswith(str(HEADER_ROW + 1))
        header = [cell.value for cell in sheet[HEADER_ROW]]
        assert [one.name for one in table.tableColumns] == header and len(set(header)) == len(header)


def test_no_cell_is_merged_empty_or_a_formula(workbook):
    for sheet in workbook:
        assert not sheet.merged_cells.ranges
        if sheet.tables:
            left, top, right, bottom = range_boundaries(next(iter(sheet.tables.values())).ref)
            assert sheet.max_row == bottom and sheet.max_column == right
            for row in sheet.iter_rows(top, bottom, left, right):
                assert all(cell.value not in (None, "") and cell.data_type in ("s", "n") for cell in row)


def test_the_cover_says_title_simulation_period_and_notes(workbook):
    lines = [cell.value for cell in workbook.worksheets[0]["A"]]
    assert lines[0] == "Đề án 06 tỉnh Gia Lai"
    assert lines[1].startswith("Dữ liệu mô phỏng") and "tháng 9/2026" in lines[2]
    assert any("[x]" in one and "[z]" in one for one in lines)
    assert "data/demo/online.csv (SHA-256 bắt đầu bằng cdcdcdcdcdcdcdcd)" in lines
    assert all(lines)


def test_a_real_run_has_no_simulation_notice(run, tmp_path):
    import dataclasses

    real = dataclasses.replace(run, params={**run.params, "simulated": False})
    sheet = openpyxl.load_workbook(written(view_of(real, "vi"), tmp_path / "x.xlsx")).worksheets[0]
    assert not any("mô phỏng" in cell.value for cell in sheet["A"])


def digits(values):
    """The values as XlsxWriter writes them: 16 significant digits, one more than Excel keeps."""
    return [float(f"{value:.16G}") for value in values]


def test_the_numbers_are_those_of_the_tables_to_16_digits(run, workbook):
    header, rows = table_of(workbook, "observations")
    frame = run.observations
    assert len(rows) == len(frame)
    values = [row[header.index("Giá trị (đơn vị tính ở cột bên)")] for row in rows]
    assert values == digits(frame["value"]) == pytest.approx(frame["value"].tolist(), rel=5e-16)
    header, rows = table_of(workbook, "assessments")
    chance = [row[header.index("Xác suất đạt (%)")] for row in rows]
    expected = run.assessments["p_attain"].where(~run.assessments["settled"])
    assert chance == [one if one == one else "[x]" for one in digits(expected)]


def test_forecasts_are_one_row_a_horizon_with_the_median_between_its_bounds(run, workbook):
    header, rows = table_of(workbook, "forecasts")
    assert len(rows) == len(run.forecasts) // 7
    assert header[7:] == (
        "Trung vị (đơn vị tính ở cột riêng)",
        "Khoảng 50%, cận dưới", "Khoảng 50%, cận trên",
        "Khoảng 80%, cận dưới", "Khoảng 80%, cận trên",
        "Khoảng 95%, cận dưới", "Khoảng 95%, cận trên",
    )  # fmt: skip
    first = run.forecasts.iloc[:7].set_index("quantile_level")["predicted"]
    assert rows[0][7:] == tuple(digits(first[[0.5, 0.25, 0.75, 0.1, 0.9, 0.025, 0.975]]))
    assert all(row[12] <= row[10] <= row[8] <= row[7] <= row[9] <= row[11] <= row[13] for row in rows)


def test_every_row_has_the_format_of_its_indicator_first_row_and_later_ones(workbook):
    sheet = next(one for one in workbook if "observations" in one.tables)
    formats = {}
    for row in sheet.iter_rows(HEADER_ROW + 1):
        assert row[0].number_format == "@"
        formats.setdefault(row[2].value, set()).add(row[5].number_format)
    assert formats["Hồ sơ phát sinh qua dịch vụ công trực tuyến"] == {"0.0%"}
    assert formats["Tài khoản VNeID mức 2"] == {"#,##0"}
    assert formats["Chỉ số phục vụ người dân, doanh nghiệp (QĐ 766)"] == {"#,##0.0"}


def test_gaps_of_rates_are_percentage_points(run, workbook):
    header, rows = table_of(workbook, "assessments")
    at = header.index("Còn thiếu (tỷ lệ: điểm phần trăm)")
    for row, assessed in zip(rows, run.assessments.itertuples(index=False)):
        if assessed.indicator == "online" and np.isfinite(assessed.gap):
            assert row[at] == pytest.approx(100 * assessed.gap)
        if assessed.indicator == "vneid" and np.isfinite(assessed.gap):
            assert row[at] == pytest.approx(assessed.gap)


def test_codes_keep_their_leading_zeros_as_text(workbook):
    header, rows = table_of(workbook, "observations")
    assert rows[0][0] == "001"


def test_properties_have_title_language_and_no_clock(workbook):
    found = workbook.properties
    assert (found.title, workbook.custom_doc_props["Language"].value) == ("Đề án 06 tỉnh Gia Lai", "vi-VN")
    assert str(found.created) == str(found.modified) == "2026-09-30 00:00:00"  # the last day of the figures


def test_each_table_is_described_for_screen_readers(workbook, parts, path):
    described = {}
    for name, content in parts(path).items():
        if name.startswith("xl/tables/"):
            table = etree.fromstring(content)
            (text,) = [node for node in table.iter() if "altText" in node.attrib]
            described[table.get("displayName")] = (text.get("altText"), text.get("altTextSummary"))
    assert described == {
        next(iter(sheet.tables)): (sheet["A1"].value, sheet["A2"].value) for sheet in workbook.worksheets[1:]
    }


def test_the_contents_link_to_every_sheet(workbook):
    links = [row[0].hyperlink.location for row in workbook.worksheets[1].iter_rows(HEADER_ROW + 1)]
    assert links == [f"'{sheet.title}'!A1" for sheet in workbook.worksheets[2:]]


def test_a_folder_that_is_a_file_is_an_os_error(view, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        write_workbook(view, tmp_path / "file" / "x.xlsx")


def test_a_full_disk_is_an_os_error_and_leaves_nothing(view, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("zipfile.ZipFile.write", full)
    with pytest.raises(OSError, match="No space left"):
        write_workbook(view, tmp_path / "x.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_two_writes_are_byte_equal_whatever_the_clock_and_the_zone(view, path, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    time.tzset()
    time.sleep(1.1)  # the clock of zip and of core.xml counts in seconds
    try:
        assert written(view, tmp_path / "other.xlsx").read_bytes() == path.read_bytes()
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_names_of_the_data_are_text_in_every_cell(nasty, tmp_path, parts):
    path = written(view_of(nasty, "vi"), tmp_path / "nasty.xlsx")
    members = parts(path)
    for name, content in members.items():
        if name.endswith((".xml", ".rels")):
            etree.fromstring(content)
        assert b"<f>" not in content and b"<f " not in content
        assert b"<script" not in content
    workbook = openpyxl.load_workbook(path)
    header, rows = table_of(workbook, "assessments")
    assert {row[0] for row in rows} == {"64", *[in_cell(one) for one in NASTY]}
    sheet = next(one for one in workbook if "assessments" in one.tables)
    for row in sheet.iter_rows(HEADER_ROW + 1, max_col=2):
        assert all(cell.data_type == "s" and cell.number_format == "@" for cell in row)
    assert all(re.fullmatch(r"[\w./\[\]-]+", name) and not os.path.isabs(name) for name in members)


def test_a_run_without_rows_says_so_instead_of_an_empty_table(run, tmp_path):
    import dataclasses

    from analysis.words import schema

    names = ("observations", "forecasts", "assessments", "quality", "scorecard", "evidence", "targets")
    empty = dataclasses.replace(run, **{one: schema.TABLES[one].empty() for one in names}, extra={}, previous=None)
    workbook = openpyxl.load_workbook(written(view_of(empty, "vi"), tmp_path / "x.xlsx"))
    assert [list(one.tables) for one in workbook] == [[], ["contents"], *[[]] * 7]
    assert workbook.worksheets[2]["A3"].value == "Kỳ báo cáo này không có hàng nào cho bảng này."


def test_too_long_tables_keep_whole_periods_and_say_what_was_left_out(run, view, tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_ROWS", 200)
    workbook = openpyxl.load_workbook(written(view, tmp_path / "x.xlsx"))
    header, rows = table_of(workbook, "observations")
    kept = {row[4] for row in rows}
    counts = run.observations["period"].value_counts()
    newest = sorted(counts.index, reverse=True)[: len(kept)]
    assert kept == {f"{int(one[5:])}/{one[:4]}" for one in newest} and len(rows) == counts[newest].sum() <= 200
    sheet = next(one for one in workbook if "observations" in one.tables)
    left = len(run.observations) - len(rows)
    assert sheet["A4"].value == f"Còn {left:,} hàng không vừa trang tính; tệp CSV và Parquet có đủ.".replace(",", ".")
    horizons = {int(row[6]) for row in table_of(workbook, "forecasts")[1]}
    assert horizons == set(range(1, max(horizons) + 1)) and max(horizons) < 15


def test_english_and_vietnamese_hold_the_same_numbers(english, workbook, tmp_path):
    other = openpyxl.load_workbook(written(english, tmp_path / "en.xlsx"))
    assert other.sheetnames[0] == "Cover" and other.custom_doc_props["Language"].value == "en-GB"
    for code in CODES:
        _, ours = table_of(workbook, code)
        _, theirs = table_of(other, code)
        numbers = lambda rows: [[one for one in row if isinstance(one, int | float)] for row in rows]
        assert numbers(ours) == numbers(theirs)


def test_shuffled_rows_of_the_registry_give_the_same_workbook(run, path, tmp_path):
    import dataclasses

    shuffled = dataclasses.replace(run, targets=run.targets.sample(frac=1, random_state=1))
    assert written(view_of(shuffled, "vi"), tmp_path / "x.xlsx").read_bytes() == path.read_bytes()
