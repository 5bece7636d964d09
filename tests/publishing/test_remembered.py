"""Charts come out the same to the last byte, said with the same warnings, whether Matplotlib remembers or not."""

import json
import os
import re
import subprocess
import sys

import pytest
from tests.publishing.conftest import make_notebook

from analysis.publishing.environment import pinned_environment

CHARTS = (
    "import matplotlib, warnings, numpy as np, pandas as pd, matplotlib.pyplot as plt",
    # laid out by constraints, shared axes, numbers that need an offset or a power of ten
    "fig, axes = plt.subplots(2, 3, figsize=(7, 4), sharex=True, layout='constrained')\n"
    "for n, ax in enumerate(axes.flat):\n"
    "    ax.plot([1, 2, 3], [10.0**n, 2 * 10.0**n, 1e6 + n]); ax.set_title(f't {n}'); ax.grid(True)\n"
    "axes[0, 0].ticklabel_format(style='sci', scilimits=(0, 0)); axes[1, 1].plot([1, 2], [1000001, 1000002])\n"
    "axes[0, 1].twinx().plot([1, 3], [-1, 0]); fig.suptitle('Tỉnh Đắk Lắk')",
    # turned, wrapped, aligned and broken labels, a formula, a dollar
    "fig, ax = plt.subplots()\n"
    "ax.bar(['a\\nb', 'Ậ', 'c $x^2$', 'd \\\\$5'], [1, 2, -3, 0]); ax.tick_params(axis='x', rotation=37)\n"
    "ax.text(1, 1, 'right', ha='right', va='top', rotation=90, rotation_mode='anchor', linespacing=2)\n"
    "ax.text(0, 1, 'a long text that is wrapped ' * 5, wrap=True); ax.annotate('there', (1, 1), (2, -2),"
    " arrowprops={'arrowstyle': '->'}); ax.text(.5, .5, 'jagged', antialiased=False); ax.legend(['bars'])",
    # dates, logarithms, dates again with other limits, a colour bar
    "fig, (one, two, three) = plt.subplots(1, 3, figsize=(9, 3))\n"
    "one.plot(pd.date_range('2024-01-01', periods=9, freq='MS'), range(9)); two.loglog([1, 1e5], [1e-3, 10])\n"
    "fig.colorbar(three.imshow(np.arange(12.0).reshape(3, 4)), ax=three); fig.autofmt_xdate()",
    # a plot that is not rectilinear, one in three dimensions, limits that change after a drawing
    "fig = plt.figure(); fig.add_subplot(121, projection='polar').plot([0, 1, 2], [1, 2, 1])\n"
    "fig.add_subplot(122, projection='3d').plot([0, 1], [0, 1], [0, 1])",
    "fig, ax = plt.subplots(); ax.plot([0.0, -0.0, 1.0]); fig.canvas.draw(); ax.set_xlim(-1e-9, 2)\n"
    "ax.set_ylim(5, -5); ax.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(12, integer=True))\n"
    "fig.canvas.draw()\n"
    "ax.set_yticks([0, 2.5]); ax.yaxis.get_major_ticks()[0].label1.set_x(-.1)",
    # settings that change between two drawings of the same labels
    "for size in (8, 14):\n"
    "    with plt.rc_context({'font.size': size, 'font.family': 'serif' if size > 8 else 'sans-serif'}):\n"
    "        fig, ax = plt.subplots(figsize=(3, 2)); ax.plot([1, 2]); ax.set_title('same')",
    # a character and a font that are not there: told each time
    "for _ in range(2):\n"
    "    fig, ax = plt.subplots(figsize=(2, 2)); ax.set_title('\\u4e2d'); ax.set_xlabel('x', family='No Such Font')",
)
SCRIPT = """
import json, sys, nbformat, papermill
notebook = nbformat.from_dict(json.load(open(sys.argv[1])))
made = []
for _ in range(2):
    done = papermill.execute_notebook(notebook, None, engine_name=sys.argv[2], progress_bar=False)
    made.append([cell.get("outputs") for cell in done.cells])
print(json.dumps(made))
"""


def outputs(path, *, engine="candich", **environment):
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", SCRIPT, path, engine],
        capture_output=True,
        text=True,
        env={**os.environ, **pinned_environment(), **environment},
        check=True,
    )
    return json.loads(re.sub(" at 0x[0-9a-f]+", "", done.stdout.splitlines()[-1]))


@pytest.fixture
def charts(write_notebook):
    return write_notebook(make_notebook(*CHARTS, end=""))


def pictures(run):
    return [one["data"]["image/png"] for cell in run for one in cell or [] if "image/png" in one.get("data", {})]


@pytest.mark.slow
def test_charts_and_warnings_are_the_same_to_the_last_byte(charts):
    left_alone, remembering = outputs(charts, CANDICH_NO_REMEMBERING="1"), outputs(charts)
    assert len(pictures(remembering[0])) == 9
    assert "Glyph 20013" in json.dumps(remembering[0]) and "No Such Font" in json.dumps(remembering[0])
    assert remembering == left_alone


def test_it_is_taught_once_and_only_in_versions_that_were_read():
    script = (
        "import matplotlib, sys\n{change}\nfrom analysis.publishing.remembered import remember\n"
        "remember()\nimport matplotlib.pyplot, matplotlib.backends.backend_agg, matplotlib.text as text\n"
        "before = text.Text._get_layout\nremember()\nonce = text.Text._get_layout\nremember()\n"
        "print(once is before, text.Text._get_layout is once)"
    )
    taught = [
        subprocess.run(
            [sys.executable, "-c", script.format(change=change)],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
        ).stdout.split()
        for change, environment in (
            ("", {}),
            ("matplotlib.__version__ = '3.12.0'", {}),
            ("", {"CANDICH_NO_REMEMBERING": "1"}),
        )
    ]
    assert taught == [["False", "True"], ["True", "True"], ["True", "True"]]
