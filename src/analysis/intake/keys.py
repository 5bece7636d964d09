"""One figure for each unit, indicator, period and vintage: several dates, repeated rows, rows that disagree."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.intake.checks import finding
from analysis.registry.sources import SIDES, SourceParams

KEY = ["unit", "indicator", "period"]


def one_row_a_key(rows: pd.DataFrame, *, source: SourceParams) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Settle rows that share a key.

    Parameters
    ----------
    rows : DataFrame
        ``Observed.rows`` of one file; refused rows are left alone.
    source : SourceParams

    Returns
    -------
    rows, findings : tuple
        Of several dates in one period the last stays (where the source says so), of equal rows the first; rows that
        disagree are all refused as "duplicate_key".
    """
    usable = rows["refused"].eq("") & rows[list(SIDES)].notna().any(axis=1)
    twice = usable & rows[usable].duplicated(KEY, keep=False).reindex(rows.index, fill_value=False)
    if not twice.any():
        return rows, []
    rows, findings, drop = rows.copy(), [], pd.Series(False, index=rows.index)
    same = rows[twice].sort_values([*KEY, "day", "row"])
    if source.several_dates == "last":
        last = same.groupby(KEY)["day"].transform("max")
        earlier = same[same["day"] < last]
        if len(earlier):
            drop[earlier.index] = True
            told = "the figure of " + earlier["day"].dt.strftime("%Y-%m-%d") + " is not used (row "
            findings.append(_noted(earlier, "several_dates", told + earlier["row"].astype(str) + ")", source))
            same = same.drop(earlier.index)
    repeated = same.duplicated([*KEY, *SIDES])
    if repeated.any():
        again = same[repeated]
        drop[again.index] = True
        findings.append(_noted(again, "repeated_row", "row " + again["row"].astype(str) + " repeats another", source))
        same = same[~repeated]
    disagree = same[same.duplicated(KEY, keep=False)]
    if len(disagree):
        told = disagree.groupby(KEY)["row"].transform(lambda which: "rows " + ", ".join(map(str, which[:5])))
        values = disagree["value"].map(lambda one: f"{one:.10g}")
        rows.loc[disagree.index, "refused"] = "duplicate_key"
        rows.loc[disagree.index, "found"] = told + " disagree, here " + values
    return rows[~drop], findings


def _noted(rows: pd.DataFrame, flag: str, found: pd.Series, source: SourceParams) -> pd.DataFrame:
    return finding(rows, flag=flag, found=found, source=source.source)


def latest(observations: pd.DataFrame, *, as_of: str | None = None) -> pd.DataFrame:
    """The newest figure of each unit, indicator and period that was known on a day.

    Parameters
    ----------
    observations : DataFrame
        `schema.OBSERVATIONS`.
    as_of : str, optional
        ISO date; None: everything is known.

    Returns
    -------
    DataFrame
        One row a key, in no stated order.
    """
    known = observations if as_of is None else observations[observations["vintage"] <= as_of]
    if known["vintage"].nunique() <= 1:
        return known.reset_index(drop=True)
    ordered = known.sort_values([*KEY, "vintage"], kind="stable")
    return ordered[~ordered.duplicated(KEY, keep="last").to_numpy()].reset_index(drop=True)


def pivot(rows: pd.DataFrame, *, column: str, units: list[str], periods: list[str]) -> np.ndarray:
    """One column of one indicator as a block, NaN where there is no row.

    Parameters
    ----------
    rows : DataFrame
        One row a unit and period.
    column : str
    units, periods : list of str
        Rows and columns of the block; rows of other units or periods are left out.

    Returns
    -------
    array, shape (len(units), len(periods))
    """
    block = np.full((len(units), len(periods)), np.nan)
    row = pd.Index(units).get_indexer(rows["unit"])
    place = pd.Index(periods).get_indexer(rows["period"])
    inside = (row >= 0) & (place >= 0)
    block[row[inside], place[inside]] = rows[column].to_numpy(dtype=float)[inside]
    return block
