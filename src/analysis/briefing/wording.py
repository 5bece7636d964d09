"""Rule-based sentences: one message catalogue, both languages from the same facts, every hedge with its number.

A ``say_*`` function takes plain numbers or a row and returns text without markup; each number in it stands in a table.
Nothing here decides: the status comes from the assessments, the words only name it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from analysis.briefing.locale import MINUS, N_, NOTHING, date, number, percent, period, points, text_of, translator

ICONS = {  # shape carries the status where colour cannot; glyphs that Segoe UI, Arial Unicode and DejaVu share
    "met": "✓",
    "holding": "●",
    "on_track": "▲",
    "likely": "◆",
    "at_risk": "▼",
    "unlikely": "■",
    "missed": "✕",
    "not_assessable": "○",
}
STATUS_WORDS = {
    "met": N_("Met"),
    "holding": N_("Holding"),
    "on_track": N_("On track"),
    "likely": N_("Likely"),
    "at_risk": N_("At risk"),
    "unlikely": N_("Unlikely"),
    "missed": N_("Missed"),
    "not_assessable": N_("Not assessable"),
}
SHORT_WORDS = {  # heat map: the row still fits a phone, the full word is in the legend
    "met": N_("met"),
    "holding": N_("held"),
    "on_track": N_("track"),
    "likely": N_("likely"),
    "at_risk": N_("risk"),
    "unlikely": N_("unlikely"),
    "missed": N_("missed"),
    "not_assessable": N_("n/a"),
}
REASONS = {  # codes that attainment gives; "no_data", "stale" and "failed" are kept for tables from anywhere
    "too_few_points": N_("too few observed periods"),
    "no_data": N_("no data"),
    "no_series": N_("no data"),
    "no_observation": N_("no data"),
    "series_ended": N_("the last figure is too old"),
    "stale": N_("the last figure is too old"),
    "no_forecast": N_("no forecast could be made"),
    "failed": N_("no forecast could be made"),
    "break": N_("the definition changed and too few periods have been observed since"),
    "no_threshold": N_("the target states no number"),
    "no_deadline": N_("the target states no deadline"),
    "deadline_not_observed": N_("the figure for the deadline has not been reported"),
    "no_baseline": N_("the target states no baseline"),
    "no_quota": N_("the quota of this unit is not known"),
    "not_started": N_("it has not started yet"),
    "no_tasks": N_("the task list is not in the data"),
    "no_task_history": N_("no task has been due yet"),
    "no_members": N_("the target states no components"),
    "member_not_assessable": N_("one of its components cannot be assessed"),
    "no_peers": N_("the peers are not in the data"),
    "component_missing": N_("one of its components has no data"),
    "beyond_horizon": N_("the deadline is beyond the forecast"),
    "tasks_unlisted": N_("fewer tasks are listed than were assigned"),
}
LEVELS = {
    "nation": N_("Nation"),
    "region": N_("Regions"),
    "province": N_("Provinces"),
    "prefecture": N_("Prefectures"),
    "municipality": N_("Municipalities"),
    "ministry": N_("Ministries"),
    "department": N_("Departments"),
    "district": N_("Districts"),
    "commune": N_("Communes"),
    "organisation": N_("Organisations"),
}
READINGS = {
    "each_period": N_("each period"),
    "cumulative": N_("cumulative"),
    "rolling_3": N_("rolling three periods"),
}
PER_PERIOD = {"M": N_("a month"), "Q": N_("a quarter"), "Y": N_("a year")}


def status_word(status: str, language: str) -> str:
    """The status in words, domain's eight.

    >>> status_word("at_risk", "vi"), status_word("at_risk", "en")
    ('Nguy cơ không hoàn thành', 'At risk')
    """
    return translator(language)(STATUS_WORDS.get(status, status))


def word_of(words: Mapping[str, str], code: str, language: str) -> str:
    """The word of a code; an unknown code as it is, with spaces, so nothing is hidden."""
    return translator(language)(words[code]) if code in words else code.replace("_", " ")


def reason_word(reason: str, language: str) -> str:
    """Why a target could not be assessed."""
    return word_of(REASONS, reason, language)


def level_word(level: str, language: str) -> str:
    """Name of a level of the tree, plural."""
    return translator(language)(LEVELS[level]) if level in LEVELS else level.capitalize() or NOTHING


def say_chance(p: float | None, language: str) -> str:
    """A probability as a natural frequency, out of ten, or out of a hundred near the ends.

    >>> say_chance(0.72, "vi"), say_chance(0.72, "en"), say_chance(0.03, "en")
    ('khoảng 7 trong 10 trường hợp', 'about 7 in 10', 'about 3 in 100')
    """
    if p is None or not math.isfinite(p):
        return NOTHING
    n = 10 if 0.075 <= p <= 0.925 else 100
    k = min(max(round(p * n), 1), n - 1)
    _ = translator(language)
    return _("about {k} in {n}").format(k=k, n=n)


def probability(p: float | None, language: str) -> str:
    """A probability in whole per cent: our figures support no more.

    >>> probability(0.724, "vi"), probability(1.0, "vi")
    ('72%', '100%')
    """
    return percent(p, language, 0)


def quantity(value: float | None, indicator, language: str, *, unit: bool = True, stated: bool = False) -> str:
    """A value of an indicator with its unit: ``45,7%``, ``1.473 tài khoản``, ``92,8 điểm``, ``3``.

    Without an indicator a plain number; without `unit` the word is left out, where the place says it already; a number
    that somebody `stated` (a threshold) is printed as they did: ``80%``, not ``80,0%``.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    kind = getattr(indicator, "kind", "count")
    if kind == "rate":
        return percent(value, language, 0 if stated and abs(100 * value - round(100 * value)) < 1e-9 else 1)
    whole = kind in ("count", "rank") or float(value).is_integer()
    text = number(value, language, 0 if whole else 1)
    word = _unit_of(text, indicator, language) if unit and kind != "rank" else ""
    return f"{text} {word}".strip()


