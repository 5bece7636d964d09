import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.briefing.view import view_of
from analysis.publishing.downloads.texts import MAX_CELL, clean, each, guard, in_cell, run_title, shown

from .conftest import unguard

ANY_TEXT = st.text(alphabet=st.characters(), max_size=60)  # lone surrogates and control characters too


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "'", " =1", "\u00a0=1", "\t1", "\n1", "\uff1d1", "\uff201"])
def test_what_a_spreadsheet_could_run_gets_an_apostrophe(text):
    assert guard(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Xã A", ">=", "<= 5", "a=1", "1-1", "80%", "−1", "(1)"])
def test_other_texts_stay_as_they_are(text):
    assert guard(text) == text


@given(ANY_TEXT)
def test_guard_is_undone_exactly(text):
    assert unguard(guard(text)) == text


@given(ANY_TEXT)
def test_a_guarded_text_never_begins_like_a_formula(text):
    assert not re.match(r"\s*[=+\-@]", guard(text))


@given(ANY_TEXT)
def test_clean_text_fits_utf8_and_xml(text):
    from lxml import etree

    cleaned = clean(text)
    cleaned.encode("utf-8")
    element = etree.Element("a")
    element.text = cleaned  # lxml refuses what XML 1.0 cannot hold
    assert clean(cleaned) == cleaned


@given(ANY_TEXT)
def test_shown_text_is_one_line_without_direction_marks(text):
    line = shown(text, limit=20)
    assert len(line) <= 20
    assert not re.search("[\n\t\u202a-\u202e\u2066-\u2069]", line)


def test_plain_vietnamese_is_not_touched():
    assert clean("Xã Đắk Đoa – “ế ộ ữ”") == shown("Xã Đắk Đoa – “ế ộ ữ”") == "Xã Đắk Đoa – “ế ộ ữ”"


def test_a_cell_is_cut_at_the_limit_of_excel():
    assert len(in_cell("x" * (MAX_CELL + 1))) == MAX_CELL and in_cell("x" * MAX_CELL) == "x" * MAX_CELL


@given(st.lists(st.sampled_from(["=a", "b", "", "'c"])))
def test_each_is_the_same_as_one_by_one(values):
    assert each(values, guard).tolist() == [guard(one) for one in values]


@pytest.mark.parametrize(
    ("params", "expected"),
    [({"title_en": "E"}, "E"), ({"title_vi": "a\x00", "title_en": "E"}, "a\ufffd"), ({}, "factory")],
)
def test_the_title_falls_back_to_the_other_language_then_to_the_id(run, params, expected):
    assert run_title(view_of(dataclasses.replace(run, params=params), "vi")) == expected
