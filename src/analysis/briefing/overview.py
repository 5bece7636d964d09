"""The overview: will we get there, what moved and why, where is a decision needed, where is the evidence thin."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import pandas as pd
from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.charts.bars import strip
from analysis.briefing.decisions import decisions
from analysis.briefing.fragment import Fragment, name_html, table, tabled, tag
from analysis.briefing.locale import N_, number, percent, period, points, ratio
from analysis.briefing.maps import heat_map, tile_map
from analysis.briefing.parts import measure_of, speaks_of_series
from analysis.briefing.view import View
from analysis.briefing.wording import (
    difference,
    level_word,
    list_of,
    quantity,
    reason_word,
    say_publication,
    upper_first,
    word_of,
)
from analysis.words.periods import last_day
from analysis.words.schema import ON_TRACK, STATUSES

MAX_CHANGES = 6
MAX_OF_TARGET = 2
MAX_THIN = 8
MAX_SIGNALS = 8
COMMON_SHARE, COMMON_UNITS = 0.9, 10  # a surprise is common: this share of at least so many units on one side
CAUSES = {
    "target": N_("the target was changed"),
    "revision": N_("an old figure was revised"),
    "definition": N_("a definition or boundary was changed"),
    "expected": N_("new figures, as forecast"),
    "surprise": N_("new figures, other than forecast"),
    "new_figures": N_("new figures"),
    "model": N_("our model changed, without new figures"),
}

FIGURES = ("new_figures", "expected", "surprise")  # causes that are figures: the page says which


class OverviewPage(parts.Page):
    """The overview of a run; see :func:`overview_page`."""

    NOTEBOOK = "overview_briefing"

    @cached_property
    def rows(self) -> list[tuple]:
        """Assessments of the unit the overview is about."""
        return self.view.assessed(self.view.root)

    @cached_property
    def all_rows(self) -> list[tuple]:
        """Assessments of every unit."""
        return [row for rows in self.view.all_assessed().values() for row in rows]

    def title(self) -> Fragment:
        """What the run is about."""
        heading = self.view.run.params.get(f"title_{self.view.language}") or self.view.name(self.view.root)
        return parts.title(self.view, name_html(heading))

    def answer(self) -> Fragment:
        """One sentence that answers, and three numbers."""
        text = say_overview(self.view, self.rows, self.all_rows)
        made = [parts.counted(self.rows, self.view.language), self._facts(), self._held()]
        about = self.view.run.manifest
        if about.get("register", {}).get("seal"):  # of a draft the banner says that it is one
            made.append(parts.sentence(say_publication(about, self.view.language), class_="soft"))
        return parts.answered(text, *made)

    def _facts(self) -> Markup:
        _, language, rows = self.view._, self.view.language, self.all_rows
        closed = ("met", "missed", "not_assessable")
        open_p = [row.p_attain for row in rows if row.status not in closed and math.isfinite(row.p_attain)]
        expected = _("{k} of {n}").format(
            k=number(sum(1 - p for p in open_p), language), n=number(len(open_p), language)
        )
        good = sum(row.status in ON_TRACK for row in rows)
        unclear = sum(row.status == "not_assessable" for row in rows)
        return parts.facts(
            [
                (_("targets on track, all units together"), ratio(good, len(rows), language)),
                (_("targets expected to be missed, of those still open that can be assessed"), expected),
                (_("targets that cannot be assessed, all units together"), number(unclear, language)),
            ]
        )

    def _held(self) -> Markup:
        """How many statuses are kept from the quarter before, and the headline without that."""
        _, language, rows = self.view._, self.view.language, self.all_rows
        held = [row for row in rows if row.cut_status not in ("", row.status)]
        if not held:
            return Markup("")
        text = _(
            "{k} of {n} statuses are kept from last quarter although the probability has just crossed a limit. By the "
            "probability alone, {good} of {n} targets would be on track (now {now})."
        ).format(
            k=number(len(held), language),
            n=number(len(rows), language),
            good=number(sum(row.cut_status in ON_TRACK for row in rows), language),
            now=number(sum(row.status in ON_TRACK for row in rows), language),
        )
        return parts.sentence(text, class_="soft")

    def changes(self) -> Fragment:
        """What changed since the last quarter and why."""
        return changes(self.view)

    def decisions(self) -> Fragment:
        """At most ten units that need a decision."""
        return decisions(self.view)

    def heat_map(self) -> Fragment:
        """Units x targets by status; before it a tile map where the tree holds Vietnam's provinces."""
        tiles, heat = tile_map(self.view), heat_map(self.view)
        return Fragment(tiles.html + heat.html, "table", f"{tiles.text}\n{heat.text}") if tiles.html else heat

    def sub_units(self) -> Fragment:
        """The top unit's targets with the sub-units behind them."""
        return sub_units(self.view, self.rows)

    def scenarios(self) -> Fragment:
        """What a better or worse common course would change."""
        return scenarios(self.view)

    def thin_evidence(self) -> Fragment:
        """Where the evidence is thin."""
        return thin_evidence(self.view, self.all_rows)

    def end(self) -> Fragment:
        """The sentinel."""
        title = self.view.run.params.get(f"title_{self.view.language}") or self.view._("Overview briefing")
        return parts.end(self.view, title=title, notebook=self.NOTEBOOK, description=self.answer().text)


