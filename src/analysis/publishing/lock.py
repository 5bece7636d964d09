"""Only one run at a time writes into a run's folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from analysis.words.errors import Problem, PublishError

NAME = ".lock"
_held: dict[Path, int] = {}


@contextlib.contextmanager
def run_lock(run_dir: Path) -> Iterator[int]:
    """Hold a run's folder; the system lets go of it when the process ends, however it ends.

    Taking it again in the same process is allowed. The file stays: removing it would let two others in.

    Parameters
    ----------
    run_dir : Path
        Made when it is not there.

    Yields
    ------
    int
        The lock's file descriptor, which forked children must close.

    Raises
    ------
    PublishError
        When another process holds it, or the folder cannot be written.
    """
    run_dir = Path(run_dir).resolve()
    if run_dir in _held:
        yield _held[run_dir]
        return
    descriptor = _open(run_dir)
    try:
        _take(descriptor, run_dir)
        _held[run_dir] = descriptor
        yield descriptor
    finally:
        _held.pop(run_dir, None)
        os.close(descriptor)


def _open(run_dir: Path) -> int:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        return os.open(run_dir / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        found = f"the folder cannot be written: {error.strerror}"
        raise PublishError(Problem(str(run_dir), found, "", "Mend its permissions, or name another run")) from error


def _take(descriptor: int, run_dir: Path) -> None:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        who = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() if hasattr(os, "pread") else ""
        found = f"another run is writing into this folder{f' (process {who})' if who else ''}"
        raise PublishError(
            Problem(str(run_dir), found, "one run at a time", "Wait for it to end, then start again")
        ) from error
    if hasattr(os, "pwrite"):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
