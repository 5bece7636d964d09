import dataclasses
import hashlib
import json
import zipfile

import openpyxl
import pandas as pd
import pytest

from analysis.briefing.found import found_words
from analysis.briefing.view import view_of
from analysis.publishing.downloads import JOURNAL, write_downloads
from analysis.publishing.downloads.files import write_bytes
from analysis.publishing.downloads.packed import note_of
from analysis.words.errors import DataError, ParamsError

from .conftest import NASTY


@pytest.fixture(scope="module")
def hashed(run):
    return dataclasses.replace(run, manifest={**run.manifest, "tables": {"observations": "ab" * 32}})


@pytest.fixture(scope="module")
def written(hashed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("downloads")
    return folder, write_downloads(hashed, out_dir=folder, language="vi", units=["001"])


def contents(folder):
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_every_file_is_told_with_its_size_and_hash(written):
    folder, made = written
    assert {one.path for one in made} | {JOURNAL, note_of(folder / "factory-data.zip").name} == set(contents(folder))
    for one in made:
        content = (folder / one.path).read_bytes()
        assert (one.n_bytes, one.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert one.path.endswith(one.name) and one.name.endswith(f".{one.format}") and one.title


def test_findings_have_their_values_and_their_words(run, written):
    folder, _ = written
    table = pd.read_csv(folder / "csv/quality.csv", dtype=str, keep_default_na=False)
    assert table["details"].tolist() == run.quality["details"].tolist()
    view = view_of(run, "vi")
    assert table["words"].tolist() == [found_words(view, row) for row in run.quality.itertuples(index=False)]
    book = openpyxl.load_workbook(folder / "factory.xlsx", read_only=True)
    cells = {str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    assert set(table["words"]) - {""} <= cells


def test_the_order_is_that_of_asking(written):
    _, made = written
    assert [one.path for one in made[:5]] == [
        "factory.xlsx",
        "factory.docx",
        "factory-data.zip",
        "README.txt",
        "reports/001.docx",
    ]
    assert (
        made[0].title == "Bảng tính đủ mọi bảng (Excel)"
        and made[4].title == "Báo cáo một trang của Phường Pleiku (Word)"
    )


def test_the_zip_holds_all_but_itself_and_the_copies_for_excel(written):
    folder, made = written
    with zipfile.ZipFile(folder / "factory-data.zip") as archive:
        inside = archive.namelist()
        assert all(archive.read(name) == (folder / name).read_bytes() for name in inside)
    assert inside == sorted(one.path for one in made if one.format != "zip" and not one.path.startswith("csv-excel/"))


def test_a_second_run_elsewhere_gives_the_same_bytes(hashed, written, tmp_path):
    folder, made = written
    assert write_downloads(hashed, out_dir=tmp_path, language="vi", units=["001"]) == made
    assert contents(tmp_path) == contents(folder)


def test_nothing_is_written_again_while_nothing_has_changed(hashed, tmp_path):
    made = write_downloads(hashed, out_dir=tmp_path, language="en")
    times = {one: one.stat().st_mtime_ns for one in tmp_path.rglob("*")}
    assert write_downloads(hashed, out_dir=tmp_path, language="en") == made
    assert {one: one.stat().st_mtime_ns for one in tmp_path.rglob("*")} == times


@pytest.mark.parametrize("change", ["tables", "params", "language", "units", "damage", "loss", "journal"])
def test_any_change_makes_them_again(hashed, tmp_path, change):
    made = write_downloads(hashed, out_dir=tmp_path, language="vi")
    sheet, arguments = tmp_path / "factory.xlsx", dict(language="vi")
    run = hashed
    if change == "tables":
        run = dataclasses.replace(hashed, manifest={**hashed.manifest, "tables": {"observations": "cd" * 32}})
    elif change == "params":
        run = dataclasses.replace(hashed, params={**hashed.params, "title_vi": "Khác"})
    elif change in ("language", "units"):
        arguments |= {"language": "en"} if change == "language" else {"units": ["001"]}
    elif change == "damage":
        write_bytes(tmp_path / "csv" / "units.csv", b"damaged")
    elif change == "loss":
        (tmp_path / "csv" / "units.csv").unlink()
    else:
        write_bytes(tmp_path / JOURNAL, b"{")
    before = sheet.stat().st_mtime_ns
    again = write_downloads(run, out_dir=tmp_path, **arguments)
    assert sheet.stat().st_mtime_ns > before
    if change in ("damage", "loss", "journal", "tables"):
        assert again == made


def test_without_hashes_of_the_tables_nothing_is_taken_for_unchanged(run, tmp_path):
    write_downloads(run, out_dir=tmp_path, language="vi")
    before = (tmp_path / "factory.xlsx").stat().st_mtime_ns
    write_downloads(run, out_dir=tmp_path, language="vi")
    assert (tmp_path / "factory.xlsx").stat().st_mtime_ns > before


def test_reports_of_an_earlier_run_do_not_stay_behind(hashed, tmp_path):
    write_downloads(hashed, out_dir=tmp_path, language="vi", units=["001", "004"])
    stranger = write_bytes(tmp_path / "site-owner.txt", b"not ours")
    write_downloads(hashed, out_dir=tmp_path, language="vi", units=["004"])
    assert [one.name for one in (tmp_path / "reports").iterdir()] == ["004.docx"] and stranger.is_file()


def test_a_run_cut_short_does_not_look_finished(hashed, tmp_path, monkeypatch):
    from analysis.publishing.downloads import hubverse

    write_downloads(hashed, out_dir=tmp_path, language="vi")

    def full(*_arguments, **_more):
        raise OSError("disk full")

    monkeypatch.setattr(hubverse, "write_hub", full)
    with pytest.raises(OSError, match="disk full"):
        write_downloads(hashed, out_dir=tmp_path, language="en")
    assert not (tmp_path / JOURNAL).exists() and not list(tmp_path.rglob(".*.part"))


def test_nasty_names_stay_inside_the_folder(nasty, tmp_path):
    made = write_downloads(nasty, out_dir=tmp_path / "out", language="vi", units=NASTY)
    names = [one.path for one in made]
    assert len(set(names)) == len(names) == len({one.lower() for one in names})
    assert all(".." not in one and one.isascii() and len(one) < 120 for one in names)
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    json.loads((tmp_path / "out" / JOURNAL).read_bytes())
    for one in made:
        assert one.link(folder="downloads", language="vi")["about"].isprintable()


def test_the_link_is_what_the_index_asks_for(written):
    _, made = written
    found = made[0].link(folder="downloads", language="vi")
    assert found == {
        "href": "downloads/factory.xlsx",
        "name": "factory.xlsx",
        "about": made[0].title,
        "size": found["size"],
    }
    assert dataclasses.replace(made[0], n_bytes=1_234_567).link(folder="", language="vi")["size"] == "1.235 kB"
    assert dataclasses.replace(made[0], n_bytes=12).link(folder="", language="en") == {
        "href": "factory.xlsx", "name": "factory.xlsx", "about": made[0].title, "size": "1 kB",
    }  # fmt: skip


def test_unknown_units_and_languages_are_refused_before_anything_is_written(run, tmp_path):
    with pytest.raises(DataError, match="no such unit"):
        write_downloads(run, out_dir=tmp_path / "out", language="vi", units=["zz"])
    with pytest.raises(ParamsError):
        write_downloads(run, out_dir=tmp_path / "out", language="fr")
    assert not (tmp_path / "out").exists()


def test_progress_is_told_to_the_end(run, tmp_path):
    told = []
    write_downloads(
        run, out_dir=tmp_path, language="vi", units=["001"], on_done=lambda done, total: told.append((done, total))
    )
    assert told == [(at, 6) for at in range(1, 7)]


@pytest.mark.slow
def test_bytes_do_not_depend_on_hash_seed_or_zone(run, written, tmp_path):
    """Another process, another hash seed, zone and working folder: the same files."""
    import os
    import pickle
    import subprocess
    import sys

    folder, _ = written
    stored = tmp_path / "run.pickle"
    hashed = dataclasses.replace(run, manifest={**run.manifest, "tables": {"observations": "ab" * 32}}, previous=None)
    stored.write_bytes(pickle.dumps(hashed))
    code = (
        "import pickle, sys, pathlib\n"
        "from analysis.publishing.downloads import write_downloads\n"
        "run = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "write_downloads(run, out_dir=pathlib.Path(sys.argv[2]), language='vi', units=['001'])\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", code, stored, tmp_path / "out"], env=environment, cwd=tmp_path, check=True)
    theirs, ours = contents(tmp_path / "out"), contents(folder)
    assert {**theirs, JOURNAL: b""} == {**ours, JOURNAL: b""}  # the journal's key holds the code's hash
