"""What all tests share: the order of the files, long ones first, and one run of the demonstration for all workers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

try:
    import fcntl
except ImportError:  # Windows, where one worker runs
    fcntl = None

ROOT = Path(__file__).parents[1]
LONG = ("acceptance", "browser", "slow")


def pytest_collection_modifyitems(items):
    """Sort files by their longest kind of test; within a file the order stays as it is written."""
    weight = {}
    for item in items:
        kinds = [at for at, mark in enumerate(LONG) if item.get_closest_marker(mark)]
        weight[item.path] = min([weight.get(item.path, len(LONG)), *kinds])
    items.sort(key=lambda item: weight[item.path])


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """``make(folder) -> text`` called by the first worker that asks; the others get its folder and what it said."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def once(name, make):
        folder = base / name
        folder.mkdir(exist_ok=True)
        with open(base / f"{name}.lock", "w") as lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            said = base / f"{name}.txt"
            if not said.exists():
                said.write_text(make(folder), encoding="utf-8")
        return folder, said.read_text(encoding="utf-8")

    return once


@pytest.fixture(scope="session")
def demo_run(made_once):
    """The demonstration, run whole by the command that a user types."""
    folder, said = made_once("demonstration", _run_demonstration)
    assert said.strip() == str(folder / "demo/site/index.html")
    return folder / "demo"


def _run_demonstration(folder):
    arguments = [sys.executable, "-m", "analysis", "run", "params/demo.yml", "--out", folder / "demo"]
    ran = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
