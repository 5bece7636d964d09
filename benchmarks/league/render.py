"""The league's page of evidence, as Markdown, from a run's tables; docs/methods.md holds it between two markers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from league.tables import against_peers, goals, read_results

BEGIN = "<!-- league:begin (written by `python benchmarks/skill.py --render`; do not edit) -->"
END = "<!-- league:end -->"
RIVALS = {
    "climatology": "base rate (hindsight)",
    "pace12": "linear pace",
    "straight_line": "straight line",
    "auto_ets": "AutoETS",
    "auto_ets_logit": "AutoETS, logit",
    "auto_theta": "AutoTheta",
    "scum": "SCUM",
}


def as_markdown(folder: Path) -> str:
    """The block between the markers, markers included."""
    panels, slices, series = read_results(folder)
    if panels.empty:
        return "\n\n".join([BEGIN, "Not run.", END])
    parts = [BEGIN, "### Where ours is not good enough", _losses(panels, slices, series)]
    parts += ["### Goals and results", _goals(panels, slices, series)]
    parts += ["### Brier score by panel (lower is better; same cases for all)", _brier(panels)]
    parts += ["### Are our probabilities and intervals honest?", _honesty(panels)]
    parts += ["### Coverage and calibration of ours and the peers (same cells)", _beside(panels, slices)]
    parts += ["### Common shocks: digital-identity cards by cutoff (Brier)", _shocks(slices)]
    parts += ["### Competition series", _series(series), END]
    return "\n\n".join(parts)


def put_into(document: str, block: str) -> str:
    """`document` with the text between its markers replaced by `block`.

    Raises
    ------
    ValueError
        The document does not hold both markers, in order.
    """
    head, found, rest = document.partition(BEGIN)
    _, closed, tail = rest.partition(END)
    if not (found and closed):
        raise ValueError(f"the document does not hold {BEGIN!r} and {END!r}")
    return head + block + tail


def _losses(panels: pd.DataFrame, slices: pd.DataFrame, series: pd.DataFrame) -> str:
    table = goals(panels, slices, series)
    lines = [
        f"- {row.measure}: {row.result:.3f}, goal {row.goal}." for row in table[table["reached"] == "no"].itertuples()
    ]
    tasks = panels[panels["task"] != "all"]
    ours = tasks[tasks["model"] == "ensemble"].set_index(["panel", "task"])["brier"]
    for name, said in RIVALS.items():
        theirs = tasks[tasks["model"] == name].set_index(["panel", "task"])["brier"].reindex(ours.index)
        lost = theirs.index[theirs < ours]
        for key in lost:
            lines.append(f"- {key[0]}, {key[1]}: Brier {ours[key]:.3f}, {said} {theirs[key]:.3f}.")
    return "\n".join(lines) if lines else "Every goal is reached and no rival is ahead on any task."


def _goals(panels: pd.DataFrame, slices: pd.DataFrame, series: pd.DataFrame) -> str:
    table = goals(panels, slices, series)
    return _markdown(["measure", "goal", "result", "reached"], table.to_dict("records"))


def _brier(panels: pd.DataFrame) -> str:
    rows = []
    for (panel, task), part in _once(panels).groupby(["panel", "task"], sort=False):
        by_model = part.set_index("model")
        row = {"panel": panel, "task": task, "cases": int(by_model.loc["ensemble", "n_cases"])}
        row |= {"ours": by_model.loc["ensemble", "brier"]}
        row |= {said: by_model["brier"].get(name) for name, said in RIVALS.items()}
        rows.append(row)
    return _markdown(["panel", "task", "cases", "ours", *RIVALS.values()], rows)


def _honesty(panels: pd.DataFrame) -> str:
    names = {
        "origins": "n_origins",
        "ECE": "ece",
        "slope": "slope",
        "AUC": "auc",
        "80 % covers": "coverage80",
        "95 % covers": "coverage95",
        "WIS, naive = 1": "wis_to_naive",
        "skill v. base rate": "skill_climatology",
        "v. pace": "skill_pace",
        "v. pace, worst date": "worst_origin",
        "v. AutoETS": "skill_ets",
        "v. better AutoETS": "skill_best_ets",
    }
    rows = _once(panels)
    rows = rows[rows["model"] == "ensemble"].to_dict("records")
    rows = [{"panel": r["panel"], "task": r["task"]} | {said: r[name] for said, name in names.items()} for r in rows]
    return _markdown(["panel", "task", *names], rows)


def _beside(panels: pd.DataFrame, slices: pd.DataFrame) -> str:
    table = against_peers(panels, slices)
    said = {
        "model": "model",
        "cells": "cells",
        "error80": "80 %: mean absolute error",
        "signed80": "80 %: mean signed",
        "error95": "95 %: mean absolute error",
        "signed95": "95 %: mean signed",
        "ece": "ECE, mean over tasks",
        "least_slope": "slope, least",
        "median_slope": "median",
        "greatest_slope": "greatest",
    }
    names = {"ensemble": "ours", "ensemble, same cells": "ours, same cells"} | RIVALS
    table["model"] = table["model"].map(lambda name: names.get(name, name))
    note = "A cell is a task and a horizon. Signed: above 0 means intervals too wide."
    return note + "\n\n" + _markdown(list(said.values()), table.rename(columns=said).to_dict("records"))


def _once(panels: pd.DataFrame) -> pd.DataFrame:
    """Without the "all" of a panel that has one task only."""
    n_tasks = panels.groupby("panel")["task"].transform("nunique")
    return panels[~((panels["task"] == "all") & (n_tasks == 2))]


def _shocks(slices: pd.DataFrame) -> str:
    rows = slices[(slices["panel"] == "mynumber") & (slices["slice_kind"] == "origin")]
    if rows.empty:
        return "Not run."
    columns = {"with shocks": "ensemble", "before calibration": "ensemble_raw", "without shocks": "no_shocks"} | {
        said: name for name, said in RIVALS.items()
    }
    out = []
    for cutoff, part in rows.groupby("slice", sort=True):
        brier = part.set_index("model")["brier"]
        said, seen = part.set_index("model").loc["ensemble", ["mean_p", "share"]]
        row = {"cutoff": cutoff} | {name: brier.get(model) for name, model in columns.items()}
        out.append(row | {"mean p": said, "attained": seen})
    return _markdown(["cutoff", *columns, "mean p", "attained"], out)


def _series(series: pd.DataFrame) -> str:
    if series.empty:
        return "Not run."
    names = ["set", "model", "n_series", "owa", "msis", "coverage80", "coverage95"]
    return _markdown(names, series[names].to_dict("records"))


def _markdown(columns: list[str], rows: list[dict]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(row.get(name)) for name in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
