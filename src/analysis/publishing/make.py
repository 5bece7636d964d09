"""One page, from notebook to proven HTML, written beside its final place; runs in a process that was forked for it."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import nbformat
import papermill
from nbformat import NotebookNode
from papermill.engines import papermill_engines
from papermill.execute import prepare_notebook_metadata, raise_for_execution_errors, remove_error_markers
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from papermill.utils import chdir

from analysis.publishing.canonical import canonical, check_executed, notebook_text, page_data
from analysis.publishing.exporter import BriefingExporter
from analysis.publishing.forks import can_fork
from analysis.publishing.jobs import NOTEBOOKS, PageJob
from analysis.publishing.proof import check_page
from analysis.words.errors import Problem, PublishError, require

ENGINE = "candich"
FORMATTER = "black"  # where it is installed, Papermill would write the parameters' cell another way
RUN_DIR = "run_dir"  # the parameter that names the run's folder
_as_loaded: dict[Path, tuple[NotebookNode, NotebookNode]] = {}  # as read, as Papermill loads it
logging.getLogger("papermill").setLevel(logging.ERROR)


@lru_cache(maxsize=64)
def read_notebook(path: Path) -> NotebookNode:
    """A notebook as its author left it; read once in the parent, so that children do not.

    Raises
    ------
    PublishError
        When the file is no notebook.
    """
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        found = f"it cannot be read as a notebook: {str(error)[:200]}"
        raise PublishError(Problem(str(path), found, "a Jupyter notebook (nbformat 4)", "Restore it")) from error


@lru_cache(maxsize=1)
def exporter() -> BriefingExporter:
    """The exporter, its template loaded."""
    made = BriefingExporter()
    made.template  # noqa: B018  compiled now
    return made


def warm_up(notebooks: Iterable[tuple[Path, str]]) -> None:
    """Do once in the parent what every child would do: run a cell, render a page, translate the notebooks' prose.

    Parameters
    ----------
    notebooks : iterable of tuple of Path and str
        Notebook and language of the pages to come.
    """
    trivial = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("parameter: int = 1", id="a", metadata={"tags": ["parameters"]})],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )
    ran = papermill.execute_notebook(trivial, None, parameters={"parameter": 2}, engine_name=ENGINE, progress_bar=False)
    nbformat.validate(ran)
    for path, language in notebooks:
        prose = [cell for cell in read_notebook(path).cells if cell.cell_type == "markdown"]
        page = NotebookNode(canonical(ran, context={"language": language}), cells=prose)
        exporter().from_notebook_node(page)
        _loaded(path)


def execute(job: PageJob, *, run_dir: Path, seconds: float | None = None) -> NotebookNode:
    """Run a job's notebook and make it canonical.

    Parameters
    ----------
    job : PageJob
    run_dir : Path
        The notebook runs in the folder in which its executed copy will lie.
    seconds : float, optional
        Time limit a cell, for the ordinary engine (forked pages are limited from outside).

    Returns
    -------
    NotebookNode

    Raises
    ------
    PublishError
        When it is not proven to have run to its end.
    """
    folder = (Path(run_dir) / NOTEBOOKS / job.executed).parent
    folder.mkdir(parents=True, exist_ok=True)
    parameters = dict(sorted(job.parameters.items()))  # the order a notebook keeps them in
    if RUN_DIR in parameters:
        parameters[RUN_DIR] = Path(os.path.relpath(Path(parameters[RUN_DIR]).resolve(), folder.resolve())).as_posix()
    replies: dict[int, bool] = {}
    try:
        notebook = _run(Path(job.notebook), parameters, folder=folder, replies=replies, seconds=seconds)
    except papermill.PapermillExecutionError as error:
        raise cell_error(error, where=job.page) from error
    require(check_executed(notebook, replies=replies, where=job.page), PublishError)
    return canonical(notebook, context=_context(job))


def cell_error(error: papermill.PapermillExecutionError, *, where: str) -> PublishError:
    """What a cell raised, as an error of ours."""
    found = f"cell {error.cell_index + 1} raised {error.ename}: {error.evalue}"[:1500]
    return PublishError(Problem(where, found, "", "Run the notebook by hand with these parameters"))


def _run(
    path: Path, parameters: dict, *, folder: Path, replies: dict[int, bool], seconds: float | None
) -> NotebookNode:
    """Papermill's own steps (parameters, engine, errors); without fork, all of ``papermill.execute_notebook``.

    What is left out there reads, checks and writes the notebook as JSON four times for a file nobody asked for.
    """
    if not can_fork():
        with _hidden(FORMATTER):
            return papermill.execute_notebook(
                read_notebook(path),
                None,
                parameters=parameters,
                cwd=folder,
                progress_bar=False,
                request_save_on_cell_execute=False,
                execution_timeout=int(seconds or 300),
                on_cell_executed=_hook(replies),
                coalesce_streams=True,
            )
    with _hidden(FORMATTER):
        notebook = parameterize_notebook(_loaded(path), parameters, engine_name=ENGINE)  # gives a copy
    notebook = remove_error_markers(prepare_notebook_metadata(notebook, None, None))
    with chdir(folder):
        notebook = papermill_engines.execute_notebook_with_engine(
            ENGINE,
            notebook,
            kernel_name=notebook.metadata.kernelspec.name,
            progress_bar=False,
            on_reply=replies.__setitem__,
        )
    raise_for_execution_errors(notebook, None)
    return notebook


@contextlib.contextmanager
def _hidden(module: str) -> Iterator[None]:
    """A module that cannot be imported meanwhile: same inputs give the same bytes, whatever else is installed."""
    before = sys.modules.get(module, _hidden)
    sys.modules[module] = None
    try:
        yield
    finally:
        del sys.modules[module]
        if before is not _hidden:
            sys.modules[module] = before


def _loaded(path: Path) -> NotebookNode:
    """A notebook as Papermill loads it."""
    notebook = read_notebook(path)
    if path not in _as_loaded or _as_loaded[path][0] is not notebook:
        _as_loaded[path] = (notebook, load_notebook_node(notebook))
    return _as_loaded[path][1]


def _hook(replies: dict[int, bool]):
    def hook(*, cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        replies[cell_index] = execute_reply["content"]["status"] == "ok"

    return hook


def _context(job: PageJob) -> dict:
    return {**job.context, "page": job.page, "notebook": Path(job.notebook).name}


def render(notebook: NotebookNode, *, page: str) -> str:
    """An executed notebook as a page that passed the checks.

    Raises
    ------
    PublishError
        When a check does not pass.
    """
    html, _ = exporter().from_notebook_node(notebook)
    language = notebook.metadata.candich.get("language") or page_data(notebook).get("language") or "vi"
    require(check_page(html, where=page, language=language), PublishError)
    return html


def make_page(job: PageJob, *, run_dir: Path, target: Path, seconds: float | None = None) -> dict:
    """Make a page and its executed notebook, as ``target.html`` and ``target.ipynb``.

    Returns
    -------
    dict
        ``sha256`` and ``n_bytes`` of the page, ``notebook_sha256`` of its notebook.

    Raises
    ------
    PublishError, OSError
    """
    notebook = execute(job, run_dir=run_dir, seconds=seconds)
    content = render(notebook, page=job.page).encode("utf-8", "replace")
    text = notebook_text(notebook).encode("utf-8", "backslashreplace")
    _write(target.with_suffix(".ipynb"), text)
    _write(target.with_suffix(".html"), content)
    hashes = {"sha256": hashlib.sha256(content).hexdigest(), "notebook_sha256": hashlib.sha256(text).hexdigest()}
    return hashes | {"n_bytes": len(content)}


def rehearse(job: PageJob, *, run_dir: Path) -> None:
    """Make a page in this process and throw it away: what it imported and laid out, children inherit.

    Only for a page that a child has just made whole: it could end this process.
    """
    with contextlib.suppress(Exception):
        render(execute(job, run_dir=run_dir), page=job.page)


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        if os.fstat(file.fileno()).st_size != len(content):
            raise OSError(f"{path.name} was not written whole")
