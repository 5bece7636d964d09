import csv
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.publishing.downloads import csvs
from analysis.publishing.downloads.csvs import BOM, NAMES, as_arrow, csv_bytes, guarded, write_readme, write_tables
from analysis.publishing.downloads.texts import clean, unguard
from analysis.words.schema import TABLES

from .conftest import NASTY


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
    assert set(paths) == expected and all(paths[one] == folder / one and paths[one].is_file() for one in paths)


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
    assert {name: path.read_bytes() for name, path in again.items()} == {
        name: path.read_bytes() for name, path in paths.items()
    }


def test_numbers_are_never_guarded():
    table = as_arrow(pd.DataFrame({"name": ["-1", "b"], "value": [-1.5, 0.1]}))
    assert csv_bytes(guarded(table)) == b'"name","value"\n"\'-1",-1.5\n"b",0.1\n'


def test_missing_values_are_empty_fields():
    frame = pd.DataFrame({"a": [float("nan"), 1.0], "k": pd.array([None, 2], dtype="Int64"), "t": ["", "x"]})
    assert csv_bytes(as_arrow(frame)) == b'"a","k","t"\n,,""\n1,2,"x"\n'


def test_an_empty_table_keeps_its_columns():
    table = as_arrow(TABLES["quality"].empty())
    assert table.num_rows == 0 and table.schema.field("unit").type == pa.string()


def test_a_table_too_long_for_excel_has_no_excel_file(run, tmp_path, monkeypatch):
    monkeypatch.setattr(csvs, "EXCEL_ROWS", len(run.observations))
    assert (
        "csv-excel/observations.csv" not in write_tables(run, tmp_path)
        and (tmp_path / "csv" / "observations.csv").is_file()
    )


@pytest.mark.parametrize(
    ("language", "undo"), [("vi", "bỏ đúng một dấu nháy ấy"), ("en", "take that one apostrophe away")]
)
def test_the_readme_states_the_escaping_every_table_and_the_simulation(run, tmp_path, language, undo):
    text = write_readme(run, tmp_path / "README.txt", title="Đề án 06", cutoff="9/2026", language=language).read_text(
        "utf-8"
    )
    assert undo in text and "U+FFFD" in text and ("MÔ PHỎNG" in text or "SIMULATED" in text)
    for name in NAMES:
        assert f"\n{name}: {TABLES[name].key[0]} (" in text
    assert max(map(len, text.split("CÁC BẢNG" if language == "vi" else "TABLES (")[0].splitlines())) <= 120
