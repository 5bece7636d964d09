"""Words for what the checks found in the data; an unknown code stands as it is, so nothing is hidden."""

from __future__ import annotations

from analysis.briefing.locale import translator


def _(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


FLAG_WORDS = {
    # codes of intake.checks
    "unreadable_number": _("a number cannot be read"),
    "unreadable_period": _("a period cannot be read"),
    "unknown_unit": _("the unit is not in the list"),
    "unknown_indicator": _("the indicator is not in the list"),
    "missing_code": _("the unit's code is missing"),
    "numerator_above_denominator": _("the numerator is above the denominator"),
    "above_maximum": _("the value is above what is possible"),
    "below_minimum": _("the value is below what is possible"),
    "missing_denominator": _("a rate has a numerator and no denominator"),
    "duplicate_key": _("two rows of one unit and period disagree"),
    "mended_code": _("a missing unit code was filled in"),
    "missing_period": _("a period is missing"),
    "late_unit": _("the latest period has not come in"),
    "empty_unit": _("the unit has no figure at all"),
    "falling_cumulative": _("a cumulative figure falls"),
    "level_jump": _("the level jumps and stays"),
    "zero_run": _("a run of zeros that may mean 'not measured'"),
    "missing_unit_in_sum": _("a sum lacks one of its units"),
    "sum_differs": _("a reported total is not the sum of its parts"),
    "value_differs": _("a stated rate is not its fraction"),
    "fraction_in_count": _("a count is not a whole number"),
    "parent_changed": _("the unit stands under two parents"),
    "corrected": _("corrected by a stated correction"),
    "not_measured": _("declared as not measured"),
    "bound_only": _("the source states only a bound"),
    "several_dates": _("two dates in one period; the last is used"),
    "repeated_row": _("a row stands twice with the same figures"),
    "zero_denominator": _("nothing to count: the denominator is 0"),
    "tiny_denominator": _("fewer than 30 cases a period"),
    "falling_share": _("the share falls because its base grew"),
    "closed_unit": _("the unit stopped reporting"),
    "name_changed": _("the unit is written in several ways"),
    "break": _("a declared break in the series"),
    "unmatched_name": _("the unit's name fits no unit, or several"),
    "not_rebased": _("the figure of an old unit cannot be carried over"),
    "rebased_partial": _("a sum of old units lacks one of them"),
    "split_estimated": _("part of an old unit, divided evenly for want of a better weight"),
    "rebased": _("added up from units that no longer exist"),
    "summed": _("summed from the units below"),
    # marks in the flags of an observation
    "merger": _("merged or divided unit"),
    "outlier": _("figure out of line, to be checked"),
    "revised": _("figure revised"),
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
