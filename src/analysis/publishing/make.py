"""One page: its notebook executed by Papermill, published by nbconvert, checked, written.

`make_page` is the function that every way of making pages calls: a run here, a Dask worker, `candich each`,
`candich verify`.
"""

from __future__ import annotations

import ast
import io
import logging
import os
from collections.abc import Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from warnings import catch_warnings

import nbformat
import papermill
from IPython.core.inputtransformer2 import TransformerManager
from nbconvert import HTMLExporter
from nbconvert.filters import clean_html
from nbformat import NotebookNode
from papermill.engines import papermill_engines
from papermill.execute import prepare_notebook_metadata, raise_for_execution_errors, remove_error_markers
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from papermill.translators import PythonTranslator, papermill_translators
from papermill.utils import chdir

from analysis.publishing.exporter import BriefingExporter, canonical, check_executed, page_data
from analysis.publishing.forks import can_fork
from analysis.publishing.jobs import BRIEFING, NOTEBOOKS, PageJob
from analysis.publishing.papermill_engine import TOLERATED, cell_hook
from analysis.publishing.sanitise import check_page
from analysis.words.errors import Problem, PublishError, require
from analysis.words.files import json_text, sha256

ENGINE = "candich"
RUN_DIR = "run_dir"  # the parameter that names the run's folder
logging.getLogger("papermill").setLevel(logging.ERROR)


class _PlainPython(PythonTranslator):
    """Papermill's own, without Black, which where it is installed writes the parameters' cell another way."""

    @classmethod
    def codify(cls, parameters: dict, comment: str = "Parameters") -> str:
        return super(PythonTranslator, cls).codify(parameters, comment)


papermill_translators.register(ENGINE, _PlainPython)  # by this name of a kernel: Papermill's own stays as it is


def read_notebook(path: Path) -> NotebookNode:
    """A notebook as Papermill loads it; read once in the process that forks, so that its children do not.

    PublishError: when the file is not a valid notebook.
    """
    try:
        status = path.stat()
        return _read_once(path, status.st_mtime_ns, status.st_size)
    except Exception as error:  # noqa: BLE001  nbformat raises whatever it meets
        found = f"it cannot be read as a notebook: {str(error)[:200]}"
        raise PublishError(Problem(str(path), found, "a Jupyter notebook (nbformat 4)", "Restore it")) from error


@lru_cache(maxsize=64)
def _read_once(path: Path, changed: int, size: int) -> NotebookNode:
    return load_notebook_node(nbformat.read(path, as_version=4))


@lru_cache(maxsize=1)
def briefing_exporter() -> BriefingExporter:
    """Our exporter, its template loaded."""
    exporter = BriefingExporter()
    exporter.template  # noqa: B018  compiled now
    return exporter


@lru_cache(maxsize=1)
def lab_exporter() -> HTMLExporter:
    """nbconvert's own HTML exporter, ready for many notebooks that share their code.

    The HTML of a cell's code is cleaned once for each text: half of what nbconvert spends on a notebook is parsing the
    same coloured code again. The pages are those of ``HTMLExporter()``.
    """
    exporter = HTMLExporter()
    exporter.register_filter("clean_html", lru_cache(4096)(clean_html))
    exporter.template  # noqa: B018  loaded now, not in each child
    return exporter


def warm_up(notebooks: Iterable[tuple[Path, str]]) -> None:
    """Do once what every forked process would do: run a cell, render a page, translate the notebooks' prose."""
    trivial = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("parameter: int = 1", id="a", metadata={"tags": ["parameters"]})],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )
    ran = papermill.execute_notebook(trivial, None, parameters={"parameter": 2}, engine_name=ENGINE, progress_bar=False)
    nbformat.validate(ran)
    for path, language in notebooks:
        prose = [cell for cell in read_notebook(path).cells if cell.cell_type == "markdown"]
        page = NotebookNode(canonical(ran, context={"language": language}), cells=prose)
        briefing_exporter().from_notebook_node(page)


