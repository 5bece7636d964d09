"""Every promise and unit: probability, status, evidence, and what is needed. One row each, none dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from analysis.attainment.annexes import crosswalk_table, signals_table
from analysis.attainment.contributions import contributions
from analysis.attainment.events.composite import score_ge
from analysis.attainment.events.counting import coverage_all, cumulative_count, relative_change
from analysis.attainment.events.level import level_at
from analysis.attainment.events.listing import tasks_k_of_n
from analysis.attainment.events.milestones import add_milestones
from analysis.attainment.events.ranking import rank_le
from analysis.attainment.events.several import SOLVED, conditional, directional, indicators_k_of_n
from analysis.attainment.events.sustained import sustained_from
from analysis.attainment.options import AssessOptions
from analysis.attainment.promise import Promise, promises_of
from analysis.attainment.rollup import add_sub_units, roll_up
from analysis.attainment.status import before_of, bounded, flip_flops, grade_of, status_of
from analysis.attainment.whatif import scenarios
from analysis.attainment.world import Case, Outcome, World
from analysis.registry.targets import units_of
from analysis.words.errors import ParamsError, Problem, did_you_mean, require
from analysis.words.schema import ASSESSMENTS, as_table

EVENTS: dict[str, Callable[[Case], Outcome]] = {
    "level_at": level_at,
    "sustained_from": sustained_from,
    "cumulative_count": cumulative_count,
    "coverage_all": coverage_all,
    "tasks_k_of_n": tasks_k_of_n,
    "rank_le": rank_le,
    "score_ge": score_ge,
    "relative_change": relative_change,
    "directional": directional,
    "indicators_k_of_n": indicators_k_of_n,
}
EVENTS["conditional"] = partial(conditional, events=EVENTS)
LAST = ("indicators_k_of_n",)  # kinds that look at the answers to others


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
    annexes: bool = True,
) -> Assessed:
    """Assess every target for every unit it binds.

    Parameters
    ----------
    targets : iterable of registry.targets.Target
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
        ``schema.ASSESSMENTS`` of the cutoff before: hysteresis and change. With several cutoffs the latest counts, and
        the flip-flop index is reported.
    tasks : DataFrame, optional
        See :mod:`analysis.attainment.tasks`.
    annexes : bool
        False leaves out roll-ups, scenarios, labels and signals: for past cutoffs, where only p counts.

    Returns
    -------
    Assessed
        ``extra`` holds, where there is something to say: pace, milestones; by kind readings, denominators, coverage,
        baselines, ranks, components, members, k_of_n, directional, tasks, task_counts; beside all rollup,
        contributions, scenarios, crosswalk_labels, signals, flip_flops. Each has columns unit and target (signals:
        unit and indicator).

    Raises
    ------
    ParamsError
        A kind or an operator that is not known.
    """
    options = options or AssessOptions()
    better = dict(zip(indicators["indicator"], indicators["better"]))
    world = World(
        promises=tuple(promises_of(targets, units=units, units_of=units_of, better=better)),
        panels=panels,
        predictives=predictives,
        units=units,
        cutoff=cutoff,
        options=options,
        declared_cumulative=_declared(indicators),
        tasks=tasks,
    )
    return assess_world(world, previous=previous, better=better, annexes=annexes)


def assess_world(
    world: World, *, previous: pd.DataFrame | None = None, better: Mapping[str, str] | None = None, annexes: bool = True
) -> Assessed:
    """Assess the promises of a prepared world; see :func:`assess`. Without `annexes` only the kinds' own extra
    tables."""
    world.memory.setdefault(SOLVED, {})
    check_kinds(world.promises)
    extra: dict[str, list[pd.DataFrame]] = {}
    tables = []
    for turn in (False, True):
        own = [one for one in world.promises if (one.kind in LAST) is turn]
        frames = [_outcome(world, one, extra) for one in sorted(own, key=lambda one: one.target)]
        frames = [one for one in frames if len(one)]
        if frames:
            frame = pd.concat(frames, ignore_index=True)
            _judge(frame, world, previous)
            _remember(frame, world)
            tables.append(frame)
    if not tables:
        return Assessed(ASSESSMENTS.empty(), {})
    frame = pd.concat(tables, ignore_index=True)
    add_sub_units(frame, world)
    for name, table in (_annexes(frame, world, better or {}, extra, previous) if annexes else {}).items():
        if len(table):
            extra.setdefault(name, []).append(table)
    table = as_table(frame[[name for name in ASSESSMENTS.columns if name in frame]], ASSESSMENTS)
    return Assessed(table, {name: _sorted(tables) for name, tables in sorted(extra.items())})


def _annexes(
    frame: pd.DataFrame,
    world: World,
    better: Mapping[str, str],
    extra: Mapping[str, list[pd.DataFrame]],
    previous: pd.DataFrame | None,
) -> dict[str, pd.DataFrame]:
    denominators = pd.concat(extra["denominators"], ignore_index=True) if "denominators" in extra else None
    return {
        "flip_flops": flip_flops(frame, previous),
        "rollup": roll_up(frame, world),
        "contributions": contributions(frame, world),
        "scenarios": scenarios(frame, world),
        "crosswalk_labels": crosswalk_table(frame, world),
        "signals": signals_table(world, better=dict(better), denominators=denominators),
    }


def check_kinds(promises: Iterable[Promise]) -> None:
    """Raise where a promise is of a kind that has no event.

    Raises
    ------
    ParamsError
        With every such promise at once.
    """
    allowed = ", ".join(EVENTS)
    require(
        [
            Problem(f"target {one.target}: kind", f"{one.kind!r} is not known", allowed, did_you_mean(one.kind, EVENTS))
            for one in promises
            if one.kind not in EVENTS
        ],
        ParamsError,
    )


def _outcome(world: World, promise: Promise, extra: dict[str, list[pd.DataFrame]]) -> pd.DataFrame:
    case = world.case(promise)
    outcome = EVENTS[promise.kind](case)
    if promise.milestones and (case.panel is not None or promise.kind in ("score_ge", "tasks_k_of_n")):
        add_milestones(outcome, case, event=EVENTS[promise.kind])
    for name, table in outcome.extra.items():
        if len(table):
            extra.setdefault(name, []).append(table.assign(target=promise.target))
    return _described(outcome.frame, promise).assign(cutoff=world.cutoff)


def _remember(frame: pd.DataFrame, world: World) -> None:
    """Keep the answers for the promises that are about other promises."""
    names = ["p_attain", "settled", "attained_now", "grade", "n_points", "n_origins"]
    for row in frame[["unit", "target", *names]].to_dict("records"):
        world.memory[SOLVED][row["unit"], row["target"]] = row


def _sorted(tables: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    key = [
        one
        for one in ("target", "unit", "scenario", "reading", "component", "member", "period", "place", "task")
        if one in table
    ]
    return table.sort_values(key, kind="stable", ignore_index=True)


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
    frame.loc[short & frame["broken"].astype(bool), "reason"] = "break"
    short &= frame["reason"] == ""
    frame.loc[short & (frame["n_points"] < options.min_points), "reason"] = "too_few_points"
    frame.loc[short & (frame["n_points"] >= options.min_points), "reason"] = "series_ended"
    frame.loc[np.isnan(frame["p_attain"]) & (frame["reason"] == ""), "reason"] = "no_forecast"
    before = before_of(frame, previous)
    frame["previous_status"], frame["previous_p"] = before["status"].to_numpy(), before["p_attain"].to_numpy()
    frame["status"] = status_of(
        frame["p_attain"],
        settled=settled,
        attained_now=frame["attained_now"].to_numpy(dtype=bool),
        grade=np.where(frame["reason"] != "", "D", frame["grade"]),
        cut_points=options.cut_points,
        margin=options.hysteresis_margin,
        previous=np.where(before["same"], before["status"], ""),
    )
