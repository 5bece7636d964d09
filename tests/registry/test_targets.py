"""All eleven kinds of target, what each must state, and what contradicts it."""

import numpy as np
import pandas as pd
import pytest

from analysis.registry.targets import KINDS, read_targets, targets_table, units_of
from analysis.words.errors import ParamsError
from analysis.words.schema import INDICATORS, UNITS, as_table
from intake.factory import write_yaml

UNITS_TABLE = as_table(
    pd.DataFrame(
        [
            ("VN", "", "nation"),
            ("52", "VN", "province"),
            ("79", "VN", "province"),
            ("001", "52", "commune"),
            ("002", "79", "commune"),
        ],
        columns=["unit", "parent", "level"],
    ),
    UNITS,
)
INDICATORS_TABLE = as_table(
    pd.DataFrame(
        {
            "indicator": ["online", "accounts", "clear", "speed"],
            "kind": ["rate", "count", "level", "level"],
            "frequency": "M",
        }
    ),
    INDICATORS,
)
COMMON = {"name_vi": "Chỉ tiêu", "name_en": "Target", "scope": "all"}
LEVEL = COMMON | {"kind": "level_at", "indicator": "online", "operator": ">=", "threshold": 0.8, "deadline": "2025-12"}
GOOD = {
    "level_at": LEVEL,
    "sustained_from": COMMON
    | {
        "kind": "sustained_from",
        "indicator": "online",
        "operator": ">",
        "threshold": 0.6,
        "start": "2023-09",
        "reading": "each_period",
    },
    "cumulative_count": COMMON
    | {
        "kind": "cumulative_count",
        "indicator": "accounts",
        "operator": ">=",
        "threshold": 0.5,
        "deadline": "2023-12-31",
        "of": "quota",
        "quota": {"001": 2068},
    },
    "coverage_all": COMMON | {"kind": "coverage_all", "indicator": "accounts", "n": 25},
    "tasks_k_of_n": COMMON | {"kind": "tasks_k_of_n", "k": 46, "n": 126, "deadline": "2022-06"},
    "rank_le": COMMON
    | {"kind": "rank_le", "indicator": "clear", "threshold": 10, "deadline": "2025-12", "peers": {"level": "province"}},
    "score_ge": COMMON
    | {
        "kind": "score_ge",
        "operator": ">=",
        "threshold": 90,
        "deadline": "2025-12",
        "total": 38,
        "version": "766-2022",
        "components": [{"indicator": "clear", "weight": 18}, {"indicator": "speed", "weight": 20}],
    },
    "relative_change": COMMON
    | {"kind": "relative_change", "indicator": "accounts", "operator": "<=", "threshold": -0.5},
    "indicators_k_of_n": COMMON | {"kind": "indicators_k_of_n", "n": 12, "k": 12},
    "directional": COMMON | {"kind": "directional", "indicator": "online", "start": "2023-09"},
    "conditional": COMMON
    | {
        "kind": "conditional",
        "condition_vi": "sau khi bộ triển khai",
        "condition_en": "after the ministry",
        "then": "coverage_all",
    },
}


def read(tmp_path, *entries):
    path = write_yaml(
        tmp_path / "t.yml",
        {"targets": [{"target": f"T{n}"} | one if isinstance(one, dict) else one for n, one in enumerate(entries)]},
    )
    return read_targets([path], indicators=INDICATORS_TABLE, units=UNITS_TABLE)


def said(tmp_path, *entries):
    with pytest.raises(ParamsError) as error:
        read(tmp_path, *entries)
    return [str(one).replace(str(tmp_path / "t.yml"), "t.yml") for one in error.value.problems]


def test_there_are_eleven_kinds_and_an_example_of_each():
    assert list(KINDS) == list(GOOD) and len(KINDS) == 11


@pytest.mark.parametrize("kind", [kind for kind in GOOD if kind != "score_ge"])
def test_a_good_entry_of_each_kind_is_read(tmp_path, kind):
    (target,) = read(tmp_path, GOOD[kind])
    assert target.kind == kind and type(target) is KINDS[kind]
    table = targets_table([target])
    assert table["target"].tolist() == ["T0"] and table["scope"].tolist() == ["all"]


