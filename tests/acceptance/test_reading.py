"""The real series read: counts known from the files themselves, and each of their traps told."""

import csv
import json
import time
from collections import defaultdict

import pytest

from acceptance.data import ROOT, data_dir
from analysis.intake import read_inputs, summarise_inputs
from analysis.registry.params import read_params

pytestmark = pytest.mark.acceptance


def read(name, file):
    return read_inputs(read_params(ROOT / f"params/{name}.yml"), data_dir=data_dir(file), root=ROOT)


@pytest.fixture(scope="module")
def cards():
    start = time.process_time()
    inputs = read("mynumber", "mynumber/cards_issued.csv")
    return inputs, time.process_time() - start


def raw_rows(file):
    with (data_dir(file) / file).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_municipality_prefecture_and_the_nation_are_units(cards):
    inputs, _ = cards
    assert inputs.units.groupby("level").size().to_dict() == {"municipality": 1741, "nation": 1, "prefecture": 47}
    parents = inputs.units["parent"]
    assert parents.eq("JP").sum() == 47 and (~inputs.units["unit"].isin(parents)).sum() == 1741
    names = inputs.units[inputs.units["name"].isin(["府中市", "伊達市"])]  # each in two prefectures
    assert len(names) == 4 and names["parent"].nunique() == 4
    assert inputs.units["unit"].str.len().value_counts().to_dict() == {6: 1741, 2: 48}


def test_the_first_of_a_month_is_the_end_of_the_month_before(cards):
    inputs, _ = cards
    periods = sorted(inputs.observations["period"].unique())
    assert (periods[0], periods[-1], len(periods)) == ("2017-03", "2022-02", 37)
    assert periods[-25:] == [f"{year}-{month:02d}" for year in (2020, 2021, 2022) for month in range(1, 13)][1:26]


def test_upper_levels_are_sums_of_numerators_and_denominators(cards):
    """An oracle on the raw file: the nation at each date, one prefecture at one date."""
    inputs, _ = cards
    issued, people = defaultdict(int), defaultdict(int)
    for row in raw_rows("mynumber/cards_issued.csv"):
        for key in ((row["as_of"], ""), (row["as_of"], row["prefecture"])):
            issued[key] += int(row["cards_issued"])
            people[key] += int(row["population"])
    rows = inputs.observations.set_index(["unit", "period"])
    nation = rows.loc["JP"]
    assert sorted(nation["numerator"]) == sorted(value for (_, prefecture), value in issued.items() if not prefecture)
    last = rows.loc[("JP", "2022-02")]
    assert (last["numerator"], last["denominator"]) == (53_759_380, 126_654_244)
    assert last["value"] == 53_759_380 / 126_654_244 and last["flags"] == "summed"
    tokyo = rows.loc[("13", "2022-02")]
    assert (
        tokyo["numerator"] == issued[("2022-03-01", "東京都")]
        and tokyo["denominator"] == people[("2022-03-01", "東京都")]
    )


def test_the_lost_codes_the_missing_months_and_the_falling_shares_are_told(cards):
    inputs, _ = cards
    flags = inputs.quality.groupby("flag").size().to_dict()
    assert {flag: flags[flag] for flag in ("mended_code", "missing_period", "falling_share")} == {
        "mended_code": 2, "missing_period": 23, "falling_share": 18,
    }  # fmt: skip
    mended = inputs.quality[inputs.quality["flag"].eq("mended_code")]
    assert mended["unit"].tolist() == ["133817", "134015"]
    details = json.loads(mended["details"].iloc[0])
    assert "municipality_code: 00<NA> → 133817" in details["set"] and details["n"] == 8
    missing = inputs.quality[inputs.quality["flag"].eq("missing_period")]
    assert missing["unit"].eq("").all()
    assert sorted(missing["period"])[-1] == "2019-12"  # monthly without a gap from 2020-01 on
    villages = inputs.observations[inputs.observations["unit"].isin(["133817", "134015"])]
    assert villages.groupby("unit").size().tolist() == [37, 37]


def test_without_its_corrections_the_rows_without_a_code_are_refused_and_told(tmp_path):
    """The same file, as it comes: 16 rows carry no code, and their names belong to no other."""
    import yaml

    source = yaml.safe_load((ROOT / "params/sources/mynumber.yml").read_text(encoding="utf-8"))
    del source["corrections"]
    source["vintage"] = str(source["vintage"])
    for part in ("params/targets/mynumber.yml", "data/reference/indicators_mynumber.yml", "params/mynumber.yml"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).write_text((ROOT / part).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "params/sources").mkdir()
    (tmp_path / "params/sources/mynumber.yml").write_text(yaml.safe_dump(source, allow_unicode=True), encoding="utf-8")
    params = read_params(tmp_path / "params/mynumber.yml")
    inputs = read_inputs(params, data_dir=data_dir("mynumber/cards_issued.csv"), root=tmp_path)
    assert inputs.sources[0]["rows_refused"] == 16
    assert inputs.quality.loc[inputs.quality["flag"].eq("missing_code"), "period"].nunique() == 8
    assert set(inputs.quality.loc[inputs.quality["flag"].eq("late_unit"), "unit"]) == set()
    closed = inputs.quality.loc[inputs.quality["flag"].eq("closed_unit"), "unit"]
    assert sorted(closed) == ["133817", "134015"]  # silent for eight months


