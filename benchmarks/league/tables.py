"""From cases to the tables of the league: a row a panel, task and model; goals and results; text, CSV, Markdown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecasting import scores
from analysis.forecasting.backtest import QUANTILE_COLUMNS, QUANTILE_LEVELS
from analysis.forecasting.evidence import CASE, common_cases
from league import scoring

PANEL_COLUMNS = [
    *("panel", "task", "model", "n_cases", "n_origins", "brier", "log_score", "auc", "ece", "slope"),
    *(
        "coverage80",
        "coverage95",
        "wis_to_naive",
        "skill_climatology",
        "skill_pace",
        "skill_ets",
        "skill_best_ets",
        "worst_origin",
    ),
]
INTERVALS = ("ensemble", "auto_ets", "auto_ets_logit", "auto_theta", "scum", "prophet")
ETS = ("auto_ets", "auto_ets_logit")  # skill_best_ets: against whichever is better in hindsight


def score_panel(cases: pd.DataFrame, *, panel: str, task: str) -> pd.DataFrame:
    """One row a model; `worst_origin` is the least skill against the linear pace over cutoffs."""
    cases = common_cases(cases)
    parts = {name: part for name, part in cases.groupby("model", sort=True)}
    still, one_unit = _wis(parts["naive"]) if "naive" in parts else np.nan, task != "all"
    brier = {name: scores.brier(part["p_attain"], part["outcome"]) for name, part in parts.items()}
    best = min((brier[name] for name in ETS if name in brier), default=np.nan)
    rows = [
        {
            "panel": panel,
            "task": task,
            "model": name,
            "n_cases": len(part),
            "n_origins": part["cutoff"].nunique(),
            "brier": brier[name],
            "log_score": scoring.log_score(part["p_attain"], part["outcome"]),
            "auc": scoring.auc(part["p_attain"], part["outcome"]),
            "ece": scores.ece(part["p_attain"], part["outcome"]),
            "slope": scores.calibration_slope(part["p_attain"], part["outcome"]),
            "coverage80": scores.coverage(part["lower80"], part["upper80"], part["observed"]),
            "coverage95": scores.coverage(part["lower95"], part["upper95"], part["observed"]),
            "wis_to_naive": _wis(part) / still if one_unit else np.nan,
            "skill_climatology": scores.skill(brier[name], brier["climatology"]),
            "skill_pace": scores.skill(brier[name], brier["pace12"]),
            "skill_ets": scores.skill(brier[name], brier.get("auto_ets", np.nan)),
            "skill_best_ets": scores.skill(brier[name], best),
            "worst_origin": min(_by_origin(part, parts["pace12"]).values(), default=np.nan),
        }
        for name, part in parts.items()
    ]
    return pd.DataFrame(rows, columns=PANEL_COLUMNS)


def score_slices(cases: pd.DataFrame, *, panel: str, task: str) -> pd.DataFrame:
    """Brier and coverage by horizon, Brier by cutoff, for every model."""
    rows = []
    for kind, column in (("horizon", "horizon"), ("origin", "cutoff")):
        for (model, label), part in common_cases(cases).groupby(["model", column], sort=True):
            rows.append(
                {
                    "panel": panel,
                    "task": task,
                    "slice_kind": kind,
                    "slice": str(label),
                    "model": model,
                    "n_cases": len(part),
                    "brier": scores.brier(part["p_attain"], part["outcome"]),
                    "mean_p": part["p_attain"].mean(),
                    "share": part["outcome"].mean(),
                    "coverage80": scores.coverage(part["lower80"], part["upper80"], part["observed"]),
                    "coverage95": scores.coverage(part["lower95"], part["upper95"], part["observed"]),
                }
            )
    return pd.DataFrame(rows)


def _wis(part: pd.DataFrame) -> float:
    """Mean weighted interval score; a point forecast's is its absolute error. One case a (unit, cutoff, horizon)."""
    part = part.drop_duplicates([name for name in CASE if name != "target"])
    columns = part[list(QUANTILE_COLUMNS)].to_numpy(float)
    if np.isnan(columns[:, 2]).all():
        return float("nan")
    if np.isnan(columns).any():
        return float(np.nanmean(np.abs(columns[:, 2] - part["observed"])))
    return float(scoring.wis(columns, part["observed"], levels=QUANTILE_LEVELS).mean())


