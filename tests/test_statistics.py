"""Statistics computed in groups are the statistics of the whole, whatever the number of processes."""

import os
import signal
from pathlib import Path

import pandas as pd
import pytest
from benchmarks.country import write_country

from analysis import pipeline, statistics
from analysis.registry.params import read_params
from analysis.words.errors import ModelError
from analysis.words.schema import ASSESSMENTS, as_table

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    folder = tmp_path_factory.mktemp("country")
    path = write_country(folder, communes=6, provinces=2, indicators=2)
    params = read_params(path)
    return params, pipeline.read_step(params, root=folder)


@pytest.fixture(scope="module")
def demo():
    params = read_params(ROOT / "params/demo.yml")
    return params, pipeline.read_step(params, root=ROOT)


@pytest.mark.slow
def test_what_a_target_joins_stays_together_and_nothing_is_lost(demo):
    _params, inputs = demo
    groups = statistics.independent_groups(inputs)
    codes = [set(group.indicators["indicator"]) for group in groups]
    bundle = {"online_filed", "overdue", "payment_online", "procedures_end_to_end", "score_766"}
    assert [found for found in codes if bundle <= found] == [bundle | {"results_digitised"}]  # that a composite joins
    assert {"online_resolved"} in codes and {"vneid_activated"} in codes
    assert sorted(code for found in codes for code in found) == sorted(inputs.indicators["indicator"])
    targets = [target.target for group in groups for target in group.targets]
    assert sorted(targets) == sorted(target.target for target in inputs.targets)
    assert sum(len(group.observations) for group in groups) == len(inputs.observations)
    with_tasks = [group for group in groups if group.tasks is not None]
    kinds = [{target.kind for target in group.targets} for group in with_tasks]
    assert kinds == [{"tasks_k_of_n"}] * len(with_tasks) != []


@pytest.mark.slow
def test_groups_put_together_are_the_whole_whatever_the_number_of_processes(country, monkeypatch):
    params, inputs = country
    found = [statistics.make_statistics(inputs, params=params, jobs=jobs) for jobs in (1, 3)]
    monkeypatch.setattr(statistics, "independent_groups", lambda inputs: [inputs])
    whole = statistics.make_statistics(inputs, params=params)
    assert all(set(tables) == set(whole) for tables in found)
    for name in whole:
        for tables in found:
            pd.testing.assert_frame_equal(tables[name][whole[name].columns], whole[name], obj=name)


@pytest.mark.slow
def test_a_published_quarter_is_used_as_it_was_published(country):
    """Its statuses hold, and a quarter that has none is computed."""
    params, inputs = country
    plain = statistics.make_statistics(inputs, params=params)
    before = plain["previous_assessments"]
    published = before.assign(p_attain=0.123, status="likely")
    cutoff = before["cutoff"].iloc[0]
    tables = statistics.make_statistics(inputs, params=params, history={cutoff: published})
    assert set(tables["previous_assessments"]["p_attain"]) == {0.123}
    assert set(tables["extra_changes"]["p_before"]) == {0.123}
    pd.testing.assert_frame_equal(tables["forecasts"], plain["forecasts"])


def quarter(cutoff, p, status=""):
    row = {"unit": "a", "target": "T", "cutoff": cutoff, "p_attain": p, "status": status, "grade": "A", "reason": ""}
    row |= {"threshold": 0.8, "operator": ">=", "deadline": "2026-12", "settled": False, "attained_now": False}
    return as_table(pd.DataFrame([row]), ASSESSMENTS)


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ((), ["on_track", "on_track", "on_track"]),  # held within the margin of 0.8, quarter after quarter
        (("2025-09",), ["likely", "likely", "likely"]),  # from the status that was published, whatever it was
    ],
)
def test_past_statuses_follow_from_the_ones_before(country, published, expected):
    params, _inputs = country
    said = {then: quarter(then, p) for then, p in (("2025-09", 0.82), ("2025-12", 0.77), ("2026-03", 0.78))}
    if published:
        said["2025-09"] = quarter("2025-09", 0.82, status="likely")
    found = statistics.past_assessments(said, published=published, params=params)
    assert found.sort_values("cutoff")["status"].tolist() == expected


def test_tables_are_merged_in_the_order_of_the_key():
    rows = [("a", "x", "T"), ("a", "y", "T"), ("b", "x", "T"), ("b", "y", "T")]
    frame = pd.DataFrame(rows, columns=["unit", "indicator", "cutoff"])
    frame = frame.loc[[0, 0, 1, 2, 2, 2, 3]].reset_index(drop=True)
    frame["horizon"] = [1, 2, 1, 1, 2, 10, 1]
    frame["quantile_level"] = 0.5
    parts = [frame[frame["indicator"] == code].reset_index(drop=True) for code in "yx"]
    pd.testing.assert_frame_equal(statistics.merge_tables(parts, name="forecasts"), frame)


def test_every_task_is_done_once_and_in_order():
    tasks = {name: lambda name=name: {"t": pd.DataFrame({"name": [name], "pid": [os.getpid()]})} for name in "cab"}
    ticks = []
    found = statistics.map_parallel(tasks, jobs=2, on_done=lambda: ticks.append(1))
    assert [tables["t"]["name"].item() for tables in found.values()] == ["c", "a", "b"] and len(ticks) == 3
    assert os.getpid() not in {tables["t"]["pid"].item() for tables in found.values()}
    alone = statistics.map_parallel(tasks, jobs=1)
    assert {tables["t"]["pid"].item() for tables in alone.values()} == {os.getpid()}


def test_a_killed_process_is_an_error_with_a_remedy_and_what_a_task_raises_is_raised():
    tasks = {"a": lambda: os.kill(os.getpid(), signal.SIGKILL), "b": lambda: {}}
    with pytest.raises(ModelError, match="one of its processes was killed.*use --jobs 1"):
        statistics.map_parallel(tasks, jobs=2)
    with pytest.raises(ZeroDivisionError):
        statistics.map_parallel({"a": lambda: 1 / 0, "b": lambda: {}}, jobs=2)
