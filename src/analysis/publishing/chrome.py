"""The style, the scripts and the policy of a page."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from analysis.briefing.locale import N_

TEMPLATES = Path(__file__).parent / "template"
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
SIMULATED = N_("Simulated data, made up for demonstration. No figure here describes a real place.")


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """The briefings' theme followed by the frame's own rules; refused where either could close the style element."""
    theme = files("analysis.briefing").joinpath("theme.css")
    parts = [theme.read_text(encoding="utf-8")] if theme.is_file() else []
    text = "\n".join([*parts, (TEMPLATES / "page.css").read_text(encoding="utf-8")])
    text = re.sub(r"/\*.*?\*/\s*", "", text, flags=re.DOTALL).replace("</", "<\\/")
    return re.sub(r"\s*\n\s*", "\n", re.sub(r" *([{};,]) *|(?<=:) +", r"\1", text)).replace(";}", "}").strip()


@lru_cache(maxsize=8)
def short_script(name: str) -> str:
    """A script of the template without its indentation and its remarks."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    return re.sub(r"\n\s*", "\n", re.sub(r" // [^\n]*", "", text))


def policy(script: str) -> str:
    """The page's content policy: nothing from anywhere, and no script but the one with this hash."""
    if not script:
        return POLICY
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return f"{POLICY}; script-src 'sha256-{digest}'"
