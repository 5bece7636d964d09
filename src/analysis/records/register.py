"""The register: what was published when, as a chain that cannot be rewritten unnoticed, with the probabilities of each.

``data/register/<run_id>.jsonl`` has an entry a line and is only appended to; each entry names the hash of the one
before. ``data/register/<run_id>/<hash>.parquet`` are an entry's tables: assessments, forecasts of the next quarter, and
what they came from: targets, indicators, tasks, and the figures of the last year.
``data/register/<run_id>.pages.jsonl`` says afterwards which files went out with an entry.

An entry's seal is a short form of its hash. A seal on paper proves that the entry it was printed from, and all entries
before it, are those in the register; it does not prove who wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from analysis.records.store import MANIFEST, find_run, project_of, read_manifest, read_table, write_table
from analysis.words.errors import DataError, Problem, PublishError, require
from analysis.words.files import file_sha256, flush_folder, flush_names, locked, replacing, sha256_of_json
from analysis.words.periods import A_QUARTER, clock, due_of, frequency_of, last_day
from analysis.words.schema import RunTables

FOLDER = "data/register"  # below the project's root
PUBLISHED, RECOMPUTED = "published", "recomputed"
SEAL_LENGTH = 16  # hex digits, 64 bits
KEPT_LEVELS = (0.1, 0.5, 0.9)  # of the next quarter's forecasts

A_YEAR = timedelta(days=365)  # of figures are kept


@dataclass(frozen=True)
class Entry:
    """One publication.

    Parameters
    ----------
    run_id : str
    number : int
        1, 2, 3, ... in the order of publication.
    cutoff : str
        Last period that the forecasts saw.
    edition : int
        1, 2, ... of the same cutoff.
    published_on, known_on : str
        Day of publication, and the day of the latest figures used; ISO dates, `known_on` empty where no file says.
    origin : str
        ``"published"``: before the next quarter had ended, from figures known by then; else ``"recomputed"``.
    simulated : bool
    tables : mapping of name to str
        Hashes of all tables of the run.
    kept : mapping of name to str
        Hashes of the tables that the register keeps.
    previous : str
        Hash of the entry before, ``""`` of the first.
    """

    run_id: str
    number: int
    cutoff: str
    edition: int
    published_on: str
    known_on: str
    origin: str
    simulated: bool
    tables: Mapping[str, str]
    kept: Mapping[str, str]
    previous: str

    @property
    def hash(self) -> str:
        """SHA-256 of all fields."""
        return sha256_of_json(asdict(self))

    @property
    def seal(self) -> str:
        """The first digits of the hash in groups of four, as printed."""
        return "-".join(self.hash[at : at + 4] for at in range(0, SEAL_LENGTH, 4))

    def line(self) -> str:
        """The entry as a line of the register, with its hash and seal."""
        return json.dumps(asdict(self) | {"hash": self.hash, "seal": self.seal}, sort_keys=True, ensure_ascii=False)

    def public(self) -> dict:
        """What a page may say of the entry."""
        kept = ("number", "cutoff", "edition", "published_on", "known_on", "origin", "simulated")
        return {name: getattr(self, name) for name in kept} | {"state": PUBLISHED, "seal": self.seal}


@dataclass(frozen=True)
class Past:
    """What was said at a cutoff: the entry, and its tables as published."""

    entry: Entry
    assessments: pd.DataFrame
    forecasts: pd.DataFrame
    observations: pd.DataFrame  # of the year before the cutoff
    indicators: pd.DataFrame
    definitions: pd.DataFrame | None = None  # a target a row, its entry as JSON
    task_list: pd.DataFrame | None = None


def to_keep(tables: RunTables) -> dict[str, pd.DataFrame]:
    """The tables of a run that :meth:`Register.next_entry` takes."""
    names = ("assessments", "forecasts", "observations", "indicators")
    also = {name: tables.extra[name] for name in ("definitions", "task_list") if name in tables.extra}
    return {name: getattr(tables, name) for name in names} | also


class Register:
    """The register of one params file."""

    def __init__(self, root: Path, run_id: str):
        self.root = root
        self.path = root / FOLDER / f"{run_id}.jsonl"
        self.pages = self.path.with_suffix(".pages.jsonl")
        self.folder = self.path.with_suffix("")
        self.run_id = run_id

    def entries(self) -> list[Entry]:
        """All entries in their order, checked.

        Raises
        ------
        DataError
            An entry was edited, deleted or reordered, or its tables were; every problem is named.
        """
        found, problems = self.read()
        require(problems)
        return found

    def read(self) -> tuple[list[Entry], list[Problem]]:
        """The entries that can be read, and all that is wrong with the register."""
        found: list[Entry] = []
        problems: list[Problem] = []
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        except (OSError, UnicodeDecodeError) as error:
            return [], [self._problem(str(self.path), f"it cannot be read: {error}")]
        for number, line in enumerate(lines, start=1):
            where = f"{self.path}, line {number}"
            try:
                values = json.loads(line)
                stated = values.pop("hash"), values.pop("seal")
                entry = Entry(**values)
                if set(values) != {one.name for one in fields(Entry)} or stated != (entry.hash, entry.seal):
                    problems.append(self._problem(where, f"entry {entry.number} was edited: its hash is another"))
            except (ValueError, TypeError, AttributeError, KeyError):
                problems.append(self._problem(where, "it is not an entry"))
                continue
            before = found[-1] if found else None
            if entry.number != number or entry.previous != (before.hash if before else ""):
                text = (
                    f"entry {entry.number} does not follow the line before: an entry was edited, deleted or reordered"
                )
                problems.append(self._problem(where, text))
            found.append(entry)
            problems += self._altered_tables(entry, where=where)
        known = {entry.hash for entry in found}
        for number, record in enumerate(self._page_records(), start=1):
            if record.get("entry") not in known:
                text = f"files went out with entry {record.get('number')}, which the register does not hold any more"
                problems.append(self._problem(f"{self.pages}, line {number}", text))
        return found, problems

    def _altered_tables(self, entry: Entry, *, where: str) -> list[Problem]:
        problems = []
        for name, digest in entry.kept.items():
            path = self.folder / f"{digest}.parquet"
            if not path.is_file():
                problems.append(self._problem(where, f"the {name} of entry {entry.number} are missing: {path.name}"))
            elif file_sha256(path) != digest:
                problems.append(self._problem(where, f"the {name} of entry {entry.number} were altered: {path.name}"))
        return problems

    def _problem(self, where: str, found: str) -> Problem:
        remedy = "Restore data/register from version control or a backup; never edit it"
        return Problem(where, found, "the register as it was published", remedy)

    def _page_records(self) -> list[dict]:
        if not self.pages.is_file():
            return []
        records = []
        for line in self.pages.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                records.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                records.append({})
        return records

    def latest(self, *, before: str = "") -> dict[str, Entry]:
        """The last edition of each cutoff, sorted by cutoff; only those earlier than `before` where it is given."""
        last = {entry.cutoff: entry for entry in self.entries()}
        earlier = lambda cutoff: not before or (frequency_of(cutoff) == frequency_of(before) and cutoff < before)
        return {cutoff: last[cutoff] for cutoff in sorted(last) if earlier(cutoff)}

    def hashes(self, *, before: str) -> dict[str, str]:
        """The hash of the last entry of each earlier cutoff."""
        return {cutoff: entry.hash for cutoff, entry in self.latest(before=before).items()}

    def past(self, *, before: str) -> dict[str, Past]:
        """What was said at each earlier cutoff, sorted by cutoff."""
        return {cutoff: self.tables_of(entry) for cutoff, entry in self.latest(before=before).items()}

    def tables_of(self, entry: Entry) -> Past:
        """The tables that the register keeps of an entry."""
        read = {name: read_table(self.folder / f"{digest}.parquet", name=name) for name, digest in entry.kept.items()}
        return Past(entry, **read)

    def next_entry(self, manifest: dict, tables: Mapping[str, pd.DataFrame], *, published_on: str) -> Entry:
        """The entry that publishing a run would append; the last one of its cutoff, where that said the same.

        Parameters
        ----------
        manifest : dict
            Of the run.
        tables : mapping
            Those of :class:`Past`, of the run.
        published_on : str
            ISO date.

        Raises
        ------
        PublishError
            The day lies before that of the last entry: the clock was set back.
        """
        entries = self.entries()
        cutoff = manifest["cutoff"]
        same = [entry for entry in entries if entry.cutoff == cutoff]
        if same and dict(same[-1].tables) == dict(manifest["tables"]):
            return same[-1]
        if entries and published_on < entries[-1].published_on:
            found = f"today is {published_on}, but entry {entries[-1].number} is of {entries[-1].published_on}"
            remedy = "Set the clock of this machine right"
            raise PublishError(Problem(str(self.path), found, f"{entries[-1].published_on} or later", remedy))
        known_on = max(tables["observations"]["vintage"], default="")
        with self._held():
            kept = {name: self._keep(frame) for name, frame in self._to_keep(tables, cutoff=cutoff).items()}
        return Entry(
            run_id=self.run_id,
            number=len(entries) + 1,
            cutoff=cutoff,
            edition=len(same) + 1,
            published_on=published_on,
            known_on=known_on,
            origin=origin_of(cutoff, published_on=published_on, known_on=known_on),
            simulated=bool(manifest["params"].get("simulated")),
            tables=dict(manifest["tables"]),
            kept=kept,
            previous=entries[-1].hash if entries else "",
        )

    def _to_keep(self, tables: Mapping[str, pd.DataFrame], *, cutoff: str) -> dict[str, pd.DataFrame]:
        """All tables; of the forecasts the next quarter's median and 80 % interval, of the figures the last year."""
        near = tables["forecasts"]
        steps = near["cutoff"].map({one: A_QUARTER[frequency_of(one)] for one in near["cutoff"].unique()})
        near = near[(near["horizon"] <= steps) & near["quantile_level"].isin(KEPT_LEVELS)]
        seen = tables["observations"]
        end = last_day(cutoff)
        recent = [one for one in seen["period"].unique() if end - A_YEAR < last_day(one) <= end]
        figures = seen[seen["period"].isin(recent)].drop_duplicates(["unit", "indicator", "period"], keep="last")
        return {**tables, "forecasts": near, "observations": figures}

    def _keep(self, frame: pd.DataFrame) -> str:
        """Write a table under its hash; harmless where no entry comes to name it."""
        part = self.folder / ".table.parquet"
        write_table(frame.reset_index(drop=True), part)
        digest = file_sha256(part)
        part.replace(self.folder / f"{digest}.parquet")
        return digest

    def append(self, entry: Entry) -> None:
        """Add an entry, in one step; nothing when it is there already.

        Raises
        ------
        PublishError
            Another publication came first, or another process is appending.
        """
        with self._held():
            entries = self.entries()
            if entry in entries:
                return
            if entry.previous != (entries[-1].hash if entries else ""):
                found, remedy = "another publication came first", "Publish again: the entry must follow the last"
                raise PublishError(Problem(str(self.path), found, "", remedy))
            self._append_line(self.path, entry.line())

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the register for writing; what a killed publication left half written is removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with locked(self.folder / ".lock"):
                for left in [*self.folder.glob(".*.part"), *self.path.parent.glob(f".{self.run_id}.*.part")]:
                    left.unlink()
                yield
        except BlockingIOError as error:
            found, remedy = "another publication is being recorded", "Publish again when it has ended"
            raise PublishError(Problem(str(self.path), found, "one at a time", remedy)) from error

    def record_pages(self, entry: Entry, files_sha256: str) -> None:
        """Say which files went out with an entry; nothing when that is said already."""
        line = {"entry": entry.hash, "number": entry.number, "files": files_sha256}
        with self._held():
            if line not in self._page_records():
                self._append_line(self.pages, json.dumps(line, sort_keys=True))

    def _append_line(self, path: Path, line: str) -> None:
        before = path.read_bytes() if path.is_file() else b""
        with replacing(path) as part:
            part.write_bytes(before + line.encode() + b"\n")
            flush_folder(path.parent)  # tables and line reach the disk before the register names them
        flush_names(path.parent)

    def find(self, seal: str) -> Entry:
        """The entry with a seal as printed on paper.

        Raises
        ------
        DataError
            The register does not hold it, or something in the register was altered.
        """
        wanted = "".join(one for one in seal.lower() if one.isalnum())
        found, problems = self.read()
        match = [entry for entry in found if entry.hash[:SEAL_LENGTH] == wanted]
        if not match:
            text = f"no entry has the seal {seal!r}: it was edited, deleted or cut off, or is of another register"
            problems.append(self._problem(str(self.path), text))
        require(problems)
        return match[0]


