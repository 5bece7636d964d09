"""Publishing in real runs, with every fault put in; each run is one clean interpreter."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import nbformat
import pytest
from tests.publishing.conftest import PUBLISH, make_notebook, publish, run_clean
from tests.publishing.test_forks import is_running
from tests.publishing.test_site import ODD

from analysis.briefing.fragment import clean_text
from analysis.publishing.environment import pinned_environment

TROUBLE = """import os, signal, sys, time
from pathlib import Path
how = unit if Path(run_dir, "broken").exists() else "well"
if how == "raise":
    raise ValueError("no rows for <unit>")
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
    "raise": "units/raise.html: cell 5 raised ValueError: no rows for <unit>. Run the notebook by hand with",
    "exit0": "units/exit0.html: cell 5 (cell-1) raised SystemExit: 0.",
    "vanish": "The page was not made: its process ended by itself (exit code 0) without handing it back.",
    "kill": "The page was not made: its process was killed (SIGKILL), by hand or for want of memory.",
    "hang": "The page was not made: it took longer than 4 s and was stopped.",
    "memory": "units/memory.html: cell 5 raised MemoryError: .",
}
UNITS = ["well", *REASONS]
ODD_CELL = "Fragment(tag('p', name_html(unit)), 'sentence', unit)"


def spec(run_dir, notebook, units=UNITS, **more):
    return {"run_dir": str(run_dir), "jobs": [{"unit": one, "notebook": str(notebook)} for one in units], **more}


def files(run_dir):
    return {
        path.relative_to(run_dir).as_posix(): path.read_bytes()
        for path in sorted(Path(run_dir).rglob("*"))
        if path.is_file() and path.name not in {".lock", "broken"}
    }


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    """Four runs into one folder: all well, all faults, again as it was, and once more with nothing to do."""
    folder = tmp_path_factory.mktemp("faults")
    nbformat.write(make_notebook("# Unit briefing", TROUBLE), folder / "unit.ipynb")
    run_dir = folder / "run"
    script = (
        PUBLISH
        + """
import time
spec = json.loads(sys.argv[1]); run_dir = Path(spec["run_dir"])
def tree():
    paths = [one for one in sorted(run_dir.rglob("*")) if one.suffix in (".html", ".ipynb")]
    return {one.relative_to(run_dir).as_posix(): one.read_text() for one in paths}
out = {"first": [publish(spec), tree()]}
(run_dir / "broken").touch()
out["broken"] = [publish({**spec, "force": True, "limits": {"seconds": 4, "memory_mb": 500}}), tree()]
(run_dir / "broken").unlink()
out["mended"] = [publish(spec), tree()]
out["again"] = [publish(spec), tree()]
print(json.dumps(out))
"""
    )
    return run_clean(script, json.dumps(spec(run_dir, folder / "unit.ipynb")), cwd=folder)


def by_unit(results):
    return {one["unit"]: one for one in results}


def test_every_page_is_published_when_all_is_well(faults):
    results, tree = faults["first"]
    assert [one["unit"] for one in results] == UNITS
    assert {one["status"] for one in results} == {"published"}
    for unit in UNITS:
        assert f"<p>Figures of {unit}</p>" in tree[f"site/units/{unit}.html"]
        assert 'run_dir = \\"../..\\"' in tree[f"notebooks/units/{unit}.ipynb"]


@pytest.mark.parametrize("how", REASONS)
def test_a_fault_is_a_row_with_its_reason_and_the_last_good_page_stays_marked(faults, how):
    row = by_unit(faults["broken"][0])[how]
    assert (row["status"], row["kept"]) == ("failed", True)
    assert row["reason"].startswith(REASONS[how]), row["reason"]
    before, after = faults["first"][1], faults["broken"][1]
    page = after[f"site/units/{how}.html"]
    assert f"<p>Figures of {how}</p>" in page and "<strong>Not updated</strong>" in page
    assert after[f"notebooks/units/{how}.ipynb"] == before[f"notebooks/units/{how}.ipynb"]
    assert len(after) == len(before)


def test_the_others_are_published_beside_the_faults(faults):
    assert by_unit(faults["broken"][0])["well"]["status"] == "published"
    assert "Not updated" not in faults["broken"][1]["site/units/well.html"]


