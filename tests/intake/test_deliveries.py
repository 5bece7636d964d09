"""Who has not delivered: by hand, for every way in which a figure can be missing."""

import datetime as dt

import pandas as pd
import pytest

from analysis.intake import Inputs, deliveries
from analysis.intake.deliveries import check_complete, check_dates, group_missing, not_accepted, not_delivered
from analysis.words.errors import DataError, ParamsError

INDICATORS = pd.DataFrame({"indicator": ["monthly", "yearly"], "frequency": ["M", "Y"]})


def rows(indicator, figures, flags=""):
    """``{unit: periods}`` as observations."""
    found = [
        {"unit": unit, "indicator": indicator, "period": period, "vintage": "2027-01-04", "flags": flags, "value": 0.5}
        for unit, periods in figures.items()
        for period in periods.split()
    ]
    sides = dict.fromkeys(["numerator", "denominator", "lower", "upper"], float("nan"))
    return pd.DataFrame(found).assign(**sides)


def inputs(*parts):
    units = pd.DataFrame({"unit": ["a", "b", "c", "d"]})
    sources = ({"source": "desks"}, {"source": "index"})
    known = {"monthly": ("desks",), "yearly": ("index",)}
    return Inputs(units, INDICATORS, (), pd.concat(parts, ignore_index=True), None, sources, sources_of=known)


def missing(*parts, cutoff="2026-12", before=None):
    found = not_delivered(inputs(*parts), cutoff=cutoff, before=before)
    return found[["source", "indicator", "unit", "period", "last", "of"]].to_numpy().tolist()


def test_a_unit_of_the_quarter_before_is_missing_until_it_has_the_last_month():
    figures = {"a": "2026-09 2026-12", "b": "2026-09", "c": "2026-10 2026-11", "d": "2026-06"}
    assert missing(rows("monthly", figures)) == [  # d ended two quarters ago and is not expected
        ["desks", "monthly", "b", "2026-12", "2026-09", 3],
        ["desks", "monthly", "c", "2026-12", "2026-11", 3],
    ]


def test_a_source_without_the_whole_quarter_names_all_units_of_its_last_month():
    found = not_delivered(inputs(rows("monthly", {"a": "2026-04 2026-05", "b": "2026-05"})), cutoff="2026-12")
    grouped = group_missing(found).to_dict("records")
    assert [(row["source"], row["units"], row["of"], row["which"], row["last"]) for row in grouped] == [
        ("desks", 2, 2, "all", "2026-05")
    ]


def test_a_yearly_figure_is_expected_when_its_year_has_ended():
    yearly = rows("yearly", {"a": "2024 2025", "b": "2025 2026"})
    assert missing(yearly, cutoff="2026-09") == []
    assert missing(yearly) == [["index", "yearly", "a", "2026", "2025", 2]]


def test_sums_and_rows_without_a_figure_deliver_nothing_and_a_denominator_alone_does():
    empty = rows("monthly", {"a": "2026-12"}).assign(value=float("nan"))
    counted = rows("monthly", {"b": "2026-12"}).assign(value=float("nan"), denominator=0.0)
    found = missing(rows("monthly", {"a": "2026-09", "b": "2026-09"}), empty, counted,
                    rows("monthly", {"c": "2026-09"}, flags="summed"))  # fmt: skip
    assert [row[2] for row in found] == ["a"]


def test_a_unit_that_vanished_from_a_file_is_known_from_the_current_run():
    before = rows("monthly", {"a": "2026-09", "b": "2026-09", "gone from the unit list": "2026-09"})
    assert missing(rows("monthly", {"a": "2026-12"}), before=before) == [
        ["desks", "monthly", "b", "2026-12", "", 2],
    ]


@pytest.mark.parametrize("name, left", [("desks", []), ("monthly", []), ("b", ["c"]), ("index", ["b", "c"])])
def test_a_name_covers_its_source_its_indicator_or_its_unit(name, left):
    found = not_delivered(inputs(rows("monthly", {"a": "2026-12", "b": "2026-09", "c": "2026-09"})), cutoff="2026-12")
    assert not_accepted(found, [name])["unit"].tolist() == left


def test_the_refusal_lists_who_is_missing_and_the_names_that_accept_it():
    data = inputs(rows("monthly", {"a": "2026-12", "b": "2026-09", "c": "2026-09"}), rows("yearly", {"a": "2025"}))
    found = not_delivered(data, cutoff="2026-12")
    with pytest.raises(DataError) as raised:
        check_complete(found, inputs=data, accepted=[])
    texts = [str(problem) for problem in raised.value.problems]
    assert len(texts) == 2
    assert "2 of 3 units of source 'desks' ('b', 'c')" in texts[0] and "--incomplete b,c." in texts[0]
    assert "its only unit of source 'index'" in texts[1] and "--incomplete index." in texts[1]
    check_complete(found, inputs=data, accepted=["b", "c", "index"])
    with pytest.raises(ParamsError, match="there is no source, indicator or unit 'desk'.*Did you mean 'desks'"):
        check_complete(found, inputs=data, accepted=["desk"])


def test_figures_of_a_period_that_has_not_begun_are_refused():
    data = inputs(rows("monthly", {"a": "2026-10 2026-12"}))
    check_dates(data, today=dt.date(2026, 12, 1))
    with pytest.raises(DataError, match="2026-11-30, but there are figures of '2026-12'"):
        check_dates(data, today=dt.date(2026, 11, 30))


def test_no_figure_at_all_before_the_cutoff_expects_nobody():
    assert missing(rows("monthly", {"a": "2026-12"}), cutoff="2026-06") == []
    assert deliveries.sentences(not_delivered(inputs(rows("monthly", {"a": "2026-12"})), cutoff="2026-12")) == []
