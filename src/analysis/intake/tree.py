"""The tree of units as a source's own columns state it, where the run names no unit file."""

from __future__ import annotations

import pandas as pd

from analysis.intake.cells import as_codes
from analysis.intake.checks import finding
from analysis.registry.sources import SourceParams, UpperLevel
from analysis.words.schema import UNITS, as_table


def tree_of(frame: pd.DataFrame, *, source: SourceParams) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Units of one raw file, upper levels first from `source.tree`; the last row's name and parent hold.

    Parameters
    ----------
    frame : DataFrame
        Raw rows after corrections, rows without a unit code left out.
    source : SourceParams

    Returns
    -------
    units, findings : tuple
        Rows with the columns of `schema.UNITS` (not yet checked), and what was noticed.
    """
    columns = source.columns
    named = [
        one for one in (columns.unit, columns.unit_name, columns.unit_name_en, columns.parent, columns.level) if one
    ]
    named += [one for level in source.tree for one in (level.column, level.name_column) if one]
    frame = frame.drop_duplicates(list(dict.fromkeys(named)), keep="last")
    codes = as_codes(frame[columns.unit])
    uppers = [_upper(frame, level) for level in source.tree]
    own = pd.DataFrame({"unit": codes})
    own["name"] = as_codes(frame[columns.unit_name]) if columns.unit_name else codes
    own["name_en"] = as_codes(frame[columns.unit_name_en]) if columns.unit_name_en else ""
    own["level"] = as_codes(frame[columns.level]) if columns.level else (source.level or "unit")
    if columns.parent:
        own["parent"] = as_codes(frame[columns.parent])
    else:
        own["parent"] = uppers[-1]["unit"].to_numpy() if uppers else ""
    findings = _two_ways(own, source.source)
    rows = []
    for place, upper in enumerate(uppers):
        upper["parent"] = uppers[place - 1]["unit"].to_numpy() if place else ""
        rows.append(upper.drop_duplicates("unit", keep="last"))
    above = set().union(*(set(one["unit"]) for one in rows)) if rows else set()
    rows.append(own[~own["unit"].isin(above)].drop_duplicates("unit", keep="last"))
    return pd.concat(rows, ignore_index=True).reindex(columns=list(UNITS.columns)).fillna(""), findings


def _upper(frame: pd.DataFrame, level: UpperLevel) -> pd.DataFrame:
    if level.column is None:
        codes = pd.Series([level.code] * len(frame), dtype=object)
    else:
        codes = pd.Series(as_codes(frame[level.column]), dtype=object)
        codes = codes.str[: level.first] if level.first else codes
    names = as_codes(frame[level.name_column]) if level.name_column else level.name
    out = pd.DataFrame({"unit": codes, "level": level.level})
    out["name"] = names if names is not None else codes
    out["name_en"] = level.name_en or ""
    return out


def _two_ways(own: pd.DataFrame, source: str) -> list[pd.DataFrame]:
    """Units whose name or parent is not the same in all rows."""
    findings = []
    for column, flag in (("name", "name_changed"), ("parent", "parent_changed")):
        pairs = own[["unit", column]].drop_duplicates()
        twice = pairs[pairs.duplicated("unit", keep=False)]
        if len(twice):
            told = twice.groupby("unit", sort=False)[column].agg(lambda names: ", ".join(map(repr, names[:5])))
            units = told.reset_index()
            findings.append(
                finding(units, flag=flag, found="written " + units[column] + "; the last holds", source=source)
            )
    return findings


def merge_trees(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Units of several files as one list; a later file's name and parent hold.

    Returns
    -------
    DataFrame
        `schema.UNITS`.
    """
    units = pd.concat(parts, ignore_index=True).drop_duplicates("unit", keep="last")
    return as_table(units, UNITS, where="units of the sources")
