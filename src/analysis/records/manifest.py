"""What a run was made of: hashes of params, sources, targets, code, lock file and tables, and the processor's class.

No clock and no machine path stands in it, so that the same inputs give the same manifest.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

SCHEMA = 1


def sha256_of(content: bytes | str) -> str:
    """Hex digest of bytes or text.

    Examples
    --------
    >>> sha256_of("a")[:12]
    'ca978112ca1b'
    """
    return hashlib.sha256(content.encode("utf-8") if isinstance(content, str) else content).hexdigest()


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_sha256(paths: Iterable[Path], *, root: Path) -> str:
    """One digest of many files: their names below `root` and their bytes, in the order of the names.

    Raises
    ------
    OSError
        When one cannot be read.
    """
    lines = sorted(f"{path.relative_to(root).as_posix()} {file_sha256(path)}" for path in paths)
    return sha256_of("\n".join(lines))


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
    corrected: Mapping | None = None,
) -> dict:
    """Put the manifest together.

    Parameters
    ----------
    run_id, cutoff : str
    params : mapping
        The checked params as plain values.
    hashes : mapping of name to hex digest
        ``params``, ``targets``, ``code``, ``lock`` ...
    sources : iterable of mapping
        One a raw file: path as written in the params, sha256, rows, rows used, rows refused.
    tables : mapping of name to path
        Files already written.
    corrected : mapping, optional
        Of a correction: the hash of the manifest of the run that was corrected, the units told anew, the indicators.

    Returns
    -------
    dict
        Plain values, ready for JSON.
    """
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "cutoff": cutoff,
        "params": dict(params),
        "hashes": dict(sorted(hashes.items())),
        "sources": [dict(one) for one in sources],
        "tables": {name: file_sha256(path) for name, path in sorted(tables.items())},
        "processor": processor_class(),
    } | ({"corrected": dict(corrected)} if corrected else {})


def manifest_text(manifest: Mapping) -> str:
    """The manifest as stable JSON text.

    Examples
    --------
    >>> manifest_text({"b": 1, "a": "ế"})
    '{\\n  "a": "ế",\\n  "b": 1\\n}\\n'
    """
    return json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
