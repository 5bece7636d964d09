"""Numbers, dates and periods as reports write them: strict, in a declared style.

What could mean two things is refused, and a refused reading comes back as a sentence that says why. ``1.473`` is 1473
in Vietnamese, 1.473 plain; ``22.8`` is a date there, never a number; "gần 63.000" is an upper bound.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

from analysis.words.periods import as_period, frequency_of, period_code

NAN = float("nan")
MAX_LENGTH = 200  # characters of a cell that holds a number or a date
UPPER_WORDS = ("gần", "dưới", "không quá", "chưa đến", "chưa đầy", "nearly", "under", "less than", "<")
LOWER_WORDS = ("hơn", "trên", "ít nhất", "tối thiểu", "không dưới", "more than", "over", "at least", ">")
ABOUT_WORDS = ("khoảng", "xấp xỉ", "about")
SCALES = {"nghìn": 1e3, "ngàn": 1e3, "triệu": 1e6, "tỷ": 1e9, "tỉ": 1e9}
ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_NUMBERS = {
    # groups of three behind a first group that does not start with 0, or digits without marks; then a fraction
    "plain": re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?)", re.ASCII),
    "vi": re.compile(r"(-?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d+)(?:,\d+)?)", re.ASCII),
    "en": re.compile(r"(-?(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?)", re.ASCII),
}
_ANY_NUMBER = r"-?[\d.,]*\d(?:[eE][-+]?\d{1,3})?"
_SHAPE = re.compile(
    rf"(?P<first>{_ANY_NUMBER})(?:\s?/\s?(?P<second>{_ANY_NUMBER}))?\s?(?P<percent>%)?(?:\s(?P<rest>\D+))?"
)


def _clean(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


@dataclass(frozen=True)
class Number:
    """What one cell says. Shares written with ``%`` are fractions here; a side that is not stated is NaN.

    ``refused`` is "" or the reason why the cell cannot be read.
    """

    value: float = NAN
    numerator: float = NAN
    denominator: float = NAN
    lower: float = NAN
    upper: float = NAN
    percent: bool = False
    refused: str = ""


def read_number(text: str, *, numbers: str) -> Number:
    """Read one number.

    Parameters
    ----------
    text : str
        One cell: a number, ``45,7%``, ``46/126``, "gần 63.000 hồ sơ", "05 bước".
    numbers : str
        How numbers are written: "plain" (1473.5), "vi" (1.473,5) or "en" (1,473.5).

    Returns
    -------
    Number

    Examples
    --------
    >>> read_number("1.473", numbers="vi").value, read_number("1.473", numbers="plain").value
    (1473.0, 1.473)
    >>> read_number("gần 63.000", numbers="vi").upper
    63000.0
    >>> read_number("22.8", numbers="vi").refused
    "'22.8' is no number with dots for thousands and a comma for decimals"
    """
    if len(text) > MAX_LENGTH:
        return Number(refused=f"a text of {len(text)} characters is no number")
    if text.isascii() and text.isdigit():  # most cells, the same in every style
        return Number(value=float(text))
    clean = _clean(text).replace("\u2212", "-")
    word, rest = _bound_word(clean)
    match = _SHAPE.fullmatch(rest)
    if match is None:
        return Number(refused=f"{text!r} is no number")
    first, second = match["first"], match["second"]
    value, problem = _value(first, numbers)
    below, other = _value(second, numbers) if second else (NAN, "")
    if problem or other:
        return Number(refused=problem or other)
    scale, problem = _scale(match["rest"])
    if problem:
        return Number(refused=f"{text!r}: {problem}")
    if second and (match["percent"] or word):
        return Number(refused=f"{text!r} is a fraction with a word or a % sign: say which of the two is meant")
    if second:
        return Number(value=value / below if below else NAN, numerator=value * scale, denominator=below * scale)
    value = value / 100 if match["percent"] else value * scale
    return _bounded(value, word, percent=bool(match["percent"]))


def _bounded(value: float, word: str, *, percent: bool) -> Number:
    lower = value if word in LOWER_WORDS else NAN
    upper = value if word in UPPER_WORDS else NAN
    if word in ABOUT_WORDS:
        lower = upper = NAN
    return Number(value=value, lower=lower, upper=upper, percent=percent)


def _bound_word(text: str) -> tuple[str, str]:
    lowered = text.lower()
    for word in (*UPPER_WORDS, *LOWER_WORDS, *ABOUT_WORDS):
        if lowered.startswith(word) and (word in "<>" or lowered[len(word) : len(word) + 1] == " "):
            return word, text[len(word) :].strip()
    return "", text


_MARKS = {
    "plain": "a dot for decimals and no mark for thousands",
    "vi": "dots for thousands and a comma for decimals",
    "en": "commas for thousands and a dot for decimals",
}


def _value(text: str, numbers: str) -> tuple[float, str]:
    if _NUMBERS[numbers].fullmatch(text) is None:
        return NAN, f"{text!r} is no number with {_MARKS[numbers]}"
    if numbers == "vi":
        text = text.replace(".", "").replace(",", ".")
    elif numbers == "en":
        text = text.replace(",", "")
    value = float(text)
    return (value, "") if abs(value) < 1e300 else (NAN, f"{text[:20]!r} is too large")


def _scale(rest: str | None) -> tuple[float, str]:
    """Factor of the words behind a number: "triệu" counts, "hồ sơ" is the thing counted."""
    if not rest:
        return 1.0, ""
    words = rest.lower().split()
    if words[0] in SCALES:
        return SCALES[words[0]], ""
    letters = all(one.isalpha() or one in " .,-()/" for one in rest)
    return (1.0, "") if letters else (NAN, f"the text {rest!r} behind the number")


@dataclass(frozen=True)
class Span:
    """A stretch of days; `length` is day, month, quarter, half, nine months or year. ``refused`` as in `Number`."""

    start: dt.date | None = None
    end: dt.date | None = None
    length: str = ""
    refused: str = ""


_MONTH_SPAN = {"month": 1, "quarter": 3, "half": 6, "nine": 9, "year": 12}
_DATE = re.compile(r"(?:ngày )?(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}))?", re.ASCII)
_LONG_DATE = re.compile(r"(?:ngày )?(\d{1,2}) tháng (\d{1,2}) năm (\d{4})", re.ASCII)
_MONTH = re.compile(r"(?:tháng )?(\d{1,2})(?:/|-| năm | - )(\d{4})", re.ASCII)
_QUARTER = re.compile(r"(?:quý |q)(iv|iii|ii|i|[1-4])(?:/|-| năm | - | )(\d{4})", re.ASCII)
_FIRST_MONTHS = re.compile(r"(6|9|sáu|chín) tháng đầu năm (\d{4})", re.ASCII)
_YEAR = re.compile(r"(?:năm )?(\d{4})", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)


def read_span(text: str, *, dates: str, year: int | None = None) -> Span:
    """Read one date or period as a stretch of days.

    Parameters
    ----------
    text : str
    dates : str
        How they are written: "code" (2022-02, 2022-Q1, 2022), "iso" (2022-02-28) or "vi" (15/7/2022, 22.8, quý I-2024).
    year : int, optional
        Year of Vietnamese dates that state none; without it they are refused.

    Returns
    -------
    Span

    Examples
    --------
    >>> read_span("15/7/2022", dates="vi").start
    datetime.date(2022, 7, 15)
    >>> read_span("Quý III năm 2023", dates="vi").end
    datetime.date(2023, 9, 30)
    >>> read_span("9/8", dates="vi").refused
    "'9/8' states no year"
    """
    if len(text) > MAX_LENGTH:
        return Span(refused=f"a text of {len(text)} characters is no date")
    clean = _clean(text)
    if dates == "code" or (dates == "vi" and frequency_of(clean)):
        return _of_code(clean) if frequency_of(clean) else Span(refused=f"{text!r} is none of 2022-02, 2022-Q1, 2022")
    iso = _ISO.fullmatch(clean)
    if iso or dates == "iso":
        return _day(*map(int, iso.groups()), text=text) if iso else Span(refused=f"{text!r} is no date as 2022-02-28")
    return _vietnamese(clean.lower(), text=text, year=year)


def _vietnamese(clean: str, *, text: str, year: int | None) -> Span:
    if match := _LONG_DATE.fullmatch(clean):
        day, month, stated = map(int, match.groups())
        return _day(stated, month, day, text=text)
    if match := _QUARTER.fullmatch(clean):
        quarter = ROMAN.get(match[1]) or int(match[1])
        return _months(int(match[2]), 3 * quarter - 2, "quarter", text=text)
    if match := _FIRST_MONTHS.fullmatch(clean):
        return _months(int(match[2]), 1, "half" if match[1] in ("6", "sáu") else "nine", text=text)
    if match := _MONTH.fullmatch(clean):
        return _months(int(match[2]), int(match[1]), "month", text=text)
    if match := _YEAR.fullmatch(clean):
        return _months(int(match[1]), 1, "year", text=text)
    match = _DATE.fullmatch(clean)
    if match is None:
        return Span(refused=f"{text!r} is no date or period")
    if match[4] is None and year is None:
        return Span(refused=f"{text!r} states no year")
    return _day(int(match[4] or year), int(match[3]), int(match[1]), text=text)


def _of_code(code: str) -> Span:
    period = as_period(code)
    length = {"M": "month", "Q": "quarter", "Y": "year"}[frequency_of(code)]
    return _months(period.start_time.year, period.start_time.month, length, text=code)


def _day(year: int, month: int, day: int, *, text: str) -> Span:
    try:
        date = dt.date(year, month, day)
    except ValueError:
        return Span(refused=f"{text!r} is no day of the calendar")
    return _sane(Span(date, date, "day"), text=text)


def _months(year: int, month: int, length: str, *, text: str) -> Span:
    if not 1 <= month <= 12:
        return Span(refused=f"{text!r} is no month of the calendar")
    if year < 1:
        return Span(refused=f"{text!r} is no year of the calendar")
    last = month + _MONTH_SPAN[length] - 1
    end = dt.date(year, last, 28) + dt.timedelta(days=4)
    return _sane(Span(dt.date(year, month, 1), end - dt.timedelta(days=end.day), length), text=text)


def _sane(span: Span, *, text: str) -> Span:
    """Years outside 1900..2200 are misprints or row numbers."""
    return span if 1900 <= span.start.year <= 2200 else Span(refused=f"{text!r} lies outside the years 1900 to 2200")


def period_of(span: Span, *, frequency: str, rule: str) -> tuple[str, str]:
    """Period code of a stretch of days, or the reason why it has none.

    A day belongs to the period that holds it; under the rule "first_is_month_before" the first of a month is the end
    of the month before. "6 tháng đầu năm" is the last period in it (a state, or a count since January).

    Parameters
    ----------
    span : Span
    frequency : str
        "M", "Q" or "Y": the indicator's.
    rule : str
        "contains" or "first_is_month_before".

    Returns
    -------
    code, refused : tuple of str
        One of them is "".

    Examples
    --------
    >>> period_of(read_span("2020-03-01", dates="iso"), frequency="M", rule="first_is_month_before")
    ('2020-02', '')
    >>> period_of(read_span("6 tháng đầu năm 2022", dates="vi"), frequency="Q", rule="contains")
    ('2022-Q2', '')
    >>> period_of(read_span("2022-Q1", dates="code"), frequency="M", rule="contains")
    ('', 'a quarter, but the indicator is monthly')
    """
    if span.refused:
        return "", span.refused
    if span.length == "day":
        day = span.end
        if rule == "first_is_month_before" and day.day == 1:
            day = day - dt.timedelta(days=1)
        return period_code(as_period(f"{day:%Y-%m}").asfreq(frequency, how="end")), ""
    matching = {"M": "month", "Q": "quarter", "Y": "year"}[frequency]
    if span.length in (matching, "half", "nine") and not (frequency == "Y" and span.length != "year"):
        return period_code(as_period(f"{span.end:%Y-%m}").asfreq(frequency, how="end")), ""
    told = {"M": "monthly", "Q": "quarterly", "Y": "yearly"}[frequency]
    length = {"half": "half-year", "nine": "stretch of nine months"}.get(span.length, span.length)
    return "", f"a {length}, but the indicator is {told}"
