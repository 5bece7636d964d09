"""What HTML may stand on a page: an allow-list for every fragment, and the checks on the finished page.

Our own writers escape what comes from data; this is the second wall. A fragment in which every tag, attribute and
address is on the list passes as it stands (one scan, a few milliseconds); any other is parsed, and what is not on the
list is taken out by BeautifulSoup: script, iframe, object, embed, form with all they hold, other unknown elements
leaving their text, ``on*`` attributes and addresses that lead out of the page or run code. The third wall is the
page's policy of ``default-src 'none'``.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bs4 import BeautifulSoup, Comment, Doctype
from markupsafe import escape

from analysis.words.errors import Problem

HTML = frozenset(
    "a abbr article aside b bdi bdo blockquote br caption cite code col colgroup data dd del details dfn div dl dt em "
    "figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li mark meter ol p pre q s samp section small "
    "span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr".split()
)
SVG = frozenset(
    "circle clipPath defs desc ellipse g image line linearGradient marker mask path pattern polygon polyline rect stop "
    "style svg symbol text textPath title tspan use".split()
)
DROPPED = frozenset(  # with everything in them; any other unknown element leaves its text
    "script iframe object embed form template noscript math applet frame frameset base link meta audio video "
    "source track portal foreignobject animate animatemotion animatetransform set handler listener feimage "
    "textarea select".split()
)
NEVER_CLOSED = frozenset("area base br col embed hr img input link meta source track wbr".split())
ATTRIBUTES = frozenset(
    "abbr alt cite class colspan datetime dir headers height hidden high href id lang low max min open optimum "
    "role rowspan scope span src start style tabindex title translate value width xlink:href xml:space xmlns "
    "xmlns:xlink version clip-path clip-rule clipPathUnits cx cy d dominant-baseline dx dy fill fill-opacity "
    "fill-rule font-family font-size font-style font-weight gradientTransform gradientUnits letter-spacing "
    "markerHeight markerUnits markerWidth mask offset opacity orient overflow paint-order pathLength "
    "patternTransform patternUnits points preserveAspectRatio r refX refY rotate rx ry shape-rendering stop-color "
    "stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit "
    "stroke-opacity stroke-width text-anchor text-decoration text-rendering textLength transform type "
    "vector-effect viewBox visibility word-spacing x x1 x2 y y1 y2 focusable".split()
)
_KNOWN = HTML | SVG
_LOWER = {name.lower(): name for name in _KNOWN}
_LOWER_ATTRIBUTES = {name.lower() for name in ATTRIBUTES}
_TAG = re.compile(r'<(/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z_:][-A-Za-z0-9_:.]*(?:="[^"<>]*")?)*)\s*(/?)>')
_ATTRIBUTE = re.compile(r'([A-Za-z_:][-A-Za-z0-9_:.]*)(?:="([^"]*)")?')
_FREE = re.compile(r"(?:aria|data)-[a-z0-9-]+")
_LINK = re.compile(r"(?:#[^\s]*|(?:\.\./)*[A-Za-z0-9_][A-Za-z0-9_./%-]*(?:#[^\s]*)?)")  # inside the page or the site
_IMAGE = re.compile(r"data:image/(?:png|jpeg|webp);base64,[A-Za-z0-9+/=\s]*")
_BAD_STYLE = re.compile(
    r"url\s*\((?!\s*['\"]?#)|expression|@|\\|behavior|-moz-binding|image-set|javascript:", re.IGNORECASE
)
_INSIDE = re.compile("<([^<>]*)>")
_STYLE = re.compile(r"<style(?:\s[^<>]*)?>(.*?)(?:</style>|$)", re.DOTALL)
_LOCAL_URL = re.compile(r"url\(\s*#[A-Za-z0-9_.:-]+\s*\)")


def sanitise(html: str) -> str:
    """A fragment with only what a page may hold.

    `html` itself where everything in it is on the list, else a cleaned copy.

    >>> sanitise('<p class="a">1 &lt; 2</p>')
    '<p class="a">1 &lt; 2</p>'
    >>> sanitise('<p onclick="x()">a<script>b</script></p>')
    '<p>a</p>'
    """
    if is_clean(html):
        return html
    cleaned = _cleaned(html)
    return cleaned if is_clean(cleaned) else str(escape(BeautifulSoup(cleaned, "html.parser").get_text(" ")))


def is_clean(html: str) -> bool:
    """Whether every tag is well-formed, closed and on the list with all its attributes."""
    tags = _INSIDE.findall(html)
    if len(tags) != html.count("<"):  # on a clean fragment each begins a tag: in texts and values it is escaped
        return False
    if any(_BAD_STYLE.search(one) or "<" in one for one in _STYLE.findall(html)):
        return False
    return all(map(_may_stand, tags)) and not _unclosed(html)


@lru_cache(maxsize=1 << 14)
def _may_stand(inside: str) -> bool:
    """Whether what is between "<" and ">" is a tag of the list, with attributes of the list."""
    match = _TAG.fullmatch(f"<{inside}>")
    if match is None or match[2] not in _KNOWN:
        return False
    closing, name, attributes, alone = match.groups()
    if closing:
        return not attributes.strip() and not alone and name not in NEVER_CLOSED
    opens_for_ever = alone and name in HTML and name not in NEVER_CLOSED and name not in SVG  # <div/>
    return not opens_for_ever and _clean_attributes(name, attributes)


@lru_cache(maxsize=8192)
def _clean_attributes(tag: str, text: str) -> bool:
    return all(_allowed(tag, name, value) for name, value in _ATTRIBUTE.findall(text))


def _allowed(tag: str, name: str, value: str) -> bool:
    lower = name.lower()
    if name not in ATTRIBUTES and lower not in _LOWER_ATTRIBUTES and not _FREE.fullmatch(lower):
        return False
    if lower in {"href", "xlink:href", "src", "cite"}:
        if tag in {"img", "image"}:
            return bool(_IMAGE.fullmatch(value))
        return bool((_LINK if tag == "a" else re.compile("#.*")).fullmatch(value))
    if lower == "style":
        return not _BAD_STYLE.search(value)
    if lower == "tabindex":
        return value in {"0", "-1"}
    if lower.startswith("xmlns"):
        return value in {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    if "url" in value.lower() and "(" in value:
        return bool(_LOCAL_URL.fullmatch(value.strip()))
    return True


def _cleaned(html: str) -> str:
    soup = BeautifulSoup(html, "html.parser")
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment | Doctype) or type(text).PREFIX != ""):
        comment.extract()
    for element in list(soup.find_all(True)):
        if element.decomposed:
            continue
        if element.name.lower() in DROPPED or (element.name == "style" and _BAD_STYLE.search(element.get_text())):
            element.decompose()
        elif element.name.lower() not in _LOWER:
            element.unwrap()
        else:
            _clean_element(element)
    return str(soup)


def _clean_element(element) -> None:
    for name in list(element.attrs):
        value = element.attrs[name]
        text = " ".join(value) if isinstance(value, list) else value
        if not _allowed(element.name.lower(), name, text):
            del element.attrs[name]
    lower = element.name
    element.name = _LOWER[lower.lower()]  # the parser lowers clipPath and viewBox; browsers mend attributes, not XML


MAX_BYTES = 2_000_000  # far above the 130 kB a unit page should take; above it something ran away
_ELEMENT = re.compile(r"(/?)([A-Za-z][A-Za-z0-9]*)(.*?)(/?)", re.DOTALL)
_OPENED = re.compile("<([^<>]*)")
_ID = re.compile(r"id=\"([^\"]*)\"")
_RAW = re.compile(r"(<(style|script)\b[^>]*>).*?(</\2>)", re.DOTALL)
_REMOTE = re.compile(
    r"<(?:link|script|img|iframe|object|embed|audio|video|source|image|use|a|form|base)\b[^>]*?"
    r"\s(?:src|href|xlink:href|action|data|srcset)\s*=\s*[\"']?\s*(?:[a-z][a-z0-9+.-]*:)?//",
    re.IGNORECASE,
)


def check_page(html: str, *, where: str, language: str, max_bytes: int = MAX_BYTES) -> list[Problem]:
    """Why a finished page may not be published; empty when it may."""
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
    for closing, name in map(_element_of, _OPENED.findall(_RAW.sub(r"\1\3", html))):
        if closing:
            opened = stack.pop() if stack else ""
            if opened != name:
                before = f"<{opened}> is not closed before </{name}>"
                return [before if opened else f"</{name}> closes nothing that is open"]
        elif name:
            stack.append(name)
    return [f"<{stack[-1]}> is never closed"] if stack else []


@lru_cache(maxsize=1 << 14)
def _element_of(inside: str) -> tuple[bool, str]:
    """Whether what stands between "<" and ">" closes an element, and its name; "" where it neither opens nor closes."""
    match = _ELEMENT.fullmatch(inside)
    if match is None:
        return False, ""
    closing, name, _rest, alone = match.groups()
    name = name.lower()
    return (True, name) if closing else (False, "" if alone or name in NEVER_CLOSED else name)


def _repeated_ids(html: str) -> list[str]:
    ids = [one[1] for one in _ID.finditer(html) if html[one.start() - 1].isspace()]  # in texts quotes are escaped
    twice = sorted({one for one in ids if ids.count(one) > 1}) if len(set(ids)) < len(ids) else []
    return [f"the id {twice[0]!r} occurs on the page twice"] if twice else []
