import dataclasses
import re

import pytest

from analysis.briefing.view import view_of
from analysis.publishing.downloads import docx as report
from analysis.publishing.downloads.docx import build_report

from .conftest import NASTY, about


def text_of(made):
    pieces = [made.title, made.period, made.note]
    for section in made.sections:
        pieces += [
            section.heading,
            *section.sentences,
            *section.items,
            *(cell for row in section.table for cell in row),
        ]
    return "\n".join(pieces)


@pytest.fixture(scope="module")
def ward(run):
    return view_of(about(run, "001"), "vi")


def test_the_report_of_the_overview_has_the_four_parts(view):
    made = build_report(view)
    assert made.title.endswith("Tỉnh Gia Lai")
    assert [one.heading[:2] for one in made.sections] == ["1.", "2.", "3.", "4."]


def test_where_there_are_no_other_units_there_is_no_list_of_them(ward):
    made = build_report(ward)
    assert [one.heading[:2] for one in made.sections] == ["1.", "2.", "3."] and not any(
        one.items for one in made.sections
    )


def test_the_targets_most_in_doubt_come_first_with_the_figures_of_the_table(ward):
    header, *rows = build_report(ward).sections[1].table
    assert len(header) == 5 and 3 <= len(rows) <= 8
    assessed = {ward.target_name(row.target): row for row in ward.assessed("001")}
    ranks = [report.ORDER.index(assessed[row[0]].status) for row in rows]
    assert ranks == sorted(ranks)
    for row in rows:
        p = assessed[row[0]].p_attain
        if assessed[row[0]].status in ("likely", "on_track", "holding"):
            assert row[1].endswith(f", {100 * p:.0f}%")


def test_a_settled_target_has_a_status_and_no_probability(ward):
    rows = {row[0]: row for row in build_report(ward).sections[1].table}
    assert rows["Duy trì trên 60% hồ sơ trực tuyến"][1] == "✕ Không đạt"


def test_changes_are_counted_from_the_assessments(ward):
    known = [row for row in ward.assessed("001") if row.status in report.RANKS and row.previous_status in report.RANKS]
    moved = [report.RANKS[row.previous_status] - report.RANKS[row.status] for row in known]
    said = build_report(ward).sections[-1].sentences[0]
    numbers = [int(one) for one in re.findall(r"\d+", said)[:3]]
    assert numbers == [sum(one > 0 for one in moved), sum(one < 0 for one in moved), moved.count(0)]


def test_without_an_earlier_quarter_it_says_so(run):
    fresh = dataclasses.replace(run, assessments=run.assessments.assign(previous_status=""))
    assert build_report(view_of(fresh, "en")).sections[-1].sentences == ["There is no earlier quarter to compare with."]


def test_a_unit_without_targets_says_so(run):
    made = build_report(view_of(about(run, "64-D2"), "en"))
    assert made.sections[1].sentences == ["This unit has no target in this run."] and made.sections[1].table == []


def test_both_languages_state_the_same_numbers(run):
    for shown in (run, *(about(run, unit) for unit in ("001", "004", "999"))):
        view, english = view_of(shown, "vi"), view_of(shown, "en")
        figures = lambda made: sorted(
            re.findall(r"\d+", re.sub(r"(?<=\d)[.,](?=\d{3}\b)", "", text_of(made)).replace(",", "."))
        )
        vietnamese, in_english = figures(build_report(view)), figures(build_report(english))
        months = {"Dec": "12", "Mar": "3", "Jun": "6", "Sep": "9"}
        text = text_of(build_report(english))
        for name, month in months.items():  # a month is a word in English and a number in Vietnamese
            in_english += [month] * len(re.findall(rf"\b{name}\w* \d{{4}}", text))
        assert sorted(in_english) == vietnamese


def test_no_name_runs_over_its_place_or_turns_the_line(nasty):
    for shown in (nasty, *(about(nasty, unit) for unit in NASTY)):
        text = text_of(build_report(view_of(shown, "vi")))
        assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text) and len(text) < 6000


def test_a_rank_is_counted_in_places_whatever_the_indicator_is_measured_in(run):
    """A place computed from a score: the score's unit must not follow the place."""
    rows = run.assessments.copy()
    rows.loc[rows["target"] == "RANK-3", ["indicator", "current", "gap", "operator"]] = ["score", 48.0, 45.0, "<="]
    rows.loc[rows["target"] == "RANK-3", ["status", "settled", "attained_now"]] = ["unlikely", False, False]
    view = view_of(about(dataclasses.replace(run, assessments=rows), "001"), "vi")
    cells = {row[0]: row for row in build_report(view).sections[1].table}["Thuộc nhóm 3 đơn vị dẫn đầu"]
    assert (cells[2], cells[4]) == ("48", "kém 45 hạng")


@pytest.mark.parametrize(
    ("operator", "said"), [("<=", "vượt 120 hồ sơ trực tuyến"), (">=", "thiếu 120 hồ sơ trực tuyến")]
)
def test_a_promise_to_stay_below_is_exceeded_not_missing(run, operator, said):
    rows = run.assessments.copy()
    here = (rows["target"] == "GL-FULL-80") & (rows["unit"] == "001")
    rows.loc[here, ["operator", "gap", "gap_cases", "status"]] = [operator, 0.1, 120.0, "unlikely"]
    rows.loc[here, ["settled", "attained_now"]] = [False, False]
    view = view_of(about(dataclasses.replace(run, assessments=rows), "001"), "vi")
    assert build_report(view).sections[1].table[1][4] == said
