"""Every target and unit: probability, status, evidence, and what is needed. One row each, none dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from analysis.attainment.events.composite import score_ge
from analysis.attainment.events.counting import coverage_all, cumulative_count, relative_change
from analysis.attainment.events.level import add_milestones, level_at
from analysis.attainment.events.ranking import rank_le
from analysis.attainment.events.several import SOLVED, conditional, directional, indicators_k_of_n
from analysis.attainment.events.sustained import sustained_from
from analysis.attainment.events.tasks import tasks_k_of_n
from analysis.attainment.labels import crosswalk_table
from analysis.attainment.rollup import add_sub_units, contributions, roll_up
from analysis.attainment.signals import signals_table
from analysis.attainment.status import bounded, flip_flops, grade_of, with_statuses
from analysis.attainment.whatif import scenarios
from analysis.attainment.world import Case, Outcome, World
from analysis.forecasting.panel import Panel
from analysis.registry.kinds import Target
from analysis.words.errors import Problem, did_you_mean
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
_ANSWER = ["p_attain", "settled", "attained_now", "grade", "n_points", "n_origins"]  # what they look at
# columns of the kinds' own tables that are probabilities about the target
PROBABILITIES = ("p", "p_all", "p_quota", "p_population", "p_joint", "p_if_independent", "p_attain")
_KEY = ("target", "unit", "scenario", "reading", "component", "member", "period", "place", "task")


@dataclass(frozen=True)
class Assessed:
    """Assessments (``schema.ASSESSMENTS``) and the tables that single kinds add."""

    assessments: pd.DataFrame
    extra: dict[str, pd.DataFrame]


def assess(world: World, *, previous: pd.DataFrame | None = None, annexes: bool = True) -> Assessed:
    """Assess every target for every unit it binds.

    `previous` assessments give hysteresis and change; of several cutoffs the latest counts, and the flip-flop index is
    reported. Past cutoffs need no `annexes`: roll-ups, scenarios, labels and signals. ``extra`` holds, where there is
    something to state: pace, milestones; by kind readings, denominators, coverage, baselines, ranks, components,
    members, k_of_n, directional, tasks, task_counts; and the annexes rollup, contributions, scenarios,
    crosswalk_labels, signals, flip_flops. Each has columns unit and target (signals: unit and indicator).
    """
    solved = world.memory.setdefault(SOLVED, {})
    extra: dict[str, list[pd.DataFrame]] = {}
    frames = []
    for is_last in (False, True):
        cases = [case for case in world.cases if (case.target.kind in LAST) is is_last]
        found = [frame for frame in (_outcome(case, extra) for case in cases) if len(frame)]
        if found:
            frame = _judged(pd.concat(found, ignore_index=True), world, previous)
            for row in frame[["unit", "target", *_ANSWER]].to_dict("records"):
                solved[row["unit"], row["target"]] = row
            frames.append(frame)
    if not frames:
        return Assessed(ASSESSMENTS.empty(), {})
    frame = pd.concat(frames, ignore_index=True)
    add_sub_units(frame, world)
    _withhold(extra, frame)
    if annexes:
        _add_annexes(extra, frame, world, previous)
    table = as_table(frame[[name for name in ASSESSMENTS.columns if name in frame]], ASSESSMENTS)
    return Assessed(table, {name: _sorted(tables) for name, tables in sorted(extra.items())})


def check_targets(
    targets: Sequence[Target], *, panels: Mapping[str, Panel], places: Mapping[str, str]
) -> list[Problem]:
    """Scores whose components, and ranks whose peers, have no data; `places` maps targets to their file and entry."""
    found = []
    for target in targets:
        where = places.get(target.target, f"target {target.target}")
        for name in sorted(set(target.weights) - set(panels)) if target.kind == "score_ge" else ():
            remedy = did_you_mean(name, panels) or "Add its source"
            found.append(Problem(f"{where}: components", f"component {name!r} has no data", "", remedy))
        panel = panels.get(target.indicator)
        if target.kind == "rank_le" and panel is not None and panel.kind != "rank":
            n_known, remedy = len(set(target.peers) & set(panel.units)), "Name the peers, or their level in the tree"
            if n_known < 2:
                seen = f"{n_known} of {len(target.peers)} peers have data"
                found.append(Problem(f"{where}: peers", seen, "at least two peers with data", remedy))
    return found


def _outcome(case: Case, extra: dict[str, list[pd.DataFrame]]) -> pd.DataFrame:
    """What the case's event says, as rows of the assessments; its own tables are added to `extra`."""
    target, event = case.target, EVENTS[case.target.kind]
    outcome = event(case)
    if target.milestones and (case.panel is not None or target.kind in ("score_ge", "tasks_k_of_n")):
        add_milestones(outcome, case, event=event)
    for name, table in outcome.extra.items():
        _add(extra, name, table.assign(target=target.target))
    return outcome.frame.assign(
        target=target.target,
        indicator=target.indicator,
        kind=target.kind,
        operator=case.operator,
        deadline=case.deadline or "",
        cutoff=case.world.cutoff,
    )


