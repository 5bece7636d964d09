"""One indicator of one unit: history, promise, forecast. Is the line on its way to the target?

Matplotlib lays axes, grid and ticks out once (:func:`lay_out`); every unit's marks go into that frame as paths of their
own. Horizontal scale: period ordinals. Vertical scale: 0..1 in quarters; what a quarter means is written per chart, so
one frame serves every indicator and every unit of the same periods. A page of 11 charts takes 3.3 ms CPU for them; with
Matplotlib for every frame alone it took 243 ms.

Reading order of the marks: 95, 80, 50 % bands (denser = likelier), history, median, the promise from its start to its
deadline, remarks on single figures.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from markupsafe import Markup

from analysis.briefing.charts import svg
from analysis.briefing.locale import number, percent, translator
from analysis.briefing.view import Fan, History
from analysis.briefing.wording import quantity
from analysis.words.periods import frequency_of, last_in
from analysis.words.periods import ordinals as read_ordinals

WIDTH, HEIGHT = 360, 212
LEFT, RIGHT, TOP, BOTTOM = 48, 312, 16, 188  # of the axes, in pixels from the upper left corner
N_STEPS = 4
MAX_HISTORY = {"M": 48, "Q": 24, "Y": 20}  # periods drawn; the table next to it has the same
BANDS = ((0.95, "fan95"), (0.8, "fan80"), (0.5, "fan50"))
_TEXT = re.compile(r'<text [^>]*?x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>')
_GRID_LINE = re.compile(r'd="M [\d.]+ ([\d.]+) L [\d.]+ \1 ?"')
_STEPS = (1, 2, 3, 4, 6, 8, 10)  # highest values whose quarters are short numbers
_LABEL_GAP = 13  # pixels between two labels


@dataclass(frozen=True)
class Frame:
    """Static part of a panel and the way from data to pixels."""

    grid: str
    labels: str
    first: int
    last: int

    def x(self, ordinals) -> np.ndarray:
        """Pixels of period ordinals."""
        return LEFT + (np.asarray(ordinals, float) - self.first) * step_of(self.last - self.first)

    @property
    def right(self) -> float:
        """Right edge of the axes."""
        return float(self.x(self.last))


@dataclass(frozen=True)
class Scale:
    """A vertical scale from `low` to `high`; ranks run downwards (best on top)."""

    low: float
    high: float
    turned: bool = False

    def y(self, values) -> np.ndarray:
        """Pixels of values; values outside the scale end at its edge."""
        share = np.clip((np.asarray(values, float) - self.low) / (self.high - self.low), -0.02, 1.03)
        return TOP + (share if self.turned else 1 - share) * (BOTTOM - TOP)

    def ticks(self) -> list[float]:
        """The five values on the grid lines, from the bottom up."""
        values = [self.low + (self.high - self.low) * at / N_STEPS for at in range(N_STEPS + 1)]
        return values[::-1] if self.turned else values


def step_of(n_steps: int) -> float:
    """Pixels from one period to the next: halves of a pixel, so that coordinates are short.

    >>> step_of(62), step_of(1), step_of(2000)
    (4.0, 264.0, 0.132)
    """
    step = (RIGHT - LEFT) / max(n_steps, 1)
    return math.floor(2 * step) / 2 if step >= 1 else step


@lru_cache(maxsize=32)
def lay_out(first: int, last: int, frequency: str) -> Frame:
    """Axes for the periods `first` to `last` (ordinals of one frequency), laid out by Matplotlib once a process."""
    made = svg.figure(WIDTH, HEIGHT)
    last = max(last, first + 1)
    right = LEFT + (last - first) * step_of(last - first)
    axes = made.add_axes((LEFT / WIDTH, 1 - BOTTOM / HEIGHT, (right - LEFT) / WIDTH, (BOTTOM - TOP) / HEIGHT))
    axes.set(xlim=(first, last), ylim=(0, 1))
    axes.set_yticks([at / N_STEPS for at in range(N_STEPS + 1)], labels=[f"@{at}@" for at in range(N_STEPS + 1)])
    axes.set_xticks(*year_ticks(first, last, frequency))
    axes.tick_params(length=0, pad=5, labelsize=11)
    axes.grid(axis="y")
    body = svg.drawing(made, key=f"{first}-{last}-{frequency}")
    years, labels = [], []  # places in whole pixels are all that is kept of it: the style sheet paints them
    for x, y, text in _TEXT.findall(body):
        place = f'<text x="{float(x):.0f}" y="{float(y):.0f}">{text}</text>'
        (labels if text.startswith("@") else years).append(place)
    heights = sorted(set(map(float, _GRID_LINE.findall(body))), reverse=True)
    lines = "".join(f"M{LEFT},{y:g}H{right:g}" for y in heights)
    grid = (
        f'<g class="r-soft" text-anchor="middle">{"".join(years)}</g>'
        f'<path class="r-grid ln" d="{lines}"/><path class="r-soft ln" d="M{LEFT},{BOTTOM}H{right:g}"/>'
    )
    return Frame(grid, f'<g class="r-soft" text-anchor="end">{"".join(labels)}</g>', first, last)


def year_ticks(first: int, last: int, frequency: str) -> tuple[list[float], list[str]]:
    """Where the years stand: at the middle of each, at most six; months for a short span.

    >>> year_ticks(624, 659, "M")     # 2022-01 to 2024-12
    ([629.5, 641.5, 653.5], ['2022', '2023', '2024'])
    """
    per_year = {"M": 12, "Q": 4, "Y": 1}[frequency]
    if last - first < 1.5 * per_year and frequency == "M":
        step = max(1, math.ceil((last - first + 1) / 6))
        months = list(range(first, last + 1, step))
        return months, [f"{1 + one % 12}/{(1970 + one // 12) % 100:02d}" for one in months]
    years = range(first // per_year, last // per_year + 1)
    middles = [one * per_year + (per_year - 1) / 2 for one in years]
    shown = [(middle, 1970 + year) for middle, year in zip(middles, years) if first <= middle <= last]
    step = max(1, math.ceil(len(shown) / 6))
    shown = shown[(len(shown) - 1) % step :: step]
    return [middle for middle, _ in shown], [str(year) for _, year in shown]


def nice_top(value: float) -> float:
    """The lowest round number at or above `value` whose quarters are short too.

    >>> nice_top(28), nice_top(127), nice_top(0)
    (30.0, 200.0, 1.0)
    """
    if not value > 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return next((one * power for one in _STEPS if one * power >= value * (1 - 1e-9)), 10 * power)


def tick_text(value: float, kind: str, language: str) -> str:
    """Label of a grid line, at most seven characters."""
    if kind == "rate":
        return percent(value, language, 0 if float(round(100 * value, 6)).is_integer() else 1)
    _ = translator(language)
    for factor, pattern in ((1e-9, _("{n}bn")), (1e-6, _("{n}m"))):
        short = value * factor
        if abs(short) >= 1:
            return pattern.format(n=number(short, language, 0 if float(short).is_integer() else 1))
    return number(value, language, 0 if float(value).is_integer() or abs(value) >= 100 else 1)


def tick_labels(frame: Frame, panel: Panel, *, key: str) -> str:
    """The numbers of the panel's scale next to the grid lines."""
    labels = frame.labels.replace("<g ", f'<g id="l-{key}" ', 1)
    for at, value in enumerate(panel.scale.ticks()):
        labels = labels.replace(f"@{at}@", tick_text(value, panel.indicator.kind, panel.language), 1)
    return labels


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
        return Scale(0.0, 1.0 if indicator.better == "up" else nice_top(max([*known, 0.1])))
    if indicator.kind == "rank":
        top = maximum if math.isfinite(maximum) else max([*known, 2])
        return Scale(1.0, float(max(top, 2)), turned=True)
    if indicator.kind == "level" and math.isfinite(maximum):
        return Scale(0.0, float(maximum))
    low = min([*known, 0.0])
    return Scale(-nice_top(-low) if low < 0 else 0.0, nice_top(max([*known, 0.0])))


