"""Where a run's tables and its manifest live, and how a notebook gets them back.

``<run>/tables/<name>.parquet``, sorted by key, without a clock, so the same tables are the same bytes. A run's folder
does not change once it is finished, and its manifest holds no clock and no machine path.
``outputs/<run_id>/current`` points to the current one. Every read of a stored table checks its hash against it.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.words.errors import DataError, ParamsError, Problem, examples, require
from analysis.words.files import file_sha256, write_file
from analysis.words.schema import TABLES, RunTables

RUN_TABLES = (
    *("units", "indicators", "targets", "observations", "forecasts", "assessments"),
    *("quality", "evidence", "scorecard"),
)
PREVIOUS = "previous_"  # prefix of the tables of the quarter before, kept in the same run folder
EXTRA = "extra_"  # prefix of the tables that a target kind adds
CURRENT, LATEST, MANIFEST = "current", "latest", "manifest.json"
DRAFT = "draft"  # a run that was computed and not published
_ROW_GROUP = 1 << 20


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write one table as Parquet; same rows, same bytes.

    OSError: when the disk is full or the folder may not be written to; nothing is left behind.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    table = table.replace_schema_metadata(None)  # pandas' own note carries its version
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=_ROW_GROUP)
    write_file(path, sink.getvalue().to_pybytes())


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a table where a user asked for it: CSV or Parquet by the file's ending.

    DataError: when it cannot be written there.
    """
    try:
        if path.suffix.lower() == ".parquet":
            write_table(frame, path)
        else:
            write_file(path, frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    except OSError as error:
        found = f"it cannot be written: {error.strerror or error}"
        raise DataError(Problem(str(path), found, "", "Name another --out, or make room")) from error


def read_table(path: Path, *, name: str = "") -> pd.DataFrame:
    """Read one table without starting a thread (the publishing parent forks later); `name` where its file has another.

    DataError: when the file is missing or is not a whole Parquet file.
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
    known = TABLES.get(name or path.stem.removeprefix(PREVIOUS))
    whole = (
        [name for name, kind in known.columns.items() if kind == "whole" and name in table.column_names]
        if known
        else []
    )
    return table.to_pandas(use_threads=False).astype(dict.fromkeys(texts, object) | dict.fromkeys(whole, "Int64"))


def write_run(tables: Mapping[str, pd.DataFrame], run_dir: Path) -> dict[str, Path]:
    """Write every table of a run: those of ``RUN_TABLES``, and any named ``previous_...`` or ``extra_...``.

    DataError: a table of ``RUN_TABLES`` is missing. OSError: the disk is full.
    """
    missing = [name for name in RUN_TABLES if name not in tables]
    require([Problem(str(run_dir), f"tables {examples(missing)} are missing", "", "Pass them")] if missing else [])
    paths = {name: run_dir / "tables" / f"{name}.parquet" for name in sorted(tables)}
    for name, path in paths.items():
        write_table(tables[name], path)
    return paths


def current_run(folder: Path) -> Path:
    """The finished run that a folder of runs points to; the folder itself where it is a run."""
    pointer = folder / CURRENT
    if pointer.is_symlink():
        return pointer.resolve()
    if pointer.is_file():  # where links cannot be made (Windows)
        return folder / pointer.read_text(encoding="ascii").strip()
    return folder


def find_run(name: str | Path) -> Path:
    """The folder of a run: a path, or ``"latest"`` for the one made current last below ``outputs``.

    DataError: when there is no finished run.
    """
    where = Path(name)
    if str(name) == LATEST:
        here = Path.cwd()
        outputs = next((top / "outputs" for top in (here, *here.parents) if (top / "outputs").is_dir()), here)
        pointers = sorted(outputs.glob(f"*/{CURRENT}"), key=lambda path: (path.lstat().st_mtime_ns, path.parent.name))
        where = pointers[-1].parent if pointers else outputs
    where = where.resolve()
    run = current_run(where)
    if (run / MANIFEST).is_file():
        return run
    known = sorted(path.parent.name for path in where.parent.glob(f"*/{CURRENT}"))
    raise DataError(
        Problem(
            str(where),
            "there is no finished run in it",
            f"runs here: {', '.join(known)}" if known else "a folder that `candich run` wrote",
            "Run `candich run params/demo.yml` first, or change run_dir",
        )
    )


def project_of(run: Path) -> Path:
    """The project that a run belongs to: the first folder above it, or above this one, with notebooks and params.

    ParamsError: there is none.
    """
    here = Path.cwd()
    for folder in (*run.parents, here, *here.parents):
        if (folder / "notebooks").is_dir() and (folder / "params").is_dir():
            return folder
    found, remedy = "no folder above the run holds notebooks and params", "Name it (--project DIR), or move the run"
    raise ParamsError(Problem(str(run), found, "a project", remedy))


def load_run(run_dir: str | Path = LATEST) -> RunTables:
    """Read a finished run: what every notebook does first.

    Parameters
    ----------
    run_dir : str or Path
        A run's folder, or ``"latest"``, which is looked up once: a run that becomes current later changes nothing.

    Raises
    ------
    DataError
        There is no finished run, its layout is of an earlier version, or a table is not the one its manifest states.
    """
    run = find_run(run_dir)
    return _load_run(run, (run / MANIFEST).read_text(encoding="utf-8"))


@lru_cache(maxsize=4)
def _load_run(run_dir: Path, manifest_text: str) -> RunTables:
    manifest = read_manifest(run_dir / MANIFEST)
    check_tables(run_dir, manifest)
    found = {name: read_table(run_dir / "tables" / f"{name}.parquet") for name in manifest["tables"]}
    base = {name: found[name] for name in RUN_TABLES}
    before = {name: found.get(PREVIOUS + name) for name in RUN_TABLES}
    common = {"run_id": manifest["run_id"], "params": manifest["params"], "manifest": manifest}
    previous = None
    if before["assessments"] is not None:
        kept = {name: base[name] if frame is None else frame for name, frame in before.items()}
        previous = RunTables(**common, **kept)
    extra = {name.removeprefix(EXTRA): frame for name, frame in found.items() if name.startswith(EXTRA)}
    return RunTables(**common, **base, extra=extra, previous=previous, folder=str(run_dir))


def check_tables(run_dir: Path, manifest: Mapping) -> None:
    """Refuse stored tables that are not the ones the manifest states.

    DataError: with every table that is missing, altered or foreign.
    """
    names = {*manifest["tables"], *RUN_TABLES, *(path.stem for path in (run_dir / "tables").glob("*.parquet"))}
    require([problem for name in sorted(names) for problem in _faults(run_dir, manifest, name)])


def read_stored(run_dir: Path, name: str) -> pd.DataFrame:
    """One table of a finished run; raises DataError when it is not the one that the manifest states."""
    require(_faults(run_dir, read_manifest(run_dir / MANIFEST), name))
    return read_table(run_dir / "tables" / f"{name}.parquet")


def _faults(run_dir: Path, manifest: Mapping, name: str) -> list[Problem]:
    """Why a stored table may not be read; empty when it may."""
    path, stated = run_dir / "tables" / f"{name}.parquet", manifest["tables"].get(name)
    remedy = "Restore it from a copy, or run again: `candich run` makes a new run from the raw files"
    if stated is None:
        return [Problem(str(path), "the table is not one of this run", "the manifest's tables", remedy)]
    if not path.is_file():
        return [Problem(str(path), "the table is missing", "", remedy)]
    if file_sha256(path) != stated:
        return [Problem(str(path), "the table was altered after the run", "the manifest's hash", remedy)]
    return []


def read_manifest(path: Path) -> dict:
    """A run's manifest.

    DataError: when it is not whole JSON, or was written by another version of the program.
    """
    remedy = "Move the folder away and run again"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(Problem(str(path), f"it cannot be read: {error}", "a run's manifest", remedy)) from error
    layout = manifest.get("schema") if isinstance(manifest, dict) else None
    if layout != SCHEMA:
        found = f"the layout is {layout!r}" if layout else "it is not a run's manifest"
        raise DataError(Problem(str(path), found, f"layout {SCHEMA}, of this version of candich", remedy))
    return manifest


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
        "register": {"state": DRAFT},
    }
