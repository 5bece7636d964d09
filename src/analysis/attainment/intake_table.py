"""Which rows of a plain table can be used, and why the others cannot: nothing is dropped silently.

Reads no file. Every refused row comes back with its number (1 is the first row below the header), a reason code and a
sentence that quotes what was found.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import pandas as pd

from analysis.words.errors import DataError, Problem, did_you_mean, require
from analysis.words.periods import as_period, frequency_of, last_day, period_code
from analysis.words.schema import OPERATORS

OBSERVATION_COLUMNS = ("unit", "indicator", "period", "value")
COUNTS = ("numerator", "denominator")
TARGET_COLUMNS = ("target", "indicator", "operator", "threshold", "deadline")
REFUSED = ("table", "row", "unit", "indicator", "period", "target", "reason", "detail")
RATIO_TOLERANCE = 0.006  # a share published in whole per cent differs from its counts by up to half a point
_SYMBOLS = {"≥": ">=", "≤": "<=", "=>": ">=", "=<": "<="}


def check_columns(frame: pd.DataFrame, needed: tuple[str, ...], *, where: str) -> None:
    """Raise where the table lacks a column.

    Raises
    ------
    DataError
        With every missing column at once.
    """
    missing = [one for one in needed if one not in frame.columns]
    require(
        [
            Problem(
                where, f"the column {one!r} is missing", ", ".join(needed), did_you_mean(one, frame.columns) or "Add it"
            )
            for one in missing
        ],
        DataError,
    )


def text_of(column: pd.Series) -> pd.Series:
    """Codes as text, stripped, "" where missing; a code that arrived as 7.0 is 7."""

    def one(value: object) -> str:
        if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
            return ""
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    codes, unique = pd.factorize(column, use_na_sentinel=True)
    texts = np.array([one(value) for value in unique] + [""], dtype=object)
    return pd.Series(texts[codes], index=column.index, dtype="object")


def readable_period(text: str) -> str:
    """Our code of a period, or "": also the last day of a month as ``2022-02-28``.

    Examples
    --------
    >>> readable_period("2022-2"), readable_period("2022Q1"), readable_period("2022-02-28"), readable_period("22.8")
    ('', '2022-Q1', '2022-02', '')
    """
    if frequency_of(text):
        return period_code(as_period(text))
    month = text[:7] if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else ""
    return month if frequency_of(month) == "M" and last_day(month).isoformat() == text else ""


def numbers_of(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Numbers and a mask of the cells that hold text instead; empty cells are missing, not wrong."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index)
        return numbers, np.isinf(numbers)
    text = column.map(lambda value: value.strip() if isinstance(value, str) else value, na_action="ignore")
    empty = text.isna() | (text == "")
    numbers = pd.to_numeric(text.where(~empty), errors="coerce").astype(float)
    return numbers, ~empty & ~np.isfinite(numbers)


class Refusals:
    """Rows refused so far, each for the first reason found."""

    def __init__(self, table: str, frame: pd.DataFrame):
        self.table = table
        self.frame = frame
        self.reason = pd.Series("", index=frame.index, dtype="object")
        self.detail = pd.Series("", index=frame.index, dtype="object")

    def refuse(self, mask: pd.Series, reason: str, detail) -> None:
        """Refuse the rows of `mask` that still stand; `detail` is text or a function of the row."""
        new = mask.fillna(False).astype(bool) & (self.reason == "")
        self.reason[new] = reason
        if new.any():
            rows = self.frame[new]
            self.detail[new] = detail if isinstance(detail, str) else [detail(row) for _, row in rows.iterrows()]

    @property
    def kept(self) -> pd.Series:
        """Mask of the rows that can be used."""
        return self.reason == ""

    def rows(self) -> pd.DataFrame:
        """The refused rows with the columns `REFUSED`."""
        gone = ~self.kept
        out = pd.DataFrame({"table": self.table, "row": self.frame.loc[gone, "row"]})
        for name in ("unit", "indicator", "period", "target"):
            out[name] = self.frame.loc[gone, name] if name in self.frame else ""
        return out.assign(reason=self.reason[gone], detail=self.detail[gone]).reset_index(drop=True)


def usable_observations(observations: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a tidy table into rows that can be used and rows that are refused.

    Parameters
    ----------
    observations : DataFrame
        unit, indicator, period, value and optionally numerator, denominator; any types.

    Returns
    -------
    used, refused : DataFrames
        `used` with typed columns and our period codes; `refused` with the columns `REFUSED`.

    Raises
    ------
    DataError
        A column is missing.
    """
    check_columns(observations, OBSERVATION_COLUMNS, where="observations")
    frame = pd.DataFrame({"row": np.arange(1, len(observations) + 1)})
    for name in ("unit", "indicator"):
        frame[name] = text_of(observations[name]).to_numpy()
    raw = text_of(observations["period"])
    codes = {one: readable_period(one) for one in raw.unique()}
    frame["period"] = raw.map(codes).to_numpy()
    texts = {}
    for name in ("value", *COUNTS):
        column = observations[name] if name in observations else pd.Series(np.nan, index=observations.index)
        numbers, bad = numbers_of(column)
        frame[name], texts[name] = numbers.to_numpy(), bad.to_numpy()
    refusals = Refusals("observations", frame.assign(period=raw.to_numpy()))
    _refuse_observations(refusals, frame, observations, raw.to_numpy(), texts)
    used = frame[refusals.kept.to_numpy()].reset_index(drop=True)
    return used, refusals.rows()


