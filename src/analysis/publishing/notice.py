"""The notice on a page that could not be rebuilt: readers keep the last good page, and it says so."""

from __future__ import annotations

import re

from markupsafe import escape

from analysis.briefing.locale import period, translator

_NOTICE = re.compile(r'<div class="notice" role="note" data-notice="not-updated">.*?</div>\n', re.DOTALL)
_MAIN = '<main id="content" tabindex="-1">\n'
_CUTOFF = re.compile(r'<meta name="candich-cutoff" content="([^"]*)">')
_LANGUAGE = re.compile(r'<html lang="(vi|en)">')


def marked_not_updated(html: str, *, kind: str, reference: str) -> str:
    """A published page with the notice on it, once, in the page's own language; ``""`` when it is not a whole page.

    Parameters
    ----------
    html : str
    kind : str
        Class of the error; its text may hold anything and is in the private log, under the reference.
    reference : str

    Returns
    -------
    str
    """
    language = _LANGUAGE.search(html[:200])
    if _MAIN not in html or language is None or not html.rstrip().endswith("</html>"):
        return ""
    cutoff = _CUTOFF.search(html)
    notice = _notice(language.group(1), cutoff=cutoff.group(1) if cutoff else "", kind=kind, reference=reference)
    return without_notice(html).replace(_MAIN, _MAIN + notice, 1)


def without_notice(html: str) -> str:
    """A page as it was before it was marked."""
    return _NOTICE.sub("", html)


def _notice(language: str, *, cutoff: str, kind: str, reference: str) -> str:
    _ = translator(language)
    what = _("This page could not be rebuilt in the latest run and still shows what was published before.")
    parts = [f"<strong>{escape(_('Not updated'))}</strong><p>{escape(what)}"]
    if cutoff:
        parts.append(f" {escape(_('Figures up to {period}').format(period=period(cutoff, language)))}.")
    about = _("Error: {kind}; reference: {reference}").format(kind=kind, reference=reference)
    parts.append(f"</p><p>{escape(about)}</p>")
    return f'<div class="notice" role="note" data-notice="not-updated">{"".join(parts)}</div>\n'
