"""Selections: the right rows, the latest vintage, the tree; what a unit's page may not read is refused by name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factory import make_run

from analysis.briefing.parts import provenance, title
from analysis.briefing.view import Grouped, UnitView, view_of
from analysis.words import schema
from analysis.words.errors import DataError
from analysis.words.schema import as_table


def test_a_history_holds_exactly_the_rows_of_its_unit_and_indicator(run):
    rows = run.observations
    mine = rows[(rows.unit == "001") & (rows.indicator == "online")]
    history = view_of(run, "vi").history("001", "online")
    assert history.periods == mine.period.tolist()
    assert history.values.tolist() == mine.value.tolist()
    assert history.denominator.tolist() == mine.denominator.tolist()


def test_of_two_vintages_the_latest_counts(run):
    older = run.observations[run.observations.unit == "001"].assign(vintage="2026-09", value=-1.0)
    both = as_table(pd.concat([run.observations, older]), schema.OBSERVATIONS)
    history = view_of(replace(run, observations=both), "vi").history("001", "online")
    assert history.values.tolist() == view_of(run, "vi").history("001", "online").values.tolist()
    assert len(history.flags) == len(history.periods)


def test_a_fan_is_periods_by_levels(run):
    fan = view_of(run, "vi").fan("001", "online")
    rows = run.forecasts[(run.forecasts.unit == "001") & (run.forecasts.indicator == "online")]
    assert fan.predicted.shape == (15, 7)
    assert fan.predicted[2, 3] == rows[(rows.horizon == 3) & (rows.quantile_level == 0.5)].predicted.item()
    low, high = fan.band(0.8)
    assert (low == fan.predicted[:, 1]).all() and (high == fan.predicted[:, 5]).all()
    assert fan.band(0.42) is None


def test_what_is_not_there_is_empty_and_not_an_error(run):
    view = view_of(run, "vi")
    assert view.history("999", "online").periods == [] and view.fan("999", "online").periods == []
    assert view.assessed("64-D2") == [] and len(view.rows("quality", "64-D2")) == 0


def test_an_unknown_unit_is_refused_with_a_suggestion(run):
    with pytest.raises(DataError) as caught:
        view_of(run, "vi").unit("64-D9")
    assert str(caught.value).startswith(
        "run factory: unit '64-D9': the run has no such unit. Allowed: one of the 10 codes"
    )
    assert "Did you mean '64-D" in str(caught.value)


def test_the_tree_is_walked_up_and_down(run):
    view = view_of(run, "vi")
    assert view.root == "64" and view.ancestors("001") == ["64"]
    assert sorted(view.children("64")) == sorted(set(run.units.unit) - {"64"})


def test_a_circle_of_parents_ends():
    units = as_table(pd.DataFrame({"unit": ["a", "b"], "name": ["", ""], "parent": ["b", "a"]}), schema.UNITS)
    empty = {
        name: schema.TABLES[name].empty()
        for name in ("indicators", "targets", "observations", "forecasts", "assessments")
    }
    empty |= {name: schema.TABLES[name].empty() for name in ("quality", "evidence", "scorecard")}
    view = view_of(schema.RunTables(run_id="r", params={}, units=units, **empty), "en")
    assert view.ancestors("a") == ["b"] or view.ancestors("a") == ["b", "a"]
    assert view.root in {"a", "b"} and view.cutoff == ""


def test_names_fall_back_to_the_other_language_and_to_the_code(run):
    assert view_of(run, "en").name("001") == "Pleiku ward"
    assert view_of(run, "en").name("64-D3") == "Sở Nội vụ"  # has no English name
    assert view_of(run, "en").name("nobody") == "nobody"


def test_levels_that_differ_between_horizons_are_refused(run):
    rows = run.forecasts
    broken = rows[
        ~((rows.unit == "001") & (rows.indicator == "online") & (rows.horizon == 2) & (rows.quantile_level == 0.5))
    ]
    with pytest.raises(DataError, match="quantile levels differ between horizons"):
        view_of(replace(run, forecasts=broken.reset_index(drop=True)), "vi").fan("001", "online")


def test_a_view_is_kept_for_the_next_page_of_the_same_run(run):
    assert view_of(run, "vi") is view_of(run, "vi")
    assert view_of(run, "vi") is not view_of(run, "en")
    assert view_of(replace(run), "vi") is not view_of(run, "vi")


def test_whole_numbers_that_are_missing_are_nan(run):
    [row] = [one for one in view_of(run, "vi").assessed("001") if one.target == "GL-FULL-80"]
    assert np.isnan(row.n_sub_units)


def test_figures_that_end_before_the_cutoff_are_not_said_to_reach_it(run):
    """A run of the quarter just ended, before its figures came in: 2026-08 is the newest, the cutoff 2026-09."""
    late = replace(run, observations=run.observations[run.observations["period"] <= "2026-08"])
    assert title(view_of(run, "vi"), "Đầu trang").text.endswith("số liệu đến tháng 9/2026")
    assert title(view_of(late, "vi"), "Đầu trang").text.endswith(
        "số liệu mới đến tháng 8/2026, dự báo tính từ cuối tháng 9/2026"
    )
    assert title(view_of(late, "en"), "Title").text.endswith(
        "data up to August 2026 only, forecast as of the end of September 2026"
    )
    said = provenance(view_of(late, "en"), notebook="n").html
    assert "August 2026" in said and "September 2026" in said


def test_figures_after_the_cutoff_of_an_earlier_quarter_are_no_newest_ones(run):
    early = replace(run, assessments=run.assessments.assign(cutoff="2026-03"))
    assert view_of(early, "vi").newest == "2026-03"


def test_another_units_rows_are_refused_by_name(run):
    view = UnitView(view_of(run, "vi"), "001")
    stranger = next(one for one in run.units["unit"] if one not in view.units)
    for ask in (
        lambda: view.unit(stranger),
        lambda: view.name(stranger),
        lambda: view.assessed(stranger),
        lambda: view.history("002", "online"),
        lambda: view.fan("002", "online"),
        lambda: view.fan_before("002", "online"),
        lambda: view.rows("quality", "002"),
        lambda: view.rows("ranks", "002", "X"),
        lambda: view.ancestors("002"),
    ):
        with pytest.raises(DataError, match="which is another unit's"):
            ask()
    assert not hasattr(view, "all_assessed") and not hasattr(view.run, "assessments")
    with pytest.raises(AttributeError):
        view.assessed(view.peers[0])[0].p_attain  # noqa: B018


def test_peers_are_the_nearest_in_ratio_by_sorting_all():
    of = np.random.default_rng(4)
    sizes = np.r_[of.integers(1, 40, 60), of.lognormal(6, 2, 60)]  # many ties
    codes = [f"u{at:03d}" for at in of.permutation(len(sizes))]
    run = make_run()
    units = pd.DataFrame({**{one: "" for one in run.units.columns}, "unit": codes, "level": "commune"})
    rows = pd.concat([run.assessments.iloc[[0]]] * len(codes), ignore_index=True)
    rows = rows.assign(unit=codes, current_denominator=sizes).sort_values("unit", ignore_index=True)
    view = view_of(replace(run, units=units.sort_values("unit", ignore_index=True), assessments=rows), "vi")
    size = dict(zip(codes, sizes.tolist()))
    for unit in codes:
        plain = sorted(
            (one for one in codes if one != unit),
            key=lambda one: (max(size[one] / size[unit], size[unit] / size[one]), one),
        )
        assert view.nearest_in_size(unit) == plain[:5]


@pytest.fixture(params=[0, 1, 2])
def table(request):
    random = np.random.default_rng(request.param)
    n = 60
    frame = pd.DataFrame(
        {
            "unit": random.choice(list("abcd"), n),
            "target": random.choice(list("xyz"), n),
            "p": random.random(n),
            "settled": random.random(n) < 0.5,
            "n": pd.array(random.integers(0, 9, n), dtype="Int64"),
        }
    )
    frame.loc[3, "n"] = pd.NA
    return frame if request.param else frame.sort_values(["unit", "target"], ignore_index=True)


def scan(table, **where):
    rows = table.astype({"n": "float64"})
    for name, value in where.items():
        rows = rows[rows[name] == value]
    return [tuple(row) for row in rows.itertuples(index=False)]


def same(found, expected):
    assert [repr(tuple(one)) for one in found] == [repr(one) for one in expected]  # types too; NaN equals itself


def test_rows_of_a_group_are_those_of_a_scan_in_the_order_of_the_table(table):
    grouped = Grouped(table, "unit")
    assert list(grouped) == list(dict.fromkeys(table["unit"]))
    for unit in "abcd":
        same(grouped.rows(unit), scan(table, unit=unit))


def test_rows_of_a_pair_are_those_of_a_scan(table):
    grouped = Grouped(table, "unit", "target")
    for unit in "abcd":
        for target in "xyz":
            same(grouped.rows(unit, target), scan(table, unit=unit, target=target))


def test_what_is_not_there_has_no_rows(table):
    grouped = Grouped(table, "unit", "target")
    assert Grouped(table, "unit").rows("nowhere") == grouped.rows("nowhere", "x") == grouped.rows("a", "nothing") == []
    assert list(Grouped(table.iloc[:0], "unit", "target")) == []


def test_columns_can_be_chosen(table):
    grouped = Grouped(table, "unit", "target", columns=["target", "p"])
    at = grouped.places("b", "y")
    assert grouped.columns["p"][at].tolist() == [row[2] for row in scan(table, unit="b", target="y")]
    assert list(grouped.columns) == ["target", "p"]