def _refuse_observations(refusals: Refusals, frame: pd.DataFrame, given: pd.DataFrame, raw, texts: dict) -> None:
    for name in ("unit", "indicator"):
        refusals.refuse(frame[name] == "", f"no_{name}", f"the {name} is empty")
    refusals.refuse(
        frame["period"] == "",
        "period_unreadable",
        lambda row: f"period {row['period']!r}; allowed: 2022-02, 2022-Q1 or 2022",
    )
    for name, bad in texts.items():
        cells = given[name].to_numpy() if name in given else np.array([])
        refusals.refuse(
            pd.Series(bad), "text_in_number", lambda row, cells=cells, name=name: f"{name} {cells[row['row'] - 1]!r}"
        )
    top, bottom = frame["numerator"], frame["denominator"]
    refusals.refuse(
        top > bottom, "numerator_above_denominator", lambda row: f"{row['numerator']:g} of {row['denominator']:g}"
    )
    refusals.refuse(
        (bottom <= 0) | (top < 0), "count_not_positive", lambda row: f"{row['numerator']:g} of {row['denominator']:g}"
    )
    ratio = top / bottom
    fill = frame["value"].isna() & ratio.notna()
    frame.loc[fill, "value"] = ratio[fill]
    refusals.refuse(frame["value"].isna(), "value_missing", "no value, and no numerator and denominator")
    off = (frame["value"] - ratio).abs() > RATIO_TOLERANCE
    percent = (frame["value"] - 100 * ratio).abs() <= 100 * RATIO_TOLERANCE
    refusals.refuse(
        off & ~percent & (frame["value"].abs() <= 1),
        "value_not_ratio",
        lambda row: f"value {row['value']:g}, but {row['numerator']:g} of {row['denominator']:g}",
    )
    _refuse_frequencies(refusals, frame)
    _refuse_repeats(refusals, frame, ["unit", "indicator", "period"], ["value", *COUNTS])


def _refuse_frequencies(refusals: Refusals, frame: pd.DataFrame) -> None:
    """Keep the most frequent frequency of each indicator; of equals the finer one."""
    codes = {one: frequency_of(one) or "" for one in frame["period"].unique()}
    frequency = frame["period"].map(codes)
    good = frame[refusals.kept.to_numpy()].assign(frequency=frequency)
    if good.empty:
        return
    counts = good.groupby(["indicator", "frequency"]).size().rename("n").reset_index()
    counts["fine"] = counts["frequency"].map({"M": 0, "Q": 1, "Y": 2})
    main = counts.sort_values(["indicator", "n", "fine"], ascending=[True, False, True]).drop_duplicates("indicator")
    main = dict(zip(main["indicator"], main["frequency"]))
    mixed = frame["indicator"].map(main).notna() & (frequency != frame["indicator"].map(main))
    names = {"M": "months", "Q": "quarters", "Y": "years"}
    refusals.refuse(
        mixed,
        "mixed_frequency",
        lambda row: f"period {row['period']!r}; most of {row['indicator']!r} is in {names[main[row['indicator']]]}",
    )


