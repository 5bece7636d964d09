"""Remarks on a unit's data: what the checks found, what stands out of chance; to be checked, never an accusation."""

from __future__ import annotations

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.flags import flag_word, severity_word, signal_severity, signal_word
from analysis.briefing.found import found_words
from analysis.briefing.fragment import Fragment, tag
from analysis.briefing.locale import number, period
from analysis.briefing.view import View
from analysis.briefing.wording import list_of

MAX_NOTES = 12
MAX_PERIODS = 3  # named in one line; the rest is counted
IN_FULL = frozenset(  # findings of which a reader asks at once: which units, from what to what
    "rebased rebased_partial split_estimated falling_cumulative level_jump numerator_above_denominator".split()
)
_ORDER = {"error": 0, "warning": 1, "info": 2}


def data_notes(view: View, *, unit: str) -> Fragment:
    """Findings in this unit's data, the grave ones first, then signals of its latest figures."""
    _, language = view._, view.language
    lines = [_line(view, *one) for one in _joined(_groups(view, unit))]
    if not lines:
        text = _("No remark on this unit's data.")
        return Fragment(parts.sentence(text), "note", text)
    text = "\n".join(Markup(one).striptags() for one in lines[:MAX_NOTES])
    html = parts.bullets(lines[:MAX_NOTES])
    if len(lines) > MAX_NOTES:
        rest = number(len(lines) - MAX_NOTES, language)
        html += parts.sentence(_("{n} more are in the data quality page.").format(n=rest))
    return Fragment(html, "note", text)


def _groups(view: View, unit: str) -> list[tuple[str, str, str, list[str]]]:
    """(severity, finding in words, indicator, periods) of every kind of finding, grave first."""
    language = view.language
    groups: dict[tuple[int, str, str, str], list[str]] = {}
    for row in view.rows("quality", unit):
        words = flag_word(row.flag, language)
        if row.flag in IN_FULL:
            words = f"{words}: {found_words(view, row)}"
        key = (_ORDER.get(row.severity, 3), row.severity, words, row.indicator)
        groups.setdefault(key, []).append(row.period)
    for row in view.signals.get(unit, []):
        severity = signal_severity(row.signal)
        key = (_ORDER[severity], severity, signal_word(row.signal, language), row.indicator)
        groups.setdefault(key, []).append(row.period)
    return [(severity, words, code, periods) for (_rank, severity, words, code), periods in sorted(groups.items())]


def _joined(groups: list[tuple[str, str, str, list[str]]]) -> list[tuple[str, str, list[str], list[str]]]:
    """The same finding in the same periods of several indicators as one line."""
    lines: dict[tuple, list[str]] = {}
    for severity, words, code, periods in groups:
        lines.setdefault((severity, words, tuple(periods)), []).append(code)
    return [(severity, words, codes, list(periods)) for (severity, words, periods), codes in lines.items()]


def _line(view: View, severity: str, finding: str, codes: list[str], periods: list[str]) -> Markup:
    _, language = view._, view.language
    known_as = {code: view.text(row, "name") for code, row in view.indicators.items()}
    name = "; ".join(known_as.get(code) or code for code in codes)
    known = list(dict.fromkeys(one for one in periods if one))
    shown = [period(one, language) for one in known[:MAX_PERIODS]]
    rest = len(known) - len(shown)
    when = list_of(shown, language) + (_(" and {n} more").format(n=number(rest, language)) if rest else "")
    said = (_("{finding} ({when})").format(finding=finding, when=when) if when else finding) + (
        f": {name}" if name else ""
    )
    return Markup("{} {}").format(tag("b", severity_word(severity, language) + ":"), said)
