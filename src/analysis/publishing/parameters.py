"""Which parameters a notebook takes, and whether given ones may be handed to Papermill.

Papermill writes a parameter's *name* into code as it stands (``"x; import os; y"`` is run), turns types it does not
know into text, and only warns of a name the notebook does not have. So names and values are checked here first,
against the notebook's own cell tagged ``parameters``, read with ``ast`` and never run.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import math
from typing import TYPE_CHECKING

from analysis.words.errors import Problem, did_you_mean

if TYPE_CHECKING:  # nbformat takes two seconds to import
    from nbformat import NotebookNode

ALLOWED = {"str": str, "int": int, "float": (int, float), "bool": bool}
MAX_LENGTH = 20_000  # characters of one text value


def notebook_parameters(notebook: NotebookNode) -> dict[str, str]:
    """Name and annotated type of every parameter, from the cell tagged ``parameters``.

    Returns
    -------
    dict of str
        Type is ``""`` where the cell gives no annotation.
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
    """What is wrong with `parameters` for this notebook.

    Parameters
    ----------
    notebook : NotebookNode
    parameters : dict
        Name to plain value.
    where : str
        The notebook, for the message.

    Returns
    -------
    list of Problem
    """
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
