"""Vietnam's units before and after 1 July 2025, and history re-based from the old ones to the new ones.

Units, names and which old commune went where come from the MIT-licensed package `vietnamadminunits` (its data files are
read; the package itself, which would load a geocoder, is not imported). Codes are those of the statistics office. After
the reform a code may stand for another territory than before, so old and new units never stand in one list: take
:func:`vietnam_units` of one edition, and let :func:`rebase` carry the history over.

The package knows which communes were split and between whom, but no populations. Where nobody states better weights, a
split commune is divided evenly, and every figure that rests on it is flagged ``split_estimated``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.words.errors import DataError, ParamsError, Problem, did_you_mean, examples, require
from analysis.words.periods import frequency_of, last_day
from analysis.words.schema import UNITS, as_table

CHANGE = "2025-07"  # first month of the two-level government: 34 provinces, 3,321 communes
NATION = "VN"
EDITIONS = ("2025-06", "2025-07")  # 63 provinces, districts, 10,035 communes; 34 provinces, 3,321 communes
BUILT_IN = "vietnam-2025"  # what `crosswalk` in a params file may say instead of a path
COLUMNS = ("old", "new", "weight", "change")  # of a crosswalk file
BASES = ("whole", "even", "stated")  # how a weight came about: not split, divided evenly, given by the user
_DAYS = {
    "2025-06": {"valid_from": "", "valid_to": "2025-06-30"},
    "2025-07": {"valid_from": "2025-07-01", "valid_to": ""},
}


@dataclass(frozen=True)
class Crosswalk:
    """Which share of every old unit went to which new unit.

    Attributes
    ----------
    rows : DataFrame
        `old`, `new` (codes), `weight` (share of the old unit, 0..1), `basis` (one of `BASES`); sorted by old and new.
    change : str
        First period of the new units.
    """

    rows: pd.DataFrame
    change: str

    def old_of(self, new: str) -> list[str]:
        """Old units that went into `new`, wholly or in part."""
        return sorted(self.rows.loc[self.rows["new"].eq(new), "old"])


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
        rows = pd.concat([*parts, nation]).sort_values(["old", "new"], ignore_index=True)
        return Crosswalk(rows, CHANGE)
    path = root / name
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig").map(str.strip)
    except FileNotFoundError:
        raise ParamsError(Problem(str(path), "there is no such file", BUILT_IN, "Check `crosswalk`")) from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ParamsError(Problem(str(path), f"it cannot be read: {error}", "CSV in UTF-8")) from None
    found = [
        Problem(str(path), f"the column {one!r} is missing", ", ".join(COLUMNS), "Add it")
        for one in COLUMNS
        if one not in frame
    ]
    found += [
        Problem(str(path), f"column {one!r} is not known", ", ".join(COLUMNS),
                did_you_mean(one, COLUMNS) or "Remove it")
        for one in frame if one not in COLUMNS
    ]  # fmt: skip
    require(found, ParamsError)
    return _from_cells(frame, where=str(path))


def _from_cells(frame: pd.DataFrame, *, where: str) -> Crosswalk:
    weight = pd.to_numeric(frame["weight"], errors="coerce")
    problems = []
    wrong = frame.loc[weight.isna(), "weight"]
    if len(wrong):
        problems.append(Problem(f"{where}: weight", f"found {examples(wrong)}", "a share 0..1", "Correct it"))
    change = sorted(set(frame["change"]))
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
    units = pd.concat([_nation(), *(_old_levels() if edition == EDITIONS[0] else _new_levels())], ignore_index=True)
    return as_table(units.assign(**_DAYS[edition]), UNITS, where=f"vietnamadminunits, edition {edition}")


def vietnam_crosswalk(*, level: str = "commune", weights: Mapping[tuple[str, str], float] | None = None) -> Crosswalk:
    """Crosswalk of the reform of 1 July 2025.

    Parameters
    ----------
    level : str
        ``"commune"``: 10,035 communes and 5 island districts into 3,321 communes; ``"province"``: 63 into 34.
    weights : mapping, optional
        ``{(old, new): share}`` for split communes, for example by population; all parts of a commune together.

    Returns
    -------
    Crosswalk

    Raises
    ------
    DataError
        For another level, weights of a pair that is not in the crosswalk, or weights that lose or invent a part.
    """
    if level not in ("commune", "province"):
        raise DataError(Problem("level", f"found {level!r}", "commune, province", "Districts were not replaced"))
    rows = _commune_rows() if level == "commune" else _province_rows()
    parts = rows.groupby("old")["new"].transform("size")
    rows = rows.assign(weight=1.0 / parts, basis=np.where(parts > 1, "even", "whole"))
    crosswalk = Crosswalk(rows.sort_values(["old", "new"], ignore_index=True), CHANGE)
    if weights:
        crosswalk = state_weights(crosswalk, weights=weights)
    return crosswalk


def state_weights(crosswalk: Crosswalk, *, weights: Mapping[tuple[str, str], float]) -> Crosswalk:
    """A crosswalk with stated weights for some split units; all parts of such a unit have to be stated.

    Raises
    ------
    DataError
        A pair that is not in the crosswalk, or weights of a unit that do not sum to 1.
    """
    rows = crosswalk.rows.copy()
    pairs = list(zip(rows["old"], rows["new"]))
    unknown = sorted(set(weights) - set(pairs))
    stated = {old for old, _ in weights}
    problems = [
        Problem("weights", f"pairs that are not in the crosswalk: {examples(unknown)}", "pairs of the crosswalk",
                "Check the codes")
    ] if unknown else []  # fmt: skip
    missing = [pair for pair in pairs if pair[0] in stated and pair not in weights]
    if missing:
        problems.append(
            Problem("weights", f"no weight for {examples(missing)}", "a weight for every part", "State them all")
        )
    require(problems)
    rows["weight"] = [weights.get(pair, weight) for pair, weight in zip(pairs, rows["weight"])]
    rows["basis"] = ["stated" if pair in weights else basis for pair, basis in zip(pairs, rows["basis"])]
    result = replace(crosswalk, rows=rows)
    require(check_crosswalk(result))
    return result


def check_crosswalk(
    crosswalk: Crosswalk,
    *,
    old_units: set[str] | None = None,
    new_units: set[str] | None = None,
    population: Mapping[str, float] | None = None,
    where: str = "crosswalk",
) -> list[Problem]:
    """Everything by which a crosswalk would lose or invent people.

    Parameters
    ----------
    crosswalk : Crosswalk
    old_units, new_units : set of str, optional
        All units that must be covered.
    population : mapping, optional
        People of every old unit, to say how many are lost.
    where : str
        For the messages.

    Returns
    -------
    list of Problem
    """
    rows, problems = crosswalk.rows, []
    if rows.duplicated(["old", "new"]).any():
        twice = rows.loc[rows.duplicated(["old", "new"]), ["old", "new"]].itertuples(index=False, name=None)
        problems.append(Problem(where, f"pairs stand twice: {examples(twice)}", "each pair once", "Remove one"))
    outside = rows.loc[~rows["weight"].between(0, 1), "old"]
    if len(outside):
        problems.append(Problem(where, f"weights outside 0..1 for {examples(outside)}", "0..1", "Correct them"))
    for old, total in rows.groupby("old")["weight"].sum().items():
        if abs(total - 1) > 1e-9:
            verb = "loses" if total < 1 else "invents"
            people = f", {abs(1 - total) * population[old]:,.0f} people" if population and old in population else ""
            found = f"unit {old!r} {verb} {abs(1 - total):.1%} of itself{people} (weights sum to {total:g})"
            problems.append(Problem(where, found, "weights that sum to 1", "State where the rest went"))
    for units, column, said in ((old_units, "old", "went nowhere"), (new_units, "new", "came from nowhere")):
        if units is None:
            continue
        lost, unknown = sorted(units - set(rows[column])), sorted(set(rows[column]) - units)
        if lost:
            problems.append(Problem(where, f"units that {said}: {examples(lost)}", "all of them", "Add their rows"))
        if unknown:
            problems.append(Problem(where, f"units not in the list: {examples(unknown)}", "", "Check the codes"))
    return problems


def valid_on(units: pd.DataFrame, *, period: str) -> pd.DataFrame:
    """Units that exist on the last day of a period; "" for `valid_from` or `valid_to` means without bound.

    Returns
    -------
    DataFrame
        `schema.UNITS`.
    """
    day = last_day(period).isoformat()
    begun = units["valid_from"].eq("") | units["valid_from"].le(day)
    return units[begun & (units["valid_to"].eq("") | units["valid_to"].ge(day))].reset_index(drop=True)


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
    """Old communes; the five island districts without communes stand for themselves under their district's code."""
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


