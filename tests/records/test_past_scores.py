"""Past probabilities are scored on what was said then; misses are explained; changes name their cause."""

import numpy as np
import pandas as pd
import pytest

from analysis.records import scorecard
from analysis.records.register import Entry
from analysis.words import schema


def assessments(rows):
    base = {"indicator": "online", "kind": "level_at", "operator": ">=", "threshold": 0.8, "deadline": "2026-06"}
    return schema.as_table(pd.DataFrame([base | row for row in rows]), schema.ASSESSMENTS)


def said(unit, p, *, cutoff="2025-12", **more):
    return {"unit": unit, "target": "T", "cutoff": cutoff, "p_attain": p, "settled": False, "status": "likely", **more}


def settled(unit, outcome, **more):
    return {"unit": unit, "target": "T", "cutoff": "2026-06", "p_attain": outcome, "settled": True, **more}


ENTRY = Entry("demo", 1, "2025-12", 1, "2026-01-05", "2026-01-03", "published", True, {}, {}, "")


def again(units, **stages):
    """The past quarter recomputed: probabilities of the units by stage; a stage not given is that before it."""
    found, before = {}, None
    for stage in (*scorecard.STAGES, "expected"):
        before = stages.get(stage, before)
        found[stage] = assessments([said(unit, p) for unit, p in zip(units, before)])
    return found


def test_brier_by_hand():
    past = assessments([said("a", 0.9), said("b", 0.2), said("c", 0.6)])
    now = assessments([settled("a", 1.0), settled("b", 1.0)])  # c is still open
    card = scorecard.build_scorecard(past, now=now, entry=ENTRY, again=again("abc", model=[0.9, 0.2, 0.6]))
    assert card["unit"].tolist() == ["a", "b"]
    np.testing.assert_allclose(card["brier"], [0.01, 0.64])
    assert card["cause"].tolist() == ["", "model"]
    assert not card["early"].any() and card["figures_then"].all()
    summary = scorecard.summarise_scorecard(card)
    assert summary["n_cases"] == 2 and summary["brier"] == pytest.approx(0.325)
    assert summary["share_right"] == 0.5


