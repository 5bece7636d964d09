"""Every message of a page or a file: from the code by Babel's extractor, from the notebooks' markdown by its blocks."""

from __future__ import annotations

import json
from pathlib import Path

from babel.messages.extract import extract_from_dir

from analysis.briefing.locale import markdown_messages

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "plural": (1, 2), "_.plural": (1, 2)}
ROOMS = ("briefing", "publishing/downloads")
PUBLISHED = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_messages() -> set[str]:
    """Message ids in ``_(...)`` and ``_.plural(...)`` of the rooms that write for readers."""
    found = set()
    for room in ROOMS:
        folder = ROOT / "src" / "analysis" / room
        for _file, _line, message, *_ in extract_from_dir(folder, [("**.py", "python")], keywords=KEYWORDS):
            found.add(message if isinstance(message, str) else message[0])  # one entry holds the plural's both forms
    return found


def notebook_messages(paths=PUBLISHED) -> set[str]:
    """Message ids in the markdown cells of notebooks."""
    found = set()
    for path in paths:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                found.update(markdown_messages("".join(cell["source"])))
    return found
