"""Steps in processes of their own: what they loaded and built goes when they end, and this process stays small.

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
from typing import BinaryIO, Generic, TypeVar

from analysis.publishing.forks import may_fork
from analysis.publishing.processes import die_with_parent, give_memory_back, kill_with_descendants, signal_name
from analysis.words.errors import ModelError, Problem

Note = Callable[..., None]
T = TypeVar("T")
_GO = b"g"


def run_apart(
    work: Callable[[Note], None], *, note: Note = lambda *what: None, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Call ``work(note)`` in a forked process and wait for it; what it tells `note` is told here.

    Without fork, or where this process holds threads, the call is made here.

    Parameters
    ----------
    work : callable
        Leaves its result on disk.
    note : callable
        Told what `work` tells it; plain values.
    meanwhile : callable
        What this process does while the other one works; left out where the call is made here.

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
    pid, pipe = _start(work)
    try:
        with pipe:
            meanwhile()
            error = _listen(pipe, note=note)
        _, status = os.waitpid(pid, 0)
    except BaseException:
        _stop(pid)
        raise
    _require_well(error, status, what="statistics")


class Beside(Generic[T]):
    """One value made in a process of its own while this one goes on; to be used in a ``with`` block, which ends it.

    Without fork, where this process holds threads, or where nobody let it begin, it is made here, when it is asked for.

    Parameters
    ----------
    work : callable
        Makes the value, which must be picklable.
    ready : callable
        Called in the other process from :meth:`load` on: what can be loaded before `work` may start.
    what : str
        What is made, for the message when its process is killed.
    """

    def __init__(self, work: Callable[[], T], *, ready: Callable[[], None] = lambda: None, what: str):
        self._work, self._ready, self._what = work, ready, what
        self._pid = self._pipe = self._go = None

    def __enter__(self) -> Beside[T]:
        return self

    def load(self) -> None:
        """Start the other process, which waits for :meth:`begin` when it is ready."""
        if self._pid is None and may_fork():
            wait, self._go = os.pipe()
            self._pid, self._pipe = _start(lambda note: self._made(note, wait=wait, go=self._go))
            os.close(wait)

    def _made(self, note: Note, *, wait: int, go: int) -> None:
        os.close(go)
        self._ready()
        if os.read(wait, 1) == _GO:
            note(self._work())

    def begin(self) -> None:
        """Let the other process start its work."""
        self.load()
        if self._go is not None:
            os.write(self._go, _GO)
            os.close(self._go)
            self._go = None

    def value(self) -> T:
        """Wait for the value.

        Raises
        ------
        Exception
            What the work raised; a note on it holds the traceback of where it came from.
        ModelError
            When the process ended without a word (killed, out of memory).
        """
        if self._pid is None:
            return self._work()
        self.begin()
        found: list[T] = []
        error = _listen(self._pipe, note=found.append)
        pid, self._pid = self._pid, None
        _require_well(error, os.waitpid(pid, 0)[1], what=self._what)
        return found[0]

    def __exit__(self, *raised: object) -> None:
        for one in (self._go, self._pipe):
            if one is not None:
                os.close(one) if isinstance(one, int) else one.close()
        if self._pid is not None:
            _stop(self._pid)


def _start(work: Callable[[Note], None]) -> tuple[int, BinaryIO]:
    """Fork a process that calls ``work(note)``: its number, and where its notes can be read."""
    give_memory_back()
    sys.stdout.flush()
    sys.stderr.flush()
    read, write = os.pipe()
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        os.close(read)
        _be_apart(work, write=write, parent=parent)
    os.close(write)
    return pid, os.fdopen(read, "rb")


def _stop(pid: int) -> None:
    kill_with_descendants(pid)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _require_well(error: BaseException | None, status: int, *, what: str) -> None:
    if error is not None:
        raise error
    if status:
        raise ModelError(
            Problem(
                what,
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
