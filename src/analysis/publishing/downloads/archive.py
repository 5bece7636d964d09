"""ZIP files whose bytes depend on nothing but the names and contents of their members."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from analysis.words.errors import Problem, PublishError, require
from analysis.words.files import replacing

FIRST_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest date a member can have; no clock
LEVEL = 2  # of 9: a third of the time of zlib's default for a tenth more bytes
COMPRESSED = {".parquet", ".xlsx", ".docx", ".pdf", ".png", ".gz"}  # stored: compressing them again gains nothing


def write_archive(parts: Mapping[str, Path], out: Path) -> Path:
    """Put files and whole folders into one ZIP; the same files give the same bytes.

    Hidden files, links and other ZIP files inside a folder are left out. One file at a time is in memory.

    Parameters
    ----------
    parts : mapping of str to Path
        Name inside the ZIP to a file or a folder: ``{"site": ..., "manifest.json": ...}``.
    out : Path
        May lie inside one of the folders.

    Raises
    ------
    PublishError
        When a part is missing.
    OSError
        When a file cannot be read or the ZIP cannot be written.
    """
    missing = [str(part) for part in parts.values() if not part.exists()]
    require(
        [Problem(part, "the file or folder is missing", "a file or a folder", "Build it first") for part in missing],
        PublishError,
    )
    members: dict[str, Path] = {}
    for name, part in parts.items():
        members |= {name: part} if part.is_file() else files_below(part, name=name)
    return write_zip({name: members[name] for name in sorted(members)}, out)


def write_zip(members: Mapping[str, bytes | Path], out: Path) -> Path:
    """Write a ZIP with the members in their order, each with the same date and permissions on every system."""
    with replacing(out) as part, zipfile.ZipFile(part, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, FIRST_TIME)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            kind = zipfile.ZIP_STORED if Path(name).suffix.lower() in COMPRESSED else zipfile.ZIP_DEFLATED
            content = content if isinstance(content, bytes) else content.read_bytes()
            archive.writestr(info, content, compress_type=kind, compresslevel=LEVEL)
    return out


def files_below(folder: Path, *, name: str = "") -> dict[str, Path]:
    """Find the regular files below a folder by their path with forward slashes, below `name`."""
    found = {}
    for root, folders, names in os.walk(folder):
        folders[:] = [inner for inner in folders if not inner.startswith(".")]  # os.walk follows no links
        for path in (Path(root) / file for file in names if not file.startswith(".") and not file.endswith(".zip")):
            if path.is_file() and not path.is_symlink():
                found[(name / path.relative_to(folder)).as_posix()] = path
    return found