overview_page = parts.opener(OverviewPage)


def say_overview(view: View, rows: list[tuple], all_rows: list[tuple]) -> str:
    """The answer in one sentence: the top unit's targets by status, and the units below."""
    _, language = view._, view.language
    units = len(view.all_assessed())
    if not rows:
        good = sum(row.status in ON_TRACK for row in all_rows)
        text = _("On track, all units together: {good} of {n} targets (units: {units}).")
        return text.format(
            good=number(good, language), n=number(len(all_rows), language), units=number(units, language)
        )
    good = sum(row.status in ON_TRACK for row in rows)
    text = _("{unit} is on track for {good} of {n} targets").format(
        unit=view.name(view.root), good=number(good, language), n=number(len(rows), language)
    )
    below = sum(
        bool(view.children(view.root)) and any(row.status in ("at_risk", "unlikely") for row in mine)
        for unit, mine in view.all_assessed().items()
        if unit != view.root
    )
    if not below:
        return text + "."
    tail = _.plural(
        "{k} of {n} units below it has at least one target at risk or unlikely.",
        "{k} of {n} units below it have at least one target at risk or unlikely.",
        below,
    ).format(k=number(below, language), n=number(units - 1, language))
    return f"{text}; {tail}" if good < len(rows) else f"{text}. {upper_first(tail)}"


def changes(view: View) -> Fragment:
    """Statuses that moved, counted by direction and cause; the largest moves, at most two a target, as a table."""
    _ = view._
    table_ = view.extra("changes")
    if table_.empty:
        return parts.note(_("There is no earlier run to compare with."))
    rows = list(table_.itertuples(index=False))
    text = " ".join(filter(None, [_say_changes(view, rows), _say_targets(view, rows), _back_and_forth(view)]))
    common, signals = _say_common(view), _signals(view)
    said = parts.sentence(text)
    if common:
        lead = _(
            "Surprises that nearly all units share: look for a common cause first, also in revised figures or in our "
            "forecast"
        )
        said += tag("p", lead, class_="lead")
        said += parts.bullets(common)
    text = " ".join([text, *common])
    largest = _largest(rows)
    if not largest:
        return Fragment(said + signals, "sentence", text)
    body = [_change(view, row) for row in largest]
    made = table(
        _("Largest changes in probability since last quarter, at most two units per target, changed statuses first"),
        [_("Unit"), _("Target"), _("Before"), _("Now"), _("Change"), _("Why")],
        body,
        class_="changes",
        cards={1},
    )
    return Fragment(said + made + signals, "table", text)


