"""History carried from old units to the new ones they merged into: sums of counts, to the last unit.

Numerators, denominators and counts are added; a split unit's whole numbers are divided by largest remainder, so that
the parts sum to it exactly and no part's numerator is above its denominator. Percentages, levels and ranks are never
averaged: a row without counts is refused, with its reason, and nothing is dropped silently.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.registry.crosswalk import Crosswalk, check_crosswalk
from analysis.words.errors import require
from analysis.words.findings import finding
from analysis.words.periods import last_day
from analysis.words.schema import OBSERVATIONS, as_table, check_key

REBASED = "rebased"  # the figure was added up from units that no longer exist, or is a part of one
MERGER = "merger"  # first figure that a merged or divided unit reported itself
SPLIT = "split_estimated"  # and part of it rests on an even division of a split unit
PARTIAL = "rebased_partial"  # and some of those units have no figure for this period
REFUSED = "not_rebased"  # flag of the quality rows of refused figures
_KEY = ["unit", "indicator", "period", "vintage"]
_PLACE = ["unit", "indicator", "period"]
_COUNTS = ["value", "numerator", "denominator"]


@dataclass(frozen=True)
class Rebased:
    """`observations` on the new units; `findings`: what was refused or is incomplete, and why."""

    observations: pd.DataFrame
    findings: list[pd.DataFrame]


def rebase(observations: pd.DataFrame, *, crosswalk: Crosswalk, indicators: pd.DataFrame) -> Rebased:
    """Carry the figures of old units over to the new ones.

    Parameters
    ----------
    observations : DataFrame
        `schema.OBSERVATIONS`. Rows of periods before `crosswalk.change` speak of old units, later ones of new units.
    crosswalk : Crosswalk
    indicators : DataFrame
        `schema.INDICATORS`: kind and aggregation say what may be added.

    Returns
    -------
    Rebased
        A new unit's figure as of a vintage adds the latest figure that each old unit had by then. The history of a
        unit that only changed its code carries no flag.

    Raises
    ------
    DataError
        If the crosswalk loses or invents people.
    """
    check_key(observations, OBSERVATIONS)
    require(check_crosswalk(crosswalk))
    is_old = _is_before(observations["period"], crosswalk.change)
    later = observations[~is_old]
    known = set(crosswalk.rows["new"])
    stray = later["unit"].isin(set(crosswalk.rows["old"]) - known)
    refused = finding(later[stray], flag=REFUSED, case="ended", first=crosswalk.change)
    usable, findings = _usable(observations[is_old], crosswalk=crosswalk, indicators=indicators)
    added, partial = _add(_latest_by_vintage(usable, crosswalk=crosswalk), crosswalk=crosswalk)
    later = _mark_merger(later[~stray], added)
    out = pd.concat([one for one in (added, later) if len(one)] or [later], ignore_index=True)
    return Rebased(as_table(out, OBSERVATIONS, where="rebased observations"), [refused, *findings, partial])


def apportion(totals: np.ndarray, *, weights: np.ndarray) -> np.ndarray:
    """Divide whole numbers by weights so that the parts are whole and sum to the total: largest remainder.

    Parameters
    ----------
    totals : array of float, shape (n,)
        Whole numbers >= 0. A total that is not whole is divided exactly by the weights.
    weights : array, shape (n, k)
        Rows sum to 1; unused parts 0.

    Returns
    -------
    array of float, shape (n, k)
        Equal remainders: the first part gets the unit.

    Examples
    --------
    >>> apportion(np.array([7.0, 2.0]), weights=np.array([[0.5, 0.5], [0.2, 0.8]]))
    array([[4., 3.],
           [0., 2.]])
    """
    shares = totals[:, None] * weights
    whole = np.floor(shares + 1e-9)
    left = np.rint(totals - whole.sum(axis=1))
    order = np.argsort(-np.round(shares - whole, 9), axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(weights.shape[1])[None, :].repeat(len(totals), axis=0), axis=1)
    is_whole = totals == np.rint(totals)
    return np.where(is_whole[:, None], whole + (places < left[:, None]), shares)


def _is_before(periods: pd.Series, change: str) -> pd.Series:
    first = last_day(change).replace(day=1)
    before = {code: last_day(code) < first for code in periods.unique()}
    return periods.map(before).astype(bool)


def _mark_merger(later: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    """Flag the first own figure of every unit and indicator whose history was added up."""
    series = ["unit", "indicator"]
    merged = pd.MultiIndex.from_frame(added.loc[added["flags"].str.contains(REBASED), series].drop_duplicates())
    first = later["period"].eq(later.groupby(series)["period"].transform("min"))
    marked = first & pd.MultiIndex.from_frame(later[series]).isin(merged)
    return later.assign(flags=later["flags"].mask(marked, (later["flags"] + f" {MERGER}").str.strip()))


def _usable(
    rows: pd.DataFrame, *, crosswalk: Crosswalk, indicators: pd.DataFrame
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Rows that can be added, and why the others cannot."""
    table = indicators.set_index("indicator")
    kind, adds = rows["indicator"].map(table["kind"]), rows["indicator"].map(table["aggregation"]).eq("sum")
    counted = rows["numerator"].notna() & rows["denominator"].notna()
    reasons = (
        (~rows["unit"].isin(set(crosswalk.rows["old"])), "unknown_unit"),
        (kind.isna(), "unknown_indicator"),
        (~adds, "no_sums"),
        (kind.eq("rate") & ~counted, "no_counts"),
        (kind.eq("count") & rows["value"].isna(), "no_value"),
    )
    findings, open_ = [], pd.Series(True, index=rows.index)
    for wrong, case in reasons:
        findings.append(finding(rows[wrong & open_], flag=REFUSED, case=case))
        open_ &= ~wrong
    usable = rows[open_].assign(kind=kind[open_])
    is_rate = usable["kind"].eq("rate")
    return usable.assign(value=usable["value"].mask(is_rate)), findings


