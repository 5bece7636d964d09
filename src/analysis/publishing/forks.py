"""One process a task, forked from this one: isolated, limited, supervised, and killed with all it started.

Knows nothing of notebooks or pages. The parent must hold a single thread (native ones too): a forked child of a
process with threads can wait for ever on a lock that no thread will release.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.words.errors import Problem, PublishError

_TASKS = Path("/proc/self/task")
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
_TICK = 0.2  # seconds between looks at deadlines
_MAX_REASON = 2000


@dataclass(frozen=True)
class Limits:
    """What one task may use.

    Parameters
    ----------
    seconds : float
        Wall time, then it is killed with its descendants.
    cpu_seconds : int
        CPU time.
    memory_mb : int
        Address space above what the parent had when it forked.
    """

    seconds: float = 300.0
    cpu_seconds: int = 300
    memory_mb: int = 2048


@dataclass(frozen=True)
class Outcome:
    """What a task came to: its value, or why there is none."""

    value: dict | None
    reason: str = ""
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    peak_mb: float = 0.0


@dataclass
class _Child:
    index: int
    pid: int
    pipe: int
    started: float
    ended: int | None = None  # readable once the process is gone (pidfd), where the system has such a thing
    received: bytearray = field(default_factory=bytearray)
    stopped: str = ""  # why we killed it


def can_fork() -> bool:
    """Whether pages can be forked here: Linux, where threads, limits and descendants can be seen.

    ``CANDICH_NO_FORK`` set to anything says no.
    """
    return sys.platform.startswith("linux") and not os.environ.get("CANDICH_NO_FORK")


def count_threads() -> int:
    """Threads of this process, native ones too."""
    return sum(1 for _ in _TASKS.iterdir())


def may_fork() -> bool:
    """Whether this very process may fork now: it can, and holds a single thread."""
    return can_fork() and count_threads() == 1


def signal_name(number: int) -> str:
    """What a signal is called: ``SIGKILL``."""
    return signal.Signals(number).name if number in signal.valid_signals() else str(number)


def require_one_thread() -> None:
    """Raise unless this process holds exactly one thread.

    Raises
    ------
    PublishError
        When it holds more; the message names them.
    """
    names = [(one / "comm").read_text().strip() for one in sorted(_TASKS.iterdir())]
    if len(names) > 1:
        raise PublishError(
            Problem(
                "publishing",
                f"the process that forks the pages holds {len(names)} threads: {', '.join(names)}",
                "one",
                "Start through `candich`, which sets the environment first; read Parquet with use_threads=False and "
                "pre_buffer=False, and turn off a progress bar's own refresh thread",
            )
        )


def run_forked(
    tasks: Sequence[Any],
    work: Callable[[Any], dict],
    *,
    n_jobs: int,
    limits: Limits = Limits(),  # noqa: B008  frozen
    close: Sequence[int] = (),
) -> Iterator[tuple[int, Outcome]]:
    """Run `work` on every task, each in a process of its own, `n_jobs` at a time.

    Parameters
    ----------
    tasks : sequence
    work : callable
        Task to a small JSON-able dict; runs in the child.
    n_jobs : int
    limits : Limits
    close : sequence of int
        File descriptors that children must not hold (the run's lock).

    Yields
    ------
    tuple of int and Outcome
        Index of the task and what it came to, in the order they end.

    Raises
    ------
    PublishError
        When this process holds more than one thread.
    """
    require_one_thread()
    gc.collect()
    give_memory_back()
    gc.freeze()  # the collector leaves what exists alone, so children do not copy its pages
    running: dict[int, _Child] = {}
    waiting = iter(enumerate(tasks))
    try:
        with selectors.DefaultSelector() as selector:
            while True:
                while len(running) < max(1, n_jobs) and (task := next(waiting, None)) is not None:
                    child = _start(*task, work, limits=limits, close=[*close, *_held(running)])
                    running[child.pid] = child
                    selector.register(child.pipe, selectors.EVENT_READ, child)
                    if child.ended is not None:
                        selector.register(child.ended, selectors.EVENT_READ, None)
                if not running:
                    return
                for key, _ in selector.select(_TICK):
                    if key.data is not None:
                        _receive(key.data, selector)
                for child in list(running.values()):
                    _kill_when_late(child, limits=limits)
                    outcome = _finished(child, selector, limits=limits)
                    if outcome is not None:
                        del running[child.pid]
                        yield child.index, outcome
    finally:
        for child in running.values():
            kill_with_descendants(child.pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, 0)
            _close(child)
        gc.unfreeze()


def _start(index: int, task: Any, work: Callable, *, limits: Limits, close: Sequence[int]) -> _Child:
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        _be_child(task, work, write=write, limits=limits, close=[read, *close], parent=parent)
    os.close(write)
    os.set_blocking(read, False)
    return _Child(index=index, pid=pid, pipe=read, started=time.monotonic(), ended=_watch(pid))


def _watch(pid: int) -> int | None:
    """A descriptor that wakes us when the process has ended: its pipe closes a moment before it can be waited for."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _held(running: dict[int, _Child]) -> list[int]:
    return [one for child in running.values() for one in (child.pipe, child.ended) if one is not None]


def _close(child: _Child) -> None:
    os.close(child.pipe)
    if child.ended is not None:
        os.close(child.ended)


def _be_child(task: Any, work: Callable, *, write: int, limits: Limits, close: Sequence[int], parent: int) -> None:
    """Never returns: the child must not run the parent's clean-up."""
    answer: dict = {"reason": "the process ended before it began"}
    try:
        os.setsid()
        die_with_parent(parent)
        for one in close:
            os.close(one)
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(one, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for one in (0, 1, 2):
            os.dup2(nothing, one)
        gc.disable()  # short-lived: what it allocates goes with it
        set_limits(limits)
        answer = {"value": work(task)}
    except BaseException as error:  # noqa: BLE001  whatever it is, the parent must hear of it
        answer = {"reason": _say(error)}
    finally:
        with contextlib.suppress(BaseException):
            os.write(write, json.dumps(answer).encode("ascii")[:60_000])
        os._exit(0)


def give_memory_back() -> None:
    """Let the system have what was freed (glibc): every page held is a page whose table each fork copies."""
    if _LIBC is not None and hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


def die_with_parent(parent: int) -> None:
    """A parent that is killed cannot kill its children: ask the kernel to (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _say(error: BaseException) -> str:
    name = type(error).__name__
    text = str(error)
    ours = getattr(error, "problems", None)
    return (text if ours else f"{name}: {text}")[:_MAX_REASON]


def set_limits(limits: Limits) -> None:
    """Hold this process to `limits`; what a platform does not offer is left out."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds)
    with contextlib.suppress(OSError):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, held + limits.memory_mb * 2**20)


def _lower(which: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value if which == resource.RLIMIT_AS else hard))


