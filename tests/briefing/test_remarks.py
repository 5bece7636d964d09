"""Remarks: one line a kind, from one row of one table each; silent without the table."""

from dataclasses import replace
from types import SimpleNamespace as Row

import pandas as pd
import pytest

from analysis.briefing.parts import measure_of, speaks_of_series
from analysis.briefing.remarks import remarks
from analysis.briefing.view import view_of

TARGET = Row(unit="001", target="T", indicator="online", settled=False, p_attain=0.3, gap_cases=121.0)
KEY = {"unit": "001", "target": "T"}
CASES = {
    "readings": (
        [
            dict(reading="each_period", p=0.0, n_observed=9, n_broken=2, first_broken="2026-02", official=True),
            dict(reading="cumulative", p=0.9, n_observed=1, n_broken=0, first_broken="", official=False),
        ],
        "từng kỳ (cách tính chính thức): không giữ được ở 2/9 kỳ, lần đầu tháng 2/2026; tính lũy kế: xác suất 90%",
    ),
    "ranks": (
        [dict(rank_low=13.0, rank_high=21.0, n_peers=135, within_noise=18)],
        "dự kiến xếp hạng từ 13 đến 21 trong 135 đơn vị; 18 đơn vị sát nhau, chưa phân biệt được",
    ),
    "components": (
        [dict(component="online", weight=12.0, headroom=2.8), dict(component="digit", weight=22.0, headroom=6.74)],
        "còn nhiều điểm nhất: Số hóa hồ sơ, 6,7/22 điểm",
    ),
    "task_counts": (
        [dict(done_on_time=2, done_late=1, open_in_time=4, open_overdue=3)],
        "2 hoàn thành đúng hạn, 1 hoàn thành quá hạn, 4 chưa xong trong hạn, 3 quá hạn",
    ),
    "contributions": (
        [
            dict(part="A", place=2, pull=0.012, pull_cases=30.0),
            dict(part="B", place=1, pull=0.031, pull_cases=78.0),
            dict(part="C", place=3, pull=-0.01, pull_cases=-20.0),
        ],
        "bị kéo lại nhiều nhất bởi B (3,1 điểm phần trăm) và A (1,2 điểm phần trăm)",
    ),
    "k_of_n": ([dict(n_met_now=2, n_members=5, expected_met=2.38)], "hiện đạt 2/5, kỳ vọng 2,4"),
    "denominators": (
        [dict(share_of_quota=0.733, share_of_population=0.408)],
        "73,3% số giao; 40,8% số đủ điều kiện",
    ),
    "milestones": (
        [
            dict(period="2025-12", threshold=0.5, p=1.0, settled=True),
            dict(period="2026-12", threshold=0.65, p=0.61, settled=False),
        ],
        "mốc 65% vào tháng 12/2026: xác suất 61%",
    ),
    "scenarios": (
        [dict(scenario="gap_tenth", p_attain=0.78)],
        "xác suất nếu bù thêm một phần mười phần còn thiếu (13 trường hợp) so với dự báo: 78%",
    ),
}


MORE = {
    "components": (
        [
            dict(component="online", weight=12.0, headroom=2.8, points_gained=0.5),
            dict(component="digit", weight=22.0, headroom=6.74, points_gained=-0.9),
        ],
        "còn nhiều điểm nhất: Số hóa hồ sơ, 6,7/22 điểm; −0,4 điểm so với một quý trước, nhiều nhất do Số hóa hồ sơ "
        "(−0,9)",
    ),
    "task_counts": (
        [dict(done_on_time=2, done_late=1, open_in_time=4, open_overdue=3, expected_k=7.28, n=10, n_listed=10,
              p_all=0.124, n_blocking=3)],
        "2 hoàn thành đúng hạn, 1 hoàn thành quá hạn, 4 chưa xong trong hạn, 3 quá hạn; dự kiến xong 7,3/10; "
        "xong hết: 12%; 3 nhiệm vụ đang cản trở",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_a_line_says_more_where_the_table_knows_more(run, name):
    rows, said = MORE[name]
    table = pd.DataFrame([KEY | row for row in rows])
    assert remarks(view_of(replace(run, extra={name: table}), "vi"), TARGET) == [said]


@pytest.mark.parametrize("name", CASES)
def test_each_table_gives_its_line(run, name):
    rows, said = CASES[name]
    table = pd.DataFrame([KEY | row for row in rows])
    assert remarks(view_of(replace(run, extra={name: table}), "vi"), TARGET) == [said]


def test_no_table_no_remark(bare_run):
    assert remarks(view_of(bare_run, "vi"), TARGET) == []


@pytest.mark.parametrize("settled", [True, False])
def test_a_place_that_is_settled_or_has_no_forecast_is_not_expected(run, settled):
    nan = float("nan")
    table = pd.DataFrame([KEY | {"rank_low": 3.0, "rank_high": 3.0, "n_peers": 9, "within_noise": nan}])
    row = Row(**{**vars(TARGET), "settled": settled})
    assert remarks(view_of(replace(run, extra={"ranks": table}), "vi"), row) == []


def test_rows_of_other_units_and_targets_stay_out(run):
    table = pd.DataFrame(
        [{"unit": "002", "target": "T", "rank_low": 1, "rank_high": 2, "n_peers": 3, "within_noise": 0}]
    )
    assert remarks(view_of(replace(run, extra={"ranks": table}), "vi"), TARGET) == []


@pytest.mark.parametrize("change", [{"settled": True}, {"p_attain": 0.85}, {"p_attain": float("nan")}])
def test_levers_are_told_only_where_a_promise_is_in_doubt(run, change):
    table = pd.DataFrame([KEY | {"scenario": "gap_tenth", "p_attain": 0.9}])
    row = Row(**{**vars(TARGET), **change})
    assert remarks(view_of(replace(run, extra={"scenarios": table}), "vi"), row) == []


def test_a_reading_kept_so_far_is_said_too(run):
    table = pd.DataFrame(
        [KEY | dict(reading="each_period", p=0.7, n_observed=9, n_broken=0, first_broken="", official=True)]
    )
    assert remarks(view_of(replace(run, extra={"readings": table}), "en"), TARGET) == [
        "each period (official): met in every period so far (9)"
    ]


@pytest.mark.parametrize(
    ("kind", "indicator", "measure"),
    [
        ("rank_le", "score", ("rank", "down", "bậc", "")),
        ("tasks_k_of_n", "", ("count", "up", "nhiệm vụ", "nhiệm vụ")),
        ("indicators_k_of_n", "", ("count", "up", "chỉ tiêu", "")),
    ],
)
def test_numbers_of_other_quantities_are_not_the_indicators(run, kind, indicator, measure):
    view = view_of(run, "vi")
    row = Row(unit="001", target="T", kind=kind, indicator=indicator, current=3.0, current_period="2026-09")
    found = measure_of(view, row)
    assert (found.kind, found.better, view.text(found, "unit"), view.text(found, "denominator")) == measure
    assert not speaks_of_series(view, row)


def test_a_composite_is_recognised_by_its_value(run):
    view = view_of(run, "vi")
    history = view.history("001", "score")
    own = Row(
        unit="001", target="T", kind="score_ge", indicator="score", current=history.values[-1], current_period="2026-09"
    )
    other = Row(**{**vars(own), "current": 31.0})
    assert speaks_of_series(view, own) and not speaks_of_series(view, other)
    assert measure_of(view, own).maximum == 100 and measure_of(view, other).maximum != 100
