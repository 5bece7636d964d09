"""Promises that come down to a level once their denominator is named: counts, coverage, change against a baseline.

``cumulative_count``: a count, its share of an assigned quota, or its share of those eligible, reaches the threshold;
both denominators are reported beside it. ``coverage_all``: k of n units or services. ``relative_change``: the value
changes by a share of a stated baseline.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.attainment.events.level import level_at
from analysis.attainment.pace import last_observed
from analysis.attainment.promise import per_unit
from analysis.attainment.status import bounded
from analysis.attainment.world import Case, Outcome
from analysis.words.periods import shift


def with_thresholds(case: Case, thresholds: np.ndarray, **changes: object) -> Case:
    """The case as a plain level promise with these thresholds."""
    own = {unit: float(one) for unit, one in zip(case.units, thresholds)}
    promise = replace(case.promise, unit_thresholds=own, threshold=float("nan"), **changes)
    return Case(world=case.world, promise=promise, panel=case.panel)


def at_last(case: Case, block: np.ndarray | None) -> np.ndarray:
    """Value of a block of the panel at each unit's last observation."""
    if block is None or case.panel is None:
        return np.full(len(case.units), np.nan)
    last = last_observed(case.pick(case.panel.usable()))
    picked = case.pick(block)[np.arange(len(case.units)), np.clip(last, 0, None)]
    return np.where(last >= 0, picked, np.nan)


def cumulative_count(case: Case) -> Outcome:
    """P(count, or its share of the named denominator, reaches the threshold by the deadline)."""
    if case.panel is None:
        return level_at(case)
    quota = per_unit(case.promise.quota, case.units)
    population = per_unit(case.promise.population, case.units)
    rate = case.panel.kind == "rate"
    count = at_last(case, case.panel.numerator if rate else case.panel.values)
    if rate:
        population = np.where(np.isnan(population), at_last(case, case.panel.denominator), population)
    goals = {"quota": case.thresholds * quota, "eligible": case.thresholds * population}
    if case.promise.of == "count" or (rate and case.promise.of == "eligible"):
        outcome = level_at(case)
    else:
        outcome = level_at(with_thresholds(case, _as_value(goals[case.promise.of], case, rate)))
        outcome.frame["threshold"] = _as_value(goals[case.promise.of], case, rate)
    lacking = np.isnan(goals[case.promise.of]) if case.promise.of == "quota" else np.zeros(len(count), dtype=bool)
    outcome.frame.loc[lacking & (outcome.frame["reason"] == "no_threshold"), "reason"] = "no_quota"
    table = _denominators(case, count, quota, population)
    for name, of in (("p_quota", "quota"), ("p_population", "eligible")):
        same = case.promise.of == of
        frame = outcome.frame if same else level_at(with_thresholds(case, _as_value(goals[of], case, rate))).frame
        table[name] = bounded(frame["p"], settled=frame["settled"], floor=case.options.p_floor)
    outcome.extra["denominators"] = table
    return outcome


def _as_value(goal: np.ndarray, case: Case, rate: bool) -> np.ndarray:
    """A number of cases in the unit of the panel: a share of the present denominator where the panel is a rate."""
    with np.errstate(all="ignore"):
        return goal / at_last(case, case.panel.denominator) if rate else goal


def _denominators(case: Case, count, quota, population) -> pd.DataFrame:
    """The count beside both its denominators."""
    with np.errstate(all="ignore"):
        return pd.DataFrame(
            {
                "unit": list(case.units),
                "count": count,
                "quota": quota,
                "share_of_quota": count / quota,
                "population": population,
                "share_of_population": count / population,
            }
        )


def coverage_all(case: Case) -> Outcome:
    """P(k of n are covered at the deadline); all of them where k is left out.

    Without a deadline it is looked at `horizon_periods` ahead; the assessment then has no deadline, the extra table
    says how far.
    """
    if case.panel is None:
        return level_at(case)
    rate = case.panel.kind == "rate"
    total = at_last(case, case.panel.denominator) if rate else np.full(len(case.units), case.promise.n)
    stated = np.isfinite(case.promise.n) & np.isfinite(total) & (total != case.promise.n)
    k = np.where(np.isfinite(case.promise.k), case.promise.k, total)
    with np.errstate(all="ignore"):
        threshold = k / total if rate and np.isfinite(case.promise.k) else (np.ones(len(total)) if rate else k)
    as_level = with_thresholds(case, threshold, operator=">=")
    as_level = as_level if case.horizon is not None else open_ended(as_level)
    outcome = level_at(as_level)
    covered = at_last(case, case.panel.numerator if rate else case.panel.values)
    outcome.extra["coverage"] = pd.DataFrame(
        {"unit": list(case.units), "covered": covered, "n": total, "k": k, "n_differs": stated, "missing": k - covered}
    )
    return outcome


def open_ended(case: Case) -> Case:
    """The case with its deadline `horizon_periods` after the panel's end."""
    deadline = shift(case.last_period, case.options.horizon_periods)
    return Case(world=case.world, promise=replace(case.promise, deadline=deadline), panel=case.panel)


def relative_change(case: Case) -> Outcome:
    """P(value op baseline x (1 + change) at the deadline); not assessable where no baseline is stated or observed."""
    if case.panel is None:
        return level_at(case)
    baseline = baseline_of(case)
    threshold = baseline * (1 + case.thresholds)
    outcome = level_at(with_thresholds(case, threshold))
    outcome.frame["threshold"] = threshold
    lacking = np.isnan(baseline) & outcome.frame["reason"].isin(["", "no_threshold"]).to_numpy()
    outcome.frame.loc[lacking, "reason"] = "no_baseline"
    with np.errstate(all="ignore"):
        change = outcome.frame["current"].to_numpy() / baseline - 1
    outcome.extra["baselines"] = pd.DataFrame(
        {
            "unit": list(case.units),
            "baseline": baseline,
            "baseline_period": case.promise.baseline_period or "",
            "change_wanted": case.thresholds,
            "change_so_far": change,
        }
    )
    return outcome


def baseline_of(case: Case) -> np.ndarray:
    """Baseline of each unit: as stated, or the value observed in the stated period; nothing is guessed."""
    if case.promise.baseline_period is None:
        return per_unit(case.promise.baseline, case.units)
    column = case.column(case.promise.baseline_period)
    if not 0 <= column < case.panel.n_periods:
        return np.full(len(case.units), np.nan)
    return case.pick(case.panel.usable()[:, column])  # a value under another definition is no baseline
