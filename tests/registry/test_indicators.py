"""The indicator file: every entry checked against its kind."""

import pytest

from analysis.registry.indicators import read_indicators
from analysis.words.errors import ParamsError
from intake.factory import INDICATOR, write_yaml


def said(tmp_path, *entries):
    path = write_yaml(tmp_path / "i.yml", {"indicators": list(entries)})
    with pytest.raises(ParamsError) as error:
        read_indicators(path)
    return [str(one).replace(str(path), "i.yml") for one in error.value.problems]


def test_the_order_of_the_file_is_kept(tmp_path):
    path = write_yaml(tmp_path / "i.yml", {"indicators": [INDICATOR | {"indicator": one} for one in ("b", "a")]})
    table = read_indicators(path)
    assert table["indicator"].tolist() == ["a", "b"] and table["order"].tolist() == [1, 0]
    assert table["maximum"].isna().all() and not table["cumulative"].any()


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"kind": "rank", "aggregation": "none"}, "`better: down` for a rank (1 is best)"),
        ({"kind": "level"}, "`aggregation: none` for a level: levels and ranks do not add up"),
        ({"maximum": 100}, "no `maximum` for a rate (it is 1)"),
        ({"season_length": 4}, "`season_length` 1, or the number of periods in a year"),
    ],
)
def test_what_does_not_fit_the_kind_is_refused(tmp_path, change, allowed):
    told = said(tmp_path, INDICATOR | change)
    assert len(told) == 1 and told[0].startswith("i.yml: indicator online: the keys do not fit together")
    assert f"Allowed: {allowed}. Correct one of them." in told[0]


def test_all_entries_are_told_at_once(tmp_path):
    assert said(tmp_path, INDICATOR, INDICATOR, INDICATOR | {"indicator": "b", "kind": "rat"}, "x") == [
        "i.yml: indicator online: this indicator occurs twice. Allowed: each once. Remove one of them.",
        "i.yml: indicator b: kind: found 'rat'. Allowed: rate, count, level, rank. Did you mean 'rate'?",
        "i.yml: indicator 4: found str 'x'. Allowed: a mapping of keys to values. Write it as `key: value` lines.",  # noqa: E501
    ]


def test_a_file_without_the_list_is_told(tmp_path):
    path = write_yaml(tmp_path / "i.yml", {"indicator": []})
    with pytest.raises(
        ParamsError, match="the list of indicators is missing. Allowed: the one key `indicators`, a list"
    ):
        read_indicators(path)
