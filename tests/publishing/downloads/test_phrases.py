import ast
import re
from pathlib import Path

import pytest

from analysis.briefing.locale import translator
from analysis.publishing.downloads import phrases
from analysis.publishing.downloads.phrases import VIETNAMESE, run_title, words
from analysis.words.errors import ParamsError

SOURCE = Path(phrases.__file__).parent


def messages():
    """Every text the room's modules look up: `_("...")` and the lists of names that are looked up later."""
    from analysis.publishing.downloads import _TABS

    found = set(_TABS.values())
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                found |= {one.value for one in node.args if isinstance(one, ast.Constant)}
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Call)
                and getattr(node.func.func, "id", "") == "words"
            ):
                found |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    return found


def test_every_message_has_vietnamese():
    catalogue = translator("vi")
    assert len(messages()) > 100
    assert [one for one in sorted(messages()) if one not in VIETNAMESE and one not in catalogue] == []


def test_no_phrase_is_left_over():
    cover = {one for one in VIETNAMESE if one.endswith(".")}  # the cover's notes are looked up in a loop
    assert sorted(set(VIETNAMESE) - messages() - cover) == []


@pytest.mark.parametrize("message", sorted(VIETNAMESE))
def test_both_languages_have_the_same_places_for_numbers(message):
    places = lambda text: sorted(re.findall(r"\{\w+\}", text))
    assert places(VIETNAMESE[message]) == places(message) and VIETNAMESE[message] != "" and "\n" not in message


def test_the_catalogue_of_the_briefings_comes_first():
    for message, ours in VIETNAMESE.items():
        theirs = translator("vi")
        assert words("vi")(message) == (theirs(message) if message in theirs else ours)


def test_a_language_we_do_not_speak_is_refused():
    with pytest.raises(ParamsError, match="'fr' is not a language we speak"):
        words("fr")


def test_the_title_falls_back_to_the_other_language_then_to_the_id():
    assert run_title({"title_en": "E"}, "id", "vi") == "E"
    assert run_title({"title_vi": "a\x00"}, "id", "vi") == "a\ufffd"
    assert run_title({}, "id", "vi") == "id"
