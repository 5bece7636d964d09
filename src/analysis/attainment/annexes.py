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
_OUTSIDE = ("above_limit", "below_limit", "two_of_three_above", "two_of_three_below")
WINDOW = 24  # periods charted: an older level says little about this month
LEAST_JUMP = 0.05  # a share that jumps by less is no level jump, however quiet it was before
LEAST_POINTS = 8  # fewer points give limits nobody should act on


def signals_table(world: World, *, better: dict[str, str], denominators: pd.DataFrame | None = None) -> pd.DataFrame:
    """The last period's SPC signal of every unit and indicator, and the figures that need checking.

    Parameters
    ----------
    world : World
    better : dict
        Indicator -> "up" or "down".
    denominators : DataFrame, optional
        The "denominators" table of counts, for quotas that are met by a small part of the population.

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
    if denominators is not None:
        tables.append(_quotas(world, denominators))
    tables = [one for one in tables if len(one)]
    if not tables:
        return pd.DataFrame(columns=list(_SIGNALS))
    table = pd.concat(tables, ignore_index=True)[[*_SIGNALS]].drop_duplicates(
        ["unit", "indicator", "period", "signal", "rule"]
    )
    return table.sort_values(["unit", "indicator", "signal", "rule"], kind="stable", ignore_index=True)


def _special(name: str, panel: Panel, *, up: bool) -> pd.DataFrame:
    """Special causes of the last observed period: around the trend of the last two years, season taken out.

    Shares are charted on the logit scale, counts that only grow by their growth. Without trend and season a share with
    its counts has a P-prime chart. Around a trend only points beyond the limits count: runs would find the bend of the
    line.
    """
    values = panel.usable()
    scaled = on_scale_of(panel)
    seasonal = signals.without_season(scaled, season_length=panel.season_length)
    charted = np.where(np.arange(panel.n_periods) >= panel.n_periods - WINDOW, seasonal, np.nan)
    limits, slope = signals.around_trend(charted)
    rules = signals.special_causes(charted, limits)
    rules = np.where((slope != 0)[:, None] & ~np.isin(rules, _OUTSIDE), "", rules)
    chart = np.where(slope != 0, "trend", "xmr").astype(object)
    if panel.kind == "rate" and panel.numerator is not None and panel.denominator is not None and seasonal is scaled:
        flat = slope == 0
        top = np.where(np.isfinite(charted), panel.numerator, np.nan)
        counted = signals.p_prime(top, np.where(np.isfinite(charted), panel.denominator, np.nan))
        own = signals.special_causes(np.where(np.isfinite(charted), values, np.nan), counted)
        rules, chart = np.where(flat[:, None], own, rules), np.where(flat, "p_prime", chart)
        limits = signals.Limits(*(np.where(flat[:, None], b, a) for a, b in zip(_parts(limits), _parts(counted))))
    return _rows(name, panel, charted, rules, signals.point_types(rules, up=up), limits, chart)


def on_scale_of(panel: Panel) -> np.ndarray:
    """What is charted, before the season is taken out: logit of a share, growth of a growing count, else itself."""
    values = panel.usable()
    scaled = on_scale(values, kind=panel.kind, denominator=panel.denominator, resolution=panel.resolution)
    if panel.cumulative and panel.kind == "count":
        return np.concatenate([np.full((panel.n_units, 1), np.nan), np.diff(scaled, axis=1)], axis=1)
    return scaled


def _parts(limits: signals.Limits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return limits.centre, limits.lower, limits.upper


def _rows(name: str, panel: Panel, charted, rules, types, limits: signals.Limits, chart: np.ndarray) -> pd.DataFrame:
    """One row a unit whose last charted point is a special cause; limits as shares or counts again."""
    known = np.isfinite(charted)
    last = panel.n_periods - 1 - np.argmax(known[:, ::-1], axis=1)
    at = (np.arange(panel.n_units), last)
    keep = (known.sum(axis=1) >= LEAST_POINTS) & (rules[at] != "") & (last == panel.n_periods - 1)
    natural = (panel.kind == "rate") & (chart != "p_prime")
    edges = {}
    for edge, block in zip(("centre", "lower", "upper"), _parts(limits)):
        on_chart = block[at]
        moved = on_chart + (on_scale_of(panel)[at] - charted[at])  # the season of this month back on
        edges[edge] = np.where(natural, 1 / (1 + np.exp(-moved)), on_chart if panel.kind == "rate" else moved)
    growth = panel.cumulative and panel.kind == "count"
    value = panel.usable()[at] if not growth else panel.usable()[at] - panel.usable()[at[0], np.clip(last - 1, 0, None)]
    table = {
        "unit": np.array(panel.units, dtype=object),
        "indicator": name,
        "period": np.array(panel.periods, dtype=object)[last],
        "signal": types[at],
        "rule": np.array([f"{one}:{two}" for one, two in zip(chart, rules[at])], dtype=object),
        "value": value,
        **edges,
    }
    return pd.DataFrame(table)[keep]


def _checks(name: str, panel: Panel) -> pd.DataFrame:
    """Level jumps, falling denominators and end-of-period surges of one indicator, of the last two years.

    A place jumps when others move: ranks are not looked at.
    """
    if panel.kind == "rank":
        return pd.DataFrame()
    values, oldest = panel.usable(), panel.n_periods - WINDOW
    scaled = on_scale(values, kind=panel.kind, denominator=panel.denominator, resolution=panel.resolution)
    jumps = suspicions.level_jumps(scaled)
    if panel.kind == "rate":
        at = (np.arange(panel.n_units), np.clip(jumps, 0, None))
        step = np.abs(values[at] - values[at[0], np.clip(jumps - 1, 0, None)])
        jumps = np.where(step >= LEAST_JUMP, jumps, -1)
    parts = [_flag(name, panel, np.where(jumps >= oldest, jumps, -1), "level_jump")]
    if panel.denominator is not None:
        dropped = suspicions.denominator_drops(panel.denominator)
        column = np.where(dropped, panel.n_periods - 1, -1)
        parts.append(_flag(name, panel, column, "denominator_drop", value=panel.denominator))
    if panel.periods[0].count("-") == 1 and "Q" not in panel.periods[0]:
        months = np.array([int(one[-2:]) for one in panel.periods])
        surges = suspicions.end_of_period_surges(scaled, months=months)
        column = np.where(surges.any(axis=1), panel.n_periods - 1 - np.argmax(surges[:, ::-1], axis=1), -1)
        parts.append(_flag(name, panel, np.where(column >= oldest, column, -1), "end_of_period"))
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


def _quotas(world: World, denominators: pd.DataFrame) -> pd.DataFrame:
    """Quotas that are met while only a small part of the population is."""
    odd = denominators[
        suspicions.quota_against_population(denominators["share_of_quota"], denominators["share_of_population"])
    ]
    indicator = {one.target: one.indicator for one in world.promises}
    ends = {name: panel.periods[-1] for name, panel in world.panels.items()}
    named = odd["target"].map(indicator)
    return pd.DataFrame(
        {
            "unit": odd["unit"],
            "indicator": named,
            "period": named.map(ends),
            "signal": "quota_population",
            "rule": odd["target"],
            "value": odd["share_of_quota"],
            "centre": odd["share_of_population"],
            "lower": np.nan,
            "upper": np.nan,
        }
    )


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
        values = values[:, : case.horizon] if case.horizon < 0 else values  # a past deadline: as it stood then
        if not values.shape[1]:
            continue
        reached = own["attained_now"].to_numpy(dtype=bool)
        reached = np.where(own["settled"], own["p_attain"] == 1, reached)
        limits = signals.xmr(values)
        target = own["threshold"].to_numpy(dtype=float)
        exact = signals.assurance(limits, target=target, up=up)
        _, slope = signals.around_trend(values)
        table = cross_walk(
            own["status"].to_numpy(),
            values,
            target=target,
            horizon=max(case.horizon, 0),
            up=up,
            reached=reached,
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
