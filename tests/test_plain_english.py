"""Nothing that people read contains the words and phrases that the style guide replaced with plain ones."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PHRASES = (
    "is told",
    "tells anew",
    "stands already",
    "is asked of",
    "which way it parts from us",
    "what ranks it",
    "is no notebook",
    "is not a language we speak",
    "this is our fault",
)
WORDS = ("told", r"reckon\w*", "anew", "beside", *(phrase.replace(" ", r"\s+") for phrase in PHRASES))
FORBIDDEN = re.compile(rf"\b(?:{'|'.join(WORDS)})\b", re.IGNORECASE)
FILES = [
    *sorted(path for suffix in ("py", "po") for path in (ROOT / "src").rglob(f"*.{suffix}")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "README.md",
]


def english_of(path: Path, text: str) -> str:
    """The text; of a catalogue only the message ids, with blank lines in place of the rest."""
    if path.suffix != ".po":
        return text
    shown, inside = [], False
    for line in text.split("\n"):
        inside = line.startswith("msgid") or (inside and line.startswith('"'))
        shown.append(line if inside else "")
    return "\n".join(shown)


def findings(path: Path, text: str) -> list[str]:
    """Each forbidden word or phrase as ``line: words``; a phrase may run over the end of a line."""
    text = english_of(path, text)
    return [f"{text.count(chr(10), 0, hit.start()) + 1}: {hit.group()!r}" for hit in FORBIDDEN.finditer(text)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_word_that_the_style_guide_replaced(path):
    found = [f"{path.relative_to(ROOT).as_posix()}:{line}" for line in findings(path, path.read_text(encoding="utf-8"))]
    assert not found, "use the plain words (style guide, Plain English):\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.py", "fine\nAnew and RECKONING", ["2: 'Anew'", "2: 'RECKONING'"]),
        ("a.md", "besides, untold, tolder", []),
        ("a.md", "what\nranks it", ["1: 'what\\nranks it'"]),
        ("a.po", 'msgid ""\n"is told"\nmsgstr "told"\n"beside"', ["2: 'is told'"]),
        ("a.po", '# told\nmsgid "it is no notebook"\nmsgstr ""', ["2: 'is no notebook'"]),
    ],
)
def test_words_are_found_where_they_occur(name, text, expected):
    assert findings(Path(name), text) == expected
