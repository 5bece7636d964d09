"""Figures of all files as one table: history carried over mergers, breaks marked, upper levels summed each vintage.

A declared break is a new definition (an indicator's `valid_from`) or a new boundary (a source's `breaks`): the word
"break" goes into `flags` at each unit's first figure of the new series. Models start there; charts show it; figures
before it stay visible and are never joined to those after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.intake.aggregate import sum_up
from analysis.intake.observe import KEY
from analysis.intake.series import check_series
from analysis.registry.crosswalk import MERGER, REBASED, REFUSED, SPLIT, Crosswalk, rebase
from analysis.registry.sources import SIDES, SourceParams
from analysis.words.errors import MAX_EXAMPLES, DataError, Problem
from analysis.words.findings import finding
from analysis.words.periods import as_period, frequency_of, last_in, ordinals
from analysis.words.schema import OBSERVATIONS, as_table

COLUMNS = [*KEY, "vintage", "flags", *SIDES]
BREAK = "break"  # as forecasting.panel looks for it


def join(
    rows: list[pd.DataFrame],
    *,
    sources: list[SourceParams],
    units: pd.DataFrame,
    indicators: pd.DataFrame,
    crosswalk: Crosswalk | None = None,
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Join the figures of all files."""
    figures = pd.concat([part.assign(source=one.source) for part, one in zip(rows, sources)], ignore_index=True)
    if not len(figures):
        raise DataError(Problem("sources", "not one row can be used", "at least one", "See `candich check`"))
    source_of = figures.drop_duplicates("indicator").set_index("indicator")["source"].to_dict()
    each = list({one.source: one for one in sources}.values())
    figures, findings = _once(figures) if len(rows) > 1 else (figures, [])
    itself = figures.pop("source").isin([one.source for one in each if one.already_rebased])
    if crosswalk is not None:
        carried, found = carry_over(figures[~itself], crosswalk=crosswalk, indicators=indicators, units=units)
        figures = pd.concat([figures[itself], carried], ignore_index=True)
        findings += found
    figures, found = _declared(figures, each)
    sums, missing = _sum_vintages(figures, units=units, indicators=indicators)
    findings += found + missing + check_series(latest(figures), indicators=indicators, source_of=source_of)
    everything = pd.concat([figures, sums], ignore_index=True) if len(sums) else figures
    everything, found = mark_breaks(everything, breaks=declared_breaks(each, indicators=indicators))
    empty = units[~units["unit"].isin(everything.loc[everything["value"].notna(), "unit"])]
    findings += [*found, finding(empty, flag="empty_unit")]
    return as_table(everything, OBSERVATIONS, where="observations"), findings


def latest(observations: pd.DataFrame, *, as_of: str | None = None) -> pd.DataFrame:
    """The newest figure of each unit, indicator and period that was known on a day."""
    known = observations if as_of is None else observations[observations["vintage"] <= as_of]
    if known["vintage"].nunique() <= 1:
        return known.reset_index(drop=True)
    ordered = known.sort_values([*KEY, "vintage"], kind="stable")
    return ordered[~ordered.duplicated(KEY, keep="last").to_numpy()].reset_index(drop=True)


def _once(figures: pd.DataFrame) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Each figure once: two sources may repeat one another, not disagree."""
    key = [*KEY, "vintage"]
    repeated = figures.duplicated([*key, *SIDES])
    again = finding(figures[repeated], flag="repeated_row", source="several", case="source", name=figures["source"])
    figures = figures[~repeated]
    disagree = figures[figures.duplicated(key, keep=False)]
    if len(disagree):
        one = disagree.sort_values(key).iloc[:2]
        found = f"{len(disagree)} figures disagree, e.g. unit {one['unit'].iloc[0]!r}, {one['indicator'].iloc[0]!r}, "
        found += f"{one['period'].iloc[0]}: {one['value'].iloc[0]:.10g} and {one['value'].iloc[1]:.10g}"
        names = " and ".join(sorted(set(disagree["source"])))
        raise DataError(Problem(f"sources {names}", found, "one figure per unit and period", "Leave it to one of them"))
    return figures, [again]


def _sum_vintages(
    figures: pd.DataFrame, *, units: pd.DataFrame, indicators: pd.DataFrame
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Sums as they were on the day of each vintage; only what changed is kept. Findings are those of the last."""
    parts, findings, before = [], [], None
    for day in sorted(figures["vintage"].unique()):
        sums, findings = sum_up(latest(figures, as_of=day), units=units, indicators=indicators)
        if len(sums):
            known = sums[:0] if before is None else before
            same = sums.merge(known, how="left", indicator="side")["side"].eq("both").to_numpy()
            parts.append(sums[~same].assign(vintage=day))
            before = sums
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)), findings


