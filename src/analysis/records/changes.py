"""What moved since the last quarter, and why: data, target, new figures, or the model.

A change's cause is the first that holds: the target itself was changed; an old figure was revised; new figures came;
nothing new came, so our own model moved.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

CAUSES = ("target", "revision", "new_figures", "model")
_KEY = ["unit", "target"]
REVISION = 0.0005  # half a tenth of a percentage point: below what a page prints


def build_changes(now: pd.DataFrame, *, before: pd.DataFrame) -> pd.DataFrame:
    """Compare two assessments of the same units and targets.

    Parameters
    ----------
    now, before : DataFrame
        ``schema.ASSESSMENTS``; `before` may carry ``current_now`` (see ``scorecard.with_current_now``).

    Returns
    -------
    DataFrame
        One row a unit and target in both: ``status_before, status, p_before, p_attain, p_change, current_before,
        current, current_change, cause``; sorted by unit and target.
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
    both = both.rename(columns={"p_attain_before": "p_before"})
    order = [*_KEY, "status_before", "status", "p_before", "p_attain", "p_change"]
    return both[[*order, "current_before", "current", "current_change", "cause"]].sort_values(_KEY, ignore_index=True)
