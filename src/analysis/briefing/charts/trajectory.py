"""One indicator of one unit: history, promise, forecast. Is the line on its way to the target?

Reading order of the marks: 95, 80, 50 % bands (denser = likelier), history, median, the promise from its start to its
deadline, remarks on single figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from markupsafe import Markup

from analysis.briefing.charts import frame as frames
from analysis.briefing.charts import svg
from analysis.briefing.charts.frame import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, Scale
from analysis.briefing.locale import translator
from analysis.briefing.view import Fan, History
from analysis.briefing.wording import quantity
from analysis.words.periods import frequency_of, last_in
from analysis.words.periods import ordinals as read_ordinals

MAX_HISTORY = {"M": 48, "Q": 24, "Y": 20}  # periods drawn; the table beside holds the same
BANDS = ((0.95, "fan95"), (0.8, "fan80"), (0.5, "fan50"))
_LABEL_GAP = 13  # pixels between two labels


@lru_cache(maxsize=4096)
def ordinal(code: str) -> int:
    """Ordinal of one period code."""
    return int(read_ordinals([code])[0])


def ordinals(periods: Sequence[str]) -> np.ndarray:
    """Ordinals of period codes; the same few codes come again in every panel."""
    return np.array([ordinal(one) for one in periods], dtype=int)


@lru_cache(maxsize=4096)
def end_of(code: str, frequency: str) -> int:
    """Ordinal of the last period of `frequency` in a deadline."""
    return int(last_in(code, frequency).ordinal)


@dataclass(frozen=True)
class Promised:
    """What a panel draws of one target; periods as codes, "" where not stated."""

    threshold: float
    start: str = ""
    deadline: str = ""
    baseline: float = math.nan
    milestones: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Panel:
    """All a panel shows."""

    indicator: tuple
    history: History
    fan: Fan
    promised: Sequence[Promised]
    span: tuple[int, int]  # first and last period ordinal of the common horizontal scale
    scale: Scale
    language: str


def span_of(periods: Sequence[str], *, until: Sequence[str]) -> tuple[int, int]:
    """The common horizontal scale: the last years of `periods` up to the latest of `until`, within reason."""
    frequency = frequency_of(periods[-1])
    last_known = ordinals([periods[-1]])[0]
    first = max(ordinals([periods[0]])[0], last_known - MAX_HISTORY[frequency] + 1)
    ends = [end_of(one, frequency) for one in until if one]
    longest = last_known + max(6, last_known - first)  # a deadline decades away would squeeze the history
    return int(first), int(min(max([last_known + 1, *ends]), longest))


def scale_of(indicator, *, values: Sequence[float]) -> Scale:
    """Vertical scale: per cent 0 to 100 for every rate, zero-based for counts, the stated range of a level or rank."""
    known = [one for one in values if math.isfinite(one)]
    maximum = getattr(indicator, "maximum", math.nan)
    if indicator.kind == "rate":
        return Scale(0.0, 1.0 if indicator.better == "up" else frames.nice_top(max([*known, 0.1])))
    if indicator.kind == "rank":
        top = maximum if math.isfinite(maximum) else max([*known, 2])
        return Scale(1.0, float(max(top, 2)), turned=True)
    if indicator.kind == "level" and math.isfinite(maximum):
        return Scale(0.0, float(maximum))
    low = min([*known, 0.0])
    return Scale(-frames.nice_top(-low) if low < 0 else 0.0, frames.nice_top(max([*known, 0.0])))


def draw(panel: Panel, *, key: str, title: str, description: str, shared: str = "", labels: str = "") -> Markup:
    """The panel as SVG.

    Parameters
    ----------
    key : str
        Salt of the ids.
    title, description : str
    shared : str
        Key of an earlier panel on the page with the same horizontal scale: its grid is used again.
    labels : str
        Key of an earlier panel with the same vertical scale: its labels are used again.
    """
    frequency = frequency_of(panel.history.periods[-1])
    frame = frames.frame(*panel.span, frequency)
    parts = [frames.backdrop(frame, key=key, shared=shared)]
    parts.append(
        frames.ticks(frame, panel.scale, kind=panel.indicator.kind, language=panel.language, key=key, shared=labels)
    )
    known = ordinals(panel.history.periods)
    inside = known >= panel.span[0]
    parts += _fan(panel, frame, known[-1], panel.history.values[-1])
    parts += [_promise(one, panel, frame, frequency) for one in panel.promised]
    every = np.full(known[-1] - panel.span[0] + 1, np.nan)  # a missing period is a gap, not a straight line
    every[known[inside] - panel.span[0]] = panel.history.values[inside]
    x = frame.x(np.arange(panel.span[0], known[-1] + 1))
    parts.append(svg.line(x, panel.scale.y(every), role="history"))
    parts += _remarks(panel, frame, known)
    parts += _labels(panel, frame, known[-1])
    return svg.image(
        parts, key=key, title=title, description=description, size=(WIDTH, HEIGHT), class_="chart trajectory"
    )


def _fan(panel: Panel, frame: frames.Frame, cutoff: int, current: float) -> list[str]:
    at = ordinals(panel.fan.periods) if panel.fan.periods else np.empty(0, int)
    shown = at <= panel.span[1]
    if not shown.any():
        return []
    x = frame.x(np.concatenate([[cutoff], at[shown]]))
    fan, n_levels = panel.fan, len(panel.fan.levels)
    from_here = np.concatenate([np.full((1, n_levels), current), fan.predicted[shown]])
    seen = fan._replace(predicted=panel.scale.y(from_here))  # pixels
    parts = []
    for interval_level, role in BANDS:
        bounds = seen.band(interval_level)
        if bounds is not None:
            parts.append(svg.band(x, *bounds, role=role))
    median = seen.at_level(0.5)
    if median is not None:
        parts.append(svg.line(x, median, role="median"))
    return parts


def _promise(one: Promised, panel: Panel, frame: frames.Frame, frequency: str) -> str:
    first, last = panel.span
    start = end_of(one.start, frequency) if one.start else first
    end = end_of(one.deadline, frequency) if one.deadline else last
    sloped = math.isfinite(one.baseline) and start < end
    from_y = (
        one.baseline + (one.threshold - one.baseline) * max(first - start, 0) / (end - start)
        if sloped
        else one.threshold
    )
    shown_end = min(end, last)
    if sloped and shown_end < end:
        to_y = one.baseline + (one.threshold - one.baseline) * (shown_end - start) / (end - start)
    else:
        to_y = one.threshold
    x = frame.x([max(start, first), shown_end])
    y = panel.scale.y([from_y, to_y])
    parts = [svg.line(x, y, role="target")]
    if end <= last:
        parts.append(_diamond(float(x[1]), float(y[1])))
    for period, threshold in one.milestones:
        at = end_of(period, frequency)
        if first <= at <= last:
            parts.append(_diamond(float(frame.x(at)), float(panel.scale.y(threshold)), size=3.5))
    return "".join(parts)


def _diamond(x: float, y: float, *, size: float = 5) -> str:
    data = f"M{x:.1f},{y - size:.1f}l{size},{size}l-{size},{size}l-{size},-{size}Z"
    return f'<path class="r-target" d="{data}"/>'


def _remarks(panel: Panel, frame: frames.Frame, known: np.ndarray) -> list[str]:
    parts = []
    for at, value, flags in zip(known, panel.history.values, panel.history.flags):
        if not set(flags.split()) - {"rebased"} or at < panel.span[0]:  # every month before a merger: its line says so
            continue
        x = float(frame.x(at))
        if "break" in flags or "merge" in flags:
            parts.append(svg.line([x, x], [TOP, BOTTOM], role="flag"))
        if math.isfinite(value):
            parts.append(svg.dot(x, float(panel.scale.y(value)), role="flag", radius=3.5, hollow=True))
    return parts


def _labels(panel: Panel, frame: frames.Frame, cutoff: int) -> list[str]:
    """Direct labels: the promise above its line, today's figure at its point, the median at the right edge."""
    show = lambda value, **how: quantity(value, panel.indicator, panel.language, unit=False, **how)
    x, y = float(frame.x(cutoff)), float(panel.scale.y(panel.history.values[-1]))
    parts = [svg.dot(x, y, role="history", radius=3)] if math.isfinite(y) else []
    ends = [(float(panel.scale.y(one.threshold)), show(one.threshold, stated=True), "target") for one in panel.promised]
    median = panel.fan.at_level(0.5)
    if median is not None and len(median):
        at = np.flatnonzero(ordinals(panel.fan.periods) <= panel.span[1])
        if len(at):
            ends.append((float(panel.scale.y(median[at[-1]])), show(median[at[-1]]), "median"))
    parts += [svg.words(frame.right + 8, at + 4, text, role=role, bold=True) for at, text, role in spread(ends)]
    if math.isfinite(y):
        before = panel.history.values[-6:]
        came_from_above = float(np.nanmean(panel.scale.y(before))) < y - 1  # keep the label off the line
        above = y + 17 if came_from_above and y < BOTTOM - 20 or y < TOP + 22 else y - 8
        place = max(min(x - 4, frame.right - 4), LEFT + 30)
        parts.append(svg.words(place, above, show(panel.history.values[-1]), role="history", anchor="end", bold=True))
    return parts


def spread(labels: list[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Move labels apart, keeping their order, within the axes; equal texts of one role stand once.

    Examples
    --------
    >>> spread([(50.0, "80%", "target"), (52.0, "78%", "median")])
    [(44.5, '80%', 'target'), (57.5, '78%', 'median')]
    """
    labels = sorted(dict.fromkeys(labels))
    at = [one[0] for one in labels]
    for _round in range(20):
        for i in range(len(at) - 1):
            lacking = _LABEL_GAP - (at[i + 1] - at[i])
            if lacking > 1e-9:
                at[i], at[i + 1] = at[i] - lacking / 2, at[i + 1] + lacking / 2
    over = max(0.0, at[-1] - BOTTOM) if at else 0.0
    return [(place - over, text, role) for place, (_y, text, role) in zip(at, labels)]


def legend_words(language: str) -> str:
    """How to read the marks, once for all panels."""
    _ = translator(language)
    return _(
        "Black line: observed. Dashed blue: median of the forecast; the bands hold 50%, 80% and 95% of what is to be "
        "expected, the densest is the likeliest. Red-brown: the promise from its start to its deadline (diamond), "
        "smaller diamonds are milestones. Hollow circle: a figure with a remark; dotted vertical line: a change of "
        "definition or boundary."
    )
