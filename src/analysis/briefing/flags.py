"""Words for what the checks found in the data and for what stands out of chance in the figures."""

from __future__ import annotations

from analysis.briefing.locale import N_
from analysis.briefing.wording import word_of
from analysis.words.findings import FINDINGS

FLAG_WORDS = {code: one.name for code, one in FINDINGS.items()} | {  # and a mark in the flags of an observation
    "summed": N_("summed from the units below"),
}
SIGNALS = {  # codes of attainment's signals and suspicions
    "special_cause_improvement": N_("better than random variation explains"),
    "special_cause_concern": N_("worse than random variation explains"),
    "heaping": N_("many units only just meet the target"),
    "end_of_period": N_("the last month of a half-year is unusual"),
    "denominator_drop": N_("the denominator is far below usual"),
    "level_jump": N_("the level changes suddenly and stays there"),
    "quota_population": N_("quota met, but few of those eligible"),
}
CHECK = ("heaping", "end_of_period", "denominator_drop", "level_jump", "quota_population")  # figures to be checked
SEVERITIES = {"error": N_("Rejected"), "warning": N_("To be checked"), "info": N_("Note")}


def flag_word(flag: str, language: str) -> str:
    """What was found.

    >>> flag_word("missing_period", "vi"), flag_word("odd_thing", "vi")
    ('thiếu kỳ số liệu', 'odd thing')
    """
    return word_of(FLAG_WORDS if flag in FLAG_WORDS else SIGNALS, flag, language)
