"""Where a run's tables live, and how a notebook gets them back.

``outputs/<run_id>/tables/<name>.parquet``, sorted by key, without a clock, so the same tables are the same bytes.
Every file is written beside its place and moved in one step: a reader never meets half of one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.records.manifest import file_sha256
from analysis.words.errors import DataError, Problem, examples, require
from analysis.words.periods import frequency_of
from analysis.words.schema import TABLES, RunTables

RUN_TABLES = (
    *("units", "indicators", "targets", "observations", "forecasts", "assessments"),
    *("quality", "evidence", "scorecard"),
)
PREVIOUS = "previous_"  # prefix of the tables of the quarter before, kept in the same run folder
EXTRA = "extra_"  # prefix of the tables that a target kind adds
_ROW_GROUP = 1 << 20


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step: whole, or not at all.

    Raises
    ------
    OSError
        When the disk is full or the folder may not be written to; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write one table as Parquet; same rows, same bytes.

    Raises
    ------
    OSError
        As :func:`write_bytes`.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    table = table.replace_schema_metadata(None)  # pandas' own note carries its version
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=_ROW_GROUP)
    write_bytes(path, sink.getvalue().to_pybytes())


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a table where a user asked for it: CSV or Parquet by the file's ending.

    Raises
    ------
    DataError
        When it cannot be written there.
    """
    try:
        if path.suffix.lower() == ".parquet":
            write_table(frame, path)
        else:
            write_bytes(path, frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    except OSError as error:
        found = f"it cannot be written: {error.strerror or error}"
        raise DataError(Problem(str(path), found, "", "Name another --out, or make room")) from error


def read_table(path: Path) -> pd.DataFrame:
    """Read one table without starting a thread (the publishing parent forks later).

    Raises
    ------
    DataError
        When the file is missing or is not a whole Parquet file.
    """
    how = {"memory_map": False, "pre_buffer": False}  # pre_buffer starts a thread
    try:
        with pq.ParquetFile(path, **how) as file:
            texts = [one.name for one in file.schema_arrow if pa.types.is_string(one.type)]
        with pq.ParquetFile(path, read_dictionary=texts, **how) as file:
            table = file.read(use_threads=False)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(
            Problem(str(path), f"it cannot be read: {error}", "a whole Parquet file", "Run the forecast again")
        ) from error
    known = TABLES.get(path.stem.removeprefix(PREVIOUS))
    kinds = known.columns if known is not None else {}
    columns = {name: _column(table.column(name), kind=kinds.get(name)) for name in table.column_names}
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)


def _column(stored: pa.ChunkedArray, *, kind: str | None) -> np.ndarray | pd.api.extensions.ExtensionArray:
    """A column with the type it was written with: Parquet keeps values, not pandas' extension types."""
    if pa.types.is_dictionary(stored.type):  # each different text once, and its place in every row
        whole = stored.unify_dictionaries().combine_chunks()
        texts = np.array([*whole.dictionary.to_pylist(), None], dtype=object)
        places = whole.indices.fill_null(len(texts) - 1) if whole.null_count else whole.indices
        return texts.take(places.to_numpy(zero_copy_only=False))
    if kind == "whole" and pa.types.is_integer(stored.type) and not stored.null_count:
        values = np.array(stored.to_numpy(), dtype=np.int64)
        return pd.arrays.IntegerArray(values, np.zeros(len(values), dtype=bool))
    if kind in ("whole", "text") or stored.null_count or not pa.types.is_primitive(stored.type):
        column = stored.to_pandas(use_threads=False)
        return column.astype({"whole": "Int64", "text": object}.get(kind, column.dtype)).array
    return np.array(stored.to_numpy())


