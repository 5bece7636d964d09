"""Which unit a person means: by its code, or by its name as people type it."""

from __future__ import annotations

import unicodedata

import pandas as pd

from analysis.words.errors import DataError, Problem, did_you_mean
from analysis.words.schema import RunTables

MOST = 8  # candidates that a message names


def find_unit(run: RunTables, name: str) -> str:
    """The code of a unit.

    Parameters
    ----------
    run : RunTables
    name : str
        A code; or a name with or without diacritics, with or without what kind of unit it is ("da nang").

    Returns
    -------
    str

    Raises
    ------
    DataError
        No unit, or more than one, is meant; the message has candidates.
    """
    codes = run.units["unit"]
    if name in set(codes):
        return name
    wanted = plain(name)
    names = pd.concat([run.units["name"], run.units["name_en"]]).map(plain)
    whole = names.eq(wanted) | names.str.endswith(f" {wanted}")
    found = list(dict.fromkeys(pd.concat([codes, codes])[whole.to_numpy() & bool(wanted)]))
    if len(found) == 1:
        return found[0]
    if found:
        rows = run.units[codes.isin(found)].head(MOST)
        candidates = ", ".join(
            f"{row.unit} ({row.name_})" for row in rows.rename(columns={"name": "name_"}).itertuples()
        )
        raise DataError(Problem("unit", f"{name!r} may be {len(found)} units", candidates, "Give the code"))
    near = did_you_mean(name, [*codes, *run.units["name"]]) or "Give a code of run.units"
    raise DataError(Problem("unit", f"there is no unit {name!r} in run {run.run_id!r}", "a code or a name", near))


def find_target(run: RunTables, target: str) -> str:
    """The code of a target, checked; raises DataError with the codes there are."""
    return _known("target", target, list(run.targets["target"]))


def find_indicator(run: RunTables, indicator: str) -> str:
    """The code of an indicator, checked; raises DataError with the codes there are."""
    return _known("indicator", indicator, list(run.indicators["indicator"]))


def _known(what: str, code: str, codes: list[str]) -> str:
    if code not in codes:
        near = did_you_mean(code, codes) or f"Give a code of run.{what}s"
        raise DataError(Problem(what, f"there is no {what} {code!r}", ", ".join(codes), near))
    return code


def plain(text: str) -> str:
    """A name in small letters without diacritics.

    Examples
    --------
    >>> plain("Đà Nẵng")
    'da nang'
    """
    apart = unicodedata.normalize("NFD", str(text).casefold().replace("đ", "d"))
    return " ".join("".join(mark for mark in apart if not unicodedata.combining(mark)).split())
