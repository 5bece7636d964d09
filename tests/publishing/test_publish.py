"""Publishing in real runs, with every fault put in; pages are made by a real page maker."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import threading
from html import unescape
from pathlib import Path

import nbformat
import pytest
from tests.publishing.conftest import (
    is_running,
    jobs_of,
    make_notebook,
    make_run,
    pages_of,
    publish,
    published_files,
    run_clean,
    wait_for,
)
from tests.publishing.test_site import ODD

from analysis.briefing.fragment import clean_text
from analysis.publishing.chrome import without_notice
from analysis.publishing.jobs import PageResult
from analysis.publishing.publish import JOURNAL, PAGES, publish_pages, read_results, too_many_failed, write_results
from analysis.publishing.site import build_site
from analysis.words.errors import ParamsError, PublishError

SECRET = "postgresql://analyst:hunter2@db.internal"  # in no notebook: an error has it from elsewhere
TROUBLE = """import os, signal, sys, time
from pathlib import Path
how = unit if Path(run_dir, "broken").exists() else "well"
if how == "raise":
    raise ValueError("no rows for <unit> at " + Path(run_dir, "broken").read_text())
if how == "exit0":
    sys.exit(0)
if how == "vanish":
    os._exit(0)
if how == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "hang":
    time.sleep(60)
if how == "memory":
    bytearray(2**31)
