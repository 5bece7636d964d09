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
def demo_run(tmp_path_factory):
    """The demonstration, run whole by the command that a user types; made by the first worker that asks."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demonstration"
    folder.mkdir(exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "done.txt"
        if not done.exists():
            arguments = [sys.executable, "-m", "analysis", "run", "params/demo.yml", "--out", folder / "demo"]
            ran = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr
            done.write_text(ran.stdout)
        assert done.read_text().strip() == str(folder / "demo/site/index.html")
    return folder / "demo"
