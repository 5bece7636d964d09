"""What is wrong with a promise once its data are on the table; the registry checks each entry before that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType

import numpy as np

from analysis.attainment.promise import Promise
from analysis.forecasting.panel import Panel
from analysis.words.errors import Problem, did_you_mean, examples
from analysis.words.periods import last_day


def check_targets(
    promises: Sequence[Promise],
    *,
    panels: Mapping[str, Panel],
    cutoff: str,
    places: Mapping[str, str] = MappingProxyType({}),
) -> list[Problem]:
    """Everything that makes a promise impossible to assess as written; all at once.

    Parameters
    ----------
    promises : sequence of Promise
    panels : mapping
        Indicator -> Panel.
    cutoff : str
    places : mapping
        Code of a target -> its file and entry, for the messages.

    Returns
    -------
    list of Problem
        Deadlines inside the history that are not marked as settled, thresholds no value can keep, weights that do not
        sum to their total, ranks without peers, members that do not exist, promises that contradict one another.
    """
    codes = {one.target for one in promises}
    where = {code: places.get(code, f"target {code}") for code in codes}
    problems = [problem for one in promises for problem in _alone(one, panels, cutoff, where)]
    return problems + _contradictions(promises, where)


def _alone(promise: Promise, panels: Mapping[str, Panel], cutoff: str, places: Mapping[str, str]) -> list[Problem]:
    where = places[promise.target]
    found: list[Problem] = []
    if promise.deadline and not promise.settled and last_day(promise.deadline) < last_day(cutoff):
        found.append(
            Problem(
                f"{where}: deadline",
                f"{promise.deadline!r} lies in the history, the cutoff is {cutoff!r}",
                "a deadline at or after the cutoff",
                "Set `settled: true` to keep it on the board as met or missed, or end it with `valid_to`",
            )
        )
    panel = panels.get(promise.indicator)
    if panel is not None and panel.kind == "rate" and promise.kind in ("level_at", "sustained_from"):
        impossible = {">": promise.threshold >= 1, ">=": promise.threshold > 1, "<": promise.threshold <= 0}
        if impossible.get(promise.operator, promise.threshold < 0):
            found.append(
                Problem(
                    f"{where}: threshold",
                    f"no share is {promise.operator} {promise.threshold:g}",
                    "a threshold that a share between 0 and 1 can reach",
                    "Write a fraction: 0.8 for 80 %",
                )
            )
    found += _of_kind(promise, panels, where, set(places))
    return found


def _of_kind(promise: Promise, panels: Mapping[str, Panel], where: str, codes: set[str]) -> list[Problem]:
    found: list[Problem] = []
    if promise.kind == "score_ge":
        total = sum(promise.weights.values())
        if np.isfinite(promise.total) and abs(total - promise.total) > 1e-9:
            found.append(
                Problem(
                    f"{where}: weights",
                    f"they sum to {total:g}",
                    f"the total {promise.total:g}",
                    "Mend the weights, or the total of this edition of the index",
                )
            )
        for one in sorted(set(promise.weights) - set(panels)):
            found.append(
                Problem(
                    f"{where}: weights",
                    f"component {one!r} has no data",
                    "",
                    did_you_mean(one, panels) or "Add its source",
                )
            )
    if promise.kind == "rank_le":
        panel = panels.get(promise.indicator)
        known = set() if panel is None else set(panel.units)
        if panel is not None and panel.kind != "rank" and len(set(promise.peers) & known) < 2:
            found.append(
                Problem(
                    f"{where}: peers",
                    f"{len(set(promise.peers) & known)} of {len(promise.peers)} peers have data",
                    "a peer set of at least two units with data",
                    "Name the peers, or their level in the tree",
                )
            )
    if promise.kind == "indicators_k_of_n":
        lost = sorted(set(promise.members) - codes)
        if lost:
            remedy = did_you_mean(lost[0], codes) or "Take them out, or add their entries"
            found.append(
                Problem(f"{where}: members", f"there are no targets {examples(lost)}", "codes of other targets", remedy)
            )
    return found


def _contradictions(promises: Sequence[Promise], places: Mapping[str, str]) -> list[Problem]:
    """Pairs that no value can keep together: at least 0.8 and at most 0.6 at the same deadline for one unit."""
    found = []
    groups: dict[tuple, list[Promise]] = {}
    for one in promises:
        if one.kind == "level_at":
            groups.setdefault((one.indicator, one.deadline), []).append(one)
    for group in groups.values():
        for one, other in combinations(sorted(group, key=lambda each: each.target), 2):
            shared = sorted(set(one.units) & set(other.units))
            bad = [unit for unit in shared if _no_value(one, other, unit)]
            if bad:
                found.append(
                    Problem(
                        f"{places[one.target]}, and {places[other.target]}",
                        f"no value of {one.indicator!r} keeps both for {examples(bad)}",
                        "promises that can be kept together",
                        "One of them is out of date: end it with `valid_to`",
                    )
                )
    return found


def _no_value(one: Promise, other: Promise, unit: str) -> bool:
    low, high = (one, other) if one.operator in (">", ">=") else (other, one)
    if low.operator not in (">", ">=") or high.operator not in ("<", "<="):
        return False
    bottom, top = low.thresholds([unit])[0], high.thresholds([unit])[0]
    both_closed = low.operator == ">=" and high.operator == "<="
    return bool(bottom > top) or (bool(bottom == top) and not both_closed)
