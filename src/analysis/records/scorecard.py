"""How our own past probabilities did, misses explained; and what moved since the last quarter, and why.

A promise is scored when its deadline has passed, for all units together: what can settle early settles on one side
only (a promise to stay above a level by breaking it, a list of tasks by ending it), and would turn the average.

Both explanations walk from a published probability by recomputing it, one cause after the other (`STAGES`): today's
model with the targets, definitions and figures of then; today's targets; today's definitions; today's figures. Each
step is the effect of what it adds, so the effects sum to the whole. A change goes on to the new figures: as they were
expected, then as they came. A miss goes on to the outcome: what all units of a cohort share is a common shock, the rest
is our model's, with what the model itself has changed since.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.forecasting import scores
from analysis.records.register import Entry
from analysis.words import schema
from analysis.words.periods import due_of, last_day

SHOCK_SHARE = 0.7  # share of a target's units of one cutoff that missed on the same side: then it was common
MIN_SHOCK_UNITS = 10  # fewer units cannot tell a common shock from chance
STAGES = ("model", "target", "definition", "revision")  # what each recomputation of a past quarter adds
CAUSES = ("target", "definition", "revision", "expected", "surprise", "model")
PARTS = tuple(f"from_{one}" for one in CAUSES)
MISS_CAUSES = ("revision", "changed_target", "shock", "model")
MISS_PARTS = tuple(f"from_{one}" for one in MISS_CAUSES)
LEAST_PART = 1e-9  # a part below it is none
_KEY = ["unit", "target"]


def settled_cases(past: pd.DataFrame, *, now: pd.DataFrame) -> pd.DataFrame:
    """Past probabilities whose outcome is known by `now`: ``outcome``, ``early``, ``missed``, ``common`` added.

    The deadline that counts is today's; a promise without one is never a cohort.
    """
    known = now.loc[now["settled"] & now["p_attain"].isin([0.0, 1.0]), [*_KEY, "p_attain", "deadline", "cutoff"]]
    known = known.rename(columns={"p_attain": "outcome", "deadline": "due", "cutoff": "by"})
    cases = past.loc[~past["settled"] & past["p_attain"].notna()].merge(known, on=_KEY, how="inner")
    day = {one: last_day(one) for one in {*cases["due"], *cases["by"]} if one}
    cases["early"] = np.array([not due or day[due] > day[by] for due, by in zip(cases["due"], cases["by"])], dtype=bool)
    cases["missed"] = (cases["p_attain"] > 0.5) != (cases["outcome"] > 0.5)
    side = np.sign(cases["outcome"] - cases["p_attain"]).where(cases["missed"], 0.0)
    groups = side.groupby([cases["target"], cases["cutoff"]])
    share, size = groups.transform("mean"), groups.transform("size")
    together = (share.abs() >= SHOCK_SHARE) & (size >= MIN_SHOCK_UNITS) & (side == np.sign(share))
    cases["common"] = cases["missed"] & together & ~cases["early"]
    return cases


def build_scorecard(
    past: pd.DataFrame,
    *,
    now: pd.DataFrame,
    entry: Entry,
    again: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Score every past probability whose outcome is settled by now, as ``schema.SCORECARD``.

    Parameters
    ----------
    past : DataFrame
        Assessments of one earlier cutoff as published then.
    now : DataFrame
        Today's; rows with ``settled`` give the outcomes (``p_attain`` is exactly 0 or 1 there).
    entry : Entry
        The publication that `past` is of.
    again : mapping, optional
        The cutoff of `past` recomputed, by `STAGES`; without it a miss has no cause.

    Returns
    -------
    DataFrame
        ``brier = (p_attain - outcome) ** 2``. Of a miss whose deadline has passed: the parts of
        ``outcome - p_attain``, and the largest of them that points its way as the cause.
    """
    cases = settled_cases(past, now=now)
    if cases.empty:
        return schema.SCORECARD.empty()
    cases["brier"] = (cases["p_attain"] - cases["outcome"]) ** 2
    cases["p_pace"] = on_pace(cases)
    cases[list(MISS_PARTS)], cases["cause"] = np.nan, ""
    cases["figures_then"] = bool(entry.known_on) and entry.known_on <= due_of(entry.cutoff)
    if again:
        _explain(cases, again)
    cases["origin"], cases["period"] = entry.origin, cases["due"]
    columns = [one for one in schema.SCORECARD.columns if one in cases.columns]
    return schema.as_table(cases[columns], schema.SCORECARD, where="scorecard")


def on_pace(assessments: pd.DataFrame) -> pd.Series:
    """What the pace alone forecast: 1 where it was enough, 0 where not, NaN where the row has none."""
    side = np.where(assessments["operator"].str.startswith("<"), -1.0, 1.0)
    ahead = side * (assessments["actual_pace"] - assessments["required_pace"])
    return (ahead >= -LEAST_PART).astype(float).where(ahead.notna())


