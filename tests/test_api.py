"""The public API: what an analyst types, on plain tables and on a finished run."""

import doctest
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import analysis as cd
from analysis.analyst import plain_tables
from analysis.words import units
from analysis.words.errors import DataError, ParamsError

MONTHS = pd.period_range("2022-01", "2025-12", freq="M").astype(str)


def figures(n_units=12):
    rows = [
        {"unit": f"{unit:03d}", "indicator": "online", "period": month, "value": (unit + 1) / 40 + at / 100}
        for unit in range(n_units)
        for at, month in enumerate(MONTHS)
    ]
    return pd.DataFrame(rows)


TARGET = pd.DataFrame(
    [{"target": "T", "indicator": "online", "operator": ">=", "threshold": 0.6, "deadline": "2026-06"}]
)


@pytest.mark.parametrize("module", [cd, plain_tables, units], ids=lambda module: module.__name__)
def test_the_examples_of_the_docstrings_are_true(module):
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


def test_import_is_quick_and_every_name_is_offered_and_documented():
    script = "import time; start = time.perf_counter(); import analysis; print(time.perf_counter() - start)"
    took = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert float(took) < 0.3
    assert dir(cd) == cd.__all__ and len(cd.__all__) <= 32
    for name in cd.__all__:
        assert len(getattr(cd, name).__doc__.splitlines()) > 3, name
    with pytest.raises(AttributeError, match="no attribute 'asses'"):
        cd.asses  # noqa: B018


def test_forecast_gives_sorted_quantiles_that_do_not_cross():
    rows = cd.forecast(figures(), horizon=3, interval_levels=[0.8])
    assert rows["period"].unique().tolist() == ["2026-01", "2026-02", "2026-03"]
    wide = rows.pivot(index=["unit", "horizon"], columns="quantile_level", values="predicted")
    assert (wide[0.1] < wide[0.5]).all() and (wide[0.5] < wide[0.9]).all() and len(wide) == 36
    shuffled = cd.forecast(figures().sample(frac=1, random_state=1), horizon=3, interval_levels=[0.8])
    pd.testing.assert_frame_equal(rows, shuffled)
    with pytest.raises(ParamsError, match="1 to 600 periods"):
        cd.forecast(figures(), horizon=0)


def test_forecast_uses_nothing_after_the_cutoff():
    later = figures()
    later.loc[later["period"] > "2025-06", "value"] = 0.01
    one, other = (cd.forecast(table, horizon=2, cutoff="2025-06") for table in (figures(), later))
    pd.testing.assert_frame_equal(one, other)


def test_backtest_and_score_by_hand():
    cases = cd.backtest(figures(), TARGET)
    assert set(cases["model"]) >= {"ensemble", "climatology"} and cases["outcome"].isin([0, 1]).all()
    scored = cd.score(cases).set_index("model")
    mine = cases[cases["model"] == "ensemble"].dropna(subset=["p_attain", "outcome"])
    assert scored.loc["ensemble", "brier"] == pytest.approx(np.mean((mine["p_attain"] - mine["outcome"]) ** 2))
    assert scored.loc["ensemble", "n_cases"] == len(mine)
    with pytest.raises(DataError, match="there is no column 'outcome'"):
        cd.score(pd.DataFrame({"p_attain": [0.5]}))
    with pytest.raises(DataError, match="no row has p_attain and outcome"):
        cd.score(pd.DataFrame({"p_attain": [np.nan], "outcome": [1]}))


@pytest.fixture(scope="module")
def run(demo_run):
    return cd.load_run(demo_run)


@pytest.mark.slow
def test_a_run_prints_as_one_line(run):
    assert repr(run).startswith("Run 'demo', cutoff 2026-09: 156 units, 25 targets; ") and len(repr(run)) < 250


@pytest.mark.slow
def test_worst_is_sorted_by_the_unrounded_probability_of_open_targets(run):
    found = cd.worst(run, target="VNEID-80", n=10)
    rows = run.assessments[(run.assessments["target"] == "VNEID-80") & ~run.assessments["settled"]]
    assert found["unit"].tolist() == rows.sort_values(["p_raw", "gap"], ascending=[True, False])["unit"].tolist()[:10]
    with pytest.raises(DataError, match="there is no target 'VNEID-8'.*Did you mean 'VNEID-80'"):
        cd.worst(run, target="VNEID-8")


