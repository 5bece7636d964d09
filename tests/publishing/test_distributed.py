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

import pytest
from analysis.publishing.worker import pack, unpack
from tests.publishing.conftest import make_notebook, run_clean
from tests.publishing.test_execute import files, spec, wait_for
from tests.publishing.test_forks import is_running

import analysis
from analysis.publishing.distributed import _chunks, check_address
from analysis.publishing.environment import pinned_environment
from analysis.publishing.processes import descendants
from analysis.words.errors import ParamsError

ON_DASK = """
import dataclasses, json, sys, time
from functools import partial
from pathlib import Path
from analysis.publishing.distributed import make_pages_on_dask
from analysis.publishing.execute import publish_pages
from analysis.publishing.processes import Limits
from analysis.publishing.jobs import PageJob
from analysis.publishing.site import page_name

def publish(spec):
    jobs = [
        PageJob(
            page=page_name(one["unit"]), notebook=Path(one["notebook"]), inputs_hash="rows",
            parameters={"run_dir": spec["run_dir"], "unit": one["unit"], "language": "en"},
            context={"language": "en", "cutoff": "2026-Q3"},
        )
        for one in spec["jobs"]
    ]
    told = []
    options = {"address": spec["address"], "run_dir": Path(spec["run_dir"]), **spec.get("options", {})}
    elsewhere = partial(make_pages_on_dask, **options) if spec["address"] else None
    results = publish_pages(
        jobs, run_dir=Path(spec["run_dir"]), limits=Limits(**spec.get("limits", {})), elsewhere=elsewhere,
        on_done=lambda result: told.append(result.page),
    )
    return {"results": [dataclasses.asdict(one) for one in results], "told": told}
print(json.dumps(publish(json.loads(sys.argv[1]))))
"""
CELL = """import os, time
open(os.path.join(run_dir, unit + '.' + str(os.getpid()) + '.pid'), 'w').close()
while unit > "u3" and not os.path.exists(os.path.join(run_dir, "go")):
    time.sleep(.02)
Fragment(tag('p', 'Figures of ' + unit), 'sentence', unit)"""
CHART = "import matplotlib.pyplot as plt\nplt.plot([len(unit), 2])\nNone"
UNITS = [f"u{n}" for n in range(10)]


@pytest.fixture
def code(tmp_path):
    """A copy of our code that nobody edits meanwhile: workers with other code are refused."""
    shutil.copytree(Path(analysis.__file__).parent, tmp_path / "code" / "analysis")
    return {**os.environ, **pinned_environment(), "PYTHONPATH": str(tmp_path / "code")}


@pytest.fixture
def dask(code, tmp_path):
    """Starts schedulers and workers; ends those it started."""
    started = []

    def start(*arguments):
        log = open(tmp_path / f"dask-{len(started)}.log", "w")  # noqa: SIM115  the process keeps it
        command = [sys.executable, "-m", "dask", *arguments]
        process = subprocess.Popen(command, env=code, cwd=tmp_path, stdout=log, stderr=log)
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
    port = free_port()
    dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    return f"tcp://127.0.0.1:{port}"


def worker(dask, scheduler, *, threads=1):
    return dask("worker", scheduler, "--no-nanny", "--nthreads", str(threads), "--no-dashboard", "--host", "127.0.0.1")


def listens(address):
    with contextlib.suppress(ParamsError):
        check_address(address)
        return True
    return False


def start(asked, *, code, cwd):
    command = [sys.executable, "-c", ON_DASK, json.dumps(asked)]
    return subprocess.Popen(command, cwd=cwd, env=code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process):
    said, complained = process.communicate(timeout=400)
    assert process.returncode == 0, complained[-3000:]
    return json.loads(said.splitlines()[-1])


def held_by(worker, run_dir):
    """Units whose pages wait in the hands of a worker."""
    begun = [path.name.split(".")[:2] for path in run_dir.glob("*.pid")]
    family = set(descendants(worker.pid))
    return sorted(unit for unit, pid in begun if unit > "u3" and int(pid) in family)


