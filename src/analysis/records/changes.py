"""What moved since the last quarter, and why: data, target, new figures, or the model.

A change's cause is the first that holds: the target itself was changed; an old figure was revised; new figures came;
nothing new came, so our own model moved. Where the last quarter has been computed again from what is known now, the
change of probability is split: from what was said then to what we would say of then (target, revised data or model),
and from there to now (new figures, and the time that has passed). The cause then is the largest part.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

CAUSES = ("target", "revision", "new_figures", "model")
PARTS = tuple(f"from_{one}" for one in CAUSES)
_KEY = ["unit", "target"]
REVISION = 0.0005  # half a tenth of a percentage point: below what a page prints
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
    revised = (both["current_now"] - both["current_before"]).abs() > REVISION if "current_now" in both else False
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
