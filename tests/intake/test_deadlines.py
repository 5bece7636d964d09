"""Cutoffs in each indicator's frequency, and deadlines before them."""

from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.intake import cutoffs
from analysis.intake.deadlines import check_deadlines
from analysis.words.errors import ParamsError
from intake.factory import INDICATOR, TARGET, read_project


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
    found = check_deadlines((target,), **tables, cutoff=cutoff)
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