def test_64_000_rows_are_read_in_seconds(cards):
    assert cards[1] < 6  # measured 2.4 s of processor time; twice that on a slower machine


def test_the_summary_is_what_the_check_command_prints(cards):
    summary = summarise_inputs(cards[0])
    assert summary["sources"][["rows", "used", "refused"]].to_numpy().tolist() == [[64417, 64417, 0]]
    row = summary["indicators"].iloc[0]
    assert (row["units"], row["periods"], row["latest"]) == (1741, 37, "2022-02")
    assert row["missing_share"] == pytest.approx(23 / 60)


def test_the_emergency_file_is_read_with_its_opened_and_closed_organisations():
    inputs = read("nhs", "nhs_ae/attendances_within_4h.csv")
    assert inputs.units.groupby("level").size().to_dict() == {"nation": 1, "organisation": 274}
    assert inputs.sources[0]["rows_used"] == 13_230
    own = inputs.observations[inputs.observations["unit"].ne("England")]
    assert own.groupby("indicator")["unit"].nunique().to_dict() == {
        "ae_within_4h_all_types": 274,
        "ae_within_4h_type1": 140,
    }
    flags = inputs.quality.groupby("flag").size().to_dict()
    assert flags["closed_unit"] == 53 and flags["late_unit"] == 1 and flags["missing_unit_in_sum"] == 11
    raw = raw_rows("nhs_ae/attendances_within_4h.csv")
    want = sum(
        float(row["numerator"])
        for row in raw
        if row["period"] == "2018-06" and row["indicator"] == "ae_within_4h_type1"
    )
    rows = inputs.observations.set_index(["unit", "indicator", "period"])
    assert rows.loc[("England", "ae_within_4h_type1", "2018-06"), "numerator"] == want
    assert [one.settled for one in inputs.targets] == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "file", "units", "rows"),
    [
        ("us_flu", "us_flu/coverage.csv", {"admin1": 54, "nation": 1}, 7478),
        ("phonepe", "phonepe/state_quarterly.csv", {"nation": 1, "state": 36}, 4032),
        ("gapminder", "gapminder/country_year.csv", {"": 1, "g77": 130, "oecd": 31, "others": 53}, 12_989),
    ],
)
def test_the_other_series_are_read_whole(tmp_path, name, file, units, rows):
    inputs = read_other(tmp_path, name, file)
    assert inputs.units.groupby("level").size().to_dict() == units
    assert inputs.sources[0]["rows_used"] == rows and inputs.sources[0]["rows_refused"] == 0
    assert not inputs.quality["severity"].eq("error").any()


def test_zeros_before_the_first_count_are_left_out_and_users_that_fall_are_told(tmp_path):
    inputs = read_other(tmp_path, "phonepe", "phonepe/state_quarterly.csv")
    opens = inputs.observations[inputs.observations["indicator"].eq("app_opens")]
    assert opens["period"].min() == "2019-Q2" and opens["value"].min() > 0
    details = json.loads(inputs.quality.set_index("flag").loc["not_measured", "details"])
    assert (details["n"], details["first"], details["last"]) == (180, "2018-Q1", "2019-Q1")
    assert (inputs.quality["flag"] == "falling_cumulative").sum() == 13
    nation = inputs.observations.set_index(["unit", "indicator", "period"])["value"]
    assert nation[("india", "registered_users", "2024-Q4")] == 586_756_452


def read_other(folder, name, file):
    """A run of a source without params of its own."""
    import yaml

    raw = yaml.safe_load((ROOT / "params/mynumber.yml").read_text(encoding="utf-8"))
    raw |= {
        "run_id": name,
        "cutoff": None,
        "sources": [str(ROOT / f"params/sources/{name}.yml")],
        "targets": ["params/none.yml"],
    }
    raw["indicators"] = str(ROOT / f"data/reference/indicators_{name}.yml")
    (folder / "params").mkdir(exist_ok=True)
    (folder / "params/none.yml").write_text("targets: []", encoding="utf-8")
    (folder / f"params/{name}.yml").write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return read_inputs(read_params(folder / f"params/{name}.yml"), data_dir=data_dir(file), root=folder)
