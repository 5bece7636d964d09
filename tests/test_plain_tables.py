"""Two plain tables: what is used, what is refused and why, and that no unit and target is missing from the answer."""

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis import assess, check
from analysis.analyst.plain_tables import ASSESSED, FOUND, in_words
from analysis.attainment.world import AssessOptions
from analysis.words.errors import DataError, ParamsError
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
    targets = make_targets(("T60", "online", ">=", 0.6, "2023-06"), ("NOW", "online", ">", 0.3, "2022-12"))
    table = assess(make_table(), targets, cutoff="2022-12")
    assert table.columns.tolist() == ASSESSED
    assert len(table) == 24 and not table.duplicated(["unit", "target"]).any()
    assert check(make_table(), targets, cutoff="2022-12").empty
    assert set(table["indicator_kind"]) == {"rate"} and set(table["n_refused"]) == {0}
    assert table.groupby("target")["settled"].agg(set).to_dict() == {"NOW": {True}, "T60": {False}}
    ahead = table[table["target"] == "T60"]
    assert ahead["p_attain"].between(0.01, 0.99).all()
    assert (ahead["lower80"] <= ahead["predicted_median"]).all() and (
        ahead["predicted_median"] <= ahead["upper80"]
    ).all()


def test_a_deadline_at_the_cutoff_is_settled_by_the_observed_counts():
    table = assess(make_table(), make_targets(("NOW", "online", ">", 0.5, "2022-12")), cutoff="2022-12")
    observed = make_table().query("period == '2022-12'").set_index("unit")
    expected = (2 * observed["numerator"] > observed["denominator"]).astype(float)
    assert table.set_index("unit")["p_attain"].tolist() == expected.tolist()
    assert set(table["status"]) <= {"met", "missed"}
    assert table["predicted_median"].tolist() == table["current"].tolist()


def test_both_framings_of_a_share_agree():
    shares = make_table(units=8)
    rest = shares.assign(value=1 - shares["value"], numerator=shares["denominator"] - shares["numerator"])
    one = assess(shares, make_targets(("T", "online", ">=", 0.6, "2023-06")), cutoff="2022-12")
    other = assess(rest, make_targets(("T", "online", "<=", 0.4, "2023-06")), cutoff="2022-12")
    np.testing.assert_allclose(one["p_attain"], other["p_attain"], atol=1e-9)
    assert one["status"].tolist() == other["status"].tolist()


def test_the_order_of_the_rows_and_an_unrelated_indicator_change_nothing():
    table = make_table(units=6)
    targets = make_targets(("T", "online", ">=", 0.6, "2023-06"))
    before = assess(table, targets, cutoff="2022-12")
    shuffled = table.sample(frac=1, random_state=3)
    after = assess(shuffled, targets, cutoff="2022-12")
    pd.testing.assert_frame_equal(before, after)
    other = make_table(units=6, seed=9, indicator="paid")
    with_other = assess(pd.concat([table, other]), targets, cutoff="2022-12")
    pd.testing.assert_frame_equal(before, with_other)


def test_months_after_the_cutoff_are_not_seen():
    table = make_table(units=5)
    targets = make_targets(("T", "online", ">=", 0.6, "2022-12"))
    known = table[table["period"] <= "2022-06"]
    later = table.assign(value=table["value"].where(table["period"] <= "2022-06", 500.0))  # of another kind at that
    later.loc[table["period"] > "2022-06", ["numerator", "denominator"]] = np.nan
    wanted = assess(known, targets, cutoff="2022-06")
    pd.testing.assert_frame_equal(assess(table, targets, cutoff="2022-06"), wanted)
    seen = assess(later, targets, cutoff="2022-06")
    pd.testing.assert_frame_equal(seen.drop(columns="n_refused"), wanted.drop(columns="n_refused"))
    assert set(seen["n_refused"]) == {6}


def spoil(table, row, **cells):
    table = table.astype({name: object for name in ("value", "numerator", "denominator", "period")})
    for name, value in cells.items():
        table.loc[row, name] = value
    return table


