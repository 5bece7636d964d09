"""The catalogue: nothing untranslated, nothing left over, placeholders kept, and both languages say the same facts."""

import re
from collections import Counter

import pytest
from bs4 import BeautifulSoup
from factory import NASTY
from messages import code_messages, frame_messages, notebook_messages

from analysis import briefing
from analysis.briefing.locale import translator

PLACEHOLDER = re.compile(r"\{(\w*)\}")


@pytest.fixture(scope="module")
def wanted():
    return code_messages() | frame_messages() | notebook_messages()


def test_the_extractor_finds_messages_of_every_form(wanted):
    code = {"On track", "percentage points", "and {n} other target", "a month", "Overview"}
    assert code | {"Targets", "You are here"} <= wanted  # and of notebooks and templates


def test_every_message_has_a_vietnamese_one(wanted):
    assert sorted(one for one in wanted if one not in translator("vi")) == []


def test_the_catalogue_holds_nothing_that_is_not_said(wanted):
    assert sorted(set(translator("vi")._messages) - wanted) == []


def test_placeholders_are_the_same_in_both_languages():
    different = {
        message: text
        for message, text in translator("vi")._messages.items()
        if Counter(PLACEHOLDER.findall(message)) != Counter(PLACEHOLDER.findall(text))
    }
    assert different == {}


def test_vietnamese_is_written_in_composed_letters():
    import unicodedata

    assert [text for text in translator("vi")._messages.values() if text != unicodedata.normalize("NFC", text)] == []


def pages(run, language):
    yield "overview", briefing.overview_page(run, language=language)
    yield "forecast", briefing.forecast_page(run, language=language)
    yield "scorecard", briefing.scorecard_page(run, language=language)
    yield "quality", briefing.quality_page(run, language=language)
    yield "registry", briefing.registry_page(run, language=language)
    for unit in ("64", "001", "004", NASTY):
        yield unit, briefing.unit_page(run, unit=unit, language=language)


def fragments(page):
    names = [one for one in dir(type(page)) if not one.startswith("_") and callable(getattr(type(page), one))]
    return {name: getattr(page, name)() for name in names}


def numbers(html, language):
    """All numbers on a page without their language's marks; dates and what is quoted from a raw file are left out."""
    soup = BeautifulSoup(str(html), "html.parser")
    for quoted in soup.find_all("code"):
        quoted.extract()
    text = re.sub(
        r"quý [IVX]+/\d{4}|(\d{1,2}/){1,2}\d{4}|((?<![\d.,])\d{1,2} )?([A-Z][a-z]{2,8} )?\b20\d\d\b",
        " ",
        soup.get_text(" | "),
    )
    marks = str.maketrans({".": "", ",": "."} if language == "vi" else {",": ""})
    found = [one.translate(marks).rstrip(".") for one in re.findall(r"[−+]?\d[\d.,]*", text)]
    return Counter(found)


@pytest.mark.parametrize(
    "name", ["overview", "forecast", "scorecard", "quality", "registry", "64", "001", "004", NASTY]
)
def test_both_languages_say_the_same_numbers(run, name):
    vietnamese, english = (fragments(dict(pages(run, language))[name]) for language in ("vi", "en"))
    assert vietnamese.keys() == english.keys()
    for part in vietnamese:
        texts = [vietnamese[part].html, english[part].html]
        counted = [numbers(text, language) for text, language in zip(texts, ("vi", "en"))]
        assert counted[0] == counted[1], part


@pytest.mark.parametrize("name", ["overview", "forecast", "scorecard", "quality", "registry", "64", "004"])
def test_no_english_sentence_stands_on_a_vietnamese_page(run, name):
    text = " ".join(
        BeautifulSoup(str(one.html), "html.parser").get_text(" ")
        for one in fragments(dict(pages(run, "vi"))[name]).values()
    )
    assert re.findall(r"\b(?:the|of|and|with|probability|target|unit)\b", text) == []


def test_no_placeholder_is_left_open(run):
    for language in ("vi", "en"):
        for name, page in pages(run, language):
            for part, one in fragments(page).items():
                text = BeautifulSoup(str(one.html), "html.parser").get_text(" ")
                assert not re.search(r"\{\w+\}|\bnan\b|\bNone\b|<NA>", text + one.text), (name, part)
