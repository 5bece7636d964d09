"""An analyst's notebook as it is, made by us and by the `papermill` and `jupyter nbconvert` commands; see `speed.py`.

    python benchmarks/speed.py --analyst

Both make the same two files a page, the executed notebook and nbconvert's own HTML page, one process a page. Whatever
the two make for a unit must be the same, every picture to the last byte; what differs between any two runs is left out
(ids that pandas and Papermill draw at random, memory addresses, times, the page's file name). Ours forks each page from
a process that has made one page before; what that cost is printed as set-up.

The floor is what the cells alone cost as plain functions in such a process: no notebook, no page.

Measured on two busy cores: 8.59 s of CPU a page by the pair (3 pages) against 1.04 by us (30 pages), 8.2 times less;
the goal is 6. The floor 1.01; set-up 9.5 for three rounds. The gain is that of children of a warmed parent: a single
page by `papermill --engine candich` costs what the ordinary engine's does, within a tenth.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import re
import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import command_pair, compare, spent

LEAST = 3  # pictures on a page


def analyst(*, n_pair: int, n_ours: int) -> dict:
    """An analyst's notebook (pandas, Matplotlib, seaborn, statsmodels), with nbconvert's own template."""
    from analysis.publishing.forks import Outcome, run_forked
    from analysis.publishing.jobs import LAB, PageJob
    from analysis.publishing.page_maker import PageMaker

    def seconds(outcomes: list[Outcome]) -> list[tuple[float, float]]:
        if bad := [one.reason for one in outcomes if one.value is None]:
            raise SystemExit(f"a page was not made: {bad[0]}")
        return [(one.cpu_seconds, one.seconds) for one in outcomes]

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        notebook = folder / "analyst.ipynb"
        notebook.write_text(json.dumps(ANALYST), encoding="utf-8")
        _plain("warm-up")
        pair, ours, floor = [], [], []
        share = -(-n_ours // n_pair)
        with spent() as whole, PageMaker(n_jobs=1) as maker:
            for n in range(n_pair):
                units = [f"u{n + n_pair * at}" for at in range(share)]
                cpu, wall, html = command_pair(notebook, folder, parameters={"unit": units[0]})
                pair.append((cpu, wall))
                jobs = [PageJob(f"{unit}.html", notebook, {"unit": unit}, template=LAB) for unit in units]
                ours += seconds([outcome for _, outcome in maker.make(jobs, folder=folder)])
                for at, unit in enumerate(units):
                    for suffix in (".html", ".ipynb"):
                        (folder / f"{at}{suffix}").replace(folder / f"{unit}{suffix}")
                floor += seconds([outcome for _, outcome in run_forked(units, _plain, n_jobs=1)])
                _same(folder, units[0], html)
                _look_at(folder, units)
    return compare(pair, ours) | {
        "ours, set-up of the run, CPU s": whole.children - sum(cpu for cpu, _ in (*pair, *ours, *floor)),
        "pages compared byte by byte": n_pair,
        "floor (cells alone, no page), CPU s": statistics.median(cpu for cpu, _ in floor),
    }


def _same(folder: Path, unit: str, html: str) -> None:
    """End unless a unit's page and notebook are those of the command pair."""
    theirs, ours = html, (folder / f"{unit}.html").read_text(encoding="utf-8")
    if _pictures(ours) != _pictures(theirs):
        raise SystemExit(f"the pictures of {unit} differ from those of the command pair")
    if _settled(ours) != _settled(theirs):
        raise SystemExit(f"the page of {unit} differs from that of the command pair")
    theirs, ours = [
        [
            [one.get("source"), one.get("execution_count"), one.get("outputs")]
            for one in json.loads(path.read_text())["cells"]
        ]
        for path in (folder / "out.ipynb", folder / f"{unit}.ipynb")
    ]
    if _settled(json.dumps(ours)) != _settled(json.dumps(theirs)):
        raise SystemExit(f"the executed notebook of {unit} differs from that of the command pair")


