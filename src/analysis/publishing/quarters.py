"""Earlier quarters of a site, each in a folder of its own.

Pages link to one another by relative paths, so a quarter's folder is a whole small site.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from markupsafe import escape

from analysis.briefing.locale import period, translator
from analysis.publishing.jobs import SITE
from analysis.records.store import MANIFEST, read_manifest
from analysis.words.errors import Problem, PublishError, require
from analysis.words.files import copy_file, write_file

FOLDER = "quarters"
_CUTOFF = re.compile(r'<meta name="candich-cutoff" content="([^"]*)">')
_LANGUAGE = re.compile(r'<html lang="(vi|en)">')
_MAIN = '<main id="content" tabindex="-1">\n'
_LEFT_OUT = re.compile(  # what an archived index no longer leads to
    r'<section id="(?:downloads|quarters)".*?</section>\n?|<li><a href="[^"]*#downloads">[^<]*</a></li>', re.DOTALL
)
_SAFE = re.compile(r"[0-9A-Za-z-]+")


def keep_quarters(site: Path, *, before: Path, cutoff: str) -> None:
    """Copy the earlier quarters of the site before into a new one, and its own pages when they are of an earlier one.

    Parameters
    ----------
    site : Path
        The new site.
    before : Path
        The site of the run before.
    cutoff : str
        Last period of the new run, a period code.
    """
    if (before / FOLDER).is_dir():
        shutil.copytree(before / FOLDER, site / FOLDER, dirs_exist_ok=True)
    html = (before / "index.html").read_text(encoding="utf-8")
    found = _CUTOFF.search(html)
    earlier = found.group(1) if found else ""
    if not _SAFE.fullmatch(earlier) or earlier >= cutoff:
        return
    folder = site / FOLDER / earlier
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for page in sorted(before.rglob("*.html")):
        inside = page.relative_to(before)
        if inside.parts[0] != FOLDER and inside.name != "index.html":
            copy_file(page, folder / inside)
    write_file(folder / "index.html", _archived(html, earlier))


def check_archive(run: Path, altered: Sequence[tuple[str, str]], *, cutoff: str) -> None:
    """Refuse to archive pages of the run before that are not as they were published.

    Parameters
    ----------
    run : Path
        The run before.
    altered : sequence of (path inside the run, what is wrong with it)
    cutoff : str
        Last period of the new run, a period code.

    Raises
    ------
    PublishError
        With every file.
    """
    earlier = read_manifest(run / MANIFEST)["cutoff"] < cutoff
    where = f"{SITE}/" if earlier else f"{SITE}/{FOLDER}/"
    remedy = "Put the file back as it was published, or start a new folder with --out"
    allowed = "the pages of an earlier quarter as they were published"
    problems = [
        Problem(str(run / name), why, allowed, remedy)
        for name, why in altered
        if name.startswith(where) and name.endswith(".html")
    ]
    require(problems, PublishError)


def quarters_of(site: Path, *, language: str) -> list[dict[str, str]]:
    """The quarters kept in a site, the latest first: ``href`` and ``title`` of each.

    Parameters
    ----------
    site : Path
    language : str
    """
    kept = sorted((one.parent.name for one in (site / FOLDER).glob("*/index.html")), reverse=True)
    return [{"href": f"{FOLDER}/{one}/index.html", "title": period(one, language)} for one in kept]


def _archived(html: str, cutoff: str) -> str:
    """The index of an earlier quarter, saying that it is one."""
    language = _LANGUAGE.search(html[:200])
    language = language.group(1) if language else "vi"
    _ = translator(language)
    said = _("Figures up to {period}").format(period=period(cutoff, language))
    notice = (
        f'<div class="notice" role="note" data-notice="earlier-quarter"><strong>{escape(_("Earlier quarter"))}</strong>'
        f'<p>{escape(said)}. <a href="../../index.html">{escape(_("To the latest quarter"))}</a></p></div>\n'
    )
    return _LEFT_OUT.sub("", html).replace(_MAIN, _MAIN + notice, 1)
