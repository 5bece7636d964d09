"""The frame of a small multiple: Matplotlib lays axes, grid and ticks out once; every unit's marks go into it.

Horizontal scale: period ordinals. Vertical scale: 0..1 in quarters; what a quarter means is written per chart, so one
frame serves every indicator and every unit of the same periods.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analysis.briefing.charts import svg
from analysis.briefing.locale import number, percent
from analysis.briefing.theme import ROLES

WIDTH, HEIGHT = 360, 212
LEFT, RIGHT, TOP, BOTTOM = 48, 312, 16, 188  # of the axes, in pixels from the upper left corner
_TEXT = re.compile(r'<text [^>]*?x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>')
N_STEPS = 4
_STEPS = (1, 2, 3, 4, 6, 8, 10)  # highest values whose quarters are short numbers


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

    Examples
    --------
    >>> step_of(62), step_of(1), step_of(2000)
    (4.0, 264.0, 0.132)
    """
    step = (RIGHT - LEFT) / max(n_steps, 1)
    return math.floor(2 * step) / 2 if step >= 1 else step


@lru_cache(maxsize=32)
def frame(first: int, last: int, frequency: str) -> Frame:
    """Axes for the periods `first` to `last` (ordinals of one frequency), drawn by Matplotlib once a process."""
    made = svg.figure(WIDTH, HEIGHT)
    last = max(last, first + 1)
    right = LEFT + (last - first) * step_of(last - first)
    box = (LEFT / WIDTH, 1 - BOTTOM / HEIGHT, (right - LEFT) / WIDTH, (BOTTOM - TOP) / HEIGHT)
    axes = made.add_axes(box, facecolor="none")
    made.patch.set_visible(False)
    axes.set(xlim=(first, last), ylim=(0, 1))
    axes.set_yticks([at / N_STEPS for at in range(N_STEPS + 1)], labels=[f"@{at}@" for at in range(N_STEPS + 1)])
    axes.tick_params(axis="y", length=0, pad=5, labelcolor=ROLES["soft"], labelsize=11)
    axes.grid(axis="y", color=ROLES["grid"], linewidth=1)
    ticks, labels = year_ticks(first, last, frequency)
    axes.set_xticks(ticks, labels=labels)
    axes.tick_params(axis="x", length=0, pad=5, labelcolor=ROLES["soft"], labelsize=11)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(ROLES["soft"])
    return Frame(*_compact(svg.drawing(made, key=f"{first}-{last}-{frequency}"), right=right), first, last)


def _compact(body: str, *, right: float) -> tuple[str, str]:
    """Matplotlib's places of labels and grid lines in few words: the grid with its years, the labels."""
    labels = [(float(x), float(y), text) for x, y, text in _TEXT.findall(body)]
    rows = {True: [], False: []}
    for x, y, text in labels:
        rows[text.startswith("@")].append(f'<text x="{x:.0f}" y="{y:.0f}">{text}</text>')
    heights = sorted({float(y) for y in re.findall(r'd="M [\d.]+ ([\d.]+) L [\d.]+ \1 ?"', body)}, reverse=True)
    lines = "".join(f"M{LEFT},{y:g}H{right:g}" for y in heights)
    grid = (
        f'<g class="r-soft" text-anchor="middle">{"".join(rows[False])}</g>'
        f'<path class="r-grid ln" d="{lines}"/><path class="r-soft ln" d="M{LEFT},{BOTTOM}H{right:g}"/>'
    )
    return grid, f'<g class="r-soft" text-anchor="end">{"".join(rows[True])}</g>'


def year_ticks(first: int, last: int, frequency: str) -> tuple[list[float], list[str]]:
    """Where the years stand: at the middle of each, at most six; months for a short span.

    Examples
    --------
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

    Examples
    --------
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
    for limit, factor, word in ((1e9, 1e-9, {"vi": " tỷ", "en": "bn"}), (1e6, 1e-6, {"vi": " tr", "en": "m"})):
        if abs(value) >= limit:
            short = value * factor
            return number(short, language, 0 if float(short).is_integer() else 1) + word[language]
    return number(value, language, 0 if float(value).is_integer() or abs(value) >= 100 else 1)


def backdrop(frame_: Frame, *, key: str, shared: str) -> str:
    """Grid and years of a panel, or a reference to those of an earlier panel on the page."""
    return f'<use href="#g-{shared}"/>' if shared else f'<g id="g-{key}">{frame_.grid}</g>'


def ticks(frame_: Frame, scale: Scale, *, kind: str, language: str, key: str, shared: str) -> str:
    """The numbers of this scale beside the grid lines, or a reference to those of an earlier panel on the page."""
    if shared:
        return f'<use href="#l-{shared}"/>'
    labels = frame_.labels.replace("<g ", f'<g id="l-{key}" ', 1)
    for at, value in enumerate(scale.ticks()):
        labels = labels.replace(f"@{at}@", tick_text(value, kind, language), 1)
    return labels
