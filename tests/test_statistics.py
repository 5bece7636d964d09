"""Statistics computed in groups are the statistics of the whole, whatever the number of processes."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from benchmarks.country import write_country

from analysis import pipeline, statistics
from analysis.records.register import Entry, Past
from analysis.registry.params import read_params
from analysis.registry.targets import entries_table
from analysis.words.errors import ModelError

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
def test_history_is_what_the_register_says_and_nothing_else(country):
    params, inputs = country
    plain = statistics.make_statistics(inputs, params=params)
    assert all(plain[name].empty for name in ("previous_assessments", "previous_forecasts", "scorecard"))
    cutoff = statistics.quarter_before(statistics.cutoff_of(inputs, params=params))
    said = plain["assessments"].assign(p_attain=0.123, status="likely", cutoff=cutoff, settled=False)
    entry = Entry("country", 1, cutoff, 1, "2026-07-05", "", "published", True, {}, {}, "")
    past = Past(entry, said, plain["forecasts"].head(3), inputs.observations, inputs.indicators)
    tables = statistics.make_statistics(inputs, params=params, history={cutoff: past})
    assert set(tables["previous_assessments"]["p_attain"]) == {0.123}
    assert set(tables["assessments"]["previous_status"]) == {"likely"}
    assert set(tables["extra_changes"]["p_before"]) == {0.123} and len(tables["previous_forecasts"]) == 3
    pd.testing.assert_frame_equal(tables["forecasts"], plain["forecasts"])


def past_of(cutoff, tables, inputs, *, known_on):
    """What a register would hold of a publication of these tables and inputs."""
    entry = Entry("country", 1, cutoff, 1, known_on, known_on, "published", True, {}, {}, "")
    kept = {"definitions": entries_table(inputs.targets), "task_list": inputs.tasks}
    return Past(entry, tables["assessments"], tables["forecasts"], inputs.observations, inputs.indicators, **kept)


@pytest.mark.slow
@pytest.mark.parametrize("in_register", [True, False])
def test_a_change_is_split_as_pandas_and_four_plain_assessments_split_it(country, in_register):
    """Published from figures 7 % lower; then revised, a target raised, a quarter of figures added: each by itself."""
    params, inputs = country
    cutoff = statistics.cutoff_of(inputs, params=params)
    before = statistics.quarter_before(cutoff)
    seen, plain = inputs.observations, statistics.make_statistics(inputs, params=params)["assessments"]
    most = (plain["p_attain"].sub(0.5).abs() < 0.4).groupby(plain["target"]).sum().idxmax()  # open, not near 0 or 1
    (target,) = (one for one in inputs.targets if one.target == most)
    old = seen[seen["period"] <= before].assign(vintage="2026-01-01")
    mine = (old["indicator"] == target.indicator) & (old["period"] == before)
    old.loc[mine, ["value", "numerator"]] *= 0.93
    raised = target.model_copy(update={"threshold": target.threshold * 1.02})
    then = replace(inputs, observations=old)
    new = replace(inputs, observations=pd.concat([old, seen.assign(vintage="2026-09-30")]))
    new = replace(new, targets=tuple(raised if one is target else one for one in inputs.targets))

    def p_of(observations, targets, at):
        one = replace(inputs, observations=observations, targets=targets)
        made = statistics.make_statistics(one, params=params.model_copy(update={"cutoff": at}))
        return made["assessments"].set_index(["unit", "target"])["p_attain"]

    published = statistics.make_statistics(then, params=params.model_copy(update={"cutoff": before}))
    past = past_of(before, published, then, known_on="2026-01-01")
    if not in_register:  # the vintages alone
        past = replace(past, observations=past.observations.head(0))
    found = statistics.make_statistics(new, params=params, history={before: past})["extra_changes"]
    found = found.set_index(["unit", "target"])
    p_then, p_now = p_of(old, inputs.targets, before), p_of(seen, new.targets, cutoff)
    p_target, p_revised = p_of(old, new.targets, before), p_of(seen, new.targets, before)
    by_hand = {
        "from_model": 0 * p_then,
        "from_target": p_target - p_then,
        "from_definition": 0 * p_then,
        "from_revision": p_revised - p_target,
    }
    for name, effect in by_hand.items():
        pd.testing.assert_series_equal(found[name], effect.reindex(found.index), check_names=False, obj=name)
    new_figures = found["from_expected"] + found["from_surprise"]
    pd.testing.assert_series_equal(new_figures, (p_now - p_revised).reindex(found.index), check_names=False)
    own = found.xs(target.target, level="target")
    assert own["from_target"].max() <= 0 and own["from_target"].min() < -0.001  # raised: harder
    assert own["from_revision"].abs().max() > 0.01 and found["from_surprise"].abs().max() > 0.01


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
