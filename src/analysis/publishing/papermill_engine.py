"""How a notebook's cells are run: a Papermill engine in this process, without a kernel and without ZeroMQ.

The result is a normal executed notebook: execution counts, outputs, errors, Papermill's own metadata. Each notebook
gets an empty namespace; which pages may share a process is decided elsewhere (``page_maker.py``). A notebook that is
not Python, a process that already holds a Jupyter kernel, and a machine without ``fork`` go to Papermill's ordinary
engine.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager

from analysis.publishing.shell import NotebookShell, fresh_shell

TOLERATED = "raises-exception"  # nbclient's tag: an error in this cell does not stop the notebook


class CandichEngine(NBClientEngine):
    """Run every code cell in an IPython shell of this process."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        on_reply: Callable[[int, bool], None] | None = None,
        execution_timeout: int | None = None,
        **kwargs: object,
    ) -> None:
        """Execute the notebook that `nb_man` holds, in place.

        Parameters
        ----------
        nb_man : NotebookExecutionManager
        kernel_name : str
            Only read to see that it is Python's.
        on_reply : callable, optional
            Called with ``(cell index, ran without error)`` after each code cell that ran.
        execution_timeout : int, optional
            Seconds a cell may take.
        """
        if not runs_here(nb_man.nb):
            ordinary = {key: value for key, value in kwargs.items() if key != "on_reply"}
            if on_reply is not None:
                ordinary["on_cell_executed"] = _as_reply(on_reply)
            super().execute_managed_notebook(
                nb_man, kernel_name, execution_timeout=execution_timeout, coalesce_streams=True, **ordinary
            )
            return
        with fresh_shell() as shell, _import_path():
            _run_cells(shell, nb_man, on_reply=on_reply, seconds=execution_timeout)


def runs_here(notebook: NotebookNode) -> bool:
    """Whether this notebook can run in this process: Python, a machine that forks, and no other IPython around us."""
    language = notebook.metadata.get("kernelspec", {}).get("language") or notebook.metadata.get(
        "language_info", {}
    ).get("name", "python")
    alone = not InteractiveShell.initialized() or isinstance(InteractiveShell.instance(), NotebookShell)
    return hasattr(os, "fork") and language == "python" and alone


def _as_reply(on_reply: Callable[[int, bool], None]) -> Callable[..., None]:
    def hook(*, cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        on_reply(cell_index, execute_reply["content"]["status"] == "ok")

    return hook


def _run_cells(
    shell: NotebookShell,
    nb_man: NotebookExecutionManager,
    *,
    on_reply: Callable[[int, bool], None] | None,
    seconds: int | None,
) -> None:
    watched = nb_man.output_path is not None or nb_man.pbar is not None or nb_man.log_output
    start, complete = (nb_man.cell_start, nb_man.cell_complete) if watched else (_silent, _completed)
    for index, cell in enumerate(nb_man.nb.cells):
        start(cell, cell_index=index)
        if cell.cell_type == "code" and cell.source.strip():
            with _time_limit(seconds):
                went_well = shell.run_notebook_cell(cell)
            if on_reply is not None:
                on_reply(index, went_well)
            if not went_well and TOLERATED not in cell.metadata.get("tags", []):
                nb_man.cell_exception(cell, cell_index=index)
                complete(cell, cell_index=index)
                return
        complete(cell, cell_index=index)


def _silent(cell: NotebookNode, *, cell_index: int) -> None:
    """Nobody watches: no times, which cost more than running a short cell."""


def _completed(cell: NotebookNode, *, cell_index: int) -> None:
    if cell.metadata.papermill["status"] != NotebookExecutionManager.FAILED:
        cell.metadata.papermill["status"] = NotebookExecutionManager.COMPLETED


@contextlib.contextmanager
def _import_path() -> Iterator[None]:
    """A notebook may import what lies next to it, as in a kernel."""
    sys.path.insert(0, "")
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove("")


@contextlib.contextmanager
def _time_limit(seconds: int | None) -> Iterator[None]:
    """Raise TimeoutError inside the cell after `seconds`; compiled code that never returns is ended by the parent."""
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(signum: int, frame: object) -> None:
        raise TimeoutError(f"the cell took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
