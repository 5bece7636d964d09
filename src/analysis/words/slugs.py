"""File names and anchors for unit codes: which page belongs to which unit, on every file system.

One rule, used wherever a link is written or a page is saved. Pure text; no files.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

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