NUMBER = "Write a plain number, as 0.762 or 1234.5"
PERIOD = "Write 2026-09, 2026-Q3 or 2026, one of the three in all rows of an indicator"
BAD_ROWS = [
    ({"value": "n/a"}, "unreadable_number", "'n/a' is not a number (column 'value', row 7)", NUMBER),
    ({"value": "45,7%"}, "unreadable_number",
     "'45,7%' is not a number with a dot for decimals and no mark for thousands (column 'value', row 7)", NUMBER),
    ({"value": float("inf")}, "unreadable_number", "an infinite number (column 'value', row 7)", NUMBER),
    ({"numerator": "many"}, "unreadable_number", "'many' is not a number (column 'numerator', row 7)", NUMBER),
    ({"period": "22.8"}, "unreadable_period", "'22.8' is not written like 2022-02, 2022-Q1 or 2022 (row 7)", PERIOD),
    ({"period": None}, "unreadable_period", "'' is not written like 2022-02, 2022-Q1 or 2022 (row 7)", PERIOD),
    ({"period": "2021"}, "unreadable_period", "'2021' is not a month, but the indicator is monthly (row 7)", PERIOD),
    ({"period": "1500-01"}, "unreadable_period", "'1500-01' is outside the years 1900 to 2200 (row 7)", PERIOD),
    ({"period": "9999-Q4"}, "unreadable_period", "'9999-Q4' is outside the years 1900 to 2200 (row 7)", PERIOD),
    ({"numerator": 401}, "numerator_above_denominator", "numerator 401, denominator 400 (row 7)",
     "Correct one of the two at the source"),
    ({"numerator": -1}, "below_minimum", "numerator -1 (row 7)", "Correct it at the source"),
    ({"value": 76.2, "numerator": None}, "above_maximum", "value 76.2 is above 1 (row 7)",
     "Shares are fractions: write 0.762 for 76.2 %"),
    ({"value": None, "denominator": None, "numerator": 300}, "missing_denominator", "numerator 300 (row 7)",
     "Write the denominator, or the value"),
    ({"unit": ""}, "missing_code", "the unit's code is empty (row 7)", "Write the unit's code"),
    ({"indicator": None}, "unknown_indicator", "'' is not in the list of indicators (row 7)",
     "Write the indicator's code"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "reason", "found", "remedy"), BAD_ROWS)
def test_a_row_that_cannot_be_used_is_refused_with_what_was_found_and_the_remedy(cells, reason, found, remedy):
    table, targets = spoil(make_table(units=2), 7, **cells), make_targets(("T", "online", ">=", 0.6, "2023-06"))
    refused = check(table, targets, cutoff="2022-12")
    assert refused.columns.tolist() == FOUND
    wanted = ["observations", 7, "error", reason, found, remedy]
    assert refused[["table", "row", "severity", "reason", "found", "remedy"]].values.tolist() == [wanted]


def test_refused_rows_are_counted_for_their_unit_and_change_nothing_else():
    table, targets = make_table(units=3), make_targets(("T", "online", ">=", 0.6, "2023-06"))
    bad = [spoil(table, 2 * place, **cells).loc[2 * place] for place, (cells, *_rest) in enumerate(BAD_ROWS)]
    kept = table.drop(index=range(0, 2 * len(BAD_ROWS), 2))
    answer = assess(pd.concat([kept.astype(object), pd.DataFrame(bad)]), targets, cutoff="2022-12")
    wanted = assess(kept, targets, cutoff="2022-12")
    pd.testing.assert_frame_equal(answer.drop(columns="n_refused"), wanted.drop(columns="n_refused"))
    assert answer["n_refused"].tolist() == [12, 1, 0]  # two more name no unit or no indicator


def test_a_row_without_a_figure_is_a_missing_figure_and_no_mistake():
    table, targets = make_table(units=2), make_targets(("T", "online", ">=", 0.6, "2023-06"))
    empty = spoil(table, 7, value=None, numerator=None, denominator=None)
    pd.testing.assert_frame_equal(
        assess(empty, targets, cutoff="2022-12"), assess(table.drop(index=7), targets, cutoff="2022-12")
    )
    assert check(empty, targets, cutoff="2022-12").empty


