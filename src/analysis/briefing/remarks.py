"""One more line on a target, by its kind: what the kind's own table says and a status cannot.

Kept in every month, place among peers with its band, points still to be had, tasks by state, the two denominators of a
quota, the next milestone. Each function reads one row of one extra table; a run without the table has no remark.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from analysis.briefing.locale import number, percent, period, points
from analysis.briefing.view import View
from analysis.briefing.wording import difference, list_of, probability, quantity, reading_word

MOST_PULLS = 3  # sub-units named

WORTH_SAYING = 0.01  # a lever that moves the probability less is no lever


def remarks(view: View, row) -> list[str]:
    """Sentences on an assessment, in a fixed order; empty where nothing more is known.

    Parameters
    ----------
    row : namedtuple
        A row of the assessments.
    """
    found = [one(view, row) for one in _REMARKS]
    return [text for text in found if text]


def _readings(view: View, row) -> str:
    """Sustained promises: where the official reading broke, and what the other readings say."""
    _, language = view._, view.language
    table = view.extra_rows("readings", row.unit, row.target)
    official = [one for one in table if one.official]
    if not official:
        return ""
    mine = official[0]
    text = ""
    if mine.n_broken > 0:
        text = _("broken in {k} of {n} periods, first in {period}").format(
            k=number(mine.n_broken, language),
            n=number(mine.n_observed, language),
            period=period(mine.first_broken, language),
        )
    elif mine.n_observed > 0:
        text = _("kept in all {n} periods so far").format(n=number(mine.n_observed, language))
    official_word = _("{reading} (official)").format(reading=reading_word(mine.reading, language))
    text = f"{official_word}: {text}" if text else official_word
    others = [one for one in table if not one.official and math.isfinite(one.p)]
    other = [
        _("{reading}: {p}").format(reading=reading_word(one.reading, language), p=probability(one.p, language))
        for one in others
    ]
    return "; ".join([one for one in (text, *other) if one])


def _rank(view: View, row) -> str:
    """Places: the band of the place at the deadline, and how many peers are too close to call; nothing once it is
    settled or where there is no forecast."""
    _, language = view._, view.language
    for one in view.extra_rows("ranks", row.unit, row.target):
        if row.settled or not math.isfinite(one.within_noise):
            return ""
        return _("place {low} to {high} of {n} to be expected; {k} peers are too close to tell apart").format(
            low=number(one.rank_low, language),
            high=number(one.rank_high, language),
            n=number(one.n_peers, language),
            k=number(one.within_noise, language),
        )
    return ""


def _components(view: View, row) -> str:
    """Composite scores: the component with most points still to be had."""
    _, language = view._, view.language
    table = [one for one in view.extra_rows("components", row.unit, row.target) if one.headroom > 0]
    if not table or row.settled:
        return ""
    best = max(table, key=lambda one: (one.headroom, one.component))
    indicator = view.indicators.get(best.component)
    name = view.text(indicator, "name") if indicator is not None else best.component
    said = _("most points still to be had: {component}, {points} of {weight}").format(
        component=name, points=number(best.headroom, language, 1), weight=number(best.weight, language)
    )
    return "; ".join(one for one in (said, _points_gained(view, row)) if one)


def _points_gained(view: View, row) -> str:
    """What the score gained since a quarter ago, and the component that moved it most."""
    _, language = view._, view.language
    table = view.extra_rows("components", row.unit, row.target)
    gains = [getattr(one, "points_gained", math.nan) for one in table]
    if not gains or not all(map(math.isfinite, gains)):
        return ""
    most, component = max(zip(gains, (one.component for one in table)), key=lambda one: (abs(one[0]), one[1]))
    indicator = view.indicators.get(component)
    return _("{points} points since a quarter ago, most by {component} ({most})").format(
        points=_signed(sum(gains), language),
        component=view.text(indicator, "name") if indicator is not None else component,
        most=_signed(most, language),
    )


def _signed(value: float, language: str, digits: int = 1) -> str:
    shown = number(value, language, digits)
    return f"+{shown}" if round(value, digits) > 0 else shown


def _pulls(view: View, row) -> str:
    """A parent: the sub-units that add most to its gap, and how much of it each."""
    _, language = view._, view.language
    table = [one for one in view.extra_rows("contributions", row.unit, row.target) if one.pull_cases > 0]
    if not table or row.settled:
        return ""
    indicator = view.indicators.get(row.indicator)
    shown = [
        f"{view.name(one.part)} ({difference(one.pull, indicator, language, signed=False)})"
        for one in sorted(table, key=lambda one: one.place)[:MOST_PULLS]
    ]
    return _("held back most by {units}").format(units=list_of(shown, language))


def _tasks(view: View, row) -> str:
    """Task lists: the four states of practice, how many to expect, whether all, how many stand in the way."""
    _, language = view._, view.language
    for one in view.extra_rows("task_counts", row.unit, row.target):
        states = _("{on_time} done on time, {late} done late, {open} open in time, {overdue} overdue").format(
            on_time=number(one.done_on_time, language),
            late=number(one.done_late, language),
            open=number(one.open_in_time, language),
            overdue=number(one.open_overdue, language),
        )
        if row.settled or not math.isfinite(getattr(one, "p_all", math.nan)):
            return states
        ahead = _("{expected} of {n} to be expected; all of them: {p}; {k} stand in the way").format(
            expected=number(one.expected_k, language, 1),
            n=number(max(one.n, one.n_listed), language),
            p=probability(one.p_all, language),
            k=number(one.n_blocking, language),
        )
        return f"{states}; {ahead}"
    return ""


def _k_of_n(view: View, row) -> str:
    """Bundles of targets: how many are kept now, how many are to be expected."""
    _, language = view._, view.language
    for one in view.extra_rows("k_of_n", row.unit, row.target):
        if row.settled:
            return ""
        return _("{k} of {n} kept now, {expected} to be expected").format(
            k=number(one.n_met_now, language),
            n=number(one.n_members, language),
            expected=number(one.expected_met, language, 1),
        )
    return ""


def _quota(view: View, row) -> str:
    """Counts: the share of the quota and of the population, two denominators that are easily mixed up."""
    _, language = view._, view.language
    for one in view.extra_rows("denominators", row.unit, row.target):
        shares = [
            (_("{share} of the quota"), one.share_of_quota),
            (_("{share} of those eligible"), one.share_of_population),
        ]
        known = [pattern.format(share=percent(share, language)) for pattern, share in shares if math.isfinite(share)]
        return "; ".join(known)
    return ""


def _milestone(view: View, row) -> str:
    """The next milestone that is not settled, with its probability."""
    _, language = view._, view.language
    indicator = view.indicators.get(row.indicator)
    for one in view.extra_rows("milestones", row.unit, row.target):
        if not one.settled and math.isfinite(one.p):
            return _("milestone {value} by {period}: probability {p}").format(
                value=quantity(one.threshold, indicator, language, stated=True),
                period=period(one.period, language),
                p=probability(one.p, language),
            )
    return ""


def _lever(view: View, row) -> str:
    """What the strongest stated lever would change; told where the promise is in doubt."""
    _, language = view._, view.language
    if row.settled or not math.isfinite(row.p_attain) or row.p_attain >= 0.8:
        return ""
    for one in view.extra_rows("scenarios", row.unit, row.target):
        kind, _colon, detail = one.scenario.partition(":")
        if kind == "points_per_period" and one.p_attain >= row.p_attain + WORTH_SAYING:
            gain = points(float(detail), language, 0, signed=detail.startswith("+"))
            return _("with {points} more in every period than forecast: {p}").format(
                points=gain, p=probability(one.p_attain, language)
            )
    return ""


_REMARKS: tuple[Callable[[View, tuple], str], ...] = (
    _readings,
    _rank,
    _components,
    _tasks,
    _k_of_n,
    _quota,
    _milestone,
    _pulls,
    _lever,
)
