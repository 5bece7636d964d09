"""The one thing a briefing hands to a notebook: a piece of HTML that says what it is and carries its own hash.

The exporter publishes ``text/html`` only where the sibling MIME type below vouches for it, so nothing a cell prints by
accident (a traceback, a library's own table, a script) can reach a page. Everything that comes from data is escaped
here by MarkupSafe; no other module writes an angle bracket around a value by hand without it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from analysis.words.errors import Problem, PublishError

FRAGMENT_MIME = "application/vnd.candich.fragment+json"
PAGE_MIME = "application/vnd.candich.page+json"
KINDS = ("sentence", "table", "chart", "note", "banner", "provenance", "page")
_UNQUOTABLE = re.compile(r'[\\"\x00-\x1f@;{}()]+')  # what must not stand in a string of a style attribute
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Fragment:
    """A piece of a page.

    Escaped, self-contained `html` (no script, no remote address) of one of the ``KINDS``; `text` says the same to a
    reader without HTML (terminal, search index, summary document); only the closing fragment (kind ``page``) has
    `meta`. PublishError: the kind is not known.
    """

    html: str
    kind: str
    text: str = ""
    meta: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise PublishError(
                Problem("Fragment", f"kind {self.kind!r} is not known", ", ".join(KINDS), "Use one of them")
            )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        html = clean_text(str(self.html))
        digest = hashlib.sha256(html.encode("utf-8")).hexdigest()
        bundle = {
            "text/html": html,
            "text/plain": clean_text(self.text),
            FRAGMENT_MIME: {"kind": self.kind, "sha256": digest},
        }
        return bundle | ({PAGE_MIME: self.meta} if self.meta else {})


def clean_text(text: str) -> str:
    """Replace what no UTF-8 file, no XML and no reader can hold: lone surrogates and control characters.

    Marks that turn the direction of what follows go too: a sentence, a title or a link would be read backwards.

    Examples
    --------
    >>> clean_text("a\\ud800b\\x00"), clean_text("\\u202egnp.exe")
    ('a\\ufffdb\\ufffd', '\\ufffdgnp.exe')
    """
    return _UNFIT.sub("\ufffd", text)


def name_html(text: str) -> Markup:
    """A name from the data: escaped and isolated, so that its writing direction cannot spill into the sentence.

    >>> name_html("<b>")
    Markup('<bdi>&lt;b&gt;</bdi>')
    """
    return Markup("<bdi>") + escape(clean_text(str(text))) + Markup("</bdi>")


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """One element; children are escaped unless they are Markup already, ``class_`` becomes ``class``.

    Attributes that are None or False are left out; True writes the bare name.

    >>> tag("td", "a<b", class_="x", colspan=2)
    Markup('<td class="x" colspan="2">a&lt;b</td>')
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        parts.append(f" {key}" if value is True else f' {key}="{escape(value)}"')
    inside = "".join([escape(child) for child in children if child is not None])
    return Markup(f"{''.join(parts)}>{inside}</{name}>")


def table(
    caption: object,
    header: Iterable[object],
    rows: Iterable[Iterable[object]],
    *,
    class_: str = "",
    numeric: Collection[int] = (),
    cards: Collection[int] | None = None,
) -> Markup:
    """A table a screen reader can walk: a caption, a scope on every header, the first cell of a row is its header.

    A row may be shorter than the header; columns in `numeric` are set flush right. With `cards` each row becomes a card
    on a narrow screen, each cell with its column's name, but for the columns in it, which say what they are.
    """
    header = list(header)
    named = "" if cards is None else _column_names(header, unlabelled=cards)
    class_ = class_ if cards is None else f"{class_} stack"
    classes = {one: ' class="num"' for one in numeric}
    out = [f'<div class="table-wrap"><table class="{escape(class_)}"{named}>']
    out.append(f"<caption>{escape(caption)}</caption><thead><tr>")
    out += [f'<th scope="col"{classes.get(at, "")}>{escape(one)}</th>' for at, one in enumerate(header)]
    out.append("</tr></thead><tbody>")
    for row in rows:
        cells = list(row)
        out.append(f'<tr><th scope="row">{escape(cells[0])}</th>')
        out += [f"<td{classes.get(at, '')}>{escape(one)}</td>" for at, one in enumerate(cells[1:], start=1)]
        out.append("</tr>")
    return Markup("".join(out) + "</tbody></table></div>")


def _column_names(header: list[object], *, unlabelled: Collection[int]) -> str:
    """Names of the columns for the style sheet, once a table: on a narrow screen it writes them before the cells."""
    plain = [_UNQUOTABLE.sub(" ", Markup(escape(one)).striptags().replace("'", "\u2019")) for one in header]
    pairs = [f"--c{at}:'{one}: '" for at, one in enumerate(plain, start=1) if at > 1 and at - 1 not in unlabelled]
    return f' style="{escape(";".join(pairs))}"'.replace("&#39;", "'") if pairs else ""


def tabled(caption: str, header: Iterable[object], rows: Iterable[Iterable[object]], **look: Any) -> Fragment:
    """A table as a fragment of its own, see :func:`table`; its caption is its text."""
    return Fragment(table(caption, header, rows, **look), "table", caption)


def details(summary: object, body: object) -> Markup:
    """A part that opens on demand without a script; print shows it closed unless the style sheet says otherwise."""
    return tag("details", tag("summary", summary), body)
