import dataclasses
import zipfile

import openpyxl
import pandas as pd
import pytest

from analysis.briefing.found import found_words
from analysis.briefing.view import view_of
from analysis.publishing.downloads import hubverse, write_downloads
from analysis.words.errors import ParamsError


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("downloads")
    return folder, write_downloads(run, out_dir=folder, language="vi")


def contents(folder):
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_every_file_is_listed_with_its_size_and_a_title(written):
    folder, made = written
    assert sorted(one.path for one in made) == sorted(contents(folder))
    for one in made:
        assert one.n_bytes == len((folder / one.path).read_bytes()) and one.title
    assert len({one.title for one in made}) == len(made)


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
    names = ["factory.xlsx", "factory.docx", "factory-data.zip", "README.txt", "csv-excel/units.csv"]
    assert [one.path for one in made[:5]] == names
    assert made[0].title == "Bảng tính đủ mọi bảng (Excel)"
    assert made[4].title == "Danh mục đơn vị: CSV cho Excel"


def test_the_zip_holds_all_but_itself_and_the_copies_for_excel(written):
    folder, made = written
    with zipfile.ZipFile(folder / "factory-data.zip") as archive:
        inside = archive.namelist()
        assert all(archive.read(name) == (folder / name).read_bytes() for name in inside)
    assert inside == sorted(
        one.path for one in made if not one.path.endswith(".zip") and not one.path.startswith("csv-excel/")
    )


def test_a_second_run_elsewhere_gives_the_same_bytes(run, written, tmp_path):
    folder, made = written
    assert write_downloads(run, out_dir=tmp_path, language="vi") == made
    assert contents(tmp_path) == contents(folder)


def test_nasty_names_stay_inside_the_folder(nasty, tmp_path):
    made = write_downloads(nasty, out_dir=tmp_path / "out", language="vi")
    names = [one.path for one in made]
    assert len(set(names)) == len(names) == len({one.lower() for one in names})
    assert all(".." not in one and one.isascii() and len(one) < 120 for one in names)
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
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


def test_a_full_disk_leaves_no_half_file(run, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError("disk full")

    monkeypatch.setattr(hubverse, "write_csv", full)
    with pytest.raises(OSError, match="disk full"):
        write_downloads(run, out_dir=tmp_path, language="en")
    assert not list(tmp_path.rglob(".*.part"))


def test_an_unknown_language_is_refused_before_anything_is_written(run, tmp_path):
    with pytest.raises(ParamsError):
        write_downloads(run, out_dir=tmp_path / "out", language="fr")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_bytes_do_not_depend_on_hash_seed_or_zone(run, written, tmp_path):
    """Another process, another hash seed, zone and working folder: the same files."""
    import os
    import pickle
    import subprocess
    import sys

    folder, _ = written
    stored = tmp_path / "run.pickle"
    stored.write_bytes(pickle.dumps(dataclasses.replace(run, previous=None)))
    code = (
        "import pickle, sys, pathlib\n"
        "from analysis.publishing.downloads import write_downloads\n"
        "run = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "write_downloads(run, out_dir=pathlib.Path(sys.argv[2]), language='vi')\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", code, stored, tmp_path / "out"], env=environment, cwd=tmp_path, check=True)
    assert contents(tmp_path / "out") == contents(folder)
