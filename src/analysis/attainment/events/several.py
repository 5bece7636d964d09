"""Targets about targets and targets without a number: ``indicators_k_of_n``, ``directional``, ``conditional``.

Twelve independent 90 % targets are all met with probability 0.28; the joint probability here comes from the members'
calibrated probabilities tied together by the correlation of their indicators' past changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtri

from analysis.attainment import measures
from analysis.attainment.compare import meets_threshold, p_meets_threshold
from analysis.attainment.events.joint import copula_scores, correlation
from analysis.attainment.world import Case, Outcome

SOLVED = "solved"  # key of the world's memory: (unit, target) -> (p_attain, settled, attained_now, grade inputs)
LEAST_PATHS = 10_000  # one path too few hides a rare event; without a time axis many paths cost little
_UNKNOWN = {"p_attain": np.nan, "settled": False, "attained_now": False, "grade": "D", "n_points": 0, "n_origins": 0}
_BLOCK = 256


def p_at_least(p: np.ndarray, *, k: int, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(at least k of m events) and the expected number, with the dependence of the normal scores.

    `p` (n, m) may be exactly 0 or 1; `scores` (m, n_paths); both answers (n,).

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
    members, units = case.target.members, case.units
    n, m = len(units), len(members)
    k = m if case.target.k is None else case.target.k
    solved = case.world.memory.get(SOLVED, {})
    rows = pd.DataFrame([solved.get((unit, member), _UNKNOWN) for unit in units for member in members] or [_UNKNOWN])
    rows = rows.iloc[: n * m]
    sure, met_now = (rows[name].to_numpy(dtype=bool).reshape(n, m) for name in ("settled", "attained_now"))
    graded = (rows["grade"] != "D").to_numpy().reshape(n, m)
    p = np.where(graded | sure, rows["p_attain"].to_numpy(dtype=float).reshape(n, m), np.nan)
    frame = pd.DataFrame({"unit": list(units), "reason": "", "settled": False, "broken": False, "stale": 0})
    for name in ("n_points", "n_origins"):
        least = np.where(graded, rows[name].to_numpy(dtype=float).reshape(n, m), np.inf).min(axis=1, initial=np.inf)
        frame[name] = np.where(np.isfinite(least), least, 0).astype(int)
    frame = frame.assign(threshold=float(k), horizon=case.horizon, current=met_now.sum(axis=1).astype(float))
    frame["attained_now"] = frame["current"] >= k
    frame["gap"] = k - frame["current"]
    if not m:
        return Outcome(frame.assign(p=np.nan, p_raw=np.nan, reason="no_members"))
    scores = _scores(case)
    low, expected = p_at_least(np.nan_to_num(p, nan=0.0), k=k, scores=scores)
    high, _ = p_at_least(np.where(np.isnan(p), 1.0, p), k=k, scores=scores)
    decided_met = (sure & (p == 1)).sum(axis=1) >= k
    decided_missed = (sure & (p == 0)).sum(axis=1) > m - k
    frame["settled"] = decided_met | decided_missed
    frame["p"] = frame["p_raw"] = np.where(decided_met, 1.0, np.where(decided_missed, 0.0, low))
    unsure = (high - low > case.options.hysteresis_margin) & ~frame["settled"].to_numpy()
    frame.loc[unsure, "reason"], frame.loc[unsure, ["p", "p_raw"]] = "member_not_assessable", np.nan
    alone = np.random.Generator(np.random.PCG64(case.options.seed)).standard_normal(scores.shape)
    n_assessable = np.isfinite(p).sum(axis=1)
    bundle = pd.DataFrame(
        {
            "unit": list(units),
            "n_members": m,
            "k": k,
            "n_met_now": met_now.sum(axis=1),
            "n_assessable": n_assessable,
            "expected_met": expected,
            "expected_missed": n_assessable - expected,
            "p_joint": low,
            "p_if_independent": p_at_least(np.nan_to_num(p, nan=0.0), k=k, scores=alone)[0],
        }
    )
    each = pd.DataFrame(
        {
            "unit": np.repeat(list(units), m),
            "member": np.tile(np.array(members, dtype=object), n),
            "p_attain": p.ravel(),
            "attained_now": met_now.ravel(),
        }
    )
    return Outcome(frame, {"k_of_n": bundle, "members": each})


def _scores(case: Case) -> np.ndarray:
    """Normal scores of the members: as correlated as their indicators' changes towards their targets."""
    members = case.target.members
    cases = {one.target.target: one for one in case.world.cases if one.panel is not None}
    known = [(at, cases[one]) for at, one in enumerate(members) if one in cases]
    matrix = np.eye(len(members))
    if len(known) > 1:
        places = [at for at, _ in known]
        signs = [1.0 if _rises(one) else -1.0 for _, one in known]
        matrix[np.ix_(places, places)] = correlation([one.panel for _, one in known], signs=signs)
    return copula_scores(matrix, n_paths=max(case.options.n_paths, LEAST_PATHS), seed=case.options.seed)


