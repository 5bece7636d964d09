"""Pages as PDF through a headless Chromium: tagged, with their language and bookmarks, and without a clock.

The page's own style sheet decides how paper looks (page numbers, repeated header rows), so the browser adds no
header or footer. Nothing leaves the machine: no name or address is resolved. What Chromium writes of the time is put
back to a fixed one, of the same length, so that no offset in the file moves.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.words.errors import Problem, PublishError, require
from analysis.words.files import write_file

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MAX_SECONDS = 120  # for one page; a page of ours takes about one
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    "--export-tagged-pdf",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_TIME = re.compile(rb"(/(?:CreationDate|ModDate)\s*\(D:)(\d{14})([^)]*)\)")
_ID = re.compile(rb"(/ID\s*\[\s*<)([0-9A-Fa-f]+)(>\s*<)([0-9A-Fa-f]+)(>\s*\])")
_CREATOR = re.compile(rb"(/Creator\s*\()((?:[^()\\]|\\.)*)\)")


def write_pdfs(
    pages: Sequence[Path],
    *,
    out_dir: Path,
    browser: str | None = None,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Print pages to PDF, one after the other.

    Writes ``<name>.pdf``, each whole or not at all; the names of the pages must differ.

    PublishError: when there is no browser, a page is missing, two pages have one name, or the browser did not print a
    page.
    """
    pages = [Path(one) for one in pages]
    _check(pages)
    program = find_browser(browser)
    made = []
    with tempfile.TemporaryDirectory(prefix="candich-pdf-", ignore_cleanup_errors=True) as profile:
        for at, page in enumerate(pages, start=1):
            made.append(_print(page, Path(out_dir) / f"{page.stem}.pdf", program=program, profile=profile))
            on_done(at, len(pages))
    return made


def find_browser(browser: str | None = None) -> str:
    """Path of a Chromium, the first that is installed."""
    names = [browser] if browser else list(BROWSERS)
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        found = f"no browser was found under the names {', '.join(names)}"
        remedy = "Install one (Debian: apt install chromium), or leave out --pdf"
        raise PublishError(Problem("PDF", found, "Chromium, Chrome or Edge", remedy))
    return path


def normalise_pdf(content: bytes) -> bytes:
    """A PDF with fixed times, identifier and maker; every replacement is as long as what it replaces.

    As Chromium writes it, the document information is not compressed.

    >>> normalise_pdf(b"/CreationDate (D:20261121205709+00'00')")
    b"/CreationDate (D:19800101000000+00'00')"
    """
    content = _TIME.sub(lambda one: one[1] + b"19800101000000" + _zero_zone(one[3]) + b")", content)
    content = _ID.sub(lambda one: one[1] + b"0" * len(one[2]) + one[3] + b"0" * len(one[4]) + one[5], content)
    return _CREATOR.sub(lambda one: one[1] + b"Candich".ljust(len(one[2]))[: len(one[2])] + b")", content)


def _zero_zone(zone: bytes) -> bytes:
    return re.sub(rb"\d", b"0", zone).replace(b"-", b"+")


def _check(pages: Sequence[Path]) -> None:
    missing = [one for one in pages if not one.is_file()]
    problems = [Problem(str(one), "the page is not there", "", "Publish it first") for one in missing]
    seen: dict[str, Path] = {}
    for page in pages:
        if page.stem in seen:
            problems.append(Problem(str(page), f"another page has the same name: {seen[page.stem]}", "different names"))
        seen.setdefault(page.stem, page)
    require(problems, PublishError)


def _print(page: Path, target: Path, *, program: str, profile: str) -> Path:
    raw = Path(profile) / "page.pdf"
    raw.unlink(missing_ok=True)
    command = [program, *_FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={raw}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--no-sandbox")  # Chromium refuses to start as root (containers) without it
    try:
        done = subprocess.run(
            [*command, page.resolve().as_uri()], capture_output=True, timeout=MAX_SECONDS, check=False
        )
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] if done.returncode else []
    except subprocess.TimeoutExpired:
        reason = [f"it took more than {MAX_SECONDS} seconds"]
        raw.unlink(missing_ok=True)
    content = raw.read_bytes() if raw.is_file() else b""
    if not content.rstrip().endswith(b"%%EOF"):
        found = f"the browser printed no whole PDF {' '.join(reason)}".strip()
        raise PublishError(Problem(str(page), found, "", f"Try {program} on it by hand, or leave out --pdf"))
    write_file(target, normalise_pdf(content))
    return target