def _against_forecast(view: View) -> pd.DataFrame:
    """Each unit's newest figure of each indicator with last quarter's median for its period."""
    key = ["unit", "indicator", "period"]
    forecasts, seen = view.run.previous.forecasts, view.run.observations
    median = forecasts.loc[np.isclose(forecasts["quantile_level"], 0.5), [*key, "predicted"]]
    known = [one for one in seen["period"].unique() if last_day(one) <= last_day(view.cutoff)]
    seen = seen[seen["period"].isin(known)].drop_duplicates(key, keep="last")
    rows = seen[[*key, "value"]].merge(median, on=key).merge(view.run.units[["unit", "level"]], on="unit")
    rows = rows.dropna(subset=["value", "predicted"]).sort_values("period", kind="stable")
    return rows.drop_duplicates(["unit", "indicator"], keep="last")


def _say_common(view: View) -> list[str]:
    """Indicators whose newest figures nearly all lie on one side of last quarter's median: one sentence each.

    Of several such levels of units, the one with the most units is named.
    """
    if not view.has_before:
        return []
    found: dict[str, tuple[int, str]] = {}
    for (indicator, _level), rows in _against_forecast(view).groupby(["indicator", "level"], observed=True):
        off = (rows["value"] - rows["predicted"]).round(9)
        side = -1 if (off < 0).sum() > (off > 0).sum() else 1
        mine = rows[np.sign(off) == side]
        if len(rows) < max(COMMON_UNITS, found.get(indicator, (0, ""))[0]) or len(mine) / len(rows) < COMMON_SHARE:
            continue
        found[indicator] = len(rows), _say_surprise(view, mine, n=len(rows), below=side < 0)
    return [found[one][1] for one in view.indicators if one in found]


def _say_surprise(view: View, mine: pd.DataFrame, *, n: int, below: bool) -> str:
    """How many of n figures came in on one side of the forecast, and by how much at the median."""
    _, language = view._, view.language
    indicator, level = mine[["indicator", "level"]].iloc[0]
    measure, off = view.indicators.get(indicator), (mine["value"] - mine["predicted"]).abs()
    if getattr(measure, "kind", "count") == "count":  # units differ in size, so by a share of the forecast
        size = percent((off / mine["predicted"].abs()).median(), language)
    else:
        size = difference(off.median(), measure, language, signed=False)
    count = (_("all {n}") if len(mine) == n else _("{k} of {n}")).format(
        k=number(len(mine), language), n=number(n, language)
    )
    pattern = _(
        "{indicator}: {count} newest figures came in above last quarter's forecast, typically by {size} ({level})."
    )
    if below:
        pattern = _(
            "{indicator}: {count} newest figures came in below last quarter's forecast, typically by {size} ({level})."
        )
    name = view.indicator_name(indicator)
    return pattern.format(indicator=name, count=count, size=size, level=level_word(level, language).lower())


def _tally(view: View, counts: Counter, words: Mapping[str, str]) -> list[str]:
    """How often each cause or reason comes, the most frequent first."""
    listed = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    shown = [(word_of(words, code, view.language), number(n, view.language)) for code, n in listed]
    return [view._("{cause}: {n}").format(cause=word, n=n) for word, n in shown]


def _say_changes(view: View, rows: list[tuple]) -> str:
    _, language = view._, view.language
    moved = [row for row in rows if row.status != row.status_before]
    up = sum(row.status in ON_TRACK and row.status_before not in ON_TRACK for row in moved)
    text = _.plural(
        "Since last quarter, {up} target came on track and {down} went off track; {n} of {m} statuses changed",
        "Since last quarter, {up} targets came on track and {down} went off track; {n} of {m} statuses changed",
        up,
    ).format(
        up=number(up, language),
        down=number(sum(row.status not in ON_TRACK and row.status_before in ON_TRACK for row in moved), language),
        n=number(len(moved), language),
        m=number(len(rows), language),
    )
    why = _tally(view, Counter(row.cause for row in moved), CAUSES)
    return text + (f" ({'; '.join(why)})." if why else ".")


