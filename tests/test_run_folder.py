"""A run's folder: built whole, switched in one step, never altered unnoticed, never somebody else's."""

import json
import os
import subprocess
import sys

import pytest

from analysis import records
from analysis.publishing.verify import altered_files
from analysis.records.store import SCHEMA
from analysis.run_folder import RunFolder, RunKey
from analysis.words.errors import DataError, PublishError


def key(name):
    return RunKey({"data": name}, f"tables {name}", f"{name} whole")


def build(path, name, *, cutoff="2026-09", keep_runs=2, run_id="demo", status="published"):
    """A finished run in small: a manifest without tables, a page, an index."""
    with RunFolder.locked(path, run_id=run_id) as folder:
        with folder.build(key(name), cutoff=cutoff) as building:
            write(building, name, cutoff=cutoff, run_id=run_id, status=status)
        folder.remove_old(keep_runs)
        return folder.current


def write(building, name, *, cutoff="2026-09", run_id="demo", status="published"):
    manifest = {"schema": SCHEMA, "run_id": run_id, "cutoff": cutoff, "tables": {}, "params": {}, "hashes": {}}
    (building / "manifest.json").write_text(json.dumps(manifest))
    page = {"page": "a.html", "unit": "a", "notebook": "n", "status": status}
    (building / "pages.json").write_text(json.dumps([page]))
    (building / "site").mkdir()
    (building / "site/index.html").write_text(name)


def tree(path):
    return {
        one.relative_to(path).as_posix(): os.readlink(one) if one.is_symlink() else one.read_bytes()
        for one in sorted(path.rglob("*"))
        if one.is_symlink() or one.is_file()
    }


def test_a_finished_run_is_what_current_and_site_lead_to(tmp_path):
    run = build(tmp_path / "demo", "first")
    assert (tmp_path / "demo/site/index.html").read_text() == "first"
    assert (tmp_path / "demo/current").resolve() == run and run.name.startswith("2026-09-")
    assert altered_files(run) == []
    assert sorted(one.name for one in (tmp_path / "demo").iterdir()) == [".lock", "current", "runs", "site"]


def test_the_same_run_again_is_found_by_its_key(tmp_path):
    build(tmp_path / "demo", "first")
    with RunFolder.locked(tmp_path / "demo", run_id="demo") as folder:
        assert folder.is_current("first whole") and not folder.is_current("second whole")
        assert not folder.is_current("")  # a database: cannot be known


def test_a_run_used_before_is_made_current_again_without_building(tmp_path):
    first, second = build(tmp_path / "demo", "first"), build(tmp_path / "demo", "second")
    with RunFolder.locked(tmp_path / "demo", run_id="demo") as folder:
        assert folder.current == second
        assert folder.is_current("first whole") and folder.current == first
    assert (tmp_path / "demo/site/index.html").read_text() == "first"


def test_a_build_that_fails_leaves_the_run_before_current_and_is_resumed(tmp_path):
    build(tmp_path / "demo", "first")
    before = tree(tmp_path / "demo")
    with RunFolder.locked(tmp_path / "demo", run_id="demo") as folder:
        with pytest.raises(ZeroDivisionError), folder.build(key("second"), cutoff="2026-09") as building:
            (building / "half").write_text("a half")
            1 / 0  # noqa: B018
        assert {name: one for name, one in tree(tmp_path / "demo").items() if ".building" not in name} == before
        with folder.build(key("second"), cutoff="2026-09") as again:
            assert again == building and (again / "half").read_text() == "a half"
            write(again, "second")
    assert (tmp_path / "demo/site/index.html").read_text() == "second"


def test_an_interrupted_build_of_something_else_is_removed(tmp_path):
    with RunFolder.locked(tmp_path / "demo", run_id="demo") as folder:
        with pytest.raises(ZeroDivisionError), folder.build(key("first"), cutoff="2026-09") as building:
            (building / "half").write_text("a half")
            1 / 0  # noqa: B018
    build(tmp_path / "demo", "second")
    assert not building.exists() and not list((tmp_path / "demo/runs").glob(".building*"))


def test_an_altered_run_is_not_current_and_is_replaced_not_overwritten(tmp_path):
    run = build(tmp_path / "demo", "first")
    (run / "site/index.html").write_text("forged")
    with RunFolder.locked(tmp_path / "demo", run_id="demo") as folder:
        assert not folder.is_current("first whole")
    again = build(tmp_path / "demo", "first")
    assert again.name == f"{run.name}-2" and (tmp_path / "demo/site/index.html").read_text() == "first"
    assert altered_files(again) == []