def test_rows_of_one_key_that_disagree_are_all_refused_and_a_repeat_is_noticed():
    table, targets = make_table(units=1), make_targets(("T", "online", ">=", 0.6, "2023-06"))
    double = pd.concat([table, table.iloc[[3]], table.iloc[[5]].assign(value=0.9, numerator=360)], ignore_index=True)
    found = check(double, targets, cutoff="2022-12")
    assert found[["row", "severity", "reason", "found"]].values.tolist() == [
        [5, "error", "duplicate_key", f"rows 5, 25 disagree, value here: {table['value'][5]:.10g} (row 5)"],
        [24, "info", "repeated_row", "the same figures as in an earlier row (row 24)"],
        [25, "error", "duplicate_key", "rows 5, 25 disagree, value here: 0.9 (row 25)"],
    ]
    assert assess(double, targets, cutoff="2022-12")["n_refused"].tolist() == [2]


def test_a_share_is_taken_from_its_counts_and_a_value_that_differs_is_noticed():
    table, targets = make_table(units=2), make_targets(("T", "online", ">=", 0.6, "2022-12"))
    wrong = spoil(table, 23, value=0.01, numerator=300)
    found = check(wrong, targets, cutoff="2022-12")
    assert found[["row", "severity", "reason", "found", "remedy"]].values.tolist() == [
        [23, "warning", "value_differs", "stated 0.01, computed 0.75 (row 23)",
         "The counts are used: correct them, or the value"]
    ]  # fmt: skip
    answer = assess(wrong, targets, cutoff="2022-12")
    assert (answer["current"][0], answer["status"][0], answer["n_refused"][0]) == (0.75, "met", 0)


@pytest.mark.parametrize("without", [{"value": np.nan}, None])
def test_counts_alone_give_the_value(without):
    table, targets = make_table(units=3), make_targets(("T", "online", ">=", 0.6, "2023-06"))
    counts = table.drop(columns="value") if without is None else table.assign(**without)
    pd.testing.assert_frame_equal(assess(counts, targets, cutoff="2022-12"), assess(table, targets, cutoff="2022-12"))


OPERATOR = ">, >=, <, <="
DEADLINE = "2022-02 (month), 2022-Q1 (quarter), 2022 (year), or the last day of a month as 2022-02-28"
BAD_TARGETS = [
    (("T", "onlin", ">=", 0.6, "2023-06"), "indicator: there is no indicator 'onlin'", "'online'",
     "Did you mean 'online'?"),
    (("T", "online", "about", 0.6, "2023-06"), "operator: the operator 'about' is not known", OPERATOR,
     "Choose one of them"),
    (("T", "online", "≥", 0.6, "2023-06"), "operator: the operator '≥' is not known", OPERATOR, "Did you mean '>='?"),
    (("T", "online", ">=", "80%", "2023-06"), "threshold: found '80%'", "number", "Change the value"),
    (("T", "online", ">=", None, "2023-06"), "threshold: found None", "number", "Change the value"),
    (("T", "online", ">=", 80, "2023-06"), "threshold: found 80, but the indicator is a rate",
     "a fraction between 0 and 1", "Write 0.8 for 80 %"),
    (("T", "online", ">=", 1.2, "2023-06"), "threshold: found 1.2, but the indicator is a rate",
     "a fraction between 0 and 1", "Write 0.012 for 1.2 %"),
    (("T", "online", ">=", -0.1, "2023-06"), "threshold: found -0.1, but the indicator is a rate",
     "a fraction between 0 and 1", "Change the value"),
    (("T", "online", ">=", 0.6, "soon"), "deadline: found 'soon'", DEADLINE, "Change the value"),
    (("T", "online", ">=", 0.6, "2022-11"), "deadline: found '2022-11', but the cutoff is 2022-12",
     "2022-12 or later", "Correct the deadline or the cutoff"),
    ((None, "online", ">=", 0.6, "2023-06"), "target: found None", "string", "Change the value"),
]  # fmt: skip


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(("row", "found", "allowed", "remedy"), BAD_TARGETS)
def test_a_target_that_cannot_be_used_is_refused_with_what_was_found_and_the_remedy(
    row, found, allowed, remedy, counted
):
    table = make_table() if counted else make_table().drop(columns=["numerator", "denominator"])
    targets = make_targets(("GOOD", "online", ">=", 0.6, "2023-06"), row)
    refused = check(table, targets, cutoff="2022-12")
    reason = f"{found.split(':')[0]}_refused"
    assert refused[["table", "row", "severity", "reason", "found", "allowed", "remedy"]].values.tolist() == [
        ["targets", 1, "error", reason, f"{found} (row 1)", allowed, remedy]
    ]
    with pytest.raises(DataError) as caught:
        assess(table, make_targets(row), cutoff="2022-12")
    told = [(one.where, one.found, one.remedy) for one in caught.value.problems]
    assert told == [("targets, 1 row", f"{found} (row 0)", remedy)]
    assert caught.value.exit_code == 2


