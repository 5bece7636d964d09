"""Names of units, however they are typed; and no guessing."""

import re
import unicodedata

import pandas as pd
import pytest

from analysis.registry.names import match_names
from analysis.words.errors import DataError
from registry.trees import vietnam_units


def make_units():
    rows = [
        ("VN", "Việt Nam", "", "nation"),
        ("064", "Tỉnh Gia Lai", "VN", "province"),
        ("066", "Tỉnh Đắk Lắk", "VN", "province"),
        ("079", "Thành phố Hồ Chí Minh", "VN", "province"),
        ("a1", "Xã Hòa Bình", "064", "commune"),
        ("a2", "Xã Hòa Bình", "066", "commune"),
        ("a3", "Xã Thuỷ Sơn", "064", "commune"),
        ("a4", "Xã Thúy Sơn", "064", "commune"),
        ("a5", "Phường Mỹ Lộc", "066", "commune"),
        ("a6", "Xã H'Bông", "064", "commune"),
        ("a7", "Huyện Quan Sơn", "064", "commune"),
        ("a8", "Phường 5", "079", "commune"),
        ("a9", "Xà Phiên", "066", "commune"),
    ]
    return pd.DataFrame(rows, columns=["unit", "name", "parent", "level"])


def code_of(name, **options):
    if "parent" in options:
        options["parents"] = [options.pop("parent")]
    return match_names([name], make_units(), **options).codes[0]


@pytest.mark.parametrize(
    ("typed", "unit"),
    [
        ("Tỉnh Gia Lai", "064"),
        ("gia lai", "064"),
        ("T. GIA  LAI", "064"),
        ("UBND tỉnh Gia Lai", "064"),
        ("Ủy ban nhân dân tỉnh Gia Lai", "064"),
        ("064", "064"),
        ("Đăk Lăk", "066"),
        ("Đắk Lắk", "066"),
        ("Ðắk Lắk", "066"),  # the Icelandic letter, as old keyboards typed it
        ("Dak Lak", "066"),
        ("Đắc Lắc", "066"),
        ("TP. Hồ Chí Minh", "079"),
        ("TP.HCM", "079"),
        ("tp hồ chí minh", "079"),
        ("Xã Thủy Sơn", "a3"),  # the tone on either vowel
        ("Xã Thuý Sơn", "a4"),
        ("P. Mĩ Lộc", "a5"),  # i for y
        ("H'Bông", "a6"),  # not "huyện Bông"
        ("H’Bông", "a6"),
        ("quan son", "a7"),  # not "quận Sơn"
        ("Quan Sơn", "a7"),
        ("P.5", "a8"),
        ("Phường 05", "a8"),
        ("Xà Phiên", "a9"),  # not "xã Phiên"
    ],
)
def test_a_name_is_found_however_it_is_typed(typed, unit):
    for form in ("NFC", "NFD"):
        assert code_of(unicodedata.normalize(form, typed)) == unit


def test_two_units_of_one_name_are_refused_with_both_candidates():
    found = match_names(["Xã Hoà Bình"], make_units(), where="dossiers.csv")
    assert found.codes == ("",)
    near = ["a1 (Xã Hòa Bình, Tỉnh Gia Lai, Việt Nam)", "a2 (Xã Hòa Bình, Tỉnh Đắk Lắk, Việt Nam)"]
    assert found.reasons == (("several", "Xã Hoà Bình", near),)


@pytest.mark.parametrize("parent", ["064", "Gia Lai", "tỉnh gia lai", "GIA LAI"])
def test_a_parent_tells_repeated_names_apart(parent):
    assert code_of("Xã Hoà Bình", parent=parent) == "a1"


def test_a_parent_two_levels_up_narrows_as_well():
    assert code_of("Mỹ Lộc", parent="Việt Nam") == "a5"
    assert code_of("Hoà Bình", parent="VN") == ""


def test_without_marks_two_names_that_differ_by_a_mark_are_refused():
    found = match_names(["xa thuy son"], make_units())
    assert found.codes == ("",)
    assert found.reasons[0].case == "several" and found.reasons[0].near[0].startswith("a3 (Xã Thuỷ Sơn")


def test_another_kind_of_unit_is_not_taken_but_named():
    found = match_names(["Phường Hòa Bình"], make_units(), parents=["Gia Lai"])
    assert found.codes == ("",)
    near = ["a1 (Xã Hòa Bình, Tỉnh Gia Lai, Việt Nam)"]
    assert found.reasons == (("other_kind", "Phường Hòa Bình", near),)


def test_an_unknown_name_and_an_unknown_parent_are_told_apart():
    found = match_names(["Tỉnh Gia Lay", "Xã Hòa Bình"], make_units(), parents=["", "Tỉnh Kon Tom"])
    assert found.codes == ("", "")
    assert found.reasons == (("near", "Tỉnh Gia Lay", "Tỉnh Gia Lai"), ("no_parent", "Tỉnh Kon Tom", ""))


def test_a_level_narrows_the_search():
    other = {"unit": "b", "name": "Xã Gia Lai", "parent": "066", "level": "commune"}
    units = pd.concat([make_units(), pd.DataFrame([other])])
    assert match_names(["Gia Lai"], units).codes == ("",)
    assert match_names(["Gia Lai"], units, level="commune").codes == ("b",)