def _look_at(folder: Path, units: list[str]) -> None:
    """End unless every unit's page is whole and no other's."""
    pages = {unit: (folder / f"{unit}.html").read_text(encoding="utf-8") for unit in units}
    for unit, html in pages.items():
        if len(_pictures(html)) < LEAST or f"{unit} ends at" not in html or not html.rstrip().endswith("</html>"):
            raise SystemExit(f"the page of {unit} is not whole")
    if len({tuple(_pictures(html)) for html in pages.values()}) != len(units):
        raise SystemExit("two units have the same pictures")


def _pictures(html: str) -> list[str]:
    return re.findall(r"data:image/png;base64,([^\"]+)", html)


def _settled(text: str) -> str:
    """Without what differs between any two runs of the same commands."""
    for pattern in (r"\bT_[0-9a-f]{5}", r"cell-id=[0-9a-f]{8}\b", r" at 0x[0-9a-f]+", r"<title>[^<]*</title>"):
        text = re.sub(pattern, "", text)
    return text


def _plain(unit: str) -> dict:
    """The notebook's cells without a notebook: results shown and figures drawn as the inline backend does."""
    from IPython.core.pylabtools import print_figure

    names: dict = {}
    n_bytes = 0
    for cell in ANALYST["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = cell["source"] if "parameters" not in cell["metadata"]["tags"] else f"unit = {unit!r}"
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) and not source.endswith(";") else None
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(tree, "cell", "exec"), names)  # noqa: S102  our own notebook
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None  # noqa: S307
        n_bytes += len(value._repr_html_()) if hasattr(value, "_repr_html_") else 0
        if "plt" in names:
            for number in names["plt"].get_fignums():
                figure = names["plt"].figure(number)
                figure.canvas.draw()  # pyplot draws what is stale after each cell, as in a kernel
                n_bytes += len(base64.b64encode(print_figure(figure, "png", bbox_inches="tight", base64=False)))
            names["plt"].close("all")
    return {"bytes": n_bytes}


def _cell(source: str, *, kind: str = "code", tags: tuple[str, ...] = (), name: str = "") -> dict:
    cell = {
        "cell_type": kind,
        "id": name or f"c{abs(hash(source)) % 10**8}",
        "metadata": {"tags": list(tags)},
        "source": source,
    }
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


ANALYST = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    "cells": [
        _cell("# A unit's figures", kind="markdown"),
        _cell('unit = "a"', tags=("parameters",)),
        _cell(
            "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\nimport seaborn as sns\n"
            "import statsmodels.api as sm\nsns.set_theme()"
        ),
        _cell(
            "random = np.random.default_rng(sum(map(ord, unit)))\n"
            "months = pd.date_range('2023-01-01', periods=36, freq='MS')\n"
            "data = pd.DataFrame(random.random((36, 8)).cumsum(0), index=months, columns=[f'i{n}' for n in range(8)])"
        ),
        _cell("data.tail(8).style.format('{:.2f}').background_gradient()"),
        _cell(
            "fits = {c: sm.OLS(data[c].to_numpy(), sm.add_constant(np.arange(36.0))).fit() for c in data}\n"
            "future = sm.add_constant(np.arange(36.0, 48), has_constant='add')\n"
            "bands = {c: fit.get_prediction(future).summary_frame(alpha=.2) for c, fit in fits.items()}"
        ),
        _cell(
            "fig, axes = plt.subplots(2, 4, figsize=(12, 5.4), sharex=True, layout='constrained')\n"
            "for ax, c in zip(axes.flat, data):\n"
            "    ax.plot(range(36), data[c]); ax.plot(range(36, 48), bands[c]['mean'])\n"
            "    ax.fill_between(range(36, 48), bands[c]['obs_ci_lower'], bands[c]['obs_ci_upper'], alpha=.3)\n"
            "    ax.set_title(c)\nfig.suptitle(unit)"
        ),
        _cell("plt.figure(figsize=(8, 3))\nsns.heatmap(data.T, cbar=True);"),
        _cell("plt.figure(figsize=(8, 3))\nsns.barplot(x=data.columns, y=data.iloc[-1]);"),
        _cell("print(unit + ' ends at', {c: round(float(data[c].iloc[-1]), 2) for c in data})"),
    ],
}
