"""Small notebooks, and a clean interpreter to publish them from (a test runner's own process may hold threads)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from analysis.publishing.environment import pinned_environment

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


PUBLISH = """
import dataclasses, json, sys
from pathlib import Path
from analysis.publishing import keys
from analysis.publishing.execute import publish_pages
from analysis.publishing.processes import Limits
from analysis.publishing.jobs import PageJob
from analysis.publishing.site import page_name

keys.code_hash = lambda: "code"  # the tests change everything else; someone may be editing the code while they run

def jobs_of(spec):
    return [
        PageJob(
            page=one.get("page") or page_name(one["unit"]),
            notebook=Path(one["notebook"]),
            parameters={"run_dir": spec["run_dir"], "unit": one["unit"], "language": one.get("language", "en")},
            context={"language": one.get("language", "en"), "cutoff": "2026-Q3", **one.get("context", {})},
            inputs_hash=one.get("inputs", "rows"),
        )
        for one in spec["jobs"]
    ]

def publish(spec):
    results = publish_pages(
        jobs_of(spec), run_dir=Path(spec["run_dir"]), n_jobs=spec.get("n_jobs", 2), force=spec.get("force", False),
        limits=Limits(**spec.get("limits", {})),
    )
    return [dataclasses.asdict(one) for one in results]
"""


def publish(spec, *, cwd, **options):
    """Publish in a clean interpreter; the results as dicts."""
    script = PUBLISH + "\nprint(json.dumps(publish(json.loads(sys.argv[1]))))"
    return run_clean(script, json.dumps(spec, default=str), cwd=cwd, **options)


@pytest.fixture
def run_dir(tmp_path):
    return Path(tmp_path) / "run"