def test_units_of_refused_targets_stay_in_the_answer():
    rows = [row for row, *_rest in BAD_TARGETS]
    targets = make_targets(("GOOD", "online", ">=", 0.6, "2023-06"), *rows).assign(unit=["", *map(str, range(11))])
    answer = assess(make_table(units=2), targets, cutoff="2022-12")
    lost = answer[answer["target"] == "T"]
    assert lost["unit"].tolist() == sorted(map(str, range(10)))  # the eleventh has no target
    assert set(lost["status"]) == {"not_assessable"} and lost["p_attain"].isna().all() and not lost["settled"].any()
    assert lost.sort_values("unit")["reason"].tolist() == [
        f"{found.split(':')[0]}_refused" for _row, found, *_ in BAD_TARGETS[:10]
    ]


def test_all_that_is_wrong_with_a_target_is_said_at_once():
    targets = make_targets(("T", "online", "about", "80%", "soon"), ("T", "online", ">=", 80, "2020-01"))
    found = check(make_table(), targets, cutoff="2022-12")
    assert found[["row", "reason"]].values.tolist() == [
        [0, "operator_refused"], [0, "threshold_refused"], [0, "deadline_refused"], [0, "target_refused"],
        [1, "threshold_refused"], [1, "target_refused"],
    ]  # fmt: skip


def test_refused_targets_and_units_without_data_still_appear():
    table = spoil(make_table(units=3), 0, unit="")
    only_bad = pd.DataFrame([("999", "online", "2021-01", "abc", None, None)], columns=table.columns)
    table = pd.concat([table, only_bad])  # two rows are labelled 0: they are known by their places
    targets = make_targets(("OLD", "online", ">=", 0.6, "2021-12"), ("T", "online", ">=", 0.6, "2023-06"))
    answer = assess(table, targets, cutoff="2022-12")
    assert sorted(zip(answer["unit"], answer["target"])) == [
        (u, t) for u in ("000", "001", "002", "999") for t in ("OLD", "T")
    ]
    by_key = answer.set_index(["unit", "target"])
    assert by_key.loc[("000", "OLD"), ["status", "reason"]].tolist() == ["not_assessable", "deadline_refused"]
    assert by_key.loc[("999", "T"), ["status", "reason"]].tolist() == ["not_assessable", "no_series"]
    assert np.isnan(by_key.loc[("999", "T"), "p_attain"]) and by_key.loc[("999", "T"), "n_refused"] == 1
    refused = check(table, targets, cutoff="2022-12")
    assert refused[["table", "row", "reason"]].values.tolist() == [
        ["observations", 0, "missing_code"], ["observations", 72, "unreadable_number"],
        ["targets", 0, "deadline_refused"],
    ]  # fmt: skip


def test_a_target_of_one_unit_overrides_the_one_for_all():
    targets = make_targets(("T", "online", ">=", 0.6, "2022-12"), ("T", "online", ">=", 0.0, "2022-12")).assign(
        unit=["", "001"]
    )
    answer = assess(make_table(units=3, start=-4), targets, cutoff="2022-12")
    assert answer["status"].tolist() == ["missed", "met", "missed"]
    pd.testing.assert_frame_equal(assess(make_table(units=3, start=-4), targets[::-1], cutoff="2022-12"), answer)
    assert check(make_table(units=3, start=-4), targets, cutoff="2022-12").empty


