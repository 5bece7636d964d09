"""Cutoffs of a run's indicators, and targets whose deadline they have passed."""

from __future__ import annotations

import pandas as pd

from analysis.registry.targets import Target
from analysis.words.errors import Problem
from analysis.words.periods import between, last_day, last_in, period_code


def check_deadlines(
    targets: tuple[Target, ...], *, observations: pd.DataFrame, indicators: pd.DataFrame, cutoff: str | None
) -> list[Problem]:
    """Targets whose deadline lies at or before the cutoff without saying that they are settled.

    Parameters
    ----------
    targets : tuple of Target
    observations, indicators : DataFrame
    cutoff : str or None
        None: the indicator's last observed period.

    Returns
    -------
    list of Problem
    """
    last = cutoffs(observations, indicators=indicators, cutoff=cutoff)
    overall = max(last.values(), key=last_day) if last else cutoff
    problems = []
    for target in targets:
        here = last.get(target.indicator, overall)
        if target.settled or target.deadline is None or here is None or between(here, target.deadline) > 0:
            continue
        problems.append(
            Problem(
                f"target {target.target}: deadline",
                f"found {target.deadline!r}, but the cutoff is {here}",
                f"a period after {here}",
                "Set `settled: true` to keep it on the board as met or missed, or correct the deadline or the cutoff",
            )
        )
    return problems


def cutoffs(observations: pd.DataFrame, *, indicators: pd.DataFrame, cutoff: str | None) -> dict[str, str]:
    """Cutoff of each indicator, in its own frequency: the run's, or its last observed period.

    Parameters
    ----------
    observations, indicators : DataFrame
    cutoff : str or None
        As in the params: of any frequency; its last month, quarter or year is meant.

    Returns
    -------
    dict
        Indicator -> period code; indicators without a figure are left out.
    """
    seen = observations[observations["value"].notna()]
    last = seen.groupby("indicator")["period"].max().to_dict()
    if cutoff is None:
        return last
    frequency = indicators.set_index("indicator")["frequency"]
    return {code: period_code(last_in(cutoff, frequency[code])) for code in last}
