"""Pages of the warm exporter are those of nbconvert's own."""

import papermill
from analysis.publishing.plain import plain_exporter
from nbconvert import HTMLExporter
from tests.publishing.conftest import make_notebook


def test_pages_are_those_of_a_new_exporter_each_time():
    cells = ("# Tiêu đề <b>x</b>", "x = '<b>&amp;'\nx", "import pandas as pd\npd.DataFrame({'a': [1]})", "1 < 2")
    notebook = make_notebook(*cells, end="")
    done = papermill.execute_notebook(notebook, None, engine_name="candich", progress_bar=False)
    exporter = plain_exporter()
    pages = [exporter.from_notebook_node(done)[0] for _ in range(2)]
    assert pages == [HTMLExporter().from_notebook_node(done)[0]] * 2
    assert "dataframe" in pages[0] and "Tiêu đề" in pages[0]
