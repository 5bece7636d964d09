"""Rows found by their columns are those that a scan of the table finds."""

import numpy as np
import pandas as pd
import pytest

from analysis.briefing.view import Grouped


@pytest.fixture(params=[0, 1, 2])
def table(request):
    random = np.random.default_rng(request.param)
    n = 60
    frame = pd.DataFrame(
        {
            "unit": random.choice(list("abcd"), n),
            "target": random.choice(list("xyz"), n),
            "p": random.random(n),
            "settled": random.random(n) < 0.5,
            "n": pd.array(random.integers(0, 9, n), dtype="Int64"),
        }
    )
    frame.loc[3, "n"] = pd.NA
    return frame if request.param else frame.sort_values(["unit", "target"], ignore_index=True)


def scan(table, **where):
    rows = table.astype({"n": "float64"})
    for name, value in where.items():
        rows = rows[rows[name] == value]
    return [tuple(row) for row in rows.itertuples(index=False)]


def same(found, expected):
    assert [repr(tuple(one)) for one in found] == [repr(one) for one in expected]  # types too; NaN equals itself


def test_rows_of_a_group_are_those_of_a_scan_in_the_order_of_the_table(table):
    grouped = Grouped(table, "unit")
    assert list(grouped) == list(dict.fromkeys(table["unit"]))
    for unit in "abcd":
        same(grouped.rows(unit), scan(table, unit=unit))


def test_rows_of_a_pair_are_those_of_a_scan(table):
    grouped = Grouped(table, "unit", "target")
    for unit in "abcd":
        for target in "xyz":
            same(grouped.rows(unit, target), scan(table, unit=unit, target=target))


def test_what_is_not_there_has_no_rows(table):
    grouped = Grouped(table, "unit", "target")
    assert Grouped(table, "unit").rows("nowhere") == grouped.rows("nowhere", "x") == grouped.rows("a", "nothing") == []
    assert list(Grouped(table.iloc[:0], "unit", "target")) == []


def test_columns_can_be_chosen(table):
    grouped = Grouped(table, "unit", "target", columns=["target", "p"])
    at = grouped.places("b", "y")
    assert grouped.columns["p"][at].tolist() == [row[2] for row in scan(table, unit="b", target="y")]
    assert list(grouped.columns) == ["target", "p"]
