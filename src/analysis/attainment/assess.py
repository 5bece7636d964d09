"""Every promise and unit: probability, status, evidence, and what is needed. One row each, none dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.attainment.events.level import level_at
from analysis.attainment.options import AssessOptions
from analysis.attainment.promise import Promise, promises_of
from analysis.attainment.rollup import add_sub_units
from analysis.attainment.status import bounded, grade_of, status_of
from analysis.attainment.world import Case, Outcome, World
from analysis.words.schema import ASSESSMENTS, as_table

EVENTS: dict[str, Callable[[Case], Outcome]] = {"level_at": level_at}


@dataclass(frozen=True)
class Assessed:
    """Assessments (``schema.ASSESSMENTS``) and the tables that single kinds add."""

    assessments: pd.DataFrame
    extra: dict[str, pd.DataFrame]


def assess(
    targets: Iterable[object],
    *,
    panels: Mapping[str, object],
    predictives: Mapping[str, object],
    units: pd.DataFrame,
    indicators: pd.DataFrame,
    cutoff: str,
    options: AssessOptions | None = None,
    previous: pd.DataFrame | None = None,
    tasks: pd.DataFrame | None = None,
) -> Assessed:
    """Assess every target for every unit it binds.

    Parameters
    ----------
    targets : iterable of registry.targets.Target or Promise
    panels : mapping
        Indicator -> Panel that ends at the cutoff.
    predictives : mapping
        Indicator -> Predictive; a missing one gives rows that are not assessable, with their reason.
    units, indicators : DataFrame
        ``schema.UNITS`` and ``schema.INDICATORS``.
    cutoff : str
        Period code; goes into the key.
    options : AssessOptions, optional
    previous : DataFrame, optional
        ``schema.ASSESSMENTS`` of the cutoff before: hysteresis and change.
    tasks : DataFrame, optional
        See :mod:`analysis.attainment.tasks`.

    Returns
    -------
    Assessed

    Raises
    ------
    ParamsError
        A kind or an operator that is not known.
    """
    options = options or AssessOptions()
    world = World(
        promises=tuple(_promises(targets, units=units, indicators=indicators)),
        panels=panels,
        predictives=predictives,
        units=units,
        cutoff=cutoff,
        options=options,
        declared_cumulative=_declared(indicators),
        tasks=tasks,
    )
    return assess_world(world, previous=previous)


def assess_world(world: World, *, previous: pd.DataFrame | None = None) -> Assessed:
    """Assess the promises of a prepared world; see :func:`assess`."""
    frames, extra = [], {}
    for promise in sorted(world.promises, key=lambda one: one.target):
        outcome = EVENTS[promise.kind](world.case(promise))
        frames.append(_described(outcome.frame, promise))
        for name, table in outcome.extra.items():
            if len(table):
                extra.setdefault(name, []).append(table.assign(target=promise.target))
    if not frames:
        return Assessed(ASSESSMENTS.empty(), {})
    frame = pd.concat([one for one in frames if len(one)] or frames[:1], ignore_index=True)
    frame["cutoff"] = world.cutoff
    _judge(frame, world, previous)
    add_sub_units(frame, world)
    table = as_table(frame[[name for name in ASSESSMENTS.columns if name in frame]], ASSESSMENTS)
    return Assessed(table, {name: pd.concat(tables, ignore_index=True) for name, tables in sorted(extra.items())})


def _promises(targets: Iterable[object], *, units: pd.DataFrame, indicators: pd.DataFrame) -> list[Promise]:
    targets = list(targets)
    ready = [one for one in targets if isinstance(one, Promise)]
    typed = [one for one in targets if not isinstance(one, Promise)]
    if not typed:
        return ready
    from analysis.registry.targets import units_of

    better = dict(zip(indicators["indicator"], indicators["better"]))
    return ready + promises_of(typed, units=units, units_of=units_of, better=better)


def _declared(indicators: pd.DataFrame) -> frozenset[str]:
    if "cumulative" not in indicators:
        return frozenset()
    return frozenset(indicators.loc[indicators["cumulative"].fillna(False).astype(bool), "indicator"])


def _described(frame: pd.DataFrame, promise: Promise) -> pd.DataFrame:
    return frame.assign(
        target=promise.target,
        indicator=promise.indicator,
        kind=promise.kind,
        operator=promise.operator,
        deadline=promise.deadline or "",
    )


def _judge(frame: pd.DataFrame, world: World, previous: pd.DataFrame | None) -> None:
    """Grade, bounded probability, status with hysteresis; in place."""
    options = world.options
    settled = frame["settled"].to_numpy(dtype=bool)
    frame["grade"] = grade_of(
        frame["n_points"].to_numpy(),
        n_origins=frame["n_origins"].to_numpy(),
        stale=frame["stale"].to_numpy(),
        min_points=options.min_points,
        max_stale_share=options.max_stale_share,
        broken=frame["broken"].to_numpy(dtype=bool),
    )
    frame["p_attain"] = bounded(frame["p"].to_numpy(dtype=float), settled=settled, floor=options.p_floor)
    short = (frame["grade"] == "D") & ~settled & (frame["reason"] == "")
    frame.loc[short & (frame["n_points"] < options.min_points), "reason"] = "too_few_points"
    frame.loc[short & (frame["n_points"] >= options.min_points), "reason"] = "series_ended"
    frame.loc[np.isnan(frame["p_attain"]) & (frame["reason"] == ""), "reason"] = "no_forecast"
    before = _previous(frame, previous)
    frame["previous_status"], frame["previous_p"] = before["status"].to_numpy(), before["p_attain"].to_numpy()
    frame["status"] = status_of(
        frame["p_attain"],
        settled=settled,
        attained_now=frame["attained_now"].to_numpy(dtype=bool),
        grade=frame["grade"].to_numpy(),
        cut_points=options.cut_points,
        margin=options.hysteresis_margin,
        previous=np.where(before["same"], before["status"], ""),
    )


def _previous(frame: pd.DataFrame, previous: pd.DataFrame | None) -> pd.DataFrame:
    """Status and p of the cutoff before, and whether the promise still has the same text."""
    empty = pd.DataFrame({"status": [""] * len(frame), "p_attain": np.nan, "same": False})
    if previous is None or previous.empty:
        return empty
    text = ["threshold", "operator", "deadline"]
    before = previous.sort_values("cutoff", kind="stable").drop_duplicates(["unit", "target"], keep="last")
    before = before.set_index(["unit", "target"])[["status", "p_attain", *text]]
    before = before.reindex(pd.MultiIndex.from_frame(frame[["unit", "target"]]))
    now = frame[text].reset_index(drop=True)
    before = before.reset_index(drop=True)
    same = (before["operator"] == now["operator"]) & (before["deadline"] == now["deadline"])
    same &= np.isclose(before["threshold"], now["threshold"], rtol=1e-12, equal_nan=True)
    return pd.DataFrame({"status": before["status"].fillna(""), "p_attain": before["p_attain"], "same": same})