def test_running_again_mends_what_failed_and_redoes_nothing_else(faults):
    status = {unit: one["status"] for unit, one in by_unit(faults["mended"][0]).items()}
    assert status == {unit: "unchanged" if unit == "well" else "published" for unit in UNITS}
    assert faults["mended"][1] == faults["first"][1]


def test_with_nothing_changed_nothing_is_made(faults):
    results, tree = faults["again"]
    assert {one["status"] for one in results} == {"unchanged"} and tree == faults["first"][1]
    assert [one["sha256"] for one in results] == [one["sha256"] for one in faults["mended"][0]]


@pytest.mark.slow
def test_bytes_are_the_same_in_another_folder_with_other_jobs_zone_and_hash_seed(faults, tmp_path, write_notebook):
    notebook = write_notebook(make_notebook("# Unit briefing", TROUBLE))
    other = spec(tmp_path / "deep" / "er", notebook, n_jobs=3)
    other["jobs"].reverse()
    publish(other, cwd="/", environment={"TZ": "Asia/Ho_Chi_Minh", "PYTHONHASHSEED": "7", "LC_ALL": "C"})
    made = {
        key: text.decode() for key, text in files(tmp_path / "deep" / "er").items() if key.endswith((".html", ".ipynb"))
    }
    assert made == faults["first"][1]


@pytest.mark.slow
def test_a_page_in_a_long_series_is_the_page_made_alone(tmp_path, write_notebook):
    """Looping in one process once turned charts silently into text."""
    chart = "import matplotlib.pyplot as plt\nplt.plot([len(unit), 2])\nNone"
    notebook = write_notebook(make_notebook(chart, "Fragment(tag('p', unit), 'note')"))
    units = [f"u{n}" for n in range(12)]
    publish(spec(tmp_path / "long", notebook, units), cwd=tmp_path)
    publish(spec(tmp_path / "alone", notebook, ["u11"]), cwd=tmp_path)
    long, alone = files(tmp_path / "long"), files(tmp_path / "alone")
    for name in ("site/units/u11.html", "notebooks/units/u11.ipynb"):
        assert long[name] == alone[name]
    assert b"image/png" in long["notebooks/units/u11.ipynb"] and b"image/png" in long["notebooks/units/u0.ipynb"]


