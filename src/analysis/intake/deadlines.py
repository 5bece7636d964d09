"""Cutoffs of a run's indicators, and targets whose deadline they have passed."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.registry.targets import Target
from analysis.words.errors import Problem
from analysis.words.periods import as_period, between, last_day, last_in, period_code


def check_deadlines(
    targets: tuple[Target, ...],
    *,
    observations: pd.DataFrame,
    indicators: pd.DataFrame,
    cutoff: str | None,
    places: Mapping[str, str],
) -> list[Problem]:
    """Targets whose deadline lies before the cutoff without saying that they are settled.

    A deadline at the cutoff is the moment at which a target settles, and is well. Both are compared in the indicator's
    own frequency: of a monthly one the deadline 2026 is 2026-12. `places` says where each target is written.
    """
    last = cutoffs(observations, indicators=indicators, cutoff=cutoff)
    overall = cutoff or max(last.values(), key=lambda code: (last_day(code), len(code)), default=None)
    passed = []
    for target in targets:
        here = last.get(target.indicator, overall)
        if not target.settled and target.deadline and here and between(here, target.deadline) < 0:
            passed.append((target, here))
    return [
        Problem(
            f"{places.get(target.target, f'target {target.target}')}: deadline",
            f"found {target.deadline!r}, but the cutoff is {here}",
            f"{here} or later",
            "Set `settled: true` to keep it on the board as met or missed, or correct the deadline or the cutoff",
        )
        for target, here in passed
    ]


def check_cutoff(observations: pd.DataFrame, *, indicators: pd.DataFrame, cutoff: str | None) -> list[Problem]:
    """A cutoff before an indicator's first figure leaves nothing to forecast from.

    Returns
    -------
    list of Problem
        At most one, when no indicator has a figure by then.
    """
    if cutoff is None:
        return []
    first = observations[observations["value"].notna()].groupby("indicator")["period"].min().to_dict()
    here = cutoffs(observations, indicators=indicators, cutoff=cutoff)
    late = sorted(code for code in first if as_period(first[code]) > as_period(here[code]))
    if not first or len(late) < len(first):  # an indicator that begins later is not assessable, and says so
        return []
    begins = min(first.values(), key=last_day)
    return [
        Problem("cutoff", f"found {cutoff!r}, but the first figure is of {begins}", f"{begins} or later", "Correct it")
    ]


def cutoffs(observations: pd.DataFrame, *, indicators: pd.DataFrame, cutoff: str | None) -> dict[str, str]:
    """Cutoff of each indicator, in its own frequency: the run's, or its last observed period."""
    seen = observations[observations["value"].notna()]
    last = seen.groupby("indicator")["period"].max().to_dict()
    if cutoff is None:
        return last
    frequency = indicators.set_index("indicator")["frequency"]
    return {code: period_code(last_in(cutoff, frequency[code])) for code in last}
