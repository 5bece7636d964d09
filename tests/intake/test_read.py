"""Raw files of every format, and files that mean harm or are broken: refused within bounds, before they are opened."""

import datetime as dt
import io
import time
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from analysis.intake import read as reading
from analysis.intake.read import check_zip, read_raw
from analysis.words.errors import DataError
from intake.factory import CSV, make_source, read_project, write_text

MIDNIGHT = dt.datetime(2024, 1, 31)  # noqa: DTZ001 - a spreadsheet has no time zones


def raw(path, **source):
    return read_raw(make_source(**source), path=path, where=path.name).frame


def refused(path, **source):
    with pytest.raises(DataError) as error:
        raw(path, **source)
    return [str(one) for one in error.value.problems]


def write_xlsx(path, rows, *, sheets=("Sheet",)):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_text_stays_text_and_rows_are_counted_as_the_reader_sees_them(tmp_path):
    path = write_text(tmp_path / "a.csv", "unit,period,filed\n01,2024-01,007\n,,\nNA,null,1e5\n")
    frame = raw(path)
    assert frame.to_numpy().tolist() == [["01", "2024-01", "007"], ["NA", "null", "1e5"]]
    assert frame.index.tolist() == [2, 4]


def test_encodings_and_delimiters_are_as_declared(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeffunit;tên\n01;Đắk Lắk\n".encode())
    assert raw(path, delimiter=";").columns.tolist() == ["unit", "tên"]
    path.write_bytes("unit\tname\n01\t札幌市\n".encode("shift_jis"))
    assert raw(path, delimiter="\t", encoding="shift_jis").loc[2, "name"] == "札幌市"
    assert refused(path, delimiter="\t") == [
        "a.csv: byte 13 is not utf-8. Allowed: utf-8. Save it as UTF-8, or state `encoding` in the source's file."
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.csv: the file has 0 bytes. Allowed: 1 to 2000000000. Split it, or use Parquet."),
        ("unit,a,a\n1,2,3\n", "a.csv: columns occur twice: 'a'. Allowed: each once. Rename one of them."),
        ("unit,a\n1,2\n1,2,3\n", "a.csv: the header has 2 cells, row 3 has 3. Allowed: the same number. "
         "Correct those rows; put a cell that contains the delimiter in double quotes."),
        ("unit,a,b\n1,2\n" * 1 + "1\n" * 7, "a.csv: the header has 3 cells, row 2 has 2, row 3 has 1, row 4 has 1, row 5 has 1, "  # noqa: E501
         "row 6 has 1 and 3 more. Allowed: the same number. "
         "Correct those rows; put a cell that contains the delimiter in double quotes."),
        ('unit,a\n"1,2\n', "a.csv: it is not a CSV table: unexpected end of data. Mend the quotes, or save it again."),
    ],
)  # fmt: skip
def test_a_csv_that_is_no_table_is_told_with_its_row(tmp_path, text, message):
    assert refused(write_text(tmp_path / "a.csv", text)) == [message]


def test_a_header_further_down_is_found(tmp_path):
    path = write_text(tmp_path / "a.csv", "Báo cáo,,\nunit,period,filed\n01,2024-01,5\n")
    frame = raw(path, header_row=2)
    assert frame.columns.tolist() == ["unit", "period", "filed"] and frame.index.tolist() == [3]


def test_a_file_of_another_hash_is_refused(tmp_path):
    path = write_text(tmp_path / "a.csv", CSV)
    with pytest.raises(DataError, match="the file's sha256 is [0-9a-f]{64}. Allowed: " + "0" * 64):
        read_raw(make_source(), path=path, where="a.csv", sha256="0" * 64)


def test_xlsx_cells_keep_their_kind(tmp_path):
    rows = [
        ["unit", "period", "filed", None],
        ["01", MIDNIGHT, 0.457, "x"],
        [],
        [2, "2024-02", "45,7%", None],
    ]
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    frame = raw(path, format="xlsx")
    assert frame.to_numpy().tolist() == [["01", "2024-01-31", 0.457], [2, "2024-02", "45,7%"]]
    assert frame.index.tolist() == [2, 4]


def test_an_xlsx_is_read_like_the_csv(tmp_path):
    rows = [line.split(",") for line in CSV.splitlines()]
    rows = [rows[0]] + [[unit, period, int(filed), int(total)] for unit, period, filed, total in rows[1:]]
    (tmp_path / "b/raw").mkdir(parents=True)
    write_xlsx(tmp_path / "b/raw/d.xlsx", rows, sheets=("Tháng",))
    one = read_project(tmp_path / "a")
    other = read_project(tmp_path / "b", source={"format": "xlsx", "path": "raw/d.xlsx", "sheet": "Tháng"})
    pd.testing.assert_frame_equal(one.observations, other.observations)


