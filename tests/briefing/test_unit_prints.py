"""A unit's rows as bytes: the same rows the same bytes wherever they stand, any other cell other bytes."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.briefing import unit_digests
from analysis.briefing.prints import Rows, newest
from analysis.words.cells import as_numbers


def print_of(frame, unit, columns=None):
    digest = hashlib.sha256()
    Rows(frame, columns).add(digest, unit)
    return digest.hexdigest()


TABLE = pd.DataFrame(
    {
        "unit": ["b", "a", "b", "a"],
        "text": ["x", "", "ế", None],
        "value": [0.1, np.nan, -0.0, 3.0],
        "whole": pd.array([1, None, 3, 4], dtype="Int64"),
        "yes": [True, False, False, True],
    }
)


def test_other_units_rows_and_their_places_do_not_count():
    mine = TABLE[TABLE["unit"] == "a"].reset_index(drop=True)
    more = pd.concat([TABLE, TABLE.iloc[[0]].assign(text="new")], ignore_index=True)
    for other in (mine, more, TABLE.sort_values("unit", kind="stable", ignore_index=True)):
        assert print_of(other, "a") == print_of(TABLE, "a")
    assert print_of(more, "b") != print_of(TABLE, "b")
    assert print_of(TABLE, "nobody") == print_of(TABLE, "nobody else") == print_of(TABLE.iloc[:0], "a")


@pytest.mark.parametrize(
    ("column", "cell"),
    [("text", "y"), ("text", ""), ("value", 1e-300), ("value", 0.0), ("whole", 2), ("whole", None), ("yes", True)],
)
def test_any_other_cell_gives_other_bytes(column, cell):
    other = TABLE.copy()
    row = 3 if (column, cell) in [("text", "y"), ("text", "")] else 2
    other.loc[row, column] = cell
    unit = TABLE["unit"][row]
    assert print_of(other, unit) != print_of(TABLE, unit)
    assert print_of(other.iloc[::-1].iloc[::-1], unit) != print_of(TABLE, unit)


def test_order_of_rows_names_and_number_of_columns_count():
    assert print_of(TABLE.iloc[::-1], "a") != print_of(TABLE, "a")
    assert print_of(TABLE.rename(columns={"text": "words"}), "a") != print_of(TABLE, "a")
    assert print_of(TABLE, "a", ["unit", "text"]) != print_of(TABLE, "a")
    assert print_of(TABLE.assign(value=7.0), "a", ["unit", "text"]) == print_of(TABLE, "a", ["unit", "text"])


def test_missing_whole_numbers_are_one_value_and_no_number():
    numbers = as_numbers(TABLE["whole"])
    assert numbers.dtype == np.float64 and np.isnan(numbers[1]) and numbers[2] == 3


def test_only_the_latest_vintage_of_a_period_counts(run):
    last = run.observations.iloc[[5]]
    older = last.assign(vintage="2000-01-01", value=0.123)
    whole = pd.concat([run.observations.iloc[:5], older, run.observations.iloc[5:]], ignore_index=True)
    assert newest(whole).reset_index(drop=True).equals(newest(run.observations).reset_index(drop=True))
    unit = last["unit"].iloc[0]
    before = unit_digests(run, units=[unit], language="vi")
    assert unit_digests(replace(run, observations=whole), units=[unit], language="vi") == before
    newer = pd.concat([run.observations.iloc[:6], last.assign(vintage="2999-01-01", value=0.123)])
    newer = pd.concat([newer, run.observations.iloc[6:]], ignore_index=True)
    assert unit_digests(replace(run, observations=newer), units=[unit], language="vi") != before
