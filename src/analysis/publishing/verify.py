"""Make published pages again and say whether they are the same.

To the byte, after rounding, or not: and then in which cell, and which input changed. What is needed to make a page
again lies with it: its executed notebook holds its parameters and its frame, the journal the hashes of what it was
made from.
Nothing in the run's folder is changed.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analysis.publishing import keys
from analysis.publishing.execute import make_pages_aside
from analysis.publishing.jobs import NOTEBOOKS, SITE, PageJob
from analysis.publishing.notice import without_notice
from analysis.publishing.processes import Limits

IDENTICAL, ROUNDED, DIFFERENT, IMPOSSIBLE = "identical", "identical after rounding", "different", "cannot be made again"
PARTS = {  # part of a page's key -> how it is called in a sentence
    "notebook": "the notebook",
    "code": "the program",
    "inputs": "the unit's rows",
    "parameters": "the parameters or the page's frame",
    "lock": "the lock file",
    "environment": "the versions or the processor",
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_AROUND = 60  # characters quoted on both sides of a difference


@dataclass(frozen=True)
class Verdict:
    """What came of making a page again.

    Parameters
    ----------
    verdict : str
        ``"identical"``, ``"identical after rounding"`` (each number within one unit of its last printed digit),
        ``"different"`` or ``"cannot be made again"``.
    cell : str
        Id of the first notebook cell that differs.
    before, after : str
        What stood there and what stands there now, shortened.
    changed : tuple of str
        Which inputs are not those the page was made from.
    reason : str
        Why it could not be made again.
    """

    page: str
    verdict: str
    cell: str = ""
    before: str = ""
    after: str = ""
    changed: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        parts = [f"{self.page}: {self.verdict}"]
        if self.reason:
            parts.append(self.reason)
        if self.cell:
            parts.append(f"first difference in cell {self.cell}: {self.before!r} is now {self.after!r}")
        if self.changed:
            parts.append("changed since: " + ", ".join(self.changed))
        elif self.verdict in (ROUNDED, DIFFERENT):
            parts.append("no known input changed: look for a clock, a seed or another processor")
        return "; ".join(parts)


def verify_pages(
    run_dir: Path,
    *,
    notebooks: Path,
    pages: Sequence[str] | None = None,
    inputs: Mapping[str, str] | None = None,
    lock_file: Path | None = None,
    warm: Callable[[], None] | None = None,
    n_jobs: int = 2,
    limits: Limits = Limits(),  # noqa: B008  frozen
) -> list[Verdict]:
    """Make published pages again, beside the run, and compare.

    Parameters
    ----------
    run_dir : Path
    notebooks : Path
        Folder of the notebooks they were made with.
    pages : sequence of str, optional
        Paths inside the site; all pages of the journal by default.
    inputs : mapping, optional
        Page to the hash of the rows it may show now, to name changed data as a cause.
    lock_file : Path, optional
    warm : callable, optional
        As for :func:`analysis.publishing.execute.publish_pages`.
    n_jobs : int
    limits : Limits

    Returns
    -------
    list of Verdict
        In the order of `pages`.
    """
    run_dir = Path(run_dir).resolve()
    journal = keys.read_journal(run_dir)
    pages = sorted(journal) if pages is None else list(pages)
    jobs = [_job(run_dir, page, notebooks=notebooks, inputs=(inputs or {}).get(page, "")) for page in pages]
    able = [job for job in jobs if isinstance(job, PageJob)]
    with tempfile.TemporaryDirectory(prefix="candich-verify-") as folder:
        outcomes = make_pages_aside(able, run_dir=run_dir, folder=Path(folder), n_jobs=n_jobs, limits=limits, warm=warm)
        judge = partial(_judge, run_dir=run_dir, journal=journal, lock_file=lock_file)
        found = {job.page: judge(job, *outcomes[job.page]) for job in able}
    return [
        found[page] if isinstance(job, PageJob) else Verdict(page, IMPOSSIBLE, reason=job)
        for page, job in zip(pages, jobs, strict=True)
    ]


def _job(run_dir: Path, page: str, *, notebooks: Path, inputs: str) -> PageJob | str:
    """The job that made a page, from its executed notebook; or why there is none."""
    try:
        path = run_dir / NOTEBOOKS / Path(page).with_suffix(".ipynb")
        metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
        context, parameters = dict(metadata["candich"]), dict(metadata["papermill"]["parameters"])
        notebook = Path(notebooks) / context.pop("notebook")
        context.pop("page")
        if "run_dir" in parameters:
            parameters["run_dir"] = str(run_dir)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"its executed notebook cannot be read: {type(error).__name__}: {str(error)[:200]}"
    if not notebook.is_file():
        return f"its notebook {notebook.name} is not there"
    return PageJob(page=page, notebook=notebook, parameters=parameters, context=context, inputs_hash=inputs)


def _judge(
    job: PageJob, made: Path | None, reason: str, *, run_dir: Path, journal: Mapping, lock_file: Path | None
) -> Verdict:
    if made is None:
        return Verdict(job.page, IMPOSSIBLE, reason=reason)
    try:
        before = without_notice((run_dir / SITE / job.page).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return Verdict(job.page, IMPOSSIBLE, reason=f"the published page cannot be read: {error}")
    after = made.with_suffix(".html").read_text(encoding="utf-8")
    if before == after:
        return Verdict(job.page, IDENTICAL)
    verdict = ROUNDED if same_after_rounding(before, after) else DIFFERENT
    cell, old, new = _first_difference(run_dir / NOTEBOOKS / job.executed, made.with_suffix(".ipynb"))
    if not cell:
        cell, (old, new) = "(the frame around the cells)", _excerpts(before, after)
    changed = _changed(journal.get(job.page, {}).get("parts", {}), keys.page_parts(job, lock_file=lock_file))
    return Verdict(job.page, verdict, cell=cell, before=old, after=new, changed=changed)


def same_after_rounding(before: str, after: str) -> bool:
    """Whether two texts differ in nothing but the last printed digit of numbers, by one.

    Examples
    --------
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


def _first_difference(old: Path, new: Path) -> tuple[str, str, str]:
    cells = [json.loads(path.read_text(encoding="utf-8"))["cells"] for path in (old, new)]
    for before, after in zip(*cells, strict=False):
        if before != after:
            texts = [_cell_text(one) for one in (before, after)]
            if texts[0] == texts[1]:
                texts = [json.dumps(one, sort_keys=True, ensure_ascii=False) for one in (before, after)]
            return (after.get("id") or "?", *_excerpts(*texts))
    if len(cells[0]) != len(cells[1]):
        return "(number of cells)", str(len(cells[0])), str(len(cells[1]))
    return "", "", ""


def _cell_text(cell: Mapping) -> str:
    """What a reader sees of a cell."""
    shown = [
        one.get("data", {}).get("text/html") or one.get("data", {}).get("text/plain") or one.get("text", "")
        for one in cell.get("outputs", [])
    ]
    return "\n".join([cell["source"], *shown])


def _excerpts(before: str, after: str) -> tuple[str, str]:
    at = next(
        (n for n, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )
    start = max(0, at - _AROUND)
    return before[start : at + _AROUND], after[start : at + _AROUND]


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(words for part, words in PARTS.items() if then.get(part) and now.get(part) and then[part] != now[part])
