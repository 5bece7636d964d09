"""How to read one raw file: `SourceParams`, one YAML under ``params/sources``; the README there explains its keys.

Only the format lives here; :mod:`analysis.intake` does the reading.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from analysis.registry.entries import Entry, IsoDate, PeriodCode, Text, as_entry, read_yaml
from analysis.words.errors import ParamsError, require

SIDES = ("value", "numerator", "denominator", "lower", "upper")  # of one figure
VINTAGE = "{vintage}"  # in `path`: the folder of each vintage


class Columns(Entry):
    """Names of the file's columns that say where, when and what; the numbers are in `measures`."""

    unit: Text
    period: Text
    indicator: Text | None = None
    unit_name: Text | None = None
    unit_name_en: Text | None = None
    parent: Text | None = None
    level: Text | None = None


class Measure(Entry):
    """Columns that hold the numbers of one indicator (or of all, where the file has an indicator column)."""

    indicator: Text | None = None
    value: Text | None = None
    numerator: Text | None = None
    denominator: Text | None = None
    lower: Text | None = None
    upper: Text | None = None
    percent: bool = False  # numbers without a % sign are per cent

    @model_validator(mode="after")
    def _has_numbers(self) -> Measure:
        if self.value is None and self.numerator is None:
            raise ValueError("`value`, or `numerator` and `denominator`")
        return self


class UpperLevel(Entry):
    """One level above the file's units, from the top down; its code is fixed, a column, or the start of one."""

    level: Text
    code: Text | None = None
    column: Text | None = None
    first: Annotated[int, Field(ge=1)] | None = None
    name: Text | None = None
    name_column: Text | None = None
    name_en: Text | None = None

    @model_validator(mode="after")
    def _has_code(self) -> UpperLevel:
        if (self.code is None) == (self.column is None):
            raise ValueError("either `code` (one unit) or `column` (a code for each row), not both")
        return self


class Correction(Entry):
    """A correction as data: rows where all of `where` holds get the values of `set`; `expect` counts them."""

    where: dict[Text, Text]
    set: dict[Text, Text]
    expect: Annotated[int, Field(ge=1)]
    reason: Annotated[str, Field(min_length=10)]


class NotMeasured(Entry):
    """Rows that say 0 but mean "not measured"."""

    indicator: Text
    until: PeriodCode
    reason: Annotated[str, Field(min_length=10)]


class Break(Entry):
    """A change of definition or boundary: models use figures from `period` on; `units` left out: all."""

    indicator: Text
    period: PeriodCode
    units: tuple[Text, ...] = ()
    reason: Annotated[str, Field(min_length=10)]


class Drop(Entry):
    """A column with personal data, declared and dropped before anything else looks at it."""

    column: Text
    reason: Annotated[str, Field(min_length=10)]


def _tuple(value: Any) -> Any:
    return [] if value is None else value


class SourceParams(Entry):
    """Checked description of one raw file; see ``params/sources/README.md``."""

    source: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    title: str
    publisher: str = ""
    licence: str
    url: str = ""
    format: Literal["csv", "xlsx", "parquet", "sql"]
    path: Text
    vintage: IsoDate | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    encoding: Literal["utf-8", "utf-16", "cp1258", "cp1252", "shift_jis"] = "utf-8"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    sheet: Text | None = None
    header_row: Annotated[int, Field(ge=1, le=100)] = 1
    query: str | None = None
    numbers: Literal["plain", "vi", "en"]
    dates: Literal["code", "iso", "vi"]
    year: Annotated[int, Field(ge=1900, le=2200)] | None = None
    period_rule: Literal["contains", "first_is_month_before"] = "contains"
    several_dates: Literal["refuse", "last"] = "refuse"
    missing: tuple[str, ...] = ("",)
    bounds: Literal["bound", "value"] = "bound"
    columns: Columns
    measures: Annotated[tuple[Measure, ...], Field(min_length=1)]
    indicators: dict[Text, Text] = {}
    ignore_indicators: tuple[Text, ...] = ()
    units_by: Literal["code", "name"] = "code"
    already_rebased: bool = False
    level: Text | None = None
    tree: Annotated[tuple[UpperLevel, ...], BeforeValidator(_tuple)] = ()
    corrections: Annotated[tuple[Correction, ...], BeforeValidator(_tuple)] = ()
    not_measured: Annotated[tuple[NotMeasured, ...], BeforeValidator(_tuple)] = ()
    breaks: Annotated[tuple[Break, ...], BeforeValidator(_tuple)] = ()
    max_refused_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    drop: Annotated[tuple[Drop, ...], BeforeValidator(_tuple)] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> SourceParams:
        said = []
        if (VINTAGE in self.path) == (self.vintage is not None):
            said.append("either `vintage: 2022-03-10` or {vintage} in `path`, one of the two")
        if self.columns.indicator is None and any(one.indicator is None for one in self.measures):
            said.append("an `indicator` in every measure, or `columns.indicator`")
        if self.columns.indicator is not None and len(self.measures) > 1:
            said.append("one measure only, where the file has an indicator column")
        if self.units_by == "name" and (self.columns.unit_name or self.tree):
            said.append("`units_by: name` without `columns.unit_name` and `tree`: the names are in `columns.unit`")
        if (self.format == "sql") != (self.query is not None):
            said.append("`query` for format sql, and only there")
        if said:
            raise ValueError("; ".join(said))
        return self


def read_source(path: str | Path) -> SourceParams:
    """Read and check one file of ``params/sources``.

    ParamsError: with all problems.
    """
    source, problems = as_entry(SourceParams, read_yaml(path), where=str(path))
    require(problems, ParamsError)
    return source


def plain_source(**more: Any) -> SourceParams:
    """What a file of ``params/sources`` would say of a plain table; `more` are its keys."""
    columns = {"unit": "unit", "indicator": "indicator", "period": "period"}
    plain = {"source": "observations", "title": "Observations", "licence": "", "path": VINTAGE, "format": "csv"}
    plain |= {"numbers": "plain", "dates": "code", "columns": columns, "measures": [{"value": "value"}]}
    return SourceParams.model_validate(plain | more)
