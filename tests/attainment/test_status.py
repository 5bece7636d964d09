import numpy as np
import pandas as pd
import pytest

from analysis.attainment.status import (
    BANDS,
    Bands,
    bounded,
    flip_flop_index,
    flip_flops,
    grade_of,
    status_of,
    with_statuses,
)
from analysis.attainment.world import CUT_POINTS, AssessOptions
from analysis.words.errors import ParamsError
from analysis.words.schema import STATUSES


def status(p, *, settled=False, now=False, grade="A", previous=None, margin=0.05):
    return status_of(
        [p],
        settled=[settled],
        attained_now=[now],
        grade=[grade],
        bands=Bands(CUT_POINTS, margin),
        previous=None if previous is None else [previous],
    )[0]


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.99, "on_track"),
        (0.80, "on_track"),
        (0.7999, "likely"),
        (0.50, "likely"),
        (0.4999, "at_risk"),
        (0.20, "at_risk"),
        (0.1999, "unlikely"),
        (0.01, "unlikely"),
    ],
)
def test_each_band_begins_at_its_cut_point(p, expected):
    assert status(p) == expected


def test_the_other_four_statuses():
    assert status(1.0, settled=True) == "met"
    assert status(0.0, settled=True) == "missed"
    assert status(0.9, now=True) == "holding"
    assert status(0.6, now=True) == "likely"  # at the target today, yet not likely enough to stay
    assert status(0.9, grade="D") == "not_assessable"
    assert status(np.nan) == "not_assessable"


def test_a_settled_event_needs_no_evidence_grade():
    assert status(1.0, settled=True, grade="D") == "met"


@pytest.mark.parametrize(
    ("previous", "p", "expected"),
    [
        ("on_track", 0.75, "on_track"),  # exactly at the margin: stays
        ("on_track", 0.7499, "likely"),
        ("holding", 0.76, "on_track"),  # the band holds; whether it is kept today is seen afresh
        ("likely", 0.85, "likely"),
        ("likely", 0.8501, "on_track"),
        ("likely", 0.45, "likely"),
        ("likely", 0.4499, "at_risk"),
        ("unlikely", 0.25, "unlikely"),
        ("unlikely", 0.2501, "at_risk"),
        ("unlikely", 0.9, "on_track"),
        ("missed", 0.79, "likely"),  # no band before: no hysteresis
        ("not_assessable", 0.79, "likely"),
        ("", 0.79, "likely"),
    ],
)
def test_a_status_changes_only_past_the_margin(previous, p, expected):
    assert status(p, previous=previous) == expected


def test_the_margin_itself_holds_whatever_the_arithmetic():
    assert 0.8 - 0.1 > 0.7  # in floating point
    assert status(0.7, previous="on_track", margin=0.1) == "on_track"


def test_every_status_can_be_reached_and_no_other():
    reached = {status(p) for p in (0.1, 0.3, 0.6, 0.9)} | {status(0.9, now=True), status(1, settled=True)}
    reached |= {status(0, settled=True), status(np.nan)}
    assert reached == set(STATUSES)
    assert set(BANDS) < set(STATUSES)


def test_many_rows_give_the_same_as_one_at_a_time():
    rng = np.random.default_rng(5)
    p, previous = rng.random(300), rng.choice(["", *STATUSES], 300)
    settled, now = rng.random(300) < 0.2, rng.random(300) < 0.5
    grade = rng.choice(list("ABCD"), 300)
    together = status_of(
        p, settled=settled, attained_now=now, grade=grade, bands=Bands(CUT_POINTS, 0.05), previous=previous
    )
    single = [status(p[i], settled=settled[i], now=now[i], grade=grade[i], previous=previous[i]) for i in range(len(p))]
    assert together.tolist() == single


def test_probabilities_stay_off_the_ends_unless_settled():
    assert bounded([0, 1, 0, 1], settled=[False, False, True, True], floor=0.01).tolist() == [0.01, 0.99, 0.0, 1.0]


