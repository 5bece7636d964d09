"""Every fault, put into a real run of the command a user types, on a made-up country of 12 units.

After each: no whole page lost or replaced by a broken one, the last good one is shown and says that it was not updated,
the unit is a row with the class of its error, the exit code is right, and running again finishes without redoing what
was done.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from benchmarks.country import write_country
from nbformat.v4 import new_code_cell

from analysis.publishing.forks import can_fork
from analysis.records import write_table

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not can_fork(), reason="needs fork, signals and /proc")]
TROUBLE = """import json, os, signal, sys, time
from pathlib import Path

told = Path(run_dir).resolve().parents[3] / "trouble.json"
how = json.loads(told.read_text()).get(unit, "") if told.exists() else ""
if how == "exception":
    raise ValueError("no rows for \\x1b[31m<unit>: postgresql://me:" + "SEC" + "RET@host")
if how == "exit 0":
    sys.exit(0)
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "memory":
    bytearray(2**31)
if how == "time":
    time.sleep(600)
while how == "wait" and told.exists():
    time.sleep(0.02)"""
REASONS = {  # class of the error, which readers see; text, for the private log
    "exception": ("ValueError", "no rows for"),
    "exit 0": ("SystemExit", "SystemExit: 0"),
    "killed": ("Killed", "its process was killed (SIGKILL), by hand or for want of memory"),
    "memory": ("MemoryError", "MemoryError"),
    "time": ("TimeLimit", "it took longer than 10 s and was stopped"),
}
HIT = {f"{at:05d}": how for at, how in enumerate(REASONS, start=1)}
COMMAND = (  # the command with other limits of a page than 300 s and 2 GB
    "from analysis.publishing.page_maker import PageMaker; from analysis.publishing.forks import Limits;"
    "PageMaker.__init__.__kwdefaults__['limits'] = Limits(seconds=10, memory_mb=700);"
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"  # a shell's background ignores it
    "from analysis.cli import main; main()"
)


def start(folder, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "run", str(folder / "params/country.yml"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def run(folder, *arguments, code=0, **environment):
    process = start(folder, *arguments, **environment)
    out, said = process.communicate(timeout=600)
    assert process.returncode == code, said
    assert "Traceback" not in said
    return said


def write(folder):
    write_country(folder, communes=8, provinces=3, indicators=2)
    (folder / "notebooks").unlink()
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb*"))
    notebook = nbformat.read(folder / "notebooks/unit_briefing.ipynb", 4)
    notebook.cells.insert(len(notebook.cells) - 1, new_code_cell(TROUBLE, id="trouble"))
    nbformat.write(notebook, folder / "notebooks/unit_briefing.ipynb")


def trouble(folder, which):
    (folder / "trouble.json").write_text(json.dumps(which))


def pages(folder):
    run = folder / "outputs/country/current"
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in sorted(run.glob("site/**/*.html"))}


def touch_notebook(folder):
    """Another notebook that makes the same pages."""
    path = folder / "notebooks/unit_briefing.ipynb"
    path.write_text(path.read_text().replace("import json, os, signal", "import json, signal, os"))


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    write(folder)
    run(folder)
    return folder


@pytest.fixture
def country(good, tmp_path):
    return copy(good, tmp_path / "c")


def copy(good, folder):
    shutil.copytree(good, folder, symlinks=True)
    return folder


@pytest.fixture(scope="module")
def broken(good, tmp_path_factory):
    """A good run, then one with five faults, then one that finishes it."""
    folder = copy(good, tmp_path_factory.mktemp("broken") / "c")
    params = folder / "params/country.yml"
    text = params.read_text()
    assert '"max_failed_share": 0.0' in text
    params.write_text(text.replace('"max_failed_share": 0.0', '"max_failed_share": 0.5'))
    touch_notebook(folder)
    trouble(folder, HIT)
    said = run(folder)
    after, log = pages(folder), (folder / "outputs/country/private.log").read_text(encoding="utf-8")
    public = b"".join(path.read_bytes() for path in sorted((folder / "outputs/country/current").rglob("*.*")))
    (folder / "trouble.json").unlink()
    return {"said": said, "after": after, "log": log, "public": public, "again": run(folder), "mended": pages(folder)}


@pytest.mark.parametrize(("unit", "how"), HIT.items(), ids=HIT.values())
def test_the_last_good_page_is_shown_marked_and_the_unit_is_a_row_with_the_class_of_its_error(good, broken, unit, how):
    kind, text = REASONS[how]
    page, body = broken["after"][f"site/units/{unit}.html"].decode(), pages(good)[f"site/units/{unit}.html"].decode()
    assert "<strong>Chưa cập nhật</strong>" in page and f"Lỗi: {kind}; mã tham chiếu: " in page
    assert re.sub(r'<div class="notice" role="note" data-notice="not-updated">.*?</div>\n', "", page) == body
    (entry,) = [one for one in map(json.loads, broken["log"].splitlines()) if one["page"] == f"units/{unit}.html"]
    assert text in entry["reason"] and entry["kind"] == kind and entry["reference"] in page
    index = broken["after"]["site/index.html"].decode()
    assert f"{kind} · {entry['reference']}" in index and f'href="units/{unit}.html"' in index


def test_the_text_of_an_error_is_in_the_private_log_and_nowhere_else(broken):
    assert "SECRET" in broken["log"] and b"SECRET" not in broken["public"]
    assert len(broken["public"]) > 100_000


def test_all_other_pages_are_whole_and_new(good, broken):
    before, after = pages(good), broken["after"]
    assert before.keys() == after.keys()
    for name in before:
        if name != "site/index.html" and not any(unit in name for unit in HIT):
            assert after[name] == before[name], name
    assert "Pages: 7 published, 2 unchanged, 5 failed" in broken["said"]


def test_no_control_character_of_a_reason_reaches_the_terminal(broken):
    assert "\x1b" not in broken["said"] and "\x1b" not in broken["after"]["site/index.html"].decode()


def test_running_again_makes_what_failed_and_nothing_else(good, broken):
    assert "Pages: 5 published, 9 unchanged, 0 failed" in broken["again"]
    assert "Forecasting" not in broken["again"]
    assert broken["mended"] == pages(good)


def test_too_many_failed_pages_leave_the_run_before_current(good, tmp_path):
    folder = copy(good, tmp_path / "c")
    touch_notebook(folder)
    trouble(folder, {"00001": "exception"})
    before = (folder / "outputs/country/current").resolve()
    said = run(folder, code=1)
    assert "1 of 14 pages failed" in said and "until then the previous run stays current" in said
    assert (folder / "outputs/country/current").resolve() == before and pages(folder) == pages(good)
    (folder / "trouble.json").unlink()
    built = folder.glob("outputs/country/runs/.building-*/site/units/*.html")
    whole = {path: path.stat().st_mtime_ns for path in built if path.name != "00001.html"}
    assert "Forecasting" not in run(folder)
    made = {path.name: path.stat().st_mtime_ns for path in (folder / "outputs/country/current/site/units").iterdir()}
    assert len(whole) == 11 and all(made[path.name] == stamp for path, stamp in whole.items())
    assert pages(folder) == pages(good)


def test_verify_exits_with_1_where_a_page_is_not_what_it_was(country):
    page = country / "outputs/country/current/site/units/00003.html"
    command = [sys.executable, "-c", COMMAND, "verify", str(country / "outputs/country"), "--unit", "00003"]
    codes = []
    for text in (None, "Xã khác"):
        if text:
            page.write_text(page.read_text(encoding="utf-8").replace("Xã số 3", text, 1), encoding="utf-8")
        codes.append(subprocess.run(command, capture_output=True, text=True).returncode)
    assert codes == [0, 1]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children_of(pid):
    from analysis.publishing.forks import descendants

    return descendants(pid)


@pytest.mark.parametrize(("name", "code"), [("SIGKILL", -9), ("SIGINT", 130)])
def test_a_run_stopped_among_its_pages_is_resumed_where_it_was(good, tmp_path, name, code):
    folder = tmp_path / "c"
    write(folder)
    trouble(folder, dict.fromkeys([f"{at:05d}" for at in range(4, 9)], "wait"))
    process = start(folder, "--jobs", 2)
    runs = folder / "outputs/country/runs"
    wait_for(lambda: list(runs.glob(".building-*/site/units/00003.html")) and len(children_of(process.pid)) >= 3)
    time.sleep(0.5)
    family = children_of(process.pid)
    process.send_signal(getattr(signal, name))
    said = process.communicate(timeout=60)[1]
    assert process.returncode == code and "Traceback" not in said
    if name == "SIGINT":
        assert "stopped; the run before stays current, run again to finish" in said
    assert not (folder / "outputs/country/site").exists()  # nothing was published before: nothing is now
    (folder / "trouble.json").unlink()  # the waiting pages go on, and find that nobody listens
    wait_for(lambda: not any(is_running(one) for one in family), 30)
    done = len(list(runs.glob(".building-*/pages.jsonl"))[0].read_text().splitlines())
    again = run(folder)
    assert done >= 3 and "Forecasting" not in again and "14 published, 0 unchanged, 0 failed" in again
    assert pages(folder) == pages(good)
    assert [path.name.startswith("2026-") for path in runs.iterdir()] == [True]


def test_two_runs_at_once_into_one_folder_are_kept_apart(country, good):
    touch_notebook(country)
    trouble(country, {"00008": "wait"})
    first = start(country)
    runs = country / "outputs/country/runs"
    wait_for(lambda: list(runs.glob(".building-*")) and len(children_of(first.pid)) > 1)
    said = run(country, code=1)
    assert "another run is writing into this folder" in said
    (country / "trouble.json").unlink()
    assert first.wait(300) == 0
    assert pages(country) == pages(good)


def test_a_corrupt_source_is_told_and_the_site_stays(country, good):
    path = country / "data/observations.parquet"
    path.write_bytes(path.read_bytes()[:-500])
    said = run(country, code=2)
    assert "data/observations.parquet" in said
    assert pages(country) == pages(good)


def shell(script, *arguments):
    """A shell that may mount what only it and its children see; skips where the system does not allow it."""
    command = ["unshare", "--mount", "--map-root-user", "sh", "-ec", script, "sh", *map(str, arguments)]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=600)
    except FileNotFoundError:
        pytest.skip("no unshare here")


def may_mount(tmp_path):
    if shell('mount -t tmpfs -o size=1m tmpfs "$1"', tmp_path).returncode:
        pytest.skip("mounting is not allowed here")


RUN = 'shift; code=0; "$@" 2>said || code=$?; echo $code >code'


def test_a_full_disk_loses_no_page_and_room_finishes_the_run(country, good, tmp_path):
    """A small tmpfs that holds the last run, and has no room for another."""
    may_mount(tmp_path)
    run_dir = country / "outputs/country"
    size = sum((path.stat().st_size + 4095) // 4096 * 4096 for path in run_dir.rglob("*") if path.is_file())
    touch_notebook(country)
    script = (
        f'cp -a "$1" {tmp_path}/keep; mount -t tmpfs -o size={(size + 600_000) // 1024}k tmpfs "$1"; '
        f'cp -a {tmp_path}/keep/. "$1"; cd {tmp_path}; {RUN}; cp -a {run_dir}/. {tmp_path}/left'
    )
    command = [sys.executable, "-c", COMMAND, "run", country / "params/country.yml"]
    done = shell(script, run_dir, *command)
    assert done.returncode == 0, done.stderr
    said, code = (tmp_path / "said").read_text(), (tmp_path / "code").read_text().strip()
    assert code == "1" and "No space left on device" in said and "Traceback" not in said, said
    assert "candich: : " not in said  # the file is named
    shutil.rmtree(run_dir)
    shutil.copytree(tmp_path / "left", run_dir, symlinks=True)
    assert pages(country) == pages(good)
    run(country)
    assert pages(country) == pages(good)


def test_a_folder_that_may_only_be_read_is_told_and_stays(country, good, tmp_path):
    may_mount(tmp_path)
    run_dir = country / "outputs/country"
    touch_notebook(country)
    script = f'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; cd {tmp_path}; {RUN}'
    command = [sys.executable, "-c", COMMAND, "run", country / "params/country.yml"]
    done = shell(script, run_dir, *command)
    assert done.returncode == 0, done.stderr
    said, code = (tmp_path / "said").read_text(), (tmp_path / "code").read_text().strip()
    assert code == "1" and "the folder cannot be written: Read-only file system" in said and "Traceback" not in said
    assert pages(country) == pages(good)


def test_without_fork_a_page_is_the_same_bytes(good, tmp_path):
    """What Windows does: ordinary processes, Papermill's ordinary engine."""
    folder = tmp_path / "c"
    write(folder)
    run(folder, "--units", "00003", CANDICH_NO_FORK="1")
    page = folder / "outputs/country-units/site/units/00003.html"
    ours, whole = page.read_text(encoding="utf-8"), pages(good)["site/units/00003.html"].decode()
    assert ours[ours.index("<main") : ours.index("</main>")] in whole
    assert {path.name for path in page.parent.iterdir()} == {"00003.html"}


