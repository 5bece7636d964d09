"""What a run was made of: hashes of params, sources, targets, code, lock file and tables, and the processor's class.

No clock and no machine path stands in it, so that the same inputs give the same manifest.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from analysis.words.files import file_sha256

SCHEMA = 2  # of a run folder: 1 had no immutable runs


def processor_class() -> dict[str, str]:
    """What of the machine can change a last bit: architecture and NumPy's vector instructions in use."""
    features = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return {
        "machine": platform.machine(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": np.__version__,
        "simd": " ".join(sorted(features.get("found", []))),
    }


def build_manifest(
    *,
    run_id: str,
    params: Mapping,
    cutoff: str,
    hashes: Mapping[str, str],
    sources: Iterable[Mapping],
    tables: Mapping[str, Path],
) -> dict:
    """Put the manifest together as plain values, ready for JSON.

    `params` are the checked params. `hashes` holds hex digests of ``params``, ``targets``, ``code``, ``libraries`` ...;
    ``tables`` is that of all that the tables depend on. `sources` has, for each raw file, its path as written in the
    params, sha256, rows, rows used and rows refused. `tables` are files already written.
    """
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "cutoff": cutoff,
        "params": dict(params),
        "hashes": dict(sorted(hashes.items())),
        "sources": [dict(source) for source in sources],
        "tables": {name: file_sha256(path) for name, path in sorted(tables.items())},
        "processor": processor_class(),
    }
