"""Earlier quarters of a site: before new pages replace the old ones, these are kept in a folder of their own.

Pages link to one another by relative paths, so a quarter's folder is a whole small site. Old pages are linked, not
copied, where the disk can do that: publishing replaces a file and never writes into one.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from markupsafe import escape

from analysis.briefing.locale import period
from analysis.publishing.chrome import words

FOLDER = "quarters"
_CUTOFF = re.compile(r'<meta name="candich-cutoff" content="([^"]*)">')
_LANGUAGE = re.compile(r'<html lang="(vi|en)">')
_MAIN = '<main id="content" tabindex="-1">\n'
_LEFT_OUT = re.compile(  # what an archived index no longer has beside it
    r'<section id="(?:downloads|quarters)".*?</section>\n?|<li><a href="[^"]*#downloads">[^<]*</a></li>', re.DOTALL
)
_SAFE = re.compile(r"[0-9A-Za-z-]+")


def keep_quarter(site: Path, *, cutoff: str) -> str:
    """Keep the pages that stand in a site when they are of an earlier quarter than the one about to be published.

    Parameters
    ----------
    site : Path
    cutoff : str
        Last period of the run about to be published, a period code.

    Returns
    -------
    str
        The earlier cutoff, ``""`` where there was nothing to keep.
    """
    index = site / "index.html"
    try:
        html = index.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    found = _CUTOFF.search(html)
    earlier = found.group(1) if found else ""
    if not cutoff or not _SAFE.fullmatch(earlier) or earlier >= cutoff:
        return ""
    folder = site / FOLDER / earlier
    shutil.rmtree(folder, ignore_errors=True)
    for page in sorted(site.rglob("*.html")):
        inside = page.relative_to(site)
        if inside.parts[0] != FOLDER and page != index:
            _keep(page, folder / inside)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(_archived(html, earlier), encoding="utf-8", newline="\n")
    return earlier


def quarters_of(site: Path, *, language: str) -> list[dict[str, str]]:
    """The quarters kept in a site, the latest first: ``href`` and ``title`` of each.

    Parameters
    ----------
    site : Path
    language : str
    """
    kept = sorted((one.parent.name for one in (site / FOLDER).glob("*/index.html")), reverse=True)
    return [{"href": f"{FOLDER}/{one}/index.html", "title": period(one, language)} for one in kept]


def _keep(page: Path, goal: Path) -> None:
    goal.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(page, goal)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(page, goal)


def _archived(html: str, cutoff: str) -> str:
    """The index of an earlier quarter, saying that it is one."""
    language = _LANGUAGE.search(html[:200])
    language = language.group(1) if language else "vi"
    _ = words(language)
    said = _("Figures up to {period}").format(period=period(cutoff, language))
    notice = (
        f'<div class="notice" role="note" data-notice="earlier-quarter"><strong>{escape(_("Earlier quarter"))}</strong>'
        f'<p>{escape(said)}. <a href="../../index.html">{escape(_("To the latest quarter"))}</a></p></div>\n'
    )
    return _LEFT_OUT.sub("", html).replace(_MAIN, _MAIN + notice, 1)
