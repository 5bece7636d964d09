"""``level_at``: the value at the deadline's period meets the threshold, one-sided or within two bounds.

Most other kinds come down to it. An event is settled, and may have a probability of 0 or 1, only when it is logically
decided: its period was observed, or a count that cannot fall has passed its threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.attainment import measures
from analysis.attainment.compare import meets_threshold, p_meets_threshold
from analysis.attainment.status import bounded
from analysis.attainment.world import Case, Outcome
from analysis.forecasting.calibration import Event, calibrate_level

OWN_EVENT = ("cumulative_count", "rank_le", "score_ge", "relative_change", "tasks_k_of_n")  # half a quota is no level


def level_at(case: Case) -> Outcome:
    """P(value op threshold at the deadline), exact where the deadline's period has been observed."""
    frame = measures.base_frame(case)
    extra: dict[str, pd.DataFrame] = {}
    measures.add_gap(frame, case)
    if case.horizon is None:
        measures.set_reason(frame, "no_deadline")
    elif case.panel is not None:
        extra["pace"] = measures.add_pace(frame, case)
        measures.add_forecast(frame, case, horizon=case.horizon)
        if case.horizon <= 0:
            settle_past(frame, case)
        else:
            forecast_level(frame, case)
            settle_absorbing(frame, case)
    unstated = np.isnan(frame["threshold"])
    measures.set_reason(frame, "no_threshold", where=unstated)
    frame.loc[unstated, ["p", "p_raw"]] = np.nan
    return Outcome(frame, extra)


def settle_past(frame: pd.DataFrame, case: Case) -> None:
    """The deadline lies in the history: 0 or 1 where its period was observed, else not assessable."""
    observed, counts = measures.observed_at(case, case.horizon)
    met = meets_threshold(observed, operator=case.operator, threshold=case.thresholds, upper=case.upper, **counts)
    measures.settle(frame, met, known=np.isfinite(observed) & np.isfinite(case.thresholds))
    measures.set_reason(frame, "deadline_not_observed", where=np.isnan(observed))


def forecast_level(frame: pd.DataFrame, case: Case) -> None:
    """Fill `p_raw` and `p` from the forecast, with the panel's own calibration."""
    lacking = case.lacks_forecast(case.horizon)
    if lacking:
        measures.set_reason(frame, lacking)
        return
    thresholds = case.spread(case.thresholds)
    raw = p_meets_threshold(case.predictive, operator=case.operator, threshold=thresholds, horizon=case.horizon)
    if np.isfinite(case.upper):
        below = p_meets_threshold(case.predictive, operator="<=", threshold=case.upper, horizon=case.horizon)
        raw = np.clip(raw - (1 - below), 0.0, 1.0)
    p, n_origins = calibrated(raw, case, thresholds)
    seen = frame["n_points"].to_numpy() > 0
    frame["p_raw"] = np.where(seen, case.pick(raw), np.nan)
    frame["p"] = np.where(seen, case.pick(p), np.nan)
    frame["n_origins"] = n_origins
    measures.set_reason(frame, "no_observation", where=~seen)


def calibrated(raw: np.ndarray, case: Case, thresholds: np.ndarray) -> tuple[np.ndarray, int]:
    """Calibrate over all rows of the panel; returns p and the number of realised origins J.

    A two-sided event is calibrated by neither of its sides and keeps its raw probability.
    """
    if not case.options.calibrate or np.isfinite(case.upper):
        return raw, 0
    memory = case.world.memory
    key = ("calibration", case.target.indicator, case.operator, case.horizon, thresholds.tobytes())
    if key not in memory:
        memory[key] = calibrate_level(
            case.panel,
            Event(at_least=case.up, strict=case.operator in (">", "<")),
            threshold=thresholds,
            horizon=case.horizon,
            predictive=case.predictive,  # the past forecasts it carries serve every target of the indicator
        )
    return np.asarray(memory[key].apply(raw)), int(memory[key].n_origins)


def settle_absorbing(frame: pd.DataFrame, case: Case) -> None:
    """A count that cannot fall has passed its threshold: decided before the deadline.

    Needs a definition that says so, and a history in which no unit of the panel ever fell: a count that was corrected
    downwards before can be again.
    """
    if case.panel.kind != "count" or case.target.indicator not in case.world.never_falls or fell(case.panel.usable()):
        return
    now = meets_threshold(frame["current"], operator=case.operator, threshold=frame["threshold"])
    seen = np.isfinite(frame["current"].to_numpy()) & np.isfinite(frame["threshold"].to_numpy())
    decided = seen & (now if case.up else ~now)
    frame.loc[decided, ["p", "p_raw"]] = float(case.up)
    frame.loc[decided, "settled"], frame.loc[decided, "reason"] = True, ""


def fell(values: np.ndarray) -> bool:
    """Whether any row ever falls from one observation to the next observed one.

    >>> fell(np.array([[1.0, np.nan, 2.0]])), fell(np.array([[3.0, np.nan, 2.0]]))
    (False, True)
    """
    highest = np.fmax.accumulate(values, axis=1)
    with np.errstate(invalid="ignore"):
        return bool((values < highest).any())


def add_milestones(outcome: Outcome, case: Case, *, event: Callable[[Case], Outcome]) -> None:
    """Steps on the way to the deadline: met or not where observed, else the probability; extra table "milestones".

    A step of a target on one series is a level at its period; a step of a quota, a rank, a score or a change is of the
    target's own kind, whose `event` is. `threshold` is as the series counts, `stated` as the target states it.
    """
    own, tables = case.target.kind in OWN_EVENT, []
    for step in case.target.milestones:
        thresholds = np.full(len(case.units), step.threshold)
        earlier = replace(case, deadline=step.period, thresholds=thresholds, upper=case.upper if own else np.nan)
        if case.target.kind == "tasks_k_of_n":
            earlier = replace(earlier, target=case.target.model_copy(update={"k": step.threshold}))
        frame = (event if own else level_at)(earlier).frame
        settled = frame["settled"].to_numpy(dtype=bool)
        p = bounded(frame["p"], settled=settled, floor=case.options.p_floor)
        table = frame[["unit", "threshold"]].assign(stated=step.threshold, p=p, settled=settled)
        table.insert(1, "period", step.period)
        observed = settled & (frame["horizon"] <= 0).to_numpy()
        tables.append(table.assign(kept=settled & (p == 1), observed=observed))
    outcome.extra["milestones"] = pd.concat(tables, ignore_index=True)