@pytest.mark.parametrize(
    ("points", "origins", "stale", "expected"),
    [
        (24, 8, 1, "A"), (23, 8, 0, "B"), (24, 7, 0, "B"), (24, 8, 2, "B"), (12, 2, 3, "B"), (12, 1, 0, "C"),
        (12, 2, 4, "C"), (4, 0, 2, "C"), (4, 0, 3, "D"), (3, 0, 0, "D"), (36, 9, 19, "D"),
    ],
)  # fmt: skip
def test_the_grade_follows_points_origins_and_age(points, origins, stale, expected):
    grade = grade_of([points], n_origins=[origins], stale=[stale], min_points=4, max_stale_share=0.5)
    assert grade[0] == expected


def test_flip_flop_index_counts_reversals():
    assert flip_flop_index(["likely", "on_track", "likely", "on_track"]) == 1.0  # two changes of direction of two
    assert flip_flop_index(["unlikely", "at_risk", "likely", "on_track"]) == 0.0  # one way
    assert flip_flop_index(["likely", "likely", "likely"]) == 0.0
    assert flip_flop_index(["on_track", "holding", "on_track"]) == 0.0  # one band
    assert np.isnan(flip_flop_index(["likely", "met"]))


def test_options_say_everything_that_is_wrong_at_once():
    with pytest.raises(ParamsError) as caught:
        AssessOptions(cut_points={"on_track": 0.5, "likely": 0.8, "at_risk": 0.2}, n_paths=1)
    assert sorted(one.where for one in caught.value.problems) == ["cut_points", "n_paths"]
    assert "each in (0, 1)" in str(caught.value)


def quarter(cutoff, p, **more):
    usual = {"threshold": 0.8, "operator": ">=", "deadline": "2026-12", "settled": False, "attained_now": False}
    row = {"unit": "a", "target": "T", "cutoff": cutoff, "p_attain": p, "grade": "A", "reason": "", "status": ""}
    return pd.DataFrame([row | usual | more])


def chained(tables):
    out = []
    for table in tables:
        out.append(with_statuses(table, out[-1] if out else None, bands=Bands(CUT_POINTS, 0.05)))
    return out


def test_a_held_status_states_what_the_probability_alone_says():
    before, now = quarter("2025-12", 0.82), quarter("2026-03", 0.77)
    held = chained([before, now])[1]
    assert (held["status"].iloc[0], held["cut_status"].iloc[0]) == ("on_track", "likely")


def test_a_history_computed_again_holds_its_statuses_from_quarter_to_quarter():
    """0.82, 0.77, 0.81, then 0.74: alone the colours would go down, up and down again."""
    tables = [quarter(cutoff, p) for cutoff, p in (("2025-09", 0.82), ("2025-12", 0.77), ("2026-03", 0.81))]
    alone = [chained([one])[0] for one in tables]
    assert [one["status"].iloc[0] for one in alone] == ["on_track", "likely", "on_track"]
    held = chained(tables)
    assert [one["status"].iloc[0] for one in held] == ["on_track"] * 3
    assert held[2][["previous_status", "previous_p"]].iloc[0].tolist() == ["on_track", 0.77]
    last = quarter("2026-06", 0.74, status="likely")
    without, within = flip_flops(last, pd.concat(alone)), flip_flops(last, pd.concat(held))
    assert without["n_cutoffs"].tolist() == [4]
    assert without["flip_flop_index"].tolist() == [1.0] and within["flip_flop_index"].tolist() == [0.0]


def test_a_new_text_of_the_promise_frees_its_status():
    tables = [quarter("2025-12", 0.82), quarter("2026-03", 0.77, threshold=0.85)]
    assert chained(tables)[1]["status"].tolist() == ["likely"]
    thin = [quarter("2025-12", 0.82), quarter("2026-03", 0.9, reason="series_ended")]
    assert chained(thin)[1]["status"].tolist() == ["not_assessable"]
