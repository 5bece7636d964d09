"""Every moment at which a run can be killed: a sample here, all of them by `make test-all`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.publishing.environment import pinned_environment
from analysis.publishing.forks import can_fork

SCRIPT = Path(__file__).parent / "crash_points.py"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not can_fork(), reason="needs fork")]


def points(tmp_path, mode, *options):
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "work", mode, *map(str, options)],
        capture_output=True,
        text=True,
        env={**os.environ, **pinned_environment()},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print({name: found[name] for name in ("mode", "steps", "states", "tried", "seconds")})
    return found


@pytest.mark.parametrize("mode", ["first", "again", "quarter", "publish", "each"])
def test_a_sample_of_all_moments_is_survived(tmp_path, mode):
    found = points(tmp_path, mode, "--every", 5 if mode == "each" else 41)
    assert found["states"] > (10 if mode == "each" else 200) and found["tried"] and found["failures"] == []


@pytest.mark.everything
@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("mode", ["dask", "again", "quarter", "publish", "first", "each"])
def test_every_moment_is_survived(tmp_path, mode, part):
    found = points(tmp_path, mode, "--part", part, "--parts", 2)
    assert found["tried"] and found["failures"] == []