@pytest.mark.slow
def test_a_worker_killed_half_way_loses_nothing_and_the_bytes_are_those_of_one_machine(
    tmp_path, write_notebook, run_dir, code, dask, scheduler
):
    notebook = write_notebook(make_notebook("# Unit briefing", CELL, CHART))
    local, alone = tmp_path / "local", {**code, "PYTHONHASHSEED": "0"}
    local.mkdir(), run_dir.mkdir()
    (local / "go").touch()
    at_once = answer(start(spec(local, notebook, UNITS, address=""), code=alone, cwd=tmp_path))
    wait_for(lambda: listens(scheduler))
    first, second = worker(dask, scheduler), worker(dask, scheduler)

    asked = spec(run_dir, notebook, UNITS, address=scheduler)
    caller = start(asked, code=code, cwd=tmp_path)
    wait_for(lambda: caller.poll() is not None or all(held_by(one, run_dir) for one in (first, second)))
    (lost,) = held_by(first, run_dir)  # each worker is in the middle of a page
    first.send_signal(signal.SIGKILL)
    first.wait()
    (run_dir / "go").touch()
    made = answer(caller)

    assert [one["status"] for one in made["results"]] == ["published"] * len(UNITS)
    assert sorted(made["told"]) == sorted(one["page"] for one in made["results"])  # each once
    here, there = ({k: v for k, v in files(one).items() if k.endswith((".html", ".ipynb"))} for one in (run_dir, local))
    assert len(here) == 2 * len(UNITS) and here == there
    assert [one["sha256"] for one in made["results"]] == [one["sha256"] for one in at_once["results"]]
    assert len(list(run_dir.glob(f"{lost}.*.pid"))) >= 2  # begun on the lost worker, made on the other
    assert b"image/png" in here["notebooks/units/u9.ipynb"]  # also the last of many made by one worker
    begun = [int(path.name.split(".")[1]) for path in run_dir.glob(f"{lost}.*.pid")]
    wait_for(lambda: sum(map(is_running, begun)) <= 1, seconds=90)  # what the lost worker began ended with it
    assert second.poll() is None and not (run_dir / ".building").exists()

    again = answer(start(asked, code=code, cwd=tmp_path))
    assert {one["status"] for one in again["results"]} == {"unchanged"}


TROUBLE = """import os, signal
if unit == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if unit == "worker":
    beside = os.getppid()
    os.kill(int(open(f"/proc/{beside}/stat").read().rpartition(")")[2].split()[1]), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
Fragment(tag('p', 'Figures of ' + unit), 'sentence', unit)"""


@pytest.mark.slow
def test_faults_are_rows_with_their_reasons_and_end_no_other_page(
    tmp_path, write_notebook, run_dir, code, dask, scheduler
):
    """A page that is killed, a page that kills its worker each time; at last no worker is left."""
    notebook = write_notebook(make_notebook(TROUBLE))
    wait_for(lambda: listens(scheduler))
    worker(dask, scheduler, threads=2)
    asked = spec(run_dir, notebook, ["a", "kill", "b", "c"], address=scheduler)
    found = {one["unit"]: one for one in answer(start(asked, code=code, cwd=tmp_path))["results"]}
    assert [found[unit]["status"] for unit in ("a", "kill", "b", "c")] == [
        "published",
        "failed",
        "published",
        "published",
    ]
    assert found["kill"]["reason"].startswith("The page was not made: its process was killed (SIGKILL)")

    asked = spec(run_dir, notebook, ["a", "worker"], address=scheduler, options={"patience": 1})
    found = {one["unit"]: one for one in answer(start(asked, code=code, cwd=tmp_path))["results"]}
    assert found["a"]["status"] == "unchanged" and found["worker"]["status"] == "failed"
    assert (
        found["worker"]["reason"] == f"The page was not made: the scheduler at {scheduler} has had no worker for 1 s."
    )


@pytest.mark.slow
def test_a_worker_with_other_code_is_refused(tmp_path, write_notebook, run_dir, code, dask, scheduler):
    wait_for(lambda: listens(scheduler))
    worker(dask, scheduler)
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "code", other)
    (other / "analysis" / "words" / "errors.py").open("a").write("# changed\n")
    asked = spec(run_dir, write_notebook(make_notebook("1")), ["a"], address=scheduler)
    (row,) = answer(start(asked, code={**code, "PYTHONPATH": str(other)}, cwd=tmp_path))["results"]
    assert row["status"] == "failed"
    assert "this worker is set up otherwise than the machine that asks for pages: code '" in row["reason"]


@pytest.mark.slow
def test_a_scheduler_without_workers_is_named(tmp_path, scheduler):
    wait_for(lambda: listens(scheduler))
    script = "import sys\nfrom analysis.publishing import distributed\ndistributed.CONNECT = .5\nlist("
    script += "distributed.make_pages_on_dask([], address=sys.argv[1], run_dir='.'))"
    done = run_clean(script, scheduler, cwd=tmp_path, check=False)
    assert f"--dask: the scheduler at {scheduler} has no workers. Start some: dask worker {scheduler}." in done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "tcp://", "tcp://host", "tcp://host:port", ""])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ParamsError) as caught:
        check_address(address)
    assert str(caught.value) == f"--dask: {address!r} is no address. Allowed: one like 'tcp://10.0.0.5:8786'."


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
    script = "import json, sys\nfrom analysis import pages\nfrom analysis.publishing import distributed\n"
    script += "print(json.dumps(sorted({'dask', 'distributed'} & set(sys.modules))))"
    assert run_clean(script, cwd=tmp_path) == []


@pytest.mark.parametrize(
    "n_tasks, n_threads, sizes", [(0, 2, set()), (7, 2, {1}), (50, 2, {4, 2}), (3355, 4, {40, 35})]
)
def test_chunks_hold_every_page_once_in_order(n_tasks, n_threads, sizes):
    parts = _chunks(n_tasks, n_threads=n_threads)
    assert [at for part in parts for at in part] == list(range(n_tasks))
    assert {len(part) for part in parts} == sizes


def test_pages_come_through_as_they_were():
    content = "Trang của xã".encode() * 1000
    assert unpack(pack(content)) == content and len(pack(content)) < 200
