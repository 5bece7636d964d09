"""A strip from 0 to 100 %: a band between two probabilities and today's one as a line."""

from __future__ import annotations

import math

from markupsafe import Markup

from analysis.briefing.charts import svg
from analysis.briefing.theme import ROLES

WIDTH, HEIGHT = 160, 20
_LEFT, _RIGHT = 2, 158


def draw(*, low: float, high: float, now: float, key: str, title: str) -> Markup:
    """The strip as SVG; marks whose number is missing are left out.

    Parameters
    ----------
    low, high, now : float
        Probabilities.
    key, title : str
        Salt of the ids; the strip in words.
    """
    x = lambda p: _LEFT + min(max(p, 0), 1) * (_RIGHT - _LEFT)
    parts = [_rect(_LEFT, _RIGHT, top=8, height=4, role="grid")]
    if math.isfinite(low) and math.isfinite(high):
        parts.append(_rect(x(low), max(x(high), x(low) + 2), top=5, height=10, role="fan80"))
    if math.isfinite(now):
        parts.append(_rect(x(now) - 1, x(now) + 1, top=2, height=16, role="median"))
    return svg.image(parts, key=key, title=title, description=title, size=(WIDTH, HEIGHT), class_="strip")


def _rect(left: float, right: float, *, top: float, height: float, role: str) -> str:
    paint = f'class="r-{role}" fill="{ROLES[role]}"'
    return f'<rect {paint} x="{left:.1f}" y="{top:g}" width="{right - left:.1f}" height="{height:g}"/>'
