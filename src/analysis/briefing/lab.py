"""The pages' style sheet for an analyst's JupyterLab; the exporter leaves it out, a page has it in its head."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def _theme() -> str:
    return files("analysis.briefing").joinpath("theme.css").read_text(encoding="utf-8")


class LabStyle:
    """Shows nothing, styles the fragments below it in the notebook."""

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": f"<style>{_theme()}</style>", "text/plain": ""}


def lab_style() -> LabStyle:
    """The style sheet, to be the last expression of a notebook's setup cell."""
    return LabStyle()