def test_a_sheet_that_is_not_there_is_told_with_the_others(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", [["unit"], ["1"]], sheets=("Quý 1", "Quý 2"))
    assert refused(path, format="xlsx", sheet="Quý 3") == [
        "a.xlsx: there is no sheet 'Quý 3'. Allowed: Quý 1, Quý 2. Did you mean 'Quý 2'?"
    ]
    assert refused(path, format="xlsx") == [
        "a.xlsx: 2 sheets and no `sheet` stated. Allowed: Quý 1, Quý 2. State `sheet` in the source's file."
    ]


def zip_of(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_a_zip_bomb_is_refused_unopened(tmp_path):
    path = zip_of(tmp_path / "a.xlsx", [("xl/worksheets/sheet1.xml", b"0" * 50_000_000)])
    start = time.perf_counter()
    told = refused(path, format="xlsx")
    assert len(told) == 1 and told[0].startswith("a.xlsx: 'xl/worksheets/sheet1.xml' unpacks ")
    assert told[0].endswith("Allowed: at most 200-fold. Is it a zip bomb? Save the file again.")
    assert time.perf_counter() - start < 1


def test_too_many_members_and_too_much_in_all_are_refused(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "a.xlsx", [(f"{n}.bin", b"x") for n in range(20)])
    monkeypatch.setattr(reading, "MAX_MEMBERS", 10)
    assert refused(path, format="xlsx") == [
        "a.xlsx: 20 members, 20 bytes unpacked. Allowed: at most 10 and 200000000. Export it as CSV or Parquet."
    ]


def test_a_table_of_texts_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "a.xlsx", [("xl/sharedStrings.xml", b"<x/>" * 100)])
    monkeypatch.setattr(reading, "MAX_UNPACKED", 1000)
    assert refused(path, format="xlsx") == [
        "a.xlsx: the texts of the sheets are 400 bytes. Allowed: at most 250. Export it as CSV or Parquet."
    ]


def test_xml_entities_are_refused(tmp_path):
    bomb = b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]><x>&lol;</x>'
    path = zip_of(tmp_path / "a.xlsx", [("xl/workbook.xml", bomb)])
    assert refused(path, format="xlsx") == [
        "a.xlsx: 'xl/workbook.xml' defines XML entities. Allowed: none. Save the file again in a spreadsheet program."
    ]


def test_what_is_no_xlsx_is_told(tmp_path):
    path = write_text(tmp_path / "a.xlsx", "unit,period")
    assert refused(path, format="xlsx") == [
        "a.xlsx: it is not an XLSX file: File is not a zip file. Save it as XLSX or CSV."
    ]
    zip_of(path, [("hello.txt", b"x")])
    assert refused(path, format="xlsx")[0].startswith("a.xlsx: it is not an XLSX file: ")


def test_a_damaged_xlsx_is_refused_and_never_crashes(tmp_path):
    good = write_xlsx(tmp_path / "good.xlsx", [["unit", "period"], ["01", "2024-01"]]).read_bytes()
    path = tmp_path / "a.xlsx"
    rng = np.random.default_rng(1)
    for _ in range(40):
        damaged = bytearray(good)
        for at in rng.integers(0, len(good), 12):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            raw(path, format="xlsx")
        except DataError as error:
            assert str(error).startswith("a.xlsx: ")


def test_a_sheet_that_claims_the_last_row_is_read_by_its_rows(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", [["unit", "period"], ["01", "2024-01"]])
    content = {}
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    content[name] = content[name].replace(b"A1:B2", b"A1:XFD1048576")
    zip_of(path, content.items())
    assert raw(path, format="xlsx").to_numpy().tolist() == [["01", "2024-01"]]


def test_a_lone_cell_at_the_end_of_the_sheet_is_refused_quickly(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["unit"])
    book.active.cell(row=1_048_576, column=1, value="x")
    book.save(tmp_path / "a.xlsx")
    start = time.perf_counter()
    assert refused(tmp_path / "a.xlsx", format="xlsx") == [
        "a.xlsx: more than 100001 rows, most of them empty. Remove empty rows."
    ]
    assert time.perf_counter() - start < 5


def test_parquet_keeps_numbers_and_codes(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({
        "unit": ["01", None], "filed": [3, None], "share": [0.5, np.nan], "day": [dt.date(2024, 1, 31), None],
        "at": pa.array([MIDNIGHT, None], pa.timestamp("us")),
    })  # fmt: skip
    pq.write_table(table, path)
    frame = raw(path, format="parquet")
    assert frame["unit"].tolist() == ["01", ""] and frame["day"].tolist() == ["2024-01-31", ""]
    assert frame["filed"].tolist() == [3.0, ""] and frame["at"].tolist() == ["2024-01-31", ""]


def test_a_parquet_is_read_like_the_csv(tmp_path):
    (tmp_path / "b/raw").mkdir(parents=True)
    pd.read_csv(io.StringIO(CSV), dtype={"unit": str}).to_parquet(tmp_path / "b/raw/d.parquet")
    one = read_project(tmp_path / "a")
    other = read_project(tmp_path / "b", source={"format": "parquet", "path": "raw/d.parquet"})
    pd.testing.assert_frame_equal(one.observations, other.observations)


def test_absurd_parquet_sizes_are_refused_from_the_footer(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"unit": pa.array(["x"] * 1000)}), path)
    monkeypatch.setattr(reading, "MAX_ROWS", 999)
    assert refused(path, format="parquet")[0].startswith("a.parquet: 1000 rows, 1 columns, ")


