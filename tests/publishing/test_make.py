"""The exporter of analysts' notebooks gives nbconvert's own pages; what they import is found without running them."""

import papermill
import pytest
from nbconvert import HTMLExporter
from tests.publishing.conftest import make_notebook

from analysis.publishing.make import imports_of, lab_exporter, quiet_imports, read_notebook
from analysis.words.errors import PublishError


def test_pages_are_those_of_a_new_exporter_each_time():
    cells = ("# Tiêu đề <b>x</b>", "x = '<b>&amp;'\nx", "import pandas as pd\npd.DataFrame({'a': [1]})", "1 < 2")
    notebook = make_notebook(*cells, end="")
    done = papermill.execute_notebook(notebook, None, engine_name="candich", progress_bar=False)
    exporter = lab_exporter()
    pages = [exporter.from_notebook_node(done)[0] for _ in range(2)]
    assert pages == [HTMLExporter().from_notebook_node(done)[0]] * 2
    assert "dataframe" in pages[0] and "Tiêu đề" in pages[0]


def test_a_notebook_s_imports_are_read_in_order_without_those_next_to_it(tmp_path, write_notebook):
    (tmp_path / "helper.py").touch()
    cells = (
        "# import prose",
        "%matplotlib inline\nimport b, a.c as d",
        "from a import x\nimport helper, b",
        "import (",
    )
    cells += ("def f():\n    import later", "raise SystemExit")
    assert imports_of(write_notebook(make_notebook(*cells, end=""))) == ["analysis.briefing.fragment", "b", "a.c", "a"]


def test_only_modules_that_exist_and_say_nothing_are_imported_ahead(tmp_path, monkeypatch):
    for name, source in {
        "quiet_one": "x = 1",
        "printing": "print('hello')",
        "warning": "import warnings; warnings.warn('old')",
        "failing": "1 / 0",
    }.items():
        (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    assert quiet_imports(["printing", "quiet_one", "warning", "failing", "nowhere", "json"]) == ["quiet_one", "json"]


def test_a_notebook_that_was_edited_is_read_again(write_notebook):
    """In JupyterLab one process publishes many times."""
    path = write_notebook(make_notebook("1"))
    assert read_notebook(path).cells[2].source == "1" and read_notebook(path) is read_notebook(path)
    write_notebook(make_notebook("22"))
    assert read_notebook(path).cells[2].source == "22"


@pytest.mark.parametrize("content", [None, "", "{", "{}", "[]", '{"nbformat": 4, "cells": 1}'])
def test_what_is_not_a_notebook_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "n.ipynb").write_text(content)
    with pytest.raises(PublishError) as caught:
        read_notebook(tmp_path / "n.ipynb")
    assert str(caught.value).startswith(f"{tmp_path}/n.ipynb: it cannot be read as a notebook: ")
    assert str(caught.value).endswith(" Allowed: a Jupyter notebook (nbformat 4). Restore it.")
