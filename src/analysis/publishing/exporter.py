"""From an executed notebook to a page: an nbconvert exporter (entry point ``nbconvert.exporters``: ``briefing``).

It stands on nbconvert's ``TemplateExporter``: the HTML exporter would parse every inline drawing a second time (80 ms
a page) to add what our writers already add. On a page comes only: a Markdown cell, escaped and translated; an output
whose ``text/html`` is vouched for by our fragment type with its hash, and then sanitised. Streams, tracebacks, other
libraries' HTML, Markdown and script outputs, attachments and local files never do.

A notebook is published when it is proven to have run to its end (:func:`check_executed`), and stored without anything
that changes from run to run (:func:`canonical`): times, Papermill's paths and versions, patch levels, memory addresses,
random cell ids. Kept: what the author wrote, the parameters, execution counts, outputs.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any

from jinja2 import FileSystemLoader
from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode, from_dict
from traitlets import default
from traitlets.config import Config

from analysis.briefing.fragment import FRAGMENT_MIME, PAGE_MIME, clean_text
from analysis.briefing.locale import translate_markdown, translator
from analysis.publishing.chrome import SIMULATED, TEMPLATES, policy, short_script, stylesheet
from analysis.publishing.sanitise import sanitise
from analysis.words.errors import Problem

LEFT_OUT = {"parameters", "injected-parameters", "remove-cell", "papermill-error-cell-tag"}
SCRIPTS = {  # what a fragment shows when it can use one -> the script that does it; pages are whole without any
    'id="heat-tools"': "heat.js",
    "<details": "figures.js",
}
KEPT = frozenset(  # classes that no fragment has: the template's, the notice's, those of what a script builds
    "banner breadcrumbs csv kicker notice paper site-footer site-header site-nav skip-link soft table-wrap".split()
)
_CLASSES = re.compile(r'class="([^"]*)"')
_CLASS = re.compile(r"\.([a-zA-Z][-\w]*)")
_NOT = re.compile(r":not\([^()]*\)")
_RULE = re.compile(r"([^{}@;]+)\{([^{}]*)\}")
_HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)


class _Shown(NotebookNode):
    """A notebook that is only looked at: nbconvert need not copy every output before the template reads it."""

    def __deepcopy__(self, memo: dict) -> _Shown:
        return _Shown(self)


class BriefingExporter(TemplateExporter):
    """One executed notebook to one self-contained page."""

    export_from_notebook = "Briefing page"
    output_mimetype = "text/html"
    language = "vi"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    @default("template_file")
    def _template_file_default(self) -> str:
        return "page.html.j2"

    @default("template_name")
    def _template_name_default(self) -> str:
        return "base"

    @default("default_preprocessors")
    def _default_preprocessors_default(self) -> list:
        return []  # the template decides what is shown; each would copy and validate the notebook once more

    def __init__(self, config: Config | None = None, **kwargs: Any):
        kwargs.setdefault("extra_loaders", [FileSystemLoader(TEMPLATES)])
        super().__init__(config=config, **kwargs)

    def _create_environment(self):
        environment = super()._create_environment()
        environment.autoescape = True
        environment.filters |= {"fragment": publish_output, "prose": self._prose, "left_out": left_out}
        return environment

    def from_notebook_node(self, nb: NotebookNode, resources: dict | None = None, **kwargs: Any) -> tuple[str, dict]:
        """Publish an executed notebook.

        ``resources["briefing"]`` overrides the context kept in the notebook's ``metadata.candich``: ``breadcrumbs``
        and ``nav`` (lists of ``title``, ``href``, ``current``), ``banner``, ``footer``, ``language``, ``title``.
        """
        resources = dict(resources or {})
        context = {**nb.metadata.get("candich", {}), **resources.get("briefing", {})}
        page = page_context(nb, context)
        self.language = page["language"]
        self.environment.globals["page"] = page
        return super().from_notebook_node(_Shown(nb), resources, **kwargs)

    def _prose(self, cell: NotebookNode) -> Markup:
        return render_markdown(cell.source, self.language, cell.get("id", ""))


def page_context(notebook: NotebookNode, context: dict) -> dict:
    """What the template shows around the cells."""
    about = page_data(notebook)
    language = context.get("language") or about.get("language") or "vi"
    _ = translator(language)
    banner = context.get("banner") or (_(SIMULATED) if about.get("simulated") else "")
    title = clean_text(str(context.get("title") or about.get("title") or _("Page")))
    script = script_of(notebook)
    return {
        "_": _,
        "language": language,
        "title": title,
        "heading": "" if _has_heading(notebook) else title,
        "description": clean_text(str(about.get("description", ""))),
        "policy": Markup(policy(script)),
        "stylesheet": Markup(needed(stylesheet(), _shown(notebook))),
        "banner": banner,
        "breadcrumbs": context.get("breadcrumbs", []),
        "nav": context.get("nav", []),
        "footer": context.get("footer", ""),
        "cutoff": context.get("cutoff", ""),
        "script": Markup(script),
    }


def script_of(notebook: NotebookNode) -> str:
    """The scripts that the page's fragments can use: sorting and filtering, figures as CSV."""
    shown = _shown(notebook)
    return "".join(short_script(name) for mark, name in SCRIPTS.items() if mark in shown)


