"""The terms of publishing: a job for each page to make, a result for each page made, the parameters a notebook takes.

Papermill writes a parameter's *name* into code as it stands (``"x; import os; y"`` is run), turns types it does not
know into text, and only warns of a name the notebook does not have. So names and values are checked here first,
against the notebook's own cell tagged ``parameters``, read with ``ast`` and never run.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from analysis.words.errors import Problem, did_you_mean
from analysis.words.files import sha256

if TYPE_CHECKING:  # nbformat takes two seconds to import
    from nbformat import NotebookNode

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


ALLOWED = {"str": str, "int": int, "float": (int, float), "bool": bool}
MAX_LENGTH = 20_000  # characters of one text value


def notebook_parameters(notebook: NotebookNode) -> dict[str, str]:
    """Name and annotated type of every parameter, from the cell tagged ``parameters``.

    The type is "" where the cell gives none.
    """
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", []):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    found[node.target.id] = ast.unparse(node.annotation)
                elif isinstance(node, ast.Assign):
                    found |= {one.id: "" for one in node.targets if isinstance(one, ast.Name)}
    return found


def check_parameters(notebook: NotebookNode, parameters: dict, *, where: str) -> list[Problem]:
    """What is wrong with `parameters` for this notebook."""
    known = notebook_parameters(notebook)
    problems = []
    for name, value in parameters.items():
        problems += _check_name(name, known, where=where) or _check_value(name, value, known[name], where=where)
    return problems


def _check_name(name: object, known: dict[str, str], *, where: str) -> list[Problem]:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or hasattr(builtins, name):
        found, remedy = f"parameter name {name!r} is not a name a notebook may be given", "Rename it"
        return [Problem(where, found, "a Python name that is not taken by the language", remedy)]
    if name not in known:
        remedy = did_you_mean(name, known) or "Add it to the cell tagged 'parameters', or leave it out"
        return [Problem(where, f"the notebook has no parameter {name!r}", ", ".join(known) or "none", remedy)]
    return []


def _check_value(name: str, value: object, kind: str, *, where: str) -> list[Problem]:
    if type(value) not in (str, int, float, bool) or (isinstance(value, float) and not math.isfinite(value)):
        found = f"parameter {name!r} is {value!r} of type {type(value).__name__}"
        return [Problem(where, found[:300], "a text, a finite number, or true/false", "Convert it")]
    if kind in ALLOWED and (
        not isinstance(value, ALLOWED[kind]) or (isinstance(value, bool) and kind in {"int", "float"})
    ):
        return [Problem(where, f"parameter {name!r} is {value!r}"[:300], f"a value of type {kind}", "Convert it")]
    if isinstance(value, str) and len(value) > MAX_LENGTH:
        found = f"parameter {name!r} has {len(value)} characters"
        return [Problem(where, found, f"at most {MAX_LENGTH}", "Shorten it")]
    return []
