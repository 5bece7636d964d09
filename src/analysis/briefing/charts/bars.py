"""Small bars within a table's row: a bullet graph (Few) and a strip from 0 to 100 %, painted by class.

Both are hidden from screen readers: the words in the same row say the same, and missing marks are left out. Shape tells
the marks apart without colour: bar = now, band with line = forecast (80 %), diamond = target.
"""

from __future__ import annotations

import math

from markupsafe import Markup

from analysis.briefing.charts.trajectory import Scale


def bullet(*, scale: Scale, current: float, median: float, lower: float, upper: float, threshold: float) -> Markup:
    """Where a target is, where it is heading, where it must be; natural units, 180 x 26 pixels.

    `lower` and `upper` bound the 80 % interval at the deadline; `scale` is common to all rows of the same indicator.
    """

    def x(value: float) -> float:
        share = min(max((value - scale.low) / (scale.high - scale.low), 0.0), 1.0)
        return 3 + (1 - share if scale.turned else share) * 174

    parts = [_bar(3, 177, top=9, height=8, role="grid")]
    if math.isfinite(lower) and math.isfinite(upper):
        low, high = sorted((x(lower), x(upper)))
        parts.append(_bar(low, max(high, low + 2), top=5, height=16, role="fan80"))
    if math.isfinite(current):
        parts.append(_bar(3, max(x(current), 4), top=10.5, height=5, role="history"))
    if math.isfinite(median):
        parts.append(_bar(x(median) - 1, x(median) + 1, top=4, height=18, role="median"))
    if math.isfinite(threshold):
        parts.append(f'<path class="r-target edge" d="M{x(threshold):.1f},6l5,7l-5,7l-5,-7Z"/>')
    return Markup(f'<svg class="bullet" viewBox="0 0 180 26" aria-hidden="true">{"".join(parts)}</svg>')


def strip(*, low: float, high: float, now: float) -> Markup:
    """A band between two shares and one between them as a line, 160 x 20 pixels."""
    x = lambda share: 2 + min(max(share, 0), 1) * 156
    parts = [_bar(2, 158, top=8, height=4, role="grid")]
    if math.isfinite(low) and math.isfinite(high):
        parts.append(_bar(x(low), max(x(high), x(low) + 2), top=5, height=10, role="fan80"))
    if math.isfinite(now):
        parts.append(_bar(x(now) - 1, x(now) + 1, top=2, height=16, role="median"))
    return Markup(f'<svg class="strip" viewBox="0 0 160 20" aria-hidden="true">{"".join(parts)}</svg>')


def _bar(left: float, right: float, *, top: float, height: float, role: str) -> str:
    place = f'x="{round(left, 1):g}" y="{top:g}" width="{round(right - left, 1):g}" height="{height:g}"'
    return f'<rect class="r-{role}" {place}/>'
