"""A ZIP written again: members whose contents have not changed are copied as they were packed, to the very same bytes.

Beside a ZIP stands ``.<name>.json``: the hash of the ZIP, of every member's content, and how it was packed. What is not
exactly as that file says is packed anew.
"""

from __future__ import annotations

import json
import platform
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from analysis.publishing.downloads.files import CHUNK, add_member, open_zip, placed, sha256_of, write_bytes

_HEADER = 30  # bytes of a member's header before its name
Hashes = Mapping[str, str]  # member to the SHA-256 of its content
Packed = dict[tuple[str, str], tuple[BinaryIO, zipfile.ZipInfo]]  # name and hash of a content to where it lies packed


def note_of(path: Path) -> Path:
    """The file beside a ZIP that says what is packed in it."""
    return path.with_name(f".{path.name}.json")


def remove_zip(path: Path) -> None:
    """Remove a ZIP and its note."""
    note_of(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def repack_zip(
    path: Path, members: Mapping[str, Path], *, level: int = 6, hashes: Hashes | None = None, also: Iterable[Path] = ()
) -> Path:
    """Write the ZIP that ``files.write_zip`` would write, packing only what was not packed before.

    A ZIP that stands as it would be written is left alone.

    Parameters
    ----------
    path : Path
        Where the ZIP of the last time may stand.
    members : mapping of name to Path
    level : int
        Compression, 1 to 9.
    hashes : mapping of name to str, optional
        SHA-256 of files, where the caller knows it; others are read.
    also : iterable of Path
        Further ZIPs that members may be packed in.

    Raises
    ------
    OSError
        When a member cannot be read or the ZIP cannot be written.
    """
    known = dict(hashes or {})
    digests = {name: known.get(name) or sha256_of(members[name]) for name in sorted(members)}
    if _note(path, level=level).get("members") == digests and _as_noted(path, level=level):
        return path
    with placed(path) as beside:
        with ExitStack() as stack:  # closed before the old ZIP is replaced
            packed: Packed = {}
            for one in (path, *also):
                packed |= _packed_in(one, level=level, stack=stack)
            with open_zip(beside, level=level) as archive:
                for name, digest in digests.items():
                    found = packed.get((name, digest))
                    if found is None:
                        add_member(archive, name, members[name], level=level)
                    else:
                        _copy(archive, *found)
        note = {"zip": sha256_of(beside), "how": _how(level), "members": digests}
        note_of(path).unlink(missing_ok=True)  # never beside a ZIP that it does not speak of
    write_bytes(note_of(path), (json.dumps(note, indent=1) + "\n").encode("ascii"))
    return path


def _how(level: int) -> list:
    """What decides how a content is packed."""
    return [level, zlib.ZLIB_RUNTIME_VERSION, platform.python_version()]


def _note(path: Path, *, level: int) -> dict:
    """What stands beside a ZIP that was packed as we pack; empty where nothing of use does."""
    try:
        note = json.loads(note_of(path).read_text(encoding="ascii"))
        return note if note["how"] == _how(level) and isinstance(note["members"], dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _as_noted(path: Path, *, level: int) -> bool:
    try:
        return sha256_of(path) == _note(path, level=level).get("zip")
    except OSError:
        return False


def _packed_in(path: Path, *, level: int, stack: ExitStack) -> Packed:
    """Members of a ZIP by name and hash of their content, when the ZIP is the one that its note speaks of.

    Without those that are in the 64-bit form because of where they lie or how large they are.
    """
    members = _note(path, level=level).get("members")
    if not members or not _as_noted(path, level=level):
        return {}
    try:
        file = stack.enter_context(path.open("rb"))
        with zipfile.ZipFile(file) as archive:
            infos = {one.filename: one for one in archive.infolist()}
        found = {(name, digest): (file, infos[name]) for name, digest in members.items()}
        return {one: place for one, place in found.items() if not place[1].extra}
    except (OSError, KeyError, zipfile.BadZipFile):  # a member that the ZIP does not have
        return {}


def _copy(archive: zipfile.ZipFile, file: BinaryIO, info: zipfile.ZipInfo) -> None:
    """Put a member of another ZIP behind those that `archive` has, header and packed bytes as they are."""
    file.seek(info.header_offset)
    head = file.read(_HEADER)
    n_name, n_extra = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
    out = archive.fp
    out.seek(archive.start_dir)
    info.header_offset = out.tell()
    out.write(head)
    rest = n_name + n_extra + info.compress_size
    while rest and (piece := file.read(min(CHUNK, rest))):
        out.write(piece)
        rest -= len(piece)
    archive.start_dir = out.tell()
    archive.filelist.append(info)
    archive.NameToInfo[info.filename] = info
    archive._didModify = True
