"""Slugs: safe on every file system, never shared, readable where the code is."""

import re

import pytest

from analysis.words.files import ascii_stem, page_slug

ODD = [
    "",
    " ",
    ".",
    "..",
    "../../etc",
    "..\\..\\windows",
    "/",
    "a/b",
    "a\\b",
    "<script>alert(1)</script>",
    "con",
    "NUL",
    "com1",
    "lpt9",
    "a--b",
    "-x",
    "A",
    "a" * 10_000,
    "a" * 10_001,
    "\u202eabc",
    "\u200fabc",
    "\ud800",
    "\udfff",
    "Đà Nẵng",
    "Đà Nẵng\u200b",
    "東京",
    "\x00",
    "a\nb",
    "'\"",
    "%2e%2e",
    "a b",
    "é",
    "e\u0301",
    "🙂",
    "_",
    "٣",
    "²",
]


@pytest.mark.parametrize("unit", ODD, ids=lambda unit: ascii(unit)[:20])
def test_any_code_becomes_a_safe_name(unit):
    assert re.fullmatch(r"[0-9a-z_][0-9a-z_-]{0,62}", page_slug(unit))
    assert page_slug(unit).split(".")[0] not in {"con", "nul", "prn", "aux", "com1", "lpt9"}


def test_odd_codes_keep_apart_even_without_regard_to_case():
    assert len({page_slug(unit).lower() for unit in ODD}) == len(ODD)


@pytest.mark.parametrize("unit", ["079", "79", "0", "gl-pleiku", "d_01", "31-5"])
def test_plain_codes_stand_as_they_are(unit):
    assert page_slug(unit) == unit


def test_a_plain_code_cannot_imitate_a_hashed_one():
    imitation = page_slug("../../etc")
    assert page_slug(imitation) != imitation


def test_a_stem_loses_vietnamese_diacritics():
    assert ascii_stem("Thành phố Hồ Chí Minh, Đắk Lắk, Huế") == "thanh-pho-ho-chi-minh-dak-lak-hue"
