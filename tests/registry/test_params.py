"""One params file: what it holds, and every mistake told at once."""

import pytest

from analysis.registry.params import project_root, read_params
from analysis.words.errors import ParamsError
from intake.factory import PARAMS, write_project, write_yaml


def said(path, **options):
    with pytest.raises(ParamsError) as error:
        read_params(path, **options)
    return [str(one).replace(str(path), "small.yml") for one in error.value.problems]


def test_a_complete_file_is_read(tmp_path):
    params = read_params(write_project(tmp_path))
    assert (
        params.run_id == "small" and params.cut_points.on_track == 0.8 and params.sources == ("params/sources/dvc.yml",)
    )
    assert not params.publish.scorecard
    assert project_root(tmp_path / "params/small.yml") == tmp_path


def test_period_and_language_replace_what_the_file_says(tmp_path):
    params = read_params(write_project(tmp_path), period="2026Q3", language="en")
    assert (params.cutoff, params.language) == ("2026-Q3", "en")
    assert said(tmp_path / "params/small.yml", language="fr") == [
        "small.yml: language: found 'fr'. Allowed: vi, en. Choose one of them."
    ]


def test_every_mistake_is_told_at_once(tmp_path):
    path = write_project(tmp_path)
    raw = PARAMS | {"horizn_periods": 3, "seed": "x", "language": "vn", "cutoff": "22.8", "publish": {"unitt": True}}
    del raw["model"]
    write_yaml(path, raw)
    told = said(path)
    assert "small.yml: horizn_periods: the key 'horizn_periods' is not known. Allowed: " in told[-1]
    assert told[-1].endswith("Did you mean 'horizon_periods'?")
    assert [one.split(". ")[0] for one in told[:-1]] == [
        "small.yml: language: found 'vn'",
        "small.yml: cutoff: found '22.8'",
        "small.yml: model: the key is missing",
        "small.yml: seed: found 'x'",
        "small.yml: publish.unit: the key is missing",
        "small.yml: publish.overview: the key is missing",
        "small.yml: publish.forecast: the key is missing",
        "small.yml: publish.unitt: the key 'unitt' is not known",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"interval_levels": [80]}, "small.yml: interval_levels.0: found 80. Allowed: less than 1. Change the value."),
        (
            {"cut_points": {"on_track": 0.5, "likely": 0.5, "at_risk": 0.2}},
            "small.yml: cut_points: the keys do not fit together. Allowed: 1 > on_track > likely > at_risk > 0. "
            "Correct one of them.",
        ),
        (
            {"max_failed_share": 2},
            "small.yml: max_failed_share: found 2. Allowed: less than or equal to 1. Change the value.",
        ),
        ({"model": "prophet"}, "small.yml: model: found 'prophet'. Allowed: ensemble. Choose one of them."),
        (
            {"run_id": "../x"},
            "small.yml: run_id: found '../x'. Allowed: text like ^[a-z0-9][a-z0-9_.-]{0,63}$. Change the value.",
        ),
        (
            {"run_id": "other"},
            "small.yml: run_id: found 'other'. Allowed: the file's own name, 'small'. "
            "Rename the file or the run; one file is one run.",
        ),
        ({"sources": []}, "small.yml: sources: found nothing. Allowed: at least 1 entries. Change the value."),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(tmp_path, change, message):
    path = write_project(tmp_path, params=change)
    assert said(path) == [message]


def test_files_that_are_not_there_are_all_told(tmp_path):
    path = write_project(tmp_path, params={"targets": ["params/a.yml", "params/b.yml"], "units": "params/c.csv"})
    assert said(path) == [
        f"small.yml: targets: there is no file 'params/a.yml'. Allowed: a path from {tmp_path}. Check the path.",
        f"small.yml: targets: there is no file 'params/b.yml'. Allowed: a path from {tmp_path}. Check the path.",
        f"small.yml: units: there is no file 'params/c.csv'. Allowed: a path from {tmp_path}. Check the path.",
    ]


def test_a_file_that_is_no_mapping_is_told(tmp_path):
    path = write_yaml(tmp_path / "params/small.yml", ["a"])
    assert said(path) == [
        "small.yml: list \"['a']\" stands here. Allowed: a mapping of keys to values. Write it as `key: value` lines."
    ]