def _refuse_repeats(refusals: Refusals, frame: pd.DataFrame, key: list[str], content: list[str]) -> None:
    """Repeats that disagree are refused altogether, repeats that agree but for the first."""
    good = frame[refusals.kept.to_numpy()]
    twice = good[good.duplicated(key, keep=False)]
    if twice.empty:
        return
    filled = twice.assign(
        **{one: twice[one].fillna(-np.inf) if twice[one].dtype == float else twice[one] for one in content}
    )
    kinds = filled.drop_duplicates([*key, *content]).groupby(key).size()
    disagree = twice.set_index(key).index.map(kinds).to_numpy() > 1
    first = twice.groupby(key)["row"].transform("min")
    rows = dict(zip(twice["row"], first))
    index = pd.Series(False, index=frame.index)
    conflict, repeat = index.copy(), index.copy()
    conflict[twice.index[disagree]] = True
    repeat[twice.index[~disagree & (twice["row"] != first).to_numpy()]] = True
    refusals.refuse(conflict, "duplicates_disagree", lambda row: f"row {rows[row['row']]} has the same key")
    refusals.refuse(repeat, "duplicate", lambda row: f"repeats row {rows[row['row']]}")


def usable_targets(
    targets: pd.DataFrame, *, known: set[str], cutoff: str, shares: Collection[str] = frozenset()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a table of targets into rows that can be used and rows that are refused.

    Parameters
    ----------
    targets : DataFrame
        target, indicator, operator, threshold, deadline and optionally unit.
    known : set of str
        Indicators with observations.
    cutoff : str
        A deadline before it is refused.
    shares : collection of str
        Indicators that are a numerator of a denominator, as fractions: a threshold outside 0..1 is refused.

    Returns
    -------
    used, refused : DataFrames

    Raises
    ------
    DataError
        A column is missing.
    """
    check_columns(targets, TARGET_COLUMNS, where="targets")
    frame = pd.DataFrame({"row": np.arange(1, len(targets) + 1)})
    for name in ("target", "indicator", "operator", "deadline", "unit"):
        frame[name] = text_of(targets[name]).to_numpy() if name in targets else ""
    frame["operator"] = frame["operator"].replace(_SYMBOLS)
    numbers, bad = numbers_of(targets["threshold"])
    frame["threshold"] = numbers.to_numpy()
    raw, cells = frame["deadline"].copy(), targets["threshold"].to_numpy()
    frame["deadline"] = [readable_period(one) for one in raw]
    refusals = Refusals("targets", frame.assign(period=raw))
    refusals.refuse(frame["target"] == "", "no_target", "the target is empty")
    refusals.refuse(
        ~frame["indicator"].isin(known),
        "unknown_indicator",
        lambda row: (
            f"indicator {row['indicator']!r} has no observations. {did_you_mean(row['indicator'], known)}".strip()
        ),
    )
    refusals.refuse(
        ~frame["operator"].isin(OPERATORS),
        "unknown_operator",
        lambda row: f"operator {row['operator']!r}; allowed: >, >=, <, <=",
    )
    refusals.refuse(
        pd.Series(bad.to_numpy()) | frame["threshold"].isna(),
        "threshold_not_a_number",
        lambda row: f"threshold {cells[row['row'] - 1]!r}",
    )
    refusals.refuse(
        frame["indicator"].isin(shares) & ~frame["threshold"].between(0, 1),
        "threshold_not_a_fraction",
        lambda row: (
            f"threshold {row['threshold']:g} of a share given as a fraction; "
            f"allowed: 0 to 1 (for {row['threshold']:g} % write {row['threshold'] / 100:g})"
        ),
    )
    refusals.refuse(
        frame["deadline"] == "",
        "deadline_unreadable",
        lambda row: f"deadline {row['period']!r}; allowed: 2022-02, 2022-Q1 or 2022",
    )
    end = last_day(cutoff)
    ends = {one: last_day(one) for one in frame["deadline"].unique() if one}
    past = frame["deadline"].map(lambda one: bool(one) and ends[one] < end)
    refusals.refuse(past, "deadline_before_cutoff", lambda row: f"deadline {row['deadline']!r}, cutoff {cutoff!r}")
    _refuse_repeats(refusals, frame, ["target", "unit"], ["indicator", "operator", "threshold", "deadline"])
    return frame[refusals.kept.to_numpy()].reset_index(drop=True), refusals.rows()
