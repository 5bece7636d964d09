"""Cells to numbers, dates and periods as reports write them: strict, in a declared style, each distinct cell read once.

What could mean two things is refused, and a refused reading has the case of its sentence in
:data:`analysis.words.findings.SENTENCES`. ``1.473`` is 1473 in Vietnamese, 1.473 plain; ``22.8`` is a date there, never
a number; "gần 63.000" is an upper bound.
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.words.periods import as_period, frequency_of, period_code

NAN = float("nan")
MAX_LENGTH = 200  # characters of a cell that holds a number or a date
UPPER_WORDS = ("gần", "dưới", "không quá", "chưa đến", "chưa đầy", "nearly", "under", "less than", "<")
LOWER_WORDS = ("hơn", "trên", "ít nhất", "tối thiểu", "không dưới", "more than", "over", "at least", ">")
ABOUT_WORDS = ("khoảng", "xấp xỉ", "about")
SCALES = {"nghìn": 1e3, "ngàn": 1e3, "triệu": 1e6, "tỷ": 1e9, "tỉ": 1e9}
ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_COMBINING = re.compile("[\u0300-\u036f]")
_NUMBERS = {
    # groups of three behind a first group that does not start with 0, or digits without marks; then a fraction
    "plain": re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?)", re.ASCII),
    "vi": re.compile(r"(-?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d+)(?:,\d+)?)", re.ASCII),
    "en": re.compile(r"(-?(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?)", re.ASCII),
}
_PLAIN = re.compile(r"-?[0-9]{1,300}(\.[0-9]+)?")
_DOT_GROUP = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2}\.[0-9]{3}(?![0-9.,])")
_COMMA_GROUP = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2},[0-9]{3}(?![0-9.,])")
_ANY_NUMBER = r"-?[\d.,]*\d(?:[eE][-+]?\d{1,3})?"
_SHAPE = re.compile(
    rf"(?P<first>{_ANY_NUMBER})(?:\s?/\s?(?P<second>{_ANY_NUMBER}))?\s?(?P<percent>%)?(?:\s(?P<rest>\D+))?"
)


class Number(NamedTuple):
    """What one cell says, or a column of cells: the fields are then arrays of shape (n,).

    Shares written with ``%`` are fractions here; a side that is not stated is NaN. ``two_ways``: thousands of another
    style would look the same (``1.473`` in a plain file); no count is taken from such a cell. ``refused`` is "" or why
    the cell cannot be read: a case of "unreadable_number".
    """

    value: float = NAN
    numerator: float = NAN
    denominator: float = NAN
    lower: float = NAN
    upper: float = NAN
    percent: bool = False
    two_ways: bool = False
    refused: str = ""


def as_numbers(column: pd.Series, *, numbers: str, missing: tuple[str, ...]) -> Number:
    """Read a column of numbers; cells of a typed file that are numbers already stay as they are."""
    if pd.api.types.is_numeric_dtype(column):
        return _bare(column.to_numpy(dtype=float))
    codes, distinct = _distinct(column.to_numpy(dtype=object))
    if numbers == "plain" and all(isinstance(one, str) and _PLAIN.fullmatch(one) for one in distinct):
        grouped = np.array([_DOT_GROUP.search(one) is not None for one in distinct], dtype=bool)
        return _bare(np.array(distinct, dtype=float)[codes])._replace(two_ways=grouped[codes])
    read = [_number(one, numbers, missing) for one in distinct]
    kinds = dict.fromkeys(Number._fields, float) | {"percent": bool, "two_ways": bool, "refused": object}
    return Number(*(np.array([one[at] for one in read], dtype=kind)[codes] for at, kind in enumerate(kinds.values())))


def _bare(value: np.ndarray) -> Number:
    """A column of numbers without per cent signs, fractions and bounds."""
    nothing, no = np.full(len(value), NAN), np.zeros(len(value), dtype=bool)
    refused = np.where(np.isinf(value), "infinite", "").astype(object)
    return Number(value, nothing, nothing, nothing, nothing, no, no, refused)


def _number(cell: object, numbers: str, missing: tuple[str, ...]) -> Number:
    if isinstance(cell, int | float | np.number) and not isinstance(cell, bool):
        return Number(refused="infinite") if math.isinf(cell) else Number(value=float(cell))
    text = str(cell)
    return Number() if text.strip() in missing or not text.strip() else read_number(text, numbers=numbers)


def read_number(text: str, *, numbers: str) -> Number:
    """Read one cell; `numbers` is "plain" (1473.5), "vi" (1.473,5) or "en" (1,473.5).

    >>> read_number("1.473", numbers="vi").value, read_number("1.473", numbers="plain").value
    (1473.0, 1.473)
    >>> read_number("gần 63.000", numbers="vi").upper
    63000.0
    >>> read_number("22.8", numbers="vi").refused
    'vi'
    """
    if len(text) > MAX_LENGTH:
        return Number(refused="long")
    if text.isascii() and text.isdigit():  # most cells, the same in every style
        return Number(value=float(text))
    word, rest = _bound_word(_clean(text).replace("\u2212", "-"))
    match = _SHAPE.fullmatch(rest)
    if match is None:
        return Number(refused="none")
    value, refused = _value(match["first"], numbers)
    below, other = _value(match["second"], numbers) if match["second"] else (NAN, "")
    scale, behind = _scale(match["rest"])
    refused = refused or other or behind
    if refused or (match["second"] and (match["percent"] or word)):
        return Number(refused=refused or "two_meanings")
    two_ways = (_COMMA_GROUP if numbers == "vi" else _DOT_GROUP).search(text) is not None
    if match["second"]:
        share = value / below if below else NAN
        return Number(value=share, numerator=value * scale, denominator=below * scale, two_ways=two_ways)
    value = value / 100 if match["percent"] else value * scale
    lower, upper = (value if word in words else NAN for words in (LOWER_WORDS, UPPER_WORDS))
    return Number(value=value, lower=lower, upper=upper, percent=bool(match["percent"]), two_ways=two_ways)


def _clean(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def _bound_word(text: str) -> tuple[str, str]:
    lowered = text.lower()
    for word in (*UPPER_WORDS, *LOWER_WORDS, *ABOUT_WORDS):
        if lowered.startswith(word) and (word in "<>" or lowered[len(word) : len(word) + 1] == " "):
            return word, text[len(word) :].strip()
    return "", text


def _value(text: str, numbers: str) -> tuple[float, str]:
    if _NUMBERS[numbers].fullmatch(text) is None:
        return NAN, numbers
    if numbers == "vi":
        text = text.replace(".", "").replace(",", ".")
    elif numbers == "en":
        text = text.replace(",", "")
    value = float(text)
    return (value, "") if abs(value) < 1e300 else (NAN, "large")


def _scale(rest: str | None) -> tuple[float, str]:
    """Factor of the words behind a number: "triệu" counts, "hồ sơ" is the thing counted."""
    if not rest:
        return 1.0, ""
    words = rest.lower().split()
    letters = all(one.isalpha() or one in " .,-()/" for one in rest)
    return (SCALES.get(words[0], 1.0), "") if letters or words[0] in SCALES else (NAN, "behind")


@dataclass(frozen=True)
class Span:
    """A stretch of days; `length` is day, month, quarter, half, nine months or year; ``refused`` as in `Number`."""

    start: dt.date | None = None
    end: dt.date | None = None
    length: str = ""
    refused: str = ""


_MONTH_SPAN = {"month": 1, "quarter": 3, "half": 6, "nine": 9, "year": 12}
_LENGTHS = {"M": "month", "Q": "quarter", "Y": "year"}
_DATE = re.compile(r"(?:ngày )?(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}))?", re.ASCII)
_LONG_DATE = re.compile(r"(?:ngày )?(\d{1,2}) tháng (\d{1,2}) năm (\d{4})", re.ASCII)
_MONTH = re.compile(r"(?:tháng )?(\d{1,2})(?:/|-| năm | - )(\d{4})", re.ASCII)
_QUARTER = re.compile(r"(?:quý |q)(iv|iii|ii|i|[1-4])(?:/|-| năm | - | )(\d{4})", re.ASCII)
_FIRST_MONTHS = re.compile(r"(6|9|sáu|chín) tháng đầu năm (\d{4})", re.ASCII)
_YEAR = re.compile(r"(?:năm )?(\d{4})", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)


def as_periods(
    column: pd.Series, frequency: pd.Series, *, dates: str, year: int | None, rule: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read a column as period codes, last days, and "" or a case of "unreadable_period", each of shape (n,)."""
    codes, distinct = _distinct(zip(as_codes(column), frequency))
    spans = {text: read_span(text, dates=dates, year=year) for text in {one[0] for one in distinct}}
    read = [(*period_of(spans[text], frequency=each, rule=rule), spans[text].end) for text, each in distinct]
    code, refused, day = ([one[at] for one in read] for at in range(3))
    kinds = ((code, object), (day, "datetime64[D]"), (refused, object))
    return tuple(np.array(one, dtype=kind)[codes] for one, kind in kinds)