def _say_targets(view: View, rows: list[tuple]) -> str:
    """The target where most units' status fell, and the one where most rose."""
    _, language = view._, view.language
    order = {status: at for at, status in enumerate(STATUSES)}
    known = [row for row in rows if "not_assessable" not in (row.status, row.status_before)]
    said = []
    for pattern, sign in (
        (_("Most downgrades: “{target}” (units: {n})."), 1),
        (_("Most upgrades: “{target}” (units: {n})."), -1),
    ):
        counts = Counter(row.target for row in known if sign * (order[row.status] - order[row.status_before]) > 0)
        if counts:
            target, n = min(counts.items(), key=lambda one: (-one[1], one[0]))
            said.append(pattern.format(n=number(n, language), target=view.target_name(target)))
    return " ".join(said)


def _largest(rows: list[tuple]) -> list[tuple]:
    """The largest moves of probability, changed statuses first; no target more than twice."""
    found = [row for row in rows if math.isfinite(row.p_change) and abs(row.p_change) >= 0.005]
    found.sort(key=lambda row: (row.status == row.status_before, -abs(row.p_change), row.unit, row.target))
    shown: Counter = Counter()
    largest = []
    for row in found:
        shown[row.target] += 1
        if shown[row.target] <= MAX_OF_TARGET and len(largest) < MAX_CHANGES:
            largest.append(row)
    return largest


def _back_and_forth(view: View) -> str:
    """How many statuses changed to and fro over the last quarters, and the mean flip-flop index."""
    _, language = view._, view.language
    table_ = view.extra("flip_flops")
    known = table_[table_["flip_flop_index"].notna()] if len(table_) else table_
    if not len(known):
        return ""
    return _("Over {n} quarters, {k} of {m} statuses moved back and forth (flip-flop index {index}).").format(
        n=number(known["n_cutoffs"].max(), language),
        k=number((known["flip_flop_index"] > 0).sum(), language),
        m=number(len(known), language),
        index=number(known["flip_flop_index"].mean(), language, 2),
    )


def _change(view: View, row) -> list[object]:
    language = view.language
    shown = lambda status, p: Markup("{} {}").format(parts.chip(status, language), percent(p, language, 0))
    return [
        parts.unit_link(view, row.unit, folder=""),
        view.target_name(row.target),
        shown(row.status_before, row.p_before),
        shown(row.status, row.p_attain),
        points(row.p_change, language, 0, signed=True),
        _why(view, row),
    ]


def _why(view: View, row) -> str:
    """The cause; where several moved the probability, each with its part; where new figures came, what came."""
    _, language = view._, view.language
    sizes = {cause: getattr(row, f"from_{cause}", math.nan) for cause in CAUSES}
    causes = sorted((one for one in sizes if abs(sizes[one]) >= 0.005), key=lambda one: (-abs(sizes[one]), one))
    if len(causes) > 1 and not set(causes) <= set(FIGURES):
        shown = [(_(CAUSES[one]), points(sizes[one], language, 0, signed=True)) for one in causes]
        return "; ".join(_("{cause}: {n}").format(cause=cause, n=size) for cause, size in shown)
    cause = word_of(CAUSES, row.cause, language)
    assessed = next((one for one in view.assessed(row.unit) if one.target == row.target), None)
    indicator = measure_of(view, assessed) if assessed is not None else None
    if row.cause not in FIGURES or indicator is None or not math.isfinite(row.current):
        return cause
    now, then = quantity(row.current, indicator, language), _forecast_then(view, assessed)
    if math.isfinite(then):
        pattern = _("{cause}: {now}, last forecast {then}")
    elif math.isfinite(row.current_before):
        pattern, then = _("{cause}: {now}, previously {then}"), row.current_before
    else:
        return cause
    return pattern.format(cause=cause, now=now, then=quantity(then, indicator, language))


def _forecast_then(view: View, assessed) -> float:
    """Last quarter's median for the figure that is the latest now; NaN where none is stored."""
    if not view.has_before or not speaks_of_series(view, assessed):
        return math.nan
    fan = view.fan_before(assessed.unit, assessed.indicator)
    median = fan.at_level(0.5)
    if median is None or assessed.current_period not in fan.periods:
        return math.nan
    return float(median[fan.periods.index(assessed.current_period)])