def difference(value: float | None, indicator, language: str, *, signed: bool = True) -> str:
    """A difference of two values: shares in percentage points, the rest in the indicator's unit."""
    if value is None or not math.isfinite(value):
        return NOTHING
    kind = getattr(indicator, "kind", "count")
    if kind == "rate":
        return points(value, language, signed=signed)
    digits = 0 if kind == "count" and abs(value) >= 10 or float(value).is_integer() else 1
    text = number(value, language, digits)
    plus = "+" if signed and value > 0 and text.strip("0.,") else ""
    word = _unit_of(text, indicator, language)
    return f"{plus}{text} {word}".strip()


def _unit_of(text: str, indicator, language: str) -> str:
    """The unit after a number; a measure of ours has a word for 1 as well (1 place, 2 places)."""
    one = text_of(indicator, "unit_one", language) if text.lstrip(MINUS) == "1" else ""
    return one or text_of(indicator, "unit", language)


def say_goal(assessment, indicator, language: str, target=None) -> str:
    """What is promised: operator in words, threshold, deadline.

    >>> from types import SimpleNamespace as Row
    >>> row = Row(kind="level_at", operator=">", threshold=0.6, deadline="2023-09")
    >>> say_goal(row, Row(kind="rate"), "vi")
    'trên 60% vào tháng 9/2023'
    """
    _ = translator(language)
    goal = _say_amount(assessment, indicator, language, target)
    condition = getattr(target, f"condition_{language}", "")
    if assessment.kind == "conditional" and condition:
        goal = _("{goal}, once {condition}").format(goal=goal, condition=condition)
    if assessment.kind == "sustained_from" and getattr(target, "start", ""):
        since = period(target.start, language)
        spans = {
            "cumulative": _("{goal} over the whole time from {start}"),
            "rolling_3": _("{goal} over any three periods from {start}"),
        }
        each = _("{goal} in every period from {start}")
        return spans.get(getattr(target, "reading", ""), each).format(goal=goal, start=since)
    if not assessment.deadline:
        return goal
    return _("{goal} by {deadline}").format(goal=goal, deadline=period(assessment.deadline, language))


