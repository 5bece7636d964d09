"""Every message a page can say: from the code by Babel's extractor, from the notebooks' markdown by its blocks."""

from __future__ import annotations

import json
from pathlib import Path

from babel.messages.extract import extract_from_dir

from analysis.briefing.locale import markdown_messages

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "plural": (1, 2), "_.plural": (1, 2)}
PUBLISHED = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_messages() -> set[str]:
    """Message ids in ``_(...)`` and ``_.plural(...)`` of the briefing room, and of the findings in words."""
    found = set()
    for room, files in (("briefing", "**.py"), ("words", "findings.py")):
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / "src" / "analysis" / room, method_map=[(files, "python")], keywords=KEYWORDS
        ):
            found.update([message] if isinstance(message, str) else [message[0]])  # an entry holds both plural forms
    return found


def notebook_messages(paths=PUBLISHED) -> set[str]:
    """Message ids in the markdown cells of notebooks."""
    found = set()
    for path in paths:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                found.update(markdown_messages("".join(cell["source"])))
    return found