@pytest.mark.slow
def test_one_changed_unit_makes_one_page(tmp_path, write_notebook, run_dir):
    notebook = write_notebook(make_notebook("1"))
    asked = spec(run_dir, notebook, ["a", "b", "c"])
    publish(asked, cwd=tmp_path)
    asked["jobs"][1]["inputs"] = "one figure corrected"
    assert [one["status"] for one in publish(asked, cwd=tmp_path)] == ["unchanged", "published", "unchanged"]


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def start(asked, cwd):
    """A run in the background; a shell without job control would have it ignore Ctrl-C."""
    script = PUBLISH + (
        "\nimport signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "print(json.dumps(publish(json.loads(sys.argv[1]))))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(asked)],
        cwd=cwd,
        env={**os.environ, **pinned_environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


SLOW = """import os, time
open(os.path.join(run_dir, unit + '.pid'), 'w').write(str(os.getpid()))
while unit > "u3" and not os.path.exists(os.path.join(run_dir, "go")):
    time.sleep(.02)
1"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_a_run_stopped_half_way_leaves_whole_pages_and_is_taken_up(tmp_path, write_notebook, run_dir, name):
    notebook = write_notebook(make_notebook(SLOW))
    asked = spec(run_dir, notebook, [f"u{n}" for n in range(8)], n_jobs=2)
    process = start(asked, tmp_path)
    wait_for(lambda: len(list(run_dir.glob("site/units/*.html"))) == 4 and (run_dir / "u5.pid").exists())
    process.send_signal(getattr(signal, name))
    process.wait(60)
    done = {path.name for path in run_dir.glob("site/units/*.html")}
    assert done == {"u0.html", "u1.html", "u2.html", "u3.html"} and process.returncode != 0
    for path in run_dir.glob("site/units/*.html"):
        assert path.read_text().endswith("</html>\n")
    wait_for(lambda: not any(is_running(int(path.read_text() or 0)) for path in run_dir.glob("*.pid")))
    (run_dir / "go").touch()
    results = publish(asked, cwd=tmp_path)
    status = {one["page"].split("/")[1]: one["status"] for one in results}
    assert {page for page, one in status.items() if one == "unchanged"} == done
    assert set(status.values()) == {"unchanged", "published"}
    assert not (run_dir / ".building").exists()


@pytest.mark.slow
def test_two_runs_at_once_into_one_folder_are_told_apart(tmp_path, write_notebook, run_dir):
    asked = spec(run_dir, write_notebook(make_notebook(SLOW)), [f"u{n}" for n in range(6)])
    first = start(asked, tmp_path)
    wait_for(lambda: (run_dir / "u4.pid").exists())
    second = start(asked, tmp_path)
    _, said = second.communicate(timeout=300)
    (run_dir / "go").touch()
    assert second.returncode != 0 and f"another run is writing into this folder (process {first.pid})" in said
    assert first.wait(300) == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path, write_notebook):
    (tmp_path / "run").write_text("a file")
    asked = spec(tmp_path / "run", write_notebook(make_notebook("1")), ["a"])
    script = PUBLISH + "\nprint(json.dumps(publish(json.loads(sys.argv[1]))))"
    done = run_clean(script, json.dumps(asked), cwd=tmp_path, check=False)
    assert f"{tmp_path}/run: the folder cannot be written: File exists" in done.stderr


@pytest.mark.slow
def test_a_full_disk_loses_no_page(tmp_path, write_notebook, run_dir):
    """A file that grows past the process's limit fails as on a full disk: half-way through a write."""
    notebook = write_notebook(make_notebook("Fragment(tag('p', unit * 5), 'note')"))
    publish(spec(run_dir, notebook, ["a", "b"]), cwd=tmp_path)
    before = files(run_dir)
    full = PUBLISH + (
        "\nimport resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "print(json.dumps(publish({**json.loads(sys.argv[1]), 'force': True})))"
    )
    results = run_clean(full, json.dumps(spec(run_dir, notebook, ["a", "b"])), cwd=tmp_path)
    assert {one["status"] for one in results} == {"failed"}
    assert all("File too large" in one["reason"] for one in results)
    after = files(run_dir)
    for name in before:
        if name.endswith((".html", ".ipynb")):
            assert after[name] == before[name], name
    again = publish(spec(run_dir, notebook, ["a", "b"]), cwd=tmp_path)
    assert {one["status"] for one in again} == {"published"} and files(run_dir) == before


@pytest.mark.slow
def test_without_fork_the_ordinary_engine_makes_the_same_page(tmp_path, write_notebook):
    notebook = write_notebook(make_notebook("# Unit briefing", "Fragment(tag('p', unit), 'note')", "print(1)"))
    script = (
        PUBLISH
        + """
import analysis.publishing.execute as execute, analysis.publishing.make as make, os
if __name__ == "__main__":
    made = publish(json.loads(sys.argv[1]))
    os.environ["CANDICH_NO_FORK"] = "1"
    plain = publish(json.loads(sys.argv[2]))
    print(json.dumps([made, plain]))
"""
    )
    asked = [json.dumps(spec(tmp_path / one, notebook, ["a"])) for one in ("forked", "plain")]
    made, plain = run_clean(script, *asked, cwd=tmp_path)
    assert [one["status"] for one in made + plain] == ["published", "published"], (made, plain)
    forked, ordinary = files(tmp_path / "forked"), files(tmp_path / "plain")
    assert forked["site/units/a.html"] == ordinary["site/units/a.html"]
    assert forked["notebooks/units/a.ipynb"] == ordinary["notebooks/units/a.ipynb"]


BLACK = """
import sys, types
black = sys.modules["black"] = types.ModuleType("black")
black.FileMode = lambda **how: None
black.format_str = lambda text, mode: text.replace('"', "'") + "# formatted"
"""


@pytest.mark.slow
def test_a_formatter_that_happens_to_be_installed_does_not_change_the_bytes(tmp_path, write_notebook):
    notebook = write_notebook(make_notebook("Fragment(tag('p', unit), 'note')", "import sys; 'black' in sys.modules"))
    asked = [json.dumps(spec(tmp_path / one, notebook, ["a"])) for one in ("with", "without")]
    for before, one in zip((BLACK, ""), asked):
        (made,) = run_clean(
            before + PUBLISH + "\nprint(json.dumps(publish(json.loads(sys.argv[1]))))", one, cwd=tmp_path
        )
        assert made["status"] == "published", made
    found = [json.loads(files(tmp_path / one)["notebooks/units/a.ipynb"]) for one in ("with", "without")]
    cells = [[cell["source"] for cell in one["cells"]] for one in found]
    assert cells[0] == cells[1] and not any("formatted" in cell for cell in cells[0])
    assert "True" in json.dumps(found[0]["cells"]) and "False" in json.dumps(
        found[1]["cells"]
    )  # a notebook still has it


@pytest.mark.slow
def test_any_unit_code_comes_out_as_text_everywhere(tmp_path, write_notebook, run_dir):
    notebook = write_notebook(make_notebook("from analysis.briefing.fragment import name_html", ODD_CELL))
    results = publish(spec(run_dir, notebook, ODD), cwd=tmp_path)
    assert [(one["unit"], one["status"]) for one in results] == [(unit, "published") for unit in ODD]
    assert {path.parent.name for path in run_dir.rglob("*.html")} == {"units"}  # no code left the folder
    for one in results:
        html = (run_dir / "site" / one["page"]).read_text(encoding="utf-8")
        shown = re.search(r"<p>(?:<bdi>)?([^<]*)(?:</bdi>)?</p>", html, re.DOTALL).group(1)
        assert unescape(shown) == clean_text(one["unit"])
        assert "<script" not in html
        executed = nbformat.read(run_dir / "notebooks" / Path(one["page"]).with_suffix(".ipynb"), 4)
        assert executed.metadata.papermill.parameters.unit == one["unit"]


@pytest.mark.slow
def test_a_parameter_name_that_is_code_is_never_run(tmp_path, write_notebook, run_dir):
    notebook = write_notebook(make_notebook("1"))
    script = (
        PUBLISH
        + """
from analysis.words.errors import ParamsError
spec = json.loads(sys.argv[1])
(job,) = jobs_of(spec)
for name in ("unit; open('owned', 'w'); x", "__import__('os').system('touch owned')", "unti"):
    bad = dataclasses.replace(job, parameters={**job.parameters, name: "1"})
    try:
        publish_pages([bad], run_dir=Path(spec["run_dir"]))
    except ParamsError as error:
        print(len(error.problems))
print(json.dumps([path.name for path in Path(".").iterdir()]))
"""
    )
    left = run_clean(script, json.dumps(spec(run_dir, notebook, ["a"])), cwd=tmp_path)
    assert "owned" not in left and not list(run_dir.rglob("*.html"))


@pytest.mark.slow
def test_a_process_with_threads_publishes_the_same_pages_through_a_fresh_one(faults, tmp_path, write_notebook):
    notebook = write_notebook(make_notebook("# Unit briefing", TROUBLE))
    script = (
        PUBLISH
        + """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(json.dumps(publish(json.loads(sys.argv[1]))))
"""
    )
    results = run_clean(script, json.dumps(spec(tmp_path / "run", notebook)), cwd=tmp_path)
    assert {one["status"] for one in results} == {"published"}, results
    made = {key: text.decode() for key, text in files(tmp_path / "run").items() if key.endswith((".html", ".ipynb"))}
    assert made == faults["first"][1]


@pytest.mark.slow
def test_a_fresh_process_that_ends_early_is_an_error_and_nothing_stays_half_done(tmp_path, write_notebook, run_dir):
    notebook = write_notebook(make_notebook("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"))
    script = (
        PUBLISH
        + """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
try:
    publish(json.loads(sys.argv[1]))
except Exception as error:
    print(json.dumps(str(error)))
"""
    )
    said = run_clean(script, json.dumps(spec(run_dir, notebook, ["a"])), cwd=tmp_path)
    assert said.startswith("publishing: the process that forks the pages ended with exit code -9")
    assert not list(run_dir.rglob("*.html")) and not (run_dir / ".building").exists()