def _rises(case: Case) -> bool:
    """Whether a rise of the indicator is towards the target: "place <= 10" among peers asks for a higher score."""
    if case.target.kind == "directional" or (case.target.kind == "rank_le" and case.panel.kind != "rank"):
        return case.better == "up"
    return case.up


def directional(case: Case) -> Outcome:
    """P(better than at the start, or than today where no start is stated); no threshold is invented.

    Once the deadline has passed "better than today" has no answer: the text states no baseline.
    """
    frame = measures.base_frame(case).assign(attained_now=False)
    if case.panel is None:
        return Outcome(frame)
    operator = ">" if case.better == "up" else "<"
    base, period = _base(case, frame)
    horizon = case.options.horizon_periods if case.horizon is None else case.horizon
    frame["horizon"] = horizon
    measures.add_forecast(frame, case, horizon=horizon)
    current = frame["current"].to_numpy()
    frame["attained_now"] = meets_threshold(current, operator=operator, threshold=base)
    if horizon <= 0:
        observed, _counts = measures.observed_at(case, horizon)
        base = np.full(len(base), np.nan) if case.target.start is None else base
        met = meets_threshold(observed, operator=operator, threshold=base)
        measures.settle(frame, met, known=np.isfinite(observed) & np.isfinite(base))
        lacking = np.where(np.isfinite(observed), "no_baseline", "deadline_not_observed")
        measures.set_reason(frame, lacking, where=frame["p"].isna())
    elif case.lacks_forecast(horizon):
        measures.set_reason(frame, case.lacks_forecast(horizon))
    else:
        p = p_meets_threshold(case.predictive, operator=operator, threshold=case.spread(base), horizon=horizon)
        frame["p"] = frame["p_raw"] = np.where(np.isfinite(base), case.pick(p), np.nan)
        measures.set_reason(frame, "no_baseline", where=np.isnan(base))
    change = {"base_period": period, "base_value": base, "change": current - base}
    return Outcome(frame, {"directional": pd.DataFrame({"unit": list(case.units), **change})})


def _base(case: Case, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Value to be bettered and its period: that of the start, or today's where there is none or it lies ahead."""
    column = case.panel.n_periods if case.target.start is None else case.column(case.target.start)
    if column >= case.panel.n_periods:
        return frame["current"].to_numpy(), frame["current_period"].to_numpy()
    base = case.pick(case.panel.usable()[:, column]) if column >= 0 else np.full(len(case.units), np.nan)
    return base, np.full(len(case.units), case.target.start, dtype=object)


def conditional(case: Case, *, events: Mapping[str, Callable[[Case], Outcome]]) -> Outcome:
    """Not started: no clock, no probability. Started: the kind it becomes."""
    if case.target.started:
        return events[case.target.then](case)
    return Outcome(measures.base_frame(case).assign(reason="not_started"))
