"""Raw files to raw tables: CSV, XLSX, Parquet and databases, every cell as the file has it, within stated bounds.

Nothing is interpreted here. Text stays text (codes keep their zeros); numbers of typed files stay numbers. A file that
claims absurd sizes (zip and XML bombs, Parquet dictionaries that unfold) is refused before it is opened.

A source's files lie in ``data/raw/<source>/<vintage>/``, named by the day each was known, and are never overwritten.
Each has a ``<file>.meta.yml`` with its sha256; a file that changed since then is refused.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.registry.sources import SourceParams
from analysis.words.errors import MAX_EXAMPLES, AnalysisError, DataError, Problem, did_you_mean, examples, require
from analysis.words.files import file_sha256, missing_file

if TYPE_CHECKING:
    import openpyxl
    import sqlalchemy as sa
from analysis.registry.entries import Entry, IsoDate, Text, as_entry, read_yaml
from analysis.registry.sources import VINTAGE

MAX_BYTES = 2_000_000_000  # of a file on disk
MAX_ROWS = 20_000_000  # 3,355 units x 20 indicators x 120 months are 8 million
MAX_COLUMNS = 500
MAX_UNPACKED = 200_000_000  # bytes of an XLSX, unpacked; its table of texts, which is read whole, a quarter of it
MAX_RATIO = 200  # unpacked / packed of a large member; text packs about 10 to 1
MAX_MEMBERS = 5_000
_BATCH = 50_000  # rows of a query


@dataclass(frozen=True)
class RawFile:
    """A raw table: cells are text, or numbers where the file is typed; the index is the row as the reader counts it.

    ``sha256`` is of the file, or of the rows read from a database.
    """

    frame: pd.DataFrame
    where: str
    sha256: str


def read_raw(source: SourceParams, *, path: Path | str, where: str, sha256: str = "") -> RawFile:
    """Read one raw file; with ``format: sql``, `path` is an SQLAlchemy URL. `where` names it in messages.

    DataError: no such file, a hash other than `sha256` ("": not checked), not of its format, too large, a column name
    twice; of a database also a query that is no single SELECT, and whatever the database reports.
    """
    if source.format == "sql":
        frame, digest = _read_sql(str(path), query=source.query, where=where)
    else:
        path = Path(path)
        _require_file(path, where)
        digest = file_sha256(path)
        reader = {"csv": _read_csv, "xlsx": _read_xlsx, "parquet": _read_parquet}[source.format]
        frame = reader(path, source=source, where=where)
    if sha256 and digest != sha256:
        found = f"the file's sha256 is {digest}"
        raise DataError(Problem(where, found, sha256, "It is not the file that was taken in"))
    frame = _named(frame, where)
    frame.index = frame.index + source.header_row + 1
    return RawFile(frame, where, digest)


def raw_table(frame: pd.DataFrame, *, where: str) -> RawFile:
    """A table in memory as :func:`read_raw` would hand it over.

    Its index holds the table's own labels, or positions from 0 where these repeat or are no whole numbers.
    """
    index = frame.index
    labelled = index.is_unique and pd.api.types.is_integer_dtype(index)
    frame = _named(frame.set_axis(index if labelled else range(len(frame))), where)
    return RawFile(pd.DataFrame({name: _typed(frame[name]) for name in frame}, index=frame.index), where, "")


def _typed(column: pd.Series) -> pd.Series:
    """A column as numbers where every cell is one, else as text and numbers, "" where there is nothing."""
    if column.dtype.kind in "iuf" and column.notna().all():
        return column
    column = column.dt.date if column.dtype.kind == "M" else column
    return column.astype(object).where(column.notna(), "").map(_cell)


def _named(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """The table with its columns' names trimmed, each there once."""
    frame = frame.set_axis([str(one).strip() for one in frame.columns], axis=1)
    require(_twice(frame.columns, where), DataError)
    return frame


def _twice(names: Iterable[str], where: str) -> list[Problem]:
    twice = sorted(name for name, n in Counter(names).items() if n > 1)
    found = f"columns occur twice: {examples(twice)}"
    return [Problem(where, found, "each once", "Rename one of them")] if twice else []