def _say_amount(assessment, indicator, language: str, target) -> str:
    """How much is promised, without when; what the text leaves open is said to be open."""
    _ = translator(language)
    counted = _say_count(assessment.kind, language, target)
    if counted and (assessment.kind == "coverage_all" or not math.isfinite(assessment.threshold)):
        return counted
    if math.isfinite(assessment.threshold):
        if assessment.kind == "rank_le" or getattr(indicator, "kind", "") == "rank" and "<" in assessment.operator:
            return _("rank {k} or better").format(k=number(assessment.threshold, language))
        value = quantity(assessment.threshold, indicator, language, stated=True)
        upper = getattr(target, "upper", math.nan)
        if _finite(upper):
            high = quantity(upper, indicator, language, stated=True)
            return _("from {low} to {high}").format(low=value, high=high)
        operator = {
            ">": _("above {value}"),
            ">=": _("at least {value}"),
            "<": _("below {value}"),
            "<=": _("at most {value}"),
        }
        return operator.get(assessment.operator, "{value}").format(value=value)
    if assessment.kind not in ("directional", "conditional", "score_ge", "rank_le"):
        return _("the number assigned to each unit")
    if assessment.kind == "rank_le" or getattr(indicator, "kind", "") == "rank":
        return _("a better rank (the text states no number)")
    up = getattr(indicator, "better", "up") != "down"
    return _("increase (the text states no number)") if up else _("decrease (the text states no number)")


def _say_count(kind: str, language: str, target) -> str:
    """k of n, all n, or simply all, for promises on a list; "" for the others, and where nothing is known."""
    _ = translator(language)
    n, k = getattr(target, "n", math.nan), getattr(target, "k", math.nan)
    if _finite(k) and _finite(n):
        return _("{k} of {n}").format(k=number(k, language), n=number(n, language))
    whole = {
        "tasks_k_of_n": (_("all {n} tasks completed"), _("all tasks completed")),
        "coverage_all": (_("all {n} on the list"), _("everything on the list")),
        "indicators_k_of_n": (_("all {n} targets met"), _("all targets met")),
        "conditional": (_("all {n} on the list"), _("everything on the list")),
    }
    if kind not in whole or target is None:
        return _("all tasks completed") if kind == "tasks_k_of_n" else ""
    with_n, without = whole[kind]
    return with_n.format(n=number(n, language)) if _finite(n) else without


def _finite(value) -> bool:
    try:
        return math.isfinite(value)
    except TypeError:
        return False


def say_chance_of(assessment, language: str) -> str:
    """Probability as number and natural frequency, or why there is none.

    >>> from types import SimpleNamespace as Row
    >>> say_chance_of(Row(status="likely", settled=False, p_attain=0.62, reason=""), "vi")
    'xác suất 62%, khoảng 6 trong 10 trường hợp'
    """
    _ = translator(language)
    if assessment.settled:
        return _("result known")
    if assessment.status == "not_assessable" or not _finite(assessment.p_attain):
        return reason_word(assessment.reason, language) if assessment.reason else _("no probability")
    return _("probability {p}, {chance}").format(
        p=probability(assessment.p_attain, language), chance=say_chance(assessment.p_attain, language)
    )


def list_of(items: list[str], language: str) -> str:
    """``a, b and c``.

    >>> list_of(["a", "b", "c"], "vi"), list_of(["a"], "en")
    ('a, b và c', 'a')
    """
    if len(items) < 2:
        return "".join(items)
    _ = translator(language)
    return _("{first} and {last}").format(first=", ".join(items[:-1]), last=items[-1])


def upper_first(text: str) -> str:
    """First letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def is_published(manifest: Mapping) -> bool:
    """Whether a run was published at the time: not a draft, and not computed again later."""
    about = manifest.get("register", {})
    return about.get("state") == "published" and about.get("origin") == "published"


def say_publication(manifest: Mapping, language: str) -> str:
    """Whether and when a run was published, and its seal in the register.

    Examples
    --------
    >>> say_publication({}, "en")
    'Draft: computed, not published.'
    """
    _, about = translator(language), manifest.get("register", {})
    if about.get("state") != "published":
        return _("Draft: computed, not published.")
    pattern = _("Published on {day}, edition {edition}, seal {seal}.")
    if about["origin"] != "published":
        pattern = _("Recomputed: recorded on {day}, too late to count as a forecast; edition {edition}, seal {seal}.")
    day, edition = date(about["published_on"], language), number(about["edition"], language)
    return pattern.format(day=day, edition=edition, seal=about["seal"])
