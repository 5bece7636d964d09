"""Statistics cut into pieces are the statistics of the whole; a piece is kept by all that it is made from."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.country import write_country

from analysis import pieces, pipeline
from analysis.registry.params import read_params
from analysis.words import schema

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
    groups = pieces.groups_of(inputs)
    codes = [set(one.indicators["indicator"]) for one in groups]
    bundle = {"online_filed", "overdue", "payment_online", "procedures_end_to_end", "score_766"}
    assert [one for one in codes if bundle <= one] == [bundle | {"results_digitised"}]  # that a composite joins
    assert {"online_resolved"} in codes and {"vneid_activated"} in codes
    assert sorted(code for one in codes for code in one) == sorted(inputs.indicators["indicator"])
    targets = [target.target for one in groups for target in one.targets]
    assert sorted(targets) == sorted(one.target for one in inputs.targets)
    assert sum(len(one.observations) for one in groups) == len(inputs.observations)
    with_tasks = [one for one in groups if one.tasks is not None]
    assert [{target.kind for target in one.targets} for one in with_tasks] == [{"tasks_k_of_n"}] * len(with_tasks) != []


@pytest.mark.slow
def test_pieces_put_together_are_the_whole(country, monkeypatch, tmp_path):
    params, inputs = country
    apart = pieces.make_statistics(inputs, params=params)
    kept = pieces.make_statistics(inputs, params=params, keep=tmp_path)
    again = pieces.make_statistics(inputs, params=params, keep=tmp_path)
    monkeypatch.setattr(pieces, "groups_of", lambda inputs: [inputs])
    whole = pieces.make_statistics(inputs, params=params)
    assert len(pieces.groups_of(inputs)) == 1 and set(apart) == set(whole)
    for name in whole:
        for other in (apart, kept, again):
            pd.testing.assert_frame_equal(other[name][whole[name].columns], whole[name], obj=name)


def test_everything_a_piece_is_made_from_is_in_its_key(country):
    params, inputs = country

    def keys(inputs, params=params):
        maker = pieces.Maker(inputs, params=params, published={})
        then = maker.then()
        said = {"assessments": schema.ASSESSMENTS.empty(), "forecasts": schema.FORECASTS.empty()}
        made = then | maker.today(dict.fromkeys(then, said)) | maker.evidence()
        return {name: key for name, (key, _task) in made.items()}

    before = keys(inputs)
    assert before == keys(inputs) and len(set(before.values())) == len(before) == 2 * (3 + 1 + 1)
    rows = inputs.observations.copy()
    row = np.flatnonzero((rows["indicator"] == "rate1") & (rows["unit"] == "00003"))[-1]
    rows.loc[row, "value"] += 1e-12
    moved = {name for name, key in keys(dataclasses.replace(inputs, observations=rows)).items() if key != before[name]}
    assert moved == {"today 1", "evidence rate1"}
    target = inputs.targets[0].model_copy(update={"threshold": 0.7})
    other = dataclasses.replace(inputs, targets=(target, *inputs.targets[1:]))
    moved = {name for name, key in keys(other).items() if key != before[name]}
    then = {name for name in before if name.startswith("then ") and name.endswith(" 0")}
    assert moved == {"today 0", "evidence rate0", *then} and len(then) == 3
    units = inputs.units.assign(parent=["" for _ in range(len(inputs.units))])
    renamed = inputs.indicators.assign(better="down")
    for changed in (dataclasses.replace(inputs, units=units), dataclasses.replace(inputs, indicators=renamed)):
        assert not set(keys(changed).values()) & set(before.values())
    for update in ({"seed": 2}, {"n_paths": 999}, {"hysteresis_margin": 0.01}, {"horizon_periods": 16}):
        assert not set(keys(inputs, params.model_copy(update=update)).values()) & set(before.values())
    same = params.model_copy(update={"language": "en", "title_vi": "x", "max_failed_share": 0.5})
    assert keys(inputs, same) == before


def test_parts_are_joined_in_the_order_of_the_key():
    rows = [("a", "x", "T"), ("a", "y", "T"), ("b", "x", "T"), ("b", "y", "T")]
    frame = pd.DataFrame(rows, columns=["unit", "indicator", "cutoff"])
    frame = frame.loc[[0, 0, 1, 2, 2, 2, 3]].reset_index(drop=True)
    frame["horizon"] = [1, 2, 1, 1, 2, 3, 1]
    parts = [frame[frame["indicator"] == one].reset_index(drop=True) for one in "yx"]
    pd.testing.assert_frame_equal(pieces.join_tables(parts, name="forecasts"), frame)
