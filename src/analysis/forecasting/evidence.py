"""Has the panel earned its probabilities? The backtest's cases, summed up by model: overall, by horizon, by origin.

All models are scored on the same cases: a case that any model could not answer is left out for all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.forecasting import scores
from analysis.words.schema import EVIDENCE, as_table

ALL_TARGETS = "all"  # target code of the rows that pool every target of the indicator
PACE = "pace12"  # the linear pace that skill_pace refers to
HINDSIGHT = "climatology"
CASE = ["target", "cutoff", "horizon", "unit"]


def evidence(cases: pd.DataFrame, *, indicator: str) -> pd.DataFrame:
    """Score every model of a backtest (:func:`.backtest.backtest_panel`) by target and slice, as ``schema.EVIDENCE``.

    `slice_kind` is "overall", "horizon" or "origin" and `slice` "all", the horizon, or the cutoff. Target "all" pools
    the targets. `bias` is the mean of ``predicted_median - observed``; a skill is NaN where its reference is not
    among the models; `n_cases` counts (unit, target, cutoff, horizon); `n_then` the
    origins that were read with the figures known then, the others are read with today's.
    """
    cases = common_cases(_compact(cases))
    rows = []
    for targets, of_target in _targets(cases):
        scored = [(kind, label, row) for kind, label, part in _slices(of_target) for row in score_models(part)]
        for target in targets:
            about = {"indicator": indicator, "target": target}
            rows += [{**about, "slice_kind": kind, "slice": label, **row} for kind, label, row in scored]
    return as_table(pd.DataFrame(rows, columns=list(EVIDENCE.columns)), EVIDENCE, where="evidence")


def common_cases(cases: pd.DataFrame) -> pd.DataFrame:
    """Only the cases that every model answered."""
    if cases.empty:
        return cases
    answered = cases.assign(ok=cases["p_attain"].notna()).groupby(CASE, observed=True)["ok"].transform("all")
    return cases[answered]


def score_models(cases: pd.DataFrame) -> list[dict]:
    """One row of scores a model, on the cases given.

    >>> cases = pd.DataFrame({"target": "t", "cutoff": "2022", "horizon": 1, "unit": ["a", "b"] * 2,
    ...     "model": ["ensemble"] * 2 + ["pace12"] * 2, "p_attain": [0.8, 0.2, 1.0, 1.0], "outcome": [1.0, 0.0] * 2,
    ...     "predicted_median": 0.5, "observed": 0.5, "lower80": 0.4, "upper80": 0.6, "lower95": 0.3, "upper95": 0.7})
    >>> [(row["model"], round(row["brier"], 3), round(row["skill_pace"], 3)) for row in score_models(cases)]
    [('ensemble', 0.04, 0.92), ('pace12', 0.5, 0.0)]
    """
    by_model = {name: part for name, part in cases.groupby("model", sort=True, observed=True)}
    brier = {name: scores.brier(part["p_attain"], part["outcome"]) for name, part in by_model.items()}
    rows = []
    for name, part in by_model.items():
        p, outcome, observed = part["p_attain"], part["outcome"], part["observed"]
        rows.append(
            {
                "model": name,
                "brier": brier[name],
                "skill_climatology": scores.skill(brier[name], brier.get(HINDSIGHT, np.nan)),
                "skill_pace": scores.skill(brier[name], brier.get(PACE, np.nan)),
                "coverage80": scores.coverage(part["lower80"], part["upper80"], observed),
                "coverage95": scores.coverage(part["lower95"], part["upper95"], observed),
                "ece": scores.ece(p, outcome),
                "slope": scores.calibration_slope(p, outcome),
                "bias": float((part["predicted_median"] - observed).mean()),
                "n_cases": len(part),
                "n_origins": part["cutoff"].nunique(),
                "n_then": part.loc[part["figures_then"], "cutoff"].nunique() if "figures_then" in part else 0,
            }
        )
    return rows


def _compact(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with their texts as codes: they are grouped a hundred times."""
    return cases.assign(**{name: cases[name].astype("category") for name in (*CASE, "model") if name != "horizon"})


def _targets(cases: pd.DataFrame) -> Iterator[tuple[list[str], pd.DataFrame]]:
    """All targets together, then each; a single one is both."""
    if cases.empty:
        return
    found = list(cases.groupby("target", sort=True, observed=True))
    yield [ALL_TARGETS, *[target for target, _cases in found if len(found) == 1]], cases
    yield from (([target], part) for target, part in found if len(found) > 1)


def _slices(cases: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    yield "overall", "all", cases
    for horizon, part in cases.groupby("horizon", sort=True):
        yield "horizon", str(horizon), part
    for cutoff, part in cases.groupby("cutoff", sort=True, observed=True):
        yield "origin", str(cutoff), part
