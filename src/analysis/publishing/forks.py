"""Tasks in processes forked from this one: isolated, limited, supervised, and killed with all they started.

One process a task; or, where the caller asks for it, a batch of tasks one after the other for as long as each leaves
the process as it found it. A task that fails in a used process is done again in a new one. Knows nothing of notebooks
or pages.

The parent must hold a single thread (native ones too): a forked child of a process with threads can wait for ever on a
lock that no thread will release.

What a notebook can leave behind in its process is in `_LOOKS`: settings of the libraries, the environment, random
numbers, open figures, threads and processes, our own code. What these cannot see (a dict changed in place, say) is
found by comparing with pages made alone: the tests and `candich verify` do that.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import ctypes
import decimal
import gc
import json
import locale
import os
import random
import selectors
import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.words.errors import Problem, PublishError

with contextlib.suppress(ImportError):  # Windows, where nothing is forked
    import resource

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
    """Threads of this process, native ones too."""
    return len(os.listdir(_TASKS))


def signal_name(number: int) -> str:
    """What a signal is called: ``SIGKILL``."""
    return signal.Signals(number).name if number in signal.valid_signals() else str(number)


def give_memory_back() -> None:
    """Let the system have what was freed (glibc): every page held is a page whose table each fork copies."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


def die_with_parent(parent: int) -> None:
    """A parent that is killed cannot kill its children: ask the kernel to (Linux)."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def set_limits(limits: Limits) -> None:
    """Hold this process to `limits`."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    set_cpu_limit(limits)
    with contextlib.suppress(OSError):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, held + limits.memory_mb * 2**20)


def set_cpu_limit(limits: Limits) -> None:
    """Hold what this process does from now on to the CPU time of `limits`."""
    _lower(resource.RLIMIT_CPU, int(time.process_time()) + limits.cpu_seconds)


def _lower(which: int, value: int) -> None:
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


OURS = "analysis"


def traces_of(before: dict[str, object]) -> list[str]:
    """What differs from a snapshot, by name; empty when the process is as it was."""
    differ = [name for name, look in _LOOKS.items() if name != OURS and look() != before[name]]
    now = {name: vars(sys.modules[name]) for name in before[OURS] if name in sys.modules}
    for name, held in before[OURS].items():  # what was imported since is no trace: a name that means another thing is
        differ += [f"{name}.{key}" for key, value in held.items() if now.get(name, {}).get(key) is not value]
    return sorted(differ)


def snapshot() -> dict[str, object]:
    """The state of this process, by what a reader would call it."""
    return {name: look() for name, look in _LOOKS.items()}


def _hooks() -> list[int]:
    held = [sys.stdout, sys.stderr, sys.stdin, sys.displayhook, sys.excepthook, sys.modules.get("__main__")]
    return [*map(id, held), sys.getrecursionlimit()]


