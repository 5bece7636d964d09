"""What a page says and draws: sentences, tables, charts. Imports words only; takes tables, returns fragments.

The names below are imported when they are first asked for: a run in which no page changes draws no chart.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Fragment": "fragment",
    "explorer": "explore",
    "forecast_page": "forecast",
    "lab_style": "parts",
    "overview_page": "overview",
    "quality_page": "quality",
    "registry_page": "promises",
    "scorecard_page": "scorecard",
    "unit_page": "unit",
    "warm": "unit",
}
__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return found
