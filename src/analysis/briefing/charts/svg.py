"""Small exact SVG, painted by class (theme.css holds the colours): own marks, and Matplotlib's output made fit.

The SVG carries plain colours as presentation attributes (right anywhere) and a class for each role (the page's style
sheet may recolour it, as in the dark). Writing a mark directly takes some 0.03 ms where a Matplotlib artist takes 0.3.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from types import MappingProxyType

import numpy as np
from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.briefing.fragment import clean_text

# Hues: Okabe & Ito's colour-blind-safe set, darkened for text to at least 4.5 : 1 on white.
ROLES = MappingProxyType(  # role -> colour on white
    {
        "ink": "#1b2430",
        "soft": "#56616f",
        "grid": "#d9dee5",
        "history": "#1b2430",
        "median": "#0b5394",
        "fan50": "#6fa3d4",
        "fan80": "#a9c8e6",
        "fan95": "#d6e5f3",
        "target": "#a8410a",
        "flag": "#7a3b8f",
        "pace": "#8a6d00",
    }
)
FONT_SIZE = 11  # of a figure drawn at its natural size
BASE_RC = MappingProxyType(
    {
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # measured with the font Matplotlib ships, not shown
        "font.size": FONT_SIZE,
        "axes.edgecolor": ROLES["soft"],
        "axes.labelcolor": ROLES["soft"],
        "text.color": ROLES["ink"],
        "xtick.color": ROLES["soft"],
        "ytick.color": ROLES["soft"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": ROLES["grid"],
        "path.simplify": False,
    }
)
_ROLE_OF = {colour: role for role, colour in reversed(ROLES.items())}
_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def figure(width: float, height: float) -> Figure:
    """An empty figure of so many CSS pixels (Matplotlib's SVG counts 72 to the inch)."""
    made = Figure(figsize=(width / 72, height / 72), dpi=72)
    FigureCanvasAgg(made)
    return made


def coordinates(x: np.ndarray, y: np.ndarray) -> str:
    """Points as path data: the first as it stands, the rest as steps, to a tenth of a pixel.

    A tenth is finer than any screen or printer shows; steps are taken between rounded points, so they add up.

    >>> coordinates([1, 2.456, 4], [3.10, 4, 3.9])
    '1,3.1l1.5 .9 1.5-.1'
    """
    tenths = np.empty((len(x), 2))
    tenths[:, 0], tenths[:, 1] = x, y
    tenths = np.rint(10 * tenths).astype(int)
    a, b = tenths[0].tolist()
    steps = (tenths[1:] - tenths[:-1]).ravel().tolist()
    if not steps:
        return f"{_tenth(a)},{_tenth(b)}"
    return f"{_tenth(a)},{_tenth(b)}l" + " ".join(map(_tenth, steps)).replace(" -", "-")


def _tenth(n: int) -> str:
    """Tenths as the shortest decimal: 25 -> 2.5, -5 -> -.5, 30 -> 3."""
    sign, whole, part = "-" if n < 0 else "", abs(n) // 10, abs(n) % 10
    return f"{sign}{whole or ('' if part else 0)}{f'.{part}' if part else ''}"


def line(x: np.ndarray, y: np.ndarray, *, role: str) -> str:
    """A line that breaks where `y` is missing; a lone point between gaps becomes a dot; its role sets its weight."""
    out, x, y = [], np.asarray(x, float), np.asarray(y, float)
    known = np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    for start, end in zip(edges[::2], edges[1::2]):
        if end - start == 1:
            out.append(dot(x[start], y[start], role=role, radius=1.5))
        else:
            out.append(f"M{coordinates(x[start:end], y[start:end])}")
    dots = "".join(one for one in out if one.startswith("<"))
    data = "".join(one for one in out if not one.startswith("<"))
    path = f'<path class="r-{role} ln" d="{data}"/>'
    return (path if data else "") + dots


def band(x: np.ndarray, lower: np.ndarray, upper: np.ndarray, *, role: str) -> str:
    """A filled area between two lines, to the nearest pixel: its edge is a quantile, not a figure."""
    known = np.isfinite(lower) & np.isfinite(upper)
    x, lower, upper = x[known], np.asarray(lower)[known], np.asarray(upper)[known]
    if not len(x):
        return ""
    points = coordinates(np.concatenate([x, x[::-1]]), np.round(np.concatenate([lower, upper[::-1]])))
    return f'<path class="r-{role}" d="M{points}Z"/>'


def dot(x: float, y: float, *, role: str, radius: float = 3, hollow: bool = False) -> str:
    """A point; hollow ones are figures with a remark."""
    kind = "hollow" if hollow else "dot"
    return f'<circle class="r-{role} {kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>'


def words(x: float, y: float, text: str, *, role: str = "ink", anchor: str = "start", bold: bool = False) -> str:
    """A direct label."""
    weight = " b" if bold else ""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="r-{role}{weight}" x="{x:.1f}" y="{y:.1f}"{placed}>{escape(clean_text(text))}</text>'


def image(
    parts: Iterable[str], *, key: str, title: str, description: str, size: tuple[float, float], class_: str
) -> Markup:
    """An ``<svg>`` with a name and a description for those who do not see it; ids are salted with `key`."""
    width, height = size
    return Markup(
        f'<svg class="{class_}" viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="t-{key} d-{key}">'
        f'<title id="t-{key}">{escape(clean_text(title))}</title>'
        f'<desc id="d-{key}">{escape(clean_text(description))}</desc>{"".join(parts)}</svg>'
    )


def drawing(made: Figure, *, key: str) -> str:
    """Inside of a Matplotlib figure as SVG: no date, style sheet or clip path; salted ids, two decimals, roles."""
    out = io.StringIO()
    with rc_context({**BASE_RC, "svg.hashsalt": key}):
        made.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    body = text[text.index("<g ") : text.rindex("</g>") + 4]
    body = re.sub(r' clip-path="url\(#[^)]*\)"', "", body)
    body = re.sub(r"<defs>\s*(<style.*?</style>)?\s*</defs>|<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r' id="(?!m[0-9a-f]{10})[^"]*"', "", body)  # marker definitions keep theirs; they are salted
    body = _NUMBER.sub(lambda one: f"{float(one[0]):.2f}".rstrip("0").rstrip("."), body)
    body = re.sub(r'style="([^"]*)"', _as_attributes, body)
    body = re.sub(r' transform="rotate\(-?0 [^)]*\)"| (?=/?>)', "", re.sub(r"\n\s*", "", body))
    body = re.sub(r'<path d="[^"]*" fill="none"/>', "", body)  # the empty background of the axes
    return body if "<g " in body else re.sub(r"</?g/?>", "", body)  # groups without a purpose


def _as_attributes(match: re.Match) -> str:
    """A style attribute as presentation attributes with the class of its role (a page may not allow inline styles)."""
    pairs = [one.split(":", 1) for one in match[1].split(";") if ":" in one]
    style = {name.strip(): value.strip() for name, value in pairs}
    font = style.pop("font", "")
    style.pop("font-family", None), style.pop("font-size", None)
    if font:
        size = re.search(r"([\d.]+)px", font)
        style |= {"font-size": size[1]} if size and float(size[1]) != FONT_SIZE else {}
        style |= {"font-weight": "600"} if "bold" in font or re.search(r"\b[67]00\b", font) else {}
    if "fill" not in style and "stroke" not in style:
        style["fill"] = ROLES["ink"]
    painted = style.get("fill", "none") if style.get("fill", "none") != "none" else style.get("stroke", "")
    role = _ROLE_OF.get(painted)
    classes = f'class="r-{role}{" ln" if style.get("fill") == "none" else ""}" ' if role else ""
    return classes + " ".join(f'{name}="{escape(value)}"' for name, value in style.items())
