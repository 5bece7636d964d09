"""The terms of publishing: a job for each page to make, a result for each page made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from analysis.words.errors import Problem
from analysis.words.files import sha256

SITE, NOTEBOOKS = "site", "notebooks"  # folders of a run
PUBLISHED, UNCHANGED, FAILED = "published", "unchanged", "failed"
BRIEFING, LAB = "briefing", "lab"  # templates: ours, and the one of `jupyter nbconvert --to html`
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}")


@dataclass(frozen=True)
class PageJob:
    """One page to make.

    Parameters
    ----------
    page : str
        Its path inside the site, ``"units/079.html"``.
    notebook : Path
        The notebook that makes it.
    parameters : dict
        Passed to Papermill. ``run_dir`` is rewritten relative to where the executed notebook will be, so that the
        same run gives the same bytes in any folder and the notebook can be opened by hand.
    context : dict
        Plain values for the page's frame: ``breadcrumbs`` and ``nav`` (lists of dicts with ``title``, ``href``,
        ``current``), ``banner``, ``footer``, ``cutoff`` (a period code), ``language``, ``title``.
    type_hash : str
        Hash of everything that pages of this type are made from; a page of an earlier run with the same hash is copied.
    together : bool
        Whether a process may make it after other pages: only notebooks that leave nothing behind.
    template : {"briefing", "lab"}
    """

    page: str
    notebook: Path
    parameters: dict
    context: dict = field(default_factory=dict)
    type_hash: str = ""
    together: bool = False
    template: str = BRIEFING

    @property
    def unit(self) -> str:
        """The unit the page is about, ``""`` for pages of the whole run."""
        return str(self.parameters.get("unit", ""))

    @property
    def executed(self) -> str:
        """Path of the executed notebook inside the run's notebook folder."""
        return str(PurePosixPath(self.page).with_suffix(".ipynb"))

    @property
    def language(self) -> str:
        """The language of the page's frame."""
        return str(self.context.get("language") or self.parameters.get("language") or "vi")

    def plain(self) -> dict:
        """The job as plain values, for another process."""
        return {**asdict(self), "notebook": str(self.notebook)}

    @classmethod
    def from_plain(cls, values: Mapping) -> PageJob:
        """A job from :meth:`plain`."""
        return cls(**{**values, "notebook": Path(values["notebook"])})


@dataclass(frozen=True)
class PageResult:
    """What became of a job.

    Parameters
    ----------
    status : {"published", "unchanged", "failed"}
        "unchanged": copied from the run before, whose page has the same type hash.
    reason : str
        Why it failed, in whole sentences: for the operator's screen and the private log, never for a reader.
    kind : str
        The class of the error: what readers may see of it.
    kept : bool
        Of a failed page: whether the last good one is shown in its place, marked as not updated.
    cpu_seconds, seconds, peak_mb : float
        What its process used; 0 where nothing ran.
    """

    page: str
    unit: str
    notebook: str
    status: str
    reason: str = ""
    kind: str = ""
    type_hash: str = ""
    sha256: str = ""
    notebook_sha256: str = ""
    n_bytes: int = 0
    kept: bool = False
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    peak_mb: float = 0.0

    @property
    def reference(self) -> str:
        """What joins a failed page with its entry in the private log; made of nothing private."""
        return sha256(f"{self.page} {self.kind}")[:8]

    @property
    def shown(self) -> bool:
        """Whether readers find a page at its place."""
        return self.status != FAILED or self.kept


def check_jobs(jobs: Sequence[PageJob]) -> list[Problem]:
    """Page paths that would leave the site or are used twice, notebooks that do not exist."""
    problems, seen = [], {}
    for job in jobs:
        parts = PurePosixPath(job.page).parts
        if not job.page.endswith(".html") or not parts or not all(_PART.fullmatch(part) for part in parts):
            allowed = "a relative path of plain names that ends in .html"
            problems.append(Problem("page", f"{job.page[:120]!r} cannot be a page", allowed, "Use page_name(unit)"))
        if seen.setdefault(job.page.lower(), job) is not job:
            found = f"two jobs make {job.page!r}: units {seen[job.page.lower()].unit!r} and {job.unit!r}"
            problems.append(Problem("page", found[:300], "one job per page", "Remove one"))
    for path in sorted({Path(job.notebook) for job in jobs}):
        if not path.is_file():
            problems.append(Problem(str(path), "the notebook does not exist", "", "Check the project's notebooks"))
    return problems