def read_span(text: str, *, dates: str, year: int | None = None) -> Span:
    """Read one date or period as a stretch of days; without `year`, a Vietnamese date that states none is refused.

    >>> read_span("15/7/2022", dates="vi").start
    datetime.date(2022, 7, 15)
    >>> read_span("Quý III năm 2023", dates="vi").end
    datetime.date(2023, 9, 30)
    >>> read_span("9/8", dates="vi").refused
    'no_year'
    """
    if len(text) > MAX_LENGTH:
        return Span(refused="long")
    clean = _clean(text)
    frequency = frequency_of(clean)
    if frequency and dates != "iso":
        start = as_period(clean).asfreq("M", how="start")  # not its Timestamp: these begin in 1677 and end in 2262
        return _months(start.year, start.month, _LENGTHS[frequency])
    iso = _ISO.fullmatch(clean)
    if iso and dates != "code":
        return _day(*iso.groups())
    return _vietnamese(clean.lower(), year=year) if dates == "vi" else Span(refused=dates)


def _vietnamese(clean: str, *, year: int | None) -> Span:
    if match := _LONG_DATE.fullmatch(clean):
        day, month, stated = match.groups()
        return _day(stated, month, day)
    if match := _QUARTER.fullmatch(clean):
        quarter = ROMAN.get(match[1]) or int(match[1])
        return _months(int(match[2]), 3 * quarter - 2, "quarter")
    if match := _FIRST_MONTHS.fullmatch(clean):
        return _months(int(match[2]), 1, "half" if match[1] in ("6", "sáu") else "nine")
    if match := _MONTH.fullmatch(clean):
        return _months(int(match[2]), int(match[1]), "month")
    if match := _YEAR.fullmatch(clean):
        return _months(int(match[1]), 1, "year")
    match = _DATE.fullmatch(clean)
    if match is None or (match[4] is None and year is None):
        return Span(refused="no_year" if match else "none")
    return _day(match[4] or year, match[3], match[1])


