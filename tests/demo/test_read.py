"""The demonstration read by `intake`: every planted trouble is found, nothing else is refused."""

import csv
from pathlib import Path

import pytest

from analysis.forecasting.panel import as_panel
from analysis.intake import read_inputs
from analysis.registry.params import read_params

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def inputs():
    return read_inputs(read_params(ROOT / "params" / "demo.yml"), data_dir=None, root=ROOT)


def found(inputs, flag):
    rows = inputs.quality[inputs.quality["flag"].eq(flag)]
    return set(zip(rows["unit"], rows["indicator"], rows["period"]))


def test_all_units_indicators_and_months_are_there(inputs):
    observations = inputs.observations
    assert observations["unit"].nunique() == 156 and observations["indicator"].nunique() == 12
    assert (observations["period"].min(), observations["period"].max()) == ("2022-10", "2026-09")
    assert observations["period"].nunique() == 48
    assert len(inputs.tasks) == 320 and len(inputs.targets) == 25


def test_the_province_is_the_sum_of_its_units(inputs):
    rows = inputs.observations.query("indicator == 'online_filed' and period == '2025-06'").set_index("unit")
    parts = rows.drop("099")
    assert rows.loc["099", "numerator"] == parts["numerator"].sum()
    assert rows.loc["099", "denominator"] == parts["denominator"].sum()


def test_only_the_two_values_over_100_per_cent_are_refused(inputs):
    errors = inputs.quality[inputs.quality["severity"].eq("error")]
    assert set(errors["flag"]) == {"numerator_above_denominator"}
    assert found(inputs, "numerator_above_denominator") == {
        ("099057", "payment_online", "2025-03"), ("099S12", "online_full", "2024-09"),
    }  # fmt: skip


def test_falling_counts_and_the_undeclared_jump_are_found(inputs):
    assert found(inputs, "falling_cumulative") == {
        ("099012", "vneid_activated", "2025-02"), ("099076", "health_books", "2026-04"),
        ("099038", "health_books", "2025-07"),  # the stated weights of the shared commune are not quite right
    }  # fmt: skip
    jumps = {one for one in found(inputs, "level_jump") if one[1] != "rank_766"}  # places do jump
    assert jumps == {("099066", "online_filed", "2026-02")}


def test_late_and_missing_units_are_found(inputs):
    late = {unit for unit, _, _ in found(inputs, "late_unit")}
    assert {"099S05", "099088"} <= late <= {"099S05", "099088", "099135"}  # the special zone had no dossier
    missing = {unit for unit, _, _ in found(inputs, "missing_period")}
    assert {"099023", "099S09"} <= missing


def test_the_new_definition_restarts_every_unit_that_was_measured_before(inputs):
    """20 departments, 134 communes and the province; commune 099130 reports from 2026-07 only."""
    assert found(inputs, "break") == {("", "results_digitised", "2025-07")}
    rows = inputs.observations[inputs.observations["flags"].str.contains("break")]
    assert set(rows["indicator"]) == {"results_digitised"} and len(rows) == 155
    indicator = inputs.indicators.set_index("indicator", drop=False).loc["results_digitised"].to_dict()
    panel = as_panel(inputs.observations, indicator=indicator, cutoff="2026-09")
    first = {unit: panel.periods[at] for unit, at in zip(panel.units, panel.first)}
    assert {unit for unit in panel.units if first[unit] != "2025-07"} == {"099130"}


def test_tiny_denominators_are_found_where_planted(inputs):
    assert {unit for unit, _, _ in found(inputs, "tiny_denominator")} == {"099018", "099067", "099135"}


def test_every_unit_of_the_list_of_troubles_has_a_finding_or_a_short_series(inputs):
    with (ROOT / "data" / "demo" / "troubles.csv").open(encoding="utf-8", newline="") as file:
        units = {row["unit"] for row in csv.DictReader(file) if row["trouble"] != "low_quota"} - {"*"}
    flagged = set(inputs.quality["unit"])
    short = {unit for unit, n in inputs.observations.groupby("unit")["period"].nunique().items() if n < 4}
    assert units <= flagged | short and "099130" in short


def test_the_history_of_218_communes_stands_on_the_135_of_today(inputs):
    rows = inputs.observations[inputs.observations["indicator"].eq("vneid_activated")].set_index(["unit", "period"])
    assert {unit for unit, _ in rows.index} <= set(inputs.units["unit"])
    assert (
        rows.loc[("099001", "2025-06"), "flags"] == "rebased" and rows.loc[("099001", "2025-07"), "flags"] == "merger"
    )
    assert rows.loc[("099100", "2025-06"), "flags"] == ""  # only its code changed
    with (ROOT / "data" / "demo" / "accounts.csv").open(encoding="utf-8", newline="") as file:
        raw = [row for row in csv.DictReader(file) if row["ngay"] == "30/06/2025"]
    assert len(raw) == 217  # one old commune lies in 099130, which does not report yet
    total = sum(int(row["tai_khoan_kich_hoat"].replace(".", "")) for row in raw)
    assert rows.loc[("099", "2025-06"), "numerator"] == total
    assert found(inputs, "merger") == {("", one, "2025-07") for one in ("vneid_activated", "health_books")}
    assert not found(inputs, "split_estimated")  # the weights of the shared commune are stated
