"""Raw rows made ready to read: declared columns dropped, stated corrections applied, missing unit codes filled in.

A correction counts the rows it expects; when the source has changed under it, it is an error and not a silent edit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.intake.cells import as_codes
from analysis.intake.checks import finding
from analysis.intake.personal import check_personal
from analysis.intake.read import RawFile
from analysis.registry.sources import SIDES, SourceParams
from analysis.words.errors import Problem, did_you_mean


def prepare(raw: RawFile, *, source: SourceParams) -> tuple[pd.DataFrame, list[pd.DataFrame], list[Problem]]:
    """Drop declared columns, look for personal data, check the columns, apply corrections, fill in missing unit codes.

    Parameters
    ----------
    raw : RawFile
    source : SourceParams

    Returns
    -------
    frame, findings, problems : tuple
        Raw rows (a unit without code has ""), what was mended, and what makes the file unusable.
    """
    dropped = tuple(one.column for one in source.drop)
    problems = check_personal(raw.frame, dropped=dropped, where=raw.where)
    problems += check_columns(raw.frame, source=source, where=raw.where)
    frame = raw.frame.drop(columns=[one for one in dropped if one in raw.frame])
    if problems:
        return frame, [], problems
    frame, findings, problems = _correct(frame, source=source, where=raw.where)
    codes = pd.Series(as_codes(frame[source.columns.unit]), index=frame.index)
    frame = frame.assign(**{source.columns.unit: codes.where(~codes.isin(source.missing), "")})
    frame, filled = _fill_codes(frame, source=source)
    return frame, findings + filled, problems


def check_columns(frame: pd.DataFrame, *, source: SourceParams, where: str) -> list[Problem]:
    """Columns that the source's file names and the raw file does not have."""
    named = [one for one in source.columns.model_dump().values() if one]
    for measure in source.measures:
        named += [getattr(measure, side) for side in SIDES if getattr(measure, side)]
    for level in source.tree:
        named += [one for one in (level.column, level.name_column) if one]
    named += [one for each in source.corrections for one in (*each.where, *each.set)] + [
        one.column for one in source.drop
    ]
    there = [str(one) for one in frame.columns]
    return [
        Problem(where, f"there is no column {one!r}", ", ".join(there[:30]),
                did_you_mean(one, there) or "Correct the name in the source's file")
        for one in dict.fromkeys(named) if one not in there
    ]  # fmt: skip


def _correct(
    frame: pd.DataFrame, *, source: SourceParams, where: str
) -> tuple[pd.DataFrame, list[pd.DataFrame], list[Problem]]:
    frame, findings, problems = frame.copy(), [], []
    for place, one in enumerate(source.corrections, start=1):
        hit = np.ones(len(frame), dtype=bool)
        for column, text in one.where.items():
            hit &= as_codes(frame[column]) == text
        if hit.sum() != one.expect:
            problems.append(
                Problem(
                    f"{where}: correction {place}",
                    f"it fits {int(hit.sum())} rows",
                    f"{one.expect}, as it expects",
                    "The source has changed: look at the rows, then renew or remove the correction",
                )
            )
            continue
        before = frame.loc[hit, list(one.set)].astype(str)
        for column, text in one.set.items():
            frame[column] = frame[column].astype(object)
            frame.loc[hit, column] = text
        unit = source.columns.unit
        mended = unit in one.set and before[unit].isin(source.missing).all()
        told = ", ".join(f"{column} {sorted(set(before[column]))[0]!r} -> {text!r}" for column, text in one.set.items())
        rows = frame.index[hit]
        found = f"{told} in {len(rows)} rows from row {rows[0]} on: {one.reason}"
        units = pd.DataFrame({"unit": as_codes(frame.loc[hit, unit])}).drop_duplicates()
        findings.append(
            finding(units, flag="mended_code" if mended else "corrected", found=found, source=source.source)
        )
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
    filled = frame.loc[empty, by].merge(known, on=by, how="left")[unit].fillna("").to_numpy()
    frame = frame.copy()
    frame.loc[empty, unit] = filled
    rows = pd.DataFrame({"unit": filled, "row": frame.index[empty]}).query("unit != ''")
    if not len(rows):
        return frame, []
    units = rows.groupby("unit", sort=False)["row"].agg(["size", "first"]).reset_index()
    told = (
        "code filled in by name in "
        + units["size"].astype(str)
        + " rows from row "
        + units["first"].astype(str)
        + " on"
    )
    return frame, [finding(units, flag="mended_code", found=told, source=source.source)]
