"""Whether a page must be made again: what it was made from, as one hash a page, and the journal that remembers it.

A key covers the notebook, all of our code and words, the rows the page may show, its parameters and frame, the lock
file, and the versions and processor class it ran on. The journal is a file of JSON lines, appended to as each page is
done, so a run that is killed half-way is taken up where it stopped; a torn last line is no line.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from analysis.publishing.jobs import FAILED, JOURNAL, NOTEBOOKS, SITE, PageJob, PageResult

CODE = Path(__file__).parents[1]
SUFFIXES = frozenset([".py", ".j2", ".css", ".js", ".po", ".ttf", ".otf", ".woff2", ".yml", ".json"])
LIBRARIES = (
    "numpy",
    "pandas",
    "matplotlib",
    "papermill",
    "nbconvert",
    "nbformat",
    "ipython",
    "jinja2",
    "babel",
    "mistune",
)
_SHORT = 16  # hexadecimal digits kept of the parts, which only tell what changed


def page_parts(job: PageJob, *, lock_file: Path | None = None) -> dict[str, str]:
    """What the page of a job is made from: name of the part to its hash.

    Returns
    -------
    dict of str
        ``notebook, code, inputs, parameters, lock, environment``.
    """
    frame = {**job.context, "page": job.page}
    parameters = {key: value for key, value in job.parameters.items() if key != "run_dir"}
    return {
        "notebook": file_hash(Path(job.notebook))[:_SHORT],
        "code": code_hash()[:_SHORT],
        "inputs": job.inputs_hash,
        "parameters": text_hash(json.dumps([parameters, frame], sort_keys=True))[:_SHORT],
        "lock": file_hash(lock_file)[:_SHORT] if lock_file and lock_file.is_file() else "",
        "environment": text_hash(json.dumps(environment(), sort_keys=True))[:_SHORT],
    }


def page_key(parts: dict[str, str]) -> str:
    """One hash of all parts; ``""`` when the inputs are not known, so that nothing can be taken for unchanged."""
    return text_hash(json.dumps(parts, sort_keys=True)) if parts["inputs"] else ""


@lru_cache(maxsize=1)
def environment() -> dict[str, str]:
    """Versions and the pinned variables that decide numbers and bytes."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": sys.platform}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    pinned = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "PYTHONHASHSEED", "SOURCE_DATE_EPOCH")
    return found | {name: os.environ.get(name, "") for name in pinned}


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Hash of all our code, templates, styles and words."""
    digest = hashlib.sha256()
    for path in sorted(CODE.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(CODE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@lru_cache(maxsize=64)
def file_hash(path: Path) -> str:
    """SHA-256 of a file that does not change while we run."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def text_hash(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_journal(run_dir: Path) -> dict[str, dict]:
    """Page to the last thing the journal says of it; lines that are torn or foreign are passed over."""
    found: dict[str, dict] = {}
    try:
        lines = (Path(run_dir) / JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            entry = json.loads(line)
            found[entry["page"]] = entry
        except (ValueError, KeyError, TypeError):
            continue
    return found


def journal_line(result: PageResult, parts: dict[str, str]) -> str:
    """What the journal keeps of a result."""
    entry = {
        "page": result.page,
        "unit": result.unit,
        "notebook": result.notebook,
        "status": result.status,
        "reason": result.reason,
        "key": result.key,
        "sha256": result.sha256,
        "n_bytes": result.n_bytes,
        "parts": parts,
    }
    return json.dumps(entry, sort_keys=True) + "\n"


def write_journal(run_dir: Path, entries: dict[str, dict]) -> None:
    """Write the journal anew, one line a page, sorted."""
    path = Path(run_dir) / JOURNAL
    text = "".join(json.dumps(entries[page], sort_keys=True) + "\n" for page in sorted(entries))
    fresh = path.with_suffix(".tmp")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    os.replace(fresh, path)


def still_good(entry: dict | None, key: str, *, run_dir: Path, job: PageJob) -> bool:
    """Whether a page made before has this key and stands whole, with its notebook, where it was put."""
    if not key or entry is None or entry.get("status") == FAILED or entry.get("key") != key:
        return False
    try:
        content = (Path(run_dir) / SITE / job.page).read_bytes()
    except OSError:
        return False
    executed = Path(run_dir) / NOTEBOOKS / job.executed
    return executed.is_file() and hashlib.sha256(content).hexdigest() == entry.get("sha256")
