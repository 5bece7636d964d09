"""What the series show: each flag by hand, and none on a quiet panel."""

import numpy as np
import pandas as pd
import pytest

from analysis.intake.series import check_series
from analysis.words.periods import codes, ordinals
from analysis.words.schema import INDICATORS, as_table
from intake.factory import in_words

START = int(ordinals(["2021-01"])[0])


def observations(block, base=None):
    """Rows of a block (units x months); NaN is no row. With `base` the block holds numerators."""
    rows = []
    for row, values in enumerate(block):
        for at, value in enumerate(values):
            if np.isfinite(value):
                n = np.nan if base is None else base[row][at]
                rows.append(
                    {"unit": f"u{row}", "indicator": "x", "period": codes([START + at], frequency="M")[0],
                     "value": value if base is None else value / n if n else np.nan,
                     "numerator": np.nan if base is None else value, "denominator": n}
                )  # fmt: skip
    return pd.DataFrame(rows)


def told(rows, *, kind="rate", cumulative=False, season=1, better="up"):
    indicator = {
        "indicator": "x",
        "kind": kind,
        "frequency": "M",
        "cumulative": cumulative,
        "season_length": season,
        "better": better,
    }
    table = as_table(pd.DataFrame([indicator]), INDICATORS)
    findings = check_series(rows, indicators=table, source_of={"x": "s"})
    found = in_words(pd.concat(findings)) if findings else []
    return sorted((flag, unit, period, words) for flag, unit, _indicator, period, words in found)


def quiet(units=20, months=24, seed=0):
    rng = np.random.default_rng(seed)
    base = np.full((units, months), 1000.0)
    return rng.binomial(1000, np.linspace(0.3, 0.4, months) + 0 * base).astype(float), base


def test_a_quiet_panel_gets_no_flag():
    assert told(observations(*quiet())) == []


def test_gaps_late_and_closed_units():
    block, base = quiet(months=8)
    block[:, 2] = np.nan  # nobody
    block[0, 4:6] = np.nan
    block[1, 7] = np.nan
    block[2, 3:] = np.nan
    assert told(observations(block, base)) == [
        ("closed_unit", "u2", "2021-02", "last figure; nothing since"),
        ("late_unit", "u1", "2021-08", "last reported 2021-07"),
        ("missing_period", "", "2021-03", "no unit reports this period"),
        ("missing_period", "u0", "2021-05", "missing from 2021-05 to 2021-06, periods: 2"),
    ]


def test_a_unit_with_nothing_to_count_has_reported():
    block, base = quiet(months=8)
    block[0, 4], base[0, 4] = 0, 0
    assert told(observations(block, base)) == []


def test_a_count_that_falls_and_a_share_that_falls_because_its_base_grew():
    block, base = np.array([[10.0, 12, 11, 13], [10.0, 10, 10, 10]]), np.full((2, 4), 100.0)
    base[1, 2:] = 110
    assert told(observations(block, base), cumulative=True) == [
        ("falling_cumulative", "u0", "2021-03", "from 12 to 11"),
        ("falling_share", "u1", "2021-03", "from 0.1 to 0.09090909091, denominator from 100 to 110"),
    ]
    assert told(observations(block, base)) == []  # only cumulative figures must not fall


def test_a_fall_across_a_gap_is_seen():
    assert told(observations([[10, np.nan, 9]]), kind="count", cumulative=True) == [
        ("falling_cumulative", "u0", "2021-03", "from 10 to 9"), ("missing_period", "", "2021-02", "no unit reports this period"),  # noqa: E501
    ]  # fmt: skip


def test_a_level_that_jumps_and_stays_is_flagged_once():
    block, base = quiet()
    block[3, 12:] += 350
    flags = told(observations(block, base))
    assert [(flag, unit, period) for flag, unit, period, _ in flags] == [("level_jump", "u3", "2022-01")]


def test_a_single_odd_month_is_no_jump_of_the_level():
    block, base = quiet()
    block[3, 12] += 350
    assert told(observations(block, base)) == []


def test_a_campaign_of_all_units_is_no_jump_of_one():
    block, base = quiet()
    block[:, 12:] += 300
    assert told(observations(block, base)) == []


def test_a_small_unit_jumps_by_chance_and_is_not_flagged():
    rng = np.random.default_rng(5)
    block, base = quiet()
    base[0] = 20
    block[0] = rng.binomial(20, 0.45, 24)
    assert [one for one in told(observations(block, base)) if one[0] == "level_jump"] == []


def test_a_seasons_start_is_no_jump():
    rng = np.random.default_rng(2)
    season = np.tile(np.concatenate([[0.002], np.linspace(0.1, 0.5, 11)]), 4)
    shares = season * rng.lognormal(0, 0.3, (20, 48)).clip(0.5, 2)
    block = np.minimum(np.round(shares * 1000), 999)
    assert [one[0] for one in told(observations(block, np.full((20, 48), 1000.0)), season=12)].count("level_jump") <= 2


def test_zeros_of_all_units_and_zeros_at_the_end():
    block = np.tile([0.0, 0, 5, 6, 7, 8, 9], (3, 1))
    block[1, 4:] = 0
    assert told(observations(block), kind="count") == [
        ("zero_run", "", "2021-01", "all 3 units report 0 from 2021-01 to 2021-02: not measured?")
    ]
    block[1] = [0, 0, 5, 6, 7, 0, 0]
    block = np.concatenate([block, np.zeros((3, 2))], axis=1)
    block[[0, 2], 7:] = 9
    assert told(observations(block), kind="count")[1] == (
        "zero_run", "u1", "2021-06", "0 in the last periods, after figures above 0; periods: 4"
    )  # fmt: skip
    assert len(told(observations(block), kind="count", better="down")) == 1  # 0 overdue is good news


def test_tiny_denominators_are_named_once_a_unit():
    block, base = quiet(units=2, months=5)
    block[0], base[0] = 3, 29
    assert told(observations(block, base)) == [
        ("tiny_denominator", "u0", "2021-05", "median number of cases per period: 29")
    ]


@pytest.mark.parametrize("block", [[[0.5]], [[0.5, 0.5]], [[np.nan, 0.5]], [[0.0] * 20], [[1.0] * 20]])
def test_short_and_constant_series_are_quiet(block):
    assert told(observations(np.array(block))) == []


def test_ranks_are_not_searched_for_jumps():
    block = np.tile(np.arange(1.0, 21.0)[:, None], (1, 24))
    block[0, 12:] = 20
    assert told(observations(block), kind="rank", better="down") == []


def test_shuffled_rows_get_the_same_flags():
    block, base = quiet()
    block[3, 12:] += 350
    block[4, 5] = np.nan
    rows = observations(block, base)
    assert told(rows) == told(rows.sample(frac=1, random_state=3))
