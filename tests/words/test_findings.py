"""The quality register: codes, severities, and the dictionary that explains them."""

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.words.findings import FINDINGS, SEVERITIES, as_quality, finding, say

ROOT = Path(__file__).parents[2]


def rows(*units):
    return pd.DataFrame({"unit": units, "indicator": "x", "period": "2024-01"})


def test_every_code_has_a_severity_and_a_meaning():
    for code, one in FINDINGS.items():
        assert one.severity in SEVERITIES and one.name, code


def test_the_data_dictionary_lists_every_code_with_its_severity():
    text = (ROOT / "data/README.md").read_text(encoding="utf-8")
    assert [code for code, one in FINDINGS.items() if f"| `{code}` | {one.severity} | {one.name} |" not in text] == []


def test_values_are_canonical_json_one_for_each_row_or_one_for_all():
    frame = rows("a", "b", "c")
    table = finding(frame[1:], flag="zero_denominator", source="s", a=0.0, row=pd.Series([1, 2, 3]))
    assert table["details"].tolist() == ['{"a":0,"row":2}', '{"a":0,"row":3}']
    assert table["severity"].unique().tolist() == ["info"] and table["unit"].tolist() == ["b", "c"]


def test_a_text_that_no_file_can_hold_and_a_long_one_are_made_fit():
    table = finding(rows("a"), flag="unknown_unit", case="unknown", text="\ud800" + "x" * 600)
    text = json.loads(table["details"].iloc[0])["text"]
    assert text.startswith("?x") and text.endswith("x…") and len(text) == 500


def test_several_findings_of_one_key_become_one_row():
    parts = [finding(rows("a", "b"), flag="unreadable_number", case="infinite", row=n) for n in range(7)]
    quality = as_quality([*parts, parts[0]])  # the same again says nothing new
    assert quality["unit"].tolist() == ["a", "b"] and quality["severity"].tolist() == ["error", "error"]
    assert say("unreadable_number", quality["details"].iloc[0]) == (
        "an infinite number (row 0); an infinite number (row 1); an infinite number (row 2); "
        "an infinite number (row 3); an infinite number (row 4); and 2 more"
    )


def test_nothing_found_is_an_empty_register():
    assert len(as_quality([])) == 0 and "flag" in as_quality([])


def test_a_code_or_a_case_without_an_entry_is_our_mistake():
    with pytest.raises(KeyError):
        finding(rows("a"), flag="odd")
    with pytest.raises(KeyError):
        finding(rows("a"), flag="unreadable_number", case="odd")
