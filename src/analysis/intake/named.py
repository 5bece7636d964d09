"""Files that name their units and give no codes: each name becomes the code it means, or its rows are refused.

Names are matched by :mod:`analysis.registry.names`, which refuses to guess when two units fit.
"""

from __future__ import annotations

import pandas as pd

from analysis.intake.cells import as_codes
from analysis.registry.names import match_names
from analysis.registry.sources import SourceParams
from analysis.words.errors import Problem

UNMATCHED = "unmatched_name"  # flag of the refused rows


def with_codes(
    frame: pd.DataFrame, *, source: SourceParams, units: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """Put codes in the place of the names.

    Parameters
    ----------
    frame : DataFrame
        Prepared raw rows; `columns.unit` holds the names, `columns.parent` (optional) the code or name of a unit above.
    source : SourceParams
        With ``units_by: name``; its `level` narrows the units that a name may mean.
    units : DataFrame
        `schema.UNITS`.

    Returns
    -------
    frame, unmatched : tuple
        The rows with codes (unmatched ones keep their name), and for every reason why a name has no code the rows
        that it holds for. Empty cells are left for the check of missing codes.
    """
    column, above = source.columns.unit, source.columns.parent
    names = pd.Series(as_codes(frame[column]), index=frame.index)
    named = frame.index[names.ne("")]
    parents = as_codes(frame.loc[named, above]) if above else None
    matches = match_names(names[named], units, parents=parents, level=source.level, where=source.source)
    codes = pd.Series(matches.codes, index=named, dtype=object)
    unmatched: dict[str, list[int]] = {}
    for row, reason in zip(named, matches.reasons):
        if reason is not None:
            unmatched.setdefault(_told(reason), []).append(row)
    names[named] = codes.where(codes.ne(""), names[named])
    return frame.assign(**{column: names}), unmatched


def _told(reason: Problem) -> str:
    """What was found, and the candidates or what else to do, as one text."""
    return f"{reason.found}. {reason.remedy}".strip()


def check_named(source: SourceParams, *, has_units: bool, where: str) -> list[Problem]:
    """A source by name in a run without a unit file: there are no codes to match with.

    Returns
    -------
    list of Problem
    """
    if source.units_by == "code" or has_units:
        return []
    remedy = "Name a unit file under `units` in the params file"
    return [Problem(f"{where}: units_by", "found 'name', but the run names no unit file", "code", remedy)]
