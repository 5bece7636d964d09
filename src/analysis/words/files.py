"""Files: named, hashed, written in one step, flushed to the disk, locked. The only place that does any of these."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from analysis.words.errors import Problem, did_you_mean

PART = ".part"  # ending of a file that is being written
_held: set[int] = set()  # descriptors of the locks that this process holds


def sha256(content: bytes | str) -> str:
    """Hex digest of bytes or text.

    >>> sha256("a")[:12]
    'ca978112ca1b'
    """
    return hashlib.sha256(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content).hexdigest()


def missing_file(path: Path, *, where: str, remedy: str) -> list[Problem]:
    """A problem where there is no such file, with the nearest name in its folder; none where there is."""
    near = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    remedy = did_you_mean(path.name, near) or remedy
    return [] if path.is_file() else [Problem(where, "there is no such file", "", remedy)]


def sha256_of_json(value: Any) -> str:
    """Digest of plain values, whatever the order of their keys."""
    return sha256(json.dumps(value, sort_keys=True, default=str))


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes; raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_sha256(paths: Iterable[Path], *, root: Path) -> str:
    """One digest of many files: their names below `root` and their bytes, in the order of the names."""
    return sha256("\n".join(sorted(f"{path.relative_to(root).as_posix()} {file_sha256(path)}" for path in paths)))


def json_text(value: Any) -> str:
    """Plain values as stable, readable JSON.

    >>> json_text({"b": 1, "a": "ế"})
    '{\\n "a": "ế",\\n "b": 1\\n}\\n'
    """
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file in one step: whole, or not at all; raises OSError and then leaves nothing behind."""
    with replacing(path) as part:
        part.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the place of a temporary file, which takes the place of `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # "No space left" must name its file
        raise
    finally:
        part.unlink(missing_ok=True)


def copy_file(source: Path, goal: Path) -> None:
    """Copy a file's bytes in one step."""
    with replacing(goal) as part:
        shutil.copyfile(source, part)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the system lets go of it when the process ends, however it ends.

    Processes forked meanwhile do not hold it: they may live on for a moment when this one is killed.

    BlockingIOError: another process holds it, or has just removed it.
    OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    _held.add(descriptor)
    try:
        if not _take(descriptor) or os.fstat(descriptor).st_nlink == 0:
            raise BlockingIOError(errno.EAGAIN, "another process holds it", str(path))
        yield
    finally:
        if descriptor in _held:  # a forked process has closed it already
            _held.remove(descriptor)
            os.close(descriptor)


def _let_go() -> None:
    while _held:
        os.close(_held.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _take(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def flush_folder(folder: Path) -> None:
    """Have the disk keep every file below `folder`, and their names, before anything refers to them."""
    if hasattr(os, "sync"):
        os.sync()  # one call for thousands of files, where fsync takes milliseconds a file
        return
    for path in folder.rglob("*"):
        if path.is_file():  # Windows has no flush for folders
            with open(path, "rb+") as file:
                os.fsync(file.fileno())


def flush_names(folder: Path) -> None:
    """Have the disk keep the names inside one folder; nothing where the system has no such call."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


MAX_STEM = 40  # readable characters kept before the hash
_PLAIN = re.compile(r"[0-9a-z](?:[0-9a-z_]|-(?!-)){0,62}")  # "--" is kept for hashed names
# Names Windows keeps for devices, whatever the extension (Win32 "Naming Files, Paths, and Namespaces")
_DEVICES = frozenset(["con", "prn", "aux", "nul"] + [f"{one}{n}" for one in ("com", "lpt") for n in range(10)])


def page_slug(unit: str) -> str:
    """Name of a unit's page without extension: plain codes are kept, others get a readable stem and a hash.

    Any text gives 1 to 63 characters of ``[0-9a-z_-]``, never a device name of Windows. Two codes never share a slug,
    also where the file system cannot distinguish "A" from "a" (hash: first 12 hexadecimal digits of SHA-256, so 3,355
    odd codes collide with probability 2e-8).

    >>> page_slug("079"), page_slug("gl-pleiku")
    ('079', 'gl-pleiku')
    >>> page_slug("../../etc")
    'etc--74ccf3c5b4c1'
    >>> page_slug("Đà Nẵng")
    'da-nang--93371901e3dc'
    """
    unit = str(unit)
    if _PLAIN.fullmatch(unit) and unit not in _DEVICES:
        return unit
    digest = hashlib.sha256(unit.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{ascii_stem(unit)[:MAX_STEM].strip('-') or 'unit'}--{digest}"


def ascii_stem(text: str) -> str:
    """Lower-case ASCII letters and digits joined by single hyphens; Vietnamese loses its diacritics.

    Only the first 400 characters are read.

    >>> ascii_stem("Sở Giáo dục & Đào tạo")
    'so-giao-duc-dao-tao'
    """
    plain = unicodedata.normalize("NFKD", text[:400].replace("đ", "d").replace("Đ", "D"))
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return re.sub(r"[^0-9a-z]+", "-", letters.lower()).strip("-")
