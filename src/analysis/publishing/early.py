"""Papermill and nbformat, imported without the two seconds that one of their libraries spends on what nobody asks for.

jsonschema offers checks of text formats; for one of them it builds a whole grammar as soon as it is imported. Its
import is optional there, and notebooks are checked without formats.
"""

from __future__ import annotations

import importlib
import sys

SLOW = "rfc3987_syntax"


def import_papermill() -> None:
    """Import Papermill and nbformat; afterwards everything can be imported as ever."""
    aside = "jsonschema" not in sys.modules and SLOW not in sys.modules
    if aside:
        sys.modules[SLOW] = None  # an import of it fails, which jsonschema allows for
    try:
        for name in ("nbformat", "papermill"):
            importlib.import_module(name)
    finally:
        if aside:
            del sys.modules[SLOW]
