"""Check a finished run: every stored and published file against its hash, then every page made again.

A page is the same to the byte, after rounding, or not: and then in which cell, and which input changed. Pages are made
each in a process of its own, from the run's tables and the project's notebooks, never from what the run's own files
name. Nothing in the run's folder is changed.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from analysis import records
from analysis.publishing.environment import environment_hashes
from analysis.publishing.jobs import NOTEBOOKS, SITE, PageJob
from analysis.publishing.page_maker import PageMaker
from analysis.publishing.publish import PAGES
from analysis.publishing.site import page_jobs
from analysis.records.store import MANIFEST
from analysis.words.errors import DataError, ParamsError, require, unknown
from analysis.words.files import file_sha256, sha256

FILES = "files.json"  # of a finished run: every other file and its hash
IDENTICAL, ROUNDED, DIFFERENT, IMPOSSIBLE = "identical", "identical after rounding", "different", "cannot be made again"
ALTERED = "altered"
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_AROUND = 60  # characters quoted on both sides of a difference


@dataclass(frozen=True)
class Verdict:
    """What a check of one file or page found.

    Parameters
    ----------
    file : str
        Path inside the run.
    verdict : str
        ``"altered"`` (of any file: missing, foreign, or other bytes than were published); of a page made again
        ``"identical"``, ``"identical after rounding"`` (each number within one unit of its last printed digit),
        ``"different"`` or ``"cannot be made again"``.
    cell : str
        Id of the first notebook cell that differs.
    before, after : str
        What was there and what is there now, shortened.
    reason : str
        What is wrong with the file, why a page cannot be made again, or which inputs have changed.
    """

    file: str
    verdict: str
    cell: str = ""
    before: str = ""
    after: str = ""
    reason: str = ""


def verify_run(
    run_dir: str | Path, *, unit: str | None = None, project: Path | None = None, n_jobs: int = 2
) -> pd.DataFrame:
    """Check all that was published and recorded, and make the pages again.

    With `unit`, only this unit's page is made; every file is checked all the same. Returns the fields of
    :class:`Verdict`, a row for each file that is not as published and for each page made again.

    DataError: there is no finished run, or a stored table was altered: pages are not made from it.
    ParamsError: the run has no such unit, or there is no project.
    """
    run = records.find_run(run_dir)
    project = project or records.project_of(run)
    verdicts = [Verdict(file, ALTERED, reason=reason) for file, reason in altered_files(run)]
    verdicts += _register_verdicts(records.read_manifest(run / MANIFEST), project)
    records.check_tables(run, records.read_manifest(run / MANIFEST))
    tables = records.load_run(run)
    known, hint = set(tables.units["unit"]), "Take a code of the unit list"
    asked = [] if unit is None else [unit]
    require(
        unknown(asked, known, where="--unit", what="unit", allowed="codes of the unit table", remedy=hint), ParamsError
    )
    published = {page["page"]: page for page in json.loads((run / PAGES).read_text(encoding="utf-8"))}
    jobs = page_jobs(tables, root=project, run_dir=run, units=_units_of(published))
    jobs = [job for job in jobs if unit is None or job.unit == unit]
    verdicts += _made_again(jobs, published, run=run, n_jobs=n_jobs)
    return pd.DataFrame([asdict(verdict) for verdict in verdicts], columns=list(Verdict.__dataclass_fields__))


def _register_verdicts(manifest: Mapping, project: Path) -> list[Verdict]:
    """What is wrong with the register; of a published run also whether its entry is still there."""
    register = records.Register(project, manifest["run_id"])
    name = register.path.relative_to(project).as_posix()
    try:
        seal = manifest.get("register", {}).get("seal")
        register.find(seal) if seal else register.entries()
    except DataError as error:
        return [Verdict(name, ALTERED, reason=problem.found) for problem in error.problems]
    return []


def altered_files(run: Path) -> list[tuple[str, str]]:
    """Files of a finished run that are not as they were published: path and what is wrong with it."""
    try:
        listing = (run / FILES).read_bytes()
        named = {str(name): str(digest) for name, digest in json.loads(listing).items()}
    except (OSError, ValueError, AttributeError):
        return [(FILES, "missing or unreadable")]
    found = [] if sha256(listing)[:12] in run.name else [(FILES, "other bytes than the folder's name states")]
    there = {path.relative_to(run).as_posix() for path in listed_files(run)}
    for name in sorted(named.keys() | there):
        if name not in there:
            found.append((name, "missing"))
        elif name not in named:
            found.append((name, "not a file of this run"))
        elif file_sha256(run / name) != named[name]:
            found.append((name, "other bytes than were published"))
    return found


def listed_files(run: Path) -> list[Path]:
    """Every file of a run but the list of files itself; a link is a file of its own."""
    return sorted(path for path in run.rglob("*") if (path.is_file() or path.is_symlink()) and path != run / FILES)


def _units_of(published: Mapping[str, dict]) -> list[str] | None:
    """The units of a run that published only some; None for a whole run."""
    return None if any(not page["unit"] for page in published.values()) else [one["unit"] for one in published.values()]


def _made_again(jobs: list[PageJob], published: Mapping[str, dict], *, run: Path, n_jobs: int) -> list[Verdict]:
    able, found = [], {}
    for job in jobs:
        page = published.get(job.page)
        if page is None or not page["sha256"]:
            found[job.page] = Verdict(f"{SITE}/{job.page}", IMPOSSIBLE, reason="it was not made in this run")
        elif not job.notebook.is_file():
            found[job.page] = Verdict(f"{SITE}/{job.page}", IMPOSSIBLE, reason=f"no notebook {job.notebook.name}")
        else:
            able.append(job)
    if able:
        with tempfile.TemporaryDirectory(prefix="candich-verify-") as folder, PageMaker(n_jobs=n_jobs) as maker:
            for at, outcome in maker.make(able, folder=Path(folder), run_dir=run, alone=True):
                made = Path(folder) / str(at) if outcome.value is not None else None
                found[able[at].page] = _judge(able[at], made, outcome.reason, page=published[able[at].page], run=run)
    return [found[job.page] for job in jobs]


def _judge(job: PageJob, made: Path | None, reason: str, *, page: dict, run: Path) -> Verdict:
    file = f"{SITE}/{job.page}"
    if made is None:
        return Verdict(file, IMPOSSIBLE, reason=reason)
    try:
        before = (run / file).read_text(encoding="utf-8")
        executed = run / NOTEBOOKS / job.executed
        same_notebook = executed.read_bytes() == made.with_suffix(".ipynb").read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        return Verdict(file, IMPOSSIBLE, reason=f"the published page cannot be read: {error}")
    after = made.with_suffix(".html").read_text(encoding="utf-8")
    if before == after and same_notebook:
        return Verdict(file, IDENTICAL)
    verdict = ROUNDED if same_after_rounding(before, after) else DIFFERENT
    try:
        notebooks = [
            json.loads(path.read_text(encoding="utf-8"))["cells"] for path in (executed, made.with_suffix(".ipynb"))
        ]
        cell, was, now = _first_difference(*notebooks) or ("(the frame around the cells)", *_excerpts(before, after))
        if not same_after_rounding(*map(_shown, notebooks)):
            verdict = DIFFERENT
    except (ValueError, KeyError, TypeError, AttributeError):
        verdict, cell, was, now = DIFFERENT, "(notebook)", "it cannot be read as a notebook", ""
    return Verdict(
        file, verdict, cell=cell, before=was, after=now, reason="changed since: " + _changed(job, page, run=run)
    )


def _changed(job: PageJob, page: dict, *, run: Path) -> str:
    """Which inputs are not those the page was made from."""
    then, now = records.read_manifest(run / MANIFEST)["hashes"], environment_hashes()
    found = [name for name in now if then.get(name) != now[name]]
    if not found and page["type_hash"] != job.type_hash:
        found = [f"notebook {job.notebook.name}"]
    return ", ".join(found) or "no known input; look for a clock, a seed or another processor"


def same_after_rounding(before: str, after: str) -> bool:
    """Whether two texts differ in nothing but the last printed digit of numbers, by one.

    >>> same_after_rounding("45,7% of 9", "45,8% of 9"), same_after_rounding("9,9", "10,0")
    (True, True)
    >>> same_after_rounding("45,7%", "45,9%"), same_after_rounding("45,7%", "45.7%")
    (False, False)
    """
    if _NUMBER.sub("0", before) != _NUMBER.sub("0", after):
        return False
    return all(
        _within_one(one, other) for one, other in zip(_NUMBER.findall(before), _NUMBER.findall(after), strict=True)
    )


def _within_one(one: str, other: str) -> bool:
    if one == other:
        return True
    decimals = [len(re.split("[.,]", text)[-1]) if re.search("[.,]", text) else 0 for text in (one, other)]
    marks = [set(re.findall("[.,]", text)) for text in (one, other)]
    whole = [int(re.sub("[.,]", "", text)) for text in (one, other)]
    return decimals[0] == decimals[1] and marks[0] == marks[1] and abs(whole[0] - whole[1]) <= 1


def _first_difference(old: list[dict], new: list[dict]) -> tuple[str, str, str] | None:
    """The id of the first cell of two notebooks that differs, and what it shows in each."""
    for before, after in zip(old, new, strict=False):
        if before != after:
            texts = [_cell_text(one) for one in (before, after)]
            if texts[0] == texts[1]:
                texts = [json.dumps(one, sort_keys=True, ensure_ascii=False) for one in (before, after)]
            return (after.get("id") or "?", *_excerpts(*texts))
    return None if len(old) == len(new) else ("(number of cells)", str(len(old)), str(len(new)))


def _cell_text(cell: Mapping) -> str:
    """What a reader sees of a cell, but for pictures."""
    shown = [
        one.get("data", {}).get("text/html") or one.get("data", {}).get("text/plain") or one.get("text", "")
        for one in cell.get("outputs", [])
    ]
    return "\n".join([cell["source"], *shown])


def _shown(cells: list[dict]) -> str:
    """What a reader sees of a notebook."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = [
        str(value) for one in outputs for kind, value in one.get("data", {}).items() if kind.startswith("image")
    ]
    return "\n".join([*map(_cell_text, cells), *pictures])


def _excerpts(before: str, after: str) -> tuple[str, str]:
    at = next(
        (n for n, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )
    start = max(0, at - _AROUND)
    return before[start : at + _AROUND], after[start : at + _AROUND]
