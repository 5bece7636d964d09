"""Rows of a table found by one or two of its columns: held as arrays and made when asked for.

A process that publishes thousands of pages forks one child a page, and every fork copies the table of the parent's
memory pages. Hundreds of thousands of ready-made rows cost each child more than making the dozens of rows it shows.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd


class Grouped:
    """A table by the values of `first` and, where given, `second`.

    Rows come as :meth:`pandas.DataFrame.itertuples` would give them, in the order of the table.

    Parameters
    ----------
    frame : DataFrame
    first : str
        Column.
    second : str, optional
        Column within the groups of `first`.
    columns : iterable of str, optional
        Columns wanted, `second` among them; default: all. Nullable whole numbers become floats: missing is NaN.

    Examples
    --------
    >>> table = pd.DataFrame({"unit": ["a", "b", "a"], "target": ["x", "x", "y"], "p": [0.1, 0.2, 0.3]})
    >>> [row.p for row in Grouped(table, "unit").rows("a")]
    [0.1, 0.3]
    >>> [row.p for row in Grouped(table, "unit", "target").rows("a", "y")]
    [0.3]
    """

    def __init__(
        self, frame: pd.DataFrame, first: str, second: str | None = None, *, columns: Iterable[str] | None = None
    ):
        codes, names = pd.factorize(frame[first])
        keys = [codes] if second is None else [pd.factorize(frame[second])[0], codes]
        order = np.lexsort(keys)
        if (order[1:] > order[:-1]).all():
            order = slice(None)
        self._columns = {name: _array(frame[name])[order] for name in columns or frame.columns}
        self._row = namedtuple("Row", list(self._columns), rename=True)._make
        last = [key[order] for key in reversed(keys)]
        outer = _starts(last[:1])
        self._at = {name: at for at, name in enumerate(names.tolist())}
        self._outer = outer  # first row of every value of `first`, and the number of rows
        inner = _starts(last)
        self._inner = inner
        self._seconds = self._columns[second][inner[:-1]] if second is not None else None
        self._groups = np.searchsorted(inner, outer)  # first group of every value of `first`

    def __iter__(self) -> Iterator[str]:
        """Values of `first` in the order in which they first come."""
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._at)

    def slice_of(self, first: str, second: str | None = None) -> slice:
        """Where the rows of a group stand in :meth:`column`; an empty slice where there are none."""
        at = self._at.get(first)
        if at is None:
            return slice(0, 0)
        if second is None:
            return slice(int(self._outer[at]), int(self._outer[at + 1]))
        for group in range(int(self._groups[at]), int(self._groups[at + 1])):
            if self._seconds[group] == second:
                return slice(int(self._inner[group]), int(self._inner[group + 1]))
        return slice(0, 0)

    def column(self, name: str) -> np.ndarray:
        """A column, its groups one after the other."""
        return self._columns[name]

    def rows(self, first: str, second: str | None = None) -> list[tuple]:
        """The rows of a group, plain Python values with the columns as names."""
        at = self.slice_of(first, second)
        if at.start == at.stop:
            return []
        return [self._row(one) for one in zip(*(column[at].tolist() for column in self._columns.values()))]


def _array(column: pd.Series) -> np.ndarray:
    return column.to_numpy("float64") if str(column.dtype) == "Int64" else column.to_numpy()


def _starts(keys: list[np.ndarray]) -> np.ndarray:
    """First row of every run of equal keys, and the number of rows."""
    n = len(keys[0])
    new = np.zeros(n, dtype=bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.append(np.flatnonzero(new), n)