Fragment(tag("p", "Figures of " + unit), "sentence", unit)"""
REASONS = {
    "raise": (
        "ValueError",
        f"units/raise.html: cell 5 raised ValueError: no rows for <unit> at {SECRET}. Run the notebook by hand with",
    ),
    "exit0": ("SystemExit", "units/exit0.html: cell 5 (cell-1) raised SystemExit: 0."),
    "vanish": ("Killed", "The page was not made: its process ended by itself (exit code 0) without handing it back."),
    "kill": ("Killed", "The page was not made: its process was killed (SIGKILL), by hand or for want of memory."),
    "hang": ("TimeLimit", "The page was not made: it took longer than 4 s and was stopped."),
    "memory": ("MemoryError", "units/memory.html: cell 5 raised MemoryError: ."),
}
UNITS = ["well", *REASONS]
CHART = "import matplotlib.pyplot as plt\nplt.plot([len(unit), 2])\nNone"


@pytest.fixture(scope="module")
def faults(tmp_path_factory, maker):
    """Four runs, each after the one before: all well, all faults, again as it was, and once more with nothing to do."""
    folder = tmp_path_factory.mktemp("faults")
    nbformat.write(make_notebook("# Unit briefing", TROUBLE), folder / "unit.ipynb")
    found, previous = {}, None
    for name, type_hash in (("first", "1"), ("broken", "2"), ("mended", "2"), ("again", "2")):
        building = folder / name
        building.mkdir()
        if name == "broken":
            (building / "broken").write_text(SECRET)
        jobs = jobs_of(folder / "unit.ipynb", UNITS, building, type_hash=type_hash)
        found[name] = publish(jobs, building, previous=previous, maker=maker), pages_of(building)
        previous = building
    return found | {"folder": folder}


def by_unit(results):
    return {result.unit: result for result in results}


def test_every_page_is_published_when_all_is_well(faults):
    results, pages = faults["first"]
    assert [result.unit for result in results] == UNITS
    assert {result.status for result in results} == {"published"}
    for unit in UNITS:
        assert f"<p>Figures of {unit}</p>" in pages[f"site/units/{unit}.html"].decode()
        assert 'run_dir = \\"../..\\"' in pages[f"notebooks/units/{unit}.ipynb"].decode()


@pytest.mark.parametrize("how", REASONS)
def test_a_fault_is_a_row_with_its_reason_and_the_last_good_page_stays_marked(faults, how):
    result = by_unit(faults["broken"][0])[how]
    kind, reason = REASONS[how]
    assert (result.status, result.kept, result.kind) == ("failed", True, kind)
    assert result.reason.startswith(reason), result.reason
    before, after = faults["first"][1], faults["broken"][1]
    page = after[f"site/units/{how}.html"].decode()
    assert f"<p>Figures of {how}</p>" in page and "<strong>Not updated</strong>" in page
    assert f"Error: {kind}; reference: {result.reference}" in page
    assert after[f"notebooks/units/{how}.ipynb"] == before[f"notebooks/units/{how}.ipynb"]
    assert len(after) == len(before)


def test_what_an_error_says_reaches_the_operator_and_no_reader(faults):
    """An exception may hold anything, such as the password of a database."""
    results, run = faults["broken"][0], faults["folder"] / "broken"
    assert SECRET in by_unit(results)["raise"].reason
    index = build_site(make_run([(unit, unit, "") for unit in UNITS]), results, run / "site", "en")
    assert f"ValueError · {by_unit(results)['raise'].reference}" in index.read_text(encoding="utf-8")
    files = published_files(run)
    assert len(files) == 2 * len(UNITS) + 3 and PAGES in files  # and the index, and where this test keeps the secret
    parts = [SECRET.encode(), b"hunter2", b"db.internal"]
    assert [name for name, content in files.items() if any(part in content for part in parts)] == ["broken"]


def test_the_others_are_published_next_to_the_faults(faults):
    assert by_unit(faults["broken"][0])["well"].status == "published"
    assert "Not updated" not in faults["broken"][1]["site/units/well.html"].decode()


def test_running_again_mends_what_failed_and_redoes_nothing_else(faults):
    status = {unit: result.status for unit, result in by_unit(faults["mended"][0]).items()}
    assert status == {unit: "unchanged" if unit == "well" else "published" for unit in UNITS}
    assert faults["mended"][1] == faults["first"][1]


def test_with_nothing_changed_nothing_is_made(faults):
    results, pages = faults["again"]
    assert {result.status for result in results} == {"unchanged"} and pages == faults["first"][1]
    assert [result.sha256 for result in results] == [result.sha256 for result in faults["mended"][0]]


def no_maker():
    raise AssertionError("there is nothing to make")


@pytest.fixture
def made(faults, tmp_path):
    """A whole run of one page, its only job for a next run, and where its page and notebook are."""
    building = tmp_path / "next"
    (job,) = jobs_of(faults["folder"] / "unit.ipynb", ["well"], building, type_hash="2")
    run = tmp_path / "made"
    for name, content in pages_of(faults["folder"] / "mended").items():
        if "well" in name:
            (run / name).parent.mkdir(parents=True)
            (run / name).write_bytes(content)
    write_results([result for result in read_results(faults["folder"] / "mended") if result.unit == "well"], run)
    return run, job, building


def is_reused(made, **change):
    """Whether the next run takes the page without making it."""
    run, job, building = made
    done = []
    try:
        job = dataclasses.replace(job, **change)
        publish_pages([job], building=building, previous=run, maker=no_maker, on_done=done.append)
    except AssertionError:
        return False
    assert [result.status for result in done] == ["unchanged"] and pages_of(building) == pages_of(run)
    return True


def test_a_whole_page_of_the_same_inputs_is_copied_and_no_maker_is_started(made):
    assert is_reused(made)


@pytest.mark.parametrize("type_hash", ["other", ""])
def test_other_or_unknown_inputs_are_never_unchanged(made, type_hash):
    assert not is_reused(made, type_hash=type_hash)


def test_unknown_inputs_are_never_unchanged_even_where_the_run_before_did_not_know_them_either(made):
    run = made[0]
    write_results([dataclasses.replace(result, type_hash="") for result in read_results(run)], run)
    assert not is_reused(made, type_hash="")


@pytest.mark.parametrize("name", ["site/units/well.html", "notebooks/units/well.ipynb"])
@pytest.mark.parametrize("content", [b"half", None])
def test_a_page_that_was_touched_or_lost_is_made_again(made, name, content):
    path = made[0] / name
    path.unlink() if content is None else path.write_bytes(content)
    assert not is_reused(made)


def test_a_page_that_failed_is_made_again(made):
    run = made[0]
    write_results([dataclasses.replace(result, status="failed") for result in read_results(run)], run)
    assert read_results(run) == [] and not is_reused(made)


@pytest.mark.parametrize("content", ["", "[", "7", '[{"page": 1}]', None])
def test_unreadable_results_are_none(tmp_path, content):
    if content is not None:
        (tmp_path / PAGES).write_text(content)
    assert read_results(tmp_path) == []


def test_results_are_written_without_reasons_times_or_how_the_page_came(tmp_path):
    rows = [
        PageResult("units/b.html", "b\udc80", "unit.ipynb", "failed", reason="why", kind="KeyError", kept=True),
        PageResult("units/a.html", "a", "unit.ipynb", "unchanged", sha256="x", cpu_seconds=0.1, seconds=2, peak_mb=3),
    ]
    write_results(rows, tmp_path)
    text = (tmp_path / PAGES).read_text(encoding="utf-8")
    assert "why" not in text and "seconds" not in text and "peak" not in text
    failed, published = json.loads(text)
    assert (failed["unit"], failed["status"], failed["kind"], failed["kept"]) == ("b\udc80", "failed", "KeyError", True)
    assert (published["status"], published["sha256"]) == ("published", "x")
    assert [result.page for result in read_results(tmp_path)] == ["units/a.html"]


def test_too_many_failed_pages_are_refused_with_their_share_and_at_most_five_reasons():
    failed = [PageResult(f"{n}.html", "", "n.ipynb", "failed", reason=f"reason {n}") for n in range(7)]
    rows = [*failed, *[PageResult(f"{n}.html", "", "n.ipynb", "published") for n in range(7, 20)]]
    too_many_failed(rows, max_failed_share=0.35)
    too_many_failed([], max_failed_share=0)
    with pytest.raises(PublishError) as caught:
        too_many_failed(rows, max_failed_share=0.3)
    assert str(caught.value).startswith("max_failed_share: 7 of 20 pages failed: 'reason 0', ")
    assert "'reason 4' and 2 more. Allowed: a share of at most 0.3. Correct the cause" in str(caught.value)


@pytest.mark.parametrize("content", [None, b"half", b"\xff", b"<!DOCTYPE html>\n<html lang='vi'><body></body></html>"])
def test_a_page_that_fails_keeps_nothing_where_there_is_no_whole_page_before(tmp_path, write_notebook, maker, content):
    previous, building = tmp_path / "before", tmp_path / "run"
    jobs = jobs_of(write_notebook(make_notebook("1 / 0")), ["a"], building)
    if content is not None:
        (previous / "site/units").mkdir(parents=True)
        (previous / "site" / jobs[0].page).write_bytes(content)
    (result,) = publish(jobs, building, previous=previous, maker=maker)
    assert (result.status, result.kept, result.shown) == ("failed", False, False) and pages_of(building) == {}


@pytest.mark.slow
def test_a_page_that_fails_twice_is_still_the_last_good_one(tmp_path, write_notebook, maker):
    notebook = write_notebook(make_notebook("import os\n1 / (not os.path.exists(os.path.join(run_dir, 'broken')))"))
    previous, first = None, {}
    for at in range(3):
        building = tmp_path / str(at)
        building.mkdir()
        if at:
            (building / "broken").touch()
        jobs = jobs_of(notebook, ["a"], building, type_hash=str(at))
        (result,) = publish(jobs, building, previous=previous, maker=maker)
        first = first or pages_of(building)
        previous = building
    assert (result.status, result.kept) == ("failed", True)
    made = pages_of(previous)
    assert made["notebooks/units/a.ipynb"] == first["notebooks/units/a.ipynb"]
    html = made["site/units/a.html"].decode()
    assert html.count("data-notice") == 1 and without_notice(html) == first["site/units/a.html"].decode()


@pytest.mark.slow
def test_bytes_are_the_same_in_another_folder_with_other_jobs_zone_and_hash_seed(faults, tmp_path):
    building = tmp_path / "deep" / "er"
    script = (
        "import sys, json\nfrom pathlib import Path\nfrom tests.publishing.conftest import jobs_of, publish\n"
        "notebook, building, *units = sys.argv[1:]\n"
        "publish(jobs_of(notebook, units, building), Path(building))\nprint('{}')"
    )
    other = {"TZ": "Asia/Ho_Chi_Minh", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    other["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    run_clean(script, faults["folder"] / "unit.ipynb", building, *UNITS[::-1], cwd="/", environment=other)
    assert pages_of(building) == faults["first"][1]


@pytest.mark.slow
def test_one_changed_page_type_makes_its_pages_and_no_others(tmp_path, write_notebook, maker):
    notebook = write_notebook(make_notebook("1"))
    first, second = tmp_path / "first", tmp_path / "second"
    publish(jobs_of(notebook, ["a", "b", "c"], first), first, maker=maker)
    jobs = jobs_of(notebook, ["a", "b", "c"], second)
    jobs[1] = dataclasses.replace(jobs[1], type_hash="one figure corrected")
    results = publish(jobs, second, previous=first, maker=maker)
    assert [result.status for result in results] == ["unchanged", "published", "unchanged"]


SLOW = """import os, time
open(os.path.join(run_dir, unit + '.' + str(os.getpid()) + '.pid'), 'w').close()
while unit > "u3" and not os.path.exists(os.path.join(run_dir, "go")):
    time.sleep(.02)
