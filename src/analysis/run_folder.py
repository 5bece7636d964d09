"""Where a run's files are, and how a new run becomes the current one: built whole, flushed, switched in one step.

::

    outputs/<run_id>/
        current              a link to the run that is current (Windows: a text file with its name)
        site                 a link to current/site: what may be served, and nothing else (Windows: a copy)
        runs/<cutoff>-<hash> finished runs; none ever changes
        runs/.building-*     the run that is being built; an interrupted one is resumed by the same command
        private.log          texts of errors, for the operator
        operator             a summary and a log of each scheduled start
        .lock                one run at a time; outside of what is built

A run's folder is named by the hash of ``files.json``, which has the hash of every other file in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from analysis import records
from analysis.intake.read import vintages_of
from analysis.publishing.environment import environment_hashes
from analysis.publishing.jobs import FAILED, SITE, UNCHANGED, PageResult
from analysis.publishing.publish import JOURNAL, PAGES, SCRATCH, read_results
from analysis.publishing.verify import FILES, altered_files, listed_files
from analysis.records.store import CURRENT, MANIFEST
from analysis.registry.params import RunParams, project_root
from analysis.registry.sources import read_source
from analysis.words.errors import DataError, Problem, PublishError, examples, require
from analysis.words.files import (
    file_sha256,
    flush_folder,
    flush_names,
    json_text,
    locked,
    sha256,
    sha256_of_json,
    tree_sha256,
    write_file,
)

RUNS, LOG, LOCK, KEY, INDEX = "runs", "private.log", ".lock", "key.json", "index.html"
ENTRY = "entry.json"  # of a published run: its line of the register
BUILDING, REMOVED = ".building-", ".removed-"
OPERATOR = "operator"
OWN = frozenset([CURRENT, SITE, RUNS, LOG, LOCK, OPERATOR])
LEFTOVERS = frozenset([f".{CURRENT}.part", f".{SITE}.part"])  # of a switch that was interrupted
FIRST_LAYOUT = frozenset(["tables", "made.json", "pages.jsonl"])  # of runs before there were immutable folders
PAGE_BYTES, ROW_BYTES = 250_000, 1_500  # measured: a unit's page and notebook; an observation in all downloads
NOT_IN_TABLES = ("language", "publish", "max_failed_share", "keep_runs")  # params that no table depends on


@dataclass(frozen=True)
class RunResult:
    """What a run left behind."""

    run_dir: Path
    index: Path
    pages: tuple[PageResult, ...]

    def count(self, status: str) -> int:
        """How many pages ended as `status`."""
        return sum(page.status == status for page in self.pages)


@dataclass(frozen=True)
class QuarterResult:
    """What a scheduled start did; `made` is False where the quarter was published before.

    `exit_code` is 0, or 3 where the quarter is published but the mail was not sent.
    """

    run: RunResult
    period: str
    made: bool
    summary: Path
    exit_code: int


@dataclass(frozen=True)
class RunKey:
    """Hashes of everything that goes into a run, by name; ``whole`` is one of all, ``tables`` of what tables need.

    Both are ``""`` where that cannot be known without reading the data (a database).
    """

    parts: Mapping[str, str]
    tables: str
    whole: str
    draft: str = ""  # of a published run: the key of the draft whose tables it has


def run_key(
    params: RunParams,
    *,
    params_path: str | Path,
    data_dir: Path | None,
    history: Mapping[str, str],
    extras: Mapping[str, object],
) -> RunKey:
    """Hash everything that goes into a run.

    `history` has the hash of the register's entry that counts for each earlier cutoff; `extras` are options that
    change what is published.
    """
    root = project_root(params_path)
    plain = params.model_dump(mode="json")
    named = [*params.sources, params.units, params.indicators, params.tasks, params.crosswalk]
    registry = sorted({name for name in named if name and (root / name).is_file()})
    data = _data_hash(params, base=data_dir or root, root=root)
    parts = {
        "data": data,
        "params": sha256_of_json({name: value for name, value in plain.items() if name not in NOT_IN_TABLES}),
        "targets": tree_sha256([root / name for name in params.targets], root=root),
        "registry": tree_sha256([root / name for name in registry], root=root),
        "history": sha256_of_json(sorted(history.items())),
        **environment_hashes(),
    }
    tables = sha256_of_json(parts)
    notebooks = tree_sha256(sorted((root / "notebooks").glob("*.ipynb")), root=root)
    published = {name: plain[name] for name in NOT_IN_TABLES if name in plain}
    parts |= {"notebooks": notebooks, "published": sha256_of_json([published, dict(extras)])}
    known = bool(data)
    return RunKey(parts, tables if known else "", sha256_of_json(parts) if known else "")


def _data_hash(params: RunParams, *, base: Path, root: Path) -> str:
    """Hash of every raw file with its day and the note next to it; ``""`` where a source is not a file."""
    found = []
    for name in params.sources:
        source = read_source(root / name)
        if source.format == "sql":
            return ""
        for vintage in vintages_of(source, base=base, as_of=params.as_of):
            note = Path(f"{vintage.path}.meta.yml")
            digests = [file_sha256(path) for path in (Path(vintage.path), note) if path.is_file()]
            found.append([source.source, vintage.where, vintage.vintage, *digests])
    return sha256_of_json(found)


class RunFolder:
    """The folder of all runs of one params file; make it with :meth:`locked` to write, or plainly to read."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self.runs = self.path / RUNS
        self.operator = self.path / OPERATOR

    @property
    def current(self) -> Path | None:
        """The folder of the current run, looked up now."""
        run = records.current_run(self.path)
        return run if run != self.path and (run / MANIFEST).is_file() else None

    @classmethod
    @contextlib.contextmanager
    def locked(cls, path: Path, *, run_id: str) -> Iterator[RunFolder]:
        """Hold the folder for writing; the system lets go of it when the process ends, however it ends.

        DataError: when something else is in the folder, or runs of another params file.
        PublishError: when another process holds it, or it cannot be written.
        """
        folder = cls(path)
        folder.check_owned(run_id=run_id)
        with contextlib.ExitStack() as held:
            try:
                folder.path.mkdir(parents=True, exist_ok=True)
                held.enter_context(locked(folder.path / LOCK))
            except BlockingIOError as error:
                found, remedy = "another run is writing into this folder", "Wait for it to end, then start again"
                raise PublishError(Problem(str(path), found, "one run at a time", remedy)) from error
            except OSError as error:
                found, remedy = (
                    f"the folder cannot be written: {error.strerror}",
                    "Change its permissions, or name another",
                )
                raise PublishError(Problem(str(path), found, "", remedy)) from error
            for left in (folder.path / name for name in LEFTOVERS):
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink(missing_ok=True)
            folder.link_site()
            yield folder

    def check_owned(self, *, run_id: str) -> None:
        """Refuse a folder that something else lives in."""
        names = {path.name for path in self.path.iterdir()} - {OPERATOR} if self.path.is_dir() else set()
        remedy = "Name another folder with --out, or move these files away"
        if FIRST_LAYOUT & names and MANIFEST in names:
            found = "it holds a run in the layout of candich 0.1"
            require([Problem(str(self.path), found, "runs of this version", "Move the folder away, then run again")])
        strange = sorted(names - OWN - LEFTOVERS)
        if strange or (names and not self.runs.is_dir() and LOCK not in names):
            found = f"it holds files that are not of a run: {examples(strange or sorted(names))}"
            require([Problem(str(self.path), found, "an empty folder, or runs of this params file", remedy)])
        site = self.path / SITE
        pointer = self.path / CURRENT
        copied = pointer.is_file() and not pointer.is_symlink()  # where links cannot be made
        if site.is_dir() and not site.is_symlink() and not copied:
            found = "`site` is a folder that candich did not make"
            require([Problem(str(site), found, "a link to the current run", remedy)])
        if self.current is not None:
            found = records.read_manifest(self.current / MANIFEST)["run_id"]
            if found != run_id:
                require([Problem(str(self.path), f"it holds runs of {found!r}", f"runs of {run_id!r}", remedy)])

    def is_current(self, key: str) -> bool:
        """Whether the current run was made from exactly this, whole and unaltered; also when it was published since.

        A finished run that was, but is not current (a switch that was interrupted, a language used before), is made so.
        """
        run = self.find(key)
        if run is not None:
            self.switch(run)
        return run is not None

    def find(self, key: str) -> Path | None:
        """The finished run, whole and unaltered, that was made from exactly this: the current one first."""
        for run in [self.current, *reversed(self.finished())] if key else []:
            found = read_key(run) if run is not None else {}
            if key in (found.get("whole"), found.get("draft")) and _all_pages_made(run) and not altered_files(run):
                return run
        return None

    def published(self) -> RunResult:
        """The current run, with nothing made."""
        pages = [PageResult(**{**vars(page), "status": UNCHANGED}) for page in read_results(self.current)]
        return RunResult(self.current, self.path / SITE / INDEX, tuple(pages))

    def finished(self) -> list[Path]:
        """The finished runs, the last made last."""
        runs = [path for path in self.runs.glob("*") if not path.name.startswith(".") and (path / MANIFEST).is_file()]
        return sorted(runs, key=lambda path: ((path / FILES).stat().st_mtime_ns, path.name))

    @contextlib.contextmanager
    def build(self, key: RunKey, *, cutoff: str, before_switch: Callable[[], None] = lambda: None) -> Iterator[Path]:
        """Yield the folder of a new run; when the block ends without an error, it is flushed and made current.

        An interrupted build with the same key is resumed; every other one is removed. `before_switch` is called when
        the run is whole on the disk.
        """
        building = self.runs / f"{BUILDING}{key.whole[:12] or 'unknown'}"
        for left in sorted(self.runs.glob(f"{BUILDING}*")):
            if left != building or not key.whole or _key_of(left) != key.whole:
                shutil.rmtree(left)
        building.mkdir(parents=True, exist_ok=True)
        write_file(building / KEY, json_text(asdict(key)))
        yield building
        run = self._finish(building, cutoff=cutoff)
        before_switch()
        self.switch(run)

    def _finish(self, building: Path, *, cutoff: str) -> Path:
        """Name the files and their hashes, flush them, give the folder its name."""
        (building / JOURNAL).unlink(missing_ok=True)
        for left in [*building.rglob("*.part"), *building.glob(f"{SCRATCH}*")]:  # of a build that was interrupted
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        listing = json_text(
            {path.relative_to(building).as_posix(): file_sha256(path) for path in listed_files(building)}
        )
        write_file(building / FILES, listing)
        flush_folder(building)
        run, number = self.runs / f"{cutoff}-{sha256(listing)[:12]}", 1
        while run.exists() and altered_files(run):  # somebody altered the same run: it is replaced, not overwritten
            number += 1
            run = self.runs / f"{cutoff}-{sha256(listing)[:12]}-{number}"
        if run.exists():
            shutil.rmtree(building)  # somebody ran the same before
        else:
            os.rename(building, run)
        flush_names(self.runs)
        return run

    def switch(self, run: Path) -> None:
        """Make a finished run the current one."""
        if self.current != run.resolve():
            os.utime(run / FILES)  # the last made of its cutoff
            _point(self.path / CURRENT, f"{RUNS}/{run.name}")
        self.link_site()
        flush_names(self.path)

    def link_site(self) -> None:
        """Have ``site`` lead to the site of the current run."""
        site = self.path / SITE
        if self.current is None or (site.is_symlink() and os.readlink(site) == f"{CURRENT}/{SITE}"):
            return
        if (self.path / CURRENT).is_symlink():
            _point(site, f"{CURRENT}/{SITE}")
            return
        fresh = self.path / f".{SITE}.part"  # Windows: a copy; between the two steps there is no site
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(self.current / SITE, fresh)
        shutil.rmtree(site, ignore_errors=True)
        os.replace(fresh, site)

    def remove_old(self, keep_runs: int) -> None:
        """Remove finished runs beyond `keep_runs`.

        Never the current one, nor the last one of an earlier cutoff, nor one that was published.
        """
        runs = [run for run in self.finished() if not (run / ENTRY).is_file()]
        last_of = {records.read_manifest(run / MANIFEST)["cutoff"]: run for run in runs}
        spare = [run for run in runs if run not in (self.current, *last_of.values())]
        for run in spare[: max(0, len(spare) - keep_runs)]:
            os.rename(run, run.with_name(f"{REMOVED}{run.name}"))  # in one step it is not a run any more
        for left in self.runs.glob(f"{REMOVED}*"):
            shutil.rmtree(left)

    def log(self, results: tuple[PageResult, ...]) -> None:
        """Append why pages failed to the private log: readers see only the class of an error and a reference."""
        failed = [result for result in results if result.status == FAILED]
        lines = [
            json.dumps(
                {"reference": result.reference, "page": result.page, "kind": result.kind, "reason": result.reason},
                ensure_ascii=False,
            )
            for result in failed
        ]
        if lines:
            with open(self.path / LOG, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.write("\n".join(lines) + "\n")


def disk_report(path: Path, *, n_units: int, n_rows: int) -> str:
    """How much room the next run needs, and how much there is; without a run before, from its units and rows.

    >>> disk_report(Path("no such folder"), n_units=100, n_rows=10_000).split(";")[0]
    'a run needs about 40 MB'
    """
    current = RunFolder(path).current
    if current is not None:
        needed = sum(file.stat().st_size for file in current.rglob("*") if file.is_file())
    else:
        needed = n_units * PAGE_BYTES + n_rows * ROW_BYTES
    there = next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    short = "" if free > 2 * needed else "; make room first"
    return f"a run needs about {needed / 1e6:.0f} MB; {free / 1e6:.0f} MB are free{short}"


def stored_tables(building: Path, key: RunKey, *, previous: Path | None) -> bool:
    """Whether the tables of a new run exist already: left by an interrupted build, or those of the run before.

    The latter are copied, where everything that tables depend on is the same.
    """
    if (building / MANIFEST).is_file():  # written after the tables, by a build of the same key
        with contextlib.suppress(DataError):
            records.check_tables(building, records.read_manifest(building / MANIFEST))
            return True
    (building / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(building / "tables", ignore_errors=True)
    if previous is None or not key.tables or read_key(previous).get("tables") != key.tables:
        return False
    with contextlib.suppress(DataError):
        records.check_tables(previous, records.read_manifest(previous / MANIFEST))
        shutil.copytree(previous / "tables", building / "tables")
        return True
    return False


def _all_pages_made(run: Path) -> bool:
    try:
        pages = json.loads((run / PAGES).read_text(encoding="utf-8"))
        return all(page["status"] != FAILED for page in pages)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def read_key(run: Path) -> dict:
    """What a run was made from, as hashes; empty where it does not say."""
    try:
        return dict(json.loads((run / KEY).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _key_of(run: Path) -> str:
    return str(read_key(run).get("whole", ""))


def _point(link: Path, goal: str) -> None:
    """Have a link lead to `goal`, in one step; a text file where links cannot be made."""
    part = link.with_name(f".{link.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.symlink(goal, part)
    except (OSError, NotImplementedError):
        part.write_text(goal, encoding="ascii")
    os.replace(part, link)
