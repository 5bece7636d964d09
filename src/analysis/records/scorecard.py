"""How our own past probabilities did: one row a unit, target and past cutoff with a known outcome, misses explained.

A miss is a probability on the wrong side of one half. Its cause is the first that holds: the figure it came from has
been revised since, the target has been changed, the whole panel turned the same way (a common shock), else our model.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecasting import scores
from analysis.words import schema

SHOCK_SHARE = 0.7  # share of a target's units of one cutoff that missed on the same side: then it was common
MIN_SHOCK_UNITS = 10  # fewer units cannot tell a common shock from chance
REVISION = 0.005  # a revision of this many points (as a fraction of the value for counts) explains a miss
PLAIN_KINDS = ("level_at", "sustained_from", "directional")  # their current value is the indicator's own
_KEY = ["unit", "target"]


def build_scorecard(past: pd.DataFrame, *, now: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Score every past probability whose outcome is settled by now, as ``schema.SCORECARD``.

    `past` are assessments of earlier cutoffs as published then; the rows of `now` with ``settled`` give the outcomes
    (``p_attain`` is exactly 0 or 1 there). `origin` is "published" (read from a stored run) or "recomputed" (today,
    from the data of that time). ``brier = (p_attain - outcome) ** 2``.
    """
    settled = now.loc[now["settled"] & now["p_attain"].isin([0.0, 1.0]), [*_KEY, "p_attain", "threshold", "operator"]]
    settled = settled.rename(columns={"p_attain": "outcome", "threshold": "threshold_now", "operator": "operator_now"})
    cases = past.loc[~past["settled"] & past["p_attain"].notna()].merge(settled, on=_KEY, how="inner")
    if cases.empty:
        return schema.SCORECARD.empty()
    cases["brier"] = (cases["p_attain"] - cases["outcome"]) ** 2
    cases["cause"] = _causes(cases, revised=_revised(cases))
    cases["origin"] = origin
    cases["period"] = cases["deadline"]
    columns = [one for one in schema.SCORECARD.columns if one in cases.columns]
    return schema.as_table(cases[columns], schema.SCORECARD, where="scorecard")


def _causes(cases: pd.DataFrame, *, revised: np.ndarray) -> np.ndarray:
    missed = (cases["p_attain"] > 0.5) != (cases["outcome"] > 0.5)
    side = np.sign(cases["outcome"] - cases["p_attain"]).where(missed, 0.0)
    groups = side.groupby([cases["target"], cases["cutoff"]])
    share = groups.transform("mean").abs()
    common = (share >= SHOCK_SHARE) & (groups.transform("size") >= MIN_SHOCK_UNITS)
    changed = (cases["threshold"] != cases["threshold_now"]) & cases["threshold"].notna()
    changed |= cases["operator"] != cases["operator_now"]
    return np.select(
        [~missed, revised & missed, changed & missed, common & missed],
        ["", "revision", "changed_target", "shock"],
        "model",
    )


def _revised(cases: pd.DataFrame) -> np.ndarray:
    """Whether the figure a case was forecast from stands differently in today's data (column ``current_now``)."""
    if "current_now" not in cases:
        return np.zeros(len(cases), dtype=bool)
    scale = np.where(cases["current"].abs() > 1, cases["current"].abs(), 1.0)
    return (((cases["current"] - cases["current_now"]).abs() / scale) > REVISION).to_numpy()


def with_current_now(past: pd.DataFrame, observations: pd.DataFrame) -> pd.DataFrame:
    """Add ``current_now``: today's value (last vintage) of the period that each past assessment started from.

    Missing for kinds whose current value is not the indicator's own (composites, ranks, shares of a quota, counts of
    tasks): a revision cannot be seen there.
    """
    latest = observations.drop_duplicates(["unit", "indicator", "period"], keep="last")
    values = latest[["unit", "indicator", "period", "value"]].rename(
        columns={"period": "current_period", "value": "current_now"}
    )
    merged = past.merge(values, on=["unit", "indicator", "current_period"], how="left")
    merged["current_now"] = merged["current_now"].where(merged["kind"].isin(PLAIN_KINDS))
    return merged


def summarise_scorecard(scorecard: pd.DataFrame) -> dict[str, float]:
    """Count, Brier score, base rate's Brier, skill, share of calls that came true, mean p and base rate, by name."""
    p, outcome = scorecard["p_attain"].to_numpy(float), scorecard["outcome"].to_numpy(float)
    if not len(p):
        return {"n_cases": 0}
    base_rate = float(outcome.mean())
    climatology = float(scores.brier(np.full_like(p, base_rate), outcome))
    ours = float(scores.brier(p, outcome))
    return {
        "n_cases": len(p),
        "brier": ours,
        "brier_base_rate": climatology,
        "skill": 1 - ours / climatology if climatology > 0 else float("nan"),
        "share_right": float(((p > 0.5) == (outcome > 0.5)).mean()),
        "mean_p": float(p.mean()),
        "base_rate": base_rate,
    }
