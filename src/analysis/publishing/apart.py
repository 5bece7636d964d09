"""One long step in a process of its own: what it loaded and built goes when it ends, and this process stays small.

Every page is forked from this process, and a fork copies the table of all memory pages it holds; what the statistics
leave behind (libraries, scattered free memory) would be copied thousands of times.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable

from analysis.publishing.forks import may_fork
from analysis.publishing.processes import die_with_parent, give_memory_back, kill_with_descendants, signal_name
from analysis.words.errors import ModelError, Problem

Note = Callable[..., None]


def run_apart(work: Callable[[Note], None], *, note: Note = lambda *what: None) -> None:
    """Call ``work(note)`` in a forked process and wait for it; what it tells `note` is told here.

    Without fork, or where this process holds threads, the call is made here.

    Parameters
    ----------
    work : callable
        Leaves its result on disk.
    note : callable
        Told what `work` tells it; plain values.

    Raises
    ------
    Exception
        What `work` raised; a note on it holds the traceback of where it came from.
    ModelError
        When the process ended without a word (killed, out of memory).
    """
    if not may_fork():
        work(note)
        return
    give_memory_back()
    sys.stdout.flush()
    sys.stderr.flush()
    read, write = os.pipe()
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        os.close(read)
        _be_apart(work, write=write, parent=parent)
    os.close(write)
    error: BaseException | None = None
    try:
        with os.fdopen(read, "rb") as pipe:
            error = _listen(pipe, note=note)
        _, status = os.waitpid(pid, 0)
    except BaseException:
        kill_with_descendants(pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        raise
    if error is not None:
        raise error
    if status:
        raise ModelError(
            Problem(
                "statistics",
                f"their process {_ended(status)}",
                "",
                "If memory was short, run with --jobs 1 or on a larger machine; what was finished is kept",
            )
        )


def _be_apart(work: Callable[[Note], None], *, write: int, parent: int) -> None:
    """Never returns: the child must not run the parent's clean-up."""
    code = 1
    try:
        os.setsid()  # Ctrl-C reaches the parent, which ends us
        die_with_parent(parent)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with os.fdopen(write, "wb") as pipe:
            try:
                work(lambda *what: _tell(pipe, what))
                code = 0
            except BaseException as error:  # noqa: BLE001  the parent raises it again
                code = 0 if _tell(pipe, _portable(error)) else 1
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _tell(pipe, what: object) -> bool:
    with contextlib.suppress(OSError):
        pickle.dump(what, pipe)
        pipe.flush()
        return True
    return False


def _portable(error: BaseException) -> BaseException:
    """The error with where it came from; as plain text where it cannot be sent."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001  whatever an error's class does when it is copied
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _listen(pipe, *, note: Note) -> BaseException | None:
    """Pass notes on until the pipe closes; the error that was sent, if one was."""
    found = None
    while True:
        try:
            what = pickle.load(pipe)
        except (EOFError, pickle.UnpicklingError):  # closed, or torn by a kill: the exit status says more
            return found
        if isinstance(what, BaseException):
            found = what
        else:
            note(*what)


def _ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was killed ({signal_name(os.WTERMSIG(status))}), by hand or for want of memory"
    return f"ended by itself (exit code {os.waitstatus_to_exitcode(status)})"
