"""Every message a page can say: from the code by Babel's extractor, from the notebooks' markdown by its blocks."""

from __future__ import annotations

import json
import re
from pathlib import Path

from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "N_": None, "plural": (1, 2), "_.plural": (1, 2)}
PUBLISHING = ROOT / "src" / "analysis" / "publishing"
PUBLISHED = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_messages() -> set[str]:
    """Message ids in ``_(...)``, ``N_(...)`` and ``_.plural(...)`` of the rooms that write for readers."""
    found = set()
    for room, files in (("briefing", "**.py"), ("words", "findings.py"), ("publishing/downloads", "**.py")):
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / "src" / "analysis" / room, method_map=[(files, "python")], keywords=KEYWORDS
        ):
            found.update([message] if isinstance(message, str) else [message[0]])  # an entry holds both plural forms
    return found


def frame_messages() -> set[str]:
    """Message ids in what publishing puts around a page: templates, and code with calls inside f-strings."""
    texts = [path.read_text(encoding="utf-8") for path in [*PUBLISHING.glob("*.py"), *PUBLISHING.glob("template/*.j2")]]
    return {message for text in texts for _quote, message in re.findall(r"""\b(?:_|N_)\((["'])(.+?)\1\)""", text)}


def notebook_messages(paths=PUBLISHED) -> set[str]:
    """Message ids in the markdown cells of notebooks."""
    found = set()
    for path in paths:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                blocks = "".join(cell["source"]).split("\n\n")  # each without its heading marks
                found.update(text for block in blocks if (text := block.strip().lstrip("#").strip()))
    return found
