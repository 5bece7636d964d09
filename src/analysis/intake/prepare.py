"""Raw rows made ready to read: declared columns dropped, stated corrections applied, missing unit codes filled in.

A correction counts the rows it expects; when the source has changed under it, it is an error and not a silent edit.
The units come from the source's own columns where the run names no unit file; names without codes are matched by
:mod:`analysis.registry.names`, which refuses to guess when two units fit.

We need counts, never people: a file with what looks like personal data is refused, unless the source declares the
column and drops it. The scan reads every column, also those no measure uses.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

from analysis.intake.parse import as_codes
from analysis.intake.read import RawFile
from analysis.registry.names import Unmatched, match_names
from analysis.registry.sources import SIDES, SourceParams, UpperLevel
from analysis.words.errors import MAX_EXAMPLES, Problem, did_you_mean, examples
from analysis.words.findings import finding
from analysis.words.schema import UNITS, as_table


def prepare(raw: RawFile, *, source: SourceParams) -> tuple[pd.DataFrame, list[pd.DataFrame], list[Problem]]:
    """Drop declared columns, look for personal data, check the columns, apply corrections, fill in missing unit codes.

    Returns the raw rows (a unit without code has ""), what was corrected, and what makes the file unusable.
    """
    dropped = [one.column for one in source.drop]
    problems = check_personal(raw.frame.drop(columns=dropped, errors="ignore"), where=raw.where)
    problems += _check_columns(raw.frame, source=source, where=raw.where)
    if problems:
        return raw.frame, [], problems
    frame, findings, problems = _correct(raw.frame.drop(columns=dropped), source=source, where=raw.where)
    unit = source.columns.unit
    codes = pd.Series(as_codes(frame[unit]), index=frame.index)
    frame, filled = _fill_codes(frame.assign(**{unit: codes.where(~codes.isin(source.missing), "")}), source=source)
    return frame, findings + filled, problems


def _check_columns(frame: pd.DataFrame, *, source: SourceParams, where: str) -> list[Problem]:
    """Columns that the source's file names and the raw file does not have."""
    named = [*source.columns.model_dump().values(), *_tree_columns(source)]
    named += [getattr(measure, side) for measure in source.measures for side in SIDES]
    named += [one for each in source.corrections for one in (*each.where, *each.set)]
    named += [one.column for one in source.drop]
    there = [str(one) for one in frame.columns]
    return [
        Problem(where, f"there is no column {one!r}", ", ".join(there[:30]),
                did_you_mean(one, there) or "Correct the name in the source's file")
        for one in dict.fromkeys(filter(None, named)) if one not in there
    ]  # fmt: skip


def _tree_columns(source: SourceParams) -> list[str]:
    return [one for level in source.tree for one in (level.column, level.name_column) if one]


def _correct(
    frame: pd.DataFrame, *, source: SourceParams, where: str
) -> tuple[pd.DataFrame, list[pd.DataFrame], list[Problem]]:
    frame, findings, problems, unit = frame.copy(), [], [], source.columns.unit
    for place, one in enumerate(source.corrections, start=1):
        hit = np.ones(len(frame), dtype=bool)
        for column, text in one.where.items():
            hit &= as_codes(frame[column]) == text
        if hit.sum() != one.expect:
            found, allowed = f"it fits {int(hit.sum())} rows", f"{one.expect}, as it expects"
            remedy = "The source has changed: look at the rows, then renew or remove the correction"
            problems.append(Problem(f"{where}: correction {place}", found, allowed, remedy))
            continue
        before = frame.loc[hit, list(one.set)].astype(str)
        for column, text in one.set.items():
            frame[column] = frame[column].astype(object)
            frame.loc[hit, column] = text
        mended = unit in one.set and before[unit].isin(source.missing).all()
        flag = {"flag": "mended_code", "case": "by_correction"} if mended else {"flag": "corrected"}
        changes = [f"{column}: {before[column].min()} → {text}" for column, text in one.set.items()]
        units = pd.DataFrame({"unit": as_codes(frame.loc[hit, unit])}).drop_duplicates()
        values = {"set": changes, "n": one.expect, "start": frame.index[hit][0], "reason": one.reason}
        findings.append(finding(units, **flag, source=source.source, **values))
    return frame, findings, problems


