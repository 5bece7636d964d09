"""A strip from 0 to 100 %: a band between two probabilities and today's one as a line."""

from __future__ import annotations

import math

from markupsafe import Markup

WIDTH, HEIGHT = 160, 20
_LEFT, _RIGHT = 2, 158


def draw(*, low: float, high: float, now: float) -> Markup:
    """The strip as SVG, hidden from screen readers: the numbers stand in the same row; missing marks are left out.

    Parameters
    ----------
    low, high, now : float
        Probabilities.
    """
    x = lambda p: _LEFT + min(max(p, 0), 1) * (_RIGHT - _LEFT)
    parts = [_rect(_LEFT, _RIGHT, top=8, height=4, role="grid")]
    if math.isfinite(low) and math.isfinite(high):
        parts.append(_rect(x(low), max(x(high), x(low) + 2), top=5, height=10, role="fan80"))
    if math.isfinite(now):
        parts.append(_rect(x(now) - 1, x(now) + 1, top=2, height=16, role="median"))
    return Markup(f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>')


def _rect(left: float, right: float, *, top: float, height: float, role: str) -> str:
    place = f'x="{round(left, 1):g}" y="{top:g}" width="{round(right - left, 1):g}" height="{height:g}"'
    return f'<rect class="r-{role}" {place}/>'