def test_a_unit_may_have_another_deadline_and_need_not_have_figures():
    targets = make_targets(
        *(("T", "online", ">=", 0.6, deadline) for deadline in ("2023-06", "2022-12", "2023-06"))
    ).assign(unit=["", "001", "404"])  # fmt: skip
    answer = assess(make_table(units=3), targets, cutoff="2022-12").set_index("unit")
    assert answer["settled"].tolist() == [False, True, False, False]
    assert answer.loc["404", ["status", "reason"]].tolist() == ["not_assessable", "no_series"]


def test_targets_that_disagree_are_refused_together_and_repeats_are_one():
    rows = [("T", "online", ">=", 0.6, "2023-06"), ("T", "online", ">=", 0.7, "2023-06")]
    with pytest.raises(DataError) as caught:
        assess(make_table(units=2), make_targets(*rows), cutoff="2022-12")
    assert str(caught.value) == (
        "targets, 2 rows: target: 'T' occurs twice (row 0). Allowed: each code once. Give the new promise its own code."
    )
    good = ("GOOD", "online", ">=", 0.6, "2023-06")
    answer = assess(make_table(units=2), make_targets(*rows, good, good), cutoff="2022-12")
    assert answer["reason"].tolist() == ["", "target_refused"] * 2


def test_per_cent_with_its_counts_is_read_as_the_share_that_these_say():
    shares = make_table(units=6)
    per_cent = shares.assign(value=(100 * shares["value"]).round(1))
    targets = make_targets(("T", "online", ">=", 0.6, "2023-06"))
    pd.testing.assert_frame_equal(
        assess(per_cent, targets, cutoff="2022-12"), assess(shares, targets, cutoff="2022-12")
    )
    assert set(check(per_cent, targets, cutoff="2022-12")["reason"]) == {"value_differs"}
    with pytest.raises(DataError, match="found 60, but the indicator is a rate.*Write 0.6 for 60 %"):
        assess(per_cent, make_targets(("T", "online", ">=", 60, "2023-06")), cutoff="2022-12")


def test_codes_keep_their_leading_zeros_also_from_numbers():
    table = make_table(units=2).assign(unit=lambda rows: rows["unit"].astype(int).astype(float))
    answer = assess(table, make_targets(("T", "online", ">=", 0.6, "2023-06")), cutoff="2022-12")
    assert answer["unit"].tolist() == ["0", "1"]
    answer = assess(make_table(units=2), make_targets(("007", "online", ">=", 0.6, "2023-06")), cutoff="2022-12")
    assert answer[["unit", "target"]].values.tolist() == [["000", "007"], ["001", "007"]]


def test_a_short_series_is_not_assessable_and_a_dead_one_neither():
    table = make_table(units=4)
    short = table[(table["unit"] != "000") | (table["period"] >= "2022-10")]
    dead = short[(short["unit"] != "001") | (short["period"] < "2021-07")]
    answer = assess(dead, make_targets(("T", "online", ">=", 0.6, "2023-06")), cutoff="2022-12")
    assert answer["reason"].tolist() == ["too_few_points", "series_ended", "", ""]
    assert (answer["status"] == "not_assessable").tolist() == [True, True, False, False]
    assert answer["p_attain"].isna().tolist() == [True, True, False, False]
    assert answer["grade"].tolist() == ["D", "D", "C", "C"]


def test_missing_columns_and_an_unreadable_cutoff_are_said_at_once():
    with pytest.raises(DataError) as caught:
        assess(pd.DataFrame({"unit": [], "valu": []}), make_targets().drop(columns="deadline"), cutoff="9/2022")
    assert str(caught.value).splitlines() == [
        "observations: there is no column 'indicator'. Allowed: unit, valu.",
        "observations: there is no column 'period'. Allowed: unit, valu.",
        "observations: there is no column 'value'. Allowed: unit, valu. Did you mean 'valu'?",
        "targets: there is no column 'deadline'. Allowed: target, indicator, operator, threshold.",
        "cutoff '9/2022': it cannot be read as a period. Allowed: 2022-02 (month), 2022-Q1 (quarter) or 2022 (year). "
        "Rewrite it.",
    ]
    with pytest.raises(ParamsError, match="cutoff: found '2020-12', but the first figure is of 2021-01"):
        assess(make_table(), make_targets(("T", "online", ">=", 0.6, "2023-06")), cutoff="2020-12")
    with pytest.raises(DataError, match="columns occur twice: 'unit'"):
        assess(pd.DataFrame([["a", "b"]], columns=["unit", "unit "]), make_targets(), cutoff="2022-12")


