"""Raw files to raw tables: CSV, XLSX, Parquet and databases, every cell as the file has it, within stated bounds.

Nothing is interpreted here. Text stays text (codes keep their zeros); numbers of typed files stay numbers. A file that
claims absurd sizes (zip and XML bombs, Parquet dictionaries that unfold) is refused before it is opened.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.registry.sources import SourceParams
from analysis.words.errors import MAX_EXAMPLES, AnalysisError, DataError, Problem, did_you_mean, examples, require

if TYPE_CHECKING:
    import openpyxl

MAX_BYTES = 2_000_000_000  # of a file on disk
MAX_ROWS = 20_000_000  # 3,355 units x 20 indicators x 120 months are 8 million
MAX_COLUMNS = 500
MAX_UNPACKED = 200_000_000  # bytes of an XLSX, unpacked; its table of texts, which is read whole, a quarter of it
MAX_RATIO = 200  # unpacked / packed of a large member; text packs about 10 to 1
MAX_MEMBERS = 5_000


@dataclass(frozen=True)
class RawFile:
    """A raw table: cells are text, or numbers where the file is typed; the index is the row as the reader counts it.

    ``sha256`` is of the file, or of the rows read from a database.
    """

    frame: pd.DataFrame
    where: str
    sha256: str


def read_raw(source: SourceParams, *, path: Path | str, where: str, sha256: str = "") -> RawFile:
    """Read one raw file.

    Parameters
    ----------
    source : SourceParams
    path : Path or str
        The file; for ``format: sql`` an SQLAlchemy URL.
    where : str
        How messages name the file.
    sha256 : str
        The hash it must have; "" where none is stated.

    Returns
    -------
    RawFile

    Raises
    ------
    DataError
        No such file, another hash, not of its format, too large, a column name twice.
    """
    if source.format == "sql":
        from analysis.intake.database import read_query

        frame, digest = read_query(str(path), query=source.query, where=where, max_rows=MAX_ROWS)
    else:
        path = Path(path)
        _require_file(path, where)
        digest = sha256_of(path)
        reader = {"csv": _read_csv, "xlsx": _read_xlsx, "parquet": _read_parquet}[source.format]
        frame = reader(path, source=source, where=where)
    if sha256 and digest != sha256:
        raise DataError(
            Problem(where, f"the file's sha256 is {digest}", sha256, "It is not the file that was taken in")
        )
    frame.columns = [str(one).strip() for one in frame.columns]
    twice = sorted({one for one in frame.columns if list(frame.columns).count(one) > 1})
    if twice:
        raise DataError(Problem(where, f"columns stand twice: {examples(twice)}", "each once", "Rename one of them"))
    frame.index = frame.index + source.header_row + 1
    return RawFile(frame, where, digest)


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_file(path: Path, where: str) -> None:
    if not path.is_file():
        near = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        remedy = did_you_mean(path.name, near) or "Check `path` in the source's file, and --data"
        raise DataError(Problem(where, "there is no such file", "", remedy))
    size = path.stat().st_size
    if not 0 < size <= MAX_BYTES:
        raise DataError(Problem(where, f"the file has {size} bytes", f"1 to {MAX_BYTES}", "Split it, or use Parquet"))


def _read_csv(path: Path, *, source: SourceParams, where: str) -> pd.DataFrame:
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
    _check_csv(path, source=source, encoding=encoding, where=where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header loses cells
            frame = pd.read_csv(
                path, sep=source.delimiter, encoding=encoding, dtype=str, keep_default_na=False, index_col=False,
                header=source.header_row - 1, skip_blank_lines=False, on_bad_lines="error", nrows=MAX_ROWS + 1,
            )  # fmt: skip
    except UnicodeDecodeError as error:
        remedy = "Save it as UTF-8, or state `encoding` in the source's file"
        raise DataError(
            Problem(where, f"byte {error.start} is not {source.encoding}", source.encoding, remedy)
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        found = str(error).strip().removeprefix("Error tokenizing data. C error: ").splitlines()[0]
        remedy = "Mend that row; a cell with the delimiter in it stands in double quotes"
        raise DataError(
            Problem(where, f"it is not a table: {found}", "as many cells in each row as names", remedy)
        ) from None
    if len(frame) > MAX_ROWS:
        raise DataError(Problem(where, f"more than {MAX_ROWS} rows", f"at most {MAX_ROWS}", "Split it"))
    return frame[~frame.eq("").all(axis=1)] if len(frame.columns) > 1 else frame


def _check_csv(path: Path, *, source: SourceParams, encoding: str, where: str) -> None:
    """Names that stand twice and rows of another length: pandas would rename the one and fill up the other."""
    names, uneven, n_uneven = [], [], 0
    try:
        with path.open(encoding=encoding, newline="") as file:
            for number, cells in enumerate(csv.reader(file, delimiter=source.delimiter, strict=True), start=1):
                if number == source.header_row:
                    names = [one.strip() for one in cells]
                elif number > source.header_row and cells and len(cells) != len(names):
                    n_uneven += 1
                    uneven += [f"row {number} has {len(cells)}"] if n_uneven <= MAX_EXAMPLES else []
    except UnicodeDecodeError as error:
        remedy = "Save it as UTF-8, or state `encoding` in the source's file"
        raise DataError(
            Problem(where, f"byte {error.start} is not {source.encoding}", source.encoding, remedy)
        ) from None
    except csv.Error as error:
        raise DataError(
            Problem(where, f"it is not a CSV table: {error}", "", "Mend the quotes, or save it anew")
        ) from None
    problems = []
    twice = sorted({one for one in names if one and names.count(one) > 1})
    if twice:
        problems.append(Problem(where, f"columns stand twice: {examples(twice)}", "each once", "Rename one of them"))
    if len(names) > MAX_COLUMNS:
        problems.append(Problem(where, f"{len(names)} columns", f"at most {MAX_COLUMNS}", "Bring it into long form"))
    if n_uneven:
        told = ", ".join(uneven) + (f" and {n_uneven - MAX_EXAMPLES} more" if n_uneven > MAX_EXAMPLES else "")
        remedy = "Mend those rows; a cell with the delimiter in it stands in double quotes"
        problems.append(Problem(where, f"the header has {len(names)} cells, {told}", "the same number", remedy))
    require(problems, DataError)


def check_zip(path: Path, *, where: str) -> list[Problem]:
    """What is wrong with a zip container (an XLSX is one), from its directory and the heads of its members."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            total = sum(one.file_size for one in members)
            if len(members) > MAX_MEMBERS or total > MAX_UNPACKED:
                return [
                    Problem(where, f"{len(members)} members, {total} bytes unpacked",
                            f"at most {MAX_MEMBERS} and {MAX_UNPACKED}", "Export it as CSV or Parquet")
                ]  # fmt: skip
            for one in members:
                if one.file_size > 1_000_000 and one.file_size > MAX_RATIO * max(one.compress_size, 1):
                    found = f"{one.filename[:80]!r} unpacks {one.file_size // max(one.compress_size, 1)}-fold"
                    return [Problem(where, found, f"at most {MAX_RATIO}-fold", "Is it a zip bomb? Save the file anew")]
                if one.filename.endswith("sharedStrings.xml") and one.file_size > MAX_UNPACKED // 4:
                    found = f"the texts of the sheets are {one.file_size} bytes"
                    return [Problem(where, found, f"at most {MAX_UNPACKED // 4}", "Export it as CSV or Parquet")]
                if one.flag_bits & 1:
                    return [Problem(where, "the file is protected by a password", "", "Save it without one")]
                if one.filename.endswith((".xml", ".rels")):
                    with archive.open(one) as file:
                        if b"<!DOCTYPE" in (head := file.read(65_536)) or b"<!ENTITY" in head:
                            found = f"{one.filename[:80]!r} defines XML entities"
                            return [Problem(where, found, "none", "Save the file anew in a spreadsheet program")]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError) as error:
        return [Problem(where, f"it is not an XLSX file: {error}", "", "Save it as XLSX or CSV")]
    return []