def _by_origin(part: pd.DataFrame, pace: pd.DataFrame) -> dict[str, float]:
    ours = ((part["p_attain"] - part["outcome"]) ** 2).groupby(part["cutoff"]).mean()
    theirs = ((pace["p_attain"] - pace["outcome"]) ** 2).groupby(pace["cutoff"]).mean()
    return {one: scores.skill(ours[one], theirs[one]) for one in ours.index if theirs[one] > 0}


def score_all(parts: list[tuple[str, str, pd.DataFrame]]) -> pd.DataFrame:
    """A row a panel, task and model, and "all": every case of the panel."""
    rows = []
    for panel in dict.fromkeys(name for name, _, _ in parts):
        own = [(task, cases) for name, task, cases in parts if name == panel]
        rows += [score_panel(cases, panel=panel, task=task) for task, cases in own]
        if len(own) > 1:
            kept = set.intersection(*(set(cases["model"]) for _, cases in own))
            kept |= {"auto_ets_logit"} if any("auto_ets_logit" in set(cases["model"]) for _, cases in own) else set()
            whole = pd.concat([_with_unit(cases, task=task, kept=kept) for task, cases in own], ignore_index=True)
            rows.append(score_panel(whole, panel=panel, task="all"))
        else:
            rows.append(rows[-1].assign(task="all"))
    return pd.concat(rows, ignore_index=True)


def _with_unit(cases: pd.DataFrame, *, task: str, kept: set[str]) -> pd.DataFrame:
    out = cases[cases["model"].isin(kept)].assign(target=task + " " + cases["target"])
    if "auto_ets_logit" in kept and "auto_ets_logit" not in set(out["model"]):
        # a level has no logit: there the plain one serves for both
        out = pd.concat([out, out[out["model"] == "auto_ets"].assign(model="auto_ets_logit")], ignore_index=True)
    return out


def goals(panels: pd.DataFrame, slices: pd.DataFrame, series: pd.DataFrame) -> pd.DataFrame:
    """Goal and result: a row a measure, with ``goal, result, reached``."""
    rows = [*_series_goals(series), *_panel_goals(panels, slices)]
    table = pd.DataFrame(rows, columns=["measure", "goal", "result", "reached"])
    table["reached"] = np.where(table["result"].isna(), "-", np.where(table["reached"], "yes", "no"))
    return table


def _series_goals(series: pd.DataFrame) -> list[tuple]:
    rows = []
    if series.empty:
        return rows
    value = series.set_index(["set", "model"])
    for name, limit in (("M3 monthly", 0.81), ("M3 quarterly", 0.77)):
        if (name, "ensemble") in value.index:
            owa = value.loc[(name, "ensemble"), "owa"]
            rows.append((f"OWA, {name}", f"<= {limit}", owa, owa <= limit))
    for name in series.loc[series["model"] == "scum", "set"]:
        gap = value.loc[(name, "ensemble"), "owa"] - value.loc[(name, "scum"), "owa"]
        rows.append((f"OWA less SCUM's, {name}", "<= 0", gap, gap <= 0))
    for name in (one for one in series["set"].unique() if "(" not in one and (one, "auto_ets") in value.index):
        change = value.loc[(name, "ensemble"), "msis"] / value.loc[(name, "auto_ets"), "msis"] - 1
        rows.append((f"MSIS against AutoETS, {name}", "<= -0.20", change, change <= -0.20))
    return rows


def _panel_goals(panels: pd.DataFrame, slices: pd.DataFrame) -> list[tuple]:
    if panels.empty:
        return []
    ours = panels[(panels["model"] == "ensemble") & (panels["task"] == "all")].set_index("panel")
    cells = slices[(slices["model"] == "ensemble") & (slices["slice_kind"] == "horizon")]
    error80, error95 = (cells["coverage80"] - 0.8).abs().mean(), (cells["coverage95"] - 0.95).abs().mean()
    rows = [
        ("coverage error of 80 % intervals, mean over task x horizon", "<= 0.015", error80, error80 <= 0.015),
        ("coverage error of 95 % intervals, mean over task x horizon", "<= 0.010", error95, error95 <= 0.010),
    ]
    ets, best, pace, worst = (ours[one] for one in ("skill_ets", "skill_best_ets", "skill_pace", "worst_origin"))
    worst = worst.min()
    rows += [
        ("Brier skill against AutoETS, least of the panels", ">= 0.10", ets.min(), ets.min() >= 0.10),
        ("Brier skill against AutoETS, median of the panels", ">= 0.25", ets.median(), ets.median() >= 0.25),
        ("the same against the better of AutoETS raw and logit, least", ">= 0.10", best.min(), best.min() >= 0.10),
        ("the same, median", ">= 0.25", best.median(), best.median() >= 0.25),
        ("Brier skill against linear pace, median of the panels", ">= 0.45", pace.median(), pace.median() >= 0.45),
        ("Brier skill against linear pace, worst origin date", "> 0", worst, worst > 0),
        ("ECE, mean over panels", "<= 0.02", ours["ece"].mean(), ours["ece"].mean() <= 0.02),
        ("calibration slope, least", ">= 0.9", ours["slope"].min(), ours["slope"].min() >= 0.9),
        ("calibration slope, greatest", "<= 1.1", ours["slope"].max(), ours["slope"].max() <= 1.1),
    ]
    return rows


