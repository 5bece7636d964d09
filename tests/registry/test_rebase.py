"""History carried over a merger: totals to the last unit, nothing averaged, nothing dropped silently."""

import numpy as np
import pandas as pd
import pytest

from analysis.registry.crosswalk import Crosswalk, apportion, rebase, vietnam_crosswalk
from analysis.words.errors import DataError
from analysis.words.findings import as_quality
from analysis.words.schema import INDICATORS, OBSERVATIONS, as_table
from registry.trees import leaves, vietnam_units

NAN = float("nan")


def make_indicators():
    rows = [
        {"indicator": "online", "kind": "rate", "aggregation": "sum"},
        {"indicator": "books", "kind": "count", "aggregation": "sum"},
        {"indicator": "score", "kind": "level", "aggregation": "none"},
        {"indicator": "rank", "kind": "rank", "aggregation": "none"},
    ]
    return as_table(pd.DataFrame(rows), INDICATORS)


def make_observations(*rows):
    """Rows of (unit, indicator, period, value, numerator, denominator[, vintage[, flags]])."""
    names = ["unit", "indicator", "period", "value", "numerator", "denominator", "vintage", "flags"]
    full = [(*row, *("2025-08-10", "")[len(row) - 6 :]) for row in rows]
    return as_table(pd.DataFrame(full, columns=names), OBSERVATIONS)


def make_crosswalk(*rows, basis="stated"):
    table = pd.DataFrame(rows, columns=["old", "new", "weight"])
    return Crosswalk(table.assign(basis=np.where(table["weight"] < 1, basis, "whole")), "2025-07")


MERGED = make_crosswalk(("a", "x", 1.0), ("b", "x", 1.0))
HALVED = make_crosswalk(("a", "x", 0.5), ("a", "y", 0.5), ("b", "y", 1.0), basis="even")


def rebased(*rows, crosswalk=MERGED):
    return rebase(make_observations(*rows), crosswalk=crosswalk, indicators=make_indicators())


def test_numerators_and_denominators_are_added_and_the_share_follows_by_hand():
    """90 of 100 and 10 of 300: 100 of 400 = 25 %, where the mean of the percentages would say 46.7 %."""
    out = rebased(("a", "online", "2025-06", 0.9, 90, 100), ("b", "online", "2025-06", 10 / 300, 10, 300)).observations
    row = out.iloc[0]
    assert (len(out), row["unit"], row["value"], row["numerator"], row["denominator"]) == (1, "x", 0.25, 100, 400)
    assert row["flags"] == "rebased"


def test_counts_are_added():
    out = rebased(("a", "books", "2025-06", 7, NAN, NAN), ("b", "books", "2025-06", 5, NAN, NAN)).observations
    assert out["value"].tolist() == [12]
    assert out[["numerator", "denominator"]].isna().all(axis=None)


def test_a_split_unit_is_divided_without_losing_one_by_hand():
    """7 of 9 halved: numerators 4 and 3, the other 2 one each; b's 1 of 2 joins y."""
    out = rebased(("a", "online", "2025-06", 7 / 9, 7, 9), ("b", "online", "2025-06", 0.5, 1, 2), crosswalk=HALVED)
    rows = out.observations.set_index("unit")
    assert rows["numerator"].to_dict() == {"x": 4, "y": 4}
    assert rows["denominator"].to_dict() == {"x": 5, "y": 6}
    assert rows["flags"].to_dict() == {"x": "rebased split_estimated", "y": "rebased split_estimated"}


def test_stated_weights_are_not_flagged_as_estimated():
    crosswalk = make_crosswalk(("a", "x", 0.25), ("a", "y", 0.75))
    out = rebased(("a", "books", "2025-06", 8, NAN, NAN), crosswalk=crosswalk).observations
    assert dict(zip(out["unit"], out["value"])) == {"x": 2, "y": 6}
    assert set(out["flags"]) == {"rebased"}


def test_figures_of_new_units_pass_through_untouched():
    rows = [("x", "online", "2025-07", 0.5, 1, 2), ("x", "score", "2025-07", 91.2, NAN, NAN)]
    out = rebased(*rows, ("a", "books", "2025-06", 1, NAN, NAN), ("b", "books", "2025-06", 1, NAN, NAN)).observations
    later = out[out["period"].eq("2025-07")]
    pd.testing.assert_frame_equal(later.reset_index(drop=True), make_observations(*rows))


def test_the_first_own_figure_after_a_merger_is_marked():
    rows = [(unit, "books", period, 4, NAN, NAN) for unit, period in
            (("a", "2025-06"), ("b", "2025-06"), ("x", "2025-08"), ("x", "2025-09"), ("z", "2025-08"))]  # fmt: skip
    out = rebased(*rows).observations.set_index(["unit", "period"])["flags"]
    assert out.to_dict() == {
        ("x", "2025-06"): "rebased", ("x", "2025-08"): "merger", ("x", "2025-09"): "", ("z", "2025-08"): "",
    }  # fmt: skip


