"""Periods: one text code everywhere in tables and files, integers inside the arithmetic.

A period is written ``2022-02`` (month), ``2022-Q1`` (quarter) or ``2022`` (year); codes of one frequency sort as text.
``pandas.Period`` does the calendar; :func:`clock` is the only place where the product reads the date.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.words.errors import DataError, Problem, examples

FREQUENCIES = {"M": 12, "Q": 4, "Y": 1}  # code of a frequency -> periods in a year
LAST = "last"  # what a command may name instead of a period: see `last_completed`
DUE_DAY = 5  # the quarterly run is due on this day of a quarter's first month
_PATTERNS = {
    "M": re.compile(r"([1-9]\d{3})-?(0[1-9]|1[0-2])"),
    "Q": re.compile(r"([1-9]\d{3})-?[Qq]([1-4])"),
    "Y": re.compile(r"([1-9]\d{3})"),
}

A_QUARTER = {"M": 3, "Q": 1, "Y": 1}  # the step from one run to the next, in periods of each frequency


def frequency_of(code: str) -> str | None:
    """Return ``"M"``, ``"Q"`` or ``"Y"`` for a period code, None where it is none.

    >>> frequency_of("2022-02"), frequency_of("2022-Q1"), frequency_of("2022"), frequency_of("22.8")
    ('M', 'Q', 'Y', None)
    """
    for frequency, pattern in _PATTERNS.items():
        if pattern.fullmatch(str(code).strip()):
            return frequency
    return None


def as_period(code: str) -> pd.Period:
    """Read one period code.

    DataError: if `code` is not ``YYYY-MM``, ``YYYY-Qn`` or ``YYYY``.

    >>> as_period("2022-Q3")
    Period('2022Q3', 'Q-DEC')
    """
    text = str(code).strip()
    frequency = frequency_of(text)
    if frequency is None:
        raise DataError(
            Problem(
                where=f"period {code!r}",
                found="it cannot be read as a period",
                allowed="2022-02 (month), 2022-Q1 (quarter) or 2022 (year)",
                remedy="Rewrite it, or state the source's date format in its params/sources file",
            )
        )
    parts = _PATTERNS[frequency].fullmatch(text).groups()
    pandas_text = {"M": "-", "Q": "Q", "Y": ""}[frequency].join(parts)
    return pd.Period(pandas_text, freq=frequency)


def period_code(period: pd.Period) -> str:
    """Write a period as our code; the inverse of :func:`as_period`.

    >>> period_code(pd.Period("2022-02", "M")), period_code(pd.Period("2022Q1", "Q"))
    ('2022-02', '2022-Q1')
    """
    if period.freqstr.startswith("Q"):
        return f"{period.year:04d}-Q{period.quarter}"
    if period.freqstr.startswith("M"):
        return f"{period.year:04d}-{period.month:02d}"
    return f"{period.year:04d}"


def ordinals(codes: Iterable[str]) -> np.ndarray:
    """Integer of every period code, int64 of shape (n,); consecutive periods differ by 1.

    DataError: a code cannot be read or frequencies are mixed.

    >>> ordinals(["2022-01", "2022-03"])
    array([624, 626])
    """
    codes = list(codes)
    unique = {code: as_period(code) for code in dict.fromkeys(codes)}
    if len({period.freqstr for period in unique.values()}) > 1:
        raise DataError(
            Problem(
                where="periods",
                found=f"months, quarters and years are mixed, e.g. {examples([min(unique), max(unique)])}",
                allowed="one frequency per indicator",
                remedy="Split the indicator, or bring it to one frequency at the source",
            )
        )
    ordinal = {code: period.ordinal for code, period in unique.items()}
    return np.fromiter(map(ordinal.__getitem__, codes), dtype=np.int64, count=len(codes))


def codes(values: Iterable[int], *, frequency: str) -> list[str]:
    """Period codes of integers; the inverse of :func:`ordinals`.

    >>> codes([624, 626], frequency="M")
    ['2022-01', '2022-03']
    """
    return [period_code(pd.Period(ordinal=int(value), freq=frequency)) for value in values]


def shift(code: str, n_periods: int) -> str:
    """The period `n_periods` later.

    >>> shift("2022-11", 3)
    '2023-02'
    """
    return period_code(as_period(code) + n_periods)


def between(cutoff: str, deadline: str) -> int:
    """Horizon of `deadline` seen from `cutoff`, in periods of `cutoff`'s frequency; <= 0 when it has passed.

    A deadline of another frequency means the last period of it: from the month 2022-02, the deadline 2022 is 2022-12.

    >>> between("2022-02", "2022-12"), between("2022-02", "2022"), between("2022-Q1", "2022-12")
    (10, 10, 3)
    """
    start = as_period(cutoff)
    return (last_in(deadline, frequency_of(cutoff)) - start).n


def last_in(code: str, frequency: str) -> pd.Period:
    """Last period of `frequency` that ends in the period `code` (which may be longer or shorter).

    >>> period_code(last_in("2025", "M")), period_code(last_in("2025-11", "Q"))
    ('2025-12', '2025-Q4')
    """
    return as_period(code).asfreq(frequency, how="end")


@lru_cache(maxsize=4096)
def last_day(code: str) -> dt.date:
    """Last calendar day of a period.

    >>> last_day("2024-02")
    datetime.date(2024, 2, 29)
    """
    day = as_period(code).asfreq("D", how="end")  # not its Timestamp: that ends in the year 2262
    return dt.date(day.year, day.month, day.day)


def finest(frequencies: Iterable[str]) -> str:
    """The finest of some frequencies."""
    return max(frequencies, key=FREQUENCIES.__getitem__)


def last_ended(code: str, frequency: str) -> str:
    """Last period of `frequency` that has ended when the period `code` ends: what is known by then.

    >>> last_ended("2026-08", "Q"), last_ended("2026-Q3", "M"), last_ended("2026-09", "Y"), last_ended("2026-09", "M")
    ('2026-Q2', '2026-09', '2025', '2026-09')
    """
    end = as_period(code).end_time
    period = as_period(code).asfreq(frequency, how="end")
    return period_code(period if period.end_time <= end else period - 1)


def clock(now: dt.datetime | None = None) -> dt.datetime:
    """The local date and time; `now` replaces the machine's."""
    return now or dt.datetime.now(dt.UTC).astimezone()


