"""What all downloads share: text that is always text, never a formula, control character or change of direction; ZIPs.

What a file can hold at all (:func:`clean`, :func:`shown`), how a CSV file is kept from being run as a formula
(:func:`guard`), what a document states about itself (title, language, date), and ZIP files whose
bytes depend on nothing but the names and contents of their members.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.briefing.view import View
from analysis.words.errors import DataError, Problem, PublishError, require
from analysis.words.files import replacing
from analysis.words.periods import last_day

LOCALES = {"vi": "vi-VN", "en": "en-GB"}  # the language a document states
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

    >>> clean("a\\x00\\ud800b\\r\\nc")
    'a\\ufffd\\ufffdb\\nc'
    """
    return _IMPOSSIBLE.sub(REPLACEMENT, text.replace("\r\n", "\n")) if not text.isprintable() else text


def shown(text: str, *, limit: int = MAX_NAME) -> str:
    """Text as a person reads it: clean, on one line, no marks that turn the writing around, cut at `limit` characters.

    >>> shown("<b>\\u202ecod"), shown("x" * 500, limit=5)
    ('<b>\\ufffdcod', 'xxxx…')
    """
    line = " ".join(_DIRECTION.sub(REPLACEMENT, clean(text[: 2 * limit])).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def in_cell(text: str) -> str:
    """Text of a spreadsheet cell: as :func:`shown`, but whole up to Excel's limit and with its line ends.

    >>> len(in_cell("x" * 40_000))
    32767
    """
    line = _DIRECTION.sub(REPLACEMENT, clean(text))
    return line if len(line) <= MAX_CELL else line[: MAX_CELL - 1] + "…"


def guard(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet could take for a formula.

    >>> guard("=cmd()"), guard(" -1"), guard("'a"), guard("Xã A"), guard(">=")
    ("'=cmd()", "' -1", "''a", 'Xã A', '>=')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def each(values: Iterable[str], change: Callable[[str], str]) -> np.ndarray:
    """Apply `change` to every value, once for each different value.

    >>> each(["=a", "b", "=a"], guard).tolist()
    ["'=a", 'b', "'=a"]
    """
    codes, different = pd.factorize(np.asarray(values, dtype=object))
    return np.array([change(value) for value in different], dtype=object)[codes] if len(different) else different


def run_title(view: View) -> str:
    """Title of a run in the view's language, clean; the other language's, then the run's id, where it has none."""
    params, other = view.run.params, "en" if view.language == "vi" else "vi"
    return clean(str(params.get(f"title_{view.language}") or params.get(f"title_{other}") or view.run.run_id))


def document_date(view: View) -> dt.datetime:
    """The date of a document: the last day of the figures, never the clock; 1980 where the run states no period."""
    try:
        day = last_day(view.cutoff)
    except DataError:
        day = dt.date(1980, 1, 1)
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


FIRST_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest date a member can have; no clock
LEVEL = 2  # of 9: a third of the time of zlib's default for a tenth more bytes
COMPRESSED = {".parquet", ".xlsx", ".docx", ".pdf", ".png", ".gz"}  # stored: compressing them again gains nothing


def write_archive(parts: Mapping[str, Path], out: Path) -> Path:
    """Put files and whole folders into one ZIP; the same files give the same bytes.

    Hidden files, links and other ZIP files inside a folder are left out. One file at a time is in memory.

    `parts`: name inside the ZIP to a file or a folder; `out` may lie inside one of the folders.

    PublishError: when a part is missing.
    OSError: when a file cannot be read or the ZIP cannot be written.
    """
    missing = [str(part) for part in parts.values() if not part.exists()]
    require(
        [Problem(part, "the file or folder is missing", "a file or a folder", "Build it first") for part in missing],
        PublishError,
    )
    members: dict[str, Path] = {}
    for name, part in parts.items():
        members |= {name: part} if part.is_file() else files_below(part, name=name)
    return write_zip({name: members[name] for name in sorted(members)}, out)


def write_zip(members: Mapping[str, bytes | Path], out: Path) -> Path:
    """Write a ZIP with the members in their order, each with the same date and permissions on every system."""
    with replacing(out) as part, zipfile.ZipFile(part, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, FIRST_TIME)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            kind = zipfile.ZIP_STORED if Path(name).suffix.lower() in COMPRESSED else zipfile.ZIP_DEFLATED
            content = content if isinstance(content, bytes) else content.read_bytes()
            archive.writestr(info, content, compress_type=kind, compresslevel=LEVEL)
    return out


def files_below(folder: Path, *, name: str = "") -> dict[str, Path]:
    """Find the regular files below a folder by their path with forward slashes, below `name`."""
    found = {}
    for root, folders, names in os.walk(folder):
        folders[:] = [inner for inner in folders if not inner.startswith(".")]  # os.walk follows no links
        for path in (Path(root) / file for file in names if not file.startswith(".") and not file.endswith(".zip")):
            if path.is_file() and not path.is_symlink():
                found[(name / path.relative_to(folder)).as_posix()] = path
    return found