def _explain(cases: pd.DataFrame, again: Mapping[str, pd.DataFrame]) -> None:
    """Fill the parts of every miss of a cohort, and its cause; in place."""
    steps, last = _walk(cases, cases["p_attain"], again)
    left = cases["outcome"] - last
    group = [cases["target"], cases["cutoff"], cases["early"]]
    common = left.groupby(group).transform("mean").where(left.groupby(group).transform("count") >= MIN_SHOCK_UNITS, 0.0)
    parts = {
        "from_revision": steps["revision"],
        "from_changed_target": steps["target"] + steps["definition"],
        "from_shock": common,
        "from_model": steps["model"] + left - common,
    }
    counted = cases["missed"] & ~cases["early"] & last.notna()
    for name in MISS_PARTS:
        cases[name] = parts[name].where(counted)
    toward = cases[list(MISS_PARTS)].mul(np.sign(cases["outcome"] - cases["p_attain"]), axis=0)
    cases.loc[counted, "cause"] = np.array(MISS_CAUSES, dtype=object)[toward[counted].to_numpy().argmax(axis=1)]


def _walk(rows: pd.DataFrame, start: pd.Series, again: Mapping[str, pd.DataFrame]) -> tuple[dict, pd.Series]:
    """What every stage adds to a probability, and where the last one ends; NaN where that is not known.

    Where a stage has no probability its effect falls to the next that has one.
    """
    before, steps = start, {}
    for stage in STAGES:
        p = rows[_KEY].merge(again[stage][[*_KEY, "p_attain"]], on=_KEY, how="left")["p_attain"]
        p = pd.Series(p.to_numpy(), index=rows.index)
        steps[stage] = p.fillna(before) - before
        before = p.fillna(before)
    known = p.notna() & start.notna()
    return {stage: step.where(known) for stage, step in steps.items()}, before.where(known)


def summarise_scorecard(scorecard: pd.DataFrame) -> dict[str, float]:
    """Count, Brier score, those of base rate and pace, skill, share of calls that came true, mean p and base rate.

    Of the cases whose deadline has passed.
    """
    scorecard = scorecard[~scorecard["early"].eq(True).to_numpy(dtype=bool)]
    p, outcome = scorecard["p_attain"].to_numpy(float), scorecard["outcome"].to_numpy(float)
    if not len(p):
        return {"n_cases": 0}
    base_rate = float(outcome.mean())
    climatology = float(scores.brier(np.full_like(p, base_rate), outcome))
    ours = float(scores.brier(p, outcome))
    paced = scorecard[scorecard["p_pace"].notna()]
    return {
        "n_cases": len(p),
        "brier": ours,
        "brier_base_rate": climatology,
        "n_pace": len(paced),
        "brier_pace": float(((paced["p_pace"] - paced["outcome"]) ** 2).mean()),
        "brier_of_paced": float(paced["brier"].mean()),
        "skill": 1 - ours / climatology if climatology > 0 else float("nan"),
        "share_right": float(((p > 0.5) == (outcome > 0.5)).mean()),
        "mean_p": float(p.mean()),
        "base_rate": base_rate,
    }


def build_changes(
    now: pd.DataFrame, *, before: pd.DataFrame, again: Mapping[str, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Compare two assessments (``schema.ASSESSMENTS``) of the same units and targets: one row each, sorted.

    `again` is the cutoff before, recomputed by `STAGES`, and ``expected``: today's cutoff with the figures that had
    been forecast. ``p_change`` is the sum of `PARTS` (NaN without `again`); the largest part is the cause.
    """
    columns = ["status", "p_attain", "current", "current_period", "threshold", "operator", "deadline"]
    both = now[[*_KEY, *columns]].merge(before[[*_KEY, *columns]], on=_KEY, suffixes=("", "_before"))
    both["p_change"] = both["p_attain"] - both["p_attain_before"]
    both["current_change"] = both["current"] - both["current_before"]
    retargeted = (both["operator"] != both["operator_before"]) | (both["deadline"] != both["deadline_before"])
    retargeted |= (both["threshold"] != both["threshold_before"]) & both["threshold"].notna()
    newer = both["current_period"] > both["current_period_before"]
    both["cause"] = np.select([retargeted, newer], ["target", "new_figures"], "model")
    both[list(PARTS)] = np.nan
    if again:
        _split(both, again)
    both = both.rename(columns={"p_attain_before": "p_before"})
    order = [*_KEY, "status_before", "status", "p_before", "p_attain", "p_change"]
    order += ["current_before", "current", "current_change", "cause", *PARTS]
    return both[order].sort_values(_KEY, ignore_index=True)


def _split(both: pd.DataFrame, again: Mapping[str, pd.DataFrame]) -> None:
    """Fill the parts of the change, and the cause from the largest; in place."""
    steps, last = _walk(both, both["p_attain_before"], again)
    hoped = both[_KEY].merge(again["expected"][[*_KEY, "p_attain"]], on=_KEY, how="left")["p_attain"].fillna(last)
    steps |= {"expected": hoped - last, "surprise": both["p_attain"] - hoped}
    known = (last.notna() & both["p_change"].notna()).to_numpy()
    for cause, part in zip(CAUSES, PARTS, strict=True):
        both[part] = steps[cause].where(known)
    sizes = both[list(PARTS)].abs().fillna(0.0).to_numpy()
    decided = known & (sizes.max(axis=1) > LEAST_PART)
    both.loc[decided, "cause"] = np.array(CAUSES, dtype=object)[sizes.argmax(axis=1)[decided]]
