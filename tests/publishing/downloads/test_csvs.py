import csv
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.briefing.view import view_of
from analysis.publishing.downloads import csvs
from analysis.publishing.downloads.csvs import BOM, NAMES, as_arrow, guarded, write_csv, write_readme, write_tables
from analysis.publishing.downloads.texts import clean
from analysis.words.schema import TABLES

from .conftest import NASTY, unguard


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("csvs")
    return folder, write_tables(run, folder)


def read(path, name):
    text = {one: str for one, kind in TABLES[name].columns.items() if kind == "text"}
    missing = {one: [""] for one in TABLES[name].columns if one not in text}
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=missing, float_precision="round_trip")


def test_every_table_is_there_three_times(written):
    folder, paths = written
    expected = {
        f"{kind}/{name}.{end}"
        for name in NAMES
        for kind, end in (("csv", "csv"), ("csv-excel", "csv"), ("parquet", "parquet"))
    }
    assert {path.relative_to(folder).as_posix() for path in paths} == expected and len(paths) == len(expected)
    assert all(path.is_file() for path in paths)


def test_the_excel_file_is_the_plain_one_with_a_byte_order_mark(written):
    folder, _ = written
    for name in NAMES:
        plain = (folder / "csv" / f"{name}.csv").read_bytes()
        assert not plain.startswith(BOM) and (folder / "csv-excel" / f"{name}.csv").read_bytes() == BOM + plain


@pytest.mark.parametrize("name", NAMES)
def test_csv_and_parquet_give_the_table_back(run, written, name):
    folder, _ = written
    frame = getattr(run, name)
    from_csv, from_parquet = (
        read(folder / "csv" / f"{name}.csv", name),
        pq.read_table(folder / "parquet" / f"{name}.parquet").to_pandas(),
    )
    for column, kind in TABLES[name].columns.items():
        if kind == "text":
            assert (
                from_csv[column].map(unguard).tolist()
                == [clean(one) for one in frame[column]]
                == from_parquet[column].tolist()
            )
        else:
            exact = frame[column].to_numpy("float64", na_value=np.nan)
            for found in (from_csv[column], from_parquet[column]):
                assert np.array_equal(found.to_numpy("float64", na_value=np.nan), exact, equal_nan=True)


def test_names_of_the_data_are_guarded_in_csv_and_exact_in_parquet(nasty, tmp_path):
    write_tables(nasty, tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "csv" / "units.csv").read_text("utf-8"), newline="")))
    assert {unguard(row["unit"]) for row in rows} == {"64", *map(clean, NASTY)}
    assert not any(row["unit"].lstrip().startswith(tuple("=+-@\uff1d")) for row in rows)
    assert set(pq.read_table(tmp_path / "parquet" / "units.parquet")["unit"].to_pylist()) == {"64", *map(clean, NASTY)}


def test_two_writes_are_byte_equal(run, written, tmp_path):
    folder, paths = written
    again = write_tables(run, tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def csv_of(table, folder):
    write_csv(table, folder / "table.csv")
    return (folder / "table.csv").read_bytes()


def test_numbers_are_never_guarded(tmp_path):
    table = as_arrow(pd.DataFrame({"name": ["-1", "b"], "value": [-1.5, 0.1]}))
    assert csv_of(guarded(table), tmp_path) == b'"name","value"\n"\'-1",-1.5\n"b",0.1\n'


def test_missing_values_are_empty_fields(tmp_path):
    frame = pd.DataFrame({"a": [float("nan"), 1.0], "k": pd.array([None, 2], dtype="Int64"), "t": ["", "x"]})
    assert csv_of(as_arrow(frame), tmp_path) == b'"a","k","t"\n,,""\n1,2,"x"\n'


def test_an_empty_table_keeps_its_columns():
    table = as_arrow(TABLES["quality"].empty())
    assert table.num_rows == 0 and table.schema.field("unit").type == pa.string()


def test_a_table_too_long_for_excel_has_no_excel_file(run, tmp_path, monkeypatch):
    monkeypatch.setattr(csvs, "EXCEL_ROWS", len(run.observations))
    paths = write_tables(run, tmp_path)
    assert tmp_path / "csv" / "observations.csv" in paths
    assert tmp_path / "csv-excel" / "observations.csv" not in paths
    assert not (tmp_path / "csv-excel" / "observations.csv").exists()


@pytest.mark.parametrize(
    ("language", "undo"), [("vi", "bỏ đúng một dấu nháy ấy"), ("en", "take that one apostrophe away")]
)
def test_the_readme_states_the_escaping_every_table_and_the_simulation(run, tmp_path, language, undo):
    write_readme(view_of(run, language), tmp_path / "README.txt")
    text = (tmp_path / "README.txt").read_text("utf-8")
    assert undo in text and "U+FFFD" in text and ("MÔ PHỎNG" in text or "SIMULATED" in text)
    for name in NAMES:
        assert f"\n{name}: {TABLES[name].key[0]} (" in text
    assert max(map(len, text.split("CÁC BẢNG" if language == "vi" else "TABLES (")[0].splitlines())) <= 120
