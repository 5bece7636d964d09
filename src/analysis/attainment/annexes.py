"""Tables that stand beside the assessments: signals, suspicions, other bodies' labels. Codes only; words come later."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment import signals, suspicions
from analysis.attainment.compare import at_least
from analysis.attainment.labels import cross_walk
from analysis.attainment.measures import observed_at
from analysis.attainment.pace import on_scale
from analysis.attainment.world import Case, World
from analysis.forecasting.panel import Panel

LEVEL_KINDS = ("level_at", "cumulative_count", "coverage_all", "relative_change", "sustained_from")
_SIGNALS = ("unit", "indicator", "period", "signal", "rule", "value", "centre", "lower", "upper")
LEAST_POINTS = 8  # fewer points give limits nobody should act on


def signals_table(world: World, *, better: dict[str, str]) -> pd.DataFrame:
    """The last period's SPC signal of every unit and indicator, and the figures that need checking.

    Returns
    -------
    DataFrame
        unit, indicator, period, signal, rule, value, centre, lower, upper. `signal` is ``special_cause_improvement`` or
        ``special_cause_concern`` (around the trend where there is one), or a code of
        :mod:`analysis.attainment.suspicions`; common cause is not listed.
    """
    tables = []
    for name, panel in sorted(world.panels.items()):
        tables += [_special(name, panel, up=better.get(name, "up") == "up"), _checks(name, panel)]
    tables += [_heaping(world.case(promise)) for promise in world.promises if promise.kind in LEVEL_KINDS]
    tables = [one for one in tables if len(one)]
    if not tables:
        return pd.DataFrame(columns=list(_SIGNALS))
    table = pd.concat(tables, ignore_index=True)[[*_SIGNALS]].drop_duplicates(
        ["unit", "indicator", "period", "signal", "rule"]
    )
    return table.sort_values(["unit", "indicator", "signal", "rule"], kind="stable", ignore_index=True)


def _special(name: str, panel: Panel, *, up: bool) -> pd.DataFrame:
    """Special causes of the last observed period, on the scale of the indicator; P-prime where counts are known."""
    values = panel.usable()
    limits, slope = signals.around_trend(values)
    chart = np.where(slope != 0, "trend", "xmr").astype(object)
    if panel.kind == "rate" and panel.numerator is not None and panel.denominator is not None:
        counted = signals.p_prime(np.where(np.isfinite(values), panel.numerator, np.nan), panel.denominator)
        flat = (slope == 0)[:, None] & np.isfinite(counted.lower)
        limits = signals.Limits(*(np.where(flat, b, a) for a, b in zip(_parts(limits), _parts(counted))))
        chart[(slope == 0) & np.isfinite(counted.lower).any(axis=1)] = "p_prime"
    rules = signals.special_causes(values, limits)
    return _rows(name, panel, rules, signals.point_types(rules, up=up), limits, chart)


def _parts(limits: signals.Limits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return limits.centre, limits.lower, limits.upper


def _rows(name: str, panel: Panel, rules, types, limits: signals.Limits, chart: np.ndarray) -> pd.DataFrame:
    values = panel.usable()
    known = np.isfinite(values)
    last = panel.n_periods - 1 - np.argmax(known[:, ::-1], axis=1)
    at = (np.arange(panel.n_units), last)
    keep = (known.sum(axis=1) >= LEAST_POINTS) & (rules[at] != "")
    rule = np.array([f"{one}:{two}" for one, two in zip(chart, rules[at])], dtype=object)
    table = {
        "unit": np.array(panel.units, dtype=object),
        "indicator": name,
        "period": np.array(panel.periods, dtype=object)[last],
        "signal": types[at],
        "rule": rule,
        "value": values[at],
        "centre": limits.centre[at],
        "lower": limits.lower[at],
        "upper": limits.upper[at],
    }
    return pd.DataFrame(table)[keep]


def _checks(name: str, panel: Panel) -> pd.DataFrame:
    """Level jumps, falling denominators and end-of-period surges of one indicator."""
    values = panel.usable()
    scaled = on_scale(values, kind=panel.kind, denominator=panel.denominator, resolution=panel.resolution)
    parts = [_flag(name, panel, suspicions.level_jumps(scaled), "level_jump")]
    if panel.denominator is not None:
        dropped = suspicions.denominator_drops(panel.denominator)
        column = np.where(dropped, panel.n_periods - 1, -1)
        parts.append(_flag(name, panel, column, "denominator_drop", value=panel.denominator))
    if panel.periods[0].count("-") == 1 and "Q" not in panel.periods[0]:
        months = np.array([int(one[-2:]) for one in panel.periods])
        surges = suspicions.end_of_period_surges(scaled, months=months)
        column = np.where(surges.any(axis=1), panel.n_periods - 1 - np.argmax(surges[:, ::-1], axis=1), -1)
        parts.append(_flag(name, panel, column, "end_of_period"))
    return pd.concat(parts, ignore_index=True)


def _flag(name: str, panel: Panel, column: np.ndarray, signal: str, *, value: np.ndarray | None = None) -> pd.DataFrame:
    value = panel.values if value is None else value
    rows = np.flatnonzero(column >= 0)
    return pd.DataFrame(
        {
            "unit": np.array(panel.units, dtype=object)[rows],
            "indicator": name,
            "period": np.array(panel.periods, dtype=object)[column[rows]],
            "signal": signal,
            "rule": "",
            "value": value[rows, column[rows]],
            "centre": np.nan,
            "lower": np.nan,
            "upper": np.nan,
        }
    )


def _heaping(case: Case) -> pd.DataFrame:
    """Units just above a target that has too many of them just above it."""
    thresholds = case.thresholds[np.isfinite(case.thresholds)]
    if case.panel is None or case.panel.kind != "rate" or not len(thresholds) or np.ptp(thresholds) > 0:
        return pd.DataFrame()
    flagged, _ = suspicions.heaping(
        observed_at(case, 0), threshold=float(thresholds[0]), up=at_least(case.promise.operator)
    )
    column = np.full(case.panel.n_units, -1)
    column[case.rows[flagged & (case.rows >= 0)]] = case.panel.n_periods - 1
    return _flag(case.promise.indicator, case.panel, column, "heaping").assign(rule=case.promise.target)


def crosswalk_table(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """What other bodies' rules say about every unit and level promise, beside our status.

    Returns
    -------
    DataFrame
        unit, target, status, body, label, ratio, says, disagrees, sentence; see :mod:`analysis.attainment.labels`.
    """
    tables = []
    for promise in world.promises:
        case = world.case(promise)
        if promise.kind not in LEVEL_KINDS or case.panel is None or case.horizon is None:
            continue
        own = frame[frame["target"] == promise.target].set_index("unit").loc[list(case.units)]
        up = at_least(promise.operator)
        values = case.pick(case.panel.usable())
        limits = signals.xmr(values)
        target = own["threshold"].to_numpy(dtype=float)
        exact = signals.assurance(limits, target=target, up=up)
        _, slope = signals.around_trend(values)
        table = cross_walk(
            own["status"].to_numpy(),
            values,
            target=target,
            horizon=case.horizon,
            up=up,
            reached=own["attained_now"].to_numpy(dtype=bool),
            assurance=exact,
            kind=case.panel.kind,
        )
        table.insert(0, "unit", np.array(case.units, dtype=object)[table["row"]])
        table.insert(1, "target", promise.target)
        table.insert(2, "status", own["status"].to_numpy()[table["row"]])
        way = signals.assurance_on_the_way(limits, slope, exact=exact, up=up)[table["row"]]
        nhs = (table["body"] == "nhs_assurance") & (way == "on_the_way")
        table["note"] = np.where(nhs, "on_the_way", "")
        tables.append(table.drop(columns="row"))
    if not tables:
        return pd.DataFrame()
    return pd.concat(tables, ignore_index=True).sort_values(
        ["target", "unit", "body"], kind="stable", ignore_index=True
    )
