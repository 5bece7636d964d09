"""A database as a source: one SELECT through SQLAlchemy, read and rolled back, hashed by its rows."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from analysis.words.errors import DataError, Problem

_BATCH = 50_000


def read_query(url: str, *, query: str, where: str, max_rows: int) -> tuple[pd.DataFrame, str]:
    """Rows of one query, and the hash of what came back.

    Parameters
    ----------
    url : str
        SQLAlchemy URL, for example ``sqlite:///dvc.db``. Passwords belong into the driver's own file (``.pgpass``).
    query : str
        One SELECT (or WITH ... SELECT); add ORDER BY, so that the hash stays the same.
    where : str
    max_rows : int

    Returns
    -------
    frame, sha256 : tuple

    Raises
    ------
    DataError
        No such database, a query that is no SELECT, more than `max_rows` rows, whatever the database says.
    """
    if not re.match(r"\s*(select|with)\b", query, re.IGNORECASE) or ";" in query.strip().rstrip(";"):
        raise DataError(
            Problem(f"{where}: query", f"found {query.strip()[:60]!r}", "one SELECT", "Only read, one query")
        )
    try:
        engine = sa.create_engine(_read_only(sa.make_url(url), where))
    except (ArgumentError, SQLAlchemyError, ImportError) as error:
        raise DataError(
            Problem(where, f"no database can be reached: {_first(error)}", "an SQLAlchemy URL", "")
        ) from None
    digest = hashlib.sha256()
    frames: list[pd.DataFrame] = []
    n_rows = 0
    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            result = connection.execute(sa.text(query))
            names = list(result.keys())
            while batch := result.fetchmany(_BATCH):
                n_rows += len(batch)
                if n_rows > max_rows:
                    raise DataError(
                        Problem(where, f"more than {max_rows} rows", f"at most {max_rows}", "Narrow the query")
                    )
                rows = [tuple(_cell(one) for one in row) for row in batch]
                for row in rows:
                    digest.update(repr(row).encode())
                frames.append(pd.DataFrame(rows, columns=names, dtype=object))
            connection.rollback()
    except SQLAlchemyError as error:
        raise DataError(Problem(where, f"the database refuses: {_first(error)}", "", "Check the query")) from None
    finally:
        engine.dispose()
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in names}) if not frames else None
    return (empty if empty is not None else pd.concat(frames, ignore_index=True)), digest.hexdigest()


def _read_only(url: sa.URL, where: str) -> sa.URL:
    """SQLite would create a file that is not there, and would let a query write; other databases have their grants."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return url
    if not Path(url.database).is_file():
        raise DataError(Problem(where, f"there is no file {url.database!r}", "", "Check `path` in the source's file"))
    return url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float | str):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat().removesuffix("T00:00:00")
    return float(value) if hasattr(value, "as_tuple") else str(value)


def _first(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
