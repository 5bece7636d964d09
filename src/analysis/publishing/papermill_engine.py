"""How a notebook's cells are run: a Papermill engine in this process, without a kernel and without ZeroMQ.

The result is a normal executed notebook: execution counts, outputs, errors, Papermill's own metadata. Each notebook
gets an empty namespace; which pages may share a process is decided elsewhere (``page_maker.py``). A notebook that is
not Python, a time limit, a process that already holds a Jupyter kernel, and a machine without ``fork`` go to
Papermill's ordinary engine.

The shell keeps what a kernel would keep (results, displays, figures of the inline backend, streams, errors) and nothing
that changes from run to run: no history file, no profile, no times. A process has one shell, because Matplotlib keeps
the first one that it sees; after each notebook IPython's own steps set it up again, so that nothing of it is left.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import lru_cache
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
from nbformat import NotebookNode, from_dict
from papermill.engines import NBClientEngine, NotebookExecutionManager
from traitlets import Type
from traitlets.config import Config

INLINE = "module://matplotlib_inline.backend_inline"
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

        `kernel_name` is only read to see that it is Python's; `on_reply` is called with ``(cell index, ran without
        error)`` after each code cell that ran.
        """
        if execution_timeout or not runs_here(nb_man.nb):
            if on_reply is not None:
                kwargs["on_cell_executed"] = cell_hook(on_reply)
            super().execute_managed_notebook(
                nb_man, kernel_name, execution_timeout=execution_timeout, coalesce_streams=True, **kwargs
            )
            return
        with fresh_shell() as shell, _import_path():
            _run_cells(shell, nb_man, on_reply=on_reply)


def runs_here(notebook: NotebookNode) -> bool:
    """Whether this notebook can run in this process: Python, a machine that forks, and no other IPython around us."""
    language = notebook.metadata.get("kernelspec", {}).get("language") or notebook.metadata.get(
        "language_info", {}
    ).get("name", "python")
    alone = not InteractiveShell.initialized() or isinstance(InteractiveShell.instance(), NotebookShell)
    return hasattr(os, "fork") and language == "python" and alone


