"""Vietnam's units before and after 1 July 2025, and which old one went into which new one.

Units, names and pairs come from the MIT-licensed package `vietnamadminunits` (its data files are read; the package
itself, which would load a geocoder, is not imported). Codes are those of the statistics office. After the reform a code
may mean another territory than before, so old and new units are never in one list: :func:`rebase` carries the
history over.

The package knows which communes were split and between whom, but no populations. A split commune is divided evenly, and
every figure that rests on it is flagged ``split_estimated``; a crosswalk file may state better weights.

History is carried over as sums of counts, to the last unit. Numerators, denominators and counts are added; a split
unit's whole numbers are divided by largest remainder, so that the parts sum to it exactly and no part's numerator is
above its denominator. Percentages, levels and ranks are never averaged: a row without counts is refused, with its
reason, and nothing is dropped silently.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.registry.units import read_csv
from analysis.words.errors import DataError, ParamsError, Problem, examples, require
from analysis.words.findings import finding
from analysis.words.periods import frequency_of, last_day
from analysis.words.schema import OBSERVATIONS, as_table

CHANGE = "2025-07"  # first month of the two-level government: 34 provinces, 3,321 communes
NATION = "VN"
BUILT_IN = "vietnam-2025"  # what `crosswalk` in a params file may say instead of a path
COLUMNS = ("old", "new", "weight", "change")  # of a crosswalk file


@dataclass(frozen=True)
class Crosswalk:
    """Which share of every old unit went to which new unit.

    Attributes
    ----------
    rows : DataFrame
        `old`, `new` (codes), `weight` (share of the old unit, 0..1), `basis` ("whole": not split, "even": divided
        evenly, "stated": as a file says); sorted by old and new.
    change : str
        First period of the new units.
    """

    rows: pd.DataFrame
    change: str


def read_crosswalk(name: str, *, root: Path) -> Crosswalk:
    """The crosswalk that a params file names.

    `name` is `BUILT_IN` (communes, provinces and the nation), or the path of a CSV with `COLUMNS`, whose weights count
    as stated, not as estimated.

    ParamsError: no such file, wrong columns, a weight that is no number, more than one change, people lost or invented:
    all at once.
    """
    if name == BUILT_IN:
        nation = pd.DataFrame([{"old": NATION, "new": NATION, "weight": 1.0, "basis": "whole"}])
        parts = [vietnam_crosswalk(level=level).rows for level in ("commune", "province")]
        return Crosswalk(pd.concat([*parts, nation]).sort_values(["old", "new"], ignore_index=True), CHANGE)
    frame = read_csv(root / name, columns=COLUMNS, key="crosswalk")
    where, weight = str(root / name), pd.to_numeric(frame["weight"], errors="coerce")
    wrong, change = frame.loc[weight.isna(), "weight"], sorted(set(frame["change"]))
    problems = []
    if len(wrong):
        problems.append(Problem(f"{where}: weight", f"found {examples(wrong)}", "a share 0..1", "Correct it"))
    if len(change) != 1 or frequency_of(change[0]) is None:
        found = f"found {examples(change)}" if change else "there is no row"
        remedy = "Write the first period of the new units in every row"
        problems.append(Problem(f"{where}: change", found, "one period code, as 2025-07", remedy))
    require(problems, ParamsError)
    rows = frame[["old", "new"]].assign(weight=weight, basis=np.where(weight < 1, "stated", "whole"))
    crosswalk = Crosswalk(rows.sort_values(["old", "new"], ignore_index=True), change[0])
    require(check_crosswalk(crosswalk, where=where), ParamsError)
    return crosswalk


def vietnam_crosswalk(*, level: str = "commune") -> Crosswalk:
    """Crosswalk of the reform of 1 July 2025.

    ``"commune"``: 10,035 communes and 5 island districts into 3,321 communes; ``"province"``: 63 into 34. Split
    communes are divided evenly.
    """
    rows = _commune_rows() if level == "commune" else _province_rows()
    parts = rows.groupby("old")["new"].transform("size")
    rows = rows.assign(weight=1.0 / parts, basis=np.where(parts > 1, "even", "whole"))
    return Crosswalk(rows.sort_values(["old", "new"], ignore_index=True), CHANGE)


def check_crosswalk(crosswalk: Crosswalk, *, where: str = "crosswalk") -> list[Problem]:
    """Everything by which a crosswalk would lose or invent people."""
    rows, problems = crosswalk.rows, []
    if rows.duplicated(["old", "new"]).any():
        twice = rows.loc[rows.duplicated(["old", "new"]), ["old", "new"]].itertuples(index=False, name=None)
        problems.append(Problem(where, f"pairs occur twice: {examples(twice)}", "each pair once", "Remove one"))
    outside = rows.loc[~rows["weight"].between(0, 1), "old"]
    if len(outside):
        problems.append(Problem(where, f"weights outside 0..1 for {examples(outside)}", "0..1", "Correct them"))
    for old, total in rows.groupby("old")["weight"].sum().items():
        if abs(total - 1) > 1e-9:
            verb = "loses" if total < 1 else "invents"
            found = f"unit {old!r} {verb} {abs(1 - total):.1%} of itself (weights sum to {total:g})"
            problems.append(Problem(where, found, "weights that sum to 1", "State where the rest went"))
    return problems


def _data(name: str) -> Path:
    spec = find_spec("vietnamadminunits")
    if spec is None or spec.origin is None:
        raise DataError(
            Problem("vietnamadminunits", "the package is not installed", "", "Install the locked requirements")
        )
    return Path(spec.origin).parent / "data" / name


def _query(sql: str) -> pd.DataFrame:
    with closing(sqlite3.connect(f"{_data('dataset.db').as_uri()}?mode=ro", uri=True)) as connection:
        return pd.read_sql_query(sql, connection).fillna("")


@lru_cache(maxsize=1)
def _old() -> pd.DataFrame:
    """Old communes; the five island districts without communes count as one, under their district's code."""
    rows = _query(
        "SELECT province, provinceCode, provinceKey, district, districtCode, districtKey, ward, wardCode, wardKey "
        "FROM admin_units_legacy"
    )
    rows["district_unit"] = rows["provinceCode"] + "." + rows["districtCode"]
    rows["unit"] = rows["wardCode"].where(rows["wardCode"].ne(""), rows["district_unit"])
    rows["key"] = rows["provinceKey"] + "_" + rows["districtKey"] + "_" + rows["wardKey"]
    return rows


