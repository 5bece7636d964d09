"""Targets that come down to a level once their denominator is named: counts, coverage, change against a baseline.

``cumulative_count``: a count, its share of an assigned quota, or its share of those eligible, reaches the threshold;
both denominators are reported with it. ``coverage_all``: k of n units or services. ``relative_change``: the value
changes by a share of a stated baseline.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.attainment.events.level import level_at
from analysis.attainment.status import bounded
from analysis.attainment.world import Case, Outcome, number, per_unit
from analysis.forecasting.panel import last_observed
from analysis.words.periods import shift


def at_last(case: Case, block: np.ndarray | None) -> np.ndarray:
    """Value of a block of the panel at each unit's last observation."""
    if block is None:
        return np.full(len(case.units), np.nan)
    last = last_observed(case.pick(case.panel.usable()))
    picked = case.pick(block)[np.arange(len(case.units)), np.clip(last, 0, None)]
    return np.where(last >= 0, picked, np.nan)


def cumulative_count(case: Case) -> Outcome:
    """P(count, or its share of the named denominator, reaches the threshold by the deadline)."""
    if case.panel is None:
        return level_at(case)
    target, rate = case.target, case.panel.kind == "rate"
    quota, population = per_unit(target.quota, case.units), per_unit(target.population, case.units)
    count = at_last(case, case.panel.numerator if rate else case.panel.values)
    eligible = at_last(case, case.panel.denominator) if rate else population
    population = np.where(np.isnan(population), eligible, population)

    def as_level(denominator: np.ndarray) -> Outcome:
        with np.errstate(all="ignore"):  # in the unit of the panel: a share of the present denominator of a rate
            threshold = case.thresholds * denominator / (eligible if rate else 1.0)
        return level_at(replace(case, thresholds=threshold))

    itself = rate and target.of == "eligible"
    levels = {"quota": as_level(quota), "eligible": level_at(case) if itself else as_level(population)}
    outcome = level_at(case) if target.of == "count" else levels[target.of]
    if target.of == "quota":
        lacking = np.isnan(quota) & (outcome.frame["reason"] == "no_threshold")
        outcome.frame.loc[lacking, "reason"] = "no_quota"
    with np.errstate(all="ignore"):
        table = pd.DataFrame(
            {
                "unit": list(case.units),
                "count": count,
                "quota": quota,
                "share_of_quota": count / quota,
                "population": population,
                "share_of_population": count / population,
            }
        )
    for name, of in (("p_quota", "quota"), ("p_population", "eligible")):
        frame = levels[of].frame
        table[name] = bounded(frame["p"], settled=frame["settled"], floor=case.options.p_floor)
    outcome.extra["denominators"] = table
    return outcome


def coverage_all(case: Case) -> Outcome:
    """P(k of n are covered at the deadline); all of them where k is left out.

    Without a deadline it is looked at `horizon_periods` ahead; the assessment then has no deadline, the extra table
    says how far.
    """
    if case.panel is None:
        return level_at(case)
    k, n, rate = number(case.target.k), number(case.target.n), case.panel.kind == "rate"
    total = at_last(case, case.panel.denominator) if rate else np.full(len(case.units), n)
    needed = np.where(np.isfinite(k), k, total)
    with np.errstate(all="ignore"):
        threshold = np.ones(len(total)) if rate and np.isnan(k) else needed / (total if rate else 1.0)
    ahead = shift(case.last_period, case.options.horizon_periods)
    outcome = level_at(replace(case, thresholds=threshold, operator=">=", deadline=case.deadline or ahead))
    covered = at_last(case, case.panel.numerator if rate else case.panel.values)
    outcome.extra["coverage"] = pd.DataFrame(
        {
            "unit": list(case.units),
            "covered": covered,
            "n": total,
            "k": needed,
            "n_differs": np.isfinite(n) & np.isfinite(total) & (total != n),
            "missing": needed - covered,
        }
    )
    return outcome


def relative_change(case: Case) -> Outcome:
    """P(value op baseline x (1 + change) at the deadline); not assessable where no baseline is stated or observed."""
    if case.panel is None:
        return level_at(case)
    baseline = baseline_of(case)
    outcome = level_at(replace(case, thresholds=baseline * (1 + case.thresholds)))
    lacking = np.isnan(baseline) & outcome.frame["reason"].isin(["", "no_threshold"])
    outcome.frame.loc[lacking, "reason"] = "no_baseline"
    with np.errstate(all="ignore"):
        change = outcome.frame["current"].to_numpy() / baseline - 1
    outcome.extra["baselines"] = pd.DataFrame(
        {
            "unit": list(case.units),
            "baseline": baseline,
            "baseline_period": case.target.baseline_period or "",
            "change_wanted": case.thresholds,
            "change_so_far": change,
        }
    )
    return outcome


def baseline_of(case: Case) -> np.ndarray:
    """Baseline of each unit: as stated, or the value observed in the stated period; nothing is guessed."""
    if case.target.baseline_period is None:
        return per_unit(case.target.baseline, case.units)
    column = case.column(case.target.baseline_period)
    if not 0 <= column < case.panel.n_periods:
        return np.full(len(case.units), np.nan)
    return case.pick(case.panel.usable()[:, column])  # a value under another definition is no baseline
