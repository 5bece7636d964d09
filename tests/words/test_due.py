"""Which quarter a day asks for, by hand."""

import datetime as dt

import pytest

from analysis.words.periods import last_completed, quarter_due

DAY = dt.date.fromisoformat


@pytest.mark.parametrize(
    "today, frequency, period",
    [
        ("2027-02-03", "Q", "2026-Q4"),
        ("2026-12-31", "Q", "2026-Q3"),
        ("2027-01-01", "Q", "2026-Q4"),
        ("2026-10-05", "Q", "2026-Q3"),
        ("2026-09-30", "Q", "2026-Q2"),
        ("2024-03-01", "M", "2024-02"),
        ("2027-01-01", "M", "2026-12"),
        ("2026-12-31", "Y", "2025"),
        ("2027-01-01", "Y", "2026"),
    ],
)
def test_the_last_completed_period_of_a_day(today, frequency, period):
    assert last_completed(DAY(today), frequency) == period


@pytest.mark.parametrize(
    "today, current, quarter",
    [
        ("2027-01-05", "2026-09", "2026-Q4"),  # on its day
        ("2027-03-31", "2026-09", "2026-Q4"),  # missed by almost a quarter
        ("2027-04-01", "2026-09", "2026-Q4"),  # missed: its own data come first until the next one is due
        ("2027-04-04", "2026-Q3", "2026-Q4"),
        ("2027-04-05", "2026-09", "2027-Q1"),
        ("2027-04-02", "2026-12", "2027-Q1"),  # not missed: started by hand before its day
        ("2027-04-02", "", "2027-Q1"),  # the first run has missed nothing
        ("2027-01-02", "2025", "2026-Q3"),
        ("2027-05-02", "2025", "2027-Q1"),
    ],
)
def test_a_quarter_that_was_missed_comes_first_until_the_next_one_is_due(today, current, quarter):
    assert quarter_due(DAY(today), current=current) == quarter