def corrected(country, *, unit="00003", indicator="rate1", period="2026-08"):
    """One figure of one unit, corrected at the source."""
    path = country / "data/observations.parquet"
    frame = pd.read_parquet(path)
    row = (frame["unit"] == unit) & (frame["indicator"] == indicator) & (frame["period"] == period)
    frame.loc[row, "numerator"] -= 25
    assert row.sum() == 1 and frame.loc[row, "numerator"].item() > 0
    frame.to_parquet(path, index=False)


def test_a_corrected_figure_is_a_full_run_with_the_bytes_of_one_from_nothing(country, good, tmp_path):
    corrected(country)
    run(country)
    fresh = tmp_path / "fresh"
    shutil.copytree(country, fresh, symlinks=True, ignore=shutil.ignore_patterns("outputs"))
    run(fresh, "--jobs", "1")
    assert pages(country) == pages(fresh) != pages(good)
    assert len(list((country / "outputs/country/runs").iterdir())) == 2


def test_from_publish_uses_the_stored_tables_and_refuses_altered_ones(country, good):
    corrected(country)  # is not read
    touch_notebook(country)
    said = run(country, "--from", "publish")
    assert "Reading" not in said and "Forecasting" not in said and pages(country) == pages(good)
    path = country / "outputs/country/current/tables/assessments.parquet"
    frame = pd.read_parquet(path)
    write_table(frame.assign(p_attain=0.999), path)
    said = run(country, "--from", "publish", code=2)
    assert "assessments.parquet: the table was altered after the run" in said
    command = [sys.executable, "-c", COMMAND, "verify", str(country / "outputs/country")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "assessments.parquet" in done.stderr
    run(country)
    assert "altered" not in run(country) and pages(country) != pages(good)  # made again from the corrected figures


def test_an_earlier_quarter_has_a_folder_of_its_own(country):
    said = run(country, "--period", "2026-06", code=2)
    assert "later than 2026-06" in said and "--out" in said


def test_verify_runs_the_projects_notebook_and_nothing_that_a_run_names(country, tmp_path):
    run_dir = country / "outputs/country/current"
    evil = tmp_path / "evil.ipynb"
    notebook = nbformat.read(country / "notebooks/unit_briefing.ipynb", 4)
    notebook.cells.insert(2, new_code_cell(f"open({str(tmp_path / 'owned')!r}, 'w')", id="evil"))
    nbformat.write(notebook, evil)
    for path in run_dir.rglob("*.ipynb"):
        path.write_text(path.read_text().replace('"notebook": "unit_briefing.ipynb"', f'"notebook": "{evil}"'))
    results = json.loads((run_dir / "pages.json").read_text())
    (run_dir / "pages.json").write_text(json.dumps([{**one, "notebook": str(evil)} for one in results]))
    command = [sys.executable, "-c", COMMAND, "verify", str(country / "outputs/country")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "pages.json" in done.stdout and not (tmp_path / "owned").exists()


def test_what_a_run_made_from_a_units_pages_is_not_the_whole_run(country):
    before = pages(country)
    run(country, "--units", "00003,00004")
    assert pages(country) == before
    names = {path.name for path in (country / "outputs/country-units/site/units").iterdir()}
    assert names == {"00003.html", "00004.html"}
