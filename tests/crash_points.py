"""Kill a command before and after every step that changes a name on the disk, run it again, compare every byte.

SQLite tests itself in this way. The steps are replace, rename, link, symlink, unlink, remove, rmdir and opening to
append, below the project. After each kill a reader must find the old run or the new one, whole; the same command again
must give the bytes of an undisturbed run and leave no extra file. Each moment is tried twice: once as it is, and once
as when the power fails: every file that was not flushed loses its second half. Moments that leave the same bytes on
the disk are tried once: what happens next depends on nothing else.

Run as a script in an interpreter with the pinned environment; prints a JSON line. What is computed (the statistics)
is made once and used at every point; pages are made by the code of the page maker, in this process.
"""

from __future__ import annotations

import argparse
import builtins
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
KILLED = 137
STEPS = ("replace", "rename", "link", "symlink", "unlink", "remove", "rmdir")
MODES = ("first", "again", "quarter", "publish", "each", "dask")
CLUSTER = """import sys
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()"""


class Killer:
    """Counts the steps of this process below `root`, and ends it before or after step `at`."""

    def __init__(self, root: Path, *, at: int = 0, after: bool = False, power: bool = False):
        self.root, self.at, self.after, self.power = str(root), at, after, power
        self.count, self.pid, self.flushed = 0, os.getpid(), self._sizes()
        self.states: dict[str, tuple[int, bool, bool]] = {}  # what is on the disk -> the first moment that leaves it

    def _sizes(self) -> dict[int, tuple[int, Path]]:
        """Inode of each file to its size and path: a flushed file stays so when it is renamed or given another time.

        Nothing is written over in place: a new content is a new file, or longer.
        """
        found = {}
        for path in Path(self.root).rglob("*"):
            if path.is_file() and not path.is_symlink():
                stat = path.stat()
                found[stat.st_ino] = (stat.st_size, path)
        return found

    def install(self) -> None:
        for name in STEPS:
            setattr(os, name, self._watched(getattr(os, name)))
        real_open, real_sync = builtins.open, os.sync

        def open_(file, mode="r", *args, **kwargs):
            if "a" in mode and self._ours(file, None):
                return self._step(lambda: real_open(file, mode, *args, **kwargs))
            return real_open(file, mode, *args, **kwargs)

        def sync() -> None:
            real_sync()
            self.flushed = self._sizes()

        builtins.open, os.sync = open_, sync

    def _watched(self, real):
        def call(path, *args, **kwargs):
            if not self._ours(path, kwargs.get("dir_fd")):
                return real(path, *args, **kwargs)
            return self._step(lambda: real(path, *args, **kwargs))

        return call

    def _ours(self, path: object, dir_fd: int | None) -> bool:
        if os.getpid() != self.pid or isinstance(path, int):
            return False
        where = os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd is not None else os.getcwd()
        return os.path.join(where, os.fspath(path)).startswith(self.root)

    def _step(self, act):
        self.count += 1
        self._moment(after=False)
        try:
            return act()
        finally:  # an unlink of a file that is not there is a step too
            self._moment(after=True)

    def _moment(self, *, after: bool) -> None:
        if not self.at:
            for power in (False, True):
                self.states.setdefault(self._state(power=power), (self.count, after, power))
        elif (self.count, after) == (self.at, self.after):
            for path in self._unflushed() if self.power else ():
                os.truncate(path, path.stat().st_size // 2)
            os._exit(KILLED)

    def _unflushed(self) -> set[Path]:
        return {path for inode, (size, path) in self._sizes().items() if self.flushed.get(inode, ())[:1] != (size,)}

    def _state(self, *, power: bool) -> str:
        """Hash of every name and byte below `root`, and of the order of its runs in time."""
        torn = self._unflushed() if power else set()
        digest = hashlib.sha256()
        for path in sorted(Path(self.root).rglob("*")):
            digest.update(f"\0{path}\0".encode())
            if path.is_symlink():
                digest.update(os.readlink(path).encode())
            elif path.is_file():
                content = path.read_bytes()
                digest.update(content[: len(content) // 2] if path in torn else content)
        runs = sorted(Path(self.root).rglob("files.json"), key=lambda path: path.stat().st_mtime_ns)
        return digest.hexdigest() + ",".join(map(str, runs))


def write_project(folder: Path) -> None:
    """Three units, two page types, downloads; the notebook of `each` next to it."""
    from benchmarks.country import write_country

    params = write_country(folder, communes=1, provinces=1, indicators=1)
    text = json.loads(params.read_text())
    text["publish"] = dict.fromkeys(text["publish"], False) | {"unit": True, "overview": True, "downloads": True}
    params.write_text(json.dumps(text | {"keep_runs": 0, "n_paths": 100}))
    (folder / "notebooks").unlink()
    (folder / "notebooks").mkdir()
    for name in ("unit_briefing", "overview_briefing"):
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder / "notebooks")
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [
        new_code_cell("unit = 'a'", id="p", metadata={"tags": ["parameters"]}),
        new_code_cell("print(unit)", id="c"),
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "mine.ipynb")


class InThisProcess:
    """The page maker's own code, without its process."""

    def __init__(self, *, n_jobs: int = 2, limits=None):
        from analysis.publishing.forks import Limits

        self.how = {"n_jobs": n_jobs, "limits": asdict(limits or Limits())}

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        return None

    def make(self, jobs, *, folder, run_dir=None, alone=False, code=()):
        from analysis.publishing import page_maker

        request = {"jobs": [job.plain() for job in jobs], "folder": str(folder), "alone": alone, **self.how}
        yield from page_maker._make({**request, "run_dir": str(run_dir or ""), "code": dict(code)})


def command(folder: Path, mode: str, dask: str | None = None) -> None:
    """What is killed, and what is run again."""
    from analysis import pipeline
    from analysis.publishing.each import make_each

    if mode == "each":
        make_each(folder / "mine.ipynb", parameter="unit", values=["x", "y"], out_dir=folder / "outputs/each")
        return
    if mode == "publish":
        pipeline.publish(folder / "outputs/country", on="2026-10-05", options=pipeline.RunOptions(jobs=1))
        return
    period = "2026-06" if mode == "early" else None
    pipeline.run(folder / "params/country.yml", period=period, options=pipeline.RunOptions(jobs=1, dask=dask))


def prepare(folder: Path, mode: str) -> None:
    """The project as it is before the command of a mode."""
    write_project(folder)
    if mode == "again":
        command(folder, "first")
        path = folder / "notebooks/unit_briefing.ipynb"
        path.write_text(path.read_text().replace("page = cd.unit_page(", "page  =  cd.unit_page("))
    if mode == "quarter":
        command(folder, "early")
    if mode == "publish":
        command(folder, "first")


def patch() -> None:
    """Make the statistics once for each cutoff; make pages in this process."""
    from analysis import pipeline
    from analysis.publishing import each

    made, real = {}, pipeline.forecast_step

    def forecast_step(inputs, *, params, **rest):
        key = params.cutoff
        if key not in made:
            made[key] = real(inputs, params=params, **rest)
        return dict(made[key])

    pipeline.forecast_step = forecast_step
    pipeline.PageMaker = each.PageMaker = InThisProcess


def in_child(act) -> int:
    """The exit code of a forked process that does something."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = 0
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file and link of the outputs and the register, by name."""
    found: dict[str, bytes | str] = {}
    for path in sorted([*(folder / "outputs").rglob("*"), *(folder / "data/register").rglob("*")]):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.parent.name == "each":  # as Papermill makes them: with times and random ids
            whole = path.suffix == ".html" or json.loads(path.read_text(encoding="utf-8"))
            found[name] = "whole" if whole and path.stat().st_size > 500 else "torn"
        elif path.is_file() and path.name not in (".lock", "private.log"):
            found[name] = path.read_bytes()
        elif path.is_dir():
            found[name] = "folder"
    return found


def reader_finds_a_whole_run(folder: Path, *, before: bool) -> str:
    """Why a reader would be misled just now; empty when not."""
    from analysis import records
    from analysis.publishing.verify import altered_files

    top = folder / "outputs/country"
    current = records.current_run(top) if top.is_dir() else top
    if current == top or not current.exists():
        return "no run is current, though one was before" if before else ""
    bad = altered_files(current)
    if bad:
        return f"the current run is not whole: {bad[:3]}"
    seal = records.load_run(top).manifest["register"].get("seal")
    entries, problems = records.Register(folder, "country").read()
    if problems or (seal and seal not in [entry.seal for entry in entries]):
        return f"the register is not whole: {problems}, {seal}"
    if (top / "site").exists() and (top / "site/index.html").resolve().parents[1] != current:
        return "site and current lead to different runs"
    return "" if (top / "site").exists() or not before else "no site, though there was one"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    asked = parser.parse_args()
    started = time.monotonic()
    patch()
    base, work = asked.work / "base", asked.work / "project"
    base.mkdir(parents=True)
    prepare(base, asked.mode)
    with cluster(asked.mode) as dask:
        act = lambda: command(work, asked.mode, dask)
        expected, counted = undisturbed(base, work, asked.mode, act)
        moments = sorted(counted["moments"])
        chosen = moments[asked.part * asked.every :: asked.parts * asked.every]
        before = asked.mode in ("again", "quarter", "publish")
        why = [survived(base, work, act, moment, before=before, expected=expected) for moment in chosen]
    shutil.rmtree(asked.work)
    failures = [[*moment, reason] for moment, reason in zip(chosen, why, strict=True) if reason]
    found = {"mode": asked.mode, "steps": counted["steps"], "states": len(moments), "tried": len(chosen)}
    print(json.dumps({**found, "failures": failures, "seconds": round(time.monotonic() - started, 1)}))


def undisturbed(base: Path, work: Path, mode: str, act: Callable[[], None]) -> tuple[dict, dict]:
    """What the command leaves, how many steps it takes, and the moments that leave different bytes on the disk."""
    shutil.copytree(base, work, symlinks=True)
    command(work, mode)  # once here, by its own processes: makes the statistics, loads what every later run shares
    expected = tree(work)
    shutil.rmtree(work)
    shutil.copytree(base, work, symlinks=True)
    counted = work.parent / "steps"

    def count() -> None:
        killer = Killer(work)
        killer.install()
        act()
        counted.write_text(json.dumps({"steps": killer.count, "moments": list(killer.states.values())}))

    if in_child(count):
        raise SystemExit("the undisturbed run failed")
    if tree(work) != expected:
        raise SystemExit("two undisturbed runs differ")
    return expected, json.loads(counted.read_text())


def survived(base: Path, work: Path, act: Callable, moment: Sequence, *, before: bool, expected: dict) -> str:
    """Why a kill at a moment was not survived; empty when it was."""
    shutil.rmtree(work)
    shutil.copytree(base, work, symlinks=True)

    def run_to() -> None:
        at, after, power = moment
        Killer(work, at=at, after=after, power=power).install()
        act()

    killed = in_child(run_to)
    if killed != KILLED:
        return f"exit code {killed} instead of a kill"
    why = reader_finds_a_whole_run(work, before=before)
    if why:
        return why
    again = in_child(act)
    found = tree(work)
    differ = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    return f"exit code {again}" if again else (f"differs: {differ[:5]}" if differ else "")


@contextmanager
def cluster(mode: str) -> Iterator[str | None]:
    """The address of a Dask scheduler with one worker on this machine, for the mode that needs it."""
    if mode != "dask":
        yield None
        return
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


if __name__ == "__main__":
    main()
