"""The tables that stages hand to one another: columns, types, keys. Validated once at the door, trusted after.

Vocabulary: `unit`, `indicator`, `period`, `value`, `vintage`, `cutoff`, `horizon`, `quantile_level`, `interval_level`,
`target` (only ever the promise), `deadline`, `p_attain`, `status`. Shares are fractions in every table; per cent is
only printed. ``error = predicted - observed``. Codes are text and keep their leading zeros.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis.words.errors import Problem, examples, require

STATUSES = ("met", "holding", "on_track", "likely", "at_risk", "unlikely", "missed", "not_assessable")
ON_TRACK = ("met", "holding", "on_track")  # what "n of m sub-units on track" counts
OPERATORS = (">", ">=", "<", "<=")
LANGUAGES = ("vi", "en")

_PANDAS = {"text": "object", "number": "float64", "whole": "Int64", "yes/no": "bool"}


@dataclass(frozen=True)
class Table:
    """What a table is: its name, its columns with their kinds, its key (also its sort order)."""

    name: str
    key: tuple[str, ...]
    columns: MappingProxyType  # column -> "text" | "number" | "whole" | "yes/no"

    def empty(self) -> pd.DataFrame:
        """A table of this kind without rows."""
        return as_table(pd.DataFrame({name: [] for name in self.columns}), self)


def _table(name: str, key: str, text: str = "", number: str = "", whole: str = "", yes: str = "") -> Table:
    """Columns by kind, the key first; a key column is text unless another kind names it."""
    columns = {one: "text" for one in (*key.split(), *text.split())}
    columns |= {one: "number" for one in number.split()} | {one: "whole" for one in whole.split()}
    return Table(name, tuple(key.split()), MappingProxyType(columns | {one: "yes/no" for one in yes.split()}))


UNITS = _table("units", "unit", text="name name_en parent level valid_from valid_to")
INDICATORS = _table(
    "indicators",
    "indicator",
    # kind: "rate" (share 0..1), "count" (>= 0), "level" (any) or "rank" (1 is best); better: "up" or "down"
    # aggregation: "sum" (numerators and denominators, or counts) or "none"
    # unit_of_measure: "%" for rates, else the counted thing ("hồ sơ"); numerator/denominator: what each counts
    text="name_vi name_en kind better frequency aggregation unit_vi unit_en numerator_vi numerator_en "
    "denominator_vi denominator_en definition_vi definition_en valid_from",
    number="resolution maximum",  # published step (0.01 = whole per cent; NaN: exact), upper bound of a level or rank
    whole="season_length order",
    yes="cumulative",
)
TARGETS = _table(
    "targets",
    "target",
    text="kind indicator operator start deadline reading name_vi name_en scope owner document document_date sentence "
    "inferred valid_from valid_to replaces note_vi note_en condition_vi condition_en",
    number="threshold upper baseline k n",
    whole="order",
)
OBSERVATIONS = _table(
    "observations",
    "unit indicator period vintage",
    text="flags",
    number="value numerator denominator lower upper",
)
FORECASTS = _table(
    "forecasts",
    "unit indicator cutoff horizon quantile_level",
    text="period member",
    number="predicted quantile_level",
    whole="horizon",
)
ASSESSMENTS = _table(
    "assessments",
    "unit target cutoff",
    # reason: code why not assessable, "" otherwise; current_period: last observed period used
    # cut_status: by the cut points alone, where `status` may be held from the quarter before
    text="indicator kind status cut_status grade reason current_period deadline operator previous_status",
    number="p_attain p_raw threshold current current_numerator current_denominator gap gap_cases "
    "predicted_median lower50 upper50 lower80 upper80 lower95 upper95 required_pace actual_pace required_cases "
    "pace_percentile worst_decile previous_p",
    whole="horizon n_points n_origins n_sub_units n_sub_on_track",
    yes="settled attained_now",
)
QUALITY = _table(  # one row a finding; flag is a code of words.findings.FINDINGS, details its values as a JSON object
    "quality", "unit indicator period flag", text="severity details source"
)
EVIDENCE = _table(  # the panel's own backtest: one row a model x slice
    "evidence",
    "indicator target model slice",
    text="slice_kind",
    number="brier skill_climatology skill_pace coverage80 coverage95 ece slope bias",
    whole="n_cases n_origins n_then",
)
SCORECARD = _table(
    "scorecard",
    "unit target cutoff",
    # cause of a miss: the largest of its parts, which sum to outcome - p_attain; origin: published or recomputed;
    # early: settled before the deadline; common: a miss of most units together; figures_then: split by figures of then
    text="cause period origin",
    number="p_attain p_pace outcome brier from_revision from_changed_target from_shock from_model",
    whole="horizon",
    yes="early common figures_then",
)
TABLES = MappingProxyType(
    {
        one.name: one
        for one in (
            *(UNITS, INDICATORS, TARGETS, OBSERVATIONS, FORECASTS, ASSESSMENTS),
            *(QUALITY, EVIDENCE, SCORECARD),
        )
    }
)


def as_table(frame: pd.DataFrame, table: Table, *, where: str = "") -> pd.DataFrame:
    """Convert to the table's columns and types, check its key, sort by it.

    Missing optional columns are filled with missing values; columns that the table does not have are refused.

    The result is new; text columns hold str ("" where missing), numbers float64.

    DataError: a key column is missing or empty, an unknown column, a value of the wrong type, a key that occurs twice.

    >>> as_table(pd.DataFrame({"unit": ["b", "a"]}), UNITS)["unit"].tolist()
    ['a', 'b']
    """
    where = where or f"table {table.name}"
    problems = [
        Problem(where, f"column {one!r} is not known", ", ".join(table.columns), "Rename or drop it")
        for one in frame.columns
        if one not in table.columns
    ]
    problems += [
        Problem(where, f"the key column {one!r} is missing", ", ".join(table.key), "Add it")
        for one in table.key
        if one not in frame.columns
    ]
    require(problems)
    out = {}
    for name, kind in table.columns.items():
        column = frame[name] if name in frame.columns else pd.Series(None, index=frame.index, dtype=object)
        out[name] = _as_kind(column, kind, where=where, name=name)
    result = pd.DataFrame(out)
    if _strictly_ascending(result, table.key):
        return result.reset_index(drop=True)
    result = result.sort_values(list(table.key), kind="stable", ignore_index=True)
    twice = result.duplicated(list(table.key), keep=False)
    if twice.any():
        rows = result.loc[twice, list(table.key)].drop_duplicates().itertuples(index=False, name=None)
        require([Problem(where, f"a key occurs twice: {examples(rows)}", "each key once", "Remove or merge the rows")])
    return result


def _strictly_ascending(frame: pd.DataFrame, key: tuple[str, ...]) -> bool:
    """Whether every row's key is above the one before: sorted already, and no key twice."""
    same = np.arange(len(frame) - 1)  # rows whose key is so far the same as that of the next one
    for name in key:
        column = frame[name]
        if column.dtype != object and column.isna().any():
            return False
        values = column.to_numpy()
        here, after = values[same], values[same + 1]
        if not (here <= after).all():
            return False
        same = same[(here == after).astype(bool)]
    return not len(same)