def _signals(view: View) -> Markup:
    """Units whose latest figures left their own band of chance swings; every other change is within it."""
    _, language = view._, view.language
    order = {code: at for at, code in enumerate(view.indicators)}
    latest = [row for row in view.extra("signals").itertuples(index=False) if row.period == view.cutoff]
    latest.sort(key=lambda row: (order.get(row.indicator, len(order)), row.unit))
    lines = []
    for signal, pattern in (
        ("special_cause_concern", _("Worse than random variation explains ({n})")),
        ("special_cause_improvement", _("Better than random variation explains ({n})")),
    ):
        found = [row for row in latest if row.signal == signal and row.unit in view.units]
        if not found:
            continue
        groups: dict[str, list[Markup]] = {}
        for row in found[:MAX_SIGNALS]:
            groups.setdefault(row.indicator, []).append(parts.unit_link(view, row.unit, folder=""))
        named = [Markup("{}: {}").format(view.indicator_name(one), Markup(", ").join(groups[one])) for one in groups]
        if len(found) > MAX_SIGNALS:
            rest = number(len(found) - MAX_SIGNALS, language)
            named.append(_("{n} more on the pages of the units").format(n=rest))
        head = tag("b", pattern.format(n=number(len(found), language)) + ":")
        lines.append(Markup("{} {}").format(head, Markup("; ").join(named)))
    if not lines:
        return Markup("")
    heading = _("Real changes: figures of {period} outside the unit's own range of random variation (control chart)")
    return tag("p", heading.format(period=period(view.cutoff, language)), class_="lead") + parts.bullets(lines)


def sub_units(view: View, rows: list[tuple]) -> Fragment:
    """Each target of the top unit with n of m sub-units on track and the level of the worst tenth."""
    _, language = view._, view.language
    rows = [row for row in rows if row.n_sub_units > 0]
    if not rows:
        return parts.note(_("The top unit has no assessed sub-units."))
    body = [
        [
            view.target_name(row.target),
            parts.chip(row.status, language) + Markup(" ") + parts.chance(row, language),
            ratio(int(row.n_sub_on_track), int(row.n_sub_units), language),
            quantity(row.worst_decile, measure_of(view, row), language),
        ]
        for row in rows
    ]
    return tabled(
        _("{unit} and its sub-units: the overall result does not replace the result of each sub-unit").format(
            unit=view.name(view.root)
        ),
        [
            _("Target"),
            _("Overall status and probability"),
            _("Sub-units on track"),
            _("Level of the worst 10% of sub-units"),
        ],
        body,
        class_="subunits",
        numeric={2, 3},
        cards={1},
    )


def scenarios(view: View) -> Fragment:
    """Probabilities of the top unit if a lever moved, and how many sub-units will meet each target, with 80 % bands."""
    _, language = view._, view.language
    found, rollup = view.rows("scenarios", view.root), view.rows("rollup", view.root)
    if not found and not rollup:
        return parts.note(_("This run has no scenarios."))
    levers, p = _levers(found)
    header = [_("Target"), _("As forecast"), *[scenario_word(view, one) for one in levers]]
    counted = _("Sub-units that will meet it, of those that can be assessed, 80% interval")
    header += [counted, _("Interval, from none to all")]
    parts_of = {row.target: row for row in rollup}
    body = []
    for row in view.assessed(view.root):
        own = [p.get((row.target, one), math.nan) for one in levers]
        sub = parts_of.get(row.target)
        if row.settled or sub is None and not any(math.isfinite(one) for one in own):
            continue
        cells = [percent(one, language, 0) for one in (row.p_attain, *own)]
        body.append([view.target_name(row.target), *cells, *_band(view, sub)])
    numeric = set(range(1, len(levers) + 2))
    return tabled(
        _(
            "Probability that {unit} meets each target under each assumption, and how many sub-units will meet it if "
            "the overall trend is included"
        ).format(unit=view.name(view.root)),
        header,
        body,
        class_="scenarios",
        numeric=numeric,
        cards={len(header) - 1},
    )


