"""Vietnam's units before and after 1 July 2025, and which old one went into which new one.

Units, names and pairs come from the MIT-licensed package `vietnamadminunits` (its data files are read; the package
itself, which would load a geocoder, is not imported). Codes are those of the statistics office. After the reform a code
may mean another territory than before, so old and new units are never in one list: take :func:`vietnam_units` of one
edition, and let :func:`analysis.registry.rebase.rebase` carry the history over.

The package knows which communes were split and between whom, but no populations. A split commune is divided evenly, and
every figure that rests on it is flagged ``split_estimated``; a crosswalk file may state better weights.
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
from analysis.words.periods import frequency_of
from analysis.words.schema import UNITS, as_table

CHANGE = "2025-07"  # first month of the two-level government: 34 provinces, 3,321 communes
NATION = "VN"
EDITIONS = ("2025-06", "2025-07")  # 63 provinces, districts, 10,035 communes; 34 provinces, 3,321 communes
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

    Parameters
    ----------
    name : str
        `BUILT_IN` (communes, provinces and the nation), or the path of a CSV with `COLUMNS`.
    root : Path
        Folder that the path starts at.

    Returns
    -------
    Crosswalk
        Weights of a file count as stated, not as estimated.

    Raises
    ------
    ParamsError
        No such file, wrong columns, a weight that is no number, more than one change, people lost or invented: all at
        once.
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


def vietnam_units(*, edition: str) -> pd.DataFrame:
    """Units of Vietnam before (``edition="2025-06"``) or after (``"2025-07"``) the reform of 1 July 2025.

    Parameters
    ----------
    edition : str
        One of `EDITIONS`.

    Returns
    -------
    DataFrame
        `schema.UNITS` with the levels nation, province, (district,) commune. Districts are written ``064.622``: their
        numbers repeat neither commune nor province codes. Five island districts have no communes.

    Raises
    ------
    DataError
        For another edition.
    """
    if edition not in EDITIONS:
        raise DataError(Problem("edition", f"found {edition!r}", ", ".join(EDITIONS), "Choose one of them"))
    is_old = edition == EDITIONS[0]
    rows = (_old() if is_old else _new()).assign(nation=NATION)
    levels = {"province": ("provinceCode", "nation"), "commune": ("wardCode", "provinceCode")}
    if is_old:
        levels |= {"district": ("district_unit", "provinceCode"), "commune": ("wardCode", "district_unit")}
    names = {"province": "province", "district": "district", "commune": "ward"}
    nation = {"unit": NATION, "name": "Việt Nam", "name_en": "Viet Nam", "parent": "", "level": "nation"}
    parts = [pd.DataFrame([nation])]
    for level, (unit, parent) in levels.items():
        part = pd.DataFrame({"unit": rows[unit], "name": rows[names[level]], "parent": rows[parent], "level": level})
        parts.append(part[part["name"].ne("")].drop_duplicates("unit").assign(name_en=""))
    days = {"valid_from": "", "valid_to": "2025-06-30"} if is_old else {"valid_from": "2025-07-01", "valid_to": ""}
    return as_table(pd.concat(parts, ignore_index=True).assign(**days), UNITS, where=f"vietnamadminunits, {edition}")


def vietnam_crosswalk(*, level: str = "commune") -> Crosswalk:
    """Crosswalk of the reform of 1 July 2025.

    Parameters
    ----------
    level : str
        ``"commune"``: 10,035 communes and 5 island districts into 3,321 communes; ``"province"``: 63 into 34.

    Returns
    -------
    Crosswalk
        Split communes divided evenly.
    """
    rows = _commune_rows() if level == "commune" else _province_rows()
    parts = rows.groupby("old")["new"].transform("size")
    rows = rows.assign(weight=1.0 / parts, basis=np.where(parts > 1, "even", "whole"))
    return Crosswalk(rows.sort_values(["old", "new"], ignore_index=True), CHANGE)


def check_crosswalk(crosswalk: Crosswalk, *, where: str = "crosswalk") -> list[Problem]:
    """Everything by which a crosswalk would lose or invent people.

    Returns
    -------
    list of Problem
    """
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
