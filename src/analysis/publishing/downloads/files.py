"""Files without a clock: written whole or not at all, zip members with one fixed time and in a fixed order."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

FIRST_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip member can have; no clock
_MODE = (0o100644 << 16) & 0xFFFFFFFF
_PACKED = {".parquet", ".xlsx", ".docx", ".zip", ".pdf", ".png", ".gz"}  # gain nothing from being compressed again
CHUNK, _SMALL = 1 << 20, 1 << 25  # bytes read at once; files up to 32 MB are compressed in one go


@contextmanager
def placed(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, and move it into place when the block ends well.

    Raises
    ------
    OSError
        When the disk is full or the folder may not be written to; nothing half is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all."""
    with placed(path) as beside:
        beside.write_bytes(content)
    return path


def write_zip(path: Path, members: Mapping[str, bytes | Path], *, first: tuple[str, ...] = (), level: int = 6) -> Path:
    """Write a zip whose bytes depend on nothing but names and contents; never more than 32 MB of a file is in memory.

    Parameters
    ----------
    path : Path
    members : mapping of name to bytes or Path
        Written in the order of `first`, then by name.
    first : tuple of str
        Names that a format wants at the front (``[Content_Types].xml``).
    level : int
        Compression, 1 to 9; members above 32 MB are streamed with zlib's default.

    Raises
    ------
    OSError
        When a member cannot be read or the zip cannot be written.
    """
    names = [one for one in first if one in members] + sorted(set(members) - set(first))
    with placed(path) as beside, open_zip(beside, level=level) as archive:
        for name in names:
            add_member(archive, name, members[name], level=level)
    return path


def open_zip(path: Path, *, level: int) -> zipfile.ZipFile:
    """A new ZIP to add members to."""
    return zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level)


def add_member(archive: zipfile.ZipFile, name: str, content: bytes | Path, *, level: int) -> None:
    """Pack one member; its bytes depend on its name and content alone."""
    info = zipfile.ZipInfo(name, FIRST_TIME)
    info.create_system, info.external_attr = 3, _MODE  # the same on Windows and Linux
    packed = os.path.splitext(name)[1].lower() in _PACKED
    info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    if isinstance(content, bytes):
        archive.writestr(info, content, compresslevel=level)
        return
    if content.stat().st_size <= _SMALL:
        archive.writestr(info, content.read_bytes(), compresslevel=level)
        return
    info.file_size = content.stat().st_size  # tells zipfile whether the member needs the 64-bit form
    with content.open("rb") as source, archive.open(info, "w") as out:
        shutil.copyfileobj(source, out, CHUNK)


def files_below(folder: Path, *, leave_out: tuple[str, ...] = ()) -> dict[str, Path]:
    """Every regular file below a folder, by its path with forward slashes; links and hidden files are left out.

    Parameters
    ----------
    folder : Path
    leave_out : tuple of str
        Endings of names to leave out, such as ``".zip"``.
    """
    found = {}
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith(".") and not (Path(root) / one).is_symlink())
        for name in sorted(names):
            path = Path(root) / name
            if not name.startswith(".") and not name.endswith(leave_out) and path.is_file() and not path.is_symlink():
                found[path.relative_to(folder).as_posix()] = path
    return found


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
