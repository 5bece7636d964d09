"""`candich assess`: the same statistics for a table from anywhere, file in, file out, without params and notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis import records
from analysis.attainment.table import assess_table
from analysis.words.errors import ParamsError, Problem, did_you_mean, examples, require

OBSERVATION_COLUMNS = ("unit", "indicator", "period", "value", "numerator", "denominator")
TARGET_COLUMNS = ("target", "indicator", "operator", "threshold", "deadline", "unit")
_OPTIONAL = {"numerator", "denominator"}


@dataclass(frozen=True)
class AssessedFile:
    """What was written: rows, and the refused rows in words."""

    n_rows: int
    refusals: list[str]
    refused_path: Path | None


def assess_files(observations: Path, *, targets: Path, cutoff: str, out: Path) -> AssessedFile:
    """Assess every unit and target of two files.

    Parameters
    ----------
    observations : Path
        Tidy CSV or Parquet: ``unit,indicator,period,value[,numerator,denominator]``; shares as fractions.
    targets : Path
        CSV or Parquet: ``target,indicator,operator,threshold,deadline[,unit]``.
    cutoff : str
        Last period that may be used.
    out : Path
        CSV or Parquet. Rows that were refused go to ``<out>.refused.csv``, each with its reason.

    Returns
    -------
    AssessedFile

    Raises
    ------
    DataError, ParamsError
        A file is missing or lacks a column, or no row can be used.
    """
    problems = [
        Problem(f"{option} {path}", f"the ending is {path.suffix!r}", ".csv or .parquet", "Convert or rename the file")
        for option, path in (("--observations", observations), ("--targets", targets), ("--out", out))
        if path.suffix.lower() not in {".csv", ".parquet"}
    ]
    require(problems, ParamsError)
    frames, problems = [], []
    for path, columns, optional in (
        (observations, OBSERVATION_COLUMNS, _OPTIONAL),
        (targets, TARGET_COLUMNS, {"unit"}),
    ):
        frame, found = _read(path, columns=columns, optional=optional)
        frames.append(frame)
        problems += found
    require(problems)
    assessed, refused = assess_table(frames[0], frames[1], cutoff=cutoff)
    refused_path = out.with_name(out.name + ".refused.csv")
    if len(refused):
        records.write_frame(refused, refused_path)
    else:
        refused_path.unlink(missing_ok=True)
    records.write_frame(assessed, out)
    return AssessedFile(len(assessed), _say(refused, refused_path), refused_path if len(refused) else None)


def _read(path: Path, *, columns: tuple[str, ...], optional: set[str]) -> tuple[pd.DataFrame, list[Problem]]:
    """Read a file with every cell as it stands there: codes stay text, numbers are read where they are checked."""
    if not path.is_file():
        near = did_you_mean(path.name, [one.name for one in path.parent.glob("*")] if path.parent.is_dir() else [])
        return pd.DataFrame(), [Problem(str(path), "there is no such file", "", near or "Check the path")]
    try:
        if path.suffix.lower() == ".csv":
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
        else:
            frame = pq.read_table(path).to_pandas()
    except (ValueError, OSError, pa.ArrowInvalid) as error:
        return pd.DataFrame(), [Problem(str(path), f"it cannot be read: {error}", "a UTF-8 CSV or a Parquet file", "")]
    missing = [one for one in columns if one not in frame.columns and one not in optional]
    hints = " ".join(filter(None, (did_you_mean(one, columns) for one in frame.columns if one not in columns)))
    if missing:
        found = f"columns {examples(missing)} are missing; it has {examples(frame.columns)}"
        return frame, [Problem(str(path), found, ", ".join(columns), hints or "Rename or add them")]
    return frame[[one for one in columns if one in frame.columns]], []


def _say(refused: pd.DataFrame, path: Path) -> list[str]:
    if refused.empty:
        return []
    first = refused.drop_duplicates("reason").set_index("reason")
    counts = refused["reason"].value_counts().sort_index()
    lines = [
        f"{count} rows: {reason}, e.g. {first.loc[reason, 'table']} row {first.loc[reason, 'row']}: "
        f"{first.loc[reason, 'detail']}"
        for reason, count in counts.items()
    ]
    return [*lines, f"all {len(refused)} with their reasons in {path}"]
