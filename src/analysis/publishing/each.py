"""An analyst's own notebook, made for each of many values: unchanged, each page in a process of its own.

The notebooks and pages are those that ``papermill`` and ``jupyter nbconvert --to html`` make, at a fraction of their
CPU time. A page takes its place when its notebook ran to its end; one that failed leaves what was there before.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.publishing.forks import Limits
from analysis.publishing.jobs import LAB, PageJob, check_parameters, notebook_parameters
from analysis.publishing.page_maker import PageMaker
from analysis.words.errors import ParamsError, Problem, PublishError, examples, require
from analysis.words.files import locked, page_slug

SCRATCH, LOCK = ".candich-each", "lock"  # a folder next to the pages, while they are made; a file in it
_TRUTH = {"true": True, "false": False}
_TYPES: dict[str, Callable[[str], object]] = {"int": int, "float": float, "bool": lambda text: _TRUTH[text.lower()]}


@dataclass(frozen=True)
class Made:
    """What became of one value: its page, or why there is no new one."""

    value: str
    page: Path
    reason: str = ""


def make_each(
    notebook: Path,
    *,
    parameter: str,
    values: Sequence[str],
    out_dir: Path,
    n_jobs: int = 2,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> list[Made]:
    """Make a notebook's executed copy and HTML page for each value of one of its parameters.

    The notebook runs in its own folder, as in JupyterLab. `parameter` is a name in its cell tagged ``parameters``; a
    value is passed as its annotated type. `out_dir` gets ``<value>.ipynb`` and ``<value>.html``
    (:func:`analysis.words.files.page_slug`).

    ParamsError: the notebook has no such parameter, a value is not of its type, a value comes twice, or there is none.
    PublishError: the file is not a valid notebook, or another run is writing into `out_dir`.
    """
    from analysis.publishing.make import read_notebook  # loads Papermill

    notebook, out_dir = Path(notebook).resolve(), Path(out_dir).resolve()
    typed = _typed(read_notebook(notebook), values, parameter=parameter, where=notebook.name)
    pages = [out_dir / f"{page_slug(value)}.html" for value in values]
    jobs = [
        PageJob(page.name, notebook, {parameter: value}, template=LAB) for page, value in zip(pages, typed, strict=True)
    ]
    made: dict[int, Made] = {}
    with _scratch(out_dir) as scratch, PageMaker(n_jobs=n_jobs, limits=Limits()) as maker:
        for at, outcome in maker.make(jobs, folder=scratch):
            for suffix in (".ipynb", ".html") if outcome.value is not None else ():
                os.replace(scratch / f"{at}{suffix}", pages[at].with_suffix(suffix))
            made[at] = Made(values[at], pages[at], outcome.reason)
            on_done(len(made), len(values))
    return [made[at] for at in range(len(values))]


@contextlib.contextmanager
def _scratch(out_dir: Path) -> Iterator[Path]:
    """An empty folder for pages in the making, for one run at a time; what a killed run left in it is removed."""
    folder = out_dir / SCRATCH
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / LOCK))
        except (BlockingIOError, FileNotFoundError) as error:
            found, remedy = "another run is writing into this folder", "Wait for it to end, or name another with --out"
            raise PublishError(Problem(str(out_dir), found, "one run at a time", remedy)) from error
        try:
            _empty(folder)
            yield folder
        finally:
            _empty(folder)
            with contextlib.suppress(OSError):  # Windows removes no file that is open
                (folder / LOCK).unlink()  # still held: whoever waits for it finds that it is gone
                folder.rmdir()


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.name != LOCK:
            left.unlink()


def _typed(notebook: object, values: Sequence[str], *, parameter: str, where: str) -> list[object]:
    """The values as the notebook wants them; raises with everything that is wrong."""
    problems = check_parameters(notebook, {parameter: ""}, where=where) if not values else []
    if not values:
        problems.append(Problem("--values", "there is none", "at least one", "Give some, separated by commas"))
    twice = sorted({value for value in values if list(values).count(value) > 1})
    if twice:
        problems.append(Problem("--values", f"twice: {examples(twice)}", "each once", "Remove the second ones"))
    kind, typed = notebook_parameters(notebook).get(parameter, ""), []
    for value in values:
        with contextlib.suppress(ValueError, KeyError):  # what cannot be read stays text, and is refused as such
            value = _TYPES.get(kind, str)(value)
        typed.append(value)
        problems += check_parameters(notebook, {parameter: value}, where=where)
    require(problems, ParamsError)
    return typed
