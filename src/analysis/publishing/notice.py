"""The mark on a page that could not be rebuilt: the last good page stays, and says so."""

from __future__ import annotations

import os
import re
from pathlib import Path

from markupsafe import escape

from analysis.briefing.locale import period
from analysis.publishing.chrome import words

_NOTICE = re.compile(r'<div class="notice" role="note" data-notice="not-updated">.*?</div>\n', re.DOTALL)
_MAIN = '<main id="content" tabindex="-1">\n'
_CUTOFF = re.compile(r'<meta name="candich-cutoff" content="([^"]*)">')
_LANGUAGE = re.compile(r'<html lang="(vi|en)">')


def mark_not_updated(path: Path, *, reason: str) -> bool:
    """Put the notice on a published page, once, in the page's own language.

    Parameters
    ----------
    path : Path
    reason : str

    Returns
    -------
    bool
        False when there is no whole page to mark.
    """
    try:
        html = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    language = _LANGUAGE.search(html[:200])
    if _MAIN not in html or language is None or not html.rstrip().endswith("</html>"):
        return False
    cutoff = _CUTOFF.search(html)
    notice = _notice(language.group(1), cutoff=cutoff.group(1) if cutoff else "", reason=reason)
    html = without_notice(html).replace(_MAIN, _MAIN + notice, 1)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        fresh.write_text(html, encoding="utf-8", newline="\n")
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
    return True


def without_notice(html: str) -> str:
    """A page as it was before it was marked."""
    return _NOTICE.sub("", html)


def _notice(language: str, *, cutoff: str, reason: str) -> str:
    _ = words(language)
    what = _("This page could not be rebuilt in the latest run and still shows what was published before.")
    parts = [f"<strong>{escape(_('Not updated'))}</strong><p>{escape(what)}"]
    if cutoff:
        parts.append(f" {escape(_('Figures up to {period}').format(period=period(cutoff, language)))}.")
    said = escape(_("Reason") if language == "en" else _("Reason (in English, as the program gave it)"))
    parts.append(f'</p><p>{said}: <span lang="en">{escape(reason[:600])}</span></p>')
    return f'<div class="notice" role="note" data-notice="not-updated">{"".join(parts)}</div>\n'