@pytest.mark.parametrize("name", ["manifest.json", "pages.json", "key.json", "site/index.html", "files.json"])
def test_one_byte_of_any_file_is_noticed_and_named(tmp_path, name):
    run = build(tmp_path / "demo", "first")
    content = bytearray((run / name).read_bytes())
    content[len(content) // 2] ^= 1
    (run / name).write_bytes(bytes(content))
    assert name in [file for file, _ in altered_files(run)]


def test_a_foreign_and_a_missing_file_are_named(tmp_path):
    run = build(tmp_path / "demo", "first")
    (run / "site/mine.html").write_text("mine")
    (run / "site/link.html").symlink_to("/etc/hostname")
    (run / "pages.json").unlink()
    assert altered_files(run) == [
        ("pages.json", "missing"),
        ("site/link.html", "not a file of this run"),
        ("site/mine.html", "not a file of this run"),
    ]


def test_a_run_with_a_failed_page_is_current_but_is_made_again(tmp_path):
    run = build(tmp_path / "demo", "first", status="failed")
    with RunFolder.locked(tmp_path / "demo", run_id="demo") as folder:
        assert folder.current == run and not folder.is_current("first whole")


def test_old_runs_are_removed_beyond_the_number_kept_but_never_the_last_of_a_quarter(tmp_path):
    early = build(tmp_path / "demo", "q2", cutoff="2026-06")
    runs = [build(tmp_path / "demo", f"run {n}", keep_runs=1) for n in range(4)]
    assert [run.exists() for run in (early, *runs)] == [True, False, False, True, True]


def test_another_runs_folder_is_refused(tmp_path):
    build(tmp_path / "x", "first", run_id="other")
    with pytest.raises(DataError, match="it holds runs of 'other'.*Name another folder with --out"):
        build(tmp_path / "x", "first")


@pytest.mark.parametrize("name", ["tables/mine.parquet", "site/index.html", "thesis.docx", "runs.txt"])
def test_a_strangers_folder_is_refused_and_left_as_it_was(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(DataError, match="files that are not of a run"):
        build(tmp_path, "first")
    assert tree(tmp_path) == before


def test_a_site_folder_among_runs_is_refused(tmp_path):
    build(tmp_path, "first")
    (tmp_path / "site").unlink()
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("mine")
    with pytest.raises(DataError, match="`site` is a folder that candich did not make"):
        build(tmp_path, "second")
    assert (tmp_path / "site/index.html").read_text() == "mine"


def test_a_run_of_the_layout_before_is_refused_by_name(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1, "run_id": "demo"}))
    with pytest.raises(DataError, match=r"layout of candich 0\.1.*Move the folder away"):
        build(tmp_path, "first")
    with pytest.raises(DataError, match=r"the layout is 1\. Allowed: layout 2"):
        records.load_run(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", "{}", "null"])
def test_a_broken_manifest_is_named(tmp_path, text):
    run = build(tmp_path / "demo", "first")
    (run / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="manifest.json"):
        records.load_run(tmp_path / "demo")


def test_a_manifest_of_a_folder_next_to_ours_is_nothing_to_us(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/manifest.json").write_text("[]")
    assert build(tmp_path / "demo", "first").exists()


HOLD = (
    "import sys, time; from pathlib import Path; from analysis.run_folder import RunFolder\n"
    "with RunFolder.locked(Path(sys.argv[1]), run_id='demo'):\n    print('held', flush=True)\n    time.sleep(60)"
)


def test_a_second_run_is_refused_and_a_killed_one_lets_go(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "demo")], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(PublishError, match="another run is writing into this folder.*Wait for it to end"):
            build(tmp_path / "demo", "first")
    finally:
        holder.kill()
        holder.wait()
    assert build(tmp_path / "demo", "first").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PublishError, match="file/run: the folder cannot be written: Not a directory"):
        build(tmp_path / "file" / "run", "first")


def test_a_pointer_that_is_a_text_file_is_followed(tmp_path, monkeypatch):
    """Windows, where links cannot be made: a text file, and a copy of the site."""

    def no_links(*_):
        raise OSError("no links")

    monkeypatch.setattr(os, "symlink", no_links)
    run = build(tmp_path / "demo", "first")
    assert not (tmp_path / "demo/current").is_symlink()
    assert records.current_run(tmp_path / "demo") == run
    assert (tmp_path / "demo/site/index.html").read_text() == "first"


def test_latest_is_the_run_made_current_last(tmp_path, monkeypatch):
    outputs = tmp_path / "outputs"
    build(outputs / "b", "first", run_id="b")
    last = build(outputs / "a", "first", run_id="a")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert records.find_run("latest") == last