def _levers(found: list[tuple]) -> tuple[list[str], dict[tuple[str, str], float]]:
    """The scenarios that make columns, and the probability under each by target.

    More points a period help a share that should rise, fewer one that should fall: where no target has both, the two
    are one lever, "better by". A lever on a single component of a score is shown on the unit's page.
    """
    rows = [row for row in found if not row.scenario.startswith("component_at")]
    name = lambda scenario: scenario.replace(":+", ":").replace(":-", ":")
    if len({(row.target, name(row.scenario)) for row in rows}) < len(rows):
        name = lambda scenario: scenario
    p = {(row.target, name(row.scenario)): row.p_attain for row in rows}
    return sorted({one for _target, one in p}, key=lambda one: (one.split(":")[0], one)), p


def _band(view: View, sub) -> tuple[str, Markup]:
    """How many sub-units will meet a target: the 80 % band in words and drawn; dashes where it is not known."""
    if sub is None or not math.isfinite(sub.met_low):
        return "–", Markup("")
    low, high, n = (number(one, view.language) for one in (sub.met_low, sub.met_high, sub.n_counted))
    low_share, high_share, now = (one / sub.n_counted for one in (sub.met_low, sub.met_high, sub.expected_met))
    said = view._("{low} to {high} of {n}").format(low=low, high=high, n=n)
    return said, strip(low=low_share, high=high_share, now=now)


def scenario_word(view: View, scenario: str) -> str:
    """Name of a lever; an unknown code stands as it is."""
    _ = view._
    kind, _colon, detail = scenario.partition(":")
    if kind == "weakest_at_median":
        return _("the {n} weakest sub-units at the median").format(n=detail)
    if kind == "gap_tenth":
        return _("a tenth of the gap closed on top of the forecast")
    if kind == "best_quarter":
        return _("at the pace of the fastest quarter of units at its level")
    if kind != "points_per_period":
        return scenario.replace("_", " ")
    gain = points(float(detail), view.language, 0, signed=detail[0] == "+")
    pattern = _("{points} in every period") if detail[0] in "+-" else _("better by {points} in every period")
    return pattern.format(points=gain)


def thin_evidence(view: View, rows: list[tuple]) -> Fragment:
    """Where the evidence is thin: what cannot be assessed and why, and the targets that rest on few past deadlines."""
    _, language = view._, view.language
    none = [row for row in rows if row.status == "not_assessable"]
    weak = Counter(row.target for row in rows if row.grade == "C")
    text = _("{n} of {m} targets cannot be assessed; little evidence (grade C) for {k}.").format(
        n=number(len(none), language), m=number(len(rows), language), k=number(weak.total(), language)
    )
    reasons = _tally(view, Counter(reason_word(row.reason, language) for row in none if row.reason), {})
    if reasons:
        text += " " + _("Reasons: {reasons}.").format(reasons=list_of(reasons, language))
    found = []
    for target in (one for one in view.targets if weak[one]):
        mine = [row for row in rows if row.target == target]
        least = min((row.n_origins for row in mine if math.isfinite(row.n_origins)), default=-1.0)
        shown = number(least if least >= 0 else None, language)
        found.append((least, [view.target_name(target), ratio(weak[target], len(mine), language), shown]))
    found.sort(key=lambda one: one[0])
    body = [line for _least, line in found[:MAX_THIN]]
    if not body:
        return Fragment(parts.sentence(text), "sentence", text)
    made = table(
        _("Targets with evidence of grade C, fewest past deadlines first: {k} of {n}").format(
            k=number(len(body), language), n=number(len(found), language)
        ),
        [_("Target"), _("Units with grade C"), _("Past deadlines tested (J)")],
        body,
        class_="thin",
        cards=(),
        numeric={1, 2},
    )
    return Fragment(parts.sentence(text) + made, "table", text)
