"""``sustained_from``: the promise holds from a date on, under three readings; all three are reported, one is official.

============ =======================================================================================================
each_period  every period from the start to the end holds; one observed period that does not settles it: missed
cumulative   the value over the whole span (sums of numerators and denominators; the mean for a level) holds at its end
rolling_3    every three neighbouring periods together hold
============ =======================================================================================================
The end is the deadline, or `horizon_periods` after the cutoff where the promise is open-ended.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import measures
from analysis.attainment.compare import RELATIVE_TOLERANCE, holds
from analysis.attainment.events.joint import path_blocks
from analysis.attainment.promise import Promise
from analysis.attainment.status import bounded
from analysis.attainment.world import Case, Outcome

READINGS = ("each_period", "cumulative", "rolling_3")


def sustained_from(case: Case) -> Outcome:
    """P(the promise holds throughout) under each reading; the official one goes into the assessment."""
    frame = measures.base_frame(case)
    measures.add_gap(frame, case)
    if case.panel is None:
        return Outcome(frame)
    end = case.options.horizon_periods if case.horizon is None else case.horizon
    frame["horizon"] = end
    measures.add_forecast(frame, case, horizon=end)
    extra = {"pace": measures.add_pace(frame, case)}
    last = case.panel.n_periods - 1
    first = case.column(case.promise.start, how="start") if case.promise.start else last + 1
    table = _readings(frame, case, first=max(first, 0), stop=last + end)
    official = table[table["reading"] == case.promise.reading].set_index("unit").loc[frame["unit"]]
    for name in ("p", "settled"):
        frame[name] = official[name].to_numpy()
    frame["p_raw"] = frame["p"]
    frame["attained_now"] &= (official["n_broken"] == 0).to_numpy()
    lacking = frame["p"].isna() & (frame["reason"] == "")
    frame.loc[lacking, "reason"] = _why_not(case, end)
    frame.loc[lacking & (frame["n_points"] == 0), "reason"] = "no_observation"
    p = bounded(table["p"], settled=table["settled"], floor=case.options.p_floor)
    extra["readings"] = table.assign(p=p, official=table["reading"] == case.promise.reading)
    return Outcome(frame, extra)


def _why_not(case: Case, end: int) -> str:
    if end <= 0:
        return "deadline_not_observed"
    return case.lacks_forecast(end)  # "": the evidence is too weak, which its grade says


def _readings(frame: pd.DataFrame, case: Case, *, first: int, stop: int) -> pd.DataFrame:
    """One row a unit and reading: p, settled, periods observed and broken, first broken period, value so far."""
    n, last = len(case.units), case.panel.n_periods - 1
    known = slice(first, min(stop, last) + 1)
    past = {name: case.pick(block)[:, known] for name, block in _blocks(case).items()}
    ahead = stop - max(first - 1, last) if stop > last else 0
    reached = None
    if ahead > 0 and not case.lacks_forecast(stop - last):
        reached = _simulate(case, past, ahead=ahead, steps=stop - last)
    rows = []
    for reading in READINGS:
        kept, seen = _kept(reading, past, case)
        broken = seen & ~kept
        gaps = (~np.isfinite(past["value"])).any(axis=1)
        p = np.full(n, np.nan) if reached is None else reached[reading]
        decided = broken.any(axis=1) if reading != "cumulative" else np.zeros(n, dtype=bool)
        if ahead <= 0:
            p = np.where(gaps | ~seen.any(axis=1), np.nan, (kept | ~seen).all(axis=1).astype(float))
            decided = decided | np.isfinite(p)
        p = np.where(broken.any(axis=1) & (reading != "cumulative"), 0.0, p)
        p = np.where(frame["n_points"] > 0, p, np.nan)
        rows.append(_summary(case, reading, p, decided, seen, broken, past, first))
    return pd.concat(rows, ignore_index=True).sort_values(["unit", "reading"], kind="stable", ignore_index=True)


def _summary(case: Case, reading: str, p, decided, seen, broken, past: dict, first: int) -> pd.DataFrame:
    names = np.array([*case.panel.periods, ""], dtype=object)
    shift = 2 if reading == "rolling_3" else 0
    at = np.where(broken.any(axis=1), first + shift + np.argmax(broken, axis=1), -1) if broken.shape[1] else -1
    at = np.broadcast_to(at, len(case.units))
    so_far = _together(past, case) if past["value"].shape[1] else np.full(len(case.units), np.nan)
    return pd.DataFrame(
        {
            "unit": list(case.units),
            "reading": reading,
            "p": p,
            "settled": decided,
            "n_observed": seen.sum(axis=1),
            "n_broken": broken.sum(axis=1),
            "first_broken": names[at],
            "so_far": so_far,
        }
    )


def _blocks(case: Case) -> dict[str, np.ndarray]:
    panel = case.panel
    blocks = {"value": panel.usable()}
    if panel.kind == "rate" and panel.numerator is not None and panel.denominator is not None:
        known = np.isfinite(panel.usable())
        blocks["numerator"] = np.where(known, panel.numerator, np.nan)
        blocks["denominator"] = np.where(known, panel.denominator, np.nan)
    return blocks


def _kept(reading: str, past: dict, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Which observed periods (or spans of three, or the whole) hold, and which of them could be looked at."""
    values, counts = past["value"], {name: past[name] for name in ("numerator", "denominator") if name in past}
    if reading == "each_period":
        return _holds(values, case, **counts), np.isfinite(values)
    if reading == "cumulative":
        total = _together(past, case)[:, None] if values.shape[1] else np.full((len(values), 1), np.nan)
        sums = {name: np.nansum(block, axis=1)[:, None] for name, block in counts.items()}
        return _holds(total, case, **sums), np.isfinite(total)
    if values.shape[1] < 3:
        empty = np.zeros((len(values), 0), dtype=bool)
        return empty, empty
    three = {name: _sum3(block) for name, block in past.items()}
    mean = _ratio3(three)
    sums = {name: three[name] for name in counts}
    return _holds(mean, case, **sums), np.isfinite(mean)


