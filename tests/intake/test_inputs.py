"""A whole small project read: figures, sums, quality, and every bad input with its message."""

import numpy as np
import pandas as pd
import pytest

from analysis.intake import summarise_inputs
from analysis.words.errors import AnalysisError, DataError, ParamsError
from analysis.words.findings import FINDINGS
from intake.factory import (
    CSV,
    INDICATOR,
    PARAMS,
    SOURCE,
    TARGET,
    figures,
    found,
    read_project,
    write_project,
    write_text,
    write_yaml,
)

COUNT = INDICATOR | {"indicator": "accounts", "kind": "count", "cumulative": True, "unit_vi": "tài khoản"}


def messages(error) -> list[str]:
    return [str(one) for one in error.value.problems]


def test_rates_come_from_numerators_and_denominators_and_sums_are_never_averages(tmp_path):
    inputs = read_project(tmp_path)
    assert figures(inputs) == {
        ("01", "2024-01"): 0.40, ("01", "2024-02"): 0.45,
        ("02", "2024-01"): 0.60, ("02", "2024-02"): 0.40,
        ("P", "2024-01"): 70 / 150, ("P", "2024-02"): 65 / 150,
    }  # fmt: skip
    assert figures(inputs, "denominator")[("P", "2024-01")] == 150
    assert inputs.units["unit"].tolist() == ["01", "02", "P"]
    assert inputs.units.set_index("unit")["parent"].to_dict() == {"01": "P", "02": "P", "P": ""}
    assert inputs.observations["vintage"].unique().tolist() == ["2024-04-05"]
    assert len(inputs.quality) == 0


def test_codes_keep_their_zeros(tmp_path):
    assert read_project(tmp_path).units["unit"].tolist()[0] == "01"


def test_the_order_of_the_rows_changes_nothing(tmp_path):
    lines = CSV.splitlines()
    shuffled = "\n".join([lines[0], *reversed(lines[1:])]) + "\n"
    one = read_project(tmp_path / "a")
    other = read_project(tmp_path / "b", csv=shuffled)
    pd.testing.assert_frame_equal(one.observations, other.observations)
    pd.testing.assert_frame_equal(one.units, other.units)


