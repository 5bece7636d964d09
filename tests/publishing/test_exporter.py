import hashlib
import re
import subprocess
import sys

import nbformat
import pytest
from nbconvert.exporters import get_exporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output
from tests.publishing.conftest import make_notebook
from tests.publishing.test_canonical import executed

from analysis.briefing.fragment import FRAGMENT_MIME, PAGE_MIME, Fragment
from analysis.publishing.exporter import (
    BriefingExporter,
    canonical,
    needed,
    publish_output,
    render_markdown,
    stylesheet,
)
from analysis.publishing.make import render
from analysis.words.files import json_text


def output_of(data):
    return NotebookNode(new_output("execute_result", data=data))


def page_of(*cells, context=None, **options):
    done, _ = executed(make_notebook(*cells, **options))
    return render(canonical(done, context={"language": "en", **(context or {})}), page="p")


def test_nbconvert_knows_it_by_its_entry_point():
    assert get_exporter("briefing") is BriefingExporter


def test_a_fragment_is_published_with_its_hash():
    assert publish_output(output_of(Fragment("<p>a</p>", "sentence")._repr_mimebundle_())) == "<p>a</p>"


@pytest.mark.parametrize(
    "data",
    [
        {"text/html": "<b>x</b>"},
        {"text/html": "<b>x</b>", FRAGMENT_MIME: {"kind": "table", "sha256": "0" * 64}},
        {"text/html": "<b>x</b>", FRAGMENT_MIME: "yes"},
        {FRAGMENT_MIME: {"kind": "table", "sha256": hashlib.sha256(b"").hexdigest()}},
        {"application/javascript": "alert(1)"},
        {"text/vnd.mermaid": "x"},
        {"text/markdown": "<script>x</script>"},
        {"image/svg+xml": "<svg/>"},
        {"text/plain": "x"},
    ],
)
def test_nothing_else_is(data):
    assert publish_output(output_of(data)) == ""


def test_streams_and_errors_never_are():
    assert publish_output(NotebookNode(new_output("stream", name="stdout", text="x"))) == ""
    assert publish_output(NotebookNode(new_output("error", ename="E", evalue="x", traceback=["x"]))) == ""


def test_a_vouched_script_is_still_taken_out():
    html = "<p>a</p><script>alert(1)</script>"
    claim = {"kind": "note", "sha256": hashlib.sha256(html.encode()).hexdigest()}
    assert publish_output(output_of({"text/html": html, FRAGMENT_MIME: claim})) == "<p>a</p>"


def test_a_page_holds_only_what_it_may():
    html = page_of(
        "# Kind of page",
        "print('STREAM')",
        "from IPython.display import HTML, Javascript\nJavascript('alert(2)')",
        "HTML('<b>LOOSE</b>')",
        "import pandas as pd\npd.DataFrame({'LOOSE': [1]})",
        "Fragment(tag('p', 'KEPT ' + unit + ' <script>'), 'sentence')",
        "## Method",
    )
    assert "KEPT a &lt;script&gt;" in html
    for word in ("STREAM", "LOOSE", "alert", "<script", "import pandas", "run_dir"):
        assert word not in html, word
    assert "default-src 'none'" in html and "unsafe-eval" not in html and "script-src" not in html
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">') and "<title>Trang a</title>" in html
    assert html.count("<h1") == 1 and "<h1>Trang a</h1>" in html
    assert '<p class="kicker">Kind of page</p>' in html and '<h2 id="cell-6">Method</h2>' in html
    assert "Simulated data" in html  # the closing fragment says so
    assert not re.search(r"https?://(?!www\.w3\.org)", html)


def test_the_frame_is_shown_and_escaped():
    context = {
        "breadcrumbs": [{"title": "Home", "href": "../index.html"}, {"title": "<b>", "href": ""}],
        "nav": [{"title": "Overview", "href": "../overview.html", "current": True}],
        "cutoff": "2026-Q3",
        "footer": "<i>",
    }
    html = page_of("1", context=context)
    assert '<a href="../overview.html" aria-current="page">Overview</a>' in html
    assert '<span aria-current="page">&lt;b&gt;</span>' in html and "<p>&lt;i&gt;</p>" in html
    assert '<meta name="candich-cutoff" content="2026-Q3">' in html


def test_vietnamese_pages_are_framed_in_vietnamese():
    done, _ = executed(make_notebook("1"), parameters={"language": "vi"})
    html = render(canonical(done, context={"language": "vi"}), page="p")
    assert '<html lang="vi">' in html and "Đến phần nội dung" in html and "Dữ liệu mô phỏng" in html


def test_markdown_is_escaped_and_embeds_no_file(tmp_path):
    (tmp_path / "secret.txt").write_text("SECRET")
    source = f"## A & b\n\n<script>x</script>\n\n[l](javascript:x) ![i]({tmp_path}/secret.txt)\n\n<img src=x onerror=y>"
    html = render_markdown(source, "en", "a b")
    assert '<h2 id="ab">A &amp; b</h2>' in html and "&lt;script&gt;" in html
    assert "javascript:" not in html and "SECRET" not in html and "<img src=" not in html and "secret.txt" not in html


def test_markdown_is_translated():
    assert '<h2 id="method">Phương pháp</h2>' in render_markdown("## Method", "vi", "method")


def test_tagged_cells_are_left_out():
    notebook = make_notebook("1")
    notebook.cells.insert(1, new_markdown_cell("HIDDEN", id="h", metadata={"tags": ["remove-cell"]}))
    done, _ = executed(notebook)
    assert "HIDDEN" not in render(canonical(done, context={}), page="p")


def test_the_style_sheet_cannot_close_its_element():
    assert "</" not in stylesheet() and "url(" not in stylesheet() and "@import" not in stylesheet()


@pytest.mark.slow
def test_jupyter_nbconvert_on_the_executed_notebook_gives_the_published_page(tmp_path):
    done, _ = executed(make_notebook("Fragment('<p>x</p>', 'note')"))
    notebook = canonical(done, context={"language": "en", "cutoff": "2026"})
    (tmp_path / "a.ipynb").write_text(json_text(notebook), encoding="utf-8")
    command = [sys.executable, "-m", "nbconvert", "--to", "briefing", "a.ipynb"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == render(notebook, page="p")


def test_a_notebook_of_another_kind_is_no_page():
    notebook = nbformat.v4.new_notebook(metadata={"candich": {}})
    html, _ = BriefingExporter().from_notebook_node(notebook)
    assert PAGE_MIME not in html and '<html lang="vi">' in html


def test_a_page_has_the_rules_of_its_own_classes_and_no_others():
    css = needed(stylesheet(), '<table class="heat"><td class="u">')
    assert ".heat .u" in css and ".multiples" not in css and ".notice" in css and "@page" in css
    assert ".heat td:not(:last-child):not(.z)" in css  # what a rule must not have it need not find
    assert css.count("{") == css.count("}")
    every = {one for one in re.findall(r"\.([a-zA-Z][-\w]*)", stylesheet()) if not one[0].isdigit()}
    whole = needed(stylesheet(), f'<p class="{" ".join(sorted(every))}">')
    assert re.sub(r"\s+", "", whole) == re.sub(r"\s+", "", stylesheet())
