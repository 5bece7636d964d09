import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.attainment.compare import at_least, cases_needed, meets_threshold, p_meets_threshold
from analysis.forecasting.ensemble import forecast_panel
from attainment.factory import make_shares


@pytest.mark.parametrize(
    ("operator", "below", "equal", "above"),
    [(">", False, False, True), (">=", False, True, True), ("<", True, False, False), ("<=", True, True, False)],
)
def test_equality_is_decided_by_the_operator(operator, below, equal, above):
    assert meets_threshold([0.79, 0.8, 0.81], operator=operator, threshold=0.8).tolist() == [below, equal, above]


def test_rounding_does_not_flip_the_comparison():
    # 21 of 46 is 45.652 %, printed as 45,7 %: not yet 45.7 %
    assert not meets_threshold([0.457], operator=">=", threshold=0.457, numerator=[21], denominator=[46])[0]
    # 7 of 100 is exactly 7 %, though 0.07 * 100 is 7.000000000000001 in floating point
    assert meets_threshold([0.07], operator=">=", threshold=0.07, numerator=[7], denominator=[100])[0]
    # a third, written with sixteen digits
    assert meets_threshold([1 / 3], operator=">=", threshold=1 / 3, numerator=[1], denominator=[3])[0]


def test_a_missing_value_keeps_no_promise():
    assert meets_threshold([np.nan, np.nan], operator="<", threshold=0.8).tolist() == [False, False]


def test_without_a_denominator_the_value_decides():
    assert meets_threshold([0.8], operator=">=", threshold=0.8, numerator=[np.nan], denominator=[0])[0]


@given(
    numerator=st.integers(0, 10**6),
    extra=st.integers(0, 10**6),
    thousandths=st.integers(1, 1000),
    operator=st.sampled_from([">", ">=", "<", "<="]),
)
def test_the_comparison_agrees_with_whole_number_arithmetic(numerator, extra, thousandths, operator):
    denominator = numerator + extra + 1
    left, right = numerator * 1000, thousandths * denominator
    expected = {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator]
    found = meets_threshold(
        [numerator / denominator],
        operator=operator,
        threshold=thousandths / 1000,
        numerator=[numerator],
        denominator=[denominator],
    )
    assert bool(found[0]) is expected


@given(
    numerator=st.integers(0, 5000),
    extra=st.integers(0, 5000),
    per_cent=st.integers(1, 100),
    operator=st.sampled_from([">", ">=", "<", "<="]),
)
def test_the_cases_needed_are_the_fewest_that_turn_the_answer(numerator, extra, per_cent, operator):
    denominator, threshold = numerator + extra + 1, per_cent / 100
    needed = cases_needed([numerator], [denominator], operator=operator, threshold=threshold)[0]
    step = 1 if at_least(operator) else -1

    def kept(k):
        return bool(
            meets_threshold([0.5], operator=operator, threshold=threshold, numerator=[k], denominator=[denominator])[0]
        )

    assert kept(numerator + step * needed)
    assert not kept(numerator + step * (needed - 1))


def test_25_of_46_tasks_are_missing_for_all():
    assert cases_needed([21], [46], operator=">=", threshold=1.0).tolist() == [25.0]


@pytest.mark.parametrize(("operator", "opposite"), [(">=", "<="), (">", "<"), ("<=", ">="), ("<", ">")])
def test_a_share_and_its_complement_have_the_same_probability_to_machine_precision(operator, opposite):
    rng = np.random.default_rng(7)
    denominator = rng.integers(30, 500, (25, 1)) * np.ones((1, 20))
    numerator = rng.binomial(denominator.astype(int), np.linspace(0.5, 0.7, 20)[None, :])
    one = forecast_panel(make_shares(numerator, denominator), horizon=6)
    other = forecast_panel(make_shares(denominator - numerator, denominator), horizon=6)
    for threshold in (0.6, 0.75):
        p = p_meets_threshold(one, operator=operator, threshold=threshold, horizon=6)
        q = p_meets_threshold(other, operator=opposite, threshold=1 - threshold, horizon=6)
        np.testing.assert_allclose(p, q, atol=1e-12)
