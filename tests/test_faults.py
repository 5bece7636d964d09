"""Every fault, put into a real run of the command a user types, on a made-up country of 12 units.

After each: no whole page lost or replaced by a broken one, the last good one stays and says that it was not updated,
the unit is a row with its reason, the exit code is right, and running again finishes without redoing what was done.
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
import pytest
from benchmarks.country import write_country
from nbformat.v4 import new_code_cell

from analysis.publishing.forks import can_fork

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not can_fork(), reason="needs fork, signals and /proc")]
TROUBLE = """import json, os, signal, sys, time
from pathlib import Path

told = Path(run_dir, "../../trouble.json")
how = json.loads(told.read_text()).get(unit, "") if told.exists() else ""
if how == "exception":
    raise ValueError("no rows for \\x1b[31m<unit>")
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
REASONS = {
    "exception": "ValueError: no rows for",
    "exit 0": "SystemExit: 0",
    "killed": "its process was killed (SIGKILL), by hand or for want of memory",
    "memory": "MemoryError",
    "time": "it took longer than 10 s and was stopped",
}
HIT = {f"{at:05d}": how for at, how in enumerate(REASONS, start=1)}
COMMAND = (  # the command with other limits of a page than 300 s and 2 GB
    "import analysis.publishing.execute as execute; from analysis.publishing.processes import Limits;"
    "execute.publish_pages.__kwdefaults__['limits'] = Limits(seconds=10, memory_mb=700);"
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
    run_dir = folder / "outputs/country"
    found = [*run_dir.glob("site/**/*.html"), *run_dir.glob("notebooks/**/*.ipynb")]
    return {path.relative_to(run_dir).as_posix(): path.read_bytes() for path in sorted(found)}


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
    shutil.copytree(good, tmp_path / "c")
    return tmp_path / "c"


@pytest.fixture(scope="module")
def broken(good, tmp_path_factory):
    """A good run, then one with five faults, then one that finishes it."""
    folder = tmp_path_factory.mktemp("broken") / "c"
    shutil.copytree(good, folder)
    trouble(folder, HIT)
    said = run(folder, "--force", code=1)
    after = pages(folder)
    (folder / "trouble.json").unlink()
    return {"said": said, "after": after, "again": run(folder), "mended": pages(folder)}


@pytest.mark.parametrize(("unit", "how"), HIT.items(), ids=HIT.values())
def test_the_last_good_page_stays_marked_and_the_unit_is_a_row_with_its_reason(good, broken, unit, how):
    before, after = pages(good), broken["after"]
    page = after[f"site/units/{unit}.html"].decode()
    assert "<strong>Chưa cập nhật</strong>" in page
    marked = re.sub(r'<(div|p|aside|section)[^>]*class="[^"]*notice[^"]*".*?</\1>\s*', "", page, flags=re.DOTALL)
    body = before[f"site/units/{unit}.html"].decode()
    assert marked[marked.index("<main") :] == body[body.index("<main") :] or body[body.index("<h1") :] in page
    assert after[f"notebooks/units/{unit}.ipynb"] == before[f"notebooks/units/{unit}.ipynb"]
    index = after["site/index.html"].decode()
    assert REASONS[how] in index and f'href="units/{unit}.html"' in index


def test_all_other_pages_are_whole_and_new_and_the_exit_code_says_that_five_failed(good, broken):
    before, after = pages(good), broken["after"]
    assert before.keys() == after.keys()
    for name in before:
        if name != "site/index.html" and not any(unit in name for unit in HIT):
            assert after[name] == before[name], name
    assert "Pages: 9 published, 0 unchanged, 5 failed" in broken["said"] or "5 of 14 pages failed" in broken["said"]


def test_no_control_character_of_a_reason_reaches_the_terminal(broken):
    assert "\x1b" not in broken["said"] and "\x1b" not in broken["after"]["site/index.html"].decode()


def test_running_again_makes_what_failed_and_nothing_else(good, broken):
    assert "Pages: 5 published, 9 unchanged, 0 failed" in broken["again"]
    assert "Forecasting" not in broken["again"]
    assert broken["mended"] == pages(good)


def test_verify_exits_with_1_where_a_page_is_not_what_it_was(country):
    page = country / "outputs/country/site/units/00003.html"
    command = [sys.executable, "-c", COMMAND, "verify", str(country / "outputs/country"), "--unit", "00003"]
    codes = []
    for text in (None, "Xã khác"):
        if text:
            page.write_text(page.read_text(encoding="utf-8").replace("Xã số 3", text, 1), encoding="utf-8")
        codes.append(subprocess.run(command, capture_output=True, text=True).returncode)
    assert codes == [0, 1]


@pytest.mark.parametrize("on_a_terminal", [False, True])
def test_the_process_that_forks_the_pages_holds_one_thread(country, on_a_terminal):
    """Neither the reader of Parquet nor a progress bar may leave one behind."""
    import pty

    trouble(country, {"00008": "wait"})
    ours, theirs = pty.openpty()
    where = theirs if on_a_terminal else subprocess.DEVNULL
    command = [sys.executable, "-c", COMMAND, "run", str(country / "params/country.yml"), "--force"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=where)
    building = country / "outputs/country/.building"
    wait_for(lambda: building.exists() and len(children_of(process.pid)) > 0)
    tasks = list(Path(f"/proc/{process.pid}/task").iterdir())
    started = [Path(f"/proc/{one}/cmdline").read_bytes() for one in children_of(process.pid)]
    (country / "trouble.json").unlink()
    assert process.wait(300) == 0
    os.close(theirs), os.close(ours)
    assert len(tasks) == 1 and not any(b"publishing.fresh" in one for one in started)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children_of(pid):
    from analysis.publishing.processes import descendants

    return descendants(pid)


@pytest.mark.parametrize(("name", "code"), [("SIGKILL", -9), ("SIGINT", 130)])
def test_a_run_stopped_among_its_pages_is_taken_up_where_it_stood(good, tmp_path, name, code):
    folder = tmp_path / "c"
    write(folder)
    trouble(folder, dict.fromkeys([f"{at:05d}" for at in range(4, 9)], "wait"))
    process = start(folder, "--jobs", 2)
    site = folder / "outputs/country/site"
    wait_for(lambda: (site / "units/00003.html").exists() and len(children_of(process.pid)) >= 2)
    time.sleep(0.5)
    family = children_of(process.pid)
    process.send_signal(getattr(signal, name))
    said = process.communicate(timeout=60)[1]
    assert process.returncode == code and "Traceback" not in said
    if name == "SIGINT":
        assert "stopped; whole pages stay as they are, run again to finish" in said
    wait_for(lambda: not any(is_running(one) for one in family), 30)
    done = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert all((site / one).read_text(encoding="utf-8").endswith("</html>\n") for one in done)
    (folder / "trouble.json").unlink()
    again = run(folder)
    assert "Forecasting" not in again and f"{14 - len(done)} published, {len(done)} unchanged, 0 failed" in again
    assert pages(folder) == pages(good)


def test_a_run_killed_among_its_statistics_keeps_the_pieces_that_were_whole(good, tmp_path):
    folder = tmp_path / "c"
    write(folder)
    process = start(folder, "--jobs", 1)
    kept = folder / "outputs/country/.kept"
    wait_for(lambda: len([one for one in kept.glob("*/whole.json") if not one.parent.name.startswith(".")]) >= 2)
    process.kill()
    process.communicate()
    assert not (folder / "outputs/country/manifest.json").exists()
    stamps = {path: path.stat().st_mtime_ns for path in kept.glob("[0-9a-f]*/*.parquet")}
    run(folder)
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
    assert pages(folder) == pages(good) and not list(kept.glob(".*"))


def test_two_runs_at_once_into_one_folder_are_told_apart(country, good):
    trouble(country, {"00008": "wait"})
    first = start(country, "--force")
    building = country / "outputs/country/.building"
    wait_for(lambda: building.exists() and len(children_of(first.pid)) > 0)
    said = run(country, code=1)
    assert f"another run is writing into this folder (process {first.pid})" in said
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
    """A small tmpfs that holds the last run, and has no room for a page more."""
    may_mount(tmp_path)
    run_dir = country / "outputs/country"
    shutil.rmtree(run_dir / ".kept")
    size = sum((path.stat().st_size + 4095) // 4096 * 4096 for path in run_dir.rglob("*") if path.is_file())
    script = (
        f'cp -r "$1" {tmp_path}/keep; mount -t tmpfs -o size={(size + 60_000) // 1024}k tmpfs "$1"; '
        f'cp -r {tmp_path}/keep/. "$1"; cd {tmp_path}; {RUN}; cp -r {run_dir}/. {tmp_path}/left'
    )
    params = country / "params/country.yml"
    command = [sys.executable, "-c", COMMAND, "run", params, "--from", "publish", "--force"]
    done = shell(script, run_dir, *command)
    assert done.returncode == 0, done.stderr
    said, code = (tmp_path / "said").read_text(), (tmp_path / "code").read_text().strip()
    assert code == "1" and "No space left on device" in said and "Traceback" not in said, said
    before, left = pages(good), tmp_path / "left"
    for name in before:
        if name != "site/index.html":
            page = (left / name).read_bytes()
            assert page == before[name] or (b"Ch\xc6\xb0a c\xe1\xba\xadp nh\xe1\xba\xadt" in page), name
            assert page.rstrip().endswith((b"</html>", b"}")), name
    shutil.rmtree(run_dir)
    shutil.copytree(left, run_dir)
    run(country)
    assert pages(country) == before


def test_a_folder_that_may_only_be_read_is_told_and_stays(country, good, tmp_path):
    may_mount(tmp_path)
    run_dir = country / "outputs/country"
    script = f'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; cd {tmp_path}; {RUN}'
    command = [sys.executable, "-c", COMMAND, "run", country / "params/country.yml", "--force"]
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
    name = "site/units/00003.html"
    main = [one[name].decode() for one in (pages(folder), pages(good))]
    assert main[0][main[0].index("<main") : main[0].index("</main>")] in main[1]
    assert {path.name for path in (folder / "outputs/country/site/units").iterdir()} == {"00003.html"}