def _fill_codes(frame: pd.DataFrame, *, source: SourceParams) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """A missing unit code is filled in where the unit's name (and its parent's) belongs to exactly one code."""
    unit, name = source.columns.unit, source.columns.unit_name
    empty = frame[unit].eq("")
    if not empty.any() or not name:
        return frame, []
    by = [name] + [one.name_column for one in source.tree if one.name_column]
    known = frame.loc[~empty, [*by, unit]].drop_duplicates()
    known = known[~known.duplicated(by, keep=False)]
    frame = frame.copy()
    frame.loc[empty, unit] = frame.loc[empty, by].merge(known, on=by, how="left")[unit].fillna("").to_numpy()
    filled = pd.DataFrame({"unit": frame[unit], "row": frame.index})[empty & frame[unit].ne("")]
    units = filled.groupby("unit", sort=False)["row"].agg(["size", "first"]).reset_index()
    values = {"case": "by_name", "n": units["size"], "start": units["first"]}
    return frame, [finding(units, flag="mended_code", source=source.source, **values)]


def with_codes(frame: pd.DataFrame, *, source: SourceParams, units: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replace unit names with codes; also return the finding "unmatched_name" for rows whose name has no code."""
    column, above = source.columns.unit, source.columns.parent
    names = pd.Series(as_codes(frame[column]), index=frame.index)
    named = frame.index[names.ne("")]
    parents = as_codes(frame.loc[named, above]) if above else None
    matches = match_names(names[named], units, parents=parents, level=source.level, where=source.source)
    codes = pd.Series(matches.codes, index=named, dtype=object)
    names[named] = codes.where(codes.ne(""), names[named])
    unmatched = {row: reason for row, reason in zip(named, matches.reasons) if reason is not None}
    values = pd.DataFrame(list(unmatched.values()), index=list(unmatched), columns=list(Unmatched._fields))
    return frame.assign(**{column: names}), values


def tree_of(frame: pd.DataFrame, *, source: SourceParams) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Units of one raw file, upper levels first from `source.tree`; the last row's name and parent hold."""
    columns = source.columns
    own = {"unit": columns.unit, "name": columns.unit_name or columns.unit, "name_en": columns.unit_name_en,
           "level": columns.level, "parent": columns.parent}  # fmt: skip
    named = [*filter(None, own.values()), *_tree_columns(source)]
    frame = frame.drop_duplicates(list(dict.fromkeys(named)), keep="last")
    levels = [_upper(frame, level) for level in source.tree]
    levels.append(pd.DataFrame({name: as_codes(frame[one]) for name, one in own.items() if one}, dtype=object))
    if not columns.level:
        levels[-1]["level"] = source.level or "unit"
    for above, below in zip([None, *levels], levels):
        if "parent" not in below:
            below["parent"] = above["unit"] if above is not None else ""
    *uppers, lowest = levels
    lowest_only = lowest[~lowest["unit"].isin({unit for one in uppers for unit in one["unit"]})]
    units = pd.concat([one.drop_duplicates("unit", keep="last") for one in (*uppers, lowest_only)], ignore_index=True)
    return units.reindex(columns=list(UNITS.columns)).fillna(""), _changes(lowest, source.source)


def _upper(frame: pd.DataFrame, level: UpperLevel) -> pd.DataFrame:
    codes = pd.Series(as_codes(frame[level.column]) if level.column else [level.code] * len(frame), dtype=object)
    codes = codes.str[: level.first] if level.column and level.first else codes
    names = as_codes(frame[level.name_column]) if level.name_column else level.name
    names = codes if names is None else names
    return pd.DataFrame({"unit": codes, "level": level.level, "name": names, "name_en": level.name_en or ""})


def _changes(own: pd.DataFrame, source: str) -> list[pd.DataFrame]:
    """Units whose name or parent is not the same in all rows."""
    findings = []
    for column in ("name", "parent"):
        pairs = own[["unit", column]].drop_duplicates()
        twice = pairs[pairs.duplicated("unit", keep=False)]
        units = twice.groupby("unit", sort=False)[column].agg(list).reset_index()
        names = units[column].map(lambda one: one[:MAX_EXAMPLES])
        findings.append(finding(units, flag=f"{column}_changed", source=source, names=names))
    return findings


def merge_trees(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Units of several files as one list; a later file's name and parent hold."""
    units = pd.concat(parts, ignore_index=True).drop_duplicates("unit", keep="last")
    return as_table(units, UNITS, where="units of the sources")


MIN_HITS = 3  # distinct values in a column whose name says nothing; one is enough where the name gives it away
_START = r"(?<![0-9])(?<![0-9][.,])"  # neither inside a number nor the decimals of one
# first digit 0, province 001..096, century and sex 0..3, year, number (Circular 59/2021/TT-BCA on the citizen number)
_CITIZEN = re.compile(_START + r"0(?:0[1-9]|[1-8][0-9]|9[0-6])[0-3][0-9]{8}(?![0-9])")
_TWELVE = re.compile(_START + r"[0-9]{12}(?![0-9])")
_PHONE = re.compile(_START + r"(?:\+84[ .-]?|0)[35789](?:[ .-]?[0-9]){8}(?![0-9])")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_DAY = re.compile(r"(?:\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)\d{2}|(?:19|20)\d{2}-\d{2}-\d{2})")
_CITIZEN_NAMES = re.compile(r"cccd|cmnd|cmtnd|dinh danh|citizen|national id|id number|can cuoc|chung minh|my ?number")
_PHONE_NAMES = re.compile(r"phone|mobile|dien thoai|sdt|\btel\b|di dong")
_NAME_NAMES = re.compile(
    r"ho ten|ho va ten|full ?name|ten cong dan|ten nguoi|person|citizen name|first ?name|last ?name|hoten"
)
_BIRTH_NAMES = re.compile(r"ngay sinh|nam sinh|birth|\bdob\b|ngaysinh")
_ALLOWED = "counts of people, never people"
_REMEDY = (
    "Remove it at the source, or name the column under `drop` in the source's file with a reason: it is then left out "
    "before anything else looks at it"
)
# the fourteen commonest family names, about nine in ten people
_FAMILY = re.compile(
    r"(?:nguyen|tran|le|pham|hoang|huynh|phan|vu|vo|dang|bui|do|ho|ngo)(?: [a-z]+){1,4}", re.IGNORECASE | re.ASCII
)


def check_personal(frame: pd.DataFrame, *, where: str) -> list[Problem]:
    """What looks like personal data, a problem a column; nothing of it is quoted."""
    problems, names, births = [], [], []
    for column in frame.columns:
        title = _flat(str(column))
        cells = frame[column]
        if pd.api.types.is_numeric_dtype(cells) and not _CITIZEN_NAMES.search(title):
            continue
        distinct = [str(one) for one in pd.unique(cells)]
        for what, pattern, telling in (
            ("citizen numbers (12 digits)", _TWELVE if _CITIZEN_NAMES.search(title) else _CITIZEN, _CITIZEN_NAMES),
            ("telephone numbers", _PHONE, _PHONE_NAMES),
            ("e-mail addresses", _EMAIL, None),
        ):
            hits = [row for row in distinct if pattern.search(row)]
            if len(hits) >= (1 if telling is not None and telling.search(title) else MIN_HITS):
                found = f"{len(hits)} distinct cells of the column {str(column)!r} look like {what}"
                problems.append(Problem(where, found, _ALLOWED, _REMEDY))
        if _BIRTH_NAMES.search(title) or _look_like_births(distinct):
            births.append(column)
        elif _NAME_NAMES.search(title) or _look_like_people(distinct):
            names.append(column)
    if names and births:
        found = f"the columns {examples([*names, *births])} look like names next to dates of birth"
        problems.append(Problem(where, found, _ALLOWED, _REMEDY))
    return problems


def _look_like_births(distinct: list[str]) -> bool:
    """Many days spread over many years, none of them recent practice of reporting dates."""
    days = [one for one in distinct if _DAY.fullmatch(one.strip())]
    years = {int(re.search(r"(?:19|20)\d{2}", one)[0]) for one in days}
    return len(days) >= 20 and len(days) >= len(distinct) / 2 and min(years) < 2000 and max(years) - min(years) >= 20


def _look_like_people(distinct: list[str]) -> bool:
    hits = sum(bool(_FAMILY.fullmatch(_flat(one))) for one in distinct[:2000])
    return hits >= MIN_HITS and hits >= 0.5 * min(len(distinct), 2000)


def _flat(text: str) -> str:
    """Lower case without diacritics, separators as spaces."""
    decomposed = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    letters = "".join(one for one in decomposed if unicodedata.category(one) != "Mn")
    return re.sub(r"[\s_.-]+", " ", letters).strip()
