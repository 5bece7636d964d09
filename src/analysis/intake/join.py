"""Figures of all files as one table: declared zeros and breaks applied, upper levels summed for every vintage."""

from __future__ import annotations

import pandas as pd

from analysis.intake.aggregate import sum_up
from analysis.intake.breaks import declared_breaks, mark_breaks
from analysis.intake.carry import carry_over
from analysis.intake.checks import finding
from analysis.intake.keys import latest
from analysis.intake.series import check_empty, check_series
from analysis.registry.crosswalk import Crosswalk
from analysis.registry.sources import SIDES, SourceParams
from analysis.words.errors import DataError, Problem
from analysis.words.periods import frequency_of, last_in, ordinals
from analysis.words.schema import OBSERVATIONS, as_table

COLUMNS = ["unit", "indicator", "period", "vintage", "flags", *SIDES]


def join(
    rows: list[pd.DataFrame],
    *,
    sources: list[SourceParams],
    units: pd.DataFrame,
    indicators: pd.DataFrame,
    crosswalk: Crosswalk | None = None,
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Join the figures of all files.

    Parameters
    ----------
    rows : list of DataFrame
        Usable rows of each file, `COLUMNS`.
    sources : list of SourceParams
        The source of each of them.
    units, indicators : DataFrame
        `schema.UNITS`, `schema.INDICATORS`.
    crosswalk : Crosswalk, optional
        Carries the history of former units over, but for sources that did so themselves (``already_rebased``).

    Returns
    -------
    observations, findings : tuple
        `schema.OBSERVATIONS`, and what was noticed.

    Raises
    ------
    DataError
        Not one usable row; two sources that disagree about a figure of the same vintage.
    """
    figures = pd.concat([part.assign(source=one.source) for part, one in zip(rows, sources)], ignore_index=True)
    if not len(figures):
        raise DataError(Problem("sources", "not one row can be used", "at least one", "See `candich check`"))
    source_of = figures.drop_duplicates("indicator").set_index("indicator")["source"].to_dict()
    figures, findings = _once(figures) if len(rows) > 1 else (figures, [])
    itself = figures.pop("source").isin([one.source for one in sources if one.already_rebased])
    if crosswalk is not None:
        carried, found = carry_over(figures[~itself], crosswalk=crosswalk, indicators=indicators, units=units)
        figures = pd.concat([figures[itself], carried], ignore_index=True)
        findings += found
    figures, found = _declared(figures, sources)
    findings += found
    sums, found = _sum_vintages(figures, units=units, indicators=indicators)
    findings += found
    findings += check_series(latest(figures), indicators=indicators, source_of=source_of)
    everything = pd.concat([figures, sums], ignore_index=True) if len(sums) else figures
    everything, found = mark_breaks(everything, breaks=declared_breaks(sources, indicators=indicators))
    findings += found
    findings += check_empty(everything, units=units)
    return as_table(everything, OBSERVATIONS, where="observations"), findings


def _once(figures: pd.DataFrame) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Each figure once: two sources may repeat one another, not disagree."""
    key = ["unit", "indicator", "period", "vintage"]
    repeated = figures.duplicated([*key, *SIDES])
    findings = []
    if repeated.any():
        told = "also in source " + figures.loc[repeated, "source"].map(repr)
        findings.append(finding(figures[repeated], flag="repeated_row", found=told, source="several"))
    figures = figures[~repeated]
    disagree = figures[figures.duplicated(key, keep=False)]
    if len(disagree):
        one = disagree.sort_values(key).iloc[:2]
        found = f"{len(disagree)} figures disagree, e.g. unit {one['unit'].iloc[0]!r}, {one['indicator'].iloc[0]!r}, "
        found += f"{one['period'].iloc[0]}: {one['value'].iloc[0]:.10g} and {one['value'].iloc[1]:.10g}"
        names = " and ".join(sorted(set(disagree["source"])))
        raise DataError(Problem(f"sources {names}", found, "one figure a unit and period", "Leave it to one of them"))
    return figures, findings


def _sum_vintages(
    figures: pd.DataFrame, *, units: pd.DataFrame, indicators: pd.DataFrame
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Sums as they stood on the day of each vintage; only what changed is kept. Findings are those of the last."""
    days = sorted(figures["vintage"].unique())
    parts, findings, before = [], [], None
    for day in days:
        sums, findings = sum_up(latest(figures, as_of=day), units=units, indicators=indicators)
        if not len(sums):
            continue
        sums = sums.assign(vintage=day)
        if before is not None:
            compared = sums.merge(before.drop(columns="vintage"), how="left", indicator=True)
            sums_new = sums[compared["_merge"].eq("left_only").to_numpy()]
        else:
            sums_new = sums
        parts.append(sums_new)
        before = sums
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)), findings


def _declared(figures: pd.DataFrame, sources: list[SourceParams]) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Zeros declared as "not measured" become empty; other figures in that stretch stay."""
    findings = []
    for source in {one.source: one for one in sources}.values():
        for one in source.not_measured:
            among = figures["indicator"].eq(one.indicator) & figures["value"].eq(0)
            if not among.any():
                continue
            last = last_in(one.until, frequency_of(figures.loc[among, "period"].iloc[0])).ordinal
            hit = among.copy()
            hit[among] = ordinals(figures.loc[among, "period"]) <= last
            codes = figures.loc[hit, "period"]
            if not len(codes):
                continue
            place = pd.DataFrame({"unit": "", "indicator": [one.indicator], "period": codes.min()})
            told = f"{len(codes)} zeros from {codes.min()} to {codes.max()} are left out: {one.reason}"
            findings.append(finding(place, flag="not_measured", found=told, source=source.source))
            figures = figures[~hit]
    return figures, findings