def test_a_composite_of_points_is_read(tmp_path):
    (target,) = read(tmp_path, GOOD["score_ge"] | {"threshold": 30})
    assert target.weights == {"clear": 18, "speed": 20}


def test_weights_that_do_not_sum_and_a_threshold_above_the_total_are_refused(tmp_path):
    assert said(tmp_path, GOOD["score_ge"] | {"total": 100, "threshold": 101}) == [
        "t.yml: target T0: the keys do not fit together. Allowed: weights that sum to the total 100 (they sum to 38); a threshold of at most "  # noqa: E501
        "the total 100. Correct one of them."
    ]


def test_a_rank_without_a_peer_set_is_refused(tmp_path):
    entry = {key: value for key, value in GOOD["rank_le"].items() if key != "peers"}
    assert said(tmp_path, entry) == [
        "t.yml: target T0: peers: the key is missing. Add it; the README.md in params explains every key."
    ]


def test_peers_come_out_as_units(tmp_path):
    (target,) = read(tmp_path, GOOD["rank_le"])
    assert target.peers == ("52", "79")


@pytest.mark.parametrize(
    ("operator", "remedy"),
    [
        ("=>", "Did you mean '>='?"),
        ("≥", "Did you mean '>='?"),
        ("at_most", "Did you mean '<='?"),
        ("!", "Choose one of them."),
    ],
)
def test_an_unknown_operator_is_told_with_the_known_ones(tmp_path, operator, remedy):
    assert said(tmp_path, LEVEL | {"operator": operator}) == [
        f"t.yml: target T0: operator: the operator {operator!r} is not known. Allowed: >, >=, <, <=. {remedy}"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"kind": "level"},
            "kind: the kind 'level' is not known. Allowed: " + ", ".join(GOOD) + ". Did you mean 'level_at'?",
        ),
        (
            {"indicator": "onlin"},
            "indicator: there is no indicator 'onlin'. Allowed: 'accounts', 'clear', 'online', 'speed'. "
            "Did you mean 'online'?",
        ),
        (
            {"threshold": 80},
            "threshold: found 80, but the indicator is a rate. Allowed: a fraction between 0 and 1. "
            "Write 0.8 for 80 %.",
        ),
        (
            {"unit_thresholds": {"001": 0.7, "52": 90}},
            "unit_thresholds.52: found 90, but the indicator is a rate. "
            "Allowed: a fraction between 0 and 1. Write 0.9 for 90 %.",
        ),
        ({"scope": ["001", "0001"]}, "scope: there is no unit '0001'. Allowed: one of 5 codes. Did you mean '001'?"),
        (
            {"scope": {"level": "communes"}},
            "scope.level: no unit has the level 'communes'. Allowed: commune, nation, province. "
            "Did you mean 'commune'?",
        ),
        (
            {"deadline": "22.8"},
            "deadline: found '22.8'. Allowed: 2022-02 (month), 2022-Q1 (quarter), 2022 (year), or the last day "
            "of a month as 2022-02-28. Change the value.",
        ),
        (
            {"deadline": "2025-12-30"},
            "deadline: found '2025-12-30'. Allowed: 2022-02 (month), 2022-Q1 (quarter), 2022 (year), or "
            "the last day of a month as 2022-02-28. Change the value.",
        ),
        (
            {"start": "2026-01"},
            "the keys do not fit together. Allowed: a deadline on or after the start 2026-01. Correct one of them.",
        ),
        (
            {"milestones": [{"period": "2026-06", "threshold": 0.9}]},
            "the keys do not fit together. Allowed: milestones on or before the deadline 2025-12. Correct one of them.",
        ),
        (
            {"inferred": ["dedline"]},
            "the keys do not fit together. Allowed: names of this target's keys in `inferred`, not dedline. Correct one of them.",  # noqa: E501
        ),
        ({"replaces": "T9"}, "replaces: there is no target 'T9'. Allowed: one of 1 codes. Check the code."),
        (
            {"upper": 0.5},
            "the keys do not fit together. Allowed: an `upper` of at least the threshold, with the operator >=. Correct one of them.",  # noqa: E501
        ),
    ],
)
def test_a_mistake_is_told_with_its_remedy(tmp_path, change, message):
    place = "t.yml: target T0: "
    assert said(tmp_path, LEVEL | change) == [place + message]


