"""How our own past probabilities did, misses explained; and what moved since the last quarter, and why.

A miss is a probability on the wrong side of one half. Its cause is the first that holds: the figure it came from has
been revised since, the target has been changed, the whole panel turned the same way (a common shock), else our model.

What moved since the last quarter (:func:`build_changes`) has a cause too, the first that holds: the target itself was
changed; an old figure was revised; new figures came; nothing new came, so our own model moved. Where the last quarter
has been computed again from what is known now, the change of probability is split: from what was said then to what we
would say of then (target, revised data or model), and from there to now (new figures, and the time that has passed).
The cause then is the largest part.
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


CAUSES = ("target", "revision", "new_figures", "model")
PARTS = tuple(f"from_{one}" for one in CAUSES)
VISIBLE = 0.0005  # half a tenth of a percentage point: below what a page prints
LEAST_PART = 1e-9  # a part below it is none


def build_changes(now: pd.DataFrame, *, before: pd.DataFrame, again: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compare two assessments (``schema.ASSESSMENTS``) of the same units and targets: one row each, sorted.

    `before` may carry ``current_now`` (:func:`.scorecard.with_current_now`); `again` is the cutoff before, computed
    from today's targets, figures and code. ``p_change`` is the sum of ``from_target, from_revision, from_new_figures,
    from_model`` (NaN without `again`).
    """
    columns = ["status", "p_attain", "current", "current_period", "threshold", "operator", "deadline"]
    kept = [*columns, *(["current_now"] if "current_now" in before else [])]
    both = now[[*_KEY, *columns]].merge(before[[*_KEY, *kept]], on=_KEY, suffixes=("", "_before"))
    both["p_change"] = both["p_attain"] - both["p_attain_before"]
    both["current_change"] = both["current"] - both["current_before"]
    retargeted = (both["operator"] != both["operator_before"]) | (both["deadline"] != both["deadline_before"])
    retargeted |= (both["threshold"] != both["threshold_before"]) & both["threshold"].notna()
    revised = (both["current_now"] - both["current_before"]).abs() > VISIBLE if "current_now" in both else False
    newer = both["current_period"] > both["current_period_before"]
    both["cause"] = np.select([retargeted, revised, newer], ["target", "revision", "new_figures"], "model")
    both[list(PARTS)] = np.nan
    if again is not None:
        _split(both, again, then=np.select([retargeted, revised], ["target", "revision"], "model"))
    both = both.rename(columns={"p_attain_before": "p_before"})
    order = [*_KEY, "status_before", "status", "p_before", "p_attain", "p_change"]
    order += ["current_before", "current", "current_change", "cause", *PARTS]
    return both[order].sort_values(_KEY, ignore_index=True)


def _split(both: pd.DataFrame, again: pd.DataFrame, *, then: np.ndarray) -> None:
    """Fill the parts of the change, and the cause from the largest; in place."""
    p_again = both[_KEY].merge(again[[*_KEY, "p_attain"]], on=_KEY, how="left")["p_attain"]
    known = (p_again.notna() & both["p_change"].notna()).to_numpy()
    for cause, part in zip(CAUSES, PARTS, strict=True):
        own = (p_again - both["p_attain_before"]).where(then == cause, 0.0)
        both[part] = ((both["p_attain"] - p_again) if cause == "new_figures" else own).where(known)
    sizes = both[list(PARTS)].abs().fillna(0.0).to_numpy()
    decided = known & (sizes.max(axis=1) > LEAST_PART)
    both.loc[decided, "cause"] = np.array(CAUSES, dtype=object)[sizes.argmax(axis=1)[decided]]