def _day(*parts: str | int) -> Span:
    try:
        date = dt.date(*map(int, parts))
    except ValueError:
        return Span(refused="day")
    return _sane(date, date, "day")


def _months(year: int, month: int, length: str) -> Span:
    if not 1 <= month <= 12:
        return Span(refused="month")
    if year < 1:
        return Span(refused="year")
    last = month + _MONTH_SPAN[length] - 1
    return _sane(dt.date(year, month, 1), dt.date(year, last, calendar.monthrange(year, last)[1]), length)


def _sane(start: dt.date, end: dt.date, length: str) -> Span:
    """Years outside 1900..2200 are misprints or row numbers."""
    return Span(start, end, length) if 1900 <= start.year <= 2200 else Span(refused="far")


def period_of(span: Span, *, frequency: str, rule: str) -> tuple[str, str]:
    """Period code of a stretch of days, or why it has none.

    A day belongs to the period that holds it; under the rule "first_is_month_before" the first of a month is the end
    of the month before. "6 tháng đầu năm" is the last period in it (a state, or a count since January).

    >>> period_of(read_span("2020-03-01", dates="iso"), frequency="M", rule="first_is_month_before")
    ('2020-02', '')
    >>> period_of(read_span("6 tháng đầu năm 2022", dates="vi"), frequency="Q", rule="contains")
    ('2022-Q2', '')
    >>> period_of(read_span("2022-Q1", dates="code"), frequency="M", rule="contains")
    ('', 'not_M')
    """
    if span.refused:
        return "", span.refused
    day, allowed = span.end, {"day", _LENGTHS[frequency]} | (set() if frequency == "Y" else {"half", "nine"})
    if span.length not in allowed:
        return "", f"not_{frequency}"
    if span.length == "day" and rule == "first_is_month_before" and day.day == 1:
        day -= dt.timedelta(days=1)
    return period_code(as_period(f"{day:%Y-%m}").asfreq(frequency, how="end")), ""


def as_codes(column: pd.Series) -> np.ndarray:
    """Cells as codes: text, trimmed, diacritics composed; a whole number of a typed file without its ``.0``.

    >>> as_codes(pd.Series([" 011002", 13, 13.0], dtype=object)).tolist()
    ['011002', '13', '13']
    """
    codes, distinct = _distinct(column.to_numpy(dtype=object))
    return np.array([_code(one) for one in distinct], dtype=object)[codes]


def _code(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()
    # only where combining marks stand: NFC would also replace Japanese characters that differ in print
    return unicodedata.normalize("NFC", text) if _COMBINING.search(text) else text


def _distinct(cells: Iterable) -> tuple[np.ndarray, list]:
    """Place of each cell among the distinct ones, and those. Not `pd.factorize`: to it "a" and "a\\0b" are the same."""
    cells = list(cells)
    place = {one: at for at, one in enumerate(dict.fromkeys(cells))}
    return np.fromiter(map(place.__getitem__, cells), dtype=np.intp, count=len(cells)), list(place)