def _holds(values: np.ndarray, case: Case, **counts) -> np.ndarray:
    """Which values keep the promise, two-sided where it has an upper bound."""
    kept = holds(values, operator=case.promise.operator, threshold=case.thresholds[:, None], **counts)
    if np.isfinite(case.promise.upper):
        kept &= holds(values, operator="<=", threshold=case.promise.upper, **counts)
    return kept


def _together(past: dict, case: Case) -> np.ndarray:
    if "numerator" in past:
        with np.errstate(all="ignore"):
            return np.nansum(past["numerator"], axis=1) / np.nansum(past["denominator"], axis=1)
    known = np.isfinite(past["value"])
    with np.errstate(all="ignore"):
        total = np.where(known, past["value"], 0.0).sum(axis=1)
        return total if case.panel.kind == "count" and not case.panel.cumulative else total / known.sum(axis=1)


def _sum3(block: np.ndarray) -> np.ndarray:
    return block[:, :-2] + block[:, 1:-1] + block[:, 2:]


def _ratio3(three: dict) -> np.ndarray:
    with np.errstate(all="ignore"):
        return three["numerator"] / three["denominator"] if "numerator" in three else three["value"] / 3


def _simulate(case: Case, past: dict, *, ahead: int, steps: int) -> dict[str, np.ndarray]:
    """P under each reading, given what has been observed; gaps in the history are left out, not filled."""
    n = len(case.units)
    out = {reading: np.full(n, np.nan) for reading in READINGS}
    index = np.flatnonzero(case.rows >= 0)
    weights = _usual_denominator(case)
    for part, paths in path_blocks(case.world, case.promise.indicator, rows=case.rows[index], horizon=steps):
        units = index[part]
        future = paths[:, steps - ahead :, :]
        lost = ~np.isfinite(future).all(axis=(1, 2))
        for reading, kept in _path_events(case, past, units, future, weights[units]).items():
            out[reading][units] = np.where(lost, np.nan, kept.mean(axis=1))
    return out


def _path_events(case: Case, past: dict, units: np.ndarray, future: np.ndarray, weight: np.ndarray) -> dict:
    """Which paths keep the promise under each reading, shape (b, n_paths)."""
    thresholds = case.thresholds[units][:, None]
    history = past["value"][units]
    bottom = past["denominator"][units] if "denominator" in past else np.where(np.isfinite(history), 1.0, np.nan)
    bottom = bottom if "denominator" in past else bottom * weight[:, None]
    b, ahead, n_paths = future.shape
    top_past = np.nansum(history * bottom, axis=1)[:, None]
    bottom_all = np.nansum(bottom, axis=1) + ahead * weight
    mean = (top_past + future.sum(axis=1) * weight[:, None]) / bottom_all[:, None]
    if case.panel.kind == "count" and not case.panel.cumulative:
        mean = np.nansum(history, axis=1)[:, None] + future.sum(axis=1)
    each = _within(future, thresholds[:, :, None], case.promise).all(axis=1)
    tail = history[:, -2:]
    joined = np.concatenate([np.broadcast_to(tail[:, :, None], (b, tail.shape[1], n_paths)), future], axis=1)
    sizes = np.concatenate([bottom[:, -2:], np.broadcast_to(weight[:, None], (b, ahead))], axis=1)
    rolling = np.ones((b, n_paths), dtype=bool)
    for start in range(joined.shape[1] - 2):
        size = sizes[:, start : start + 3]
        value = (joined[:, start : start + 3] * size[:, :, None]).sum(axis=1) / size.sum(axis=1)[:, None]
        rolling &= _within(value, thresholds, case.promise) | ~np.isfinite(value)
    return {
        "each_period": each,
        "cumulative": _within(mean, thresholds, case.promise),
        "rolling_3": rolling,
    }


def _within(values: np.ndarray, threshold: np.ndarray, promise: Promise) -> np.ndarray:
    """As :func:`_compare`, and at most the upper bound of a two-sided promise."""
    kept = _compare(values, threshold, promise.operator)
    return kept & _compare(values, np.array(promise.upper), "<=") if np.isfinite(promise.upper) else kept


def _compare(values: np.ndarray, threshold: np.ndarray, operator: str) -> np.ndarray:
    tolerance = RELATIVE_TOLERANCE * np.maximum(1.0, np.abs(threshold))
    if operator == ">":
        return values > threshold + tolerance
    if operator == ">=":
        return values >= threshold - tolerance
    return values < threshold - tolerance if operator == "<" else values <= threshold + tolerance


def _usual_denominator(case: Case) -> np.ndarray:
    """Mean denominator of the last season (at least three periods) of each unit, 1 where there are no counts."""
    panel = case.panel
    if panel.kind != "rate" or panel.denominator is None:
        return np.ones(len(case.units))
    recent = case.pick(panel.denominator)[:, -max(3, panel.season_length) :]
    known = np.isfinite(recent)
    with np.errstate(all="ignore"):
        usual = np.where(known, recent, 0.0).sum(axis=1) / known.sum(axis=1)
    return np.where(np.isfinite(usual) & (usual > 0), usual, 1.0)
