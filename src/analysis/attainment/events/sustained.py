"""``sustained_from``: the target holds from a date on, under three readings; all three are reported, one is official.

============ =======================================================================================================
each_period  every period from the start to the end holds; one observed period that does not settles it: missed
cumulative   the value over the whole span (sums of numerators and denominators; the mean for a level) holds at its end
rolling_3    every three neighbouring periods together hold
============ =======================================================================================================
The end is the deadline, or `horizon_periods` after the cutoff where the target is open-ended. Current value, gap, pace
and forecast are those of the official reading: of a cumulative one the value so far, and the level that the rest needs.
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

REST = ("n_rest", "needed_rest", "expected_rest", "cases_rest")


def sustained_from(case: Case) -> Outcome:
    """P(the target holds throughout) under each reading; the official one goes into the assessment."""
    frame = measures.base_frame(case)
    if case.panel is None:
        measures.add_gap(frame, case)
        return Outcome(frame)
    end = case.options.horizon_periods if case.horizon is None else case.horizon
    frame["horizon"] = end
    measures.add_forecast(frame, case, horizon=end)
    last = case.panel.n_periods - 1
    first = max(case.column(case.target.start, how="start"), 0)
    table, forecast = _readings(frame, case, first=first, stop=last + end)
    extra = {"pace": _measure(frame, case, first=first, stop=last + end)}
    if forecast is not None:
        frame[list(measures.QUANTILE_NAMES)] = forecast
    table = table.merge(frame.reindex(columns=["unit", *REST]), on="unit", how="left")
    frame = frame.drop(columns=[one for one in REST if one in frame])
    is_official = table["reading"] == case.target.reading
    official = table[is_official].set_index("unit").loc[frame["unit"]]
    for name in ("p", "settled"):
        frame[name] = official[name].to_numpy()
    frame["p_raw"] = frame["p"]
    if case.target.reading != "cumulative":
        frame["attained_now"] &= (official["n_broken"] == 0).to_numpy()
    measures.set_reason(frame, "no_observation", where=frame["n_points"] == 0)
    lacking = "deadline_not_observed" if end <= 0 else case.lacks_forecast(end)  # "": weak evidence, see its grade
    measures.set_reason(frame, lacking, where=frame["p"].isna())
    p = bounded(table["p"], settled=table["settled"], floor=case.options.p_floor)
    extra["readings"] = table.assign(p=p, official=is_official)
    return Outcome(frame, extra)


def _measure(frame: pd.DataFrame, case: Case, *, first: int, stop: int) -> pd.DataFrame:
    """Fill current value, gap and pace as the official reading counts; in place; returns the "pace" extra."""
    reading, last = case.target.reading, case.panel.n_periods - 1
    if reading == "each_period":
        measures.add_gap(frame, case)
        return measures.add_pace(frame, case)
    whole = _blocks(case)
    begin, end = (first if reading == "cumulative" else max(min(stop, last) - 2, 0)), min(stop, last) + 1
    spans = {name: case.pick(block)[:, begin:end] for name, block in whole.items()}
    frame["current"] = _together(spans, case)
    for name in ("numerator", "denominator"):
        known = name in spans and spans[name].shape[1] > 0
        frame[f"current_{name}"] = np.nansum(spans[name], axis=1) if known else np.nan
    measures.add_attained(frame, case)
    measures.add_gap(frame, case)
    if stop <= last:
        frame[list(measures.QUANTILE_NAMES)] = frame[["current"] * len(measures.QUANTILE_NAMES)].to_numpy()
    if reading == "rolling_3":
        return measures.add_pace(frame, case, values=_pooled(whole, size=3, case=case))
    return _add_rest(frame, case, spans, n_rest=stop - max(begin - 1, last)) if stop > last else pd.DataFrame()


def _add_rest(frame: pd.DataFrame, case: Case, spans: dict, *, n_rest: int) -> pd.DataFrame:
    """The mean level that the remaining periods need, at the usual denominators, and how many ever held it so long.

    Adds `REST` to the frame: n_rest (periods), needed_rest (level), expected_rest (denominators), cases_rest.
    """
    goal, usual = frame["threshold"].to_numpy(dtype=float), _usual_denominator(case)
    known = np.isfinite(spans["value"])
    top, bottom = np.where(known, spans["value"], 0.0).sum(axis=1), known.sum(axis=1).astype(float)
    if "numerator" in spans:
        top, bottom = frame["current_numerator"].to_numpy(), frame["current_denominator"].to_numpy()
    rest = n_rest * usual
    summed = case.panel.kind == "count" and not case.panel.cumulative
    needed = (goal - top) / n_rest if summed else (goal * (bottom + rest) - top) / rest
    frame["n_rest"], frame["needed_rest"] = n_rest, needed
    counted = "numerator" in spans
    frame["expected_rest"] = rest if counted else np.nan
    frame["cases_rest"] = np.ceil(needed * rest - 1e-9) if counted else np.nan
    reached = _pooled(_blocks(case), size=n_rest, case=case)
    return measures.kept_before(frame, case, reached=reached, required=needed, window=n_rest)


def _pooled(whole: dict, *, size: int, case: Case) -> np.ndarray:
    """Value of every unit over `size` neighbouring periods together, shape (n, T); missing where one of them is."""
    n, width = whole["value"].shape
    out = np.full((n, width), np.nan)
    if size > width:
        return out
    total = {name: np.lib.stride_tricks.sliding_window_view(block, size, axis=1) for name, block in whole.items()}
    with np.errstate(all="ignore"):
        if "numerator" in total:
            out[:, size - 1 :] = total["numerator"].sum(axis=2) / total["denominator"].sum(axis=2)
        else:
            out[:, size - 1 :] = total["value"].sum(axis=2) / size
    return out


def _readings(frame: pd.DataFrame, case: Case, *, first: int, stop: int) -> tuple[pd.DataFrame, np.ndarray | None]:
    """One row a unit and reading: p, settled, periods observed and broken, first broken period, value so far.

    With it, quantiles of what the official reading will have reached at the end, None where it is not simulated.
    """
    n, last = len(case.units), case.panel.n_periods - 1
    past = {name: case.pick(block)[:, first : min(stop, last) + 1] for name, block in _blocks(case).items()}
    ahead = stop - max(first - 1, last) if stop > last else 0
    simulated, forecast = {}, None
    if ahead > 0 and not case.lacks_forecast(stop - last):
        simulated, forecast = _simulate(case, past, ahead=ahead, steps=stop - last)
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
    table = pd.concat(tables, ignore_index=True).sort_values(["unit", "reading"], kind="stable", ignore_index=True)
    return table, None if case.target.reading == "each_period" else forecast


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


def _simulate(case: Case, past: dict, *, ahead: int, steps: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """P under each reading, given what has been observed, and quantiles of the official reading's value at the end.

    Gaps in the history are left out, not filled.
    """
    n = len(case.units)
    reached = np.full((n, len(measures.QUANTILES)), np.nan)
    out = {reading: np.full(n, np.nan) for reading in READINGS}
    index = np.flatnonzero(case.rows >= 0)
    weights = _usual_denominator(case)
    for part, paths in path_blocks(case.world, case.target.indicator, rows=case.rows[index], horizon=steps):
        units = index[part]
        future = paths[:, steps - ahead :, :]
        lost = ~np.isfinite(future).all(axis=(1, 2))
        events, ends = _path_events(case, past, units, future, weights[units])
        for reading, kept in events.items():
            out[reading][units] = np.where(lost, np.nan, kept.mean(axis=1))
        final = np.where(lost[:, None], np.nan, ends[case.target.reading])
        reached[units] = np.quantile(final, measures.QUANTILES, axis=1).T
    return out, reached


def _path_events(
    case: Case, past: dict, units: np.ndarray, future: np.ndarray, weight: np.ndarray
) -> tuple[dict, dict]:
    """Which paths keep the target under each reading, and each reading's value at the end, shape (b, n_paths)."""
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
    rolling, value = np.ones((b, n_paths), dtype=bool), np.full((b, n_paths), np.nan)
    for start in range(joined.shape[1] - 2):
        size = sizes[:, start : start + 3]
        value = (joined[:, start : start + 3] * size[:, :, None]).sum(axis=1) / size.sum(axis=1)[:, None]
        rolling &= meets_threshold(value, threshold=thresholds, **how) | ~np.isfinite(value)
    events = {
        "each_period": meets_threshold(future, threshold=thresholds[:, :, None], **how).all(axis=1),
        "cumulative": meets_threshold(mean, threshold=thresholds, **how),
        "rolling_3": rolling,
    }
    return events, {"each_period": future[:, -1], "cumulative": mean, "rolling_3": value}


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
