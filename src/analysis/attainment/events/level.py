"""``level_at``: the value at the deadline's period keeps the promise, one-sided or within two bounds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import measures
from analysis.attainment.compare import at_least, p_holds
from analysis.attainment.events.settling import settle_absorbing, settle_past
from analysis.attainment.world import Case, Outcome
from analysis.forecasting.calibration import calibrate_level
from analysis.forecasting.ensemble import Options


def level_at(case: Case) -> Outcome:
    """P(value op threshold at the deadline), exact where the deadline's period has been observed."""
    frame = measures.base_frame(case)
    extra: dict[str, pd.DataFrame] = {}
    measures.add_gap(frame, case)
    if case.horizon is None:
        frame["reason"] = frame["reason"].where(frame["reason"] != "", "no_deadline")
    elif case.panel is not None:
        extra["pace"] = measures.add_pace(frame, case)
        measures.add_forecast(frame, case)
        if case.horizon <= 0:
            settle_past(frame, case)
        else:
            forecast_level(frame, case)
            settle_absorbing(frame, case)
    frame.loc[np.isnan(frame["threshold"]) & (frame["reason"] == ""), "reason"] = "no_threshold"
    frame.loc[np.isnan(frame["threshold"]), ["p", "p_raw"]] = np.nan
    return Outcome(frame, extra)


def forecast_level(frame: pd.DataFrame, case: Case) -> None:
    """Fill `p_raw` and `p` from the forecast, with the panel's own calibration."""
    lacking = case.lacks_forecast(case.horizon)
    if lacking:
        frame.loc[frame["reason"] == "", "reason"] = lacking
        return
    operator, thresholds = case.promise.operator, case.spread(case.thresholds)
    raw = p_holds(case.predictive, operator=operator, threshold=thresholds, horizon=case.horizon)
    if np.isfinite(case.promise.upper):
        raw = raw - (1 - p_holds(case.predictive, operator="<=", threshold=case.promise.upper, horizon=case.horizon))
        raw = np.clip(raw, 0.0, 1.0)
    p, n_origins = calibrated(raw, case, thresholds)
    seen = frame["n_points"].to_numpy() > 0
    frame["p_raw"] = np.where(seen, case.pick(raw), np.nan)
    frame["p"] = np.where(seen, case.pick(p), np.nan)
    frame["n_origins"] = n_origins
    frame.loc[~seen & (frame["reason"] == ""), "reason"] = "no_observation"


def calibrated(raw: np.ndarray, case: Case, thresholds: np.ndarray) -> tuple[np.ndarray, int]:
    """Calibrate over all rows of the panel; returns p and the number of realised origins J.

    A two-sided event is calibrated by neither of its sides and keeps its raw probability.
    """
    if not case.options.calibrate or np.isfinite(case.promise.upper):
        return raw, 0
    memory = case.world.memory
    key = ("calibration", case.promise.indicator, case.promise.operator, case.horizon, thresholds.tobytes())
    if key not in memory:
        memory[key] = calibrate_level(
            case.panel,
            threshold=thresholds,
            horizon=case.horizon,
            strict=case.promise.operator in (">", "<"),
            at_least=at_least(case.promise.operator),
            options=case.options.forecast or Options(),
            predictive=case.predictive,  # the past forecasts it carries serve every target of the indicator
        )
    return np.asarray(memory[key].apply(raw)), int(memory[key].n_origins)
