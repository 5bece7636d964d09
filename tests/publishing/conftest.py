"""Small notebooks, and a clean interpreter to publish them from (a test runner's own process may hold threads)."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from analysis import records
from analysis.publishing.environment import environment_hashes, pinned_environment
from analysis.publishing.forks import Limits
from analysis.publishing.jobs import PageJob
from analysis.publishing.page_maker import PageMaker
from analysis.publishing.publish import JOURNAL, publish_pages, write_results
from analysis.publishing.site import page_name
from analysis.records import build_manifest
from analysis.records.store import MANIFEST, RUN_TABLES
from analysis.words import schema
from analysis.words.files import json_text, write_file
from analysis.words.schema import RunTables, as_table

KERNEL = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
END = (
    "Fragment('', 'page', '', meta={'schema': 1, 'title': 'Trang ' + unit, 'language': language, 'unit': unit,"
    " 'notebook': 'unit', 'simulated': True, 'description': 'd'})"
)


def make_notebook(*cells, end=END, parameters='run_dir: str = "."\nunit: str = "a"\nlanguage: str = "en"'):
    """A briefing in small: parameters, setup, the given code (or ``# markdown``) cells, the closing fragment."""
    made = [
        new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
        new_code_cell("from analysis.briefing.fragment import Fragment, tag", id="setup"),
    ]
    for at, source in enumerate(cells):
        make = new_markdown_cell if source.startswith("#") else new_code_cell
        made.append(make(source, id=f"cell-{at}"))
    if end:
        made.append(new_code_cell(end, id="end"))
    return new_notebook(cells=made, metadata=json.loads(json.dumps(KERNEL)))


@pytest.fixture
def write_notebook(tmp_path):
    def write(notebook, name="unit.ipynb"):
        nbformat.write(notebook, tmp_path / name)
        return tmp_path / name

    return write


def run_clean(script, *arguments, cwd, check=True, environment=None, timeout=600):
    """Run a script in an interpreter that starts with the pinned environment; its last line of output, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **pinned_environment(), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if check:
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.strip().splitlines()[-1])
    return done


class WithoutRun:
    """A page maker for small notebooks: their run has no tables that could be loaded."""

    def __init__(self, maker):
        self.maker = maker

    def make(self, jobs, *, folder, run_dir):
        return self.maker.make(jobs, folder=folder)


def jobs_of(notebook, units, run_dir, *, type_hash="rows", language="en", **more):
    """A job for each unit."""
    context = {"language": language, "cutoff": "2026-Q3"}
    common = {"run_dir": str(run_dir), "language": language}
    return [
        PageJob(page_name(unit), Path(notebook), common | {"unit": unit}, context, type_hash=type_hash, **more)
        for unit in units
    ]


@pytest.fixture(scope="session")
def maker():
    """A page maker for all tests of a worker: it starts but once."""
    with PageMaker(n_jobs=2, limits=Limits(seconds=4, memory_mb=500)) as maker:
        yield maker


def publish(jobs, building, *, previous=None, maker=None, on_done=lambda result: None):
    """Publish as a run does, with a page maker of its own or the given one; writes the results as a run does."""
    with ExitStack() as stack:
        start = lambda: WithoutRun(maker or stack.enter_context(PageMaker()))
        results = publish_pages(jobs, building=building, previous=previous, maker=start, on_done=on_done)
    write_results(results, building)
    return results


def write_small_run(run, units, params):
    """The tables and manifest of a run of units without figures."""
    tables = make_run([(unit, f"Unit {unit}", "") for unit in units])
    stored = records.write_run({name: getattr(tables, name) for name in RUN_TABLES}, run)
    about = {"run_id": "demo", "params": params, "cutoff": "2026-09", "hashes": environment_hashes(), "sources": []}
    write_file(run / MANIFEST, json_text(build_manifest(tables=stored, **about)))


def make_run(units, *, simulated=True, assessments=()):
    """A run with these ``(unit, name, parent)`` rows and nothing else."""
    rows = pd.DataFrame(units, columns=["unit", "name", "parent"]).assign(name_en="", level="")
    found = {"units": as_table(rows, schema.UNITS)}
    found |= {name: schema.TABLES[name].empty() for name in RUN_TABLES if name != "units"}
    if assessments:
        frame = pd.DataFrame(assessments, columns=["unit", "target", "status"]).assign(cutoff="2026-Q3")
        found["assessments"] = as_table(frame, schema.ASSESSMENTS)
    params = {"title_vi": "Đề án 06", "title_en": "Project 06", "simulated": simulated}
    return RunTables(run_id="demo", params=params, **found)


def published_files(run):
    """Every file of a run but the journal, which a finished run does not have."""
    paths = [path for path in sorted(Path(run).rglob("*")) if path.is_file() and path.name != JOURNAL]
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in paths}


def pages_of(run):
    """The pages of a run and their notebooks."""
    return {name: content for name, content in published_files(run).items() if name.endswith((".html", ".ipynb"))}


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def run_dir(tmp_path):
    return Path(tmp_path) / "run"
