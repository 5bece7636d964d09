"""Pages on many machines: a real Dask scheduler and workers in processes of their own, on this machine."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from benchmarks.country import write_country
from nbformat.v4 import new_code_cell
from tests.publishing.conftest import is_running, make_notebook, pages_of, run_clean, wait_for, write_small_run

import analysis
from analysis.publishing.distributed import _chunks, _written, check_address
from analysis.publishing.environment import pinned_environment
from analysis.publishing.forks import Outcome, descendants
from analysis.words.errors import ParamsError
from analysis.words.files import sha256

ON_DASK = """
import dataclasses, json, sys
from contextlib import ExitStack
from pathlib import Path
from analysis.publishing.distributed import DaskPages
from analysis.publishing.environment import environment_hashes
from analysis.publishing.jobs import PageJob
from analysis.publishing.page_maker import PageMaker
from analysis.publishing.publish import publish_pages
from analysis.publishing.site import page_name

spec = json.loads(sys.argv[1])
building, told = Path(spec["building"]), []
jobs = [
    PageJob(
        page_name(unit), Path(spec["notebook"]), {"run_dir": spec["building"], "unit": unit, "language": "en"},
        {"language": "en", "cutoff": "2026-Q3"}, type_hash=spec.get("type_hash", "rows"), together=True,
    )
    for unit in spec["units"]
]
with ExitStack() as stack:
    if spec["address"]:
        options = {"patience": spec["patience"]} if "patience" in spec else {}
        maker = lambda: DaskPages(spec["address"], code=environment_hashes(), **options)
    else:
        maker = lambda: stack.enter_context(PageMaker())
    tell = lambda result: told.append(result.page)
    results = publish_pages(jobs, building=building, previous=None, maker=maker, on_done=tell)
print(json.dumps({"results": [dataclasses.asdict(one) for one in results], "told": told}))
"""
CELL = """import os, time
open(os.path.join(run_dir, unit + '.' + str(os.getpid()) + '.pid'), 'w').close()
while unit > "u3" and not os.path.exists(os.path.join(run_dir, "go")):
    time.sleep(.02)