@pytest.mark.slow
def test_a_unit_is_found_by_code_and_by_name_as_people_type_it(run):
    assert units.find_unit(run, "099001") == "099001"
    assert units.find_unit(run, "xa hoa nguong") == units.find_unit(run, "Hoà Ngưỡng") == "099001"
    assert units.find_unit(run, "Commune Hoà Ngưỡng") == "099001"
    with pytest.raises(DataError, match="there is no unit 'Hoa Nguon'"):
        units.find_unit(run, "Hoa Nguon")
    names = run.units["name"].map(units.plain)
    twice = names.str.split().str[-2:].str.join(" ").value_counts()
    if (twice > 1).any():
        with pytest.raises(DataError, match="may be .* units.*Give the code"):
            units.find_unit(run, twice.index[0])


@pytest.mark.slow
def test_explain_states_the_figures_of_the_table_and_parts_that_sum_to_the_change(run):
    found = cd.explain(run, "099001", "ONL-80").set_index("what")["value"]
    row = run.assessments.set_index(["unit", "target"]).loc[("099001", "ONL-80")]
    assert all(found[name] == row[name] for name in ("p_attain", "status", "grade", "gap"))
    parts = [found[name] for name in found.index if name.startswith("from_")]
    assert sum(parts) == pytest.approx(found["p_change"])
    with pytest.raises(DataError, match="does not bind"):
        cd.explain(run, "099", "BOOK-QUOTA")


@pytest.mark.slow
def test_what_if_moves_the_probability_up_and_its_base_is_the_tables(run):
    found = cd.what_if(run, unit="Hoà Ngưỡng", target="ONL-80", points=2)
    row = run.assessments.set_index(["unit", "target"]).loc[("099001", "ONL-80")]
    assert found["p_attain"].iloc[0] == row["p_attain"] and found["p_attain"].is_monotonic_increasing
    assert found["predicted_median"].iloc[1] == pytest.approx(row["predicted_median"] + 0.02 * row["horizon"])
    with pytest.raises(ParamsError, match="more than 0, at most 100"):
        cd.what_if(run, unit="099001", target="ONL-80", points=-1)
    with pytest.raises(DataError, match="has no lever in points"):
        cd.what_if(run, unit="099001", target="R766-20", points=1)


@pytest.mark.slow
def test_compare_gives_a_table_and_a_figure_that_can_be_saved(run, tmp_path):
    table, figure = cd.compare(run, units=["099001", "099002"], indicator="online_filed")
    assert set(table["unit"]) == {"099001", "099002"} and {"value", "predicted", "lower80", "upper80"} <= set(table)
    figure.savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(DataError, match="1 to 8"):
        cd.compare(run, units=[], indicator="online_filed")


@pytest.mark.slow
def test_changes_are_sorted_by_size_and_diagnose_has_the_straight_lines_slope(run):
    found = cd.changes(run, target="ONL-80")["p_change"].abs().dropna()
    assert found.is_monotonic_decreasing and len(found)
    slope = cd.diagnose(run, unit="099001", indicator="online_filed").set_index("what").loc["slope", "value"]
    rows = run.observations.query("unit == '099001' and indicator == 'online_filed'")
    values = rows.drop_duplicates("period", keep="last")["value"].dropna().to_numpy(dtype=float)
    assert slope == pytest.approx(np.polyfit(np.arange(len(values)), values, 1)[0])


@pytest.mark.slow
def test_sql_reads_the_tables_of_all_runs_and_nothing_else(run, demo_run):
    where = demo_run.parent
    found = cd.sql("select count(*) as n from assessments where is_current", outputs=where)
    assert found["n"].item() == len(run.assessments)
    for query in ("copy (select 1) to 'x.csv'", "select 1; select 2", "drop view assessments", "attach 'x.db'"):
        with pytest.raises(DataError, match="one SELECT"):
            cd.sql(query, outputs=where)
    with pytest.raises(DataError, match="file system operations are disabled"):
        cd.sql("select * from read_csv('/etc/hostname')", outputs=where)
    with pytest.raises(DataError, match="no finished run"):
        cd.sql("select 1", outputs=where / "demo")


@pytest.mark.slow
def test_a_unit_page_and_the_explorer_open(run):
    assert cd.unit_page(run, unit="099001", language="en").answer()
    assert cd.explore(run, language="vi").children


def test_a_series_with_a_season_and_a_break_is_described():
    from analysis.forecasting.diagnose import diagnose_series

    time = np.arange(48)
    values = np.where(time < 24, time, 24 + 3.0 * (time - 24)) + 5 * np.sin(2 * np.pi * time / 12)
    found = diagnose_series(MONTHS.to_numpy(), values, season_length=12).set_index("what")["value"]
    assert found["season_strength"] > 0.75 and "2023-11" <= found["break_period"] <= "2024-03"
    with pytest.raises(DataError, match="7 figures.*at least 8"):
        diagnose_series(MONTHS[:7].to_numpy(), values[:7], season_length=12)
