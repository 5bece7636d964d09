"""Periods as codes, also where no Timestamp reaches."""

import datetime as dt

import pytest

from analysis.words.periods import frequency_of, last_day


@pytest.mark.parametrize(
    ("code", "day"),
    [("1500-02", dt.date(1500, 2, 28)), ("2024-Q1", dt.date(2024, 3, 31)), ("2300", dt.date(2300, 12, 31))],
)
def test_the_last_day_of_a_period_of_any_century(code, day):
    assert last_day(code) == day


def test_there_is_no_year_nought():
    assert [frequency_of(one) for one in ("0000", "0000-01", "0000-Q1")] == [None, None, None]
