"""Which unit does a written name mean? Matches names however they are typed, and refuses to guess when two units fit.

A name is folded; the first of four steps at which the list has a unit of that name decides, and one unit must be left:

1. as written, but for Unicode form (NFC/NFD), case, spaces, punctuation, "UBND", abbreviations ("TP.", "TX", "P.5"),
   the place of the tone mark ("Hoà" = "Hòa"), i/y ("Mỹ" = "Mĩ"), "Đăk" = "Đắk" (a syllable that ends in a stop bears a
   tone anyway), "Ð" (Icelandic) for "Đ";
2. the same without the word for the kind of unit, where the name has none ("Gia Lai" for "Tỉnh Gia Lai");
3. without diacritics ("xa hoa binh"), and 4. without both. A name typed without any mark begins here.

A name that says another kind ("Phường Hoà Bình", the list has "Xã Hòa Bình") is not matched: the candidate is named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import pandas as pd

from analysis.words.errors import MAX_EXAMPLES, DataError, Problem, nearest

KINDS = {  # the word for a kind of unit, folded -> how it is also written, folded
    "tinh": ("tinh", "t"),
    "thanh pho": ("thanh pho", "tp"),
    "quan": ("quan", "q"),
    "huyen": ("huyen", "h"),
    "thi xa": ("thi xa", "tx"),
    "thi tran": ("thi tran", "tt"),
    "phuong": ("phuong", "p"),
    "xa": ("xa", "x"),
    "dac khu": ("dac khu", "dc"),  # "ĐK.": a final k is folded to c
}
_KIND_OF = {written: kind for kind, many in KINDS.items() for written in many}
_OFFICES = ("uy ban nhan dan", "ubnd")  # "UBND xã Hòa Bình" means the commune
_KNOWN_AS = {"hcm": "ho chi minh", "br vt": "ba ria vung tau", "tt hue": "thua thien hue"}
_TONES = {"\u0300": "2", "\u0301": "1", "\u0303": "4", "\u0309": "3", "\u0323": "5"}  # huyền sắc ngã hỏi nặng
_VOWEL_MARKS = {"\u0302": "^", "\u0306": "(", "\u031b": "'"}  # circumflex, breve, horn: other letters, not tones
_STOPS = ("c", "ch", "p", "t")  # final k is read as c below


class Unmatched(NamedTuple):
    """Why a name has no unit: `case` and values of the finding "unmatched_name"."""

    case: str
    text: str
    near: str | list[str] = ""


class Matches(NamedTuple):
    """`codes[i]` is the unit that the i-th name means, "" where no unit or more than one fits; `reasons[i]`: why."""

    codes: tuple[str, ...]
    reasons: tuple[Unmatched | None, ...]


def match_names(
    names: Sequence[str],
    units: pd.DataFrame,
    *,
    parents: Sequence[str] | None = None,
    level: str | None = None,
    where: str = "unit names",
) -> Matches:
    """Find the unit that every name means.

    `parents` are codes or names of a unit above, at any height, "" where unknown: they distinguish repeated names.
    With `level`, only units of this level.

    DataError: if `parents` has another length than `names`.

    >>> units = pd.DataFrame({"unit": ["66", "064"], "name": ["Tỉnh Đắk Lắk", "Tỉnh Gia Lai"]})
    >>> match_names(["Đăk Lăk", "T. GIA LAI"], units.assign(parent="", level="province")).codes
    ('66', '064')
    """
    names = list(names)
    parents = [""] * len(names) if parents is None else list(parents)
    if len(parents) != len(names):
        raise DataError(Problem(where, f"{len(names)} names but {len(parents)} parents", "one parent per name"))
    index = _Index(units, level=level)
    known = {pair: index.find(*map(str, pair)) for pair in dict.fromkeys(zip(names, parents))}
    codes, reasons = zip(*(known[pair] for pair in zip(names, parents))) if names else ((), ())
    return Matches(codes, reasons)


class _Index:
    """Folded names -> units, for each of the four steps."""

    def __init__(self, units: pd.DataFrame, *, level: str | None):
        self.parent_of = dict(zip(units["unit"], units["parent"]))
        self.name_of = dict(zip(units["unit"], units["name"]))
        self.codes = set(units["unit"] if level is None else units.loc[units["level"].eq(level), "unit"])
        self.steps: tuple[dict[str, list[str]], ...] = ({}, {}, {}, {})
        for unit, name in self.name_of.items():
            for step, key in zip(self.steps, _keys(name)):
                step.setdefault(key, []).append(unit)

    def find(self, name: str, parent: str) -> tuple[str, Unmatched | None]:
        if name in self.codes:
            return name, None
        above, unmatched = self._above(parent)
        if unmatched:
            return "", unmatched
        for candidates in self._candidates(name):
            found = sorted(unit for unit in candidates if unit in self.codes and self._is_below(unit, above))
            if len(found) == 1:
                return found[0], None
            if found:
                return "", Unmatched("several", name, self._shown(found))
        return "", self._unknown(name, above)

    def _candidates(self, name: str) -> Iterator[set[str]]:
        """Units that the name fits, step by step."""
        kind, keys = _split(name)[0], _keys(name)
        for number, (step, key) in enumerate(zip(self.steps, keys)):
            said_otherwise = number % 2 == 1 and kind  # the kind was said: it must be right
            if said_otherwise or (number < 2 and is_plain(name)):
                continue
            found = set(step.get(key, []))
            if number >= 2 and kind and is_plain(name):  # "quan son" is Quan Sơn, or the district (quận) Sơn
                found |= set(self.steps[3].get("".join(_split(name, whole=True)[1]), []))
            yield found

    def _above(self, parent: str) -> tuple[set[str], Unmatched | None]:
        """Codes that `parent` may mean; empty: any."""
        if not parent.strip():
            return set(), None
        if parent in self.parent_of:
            return {parent}, None
        for found in self._candidates(parent):
            if found:
                return found, None
        near = nearest(parent, self.name_of.values())
        return set(), Unmatched("near_parent" if near else "no_parent", parent, near)

    def _is_below(self, unit: str, above: set[str]) -> bool:
        return not above or not above.isdisjoint(self._line(unit))

    def _line(self, unit: str) -> list[str]:
        line = []
        while self.parent_of.get(unit) and len(line) < 20:  # a tree is checked elsewhere; never hang on a circle
            unit = self.parent_of[unit]
            line.append(unit)
        return line

    def _shown(self, units: list[str]) -> list[str]:
        """Units with their names and those of the units above them."""
        lines = ([self.name_of[unit], *(self.name_of.get(one, one) for one in self._line(unit))] for unit in units)
        shown = [f"{unit} ({', '.join(line)})" for unit, line in zip(units, lines)]
        return shown if len(shown) <= MAX_EXAMPLES else [*shown[:MAX_EXAMPLES], "…"]

    def _unknown(self, name: str, above: set[str]) -> Unmatched:
        keys = _keys(name)
        near = [unit for unit in self.steps[1].get(keys[1], []) or self.steps[3].get(keys[3], []) if unit in self.codes]
        near = sorted(unit for unit in near if self._is_below(unit, above))
        if near:
            return Unmatched("other_kind", name, self._shown(near))
        close = nearest(name, (self.name_of[one] for one in self.codes))
        return Unmatched("near" if close else "unknown", name, close)


@lru_cache(maxsize=65_536)
def _keys(name: str) -> tuple[str, str, str, str]:
    kind, rest = _split(name)
    strict, loose = "".join(rest), "".join(map(_without_marks, rest))
    return f"{kind}|{strict}", strict, f"{kind}|{loose}", loose


@lru_cache(maxsize=65_536)
def _split(name: str, *, whole: bool = False) -> tuple[str, tuple[str, ...]]:
    """Kind and folded syllables of the rest; `whole`: do not look for a kind."""
    syllables = _syllables(name)
    plain = [_without_marks(one) for one in syllables]
    for office in _OFFICES:
        length = len(office.split())
        if " ".join(plain[:length]) == office:
            syllables, plain = syllables[length:], plain[length:]
    kind = ""
    for length in (2, 1):
        word = " ".join(plain[:length])
        if whole or len(plain) <= length or word not in _KIND_OF:
            continue
        if _says_kind(name, syllables[:length], word, following=plain[length]):
            kind, syllables, plain = _KIND_OF[word], syllables[length:], plain[length:]
            break
    known_as = _KNOWN_AS.get(" ".join(plain))
    return kind, tuple(known_as.split() if known_as else syllables)


def _says_kind(name: str, syllables: list[str], word: str, *, following: str) -> bool:
    """Whether the first syllables are a word for a kind of unit, and not the begin of a name.

    "Xà Phiên" and "Quan Sơn" begin with a name: the marks are not those of "xã" and "quận". Without any marks in the
    whole name the word counts. One letter needs its dot or a number behind it ("P.5", "Q1"): "H'Bông" is a name.
    """
    if len(word) == 1:
        return following.isdigit() or re.match(r"\W*\w\s*\.", name) is not None
    return word not in _MARKED or tuple(syllables) == _MARKED[word] or is_plain(name)


def is_plain(name: str) -> bool:
    """Whether a name is written without any Vietnamese mark.

    >>> is_plain("xa hoa binh"), is_plain("xã Hòa Bình")
    (True, False)
    """
    return unicodedata.normalize("NFD", name).replace("đ", "?").replace("Đ", "?").isascii()


def _syllables(name: str) -> list[str]:
    """Folded syllables: base letters, marks of other letters before them, the tone as a digit at the end."""
    text = unicodedata.normalize("NFD", name.casefold().replace("đ", "d-").replace("ð", "d-"))
    text = re.sub(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])", " ", text)  # Q1
    words = re.split(r"[^0-9a-z\-\u0300-\u036f]+|(?<!d)-", text)
    return [_syllable(word) for word in words if word.strip("-")]


def _syllable(word: str) -> str:
    if word.isdigit():
        return str(int(word))  # Phường 01 = Phường 1
    tone, letters = "", []
    for one in word:
        if one in _TONES:
            tone = _TONES[one]
        elif one in _VOWEL_MARKS and letters:
            letters.insert(len(letters) - 1, _VOWEL_MARKS[one])
        elif not unicodedata.combining(one):
            letters.append(one)
    base = "".join(letters)
    if base.endswith("k"):
        base = base[:-1] + "c"
    base = re.sub(r"(?<![aeou(^'])y$", "i", base)  # Mỹ = Mĩ, Lý = Lí; but not Tây, Thuý
    base = "qui" if base == "quy" else base
    if not tone and base.endswith(_STOPS):
        tone = "1"  # Đăk = Đắk: without a mark it is read with sắc
    return base + tone


def _without_marks(syllable: str) -> str:
    return syllable if syllable.isdigit() else re.sub(r"[1-5^('\-]", "", syllable)


_MARKED = {  # the words for kinds of unit with their marks, folded
    folded: tuple(_syllables(word))
    for folded, word in zip(
        KINDS, ("tỉnh", "thành phố", "quận", "huyện", "thị xã", "thị trấn", "phường", "xã", "đặc khu"), strict=True
    )
}