@pytest.mark.parametrize(
    ("kind", "change", "allowed"),
    [
        ("cumulative_count", {"quota": {}}, "a `quota` {unit: number} for `of: quota`"),
        ("tasks_k_of_n", {"k": 127}, "k of at most n = 126"),
        ("relative_change", {"operator": ">="}, "an operator that points where the change points (-0.5 with <=)"),
        ("relative_change", {"baseline": 4, "baseline_period": "2022"}, "one of `baseline` and `baseline_period`"),
        ("indicators_k_of_n", {"members": ["T0"]}, "n = 1, the number of members"),
        ("conditional", {"then": "level_at"}, "an operator and a threshold for `then: level_at`, and only there"),
        ("relative_change", {"threshold": 0.5, "operator": ">=", "upper": 0.6},
         "`upper` with the kinds level_at, sustained_from only"),
        ("level_at", {"upper": 0.9, "unit_thresholds": {"001": 0.95}}, "unit_thresholds of at most `upper` 0.9"),
        ("indicators_k_of_n", {"milestones": [{"period": "2024-06", "threshold": 6}]},
         "no milestones for the kind indicators_k_of_n"),
        ("directional", {"valid_from": "2024-01-02", "valid_to": "2024-01-01"}, "valid_from on or before valid_to"),
    ],
)  # fmt: skip
def test_a_kind_refuses_what_does_not_fit_it(tmp_path, kind, change, allowed):
    told = said(tmp_path, GOOD[kind] | change)
    assert len(told) == 1 and f"Allowed: {allowed}. Correct one of them." in told[0]


def test_a_wish_may_not_carry_a_number(tmp_path):
    told = said(tmp_path, GOOD["directional"] | {"threshold": 0.5})
    assert told == ["t.yml: target T0: threshold: found 0.5. Allowed: nothing: this kind has none. Remove it."]


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"operator": "<", "threshold": 0.5}, "< 0.5 contradicts target 'T0' (>= 0.8) (unit '001' and 4 more)"),
        ({"operator": "<", "threshold": 0.8}, "< 0.8 contradicts target 'T0' (>= 0.8) (unit '001' and 4 more)"),
        ({}, "it repeats target 'T0' (>= 0.8) (unit '001' and 4 more)"),
        (
            {"operator": "<=", "threshold": 0.9, "unit_thresholds": {"79": 0.7}},
            "<= 0.7 contradicts target 'T0' (>= 0.8) (unit '79' and 4 more)",
        ),
    ],
)
def test_promises_that_cannot_be_kept_together_are_refused(tmp_path, other, found):
    assert said(tmp_path, LEVEL, LEVEL | other) == [
        f"t.yml: target T1: {found}. Allowed: promises that can be kept together, each stated once. "
        "Correct one, or end it with `valid_to` and let the other `replaces` it."
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"threshold": 0.9},  # a higher step of the same promise
        {"operator": "<=", "threshold": 0.8},  # exactly 0.8 keeps both
        {"operator": "<", "threshold": 0.5, "deadline": "2024-12"},
        {"scope": ["79"], "valid_from": "2024-01-01", "replaces": "T0"},
    ],
)
def test_promises_that_can_be_kept_together_are_read(tmp_path, other):
    first = LEVEL | ({"valid_to": "2023-12-31"} if "replaces" in other else {})
    assert len(read(tmp_path, first, LEVEL | other)) == 2


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("score_ge", {"total": 20, "components": [{"indicator": "speed", "weight": 20}]}),
        ("cumulative_count", {"of": "eligible"}),
        ("relative_change", {"baseline_period": "2023-12"}),
        ("rank_le", {"peers": {"level": "commune"}}),
    ],
)
def test_the_same_number_of_another_event_is_another_promise(tmp_path, kind, other):
    entry = GOOD[kind] | {"threshold": 20} if kind == "score_ge" else GOOD[kind]
    assert len(read(tmp_path, entry, entry | other)) == 2
    assert "it repeats target 'T0'" in said(tmp_path, entry, entry)[0]


