"""Who has not delivered: sources, indicators and units without the figure of the period that a run is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from analysis.intake.inputs import Inputs
from analysis.registry.sources import SIDES
from analysis.words.errors import ParamsError, Problem, examples, require, unknown
from analysis.words.periods import A_QUARTER, as_period, last_ended, ordinals

COLUMNS = ["source", "indicator", "unit", "period", "last"]
GROUPED = ["source", "indicators", "period", "last", "units", "of", "which"]


def not_delivered(inputs: Inputs, *, cutoff: str, before: pd.DataFrame | None = None) -> pd.DataFrame:
    """The figures that a run at `cutoff` expects and does not have: `COLUMNS`, and ``of``, how many units are expected.

    `period` is the last one of the indicator's frequency that has ended at the cutoff. A unit is expected when it has a
    figure in the quarter that ends there or in the one before (yearly: in the year or the one before). Where no unit
    has one, the units of the indicator's last period are expected. `before` holds the observations of the current run:
    a unit that has vanished from a file is expected too. `last` is the unit's last period with a figure, or "".
    """
    here = _figures(inputs.observations)
    known = here if before is None else pd.concat([here, _figures(before)], ignore_index=True)
    known = known[known["unit"].isin(inputs.units["unit"])]
    found = []
    for code, frequency in inputs.indicators[["indicator", "frequency"]].itertuples(index=False):
        asked = last_ended(cutoff, frequency)
        end = int(ordinals([asked])[0])
        seen = known[known["indicator"].eq(code)]
        seen = seen.assign(at=ordinals(seen["period"]))
        seen = seen[seen["at"] <= end]
        if seen.empty:
            continue
        since = min(seen["at"].max(), end - 2 * A_QUARTER[frequency] + 1)
        expected = sorted(seen.loc[seen["at"] >= since, "unit"].unique())
        mine = here[here["indicator"].eq(code) & here["unit"].isin(expected)]
        mine = mine[ordinals(mine["period"]) <= end] if len(mine) else mine
        last = mine.groupby("unit", observed=True)["period"].max().reindex(expected).fillna("")
        late = last[last.ne(asked)]
        source = ", ".join(inputs.sources_of.get(code, ()))
        rows = {"source": source, "indicator": code, "unit": late.index, "period": asked, "last": late.to_numpy()}
        found.append(pd.DataFrame(rows).assign(of=len(expected)))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=[*COLUMNS, "of"])


def _figures(observations: pd.DataFrame) -> pd.DataFrame:
    """What was reported itself: not sums, and not rows without a figure."""
    summed = observations["flags"].str.contains("summed", regex=False)
    return observations.loc[~summed & observations[list(SIDES)].notna().any(axis=1), ["unit", "indicator", "period"]]


def check_dates(inputs: Inputs, *, today: dt.date) -> None:
    """Refuse figures of periods that begin after `today`: the clock is wrong, or a date is. Raises DataError."""
    seen = inputs.observations["period"].unique()
    later = sorted(code for code in seen if as_period(code).start_time.date() > today)
    found = f"the machine's date is {today}, but there are figures of {examples(later)}"
    remedy = "Correct the clock or the figures, or name the quarter (--period)"
    problem = Problem("--period last", found, f"figures of periods that began by {today}", remedy)
    require([problem] if later else [])


def check_complete(missing: pd.DataFrame, *, inputs: Inputs, accepted: Sequence[str]) -> None:
    """Refuse figures that are missing and whose source, indicator or unit is not accepted as missing by its name.

    ParamsError: a name is unknown. DataError: with all who have not delivered.
    """
    sources = {source["source"] for source in inputs.sources}
    known = {*inputs.indicators["indicator"], *inputs.units["unit"], *sources}
    allowed = "names of sources and codes of indicators and units, as `candich check` lists them"
    what, remedy = "source, indicator or unit", "Take a name of that list"
    require(unknown(accepted, known, where="--incomplete", what=what, allowed=allowed, remedy=remedy), ParamsError)
    require(missing_problems(not_accepted(missing, accepted)))


def not_accepted(missing: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """The rows of :func:`not_delivered` that none of `names` (sources, indicators, units) covers."""
    names = set(names)
    by_source = missing["source"].map(lambda text: bool(names & set(text.split(", "))))
    covered = by_source.astype(bool) | missing["indicator"].isin(names) | missing["unit"].isin(names)
    return missing[~covered].reset_index(drop=True)


def group_missing(missing: pd.DataFrame) -> pd.DataFrame:
    """`GROUPED`: one row for the same units of a source, with the indicators they lack; `which` names the units."""
    key = ["source", "period", "of", "unit"]
    ordered = missing.sort_values(["source", "period", "of", "unit", "indicator"], kind="stable")
    lacking = ordered.groupby(key, sort=True).agg(indicators=("indicator", ", ".join), last=("last", "max"))
    lacking = lacking.reset_index()
    rows = []
    for (source, period, of, lacks), part in lacking.groupby(["source", "period", "of", "indicators"], sort=True):
        which = "all" if len(part) == of else ", ".join(part["unit"])
        rows.append((source, lacks, period, part["last"].max(), len(part), of, which))
    return pd.DataFrame(rows, columns=GROUPED)


def say_missing(row: Mapping) -> str:
    """One row of :func:`group_missing` as a sentence.

    >>> row = {"source": "s", "indicators": "a", "period": "2026-12", "last": "2026-09", "units": 2, "of": 2}
    >>> say_missing(row | {"which": "all"})
    "no figure of 2026-12 for a from all 2 units of source 's'; the last one is of 2026-09"
    """
    every = f"all {row['of']} units" if row["of"] > 1 else "its only unit"
    who = every if row["which"] == "all" else f"{row['units']} of {row['of']} units"
    named = "" if row["which"] == "all" else f" ({examples(row['which'].split(', '))})"
    last = f"; the last one is of {row['last']}" if row["last"] else ""
    source = f" of source {row['source']!r}" if row["source"] else ""
    return f"no figure of {row['period']} for {row['indicators']} from {who}{source}{named}{last}"


def sentences(missing: pd.DataFrame) -> list[str]:
    """Each row of :func:`group_missing` as a sentence."""
    return [say_missing(row) for row in group_missing(missing).to_dict("records")]


def missing_problems(missing: pd.DataFrame) -> list[Problem]:
    """One problem for each row of :func:`group_missing`."""
    problems = []
    for row in group_missing(missing).to_dict("records"):
        names = row["source"].split(", ")[0] if row["which"] == "all" and row["source"] else row["which"]
        names = row["indicators"] if names == "all" else names
        remedy = f"Ask for the figures, or accept that they are missing: --incomplete {names.replace(', ', ',')}"
        problems.append(Problem(f"figures of {row['period']}", say_missing(row), "a figure of each unit", remedy))
    return problems
