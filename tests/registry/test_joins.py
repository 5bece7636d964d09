"""Nothing makes one series of two indicators."""

from types import SimpleNamespace

import pytest

from analysis.registry.sources import SourceParams
from analysis.registry.targets import check_joins
from analysis.words.errors import ParamsError, Problem
from intake.factory import INDICATOR, TARGET, read_project


def make_source(**changed):
    plain = {
        "source": "dvc", "title": "t", "licence": "MIT", "format": "csv", "path": "a.csv", "vintage": "2026-01-10",
        "numbers": "plain", "dates": "code", "columns": {"unit": "unit", "indicator": "code", "period": "period"},
        "measures": [{"value": "value"}],
    }  # fmt: skip
    return SourceParams.model_validate(plain | changed)


def make_target(target, indicator, replaces=""):
    return SimpleNamespace(target=target, indicator=indicator, replaces=replaces)


def test_two_codes_of_a_source_may_not_become_one_indicator():
    source = make_source(indicators={"A1": "online_filed", "A2": "online_filed", "B": "online_full"})
    assert check_joins(sources=[source]) == [
        Problem(
            "source dvc",
            "'A1', 'A2' all become the indicator 'online_filed'",
            "one code or column for each indicator",
            "Give each an indicator of its own, or list the others under `ignore_indicators`",
        )
    ]


def test_two_columns_of_a_source_may_not_become_one_indicator():
    measures = [{"indicator": "online", "numerator": one, "denominator": "all"} for one in ("filed", "full")]
    source = make_source(columns={"unit": "unit", "period": "period"}, measures=measures)
    assert [one.found for one in check_joins(sources=[source])] == ["'filed', 'full' all become the indicator 'online'"]


@pytest.mark.parametrize("indicators", [{}, {"A1": "online_filed", "B": "online_full"}])
def test_one_code_for_each_indicator_is_well(indicators):
    assert check_joins(sources=[make_source(indicators=indicators)]) == []


def test_a_target_may_not_replace_one_on_another_indicator():
    old, new = make_target("OLD", "online_filed"), make_target("NEW", "online_full", replaces="OLD")
    assert [str(one) for one in check_joins(targets=[old, new])] == [
        "target NEW: replaces: 'OLD' is measured by 'online_filed', this target by 'online_full'. "
        "Allowed: a target on the same indicator. Keep both targets, each with its own validity."
    ]
    assert check_joins(targets=[old, make_target("NEW", "online_filed", replaces="OLD")]) == []
    assert check_joins(targets=[make_target("NEW", "online_filed", replaces="GONE")]) == []


def test_a_run_that_joins_two_indicators_is_refused_at_its_door(tmp_path):
    measures = [{"indicator": "online", "numerator": one, "denominator": "all"} for one in ("filed", "full")]
    old = TARGET | {"target": "OLD", "indicator": "other", "valid_from": "2023-01-01", "valid_to": "2023-12-31"}
    targets = [old, TARGET | {"replaces": "OLD", "valid_from": "2024-01-01"}]
    with pytest.raises(ParamsError) as error:
        read_project(
            tmp_path, csv="unit,period,filed,full,all\n01,2024-01,1,1,2\n", source={"measures": measures},
            indicators=[INDICATOR, INDICATOR | {"indicator": "other"}], targets=targets,
        )  # fmt: skip
    assert [str(one).split(". ")[0] for one in error.value.problems] == [
        "target ON-80: replaces: 'OLD' is measured by 'other', this target by 'online'",
        "source dvc: 'filed', 'full' all become the indicator 'online'",
    ]
