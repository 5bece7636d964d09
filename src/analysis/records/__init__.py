"""What was run, known and said before: store, manifest, scorecard. Imports words and forecasting.scores."""

from analysis.records.changes import build_changes
from analysis.records.manifest import build_manifest, file_sha256, manifest_text, sha256_of, tree_sha256
from analysis.records.scorecard import build_scorecard, summarise_scorecard, with_current_now
from analysis.records.store import (
    load_run,
    published_assessments,
    read_manifest,
    read_table,
    write_bytes,
    write_frame,
    write_run,
    write_table,
)

__all__ = [
    "build_changes",
    "build_manifest",
    "build_scorecard",
    "file_sha256",
    "load_run",
    "manifest_text",
    "published_assessments",
    "read_manifest",
    "read_table",
    "sha256_of",
    "summarise_scorecard",
    "tree_sha256",
    "with_current_now",
    "write_bytes",
    "write_frame",
    "write_run",
    "write_table",
]
