"""A chart drawn into a frame laid out once looks like the same chart built afresh by Matplotlib: pixels compared."""

import io
import re

import numpy as np
import pytest
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.briefing.charts import trajectory
from analysis.briefing.charts.svg import ROLES
from analysis.briefing.charts.trajectory import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, Panel, Scale, step_of
from analysis.briefing.view import view_of
from briefing.factory import make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CASES = [("001", "online"), ("002", "online"), ("003", "late"), ("001", "vneid")]
PAGE = (
    "<!DOCTYPE html><style>{css} * {{ margin: 0 }} svg {{ display: block; width: 360px; height: 212px }}"
    "text, .dot, .hollow {{ display: none }} .ln {{ stroke-dasharray: none !important }}</style>{svg}"
)


@pytest.fixture(scope="module")
def css():
    from analysis.publishing.chrome import stylesheet

    return stylesheet().replace("<\\/", "</")


def panel_of(view, unit, code):
    history, fan = view.history(unit, code), view.fan(unit, code)
    history = history._replace(flags=[""] * len(history.flags))
    span = trajectory.span_of(history.periods, until=[fan.periods[-1]])
    top = 1.0 if view.indicators[code].kind == "rate" else float(1.1 * np.nanmax(fan.predicted))
    return Panel(view.indicators[code], history, fan, [], span, Scale(0.0, top), "vi")


def fresh(panel):
    """The same figure from nothing: a new Matplotlib figure with ordinary artists."""
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)
    FigureCanvasAgg(figure)
    first, last = panel.span
    right = LEFT + (last - first) * step_of(last - first)
    box = (LEFT / WIDTH, 1 - BOTTOM / HEIGHT, (right - LEFT) / WIDTH, (BOTTOM - TOP) / HEIGHT)
    axes = figure.add_axes(box, facecolor="none")
    axes.set(xlim=(first, last), ylim=(panel.scale.low, panel.scale.high))
    axes.set_yticks(panel.scale.ticks())
    axes.tick_params(length=0, labelsize=0)
    axes.grid(axis="y", color=ROLES["grid"], linewidth=1)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set(visible=name == "bottom", color=ROLES["soft"], linewidth=0.8)
    known = trajectory.ordinals(panel.history.periods)
    ahead = np.concatenate([known[-1:], trajectory.ordinals(panel.fan.periods)])
    now = panel.history.values[-1]
    for level, role in trajectory.BANDS:
        low, high = (np.concatenate([[now], one]) for one in panel.fan.band(level))
        axes.fill_between(ahead, low, high, color=ROLES[role], linewidth=0, clip_on=False)
    every = np.full(known[-1] - first + 1, np.nan)
    every[known[known >= first] - first] = panel.history.values[known >= first]
    style = {"linewidth": 2, "clip_on": False, "solid_capstyle": "butt"}
    axes.plot(ahead, np.concatenate([[now], panel.fan.at_level(0.5)]), color=ROLES["median"], **style)
    axes.plot(np.arange(first, known[-1] + 1), every, color=ROLES["history"], **style)
    axes.set(xlim=(first, last), ylim=(panel.scale.low, panel.scale.high))
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True)
    return re.sub(r"^.*?(?=<svg)", "", out.getvalue(), flags=re.DOTALL)


def picture(chromium, css, svg):
    page = chromium.new_page(viewport={"width": 360, "height": 212}, device_scale_factor=2, color_scheme="light")
    page.set_content(PAGE.format(css=css, svg=svg))
    shot = page.screenshot(clip={"x": 0, "y": 0, "width": 360, "height": 212})
    page.close()
    return image.imread(io.BytesIO(shot))[..., :3]


@pytest.mark.parametrize(("unit", "code"), CASES)
def test_a_prebuilt_chart_looks_like_a_fresh_one(chromium, css, unit, code, record_property):
    view = view_of(make_run(), "vi")
    panels = [panel_of(view, *one) for one in [*CASES, (unit, code)]]  # the frame has served others before
    drawn = [trajectory.draw(one, key="c0", title="t", description="d") for one in panels]
    ours, theirs = picture(chromium, css, drawn[-1]), picture(chromium, css, fresh(panels[-1]))
    apart = (np.abs(ours - theirs).max(axis=2) > 0.25).mean()
    inked = (theirs.min(axis=2) < 0.9).mean()
    record_property("share of pixels apart", float(apart))
    assert inked > 0.02, "the fresh picture is empty"
    assert apart < 0.002, f"{apart:.2%} of the pixels differ"
    moved = np.roll(ours, 6, axis=0)  # three CSS pixels: the test sees a shift
    assert (np.abs(moved - theirs).max(axis=2) > 0.25).mean() > 2 * apart