def against_peers(panels: pd.DataFrame, slices: pd.DataFrame) -> pd.DataFrame:
    """Coverage and calibration of ours and of every peer: what is attainable on these cells.

    A row a model that gives intervals, and "ensemble" once more for the cells of a model that was not asked everywhere.
    Errors of coverage are means over cells (task x horizon): of absolute values, and signed (above 0: too wide). ECE is
    the mean over tasks, `slope` its range over tasks.
    """
    cells = slices[(slices["slice_kind"] == "horizon") & slices["coverage80"].notna()]
    cells = cells.set_index(["panel", "task", "slice"])
    tasks = panels[panels["task"] != "all"].set_index(["panel", "task"])
    rows = []
    for model in (one for one in INTERVALS if one in set(cells["model"])):
        own = cells[cells["model"] == model]
        asked = own.index.droplevel("slice").unique()
        same = cells[cells["model"] == "ensemble"].loc[own.index]
        rows.append(_row_against(own, tasks[tasks["model"] == model].loc[asked], model=model))
        if len(own) < (cells["model"] == "ensemble").sum():
            ours = tasks[tasks["model"] == "ensemble"].loc[asked]
            rows.append(_row_against(same, ours, model="ensemble, same cells"))
    return pd.DataFrame(rows)


def _row_against(cells: pd.DataFrame, tasks: pd.DataFrame, *, model: str) -> dict:
    gap80, gap95 = cells["coverage80"] - 0.8, cells["coverage95"] - 0.95
    return {
        "model": model,
        "cells": len(cells),
        "error80": gap80.abs().mean(),
        "signed80": gap80.mean(),
        "error95": gap95.abs().mean(),
        "signed95": gap95.mean(),
        "ece": tasks["ece"].mean(),
        "least_slope": tasks["slope"].min(),
        "median_slope": tasks["slope"].median(),
        "greatest_slope": tasks["slope"].max(),
    }


def as_text(folder) -> str:
    """The tables of a run, for the terminal."""
    panels, slices, series = read_results(folder)
    parts = []
    if not panels.empty:
        wanted = ["panel", "task", "model", "n_cases", *PANEL_COLUMNS[5:]]
        parts.append(panels[wanted].round(3).to_string(index=False))
        parts.append(_origins(slices).to_string())
        parts.append(against_peers(panels, slices).round(3).to_string(index=False))
    if not series.empty:
        parts.append(series.round(3).to_string(index=False))
    parts.append(goals(panels, slices, series).round(3).to_string(index=False))
    return "\n\n".join(parts)


def _origins(slices: pd.DataFrame) -> pd.DataFrame:
    wanted = ["ensemble", "ensemble_raw", "no_shocks", "climatology", "pace12", "auto_ets", "auto_ets_logit"]
    rows = slices[(slices["slice_kind"] == "origin") & slices["model"].isin(wanted)]
    table = rows.pivot_table(index=["panel", "task", "slice"], columns="model", values="brier", sort=False)
    said = rows[rows["model"] == "ensemble"].set_index(["panel", "task", "slice"])[["mean_p", "share"]]
    return table.join(said).round(3)


def read_results(folder) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The three tables of a run; an empty one where that part was not run."""
    from pathlib import Path

    files = [Path(folder) / f"skill_{name}.csv" for name in ("panels", "slices", "series")]
    return tuple(pd.read_csv(one) if one.exists() else pd.DataFrame() for one in files)
