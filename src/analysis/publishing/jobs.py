"""What is asked of publishing and what it answers: one job and one result a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from analysis.words.errors import Problem

SITE, NOTEBOOKS, BUILDING, JOURNAL = "site", "notebooks", ".building", "pages.jsonl"  # names inside a run's folder
PUBLISHED, UNCHANGED, FAILED = "published", "unchanged", "failed"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}")


@dataclass(frozen=True)
class PageJob:
    """One page to publish.

    Parameters
    ----------
    page : str
        Its path inside the site, ``"units/079.html"``.
    notebook : Path
        The notebook that makes it.
    parameters : dict
        Handed to Papermill. ``run_dir`` is rewritten relative to where the executed notebook will lie, so that the
        same run gives the same bytes in any folder and the notebook can be opened by hand.
    context : dict
        Plain values for the page's frame: ``breadcrumbs`` and ``nav`` (lists of dicts with ``title``, ``href``,
        ``current``), ``banner``, ``footer``, ``cutoff`` (a period code), ``language``, ``title``.
    inputs_hash : str
        Hash of every row the page may show; ``""``: unknown, the page is always rebuilt.
    together : bool
        Whether one process may make it after other pages; see ``series.py``.
    """

    page: str
    notebook: Path
    parameters: dict
    context: dict = field(default_factory=dict)
    inputs_hash: str = ""
    together: bool = False

    @property
    def unit(self) -> str:
        """The unit the page is about, ``""`` for pages of the whole run."""
        return str(self.parameters.get("unit", ""))

    @property
    def executed(self) -> str:
        """Path of the executed notebook inside the run's notebook folder."""
        return str(PurePosixPath(self.page).with_suffix(".ipynb"))


@dataclass(frozen=True)
class PageResult:
    """What became of a job.

    Parameters
    ----------
    status : str
        ``"published"``, ``"unchanged"`` (its key is the one it was made with) or ``"failed"``.
    reason : str
        Why it failed, in whole sentences.
    kept : bool
        Of a failed page: whether the last good one still stands, marked as not updated.
    cpu_seconds, seconds, peak_mb : float
        What its process used; 0 where nothing ran.
    """

    page: str
    unit: str
    notebook: str
    status: str
    reason: str = ""
    key: str = ""
    sha256: str = ""
    n_bytes: int = 0
    kept: bool = False
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    peak_mb: float = 0.0


def check_jobs(jobs: Sequence[PageJob]) -> list[Problem]:
    """Page paths that would leave the site or meet each other, notebooks that are not there."""
    problems, seen = [], {}
    for job in jobs:
        parts = PurePosixPath(job.page).parts
        if not job.page.endswith(".html") or not parts or not all(_PART.fullmatch(one) for one in parts):
            allowed = "a relative path of plain names that ends in .html"
            problems.append(Problem("page", f"{job.page[:120]!r} cannot be a page", allowed, "Use page_name(unit)"))
        if seen.setdefault(job.page.lower(), job) is not job:
            found = f"two jobs make {job.page!r}: units {seen[job.page.lower()].unit!r} and {job.unit!r}"
            problems.append(Problem("page", found[:300], "one job a page", "Remove one"))
    for path in sorted({Path(job.notebook) for job in jobs}):
        if not path.is_file():
            problems.append(Problem(str(path), "the notebook is not there", "", "Check the params' notebooks"))
    return problems
