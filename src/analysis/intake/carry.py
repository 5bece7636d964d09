"""History of units that merged or were divided, carried over to the units of today; what could not be is told."""

from __future__ import annotations

import pandas as pd

from analysis.intake.checks import COLUMNS, finding
from analysis.registry.crosswalk import Crosswalk
from analysis.registry.rebase import MERGER, REBASED, REFUSED, SPLIT, rebase
from analysis.words.errors import examples
from analysis.words.schema import OBSERVATIONS, as_table


def former_units(crosswalk: Crosswalk | None, *, units: pd.DataFrame) -> set[str]:
    """Old units of which a part lies in a unit of the run.

    Returns
    -------
    set of str
    """
    if crosswalk is None:
        return set()
    rows = crosswalk.rows
    return set(rows.loc[rows["new"].isin(set(units["unit"])), "old"])


def carry_over(
    figures: pd.DataFrame, *, crosswalk: Crosswalk, indicators: pd.DataFrame, units: pd.DataFrame
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Put the history of old units on the units of today.

    Units that the crosswalk does not name (a department, say) pass through untouched, whatever the period.

    Parameters
    ----------
    figures : DataFrame
        Columns of `schema.OBSERVATIONS`: figures of the sources, before any sum.
    crosswalk : Crosswalk
    indicators, units : DataFrame
        `schema.INDICATORS`, `schema.UNITS`.

    Returns
    -------
    figures, findings : tuple
        Totals are kept to the last unit. Refused figures and sums that lack a part are findings, and so are, a row a
        unit, the old units that its history comes from.
    """
    rows = crosswalk.rows
    known = set(units["unit"])
    named = figures["unit"].isin({*rows["old"], *rows["new"]})
    done = rebase(as_table(figures[named], OBSERVATIONS), crosswalk=crosswalk, indicators=indicators)
    inside = done.observations["unit"].isin(known)
    outside = done.observations[~inside]
    findings = [done.quality[list(COLUMNS)], *_findings(done.observations[inside], crosswalk=crosswalk)]
    if len(outside):
        told = "this part of an old unit lies in a unit that is not in the list"
        findings.append(finding(outside, flag=REFUSED, found=told, source=""))
    carried = done.observations[inside]
    return pd.concat([figures[~named], carried], ignore_index=True), findings


def _findings(carried: pd.DataFrame, *, crosswalk: Crosswalk) -> list[pd.DataFrame]:
    """Where the history of each unit comes from, and how many begin a stretch of their own."""
    rows, findings = crosswalk.rows, []
    for flag, among, told in (
        (REBASED, rows, "figures before {change} are those of {old}"),
        (SPLIT, rows[rows["basis"].eq("even")], "an even part of {old}"),
    ):
        units = sorted(carried.loc[_has(carried, flag), "unit"].unique())
        if not units:
            continue
        old = among[among["new"].isin(units)].groupby("new")["old"].agg(lambda names: examples(sorted(names)))
        place = pd.DataFrame({"unit": units, "period": crosswalk.change})
        found = [told.format(change=crosswalk.change, old=old[unit]) for unit in units]
        findings.append(finding(place, flag=flag, found=pd.Series(found), source=""))
    first = carried[_has(carried, MERGER)]
    for (indicator, period), part in first.groupby(["indicator", "period"]):
        place = pd.DataFrame({"unit": [""], "indicator": indicator, "period": period})
        told = f"{part['unit'].nunique()} merged or divided units report themselves from here on"
        findings.append(finding(place, flag=MERGER, found=told, source=""))
    return findings


def _has(figures: pd.DataFrame, flag: str) -> pd.Series:
    return figures["flags"].str.split().map(lambda words: flag in words).astype(bool)
