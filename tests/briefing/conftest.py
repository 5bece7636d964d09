"""One small run for all tests of the room: it is read only."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from factory import make_run


@pytest.fixture(scope="session")
def run():
    return make_run()


@pytest.fixture(scope="session")
def bare_run():
    """Without a quarter before and without optional tables."""
    return make_run(previous=False, extra=False)