def _children() -> bool:
    """Whether this process has started others that it did not wait for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _numpy() -> object:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    name, keys, at, has_gauss, gauss = numpy.random.get_state()
    return name, keys.tobytes(), at, has_gauss, gauss, numpy.geterr(), numpy.get_printoptions()


def _pandas() -> object:
    pandas = sys.modules.get("pandas")
    return None if pandas is None else copy.deepcopy(pandas.options.d)


def _matplotlib() -> object:
    matplotlib = sys.modules.get("matplotlib")
    return None if matplotlib is None else dict.copy(matplotlib.rcParams)


def _figures() -> list:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return [] if helpers is None else list(helpers.Gcf.figs)


def _our_modules() -> dict[str, dict[str, object]]:
    """What every name in our modules stands for."""
    return {name: dict(vars(module)) for name, module in list(sys.modules.items()) if name.partition(".")[0] == OURS}


_LOOKS: dict[str, Callable[[], object]] = {
    "environment": lambda: dict(os.environ),
    "working folder": os.getcwd,
    "import path": lambda: list(sys.path),
    "streams and hooks": _hooks,
    "built-ins": lambda: {name: id(value) for name, value in vars(builtins).items() if name != "_"},
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "warnings": lambda: list(warnings.filters),
    "random numbers": random.getstate,
    "decimals": lambda: repr(decimal.getcontext()),
    "NumPy": _numpy,
    "pandas": _pandas,
    "Matplotlib": _matplotlib,
    "figures": _figures,
    "threads": count_threads,
    "processes": _children,
    OURS: _our_modules,
}


_TICK = 0.2  # seconds between looks at deadlines
_MAX_REASON = 2000


@dataclass(frozen=True)
class Outcome:
    """What a task came to: its value, or why there is none.

    Parameters
    ----------
    value : dict or None
    reason : str
        The whole text; it may hold anything that a notebook's error holds, so no reader sees it.
    kind : str
        The class of the error, which readers may see: ``"KeyError"``, ``"Killed"``, ``"TimeLimit"``.
    cpu_seconds, seconds, peak_mb : float
        What it used; the last task of a process is charged with the process itself, and alone has a peak.
    after : int
        Tasks that its process had done before it.
    """

    value: dict | None
    reason: str = ""
    kind: str = ""
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    peak_mb: float = 0.0
    after: int = 0

    @classmethod
    def of_error(cls, error: BaseException) -> Outcome:
        """The outcome of a task that raised."""
        name = type(error).__name__
        text = str(error) if getattr(error, "problems", None) else f"{name}: {error}"
        return cls(None, text[:_MAX_REASON], kind=getattr(error, "kind", name))


@dataclass
class _Child:
    indices: list[int]  # its tasks, in order
    pid: int
    pipe: int
    since: float  # when it began what it is at
    ended: int | None = None  # readable once the process is gone (pidfd), where the system has such a thing
    received: bytearray = field(default_factory=bytearray)
    answers: list[dict] = field(default_factory=list)  # its answers, a task each
    handed_on: int = 0  # answers that the caller has
    left: bool = False  # it ended before its last task because the one before had left traces
    cpu_seconds: float = 0.0  # of the answers that the caller has
    stopped: str = ""  # why we killed it

    def hear(self, piece: bytes) -> None:
        """Take what came through the pipe; each line is an answer."""
        self.received += piece
        *lines, rest = bytes(self.received).split(b"\n")
        self.received = bytearray(rest)
        for line in lines:
            with contextlib.suppress(ValueError):  # cut off: as good as none
                answer = json.loads(line)
                self.left |= "left" in answer
                if "left" not in answer:
                    self.answers.append(answer)
                    self.since = time.monotonic()

    def hand_on(self, *, but: int) -> Iterator[tuple[int, Outcome]]:
        """Whole answers the caller has not had, all but the last `but`."""
        while self.handed_on < len(self.answers) - but and self.answers[self.handed_on].get("value") is not None:
            outcome = Outcome(**self.answers[self.handed_on], after=self.handed_on)
            self.cpu_seconds += outcome.cpu_seconds
            self.handed_on += 1
            yield self.indices[self.handed_on - 1], outcome


def require_one_thread() -> None:
    """Raise unless this process holds exactly one thread.

    PublishError: when it holds more; the message names them.
    """
    names = [(thread / "comm").read_text().strip() for thread in sorted(_TASKS.iterdir())]
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
    batch: int = 1,
) -> Iterator[tuple[int, Outcome]]:
    """Run `work` on every task, `n_jobs` processes at a time.

    `work` turns a task into a small JSON-able dict, in the child; one process may do `batch` tasks, one after the
    other. Yields the index of a task and what it came to, in the order they end.

    PublishError: when this process holds more than one thread, or the one that started it has ended.
    """
    require_one_thread()
    caller = os.getppid()
    gc.collect()
    give_memory_back()
    gc.freeze()  # the collector leaves what exists alone, so children do not copy its pages
    running: dict[int, _Child] = {}
    waiting = deque(list(range(at, min(at + batch, len(tasks)))) for at in range(0, len(tasks), batch))
    try:
        with selectors.DefaultSelector() as selector:
            while waiting or running:
                while waiting and len(running) < max(1, n_jobs):
                    child = _start(waiting.popleft(), tasks, work, limits=limits, close=_held(running))
                    running[child.pid] = child
                    selector.register(child.pipe, selectors.EVENT_READ, child)
                    if child.ended is not None:
                        selector.register(child.ended, selectors.EVENT_READ, None)
                if os.getppid() != caller:
                    raise PublishError(Problem("publishing", "the process that wants the pages has ended"))
                for key, _ in selector.select(_TICK):
                    if key.data is not None:
                        _receive(key.data, selector)
                for child in list(running.values()):
                    _kill_when_late(child, limits=limits)
                    if not _has_ended(child):
                        yield from child.hand_on(but=1)
                        continue
                    outcomes, again = _reaped(child, selector, limits=limits)
                    del running[child.pid]
                    waiting.extendleft(reversed(again))
                    yield from outcomes
    finally:
        for child in running.values():
            kill_with_descendants(child.pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, 0)
            _close(child)
        gc.unfreeze()


def _start(
    indices: list[int],
    tasks: Sequence[Any],
    work: Callable,
    *,
    limits: Limits,
    close: Sequence[int],
) -> _Child:
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        mine = [tasks[at] for at in indices]
        _be_child(mine, work, write=write, limits=limits, close=[read, *close], parent=parent)
    os.close(write)
    os.set_blocking(read, False)
    return _Child(indices=indices, pid=pid, pipe=read, since=time.monotonic(), ended=_watch(pid))


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


def _be_child(
    tasks: list[Any],
    work: Callable,
    *,
    write: int,
    limits: Limits,
    close: Sequence[int],
    parent: int,
) -> None:
    """Never returns: the child must not run the parent's clean-up."""
    answer: dict = {"value": None, "reason": "the process ended before it began", "kind": "Killed"}
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
        before = snapshot() if len(tasks) > 1 else {}
        for at, task in enumerate(tasks, start=1):
            cpu, start = time.process_time(), time.monotonic()
            value = work(task)
            answer = {"value": value, "cpu_seconds": time.process_time() - cpu, "seconds": time.monotonic() - start}
            if at < len(tasks):
                _tell(write, answer)
                answer = {"left": True}
                if traces_of(before):
                    break
                set_cpu_limit(limits)
    except BaseException as error:  # noqa: BLE001  whatever it is, the parent must hear of it
        failed = Outcome.of_error(error)
        answer = {"value": None, "reason": failed.reason, "kind": failed.kind}
    finally:
        with contextlib.suppress(BaseException):
            _tell(write, answer)
        os._exit(0)


