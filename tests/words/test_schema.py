"""A table of ours: its types, its key, its order."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words import schema
from analysis.words.errors import DataError


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(1, 3)), max_size=8))
def test_a_table_that_is_in_order_already_is_the_one_that_sorting_would_give(keys):
    frame = pd.DataFrame(keys, columns=["unit", "indicator", "horizon"]).assign(
        cutoff="2026-09", quantile_level=0.5, period="2026-10", member="ensemble", predicted=0.1
    )
    if frame.duplicated(["unit", "indicator", "horizon"]).any():
        with pytest.raises(DataError, match="a key occurs twice"):
            schema.as_table(frame, schema.FORECASTS)
        return
    expected = sorted(keys)
    for rows in (frame, frame.sort_values(["unit", "indicator", "horizon"])):
        found = schema.as_table(rows, schema.FORECASTS)
        assert list(zip(found["unit"], found["indicator"], found["horizon"])) == expected
        assert found.index.tolist() == list(range(len(keys)))


@pytest.mark.parametrize("values", [["a", None, "b"], ["a", 1, "b"], ["a", float("nan"), "b"]])
def test_texts_are_text_whatever_came_in(values):
    found = schema.as_table(pd.DataFrame({"unit": ["1", "2", "3"], "name": values}), schema.UNITS)["name"]
    assert found.tolist() == ["a", "1" if values[1] == 1 else "", "b"]


def test_a_number_that_is_missing_in_a_key_is_still_sorted():
    frame = pd.DataFrame(
        {"unit": ["a", "a"], "indicator": "x", "cutoff": "c", "horizon": [2, None], "quantile_level": 0.5}
    )
    assert schema.as_table(frame, schema.FORECASTS)["horizon"].tolist()[0] == 2
