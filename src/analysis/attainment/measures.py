"""What is known next to every probability, the same for all kinds: current value, gap, pace, forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import pace
from analysis.attainment.compare import cases_needed, meets_threshold
from analysis.attainment.world import Case

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
QUANTILE_NAMES = ("lower95", "lower80", "lower50", "predicted_median", "upper50", "upper80", "upper95")


def base_frame(case: Case) -> pd.DataFrame:
    """One row a unit with what is known today; p and settled are still open.

    Sorted by unit; columns of ``schema.ASSESSMENTS``, and ``stale`` and ``broken`` for the grade.
    """
    frame = pd.DataFrame({"unit": list(case.units)}).assign(
        **{"current": np.nan, "p": np.nan, "p_raw": np.nan, "settled": False, "reason": "", "n_origins": 0},
        horizon=case.horizon,
        threshold=case.thresholds,
    )
    if case.panel is None:
        return frame.assign(
            n_points=0, stale=0, broken=False, attained_now=False, current_period="", reason="no_series"
        )
    usable = case.pick(case.panel.usable())
    last = pace.last_observed(usable)
    seen, at = last >= 0, np.clip(last, 0, None)
    for name, block in (
        ("current", usable),
        ("current_numerator", case.pick(case.panel.numerator)),
        ("current_denominator", case.pick(case.panel.denominator)),
    ):
        frame[name] = np.where(seen, block[np.arange(len(frame)), at], np.nan) if block.ndim == 2 else np.nan
    frame["current_period"] = np.where(seen, np.array(case.panel.periods, dtype=object)[at], "")
    frame["n_points"] = np.isfinite(usable).sum(axis=1)
    frame["stale"] = np.where(seen, case.panel.n_periods - 1 - last, case.panel.n_periods)
    frame["broken"] = (case.pick(case.panel.first) > 0) & (frame["n_points"] < case.options.min_points)
    add_attained(frame, case)
    set_reason(frame, "no_series", where=case.rows < 0)
    return frame


def add_attained(frame: pd.DataFrame, case: Case) -> None:
    """Whether the current value meets the target, its counts compared exactly where they are known; in place."""
    frame["attained_now"] = meets_threshold(
        frame["current"],
        operator=case.operator,
        threshold=frame["threshold"],
        upper=case.upper,
        numerator=frame["current_numerator"],
        denominator=frame["current_denominator"],
    )


def set_reason(frame: pd.DataFrame, reason: str | np.ndarray, *, where: object = True) -> None:
    """State why rows cannot be assessed, where no reason was found before; in place."""
    frame["reason"] = np.where((frame["reason"] == "") & where, reason, frame["reason"])


def settle(frame: pd.DataFrame, met: np.ndarray, *, known: np.ndarray) -> None:
    """The outcome is observed where `known`: p is exactly 0 or 1 there, and missing elsewhere; in place."""
    frame["settled"] = known
    frame["p"] = frame["p_raw"] = np.where(known, np.asarray(met, dtype=float), np.nan)


def add_gap(frame: pd.DataFrame, case: Case) -> None:
    """Gap to the threshold in units of the indicator and in cases; positive: still missing."""
    frame["gap"] = (1.0 if case.up else -1.0) * (frame["threshold"] - frame["current"])
    if case.panel is None or case.panel.kind not in ("rate", "count"):
        return
    counts = (frame["current_numerator"], frame["current_denominator"])
    if case.panel.kind == "count":
        counts = (frame["current"], np.ones(len(frame)))
    frame["gap_cases"] = cases_needed(*counts, operator=case.operator, threshold=frame["threshold"])


def add_pace(frame: pd.DataFrame, case: Case, *, values: np.ndarray | None = None) -> pd.DataFrame:
    """Required and actual pace per period, and how many comparable units ever kept such a pace; the "pace" extra.

    `values` (n, T) are what the promise reads where it is not the panel's own value.
    """
    if case.panel is None or case.horizon is None:
        return pd.DataFrame()
    panel = case.panel
    values = panel.usable() if values is None else values
    window = pace.window_length(
        horizon=case.horizon,
        n_periods=panel.n_periods,
        season_length=panel.season_length,
        pace_window=case.options.pace_window,
    )
    left = case.horizon + frame["stale"].to_numpy() if case.horizon > 0 else np.zeros(len(frame))  # 0: none is needed
    current, threshold = frame["current"].to_numpy(), frame["threshold"].to_numpy()
    recent = max(window, panel.season_length)
    frame["required_pace"] = pace.required_pace(current, threshold=threshold, horizon=left)
    frame["actual_pace"] = pace.actual_pace(case.pick(values), window=recent)
    if "gap_cases" in frame:
        missing = np.clip(frame["gap_cases"].to_numpy(dtype=float), 0, None)
        frame["required_cases"] = np.where(left > 0, missing / np.clip(left, 1, None), np.nan)
    required = frame["required_pace"].to_numpy()
    if panel.kind == "count":  # 100 books a month are much for one unit and little for another
        own, goal = np.full(panel.n_units, np.nan), np.where(threshold > 0, threshold, np.nan)
        own[case.rows[case.rows >= 0]] = goal[case.rows >= 0]
        values, required = values / own[:, None], required / goal
    return kept_before(frame, case, reached=pace.moved(values, window=window), required=required, window=window)


def kept_before(
    frame: pd.DataFrame, case: Case, *, reached: np.ndarray, required: np.ndarray, window: int
) -> pd.DataFrame:
    """The "pace" extra: :func:`analysis.attainment.pace.kept_by` among units of the same level and depth in the tree.

    The share of past stretches goes into the frame.
    """
    group = case.world.group_of
    groups, asked = (np.array([group.get(one, "") for one in units]) for units in (case.panel.units, case.units))
    table = pace.kept_by(reached, groups, required=required, asked=asked, up=case.up)
    with np.errstate(all="ignore"):
        frame["pace_percentile"] = (table["n_stretches_kept"] / table["n_stretches"]).to_numpy()
    return table.assign(unit=frame["unit"].to_numpy(), window=window)[["unit", "window", *table.columns]]


def add_forecast(frame: pd.DataFrame, case: Case, *, horizon: int) -> None:
    """Median and central intervals of the published value at `horizon`; the observed value where it is past."""
    if horizon <= 0:
        columns = [observed_at(case, horizon)[0]] * len(QUANTILE_NAMES)
    elif case.lacks_forecast(horizon):
        return
    else:
        columns = case.pick(quantiles(case)[:, horizon - 1, :]).T
        columns = [np.where(frame["n_points"] > 0, column, np.nan) for column in columns]
    for name, column in zip(QUANTILE_NAMES, columns):
        frame[name] = column


def quantiles(case: Case) -> np.ndarray:
    """Predicted `QUANTILES` of the panel's rows at every horizon, made once for all targets of an indicator."""
    memory, key = case.world.memory, ("quantiles", case.target.indicator)
    if key not in memory:
        memory[key] = case.predictive.quantiles(QUANTILES)
    return memory[key]


def observed_at(case: Case, horizon: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Observed value of each unit `horizon` <= 0 periods after the panel's end, and the counts behind it.

    NaN where there is none.
    """
    column = case.panel.n_periods - 1 + horizon
    if column < 0:
        return np.full(len(case.units), np.nan), {}
    blocks = {"numerator": case.panel.numerator, "denominator": case.panel.denominator}
    counts = {name: case.pick(block[:, column]) for name, block in blocks.items() if block is not None}
    return case.pick(case.panel.usable()[:, column]), counts