def imports_of(path: Path) -> list[str]:
    """The modules that a notebook's cells import, but for those next to it, in the order of the cells."""
    found = []
    for cell in read_notebook(path).cells:
        with suppress(SyntaxError):
            source = TransformerManager().transform_cell(cell.source) if cell.cell_type == "code" else ""
            for node in ast.parse(source).body:
                if isinstance(node, ast.Import):
                    found += [one.name for one in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    found.append(node.module)
    near = {one.stem for one in path.parent.iterdir()}
    return [name for name in dict.fromkeys(found) if name.partition(".")[0] not in near]


def quiet_imports(names: Sequence[str]) -> list[str]:
    """Import modules; which of them exist and say nothing: a page must not show who imported them first."""
    quiet = []
    for name in names:
        said = io.StringIO()
        with suppress(Exception), redirect_stdout(said), redirect_stderr(said), catch_warnings(record=True) as warned:
            import_module(name)
            quiet += [] if said.getvalue() or warned else [name]
    return quiet


def make_page(job: PageJob, *, target: Path, seconds: float | None = None) -> dict:
    """Make a page and its executed notebook, as ``target.html`` and ``target.ipynb``.

    `seconds` limits a cell of the ordinary engine; forked pages are limited from outside. Returns ``sha256`` and
    ``n_bytes`` of the page, ``notebook_sha256`` of its notebook.
    """
    notebook, replies = _execute(job, seconds=seconds)
    if job.template == BRIEFING:
        _require_executed(notebook, replies, where=job.page)
        notebook = canonical(notebook, context={**job.context, "page": job.page, "notebook": job.notebook.name})
        html, text = render(notebook, page=job.page), json_text(notebook)
    else:
        _require_to_the_end(notebook, replies, where=job.notebook.name)
        html, _ = lab_exporter().from_notebook_node(notebook, resources={"metadata": {"name": job.notebook.stem}})
        text = nbformat.writes(notebook)  # as Papermill writes it
    content, executed = html.encode("utf-8", "replace"), text.encode("utf-8", "backslashreplace")
    _write(target.with_suffix(".ipynb"), executed)
    _write(target.with_suffix(".html"), content)
    return {"sha256": sha256(content), "notebook_sha256": sha256(executed), "n_bytes": len(content)}


def render(notebook: NotebookNode, *, page: str) -> str:
    """An executed notebook as a page that passed the checks.

    PublishError: when a check does not pass.
    """
    html, _ = briefing_exporter().from_notebook_node(notebook)
    language = notebook.metadata.candich.get("language") or page_data(notebook).get("language") or "vi"
    require(check_page(html, where=page, language=language), PublishError)
    return html


def _execute(job: PageJob, *, seconds: float | None) -> tuple[NotebookNode, dict[int, bool]]:
    """The executed notebook, and of each code cell that ran whether it ran without an error."""
    parameters, folder = dict(sorted(job.parameters.items())), job.notebook.parent
    if job.template == BRIEFING and RUN_DIR in parameters:  # it runs where its executed copy will be
        run_dir = Path(parameters[RUN_DIR]).resolve()
        folder = (run_dir / NOTEBOOKS / job.executed).parent
        parameters[RUN_DIR] = Path(os.path.relpath(run_dir, folder)).as_posix()
    replies: dict[int, bool] = {}
    try:
        if can_fork() and job.template == BRIEFING:
            return _run_here(job.notebook, parameters, folder=folder, replies=replies), replies
        how = {"engine_name": ENGINE, "on_reply": replies.__setitem__}
        if not can_fork():  # Papermill's ordinary engine
            how = {"execution_timeout": int(seconds or 300), "on_cell_executed": cell_hook(replies.__setitem__)}
        notebook = papermill.execute_notebook(
            read_notebook(job.notebook),
            None,
            parameters=parameters,
            cwd=folder,
            progress_bar=False,
            request_save_on_cell_execute=False,
            **how,
        )
        return notebook, replies
    except papermill.PapermillExecutionError as error:
        raise _cell_error(error, where=job.page if job.template == BRIEFING else job.notebook.name) from error


def _run_here(path: Path, parameters: dict, *, folder: Path, replies: dict[int, bool]) -> NotebookNode:
    """Papermill's own steps; what ``papermill.execute_notebook`` does beyond them reads, checks and writes the notebook
    as JSON four times for a file that nobody reads."""
    how = {"engine_name": ENGINE, "kernel_name": ENGINE, "language": "python"}  # finds _PlainPython
    notebook = parameterize_notebook(read_notebook(path), parameters, **how)  # gives a copy
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


def _cell_error(error: papermill.PapermillExecutionError, *, where: str) -> PublishError:
    """What a cell raised, as an error of ours; `kind` names its class, which readers may see."""
    found = f"cell {error.cell_index + 1} raised {error.ename}: {error.evalue}"[:1500]
    raised = PublishError(Problem(where, found, "", "Run the notebook by hand with these parameters"))
    raised.kind = error.ename
    return raised


def _require_to_the_end(notebook: NotebookNode, replies: dict[int, bool], *, where: str) -> None:
    """A cell that calls ``sys.exit(0)`` ends a notebook without an error."""
    for at, went_well in replies.items():
        if not went_well and TOLERATED not in notebook.cells[at].metadata.get("tags", []):
            found = f"cell {at + 1} ended the notebook (SystemExit)"
            raise PublishError(Problem(where, found, "cells that run to their end", "Take the exit out"))


def _require_executed(notebook: NotebookNode, replies: dict[int, bool], *, where: str) -> None:
    problems = check_executed(notebook, replies=replies, where=where)
    if problems:
        names = [one.ename for cell in notebook.cells for one in cell.get("outputs", []) if one.output_type == "error"]
        error = PublishError(problems)
        error.kind = names[0] if names else "NotWhole"
        raise error


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        if os.fstat(file.fileno()).st_size != len(content):
            raise OSError(f"{path.name} was not written whole")
