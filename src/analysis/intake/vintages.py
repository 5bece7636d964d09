"""Which raw files a source has, and on which day each was known: ``data/raw/<source>/<vintage>/``, never overwritten.

Each file of a vintage folder has a ``<file>.meta.yml`` with its sha256; a file that changed since then
is refused. The newest figure known on a day wins; older ones stay.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from analysis.registry.entries import Entry, IsoDate, Text, as_entry, resolve
from analysis.registry.sources import VINTAGE, SourceParams
from analysis.registry.yamls import read_yaml
from analysis.words.errors import AnalysisError, DataError, Problem, did_you_mean, require


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
        found = [Vintage(resolve(source.path, root=base), source.path, source.vintage, source.sha256 or "")]
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
    folder = resolve(above, root=base)
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
    if not path.is_file():
        near = [one.name for one in path.parent.iterdir()]
        remedy = did_you_mean(path.name, near) or "Each vintage folder holds the file under the same name"
        return None, [Problem(where, "there is no such file", "", remedy)]
    if not meta_path.is_file():
        remedy = "Write it: source, vintage, sha256, retrieved"
        return None, [Problem(f"{where}.meta.yml", "there is no such file", "", remedy)]
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
