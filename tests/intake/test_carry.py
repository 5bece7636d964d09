"""A crosswalk through the door of a run: totals kept to the last unit, every flag in its place, all losses told."""

import pytest

from analysis.registry.crosswalk import MERGER, PARTIAL, REBASED, REFUSED, SPLIT, vietnam_crosswalk
from analysis.words.errors import ParamsError
from analysis.words.findings import FINDINGS
from intake.factory import INDICATOR, SOURCE, TARGET, figures, found, read_project, write_text
from registry.trees import vietnam_units

UNITS = "unit,name,parent,level\nP,Tỉnh,,province\nS,Sở Y tế,P,department\nx,Xã X,P,commune\ny,Xã Y,P,commune\n"
CROSSWALK = "old,new,weight,change\na,x,1,2024-02\nb,x,0.25,2024-02\nb,y,0.75,2024-02\nc,y,1,2024-02\n"
CSV = """unit,period,filed,all
a,2024-01,7,10
b,2024-01,3,9
c,2024-01,11,13
S,2024-01,5,5
x,2024-02,12,20
y,2024-02,20,30
S,2024-02,6,6
"""
RUN = {"units": "params/units.csv", "crosswalk": "params/crosswalk.csv"}


def read(folder, *, crosswalk=CROSSWALK, params=None, **parts):
    write_text(folder / "params/crosswalk.csv", crosswalk)
    return read_project(folder, units=UNITS, csv=parts.pop("csv", CSV), params=RUN | (params or {}), **parts)


def test_the_flags_of_rebase_are_flags_of_the_register():
    severities = {flag: FINDINGS[flag].severity for flag in (REBASED, SPLIT, PARTIAL, MERGER, REFUSED)}
    assert severities == {
        "rebased": "info", "split_estimated": "warning", "rebased_partial": "warning", "merger": "info",
        "not_rebased": "error",
    }  # fmt: skip


def test_totals_are_kept_to_the_last_unit_by_hand(tmp_path):
    """b's 3 of 9 at a quarter: 1 of 3 to x (0.75 and 1.5 by largest remainder), 2 of 6 to y."""
    inputs = read(tmp_path)
    top, bottom, flags = (figures(inputs, one) for one in ("numerator", "denominator", "flags"))
    assert {unit: (top[unit, "2024-01"], bottom[unit, "2024-01"]) for unit in "xyS"} == {
        "x": (8, 13), "y": (13, 19), "S": (5, 5),
    }  # fmt: skip
    assert (top["P", "2024-01"], bottom["P", "2024-01"]) == (7 + 3 + 11 + 5, 10 + 9 + 13 + 5)
    assert {key: flags[key] for key in flags if key[0] in "xyS"} == {
        ("x", "2024-01"): "rebased", ("y", "2024-01"): "rebased", ("x", "2024-02"): "merger",
        ("y", "2024-02"): "merger", ("S", "2024-01"): "", ("S", "2024-02"): "",
    }  # fmt: skip
    assert {unit for unit, _ in top} == {"P", "S", "x", "y"}


def test_the_register_says_where_each_history_comes_from(tmp_path):
    inputs = read(tmp_path)
    assert found(inputs, "rebased") == [
        ("x", "", "2024-02", "figures before 2024-02 come from 'a', 'b'"),
        ("y", "", "2024-02", "figures before 2024-02 come from 'b', 'c'"),
    ]
    told = "merged or divided units that report for themselves from this period on: 2"
    assert found(inputs, "merger") == [("", "online", "2024-02", told)]
    assert not found(inputs, "split_estimated")  # the weights are stated


def test_what_cannot_be_carried_over_is_told(tmp_path):
    csv = CSV.replace("c,2024-01,11,13\n", "") + "x,2024-01,1,2\na,2024-02,1,2\n"
    inputs = read(tmp_path, csv=csv)
    assert found(inputs, "not_rebased") == [
        ("a", "online", "2024-02", "a unit that ended before 2024-02"),
        ("x", "online", "2024-01", "this unit is not in the crosswalk"),
    ]
    assert found(inputs, "rebased_partial") == [("y", "online", "2024-01", "old units without a figure: 1 of 2")]
    assert figures(inputs, "flags")["y", "2024-01"] == "rebased rebased_partial"


