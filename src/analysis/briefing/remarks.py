"""What the table of a target's kind says and a status cannot: one more line, and the table behind a composite score.

Kept in every month, place among peers with its band, points still to be had, tasks by state, the two denominators of a
quota, the next milestone. Each function reads the rows of one extra table; without the table there is no remark.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from markupsafe import Markup

from analysis.briefing.fragment import table
from analysis.briefing.locale import number, percent, period
from analysis.briefing.view import View
from analysis.briefing.wording import READINGS, difference, list_of, probability, quantity, word_of

MOST_PULLS = 3  # sub-units named
WORTH_SAYING = 0.01  # a lever that moves the probability less is no lever
AHEAD = frozenset("ranks components k_of_n contributions scenarios".split())  # nothing to say once it is settled
BACK = {"M": 3, "Q": 1, "Y": 1}  # periods in a quarter; a yearly score is compared with last year's


def remarks(view: View, row) -> list[str]:
    """Sentences on an assessment, in a fixed order; empty where nothing more is known."""
    names = [name for name in _REMARKS if not (row.settled and name in AHEAD)]
    tables = {name: view.rows(name, row.unit, row.target) for name in names}
    return [text for name, rows in tables.items() if rows and (text := _REMARKS[name](view, row, rows))]


def _readings(view: View, row, rows: list) -> str:
    """Sustained promises: where the official reading broke, and what the other readings say."""
    _, language = view._, view.language
    mine = next((one for one in rows if one.official), None)
    if mine is None:
        return ""
    text = _("{reading} (official)").format(reading=word_of(READINGS, mine.reading, language))
    if mine.reading == "cumulative":  # one value over all periods: no period of it is missed
        share = quantity(mine.so_far, view.indicators.get(row.indicator), language)
        text += ": " + _("{value} so far").format(value=share)
    elif mine.n_broken > 0:
        text += ": " + _("missed in {k} of {n} periods, first in {period}").format(
            k=number(mine.n_broken, language),
            n=number(mine.n_observed, language),
            period=period(mine.first_broken, language),
        )
    elif mine.n_observed > 0:
        text += ": " + _("met in every period so far ({n})").format(n=number(mine.n_observed, language))
    others = [
        _("{reading}: probability {p}").format(
            reading=word_of(READINGS, one.reading, language), p=probability(one.p, language)
        )
        for one in rows
        if not one.official and math.isfinite(one.p)
    ]
    return "; ".join([text, *others])


def _rank(view: View, row, rows: list) -> str:
    """Places: the band of the place at the deadline, and how many peers are too close to call."""
    language, one = view.language, rows[0]
    if not math.isfinite(one.within_noise):  # no forecast
        return ""
    return view._("expected rank: {low} to {high} of {n}; peers too close to tell apart: {k}").format(
        low=number(one.rank_low, language),
        high=number(one.rank_high, language),
        n=number(one.n_peers, language),
        k=number(one.within_noise, language),
    )


def _components(view: View, row, rows: list) -> str:
    """Composite scores: the component with most points still to be had, and what the score gained."""
    _, language = view._, view.language
    open_ = [one for one in rows if one.headroom > 0]
    if not open_:
        return ""
    best = max(open_, key=lambda one: (one.headroom, one.component))
    said = _("most points to gain: {component}, {points} of {weight}").format(
        component=view.indicator_name(best.component),
        points=number(best.headroom, language, 1),
        weight=number(best.weight, language),
    )
    gains = {one.component: getattr(one, "points_gained", math.nan) for one in rows}
    if not all(map(math.isfinite, gains.values())):
        return said
    most = max(gains, key=lambda one: (abs(gains[one]), one))
    gained = _("{points} points since last quarter, mainly from {component} ({most})").format(
        points=_signed(sum(gains.values()), language),
        component=view.indicator_name(most),
        most=_signed(gains[most], language),
    )
    return f"{said}; {gained}"


def _signed(value: float, language: str) -> str:
    return "+" * (round(value, 1) > 0) + number(value, language, 1)


def _pulls(view: View, row, rows: list) -> str:
    """A parent: the sub-units that add most to its gap, and how much of it each."""
    pulling = sorted((one for one in rows if one.pull_cases > 0), key=lambda one: one.place)
    if not pulling:
        return ""
    indicator, language = view.indicators.get(row.indicator), view.language
    shown = [
        f"{view.name(one.part)} ({difference(one.pull, indicator, language, signed=False)})"
        for one in pulling[:MOST_PULLS]
    ]
    return view._("held back most by {units}").format(units=list_of(shown, language))


def _tasks(view: View, row, rows: list) -> str:
    """Task lists: the four states of practice, how many to expect, whether all, how many stand in the way."""
    _, language, one = view._, view.language, rows[0]
    states = _(
        "{on_time} completed on time, {late} completed late, {open} open and not yet due, {overdue} overdue"
    ).format(
        on_time=number(one.done_on_time, language),
        late=number(one.done_late, language),
        open=number(one.open_in_time, language),
        overdue=number(one.open_overdue, language),
    )
    if row.settled or not math.isfinite(getattr(one, "p_all", math.nan)):
        return states
    ahead = _("expected to be completed: {expected} of {n}; all completed: {p}; blocking tasks: {k}").format(
        expected=number(one.expected_k, language, 1),
        n=number(max(one.n, one.n_listed), language),
        p=probability(one.p_all, language),
        k=number(one.n_blocking, language),
    )
    return f"{states}; {ahead}"


def _k_of_n(view: View, row, rows: list) -> str:
    """Bundles of targets: how many are kept now, how many are to be expected."""
    language, one = view.language, rows[0]
    return view._("met now: {k} of {n}; expected: {expected}").format(
        k=number(one.n_met_now, language),
        n=number(one.n_members, language),
        expected=number(one.expected_met, language, 1),
    )


def _quota(view: View, row, rows: list) -> str:
    """Counts: the share of the quota and of the population, two denominators that are easily mixed up."""
    _, language, one = view._, view.language, rows[0]
    shares = (
        (_("{share} of the quota"), one.share_of_quota),
        (_("{share} of those eligible"), one.share_of_population),
    )
    return "; ".join(said.format(share=percent(share, language)) for said, share in shares if math.isfinite(share))


def _milestone(view: View, row, rows: list) -> str:
    """The next milestone that is not settled, with its probability."""
    language = view.language
    for one in rows:
        if not one.settled and math.isfinite(one.p):
            return view._("milestone {value} by {period}: probability {p}").format(
                value=quantity(one.threshold, view.indicators.get(row.indicator), language, stated=True),
                period=period(one.period, language),
                p=probability(one.p, language),
            )
    return ""


def _lever(view: View, row, rows: list) -> str:
    """What the strongest stated lever would change, where the promise is in doubt."""
    if not row.p_attain < 0.8:
        return ""
    _, language, said = view._, view.language, []
    for one in rows:
        if one.p_attain < row.p_attain + WORTH_SAYING:
            continue
        p = probability(one.p_attain, language)
        if one.scenario == "gap_tenth" and math.isfinite(row.gap_cases):
            n = number(math.ceil(row.gap_cases / 10), language)
            pattern = _("probability if a tenth of the gap ({n} cases) is closed on top of the forecast: {p}")
            said.append(pattern.format(n=n, p=p))
        elif one.scenario == "gap_tenth":
            said.append(_("probability if a tenth of the gap is closed on top of the forecast: {p}").format(p=p))
        elif one.scenario == "best_quarter":
            said.append(_("probability at the pace of the fastest quarter of units at its level: {p}").format(p=p))
    return "; ".join(said)


_REMARKS: dict[str, Callable[[View, tuple, list], str]] = {  # extra table -> what it says
    "readings": _readings,
    "ranks": _rank,
    "components": _components,
    "task_counts": _tasks,
    "k_of_n": _k_of_n,
    "denominators": _quota,
    "milestones": _milestone,
    "contributions": _pulls,
    "scenarios": _lever,
}


def component_tables(view: View, rows: list[tuple]) -> Markup:
    """A table for every promise of a unit that is a weighted score: points today, a quarter ago, still to be had."""
    found = [(row, view.rows("components", row.unit, row.target)) for row in rows]
    return Markup("").join(_component_table(view, row, components) for row, components in found if components)


def _component_table(view: View, row, components: list) -> Markup:
    _, language = view._, view.language
    components = sorted(components, key=lambda one: (-one.headroom, one.component))
    before, when = _before(view, row.unit, [one.component for one in components])
    body = [
        [
            view.indicator_name(one.component),
            number(one.points, language, 1),
            number(one.weight, language),
            percent(one.share, language),
            percent(before.get(one.component), language),
            number(one.headroom, language, 1),
            number(one.gain_at_90, language, 1),
        ]
        for one in components
    ]
    target = view.target_name(row.target)
    return table(
        _("Components of “{target}”, most points to gain first").format(target=target),
        [
            _("Component"),
            _("Points today"),
            _("Maximum points"),
            _("Share today"),
            _("Share in {period}").format(period=period(when, language)) if when else _("Share last quarter"),
            _("Points to gain"),
            _("Gain if 90% is reached"),
        ],
        body,
        class_="components",
        cards=(),
        numeric=set(range(1, 7)),
    )


def _before(view: View, unit: str, codes: list[str]) -> tuple[dict[str, float], str]:
    """Observed shares a quarter before the latest period, and that period; a component without is left out."""
    found, when = {}, ""
    for code in codes:
        history, indicator = view.history(unit, code), view.indicators.get(code)
        back = BACK.get(getattr(indicator, "frequency", "") or "M", 3)
        if getattr(indicator, "kind", "") == "rate" and len(history.periods) > back:
            found[code] = float(history.values[-1 - back])
            when = history.periods[-1 - back]
    return found, when