def test_empty_tables_give_empty_answers():
    for table in (make_table().iloc[:0], make_table(units=2)):
        answer = assess(table, make_targets(), cutoff="2022-12")
        assert answer.empty and answer.columns.tolist() == ASSESSED
        assert check(table, make_targets(), cutoff="2022-12").empty


@pytest.mark.parametrize("written", ["{}-Q{}", "{}Q{}"])
def test_a_monthly_cutoff_ends_a_quarterly_series_at_its_last_whole_quarter(written):
    quarters = [written.format(year, quarter) for year in (2022, 2023, 2024) for quarter in (1, 2, 3, 4)]
    rows = [("a", "x", quarter, 1000 + 10 * i) for i, quarter in enumerate(quarters)]
    table = pd.DataFrame(rows, columns=["unit", "indicator", "period", "value"])
    answer = assess(table, make_targets(("T", "x", ">=", 2000, "2025-Q4")), cutoff="2024-11")
    assert answer["current"].tolist() == [1100.0]  # 2024-Q3, the last quarter that has ended
    assert answer["indicator_kind"].tolist() == ["count"]


def test_the_probabilities_tell_reached_from_missed_and_mean_what_they_say():
    table = make_table(units=300, seed=11, start=-0.2, slope=0.02)
    future = table[table["period"] == "2022-12"].set_index("unit")
    answer = assess(
        table[table["period"] <= "2022-06"],
        make_targets(("T", "online", ">=", 0.55, "2022-12")),
        cutoff="2022-06",
        options=AssessOptions(),
    )
    outcome = (future["value"] >= 0.55).to_numpy()
    p = answer["p_attain"].to_numpy()
    assert set(answer["grade"]) == {"C"} and set(answer["n_origins"]) == {1}  # 18 months, 6 ahead: one past cutoff
    brier, climate = np.mean((p - outcome) ** 2), outcome.mean() * (1 - outcome.mean())
    assert brier < 0.7 * climate
    assert abs(p.mean() - outcome.mean()) < 0.15
    assert p[outcome].mean() - p[~outcome].mean() > 0.3


def bare(**columns):
    return make_table().drop(columns=["numerator", "denominator"]).assign(**columns)


MIXED = "A share: write 80, or divide the figures by 100. Else give both in a smaller unit"


def test_figures_in_per_cent_against_a_fraction_are_refused_and_against_per_cent_they_are_a_level():
    per_cent = bare(value=lambda rows: 100 * rows["value"])
    with pytest.raises(DataError) as caught:
        assess(per_cent, make_targets(("T", "online", ">=", 0.8, "2023-06")), cutoff="2022-12")
    middle = f"{100 * make_table()['value'].median():g}"
    assert [(one.where, one.found, one.remedy) for one in caught.value.problems] == [
        ("targets, 1 row", f"threshold: found 0.8, but half of the figures are {middle} or more (row 0)", MIXED)
    ]
    answer = assess(per_cent, make_targets(("T", "online", ">=", 60, "2023-06")), cutoff="2022-12")
    assert set(answer["indicator_kind"]) == {"level"} and answer["p_attain"].notna().all()


@pytest.mark.parametrize(
    ("value", "operator", "threshold", "refused"),
    [
        (76.2, ">=", 0.8, True),
        (76.2, ">=", 1, True),  # 100 %
        (76.2, "<=", 1, False),  # of a share nothing would be asked
        (5.3, "<=", 0.05, True),
        (1.6, "<=", 0.8, False),  # a level to be halved
        (120.5, ">=", 0.8, False),  # no per cent
        (-5.0, ">=", 0.8, False),
    ],
)
def test_a_threshold_is_refused_only_where_a_hundred_times_as_much_is_nearer_to_the_figures(
    value, operator, threshold, refused
):
    table = bare(value=value + np.arange(len(make_table())) % 2 / 10)
    found = check(table, make_targets(("T", "online", operator, threshold, "2023-06")), cutoff="2022-12")
    assert found["reason"].tolist() == ["threshold_refused"] * refused


