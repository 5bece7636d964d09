"""An analyst's own notebook, made once for each of many values: unchanged, each in a process of its own.

The notebooks and pages are those that ``papermill`` and ``jupyter nbconvert --to html`` make, at a tenth of their CPU
time: the first is made a second time in the process that forks the others, which inherit all it imported. A page is
put in place when its notebook ran to its end; one that failed leaves what stood there. Papermill's ordinary engine does
the same, one after the other, where pages cannot be forked.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.publishing.early import import_papermill
from analysis.publishing.forks import Outcome, count_threads, may_fork, run_forked
from analysis.publishing.parameters import check_parameters, notebook_parameters
from analysis.publishing.processes import Limits
from analysis.words.errors import ParamsError, Problem, PublishError, examples, require
from analysis.words.slugs import page_slug

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
    limits: Limits = Limits(),  # noqa: B008  frozen
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> list[Made]:
    """Make a notebook's executed copy and HTML page for each value of one of its parameters.

    Parameters
    ----------
    notebook : Path
        Runs in its own folder, as in JupyterLab.
    parameter : str
        A name in its cell tagged ``parameters``.
    values : sequence of str
        Handed over as the parameter's annotated type.
    out_dir : Path
        Gets ``<value>.ipynb`` and ``<value>.html`` (:func:`analysis.words.slugs.page_slug`).
    n_jobs : int
    limits : Limits
        Of one page.
    on_done : callable
        Told how many pages of how many have ended.

    Returns
    -------
    list of Made
        In the order of `values`.

    Raises
    ------
    ParamsError
        The notebook has no such parameter, a value is not of its type, a value comes twice, or there is none.
    PublishError
        The file is no notebook.
    """
    import_papermill()
    from analysis.publishing.make import read_notebook

    notebook, out_dir = Path(notebook).resolve(), Path(out_dir).resolve()
    typed = _typed(read_notebook(notebook), values, parameter=parameter, where=notebook.name)
    out_dir.mkdir(parents=True, exist_ok=True)
    made = {}
    with tempfile.TemporaryDirectory(prefix=".candich-", dir=out_dir) as scratch:
        for at, outcome in _outcomes(
            notebook, typed, parameter=parameter, folder=Path(scratch), n_jobs=n_jobs, limits=limits
        ):
            page = out_dir / f"{page_slug(values[at])}.html"
            if outcome.value is not None:
                for suffix in (".ipynb", ".html"):
                    os.replace(Path(scratch) / f"{at}{suffix}", page.with_suffix(suffix))
            made[at] = Made(values[at], page, outcome.reason)
            on_done(len(made), len(values))
    return [made[at] for at in range(len(values))]


def _typed(notebook: object, values: Sequence[str], *, parameter: str, where: str) -> list[object]:
    """The values as the notebook wants them; raises with everything that is wrong."""
    problems = check_parameters(notebook, {parameter: ""}, where=where) if not values else []
    if not values:
        problems.append(Problem("--values", "there is none", "at least one", "Give some, separated by commas"))
    twice = sorted({one for one in values if list(values).count(one) > 1})
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


def _outcomes(
    notebook: Path, values: Sequence[object], *, parameter: str, folder: Path, n_jobs: int, limits: Limits
) -> Iterator[tuple[int, Outcome]]:
    from analysis.publishing.shell import prepare_shells

    def work(at: int) -> dict:
        _make(notebook, {parameter: values[at]}, target=folder / str(at))
        return {"n_threads": count_threads()}

    rest = list(range(len(values)))
    if may_fork():
        prepare_shells()
        ((_, first),) = run_forked(rest[:1], work, n_jobs=1, limits=limits)
        if len(rest) > 1 and first.value is not None and first.value["n_threads"] == 1:
            with contextlib.suppress(Exception):  # what it imported, children inherit; its page is made already
                _make(notebook, {parameter: values[0]}, target=folder / "rehearsed")
            prepare_shells()
        yield 0, first
        rest = rest[1:]
    if may_fork():
        for place, outcome in run_forked(rest, work, n_jobs=n_jobs, limits=limits):
            yield rest[place], outcome
        return
    for at in rest:
        try:
            _make(notebook, {parameter: values[at]}, target=folder / str(at), engine=None)
            yield at, Outcome({})
        except Exception as error:  # noqa: BLE001  one page's failure is a row, whatever it is
            yield at, Outcome(None, str(error))


def _make(notebook: Path, parameters: dict, *, target: Path, engine: str | None = "candich") -> None:
    """Execute and convert; raises unless every cell ran."""
    import papermill

    from analysis.publishing.make import cell_error, read_notebook
    from analysis.publishing.papermill_engine import TOLERATED
    from analysis.publishing.plain import plain_exporter

    replies: dict[int, bool] = {}
    how = {"on_reply": replies.__setitem__} if engine else {}
    try:
        done = papermill.execute_notebook(
            read_notebook(notebook),
            None,
            parameters=parameters,
            engine_name=engine,
            cwd=notebook.parent,
            progress_bar=False,
            request_save_on_cell_execute=False,
            **how,
        )
    except papermill.PapermillExecutionError as error:
        raise cell_error(error, where=notebook.name) from None
    for at, went_well in replies.items():
        if not went_well and TOLERATED not in done.cells[at].metadata.get("tags", []):  # no error, and yet the end
            found = f"cell {at + 1} ended the notebook (SystemExit)"
            raise PublishError(Problem(notebook.name, found, "cells that run to their end", "Take the exit out"))
    papermill.iorw.write_ipynb(done, str(target.with_suffix(".ipynb")))
    html, _ = plain_exporter().from_notebook_node(done, resources={"metadata": {"name": notebook.stem}})
    target.with_suffix(".html").write_text(html, encoding="utf-8")
