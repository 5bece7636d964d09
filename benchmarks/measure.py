"""What the benchmarks share: the command pair, seconds spent, peak memory, and the two sides of a comparison."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from analysis.publishing.environment import pinned_environment

BIN = Path(sys.executable).parent


@dataclass
class Spent:
    """Seconds a block took: wall, CPU of this process, CPU of the processes it waited for."""

    wall: float = 0.0
    own: float = 0.0
    children: float = 0.0


@contextmanager
def spent() -> Iterator[Spent]:
    """Measure a block; the figures are there when it ends."""
    found, before, start = Spent(), os.times(), time.perf_counter()
    yield found
    after = os.times()
    found.wall = time.perf_counter() - start
    found.own = after.user + after.system - before.user - before.system
    found.children = after.children_user + after.children_system - before.children_user - before.children_system


def command_pair(notebook: Path, folder: Path, *, parameters: dict[str, str]) -> tuple[float, float, str]:
    """Run `papermill` and `jupyter nbconvert` on a notebook; CPU and wall seconds of both, and the page."""
    executed, page = folder / "out.ipynb", folder / "out.html"
    options = [part for name, value in parameters.items() for part in ("-r", name, value)]
    commands = (
        [BIN / "papermill", notebook, executed, *options, "--no-progress-bar"],
        [BIN / "jupyter", "nbconvert", "--to", "html", executed, "--output", page.name, "--log-level", "ERROR"],
    )
    with spent() as both:
        for command in commands:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, env={**os.environ, **pinned_environment()}
            )
            if done.returncode:
                raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return both.children, both.wall, page.read_text(encoding="utf-8")


def compare(pair: list[tuple[float, float]], ours: list[tuple[float, float]]) -> dict:
    """Medians of (CPU, wall) seconds of both sides, and their ratios."""
    (pair_cpu, pair_wall), (our_cpu, our_wall) = [
        [statistics.median(one) for one in zip(*rows)] for rows in (pair, ours)
    ]
    return {
        "command pair, CPU s a page": pair_cpu,
        "command pair, wall s a page": pair_wall,
        "pages by the pair": len(pair),
        "ours, CPU s a page": our_cpu,
        "ours, wall s a page alone": our_wall,
        "pages by us": len(ours),
        "ratio of CPU": pair_cpu / our_cpu,
        "ratio of wall": pair_wall / our_wall,
    }


def watch_memory(run: subprocess.Popen) -> float:
    """Wait for a process; the largest sum of proportional memory (PSS) of it and its descendants, in MB."""
    from analysis.publishing.forks import descendants

    peak, done = 0.0, threading.Event()

    def look() -> None:
        nonlocal peak
        while not done.wait(0.5):
            peak = max(peak, sum(_pss(pid) for pid in [run.pid, *descendants(run.pid)]) / 1024)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    run.wait()
    done.set()
    thread.join()
    return peak


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else 0
