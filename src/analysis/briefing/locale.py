"""How the product speaks: one gettext catalogue, and numbers, periods and dates as each language writes them.

Message ids are the English sentences; ``locale/vi/LC_MESSAGES/candich.po`` holds the Vietnamese ones and is read at run
time (no compiled file to forget). Numbers are rounded once, from the raw value: ``45,7%``, ``1.473`` in Vietnamese,
``45.7%``, ``1,473`` in English (Law on Accounting 2003, article 12, for the Vietnamese marks). Writing them here with
``str.translate`` is some thirty times quicker than Babel's formatter; a test holds the two to the same text.
"""

from __future__ import annotations

import datetime as dt
import math
from functools import lru_cache
from pathlib import Path

from babel.dates import format_date
from babel.messages.pofile import read_po

from analysis.words.errors import ParamsError, Problem
from analysis.words.periods import as_period, frequency_of
from analysis.words.schema import LANGUAGES

CATALOGUE = Path(__file__).parent / "locale"
DOMAIN = "candich"
_MARKS = {"en": None, "vi": str.maketrans(",.", ".,")}
_ROMAN = ("I", "II", "III", "IV")
NOTHING = "–"  # printed where there is no number
MINUS = "\u2212"


class Translator:
    """Look a message up; ``_(text)``, or ``_.plural(one, many, n)``; what the catalogue lacks stands in English."""

    def __init__(self, language: str, messages: dict[str, str]):
        self.language = language
        self._messages = messages

    def __call__(self, message: str) -> str:
        return self._messages.get(message) or message

    def plural(self, one: str, many: str, n: float) -> str:
        """The form for `n`; Vietnamese has one form, kept under `one`."""
        if self.language == "en":
            return one if n == 1 else many
        return self._messages.get(one) or (one if n == 1 else many)

    def __contains__(self, message: str) -> bool:
        return self.language == "en" or bool(self._messages.get(message))


def N_(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


@lru_cache(maxsize=4)
def translator(language: str) -> Translator:
    """The catalogue of a language.

    ParamsError: `language` is not one of ``LANGUAGES``.

    >>> translator("vi")("On track"), translator("en")("On track")
    ('Đúng lộ trình', 'On track')
    """
    if language not in LANGUAGES:
        raise ParamsError(
            Problem("language", f"{language!r} is not supported", ", ".join(LANGUAGES), "Choose one of them")
        )
    return Translator(language, {} if language == "en" else _read(language))


def _read(language: str) -> dict[str, str]:
    with open(CATALOGUE / language / "LC_MESSAGES" / f"{DOMAIN}.po", "rb") as file:
        catalogue = read_po(file, locale=language, domain=DOMAIN)
    found = {}
    for message in catalogue:
        if message.id and not message.fuzzy:
            key, text = message.id, message.string
            found[key[0] if isinstance(key, tuple) else key] = text[0] if isinstance(text, tuple) else text
    return found


def translate_markdown(source: str, language: str) -> str:
    """A notebook's markdown cell in the page's language: block by block, heading marks and bullets kept.

    >>> translate_markdown("## Method", "vi")
    '## Phương pháp'
    """
    _ = translator(language)
    if source in _:
        return _(source)
    return "\n\n".join(_block(block, _) for block in source.split("\n\n"))


def _block(block: str, _: Translator) -> str:
    text = block.strip().lstrip("#").strip()
    return block.replace(text, _(text)) if text else block


def number(value: float | None, language: str, digits: int = 0) -> str:
    """A number with its grouping marks; a dash where there is none.

    >>> number(1473, "vi"), number(1473, "en"), number(-0.04, "vi", 1), number(None, "vi")
    ('1.473', '1,473', '0,0', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{digits}f}"
    if text.startswith("-"):
        text = MINUS + text[1:] if text.strip("-0.,") else text[1:]
    return text.translate(_MARKS[language]) if language != "en" else text


def percent(share: float | None, language: str, digits: int = 1) -> str:
    """A share (fraction) as per cent.

    >>> percent(21 / 46, "vi"), percent(21 / 46, "en"), percent(1, "vi", 0)
    ('45,7%', '45.7%', '100%')
    """
    return NOTHING if share is None or not math.isfinite(share) else number(100 * share, language, digits) + "%"


def points(difference: float | None, language: str, digits: int = 1, *, signed: bool = False) -> str:
    """A difference of two shares, in percentage points: never "%".

    >>> points(-0.0144, "vi", 2), points(0.05, "en", signed=True), points(0.01, "en", 0)
    ('−1,44 điểm phần trăm', '+5.0 percentage points', '1 percentage point')
    """
    if difference is None or not math.isfinite(difference):
        return NOTHING
    text = number(100 * difference, language, digits)
    plus = "+" if signed and difference > 0 and text.strip("0.,") else ""  # what rounds to nothing has no sign
    _ = translator(language)
    unit = _("percentage point") if text.lstrip(MINUS) == "1" else _("percentage points")
    return f"{plus}{text} {unit}"


def ratio(k: float, n: float, language: str) -> str:
    """``177/177``: a count out of a count, both with grouping marks.

    >>> ratio(1452, 1452, "vi")
    '1.452/1.452'
    """
    return f"{number(k, language)}/{number(n, language)}"


@lru_cache(maxsize=4096)
def period(code: str, language: str, *, short: bool = False) -> str:
    """A period as a sentence (or, `short`, an axis) writes it; a text that is no period stands as it is.

    >>> period("2023-09", "vi"), period("2023-Q3", "vi"), period("2025", "vi")
    ('tháng 9/2023', 'quý III/2023', 'năm 2025')
    >>> period("2023-09", "en"), period("2023-Q3", "en"), period("2023-09", "vi", short=True)
    ('September 2023', 'Q3 2023', '9/2023')
    """
    frequency = frequency_of(code) if code else None
    if frequency is None:
        return code or NOTHING
    at = as_period(code)
    if frequency == "Y":
        return f"{at.year}" if short or language == "en" else f"năm {at.year}"
    if frequency == "Q":
        vietnamese = f"{_ROMAN[at.quarter - 1]}/{at.year}"
        return f"Q{at.quarter} {at.year}" if language == "en" else vietnamese if short else f"quý {vietnamese}"
    if language == "en":
        return format_date(dt.date(at.year, at.month, 1), "MMM y" if short else "MMMM y", locale="en")
    return f"{at.month}/{at.year}" if short else f"tháng {at.month}/{at.year}"


def date(iso: str, language: str) -> str:
    """A calendar date, ``2024-09-25``; a text that is none stands as it is.

    >>> date("2024-09-05", "vi"), date("2024-09-05", "en"), date("undated", "vi")
    ('05/9/2024', '5 September 2024', 'undated')
    """
    try:
        day = dt.date.fromisoformat(iso)
    except ValueError:
        return period(iso, language) if frequency_of(iso) else iso or NOTHING
    if language == "en":
        return format_date(day, "d MMMM y", locale="en")
    # NĐ 30/2020/NĐ-CP, appendix I: a zero before days under 10 and before months 1 and 2
    return f"{day.day:02d}/{day.month if day.month > 2 else f'0{day.month}'}/{day.year}"


def text_of(row, column: str, language: str) -> str:
    """A table's text in the page's language, or in the other where that one is empty; ``column`` without suffix."""
    other = "en" if language == "vi" else "vi"
    return getattr(row, f"{column}_{language}", "") or getattr(row, f"{column}_{other}", "") or ""