def test_single_figures_in_per_cent_among_fractions_are_refused_and_the_rest_is_assessed():
    table = bare()
    table.loc[[4, 40], "value"] = [76.2, 81.0]
    targets = make_targets(("T", "online", ">=", 0.8, "2023-06"))
    refused = check(table, targets, cutoff="2022-12")
    assert refused[["row", "reason"]].values.tolist() == [[4, "above_maximum"], [40, "above_maximum"]]
    answer, clean = (assess(one, targets, cutoff="2022-12") for one in (table, table.drop(index=[4, 40])))
    assert answer["n_refused"].tolist() == [1, 1] + [0] * 10
    pd.testing.assert_frame_equal(answer.drop(columns="n_refused"), clean.drop(columns="n_refused"))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.2, 0.5, 0.9, 1.0], "rate"),
        ([0.2, 0.5, 1.3, 0.9], "level"),  # an index, not a share
        ([120, 340, 80, 95], "count"),
        ([20, 50, 90, 100], "level"),  # a per cent or a score: no noise of counts is added
        ([0, 1, 0, 1], "level"),  # a doubt
        ([0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 250], "count"),
        ([-0.2, 0.5, 0.3, 0.1], "level"),
    ],
)
def test_the_kind_of_an_indicator_is_said(values, kind):
    table = pd.DataFrame({"unit": "a", "indicator": "x", "period": MONTHS[: len(values)], "value": values})
    targets = make_targets(("T", "x", ">=", 0.4 if kind == "rate" else 40, "2023-06"))
    assert assess(table, targets, cutoff=MONTHS[len(values) - 1])["indicator_kind"].tolist() == [kind]


def test_an_index_below_one_looks_like_a_share_and_is_assessed_in_a_smaller_unit():
    table = bare(value=lambda rows: 0.9 + 0.01 * rows.groupby("unit").cumcount())
    table = table[table["value"] <= 1.0]
    cutoff = table["period"].max()
    with pytest.raises(DataError, match="found 1.005, but the indicator is a rate"):
        assess(table, make_targets(("T", "online", ">=", 1.005, "2022-03")), cutoff=cutoff)
    table = table.assign(value=100 * table["value"])
    answer = assess(table, make_targets(("T", "online", ">=", 100.5, "2022-03")), cutoff=cutoff)
    assert (answer["predicted_median"] > 100).all() and (answer["p_attain"] > 0.5).all()


def test_nothing_left_is_an_error_that_names_every_reason_and_check_still_lists_the_rows():
    table = bare(value="n/a")
    table.loc[3, "period"] = "22.8"
    targets = make_targets(("T", "online", ">=", 0.8, "2023-06"), ("U", "online", ">=", 0.8, "soon"))
    with pytest.raises(DataError) as caught:
        assess(table, targets, cutoff="2022-12")
    assert [one.where for one in caught.value.problems] == [
        "observations, 287 rows", "observations, 1 row", "targets, 1 row"
    ]  # fmt: skip
    found = check(table, targets, cutoff="2022-12")
    assert len(found) == 289 and in_words(found) == caught.value.problems


@pytest.mark.parametrize("how", ["Period", "Timestamp"])
def test_pandas_own_types_are_read_and_the_tables_stay_as_they_are(how):
    table, targets = make_table(units=3), make_targets(("T", "online", ">=", 0.6, "2023-06"))
    wanted = assess(table, targets, cutoff="2022-12")
    periods = pd.PeriodIndex(table["period"], freq="M")
    typed = table.assign(
        period=periods if how == "Period" else periods.to_timestamp(),
        unit=table["unit"].astype("category"),
        indicator=table["indicator"].astype("string"),
        numerator=table["numerator"].astype("Int64"),
    )
    before = typed.copy()
    pd.testing.assert_frame_equal(assess(typed, targets, cutoff="2022-12"), wanted)
    pd.testing.assert_frame_equal(typed, before)


def test_the_public_functions_are_those_of_the_package():
    assert {"assess", "check"} <= set(analysis.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'asses'"):
        analysis.asses  # noqa: B018
