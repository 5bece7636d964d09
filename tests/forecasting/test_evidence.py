"""Evidence rows by hand: same cases for all, every slice, references that are not there."""

import numpy as np
import pandas as pd
import pytest

from analysis.forecasting.evidence import ALL_TARGETS, common_cases, evidence, score_models
from analysis.words.schema import EVIDENCE


def make_cases(answers, *, outcome=(1.0, 0.0, 1.0, 0.0), **columns):
    """Two units at two cutoffs, one target, horizon 3; `answers`: model -> four probabilities."""
    frames = [
        pd.DataFrame(
            {
                "target": "t",
                "cutoff": ["2021-01", "2021-01", "2021-06", "2021-06"],
                "horizon": 3,
                "unit": ["a", "b", "a", "b"],
                "model": name,
                "p_attain": p,
                "outcome": outcome,
                "observed": 0.5,
                "predicted_median": 0.6,
                "lower80": 0.4,
                "upper80": 0.55,
                "lower95": 0.3,
                "upper95": [0.45, 0.7, 0.7, 0.7],
            }
            | columns
        )
        for name, p in answers.items()
    ]
    return pd.concat(frames, ignore_index=True)


def row_of(table, **key):
    found = table[np.logical_and.reduce([table[name] == value for name, value in key.items()])]
    assert len(found) == 1
    return found.iloc[0]


def test_overall_row_by_hand():
    cases = make_cases({"ensemble": [0.8, 0.2, 0.6, 0.4], "pace12": [1, 1, 1, 0], "climatology": [0.5] * 4})
    row = row_of(evidence(cases, indicator="x"), model="ensemble", slice_kind="overall", target="t")
    assert row["brier"] == pytest.approx((0.04 + 0.04 + 0.16 + 0.16) / 4)
    assert row["skill_pace"] == pytest.approx(1 - 0.1 / 0.25)
    assert row["skill_climatology"] == pytest.approx(1 - 0.1 / 0.25)
    assert (row["coverage80"], row["coverage95"]) == (1.0, 0.75)
    assert row["bias"] == pytest.approx(0.1)  # predicted less observed
    assert (row["n_cases"], row["n_origins"]) == (4, 2)
    assert row["indicator"] == "x"


def test_every_origin_has_its_own_row():
    cases = make_cases({"ensemble": [0.8, 0.2, 0.6, 0.4], "pace12": [1, 1, 1, 0]})
    table = evidence(cases, indicator="x")
    first = row_of(table, model="ensemble", slice="2021-01", target="t")
    second = row_of(table, model="ensemble", slice="2021-06", target="t")
    assert (first["brier"], second["brier"]) == pytest.approx((0.04, 0.16))
    assert first["skill_pace"] == pytest.approx(1 - 0.04 / 0.5)
    assert np.isnan(second["skill_pace"])  # the pace made no error there: no ratio
    assert second["slice_kind"] == "origin" and row_of(table, model="pace12", slice="3", target="t")["brier"] == 0.25


def test_targets_are_pooled_under_all():
    cases = make_cases({"ensemble": [0.8, 0.2, 0.6, 0.4]})
    table = evidence(pd.concat([cases, cases.assign(target="u", p_attain=0.5)]), indicator="x")
    assert row_of(table, slice_kind="overall", target=ALL_TARGETS)["brier"] == pytest.approx((0.1 + 0.25) / 2)
    assert set(table["target"]) == {"t", "u", ALL_TARGETS}


def test_a_case_that_one_model_could_not_answer_is_left_out_for_all():
    cases = make_cases({"ensemble": [0.8, 0.2, 0.6, 0.4], "peer": [0.9, np.nan, 0.5, 0.5]})
    kept = common_cases(cases)
    assert len(kept) == 6 and not ((kept["unit"] == "b") & (kept["cutoff"] == "2021-01")).any()
    assert {row["n_cases"] for row in score_models(kept)} == {3}


def test_a_skill_without_its_reference_is_missing():
    table = evidence(make_cases({"ensemble": [0.8, 0.2, 0.6, 0.4]}), indicator="x")
    assert table["skill_pace"].isna().all() and table["skill_climatology"].isna().all()


def test_shuffled_cases_give_the_same_table():
    cases = make_cases({"ensemble": [0.8, 0.2, 0.6, 0.4], "pace12": [1, 1, 1, 0]})
    shuffled = cases.sample(frac=1, random_state=3, ignore_index=True)
    pd.testing.assert_frame_equal(evidence(cases, indicator="x"), evidence(shuffled, indicator="x"))


def test_no_cases_give_an_empty_table_of_the_right_kind():
    cases = make_cases({"ensemble": [0.8, 0.2, 0.6, 0.4]})
    pd.testing.assert_frame_equal(evidence(cases.iloc[:0], indicator="x"), EVIDENCE.empty())
