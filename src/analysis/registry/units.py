"""The tree of units: reading it, checking it, walking it. Codes are text; a unit without a parent is a root."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pandas as pd

from analysis.words.errors import ParamsError, Problem, did_you_mean, examples, require, unknown
from analysis.words.schema import UNITS, as_table

MAX_BYTES = 50_000_000  # 10,035 communes with their history are below 2 MB
REQUIRED = ("unit", "name", "parent", "level")


def read_units(path: str | Path) -> pd.DataFrame:
    """Read a unit file: CSV with ``unit,name,parent,level`` and, where known, ``name_en,valid_from,valid_to``.

    ParamsError: no such file, wrong columns, a unit twice, a parent that is not in the list, a circle: all at once.
    """
    frame = read_csv(path, columns=tuple(UNITS.columns), required=REQUIRED, key="units")
    require(check_tree(frame, where=str(path)), ParamsError)
    return as_table(frame, UNITS, where=str(path))


def read_csv(path: str | Path, *, columns: Sequence[str], key: str, required: Sequence[str] = ()) -> pd.DataFrame:
    """Read a CSV file that a key of the params names: UTF-8, every cell text without spaces around it.

    `required` are columns that must be there; default: all. `key` is for the messages.

    ParamsError: no such file, too large, not CSV in UTF-8, or every column that is missing or not known.
    """
    path, where, allowed = Path(path), str(path), ", ".join(columns)
    if not path.is_file():
        raise ParamsError(Problem(where, "there is no such file", "", f"Check `{key}` in the params file"))
    if path.stat().st_size > MAX_BYTES:
        raise ParamsError(Problem(where, f"the file has {path.stat().st_size} bytes", f"at most {MAX_BYTES}"))
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ParamsError(Problem(where, f"it cannot be read: {error}", "CSV in UTF-8")) from None
    problems = [
        Problem(where, f"column {one!r} is not known", allowed, did_you_mean(one, columns) or "Remove it")
        for one in frame
        if one not in columns
    ]
    problems += [
        Problem(where, f"the column {one!r} is missing", allowed, "Add it")
        for one in required or columns
        if one not in frame
    ]
    require(problems, ParamsError)
    return frame.map(str.strip)


def check_tree(units: pd.DataFrame, *, where: str = "units") -> list[Problem]:
    """Everything that keeps the list from being a tree: empty or repeated codes, unknown parents, circles."""
    codes = units["unit"]
    problems = []
    empty = codes.eq("")
    if empty.any():
        problems.append(
            Problem(where, f"{int(empty.sum())} rows without a unit code", "a code in every row", "Fill it in")
        )
    twice = sorted(codes[codes.duplicated() & ~empty].unique())
    if twice:
        problems.append(Problem(where, f"units occur twice: {examples(twice)}", "each once", "Remove one of them"))
    known = set(codes)
    for parent in sorted(set(units["parent"]) - known - {""}):
        children_of = codes[units["parent"].eq(parent)].tolist()
        problems.append(
            Problem(
                where,
                f"the parent {parent!r} of {examples(children_of)} is not in the list",
                "a unit of the list",
                did_you_mean(parent, known) or "Add the parent",
            )
        )
    circle = _circle(dict(zip(codes, units["parent"])))
    if circle:
        problems.append(
            Problem(
                where,
                f"units are their own ancestors: {' -> '.join(circle)}",
                "a tree without circles",
                "Correct the parent of one of them",
            )
        )
    return problems


def _circle(parent_of: dict[str, str]) -> list[str]:
    try:
        TopologicalSorter({unit: [parent_of[unit]] for unit in sorted(parent_of)}).prepare()
    except CycleError as error:
        return error.args[1][::-1]
    return []


def descendants(units: pd.DataFrame, unit: str) -> list[str]:
    """All units below `unit`, at any depth, sorted by code.

    DataError: if `unit` is not in the list.
    """
    require(unknown([unit], set(units["unit"]), where="units", what="unit", remedy="Take a code of the unit list"))
    below = units.groupby("parent")["unit"].agg(list).to_dict()
    found, queue = [], list(below.get(unit, []))
    while queue:
        one = queue.pop()
        found.append(one)
        queue.extend(below.get(one, []))
    return sorted(found)
