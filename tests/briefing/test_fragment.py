"""Fragments: what they carry, that nothing from data becomes markup, that tables can be walked by a screen reader."""

import hashlib

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from analysis.briefing.fragment import (
    FRAGMENT_MIME,
    PAGE_MIME,
    Fragment,
    clean_text,
    details,
    name_html,
    table,
    tag,
)
from analysis.words.errors import PublishError


def test_a_fragment_carries_its_kind_and_the_hash_of_its_own_html():
    bundle = Fragment("<p>ế</p>", "note", "ế")._repr_mimebundle_()
    assert bundle["text/plain"] == "ế"
    assert bundle[FRAGMENT_MIME] == {"kind": "note", "sha256": hashlib.sha256("<p>ế</p>".encode()).hexdigest()}
    assert PAGE_MIME not in bundle


def test_only_the_closing_fragment_speaks_of_the_page():
    bundle = Fragment("", "page", "t", {"schema": 1})._repr_mimebundle_()
    assert bundle[PAGE_MIME] == {"schema": 1}


def test_an_unknown_kind_is_refused_with_the_kinds_there_are():
    with pytest.raises(PublishError) as caught:
        Fragment("", "chrt")
    assert str(caught.value) == (
        "Fragment: kind 'chrt' is not known. Allowed: sentence, table, chart, note, banner, provenance, page. "
        "Use one of them."
    )


@given(st.text())
def test_whatever_the_data_says_stays_text(value):
    html = str(tag("td", value, title=value)) + str(name_html(value)) + str(table(value, [value], [[value]]))
    names = {one.name for one in BeautifulSoup(html, "html.parser").find_all(True)}
    assert names <= {"td", "bdi", "div", "table", "caption", "thead", "tbody", "tr", "th"}


def test_lone_surrogates_and_control_characters_become_replacement_characters():
    assert clean_text("a\ud800\x07b\nc") == "a\ufffd\ufffdb\nc"
    Fragment("\udfff", "note")._repr_mimebundle_()["text/html"].encode("utf-8")


def test_every_header_of_a_table_has_a_scope_and_the_table_a_caption():
    soup = BeautifulSoup(str(table("C", ["a", "b"], [["x", 1], ["y", 2]], numeric={1})), "html.parser")
    assert soup.caption.text == "C"
    assert [one["scope"] for one in soup.find_all("th")] == ["col", "col", "row", "row"]
    assert [one.get("class") for one in soup.find_all("td")] == [["num"], ["num"]]


def test_details_open_without_a_script():
    assert str(details("more", "b<c")) == "<details><summary>more</summary>b&lt;c</details>"
