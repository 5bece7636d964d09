"""The table door: what is used, what is refused and why, and that no unit x target is missing from the answer."""

import numpy as np
import pandas as pd
import pytest

from analysis.attainment.intake_table import usable_observations, usable_targets
from analysis.attainment.table import COLUMNS, assess_table, cutoff_in
from analysis.attainment.world import AssessOptions
from analysis.words.errors import DataError
from analysis.words.periods import codes

MONTHS = codes(range(612, 636), frequency="M")  # 2021-01 .. 2022-12


def make_table(*, units=12, seed=0, indicator="online", start=-1.0, slope=0.05, n=400):
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(units):
        logit = start + rng.normal(0, 0.4) + np.cumsum(slope + rng.normal(0, 0.05, len(MONTHS)))
        share = 1 / (1 + np.exp(-logit))
        for month, one in zip(MONTHS, share):
            k = rng.binomial(n, one)
            rows.append((f"{unit:03d}", indicator, month, k / n, k, n))
    return pd.DataFrame(rows, columns=["unit", "indicator", "period", "value", "numerator", "denominator"])


def make_targets(*rows):
    return pd.DataFrame(rows, columns=["target", "indicator", "operator", "threshold", "deadline"])


def test_every_unit_and_target_appears_once_with_the_promised_columns():
    table, refused = assess_table(
        make_table(),
        make_targets(("T60", "online", ">=", 0.6, "2023-06"), ("NOW", "online", ">", 0.3, "2022-12")),
        cutoff="2022-12",
    )
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 24 and not table.duplicated(["unit", "target"]).any()
    assert refused.empty
    ahead = table[table["target"] == "T60"]
    assert ahead["p_attain"].between(0.01, 0.99).all()
    assert (ahead["lower80"] <= ahead["predicted_median"]).all() and (
        ahead["predicted_median"] <= ahead["upper80"]
    ).all()


def test_a_deadline_at_the_cutoff_is_settled_by_the_observed_counts():
    table, _ = assess_table(make_table(), make_targets(("NOW", "online", ">", 0.5, "2022-12")), cutoff="2022-12")
    observed = make_table().query("period == '2022-12'").set_index("unit")
    expected = (2 * observed["numerator"] > observed["denominator"]).astype(float)
    assert table.set_index("unit")["p_attain"].tolist() == expected.tolist()
    assert set(table["status"]) <= {"met", "missed"}
    assert table["predicted_median"].tolist() == table["current"].tolist()


def test_both_framings_of_a_share_agree():
    shares = make_table(units=8)
    rest = shares.assign(value=1 - shares["value"], numerator=shares["denominator"] - shares["numerator"])
    one, _ = assess_table(shares, make_targets(("T", "online", ">=", 0.6, "2023-06")), cutoff="2022-12")
    other, _ = assess_table(rest, make_targets(("T", "online", "<=", 0.4, "2023-06")), cutoff="2022-12")
    np.testing.assert_allclose(one["p_attain"], other["p_attain"], atol=1e-9)
    assert one["status"].tolist() == other["status"].tolist()


def test_the_order_of_the_rows_and_an_unrelated_indicator_change_nothing():
    table = make_table(units=6)
    targets = make_targets(("T", "online", ">=", 0.6, "2023-06"))
    before, _ = assess_table(table, targets, cutoff="2022-12")
    shuffled = table.sample(frac=1, random_state=3)
    after, _ = assess_table(shuffled, targets, cutoff="2022-12")
    pd.testing.assert_frame_equal(before, after)
    other = make_table(units=6, seed=9, indicator="paid")
    with_other, _ = assess_table(pd.concat([table, other]), targets, cutoff="2022-12")
    pd.testing.assert_frame_equal(before, with_other)