def _read_xlsx(path: Path, *, source: SourceParams, where: str) -> pd.DataFrame:
    problems = check_zip(path, where=where)
    if problems:
        raise DataError(problems)
    import openpyxl  # a tenth of a second, for workbooks alone

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        try:
            sheet = _sheet_of(book, source.sheet, where)
            sheet.reset_dimensions()  # the stated size may be absurd; rows are counted while they are read
            return _rows_of(sheet, source.header_row, where)
        finally:
            book.close()
    except AnalysisError:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl raises whatever a damaged file makes it raise
        raise DataError(Problem(where, f"it is not an XLSX file: {error}", "", "Save it as XLSX or CSV")) from None


def _sheet_of(book: openpyxl.Workbook, name: str | None, where: str):
    names = [one.title for one in book.worksheets]
    if name is None and len(names) == 1:
        return book.worksheets[0]
    if name not in names:
        found = f"{len(names)} sheets and no `sheet` stated" if name is None else f"there is no sheet {name!r}"
        remedy = did_you_mean(name or "", names) or "State `sheet` in the source's file"
        raise DataError(Problem(where, found, ", ".join(names), remedy))
    return book[name]


def _rows_of(sheet, header_row: int, where: str) -> pd.DataFrame:
    header: list[str] = []
    rows: list[list[object]] = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS), start=1):
        if number > MAX_ROWS or (number > len(rows) + header_row + 100_000):
            raise DataError(Problem(where, f"more than {number - 1} rows, most of them empty", "", "Remove empty rows"))
        if number < header_row:
            continue
        if number == header_row:
            header = ["" if one is None else str(one) for one in cells]
            while header and not header[-1].strip():
                header.pop()
            continue
        row = [_cell(one) for one in cells[: len(header)]]
        row += [""] * (len(header) - len(row))
        if any(one != "" for one in row):
            rows.append([number, *row])
    if not header:
        raise DataError(Problem(where, f"row {header_row} is empty", "the column names", "State `header_row`"))
    frame = pd.DataFrame(rows, columns=["\0row", *header], dtype=object)
    frame.index = frame.pop("\0row").astype(int) - header_row - 1 if len(frame) else frame.pop("\0row")
    return frame


