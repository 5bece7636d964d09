"""``rank_le``: the unit is among the best k of its peers at the deadline, by joint paths of all peers.

Equal published values share the better place. Independent draws would make ranks look far more certain of moving than
they are, so all peers share each path. A band of places is shown, and how many peers are within the noise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import measures
from analysis.attainment.compare import meets_threshold
from analysis.attainment.events.joint import paths_at
from analysis.attainment.events.level import level_at
from analysis.attainment.world import Case, Outcome

BAND = (0.1, 0.9)


def rank_le(case: Case) -> Outcome:
    """P(rank <= k among peers at the deadline); each unit outside the peer set is ranked as if it alone had joined."""
    if case.panel is not None and case.panel.kind == "rank":
        return level_at(case)
    frame = measures.base_frame(case).assign(attained_now=False)
    if case.panel is None:
        return Outcome(frame)
    ranked = [one for one in sorted({*case.target.peers, *case.units}) if one in case.row_of]
    among = np.isin(ranked, list(case.target.peers))
    if among.sum() < 2:
        measures.set_reason(frame, "no_peers")
        return Outcome(frame)
    rows = np.array([case.row_of[one] for one in ranked])
    sign = -1.0 if case.better == "up" else 1.0
    now = _ranks(sign * case.panel.last_value()[rows][:, None], among)[:, 0]
    table = pd.DataFrame({"unit": ranked, "rank_now": now, "n_peers": among.sum() + ~among})
    table[["rank_median", "rank_low", "rank_high", "within_noise"]] = np.nan  # every page finds its columns
    place = {unit: row for row, unit in enumerate(ranked)}
    at = np.array([place.get(unit, -1) for unit in case.units])
    if case.horizon is None:
        measures.set_reason(frame, "no_deadline")
    elif case.horizon <= 0:
        _observe(frame, table, case, _ranks(sign * _values_at(case)[rows][:, None], among)[:, 0], at)
    elif case.lacks_forecast(case.horizon):
        measures.set_reason(frame, case.lacks_forecast(case.horizon))
    else:
        paths = paths_at(case.world, case.target.indicator, rows=rows, horizon=case.horizon)
        _forecast(frame, table, case, _ranks(sign * paths, among), at)
        table["within_noise"] = _within_noise(paths, among)
    table = table.set_index("unit").reindex(frame["unit"]).reset_index()
    names = {"predicted_median": "rank_median", "lower80": "rank_low", "upper80": "rank_high", "current": "rank_now"}
    for name, source in names.items():
        frame[name] = table[source].to_numpy()
    frame[["current_numerator", "current_denominator"]] = np.nan
    frame["gap"] = frame["current"] - frame["threshold"]
    frame["attained_now"] = meets_threshold(frame["current"], operator="<=", threshold=frame["threshold"])
    return Outcome(frame, {"ranks": table})


def _values_at(case: Case) -> np.ndarray:
    """Observed value of every row of the panel at a past deadline."""
    column = case.panel.n_periods - 1 + case.horizon
    return case.panel.usable()[:, column] if column >= 0 else np.full(case.panel.n_units, np.nan)


def _observe(frame: pd.DataFrame, table: pd.DataFrame, case: Case, final: np.ndarray, at: np.ndarray) -> None:
    """The places at a past deadline, and who kept its own; in place. `at`: row of each unit in the table, or -1."""
    for name in ("rank_median", "rank_low", "rank_high"):
        table[name] = final
    own = np.where(at >= 0, final[at], np.nan)
    met = meets_threshold(own, operator="<=", threshold=case.thresholds)
    measures.settle(frame, met, known=np.isfinite(own))
    measures.set_reason(frame, "deadline_not_observed", where=np.isnan(own))


def _forecast(frame: pd.DataFrame, table: pd.DataFrame, case: Case, ranks: np.ndarray, at: np.ndarray) -> None:
    """The places at the deadline on every path, shape (len(table), n_paths), and how often each unit is met."""
    table["rank_median"] = np.median(ranks, axis=1)
    table["rank_low"], table["rank_high"] = np.quantile(ranks, BAND, axis=1, method="inverted_cdf")
    met = meets_threshold(ranks[at], operator="<=", threshold=case.thresholds[:, None])
    known = (at >= 0) & np.isfinite(ranks).all(axis=1)[at]
    frame["p"] = frame["p_raw"] = np.where(known, met.mean(axis=1), np.nan)


def _ranks(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Place of each row in each column, 1 is the smallest; equals share the better place; NaN is nobody's rival.

    Only the rows marked in `among` are rivals; each other row is ranked against them as if it alone had joined.

    >>> _ranks(np.array([[1.0], [3.0], [2.0], [2.5]]), np.array([True, True, False, False])).ravel().tolist()
    [1.0, 2.0, 2.0, 2.0]
    """
    missing = np.isnan(values)
    filled = np.where(missing, np.inf, values)
    ordered = np.sort(filled[among], axis=0)
    ranks = np.empty(values.shape)
    for column in range(values.shape[1]):
        ranks[:, column] = 1 + np.searchsorted(ordered[:, column], filled[:, column], side="left")
    return np.where(missing, np.nan, ranks)


def _within_noise(paths: np.ndarray, among: np.ndarray) -> np.ndarray:
    """How many peers' order with each unit is open: their medians lie closer than the 80 % band of the difference.

    What all peers share cancels in a difference: its band is that of two normal values as correlated as the paths are.

    >>> rng = np.random.default_rng(0)
    >>> alone, shared = rng.normal(size=(3, 5000)), rng.normal(size=5000)
    >>> far = np.array([[0.0], [1.5], [90.0]])
    >>> _within_noise(far + alone, np.ones(3, dtype=bool)).tolist()
    [1, 1, 0]
    >>> _within_noise(far + 0.1 * alone + shared, np.ones(3, dtype=bool)).tolist()   # the same shock for all
    [0, 0, 0]
    """
    low, middle, high = np.quantile(paths, (0.1, 0.5, 0.9), axis=1)  # NaN where there is no forecast
    half, common = (high - low) / 2, _common(paths)
    order = np.flatnonzero(among)[np.argsort(middle[among], kind="stable")]
    middle_sorted = middle[order]
    widest = np.nanmax(half[among]) if np.isfinite(half[among]).any() else 0.0
    out = np.zeros(len(paths), dtype=int)
    for row in range(len(paths)):
        if np.isnan(middle[row]):
            continue
        reach = np.hypot(half[row], widest)
        begin, end = np.searchsorted(middle_sorted, [middle[row] - reach, middle[row] + reach], side="left")
        near = order[begin : end + 1]
        near = near[near != row]
        band = np.sqrt(np.clip(half[near] ** 2 + half[row] ** 2 - 2 * common * half[near] * half[row], 0, None))
        out[row] = int(np.sum(np.abs(middle[near] - middle[row]) <= band))
    return out


def _common(paths: np.ndarray) -> float:
    """Mean correlation of the rows, from the variance of the mean of their standardised draws; within 0..1."""
    spread = paths.std(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        standard = (paths - paths.mean(axis=1, keepdims=True)) / spread
    standard = standard[np.isfinite(standard).all(axis=1)]
    n = len(standard)
    return 0.0 if n < 2 else float(np.clip((n * standard.mean(axis=0).var() - 1) / (n - 1), 0, 1))
