"""The benchmarks import what exists: they are run by hand, and would otherwise break unseen."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def imported():
    """(file, module, name) of everything that a benchmark imports from the product, also inside functions."""
    for path in sorted((ROOT / "benchmarks").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "analysis":
                yield from ((path.name, node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize(("file", "module", "name"), sorted(set(imported())))
def test_what_a_benchmark_imports_exists(file, module, name):
    if not hasattr(importlib.import_module(module), name):
        importlib.import_module(f"{module}.{name}")