def _require_file(path: Path, where: str) -> None:
    remedy = "Check the path, in the source's file or on the command line"
    require(missing_file(path, where=where, remedy=remedy), DataError)
    size = path.stat().st_size
    if not 0 < size <= MAX_BYTES:
        raise DataError(Problem(where, f"the file has {size} bytes", f"1 to {MAX_BYTES}", "Split it, or use Parquet"))


def _read_csv(path: Path, *, source: SourceParams, where: str) -> pd.DataFrame:
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
    try:
        require(_check_csv(path, source=source, encoding=encoding, where=where), DataError)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header loses cells
            frame = pd.read_csv(
                path, sep=source.delimiter, encoding=encoding, dtype=str, keep_default_na=False, index_col=False,
                header=source.header_row - 1, skip_blank_lines=False, nrows=MAX_ROWS + 1,
            )  # fmt: skip
    except UnicodeDecodeError as error:
        found, remedy = f"byte {error.start} is not {source.encoding}", "Save it as UTF-8, or state `encoding`"
        raise DataError(Problem(where, found, source.encoding, f"{remedy} in the source's file")) from None
    except (csv.Error, pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        found, remedy = f"it is not a CSV table: {error}", "Mend the quotes, or save it again"
        raise DataError(Problem(where, found, "", remedy)) from None
    if len(frame) > MAX_ROWS:
        raise DataError(Problem(where, f"more than {MAX_ROWS} rows", f"at most {MAX_ROWS}", "Split it"))
    return frame[~frame.eq("").all(axis=1)] if len(frame.columns) > 1 else frame


def _check_csv(path: Path, *, source: SourceParams, encoding: str, where: str) -> list[Problem]:
    """Names that stand twice and rows of another length: pandas would rename the one and fill up the other."""
    names, uneven, n_uneven = [], [], 0
    with path.open(encoding=encoding, newline="") as file:
        for number, cells in enumerate(csv.reader(file, delimiter=source.delimiter, strict=True), start=1):
            if number == source.header_row:
                names = [one.strip() for one in cells]
            elif number > source.header_row and cells and len(cells) != len(names):
                n_uneven += 1
                uneven += [f"row {number} has {len(cells)}"] if n_uneven <= MAX_EXAMPLES else []
    problems = _twice(filter(None, names), where)
    if len(names) > MAX_COLUMNS:
        problems.append(Problem(where, f"{len(names)} columns", f"at most {MAX_COLUMNS}", "Bring it into long form"))
    if uneven:
        more = f" and {n_uneven - MAX_EXAMPLES} more" if n_uneven > MAX_EXAMPLES else ""
        found = f"the header has {len(names)} cells, {', '.join(uneven)}{more}"
        remedy = "Correct those rows; put a cell that contains the delimiter in double quotes"
        problems.append(Problem(where, found, "the same number", remedy))
    return problems


def check_zip(path: Path, *, where: str) -> list[Problem]:
    """What is wrong with a zip container (an XLSX is one), from its directory and the heads of its members."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            total = sum(one.file_size for one in members)
            if len(members) > MAX_MEMBERS or total > MAX_UNPACKED:
                found, allowed = f"{len(members)} members, {total} bytes unpacked", f"{MAX_MEMBERS} and {MAX_UNPACKED}"
                return [Problem(where, found, f"at most {allowed}", "Export it as CSV or Parquet")]
            for member in members:
                if wrong := _wrong_member(archive, member):
                    return [Problem(where, *wrong)]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError) as error:
        return [Problem(where, f"it is not an XLSX file: {error}", "", "Save it as XLSX or CSV")]
    return []


def _wrong_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[str, str, str] | None:
    """What was found, what is allowed and the remedy."""
    name, packed = repr(member.filename[:80]), max(member.compress_size, 1)
    if member.file_size > max(1_000_000, MAX_RATIO * packed):
        found = f"{name} unpacks {member.file_size // packed}-fold"
        return found, f"at most {MAX_RATIO}-fold", "Is it a zip bomb? Save the file again"
    if member.filename.endswith("sharedStrings.xml") and member.file_size > MAX_UNPACKED // 4:
        found = f"the texts of the sheets are {member.file_size} bytes"
        return found, f"at most {MAX_UNPACKED // 4}", "Export it as CSV or Parquet"
    if member.flag_bits & 1:
        return "the file is protected by a password", "", "Save it without one"
    if member.filename.endswith((".xml", ".rels")):
        with archive.open(member) as file:
            head = file.read(65_536)
        if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
            return f"{name} defines XML entities", "none", "Save the file again in a spreadsheet program"
    return None


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
    """A cell as text, or a number; a date as ISO text; nothing as ""."""
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, int | float) else str(value)


def _read_parquet(path: Path, *, source: SourceParams, where: str) -> pd.DataFrame:
    try:
        limits = {"thrift_string_size_limit": 10_000_000, "thrift_container_size_limit": 1_000_000}
        file = pq.ParquetFile(path, pre_buffer=False, **limits)
        meta, schema = file.metadata, file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise DataError(Problem(where, f"it is not a Parquet file: {str(error)[:200]}", "", "Write it again")) from None
    unpacked = sum(meta.row_group(one).total_byte_size for one in range(meta.num_row_groups))
    if meta.num_rows > MAX_ROWS or meta.num_columns > MAX_COLUMNS or unpacked > MAX_BYTES:
        found = f"{meta.num_rows} rows, {meta.num_columns} columns, {unpacked} bytes unpacked"
        raise DataError(Problem(where, found, f"at most {MAX_ROWS}, {MAX_COLUMNS} and {MAX_BYTES}", "Split it"))
    nested = [one.name for one in schema if pa.types.is_nested(one.type) or pa.types.is_binary(one.type)]
    if nested:
        raise DataError(Problem(where, f"columns are not plain values: {examples(nested)}", "text, numbers, dates", ""))
    # text as dictionaries: a long word repeated in each row stays one word in memory
    text = [one.name for one in schema if pa.types.is_string(one.type) or pa.types.is_large_string(one.type)]
    try:
        with pq.ParquetFile(path, read_dictionary=text, pre_buffer=False) as file:  # threads: the run forks later
            table = file.read(use_threads=False)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise DataError(Problem(where, f"it cannot be read: {str(error)[:200]}", "", "Write it again")) from None
    return pd.DataFrame({name: _plain(table.column(name)) for name in table.column_names})


def _plain(column: pa.ChunkedArray) -> pd.Series:
    """One typed column as numbers or as text."""
    series, numeric = column.to_pandas(), pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if numeric or pa.types.is_dictionary(column.type):
        return series if numeric and not column.null_count else series.astype(object).where(series.notna(), "")
    return series.astype(object).map(_cell)


def _read_sql(url: str, *, query: str, where: str) -> tuple[pd.DataFrame, str]:
    """Rows of one SELECT (add ORDER BY, so that the hash stays the same), rolled back, and the hash of what came."""
    import sqlalchemy as sa  # a quarter of a second, for databases alone

    if not re.match(r"\s*(select|with)\b", query, re.IGNORECASE) or ";" in query.strip().rstrip(";"):
        found = f"found {query.strip()[:60]!r}"
        raise DataError(Problem(f"{where}: query", found, "one SELECT", "Only read, one query"))
    try:
        engine = sa.create_engine(_read_only(sa.make_url(url), where))
    except (sa.exc.SQLAlchemyError, ImportError, ValueError) as error:  # the last: of a port that is not a number
        found = f"no database can be reached: {_first_line(error)}"
        allowed, remedy = "an SQLAlchemy URL, e.g. postgresql://host:5432/name", "Correct `path` in the source's file"
        raise DataError(Problem(where, found, allowed, remedy)) from None
    digest, frames, n_rows = hashlib.sha256(), [], 0
    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            result = connection.execute(sa.text(query))
            names = list(result.keys())
            while batch := result.fetchmany(_BATCH):
                n_rows += len(batch)
                if n_rows > MAX_ROWS:
                    found = f"more than {MAX_ROWS} rows"
                    raise DataError(Problem(where, found, f"at most {MAX_ROWS}", "Narrow the query"))
                rows = [tuple(map(_cell, row)) for row in batch]
                digest.update("".join(map(repr, rows)).encode())
                frames.append(pd.DataFrame(rows, columns=names, dtype=object))
            connection.rollback()
    except sa.exc.SQLAlchemyError as error:
        raise DataError(Problem(where, f"the database refuses: {_first_line(error)}", "", "Check the query")) from None
    finally:
        engine.dispose()
    empty = pd.DataFrame(columns=names, index=pd.RangeIndex(0), dtype=object)
    return pd.concat([empty, *frames], ignore_index=True), digest.hexdigest()


def _read_only(url: sa.URL, where: str) -> sa.URL:
    """SQLite would create a file that is not there, and would let a query write; other databases have their grants."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return url
    if url.database.startswith("file:"):
        return url.set(query={**url.query, "mode": "ro", "uri": "true"})
    if not Path(url.database).is_file():
        raise DataError(Problem(where, f"there is no file {url.database!r}", "", "Check `path` in the source's file"))
    return url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]


