import json
import math
from types import SimpleNamespace as Row

import pandas as pd
import pytest

from analysis.publishing.downloads import hubverse
from analysis.publishing.downloads.hubverse import COLUMNS, distribution_point, model_output, tasks, write_hub
from analysis.words import schema
from analysis.words.schema import RunTables, as_table

from .conftest import NASTY


@pytest.fixture(scope="module")
def table(run):
    return model_output(run)


TIMES = {  # frequency -> cutoff and the two periods after it
    "M": ("2026-09", "2026-10", "2026-11"),
    "Q": ("2026-Q3", "2026-Q4", "2027-Q1"),
    "Y": ("2025", "2026", "2027"),
}


def small(*, frequency="M", reading="", operator=">=", settled=False, kind="level_at", resolution=math.nan, p=0.75):
    """One unit, one indicator, two horizons, one promise at the second: every expected row is written by hand."""
    cutoff, *ahead = TIMES[frequency]
    units = as_table(pd.DataFrame({"unit": ["01"], "name": ["A"]}), schema.UNITS)
    about = dict(indicator="i", kind="rate", name_en="I", unit_en="%", resolution=resolution, frequency=frequency)
    indicators = pd.DataFrame([about])
    forecasts = pd.DataFrame(
        [("01", "i", cutoff, h, q, ahead[h - 1], "", 0.5 + h / 10 + q / 10) for h in (1, 2) for q in (0.1, 0.5, 0.9)],
        columns=["unit", "indicator", "cutoff", "horizon", "quantile_level", "period", "member", "predicted"],
    )
    said = dict(unit="01", target="T", cutoff=cutoff, indicator="i", kind=kind, operator=operator, threshold=0.8)
    assessments = pd.DataFrame([said | dict(deadline=ahead[1], p_attain=p, settled=settled, status="likely")])
    targets = pd.DataFrame([dict(target="T", kind=kind, indicator="i", reading=reading)])
    return RunTables(
        run_id="x",
        params={"title_en": "X", "simulated": True},
        units=units,
        indicators=as_table(indicators, schema.INDICATORS),
        targets=as_table(targets, schema.TARGETS),
        forecasts=as_table(forecasts, schema.FORECASTS),
        assessments=as_table(assessments, schema.ASSESSMENTS),
        **{one: schema.TABLES[one].empty() for one in ("observations", "quality", "evidence", "scorecard")},
    )


def test_rows_by_hand():
    rows = model_output(small()).round(9).to_numpy().tolist()
    head = ["2026-09-30", "i"]
    assert rows == [
        [*head, "2026-10-31", 1, "01", "quantile", 0.1, 0.61],
        [*head, "2026-10-31", 1, "01", "quantile", 0.5, 0.65],
        [*head, "2026-10-31", 1, "01", "quantile", 0.9, 0.69],
        [*head, "2026-11-30", 2, "01", "cdf", 0.8, 0.25],  # P(value >= 0.8) = 0.75
        [*head, "2026-11-30", 2, "01", "quantile", 0.1, 0.71],
        [*head, "2026-11-30", 2, "01", "quantile", 0.5, 0.75],
        [*head, "2026-11-30", 2, "01", "quantile", 0.9, 0.79],
    ]


@pytest.mark.parametrize(
    ("frequency", "horizons", "origin"),
    [("M", {1, 2}, "2026-09-30"), ("Q", {3, 6}, "2026-09-30"), ("Y", {12, 24}, "2025-12-31")],
)
def test_horizons_are_months(frequency, horizons, origin):
    found = model_output(small(frequency=frequency))
    assert set(found["horizon"]) == horizons and set(found["origin_date"]) == {origin}


@pytest.mark.parametrize(
    ("operator", "kind", "resolution", "expected"),
    [
        (">", "count", math.nan, (8.0, 0.3)), (">=", "count", math.nan, (7.0, 0.3)),
        ("<", "count", math.nan, (7.0, 0.7)), ("<=", "count", math.nan, (8.0, 0.7)),
        (">=", "level", math.nan, (8.0, 0.3)), (">=", "level", 0.1, (7.9, 0.3)), (">", "level", 0.1, (8.0, 0.3)),
        ("<=", "rank", math.nan, (8.0, 0.7)),
    ],
)  # fmt: skip
def test_the_point_of_the_distribution_function_by_hand(operator, kind, resolution, expected):
    point = distribution_point(Row(operator=operator, threshold=8, p_attain=0.7), Row(kind=kind, resolution=resolution))
    assert point == pytest.approx(expected)


