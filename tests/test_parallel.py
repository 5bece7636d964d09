"""Tables made side by side are the tables made one after the other."""

import os

import pandas as pd
import pytest

from analysis import parallel
from analysis.publishing.forks import can_fork
from analysis.words.errors import ModelError


def make_tables(tasks, **options):
    """Tasks of one table each, made as the run makes its pieces."""
    each = {name: lambda task=task: {"table": task()} for name, task in tasks.items()}
    return {name: made["table"] for name, made in parallel.make_all(each, **options).items()}


def tasks(n=5):
    return {
        f"t{number}": lambda number=number: pd.DataFrame({"unit": ["007", "ế"], "value": [number, 0.1 + number]})
        for number in range(n)
    }


def test_any_number_of_processes_gives_the_same_tables_in_the_same_order(monkeypatch):
    monkeypatch.setattr(parallel, "may_fork", lambda: True)
    monkeypatch.setattr("analysis.publishing.forks.require_one_thread", lambda: None)
    told = []
    one, four = make_tables(tasks()), make_tables(tasks(), n_jobs=4, on_done=told.append)
    assert list(one) == list(four) == [f"t{number}" for number in range(5)] and sorted(told) == list(one)
    for name in one:
        pd.testing.assert_frame_equal(one[name], four[name])


@pytest.mark.skipif(not can_fork(), reason="needs fork")
def test_the_work_is_done_in_other_processes_and_a_failure_is_named(monkeypatch):
    monkeypatch.setattr(parallel, "may_fork", lambda: True)
    monkeypatch.setattr("analysis.publishing.forks.require_one_thread", lambda: None)
    pids = make_tables({n: lambda: pd.DataFrame({"pid": [os.getpid()]}) for n in "ab"}, n_jobs=2)
    assert os.getpid() not in {int(frame["pid"][0]) for frame in pids.values()}

    def broken():
        raise ValueError("three units have no size")

    with pytest.raises(ModelError, match="b: .*three units have no size"):
        make_tables({"a": tasks(1)["t0"], "b": broken}, n_jobs=2)


def test_without_fork_the_tables_are_made_here(monkeypatch):
    monkeypatch.setenv("CANDICH_NO_FORK", "1")
    made = make_tables({n: lambda: pd.DataFrame({"pid": [os.getpid()]}) for n in "ab"}, n_jobs=2)
    assert {int(frame["pid"][0]) for frame in made.values()} == {os.getpid()}