def draw(panel: Panel, *, key: str, title: str, description: str, shared: str = "", labels: str = "") -> Markup:
    """The panel as SVG.

    `key` salts the ids. `shared` and `labels` are keys of earlier panels on the page with the same horizontal and the
    same vertical scale: their grid and their labels are used again.
    """
    frequency = frequency_of(panel.history.periods[-1])
    frame = lay_out(*panel.span, frequency)
    parts = [
        f'<use href="#g-{shared}"/>' if shared else f'<g id="g-{key}">{frame.grid}</g>',
        f'<use href="#l-{labels}"/>' if labels else tick_labels(frame, panel, key=key),
    ]
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


def _fan(panel: Panel, frame: Frame, cutoff: int, current: float) -> list[str]:
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


def _promise(one: Promised, panel: Panel, frame: Frame, frequency: str) -> str:
    first, last = panel.span
    start = end_of(one.start, frequency) if one.start else first
    end = end_of(one.deadline, frequency) if one.deadline else last
    sloped = math.isfinite(one.baseline) and start < end
    slope = (one.threshold - one.baseline) / (end - start) if sloped else 0.0
    x = np.array([max(start, first), min(end, last)])
    y = panel.scale.y(one.threshold - slope * (end - x))
    x = frame.x(x)
    parts = [svg.line(x, y, role="target")]
    if end <= last:
        parts.append(_diamond(x[1], y[1]))
    for period, threshold in one.milestones:
        at = end_of(period, frequency)
        if first <= at <= last:
            parts.append(_diamond(frame.x(at), panel.scale.y(threshold), size=3.5))
    return "".join(parts)


def _diamond(x: float, y: float, *, size: float = 5) -> str:
    data = f"M{x:.1f},{y - size:.1f}l{size},{size}l-{size},{size}l-{size},-{size}Z"
    return f'<path class="r-target" d="{data}"/>'


def _remarks(panel: Panel, frame: Frame, known: np.ndarray) -> list[str]:
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


def _labels(panel: Panel, frame: Frame, cutoff: int) -> list[str]:
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
        "Black line: observed figures. Dashed blue line: median forecast; the bands contain 50%, 80% and 95% of "
        "the likely outcomes, darker is more likely. Red-brown line: the target from its start to its deadline "
        "(diamond); smaller diamonds are milestones. Hollow circle: a figure with a note. Dotted vertical line: a "
        "change of definition or boundary."
    )