@pytest.mark.parametrize(
    "changed", [dict(reading="rolling_3"), dict(settled=True), dict(kind="sustained_from"), dict(p=math.nan)]
)
def test_promises_that_are_not_about_one_value_have_no_point(changed):
    assert set(model_output(small(**changed))["output_type"]) == {"quantile"}


def test_the_output_is_sorted_unique_and_complete(run, table):
    assert tuple(table.columns) == COLUMNS
    keys = table[list(COLUMNS[:-1])]
    assert not keys.duplicated().any() and (table["output_type"] == "quantile").sum() == len(run.forecasts)
    assert table.loc[table["output_type"] == "cdf", "value"].between(0, 1).all() and table["value"].notna().all()


def test_tasks_json_allows_exactly_what_is_there(run, table):
    config = tasks(run, table)
    (round_,) = config["rounds"]
    assert round_["round_id_from_variable"] is True and round_["round_id"] == "origin_date"
    allowed = set()
    for task in round_["model_tasks"]:
        ids = {name: values["optional"] for name, values in task["task_ids"].items()}
        assert set(ids) == {"origin_date", "target", "target_end_date", "horizon", "location"}
        ((kind, output),) = task["output_type"].items()
        assert output["output_type_id"]["required"] == sorted(output["output_type_id"]["required"])
        assert output["is_required"] == (kind == "quantile")
        (about,) = task["target_metadata"]
        assert about["target_keys"] == {"target": ids["target"][0]} and about["time_unit"] == "month"
        assert len(about["target_id"]) <= 30 and len(about["target_name"]) <= 100 and len(about["target_units"]) <= 100
        assert about["target_type"] in ("continuous", "discrete")
        allowed |= {
            (*ids["target"], kind, one, place)
            for one in output["output_type_id"]["required"]
            for place in ids["location"]
        }
    there = {
        tuple(row) for row in table[["target", "output_type", "output_type_id", "location"]].itertuples(index=False)
    }
    assert there == allowed


def test_the_files_have_the_names_of_a_hub_and_parse(run, tmp_path):
    paths = {path.relative_to(tmp_path).as_posix(): path for path in write_hub(run, tmp_path)}
    assert list(paths) == [
        "hub-config/admin.json", "hub-config/tasks.json", "model-metadata/candich-ensemble.yml",
        "model-output/candich-ensemble/2026-09-30-candich-ensemble.csv",
    ]  # fmt: skip
    assert json.loads(paths["hub-config/tasks.json"].read_bytes())["schema_version"].endswith(
        "v5.0.1/tasks-schema.json"
    )
    back = pd.read_csv(paths["model-output/candich-ensemble/2026-09-30-candich-ensemble.csv"], dtype={"location": str})
    pd.testing.assert_frame_equal(back, model_output(run))
    again = write_hub(run, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths.values()]


def test_a_long_output_is_parquet(run, tmp_path, monkeypatch):
    monkeypatch.setattr(hubverse, "MAX_CSV_ROWS", 10)
    paths = write_hub(run, tmp_path)
    assert tmp_path / "model-output/candich-ensemble/2026-09-30-candich-ensemble.parquet" in paths
    assert json.loads((tmp_path / "hub-config/admin.json").read_bytes())["file_format"] == ["parquet"]


def test_nasty_codes_are_guarded_text(nasty, tmp_path):
    write_hub(nasty, tmp_path)
    found = set(model_output(nasty)["location"])
    assert len(found) == len(NASTY) + 1 and not any(one.lstrip().startswith(tuple("=+-@\uff1d")) for one in found)


def test_a_long_indicator_code_gets_a_short_unique_id(run):
    code = "i" * 200
    made = hubverse._target(code, None)
    assert len(made["target_id"]) <= 30 and made["target_id"] != hubverse._target(code + "j", None)["target_id"]


def test_a_run_without_forecasts_has_a_hub_without_output(run, tmp_path):
    import dataclasses

    empty = dataclasses.replace(run, forecasts=schema.FORECASTS.empty(), assessments=schema.ASSESSMENTS.empty())
    assert [path.name for path in write_hub(empty, tmp_path) if "model-output" in path.parts] == []
