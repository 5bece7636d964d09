"""Sentences: the eight words, hedges with their number, quantities with their unit."""

import math
import re
from pathlib import Path
from types import SimpleNamespace as Row

import pytest

from analysis.briefing import wording
from analysis.words.schema import STATUSES

RATE = Row(kind="rate", unit_vi="%", unit_en="%", better="up")
COUNT = Row(kind="count", unit_vi="tài khoản", unit_en="accounts", better="up")
SCORE = Row(kind="level", unit_vi="điểm", unit_en="points", better="up")
RANK = Row(kind="rank", unit_vi="hạng", unit_en="place", better="down")


def test_the_eight_statuses_in_both_languages():
    assert {one: (wording.status_word(one, "vi"), wording.status_word(one, "en")) for one in STATUSES} == {
        "met": ("Đã đạt", "Met"),
        "holding": ("Đang đạt, giữ được", "Holding"),
        "on_track": ("Đúng lộ trình", "On track"),
        "likely": ("Có khả năng đạt", "Likely"),
        "at_risk": ("Nguy cơ không hoàn thành", "At risk"),
        "unlikely": ("Khó hoàn thành", "Unlikely"),
        "missed": ("Không đạt", "Missed"),
        "not_assessable": ("Chưa đủ cơ sở đánh giá", "Not assessable"),
    }


def test_every_status_has_its_own_icon_and_short_word():
    assert len({wording.ICONS[one] for one in STATUSES}) == len({wording.SHORT_WORDS[one] for one in STATUSES}) == 8


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.72, "about 7 in 10"),
        (0.5, "about 5 in 10"),
        (0.01, "about 1 in 100"),
        (0.99, "about 99 in 100"),
        (0.075, "about 1 in 10"),
        (0.0749, "about 7 in 100"),
        (0.925, "about 9 in 10"),
        (0.999, "about 99 in 100"),
        (math.nan, "–"),
    ],
)
def test_natural_frequencies(p, said):
    assert wording.say_chance(p, "en") == said


@pytest.mark.parametrize(
    ("value", "indicator", "vi", "en"),
    [
        (0.457, RATE, "45,7%", "45.7%"),
        (1473, COUNT, "1.473 tài khoản", "1,473 accounts"),
        (92.8, SCORE, "92,8 điểm", "92.8 points"),
        (90.0, SCORE, "90 điểm", "90 points"),
        (3, RANK, "3", "3"),
        (math.nan, RATE, "–", "–"),
    ],
)
def test_quantities_carry_their_unit(value, indicator, vi, en):
    assert (wording.quantity(value, indicator, "vi"), wording.quantity(value, indicator, "en")) == (vi, en)


def test_a_stated_threshold_prints_as_it_was_written():
    assert wording.quantity(0.8, RATE, "vi", stated=True) == "80%"
    assert wording.quantity(0.457, RATE, "vi", stated=True) == "45,7%"
    assert wording.quantity(0.8, RATE, "vi") == "80,0%"


def test_differences_of_shares_are_percentage_points():
    assert wording.difference(-0.0144, RATE, "vi") == "−1,4 điểm phần trăm"
    assert wording.difference(1200, COUNT, "en") == "+1,200 accounts"
    assert wording.difference(0.3, SCORE, "vi", signed=False) == "0,3 điểm"


GOAL = dict(kind="level_at", operator=">=", threshold=0.8, deadline="2025-12")


