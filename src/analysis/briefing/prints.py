"""Every unit's rows of a run's tables as bytes: what the hash of a page is made from, without making the rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from analysis.briefing.view import EXTRA_NAMES, FORECAST, OBSERVED, View, view_of
from analysis.words.cells import as_numbers

SERIES = ("unit", "indicator", "period")


class Rows:
    """The rows of a table by unit, as bytes.

    Parameters
    ----------
    frame : DataFrame
        With a column ``unit``; without rows it may have none.
    columns : iterable of str, optional
        What counts; default: all.

    Examples
    --------
    >>> import hashlib
    >>> table = Rows(pd.DataFrame({"unit": ["a", "b", "a"], "p": [0.1, 0.2, 0.3]}))
    >>> digests = {unit: hashlib.sha256() for unit in ("a", "b")}
    >>> for unit, digest in digests.items():
    ...     table.add(digest, unit)
    >>> len({one.hexdigest() for one in digests.values()})
    2
    """

    def __init__(self, frame: pd.DataFrame, columns: Iterable[str] | None = None):
        names = list(columns or frame.columns)
        self._names = repr(names).encode("utf-8", "surrogatepass")
        self._at: dict[str, int] = {}
        if not len(frame):
            return
        codes, units = pd.factorize(frame["unit"])
        order = slice(None) if (codes[1:] >= codes[:-1]).all() else np.argsort(codes, kind="stable")
        self._columns = [np.ascontiguousarray(as_numbers(frame[name])[order]) for name in names]
        self._at = {unit: at for at, unit in enumerate(units.tolist())}
        self._starts = np.searchsorted(codes[order], np.arange(len(units) + 1)).tolist()

    def add(self, digest: Any, unit: str) -> None:
        """Put the rows of a unit into a hash."""
        at = self._at.get(unit)
        begin, end = (0, 0) if at is None else self._starts[at : at + 2]
        digest.update(b"%d %b" % (end - begin, self._names))
        for column in self._columns if end > begin else ():
            digest.update(column[begin:end])


class Prints:
    """The tables that a unit's page may show rows of, each by unit.

    Parameters
    ----------
    view : View
    peer : iterable of str
        What may be said of another unit's assessment.
    """

    def __init__(self, view: View, *, peer: Iterable[str]):
        run, before = view.run, view_of(view.run.previous, view.language) if view.has_before else None
        tables = [run.assessments, run.quality, run.scorecard, *map(view.extra, EXTRA_NAMES), view.extra("signals")]
        self._own = [Rows(one) for one in tables if not len(one) or "unit" in one]
        self._own.append(Rows(newest(run.observations), [one for one in OBSERVED if one != "vintage"]))
        self._own += [Rows(one.run.forecasts, FORECAST) for one in (view, before) if one is not None]
        self._unit, self._peer = Rows(run.units), Rows(run.assessments, peer)
        scores = run.assessments[run.assessments["kind"].to_numpy() == "score_ge"]
        self._scores: dict[str, set[str]] = {}
        for unit, indicator in zip(scores["unit"], scores["indicator"], strict=True):
            self._scores.setdefault(unit, set()).add(indicator)

    def add_own(self, digest: Any, unit: str) -> None:
        """Put all rows of the page's own unit into a hash."""
        for one in self._own:
            one.add(digest, unit)

    def add_named(self, digest: Any, unit: str) -> None:
        """Put the row of a unit in the table of units into a hash."""
        self._unit.add(digest, unit)

    def add_peer(self, digest: Any, unit: str) -> None:
        """Put what may be said of another unit's assessments into a hash."""
        self._peer.add(digest, unit)

    def scores_of(self, unit: str) -> list[str]:
        """Scores that a unit is promised: a page may show their series."""
        return sorted(self._scores.get(unit, ()))


def newest(observations: pd.DataFrame) -> pd.DataFrame:
    """Of every unit, indicator and period the last row: the latest vintage, as the table is sorted."""
    keys = [observations[name].to_numpy() for name in SERIES]
    later = np.zeros(len(observations), dtype=bool)
    later[:-1] = np.logical_and.reduce([one[1:] == one[:-1] for one in keys])
    return observations[~later] if later.any() else observations