def last_completed(today: dt.date, frequency: str = "Q") -> str:
    """The last period of `frequency` that ended before `today`.

    >>> last_completed(dt.date(2027, 2, 3)), last_completed(dt.date(2026, 12, 31)), last_completed(dt.date(2027, 1, 1))
    ('2026-Q4', '2026-Q3', '2026-Q4')
    """
    return period_code(pd.Period(today, freq=frequency) - 1)


def quarter_due(today: dt.date, *, current: str = "") -> str:
    """The quarter that the scheduled run makes on a day; `current` is the cutoff of the run that is current.

    The last completed quarter. From the first day of a quarter to the day before its run is due, a quarter whose own
    run was missed comes first: its data have been delivered, those of the quarter that has just ended have not.

    >>> quarter_due(dt.date(2027, 4, 2), current="2026-12"), quarter_due(dt.date(2027, 4, 2), current="2026-09")
    ('2027-Q1', '2026-Q4')
    """
    last = last_completed(today, "Q")
    before = shift(last, -1)
    waiting = today.month % 3 == 1 and today.day < DUE_DAY
    missed = bool(current) and last_day(current) < last_day(before)
    return before if waiting and missed else last


def named(period: str | None) -> str | None:
    """The period that a command names: ``last`` is the last completed quarter."""
    return last_completed(clock().date()) if period == LAST else period


def due_of(cutoff: str) -> str:
    """The last day of the quarter after a cutoff, as an ISO date.

    >>> due_of("2026-09")
    '2026-12-31'
    """
    return last_day(shift(cutoff, A_QUARTER[frequency_of(cutoff)])).isoformat()