def _tell(write: int, answer: dict) -> None:
    os.write(write, json.dumps(answer).encode("ascii")[:60_000] + b"\n")


def _receive(child: _Child, selector: selectors.BaseSelector) -> None:
    with contextlib.suppress(BlockingIOError):
        piece = os.read(child.pipe, 65536)
        child.hear(piece)
        if not piece:
            selector.unregister(child.pipe)


def _kill_when_late(child: _Child, *, limits: Limits) -> None:
    if not child.stopped and time.monotonic() - child.since > limits.seconds:
        child.stopped = f"it took longer than {limits.seconds:g} s and was stopped"
        kill_with_descendants(child.pid)


def _has_ended(child: _Child) -> bool:
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _reaped(
    child: _Child, selector: selectors.BaseSelector, *, limits: Limits
) -> tuple[list[tuple[int, Outcome]], list[list[int]]]:
    """What a process that has ended had still to hand over, and the tasks to be done by others, in lists."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)  # what it left running; the pid is not free until we reap it
    _, status, usage = os.wait4(child.pid, 0)
    while child.pipe in selector.get_map():
        _receive(child, selector)
    if child.ended is not None:
        selector.unregister(child.ended)
    _close(child)
    outcomes = list(child.hand_on(but=0))
    rest = child.indices[child.handed_on :]
    if rest and not child.handed_on:  # nothing went before it here, so the failure is its own
        failed = replace(_failure(child, status, limits=limits), seconds=time.monotonic() - child.since)
        outcomes, rest = [(rest[0], failed)], rest[1:]
        again = [rest]
    else:
        again = [rest] if child.left else [rest[:1], rest[1:]]
    if outcomes:
        at, last = outcomes[-1]
        used = usage.ru_utime + usage.ru_stime - child.cpu_seconds + last.cpu_seconds
        outcomes[-1] = at, replace(last, cpu_seconds=used, peak_mb=usage.ru_maxrss / 1024)
    return outcomes, [one for one in again if one]


def _failure(child: _Child, status: int, *, limits: Limits) -> Outcome:
    """Why a process that did nothing before gave no value back."""
    if child.stopped:
        return Outcome(None, f"The page was not made: {child.stopped}.", kind="TimeLimit")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            found = f"it used more than {limits.cpu_seconds} s of CPU time and was stopped"
            return Outcome(None, f"The page was not made: {found}.", kind="TimeLimit")
        found = f"its process was killed ({signal_name(number)}), by hand or for want of memory"
        return Outcome(None, f"The page was not made: {found}.", kind="Killed")
    if child.answers:
        return Outcome(None, child.answers[0]["reason"], kind=child.answers[0]["kind"])
    found = f"its process ended by itself (exit code {os.waitstatus_to_exitcode(status)}) without handing it back"
    return Outcome(None, f"The page was not made: {found}.", kind="Killed")