def _withhold(extra: dict[str, list[pd.DataFrame]], frame: pd.DataFrame) -> None:
    """No probability of what cannot be assessed is stored, in no table; in place."""
    unknown = frame.loc[frame["status"] == "not_assessable", ["unit", "target"]]
    unknown = pd.MultiIndex.from_frame(unknown)
    for tables in extra.values():
        for at, table in enumerate(tables):
            withheld = [name for name in PROBABILITIES if name in table]
            if not withheld or "unit" not in table or not len(table):
                continue
            lost = pd.MultiIndex.from_frame(table[["unit", "target"]]).isin(unknown)
            if "scenario" in table:
                tables[at] = table[~lost]
                continue
            if "settled" in table:
                lost &= ~table["settled"].to_numpy(dtype=bool)
            tables[at] = table.assign(**{name: table[name].mask(lost) for name in withheld})


def _add_annexes(extra: dict[str, list[pd.DataFrame]], frame: pd.DataFrame, world: World, previous) -> None:
    denominators = pd.concat(extra["denominators"], ignore_index=True) if "denominators" in extra else None
    _add(extra, "flip_flops", flip_flops(frame, previous))
    _add(extra, "rollup", roll_up(frame, world))
    _add(extra, "contributions", contributions(frame, world))
    _add(extra, "scenarios", scenarios(frame, world))
    _add(extra, "crosswalk_labels", crosswalk_table(frame, world))
    _add(extra, "signals", signals_table(world, denominators=denominators))


def _add(extra: dict[str, list[pd.DataFrame]], name: str, table: pd.DataFrame) -> None:
    if len(table):
        extra.setdefault(name, []).append(table)


def _sorted(tables: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values([name for name in _KEY if name in table], kind="stable", ignore_index=True)


def _judged(frame: pd.DataFrame, world: World, previous: pd.DataFrame | None) -> pd.DataFrame:
    """Add grade, bounded probability, the reason where there is none, and status with hysteresis."""
    options = world.options
    settled, broken = frame["settled"].to_numpy(dtype=bool), frame["broken"].to_numpy(dtype=bool)
    few = (frame["n_points"] < options.min_points).to_numpy()
    grade = grade_of(
        frame["n_points"].to_numpy(),
        n_origins=frame["n_origins"].to_numpy(),
        stale=frame["stale"].to_numpy(),
        min_points=options.min_points,
        max_stale_share=options.max_stale_share,
        broken=broken,
    )
    p = bounded(frame["p"].to_numpy(dtype=float), settled=settled, floor=options.p_floor)
    weak = np.where(broken, "break", np.where(few, "too_few_points", "series_ended"))
    lacking = np.where((grade == "D") & ~settled, weak, np.where(np.isnan(p), "no_forecast", ""))
    reason = np.where(frame["reason"] == "", lacking, frame["reason"])
    frame = frame.assign(grade=grade, p_attain=p, reason=reason)
    frame = with_statuses(frame, previous, bands=options.bands)
    withheld = (frame["status"] == "not_assessable").to_numpy()
    return frame.assign(p_attain=frame["p_attain"].mask(withheld), p_raw=frame["p_raw"].mask(withheld))