def test_only_a_promise_whose_deadline_has_passed_counts_and_what_is_known_before_is_early():
    """Of four units that must hold until 2026-12 only the one that broke its promise is settled: that is no cohort."""
    later = {"deadline": "2026-12", "kind": "sustained_from"}
    past = assessments([said(unit, 0.8, **later) for unit in "abcd"] + [said("e", 0.8, deadline=""), said("f", 0.7)])
    rows = [settled("a", 0.0, **later), settled("e", 1.0, deadline=""), settled("f", 1.0)]
    now = assessments(rows + [said(unit, 0.8, cutoff="2026-06", **later) for unit in "bcd"])
    card = scorecard.build_scorecard(past, now=now, entry=ENTRY, again=again("abcdef", model=[0.8] * 6))
    assert dict(zip(card["unit"], card["early"])) == {"a": True, "e": True, "f": False}
    assert card["cause"].tolist() == ["", "", ""]
    assert scorecard.summarise_scorecard(card)["n_cases"] == 1 and scorecard.summarise_scorecard(card)["mean_p"] == 0.7
    at_the_deadline = now.assign(cutoff="2026-12").assign(settled=True, p_attain=[0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    card = scorecard.build_scorecard(past, now=at_the_deadline, entry=ENTRY)
    assert dict(zip(card["unit"], card["early"])) == dict.fromkeys("abcdf", False) | {"e": True}


def test_a_miss_of_the_whole_panel_is_a_shock():
    """All recomputed as published (0.1), 8 of 10 attained: mean error 0.7 is common, 0.9 - 0.7 = 0.2 each unit's."""
    units = [f"{number:02d}" for number in range(10)]
    past = assessments([said(unit, 0.1) for unit in units])
    now = assessments([settled(unit, 1.0) for unit in units[:8]] + [settled(unit, 0.0) for unit in units[8:]])
    card = scorecard.build_scorecard(past, now=now, entry=ENTRY, again=again(units, model=[0.1] * 10))
    assert card["cause"].tolist() == ["shock"] * 8 + [""] * 2
    assert card["common"].tolist() == [True] * 8 + [False] * 2
    np.testing.assert_allclose(card.loc[:7, list(scorecard.MISS_PARTS)], [[0, 0, 0.7, 0.2]] * 8, atol=1e-12)
    assert card.loc[8:, list(scorecard.MISS_PARTS)].isna().all(axis=None)


def test_a_miss_is_split_into_parts_that_sum_to_it_and_the_largest_names_its_cause():
    """Said 0.9, not attained (-0.9): today's model 0.85, target 0.75, definition 0.7, figures 0.1; the rest is ours."""
    steps = {"model": [0.85, 0.9], "target": [0.75, 0.2], "definition": [0.7, 0.2], "revision": [0.1, 0.2]}
    past, now = assessments([said("a", 0.9), said("b", 0.9)]), assessments([settled("a", 0.0), settled("b", 0.0)])
    card = scorecard.build_scorecard(past, now=now, entry=ENTRY, again=again("ab", **steps))
    by_hand = [[-0.6, -0.15, 0, -0.15], [0, -0.7, 0, -0.2]]  # revision, target and definition, shock, model
    np.testing.assert_allclose(card[list(scorecard.MISS_PARTS)], by_hand, atol=1e-12)
    assert card["cause"].tolist() == ["revision", "changed_target"]


def test_a_quarter_from_figures_of_later_says_so():
    late = Entry("demo", 1, "2025-12", 1, "2026-09-05", "2026-09-03", "recomputed", True, {}, {}, "")
    now = assessments([settled("a", 1.0)])
    card = scorecard.build_scorecard(assessments([said("a", 0.9)]), now=now, entry=late)
    assert card["origin"].tolist() == ["recomputed"] and card["figures_then"].tolist() == [False]


def test_the_pace_forecasts_met_where_it_is_enough():
    rows = [(">=", 0.02, 0.02), (">=", 0.02, 0.01), ("<=", -0.02, -0.03), ("<=", -0.02, 0.0), (">=", np.nan, 0.01)]
    found = [said(unit, 0.5, operator=o, required_pace=r, actual_pace=a) for unit, (o, r, a) in zip("abcde", rows)]
    np.testing.assert_array_equal(scorecard.on_pace(assessments(found)), [1, 0, 1, 0, np.nan])


def test_nothing_settled_gives_an_empty_scorecard():
    card = scorecard.build_scorecard(assessments([said("a", 0.9)]), now=schema.ASSESSMENTS.empty(), entry=ENTRY)
    assert card.empty and list(card.columns) == list(schema.SCORECARD.columns)
    assert scorecard.summarise_scorecard(card) == {"n_cases": 0}


def quarters():
    """Said 0.50 of four units; now it is 0.80."""
    before = assessments([said(unit, 0.50, current=0.6, current_period="2026-03") for unit in "abcd"])
    now = assessments([said(unit, 0.80, current=0.7, current_period="2026-06", cutoff="2026-06") for unit in "abcd"])
    return before, now


def test_changes_that_cannot_be_recomputed_name_what_is_seen():
    before, now = quarters()
    before = before.assign(threshold=[0.8, 0.7, 0.8, 0.8])
    now = now.assign(current_period=["2026-06", "2026-06", "2026-03", "2026-06"])
    found = scorecard.build_changes(now, before=before)
    assert found["cause"].tolist() == ["new_figures", "target", "model", "new_figures"]
    assert found.loc[0, "p_change"] == pytest.approx(0.3) and found[list(scorecard.PARTS)].isna().all(axis=None)
    shuffled = scorecard.build_changes(now.sample(frac=1, random_state=1), before=before.iloc[::-1])
    pd.testing.assert_frame_equal(shuffled, found)


def test_a_change_is_split_into_parts_that_sum_to_it_and_the_largest_names_the_cause():
    """Each probability is the one of the stage before, moved by what the stage adds."""
    before, now = quarters()
    steps = {
        "model": [0.50, 0.56, 0.50, 0.50],
        "target": [0.50, 0.56, 0.90, 0.50],
        "definition": [0.50, 0.56, 0.90, 0.45],
        "revision": [0.50, 0.56, 0.90, 0.15],
        "expected": [0.78, 0.60, 0.85, 0.40],
    }
    shuffled = {stage: table.sample(frac=1, random_state=2) for stage, table in again("abcd", **steps).items()}
    found = scorecard.build_changes(now, before=before, again=shuffled)
    np.testing.assert_allclose(found[list(scorecard.PARTS)].sum(axis=1), found["p_change"])
    by_hand = [  # target, definition, revision, expected, surprise, model
        [0, 0, 0, 0.28, 0.02, 0], [0, 0, 0, 0.04, 0.20, 0.06],
        [0.40, 0, 0, -0.05, -0.05, 0], [0, -0.05, -0.30, 0.25, 0.40, 0],
    ]  # fmt: skip
    np.testing.assert_allclose(found[list(scorecard.PARTS)], by_hand, atol=1e-12)
    assert found["cause"].tolist() == ["expected", "surprise", "target", "surprise"]


def test_a_target_of_then_that_cannot_be_assessed_any_more_moves_with_the_target():
    before, now = quarters()
    found = scorecard.build_changes(
        now, before=before, again=again("abcd", model=[np.nan] * 4, target=[0.7] * 4, expected=[0.8] * 4)
    )
    assert found["from_model"].tolist() == [0.0] * 4
    np.testing.assert_allclose(found["from_target"], 0.2)
    np.testing.assert_allclose(found["from_expected"], 0.1)


def test_a_quarter_that_cannot_be_computed_again_is_not_split():
    before, now = quarters()
    found = scorecard.build_changes(now, before=before, again=again("z", model=[0.5]))
    assert found[list(scorecard.PARTS)].isna().all(axis=None) and set(found["cause"]) == {"new_figures"}
