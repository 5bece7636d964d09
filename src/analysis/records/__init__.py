"""What was run, known and said before: store, manifest, scorecard. Imports words and forecasting.scores."""

from analysis.records.manifest import build_manifest, file_sha256, manifest_text, sha256_of, tree_sha256
from analysis.records.store import load_run, read_table, write_bytes, write_run, write_table

__all__ = [
    "build_manifest",
    "file_sha256",
    "load_run",
    "manifest_text",
    "read_table",
    "sha256_of",
    "tree_sha256",
    "write_bytes",
    "write_run",
    "write_table",
]
