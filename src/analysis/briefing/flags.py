"""Words for what the checks found in the data; an unknown code stands as it is, so nothing is hidden."""

from __future__ import annotations

from analysis.briefing.locale import translator
from analysis.words.findings import FINDINGS


def _(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


FLAG_WORDS = {code: one.name for code, one in FINDINGS.items()} | {  # and a mark in the flags of an observation
    "summed": _("summed from the units below"),
}
SIGNALS = {  # codes of attainment's signals and suspicions: (what stands out, how it is marked)
    "special_cause_improvement": (_("better than chance swings explain"), "info"),
    "special_cause_concern": (_("worse than chance swings explain"), "warning"),
    "heaping": (_("many units only just meet the target"), "warning"),
    "end_of_period": (_("the last month of a half-year stands out"), "warning"),
    "denominator_drop": (_("the denominator is far below usual"), "warning"),
    "level_jump": (_("the level jumps and stays"), "warning"),
    "quota_population": (_("quota met, few of those eligible reached"), "warning"),
}
SEVERITIES = {"error": _("Refused"), "warning": _("To be checked"), "info": _("Note")}
del _


def flag_word(flag: str, language: str) -> str:
    """What was found.

    Examples
    --------
    >>> flag_word("missing_period", "vi"), flag_word("odd_thing", "vi")
    ('thiếu kỳ số liệu', 'odd thing')
    """
    return translator(language)(FLAG_WORDS[flag]) if flag in FLAG_WORDS else flag.replace("_", " ")


def severity_word(severity: str, language: str) -> str:
    """How grave it is."""
    return translator(language)(SEVERITIES[severity]) if severity in SEVERITIES else severity


def signal_word(signal: str, language: str) -> str:
    """What stands out of chance; an unknown code stands as it is."""
    return translator(language)(SIGNALS[signal][0]) if signal in SIGNALS else signal.replace("_", " ")


def signal_severity(signal: str) -> str:
    """A signal is at most "to be checked": it never says that somebody did something wrong."""
    return SIGNALS[signal][1] if signal in SIGNALS else "warning"
