"""Whether a page may be published: the checks on its finished HTML."""

from __future__ import annotations

import re
from functools import lru_cache

from analysis.words.errors import Problem

MAX_BYTES = 2_000_000  # far above the 130 kB a unit page should take; above it something ran away
VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_TAG = re.compile(r"(/?)([A-Za-z][A-Za-z0-9]*)(.*?)(/?)", re.DOTALL)
_INSIDE = re.compile("<([^<>]*)")
_ID = re.compile(r"id=\"([^\"]*)\"")
_RAW = re.compile(r"(<(style|script)\b[^>]*>).*?(</\2>)", re.DOTALL)
_REMOTE = re.compile(
    r"<(?:link|script|img|iframe|object|embed|audio|video|source|image|use|a|form|base)\b[^>]*?"
    r"\s(?:src|href|xlink:href|action|data|srcset)\s*=\s*[\"']?\s*(?:[a-z][a-z0-9+.-]*:)?//",
    re.IGNORECASE,
)


def check_page(html: str, *, where: str, language: str, max_bytes: int = MAX_BYTES) -> list[Problem]:
    """Why a finished page may not be published; empty when it may.

    Parameters
    ----------
    html : str
    where : str
        The page, for the message.
    language : str
        What its ``lang`` must say.

    Returns
    -------
    list of Problem
    """
    remedy = "This is a fault of the page's template or writers: report it"
    found = []
    if not html.startswith("<!DOCTYPE html>") or not html.rstrip().endswith("</html>"):
        found.append("the page does not begin and end as an HTML document")
    if f'<html lang="{language}">' not in html[:200]:
        found.append(f"the page does not say that its language is {language!r}")
    if not re.search(r"<title>\s*[^<\s][^<]*</title>", html):
        found.append("the page has no title")
    if len(html.encode("utf-8", "replace")) > max_bytes:
        found.append(f"the page has more than {max_bytes} bytes")
    if "Content-Security-Policy" not in html[:400]:
        found.append("the page has no content policy")
    if "//" in html and _REMOTE.search(html):
        found.append(f"the page points outside itself: {_REMOTE.search(html).group(0)[:120]!r}")
    if html.count("<h1") != 1:
        found.append(f"the page has {html.count('<h1')} main headings instead of one")
    found += _unclosed(html) + _repeated_ids(html)
    return [Problem(where, one, "", remedy) for one in found]


def _unclosed(html: str) -> list[str]:
    stack: list[str] = []
    for closing, name in map(_tag_of, _INSIDE.findall(_RAW.sub(r"\1\3", html))):
        if closing:
            opened = stack.pop() if stack else ""
            if opened != name:
                before = f"<{opened}> is not closed before </{name}>"
                return [before if opened else f"</{name}> closes nothing that is open"]
        elif name:
            stack.append(name)
    return [f"<{stack[-1]}> is never closed"] if stack else []


@lru_cache(maxsize=1 << 14)
def _tag_of(inside: str) -> tuple[bool, str]:
    """Whether what stands between "<" and ">" closes an element, and its name; "" where it neither opens nor closes."""
    match = _TAG.fullmatch(inside)
    if match is None:
        return False, ""
    closing, name, _rest, alone = match.groups()
    name = name.lower()
    return (True, name) if closing else (False, "" if alone or name in VOID else name)


def _repeated_ids(html: str) -> list[str]:
    ids = [one[1] for one in _ID.finditer(html) if html[one.start() - 1].isspace()]  # in texts quotes are escaped
    twice = sorted({one for one in ids if ids.count(one) > 1}) if len(set(ids)) < len(ids) else []
    return [f"the id {twice[0]!r} occurs on the page twice"] if twice else []
