"""Files: locks that only their own process holds."""

import os
import signal
import time

import pytest

from analysis.words.files import locked


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_meanwhile_does_not_hold_the_lock(tmp_path):
    read, write = os.pipe()
    with locked(tmp_path / "lock"):
        child = os.fork()
        if child == 0:
            os.write(write, b"I run")
            time.sleep(60)
            os._exit(0)
        with pytest.raises(BlockingIOError), locked(tmp_path / "lock"):
            pass
    try:
        assert os.read(read, 5) == b"I run"
        with locked(tmp_path / "lock"):
            assert os.waitpid(child, os.WNOHANG) == (0, 0)  # it still lives
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
