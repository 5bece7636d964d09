"""The tree: read, walked, and refused where it is none."""

import pandas as pd
import pytest

from analysis.registry.units import check_tree, descendants, read_units
from analysis.words.errors import DataError, ParamsError

TREE = pd.DataFrame({"unit": ["VN", "52", "001", "002", "79"], "parent": ["", "VN", "52", "52", "VN"], "level": "x"})


def test_walking_the_tree():
    assert descendants(TREE, "VN") == ["001", "002", "52", "79"]
    assert descendants(TREE, "52") == ["001", "002"] and descendants(TREE, "79") == []
    assert check_tree(TREE) == []


def test_an_unknown_unit_is_told_with_the_nearest_code():
    with pytest.raises(DataError) as error:
        descendants(TREE, "0001")
    assert str(error.value) == "units: there is no unit '0001'. Allowed: one of 5 codes. Did you mean '001'?"


def test_everything_wrong_with_a_tree_is_told():
    rows = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "x"), ("d", ""), ("", "a")]
    told = [str(one) for one in check_tree(pd.DataFrame(rows, columns=["unit", "parent"]), where="u.csv")]
    assert told == [
        "u.csv: 1 rows without a unit code. Allowed: a code in every row. Fill it in.",
        "u.csv: units occur twice: 'd'. Allowed: each once. Remove one of them.",
        "u.csv: the parent 'x' of 'd' is not in the list. Allowed: a unit of the list. Add the parent.",
        "u.csv: units are their own ancestors: a -> b -> c -> a. Allowed: a tree without circles. Correct the parent of one of them.",  # noqa: E501
    ]


def test_a_chain_of_ten_thousand_is_walked():
    n = 10_000
    chain = pd.DataFrame({"unit": [str(i) for i in range(n)], "parent": ["", *(str(i) for i in range(n - 1))]})
    assert check_tree(chain) == []
    assert len(descendants(chain, "0")) == n - 1


def test_a_file_is_read_as_text(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text("unit,name,parent,level\n01,Hà Nội,,province\n001, Ba Đình ,01,commune\n", encoding="utf-8-sig")
    units = read_units(path)
    assert units[["unit", "name", "parent", "name_en"]].to_numpy().tolist() == [
        ["001", "Ba Đình", "01", ""],
        ["01", "Hà Nội", "", ""],
    ]


def test_wrong_columns_are_all_told(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text("unit,nam,parent\n01,x,\n", encoding="utf-8")
    with pytest.raises(ParamsError) as error:
        read_units(path)
    allowed = "unit, name, name_en, parent, level, valid_from, valid_to"
    assert [str(one).replace(str(path), "u.csv") for one in error.value.problems] == [
        f"u.csv: column 'nam' is not known. Allowed: {allowed}. Did you mean 'name'?",
        f"u.csv: the column 'name' is missing. Allowed: {allowed}. Add it.",
        f"u.csv: the column 'level' is missing. Allowed: {allowed}. Add it.",
    ]


def test_a_file_that_is_missing_or_empty_is_told(tmp_path):
    with pytest.raises(ParamsError, match="there is no such file. Check `units` in the params file"):
        read_units(tmp_path / "units.csv")
    (tmp_path / "units.csv").write_text("")
    with pytest.raises(ParamsError, match="it cannot be read: No columns to parse from file"):
        read_units(tmp_path / "units.csv")
