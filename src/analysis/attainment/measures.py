"""What stands beside every probability: current value, gap, pace, forecast at the deadline. The same for all kinds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import pace
from analysis.attainment.compare import at_least, cases_needed, holds
from analysis.attainment.world import Case

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
QUANTILE_NAMES = ("lower95", "lower80", "lower50", "predicted_median", "upper50", "upper80", "upper95")


def base_frame(case: Case) -> pd.DataFrame:
    """One row a unit with what is known today; p and settled are still open.

    Returns
    -------
    DataFrame
        Sorted by unit; columns of ``schema.ASSESSMENTS``, and ``stale`` and ``broken`` for the grade.
    """
    n = len(case.units)
    frame = pd.DataFrame({"unit": list(case.units)})
    frame["current"] = np.nan
    frame["p"] = np.nan
    frame["p_raw"] = np.nan
    frame["settled"] = False
    frame["reason"] = ""
    frame["n_origins"] = 0
    frame["horizon"] = case.horizon
    frame["threshold"] = case.thresholds
    if case.panel is None:
        return frame.assign(
            n_points=0, stale=0, broken=False, attained_now=False, current_period="", reason="no_series"
        )
    usable = case.pick(case.panel.usable())
    last = pace.last_observed(usable)
    seen = last >= 0
    at = np.clip(last, 0, None)
    for name, block in (
        ("current", usable),
        ("current_numerator", case.pick(case.panel.numerator)),
        ("current_denominator", case.pick(case.panel.denominator)),
    ):
        frame[name] = np.where(seen, block[np.arange(n), at], np.nan) if block.ndim == 2 else np.nan
    frame["current_period"] = np.where(seen, np.array(case.panel.periods, dtype=object)[at], "")
    frame["n_points"] = np.isfinite(usable).sum(axis=1)
    frame["stale"] = np.where(seen, case.panel.n_periods - 1 - last, case.panel.n_periods)
    frame["broken"] = (case.pick(case.panel.first) > 0) & (frame["n_points"] < case.options.min_points)
    frame["attained_now"] = holds(
        frame["current"],
        operator=case.promise.operator,
        threshold=frame["threshold"],
        numerator=frame["current_numerator"],
        denominator=frame["current_denominator"],
    )
    if np.isfinite(case.promise.upper):
        frame["attained_now"] &= holds(
            frame["current"],
            operator="<=",
            threshold=case.promise.upper,
            numerator=frame["current_numerator"],
            denominator=frame["current_denominator"],
        )
    frame.loc[case.rows < 0, "reason"] = "no_series"
    return frame


def add_gap(frame: pd.DataFrame, case: Case) -> None:
    """Gap to the threshold in units of the indicator and in cases; positive: still missing."""
    sign = 1.0 if at_least(case.promise.operator) else -1.0
    frame["gap"] = sign * (frame["threshold"] - frame["current"])
    if case.panel is not None and case.panel.kind == "rate":
        frame["gap_cases"] = cases_needed(
            frame["current_numerator"],
            frame["current_denominator"],
            operator=case.promise.operator,
            threshold=frame["threshold"],
        )
    elif case.panel is not None and case.panel.kind == "count":
        ones = np.ones(len(frame))
        frame["gap_cases"] = cases_needed(
            frame["current"], ones, operator=case.promise.operator, threshold=frame["threshold"]
        )


def add_pace(frame: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Required and actual pace per period, and how often any unit ever kept such a pace.

    Returns
    -------
    DataFrame
        The "pace" extra: unit, window, required_scaled, actual_scaled (logit for shares), share_that_kept (of all
        windows of all units), units_that_kept (of the units, in any window).
    """
    if case.panel is None or case.horizon is None:
        return pd.DataFrame()
    up = at_least(case.promise.operator)
    panel, usable = case.panel, case.panel.usable()
    window = pace.window_length(
        horizon=case.horizon,
        n_periods=panel.n_periods,
        season_length=panel.season_length,
        pace_window=case.options.pace_window,
    )
    left = case.horizon + frame["stale"].to_numpy()
    current, threshold = frame["current"].to_numpy(), frame["threshold"].to_numpy()
    frame["required_pace"] = np.where(
        case.horizon > 0, pace.required_pace(current, threshold=threshold, horizon=left), np.nan
    )
    frame["actual_pace"] = pace.actual_pace(case.pick(usable), window=max(window, panel.season_length))
    if "gap_cases" in frame:
        missing = np.clip(frame["gap_cases"].to_numpy(dtype=float), 0, None)
        frame["required_cases"] = np.where(case.horizon > 0, missing / np.clip(left, 1, None), np.nan)
    about = {"kind": panel.kind, "resolution": panel.resolution}
    scaled = pace.on_scale(usable, denominator=panel.denominator, **about)
    bottom = frame["current_denominator"].to_numpy() if panel.denominator is not None else None
    now = pace.on_scale(current, denominator=bottom, **about)
    goal = pace.on_scale(threshold, denominator=bottom, **about)
    required = np.where(case.horizon > 0, pace.required_pace(now, threshold=goal, horizon=left), np.nan)
    frame["pace_percentile"] = pace.share_that_kept(scaled, required=required, window=window, up=up)
    actual = pace.actual_pace(case.pick(scaled), window=max(window, panel.season_length))
    return pd.DataFrame(
        {
            "unit": frame["unit"],
            "window": window,
            "required_scaled": required,
            "actual_scaled": actual,
            "share_that_kept": frame["pace_percentile"],
            "units_that_kept": pace.units_that_kept(scaled, required=required, window=window, up=up),
        }
    )


def add_forecast(frame: pd.DataFrame, case: Case, *, horizon: int | None = None) -> None:
    """Median and central intervals of the published value at the deadline; the observed value where it is past."""
    horizon = case.horizon if horizon is None else horizon
    if case.panel is None or horizon is None:
        return
    if horizon <= 0:
        observed = observed_at(case, horizon)
        for name in QUANTILE_NAMES:
            frame[name] = observed
        return
    if case.predictive is None:
        return
    memory, key = case.world.memory, ("quantiles", case.promise.indicator)
    if key not in memory:
        memory[key] = case.predictive.quantiles(QUANTILES)
    quantiles = memory[key]
    if horizon > quantiles.shape[1]:
        return
    for name, column in zip(QUANTILE_NAMES, case.pick(quantiles[:, horizon - 1, :]).T):
        frame[name] = np.where(frame["n_points"] > 0, column, np.nan)


def observed_at(case: Case, horizon: int) -> np.ndarray:
    """Observed value of each unit `horizon` <= 0 periods after the panel's end, NaN where there is none."""
    column = case.panel.n_periods - 1 + horizon
    usable = case.pick(case.panel.usable())
    return usable[:, column] if column >= 0 else np.full(len(case.units), np.nan)