def _as_kind(column: pd.Series, kind: str, *, where: str, name: str) -> pd.Series:
    if kind == "text":
        if column.dtype == object and pd.api.types.infer_dtype(column, skipna=False) == "string":
            return column
        return column.astype("object").where(column.notna(), "").map(str).astype("object")
    if kind == "yes/no":
        return column.astype("object").where(column.notna(), False).astype("bool")
    numbers = pd.to_numeric(column, errors="coerce")
    bad = numbers.isna() & column.notna()
    if bad.any():
        require(
            [
                Problem(
                    where,
                    f"column {name!r} holds {int(bad.sum())} values that are not numbers: {examples(column[bad])}",
                    "numbers, or empty",
                    "Correct them at the source, or state the number format in the params/sources file",
                )
            ]
        )
    return numbers.astype(_PANDAS[kind])


@dataclass(frozen=True)
class RunTables:
    """All that a notebook or a briefing may show of one run; ``params`` is the run's checked params as plain values.

    ``previous`` holds the tables of the quarter before, when the store has them.
    """

    run_id: str
    params: dict
    units: pd.DataFrame
    indicators: pd.DataFrame
    targets: pd.DataFrame
    observations: pd.DataFrame
    forecasts: pd.DataFrame
    assessments: pd.DataFrame
    quality: pd.DataFrame
    evidence: pd.DataFrame
    scorecard: pd.DataFrame
    manifest: dict = field(default_factory=dict)
    extra: dict[str, pd.DataFrame] = field(default_factory=dict)  # tables that a target kind or a scenario adds
    previous: RunTables | None = None
    folder: str = ""  # where it was read from

    def __repr__(self) -> str:
        """Run, cutoff, units, targets, counts by status: never the tables."""
        counts = self.assessments["status"].value_counts()
        by_status = ", ".join(f"{counts[status]} {status}" for status in STATUSES if status in counts)
        about = f"{len(self.units)} units, {len(self.targets)} targets"
        cutoff = self.manifest.get("cutoff", "?")
        return f"Run {self.run_id!r}, cutoff {cutoff}: {about}; {by_status or 'no assessments'}"


def as_numbers(column: pd.Series) -> np.ndarray:
    """Numbers as they are; for other cells the first eight bytes of their hash, which comes from the cell alone.

    >>> as_numbers(pd.Series([0.5, 2.0])).tolist()
    [0.5, 2.0]
    >>> one, other, again = as_numbers(pd.Series(["a", "b", "a"]))
    >>> bool(one == again), bool(one == other)
    (True, False)
    """
    if isinstance(column.dtype, np.dtype):
        if column.dtype.kind in "fib":
            return column.to_numpy()
    elif column.dtype.kind in "iu":
        return column.to_numpy("float64", na_value=np.nan)
    codes, texts = pd.factorize(column, use_na_sentinel=True)
    parts = [hashlib.sha256(repr(text).encode("utf-8", "surrogatepass")).digest()[:8] for text in texts]
    return np.frombuffer(b"".join([*parts, bytes(8)]), dtype=np.uint64)[codes]  # a missing cell is the last