def test_an_unrelated_unit_changes_no_other_figure(tmp_path):
    one = read_project(tmp_path / "a")
    other = read_project(tmp_path / "b", csv=CSV + "03,2024-01,1,10\n03,2024-02,1,10\n")
    ours = other.observations[other.observations["unit"].isin(["01", "02"])].reset_index(drop=True)
    theirs = one.observations[one.observations["unit"].isin(["01", "02"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, theirs)


def test_sources_say_what_became_of_every_row(tmp_path):
    csv = CSV + "03,2024-01,,\n03,2024-02,x,9\n"
    source = read_project(tmp_path, csv=csv).sources[0]
    counts = {key: source[key] for key in ("rows", "rows_used", "rows_refused", "rows_empty", "rows_ignored")}
    assert counts == {"rows": 6, "rows_used": 4, "rows_refused": 1, "rows_empty": 1, "rows_ignored": 0}
    assert source["path"] == "raw/dossiers.csv"
    assert len(source["sha256"]) == 64


@pytest.mark.parametrize(
    ("row", "flag", "told"),
    [
        ("02,2024-03,60,50", "numerator_above_denominator", "numerator 60, denominator 50 (row 6)"),
        ("02,2024-03,-1,50", "below_minimum", "numerator -1 (row 6)"),
        ("02,2024-03,many,50", "unreadable_number", "'many' is not a number (column 'filed', row 6)"),
        ("02,2024-03,40,", "missing_denominator", "numerator 40 (row 6)"),
        ("02,March,40,50", "unreadable_period", "'March' is not written like 2022-02, 2022-Q1 or 2022 (row 6)"),
        ("02,2024-13,40,50", "unreadable_period", "'2024-13' is not written like 2022-02, 2022-Q1 or 2022 (row 6)"),
        ("02,2024-Q1,40,50", "unreadable_period", "'2024-Q1' is not a month, but the indicator is monthly (row 6)"),
        ("02,2024-02,21,50", "duplicate_key", "rows 5, 6 disagree, value here: 0.4 (row 5); "
         "rows 5, 6 disagree, value here: 0.42 (row 6)"),
        (",2024-03,40,50", "missing_code", "the unit's code is empty (row 6)"),
        ("02,2024-03,1e999,50", "unreadable_number", "'1e999' is too large (column 'filed', row 6)"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_is_refused_with_its_value_and_its_row(tmp_path, row, flag, told):
    inputs = read_project(tmp_path, csv=CSV + row + "\n")
    assert [one[3] for one in found(inputs, flag)] == [told]
    assert FINDINGS[flag].severity == "error"
    assert ("02", "2024-03") not in figures(inputs)
    assert inputs.sources[0]["rows_refused"] == (2 if flag == "duplicate_key" else 1)


def test_a_value_above_one_says_what_to_do_when_it_is_per_cent(tmp_path):
    source = {"measures": [{"indicator": "online", "value": "filed"}], "max_refused_share": 0.02}
    with pytest.raises(DataError) as error:
        read_project(tmp_path, source=source)
    assert messages(error) == [
        "raw/dossiers.csv: the value is above the possible maximum in 4 of 4 rows: value 40 is above 1 "
        "(row 2); value 45 is above 1 (row 3); value 30 is above 1 (row 4); value 20 is above 1 (row 5). "
        "Allowed: at most 2% of rows refused (`max_refused_share`). If the source reports per cent, set "
        "`percent: true` in the measure."
    ]  # fmt: skip


def test_per_cent_is_read_as_a_fraction_where_the_source_says_so(tmp_path):
    inputs = read_project(tmp_path, source={"measures": [{"indicator": "online", "value": "filed", "percent": True}]})
    assert figures(inputs)[("01", "2024-02")] == 0.45


def test_a_stated_rate_that_is_not_its_fraction_is_flagged_and_the_fraction_used(tmp_path):
    csv = "unit,period,filed,all,rate\n01,2024-01,40,100,0.41\n01,2024-02,45,100,0.4503\n"
    source = {"measures": [{"indicator": "online", "numerator": "filed", "denominator": "all", "value": "rate"}]}
    inputs = read_project(tmp_path, csv=csv, source=source)
    assert found(inputs, "value_differs") == [("01", "online", "2024-01", "stated 0.41, computed 0.4 (row 2)")]
    assert figures(inputs)[("01", "2024-01")] == 0.40


def test_equal_rows_count_once_and_are_noted(tmp_path):
    inputs = read_project(tmp_path, csv=CSV + "02,2024-02,20,50\n")
    words = "the same figures as in an earlier row (row 6)"
    assert found(inputs, "repeated_row") == [("02", "online", "2024-02", words)]
    assert figures(inputs)[("02", "2024-02")] == 0.4


def test_of_two_dates_in_one_period_the_last_is_used_where_the_source_says_so(tmp_path):
    csv = "unit,period,filed,all\n01,2024-01-31,40,100\n01,2024-02-01,41,100\n01,2024-03-01,50,100\n"
    source = {"dates": "iso", "period_rule": "first_is_month_before", "several_dates": "last"}
    inputs = read_project(tmp_path, csv=csv, source=source)
    assert figures(inputs)[("01", "2024-01")] == 0.41
    assert found(inputs, "several_dates") == [
        ("01", "online", "2024-01", "the figure of 2024-01-31 is not used (row 2)")
    ]


def test_a_unit_missing_from_a_sum_is_flagged_and_bounded(tmp_path):
    csv = "unit,period,filed,all\n" + "".join(
        f"{unit},2024-0{month},{filed},{total}\n"
        for unit, filed, total in (("01", 400, 1000), ("02", 30, 40))
        for month in (1, 2, 3)
        if (unit, month) != ("02", 2)
    )
    inputs = read_project(tmp_path, csv=csv)
    row = inputs.observations.set_index(["unit", "period"]).loc[("P", "2024-02")]
    assert row["value"] == 0.4  # 1000 of 1040 cases are there: above 95 %
    assert (row["lower"], row["upper"]) == (400 / 1040, 440 / 1040)
    assert row["flags"] == "summed missing_unit_in_sum"
    assert found(inputs, "missing_unit_in_sum") == [
        ("P", "online", "2024-02", "1 of 2 units missing, 3.8% of the denominator: '02'")
    ]
    assert found(inputs, "missing_period") == [
        ("02", "online", "2024-02", "missing from 2024-02 to 2024-02, periods: 1")
    ]


def test_a_sum_that_lacks_too_much_stays_empty(tmp_path):
    csv = CSV + "01,2024-03,50,100\n"
    inputs = read_project(tmp_path, csv=csv)
    row = inputs.observations.set_index(["unit", "period"]).loc[("P", "2024-03")]
    assert np.isnan(row["value"])
    assert (row["lower"], row["upper"]) == (50 / 150, 100 / 150)
    assert found(inputs, "late_unit") == [("02", "online", "2024-03", "last reported 2024-02")]


def test_a_count_with_a_unit_missing_is_not_summed_to_a_fall(tmp_path):
    csv = "unit,period,filed\n" + "".join(
        f"{unit},2024-0{month},{100 * month}\n"
        for unit in ("01", "02")
        for month in (1, 2, 3)
        if (unit, month) != ("02", 2)
    )
    inputs = read_project(
        tmp_path, csv=csv, indicators=[COUNT], source={"measures": [{"indicator": "accounts", "value": "filed"}]},
        targets=[TARGET | {"indicator": "accounts", "threshold": 1000}],
    )  # fmt: skip
    row = inputs.observations.set_index(["unit", "period"]).loc[("P", "2024-02")]
    assert np.isnan(row["value"]) and row["lower"] == 200
    assert figures(inputs)[("P", "2024-03")] == 600


def test_a_missing_code_is_filled_in_by_a_name_that_has_one_code(tmp_path):
    csv = "unit,name,period,filed,all\n01,Ia Pa,2024-01,40,100\n,Ia Pa,2024-02,45,100\n,Ia Ka,2024-02,1,2\n"
    inputs = read_project(
        tmp_path, csv=csv, source={"columns": {"unit": "unit", "unit_name": "name", "period": "period"}}
    )
    assert figures(inputs)[("01", "2024-02")] == 0.45
    assert found(inputs, "mended_code") == [("01", "", "", "code filled in by name, rows: 1, first row: 3")]
    assert found(inputs, "missing_code") == [("", "online", "2024-02", "the unit's code is empty (row 4)")]


def test_a_correction_is_data_with_a_reason_and_a_count(tmp_path):
    correction = {"where": {"unit": "02", "period": "2024-02"}, "set": {"filed": "25"}, "expect": 1,
                  "reason": "letter of 3 May: five dossiers were entered late"}  # fmt: skip
    inputs = read_project(tmp_path, source={"corrections": [correction]})
    assert figures(inputs)[("02", "2024-02")] == 0.5
    assert found(inputs, "corrected") == [
        (
            "02",
            "",
            "",
            "'filed: 20 → 25', rows: 1, first row: 5. Reason: 'letter of 3 May: five dossiers were entered late'",
        )
    ]


def test_a_correction_under_which_the_source_changed_is_an_error(tmp_path):
    correction = {"where": {"unit": "09"}, "set": {"filed": "25"}, "expect": 2, "reason": "a letter of the province"}
    with pytest.raises(DataError) as error:
        read_project(tmp_path, source={"corrections": [correction]})
    assert messages(error) == [
        "raw/dossiers.csv: correction 1: it fits 0 rows. Allowed: 2, as it expects. "
        "The source has changed: look at the rows, then renew or remove the correction."
    ]


def test_zeros_declared_as_not_measured_are_left_out_and_noted(tmp_path):
    csv = "unit,period,filed\n01,2024-01,0\n01,2024-02,0\n01,2024-03,7\n02,2024-01,0\n02,2024-02,0\n02,2024-03,9\n"
    parts = {"csv": csv, "indicators": [COUNT], "targets": [TARGET | {"indicator": "accounts", "threshold": 9}]}
    source = {"measures": [{"indicator": "accounts", "value": "filed"}]}
    noticed = read_project(tmp_path / "a", source=source, **parts)
    assert found(noticed, "zero_run") == [
        ("", "accounts", "2024-01", "all 2 units report 0 from 2024-01 to 2024-02: not measured?")
    ]
    declared = {
        "not_measured": [{"indicator": "accounts", "until": "2024-02", "reason": "the service opened in March"}]
    }
    inputs = read_project(tmp_path / "b", source=source | declared, **parts)
    assert sorted(inputs.observations["period"].unique()) == ["2024-03"]
    assert found(inputs, "not_measured") == [
        ("", "accounts", "2024-01", "zeros excluded from 2024-01 to 2024-02: 4. Reason: 'the service opened in March'")
    ]
    assert not found(inputs, "zero_run")


def test_a_declared_break_marks_the_first_figure_of_each_unit(tmp_path):
    source = {"breaks": [{"indicator": "online", "period": "2024-02", "reason": "new definition from February on"}]}
    flags = figures(read_project(tmp_path, source=source), "flags")
    assert {key: value for key, value in flags.items() if "break" in value} == {
        ("01", "2024-02"): "break", ("02", "2024-02"): "break", ("P", "2024-02"): "summed break",
    }  # fmt: skip


def test_units_from_a_file_hold_and_others_are_refused(tmp_path):
    units = "unit,name,parent,level\nP,Tỉnh,,province\n01,Ia Pa,P,commune\n04,Ia Le,P,commune\n"
    inputs = read_project(tmp_path, units=units, params={"units": "params/units.csv"})
    assert found(inputs, "unknown_unit")[0] == (
        "02", "online", "2024-01", "'02' is not in the list of units (row 4)"
    )  # fmt: skip
    assert found(inputs, "empty_unit") == [("04", "", "", "no figure in any source")]


def test_an_unknown_indicator_is_refused_with_a_suggestion_and_a_named_one_ignored(tmp_path):
    csv = "unit,what,period,value\n01,online,2024-01,0.4\n01,onlin,2024-01,0.4\n01,other,2024-01,3\n"
    source = {"columns": {"unit": "unit", "period": "period", "indicator": "what"}, "measures": [{"value": "value"}]}
    inputs = read_project(tmp_path, csv=csv, source=source | {"ignore_indicators": ["other"]})
    assert [one[3] for one in found(inputs, "unknown_indicator")] == [
        "'onlin' is not in the list of indicators; nearest: 'online' (row 3)"
    ]
    assert inputs.sources[0]["rows_ignored"] == 1


def test_all_problems_of_all_files_are_told_at_once(tmp_path):
    path = write_project(
        tmp_path,
        source={"columns": {"unit": "unti", "period": "period"}},
        targets=[TARGET | {"indicator": "onlin"}, TARGET | {"target": "B", "operator": "=>"}],
    )
    write_text(tmp_path / "params/units.csv", "unit,name,parent,level\n01,A,02,commune\n02,B,01,commune\n")
    write_yaml(path, PARAMS | {"units": "params/units.csv"})
    with pytest.raises(AnalysisError) as error:
        from analysis.intake import read_inputs
        from analysis.registry.params import read_params

        read_inputs(read_params(path), data_dir=None, root=tmp_path)
    text = messages(error)
    assert len(text) == 2
    assert "units are their own ancestors: 01 -> 02 -> 01" in text[0]
    assert "there is no column 'unti'. Allowed: unit, period, filed, all. Did you mean 'unit'?" in text[1]


def test_no_file_is_told_with_the_nearest_name(tmp_path):
    path = write_project(tmp_path, source={"path": "raw/dosiers.csv"})
    from analysis.intake import read_inputs
    from analysis.registry.params import read_params

    with pytest.raises(DataError) as error:
        read_inputs(read_params(path), data_dir=None, root=tmp_path)
    assert messages(error) == ["raw/dosiers.csv: there is no such file. Did you mean 'dossiers.csv'?"]


def test_raw_files_start_at_the_data_folder_where_one_is_given(tmp_path):
    from analysis.intake import read_inputs
    from analysis.registry.params import read_params

    path = write_project(tmp_path / "project")
    write_text(tmp_path / "elsewhere/raw/dossiers.csv", CSV.replace("40,100", "10,100"))
    inputs = read_inputs(read_params(path), data_dir=tmp_path / "elsewhere", root=tmp_path / "project")
    assert figures(inputs)[("01", "2024-01")] == 0.10


def test_vintages_stay_side_by_side_and_sums_follow_them(tmp_path):
    import hashlib

    later = CSV.replace("02,2024-02,20,50", "02,2024-02,25,50")
    for day, text in (("2024-03-05", CSV), ("2024-04-05", later)):
        write_text(tmp_path / f"raw/dvc/{day}/d.csv", text)
        meta = {"source": "dvc", "vintage": day, "sha256": hashlib.sha256(text.encode()).hexdigest(), "retrieved": day}
        write_yaml(tmp_path / f"raw/dvc/{day}/d.csv.meta.yml", meta)
    source = {"path": "raw/dvc/{vintage}/d.csv", "vintage": None}
    inputs = read_project(tmp_path, source=source)
    rows = (
        inputs.observations[inputs.observations["period"].eq("2024-02")]
        .set_index(["unit", "vintage"])["value"]
        .to_dict()
    )
    assert rows[("02", "2024-03-05")] == 0.4 and rows[("02", "2024-04-05")] == 0.5
    assert rows[("P", "2024-03-05")] == 65 / 150 and rows[("P", "2024-04-05")] == 70 / 150
    sums = inputs.observations[inputs.observations["unit"].eq("P") & inputs.observations["period"].eq("2024-01")]
    assert sums["vintage"].tolist() == ["2024-03-05"]  # nothing changed there
    early = read_project(tmp_path, source=source, params={"as_of": "2024-03-31"})
    assert early.observations["vintage"].unique().tolist() == ["2024-03-05"]


def test_the_summary_counts_what_a_run_would_use(tmp_path):
    inputs = read_project(tmp_path, csv=CSV + "02,2024-03,60,50\n01,2024-04,9,10\n")
    summary = summarise_inputs(inputs)
    assert summary["indicators"].to_dict("records") == [
        {
            "indicator": "online",
            "units": 2,
            "periods": 3,
            "first": "2024-01",
            "latest": "2024-04",
            "missing_share": 3 / 8,
        }
    ]
    assert summary["units"].to_dict("records") == [{"level": "commune", "units": 2}, {"level": "province", "units": 1}]
    assert summary["targets"].to_dict("records") == [{"kind": "level_at", "targets": 1}]
    assert summary["sources"][["rows", "used", "refused"]].to_numpy().tolist() == [[6, 5, 1]]
    assert summary["refused"].to_numpy().tolist() == [
        ["02", "online", "2024-03", "numerator_above_denominator", "numerator 60, denominator 50 (row 6)"]
    ]
    assert summary["problems"].iloc[0].to_dict() == {
        "severity": "error", "flag": "numerator_above_denominator", "rows": 1,
    }  # fmt: skip


def test_nothing_usable_is_an_error(tmp_path):
    with pytest.raises(DataError) as error:
        read_project(tmp_path, csv="unit,period,filed,all\n01,2024-01,,\n")
    assert messages(error) == ["sources: not one row can be used. Allowed: at least one. See `candich check`."]


def test_two_sources_may_not_disagree(tmp_path):
    write_project(tmp_path)
    write_text(tmp_path / "raw/other.csv", CSV.replace("40,100", "41,100"))

    write_yaml(tmp_path / "params/sources/other.yml", SOURCE | {"source": "other", "path": "raw/other.csv"})
    with pytest.raises(DataError) as error:
        read_project(tmp_path, params={"sources": ["params/sources/dvc.yml", "params/sources/other.yml"]})
    assert messages(error) == [
        "sources dvc and other: 2 figures disagree, e.g. unit '01', 'online', 2024-01: 0.4 and 0.41. "
        "Allowed: one figure per unit and period. Leave it to one of them."
    ]


def test_a_bound_stays_a_bound_unless_the_source_says_otherwise(tmp_path):
    csv = "unit,period,what\n01,15/7/2022,gần 50%\n01,9/2022,trên 85%\n02,15/7/2022,46/126\n"
    source = {"numbers": "vi", "dates": "vi", "measures": [{"indicator": "online", "value": "what"}]}
    inputs = read_project(tmp_path / "a", csv=csv, source=source)
    rows = inputs.observations.set_index(["unit", "period"])
    assert np.isnan(rows.loc[("01", "2022-07"), "value"]) and rows.loc[("01", "2022-07"), "upper"] == 0.5
    assert rows.loc[("01", "2022-09"), "lower"] == 0.85 and rows.loc[("01", "2022-09"), "flags"] == "bound_only"
    assert rows.loc[("02", "2022-07"), ["numerator", "denominator"]].tolist() == [46, 126]
    assert found(inputs, "bound_only") == [
        ("01", "online", "2022-07", "at most 0.5 (row 2)"), ("01", "online", "2022-09", "at least 0.85 (row 3)"),
    ]  # fmt: skip
    taken = read_project(tmp_path / "b", csv=csv, source=source | {"bounds": "value"})
    assert figures(taken)[("01", "2022-07")] == 0.5


def test_a_source_of_bounds_alone_is_read(tmp_path):
    csv = "unit,period,what\n01,7/2022,gần 50%\n01,9/2022,trên 85%\n"
    source = {"numbers": "vi", "dates": "vi", "measures": [{"indicator": "online", "value": "what"}]}
    inputs = read_project(tmp_path, csv=csv, source=source)
    assert figures(inputs, "upper")["01", "2022-07"] == 0.5 and figures(inputs, "lower")["01", "2022-09"] == 0.85


def test_a_fraction_of_bounds_is_a_bound_and_no_count_to_add_up(tmp_path):
    csv = 'unit,period,filed,all\n01,15/7/2022,"gần 63.000 hồ sơ","hơn 126.000 hồ sơ"\n02,15/7/2022,10,20\n'
    inputs = read_project(tmp_path, csv=csv, source={"numbers": "vi", "dates": "vi"})
    row = inputs.observations.set_index("unit").loc["01"]
    assert np.isnan(row[["value", "numerator", "denominator", "lower"]].to_numpy(dtype=float)).all()
    assert row["upper"] == 0.5


@pytest.mark.parametrize(("numbers", "cell"), [("plain", "1.473"), ("vi", '"1,473"'), ("en", "1.473")])
def test_a_count_that_could_be_thousands_of_another_style_is_refused(tmp_path, numbers, cell):
    csv = CSV + f"02,2024-03,{cell},5000\n"
    inputs, text = read_project(tmp_path, csv=csv, source={"numbers": numbers}), cell.strip('"')
    assert [one[3] for one in found(inputs, "unreadable_number")] == [
        f"'{text}' is a count with three decimals, or writes thousands in another style: state `numbers` "
        "(column 'filed', row 6)"
    ]


def test_messages_name_files_as_they_are_seen_from_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError) as error:
        read_project(tmp_path, targets=[TARGET | {"threshold": 80}])
    assert messages(error) == [
        "params/targets/small.yml: target ON-80: threshold: found 80, but the indicator is a rate. "
        "Allowed: a fraction between 0 and 1. Write 0.8 for 80 %."
    ]
