"""The tree from a source's own columns."""

import pandas as pd
import pytest

from analysis.intake.prepare import merge_trees, tree_of
from analysis.registry.units import check_tree
from analysis.words.errors import DataError
from intake.factory import found, in_words, make_source, read_project

ROWS = pd.DataFrame(
    [
        ("011002", "北海道", "札幌市"),
        ("013331", "北海道", "府中市"),
        ("132063", "東京都", "府中市"),
        ("132063", "東京都", "府中"),
    ],
    columns=["code", "pref", "name"],
)
LEVELS = {
    "columns": {"unit": "code", "unit_name": "name", "period": "p"},
    "level": "municipality",
    "tree": [
        {"level": "nation", "code": "JP", "name": "Nhật Bản", "name_en": "Japan"},
        {"level": "prefecture", "column": "code", "first": 2, "name_column": "pref"},
    ],
}


def test_levels_come_from_a_code_a_column_or_its_first_characters():
    units, findings = tree_of(ROWS, source=make_source(**LEVELS))
    table = merge_trees([units]).set_index("unit")
    assert table["parent"].to_dict() == {
        "01": "JP",
        "011002": "01",
        "013331": "01",
        "13": "JP",
        "132063": "13",
        "JP": "",
    }
    assert table["level"].to_dict()["13"] == "prefecture" and table.loc["JP", "name_en"] == "Japan"
    assert table.loc["132063", "name"] == "府中"  # the last row's
    assert in_words(pd.concat(findings)) == [
        ("name_changed", "132063", "", "", "written as '府中市', '府中'; the last one is used")
    ]
    assert check_tree(units) == []


def test_a_unit_that_is_an_upper_level_itself_stands_there_once():
    rows = pd.DataFrame({"code": ["nation", "a"], "kind": ["nation", "state"]})
    source = make_source(
        columns={"unit": "code", "period": "p", "level": "kind"},
        tree=[{"level": "nation", "code": "nation"}],
        level=None,
    )
    units, _ = tree_of(rows, source=source)
    assert units[["unit", "parent", "level"]].to_numpy().tolist() == [
        ["nation", "", "nation"],
        ["a", "nation", "state"],
    ]


def test_a_unit_under_two_parents_is_told(tmp_path):
    csv = "unit,up,period,filed,all\n01,,2024-01,1,2\n02,01,2024-01,1,2\n03,,2024-01,1,2\n02,03,2024-02,1,2\n"
    source = {"columns": {"unit": "unit", "parent": "up", "period": "period"}, "tree": []}
    inputs = read_project(tmp_path, csv=csv, source=source)
    assert found(inputs, "parent_changed") == [("02", "", "", "written as '01', '03'; the last one is used")]
    assert inputs.units.set_index("unit").loc["02", "parent"] == "03"


def test_a_circle_in_the_sources_own_columns_is_an_error(tmp_path):
    csv = "unit,up,period,filed,all\n01,02,2024-01,1,2\n02,01,2024-01,1,2\n"
    with pytest.raises(DataError) as error:
        read_project(
            tmp_path, csv=csv, source={"columns": {"unit": "unit", "parent": "up", "period": "period"}, "tree": []}
        )
    assert str(error.value) == (
        "units of the sources: units are their own ancestors: 01 -> 02 -> 01. Allowed: a tree without circles. "
        "Correct the parent of one of them."
    )
