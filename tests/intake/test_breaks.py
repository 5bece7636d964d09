"""A declared break reaches the flags of every unit, and from there the first usable period of the panel."""

import pandas as pd

from analysis.forecasting.panel import as_panel
from analysis.intake.join import DeclaredBreak, mark_breaks
from intake.factory import CSV, INDICATOR, figures, found, read_project

LONGER = CSV + "01,2024-03,50,100\n02,2024-03,25,50\n03,2024-03,5,50\n"
NEW = [INDICATOR | {"valid_from": "2024-02"}]


def broken(inputs):
    return {key: value for key, value in figures(inputs, "flags").items() if "break" in value.split()}


def test_a_definition_valid_from_a_period_breaks_every_unit_there(tmp_path):
    inputs = read_project(tmp_path, csv=LONGER, indicators=NEW)
    assert broken(inputs) == {
        ("01", "2024-02"): "break", ("02", "2024-02"): "break", ("P", "2024-02"): "summed break",
    }  # fmt: skip
    assert found(inputs, "break") == [
        ("", "online", "2024-02", "units that start a new series: 3; this definition is valid from 2024-02")
    ]


def test_the_panel_starts_at_the_break_and_keeps_what_was_before_visible(tmp_path):
    inputs = read_project(tmp_path, csv=LONGER, indicators=NEW)
    panel = as_panel(inputs.observations, indicator=inputs.indicators.iloc[0].to_dict(), cutoff="2024-03")
    assert dict(zip(panel.units, panel.first.tolist())) == {"01": 1, "02": 1, "03": 0, "P": 1}
    assert panel.values[0].tolist() == [0.40, 0.45, 0.50]
    assert pd.isna(panel.usable()[0, 0]) and panel.usable()[0, 1] == 0.45


def test_a_definition_older_than_the_figures_breaks_nothing(tmp_path):
    inputs = read_project(tmp_path, csv=LONGER, indicators=[INDICATOR | {"valid_from": "2023-06"}])
    assert broken(inputs) == {} and found(inputs, "break") == []


def test_a_source_names_the_units_whose_boundary_changed(tmp_path):
    reason = "01 took in a village of 02"
    source = {"breaks": [{"indicator": "online", "period": "2024-03", "units": ["01", "02"], "reason": reason}]}
    inputs = read_project(tmp_path, csv=LONGER, source=source)
    assert set(broken(inputs)) == {("01", "2024-03"), ("02", "2024-03")}
    told = f"units that start a new series: 2. Reason: '{reason}'"
    assert found(inputs, "break") == [("01", "online", "2024-03", told), ("02", "online", "2024-03", told)]


def test_a_unit_that_is_missing_at_the_break_starts_at_its_next_figure(tmp_path):
    csv = LONGER.replace("02,2024-02,20,50\n", "")
    assert ("02", "2024-03") in broken(read_project(tmp_path, csv=csv, indicators=NEW))


def test_a_break_declared_twice_is_marked_once(tmp_path):
    source = {"breaks": [{"indicator": "online", "period": "2024-02", "reason": "new definition from February on"}]}
    inputs = read_project(tmp_path, csv=LONGER, source=source, indicators=NEW)
    assert broken(inputs)[("01", "2024-02")] == "break"
    assert found(inputs, "break") == [
        ("", "online", "2024-02", "units that start a new series: 3; this definition is valid from 2024-02; "
         "units that start a new series: 3. Reason: 'new definition from February on'"),
    ]  # fmt: skip


def test_a_year_or_quarter_breaks_months_at_its_first_and_all_vintages_are_marked():
    rows = pd.DataFrame(
        {"unit": "01", "indicator": "online", "period": ["2023-12", "2024-01", "2024-01", "2024-02"], "flags": "",
         "vintage": ["a", "a", "b", "a"]}
    )  # fmt: skip
    for period in ("2024", "2024-Q1", "2024-01"):
        marked, _ = mark_breaks(rows, breaks=[DeclaredBreak("online", period, (), {"reason": "new"})])
        assert marked["flags"].tolist() == ["", "break", "break", ""], period
