"""Files with unit names and no codes: matched however they are typed, refused with the candidates where two fit."""

import pytest

from analysis.words.errors import ParamsError
from intake.factory import figures, found, read_project

UNITS = """unit,name,parent,level
P,Tỉnh Gia Lai,,province
Q,Tỉnh Đắk Lắk,,province
01,Xã Hòa Bình,P,commune
02,Phường Hòa Bình,P,commune
03,Xã Ia Pa,P,commune
04,Xã Ia Pa,Q,commune
"""
BY_NAME = {"units_by": "name", "tree": [], "columns": {"unit": "xa", "period": "period", "parent": "tinh"}}


def read(folder, *rows, **source):
    csv = "xa,tinh,period,filed,all\n" + "".join(f"{row}\n" for row in rows)
    return read_project(folder, csv=csv, units=UNITS, params={"units": "params/units.csv"}, source=BY_NAME | source)


def test_names_become_codes_however_they_are_typed(tmp_path):
    inputs = read(tmp_path, "XÃ HOÀ BÌNH,,2024-01,40,100", "P. Hoà Bình,Gia Lai,2024-01,5,10",
                  "xa ia pa,Đăk Lăk,2024-01,1,4", "Ia Pa,P,2024-01,2,4")  # fmt: skip
    got = {unit: value for (unit, _), value in figures(inputs).items() if unit not in "PQ"}
    assert got == {"01": 0.4, "02": 0.5, "04": 0.25, "03": 0.5}
    assert found(inputs, "unmatched_name") == []


def test_a_name_that_fits_two_units_is_refused_with_the_candidates(tmp_path):
    inputs = read(tmp_path, "Hòa Bình,,2024-01,40,100", "Xã Ia Pa,,2024-01,1,4", "Xã Hòa Bình,,2024-01,4,10")
    told = found(inputs, "unmatched_name")
    assert told[0][:3] == ("Hòa Bình", "online", "2024-01")
    assert told[0][3] == (
        "'Hòa Bình' matches several units: '01 (Xã Hòa Bình, Tỉnh Gia Lai)', '02 (Phường Hòa Bình, Tỉnh "
        "Gia Lai)' (row 2)"
    )
    assert told[1][3].startswith(
        "'Xã Ia Pa' matches several units: '03 (Xã Ia Pa, Tỉnh Gia Lai)', '04 (Xã Ia Pa, Tỉnh Đắk Lắk)'"
    )
    assert {unit for unit, _ in figures(inputs)} == {"01", "P"}
    assert inputs.sources[0]["rows_refused"] == 2 and inputs.sources[0]["rows_used"] == 1


def test_unknown_and_empty_names_and_unknown_parents_are_refused(tmp_path):
    inputs = read(tmp_path, "Xã Ia Paa,Gia Lai,2024-01,1,4", "Xã Ia Pa,Gia Lay,2024-01,1,4", ",,2024-01,1,4",
                  "Xã Hòa Bình,,2024-01,4,10")  # fmt: skip
    assert [one[3] for one in found(inputs, "unmatched_name")] == [
        "there is no parent 'Gia Lay'; nearest: 'Tỉnh Gia Lai' (row 3)",
        "no unit is called 'Xã Ia Paa'; nearest: 'Xã Ia Pa' (row 2)",
    ]
    assert [one[3] for one in found(inputs, "missing_code")] == ["the unit's code is empty (row 4)"]


def test_the_level_of_the_source_narrows_what_a_name_may_mean(tmp_path):
    row = "Gia Lai,,2024-01,4,10"
    assert found(read(tmp_path / "a", row, "Xã Hòa Bình,,2024-01,4,10", level="commune"), "unmatched_name")
    assert not found(read(tmp_path / "b", row, level="province"), "unmatched_name")


def test_names_need_a_unit_file(tmp_path):
    with pytest.raises(ParamsError) as error:
        read_project(tmp_path, source={"units_by": "name", "tree": []})
    assert str(error.value) == (
        "params/sources/dvc.yml: units_by: found 'name', but the run names no unit file. Allowed: code. "
        "Name a unit file under `units` in the params file."
    )
