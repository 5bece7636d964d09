"""Indicators: what is measured, how, and in which direction better lies. One YAML list -> `schema.INDICATORS`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, model_validator

from analysis.registry.entries import Entry, PeriodCode, Text, as_entry, read_entries
from analysis.words.errors import ParamsError, Problem, require
from analysis.words.schema import INDICATORS, as_table


class Indicator(Entry):
    """One indicator; keys are explained in ``params/README.md``."""

    indicator: Text
    name_vi: str
    name_en: str
    kind: Literal["rate", "count", "level", "rank"]
    better: Literal["up", "down"]
    frequency: Literal["M", "Q", "Y"]
    season_length: Annotated[int, Field(ge=1, le=12)]  # 1: none
    cumulative: bool
    aggregation: Literal["sum", "none"]
    unit_vi: str
    unit_en: str
    numerator_vi: str = ""
    numerator_en: str = ""
    denominator_vi: str = ""
    denominator_en: str = ""
    definition_vi: str
    definition_en: str
    valid_from: PeriodCode | Literal[""] = ""
    resolution: Annotated[float, Field(gt=0)] | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Indicator:
        said = []
        if self.kind == "rate" and self.maximum not in (None, 1):
            said.append("no `maximum` for a rate (it is 1)")
        if self.kind in ("level", "rank") and self.aggregation == "sum":
            said.append(f"`aggregation: none` for a {self.kind}: levels and ranks do not add up")
        if self.kind == "rank" and self.better == "up":
            said.append("`better: down` for a rank (1 is best)")
        if self.season_length not in (1, {"M": 12, "Q": 4, "Y": 1}[self.frequency]):
            said.append("`season_length` 1, or the number of periods in a year")
        if said:
            raise ValueError("; ".join(said))
        return self


def read_indicators(path: str | Path) -> pd.DataFrame:
    """Read the indicator file.

    The order of the file is the order of the briefings.

    ParamsError: with all problems of all entries, an indicator that occurs twice included.
    """
    remedy = "See params/README.md"
    entries, problems = read_entries(path, key="indicators", remedy=remedy)
    if not entries and not problems:
        problems = [Problem(str(path), "the list of indicators is empty", "at least one", remedy)]
    rows, seen = [], set()
    for order, (code, where, entry) in enumerate(entries):
        indicator, wrong = as_entry(Indicator, entry, where=where)
        problems += wrong
        if code in seen:
            problems.append(Problem(where, "this indicator occurs twice", "each once", "Remove one of them"))
        seen.add(code)
        if indicator is not None:
            rows.append(indicator.model_dump() | {"order": order})
    require(problems, ParamsError)
    return as_table(pd.DataFrame(rows), INDICATORS, where=str(path))
