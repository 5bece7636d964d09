"""What in a notebook could make two runs differ: found by reading its code, never by running it.

The clock, random numbers without a seed, the order of sets and folders, addresses and process numbers, library output
that carries a time or an id (statsmodels' ``.summary()``, pandas' ``.style``), the network, absolute paths, shell and
magic lines. A published notebook may hold none of them; test_notebook_lint.py holds ours to that.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from analysis.words.errors import Problem

CLOCK = re.compile(
    r"(?:^|\.)(?:datetime|date|Timestamp|Period)\.(?:now|utcnow|today|fromtimestamp)$"
    r"|^time\.(?:time|time_ns|perf_counter|monotonic|localtime|gmtime|strftime|ctime)$"
)
IDENTITY = re.compile(
    r"^(?:id|hash|os\.(?:getpid|urandom|getcwd|getenv)|Path\.(?:cwd|home))$|^(?:uuid|secrets|platform)\."
)
RANDOM = re.compile(r"^(?:random|np\.random|numpy\.random)\.(?!default_rng$|Generator$|SeedSequence$|PCG64$)")
SEEDED = re.compile(r"(?:^|\.)(?:default_rng|RandomState|Random|PCG64|SeedSequence)$")
FOLDERS = re.compile(r"(?:^|\.)(?:listdir|scandir|iterdir|glob|rglob|iglob)$")
NETWORK = frozenset("requests urllib urllib3 http httpx aiohttp socket ftplib smtplib fsspec s3fs boto3".split())
UNSTABLE = frozenset("tqdm ipywidgets uuid secrets threading multiprocessing concurrent subprocess".split())
ABSOLUTE = re.compile(r"^(?:/[A-Za-z~]|~|[A-Za-z]:[\\/]|\\\\)")
REMOTE = re.compile(r"^(?:https?|ftp|s3|gs)://", re.IGNORECASE)
_REMEDY = {
    "clock": "Pass the date as a parameter",
    "random": "Give it a seed from the params",
    "order": "Sort it first",
    "identity": "Show something that is the same in every run",
    "summary": "Show the numbers with our own table",
    "style": "Show the numbers with our own table",
    "network": "Read it in the run's first step and keep it as a vintage",
    "path": "Use the run's folder, given as a parameter",
    "magic": "Write it in Python, in the package",
    "syntax": "Correct the cell",
}


def check_determinism(notebook: NotebookNode, *, where: str) -> list[Problem]:
    """What could make two runs of a notebook differ.

    Parameters
    ----------
    notebook : NotebookNode
    where : str
        The notebook, for the message.

    Returns
    -------
    list of Problem
        One for each finding, in the order of the cells.
    """
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for line, kind, what in _findings(cell.source):
                place = f"{where}: cell {cell.get('id', '')}, line {line}"
                found.append(Problem(place, f"{kind}: {what}", "", _REMEDY[kind]))
    return found


def _findings(source: str) -> list[tuple[int, str, str]]:
    magic = [
        (at, "magic", line.strip()[:60])
        for at, line in enumerate(source.splitlines(), start=1)
        if re.match(r"\s*(?:%|!|\?)|.*\S\?$", line)
    ]
    if magic:
        return magic
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [(error.lineno or 1, "syntax", error.msg)]
    shielded = {id(argument) for node in ast.walk(tree) if _is_sorting(node) for argument in node.args}
    return sorted({one for node in ast.walk(tree) for one in _of_node(node, shielded)})


def _is_sorting(node: ast.AST) -> bool:
    """A call whose result does not depend on the order of what it is given."""
    return isinstance(node, ast.Call) and _name(node.func) in {"sorted", "len", "min", "max", "any", "all", "sum"}


def _of_node(node: ast.AST, shielded: set[int]) -> Iterator[tuple[int, str, str]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _of_import(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node, shielded)
    elif isinstance(node, ast.Attribute) and node.attr == "style":
        yield node.lineno, "style", ast.unparse(node)[:60]
    elif isinstance(node, ast.Attribute) and _name(node) == "os.environ":
        yield node.lineno, "identity", "os.environ"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if REMOTE.match(node.value):
            yield node.lineno, "network", node.value[:60]
        elif ABSOLUTE.match(node.value):
            yield node.lineno, "path", node.value[:60]
    yield from _of_order(node, shielded)


def _of_import(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[int, str, str]]:
    names = [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    for name in names:
        top = name.split(".")[0]
        if top in NETWORK:
            yield node.lineno, "network", f"import {name}"
        elif top in UNSTABLE:
            yield node.lineno, "identity", f"import {name}"


def _of_call(node: ast.Call, shielded: set[int]) -> Iterator[tuple[int, str, str]]:
    name = _name(node.func)
    keywords = {one.arg for one in node.keywords}
    if CLOCK.search(name):
        yield node.lineno, "clock", name
    elif name.endswith("Timestamp") and any(
        isinstance(one, ast.Constant) and one.value in {"now", "today"} for one in node.args
    ):
        yield node.lineno, "clock", ast.unparse(node)[:60]
    elif RANDOM.search(name) or (SEEDED.search(name) and not node.args and not keywords & {"seed", "entropy"}):
        yield node.lineno, "random", name
    elif name.endswith(".sample") and "random_state" not in keywords:
        yield node.lineno, "random", name
    elif IDENTITY.search(name):
        yield node.lineno, "identity", name
    elif re.search(r"\.summary2?$", name):
        yield node.lineno, "summary", name
    elif FOLDERS.search(name) and id(node) not in shielded:
        yield node.lineno, "order", name


def _of_order(node: ast.AST, shielded: set[int]) -> Iterator[tuple[int, str, str]]:
    """A set where its order shows: looped over, listed, joined, or shown."""
    shown: list[ast.AST] = []
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        shown = [node.iter]
    elif isinstance(node, ast.Expr):
        shown = [node.value]
    elif isinstance(node, ast.Call) and _name(node.func).split(".")[-1] in {
        "list",
        "tuple",
        "join",
        "print",
        "display",
        "str",
    }:
        shown = list(node.args)
    for one in shown:
        is_set = isinstance(one, ast.Set | ast.SetComp) or (
            isinstance(one, ast.Call) and _name(one.func) in {"set", "frozenset"}
        )
        if is_set and id(one) not in shielded:
            yield one.lineno, "order", ast.unparse(one)[:60]


def _name(node: ast.AST) -> str:
    """Dotted name of what is called; what is no name stands as ``?``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return "?"
