"""A past quarter's inputs as they were known then, figure by figure."""

import numpy as np
import pandas as pd

from analysis.intake import then
from analysis.words import schema
from analysis.words.schema import as_table


def figures(rows):
    """(unit, period, vintage, value, flags)"""
    frame = pd.DataFrame(rows, columns=["unit", "period", "vintage", "value", "flags"])
    return as_table(frame.assign(indicator="i"), schema.OBSERVATIONS)


def values(frame):
    return {(row.unit, row.period): row.value for row in frame.itertuples()}


TODAY = figures(
    [
        ("a", "2026-01", "2026-02-03", 10.0, ""),
        ("a", "2026-01", "2026-05-03", 11.0, ""),  # revised
        ("a", "2026-02", "2026-05-03", 20.0, ""),  # no vintage as early as March
        ("a", "2026-02", "2026-06-03", 21.0, ""),
        ("a", "2026-03", "2026-05-03", 30.0, ""),
        ("b", "2026-01", "2026-02-03", 5.0, ""),
    ]
)


def test_the_newest_vintage_of_then_counts_and_the_earliest_where_none_is_as_early():
    found = then.figures_then(TODAY, known_on="2026-03-31", cutoff="2026-02", kept=TODAY.head(0))
    assert values(found) == {("a", "2026-01"): 10.0, ("a", "2026-02"): 20.0, ("b", "2026-01"): 5.0}


def test_what_the_register_keeps_is_what_was_known_also_of_figures_that_came_late_or_were_withdrawn():
    kept = figures([("a", "2026-01", "2026-02-03", 9.0, ""), ("b", "2026-02", "2026-03-03", 6.0, "")])
    found = then.figures_then(TODAY, known_on="2026-03-31", cutoff="2026-02", kept=kept)
    assert values(found) == {("a", "2026-01"): 9.0, ("b", "2026-02"): 6.0}


def test_a_series_with_a_new_break_is_of_todays_definition_the_others_stay():
    old = figures([("a", "2026-01", "2026-02-03", 10.0, ""), ("b", "2026-01", "2026-02-03", 5.0, "break")])
    new = figures([("a", "2026-01", "2026-05-03", 4.0, "break"), ("b", "2026-01", "2026-05-03", 3.0, "break")])
    assert values(then.redefined(old, new)) == {("a", "2026-01"): 4.0, ("b", "2026-01"): 5.0}
    assert then.redefined(old, old) is old


def test_new_figures_at_their_median_keep_their_denominator_and_nothing_is_invented():
    rows = {
        "unit": "a",
        "indicator": "i",
        "period": ["2026-01", "2026-02", "2026-03"],
        "vintage": "2026-04-03",
        "value": [0.5, 0.8, np.nan],
        "numerator": [5.0, 16.0, np.nan],
        "denominator": [10.0, 20.0, np.nan],
    }
    medians = pd.DataFrame({"unit": "a", "indicator": "i", "period": ["2026-02", "2026-03"], "predicted": [0.6, 0.7]})
    found = then.at_median(as_table(pd.DataFrame(rows), schema.OBSERVATIONS), medians)
    np.testing.assert_array_equal(found["value"], [0.5, 0.6, np.nan])
    np.testing.assert_array_equal(found["numerator"], [5.0, 12.0, np.nan])
    np.testing.assert_array_equal(found["denominator"], [10.0, 20.0, np.nan])


def test_a_cutoff_is_read_as_of_the_day_its_first_figures_came_if_that_was_in_time():
    rows = [("a", "2026-01", "2026-02-03", 1.0, ""), ("b", "2026-01", "2026-03-03", 1.0, "")]
    rows += [("a", "2026-02", "2026-09-03", 1.0, "")]  # more than a quarter late: nobody could have forecast from it
    found = then.first_known(figures(rows), periods=["2026-01", "2026-02", "2026-03"])
    assert found == {"2026-01": "2026-02-03"}