def _cell(value: object) -> object:
    """A cell as text, or a number; a date as ISO text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return value
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def _read_parquet(path: Path, *, source: SourceParams, where: str) -> pd.DataFrame:
    try:
        limits = {"thrift_string_size_limit": 10_000_000, "thrift_container_size_limit": 1_000_000}
        file = pq.ParquetFile(path, pre_buffer=False, **limits)
        meta, schema = file.metadata, file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise DataError(Problem(where, f"it is not a Parquet file: {str(error)[:200]}", "", "Write it anew")) from None
    unpacked = sum(meta.row_group(one).total_byte_size for one in range(meta.num_row_groups))
    if meta.num_rows > MAX_ROWS or meta.num_columns > MAX_COLUMNS or unpacked > MAX_BYTES:
        found = f"{meta.num_rows} rows, {meta.num_columns} columns, {unpacked} bytes unpacked"
        raise DataError(Problem(where, found, f"at most {MAX_ROWS}, {MAX_COLUMNS} and {MAX_BYTES}", "Split it"))
    nested = [one.name for one in schema if pa.types.is_nested(one.type) or pa.types.is_binary(one.type)]
    if nested:
        raise DataError(Problem(where, f"columns are no plain values: {examples(nested)}", "text, numbers, dates", ""))
    # text as dictionaries: a long word repeated in each row stays one word in memory
    text = [one.name for one in schema if pa.types.is_string(one.type) or pa.types.is_large_string(one.type)]
    try:
        with pq.ParquetFile(path, read_dictionary=text, pre_buffer=False) as file:  # threads: the run forks later
            table = file.read(use_threads=False)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise DataError(Problem(where, f"it cannot be read: {str(error)[:200]}", "", "Write it anew")) from None
    return pd.DataFrame({name: _plain(table.column(name)) for name in table.column_names})


def _plain(column: pa.ChunkedArray) -> pd.Series:
    """One typed column as numbers or as text."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        series = column.to_pandas()
        return series if column.null_count == 0 else series.astype(object).where(series.notna(), "")
    if pa.types.is_dictionary(column.type):
        series = column.to_pandas()
        return series.astype(object).where(series.notna(), "")
    values = column.to_pandas().astype(object)
    return values.map(_cell_or_empty)


def _cell_or_empty(value: object) -> object:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    return _cell(value.to_pydatetime() if isinstance(value, pd.Timestamp) else value)
