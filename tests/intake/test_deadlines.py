"""Cutoffs in each indicator's frequency, and deadlines before them."""

from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.intake.inputs import check_cutoff, check_deadlines, cutoffs
from analysis.words.errors import AnalysisError, ParamsError
from intake.factory import INDICATOR, TARGET, read_project, write_text


def messages(error) -> list[str]:
    return [str(one) for one in error.value.problems]


def test_a_deadline_before_the_cutoff_is_an_error_unless_settled(tmp_path):
    late = TARGET | {"deadline": "2024-01"}
    with pytest.raises(ParamsError) as error:
        read_project(tmp_path / "a", targets=[late])
    assert messages(error) == [
        f"{tmp_path}/a/params/targets/small.yml: target ON-80: deadline: found '2024-01', but the cutoff is 2024-02. Allowed: 2024-02 or later. "  # noqa: E501
        "Set `settled: true` to keep it on the board as met or missed, or correct the deadline or the cutoff."
    ]
    assert read_project(tmp_path / "b", targets=[late | {"settled": True}]).targets[0].settled
    assert read_project(tmp_path / "c", targets=[late], params={"cutoff": "2024-01"}).targets


def test_figures_without_a_value_have_no_first_one_that_a_cutoff_could_precede():
    empty = pd.DataFrame({"indicator": ["online"], "period": ["2024-01"], "value": [float("nan")]})
    assert check_cutoff(empty, indicators=pd.DataFrame([INDICATOR]), cutoff="2023-12") == []


def test_a_deadline_at_the_cutoff_is_the_moment_of_settlement(tmp_path):
    assert read_project(tmp_path / "a", targets=[TARGET | {"deadline": "2024-02"}]).targets
    assert read_project(tmp_path / "b", targets=[TARGET | {"deadline": "2024"}], params={"cutoff": "2024-12"}).targets


YEARLY = INDICATOR | {"indicator": "yearly", "frequency": "Y"}


@pytest.mark.parametrize(
    ("indicator", "deadline", "cutoff", "here"),
    [
        ("online", "2024", "2024-12", None),  # of a monthly indicator 2024 is 2024-12
        ("online", "2024", "2025-01", "2025-01"),
        ("online", "2024-Q1", "2024-03", None),
        ("online", "2024-Q1", "2024-04", "2024-04"),
        ("online", "2024-01", "2024-Q1", "2024-03"),  # a quarter as the cutoff is its last month
        ("yearly", "2024", "2024-06", None),  # the year has not ended
        ("yearly", "2024-12", "2024", None),
        ("yearly", "2023", "2024", "2024"),
        ("", "2024-06", "2024-06", None),  # a task list goes by the run's cutoff, whatever the indicators' frequency
        ("", "2024-05", "2024-06", "2024-06"),
        ("", "2024-06", None, None),  # the year is further than any month
        ("", "2023-12", None, "2024"),
    ],
)
def test_deadlines_and_cutoffs_of_other_frequencies(indicator, deadline, cutoff, here):
    rows = [{"indicator": "online", "period": "2024-03", "value": 1.0},
            {"indicator": "yearly", "period": "2024", "value": 1.0}]  # fmt: skip
    target = SimpleNamespace(target="T", indicator=indicator, deadline=deadline, settled=False)
    tables = {"observations": pd.DataFrame(rows), "indicators": pd.DataFrame([INDICATOR, YEARLY])}
    found = check_deadlines((target,), **tables, cutoff=cutoff, places={})
    told = [] if here is None else [(f"found {deadline!r}, but the cutoff is {here}", f"{here} or later")]
    assert [(one.found, one.allowed) for one in found] == told


def test_cutoffs_are_in_each_indicators_own_frequency(tmp_path):
    inputs = read_project(tmp_path)
    table = {"observations": inputs.observations, "indicators": inputs.indicators}
    assert cutoffs(**table, cutoff=None) == {"online": "2024-02"}
    assert cutoffs(**table, cutoff="2024-Q1") == {"online": "2024-03"}


def test_a_cutoff_before_the_first_figure_is_an_error(tmp_path):
    with pytest.raises(ParamsError) as error:
        read_project(tmp_path, params={"cutoff": "2023-12"})
    assert messages(error) == [
        "cutoff: found '2023-12', but the first figure is of 2024-01. Allowed: 2024-01 or later. Correct it."
    ]


def test_every_kind_of_bad_promise_is_told_at_once_with_file_entry_and_remedy(tmp_path):
    """Conflicting targets, weights that do not sum, an unknown operator, a rank without peers, a crosswalk that loses
    population, a deadline inside the history: one error, nothing told later that could have been told now."""
    write_text(tmp_path / "params/crosswalk.csv", "old,new,weight,change\na,01,0.6,2024-02\nb,02,1,2024-02\n")
    common = {"name_vi": "t", "name_en": "t", "scope": "all", "deadline": "2025-12"}
    score = {"kind": "score_ge", "operator": ">=", "threshold": 30, "total": 100, "version": "v"}
    with pytest.raises(AnalysisError) as error:
        read_project(
            tmp_path,
            params={"crosswalk": "params/crosswalk.csv", "units": "params/units.csv"},
            units="unit,name,parent,level\nP,Tỉnh,,province\n01,Xã A,P,commune\n02,Xã B,P,commune\n",
            targets=[
                TARGET,
                TARGET | {"target": "CAP", "operator": "<", "threshold": 0.5},
                common | score | {"target": "SUM", "components": [{"indicator": "online", "weight": 38}]},
                TARGET | {"target": "OPER", "operator": "at least"},
                common | {"target": "RANK", "kind": "rank_le", "indicator": "online", "threshold": 3},
                TARGET | {"target": "LATE", "deadline": "2024-01"},
            ],
        )
    file = f"{tmp_path}/params/targets/small.yml: target "
    told = {
        file + "CAP": "< 0.5 contradicts target 'ON-80' (>= 0.8)",
        file + "SUM": "the keys do not fit together",
        file + "OPER: operator": "the operator 'at least' is not known",
        file + "RANK: peers": "the key is missing",
        file + "LATE: deadline": "found '2024-01', but the cutoff is 2024-02",
        f"{tmp_path}/params/crosswalk.csv": "unit 'a' loses 40.0% of itself",
    }
    assert {one.where for one in error.value.problems} == set(told)
    for one in error.value.problems:
        assert one.found.startswith(told[one.where]) and one.remedy
