"""What a run would use: cutoffs, deadlines against them, and the tables that ``candich check`` prints."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.intake.inputs import Inputs
from analysis.intake.keys import latest
from analysis.words.periods import codes, ordinals

MAX_REFUSED = 20  # rows quoted; the rest is counted


def summarise_inputs(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """What a run would use, for ``candich check``.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    dict of DataFrame
        "sources" (rows, used, refused, empty, ignored), "indicators" (units, periods, first, latest, share of
        unit-periods without a figure), "units" (a level), "targets" (a kind), "problems" (a flag and severity),
        "refused" (the first of them, with value and row).
    """
    own = inputs.observations[~inputs.observations["flags"].str.contains("summed", regex=False)]
    known = latest(own)
    known = known[known["value"].notna()]
    rows = []
    for row in inputs.indicators.sort_values("order").to_dict("records"):
        part = known[known["indicator"].eq(row["indicator"])]
        if not len(part):
            rows.append(
                {
                    "indicator": row["indicator"],
                    "units": 0,
                    "periods": 0,
                    "first": "",
                    "latest": "",
                    "missing_share": np.nan,
                }
            )
            continue
        when = ordinals(part["period"])
        span = codes(range(int(when.min()), int(when.max()) + 1), frequency=row["frequency"])
        n_units, n_periods = part["unit"].nunique(), part["period"].nunique()
        rows.append(
            {
                "indicator": row["indicator"],
                "units": n_units,
                "periods": n_periods,
                "first": span[0],
                "latest": span[-1],
            }
            | {"missing_share": 1 - len(part) / (n_units * len(span))}
        )
    problems = inputs.quality.groupby(["severity", "flag"]).size().rename("rows").reset_index()
    order = {"error": 0, "warning": 1, "info": 2}
    problems = problems.sort_values("severity", key=lambda column: column.map(order), kind="stable", ignore_index=True)
    columns = ["source", "path", "vintage", "rows", "rows_used", "rows_refused", "rows_empty", "rows_ignored"]
    refused = inputs.quality[inputs.quality["severity"].eq("error")].head(MAX_REFUSED)
    kinds = pd.Series([one.kind for one in inputs.targets], dtype=object, name="kind")
    return {
        "sources": pd.DataFrame(list(inputs.sources), columns=columns).rename(
            columns=lambda name: name.removeprefix("rows_")
        ),
        "indicators": pd.DataFrame(rows),
        "units": inputs.units.groupby("level").size().rename("units").reset_index(),
        "targets": kinds.value_counts(sort=False).rename("targets").rename_axis("kind").reset_index(),
        "problems": problems,
        "refused": refused[["unit", "indicator", "period", "flag", "found"]].reset_index(drop=True),
    }