def _latest_by_vintage(rows: pd.DataFrame, *, crosswalk: Crosswalk) -> pd.DataFrame:
    """One row for each old unit, new unit and vintage of the new unit's figure, with the figure known by then."""
    parts = rows.rename(columns={"unit": "old"}).merge(crosswalk.rows, on="old")
    parts = parts.rename(columns={"new": "unit"})
    if parts.groupby(_PLACE)["vintage"].nunique().le(1).all():
        return parts
    known, vintages = [], parts[_KEY].drop_duplicates()
    for vintage in sorted(parts["vintage"].unique()):
        due = vintages[vintages["vintage"].eq(vintage)][_PLACE]
        then = parts[parts["vintage"].le(vintage)].sort_values("vintage").drop_duplicates(["old", *_PLACE], keep="last")
        known.append(then.merge(due, on=_PLACE).assign(vintage=vintage))
    return pd.concat(known, ignore_index=True)


def _add(parts: pd.DataFrame, *, crosswalk: Crosswalk) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sums by new unit, and findings of the sums that lack a part."""
    if parts.empty:
        return OBSERVATIONS.empty(), finding(OBSERVATIONS.empty(), flag=PARTIAL)
    parts = _divided(parts, crosswalk=crosswalk)
    group = parts.groupby(_KEY, sort=True).ngroup().to_numpy()  # numbered once: text keys are slow to group by
    by_group = parts.assign(even=parts["basis"].eq("even")).groupby(group)
    sums = by_group[[*_KEY, "kind"]].first()
    sums[_COUNTS] = by_group[_COUNTS].sum(min_count=1)
    share = sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)
    sums["value"] = sums["value"].where(sums["kind"].ne("rate"), share)
    expected = sums["unit"].map(crosswalk.rows.groupby("new")["old"].size())
    lack = expected - by_group.size()
    kept = _joined(parts["flags"].to_numpy(), group=group, n=len(sums))
    same = expected.eq(1).to_numpy() & by_group["weight"].first().eq(1).to_numpy()  # only the code changed
    rows = pd.DataFrame({"kept": kept, "same": same, "even": by_group["even"].any().to_numpy(), "lacks": lack > 0})
    words = {row: _flags(*row) for row in rows.drop_duplicates().itertuples(index=False, name=None)}
    sums["flags"] = [words[row] for row in rows.itertuples(index=False, name=None)]
    partial = finding(sums[lack > 0], flag=PARTIAL, k=lack, n=expected)
    return sums.drop(columns="kind").assign(lower=np.nan, upper=np.nan), partial


def _joined(flags: np.ndarray, *, group: np.ndarray, n: int) -> list[str]:
    """Flags of the parts of every group, in one text; most are empty."""
    out = [""] * n
    for at in np.flatnonzero(flags != ""):
        out[group[at]] += f" {flags[at]}"
    return out


def _flags(kept: str, same: bool, estimated: bool, lacks: bool) -> str:
    own = ([] if same else [REBASED]) + ([SPLIT] if estimated else []) + ([PARTIAL] if lacks else [])
    return " ".join(sorted({*kept.replace(",", " ").split(), *own}))


def _divided(parts: pd.DataFrame, *, crosswalk: Crosswalk) -> pd.DataFrame:
    """Counts of split units divided among their parts; numerator and the rest of the denominator are divided apart."""
    split = parts["weight"].to_numpy() < 1
    if not split.any():
        return parts
    order = crosswalk.rows.assign(place=crosswalk.rows.groupby("old").cumcount())
    weights = order.pivot(index="old", columns="place", values="weight").fillna(0.0)
    rows = parts[split]
    place = rows.merge(order, left_on=["old", "unit"], right_on=["old", "new"], how="left")["place"].to_numpy()
    shares = weights.loc[rows["old"]].to_numpy()
    take = np.arange(len(rows)), place

    def part_of(totals: pd.Series) -> np.ndarray:
        values = totals.to_numpy(dtype=float)
        return np.where(np.isnan(values), np.nan, apportion(np.nan_to_num(values), weights=shares)[take])

    numerator = part_of(rows["numerator"])
    rest = part_of(rows["denominator"] - rows["numerator"])
    out = parts.copy()
    out.loc[split, "value"] = part_of(rows["value"])
    out.loc[split, "numerator"] = numerator
    out.loc[split, "denominator"] = numerator + rest
    return out
