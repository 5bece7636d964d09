"""The quality register: codes, severities, and the dictionary that explains them."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.intake.checks import FLAGS, SEVERITIES, as_quality, finding

ROOT = Path(__file__).parents[2]


def rows(*units):
    return pd.DataFrame({"unit": units, "indicator": "x", "period": "2024-01"})


def test_every_flag_has_a_severity_and_both_languages():
    for code, flag in FLAGS.items():
        assert flag.severity in SEVERITIES and flag.en and flag.vi, code


def test_the_data_dictionary_tells_every_flag_with_its_severity():
    text = (ROOT / "data/README.md").read_text(encoding="utf-8")
    assert [code for code, flag in FLAGS.items() if f"| `{code}` | {flag.severity} | {flag.en} |" not in text] == []


def test_several_findings_of_one_key_become_one_row():
    parts = [finding(rows("a", "b"), flag="unreadable_number", found=f"row {n}", source="s") for n in range(7)]
    quality = as_quality(parts)
    assert quality["unit"].tolist() == ["a", "b"] and quality["severity"].tolist() == ["error", "error"]
    assert quality["found"].iloc[0] == "row 0; row 1; row 2; row 3; row 4 and 2 more"


def test_nothing_found_is_an_empty_register():
    assert len(as_quality([])) == 0 and "flag" in as_quality([])


def test_a_flag_without_an_entry_is_our_mistake():
    with pytest.raises(KeyError):
        finding(rows("a"), flag="odd", found="", source="")
