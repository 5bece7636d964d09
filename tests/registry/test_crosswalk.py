"""Vietnam's units before and after 1 July 2025, and which old unit went where."""

import ast
from pathlib import Path

import pandas as pd
import pytest

from analysis.registry.crosswalk import Crosswalk, check_crosswalk, vietnam_crosswalk
from analysis.registry.units import check_tree
from registry.trees import leaves, vietnam_units

SOURCE = Path(__file__).parents[2] / "src" / "analysis"
GIA_LAI, BINH_DINH = "64", "52"  # codes before the reform; the merged Gia Lai has the code 52


def make_crosswalk(*rows):
    return Crosswalk(pd.DataFrame(rows, columns=["old", "new", "weight"]).assign(basis="stated"), "2025-07")


@pytest.mark.parametrize(
    ("edition", "expected"),
    [
        ("2025-06", {"nation": 1, "province": 63, "district": 696, "commune": 10_035}),
        ("2025-07", {"nation": 1, "province": 34, "commune": 3_321}),
    ],
)
def test_each_edition_is_a_whole_tree(edition, expected):
    units = vietnam_units(edition=edition)
    assert units["level"].value_counts().to_dict() == expected
    assert check_tree(units) == []
    assert units["parent"].eq("VN").sum() == expected["province"]


def test_codes_keep_their_leading_zeros():
    units = vietnam_units(edition="2025-07")
    assert set(units.loc[units["level"].eq("commune"), "unit"].str.len()) == {5}
    assert "01" in set(units["unit"])


def test_every_old_unit_goes_somewhere_and_every_new_unit_comes_from_somewhere():
    old, new = (set(leaves(vietnam_units(edition=edition))) for edition in ("2025-06", "2025-07"))
    assert len(old) == 10_035 + 5  # and five island districts without communes
    rows = vietnam_crosswalk().rows
    assert check_crosswalk(vietnam_crosswalk()) == [] and (set(rows["old"]), set(rows["new"])) == (old, new)


def test_63_provinces_go_into_34():
    crosswalk = vietnam_crosswalk(level="province")
    assert (crosswalk.rows["old"].nunique(), crosswalk.rows["new"].nunique()) == (63, 34)
    assert crosswalk.rows.loc[crosswalk.rows["new"].eq("52"), "old"].tolist() == [BINH_DINH, GIA_LAI]
    assert check_crosswalk(crosswalk) == []


def test_gia_lai_had_218_communes_and_the_merged_province_has_135():
    """218 is the old Gia Lai alone; with Bình Định's 155 they are 373, and 135 are the communes of both together."""
    before, after = vietnam_units(edition="2025-06"), vietnam_units(edition="2025-07")
    assert len(leaves(before, GIA_LAI)) == 218
    assert len(leaves(before, BINH_DINH)) == 155
    assert after.set_index("unit").loc["52", "name"] == "Tỉnh Gia Lai"
    assert len(leaves(after, "52")) == 135
    rows = vietnam_crosswalk().rows
    gia_lai = rows[rows["old"].isin(leaves(before, GIA_LAI))]
    merged = rows[rows["old"].isin([*leaves(before, GIA_LAI), *leaves(before, BINH_DINH)])]
    assert gia_lai["new"].nunique() == 77
    assert set(merged["new"]) == set(leaves(after, "52"))
    assert set(rows.loc[rows["new"].isin(leaves(after, "52")), "old"]) == set(merged["old"])


def test_split_communes_are_divided_evenly_and_say_so():
    rows = vietnam_crosswalk().rows
    split = rows[rows["basis"].eq("even")]
    assert split["old"].nunique() == 471
    assert set(rows["basis"]) == {"whole", "even"}
    assert (rows.loc[rows["basis"].eq("whole"), "weight"] == 1).all()
    assert (split.groupby("old")["weight"].nunique() == 1).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("a", "x", 0.8)],
            "crosswalk: unit 'a' loses 20.0% of itself (weights sum to 0.8). "
            "Allowed: weights that sum to 1. State where the rest went.",
        ),
        (
            [("a", "x", 0.8), ("a", "y", 0.4)],
            "crosswalk: unit 'a' invents 20.0% of itself (weights sum to 1.2). "
            "Allowed: weights that sum to 1. State where the rest went.",
        ),
        (
            [("a", "x", 1.0), ("a", "x", 0.0)],
            "crosswalk: pairs occur twice: ('a', 'x'). Allowed: each pair once. Remove one.",
        ),
        (
            [("a", "x", 1.5), ("a", "y", -0.5)],
            "crosswalk: weights outside 0..1 for 'a', 'a'. Allowed: 0..1. Correct them.",
        ),
    ],
)
def test_a_crosswalk_that_loses_or_invents_people_is_a_problem(rows, message):
    problems = check_crosswalk(make_crosswalk(*rows))
    assert [str(one) for one in problems] == [message]


def test_the_package_is_named_in_one_module_only_and_never_imported():
    """Importing it would load a geocoder; its data files are read instead."""
    naming = []
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "vietnamadminunits" in text:
            naming.append(path.relative_to(SOURCE).as_posix())
        for node in ast.walk(ast.parse(text)):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "vietnamadminunits" for name in names), path
    assert naming == ["registry/crosswalk.py"]
