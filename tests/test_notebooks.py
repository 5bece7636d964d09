"""The house rules of notebooks (docs: style): what a reader may rely on in every one of them."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PUBLISHED = [one for one in NOTEBOOKS if one.stem != "explore"]
ALLOWED_TAGS = {"parameters", "remove-cell", "remove-input"}
FORBIDDEN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try, ast.Lambda, ast.With,
             ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.BinOp, ast.AugAssign)  # fmt: skip
FORBIDDEN_CALLS = {"read_csv", "read_parquet", "read_excel", "open", "now", "today", "print"}
MAX_CELLS, MAX_LINES = 25, 12


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell):
    return "".join(cell["source"])


def problems(found: list[dict]) -> list[str]:
    """Every breach of the rules in a notebook's cells."""
    out = []
    ids = [cell.get("id", "") for cell in found]
    if len(found) > MAX_CELLS:
        out.append(f"{len(found)} cells")
    if len(set(ids)) < len(ids):
        out.append("an id occurs twice")
    for cell in found:
        name = cell.get("id", "")
        if not re.fullmatch(r"[a-z][a-z0-9-]{2,40}", name) or re.fullmatch(r"[0-9a-f]{8,}", name):
            out.append(f"id {name!r} is not readable")
        if set(cell["metadata"]) - {"tags"} or set(cell["metadata"].get("tags", [])) - ALLOWED_TAGS:
            out.append(f"{name}: metadata {cell['metadata']!r}")
        if cell["cell_type"] == "code":
            out += [f"{name}: {one}" for one in code_problems(cell)]
    return out + heading_problems(found)


def code_problems(cell) -> list[str]:
    out = []
    text = source(cell)
    if len(text.splitlines()) > MAX_LINES:
        out.append(f"{len(text.splitlines())} lines")
    if cell.get("outputs") or cell.get("execution_count") is not None:
        out.append("outputs are committed")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FORBIDDEN):
            out.append(f"{type(node).__name__} is logic")
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in FORBIDDEN_CALLS:
                out.append(f"calls {called}")
        if isinstance(node, ast.ImportFrom) or (
            isinstance(node, ast.Import) and [(one.name, one.asname) for one in node.names] != [("analysis", "cd")]
        ):
            out.append(f"{ast.unparse(node)}: only the public API, `import analysis as cd`")
    return out


def heading_problems(found) -> list[str]:
    text = "\n".join(source(cell) for cell in found if cell["cell_type"] == "markdown")
    levels = [len(one) for one in re.findall(r"^(#+) ", text, flags=re.M)]
    out = [] if levels[:1] == [1] and levels.count(1) == 1 else ["not one title on top"]
    return out + [f"heading skips from {a} to {b}" for a, b in zip(levels, levels[1:]) if b > a + 1]


def test_the_notebooks_of_the_house_are_there():
    assert {one.stem for one in NOTEBOOKS} == {
        "data_quality", "explore", "forecast", "overview_briefing", "registry", "scorecard", "unit_briefing",
    }  # fmt: skip


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_the_rules(path):
    assert problems(cells(path)) == []


def test_breaches_are_found():
    bad = {
        "cell_type": "code",
        "id": "ab3f9c1d2e",
        "metadata": {"tags": ["skip"]},
        "outputs": [1],
        "execution_count": 3,
    }
    text = ["for x in y:\n", "    z = pd.read_csv(x) + 1\n", "import os\n", "from os import path\n"]
    found = problems([bad | {"source": text}, bad | {"source": ["a\n"] * 13}])
    for breach in (
        "twice",
        "not readable",
        "metadata",
        "13 lines",
        "outputs",
        "For is",
        "BinOp is",
        "read_csv",
        "from os import",
    ):
        assert any(breach in one for one in found), breach


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_the_cells_come_in_the_order_of_the_house(path):
    found = cells(path)
    names = [cell["id"] for cell in found]
    assert names[:5] == ["title", "parameters", "setup", "title-of-page", "answer"]
    assert names[-3:] == ["about-provenance", "provenance", "end"]
    assert [cell["id"] for cell in found if cell["metadata"].get("tags") == ["parameters"]] == ["parameters"]
    for about, shown in zip(found[5::2], found[6::2]):
        assert (about["cell_type"], shown["cell_type"]) == ("markdown", "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_are_annotated_literals_with_a_comment_each(path):
    [text] = [source(cell) for cell in cells(path) if cell["id"] == "parameters"]
    for line, node in zip(text.splitlines(), ast.parse(text).body, strict=True):
        assert isinstance(node, ast.AnnAssign)
        assert isinstance(ast.literal_eval(node.value), str)
        assert "  # " in line
    names = {node.target.id for node in ast.parse(text).body}
    assert names == {"run_dir", "language"} | ({"unit"} if path.stem == "unit_briefing" else set())


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_every_shown_cell_calls_one_method_of_the_page(path):
    for cell in cells(path)[3:]:
        if cell["cell_type"] == "code":
            assert re.fullmatch(r"page\.\w+\(\)", source(cell)), cell["id"]