@pytest.mark.parametrize(
    ("change", "indicator", "target", "vi"),
    [
        ({}, RATE, None, "tối thiểu 80% vào tháng 12/2025"),
        ({"operator": ">"}, RATE, None, "trên 80% vào tháng 12/2025"),
        ({"operator": "<="}, RATE, None, "không quá 80% vào tháng 12/2025"),
        ({"operator": "<"}, RATE, None, "dưới 80% vào tháng 12/2025"),
        ({"kind": "rank_le", "threshold": 3}, RANK, None, "thuộc nhóm 3 dẫn đầu vào tháng 12/2025"),
        (
            {"kind": "sustained_from"},
            RATE,
            Row(start="2023-09", k=math.nan, n=math.nan),
            "tối thiểu 80% ở mọi kỳ từ tháng 9/2023",
        ),
        ({"kind": "tasks_k_of_n", "threshold": math.nan}, None, Row(k=46, n=126, start=""), "46/126 vào tháng 12/2025"),
        ({"kind": "tasks_k_of_n", "threshold": math.nan, "deadline": ""}, None, None, "hoàn thành toàn bộ nhiệm vụ"),
        ({"kind": "directional", "threshold": math.nan, "deadline": ""}, RATE, None, "tăng (văn bản không nêu số)"),
        (
            {"kind": "directional", "threshold": math.nan, "deadline": ""},
            RANK,
            None,
            "nâng hạng (văn bản không nêu số)",
        ),
        ({"kind": "score_ge", "threshold": math.nan, "deadline": ""}, None, None, "tăng (văn bản không nêu số)"),
        ({"kind": "coverage_all", "threshold": 1.0}, RATE, Row(n=math.nan), "đủ toàn bộ danh mục vào tháng 12/2025"),
        (
            {"kind": "coverage_all", "threshold": math.nan, "deadline": ""},
            COUNT,
            Row(n=25),
            "đủ cả 25 mục trong danh mục",
        ),
        (
            {"kind": "tasks_k_of_n", "threshold": math.nan},
            None,
            Row(n=126),
            "hoàn thành cả 126 nhiệm vụ vào tháng 12/2025",
        ),
        ({"kind": "indicators_k_of_n", "threshold": math.nan}, None, Row(n=12), "đạt cả 12 chỉ tiêu vào tháng 12/2025"),
        (
            {"kind": "conditional", "threshold": math.nan, "deadline": ""},
            RATE,
            Row(n=math.nan, condition_vi="bộ, ngành công bố"),
            "đủ toàn bộ danh mục, sau khi bộ, ngành công bố",
        ),
        ({}, RATE, Row(upper=0.95), "từ 80% đến 95% vào tháng 12/2025"),
        (
            {"kind": "sustained_from"},
            RATE,
            Row(start="2026-01", reading="cumulative"),
            "tối thiểu 80% tính chung cả thời gian từ tháng 1/2026",
        ),
        (
            {"kind": "sustained_from"},
            RATE,
            Row(start="2026-01", reading="rolling_3"),
            "tối thiểu 80% tính gộp ba kỳ liền bất kỳ từ tháng 1/2026",
        ),
        (
            {"kind": "cumulative_count", "threshold": math.nan},
            COUNT,
            None,
            "theo số giao từng đơn vị vào tháng 12/2025",
        ),
    ],
)
def test_goals_of_every_kind(change, indicator, target, vi):
    assert wording.say_goal(Row(**{**GOAL, **change}), indicator, "vi", target) == vi


def test_a_probability_is_said_with_its_frequency_or_with_the_reason_it_is_missing():
    open_row = Row(status="at_risk", settled=False, p_attain=0.31, reason="")
    assert wording.say_chance_of(open_row, "en") == "probability 31%, about 3 in 10"
    unknown = Row(status="not_assessable", settled=False, p_attain=math.nan, reason="too_few_points")
    assert wording.say_chance_of(unknown, "vi") == "quá ít kỳ số liệu"
    assert wording.say_chance_of(Row(status="met", settled=True, p_attain=1.0, reason=""), "vi") == "đã có kết quả"


def test_an_unknown_code_is_shown_and_not_hidden():
    assert wording.reason_word("odd_reason", "vi") == "odd reason"
    assert wording.level_word("hamlet", "vi") == "Hamlet"


def test_lists_are_joined_as_a_sentence_does():
    assert [wording.list_of(one, "vi") for one in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a và b",
        "a, b và c",
    ]


def test_every_reason_of_an_assessment_has_its_words():
    """Codes stand as text in the events; each is a sentence on a page."""
    folder = Path(wording.__file__).parents[1] / "attainment"
    written = set()
    for path in folder.rglob("*.py"):
        written |= set(re.findall(r'"((?:no|too|not|series|deadline|member|component|beyond|tasks)_[a-z_]+|break)"',
                                  path.read_text(encoding="utf-8")))  # fmt: skip
    codes = written - {"no_blank", "not_assessable", "tasks_k_of_n"}
    assert {"beyond_horizon", "component_missing", "tasks_unlisted", "no_baseline", "break"} <= codes
    assert {one for one in codes if one not in wording.REASONS} == set()
