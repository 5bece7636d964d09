"""One ZIP of folders: fixed times, sorted names, file after file, so that a site of 3,355 pages needs no memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from analysis.publishing.downloads.files import files_below
from analysis.publishing.downloads.packed import Hashes, repack_zip
from analysis.words.errors import Problem, PublishError, require


def write_archive(
    folders: Mapping[str, Path],
    path: Path,
    *,
    leave_out: tuple[str, ...] = (".zip",),
    hashes: Hashes | None = None,
    also: Iterable[Path] = (),
) -> Path:
    """Put whole folders into one ZIP; the same files give the same bytes.

    Parameters
    ----------
    folders : mapping of str to Path
        Name inside the ZIP to a folder or a single file: ``{"site": ..., "manifest.json": ...}``.
    path : Path
        May lie inside one of the folders: ZIP files are left out.
    leave_out : tuple of str
        Endings of file names to leave out.
    hashes : mapping of str, optional
        Name inside the ZIP to the SHA-256 of the file, where it is known.
    also : iterable of Path
        Other ZIPs that files may be packed in already.

    Raises
    ------
    PublishError
        When a folder is missing.
    OSError
        When a file cannot be read or the ZIP cannot be written.
    """
    require(
        [
            Problem(str(one), "it is not there", "a folder or a file", "Build it first")
            for one in folders.values()
            if not one.exists()
        ],
        PublishError,
    )
    members: dict[str, bytes | Path] = {}
    for name, folder in folders.items():
        if folder.is_file():
            members[name] = folder
        else:
            found = files_below(folder, leave_out=leave_out)
            members |= {f"{name}/{inner}" if name else inner: file for inner, file in found.items()}
    return repack_zip(path, members, hashes=hashes, also=also)