def _receive(child: _Child, selector: selectors.BaseSelector) -> None:
    with contextlib.suppress(BlockingIOError):
        piece = os.read(child.pipe, 65536)
        child.received += piece
        if not piece:
            selector.unregister(child.pipe)


def _kill_when_late(child: _Child, *, limits: Limits) -> None:
    if not child.stopped and time.monotonic() - child.started > limits.seconds:
        child.stopped = f"it took longer than {limits.seconds:g} s and was stopped"
        kill_with_descendants(child.pid)


def _finished(child: _Child, selector: selectors.BaseSelector, *, limits: Limits) -> Outcome | None:
    if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)  # what it left running; the pid is not free until we reap it
    _, status, usage = os.wait4(child.pid, 0)
    if child.pipe in selector.get_map():
        _receive(child, selector)
        if child.pipe in selector.get_map():
            selector.unregister(child.pipe)
    if child.ended is not None:
        selector.unregister(child.ended)
    _close(child)
    value, reason = _answer(child, status, limits=limits)
    return Outcome(
        value=value,
        reason=reason,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        seconds=time.monotonic() - child.started,
        peak_mb=usage.ru_maxrss / 1024,
    )


def _answer(child: _Child, status: int, *, limits: Limits) -> tuple[dict | None, str]:
    if child.stopped:
        return None, f"The page was not made: {child.stopped}."
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return None, f"The page was not made: it used more than {limits.cpu_seconds} s of CPU time and was stopped."
        return (
            None,
            f"The page was not made: its process was killed ({signal_name(number)}), by hand or for want of memory.",
        )
    try:
        answer = json.loads(child.received)
    except ValueError:
        code = os.waitstatus_to_exitcode(status)
        return None, f"The page was not made: its process ended by itself (exit code {code}) without handing it back."
    return answer.get("value"), answer.get("reason", "")


def kill_with_descendants(pid: int) -> None:
    """Kill a process and all it started, also what moved to a session of its own; never the caller's own group."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)  # so that it starts nothing while we look
    family = [*descendants(pid), pid]
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
    for one in family:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Processes that descend from `pid`, by ``/proc``; empty where there is none."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = path.read_text(errors="replace")
            parents[int(path.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found: list[int] = []
    front = {pid}
    while front:
        front = {one for one, parent in parents.items() if parent in front}
        found += sorted(front)
    return found
