"""What is around a page: style, scripts, policy, the notice on a page of an earlier run, the earlier quarters.

A page that could not be rebuilt keeps its last good version, and says so. Pages link to one another by relative paths,
so the folder of an earlier quarter is a whole small site.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from collections.abc import Collection, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from markupsafe import escape

from analysis.briefing.locale import N_, period, translator
from analysis.publishing.jobs import SITE
from analysis.records.store import MANIFEST, read_manifest
from analysis.words.errors import Problem, PublishError, require
from analysis.words.files import write_file

TEMPLATES = Path(__file__).parent / "template"
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
SIMULATED = N_("Simulated data, made up for demonstration. No figure here describes a real place.")


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """The briefings' theme followed by the frame's own rules; refused where either could close the style element."""
    theme = files("analysis.briefing").joinpath("theme.css")
    parts = [theme.read_text(encoding="utf-8")] if theme.is_file() else []
    text = "\n".join([*parts, (TEMPLATES / "page.css").read_text(encoding="utf-8")])
    text = re.sub(r"/\*.*?\*/\s*", "", text, flags=re.DOTALL).replace("</", "<\\/")
    return re.sub(r"\s*\n\s*", "\n", re.sub(r" *([{};,]) *|(?<=:) +", r"\1", text)).replace(";}", "}").strip()


@lru_cache(maxsize=8)
def short_script(name: str) -> str:
    """A script of the template without its indentation and its remarks."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    return re.sub(r"\n\s*", "\n", re.sub(r" // [^\n]*", "", text))


def policy(script: str) -> str:
    """The page's content policy: nothing from anywhere, and no script but the one with this hash."""
    if not script:
        return POLICY
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return f"{POLICY}; script-src 'sha256-{digest}'"


_NOTICE = re.compile(r'<div class="notice" role="note" data-notice="not-updated">.*?</div>\n', re.DOTALL)
_MAIN = '<main id="content" tabindex="-1">\n'
_CUTOFF = re.compile(r'<meta name="candich-cutoff" content="([^"]*)">')
_LANGUAGE = re.compile(r'<html lang="(vi|en)">')


def marked_not_updated(html: str, *, kind: str, reference: str) -> str:
    """A published page with the notice on it, once, in the page's own language; ``""`` when it is not a whole page.

    Readers see the class of the error (`kind`): its text may hold anything and is in the private log, under
    `reference`.
    """
    language, cutoff = _stated(_LANGUAGE, html[:200]), _stated(_CUTOFF, html)
    if _MAIN not in html or not language or not html.rstrip().endswith("</html>"):
        return ""
    _ = translator(language)
    what = _("This page could not be rebuilt in the latest run and still shows what was published before.")
    if cutoff:
        what += " " + _("Figures up to {period}").format(period=period(cutoff, language)) + "."
    about = _("Error: {kind}; reference: {reference}").format(kind=kind, reference=reference)
    text = f"{escape(what)}</p><p>{escape(about)}"
    return _noted(without_notice(html), "not-updated", title=_("Not updated"), text=text)


def _stated(pattern: re.Pattern, html: str) -> str:
    found = pattern.search(html)
    return found.group(1) if found else ""


def _noted(html: str, kind: str, *, title: str, text: str) -> str:
    """A page with a notice at its top; `text` is HTML."""
    notice = f'<div class="notice" role="note" data-notice="{kind}"><strong>{escape(title)}</strong><p>{text}</p></div>'
    return html.replace(_MAIN, f"{_MAIN}{notice}\n", 1)


def without_notice(html: str) -> str:
    """A page as it was before it was marked."""
    return _NOTICE.sub("", html)


FOLDER = "quarters"
_LEFT_OUT = re.compile(  # what an archived index no longer leads to
    r'<section id="(?:downloads|quarters)".*?</section>\n?|<li><a href="[^"]*#downloads">[^<]*</a></li>', re.DOTALL
)
_EARLIER = re.compile(r'<div class="notice" role="note" data-notice="earlier-quarter">.*?</div>\n?', re.DOTALL)
_SAFE = re.compile(r"[0-9A-Za-z-]+")


def keep_quarters(site: Path, *, before: Path, cutoff: str, pages: Collection[str] = ()) -> None:
    """Copy the earlier quarters of the site before into a new one, and its own pages when they are of an earlier one.

    `before` is the site of the run before, `cutoff` the last period of the new run, `pages` are its pages: an archived
    page says which quarter it is of, and leads to the same page of the new run.
    """
    found = {path.name: path for path in sorted((before / FOLDER).glob("*")) if path.is_dir()}
    earlier = _stated(_CUTOFF, (before / "index.html").read_text(encoding="utf-8"))
    if _SAFE.fullmatch(earlier) and earlier < cutoff:
        found[earlier] = before
    shutil.rmtree(site / FOLDER, ignore_errors=True)
    for code, folder in found.items():
        for page in sorted(folder.rglob("*.html")):
            inside = page.relative_to(folder).as_posix()
            if not inside.startswith(f"{FOLDER}/"):
                goal = inside if inside in pages else "index.html"
                html = _archived(page.read_text(encoding="utf-8"), code, page=inside, goal=goal)
                write_file(site / FOLDER / code / inside, html)


def archived_pages(site: Path) -> dict[str, list[str]]:
    """The quarters in which a site has an earlier version of a page, the latest first, by the page's path."""
    found: dict[str, list[str]] = {}
    for path in sorted((site / FOLDER).glob("*"), reverse=True):
        for page in sorted(path.rglob("*.html")):
            found.setdefault(page.relative_to(path).as_posix(), []).append(path.name)
    return found


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
    """The quarters kept in a site, the latest first: ``href`` and ``title`` of each."""
    kept = sorted((one.parent.name for one in (site / FOLDER).glob("*/index.html")), reverse=True)
    return [{"href": f"{FOLDER}/{one}/index.html", "title": period(one, language)} for one in kept]


def _archived(html: str, cutoff: str, *, page: str, goal: str) -> str:
    """A page of an earlier quarter, saying that it is one and leading to `goal` of the new run."""
    language = _stated(_LANGUAGE, html[:200]) or "vi"
    _, up = translator(language), "../" * (2 + page.count("/"))
    said = _("Figures up to {period}").format(period=period(cutoff, language))
    text = f'{escape(said)}. <a href="{up}{escape(goal)}">{escape(_("To the latest quarter"))}</a>'
    html = _LEFT_OUT.sub("", _EARLIER.sub("", html))
    return _noted(html, "earlier-quarter", title=_("Earlier quarter"), text=text)