def test_a_part_outside_the_list_is_told_and_the_rest_kept(tmp_path):
    inputs = read(tmp_path, crosswalk=CROSSWALK.replace("b,y,", "b,z,"))
    told = "this part of an old unit belongs to a unit that is not in the list"
    assert found(inputs, "not_rebased") == [("z", "online", "2024-01", told)]
    assert figures(inputs, "numerator")["x", "2024-01"] == 8


def test_a_source_that_is_already_rebased_is_left_alone(tmp_path):
    csv = "unit,period,filed,all\nx,2024-01,8,13\nx,2024-02,12,20\n"
    inputs = read(tmp_path, csv=csv, source={"already_rebased": True})
    assert figures(inputs, "flags")["x", "2024-01"] == ""
    assert not found(inputs, "not_rebased")


@pytest.mark.parametrize(
    ("crosswalk", "params", "message"),
    [
        (CROSSWALK.replace("0.75", "0.5"), {}, "crosswalk.csv: unit 'b' loses 25.0% of itself (weights sum to 0.75). "
         "Allowed: weights that sum to 1. State where the rest went."),
        (CROSSWALK.replace("0.75", "three"), {}, "crosswalk.csv: weight: found 'three'. Allowed: a share 0..1. Correct it."),  # noqa: E501
        (CROSSWALK.replace("c,y,1,2024-02", "c,y,1,2024-03"), {}, "crosswalk.csv: change: found '2024-02', '2024-03'. "
         "Allowed: one period code, as 2025-07. Write the first period of the new units in every row."),
        (CROSSWALK.replace("weight", "wieght"), {}, "crosswalk.csv: column 'wieght' is not known. Allowed: old, new, "
         "weight, change. Did you mean 'weight'?\ncrosswalk.csv: the column 'weight' is missing. Allowed: old, new, "
         "weight, change. Add it."),
        (CROSSWALK, {"crosswalk": "params/crosswalks.csv"}, "small.yml: crosswalk: there is no file "
         "'params/crosswalks.csv'. Allowed: a path from ROOT. Check the path."),
        (CROSSWALK, {"units": None}, "small.yml: crosswalk: the run names no unit file. Allowed: a run with `units`. "
         "Name the file with the units of today."),
    ],
)  # fmt: skip
def test_a_crosswalk_that_is_wrong_stops_the_run(tmp_path, crosswalk, params, message):
    with pytest.raises(ParamsError) as error:
        read(tmp_path, crosswalk=crosswalk, params=params)
    told = str(error.value).replace(f"{tmp_path}/params/", "").replace(str(tmp_path.resolve()), "ROOT")
    assert told == message


@pytest.mark.slow
def test_gia_lai_through_the_reform_of_2025(tmp_path):
    """373 communes of two old provinces become the 135 of today, to the last dossier."""
    walk, new = vietnam_crosswalk().rows, vietnam_units(edition="2025-07")
    units = new[new["unit"].eq("52") | new["parent"].eq("52")].assign(parent=lambda t: t["parent"].replace("VN", ""))
    inside = set(units["unit"])
    whole = walk.groupby("old")["new"].agg(lambda names: set(names) <= inside)
    old = sorted(whole.index[whole])
    rows = [f"{unit},2025-06,{7 + n % 11},{20 + n % 13}" for n, unit in enumerate(old)]
    rows += [f"{unit},2025-07,10,20" for unit in sorted(inside - {"52"})]
    write_text(tmp_path / "params/units.csv", units[["unit", "name", "parent", "level"]].to_csv(index=False))
    inputs = read_project(
        tmp_path, csv="unit,period,filed,all\n" + "\n".join(rows) + "\n", source=SOURCE | {"tree": []},
        params={"units": "params/units.csv", "crosswalk": "vietnam-2025"}, indicators=[INDICATOR], targets=[TARGET],
    )  # fmt: skip
    top, bottom = figures(inputs, "numerator"), figures(inputs, "denominator")
    assert (len(old), len(units)) == (373, 136)
    assert not found(inputs, "not_rebased") and not found(inputs, "rebased_partial")
    assert top["52", "2025-06"] == sum(7 + n % 11 for n in range(len(old)))
    assert bottom["52", "2025-06"] == sum(20 + n % 13 for n in range(len(old)))
    assert (
        sum(value for (unit, period), value in top.items() if period == "2025-06" and unit != "52")
        == top["52", "2025-06"]
    )  # noqa: E501
    assert {unit for unit, *_ in found(inputs, "split_estimated")} == {
        unit for (unit, _), flags in figures(inputs, "flags").items() if "split_estimated" in flags.split()
    }
    assert len(found(inputs, "rebased")) > 100
