"""Promises about promises and promises without a number: ``indicators_k_of_n``, ``directional``, ``conditional``.

Twelve independent 90 % targets are all met with probability 0.28; the joint probability here comes from the members'
calibrated probabilities tied together by the correlation of their indicators' past changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from analysis.attainment import measures
from analysis.attainment.compare import at_least, p_holds
from analysis.attainment.events.joint import copula_scores, correlation
from analysis.attainment.promise import Promise
from analysis.attainment.world import Case, Outcome
from analysis.forecasting.panel import Panel

SOLVED = "solved"  # key of the world's memory: (unit, target) -> (p_attain, settled, attained_now, grade inputs)
_BLOCK = 256


def p_at_least(p: np.ndarray, *, k: int, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(at least k of m events) and the expected number, with the dependence of the normal scores.

    Parameters
    ----------
    p : array, shape (n, m)
        Marginal probabilities; exact 0 and 1 allowed.
    k : int
    scores : array, shape (m, n_paths)

    Returns
    -------
    p_joint, expected : arrays, shape (n,)

    Examples
    --------
    >>> independent = np.random.default_rng(0).standard_normal((12, 200_000))
    >>> p_at_least(np.full((1, 12), 0.9), k=12, scores=independent)[0].round(2).tolist()
    [0.28]
    """
    cuts = ndtri(p)
    joint = np.empty(len(p))
    for begin in range(0, len(p), _BLOCK):
        met = np.zeros((min(_BLOCK, len(p) - begin), scores.shape[1]), dtype=np.int16)
        for member in range(p.shape[1]):
            met += scores[member][None, :] <= cuts[begin : begin + _BLOCK, member][:, None]
        joint[begin : begin + _BLOCK] = (met >= k).mean(axis=1)
    return joint, p.sum(axis=1)


def indicators_k_of_n(case: Case) -> Outcome:
    """P(at least k of the member targets are met); members must have been assessed before.

    A member that is not assessable counts as not met in `p`; where counting it as met would change the answer by more
    than the margin of a status, the row is not assessable.
    """
    solved: dict = case.world.memory.get(SOLVED, {})
    members = tuple(case.promise.members)
    n, m = len(case.units), len(members)
    frame = pd.DataFrame({"unit": list(case.units), "reason": "", "settled": False, "broken": False, "stale": 0})
    frame["threshold"] = k = float(case.promise.k if np.isfinite(case.promise.k) else m)
    found = [[solved.get((unit, member)) for member in members] for unit in case.units]
    p = np.array([[np.nan if one is None else one["p_attain"] for one in row] for row in found]).reshape(n, m)
    sure = np.array([[one is not None and one["settled"] for one in row] for row in found]).reshape(n, m)
    met_now = np.array([[one is not None and one["attained_now"] for one in row] for row in found]).reshape(n, m)
    graded = [[one for one in row if one is not None and one["grade"] != "D"] for row in found]
    p = np.where(
        [[one is None or (one["grade"] == "D" and not one["settled"]) for one in row] for row in found], np.nan, p
    )
    p = p.reshape(n, m)
    frame["n_points"] = [min((one["n_points"] for one in row), default=0) for row in graded]
    frame["n_origins"] = [min((one["n_origins"] for one in row), default=0) for row in graded]
    frame["horizon"] = case.horizon
    frame["current"] = met_now.sum(axis=1).astype(float)
    frame["attained_now"] = frame["current"] >= k
    frame["gap"] = k - frame["current"]
    if not m:
        return Outcome(frame.assign(p=np.nan, p_raw=np.nan, reason="no_members"))
    scores = _scores(case, members)
    low, expected = p_at_least(np.nan_to_num(p, nan=0.0), k=int(k), scores=scores)
    high, _ = p_at_least(np.where(np.isnan(p), 1.0, p), k=int(k), scores=scores)
    decided_met = (sure & (p == 1)).sum(axis=1) >= k
    decided_missed = (sure & (p == 0)).sum(axis=1) > m - k
    frame["settled"] = decided_met | decided_missed
    frame["p"] = frame["p_raw"] = np.where(decided_met, 1.0, np.where(decided_missed, 0.0, low))
    unsure = (high - low > case.options.hysteresis_margin) & ~frame["settled"].to_numpy()
    frame.loc[unsure, "reason"], frame.loc[unsure, ["p", "p_raw"]] = "member_not_assessable", np.nan
    alone = np.random.Generator(np.random.PCG64(case.options.seed)).standard_normal(scores.shape)
    independent, _ = p_at_least(np.nan_to_num(p, nan=0.0), k=int(k), scores=alone)
    extra = pd.DataFrame(
        {
            "unit": list(case.units),
            "n_members": m,
            "k": int(k),
            "n_met_now": met_now.sum(axis=1),
            "n_assessable": np.isfinite(p).sum(axis=1),
            "expected_met": expected,
            "expected_missed": np.isfinite(p).sum(axis=1) - expected,
            "p_joint": low,
            "p_if_independent": independent,
        }
    )
    rows = pd.DataFrame(
        {
            "unit": np.repeat(list(case.units), m),
            "member": np.tile(np.array(members, dtype=object), n),
            "p_attain": p.ravel(),
            "attained_now": met_now.ravel(),
        }
    )
    return Outcome(frame, {"k_of_n": extra, "members": rows})


