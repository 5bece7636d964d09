"""Numbers, periods, dates: exactly as the source texts print them, and in step with Babel."""

import math

import pytest
from babel.numbers import format_decimal, format_percent
from hypothesis import given
from hypothesis import strategies as st

from analysis.briefing import locale
from analysis.words.errors import ParamsError


@pytest.mark.parametrize(
    ("printed", "vi", "en"),
    [
        (lambda language: locale.percent(21 / 46, language), "45,7%", "45.7%"),
        (
            lambda language: locale.percent(25 / 46, language),
            "54,3%",
            "54.3%",
        ),  # rounded once: not 54,4 by way of 54,35
        (lambda language: locale.number(1473, language), "1.473", "1,473"),
        (lambda language: locale.ratio(177, 177, language), "177/177", "177/177"),
        (lambda language: locale.ratio(1452, 1452, language), "1.452/1.452", "1,452/1,452"),
        (lambda language: locale.points(-0.0144, language, 2), "−1,44 điểm phần trăm", "−1.44 percentage points"),
        (lambda language: locale.number(92.83, language, 2), "92,83", "92.83"),
        (lambda language: locale.period("2023-Q3", language), "quý III/2023", "Q3 2023"),
        (lambda language: locale.period("2023-09", language), "tháng 9/2023", "September 2023"),
        (lambda language: locale.period("2025", language), "năm 2025", "2025"),
        (lambda language: locale.period("2023-09", language, short=True), "9/2023", "Sep 2023"),
        (lambda language: locale.date("2022-04-04", language), "04/4/2022", "4 April 2022"),
        (lambda language: locale.date("2024-02-11", language), "11/02/2024", "11 February 2024"),
        (lambda language: locale.date("2024-09-25", language), "25/9/2024", "25 September 2024"),
    ],
)
def test_the_source_texts_own_figures_print_as_they_stand_there(printed, vi, en):
    assert (printed("vi"), printed("en")) == (vi, en)


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_missing_number_is_a_dash_everywhere(missing):
    assert [one(missing, "vi") for one in (locale.number, locale.percent, locale.points)] == ["–"] * 3


@given(st.floats(-1e9, 1e9), st.integers(0, 3))
def test_numbers_agree_with_babel(value, digits):
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    for language in ("vi", "en"):
        ours = locale.number(value, language, digits).replace("−", "-")
        theirs = format_decimal(value, format=pattern, locale=language)
        if theirs.strip("-0.,"):  # Babel writes -0, we never do
            assert abs(_plain(ours, language) - _plain(theirs, language)) <= 1.01 * 10**-digits
            assert [one for one in ours if not one.isdigit()] == [one for one in theirs if not one.isdigit()]


def _plain(text, language):
    return float(text.replace(".", "").replace(",", ".") if language == "vi" else text.replace(",", ""))


def test_per_cent_is_written_as_babel_writes_it():
    for language in ("vi", "en"):
        assert locale.percent(0.457, language) == format_percent(0.457, format="#,##0.0%", locale=language)


def test_a_number_that_rounds_to_nothing_has_no_sign():
    assert locale.number(-0.0001, "vi", 1) == "0,0"


def test_a_text_that_is_no_period_or_date_stands_as_it_is():
    assert (locale.period("22.8", "vi"), locale.date("không ghi ngày", "vi"), locale.period("", "vi")) == (
        "22.8",
        "không ghi ngày",
        "–",
    )


def test_an_unknown_language_is_refused():
    with pytest.raises(ParamsError) as caught:
        locale.translator("fr")
    assert str(caught.value) == "language: 'fr' is not supported. Allowed: vi, en. Choose one of them."


def test_plurals_in_english_and_one_form_in_vietnamese():
    forms = ("and {n} other target", "and {n} other targets")
    assert [locale.translator("en").plural(*forms, n) for n in (1, 2)] == list(forms)
    assert {locale.translator("vi").plural(*forms, n) for n in (1, 2)} == {"và {n} chỉ tiêu khác"}


def test_markdown_is_translated_block_by_block_with_its_heading_marks():
    assert locale.translate_markdown("## Targets\n\nunknown text", "vi") == "## Các chỉ tiêu\n\nunknown text"
    assert locale.translate_markdown("## Targets", "en") == "## Targets"