@pytest.mark.parametrize(("operator", "threshold"), [(">", 1), ("<", 0)])
def test_a_threshold_that_no_share_can_meet_is_refused(tmp_path, operator, threshold):
    assert said(tmp_path, LEVEL | {"operator": operator, "threshold": threshold}) == [
        f"t.yml: target T0: threshold: no share is {operator} {threshold}. "
        f"Allowed: a threshold that a share can meet. Write the operator '{operator}='."
    ]


@pytest.mark.parametrize(("deadline", "n_periods"), [("2023-10", 2), ("2023-11", 3), ("2023", 4)])
def test_three_periods_lie_between_the_start_and_the_deadline_of_a_target_read_by_threes(tmp_path, deadline, n_periods):
    entry = GOOD["sustained_from"] | {"reading": "rolling_3", "deadline": deadline}
    if n_periods >= 3:
        assert len(read(tmp_path, entry)) == 1
    else:
        assert said(tmp_path, entry) == [
            f"t.yml: target T0: deadline: {n_periods} of the indicator's periods from 2023-09 to {deadline}. "
            "Allowed: at least three for `reading: rolling_3`. Take another reading."
        ]


def test_nothing_is_better_than_itself(tmp_path):
    [problem] = said(tmp_path, GOOD["directional"] | {"deadline": "2023-09"})
    assert "a deadline after the start 2023-09" in problem


def test_a_target_that_replaces_another_ends_it(tmp_path):
    assert said(tmp_path, LEVEL, LEVEL | {"threshold": 0.9, "replaces": "T0"}) == [
        "t.yml: target T1: it replaces 'T0', and both hold on the same days. "
        "Allowed: the old one's valid_to before the new one's valid_from. State both dates."
    ]


def test_a_code_stands_once_over_all_files(tmp_path):
    one = write_yaml(tmp_path / "a.yml", {"targets": [LEVEL | {"target": "X"}]})
    other = write_yaml(tmp_path / "b.yml", {"targets": [LEVEL | {"target": "X", "threshold": 0.9}]})
    with pytest.raises(ParamsError) as error:
        read_targets([one, other], indicators=INDICATORS_TABLE, units=UNITS_TABLE)
    assert str(error.value) == (
        f"{other}: target X: the code occurs twice (also in {one}: target X). Allowed: each code once. "
        "Give the new promise its own code."
    )


def test_all_mistakes_of_all_entries_are_told_at_once(tmp_path):
    told = said(
        tmp_path, LEVEL | {"indicator": "x"}, LEVEL | {"operator": "=", "deadine": "2025"}, "text", {"kind": "level_at"}
    )
    assert len(told) == 11
    assert told[0].startswith("t.yml: target T1: operator: the operator '=' is not known")
    assert told[-1].startswith("t.yml: target T0: indicator: there is no indicator 'x'")


def test_scopes_name_units(tmp_path):
    scopes = ["all", ["79", "001"], {"level": "province"}, {"level": "commune", "within": "52"}]
    found = [units_of(read(tmp_path, LEVEL | {"scope": scope})[0], UNITS_TABLE) for scope in scopes]
    assert found == [["001", "002", "52", "79", "VN"], ["001", "79"], ["52", "79"], ["001"]]


def test_the_table_holds_what_the_schema_names(tmp_path):
    entries = [
        LEVEL | {"inferred": ["deadline"], "scope": {"level": "commune", "within": "52"}},
        GOOD["relative_change"] | {"baseline": {"52": 4}},
    ]
    table = targets_table(read(tmp_path, *entries))
    assert table["order"].tolist() == [0, 1]
    assert table["scope"].tolist() == ["level:commune within:52", "all"]
    assert table["inferred"].tolist() == ["deadline", ""]
    assert table["threshold"].tolist() == [0.8, -0.5] and np.isnan(table["baseline"]).all()
    assert len(targets_table([])) == 0


def test_a_file_without_the_list_is_told(tmp_path):
    path = write_yaml(tmp_path / "t.yml", {"target": []})
    with pytest.raises(ParamsError, match="the list of targets is missing. Allowed: the one key `targets`, a list"):
        read_targets(path, indicators=INDICATORS_TABLE, units=UNITS_TABLE)