def _shown(notebook: NotebookNode) -> str:
    """The HTML of all fragments that will stand on the page."""
    return "".join(
        output.get("data", {}).get("text/html", "")
        for cell in notebook.cells
        if not left_out(cell)
        for output in cell.get("outputs", [])
        if FRAGMENT_MIME in output.get("data", {})
    )


def needed(css: str, html: str) -> str:
    """The rules of a style sheet that a page can use: a selector goes where it asks for a class the page has not.

    Classes of the frame, of notices and of what the scripts build are always kept. A rule's braces hold no others but
    in ``@media``.

    >>> needed("p{a:b}.x,.y{c:d}@media print{.y{e:f}}", '<p class="x">')
    'p{a:b}.x{c:d}'
    """
    there = KEPT | {one for names in set(_CLASSES.findall(html)) for one in names.split()}
    return _ruled(css, frozenset(there & _named(css)))


@lru_cache(maxsize=8)
def _named(css: str) -> frozenset[str]:
    """Classes that a style sheet asks for."""
    return frozenset(_CLASS.findall(css))


@lru_cache(maxsize=64)
def _ruled(css: str, there: frozenset[str]) -> str:
    def kept(match: re.Match) -> str:
        selectors = match[1].strip().split(",") if "(" not in match[1] else [match[1].strip()]
        left = [one for one in selectors if set(_CLASS.findall(_NOT.sub("", one))) <= there]
        return f"{','.join(left)}{{{match[2]}}}" if left else ""

    rules = _RULE.sub(kept, css)
    return re.sub(r"\n+", "\n", re.sub(r"@media[^{}]*\{\s*\}", "", rules))


def _has_heading(notebook: NotebookNode) -> bool:
    return any(
        "<h1" in output.get("data", {}).get("text/html", "") and FRAGMENT_MIME in output.data
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


def left_out(cell: NotebookNode) -> bool:
    """Whether a cell is only there for the machine."""
    return bool(LEFT_OUT & set(cell.metadata.get("tags", [])))


def publish_output(output: NotebookNode) -> Markup:
    """The HTML of an output that our own writers made and vouch for; nothing of any other."""
    data = output.get("data", {}) if output.output_type in {"execute_result", "display_data"} else {}
    html, claim = data.get("text/html"), data.get(FRAGMENT_MIME)
    if not isinstance(html, str) or not isinstance(claim, dict):
        return Markup("")
    if hashlib.sha256(html.encode("utf-8", "replace")).hexdigest() != claim.get("sha256"):
        return Markup("")
    return Markup(sanitise(html))


@lru_cache(maxsize=512)
def render_markdown(source: str, language: str, name: str) -> Markup:
    """A Markdown cell in the page's language: its HTML escaped, its first heading carrying the cell's id."""
    renderer = IPythonRenderer(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
    html = MarkdownWithMath(renderer=renderer).render(translate_markdown(source, language))
    anchor = re.sub(r"[^A-Za-z0-9_-]", "", name)
    # the page has one h1, its title; a notebook's own first heading says what kind of page it is
    html = re.sub(r"<h1>(.*?)</h1>", r'<p class="kicker">\1</p>', html, flags=re.DOTALL)
    if anchor:
        html = _HEADING.sub(rf'<h\1 id="{anchor}">\2</h\1>', html, count=1)
    return Markup(sanitise(html))


ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
ADDED = {"injected-parameters", "papermill-error-cell-tag"}  # cells Papermill adds, with a random id
REMEDY = "Run the notebook by hand with the same parameters to see the cell fail"


def canonical(notebook: NotebookNode, *, context: dict) -> NotebookNode:
    """The same notebook with stable bytes.

    `context` is kept as ``metadata.candich``, so that ``jupyter nbconvert --to briefing`` on the executed notebook
    gives the published page.
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
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=from_dict(metadata), cells=cells)


def check_executed(notebook: NotebookNode, *, replies: dict[int, bool], where: str) -> list[Problem]:
    """Why an executed notebook is not proven whole; empty when it is.

    `replies`: cell index to whether it ran without error, as our own hook saw it.
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
    return from_dict(out)


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
