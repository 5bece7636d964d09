"""Source files: what each must state, and every shipped one."""

from pathlib import Path

import pytest

from analysis.registry.indicators import read_indicators
from analysis.registry.sources import SourceParams, read_source
from analysis.words.errors import ParamsError
from intake.factory import SOURCE, write_yaml

ROOT = Path(__file__).parents[2]


def said(tmp_path, change):
    path = write_yaml(tmp_path / "dvc.yml", SOURCE | change)
    with pytest.raises(ParamsError) as error:
        read_source(path)
    return [str(one).replace(str(path), "dvc.yml") for one in error.value.problems]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vintage": None}, "the keys do not fit together. Allowed: either `vintage: 2022-03-10` or {vintage} in `path`, one of the two. "  # noqa: E501
         "Correct one of them."),
        ({"measures": [{"value": "x"}]}, "the keys do not fit together. Allowed: an `indicator` in every measure, or "
         "`columns.indicator`. Correct one of them."),
        ({"query": "SELECT 1"}, "the keys do not fit together. Allowed: `query` for format sql, and only there. Correct one of them."),  # noqa: E501
        ({"measures": [{"indicator": "a"}]}, "measures.0: the keys do not fit together. Allowed: `value`, or `numerator` and "  # noqa: E501
         "`denominator`. Correct one of them."),
        ({"tree": [{"level": "x"}]}, "tree.0: the keys do not fit together. Allowed: either `code` (one unit) or `column` (a code for "  # noqa: E501
         "each row), not both. Correct one of them."),
        ({"numbers": "vn"}, "numbers: found 'vn'. Allowed: plain, vi, en. Choose one of them."),
        ({"columns": {"unit": "u", "perod": "p", "period": "p"}}, "columns.perod: the key 'perod' is not known. Allowed: unit, period, "  # noqa: E501
         "indicator, unit_name, unit_name_en, parent, level. Did you mean 'period'?"),
        ({"corrections": [{"where": {"a": "b"}, "set": {"a": "c"}, "expect": 0, "reason": "x"}]},
         "corrections.0.expect: found 0. Allowed: greater than or equal to 1. Change the value."),
        ({"vintage": "5/4/2024"}, "vintage: found '5/4/2024'. Allowed: a date as 2022-08-09. Change the value."),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_is_allowed(tmp_path, change, message):
    assert said(tmp_path, change)[0] == f"dvc.yml: {message}"


@pytest.mark.parametrize("path", sorted((ROOT / "params/sources").glob("*.yml")), ids=lambda path: path.stem)
def test_every_shipped_source_is_good(path):
    assert read_source(path).source.replace("_", "-") == path.stem.replace("_", "-")


@pytest.mark.parametrize("path", sorted((ROOT / "data/reference").glob("indicators_*.yml")), ids=lambda path: path.stem)
def test_every_shipped_indicator_file_is_good(path):
    assert len(read_indicators(path))


def test_the_readme_explains_every_key():
    text = (ROOT / "params/sources/README.md").read_text(encoding="utf-8")
    assert [one for one in SourceParams.model_fields if f"`{one}`" not in text] == []


def test_the_params_readme_explains_every_key():
    from analysis.registry.indicators import Indicator
    from analysis.registry.params import RunParams

    text = (ROOT / "params/README.md").read_text(encoding="utf-8")
    assert [one for model in (RunParams, Indicator) for one in model.model_fields if f"`{one}`" not in text] == []


def test_the_targets_readme_explains_every_key_and_kind():
    from analysis.registry.kinds import KINDS

    text = (ROOT / "params/targets/README.md").read_text(encoding="utf-8")
    keys = {one for model in KINDS.values() for one in model.model_fields} | set(KINDS)
    assert sorted(one for one in keys if f"`{one}`" not in text) == []