class Meta(Entry):
    """What ``<file>.meta.yml`` says of one raw file."""

    source: Text
    vintage: IsoDate
    sha256: str
    retrieved: IsoDate
    url: str = ""
    note: str = ""


@dataclass(frozen=True)
class Vintage:
    """One raw file: where it lies, how messages name it, the day it was known, its stated hash ("" where none is)."""

    path: Path | str
    where: str
    vintage: str
    sha256: str


def vintages_of(source: SourceParams, *, base: Path, as_of: str | None) -> list[Vintage]:
    """Files of one source, oldest first; those known only after the ISO date `as_of` are left out.

    DataError: no vintage folder, a folder whose name is no date, a meta file that is missing or belongs to another
    file.
    """
    if source.format == "sql":
        return [Vintage(_database_url(source.path, base), f"database of {source.source}", source.vintage, "")]
    if source.vintage is not None:
        found = [Vintage(base / source.path, source.path, source.vintage, source.sha256 or "")]
    else:
        found = _folders(source, base)
    known = [one for one in found if as_of is None or one.vintage <= as_of]
    if not known:
        raise DataError(
            Problem(
                source.path, f"no vintage was known on {as_of}", f"the first is {found[0].vintage}", "Set a later as_of"
            )
        )
    return known


def _folders(source: SourceParams, base: Path) -> list[Vintage]:
    above, below = source.path.split(VINTAGE, 1)
    folder = base / above
    names = sorted(one.name for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    if not names:
        remedy = f"Put each delivery into a folder named by its day, {above}2024-04-05{below}"
        raise DataError(Problem(f"{above}", "there is no vintage folder", "", remedy))
    problems: list[Problem] = []
    found = []
    for name in names:
        where = f"{above}{name}{below}"
        if not _is_day(name):
            problems.append(
                Problem(f"{above}{name}", "the folder's name is not a date", "2024-04-05", "Rename or move it")
            )
            continue
        meta, wrong = _meta_of(folder / f"{name}{below}", where=where)
        problems += wrong
        if meta is None:
            continue
        for key, stated, actual in (("source", meta.source, source.source), ("vintage", meta.vintage, name)):
            if stated != actual:
                problems.append(
                    Problem(f"{where}.meta.yml: {key}", f"found {stated!r}", repr(actual), "Correct one of them")
                )
        found.append(Vintage(folder / f"{name}{below}", where, name, meta.sha256))
    require(problems, DataError)
    return found


def _meta_of(path: Path, *, where: str) -> tuple[Meta | None, list[Problem]]:
    meta_path = path.with_name(path.name + ".meta.yml")
    missing = missing_file(path, where=where, remedy="Each vintage folder holds the file under the same name")
    if not missing and not meta_path.is_file():
        remedy = "Write it: source, vintage, sha256, retrieved"
        missing = [Problem(f"{where}.meta.yml", "there is no such file", "", remedy)]
    if missing:
        return None, missing
    try:
        return as_entry(Meta, read_yaml(meta_path), where=f"{where}.meta.yml")
    except AnalysisError as error:
        return None, error.problems


def _is_day(name: str) -> bool:
    try:
        return dt.date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _database_url(url: str, base: Path) -> str:
    """A relative SQLite file starts at `base`, as every other path."""
    head, mark, path = url.partition(":///")
    if head.startswith("sqlite") and mark and path and not Path(path).is_absolute() and not path.startswith("file:"):
        return f"{head}:///{base / path}"
    return url
