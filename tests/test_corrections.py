"""A correction: who is told anew, who keeps what was published, and what is no correction."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from benchmarks.country import write_country

from analysis import corrections, pipeline, records
from analysis.intake import Inputs
from analysis.publishing.site import page_name
from analysis.words import schema
from analysis.words.errors import DataError, ParamsError

UNIT, PROVINCE, NATION = "00003", "01", "00"


def observations(**cells):
    rows = {"unit": ["a", "b"], "indicator": "x", "period": "2026-01", "vintage": "", "flags": "", "value": [0.1, 0.2]}
    frame = pd.DataFrame(rows | cells)
    for name in ("numerator", "denominator", "lower", "upper"):
        frame[name] = frame.get(name, np.nan)
    return frame


def test_a_figure_that_differs_in_any_cell_is_changed_and_a_missing_one_equals_itself():
    before = observations()
    assert corrections.changed_figures(before, before.iloc[::-1]).empty
    for name, cell in (("value", 0.3), ("numerator", 1.0), ("flags", "break"), ("upper", 1.0)):
        now = before.copy()
        now.loc[1, name] = cell
        assert corrections.changed_figures(before, now)["unit"].tolist() == ["b"], name


def test_figures_that_came_or_went_are_changed():
    both = observations()
    gone = corrections.changed_figures(both, both.iloc[:1])
    came = corrections.changed_figures(both.iloc[:1], both)
    assert gone[["unit", "value_before"]].values.tolist() == [["b", 0.2]] and gone["value"].isna().all()
    assert came[["unit", "value"]].values.tolist() == [["b", 0.2]] and came["value_before"].isna().all()


def test_a_spliced_table_has_new_rows_of_some_units_and_old_rows_of_the_rest():
    old = pd.DataFrame({"unit": ["a", "a", "b", "b"], "target": ["t", "u", "t", "u"], "p": [1.0, 2.0, 3.0, 4.0]})
    new = pd.DataFrame({"unit": ["a", "b", "c"], "target": ["t", "t", "t"], "p": [10.0, 30.0, 50.0]})
    about = {"name": "extra_pace", "targets": {"t"}, "indicators": set()}
    found = corrections.spliced(old, new, units={"a", "c"}, comparing=set(), **about)
    assert dict(zip(found["unit"] + found["target"], found["p"])) == {"at": 10, "au": 2, "bt": 3, "bu": 4, "ct": 50}
    ranked = corrections.spliced(old, new, units={"a"}, comparing={"t"}, **about)
    assert dict(zip(ranked["unit"] + ranked["target"], ranked["p"])) == {"at": 10, "au": 2, "bt": 30, "bu": 4, "ct": 50}
    gone = corrections.spliced(old, new.iloc[1:], units={"a"}, comparing=set(), **about)
    assert dict(zip(gone["unit"] + gone["target"], gone["p"])) == {"au": 2, "bt": 3, "bu": 4}


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    folder = tmp_path_factory.mktemp("country")
    params = write_country(folder, communes=24, provinces=3, indicators=2)
    text = params.read_text(encoding="utf-8").replace('"overview": true', '"overview": true, "data_quality": true')
    params.write_text(text, encoding="utf-8")
    pipeline.run(params, jobs=2)
    shutil.copytree(folder / "outputs/country", folder / "before")
    path = folder / "data/observations.parquet"
    rows = pd.read_parquet(path)
    at = (rows["unit"] == UNIT) & (rows["indicator"] == "rate1") & (rows["period"] == "2026-08")
    rows.loc[at, "numerator"] = (0.8 * rows.loc[at, "numerator"]).astype("int64")
    rows.to_parquet(path, index=False)
    result = pipeline.run(params, jobs=2, correct=True)
    shutil.copytree(folder / "outputs/country", folder / "corrected")
    return folder, params, result


def tables(folder):
    run = records.load_run(folder)
    named = {name: getattr(run, name) for name in records.store.RUN_TABLES}
    return named | {f"extra_{name}": table for name, table in run.extra.items()}


@pytest.mark.slow
def test_units_that_were_not_corrected_keep_every_number(country):
    folder, params, _ = country
    before, after = tables(folder / "before"), tables(folder / "corrected")
    above = {UNIT, PROVINCE, NATION}
    parents = before["units"].set_index("unit")["parent"]
    assert {UNIT, parents[UNIT], NATION} == above
    for name in ("forecasts", "assessments", "extra_pace", "extra_changes", "extra_flip_flops", "extra_scenarios"):
        one, other = (table[~table["unit"].isin(above)].reset_index(drop=True) for table in (before[name], after[name]))
        pd.testing.assert_frame_equal(one, other)
        mine = before[name][before[name]["unit"].isin(above)]
        assert len(mine) == after[name]["unit"].isin(above).sum(), name
    key = ["unit", "indicator", "horizon", "quantile_level"]
    moved = after["forecasts"].merge(before["forecasts"], on=key, suffixes=("", "_before"))
    moved = moved[moved["predicted"] != moved["predicted_before"]]
    assert set(moved["unit"]) == above and set(moved["indicator"]) == {"rate1"}


@pytest.mark.slow
def test_corrected_units_are_told_what_a_full_run_says_and_a_full_run_follows(country):
    folder, params, _ = country
    pipeline.run(params, jobs=2, out_dir=folder / "afresh/country")
    full, after = tables(folder / "afresh/country"), tables(folder / "corrected")
    for name in ("forecasts", "assessments"):
        one, other = (table[table["unit"] == UNIT].reset_index(drop=True) for table in (full[name], after[name]))
        other = other[other["indicator"] == "rate1"].reset_index(drop=True)
        pd.testing.assert_frame_equal(one[one["indicator"] == "rate1"].reset_index(drop=True), other)
    pipeline.run(params, jobs=2)
    for path in sorted((folder / "afresh/country/tables").glob("*.parquet")):
        assert path.read_bytes() == (folder / "outputs/country/tables" / path.name).read_bytes(), path.name


@pytest.mark.slow
def test_only_pages_that_show_it_are_made(country):
    folder, _, result = country
    made = {one.page for one in result.pages if one.status == "published"}
    before, after = folder / "before/site", folder / "corrected/site"
    differ = {
        path.relative_to(after).as_posix()
        for path in after.rglob("*.html")
        if path.read_bytes() != (before / path.relative_to(after)).read_bytes()
    }
    assert {page_name(one) for one in (UNIT, PROVINCE, NATION)} <= differ
    assert differ <= made | {"index.html"}
    naming = {  # pages that print its figure: as a unit of similar size, or below them
        page
        for page in made
        if page.startswith("units/") and f"{UNIT}.html" in (after / page).read_text(encoding="utf-8")
    }
    units = {page for page in made if page.startswith("units/")}
    assert units == naming | {page_name(one) for one in (UNIT, PROVINCE, NATION)} and len(units) < 15


@pytest.mark.slow
def test_the_run_says_that_it_was_corrected(country):
    folder, _, _ = country
    manifest = json.loads((folder / "corrected/manifest.json").read_text(encoding="utf-8"))
    before = (folder / "before/manifest.json").read_text(encoding="utf-8")
    assert manifest["corrected"]["of"] == records.sha256_of(before)
    assert manifest["corrected"]["units"] == sorted([NATION, PROVINCE, UNIT])
    found = tables(folder / "corrected")["quality"]
    found = found[(found["flag"] == "revised") & (found["unit"] == UNIT)]
    assert found["period"].tolist() == ["2026-08"] and " -> " in found["found"].iloc[0]
    page = (folder / "corrected/site" / page_name(UNIT)).read_text(encoding="utf-8")
    assert "số liệu được sửa" in page.lower() or "điều chỉnh" in page


@pytest.mark.slow
def test_what_is_no_correction_is_refused(country, tmp_path):
    folder, params, _ = country
    with pytest.raises(ParamsError, match="--from"):
        pipeline.run(params, correct=True, start="forecast")
    with pytest.raises(DataError, match="no finished run"):
        pipeline.run(params, correct=True, out_dir=tmp_path / "country")
    other = tmp_path / "other"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("afresh", "before", "corrected"))
    targets = other / "params/targets/country.yml"
    held = targets.read_text(encoding="utf-8")
    targets.write_text(held.replace("0.8", "0.81"), encoding="utf-8")
    with pytest.raises(ParamsError, match="made with other targets"):
        pipeline.run(other / "params/country.yml", correct=True)
    targets.write_text(held, encoding="utf-8")
    units = other / "data/units.csv"
    units.write_text(units.read_text(encoding="utf-8").replace("Commune 3,", "Commune three,"), encoding="utf-8")
    with pytest.raises((ParamsError, DataError), match="registry|units"):
        pipeline.run(other / "params/country.yml", correct=True)


def test_a_group_is_cut_down_to_what_looks_at_the_corrected_indicators():
    target = lambda code, kind="level_at", indicator="", **more: SimpleNamespace(
        target=code, kind=kind, indicator=indicator, then="", **more
    )
    targets = (
        target("a", indicator="x"),
        target("b", indicator="y"),
        target("bundle", kind="indicators_k_of_n", members=("a", "c")),
        target("c", indicator="z"),
        target("score", kind="score_ge", components=(SimpleNamespace(indicator="y"),)),
    )
    frame = pd.DataFrame({"indicator": ["x", "y", "z"]})
    part = Inputs(units=frame, indicators=frame, targets=targets, observations=frame, quality=frame, sources=())
    found = corrections.looking_at({"x"}, part)
    assert [one.target for one in found.targets] == ["a", "bundle", "c"]
    assert found.indicators["indicator"].tolist() == found.observations["indicator"].tolist() == ["x", "z"]
    found = corrections.looking_at({"y"}, part)
    assert [one.target for one in found.targets] == ["b", "score"]
    assert found.indicators["indicator"].tolist() == ["y"]


def test_rows_with_the_same_keys_are_put_in_their_places_as_sorting_would():
    key = {"cutoff": "2026-09", "horizon": pd.array([1, 1, 1], dtype="Int64"), "quantile_level": 0.5}
    old = pd.DataFrame({"unit": ["a", "b", "c"], "indicator": "x", **key, "period": "p", "member": "m"})
    old = schema.as_table(old.assign(predicted=[1.0, 2.0, 3.0]), schema.FORECASTS)
    new = old.assign(predicted=[10.0, 20.0, 30.0])
    about = {"name": "forecasts", "comparing": set(), "targets": set(), "indicators": {"x"}}
    for units in ({"b"}, {"a", "c"}):
        found = corrections.spliced(old, new, units=units, **about)
        one_less = corrections.spliced(old[old["unit"] != "b"], new, units=units | {"b"}, **about)
        pd.testing.assert_frame_equal(found, new.where(new["unit"].isin(units), old).astype(old.dtypes.to_dict()))
        assert one_less["unit"].tolist() == ["a", "b", "c"] and (one_less.dtypes == old.dtypes).all()


def test_a_bundle_with_a_rank_among_its_members_hangs_on_others_too():
    target = lambda code, kind, **more: SimpleNamespace(target=code, kind=kind, indicator="", **more)
    targets = [
        target("rank", "rank_le"),
        target("level", "level_at"),
        target("bundle", "indicators_k_of_n", members=("level", "rank")),
        target("other", "indicators_k_of_n", members=("level",)),
    ]
    assert corrections.comparing(targets) == {"rank", "bundle"}
    assert corrections.comparing(targets[1:2]) == set()
