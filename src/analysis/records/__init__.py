"""What was run, known and published before: store, manifest, scorecard, changes."""

from analysis.records.register import Register, find_seal, to_keep
from analysis.records.scorecard import build_changes, build_scorecard, summarise_scorecard
from analysis.records.store import (
    build_manifest,
    check_tables,
    current_run,
    find_run,
    load_run,
    project_of,
    read_manifest,
    read_stored,
    read_table,
    write_frame,
    write_run,
    write_table,
)

__all__ = [
    "Register",
    "build_changes",
    "build_manifest",
    "build_scorecard",
    "check_tables",
    "current_run",
    "find_run",
    "find_seal",
    "load_run",
    "project_of",
    "read_manifest",
    "read_stored",
    "read_table",
    "summarise_scorecard",
    "to_keep",
    "write_frame",
    "write_run",
    "write_table",
]
