"""Other bodies' labels on one fixture table, and where they part from ours."""

import numpy as np
import pytest

from analysis.attainment.labels import (
    BODIES,
    Asked,
    cross_walk,
    growth_ratio,
    label_escap,
    label_healthy_people,
    label_of_ratio,
    time_weighted_forecast,
)


def test_the_growth_ratio_by_hand():
    # 50 to 60 % in five years of ten, target 80 %: (1.2^(1/5) - 1) / (1.6^(1/10) - 1)
    found = growth_ratio([0.5], [0.6], target=[0.8], elapsed=5, total=10, up=True)
    assert found[0] == pytest.approx((1.2**0.2 - 1) / (1.6**0.1 - 1))
    assert growth_ratio([0.5], [0.4], target=[0.8], elapsed=5, total=10, up=True)[0] < 0
    assert growth_ratio([60.0], [30.0], target=[20.0], elapsed=5, total=10, up=False)[0] > 1
    assert np.isnan(growth_ratio([0.0, 0.5], [0.5, 0.5], target=[0.8, 0.5], elapsed=5, total=10, up=True)).all()


@pytest.mark.parametrize(
    ("ratio", "un", "eurostat"),
    [
        (1.2, "on_track", "significant"),
        (0.95, "on_track", "significant"),
        (0.949, "fair", "moderate"),
        (0.6, "fair", "moderate"),
        (0.599, "fair", "insufficient"),
        (0.5, "fair", "insufficient"),
        (0.499, "limited", "insufficient"),
        (0.0, "limited", "insufficient"),
        (-0.1, "limited", "moving_away"),
        (-0.11, "deterioration", "moving_away"),
        (np.nan, "", ""),
    ],
)
def test_the_cut_points_of_the_growth_ratio(ratio, un, eurostat):
    assert label_of_ratio([ratio], body="un_progress", reached=[False])[0] == un
    assert label_of_ratio([ratio], body="eurostat", reached=[False])[0] == eurostat
    assert label_of_ratio([ratio], body="eurostat", reached=[True])[0] == "target_met"


def test_the_time_weighted_line_agrees_with_a_weighted_fit():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20, 9))
    values[rng.random(values.shape) < 0.3] = np.nan
    x = np.arange(1.0, 10)
    for row, found in zip(values, time_weighted_forecast(values, horizon=4)):
        known = np.isfinite(row)
        if known.sum() < 2:
            assert np.isnan(found)
            continue
        fit = np.polyfit(x[known], row[known], 1, w=np.sqrt(x[known]))
        assert found == pytest.approx(np.polyval(fit, 13))


def test_escap_reads_the_gap_that_is_left_at_the_deadline():
    args = {"base": [0.5] * 4, "target": [0.8] * 4, "up": True}
    assert label_escap([0.77, 0.76, 0.5, 0.49], **args).tolist() == ["maintain", "accelerate", "accelerate", "reverse"]
    assert label_escap([0.03], base=[0.1], target=[0.02], up=False).tolist() == ["accelerate"]


def test_healthy_people_needs_a_tenth_of_the_way():
    found = label_healthy_people(
        [0.5] * 5, [0.53, 0.529, 0.46, 0.45, 0.8], target=[0.8] * 5, reached=[False] * 4 + [True], up=True
    )
    assert found.tolist() == ["improving", "little_change", "little_change", "getting_worse", "target_met"]


def test_the_cross_walk_names_who_is_rosier():
    # fast at first, flat for a year: growth since the base still looks well
    values = np.array([[0.30, 0.50, 0.60, 0.60, 0.60, 0.60, 0.60]])
    table = cross_walk(
        ["unlikely"], values, asked=Asked([0.7], 2, True, "rate"), reached=[False], assurance=["inconsistent"]
    ).set_index("body")
    assert table.loc["un_progress", ["label", "disagrees", "sentence"]].tolist() == ["on_track", True, "theirs_rosier"]
    assert table.loc["traffic", ["label", "disagrees", "sentence"]].tolist() == ["red", False, ""]
    assert table.loc["nhs_assurance", "sentence"] == "theirs_rosier"
    assert sorted(table.index) == sorted(BODIES)


def test_growth_rates_of_tiny_shares_are_suppressed_and_silence_is_no_disagreement():
    values = np.array([[0.01, 0.05, 0.2, 0.3]])
    table = cross_walk(
        ["on_track"], values, asked=Asked([0.5], 2, True, "rate"), reached=[False], assurance=[""]
    ).set_index("body")
    assert table.loc[["un_progress", "eurostat", "nhs_assurance"], "label"].tolist() == ["", "", ""]
    assert not table.loc[["un_progress", "eurostat", "nhs_assurance"], "disagrees"].any()


def test_a_row_without_data_or_status_is_silent():
    table = cross_walk(
        ["not_assessable"],
        np.full((1, 4), np.nan),
        asked=Asked([0.5], 2, True, "rate"),
        reached=[False],
        assurance=[""],
    )
    assert not table["disagrees"].any()
    assert set(table["label"]) == {"", "grey"}
