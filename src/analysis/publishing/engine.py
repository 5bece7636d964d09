"""Where Papermill finds our engine (entry point ``papermill.engine``: ``candich``).

Papermill loads this entry point while it is itself being imported, so the class cannot stand in a module that imports
Papermill at its top: whichever came first would find the other half made. This module imports nothing and looks the
class up when it is asked for.
"""

from __future__ import annotations


def __getattr__(name: str) -> object:
    if name != "CandichEngine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import papermill.engines  # noqa: F401  first, so that the next line finds its base class whoever was imported first

    from analysis.publishing.papermill_engine import CandichEngine

    return CandichEngine
