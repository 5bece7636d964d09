"""Bullet graph (Few): where it stands, where it is heading, where it must be; one line a target.

Shape tells the three apart without colour: bar = now, band with line = forecast at the
deadline (80 %), diamond = target.
"""

from __future__ import annotations

import math

from markupsafe import Markup

from analysis.briefing.charts.frame import Scale

WIDTH, HEIGHT = 180, 26
_LEFT, _RIGHT = 3, 177


def draw(*, scale: Scale, current: float, median: float, lower: float, upper: float, threshold: float) -> Markup:
    """The bullet as SVG, hidden from screen readers: the words beside it say the same; missing marks are left out.

    Parameters
    ----------
    scale : Scale
        Common to all rows of the same indicator.
    current, median, lower, upper, threshold : float
        Natural units; `lower` and `upper` bound the 80 % interval at the deadline.
    """

    def x(value: float) -> float:
        share = min(max((value - scale.low) / (scale.high - scale.low), 0.0), 1.0)
        return _LEFT + (1 - share if scale.turned else share) * (_RIGHT - _LEFT)

    parts = [_bar(_LEFT, _RIGHT, top=9, height=8, role="grid")]
    if math.isfinite(lower) and math.isfinite(upper):
        low, high = sorted((x(lower), x(upper)))
        parts.append(_bar(low, max(high, low + 2), top=5, height=16, role="fan80"))
    if math.isfinite(current):
        parts.append(_bar(_LEFT, max(x(current), _LEFT + 1), top=10.5, height=5, role="history"))
    if math.isfinite(median):
        parts.append(_bar(x(median) - 1, x(median) + 1, top=4, height=18, role="median"))
    if math.isfinite(threshold):
        at = x(threshold)
        data = f"M{at:.1f},6l5,7l-5,7l-5,-7Z"
        parts.append(f'<path class="r-target edge" d="{data}"/>')
    return Markup(f'<svg class="bullet" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>')


def _bar(left: float, right: float, *, top: float, height: float, role: str) -> str:
    place = f'x="{round(left, 1):g}" y="{top:g}" width="{round(right - left, 1):g}" height="{height:g}"'
    return f'<rect class="r-{role}" {place}/>'
