"""Sums of the tree against a slow oracle; nothing invented for a missing unit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intake.aggregate import MIN_COVERAGE, expected, sum_up
from analysis.words.schema import INDICATORS, UNITS, as_table
from intake.factory import in_words

UNITS_TABLE = as_table(
    pd.DataFrame(
        [("N", ""), ("A", "N"), ("B", "N"), ("a1", "A"), ("a2", "A"), ("b1", "B"), ("b2", "B")],
        columns=["unit", "parent"],
    ),
    UNITS,
)
LEAVES = ["a1", "a2", "b1", "b2"]
PERIODS = ["2024-01", "2024-02", "2024-03", "2024-04"]


def indicator(kind):
    return as_table(
        pd.DataFrame([{"indicator": "x", "kind": kind, "frequency": "M", "aggregation": "sum", "resolution": np.nan}]),
        INDICATORS,
    )


def observations(numerator, denominator, kind="rate"):
    """Rows of the leaves; NaN in `numerator` (4 x 4) is no row."""
    rows = []
    for unit, k_row, n_row in zip(LEAVES, numerator, denominator):
        for period, k, n in zip(PERIODS, k_row, n_row):
            if np.isfinite(k):
                value, k, n = (k / n, k, n) if kind == "rate" else (k, np.nan, np.nan)
                rows.append(
                    {"unit": unit, "indicator": "x", "period": period, "value": value, "numerator": k, "denominator": n}
                )
    return pd.DataFrame(rows)


def summed(rows, kind="rate"):
    sums, findings = sum_up(rows, units=UNITS_TABLE, indicators=indicator(kind))
    told = in_words(pd.concat(findings)) if findings else []
    return sums.set_index(["unit", "period"]) if len(sums) else sums, told


@given(st.lists(st.integers(0, 50), min_size=16, max_size=16), st.lists(st.integers(50, 90), min_size=16, max_size=16))
@settings(max_examples=25, deadline=None)
def test_every_sum_is_the_sum_of_the_leaves_below_it(numerator, denominator):
    k, n = np.array(numerator, dtype=float).reshape(4, 4), np.array(denominator, dtype=float).reshape(4, 4)
    sums, told = summed(observations(k, n))
    for unit, below in (("A", [0, 1]), ("B", [2, 3]), ("N", [0, 1, 2, 3])):
        for at, period in enumerate(PERIODS):
            row = sums.loc[(unit, period)]
            assert row["numerator"] == sum(k[one, at] for one in below)
            assert row["denominator"] == sum(n[one, at] for one in below)
            assert row["value"] == row["numerator"] / row["denominator"]
            assert row["flags"] == "summed"
    assert not len(told)


def test_a_missing_leaf_is_felt_in_every_level_above():
    k, n = np.full((4, 4), 10.0), np.full((4, 4), 1000.0)
    n[1] = 20.0
    k[1, 2] = np.nan  # a2, with 20 of 1,020 cases in A and of 3,020 in N
    sums, told = summed(observations(k, n))
    a, nation = sums.loc[("A", "2024-03")], sums.loc[("N", "2024-03")]
    assert (a["value"], a["lower"], a["upper"]) == (10 / 1000, 10 / 1020, 30 / 1020)
    assert (nation["lower"], nation["upper"]) == (30 / 3020, 50 / 3020)
    assert sums.loc[("B", "2024-03"), "flags"] == "summed"
    assert told == [
        ("missing_unit_in_sum", "A", "x", "2024-03", "1 of 2 units missing, 2.0% of the denominator: 'a2'"),
        ("missing_unit_in_sum", "N", "x", "2024-03", "units at lower levels are missing, 0.7% of the denominator"),
    ]


def test_a_sum_without_enough_of_its_base_is_empty_and_the_level_above_knows():
    k, n = np.full((4, 4), 10.0), np.full((4, 4), 100.0)
    k[1, 2] = np.nan
    sums, told = summed(observations(k, n))
    assert 0.5 < MIN_COVERAGE and np.isnan(sums.loc[("A", "2024-03"), "value"])
    assert np.isnan(sums.loc[("N", "2024-03"), "value"])  # half of it is in A
    assert [words for *_place, words in told] == [
        "1 of 2 units missing, 50.0% of the denominator: 'a2'; not summed",
        "1 of 2 units missing, 50.0% of the denominator: 'A'; not summed",
    ]


def test_a_count_that_lacks_a_unit_keeps_only_its_lower_bound():
    k = np.array([[1.0, 2, 3, 4], [10, 20, np.nan, 40], [5, 5, 5, 5], [5, 5, 5, 5]])
    sums, _ = summed(observations(k, k, kind="count"), kind="count")
    row = sums.loc[("A", "2024-03")]
    assert np.isnan(row["value"]) and row["lower"] == 3 and np.isnan(row["upper"])
    assert sums.loc[("A", "2024-04"), "value"] == 44
    assert np.isnan(sums.loc[("A", "2024-04"), "numerator"])


def test_a_reported_total_stands_and_a_difference_is_told():
    k, n = np.full((4, 4), 10.0), np.full((4, 4), 100.0)
    own = pd.DataFrame(
        {
            "unit": "A",
            "indicator": "x",
            "period": PERIODS,
            "value": [0.1, 0.1, 0.2, 0.1],
            "numerator": [20, 20, 40, 20],
            "denominator": 200,
        }
    )
    sums, told = summed(pd.concat([observations(k, n), own]))
    assert "A" not in sums.index.get_level_values("unit")
    assert sums.loc[("N", "2024-03"), "numerator"] == 60  # the reported 40, not the 20 of the parts
    assert told == [("sum_differs", "A", "x", "2024-03", "reported 0.2, sum of the parts 0.1")]


def test_nothing_is_summed_that_does_not_add_up():
    table = indicator("rate").assign(aggregation="none")
    k, n = np.full((4, 4), 10.0), np.full((4, 4), 100.0)
    assert len(sum_up(observations(k, n), units=UNITS_TABLE, indicators=table)[0]) == 0


def test_a_rate_without_counts_is_not_averaged():
    rows = observations(np.full((4, 4), 10.0), np.full((4, 4), 100.0)).assign(numerator=np.nan, denominator=np.nan)
    assert len(summed(rows)[0]) == 0


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        ("11100", "11111"),  # silent for two periods: late
        ("11000", "11000"),  # for three: closed
        ("00110", "00111"),  # opened later
        ("10101", "11111"),
        ("00000", "00000"),
    ],
)
def test_what_ought_to_be_there(seen, wanted):
    present = np.array([[one == "1" for one in seen]])
    assert "".join(map(str, expected(present, late=2)[0].astype(int))) == wanted


def test_renaming_units_changes_no_sum():
    k, n = np.arange(16.0).reshape(4, 4), np.full((4, 4), 100.0)
    sums, _ = summed(observations(k, n))
    names = {"a1": "z", "a2": "y", "b1": "x1", "b2": "w", "A": "V", "B": "U", "N": "T", "": ""}
    units = UNITS_TABLE.assign(unit=UNITS_TABLE["unit"].map(names), parent=UNITS_TABLE["parent"].map(names))
    rows = observations(k, n).assign(unit=lambda frame: frame["unit"].map(names))
    renamed, _ = sum_up(rows.sample(frac=1, random_state=1), units=units, indicators=indicator("rate"))
    renamed = renamed.set_index(["unit", "period"])["value"]
    assert all(renamed[(names[unit], period)] == value for (unit, period), value in sums["value"].items())
