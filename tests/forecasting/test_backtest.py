"""The backtest asks the past honestly: no answer changes when the future does; the simple models by hand."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from forecasting_make import make_panel as panel_of

from analysis.forecasting.backtest import (
    CASE_COLUMNS,
    MODELS,
    QUANTILE_COLUMNS,
    Answers,
    Plan,
    Points,
    Question,
    backtest_panel,
    drift,
    linear_pace,
    naive,
    straight_line,
)
from analysis.forecasting.calibration import Event
from analysis.forecasting.panel import Panel, with_figures

LEARNERS = [name for name in MODELS if name != "climatology"]


def make_panel(*, n=8, n_periods=24, seed=0, cumulative=False):
    rng = np.random.default_rng(seed)
    logit = rng.normal(-1, 0.8, (n, 1)) + np.cumsum(rng.normal(0.06, 0.08, (n, n_periods)), axis=1)
    values = np.round(1 / (1 + np.exp(-logit)), 4)
    if cumulative:
        values = np.maximum.accumulate(values, axis=1)
    codes = tuple(f"{2020 + t // 12}-{t % 12 + 1:02d}" for t in range(n_periods))
    return Panel(tuple(f"u{i}" for i in range(n)), codes, values, kind="rate", cumulative=cumulative, season_length=12)


def run(panel, *, thresholds, at_least=True, strict=False, **plan):
    return backtest_panel(panel, Plan(**plan), thresholds=thresholds, event=Event(at_least, strict))


def stand_in(panel, horizon):
    """No change, with a spread that grows: just enough of a model to test the harness by hand."""
    return Points(np.repeat(panel.last_value()[:, None], horizon, axis=1))


def future_rewritten(panel, *, after):
    values = panel.values.copy()
    values[:, after + 1 :] = 0.99
    return replace(panel, values=values)


@pytest.mark.parametrize("at_least", [True, False])
def test_a_jump_planted_after_the_cutoff_is_in_no_answer(at_least):
    panel = make_panel()
    about = {"thresholds": 0.5, "horizons": [1, 4], "at_least": at_least, "models": LEARNERS}
    for cutoff in ("2020-10", "2021-06"):
        index = panel.periods.index(cutoff)
        honest = run(panel, cutoffs=[cutoff], **about)
        planted = run(future_rewritten(panel, after=index), cutoffs=[cutoff], **about)
        said = ["unit", "horizon", "model", "p_attain", *QUANTILE_COLUMNS, "current", "n_points"]
        pd.testing.assert_frame_equal(honest[said], planted[said])
        assert (planted["observed"] == 0.99).all()  # the outcome does see it


def test_a_later_cutoff_learns_nothing_from_deadlines_that_had_not_passed():
    panel = make_panel(n_periods=30)
    index = panel.periods.index("2021-06")
    both = ["2021-02", "2021-06"]
    about = {"thresholds": 0.5, "horizons": [6], "cutoffs": both, "models": ["ensemble"]}
    honest = run(panel, **about)
    # 2021-02 + 6 lies after 2021-06: its outcome may not calibrate the answer of 2021-06
    planted = run(future_rewritten(panel, after=index), **about)
    pd.testing.assert_series_equal(honest["p_attain"], planted["p_attain"])


def test_cases_by_hand():
    values = np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.3, 0.3, 0.4, 0.4, np.nan, 0.4], [np.nan] * 3 + [0.9] * 3])
    panel = Panel(("a", "b", "c"), tuple(str(2018 + t) for t in range(6)), values)
    cases = run(panel, thresholds=0.45, horizons=[1, 2], cutoffs=["2021"], models=[], peers={"still": stand_in})
    # b has no outcome one year ahead; c has one observed year only and is not assessable
    assert cases[["horizon", "unit", "p_attain", "outcome"]].values.tolist() == [
        [1, "a", 0.0, 1.0],
        [2, "a", 0.0, 1.0],
        [2, "b", 0.0, 0.0],
    ]
    assert cases["period"].tolist() == ["2022", "2023", "2023"]
    assert cases["current"].tolist() == [0.4, 0.4, 0.4]
    assert cases["observed"].tolist() == [0.5, 0.6, 0.4]
    assert cases["predicted_median"].tolist() == [0.4, 0.4, 0.4]
    assert list(cases.columns) == list(CASE_COLUMNS)


def test_climatology_is_the_base_rate_of_target_and_horizon():
    panel = make_panel(n=10)
    cases = run(panel, thresholds={"low": 0.3, "high": 0.7}, horizons=[2, 3], models=["naive", "climatology"])
    rates = cases[cases["model"] == "naive"].groupby(["target", "horizon"])["outcome"].mean()
    said = cases[cases["model"] == "climatology"].groupby(["target", "horizon"])["p_attain"].agg(["min", "max"])
    assert said["min"].tolist() == pytest.approx(rates.tolist())
    assert said["max"].tolist() == pytest.approx(rates.tolist())


def test_a_settled_case_is_no_case_but_a_value_above_its_target_that_may_fall_is():
    cumulative = make_panel(cumulative=True)
    cases = run(cumulative, thresholds=0.3, horizons=[3], models=["naive"])
    assert not cases["attained_now"].any() and len(cases)
    rate = run(make_panel(), thresholds=0.3, horizons=[3], models=["naive"])
    assert rate["attained_now"].any()


def test_a_threshold_may_start_from_the_value_at_the_cutoff():
    panel = make_panel(n=3)
    grown = run(
        panel, thresholds=lambda seen: 1.1 * seen.last_value(), horizons=[4], cutoffs=["2021-01"], models=["naive"]
    )
    assert grown["threshold"].tolist() == pytest.approx((1.1 * grown["current"]).tolist())
    assert grown["outcome"].tolist() == (grown["observed"] >= 1.1 * grown["current"]).astype(float).tolist()


def test_thresholds_of_their_own_stay_with_their_units():
    panel = make_panel(n=4)
    own = np.array([0.2, 0.4, np.nan, 0.6])
    cases = run(panel, thresholds=own, horizons=[1], cutoffs=["2021-01"], models=["naive"])
    assert dict(zip(cases["unit"], cases["threshold"])) == {"u0": 0.2, "u1": 0.4, "u3": 0.6}


def test_renamed_and_shuffled_units_give_the_same_answers():
    panel = make_panel(n=6)
    order = np.array([3, 0, 5, 1, 4, 2])
    moved = replace(panel.rows(order), units=tuple(f"x{i}" for i in order))
    about = {"thresholds": 0.5, "horizons": [2], "cutoffs": ["2021-04"], "models": ["ensemble", "pace12"]}
    once, again = run(panel, **about), run(moved, **about)
    again["unit"] = again["unit"].str.replace("x", "u")
    key = ["unit", "model"]
    left, right = once.sort_values(key, ignore_index=True), again.sort_values(key, ignore_index=True)
    np.testing.assert_allclose(left["p_attain"], right["p_attain"], atol=1e-9)


def test_only_the_scored_units_are_cases_and_all_inform_the_pool():
    panel = make_panel(n=6)
    about = {"thresholds": 0.5, "horizons": [2], "cutoffs": ["2021-04"], "models": ["ensemble"]}
    everyone, two = run(panel, **about), run(panel, scored=["u1", "u4"], **about)
    assert two["unit"].tolist() == ["u1", "u4"]
    expected = everyone[everyone["unit"].isin(["u1", "u4"])]["p_attain"]
    assert two["p_attain"].tolist() == expected.tolist()


def test_at_most_is_the_complement_of_strictly_more():
    panel = make_panel()
    about = {"thresholds": 0.5, "horizons": [3], "cutoffs": ["2021-04"], "models": ["ensemble_raw"]}
    below = run(panel, at_least=False, **about)
    above = run(panel, strict=True, **about)
    np.testing.assert_allclose(below["p_attain"], 1 - above["p_attain"], atol=1e-9)
    assert (below["outcome"] == 1 - above["outcome"]).all()


def test_a_break_after_the_cutoff_is_no_outcome_of_what_was_forecast():
    panel = make_panel(n=2)
    broken = replace(panel, first=np.array([0, panel.periods.index("2021-06")]))
    cases = run(broken, thresholds=0.5, horizons=[4], cutoffs=["2021-04"], models=["naive"])
    assert cases["unit"].tolist() == ["u0"]


def test_every_model_is_asked_once_a_cutoff():
    asked = []

    def counting(panel, horizon):
        asked.append((panel.periods[-1], horizon))
        return stand_in(panel, horizon)

    run(
        make_panel(), thresholds={"a": 0.3, "b": 0.6}, horizons=[1, 3, 6], n_origins=4, models=[], peers={"x": counting}
    )
    assert len(asked) == len(set(asked)) == 4 and {horizon for _, horizon in asked} == {6}


def test_event_at_equality_and_with_float_dust():
    values = [0.8, 0.7999999999999999, 0.79, np.nan]
    assert Event().happened(values, 0.8)[:3].tolist() == [1, 1, 0]
    assert Event(strict=True).happened(values, 0.8)[:3].tolist() == [0, 0, 0]
    assert Event(at_least=False).happened(values, 0.8)[:3].tolist() == [1, 1, 1]
    assert Event(at_least=False, strict=True).happened(values, 0.8)[:3].tolist() == [0, 0, 1]
    assert np.isnan(Event().happened(values, 0.8)[3])


def test_an_empty_backtest_keeps_its_columns():
    panel = make_panel(n_periods=5)
    assert list(run(panel, thresholds=0.5, horizons=[12], models=["naive"]).columns) == list(CASE_COLUMNS)


def test_open_probabilities_stay_within_one_and_ninety_nine_per_cent():
    cases = run(
        make_panel(), thresholds={"low": 0.001, "high": 0.999}, horizons=[1], models=["ensemble"], cutoffs=["2021-03"]
    )
    assert len(cases) and cases["p_attain"].between(0.01, 0.99).all()


def test_questions_are_asked_of_the_panel_as_it_stood():
    panel = make_panel()
    answers = Answers(panel, horizon=3, options=None)
    seen = answers.panel_at(9)
    assert seen.periods == panel.periods[:10]
    case = answers.case(Question(Event(), 0.5, 3), 9)
    np.testing.assert_array_equal(case.observed, panel.values[:, 12])
    np.testing.assert_array_equal(case.current, panel.values[:, 9])


NAN = np.nan


def test_naive_carries_the_last_observed_value():
    panel = panel_of([[0.1, 0.2, NAN], [NAN, NAN, NAN]])
    np.testing.assert_array_equal(naive(panel, horizon=2), [[0.2, 0.2], [NAN, NAN]])


def test_drift_runs_through_first_and_last_and_counts_the_gap():
    panel = panel_of([[10.0, NAN, 14.0, NAN]], kind="level")
    np.testing.assert_allclose(drift(panel, horizon=2), [[18.0, 20.0]])


def test_pace_looks_back_a_window_and_a_short_history_uses_what_it_has():
    panel = panel_of([[0.0, 10.0, 11.0, 12.0], [NAN, NAN, 5.0, 7.0], [NAN, NAN, NAN, 5.0]], kind="level")
    found = linear_pace(panel, horizon=1, window=2)
    np.testing.assert_allclose(found, [[13.0], [9.0], [NAN]])
    np.testing.assert_allclose(linear_pace(panel, horizon=3, window=3)[0], [16.0, 20.0, 24.0])


def test_straight_line_is_statsmodels_ols_with_gaps():
    values = np.array([[1.0, 2.5, NAN, 3.0, 5.0], [2.0, 1.0, 4.0, 3.0, 6.0], [NAN, NAN, NAN, NAN, 1.0]])
    found = straight_line(panel_of(values, kind="level"), horizon=2)
    seen = np.isfinite(values[0])
    fit = sm.OLS(values[0, seen], sm.add_constant(np.arange(5.0)[seen])).fit()
    np.testing.assert_allclose(found[0], fit.predict(sm.add_constant(np.array([5.0, 6.0]))))
    assert np.isnan(found[2]).all()


def test_lines_of_many_units_at_once_are_those_of_each_alone():
    rng = np.random.default_rng(0)
    values = np.where(rng.random((60, 9)) < 0.1, NAN, rng.normal(size=(60, 9)).cumsum(axis=1))
    together = straight_line(panel_of(values, kind="level"), horizon=1)
    alone = np.vstack([straight_line(panel_of(values[[row]], kind="level"), horizon=1) for row in range(60)])
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("model", [naive, drift, straight_line, partial(linear_pace, window=12)])
def test_shares_stay_shares(model):
    panel = panel_of([[0.5, 0.8, 0.95], [0.5, 0.2, 0.01]])
    found = model(panel, horizon=5)
    assert found.min() >= 0.0 and found.max() <= 1.0


def test_values_before_a_break_are_not_used():
    panel = panel_of([[100.0, 100.0, 1.0, 2.0]], kind="level", first=np.array([2]))
    np.testing.assert_allclose(drift(panel, horizon=1), [[3.0]])


def test_a_past_cutoff_reads_the_figures_known_then_and_the_outcome_todays():
    """Revised since: 0.585 was known at the cutoff, 0.629 stands there today; the naive forecast says 0.585."""
    today = Panel(("a", "b"), ("2018", "2019", "2020", "2021", "2022"), np.array([[0.5, 0.52, 0.56, 0.629, 0.65]] * 2))
    known = Panel(("b",), ("2019", "2020", "2021"), np.array([[0.52, 0.55, 0.585]]))
    then = with_figures(today, known)
    np.testing.assert_array_equal(then.values, [[np.nan] * 4, [np.nan, 0.52, 0.55, 0.585]])
    known = Panel(("b", "a"), ("2018", "2019", "2020", "2021"), np.array([[0.5, 0.52, 0.55, 0.585], [0.4] * 4]))
    plan = Plan([1], cutoffs=["2021"], models=["naive"], known={"2021": known})
    cases = backtest_panel(today, plan, thresholds=0.6).set_index("unit")
    assert cases["current"].to_dict() == {"a": 0.4, "b": 0.585} and set(cases["observed"]) == {0.65}
    assert cases["p_attain"].to_dict() == {"a": 0.0, "b": 0.0} and set(cases["outcome"]) == {1.0}
    again = backtest_panel(today, replace(plan, known={}), thresholds=0.6)
    assert set(again["current"]) == {0.629} and set(again["p_attain"]) == {1.0}