def test_a_unit_that_only_changed_its_code_carries_no_flag():
    crosswalk = make_crosswalk(("a", "x", 1.0), ("b", "y", 1.0), ("c", "y", 1.0))
    rows = [("a", "books", "2025-06", 4, NAN, NAN), ("x", "books", "2025-07", 5, NAN, NAN)]
    out = rebased(*rows, crosswalk=crosswalk).observations
    assert out["value"].tolist() == [4, 5] and set(out["flags"]) == {""}


def test_a_code_that_both_editions_use_means_the_old_unit_before_and_the_new_one_after():
    crosswalk = make_crosswalk(("a", "b", 1.0), ("b", "c", 1.0))
    out = rebased(
        ("a", "books", "2025-06", 1, NAN, NAN), ("b", "books", "2025-06", 2, NAN, NAN),
        ("b", "books", "2025-07", 4, NAN, NAN), crosswalk=crosswalk,
    ).observations  # fmt: skip
    assert dict(zip(zip(out["unit"], out["period"]), out["value"])) == {
        ("b", "2025-06"): 1, ("c", "2025-06"): 2, ("b", "2025-07"): 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "details"),
    [
        (("a", "online", "2025-06", 0.9, NAN, NAN),
         '{"case":"no_counts"}'),
        (("a", "score", "2025-06", 91.0, NAN, NAN),
         '{"case":"no_sums"}'),
        (("a", "rank", "2025-06", 3, NAN, NAN),
         '{"case":"no_sums"}'),
        (("a", "books", "2025-06", NAN, NAN, NAN), '{"case":"no_value"}'),
        (("q", "books", "2025-06", 4, NAN, NAN), '{"case":"unknown_unit"}'),
        (("a", "other", "2025-06", 4, NAN, NAN), '{"case":"unknown_indicator"}'),
        (("a", "books", "2025-07", 4, NAN, NAN), '{"case":"ended","first":"2025-07"}'),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_carried_over_is_refused_with_its_reason(row, details):
    out = rebased(row)
    assert out.observations.empty
    quality = as_quality(out.findings)
    assert quality[["unit", "indicator", "period", "flag", "severity", "details"]].to_numpy().tolist() == [
        [*row[:3], "not_rebased", "error", details],
    ]  # fmt: skip


def test_a_sum_that_lacks_an_old_unit_says_so():
    out = rebased(("a", "books", "2025-05", 7, NAN, NAN))
    assert out.observations[["value", "flags"]].iloc[0].tolist() == [7, "rebased rebased_partial"]
    assert as_quality(out.findings)[["flag", "severity", "details"]].iloc[0].tolist() == [
        "rebased_partial", "warning", '{"k":1,"n":2}',
    ]  # fmt: skip


def test_flags_of_the_parts_stay():
    out = rebased(
        ("a", "books", "2025-06", 7, NAN, NAN, "2025-08-10", "break,late"),
        ("b", "books", "2025-06", 7, NAN, NAN, "2025-08-10", "late"),
    )
    assert out.observations["flags"].tolist() == ["break late rebased"]


def test_a_revision_of_one_part_revises_the_sum_and_keeps_the_other_part():
    out = rebased(
        ("a", "books", "2025-06", 7, NAN, NAN, "2025-07-10"), ("b", "books", "2025-06", 5, NAN, NAN, "2025-07-10"),
        ("a", "books", "2025-06", 9, NAN, NAN, "2025-08-10"),
    ).observations  # fmt: skip
    assert dict(zip(out["vintage"], out["value"])) == {"2025-07-10": 12, "2025-08-10": 14}
    assert set(out["flags"]) == {"rebased"}


def test_a_quarter_counts_as_old_when_it_ends_before_the_change():
    out = rebased(("a", "books", "2025-Q2", 7, NAN, NAN), ("x", "books", "2025-Q3", 9, NAN, NAN)).observations
    assert out["unit"].tolist() == ["x", "x"]


def test_an_empty_denominator_has_no_share():
    out = rebased(("a", "online", "2025-06", NAN, 0, 0), ("b", "online", "2025-06", NAN, 0, 0)).observations
    assert np.isnan(out["value"].iloc[0]) and out["denominator"].iloc[0] == 0


def test_a_crosswalk_that_loses_people_is_refused():
    with pytest.raises(DataError, match="unit 'a' loses 50.0% of itself"):
        rebased(("a", "books", "2025-06", 7, NAN, NAN), crosswalk=make_crosswalk(("a", "x", 0.5)))


def test_nothing_in_nothing_out():
    out = rebased()
    assert out.observations.empty and as_quality(out.findings).empty


def make_country(units, *, seed, periods=("2025-05", "2025-06")):
    """Random counts for many units: a rate and a count."""
    rng = np.random.default_rng(seed)
    frames = []
    for period in periods:
        denominator = rng.integers(0, 400, len(units)).astype(float)
        numerator = rng.binomial(denominator.astype(int), 0.4).astype(float)
        rate = {"indicator": "online", "numerator": numerator, "denominator": denominator, "value": np.nan}
        count = {"indicator": "books", "value": rng.integers(0, 9999, len(units)).astype(float)}
        frames += [pd.DataFrame({"unit": units, "period": period, "vintage": "v", **one}) for one in (rate, count)]
    return as_table(pd.concat(frames, ignore_index=True), OBSERVATIONS)


def totals(observations):
    return observations.groupby(["indicator", "period"])[["value", "numerator", "denominator"]].sum()


def test_gia_lai_keeps_its_totals_from_218_communes_to_135():
    """Old Gia Lai (218) and Bình Định (155) become the 135 communes of the new Gia Lai."""
    before, after = vietnam_units(edition="2025-06"), vietnam_units(edition="2025-07")
    observations = make_country([*leaves(before, "64"), *leaves(before, "52")], seed=6)
    assert observations["unit"].nunique() == 373
    out = rebase(observations, crosswalk=vietnam_crosswalk(), indicators=make_indicators())
    assert sorted(out.observations["unit"].unique()) == leaves(after, "52")
    assert as_quality(out.findings).empty
    was, now = totals(observations), totals(out.observations)
    assert now["numerator"].tolist() == was["numerator"].tolist()
    assert now["denominator"].tolist() == was["denominator"].tolist()
    assert now.loc["books", "value"].tolist() == was.loc["books", "value"].tolist()
    counts = out.observations[out.observations["indicator"].eq("online")]
    assert (counts["numerator"] <= counts["denominator"]).all()
    assert set(counts["flags"]) == {"", "rebased", "rebased split_estimated"}


def test_the_whole_country_keeps_its_totals():
    observations = make_country(leaves(vietnam_units(edition="2025-06")), seed=7, periods=("2025-06",))
    out = rebase(observations, crosswalk=vietnam_crosswalk(), indicators=make_indicators())
    assert out.observations["unit"].nunique() == 3_321 and as_quality(out.findings).empty
    was, now = totals(observations), totals(out.observations)
    counts = ["numerator", "denominator"]
    pd.testing.assert_frame_equal(now[counts], was[counts], check_exact=True)
    assert now.loc["books", "value"].tolist() == was.loc["books", "value"].tolist()


def slow_rebase(observations, crosswalk):
    """One row at a time, exact fractions by hand: what `rebase` says it does, for the rate."""
    sums = {}
    rows = crosswalk.rows
    for row in observations[observations["indicator"].eq("online")].itertuples():
        parts = rows[rows["old"].eq(row.unit)]
        counts = (row.numerator, row.denominator - row.numerator)
        shares = [slow_apportion(count, parts["weight"].tolist()) for count in counts]
        for number, new in enumerate(parts["new"]):
            total = sums.setdefault((new, row.period), [0, 0])
            total[0] += shares[0][number]
            total[1] += shares[0][number] + shares[1][number]
    return sums


def slow_apportion(total, weights):
    exact = [total * weight for weight in weights]
    whole = [int(one + 1e-9) for one in exact]
    by_remainder = sorted(range(len(weights)), key=lambda one: (-round(exact[one] - whole[one], 9), one))
    for one in by_remainder[: round(total - sum(whole))]:
        whole[one] += 1
    return whole


def test_the_fast_way_agrees_with_the_slow_one_and_with_shuffled_rows():
    before = vietnam_units(edition="2025-06")
    observations = make_country(leaves(before, "92"), seed=3)  # Cần Thơ: split communes among them
    crosswalk = vietnam_crosswalk()
    out = rebase(observations, crosswalk=crosswalk, indicators=make_indicators()).observations
    online = out[out["indicator"].eq("online")]
    fast = {(row.unit, row.period): [row.numerator, row.denominator] for row in online.itertuples()}
    assert fast == slow_rebase(observations, crosswalk)
    assert online["flags"].str.contains("split_estimated").any()
    shuffled = observations.sample(frac=1, random_state=5)
    again = rebase(shuffled, crosswalk=crosswalk, indicators=make_indicators()).observations
    pd.testing.assert_frame_equal(again, out)


def test_largest_remainder_by_hand():
    """10 by .5 .3 .2: exact. 7: 3.5 2.1 1.4 -> 3 2 1, the one left to the .5. 1 evenly by three: the first."""
    weights = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [1 / 3, 1 / 3, 1 / 3]])
    assert apportion(np.array([10.0, 7.0, 1.0]), weights=weights).tolist() == [[5, 3, 2], [4, 2, 1], [1, 0, 0]]


def test_parts_are_whole_sum_to_the_total_and_unused_parts_stay_empty():
    rng = np.random.default_rng(1)
    weights = rng.dirichlet([1, 1, 1, 1], size=500)
    weights[:, 3] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    totals_ = rng.integers(0, 100_000, 500).astype(float)
    parts = apportion(totals_, weights=weights)
    assert (parts == np.rint(parts)).all() and (parts.sum(axis=1) == totals_).all()
    assert (parts[:, 3] == 0).all() and (np.abs(parts - totals_[:, None] * weights) < 1).all()


def test_a_total_that_is_not_whole_is_divided_by_the_weights():
    assert apportion(np.array([1.5]), weights=np.array([[0.5, 0.5]])).tolist() == [[0.75, 0.75]]
