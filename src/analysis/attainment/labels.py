"""What other bodies' rules would call the same series, next to our status, and one sentence code where they disagree.

None of these rules gives a probability. They are computed from the base period, the present value, the target and the
deadline, as their owners do; ours comes from the forecast.

============== ===================================================================================================
body           rule
============== ===================================================================================================
un_progress    ratio of actual to required compound growth; >= 0.95 on_track, >= 0.5 fair, >= -0.1 limited, else
               deterioration. Cut points of the UN Statistics Division's Progress Chart 2022, as recalled.
eurostat       the same ratio; >= 0.95 significant, >= 0.6 moderate, >= 0 insufficient, else moving_away. Cut points
               as in sdg-build's ``ProgressMeasure`` (method with a quantitative target).
escap          time-weighted straight line to the deadline (weight: position in time); anticipated gap as a share of
               the progress needed: <= 0.1 maintain, <= 1 accelerate, else reverse. Cut points as recalled.
healthy_people Healthy People 2020/2030: target_met; moved >= 10 % of the targeted change improving; moved away by
               >= 10 % of the baseline getting_worse; else little_change (rule without standard errors).
nhs_assurance  :func:`analysis.attainment.signals.assurance`: target outside the process limits.
traffic        xanh / vàng / đỏ, as boards show it: on track (or better) / likely or at risk / unlikely or missed.
============== ===================================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.attainment import signals
from analysis.attainment.suspicions import LEVEL_KINDS
from analysis.attainment.world import World
from analysis.forecasting.panel import last_observed
from analysis.words.schema import ON_TRACK

BODIES = ("un_progress", "eurostat", "escap", "healthy_people", "nhs_assurance", "traffic")
_TINY = 1e-12  # (0.8 - 0.77) / 0.3 is a tenth
LEAST_BASE = 0.05  # growth rates of a share explode below 5 %: suppressed
_CUTS = {
    "un_progress": ((0.95, "on_track"), (0.5, "fair"), (-0.1, "limited"), (-np.inf, "deterioration")),
    "eurostat": ((0.95, "significant"), (0.6, "moderate"), (0.0, "insufficient"), (-np.inf, "moving_away")),
}
_TRAFFIC = {
    "met": "green", "holding": "green", "on_track": "green", "likely": "yellow", "at_risk": "yellow",
    "unlikely": "red", "missed": "red", "not_assessable": "grey",
}  # fmt: skip
# What each label says about reaching the target: 1 it will, 0 open, -1 it will not
_SAYS = {
    "target_met": 1, "on_track": 1, "significant": 1, "maintain": 1, "consistent_pass": 1, "green": 1,
    "fair": 0, "moderate": 0, "improving": 0, "accelerate": 0, "inconsistent": 0, "yellow": 0, "little_change": 0,
    "limited": -1, "insufficient": -1, "deterioration": -1, "moving_away": -1, "reverse": -1, "getting_worse": -1,
    "consistent_fail": -1, "red": -1,
}  # fmt: skip
_OURS = {**{one: 1 for one in ON_TRACK}, "likely": 0, "at_risk": 0, "unlikely": -1, "missed": -1}


def crosswalk_table(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """What other bodies' rules say about every unit and level target, next to our status.

    Columns unit, target, those of :func:`cross_walk`, and note: "on_the_way" where the NHS label says "consistent_fail"
    of a unit that moves to its target.
    """
    tables = []
    for case in world.cases:
        if case.target.kind not in LEVEL_KINDS or case.panel is None or case.horizon is None:
            continue
        own = frame[frame["target"] == case.target.target].set_index("unit").loc[list(case.units)]
        values = case.pick(case.panel.usable())
        values = values[:, : case.horizon] if case.horizon < 0 else values  # a past deadline: as it was then
        if not values.shape[1]:
            continue
        target, horizon = own["threshold"].to_numpy(dtype=float), max(case.horizon, 0)
        _limits, slope = signals.around_trend(values)
        exact = signals.assurance(signals.xmr(values), target=target, up=case.up)
        table = cross_walk(
            own["status"].to_numpy(),
            values,
            asked=Asked(target, horizon, case.up, case.panel.kind),
            reached=np.where(own["settled"], own["p_attain"] == 1, own["attained_now"].to_numpy(dtype=bool)),
            assurance=exact,
        )
        row, towards = table.pop("row"), (slope > 0) if case.up else (slope < 0)
        table.insert(0, "unit", np.array(case.units, dtype=object)[row])
        table.insert(1, "target", case.target.target)
        table.insert(2, "status", own["status"].to_numpy()[row])
        on_the_way = (table["body"] == "nhs_assurance") & ((exact == "consistent_fail") & towards)[row]
        tables.append(table.assign(note=np.where(on_the_way, "on_the_way", "")))
    if not tables:
        return pd.DataFrame()
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values(["target", "unit", "body"], kind="stable", ignore_index=True)


def growth_ratio(base, current, *, target, elapsed, total, up) -> np.ndarray:
    """Actual over required compound growth per period; positive is towards the target.

    Natural units; `elapsed` and `total` are periods from the base to now and to the deadline. NaN where a growth rate
    is not defined (a value <= 0, no time passed) or the target equals the base.

    >>> growth_ratio([0.25], [0.5], target=[1.0], elapsed=5, total=10, up=True).round(6).tolist()  # doubled
    [1.0]
    """
    base, current, target = (np.asarray(one, dtype=float) for one in (base, current, target))
    elapsed, total = np.asarray(elapsed, dtype=float), np.asarray(total, dtype=float)
    with np.errstate(all="ignore"):
        actual = (current / base) ** (1 / elapsed) - 1
        required = (target / base) ** (1 / total) - 1
        ratio = np.where(np.asarray(up), actual, -actual) / np.abs(required)
    fine = (base > 0) & (current > 0) & (target > 0) & (elapsed > 0) & (total > 0) & (required != 0)
    return np.where(fine, ratio, np.nan)


def label_of_ratio(ratio, *, body: str, reached) -> np.ndarray:
    """Label of a growth ratio under the rule of `body` ("un_progress" or "eurostat").

    >>> label_of_ratio([0.95, 0.6, -0.2, 0.1], body="un_progress", reached=[False, False, False, True]).tolist()
    ['on_track', 'fair', 'deterioration', 'target_met']
    """
    ratio = np.asarray(ratio, dtype=float)
    out = np.full(ratio.shape, "", dtype=object)
    for low, label in reversed(_CUTS[body]):
        out[ratio >= low] = label
    out[np.asarray(reached, dtype=bool)] = "target_met"
    return out


def time_weighted_forecast(values: np.ndarray, *, horizon: int) -> np.ndarray:
    """Straight line through all observations, weighted by position in time, at `horizon` after the last column.

    NaN with fewer than two observations.

    >>> time_weighted_forecast(np.array([[1.0, 2.0, np.nan, 4.0]]), horizon=2).round(9).tolist()
    [6.0]
    """
    x = np.arange(1.0, values.shape[1] + 1)
    known = np.isfinite(values)
    weight = np.where(known, x, 0.0)
    y = np.where(known, values, 0.0)
    with np.errstate(all="ignore"):
        total = weight.sum(axis=1)
        mean_x, mean_y = (weight * x).sum(axis=1) / total, (weight * y).sum(axis=1) / total
        away = np.where(known, x - mean_x[:, None], 0.0)
        slope = (weight * away * (y - mean_y[:, None])).sum(axis=1) / (weight * away**2).sum(axis=1)
        found = mean_y + slope * (x[-1] + horizon - mean_x)
    return np.where(known.sum(axis=1) >= 2, found, np.nan)


def label_escap(expected, *, base, target, up) -> np.ndarray:
    """Maintain, accelerate or reverse, from the anticipated gap as a share of the progress needed since the base.

    >>> label_escap([0.9, 0.7, 0.4], base=[0.5] * 3, target=[0.8] * 3, up=True).tolist()
    ['maintain', 'accelerate', 'reverse']
    """
    expected, base, target = (np.asarray(one, dtype=float) for one in (expected, base, target))
    with np.errstate(all="ignore"):
        missing = np.where(up, target - expected, expected - target) / np.abs(target - base)
    label = np.where(missing <= 1 + _TINY, "accelerate", "reverse")
    out = np.where(missing <= 0.1 + _TINY, "maintain", label).astype(object)
    out[np.isnan(missing)] = ""
    return out


def label_healthy_people(base, current, *, target, reached, up) -> np.ndarray:
    """Healthy People's four labels, rule without standard errors.

    >>> label_healthy_people([0.5] * 3, [0.53, 0.52, 0.4], target=[0.8] * 3, reached=[False] * 3, up=True).tolist()
    ['improving', 'little_change', 'getting_worse']
    """
    base, current, target = (np.asarray(one, dtype=float) for one in (base, current, target))
    with np.errstate(all="ignore"):
        achieved = (current - base) / (target - base)
        away = np.where(up, base - current, current - base) / np.abs(base)
    still = np.where(away >= 0.1 - _TINY, "getting_worse", "little_change")
    out = np.where(achieved >= 0.1 - _TINY, "improving", still).astype(object)
    out[np.isnan(achieved)] = ""
    out[np.asarray(reached, dtype=bool)] = "target_met"
    return out


@dataclass(frozen=True)
class Asked:
    """What is promised of the rows of one indicator."""

    target: np.ndarray  # (n,)
    horizon: int  # Periods from the last column to the deadline
    up: bool
    kind: str  # Of the indicator: growth rates of a share below `LEAST_BASE` are suppressed


def cross_walk(status, values: np.ndarray, *, asked: Asked, reached, assurance) -> pd.DataFrame:
    """Labels of all bodies for every row, with the code of the sentence where they disagree with our status.

    `values` (n, T): usable history, its first observation is the base; `reached`: whether the target is kept today.
    Columns: row (0..n-1), body, label, ratio, says (1, 0, -1), disagrees, and sentence: "" where both agree or one is
    silent, else ``theirs_rosier``, ``theirs_darker``.
    """
    status, target = np.asarray(status, dtype=object), np.asarray(asked.target, dtype=float)
    up, horizon = asked.up, asked.horizon
    known = np.isfinite(values)
    n, width = values.shape
    first = np.where(known.any(axis=1), np.argmax(known, axis=1), 0)
    last = np.maximum(last_observed(values), 0)
    base, current = values[np.arange(n), first], values[np.arange(n), last]
    ratio = growth_ratio(base, current, target=target, elapsed=last - first, total=width - 1 - first + horizon, up=up)
    if asked.kind == "rate":
        ratio = np.where(base < LEAST_BASE, np.nan, ratio)
    expected = time_weighted_forecast(values, horizon=horizon)
    labels = {
        "un_progress": label_of_ratio(ratio, body="un_progress", reached=reached),
        "eurostat": label_of_ratio(ratio, body="eurostat", reached=reached),
        "escap": label_escap(expected, base=base, target=target, up=up),
        "healthy_people": label_healthy_people(base, current, target=target, reached=reached, up=up),
        "nhs_assurance": np.asarray(assurance, dtype=object),
        "traffic": np.array([_TRAFFIC[one] for one in status], dtype=object),
    }
    ours = np.array([_OURS.get(one, np.nan) for one in status], dtype=float)
    parts = []
    for body in BODIES:
        says = np.array([_SAYS.get(one, np.nan) for one in labels[body]], dtype=float)
        gap = says - ours
        sentence = np.where(gap > 0, "theirs_rosier", np.where(gap < 0, "theirs_darker", ""))
        parts.append(
            pd.DataFrame(
                {
                    "row": np.arange(n),
                    "body": body,
                    "label": labels[body],
                    "ratio": ratio if body in _CUTS else np.nan,
                    "says": says,
                    "disagrees": sentence != "",
                    "sentence": sentence,
                }
            )
        )
    return pd.concat(parts, ignore_index=True).sort_values(["row", "body"], kind="stable", ignore_index=True)
