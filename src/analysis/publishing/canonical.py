"""An executed notebook without anything that changes from run to run, and the proof that it ran to its end.

Removed: times, Papermill's paths and versions, kernel and language patch levels, memory addresses, random cell ids.
Kept: what the author wrote, the parameters, execution counts, outputs.
"""

from __future__ import annotations

import hashlib
import json
import re

from nbformat import NotebookNode

from analysis.briefing.fragment import FRAGMENT_MIME, PAGE_MIME
from analysis.words.errors import Problem

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
ADDED = {"injected-parameters", "papermill-error-cell-tag"}  # cells Papermill adds, with a random id
REMEDY = "Run the notebook by hand with the same parameters to see the cell fail"


def canonical(notebook: NotebookNode, *, context: dict) -> NotebookNode:
    """The same notebook with stable bytes.

    Parameters
    ----------
    notebook : NotebookNode
        As Papermill returned it.
    context : dict
        What the page around it shows; kept as ``metadata.candich``, so that ``jupyter nbconvert --to briefing`` on the
        executed notebook gives the published page.

    Returns
    -------
    NotebookNode
        New.
    """
    parameters = dict(notebook.metadata.get("papermill", {}).get("parameters", {}))
    kernelspec = notebook.metadata.get("kernelspec", {})
    metadata = {
        "candich": context,
        "kernelspec": {key: kernelspec[key] for key in ("display_name", "language", "name") if key in kernelspec},
        "language_info": {"name": "python"},
        "papermill": {"parameters": parameters},
    }
    cells = [_cell(index, cell) for index, cell in enumerate(notebook.cells)]
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=_node(metadata), cells=cells)


def notebook_text(notebook: NotebookNode) -> str:
    """A notebook as it is written to a file: keys sorted, one space indent, one newline at the end."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def check_executed(notebook: NotebookNode, *, replies: dict[int, bool], where: str) -> list[Problem]:
    """Why an executed notebook is not proven whole; empty when it is.

    Parameters
    ----------
    notebook : NotebookNode
    replies : dict
        Cell index to whether it ran without error, as our own hook saw it.
    where : str
        The page, for the message.

    Returns
    -------
    list of Problem
    """
    problems = []
    code = [
        (index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()
    ]
    for index, cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                found = f"cell {index + 1} ({cell.get('id', '')}) raised {output.ename}: {output.evalue}"
                problems.append(Problem(where, found[:500], "", REMEDY))
        if not problems and (cell.execution_count is None or not replies.get(index)):
            found = f"cell {index + 1} ({cell.get('id', '')}) was not run to its end"
            problems.append(Problem(where, found, "every code cell run, in order", REMEDY))
        if problems:
            return problems
    ends = [index for index, cell in code if any(PAGE_MIME in one.get("data", {}) for one in cell.outputs)]
    if len(ends) != 1 or ends[0] != code[-1][0]:
        found = f"{len(ends)} closing fragments" if len(ends) != 1 else "cells after the closing fragment"
        remedy = "End the notebook with the page's .end()"
        problems.append(Problem(where, f"the notebook has {found}", "one, in the last code cell", remedy))
    return problems


def page_data(notebook: NotebookNode) -> dict:
    """What the notebook's closing fragment says of the page (title, language, unit ...); ``{}`` without one."""
    for cell in reversed(notebook.cells):
        for output in cell.get("outputs", []):
            if PAGE_MIME in output.get("data", {}):
                return dict(output["data"][PAGE_MIME])
    return {}


def _cell(index: int, cell: NotebookNode) -> NotebookNode:
    tags = list(cell.metadata.get("tags", []))
    out = {"cell_type": cell.cell_type, "id": cell.get("id", ""), "metadata": {}, "source": cell.source}
    if not out["id"] or ADDED & set(tags):
        out["id"] = hashlib.sha256(f"{index}\0{cell.cell_type}\0{cell.source}".encode("utf-8", "replace")).hexdigest()[
            :12
        ]
    if tags:
        out["metadata"] = {"tags": tags}
    if cell.cell_type == "code":
        out["execution_count"] = cell.execution_count
        out["outputs"] = [_output(one) for one in cell.outputs]
    return _node(out)


def _output(output: NotebookNode) -> dict:
    out = {key: value for key, value in output.items() if key != "transient"}
    if "data" in out:
        data = dict(out["data"])
        if "text/plain" in data and FRAGMENT_MIME not in data:
            data["text/plain"] = ADDRESS.sub("", data["text/plain"])
        out["data"] = data
    if "text" in out:
        out["text"] = ADDRESS.sub("", out["text"])
    return out


def _node(value: object) -> object:
    if isinstance(value, dict):
        return NotebookNode({key: _node(one) for key, one in value.items()})
    if isinstance(value, list | tuple):
        return [_node(one) for one in value]
    return value
