"""Columns of cells: each distinct one read once, typed numbers left as they are."""

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intake.parse import as_codes, as_numbers, as_periods, read_number

CELLS = st.one_of(
    st.integers(-(10**6), 10**6).map(str), st.floats(allow_nan=False).map(str), st.text(max_size=8), st.just("45,7%")
)


@given(st.lists(CELLS, max_size=20), st.sampled_from(["plain", "vi", "en"]))
def test_a_column_reads_as_its_cells_do(cells, numbers):
    """Oracle: one cell after the other."""
    read = as_numbers(pd.Series(cells, dtype=object), numbers=numbers, missing=("-",))
    for at, cell in enumerate(cells):
        want = read_number(cell, numbers=numbers) if cell.strip() not in ("", "-") else None
        if want is None:
            assert np.isnan(read.value[at]) and not read.refused[at]
            continue
        assert read.refused[at] == want.refused
        assert read.value[at] == want.value or (np.isnan(read.value[at]) and np.isnan(want.value))


def test_a_cell_with_a_zero_byte_is_not_the_cell_it_begins_with():
    assert as_codes(pd.Series(["011", "011\0x", ""], dtype=object)).tolist() == ["011", "011\0x", ""]
    read = as_numbers(pd.Series(["12", "12\0x"], dtype=object), numbers="plain", missing=("",))
    assert read.value[0] == 12 and read.refused.tolist() == ["", "none"]


def test_typed_numbers_stay_and_infinite_ones_are_refused():
    read = as_numbers(pd.Series([1.5, np.nan, np.inf]), numbers="vi", missing=("",))
    assert read.value[0] == 1.5 and np.isnan(read.value[1])
    assert read.refused.tolist() == ["", "", "infinite"]
    mixed = as_numbers(pd.Series([0.457, "45,7%", 3, ""], dtype=object), numbers="vi", missing=("",))
    assert mixed.value[:3].tolist() == [0.457, pytest.approx(0.457), 3.0] and mixed.percent.tolist() == [
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("cell", "numbers", "two_ways"),
    [("1.473", "plain", True), ("1.4730", "plain", False), ("0.473", "plain", False), ("1473", "plain", False), ("1.473", "vi", False),  # noqa: E501
     ("1,473", "vi", True), ("12.345,678", "vi", False), ("1,473", "en", False), ("21.473", "en", True), ("1.473/2.000", "plain", True)],  # noqa: E501
)  # fmt: skip
def test_cells_that_another_style_would_read_as_thousands(cell, numbers, two_ways):
    assert as_numbers(pd.Series([cell], dtype=object), numbers=numbers, missing=("",)).two_ways.tolist() == [two_ways]


def test_codes_are_text_in_one_form():
    cells = pd.Series([" 011002", 13, 13.0, "13", unicodedata.normalize("NFD", "Đắk Lắk"), "\ufa10"], dtype=object)
    assert as_codes(cells).tolist() == ["011002", "13", "13", "13", "Đắk Lắk", "\ufa10"]
    assert as_codes(pd.Series([], dtype=object)).tolist() == []


def test_periods_follow_each_rows_own_frequency():
    cells, frequency = pd.Series(["2024-02-29", "2024-02-29", "2024-03-01", "x"]), pd.Series(["M", "Q", "M", "M"])
    code, _day, refused = as_periods(cells, frequency, dates="iso", year=None, rule="first_is_month_before")
    assert code.tolist() == ["2024-02", "2024-Q1", "2024-02", ""]
    assert refused.tolist() == ["", "", "", "iso"]
    assert len(as_periods(cells[:0], frequency[:0], dates="iso", year=None, rule="contains")[0]) == 0