def test_months_after_the_cutoff_are_not_seen_and_are_listed():
    table = make_table(units=5)
    targets = make_targets(("T", "online", ">=", 0.6, "2022-12"))
    known = table[table["period"] <= "2022-06"]
    with_future, refused = assess_table(table, targets, cutoff="2022-06")
    without, none = assess_table(known, targets, cutoff="2022-06")
    pd.testing.assert_frame_equal(with_future, without)
    assert set(refused["reason"]) == {"after_cutoff"} and len(refused) == 5 * 6 and none.empty


def spoil(table, row, **cells):
    table = table.astype({name: object for name in ("value", "numerator", "denominator", "period")})
    for name, value in cells.items():
        table.loc[row, name] = value
    return table


@pytest.mark.parametrize(
    ("cells", "reason", "detail"),
    [
        ({"value": "n/a"}, "text_in_number", "value 'n/a'"),
        ({"value": "45,7%"}, "text_in_number", "value '45,7%'"),
        ({"numerator": "many"}, "text_in_number", "numerator 'many'"),
        ({"period": "22.8"}, "period_unreadable", "period '22.8'; allowed: 2022-02, 2022-Q1 or 2022"),
        ({"numerator": 401}, "numerator_above_denominator", "401 of 400"),
        ({"denominator": 0, "numerator": 0}, "count_not_positive", "0 of 0"),
        ({"unit": ""}, "no_unit", "the unit is empty"),
        ({"indicator": None}, "no_indicator", "the indicator is empty"),
        ({"value": None, "numerator": None}, "value_missing", "no value, and no numerator and denominator"),
        ({"value": 0.01, "numerator": 300}, "value_not_ratio", "value 0.01, but 300 of 400"),
        ({"period": "2021"}, "mixed_frequency", "period '2021'; most of 'online' is in months"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_its_reason(cells, reason, detail):
    used, refused = usable_observations(spoil(make_table(units=2), 7, **cells))
    assert len(used) == 47
    assert refused[["row", "reason", "detail"]].values.tolist() == [[8, reason, detail]]


def test_rows_of_one_key_that_disagree_are_all_refused_and_repeats_but_for_the_first():
    table = make_table(units=1)
    double = pd.concat([table, table.iloc[[3]], table.iloc[[5]].assign(value=0.9, numerator=360)], ignore_index=True)
    used, refused = usable_observations(double)
    assert len(used) == 23
    assert refused[["row", "reason", "detail"]].values.tolist() == [
        [6, "duplicates_disagree", "row 6 has the same key"],
        [25, "duplicate", "repeats row 4"],
        [26, "duplicates_disagree", "row 6 has the same key"],
    ]


def test_counts_alone_give_the_value():
    table = make_table(units=1).assign(value=np.nan)
    used, refused = usable_observations(table)
    assert refused.empty
    np.testing.assert_allclose(used["value"], used["numerator"] / used["denominator"])


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        (("T", "onlin", ">=", 0.6, "2023-06"), "unknown_indicator", "indicator 'onlin' has no observations. Did you mean 'online'?"),  # noqa: E501
        (("T", "online", "about", 0.6, "2023-06"), "unknown_operator", "operator 'about'; allowed: >, >=, <, <="),
        (("T", "online", ">=", "80%", "2023-06"), "threshold_not_a_number", "threshold '80%'"),
        (("T", "online", ">=", None, "2023-06"), "threshold_not_a_number", "threshold None"),
        (("T", "online", ">=", 0.6, "soon"), "deadline_unreadable", "deadline 'soon'; allowed: 2022-02, 2022-Q1 or 2022"),  # noqa: E501
        (("T", "online", ">=", 0.6, "2022-11"), "deadline_before_cutoff", "deadline '2022-11', cutoff '2022-12'"),
        (("", "online", ">=", 0.6, "2023-06"), "no_target", "the target is empty"),
    ],
)  # fmt: skip
def test_a_target_that_cannot_be_used_is_refused_with_its_reason(row, reason, detail):
    used, refused = usable_targets(make_targets(row), known={"online"}, cutoff="2022-12")
    assert used.empty
    assert refused[["row", "reason", "detail"]].values.tolist() == [[1, reason, detail]]


def test_refused_targets_and_units_without_data_still_appear():
    table = spoil(make_table(units=3), 0, unit="")
    only_bad = pd.DataFrame([("999", "online", "2021-01", "abc", None, None)], columns=table.columns)
    answer, refused = assess_table(
        pd.concat([table, only_bad]),
        make_targets(("OLD", "online", ">=", 0.6, "2021-12"), ("T", "online", ">=", 0.6, "2023-06")),
        cutoff="2022-12",
    )
    assert sorted(zip(answer["unit"], answer["target"])) == [
        (u, t) for u in ("000", "001", "002", "999") for t in ("OLD", "T")
    ]
    by_key = answer.set_index(["unit", "target"])
    assert by_key.loc[("000", "OLD"), ["status", "reason"]].tolist() == ["not_assessable", "deadline_before_cutoff"]
    assert by_key.loc[("999", "T"), ["status", "reason"]].tolist() == ["not_assessable", "no_series"]
    assert np.isnan(by_key.loc[("999", "T"), "p_attain"])
    assert sorted(refused["reason"]) == ["deadline_before_cutoff", "no_unit", "text_in_number"]


def test_a_target_of_one_unit_overrides_the_one_for_all():
    targets = make_targets(("T", "online", ">=", 0.6, "2022-12"), ("T", "online", ">=", 0.0, "2022-12")).assign(
        unit=["", "001"]
    )
    answer, refused = assess_table(make_table(units=3, start=-4), targets, cutoff="2022-12")
    assert refused.empty
    assert answer["status"].tolist() == ["missed", "met", "missed"]


def test_targets_that_disagree_are_refused_together():
    targets = make_targets(("T", "online", ">=", 0.6, "2023-06"), ("T", "online", ">=", 0.7, "2023-06"))
    answer, refused = assess_table(make_table(units=2), targets, cutoff="2022-12")
    assert refused["reason"].tolist() == ["duplicates_disagree"] * 2
    assert answer["status"].tolist() == ["not_assessable"] * 2


def test_per_cent_beside_its_counts_is_read_as_a_share_and_answered_in_per_cent():
    shares = make_table(units=6)
    per_cent = shares.assign(value=100 * shares["value"])
    one, _ = assess_table(shares, make_targets(("T", "online", ">=", 0.6, "2023-06")), cutoff="2022-12")
    other, refused = assess_table(per_cent, make_targets(("T", "online", ">=", 60, "2023-06")), cutoff="2022-12")
    assert refused.empty
    np.testing.assert_allclose(one["p_attain"], other["p_attain"])
    np.testing.assert_allclose(100 * one["predicted_median"], other["predicted_median"])
    np.testing.assert_allclose(100 * one["required_pace"], other["required_pace"])


def test_codes_keep_their_leading_zeros_also_from_numbers():
    table = make_table(units=2).assign(unit=lambda rows: rows["unit"].astype(int).astype(float))
    answer, _ = assess_table(table, make_targets(("T", "online", ">=", 0.6, "2023-06")), cutoff="2022-12")
    assert answer["unit"].tolist() == ["0", "1"]
    answer, _ = assess_table(
        make_table(units=2), make_targets(("007", "online", ">=", 0.6, "2023-06")), cutoff="2022-12"
    )
    assert answer[["unit", "target"]].values.tolist() == [["000", "007"], ["001", "007"]]


def test_a_short_series_is_not_assessable_and_a_dead_one_neither():
    table = make_table(units=4)
    short = table[(table["unit"] != "000") | (table["period"] >= "2022-10")]
    dead = short[(short["unit"] != "001") | (short["period"] < "2021-07")]
    answer, _ = assess_table(dead, make_targets(("T", "online", ">=", 0.6, "2023-06")), cutoff="2022-12")
    assert answer["reason"].tolist() == ["too_few_points", "series_ended", "", ""]
    assert (answer["status"] == "not_assessable").tolist() == [True, True, False, False]


def test_missing_columns_and_an_unreadable_cutoff_are_said_at_once():
    with pytest.raises(DataError) as caught:
        assess_table(pd.DataFrame({"unit": [], "valu": []}), make_targets(), cutoff="2022-12")
    assert [one.found for one in caught.value.problems] == [
        "the column 'indicator' is missing",
        "the column 'period' is missing",
        "the column 'value' is missing",
    ]
    assert "Did you mean 'valu'?" in str(caught.value)
    with pytest.raises(DataError, match="cutoff '9/2022': it cannot be read as a period"):
        assess_table(make_table(), make_targets(), cutoff="9/2022")


def test_empty_tables_give_empty_answers():
    answer, refused = assess_table(make_table().iloc[:0], make_targets(), cutoff="2022-12")
    assert answer.empty and refused.empty and tuple(answer.columns) == COLUMNS
    answer, refused = assess_table(make_table(units=2), make_targets(), cutoff="2022-12")
    assert answer.empty and refused.empty


def test_a_monthly_cutoff_ends_a_quarterly_series_at_its_last_whole_quarter():
    assert cutoff_in("2022-11", "Q") == "2022-Q3"
    quarters = codes(range(208, 220), frequency="Q")  # 2022-Q1 ..
    rows = [("a", "x", q, 1000 + 10 * i) for i, q in enumerate(quarters)]
    table = pd.DataFrame(rows, columns=["unit", "indicator", "period", "value"])
    answer, refused = assess_table(table, make_targets(("T", "x", ">=", 2000, "2025-Q4")), cutoff="2024-11")
    assert answer["current"].tolist() == [1100.0]  # 2024-Q3, the last quarter that has ended
    assert refused["reason"].tolist() == ["after_cutoff"]


def test_the_probabilities_tell_reached_from_missed_and_mean_what_they_say():
    table = make_table(units=300, seed=11, start=-0.2, slope=0.02)
    future = table[table["period"] == "2022-12"].set_index("unit")
    answer, _ = assess_table(
        table[table["period"] <= "2022-06"],
        make_targets(("T", "online", ">=", 0.55, "2022-12")),
        cutoff="2022-06",
        options=AssessOptions(),
    )
    outcome = (future["value"] >= 0.55).to_numpy()
    p = answer["p_attain"].to_numpy()
    brier, climate = np.mean((p - outcome) ** 2), outcome.mean() * (1 - outcome.mean())
    assert brier < 0.7 * climate
    assert abs(p.mean() - outcome.mean()) < 0.15
    assert p[outcome].mean() - p[~outcome].mean() > 0.3


def test_a_share_promised_in_per_cent_is_refused_and_told_how_to_write_it():
    answer, refused = assess_table(make_table(), make_targets(("T", "online", ">=", 60, "2023-06")), cutoff="2022-12")
    assert refused[["reason", "detail"]].to_numpy().tolist() == [
        [
            "threshold_not_a_fraction",
            "threshold 60 of a share given as a fraction; allowed: 0 to 1 (for 60 % write 0.6)",
        ]
    ]
    assert set(answer["reason"]) == {"threshold_not_a_fraction"} and answer["p_attain"].isna().all()


def test_an_index_below_one_that_is_promised_above_one_is_no_share():
    """Without counts, a promise of 1.1 says that the values are not bounded by 1."""
    table = make_table(units=6).drop(columns=["numerator", "denominator"])
    table["value"] = 0.9 + 0.01 * table.groupby("unit").cumcount()
    table = table[table["value"] <= 1.0]
    cutoff = table["period"].max()
    answer, refused = assess_table(table, make_targets(("T", "online", ">=", 1.005, "2022-03")), cutoff=cutoff)
    assert refused.empty and (answer["predicted_median"] > 1).all() and (answer["p_attain"] > 0.5).all()
