"""What the system offers for processes: limits, memory given back, the end with a parent, a whole family killed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_TASKS = Path("/proc/self/task")
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


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


def can_fork() -> bool:
    """Whether pages can be forked here: Linux, where threads, limits and descendants can be seen.

    ``CANDICH_NO_FORK`` set to anything says no.
    """
    return sys.platform.startswith("linux") and not os.environ.get("CANDICH_NO_FORK")


def count_threads() -> int:
    """Threads of this process, native ones too; 0 where that cannot be known."""
    return sum(1 for _ in _TASKS.iterdir()) if _TASKS.is_dir() else 0


def thread_names() -> list[str]:
    """The names of this process's threads, as the system has them."""
    return [(thread / "comm").read_text().strip() for thread in sorted(_TASKS.iterdir())]


def signal_name(number: int) -> str:
    """What a signal is called: ``SIGKILL``."""
    return signal.Signals(number).name if number in signal.valid_signals() else str(number)


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


def set_limits(limits: Limits) -> None:
    """Hold this process to `limits`; what a platform does not offer is left out."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    set_cpu_limit(limits)
    with contextlib.suppress(OSError):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, held + limits.memory_mb * 2**20)


def set_cpu_limit(limits: Limits) -> None:
    """Hold what this process does from now on to the CPU time of `limits`."""
    with contextlib.suppress(ImportError):
        import resource

        _lower(resource.RLIMIT_CPU, int(time.process_time()) + limits.cpu_seconds)


def _lower(which: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value if which == resource.RLIMIT_AS else hard))


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