def test_a_long_word_in_every_row_of_a_parquet_stays_one_word(tmp_path):
    """Unfolded it would be a gigabyte; as a dictionary it is one word."""
    path = tmp_path / "a.parquet"
    word = "x" * 10_000
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, dtype="int32")), pa.array([word]))
    pq.write_table(pa.table({"unit": column.cast(pa.dictionary(pa.int32(), pa.string()))}), path)
    frame = raw(path, format="parquet")
    assert len({id(one) for one in frame["unit"]}) == 1


def test_nested_and_broken_parquet_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"unit": [["a"]]}), path)
    assert refused(path, format="parquet") == [
        "a.parquet: columns are not plain values: 'unit'. Allowed: text, numbers, dates."
    ]
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    assert refused(path, format="parquet")[0].startswith("a.parquet: it is not a Parquet file: ")


def database(path):
    engine = sa.create_engine(f"sqlite:///{path}")
    frame = pd.read_csv(io.StringIO(CSV), dtype={"unit": str})
    frame.to_sql("dossiers", engine, index=False)
    engine.dispose()
    return path


SQL = {
    "format": "sql",
    "path": "sqlite:///raw/d.db",
    "query": 'SELECT unit, period, filed, "all" FROM dossiers ORDER BY 1, 2',
}


def test_a_database_is_read_like_the_csv_and_its_rows_are_hashed(tmp_path):
    (tmp_path / "b/raw").mkdir(parents=True)
    database(tmp_path / "b/raw/d.db")
    one = read_project(tmp_path / "a")
    other = read_project(tmp_path / "b", source=SQL)
    pd.testing.assert_frame_equal(one.observations, other.observations)
    again = read_project(tmp_path / "b", source=SQL)
    assert other.sources[0]["sha256"] == again.sources[0]["sha256"]
    assert other.sources[0]["path"] == "database of dvc"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": "DELETE FROM dossiers"}, "database of dvc: query: found 'DELETE FROM dossiers'. Allowed: one SELECT. Only read, one query."),  # noqa: E501
        ({"query": "SELECT 1; DROP TABLE dossiers"},
         "database of dvc: query: found 'SELECT 1; DROP TABLE dossiers'. Allowed: one SELECT. Only read, one query."),
        ({"query": "SELECT * FROM nowhere"}, "database of dvc: the database refuses: (sqlite3.OperationalError) no such table: nowhere. "  # noqa: E501
         "Check the query."),
        ({"query": "WITH x AS (SELECT 1) INSERT INTO dossiers SELECT 1,1,1,1"},
         "database of dvc: the database refuses: (sqlite3.OperationalError) attempt to write a readonly database. Check the query."),  # noqa: E501
    ],
)  # fmt: skip
def test_a_database_is_only_read(tmp_path, change, message):
    (tmp_path / "raw").mkdir()
    database(tmp_path / "raw/d.db")
    before = (tmp_path / "raw/d.db").read_bytes()
    with pytest.raises(DataError) as error:
        read_project(tmp_path, source=SQL | change)
    assert [str(one) for one in error.value.problems] == [message]
    assert (tmp_path / "raw/d.db").read_bytes() == before


def test_a_database_that_is_not_there_is_told_and_not_created(tmp_path):
    with pytest.raises(
        DataError, match="database of dvc: there is no file '.*raw/d.db'. Check `path` in the source's file"
    ):
        read_project(tmp_path, source=SQL)
    assert not (tmp_path / "raw/d.db").exists()


def test_a_driver_that_is_not_installed_is_told(tmp_path):
    with pytest.raises(DataError, match="database of dvc: no database can be reached: "):
        read_project(tmp_path, source=SQL | {"path": "oracle+nothing://u:secret@h/db"})


def test_a_clean_zip_passes(tmp_path):
    assert check_zip(write_xlsx(tmp_path / "a.xlsx", [["unit"]]), where="a.xlsx") == []


@pytest.mark.parametrize("name", ["c{}", "c"])
def test_a_million_columns_are_refused_at_once(tmp_path, name):
    header = ",".join(name.format(n) for n in range(1_000_000))
    path = write_text(tmp_path / "wide.csv", f"{header}\n{','.join('1' * 1_000_000)}\n")
    start = time.process_time()
    assert "wide.csv: 1000000 columns. Allowed: at most 500" in " ".join(refused(path))
    assert time.process_time() - start < 20  # about one second; a bound for a busy machine


def test_an_address_with_a_port_that_is_no_number_is_the_users_to_correct():
    with pytest.raises(DataError, match="no database can be reached.*notaport.*Correct `path`"):
        reading._read_sql("postgresql://host:notaport/d", query="SELECT 1", where="database of dvc")


@pytest.mark.parametrize("url", ["sqlite:///{}", "sqlite:///file:{}?uri=true", "sqlite:///file:{}?mode=rwc&uri=true"])
def test_reading_a_database_that_is_not_there_creates_none(tmp_path, url):
    path = tmp_path / "d.db"
    with pytest.raises(DataError):
        reading._read_sql(url.format(path), query="SELECT 1", where="database of dvc")
    assert not path.exists()
