"""Columns of raw cells to numbers and periods, each distinct cell read once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.intake.vietnamese import Number, Span, period_of, read_number, read_span

_PLAIN = re.compile(r"-?[0-9]{1,300}(\.[0-9]+)?")
_DOT_GROUP = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2}\.[0-9]{3}(?![0-9.,])")
_COMMA_GROUP = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2},[0-9]{3}(?![0-9.,])")
_COMBINING = re.compile("[\u0300-\u036f]")
_SIDES = ("value", "numerator", "denominator", "lower", "upper")


@dataclass(frozen=True)
class Numbers:
    """A column of cells as numbers, arrays of shape (n,).

    ``two_ways``: thousands of another style would look the same (``1.473`` in a plain file); no count is taken from
    such a cell. ``refused`` holds "" or the reason a cell cannot be read.
    """

    value: np.ndarray
    numerator: np.ndarray
    denominator: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    percent: np.ndarray
    two_ways: np.ndarray
    refused: np.ndarray


def as_numbers(column: pd.Series, *, numbers: str, missing: tuple[str, ...]) -> Numbers:
    """Read a column of numbers; cells of a typed file that are numbers already stay as they are.

    Parameters
    ----------
    column : Series, shape (n,)
        Text, numbers, or both.
    numbers : str
        "plain", "vi" or "en".
    missing : tuple of str
        Cells that mean "no figure".

    Returns
    -------
    Numbers
    """
    n = len(column)
    if pd.api.types.is_numeric_dtype(column):
        return _all_numbers(column.to_numpy(dtype=float))
    codes, distinct = _distinct(column.to_numpy(dtype=object))
    if n and numbers == "plain" and all(isinstance(one, str) and _PLAIN.fullmatch(one) for one in distinct):
        two_ways = np.array([_two_ways(cell, numbers) for cell in distinct], dtype=bool)
        return replace(_all_numbers(np.array(distinct, dtype=float)[codes]), two_ways=two_ways[codes])
    if not n:
        return _all_numbers(np.empty(0))
    read = [_one(cell, numbers, missing) for cell in distinct]
    sides = {side: np.array([getattr(one, side) for one in read], dtype=float)[codes] for side in _SIDES}
    return Numbers(
        **sides,
        percent=np.array([one.percent for one in read], dtype=bool)[codes],
        two_ways=np.array([_two_ways(cell, numbers) for cell in distinct], dtype=bool)[codes],
        refused=np.array([one.refused for one in read], dtype=object)[codes],
    )


def _all_numbers(values: np.ndarray) -> Numbers:
    nothing = np.full(len(values), np.nan)
    refused = np.full(len(values), "", dtype=object)
    refused[np.isinf(values)] = "an infinite number"
    no = np.zeros(len(values), dtype=bool)
    return Numbers(values, nothing, nothing, nothing, nothing, no, no, refused)


def _two_ways(cell: object, numbers: str) -> bool:
    if not isinstance(cell, str):
        return False
    return (_COMMA_GROUP if numbers == "vi" else _DOT_GROUP).search(cell) is not None


def _one(cell: object, numbers: str, missing: tuple[str, ...]) -> Number:
    if isinstance(cell, int | float | np.number) and not isinstance(cell, bool):
        value = float(cell)
        return Number(value=value) if not np.isinf(value) else Number(refused="an infinite number")
    text = str(cell)
    return Number() if text.strip() in missing or not text.strip() else read_number(text, numbers=numbers)


@dataclass(frozen=True)
class Periods:
    """A column of cells as period codes and last days, shape (n,); ``refused`` holds "" or the reason."""

    code: np.ndarray
    day: np.ndarray
    refused: np.ndarray


def as_periods(column: pd.Series, frequency: pd.Series, *, dates: str, year: int | None, rule: str) -> Periods:
    """Read a column of dates or periods.

    Parameters
    ----------
    column : Series, shape (n,)
        Text; a whole number (a year in a typed file) is read as text.
    frequency : Series, shape (n,)
        "M", "Q" or "Y" of each row's indicator.
    dates, year, rule
        See :func:`analysis.intake.vietnamese.read_span` and :func:`~analysis.intake.vietnamese.period_of`.

    Returns
    -------
    Periods
    """
    if not len(column):
        nothing = np.empty(0, dtype=object)
        return Periods(nothing, nothing.astype("datetime64[D]"), nothing)
    codes, distinct = _distinct(zip(as_codes(column), frequency))
    spans: dict[str, Span] = {text: read_span(text, dates=dates, year=year) for text in {one[0] for one in distinct}}
    read = [period_of(spans[text], frequency=each, rule=rule) for text, each in distinct]
    days = [spans[text].end for text, _ in distinct]
    return Periods(
        np.array([one[0] for one in read], dtype=object)[codes],
        np.array(days, dtype="datetime64[D]")[codes],
        np.array([one[1] for one in read], dtype=object)[codes],
    )


def as_codes(column: pd.Series) -> np.ndarray:
    """Cells as codes: text, trimmed, diacritics composed; a whole number of a typed file without its ``.0``.

    Returns
    -------
    array of str, shape (n,)

    Examples
    --------
    >>> as_codes(pd.Series([" 011002", 13, 13.0], dtype=object)).tolist()
    ['011002', '13', '13']
    """
    codes, distinct = _distinct(column.to_numpy(dtype=object))
    text = [_code(one) for one in distinct]
    return np.array(text, dtype=object)[codes] if len(text) else np.empty(0, dtype=object)


def _distinct(cells: Iterable) -> tuple[np.ndarray, list]:
    """Place of each cell among the distinct ones, and those. Not `pd.factorize`: to it "a" and "a\\0b" are the same."""
    cells = list(cells)
    place = {one: at for at, one in enumerate(dict.fromkeys(cells))}
    return np.fromiter(map(place.__getitem__, cells), dtype=np.intp, count=len(cells)), list(place)


def _code(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()
    # only where combining marks stand: NFC would also replace Japanese characters that differ in print
    return unicodedata.normalize("NFC", text) if _COMBINING.search(text) else text
