"""Tables as hashes: whether a piece of the statistics is still the one that its figures would give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from analysis.words import periods
from analysis.words.cells import as_numbers


class Figures:
    """Observations as numbers that stand for their cells: hashing those of some indicators and periods is then quick.

    A text's number comes from the text alone, so that figures added later do not change the hash of earlier ones.
    """

    def __init__(self, observations: pd.DataFrame):
        self.names = list(observations.columns)
        self.columns = [as_numbers(observations[name]) for name in self.names]
        self.indicator = observations["indicator"].to_numpy()
        days = {one: periods.last_day(one).toordinal() for one in observations["period"].unique()}
        self.last = observations["period"].map(days).to_numpy()

    def add(self, digest: Any, *, indicators: Iterable[str], until: str) -> None:
        """Put the figures of `indicators` up to the period `until` ("" for all) into a hash."""
        rows = np.isin(self.indicator, list(indicators))
        if until:
            rows &= self.last <= periods.last_day(until).toordinal()
        digest.update(f"{int(rows.sum())} {self.names}".encode("utf-8", "surrogatepass"))
        for column in self.columns:
            digest.update(column[rows].tobytes())


def add_frame(digest: Any, frame: pd.DataFrame | None) -> None:
    """Put a table's names and cells into a hash, column by column."""
    if frame is None:
        digest.update(b"none")
        return
    digest.update(f"{len(frame)} {list(frame.columns)}".encode("utf-8", "surrogatepass"))
    for name in frame.columns:
        digest.update(as_numbers(frame[name]).tobytes())
