import subprocess
import sys
import time

import pytest

from analysis.publishing.lock import run_lock
from analysis.words.errors import PublishError

HOLD = (
    "import sys, time; from pathlib import Path; from analysis.publishing.lock import run_lock\n"
    "with run_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)"
)


def hold(run_dir):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(run_dir)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_run_is_told_who_holds_the_folder(tmp_path):
    holder = hold(tmp_path / "run")
    try:
        with pytest.raises(PublishError) as caught, run_lock(tmp_path / "run"):
            pass
    finally:
        holder.kill()
        holder.wait()
    assert str(caught.value) == (
        f"{tmp_path}/run: another run is writing into this folder (process {holder.pid}). "
        "Allowed: one run at a time. Wait for it to end, then start again."
    )


def test_a_killed_run_lets_go(tmp_path):
    holder = hold(tmp_path)
    holder.kill()
    holder.wait()
    with run_lock(tmp_path):
        pass


def test_the_same_process_may_take_it_again_and_it_is_free_after(tmp_path):
    with run_lock(tmp_path) as first, run_lock(tmp_path) as second:
        assert first == second
    holder = hold(tmp_path)
    holder.kill()
    holder.wait()


def test_it_is_free_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path):
        1 / 0  # noqa: B018
    with run_lock(tmp_path):
        assert time.monotonic() > 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PublishError, match="file/run: the folder cannot be written: Not a directory"):
        with run_lock(tmp_path / "file" / "run"):
            pass
