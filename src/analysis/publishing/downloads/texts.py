"""Text from the data in office files: always text, never a formula, a control character or a change of direction.

Two questions only: what may stand in a file at all (:func:`clean`, :func:`shown`), and how a spreadsheet is kept from
taking a value for a formula (:func:`guard`, undone by :func:`unguard`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

MAX_NAME = 160  # characters of a name shown in a sentence or a heading
MAX_CELL = 32_767  # Excel's limit for the text of one cell
REPLACEMENT = "\ufffd"
# what XML 1.0 (section 2.2) cannot hold, DEL, and lone surrogates, which UTF-8 cannot hold
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# embeddings, overrides and isolates (Unicode TR9): one left open turns the rest of a line around
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
# OWASP "CSV injection": = + - @, tab, line ends, and the full-width forms that East Asian Excel reads alike
_FORMULA = re.compile("\\s*[=+\\-@'\uff1d\uff0b\uff0d\uff20]|[\t\n]")


def clean(text: str) -> str:
    """Replace what no UTF-8 file or XML can hold by U+FFFD; line ends become ``\\n``.

    Examples
    --------
    >>> clean("a\\x00\\ud800b\\r\\nc")
    'a\\ufffd\\ufffdb\\nc'
    """
    return _IMPOSSIBLE.sub(REPLACEMENT, text.replace("\r\n", "\n")) if not text.isprintable() else text


def shown(text: str, *, limit: int = MAX_NAME) -> str:
    """Text as a person reads it: clean, on one line, no marks that turn the writing around, cut at `limit` characters.

    Examples
    --------
    >>> shown("<b>\\u202ecod"), shown("x" * 500, limit=5)
    ('<b>\\ufffdcod', 'xxxx…')
    """
    line = " ".join(_DIRECTION.sub(REPLACEMENT, clean(text[: 2 * limit])).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def in_cell(text: str) -> str:
    """Text of a spreadsheet cell: as :func:`shown`, but whole up to Excel's limit and with its line ends.

    Examples
    --------
    >>> len(in_cell("x" * 40_000))
    32767
    """
    line = _DIRECTION.sub(REPLACEMENT, clean(text))
    return line if len(line) <= MAX_CELL else line[: MAX_CELL - 1] + "…"


def guard(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet could take for a formula.

    Examples
    --------
    >>> guard("=cmd()"), guard(" -1"), guard("'a"), guard("Xã A"), guard(">=")
    ("'=cmd()", "' -1", "''a", 'Xã A', '>=')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """Undo :func:`guard`: a text that begins with an apostrophe loses that one.

    Examples
    --------
    >>> unguard(guard("'=1")), unguard(guard("Xã A"))
    ("'=1", 'Xã A')
    """
    return text[1:] if text.startswith("'") else text


def each(values: Iterable[str], change: Callable[[str], str]) -> list[str]:
    """Apply `change` to every value, once for each different one.

    Examples
    --------
    >>> each(["=a", "b", "=a"], guard)
    ["'=a", 'b', "'=a"]
    """
    codes, different = pd.factorize(np.array(list(values), dtype=object))
    return np.array([change(one) for one in different], dtype=object)[codes].tolist() if len(different) else []
