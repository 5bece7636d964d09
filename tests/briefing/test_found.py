"""What the checks found, in the page's language and numbers; what is not known is quoted, never half translated."""

import re

import pytest

from analysis.briefing.found import FORMS, found_words
from analysis.briefing.view import view_of

CASES = {
    "numerator 145 is above denominator 1310 (row 4541)": "tử số 145, mẫu số 1.310 (dòng 4.541)",
    "denominator 0 (row 39)": "mẫu số 0 (dòng 39)",
    "1 of 155 units missing, 0.3% of the base: 001": "thiếu 1/155 đơn vị, 0,3% mẫu số: Phường Pleiku",
    "missing from 2024-03 to 2024-05 (3 periods)": "thiếu từ 3/2024 đến 5/2024, số kỳ: 3",
    "last reported 2026-06": "báo cáo gần nhất 6/2026",
    "6 cases in the median period": "trung vị số hồ sơ mỗi kỳ: 6",
    "81.1169% -> 81.0501%: denominator 6482 -> 6533": "từ 81,12% xuống 81,05%, mẫu số từ 6.482 lên 6.533",
    "0.339623 -> 0.84252": "từ 34,0% sang 84,3%",
    "155 units start a new series: this definition is valid from 2025-07": (
        "155 đơn vị bắt đầu chuỗi số liệu mới: định nghĩa này áp dụng từ 7/2025"
    ),
    "4077 -> 3932": "từ 4.077 sang 3.932",
    "2 of 3 old units have no figure": "2/3 đơn vị cũ không có số liệu",
    "12 merged or divided units report themselves from here on": (
        "từ kỳ này 12 đơn vị sáp nhập hoặc chia tách tự báo cáo"
    ),
    "figures before 2025-07 are those of 'Xã Cũ A', 'Xã Cũ B'": "số liệu trước 7/2025 là của Xã Cũ A, Xã Cũ B",
    "an even part of 'Xã Cũ A'": "một phần chia đều của Xã Cũ A",
    "no figure in any source": "không nguồn nào có số liệu",
}


@pytest.mark.parametrize("text", CASES)
def test_a_known_finding_is_told_in_vietnamese(run, text):
    assert str(found_words(view_of(run, "vi"), text, indicator="online")) == CASES[text]


@pytest.mark.parametrize("text", CASES)
def test_the_english_has_the_same_figures_without_code(run, text):
    said = str(found_words(view_of(run, "en"), text, indicator="online"))
    assert "<code" not in said and "->" not in said
    digits = lambda one: sorted(re.findall(r"\d", one.replace("%", "")))
    if not re.search(r"\d\.\d{3,}|-\d\d", text):  # rounded or dated otherwise
        assert digits(said) == digits(text) or "Pleiku" in said


def test_every_form_has_its_case():
    for pattern, _message in FORMS:
        assert any(re.fullmatch(pattern, re.sub(r" \(row \d+\)$", "", text)) for text in CASES), pattern


def test_anything_else_is_quoted_as_it_stands_and_escaped(run):
    said = str(found_words(view_of(run, "vi"), "<b>abc</b>" + "x" * 200))
    assert said.startswith('<code lang="en">&lt;b&gt;abc') and len(said) < 160
    assert str(found_words(view_of(run, "vi"), "")) == ""
