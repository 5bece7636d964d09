"""nbconvert's own HTML pages of an analyst's notebook, many from one exporter."""

from __future__ import annotations

from functools import lru_cache

from nbconvert import HTMLExporter
from nbconvert.filters import clean_html

MOST = 4096  # texts


@lru_cache(maxsize=1)
def plain_exporter() -> HTMLExporter:
    """nbconvert's own HTML exporter, ready for many notebooks that share their code.

    Its template is loaded, and the HTML of a cell's code is cleaned once for each text: half of what nbconvert spends
    on a notebook is parsing the same coloured code again. The pages are those of ``HTMLExporter()``.

    Returns
    -------
    HTMLExporter

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> plain_exporter().from_notebook_node(new_notebook(cells=[new_code_cell("1 + 1")]))[0][:15]
    '<!DOCTYPE html>'
    """
    exporter = HTMLExporter()
    exporter.register_filter("clean_html", lru_cache(MOST)(clean_html))
    exporter.template  # noqa: B018  loaded now, not in each child
    return exporter