def test_a_name_that_comes_often_has_one_reason():
    assert set(match_names(["Nowhere"] * 50, make_units()).reasons) == {("unknown", "Nowhere", "")}


def test_order_of_the_list_and_of_the_names_does_not_matter():
    units, names = make_units(), ["Gia Lai", "Đăk Lăk", "Mỹ Lộc", "nowhere"]
    straight = match_names(names, units).codes
    assert match_names(names[::-1], units.sample(frac=1, random_state=1)).codes == straight[::-1]


def test_no_names_and_no_units():
    assert match_names([], make_units()).codes == ()
    assert match_names(["Gia Lai", ""], make_units().iloc[:0]).codes == ("", "")


def test_parents_of_another_length_are_refused():
    message = "unit names: 1 names but 2 parents. Allowed: one parent per name."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        match_names(["Gia Lai"], make_units(), parents=["", ""])


@pytest.mark.parametrize("edition", ["2025-06", "2025-07"])
def test_every_commune_of_vietnam_is_found_by_its_name_and_parent_in_either_unicode_form(edition):
    units = vietnam_units(edition=edition)
    communes = units[units["level"].eq("commune")]
    for form in ("NFC", "NFD"):
        names = [unicodedata.normalize(form, name) for name in communes["name"]]
        found = match_names(names, units, parents=communes["parent"], level="commune")
        assert not any(found.reasons) and list(found.codes) == communes["unit"].tolist()


def test_without_marks_no_commune_of_vietnam_is_taken_for_another():
    units = vietnam_units(edition="2025-07")
    communes = units[units["level"].eq("commune")]
    plain = [
        re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))).lower()
        for name in communes["name"]
    ]
    found = match_names(plain, units, parents=communes["parent"], level="commune")
    wrong = [(name, code) for name, code, right in zip(plain, found.codes, communes["unit"]) if code not in ("", right)]
    assert wrong == []
    assert sum(code == "" for code in found.codes) < 20  # Ba Tơ and Ba Tô in one province, and a few more pairs


def test_kind_words_with_other_marks_are_names():
    names = ["Xã Huyền Hội", "Huyện Hội", "Huyện Tĩnh Gia", "Tỉnh Gia"]
    units = pd.DataFrame({"unit": list("abcd"), "name": names, "parent": "", "level": "x"})
    assert match_names(["Huyền Hội", "huyện Hội", "Tĩnh Gia", "Tỉnh Gia"], units).codes == ("a", "b", "c", "d")


def other_tone_place(name):
    """Put the tone mark on the other vowel ("Hòa" <-> "Hoà", "Thúy" <-> "Thuý") at the end of a syllable."""
    text = unicodedata.normalize("NFD", name)
    tone = "([\u0300\u0301\u0303\u0309\u0323])"
    moved = re.sub(f"(?i)(o)(a|e){tone}(?=\\W|$)|(u)(y){tone}(?=\\W|$)",
                   lambda m: (m[1] or m[4]) + (m[3] or m[6]) + (m[2] or m[5]), text)  # fmt: skip
    if moved == text:
        moved = re.sub(f"(?i)(o){tone}(a|e)(?=\\W|$)|((?<!q)u){tone}(y)(?=\\W|$)",
                       lambda m: (m[1] or m[4]) + (m[3] or m[6]) + (m[2] or m[5]), text)  # fmt: skip
    return unicodedata.normalize("NFC", moved)


@pytest.mark.parametrize(("one", "other"), [("Hòa", "Hoà"), ("Thuý", "Thúy"), ("Khỏe", "Khoẻ"), ("Huế", "Huế")])
def test_the_helper_moves_the_tone(one, other):
    assert other_tone_place(one) == unicodedata.normalize("NFC", other)


SHORT = {"Phường": "P.", "Xã": "X.", "Đặc khu": "ĐK."}
WAYS = {
    "tone on the other vowel": other_tone_place,
    "capitals": str.upper,
    "office": lambda name: f"UBND {name[0].lower()}{name[1:]}",
    "short kind": lambda name: re.sub("^(Phường|Xã|Đặc khu)", lambda match: SHORT[match[1]], name),
    "i for y": lambda name: re.sub(r"(?<=[MmTtSsKk])ỹ\b", "ĩ", re.sub(r"(?<=[Ll])ý\b", "í", name)),
    "Icelandic letter": lambda name: name.replace("Đ", "Ð").replace("đ", "ð"),
    "odd spaces": lambda name: f"  {name.replace(' ', chr(160) + ' ')} ",
}


@pytest.mark.parametrize("way", WAYS)
def test_every_commune_of_vietnam_is_found_however_it_is_typed(way):
    """But one: "X. Thanh An" may be "Xã Thạnh An" typed without its mark, in the same city; it is refused."""
    units = vietnam_units(edition="2025-07")
    communes = units[units["level"].eq("commune")]
    names = [WAYS[way](name) for name in communes["name"]]
    assert names != communes["name"].tolist()
    found = match_names(names, units, parents=communes["parent"], level="commune")
    missed = [name for name, code, right in zip(names, found.codes, communes["unit"]) if code != right]
    assert missed == (["X. Thanh An"] if way == "short kind" else [])