def write_run(
    tables: Mapping[str, pd.DataFrame], run_dir: Path, *, standing: RunTables | None = None
) -> dict[str, Path]:
    """Write every table of a run.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        The names of ``RUN_TABLES``; further names with the prefixes ``previous_`` and ``extra_``.
    run_dir : Path
    standing : RunTables, optional
        The run that was read from `run_dir`: a table that is still the very object it gave is not written again
        where its file has the hash that its manifest states.

    Returns
    -------
    dict of name to path

    Raises
    ------
    DataError
        When a table of ``RUN_TABLES`` is missing.
    OSError
        When the disk is full.
    """
    missing = [one for one in RUN_TABLES if one not in tables]
    require([Problem(str(run_dir), f"tables {examples(missing)} are missing", "", "Pass them")] if missing else [])
    folder = run_dir / "tables"
    paths = {name: folder / f"{name}.parquet" for name in sorted(tables)}
    same = _as_read(standing) if standing is not None else {}
    for name, path in paths.items():
        if same.get(name) is not tables[name] or not _stands(path, standing):
            write_table(tables[name], path)
    for stale in sorted(set(folder.glob("*.parquet")) - set(paths.values())):
        stale.unlink()  # a table of an earlier run of these params must not be read as one of this
    return paths


def _as_read(run: RunTables) -> dict[str, pd.DataFrame]:
    """Tables of a run by the names of their files."""
    before = run.previous
    found = {name: getattr(run, name) for name in RUN_TABLES}
    found |= {PREVIOUS + name: getattr(before, name) for name in RUN_TABLES} if before is not None else {}
    return found | {EXTRA + name: frame for name, frame in run.extra.items()}


def _stands(path: Path, run: RunTables) -> bool:
    stated = run.manifest.get("tables", {}).get(path.stem)
    return bool(stated) and path.is_file() and file_sha256(path) == stated


def load_run(run_dir: str | Path) -> RunTables:
    """Read a finished run: what every notebook asks first. Cached as long as its manifest stays the same.

    Raises
    ------
    DataError
        When there is no finished run in `run_dir`.
    """
    run_dir = Path(run_dir).resolve()
    manifest = run_dir / "manifest.json"
    if not manifest.is_file():
        known = sorted(one.parent.name for one in run_dir.parent.glob("*/manifest.json"))
        raise DataError(
            Problem(
                str(run_dir),
                "there is no finished run in it (no manifest.json)",
                f"runs here: {', '.join(known)}" if known else "a folder that `candich run` wrote",
                "Run `candich run params/demo.yml` first, or change run_dir",
            )
        )
    return _load_run(run_dir, manifest.read_text(encoding="utf-8"))


@lru_cache(maxsize=4)
def _load_run(run_dir: Path, manifest_text: str) -> RunTables:
    manifest = json.loads(manifest_text)
    found = {path.stem: read_table(path) for path in sorted((run_dir / "tables").glob("*.parquet"))}
    require(
        [Problem(str(run_dir), f"table {one!r} is missing", "", "Run again") for one in RUN_TABLES if one not in found]
    )
    base = {name: found[name] for name in RUN_TABLES}
    before = {name: found.get(PREVIOUS + name) for name in RUN_TABLES}
    common = {"run_id": manifest["run_id"], "params": manifest["params"], "manifest": manifest}
    previous = None
    if before["assessments"] is not None:
        kept = {name: base[name] if frame is None else frame for name, frame in before.items()}
        previous = RunTables(**common, **kept)
    extra = {name.removeprefix(EXTRA): frame for name, frame in found.items() if name.startswith(EXTRA)}
    return RunTables(**common, **base, extra=extra, previous=previous)


def read_manifest(path: Path) -> dict:
    """A run's manifest.

    Raises
    ------
    DataError
        When it is not whole JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            Problem(str(path), f"it cannot be read: {error}", "a run's manifest", "Move it away and run again")
        ) from error


def published_assessments(outputs: Path, *, run_id: str, before: str) -> dict[str, pd.DataFrame]:
    """What earlier runs of the same params said: cutoff -> assessments, for cutoffs earlier than `before`.

    Parameters
    ----------
    outputs : Path
        Folder of the runs.
    run_id : str
    before : str
        Period code; runs of another frequency are left out.

    Returns
    -------
    dict of period code to DataFrame
        Sorted by cutoff; of two runs of one cutoff, the folder that is named for its period counts.
    """
    found: dict[str, Path] = {}
    for path in sorted(outputs.glob("*/manifest.json")):
        manifest = read_manifest(path)
        cutoff = manifest.get("cutoff", "")
        same = manifest.get("run_id") == run_id and frequency_of(cutoff) == frequency_of(before)
        if same and cutoff < before:
            found[cutoff] = path.parent / "tables" / "assessments.parquet"
    return {cutoff: read_table(path) for cutoff, path in sorted(found.items()) if path.is_file()}
