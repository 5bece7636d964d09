"""``rank_le``: the unit is among the best k of its peers at the deadline, by joint paths of all peers.

Equal published values share the better place. Independent draws would make ranks look far more certain of moving than
they are, so all peers share each path. A band of places is shown, and how many peers are within the noise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import measures
from analysis.attainment.events.joint import paths_at
from analysis.attainment.events.level import level_at
from analysis.attainment.world import Case, Outcome

BAND = (0.1, 0.9)


def rank_le(case: Case) -> Outcome:
    """P(rank <= k among peers at the deadline); each unit outside the peer set is ranked as if it alone had joined."""
    if case.panel is not None and case.panel.kind == "rank":
        return level_at(case)
    frame = measures.base_frame(case)
    frame["attained_now"] = False
    if case.panel is None:
        return Outcome(frame)
    index = {unit: row for row, unit in enumerate(case.panel.units)}
    ranked = [one for one in sorted(set(case.promise.peers) | set(case.units)) if one in index]
    among = np.isin(ranked, list(case.promise.peers or case.units))
    if among.sum() < 2:
        frame["reason"] = frame["reason"].where(frame["reason"] != "", "no_peers")
        return Outcome(frame)
    rows = np.array([index[one] for one in ranked])
    sign = -1.0 if case.promise.better == "up" else 1.0
    current = sign * case.panel.last_value()[rows][:, None]
    table = pd.DataFrame({"unit": ranked, "rank_now": _ranks(current, among)[:, 0], "n_peers": among.sum() + ~among})
    table[["rank_median", "rank_low", "rank_high", "within_noise"]] = np.nan  # every page finds its columns
    _judge(frame, table, case, rows, among, sign)
    table = table.set_index("unit").reindex(frame["unit"]).reset_index()
    frame["current"] = table["rank_now"].to_numpy()
    for name in ("current_numerator", "current_denominator"):
        frame[name] = np.nan
    frame["gap"] = frame["current"] - frame["threshold"]
    frame["attained_now"] = (frame["current"] <= frame["threshold"]).to_numpy()
    return Outcome(frame, {"ranks": table})


def _judge(frame: pd.DataFrame, table: pd.DataFrame, case: Case, rows: np.ndarray, among: np.ndarray, sign: float):
    values = case.panel.usable()[rows]
    place = {unit: row for row, unit in enumerate(table["unit"])}
    at = np.array([place.get(unit, -1) for unit in case.units])
    has = at >= 0
    if case.horizon is None:
        frame["reason"] = frame["reason"].where(frame["reason"] != "", "no_deadline")
        return
    if case.horizon <= 0:
        column = case.panel.n_periods - 1 + case.horizon
        final = _ranks(sign * values[:, [column]], among)[:, 0] if column >= 0 else np.full(len(rows), np.nan)
        table["rank_median"] = table["rank_low"] = table["rank_high"] = final
        known = has & np.isfinite(final[np.clip(at, 0, None)])
        kept = final[np.clip(at, 0, None)] <= case.thresholds
        frame["settled"] = known
        frame["p"] = frame["p_raw"] = np.where(known, kept.astype(float), np.nan)
        frame.loc[~known & (frame["reason"] == ""), "reason"] = "deadline_not_observed"
    elif case.lacks_forecast(case.horizon):
        frame["reason"] = frame["reason"].where(frame["reason"] != "", case.lacks_forecast(case.horizon))
        return
    else:
        paths = paths_at(case.world, case.promise.indicator, rows=rows, horizon=case.horizon)
        ranks = _ranks(sign * paths, among)
        table["rank_median"] = np.median(ranks, axis=1)
        table["rank_low"], table["rank_high"] = np.quantile(ranks, BAND, axis=1, method="inverted_cdf")
        table["within_noise"] = _within_noise(paths, among)
        kept = (ranks[np.clip(at, 0, None)] <= case.thresholds[:, None]).mean(axis=1)
        lost = np.isnan(paths).any(axis=1)[np.clip(at, 0, None)]
        frame["p"] = frame["p_raw"] = np.where(has & ~lost, kept, np.nan)
    names = {"predicted_median": "rank_median", "lower80": "rank_low", "upper80": "rank_high"}
    for name, source in names.items():
        frame[name] = np.where(has, table[source].to_numpy()[np.clip(at, 0, None)], np.nan)


def _ranks(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Place of each row in each column, 1 is the smallest; equals share the better place; NaN is nobody's rival.

    Only the rows marked in `among` are rivals; each other row is ranked against them as if it alone had joined.

    Examples
    --------
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

    Examples
    --------
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