def cell_hook(on_reply: Callable[[int, bool], None]) -> Callable[..., None]:
    """What nbclient calls after each cell, for a function of the cell's index and whether it ran without error."""

    def hook(*, cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        on_reply(cell_index, execute_reply["content"]["status"] == "ok")

    return hook


def _run_cells(
    shell: NotebookShell, nb_man: NotebookExecutionManager, *, on_reply: Callable[[int, bool], None] | None
) -> None:
    watched = nb_man.output_path is not None or nb_man.pbar is not None or nb_man.log_output
    start, complete = (nb_man.cell_start, nb_man.cell_complete) if watched else (_silent, _completed)
    for index, cell in enumerate(nb_man.nb.cells):
        start(cell, cell_index=index)
        if cell.cell_type == "code" and cell.source.strip():
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


class _Hook(DisplayHook):
    """Puts the value of a cell's last expression into the cell."""

    def start_displayhook(self) -> None: ...

    def write_output_prompt(self) -> None: ...

    def finish_displayhook(self) -> None: ...

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        self.shell.keep(
            "execute_result",
            data=_plain(format_dict),
            metadata=md_dict or {},
            execution_count=self.shell.cell_count,
        )


class _Publisher(DisplayPublisher):
    """Puts what a cell displays into the cell."""

    def publish(
        self,
        data: dict,
        metadata: dict | None = None,
        *,
        transient: dict | None = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        name = (transient or {}).get("display_id")
        if update:
            for output in self.shell.displays.get(name, []):
                output.update(data=NotebookNode(_plain(data)), metadata=NotebookNode(metadata or {}))
            return
        output = self.shell.keep("display_data", data=_plain(data), metadata=metadata or {})
        if name:
            self.shell.displays.setdefault(name, []).append(output)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.cell_outputs.clear()


class _Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a cell; neighbouring writes become one output."""

    def __init__(self, shell: NotebookShell, name: str):
        self.shell, self.name = shell, name

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        outputs = self.shell.cell_outputs
        if text and outputs and outputs[-1].output_type == "stream" and outputs[-1].name == self.name:
            outputs[-1].text += text
        elif text:
            self.shell.keep("stream", name=self.name, text=text)
        return len(text)


class NotebookShell(InteractiveShell):
    """Runs notebooks, one after the other."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)

    cell_outputs: list[NotebookNode]
    displays: dict[str, list[NotebookNode]]
    cell_count = 0

    def __init__(self, **how: Any):
        super().__init__(**how)
        self._settings = deepcopy({"config": self.config, **self.trait_values(config=True)})
        self.start_over()

    def start_over(self) -> None:
        """Make again, by IPython's own steps, all that a notebook can change: namespace, history, events, magics ..."""
        drawing = [one for one in self.events.callbacks["post_execute"] if _is_matplotlib(one)]
        del self.configurables[1:]
        for name, value in self._settings.items():
            if getattr(self, name) != value:
                setattr(self, name, deepcopy(value))
        self.input_transformer_manager, self.input_transformers_post = TransformerManager(), []
        self.init_instance_attrs()
        self.init_create_namespaces()
        self.init_history()
        self.init_prefilter()
        self.init_hooks()
        self.init_events()
        self.init_pushd_popd_magic()
        self.init_user_ns()
        self.init_completer()
        self.init_traceback_handlers(((), None))
        self.init_display_formatter()
        self.init_display_pub()
        self.init_displayhook()
        self.init_magics()
        self.init_alias()
        self.init_pdb()
        self.init_extension_manager()
        self.init_payload()
        for one in drawing:  # Matplotlib registers them once a process
            self.events.register("post_execute", one)
        self.last_execution_succeeded, self.last_execution_result = True, None
        self.displays, self.cell_outputs, self.cell_count, self.execution_count = {}, [], 0, 1

    def keep(self, output_type: str, **parts: Any) -> NotebookNode:
        """Append one output to the cell that is running."""
        output = NotebookNode(output_type=output_type, **from_dict(parts))
        self.cell_outputs.append(output)
        return output

    def run_notebook_cell(self, cell: NotebookNode) -> bool:
        """Run one code cell, fill its outputs and its execution count; False when it raised."""
        self.cell_outputs = []
        self.cell_count += 1
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream(self, "stdout"), _Stream(self, "stderr")
        try:
            result = self.run_cell(cell.source, store_history=True)
        finally:
            sys.stdout, sys.stderr = streams
        cell.execution_count = self.cell_count
        cell.outputs = self.cell_outputs
        return bool(result.success)

    def enable_gui(self, gui: str | None = None) -> None:
        """No window and no event loop here."""

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.keep("error", ename=etype.__name__, evalue=str(evalue), traceback=list(stb))


@lru_cache(maxsize=1)
def shell_of_process() -> NotebookShell:
    """The one shell of this process and of those forked from it, installed as IPython's own."""
    config = Config()
    config.HistoryManager.enabled = False  # no SQLite file, no writer thread
    config.InteractiveShell.colors = "nocolor"
    main, hooks = sys.modules.get("__main__"), (sys.displayhook, sys.excepthook)
    with tempfile.TemporaryDirectory(prefix="candich-ipython-") as folder:  # IPython insists on a profile folder
        shell = NotebookShell.instance(config=config, ipython_dir=folder)
    sys.displayhook, sys.excepthook = hooks
    sys.modules["__main__"] = main
    return shell


@contextlib.contextmanager
def fresh_shell() -> Iterator[NotebookShell]:
    """The shell of this process, for one notebook; as new again afterwards."""
    shell, main = shell_of_process(), sys.modules.get("__main__")
    sys.modules["__main__"] = shell.user_module
    _show_charts_inline(shell)
    try:
        yield shell
    finally:
        sys.modules["__main__"] = main
        shell.start_over()


def _show_charts_inline(shell: NotebookShell) -> None:
    """Figures left open at the end of a cell are shown, as in a kernel; Matplotlib is not imported for it."""
    os.environ["MPLBACKEND"] = INLINE
    backend = sys.modules.get("matplotlib_inline.backend_inline")
    if backend is not None:
        backend.InlineBackend.clear_instance()  # with the settings that a notebook gave it
    if "matplotlib.pyplot" in sys.modules:
        shell.enable_matplotlib("inline")
        settings = sys.modules["matplotlib_inline.backend_inline"].InlineBackend.instance()
        select_figure_formats(shell, settings.figure_formats, **settings.print_figure_kwargs)
    if "matplotlib" in sys.modules:  # by its own name: IPython calls it "inline", which is no other state
        sys.modules["matplotlib"].rcParams["backend"] = INLINE


def _is_matplotlib(callback: object) -> bool:
    return str(getattr(callback, "__module__", "")).partition(".")[0] in ("matplotlib", "matplotlib_inline")


def _plain(data: dict) -> dict:
    """MIME bundle as JSON can hold it: bytes (PNG) in base64."""
    return {
        mime: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for mime, value in data.items()
    }