1"""
RUN = """import sys
from pathlib import Path
from tests.publishing.conftest import jobs_of, publish
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
notebook, building, *units = sys.argv[1:]
try:
    publish(jobs_of(notebook, units, building), Path(building))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_a_run_stopped_half_way_leaves_whole_pages_and_is_taken_up(write_notebook, run_dir, maker, name):
    """Ctrl-C reaches every process of a terminal: here too, and only the one that answers it may say so."""
    notebook, units = write_notebook(make_notebook(SLOW)), [f"u{n}" for n in range(8)]
    run_dir.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, notebook, run_dir, *units],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    site = run_dir / "site/units"
    wait_for(lambda: len(list(site.glob("*.html"))) == 4 and list(run_dir.glob("u5.*.pid")))
    if name == "SIGINT":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.kill()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == {"SIGKILL": -9, "SIGINT": 130}[name] and said == ""
    pids = [int(path.name.split(".")[1]) for path in run_dir.glob("*.pid")]
    wait_for(lambda: not any(map(is_running, pids)), seconds=10)
    done = {path.name: path.stat() for path in site.glob("*.html")}
    assert set(done) == {"u0.html", "u1.html", "u2.html", "u3.html"}
    assert all((site / page).read_text(encoding="utf-8").endswith("</html>\n") for page in done)
    with open(run_dir / JOURNAL, "a") as journal:
        journal.write('\n7\n{"page": "units/u7.ht')  # a line that was not written to its end

    (run_dir / "go").touch()
    results = publish(jobs_of(notebook, units, run_dir), run_dir, maker=maker)
    assert {result.status for result in results} == {"published"} and len(list(site.glob("*.html"))) == 8
    for page, before in done.items():  # used as they were, not made again
        now = (site / page).stat()
        assert (now.st_ino, now.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert len(list(run_dir.glob(f"{page.removesuffix('.html')}.*.pid"))) == 1
    assert not list(run_dir.glob(".pages-*"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path, write_notebook):
    (tmp_path / "run").write_text("a file")
    jobs = jobs_of(write_notebook(make_notebook("1")), ["a"], tmp_path / "run")
    with pytest.raises(OSError) as caught:
        publish(jobs, tmp_path / "run")
    assert str(caught.value.filename).startswith(f"{tmp_path}/run")


FULL = """import json, resource, signal, sys
from pathlib import Path
from analysis.publishing.page_maker import PageMaker
from tests.publishing.conftest import jobs_of, publish
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
notebook, first, second, alone = map(Path, sys.argv[1:])
with PageMaker() as maker:
    results = publish(jobs_of(notebook, ["a", "b"], alone), alone, maker=maker)
    print(json.dumps([[result.status, result.reason] for result in results]))
    publish(jobs_of(notebook, ["a", "b"], second, type_hash="other"), second, previous=first, maker=maker)
"""


@pytest.mark.slow
def test_a_full_disk_loses_no_page(tmp_path, write_notebook, maker):
    """A file that grows past the process's limit fails as on a full disk: half-way through a write."""
    notebook = write_notebook(make_notebook("Fragment(tag('p', unit * 5), 'note')"))
    first, second = tmp_path / "first", tmp_path / "second"
    publish(jobs_of(notebook, ["a", "b"], first), first, maker=maker)
    before = published_files(first)
    path = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    alone = tmp_path / "alone"
    done = run_clean(FULL, notebook, first, second, alone, cwd=tmp_path, environment=path, check=False)
    rows = json.loads(done.stdout)
    assert [status for status, _ in rows] == ["failed", "failed"]
    assert all("File too large" in reason for _, reason in rows) and pages_of(alone) == {}
    assert f"OSError: [Errno 27] File too large: '{second}/site/units/" in done.stderr  # nor can the last good page
    assert published_files(first) == before and not list(second.rglob("*.html"))
    again = publish(jobs_of(notebook, ["a", "b"], second, type_hash="other"), second, previous=first, maker=maker)
    assert {result.status for result in again} == {"published"} and pages_of(second) == pages_of(first)


@pytest.mark.slow
def test_without_fork_the_ordinary_engine_makes_the_same_page(tmp_path, write_notebook, maker, monkeypatch):
    notebook = write_notebook(make_notebook("# Unit briefing", "Fragment(tag('p', unit), 'note')", "print(1)"))
    forked, plain = tmp_path / "forked", tmp_path / "plain"
    made = publish(jobs_of(notebook, ["a"], forked), forked, maker=maker)
    monkeypatch.setenv("CANDICH_NO_FORK", "1")
    made += publish(jobs_of(notebook, ["a"], plain), plain)
    assert [result.status for result in made] == ["published", "published"], made
    assert len(pages_of(forked)) == 2 and pages_of(forked) == pages_of(plain)


@pytest.mark.slow
def test_without_fork_a_fault_is_a_row_too(tmp_path, write_notebook, run_dir, monkeypatch):
    notebook = write_notebook(make_notebook("1 / (unit != 'bad')"))
    monkeypatch.setenv("CANDICH_NO_FORK", "1")
    bad, good = publish(jobs_of(notebook, ["bad", "good"], run_dir), run_dir)
    assert (bad.status, bad.kind, good.status) == ("failed", "ZeroDivisionError", "published")
    assert bad.reason.startswith("units/bad.html: cell 4 raised ZeroDivisionError: division by zero.")


BLACK = """
def FileMode(**how): ...
def format_str(text, mode):
    return text.replace('"', "'") + "# formatted"
"""


@pytest.mark.slow
def test_a_formatter_that_happens_to_be_installed_does_not_change_the_bytes(tmp_path, write_notebook, monkeypatch):
    notebook = write_notebook(
        make_notebook(
            "Fragment(tag('p', unit), 'note')", "from importlib.util import find_spec", "find_spec('black') is not None"
        )
    )
    found = []
    for name in ("without", "with"):
        if name == "with":
            (tmp_path / "installed").mkdir()
            (tmp_path / "installed" / "black.py").write_text(BLACK)
            path = [str(tmp_path / "installed"), *filter(None, [os.environ.get("PYTHONPATH")])]
            monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
        (made,) = publish(jobs_of(notebook, ["a"], tmp_path / name), tmp_path / name)
        assert made.status == "published", made
        found.append(json.loads(pages_of(tmp_path / name)["notebooks/units/a.ipynb"]))
    cells = [[cell["source"] for cell in notebook["cells"]] for notebook in found]
    assert cells[0] == cells[1] and not any("formatted" in cell for cell in cells[0])
    assert "False" in json.dumps(found[0]["cells"]) and "True" in json.dumps(found[1]["cells"])  # a notebook has it


@pytest.mark.slow
def test_any_unit_code_comes_out_as_text_everywhere(write_notebook, run_dir, maker):
    cell = "Fragment(tag('p', name_html(unit)), 'sentence', unit)"
    notebook = write_notebook(make_notebook("from analysis.briefing.fragment import name_html", cell))
    results = publish(jobs_of(notebook, ODD, run_dir), run_dir, maker=maker)
    assert [(result.unit, result.status) for result in results] == [(unit, "published") for unit in ODD]
    assert {path.parent.name for path in run_dir.rglob("*.html")} == {"units"}  # no code left the folder
    for result in results:
        html = (run_dir / "site" / result.page).read_text(encoding="utf-8")
        shown = re.search(r"<p>(?:<bdi>)?([^<]*)(?:</bdi>)?</p>", html, re.DOTALL).group(1)
        assert unescape(shown) == clean_text(result.unit)
        assert "<script" not in html
        executed = nbformat.read(run_dir / "notebooks" / Path(result.page).with_suffix(".ipynb"), 4)
        assert executed.metadata.papermill.parameters.unit == result.unit


def test_a_parameter_name_that_is_code_is_never_run(tmp_path, write_notebook, run_dir, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (job,) = jobs_of(write_notebook(make_notebook("1")), ["a"], run_dir)
    for name in ("unit; open('owned', 'w'); x", "__import__('os').system('touch owned')", "unti"):
        bad = dataclasses.replace(job, parameters={**job.parameters, name: "1"})
        with pytest.raises(ParamsError) as caught:
            publish_pages([bad], building=run_dir, previous=None, maker=no_maker)
        assert len(caught.value.problems) == 1
    assert not (tmp_path / "owned").exists() and not list(run_dir.rglob("*.html"))


@pytest.mark.slow
def test_a_process_with_threads_publishes_the_same_pages(faults, tmp_path):
    """The maker is a new interpreter, whatever the caller holds."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        jobs = jobs_of(faults["folder"] / "unit.ipynb", UNITS, tmp_path / "run")
        results = publish(jobs, tmp_path / "run")
    finally:
        done.set()
        thread.join()
    assert {result.status for result in results} == {"published"}, results
    assert pages_of(tmp_path / "run") == faults["first"][1]


@pytest.mark.slow
def test_a_page_maker_that_is_killed_is_an_error_and_nothing_stays_half_done(write_notebook, run_dir):
    notebook = write_notebook(make_notebook("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"))
    with pytest.raises(PublishError) as caught:
        publish(jobs_of(notebook, ["a"], run_dir), run_dir)
    assert str(caught.value) == (
        "publishing: the process that makes the pages ended with exit code -9. Allowed: it ends after the last page. "
        "Free memory, then run again."
    )
    assert not list(run_dir.rglob("*.html")) and not list(run_dir.glob(".pages-*"))
