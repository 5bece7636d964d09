"""What was known at an earlier publication: its figures, its targets, its task list; and figures as they were expected.

The register keeps the figures of the last year as they were used; older ones are read by their vintage. Where a figure
has no vintage that early, the earliest there is counts.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from analysis.words.periods import last_day

_KEY = ["unit", "indicator", "period"]
_SIDES = ["value", "numerator", "denominator", "lower", "upper"]
A_YEAR = timedelta(days=365)


def newest(observations: pd.DataFrame) -> pd.DataFrame:
    """The last vintage of every figure."""
    return observations.sort_values([*_KEY, "vintage"], kind="stable").drop_duplicates(_KEY, keep="last")


def up_to(observations: pd.DataFrame, cutoff: str) -> pd.DataFrame:
    """The figures of periods that had ended with the cutoff."""
    ended = {one: last_day(one) <= last_day(cutoff) for one in observations["period"].unique()}
    return observations[observations["period"].map(ended).to_numpy(dtype=bool)]


def last_year(observations: pd.DataFrame, *, cutoff: str) -> pd.DataFrame:
    """The figures of the year before a cutoff, the last vintage of each: what the register keeps."""
    found = up_to(observations, cutoff)
    recent = {one: last_day(one) > last_day(cutoff) - A_YEAR for one in found["period"].unique()}
    return newest(found[found["period"].map(recent).to_numpy(dtype=bool)])


def figures_then(observations: pd.DataFrame, *, known_on: str, cutoff: str, kept: pd.DataFrame) -> pd.DataFrame:
    """Today's observations up to `cutoff` as they were known on a day; `kept` is what the register holds of them."""
    past = up_to(observations, cutoff)
    early = past[past["vintage"] <= known_on]
    earliest = past.sort_values([*_KEY, "vintage"], kind="stable").drop_duplicates(_KEY)
    then = newest(pd.concat([earliest, early], ignore_index=True))
    spans = {code: set(rows["period"]) for code, rows in kept.groupby("indicator")}
    replaced = [period in spans.get(code, ()) for code, period in zip(then["indicator"], then["period"])]
    known = kept[kept["indicator"].isin(past["indicator"].unique()) & kept["unit"].isin(past["unit"].unique())]
    then = pd.concat([then[~np.array(replaced, dtype=bool)], known], ignore_index=True)
    return then.sort_values(_KEY, ignore_index=True)


def are_known(observations: pd.DataFrame, *, known_on: str, cutoff: str, kept: pd.DataFrame) -> dict[str, bool]:
    """Indicator -> whether its figures at `cutoff` are read as they were then, from a vintage or from the register."""
    past = up_to(observations, cutoff)
    codes = past["indicator"].unique().tolist()
    early = set(past.loc[past["vintage"] <= known_on, "indicator"]) | set(kept["indicator"])
    return {code: code in early for code in codes}


def redefined(then: pd.DataFrame, observations: pd.DataFrame) -> pd.DataFrame:
    """The figures of then; those of a series with a break that was not declared then are today's."""
    broken = lambda rows: set(map(tuple, rows.loc[rows["flags"].str.contains("break"), _KEY].to_numpy()))
    new = {key[:2] for key in broken(observations) - broken(then)}
    if not new:
        return then
    inside = lambda rows: np.array([key in new for key in zip(rows["unit"], rows["indicator"])], dtype=bool)
    parts = [then[~inside(then)], observations[inside(observations)]]
    return pd.concat(parts, ignore_index=True).sort_values(_KEY, ignore_index=True)


def at_median(observations: pd.DataFrame, medians: pd.DataFrame) -> pd.DataFrame:
    """The newest figures, as they would be had those with a forecast come in at its median (column ``predicted``).

    A share keeps the denominator that came; a period without a figure keeps none.
    """
    merged = newest(observations).merge(medians[[*_KEY, "predicted"]], on=_KEY, how="left")
    swap = merged["predicted"].notna() & merged["value"].notna()
    value = merged["predicted"].where(swap, merged["value"])
    numerator = (merged["predicted"] * merged["denominator"]).where(swap, merged["numerator"])
    bounds = {name: merged[name].where(~swap) for name in ("lower", "upper")}
    return merged.assign(value=value, numerator=numerator, **bounds).drop(columns="predicted")