Fragment(tag('p', 'Figures of ' + unit), 'sentence', unit)"""
CHART = "import matplotlib.pyplot as plt\nplt.plot([len(unit), 2])\nNone"
UNITS = [f"u{n}" for n in range(10)]


@pytest.fixture
def plain(tmp_path):
    """The environment of a plain shell, with a copy of our code that nobody edits meanwhile."""
    shutil.copytree(Path(analysis.__file__).parent, tmp_path / "code" / "analysis")
    own = {name: value for name, value in os.environ.items() if name not in pinned_environment()}
    return {**own, "PYTHONPATH": str(tmp_path / "code")}


@pytest.fixture
def code(plain):
    """The environment of our own command: workers in other ones, or with other code, are refused."""
    return {**plain, **pinned_environment()}


@pytest.fixture
def dask(plain, tmp_path):
    """Starts schedulers and workers, as from a shell; ends those it started."""
    started = []

    def start(*arguments):
        log = open(tmp_path / f"dask-{len(started)}.log", "w")  # noqa: SIM115  the process keeps it
        command = [sys.executable, "-m", "dask", *arguments]
        process = subprocess.Popen(command, env=plain, cwd=tmp_path, stdout=log, stderr=log)
        started.append((process, log))
        return process

    yield start
    for process, log in started:
        with contextlib.suppress(OSError):
            process.kill()
        process.wait()
        log.close()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def scheduler(dask):
    """The address of a scheduler, and its process."""
    port = free_port()
    process = dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    return f"tcp://127.0.0.1:{port}", process


@pytest.fixture
def address(scheduler):
    return scheduler[0]


def worker(dask, address, *, threads=1):
    return dask("worker", address, "--no-nanny", "--nthreads", str(threads), "--no-dashboard", "--host", "127.0.0.1")


def listens(address):
    with contextlib.suppress(ParamsError):
        check_address(address)
        return True
    return False


@pytest.fixture
def building(tmp_path):
    return small_run(tmp_path / "run")


def small_run(folder):
    """A run that is being built: its tables, no pages yet."""
    write_small_run(folder, ["a"], {"run_id": "demo", "language": "en", "publish": {}, "simulated": True})
    return folder


def start(building, notebook, units, *, address, code, cwd, **more):
    spec = {"building": str(building), "notebook": str(notebook), "units": units, "address": address, **more}
    command = [sys.executable, "-c", ON_DASK, json.dumps(spec)]
    return subprocess.Popen(command, cwd=cwd, env=code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process):
    """Results by unit, pages in the order they were told, and what was printed as an error."""
    said, complained = process.communicate(timeout=400)
    assert process.returncode == 0, complained[-3000:]
    found = json.loads(said.splitlines()[-1])
    return {one["unit"]: one for one in found["results"]}, found["told"], complained


def held_by(worker, building):
    """Units whose pages wait in the hands of a worker."""
    begun = [path.name.split(".")[:2] for path in building.glob("*.pid")]
    family = set(descendants(worker.pid))
    return sorted(unit for unit, pid in begun if unit > "u3" and int(pid) in family)


@pytest.mark.slow
def test_a_worker_killed_half_way_loses_nothing_and_the_bytes_are_those_of_one_machine(
    tmp_path, write_notebook, building, code, dask, address
):
    notebook = write_notebook(make_notebook("# Unit briefing", CELL, CHART))
    local = small_run(tmp_path / "local")
    (local / "go").touch()
    at_once, _, _ = answer(start(local, notebook, UNITS, address="", code=code, cwd=tmp_path))
    wait_for(lambda: listens(address))
    first, second = worker(dask, address), worker(dask, address)

    caller = start(building, notebook, UNITS, address=address, code=code, cwd=tmp_path)
    wait_for(lambda: caller.poll() is not None or all(held_by(one, building) for one in (first, second)))
    (lost,) = held_by(first, building)  # each worker is in the middle of a page
    family = descendants(first.pid)
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: not any(map(is_running, family)), seconds=10)  # what the lost worker began ends with it
    (building / "go").touch()
    made, told, complained = answer(caller)

    assert [one["status"] for one in made.values()] == ["published"] * len(UNITS)
    assert sorted(told) == sorted(one["page"] for one in made.values())  # each once
    assert len(pages_of(building)) == 2 * len(UNITS) and pages_of(building) == pages_of(local)
    assert [one["sha256"] for one in made.values()] == [one["sha256"] for one in at_once.values()]
    assert len(list(building.glob(f"{lost}.*.pid"))) >= 2  # begun on the lost worker, made on the other
    assert b"image/png" in pages_of(building)["notebooks/units/u9.ipynb"]  # also the last of many made by one worker
    assert second.poll() is None and not list(building.glob(".pages-*")) and complained == ""
    wait_for(lambda: not descendants(second.pid), seconds=10)  # and with it the memory of the run's tables

    before = {path: path.stat().st_mtime_ns for path in building.rglob("*.html")}
    answer(start(building, notebook, UNITS, address=address, code=code, cwd=tmp_path))
    assert {path: path.stat().st_mtime_ns for path in before} == before  # whole pages are used, not made again

    write_notebook(make_notebook("# Other briefing", CELL, CHART))  # a later run of the same workers
    how = {"address": address, "code": code, "cwd": tmp_path, "type_hash": "other"}
    answer(start(building, notebook, ["u0"], **how))
    assert b"Other briefing" in (building / "site/units/u0.html").read_bytes()


TROUBLE = """import os, signal
if unit == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if unit == "worker":
    maker = os.getppid()
    os.kill(int(open(f"/proc/{maker}/stat").read().rpartition(")")[2].split()[1]), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
Fragment(tag('p', 'Figures of ' + unit), 'sentence', unit)"""


@pytest.mark.slow
def test_faults_are_rows_with_their_reasons_and_end_no_other_page(
    tmp_path, write_notebook, building, code, dask, address
):
    """A page that is killed, a page that kills its worker each time; at last no worker is left."""
    notebook = write_notebook(make_notebook(TROUBLE))
    wait_for(lambda: listens(address))
    worker(dask, address, threads=2)
    how = {"address": address, "code": code, "cwd": tmp_path}
    found, _, _ = answer(start(building, notebook, ["a", "kill", "b", "c"], **how))
    status = [found[unit]["status"] for unit in ("a", "kill", "b", "c")]
    assert status == ["published", "failed", "published", "published"]
    assert found["kill"]["reason"].startswith("The page was not made: its process was killed (SIGKILL)")
    assert found["kill"]["kind"] == "Killed"

    whole = (building / "site/units/a.html").stat().st_mtime_ns
    found, _, complained = answer(start(building, notebook, ["a", "worker"], patience=1, **how))
    assert found["worker"]["status"] == "failed" and found["worker"]["kind"] == "DaskError"
    assert found["worker"]["reason"] == f"The page was not made: the scheduler at {address} has had no worker for 1 s."
    assert (building / "site/units/a.html").stat().st_mtime_ns == whole and complained == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_a_scheduler_that_ends_fails_what_is_left_and_prints_nothing(
    tmp_path, write_notebook, building, code, dask, scheduler, name
):
    address, process = scheduler
    notebook = write_notebook(make_notebook(CELL))
    wait_for(lambda: listens(address))
    one = worker(dask, address)
    caller = start(building, notebook, UNITS, address=address, code=code, cwd=tmp_path)
    wait_for(lambda: caller.poll() is not None or held_by(one, building))
    process.send_signal(getattr(signal, name))
    found, told, complained = answer(caller)
    assert complained == "" and len(told) == len(UNITS)
    assert {found[unit]["status"] for unit in UNITS if unit > "u3"} == {"failed"}
    assert found["u9"]["reason"] == f"The page was not made: the scheduler at {address} was lost."
    assert {found[unit]["status"] for unit in UNITS if unit <= "u3"} == {"published"}  # what had come back


WAIT = """import os, time
open(os.path.join(run_dir, unit + '.begun'), 'w').close()
while not os.path.exists(os.path.join(run_dir, "go")):
    time.sleep(.02)"""


@pytest.mark.slow
def test_the_command_says_that_its_scheduler_was_lost_and_shows_no_traceback(tmp_path, code, dask, scheduler):
    address, process = scheduler
    params = write_country(tmp_path / "country", communes=4, provinces=2, indicators=1)
    notebooks = tmp_path / "country/notebooks"
    source = notebooks.resolve()
    notebooks.unlink()
    shutil.copytree(source, notebooks, ignore=shutil.ignore_patterns(".ipynb*"))
    notebook = nbformat.read(notebooks / "unit_briefing.ipynb", 4)
    notebook.cells.insert(len(notebook.cells) - 1, new_code_cell(WAIT, id="wait"))
    nbformat.write(notebook, notebooks / "unit_briefing.ipynb")
    wait_for(lambda: listens(address))
    worker(dask, address)
    command = [sys.executable, "-m", "analysis", "run", str(params), "--dask", address]
    captured = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    caller = subprocess.Popen(command, cwd=tmp_path, env=code, **captured)
    runs = tmp_path / "country/outputs/country/runs"
    wait_for(lambda: caller.poll() is not None or list(runs.glob(".building-*/*.begun")))
    process.send_signal(signal.SIGTERM)
    _, said = caller.communicate(timeout=300)
    assert caller.returncode == 1, said
    assert f"the scheduler at {address} was lost" in said and "pages failed" in said
    assert "Traceback" not in said and "distributed" not in said and "Error" not in said, said


@pytest.mark.slow
def test_a_worker_with_other_code_is_refused(tmp_path, write_notebook, building, code, dask, address):
    wait_for(lambda: listens(address))
    worker(dask, address)
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "code", other)
    (other / "analysis" / "words" / "errors.py").open("a").write("# changed\n")
    notebook = write_notebook(make_notebook("1"))
    how = {"address": address, "code": {**code, "PYTHONPATH": str(other)}, "cwd": tmp_path}
    found, _, complained = answer(start(building, notebook, ["a"], **how))
    assert (found["a"]["status"], found["a"]["kind"]) == ("failed", "DaskError")
    assert found["a"]["reason"] == (
        "The page was not made: publishing: this machine has other code than the one that wants the pages. "
        "Allowed: the same on all. Install the same version of candich."
    )
    assert complained == "" and pages_of(building) == {}


@pytest.mark.slow
def test_a_scheduler_without_workers_is_named(tmp_path, address):
    wait_for(lambda: listens(address))
    script = (
        "import sys\nfrom pathlib import Path\nfrom analysis.publishing import distributed\ndistributed.CONNECT = .5\n"
    )
    script += "pages = distributed.DaskPages(sys.argv[1], code={})\nlist(pages.make([], folder=Path(), run_dir=Path()))"
    done = run_clean(script, address, cwd=tmp_path, check=False)
    assert f"--dask: the scheduler at {address} has no workers. Start some: dask worker {address}." in done.stderr


def test_dask_s_loggers_speak_again_afterwards(tmp_path):
    script = (
        "import json, logging, sys\nfrom pathlib import Path\nfrom analysis.publishing.distributed import DaskPages\n"
        "names = ('distributed', 'distributed.client')\nimport distributed\n"
        "levels = lambda: [logging.getLogger(name).level for name in names]\nbefore = levels()\n"
        "try:\n    list(DaskPages(sys.argv[1], code={}).make([], folder=Path(), run_dir=Path()))\n"
        "except Exception as error:\n    name = type(error).__name__\n"
        "print(json.dumps([name, levels() == before, max(before) < 50]))"
    )
    assert run_clean(script, f"tcp://127.0.0.1:{free_port()}", cwd=tmp_path) == ["ParamsError", True, True]


@pytest.mark.parametrize("address", ["127.0.0.1", "tcp://", "tcp://host", "tcp://host:port", ""])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ParamsError) as caught:
        check_address(address)
    assert str(caught.value) == (
        f"--dask: {address!r} is not an address. Allowed: an address like 'tcp://10.0.0.5:8786'. "
        "Copy it from the scheduler's first lines."
    )


def test_a_scheduler_that_does_not_answer_is_named():
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(ParamsError) as caught:
        check_address(address)
    assert str(caught.value) == (
        f"--dask: the scheduler at {address} cannot be reached: Connection refused. "
        "Start it with `dask scheduler`, or leave --dask out."
    )


def test_without_dask_the_remedy_is_its_installation(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ParamsError) as caught:
        check_address("tcp://127.0.0.1:8786")
    assert str(caught.value) == "--dask: Dask is not installed. Install it: pip install 'candich[dask]'."


def test_dask_is_imported_only_when_it_is_asked_for(tmp_path):
    script = "import json, sys\nfrom analysis import pipeline\nfrom analysis.publishing import distributed\n"
    script += "print(json.dumps(sorted({'dask', 'distributed'} & set(sys.modules))))"
    assert run_clean(script, cwd=tmp_path) == []


@pytest.mark.parametrize(
    "n_tasks, n_threads, sizes", [(0, 2, set()), (7, 2, {1}), (50, 2, {4, 2}), (3355, 4, {48, 43})]
)
def test_chunks_hold_every_page_once_in_order(n_tasks, n_threads, sizes):
    parts = _chunks(n_tasks, n_threads=n_threads)
    assert [at for part in parts for at in part] == list(range(n_tasks))
    assert {len(part) for part in parts} == sizes


def test_pages_are_written_as_they_were_made_or_not_at_all(tmp_path):
    content, executed = "Trang của xã".encode() * 1000, b"{}"
    outcome = Outcome({"sha256": sha256(content), "notebook_sha256": sha256(executed), "n_bytes": len(content)})
    good = _written(outcome, {".html": content, ".ipynb": executed}, target=tmp_path / "good")
    assert good == outcome
    assert ((tmp_path / "good.html").read_bytes(), (tmp_path / "good.ipynb").read_bytes()) == (content, executed)
    for files in (
        {".html": content[:-1], ".ipynb": executed},
        {".html": content, ".ipynb": b"{ }"},
        {".html": content},
    ):
        bad = _written(outcome, files, target=tmp_path / "bad")
        assert (bad.value, bad.kind) == (None, "DaskError") and not list(tmp_path.glob("bad.*"))
        assert bad.reason == "The page was not made: it did not come back as it was sent."
    failed = Outcome(None, "why", kind="KeyError")
    assert _written(failed, {}, target=tmp_path / "failed") == failed and not (tmp_path / "failed.html").exists()
