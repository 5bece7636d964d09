"""The panel's own record as pictures: said against seen, error by horizon, how often the bands held.

Drawn by Matplotlib with seaborn's ticks style, once a run; fixed axes, no legend but direct labels.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib import rc_context

from analysis.briefing.charts import svg
from analysis.briefing.charts.svg import ROLES
from analysis.briefing.locale import number, percent, translator

SIZE = (560, 320)
_BOX = (0.0975, 0.15, 0.48, 0.73)  # room for direct labels at the right
MAX_NAMED = 3
LABEL_WIDTH = 34  # letters of a direct label in a line


def reliability(bins: pd.DataFrame, *, language: str, key: str, title: str, description: str) -> Markup:
    """Said against seen: a point a bin with its 95 % range, the size its number of cases, the diagonal is perfect.

    `bins` have ``mean_p, share, share_lower, share_upper, n``.
    """
    _ = translator(language)
    with rc_context(_style()):
        made, axes = _axes()
        axes.plot([0, 1], [0, 1], color=ROLES["soft"], linewidth=1, linestyle=(0, (4, 3)))
        axes.vlines(bins["mean_p"], bins["share_lower"], bins["share_upper"], color=ROLES["median"], linewidth=1.5)
        size = 12 + 90 * np.sqrt(bins["n"] / bins["n"].max())
        axes.scatter(bins["mean_p"], bins["share"], s=size, color=ROLES["median"], linewidths=0)
        axes.text(1.02, 1, _("exactly as forecast"), color=ROLES["soft"], va="center")  # end of the diagonal
        ticks = [0, 0.25, 0.5, 0.75, 1]
        for setter in (axes.set_xticks, axes.set_yticks):
            setter(ticks, labels=[percent(one, language, 0) for one in ticks])
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=_("forecast probability"))
        _name_above(axes, _("actual share met"))
        body = svg.drawing(made, key=key)
    return svg.image([body], key=key, title=title, description=description, size=SIZE, class_="chart evidence")


def skill_by_horizon(
    lines: Sequence[tuple[str, np.ndarray, np.ndarray]], *, language: str, key: str, title: str, description: str
) -> Markup:
    """Brier skill against linear pace by horizon, one line an indicator; zero is no better than pace.

    `lines` are (label, horizons, skills). The best and the worst at the longest horizon are named; where more than
    ``MAX_NAMED`` run between them, these are in the table below it.
    """
    _ = translator(language)
    order = sorted(range(len(lines)), key=lambda at: float(lines[at][2][-1]))
    named = set(order) if len(lines) <= MAX_NAMED else {order[0], order[-1]}
    with rc_context(_style()):
        made, axes = _axes()
        axes.axhline(0, color=ROLES["target"], linewidth=1.5)
        ends = []
        lowest = min([float(np.nanmin(skill)) for _label, _h, skill in lines] + [-0.1])
        for at, (label, horizon, skill) in enumerate(lines):
            look = {"color": ROLES["median" if at in named else "soft"], "linewidth": 2 if at in named else 1}
            axes.plot(horizon, np.clip(skill, -1, 1), marker="o", markersize=3, zorder=2 + (at in named), **look)
            if at in named:
                ends.append((float(np.clip(skill[-1], -1, 1)), textwrap.fill(label, LABEL_WIDTH)))
        low = max(-1.0, np.floor(lowest * 4) / 4)
        axes.set(ylim=(low, 1), xlabel=_("periods ahead"))
        longest = max(float(horizon[-1]) for _label, horizon, _s in lines)
        for place, label in _apart(ends, gap=(1 - low) * 0.11):
            axes.text(longest * 1.02, place, label, color=ROLES["median"], va="center")
        axes.text(longest * 1.02, 0, _("linear pace"), color=ROLES["target"], va="center")
        ticks = np.arange(low, 1.01, 0.25)
        axes.set_yticks(ticks, labels=[percent(one, language, 0) for one in ticks])
        steps = sorted({int(one) for _label, horizon, _s in lines for one in horizon})
        steps = steps[:: max(1, len(steps) // 8)]
        axes.set_xticks(steps, labels=[number(one, language) for one in steps])
        _name_above(axes, _("error reduction compared with linear pace"))
        body = svg.drawing(made, key=key)
    return svg.image([body], key=key, title=title, description=description, size=SIZE, class_="chart evidence")


def _style() -> dict:
    """Matplotlib settings of these figures: seaborn's ticks style, our type and colours, text kept as text."""
    import seaborn  # seconds to import; only the pages drawn once a run need it

    return {**seaborn.axes_style("ticks"), **svg.BASE_RC}


def _axes():
    made = svg.figure(*SIZE)
    made.patch.set_visible(False)
    axes = made.add_axes(_BOX, facecolor="none")
    axes.grid(axis="y", linewidth=1)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    return made, axes


def _name_above(axes, name: str) -> None:
    """Name of the vertical axis, horizontal, above it."""
    axes.text(-0.19, 1.05, name, transform=axes.transAxes, color=ROLES["soft"], va="bottom")


def _apart(labels: list[tuple[float, str]], *, gap: float) -> list[tuple[float, str]]:
    placed: list[tuple[float, str]] = []
    for value, label in sorted([*labels, (0.0, "")]):  # the zero line has a label too
        place = max(value, placed[-1][0] + gap) if placed else value
        placed.append((place, label))
    return [one for one in placed if one[1]]