def _declared(figures: pd.DataFrame, sources: list[SourceParams]) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Zeros declared as "not measured" become empty; other figures in that stretch stay."""
    findings = []
    for code, one in [(source.source, one) for source in sources for one in source.not_measured]:
        zeros = figures[figures["indicator"].eq(one.indicator) & figures["value"].eq(0)]
        if len(zeros):
            last = last_in(one.until, frequency_of(zeros["period"].iloc[0])).ordinal
            zeros = zeros[ordinals(zeros["period"]) <= last]
        if len(zeros):
            span = {"first": zeros["period"].min(), "last": zeros["period"].max()}
            where = pd.DataFrame({"indicator": [one.indicator], "period": span["first"]})
            values = span | {"n": len(zeros), "reason": one.reason}
            findings.append(finding(where, flag="not_measured", source=code, **values))
            figures = figures.drop(zeros.index)
    return figures, findings


@dataclass(frozen=True)
class DeclaredBreak:
    """Figures of `indicator` from `period` on are another series; `units` empty: of every unit.

    ``values`` are those of the finding: the reason that a source gives, or the case of a new definition.
    """

    indicator: str
    period: str
    units: tuple[str, ...]
    values: dict[str, Any]
    source: str = ""


def declared_breaks(sources: Sequence[SourceParams], *, indicators: pd.DataFrame) -> list[DeclaredBreak]:
    """Breaks that the indicator list (a `valid_from` is a break of every unit) and the sources declare."""
    new = indicators[indicators["valid_from"].ne("")]
    found = [
        DeclaredBreak(code, first, (), {"case": "definition", "first": first})
        for code, first in zip(new["indicator"], new["valid_from"])
    ]
    return found + [
        DeclaredBreak(one.indicator, one.period, one.units, {"reason": one.reason}, source.source)
        for source in sources
        for one in source.breaks
    ]


def mark_breaks(figures: pd.DataFrame, *, breaks: Sequence[DeclaredBreak]) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Flag each unit's first figure from a break on, where the unit has figures before it."""
    figures, findings = figures.reset_index(drop=True), []
    for one in breaks:
        rows = _first_after(figures, one)
        if not len(rows):
            continue
        flags = figures.loc[rows, "flags"]  # declared twice: one mark
        figures.loc[rows, "flags"] = flags.where(_has(flags, BREAK), (flags + f" {BREAK}").str.strip())
        units = sorted(figures.loc[rows, "unit"].unique())
        place = pd.DataFrame({"unit": units if one.units else [""]})
        place = place.assign(indicator=one.indicator, period=figures.loc[rows, "period"].min())
        findings.append(finding(place, flag=BREAK, source=one.source, n=len(units), **one.values))
    return figures, findings


def _first_after(figures: pd.DataFrame, one: DeclaredBreak) -> pd.Index:
    """Rows of each unit's first period from the break on; units that only begin then have nothing to break with."""
    among = figures["indicator"].eq(one.indicator)
    if one.units:
        among &= figures["unit"].isin(one.units)
    part = figures[among]
    if not len(part):
        return part.index
    start = as_period(one.period).asfreq(frequency_of(part["period"].iloc[0]), how="start").ordinal
    is_after = ordinals(part["period"]) >= start
    after = part[is_after & part["unit"].isin(set(part.loc[~is_after, "unit"]))]
    return after.index[after["period"].eq(after.groupby("unit")["period"].transform("min"))]


def carry_over(
    figures: pd.DataFrame, *, crosswalk: Crosswalk, indicators: pd.DataFrame, units: pd.DataFrame
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Put the history of units that merged or were divided on the units of today.

    Units that the crosswalk does not name (a department, say) pass through untouched, whatever the period.
    """
    named = figures["unit"].isin({*crosswalk.rows["old"], *crosswalk.rows["new"]})
    done = rebase(as_table(figures[named], OBSERVATIONS), crosswalk=crosswalk, indicators=indicators)
    inside = done.observations["unit"].isin(set(units["unit"]))
    outside, carried = done.observations[~inside], done.observations[inside]
    findings = [*done.findings, finding(outside, flag=REFUSED, case="outside")]
    return pd.concat([figures[~named], carried], ignore_index=True), findings + _origins(carried, crosswalk=crosswalk)


def _origins(carried: pd.DataFrame, *, crosswalk: Crosswalk) -> list[pd.DataFrame]:
    """Where the history of each unit comes from, and how many begin a stretch of their own."""
    rows, findings = crosswalk.rows, []
    for flag, among in ((REBASED, rows), (SPLIT, rows[rows["basis"].eq("even")])):
        units = carried.loc[_has(carried["flags"], flag), "unit"].unique()
        old = among[among["new"].isin(units)].groupby("new")["old"].agg(sorted).rename_axis("unit").reset_index()
        names = old["old"].map(lambda one: one if len(one) <= MAX_EXAMPLES else [*one[:MAX_EXAMPLES], "…"])
        place = old[["unit"]].assign(period=crosswalk.change)
        findings.append(finding(place, flag=flag, old=names, first=crosswalk.change))
    first = carried[_has(carried["flags"], MERGER)]
    place = first.groupby(["indicator", "period"], as_index=False)["unit"].nunique()
    return [*findings, finding(place.assign(unit=""), flag=MERGER, n=place["unit"])]


def _has(flags: pd.Series, flag: str) -> pd.Series:
    return flags.str.split().map(lambda words: flag in words).astype(bool)
