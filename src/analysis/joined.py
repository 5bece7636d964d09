"""Parts of a table put together in the table's order, without sorting millions of texts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.words import schema

CHANGES = "extra_changes"
ORDER = ("target", "unit", "scenario", "reading", "component", "member", "period", "task")  # of extra tables


def join_tables(parts: list[pd.DataFrame], *, name: str) -> pd.DataFrame:
    """Parts of one table, each sorted, as one table sorted the same way.

    Runs of rows with the same first two key columns are moved as they are: sorting millions of texts takes long.

    Parameters
    ----------
    parts : list of DataFrame
        Emptied, column by column: a large table is not held twice.
    name : str
        Of the table, which says what it is sorted by.

    Returns
    -------
    DataFrame
    """
    filled = [one for one in parts if len(one)] or parts[:1]
    known = schema.TABLES.get(name.removeprefix("previous_"))
    if known is None:
        table = pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0].reset_index(drop=True)
        return sort_extra(table, name=name)
    if len(filled) < 2:
        return filled[0].reset_index(drop=True)
    place = _places(filled, head=list(known.key[:2]))
    filled = [dict(one.items()) for one in filled]
    parts.clear()
    columns = {name: _scattered([one.pop(name) for one in filled], place) for name in list(filled[0])}
    return pd.DataFrame(columns, copy=False)


def sort_extra(table: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """An extra table in its order: that of changes is read by unit, all others by target."""
    order = ["unit", "target"] if name == CHANGES else [one for one in ORDER if one in table]
    return table.sort_values(order, kind="stable", ignore_index=True) if order else table


def _places(parts: list[pd.DataFrame], *, head: list[str]) -> np.ndarray:
    """Row that every row of the parts, one after the other, has in the whole; runs of equal `head` stay together."""
    codes = [np.concatenate([part[one].to_numpy(dtype=object) for part in parts]) for one in head]
    n = len(codes[0])
    new = np.zeros(n, dtype=bool)
    new[0] = True
    for one in codes:
        new[1:] |= one[1:] != one[:-1]
    start = np.flatnonzero(new)
    length = np.diff(np.concatenate([start, [n]]))
    order = sorted(range(len(start)), key=lambda at: tuple(one[start[at]] for one in codes))
    first = np.empty(len(start), dtype=np.int64)
    first[order] = np.concatenate([[0], np.cumsum(length[order])[:-1]])
    return np.repeat(first - start, length) + np.arange(n)


def _scattered(parts: list[pd.Series], place: np.ndarray) -> np.ndarray | pd.Series:
    """One column of all parts, every value at its place."""
    if any(one.dtype != parts[0].dtype for one in parts) or not isinstance(parts[0].dtype, np.dtype):
        whole = pd.concat(parts, ignore_index=True)
        return whole.take(np.argsort(place)).reset_index(drop=True)
    out, begin = np.empty(len(place), dtype=parts[0].dtype), 0
    for one in parts:
        out[place[begin : begin + len(one)]] = one.to_numpy()
        begin += len(one)
    return out