def _scores(case: Case, members: tuple[str, ...]) -> np.ndarray:
    """Normal scores of the members: as correlated as their indicators' changes towards their targets."""
    promises = {one.target: one for one in case.world.promises}
    known = [(at, promises[one]) for at, one in enumerate(members) if one in promises]
    known = [(at, one) for at, one in known if one.indicator in case.world.panels]
    matrix = np.eye(len(members))
    if len(known) > 1:
        panels = [case.world.panels[one.indicator] for _, one in known]
        signs = [1.0 if _up(one, panel) else -1.0 for (_, one), panel in zip(known, panels)]
        places = [at for at, _ in known]
        matrix[np.ix_(places, places)] = correlation(panels, signs=signs)
    # one path too few hides a rare event: many scores cost little here, there is no time axis
    return copula_scores(matrix, n_paths=max(case.options.n_paths, 10_000), seed=case.options.seed)


def _up(promise: Promise, panel: Panel) -> bool:
    """Whether a rise of the indicator is towards the promise: "place <= 10" among peers asks for a higher score."""
    if promise.kind == "directional" or (promise.kind == "rank_le" and panel.kind != "rank"):
        return promise.better == "up"
    return at_least(promise.operator)


def directional(case: Case) -> Outcome:
    """P(better than at the start, or than today where no start is stated); no threshold is invented."""
    frame = measures.base_frame(case).assign(attained_now=False)
    if case.panel is None:
        return Outcome(frame)
    up = case.promise.better == "up"
    base, period = _base(case, frame)
    horizon = case.options.horizon_periods if case.horizon is None else case.horizon
    frame["horizon"] = horizon
    measures.add_forecast(frame, case, horizon=horizon)
    current = frame["current"].to_numpy()
    frame["attained_now"] = (current > base) if up else (current < base)
    if horizon <= 0:
        observed = measures.observed_at(case, horizon)
        base = base if case.promise.start is not None else np.full(len(base), np.nan)  # "better than today" is over
        known = np.isfinite(observed) & np.isfinite(base)
        better = (observed > base) if up else (observed < base)
        frame["settled"] = known
        frame["p"] = np.where(known, better.astype(float), np.nan)
        lacking = np.where(np.isfinite(observed), "no_baseline", "deadline_not_observed")
        frame["reason"] = np.where(known | (frame["reason"] != ""), frame["reason"], lacking)
    elif case.lacks_forecast(horizon):
        frame["reason"] = frame["reason"].where(frame["reason"] != "", case.lacks_forecast(horizon))
    else:
        p = p_holds(case.predictive, operator=">" if up else "<", threshold=case.spread(base), horizon=horizon)
        frame["p"] = np.where(np.isfinite(base), case.pick(p), np.nan)
        frame.loc[np.isnan(base) & (frame["reason"] == ""), "reason"] = "no_baseline"
    frame["p_raw"] = frame["p"]
    table = pd.DataFrame(
        {"unit": list(case.units), "base_period": period, "base_value": base, "change": current - base}
    )
    return Outcome(frame, {"directional": table})


def _base(case: Case, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    if case.promise.start is None:
        return frame["current"].to_numpy(), frame["current_period"].to_numpy()
    column = case.column(case.promise.start)
    if column >= case.panel.n_periods:
        return frame["current"].to_numpy(), frame["current_period"].to_numpy()
    inside = column >= 0
    base = case.pick(case.panel.usable()[:, column]) if inside else np.full(len(case.units), np.nan)
    return base, np.full(len(case.units), case.promise.start, dtype=object)


def conditional(case: Case, *, events: dict) -> Outcome:
    """Not started: no clock, no probability. Started: the kind it becomes."""
    if case.promise.started and case.promise.inner:
        promise = replace(case.promise, kind=case.promise.inner)
        return events[case.promise.inner](Case(world=case.world, promise=promise, panel=case.panel))
    frame = measures.base_frame(case)
    frame["reason"] = "not_started"
    return Outcome(frame)