@lru_cache(maxsize=1)
def _new() -> pd.DataFrame:
    rows = _query("SELECT province, provinceCode, provinceKey, ward, wardCode, wardKey FROM admin_units")
    return rows.assign(key=rows["provinceKey"] + "_" + rows["wardKey"])


@lru_cache(maxsize=1)
def _converter() -> dict:
    return json.loads(_data("converter_2025.json").read_text(encoding="utf-8"))


def _commune_rows() -> pd.DataFrame:
    data = _converter()
    pairs = [
        (old, f"{province}_{new}")
        for province, communes in data["DICT_PROVINCE_WARD_NO_DIVIDED"].items()
        for new, many in communes.items()
        for old in many
    ]
    pairs += [
        (old, f"{province}_{part['newWardKey']}")
        for province, communes in data["DICT_PROVINCE_WARD_DIVIDED"].items()
        for old, parts in communes.items()
        for part in parts
    ]
    return _coded(pairs, old=_old().set_index("key")["unit"], new=_new().set_index("key")["wardCode"])


def _province_rows() -> pd.DataFrame:
    pairs = [(old, new) for new, many in _converter()["DICT_PROVINCE"].items() for old in many]
    old = _old().drop_duplicates("provinceKey").set_index("provinceKey")["provinceCode"]
    new = _new().drop_duplicates("provinceKey").set_index("provinceKey")["provinceCode"]
    return _coded(pairs, old=old, new=new)


def _coded(pairs: list[tuple[str, str]], *, old: pd.Series, new: pd.Series) -> pd.DataFrame:
    rows = pd.DataFrame(pairs, columns=["old", "new"])
    return pd.DataFrame({"old": rows["old"].map(old), "new": rows["new"].map(new)})


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
