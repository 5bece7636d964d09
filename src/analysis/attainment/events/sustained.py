"""``sustained_from``: the target holds from a date on, under three readings; all three are reported, one is official.

============ =======================================================================================================
each_period  every period from the start to the end holds; one observed period that does not settles it: missed
cumulative   the value over the whole span (sums of numerators and denominators; the mean for a level) holds at its end
rolling_3    every three neighbouring periods together hold
============ =======================================================================================================
The end is the deadline, or `horizon_periods` after the cutoff where the target is open-ended.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import measures
from analysis.attainment.compare import meets_threshold
from analysis.attainment.events.joint import path_blocks
from analysis.attainment.status import bounded
from analysis.attainment.world import Case, Outcome
from analysis.registry.kinds import READINGS


def sustained_from(case: Case) -> Outcome:
    """P(the target holds throughout) under each reading; the official one goes into the assessment."""
    frame = measures.base_frame(case)
    measures.add_gap(frame, case)
    if case.panel is None:
        return Outcome(frame)
    end = case.options.horizon_periods if case.horizon is None else case.horizon
    frame["horizon"] = end
    measures.add_forecast(frame, case, horizon=end)
    extra = {"pace": measures.add_pace(frame, case)}
    last = case.panel.n_periods - 1
    first = max(case.column(case.target.start, how="start"), 0)
    table = _readings(frame, case, first=first, stop=last + end)
    is_official = table["reading"] == case.target.reading
    official = table[is_official].set_index("unit").loc[frame["unit"]]
    for name in ("p", "settled"):
        frame[name] = official[name].to_numpy()
    frame["p_raw"] = frame["p"]
    frame["attained_now"] &= (official["n_broken"] == 0).to_numpy()
    measures.set_reason(frame, "no_observation", where=frame["n_points"] == 0)
    lacking = "deadline_not_observed" if end <= 0 else case.lacks_forecast(end)  # "": weak evidence, see its grade
    measures.set_reason(frame, lacking, where=frame["p"].isna())
    p = bounded(table["p"], settled=table["settled"], floor=case.options.p_floor)
    extra["readings"] = table.assign(p=p, official=is_official)
    return Outcome(frame, extra)


def _readings(frame: pd.DataFrame, case: Case, *, first: int, stop: int) -> pd.DataFrame:
    """One row a unit and reading: p, settled, periods observed and broken, first broken period, value so far."""
    n, last = len(case.units), case.panel.n_periods - 1
    past = {name: case.pick(block)[:, first : min(stop, last) + 1] for name, block in _blocks(case).items()}
    ahead = stop - max(first - 1, last) if stop > last else 0
    simulated = {}
    if ahead > 0 and not case.lacks_forecast(stop - last):
        simulated = _simulate(case, past, ahead=ahead, steps=stop - last)
    names = np.array([*case.panel.periods, ""], dtype=object)
    gaps, so_far = np.isnan(past["value"]).any(axis=1), _together(past, case)
    tables = []
    for reading in READINGS:
        kept, seen = _kept(reading, past, case)
        broken = seen & ~kept
        is_broken = broken.any(axis=1)
        p = simulated.get(reading, np.full(n, np.nan))
        settled = is_broken if reading != "cumulative" else np.zeros(n, dtype=bool)
        if ahead <= 0:
            p = np.where(gaps | ~seen.any(axis=1), np.nan, (~is_broken).astype(float))
            settled = settled | np.isfinite(p)
        p = np.where(is_broken & (reading != "cumulative"), 0.0, p)
        at = first + (2 if reading == "rolling_3" else 0) + (np.argmax(broken, axis=1) if broken.shape[1] else 0)
        table = {
            "unit": list(case.units),
            "reading": reading,
            "p": np.where(frame["n_points"] > 0, p, np.nan),
            "settled": settled,
            "n_observed": seen.sum(axis=1),
            "n_broken": broken.sum(axis=1),
            "first_broken": names[np.where(is_broken, at, -1)],
            "so_far": so_far,
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True).sort_values(["unit", "reading"], kind="stable", ignore_index=True)


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
    spans = past
    if reading == "cumulative":
        spans = {name: np.nansum(block, axis=1)[:, None] for name, block in past.items()}
        spans["value"] = _together(past, case)[:, None]
    elif reading == "rolling_3":
        spans = {name: block[:, :-2] + block[:, 1:-1] + block[:, 2:] for name, block in past.items()}
        with np.errstate(all="ignore"):
            share = spans["numerator"] / spans["denominator"] if "numerator" in spans else spans["value"] / 3
        spans["value"] = share
    values, counts = spans["value"], {name: spans[name] for name in spans if name != "value"}
    met = meets_threshold(
        values, operator=case.operator, threshold=case.thresholds[:, None], upper=case.upper, **counts
    )
    return met, np.isfinite(values)


def _together(past: dict, case: Case) -> np.ndarray:
    """Value of each unit over all observed periods: share of the sums, sum of a count, mean of a level."""
    known = np.isfinite(past["value"])
    with np.errstate(all="ignore"):
        if "numerator" in past:
            return np.nansum(past["numerator"], axis=1) / np.nansum(past["denominator"], axis=1)
        total = np.where(known, past["value"], 0.0).sum(axis=1)
        summed = case.panel.kind == "count" and not case.panel.cumulative and known.shape[1] > 0
        return total if summed else total / known.sum(axis=1)


def _simulate(case: Case, past: dict, *, ahead: int, steps: int) -> dict[str, np.ndarray]:
    """P under each reading, given what has been observed; gaps in the history are left out, not filled."""
    n = len(case.units)
    out = {reading: np.full(n, np.nan) for reading in READINGS}
    index = np.flatnonzero(case.rows >= 0)
    weights = _usual_denominator(case)
    for part, paths in path_blocks(case.world, case.target.indicator, rows=case.rows[index], horizon=steps):
        units = index[part]
        future = paths[:, steps - ahead :, :]
        lost = ~np.isfinite(future).all(axis=(1, 2))
        for reading, kept in _path_events(case, past, units, future, weights[units]).items():
            out[reading][units] = np.where(lost, np.nan, kept.mean(axis=1))
    return out


def _path_events(case: Case, past: dict, units: np.ndarray, future: np.ndarray, weight: np.ndarray) -> dict:
    """Which paths keep the target under each reading, shape (b, n_paths)."""
    thresholds = case.thresholds[units][:, None]
    how = {"operator": case.operator, "upper": case.upper}
    history = past["value"][units]
    known = np.where(np.isfinite(history), 1.0, np.nan)
    bottom = past["denominator"][units] if "denominator" in past else known * weight[:, None]
    b, ahead, n_paths = future.shape
    top_past = np.nansum(history * bottom, axis=1)[:, None]
    bottom_all = np.nansum(bottom, axis=1) + ahead * weight
    mean = (top_past + future.sum(axis=1) * weight[:, None]) / bottom_all[:, None]
    if case.panel.kind == "count" and not case.panel.cumulative:
        mean = np.nansum(history, axis=1)[:, None] + future.sum(axis=1)
    tail = history[:, -2:]
    joined = np.concatenate([np.broadcast_to(tail[:, :, None], (b, tail.shape[1], n_paths)), future], axis=1)
    sizes = np.concatenate([bottom[:, -2:], np.broadcast_to(weight[:, None], (b, ahead))], axis=1)
    rolling = np.ones((b, n_paths), dtype=bool)
    for start in range(joined.shape[1] - 2):
        size = sizes[:, start : start + 3]
        value = (joined[:, start : start + 3] * size[:, :, None]).sum(axis=1) / size.sum(axis=1)[:, None]
        rolling &= meets_threshold(value, threshold=thresholds, **how) | ~np.isfinite(value)
    return {
        "each_period": meets_threshold(future, threshold=thresholds[:, :, None], **how).all(axis=1),
        "cumulative": meets_threshold(mean, threshold=thresholds, **how),
        "rolling_3": rolling,
    }


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
