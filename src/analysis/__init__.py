"""Cán Đích: will each unit reach each of its targets, how sure are we, what is the gap, what would close it.

Read :mod:`analysis.pipeline` first: it is the table of contents.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["assess", "check"]


def __getattr__(name: str) -> Any:
    """The public functions, imported when they are first asked for."""
    if name in __all__:
        from analysis import assess_tables

        return getattr(assess_tables, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