def _nation() -> pd.DataFrame:
    row = {"unit": NATION, "name": "Việt Nam", "name_en": "Viet Nam", "parent": "", "level": "nation"}
    return pd.DataFrame([row])


def _level(rows: pd.DataFrame, *, unit: str, name: str, parent: str, level: str) -> pd.DataFrame:
    parents = rows[parent] if parent else NATION
    made = pd.DataFrame({"unit": rows[unit], "name": rows[name], "name_en": "", "parent": parents, "level": level})
    return made.drop_duplicates("unit")


def _old_levels() -> list[pd.DataFrame]:
    rows = _old()
    return [
        _level(rows, unit="provinceCode", name="province", parent="", level="province"),
        _level(rows, unit="district_unit", name="district", parent="provinceCode", level="district"),
        _level(rows[rows["ward"].ne("")], unit="wardCode", name="ward", parent="district_unit", level="commune"),
    ]


def _new_levels() -> list[pd.DataFrame]:
    return [
        _level(_new(), unit="provinceCode", name="province", parent="", level="province"),
        _level(_new(), unit="wardCode", name="ward", parent="provinceCode", level="commune"),
    ]


@lru_cache(maxsize=1)
def _converter() -> dict:
    return json.loads(_data("converter_2025.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
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


@lru_cache(maxsize=1)
def _province_rows() -> pd.DataFrame:
    pairs = [(old, new) for new, many in _converter()["DICT_PROVINCE"].items() for old in many]
    old = _old().drop_duplicates("provinceKey").set_index("provinceKey")["provinceCode"]
    new = _new().drop_duplicates("provinceKey").set_index("provinceKey")["provinceCode"]
    return _coded(pairs, old=old, new=new)


def _coded(pairs: list[tuple[str, str]], *, old: pd.Series, new: pd.Series) -> pd.DataFrame:
    rows = pd.DataFrame(pairs, columns=["old", "new"])
    return pd.DataFrame({"old": rows["old"].map(old), "new": rows["new"].map(new)})
