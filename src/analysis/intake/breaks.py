"""Declared breaks: a new definition (an indicator's `valid_from`) or a new boundary (a source's `breaks`).

The word "break" goes into `flags` at each unit's first figure of the new series. Models start there; charts show it;
figures before it stay visible and are never joined to those after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.intake.checks import finding
from analysis.registry.sources import SourceParams
from analysis.words.periods import as_period, frequency_of, ordinals

BREAK = "break"  # as forecasting.panel looks for it


@dataclass(frozen=True)
class DeclaredBreak:
    """Figures of `indicator` from `period` on are another series; `units` empty: of every unit."""

    indicator: str
    period: str
    units: tuple[str, ...]
    reason: str
    source: str


def declared_breaks(sources: Sequence[SourceParams], *, indicators: pd.DataFrame) -> list[DeclaredBreak]:
    """Breaks that the indicator list and the sources declare.

    Parameters
    ----------
    sources : sequence of SourceParams
        One may stand several times, once for each of its files.
    indicators : DataFrame
        `schema.INDICATORS`; a `valid_from` is a break of every unit.

    Returns
    -------
    list of DeclaredBreak
    """
    new = indicators[indicators["valid_from"].ne("")]
    found = [
        DeclaredBreak(row["indicator"], row["valid_from"], (), f"this definition is valid from {row['valid_from']}", "")
        for row in new.to_dict("records")
    ]
    return found + [
        DeclaredBreak(one.indicator, one.period, one.units, one.reason, source.source)
        for source in {one.source: one for one in sources}.values()
        for one in source.breaks
    ]


def mark_breaks(figures: pd.DataFrame, *, breaks: Sequence[DeclaredBreak]) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Flag each unit's first figure from a break on, where the unit has figures before it.

    Parameters
    ----------
    figures : DataFrame
        Columns of `schema.OBSERVATIONS`, sums included; several vintages of one figure are all flagged.
    breaks : sequence of DeclaredBreak

    Returns
    -------
    figures, findings : tuple
        The same rows; findings with the reason: one for each unit that a break names, or one (unit "") for
        the whole panel.
    """
    figures, findings = figures.reset_index(drop=True), []
    for one in breaks:
        rows = _first_after(figures, one)
        if not len(rows):
            continue
        flags = figures.loc[rows, "flags"]
        already = flags.str.split().map(lambda words: BREAK in words)  # declared twice over: one mark
        figures.loc[rows, "flags"] = flags.where(already, (flags + f" {BREAK}").str.strip())
        units = sorted(figures.loc[rows, "unit"].unique())
        place = pd.DataFrame({"unit": units if one.units else [""]})
        place = place.assign(indicator=one.indicator, period=figures.loc[rows, "period"].min())
        told = f"{len(units)} units start a new series: {one.reason}"
        findings.append(finding(place, flag=BREAK, found=told, source=one.source))
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