def origin_of(cutoff: str, *, published_on: str, known_on: str) -> str:
    """Whether a run counts as published at the time, or as computed again later.

    Published: before the quarter after the cutoff had ended, from figures known by then.

    Examples
    --------
    >>> origin_of("2026-09", published_on="2026-10-05", known_on="2026-10-03")
    'published'
    >>> origin_of("2025-09", published_on="2026-10-05", known_on="2025-10-03")
    'recomputed'
    >>> origin_of("2026-09", published_on="2026-10-05", known_on="2026-11-01")
    'recomputed'
    """
    return PUBLISHED if published_on <= due_of(cutoff) and known_on <= published_on else RECOMPUTED


def find_seal(run_dir: str | Path, seal: str) -> pd.DataFrame:
    """The entry of the register that a seal printed on paper is of.

    Parameters
    ----------
    run_dir : str or Path
        A run of the register, e.g. ``outputs/demo``.
    seal : str
        As printed; capitals, blanks and dashes do not matter.

    Returns
    -------
    DataFrame
        One row: number, cutoff, edition, published_on, known_on, origin, simulated, seal.

    Raises
    ------
    DataError
        The register does not hold it, or an entry was edited, deleted or reordered; each is named.
    """
    run = find_run(run_dir)
    register = Register(project_of(run), read_manifest(run / MANIFEST)["run_id"])
    return pd.DataFrame([register.find(seal).public()]).drop(columns="state")


def read_entry(path: Path) -> Entry:
    """The entry of a published run, from its own file; DataError when it cannot be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Entry(**{one.name: values[one.name] for one in fields(Entry)})
    except (OSError, ValueError, TypeError, KeyError) as error:
        remedy = "Restore the run from a copy, or publish again from the draft"
        found = f"it cannot be read: {error}"
        raise DataError(Problem(str(path), found, "an entry of the register", remedy)) from error


def as_day(text: str | None) -> str:
    """An ISO date, today's where none is given; raises DataError."""
    if text is None:
        return clock().date().isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise DataError(Problem("--on", f"{text!r} is not a date", "like 2026-10-05", "Rewrite it")) from None
