"""Past probabilities are scored on what was said then; misses are explained; changes name their cause."""

import numpy as np
import pandas as pd
import pytest

from analysis.records import scorecard
from analysis.words import schema


def assessments(rows):
    base = {"indicator": "online", "kind": "level_at", "operator": ">=", "threshold": 0.8, "deadline": "2026-06"}
    return schema.as_table(pd.DataFrame([base | row for row in rows]), schema.ASSESSMENTS)


def said(unit, p, *, cutoff="2025-12", **more):
    return {"unit": unit, "target": "T", "cutoff": cutoff, "p_attain": p, "settled": False, "status": "likely", **more}


def settled(unit, outcome, **more):
    return {"unit": unit, "target": "T", "cutoff": "2026-06", "p_attain": outcome, "settled": True, **more}


def test_brier_by_hand():
    past = assessments([said("a", 0.9), said("b", 0.2), said("c", 0.6)])
    now = assessments([settled("a", 1.0), settled("b", 1.0)])  # c is still open
    card = scorecard.build_scorecard(past, now=now, origin="recomputed")
    assert card["unit"].tolist() == ["a", "b"]
    np.testing.assert_allclose(card["brier"], [0.01, 0.64])
    assert card["cause"].tolist() == ["", "model"]
    summary = scorecard.summarise_scorecard(card)
    assert summary["n_cases"] == 2 and summary["brier"] == pytest.approx(0.325)
    assert summary["share_right"] == 0.5


def test_a_miss_of_the_whole_panel_is_a_shock():
    units = [f"{number:02d}" for number in range(10)]
    past = assessments([said(unit, 0.1) for unit in units])
    now = assessments([settled(unit, 1.0) for unit in units[:8]] + [settled(unit, 0.0) for unit in units[8:]])
    card = scorecard.build_scorecard(past, now=now, origin="recomputed")
    assert card["cause"].tolist() == ["shock"] * 8 + [""] * 2


def test_a_miss_on_a_figure_that_was_revised_is_a_revision():
    past = assessments([said("a", 0.9, current=0.85, current_period="2025-12")])
    observations = pd.DataFrame(
        {"unit": ["a"], "indicator": "online", "period": "2025-12", "vintage": "2026-02", "value": [0.70]}
    )
    now = assessments([settled("a", 0.0)])
    with_now = scorecard.with_current_now(past, schema.as_table(observations, schema.OBSERVATIONS))
    assert scorecard.build_scorecard(with_now, now=now, origin="published")["cause"].tolist() == ["revision"]


def test_a_miss_on_a_changed_target_says_so():
    past = assessments([said("a", 0.9, threshold=0.6)])
    card = scorecard.build_scorecard(past, now=assessments([settled("a", 0.0)]), origin="published")
    assert card["cause"].tolist() == ["changed_target"]


def test_nothing_settled_gives_an_empty_scorecard():
    card = scorecard.build_scorecard(assessments([said("a", 0.9)]), now=schema.ASSESSMENTS.empty(), origin="recomputed")
    assert card.empty and list(card.columns) == list(schema.SCORECARD.columns)
    assert scorecard.summarise_scorecard(card) == {"n_cases": 0}


def test_changes_name_their_cause():
    before = assessments(
        [
            said("a", 0.5, current=0.6, current_period="2026-03", status="likely"),
            said("b", 0.5, current=0.6, current_period="2026-03", threshold=0.7),
            said("c", 0.5, current=0.6, current_period="2026-03"),
            said("d", 0.5, current=0.6, current_period="2026-03"),
        ]
    ).assign(current_now=[0.6, 0.6, 0.5, 0.6])
    now = assessments(
        [
            said("a", 0.9, current=0.7, current_period="2026-06", status="on_track", cutoff="2026-06"),
            said("b", 0.2, current=0.7, current_period="2026-06", cutoff="2026-06"),
            said("c", 0.2, current=0.7, current_period="2026-06", cutoff="2026-06"),
            said("d", 0.6, current=0.6, current_period="2026-03", cutoff="2026-06"),
        ]
    )
    found = scorecard.build_changes(now, before=before)
    assert found["cause"].tolist() == ["new_figures", "target", "revision", "model"]
    assert found.loc[0, ["status_before", "status"]].tolist() == ["likely", "on_track"]
    assert found.loc[0, "p_change"] == pytest.approx(0.4)
    shuffled = scorecard.build_changes(now.sample(frac=1, random_state=1), before=before.iloc[::-1])
    pd.testing.assert_frame_equal(shuffled, found)


def test_a_change_is_split_into_parts_that_sum_to_it_and_the_largest_names_the_cause():
    """Said 0.50; of then we would say otherwise now (d: a new target, c: a figure revised); now it is 0.80."""
    before = assessments([said(unit, 0.50, current=0.6, current_period="2026-03") for unit in "abcd"])
    before = before.assign(current_now=[0.6, 0.6, 0.55, 0.6], threshold=[0.8, 0.8, 0.8, 0.7])
    again = assessments([said(unit, p) for unit, p in zip("abcd", (0.50, 0.56, 0.20, 0.90))])
    now = assessments([said(unit, 0.80, current=0.7, current_period="2026-06", cutoff="2026-06") for unit in "abcd"])
    found = scorecard.build_changes(now, before=before, again=again.sample(frac=1, random_state=2))
    np.testing.assert_allclose(found[list(scorecard.PARTS)].sum(axis=1), found["p_change"])
    by_hand = [  # target, revision, new figures, model
        [0, 0, 0.30, 0], [0, 0, 0.24, 0.06], [0, -0.30, 0.60, 0], [0.40, 0, -0.10, 0],
    ]  # fmt: skip
    np.testing.assert_allclose(found[list(scorecard.PARTS)], by_hand, atol=1e-12)
    assert found["cause"].tolist() == ["new_figures", "new_figures", "new_figures", "target"]


def test_a_revision_too_small_to_matter_is_not_the_cause():
    before = assessments([said("a", 0.5, current=0.6, current_period="2026-03")]).assign(current_now=[0.601])
    now = assessments([said("a", 0.9, current=0.7, current_period="2026-06", cutoff="2026-06")])
    again = assessments([said("a", 0.51)])
    assert scorecard.build_changes(now, before=before)["cause"].tolist() == ["revision"]
    assert scorecard.build_changes(now, before=before, again=again)["cause"].tolist() == ["new_figures"]


def test_a_quarter_that_cannot_be_computed_again_is_not_split():
    before = assessments([said("a", 0.5, current=0.6, current_period="2026-03")])
    now = assessments([said("a", 0.9, current=0.7, current_period="2026-06", cutoff="2026-06")])
    found = scorecard.build_changes(now, before=before, again=assessments([said("b", 0.5)]))
    assert found[list(scorecard.PARTS)].isna().all(axis=None) and found["cause"].tolist() == ["new_figures"]
