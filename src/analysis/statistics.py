"""The statistics of a run: one cutoff, the past cutoffs it needs, a parallel map over independent groups of indicators.

The same functions make today's assessment, last quarter's (for "what changed") and those of earlier quarters (for the
scorecard): only the cutoff differs, and nothing later than it is used. Indicators that no target joins are computed in
parallel, each group in a process of its own; the numbers do not depend on how many processes there are.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analysis import records
from analysis.attainment.assess import Assessed, assess, check_targets
from analysis.attainment.world import AssessOptions, World
from analysis.forecasting.backtest import Plan, backtest_panel, cutoff_columns
from analysis.forecasting.calibration import Event
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.evidence import evidence
from analysis.forecasting.panel import Panel, as_panel
from analysis.forecasting.predictive import Predictive
from analysis.intake import Inputs
from analysis.intake.inputs import check_deadlines
from analysis.intake.then import at_median, digest_of, figures_then, first_known, inputs_by_stage
from analysis.records.register import Past
from analysis.registry.params import RunParams
from analysis.registry.targets import (
    Target,
    entries_table,
    indicators_of,
    members_of,
    targets_of_entries,
    units_of,
)
from analysis.words import periods, schema
from analysis.words.errors import ModelError, ParamsError, Problem, require

MAX_HORIZON = 120  # periods; a promise further off is assessed as far as this and says so
EVIDENCE_KINDS = ("level_at", "cumulative_count", "sustained_from")  # events that a backtest can ask again
EVIDENCE_HORIZONS = {"M": (3, 6, 12), "Q": (1, 2, 4), "Y": (1, 2)}
N_ORIGINS = 4
HAIR = 1e-8  # above the tolerance with which thresholds are compared, below anything published
N_STATUS_QUARTERS = 3  # quarters before this one whose statuses tell whether colours go back and forth
MIN_HISTORY = 4  # points before a past cutoff


@dataclasses.dataclass(frozen=True)
class Forecasted:
    """Panels and predictive distributions of every indicator, as known at `cutoff`."""

    cutoff: str
    panels: dict[str, Panel]
    predictives: dict[str, Predictive]


def cutoff_of(inputs: Inputs, *, params: RunParams) -> str:
    """The run's cutoff: as the params say, else the last period that any indicator was observed in.

    In the finest frequency that an indicator has, so that ``2026Q3`` and ``2026-09`` are one cutoff for months.
    """
    cutoff = params.cutoff
    if cutoff is None:
        observed = inputs.observations.loc[inputs.observations["value"].notna(), "period"].unique()
        cutoff = max(observed, key=lambda code: (periods.last_day(code), -len(code)))
    return periods.last_ended(cutoff, periods.finest(inputs.indicators["frequency"]))


def quarter_before(cutoff: str, *, quarters: int = 1) -> str:
    """The cutoff `quarters` quarters earlier.

    >>> quarter_before("2026-09"), quarter_before("2026-Q1", quarters=2)
    ('2026-06', '2025-Q3')
    """
    return periods.shift(cutoff, -quarters * periods.A_QUARTER[periods.frequency_of(cutoff)])


def deadlines_of(targets: Iterable[Target]) -> tuple[str, ...]:
    """The deadlines of targets, each once, sorted."""
    return tuple(sorted({one.deadline for one in targets if getattr(one, "deadline", None)}))


def horizon_of(*, indicator: dict, cutoff: str, params: RunParams, deadlines: Iterable[str]) -> int:
    """How many periods ahead an indicator is forecast: the fan's length, or the last deadline if that is later."""
    start = periods.last_ended(cutoff, indicator["frequency"])
    ahead = [periods.between(start, one) for one in deadlines]
    return int(min(MAX_HORIZON, max([params.horizon_periods, *ahead])))


def panels_at(inputs: Inputs, *, cutoff: str) -> dict[str, Panel]:
    """Every indicator's figures as known at `cutoff`; an indicator without an observation by then is left out."""
    by_indicator = dict(tuple(inputs.observations.groupby("indicator", sort=False)))
    panels = {}
    for indicator in inputs.indicators.to_dict("records"):
        start = periods.last_ended(cutoff, indicator["frequency"])
        rows = by_indicator.get(indicator["indicator"])
        if rows is not None and ((rows["period"] <= start) & rows["value"].notna()).any():
            panels[indicator["indicator"]] = as_panel(rows, indicator=indicator, cutoff=start)
    return panels


def check_promises(inputs: Inputs, *, cutoff: str, places: Mapping[str, str] = MappingProxyType({})) -> None:
    """Refuse promises whose deadline has passed, or whose components or peers have no data, all at once.

    `places` maps the code of a target to its file and entry, for the messages.
    """
    dated = {"observations": inputs.observations, "indicators": inputs.indicators, "cutoff": cutoff}
    passed = check_deadlines(inputs.targets, **dated, places=places)
    require(
        [*passed, *check_targets(inputs.targets, panels=panels_at(inputs, cutoff=cutoff), places=places)], ParamsError
    )


def forecast_quarter(
    inputs: Inputs,
    *,
    cutoff: str,
    params: RunParams,
    deadlines: Iterable[str] | None = None,
) -> Forecasted:
    """Forecast every indicator from what was known at `cutoff`, as far as the last of `deadlines` (default: all)."""
    deadlines = deadlines_of(inputs.targets) if deadlines is None else tuple(deadlines)
    options = Options(seed=params.seed)
    panels, predictives = panels_at(inputs, cutoff=cutoff), {}
    for indicator in inputs.indicators.to_dict("records"):
        code = indicator["indicator"]
        if code in panels:
            horizon = horizon_of(indicator=indicator, cutoff=cutoff, params=params, deadlines=deadlines)
            predictives[code] = forecast_panel(panels[code], horizon=horizon, options=options)
    return Forecasted(cutoff, panels, predictives)


def assess_quarter(
    inputs: Inputs,
    forecasted: Forecasted,
    *,
    params: RunParams,
    previous: pd.DataFrame | None = None,
    annexes: bool = True,
) -> Assessed:
    """Turn forecasts into probabilities and statuses; `previous` assessments feed the hysteresis.

    Without `annexes` (past quarters) only the assessments themselves and what a kind cannot do without are made.
    """
    world = _world(inputs, forecasted, options=assess_options(params))
    return assess(world, previous=previous, annexes=annexes)


def _world(inputs: Inputs, forecasted: Forecasted, *, options: AssessOptions) -> World:
    return World(
        targets=inputs.targets,
        panels=forecasted.panels,
        predictives=forecasted.predictives,
        units=inputs.units,
        indicators=inputs.indicators,
        cutoff=forecasted.cutoff,
        options=options,
        tasks=inputs.tasks,
    )


def scenarios_of(inputs: Inputs, *, target: str, params: RunParams, points: float) -> pd.DataFrame:
    """What-if rows of one target when its share gains `points` (a fraction) a period more than forecast."""
    groups = independent_groups(inputs)
    part = next(group for group in groups if target in {one.target for one in group.targets})
    cutoff, deadlines = cutoff_of(inputs, params=params), deadlines_of(inputs.targets)
    now = forecast_quarter(part, cutoff=cutoff, params=params, deadlines=deadlines)
    options = dataclasses.replace(assess_options(params), scenario_points=points)
    rows = assess(_world(part, now, options=options)).extra.get("scenarios", pd.DataFrame(columns=["target"]))
    return rows[rows["target"] == target]


def status_cutoffs(cutoff: str) -> list[str]:
    """The quarters before `cutoff` whose statuses count, oldest first.

    >>> status_cutoffs("2026-09")
    ['2025-12', '2026-03', '2026-06']
    """
    return [quarter_before(cutoff, quarters=back) for back in range(N_STATUS_QUARTERS, 0, -1)]


def assess_options(params: RunParams) -> AssessOptions:
    """What the params say about assessments."""
    return AssessOptions(
        cut_points=params.cut_points.model_dump(),
        hysteresis_margin=params.hysteresis_margin,
        min_points=params.min_points,
        horizon_periods=params.horizon_periods,
        n_paths=params.n_paths,
        seed=params.seed,
    )


def forecasts_table(forecasted: Forecasted, *, interval_levels: Iterable[float]) -> pd.DataFrame:
    """Predicted quantiles of every unit, indicator and horizon (``schema.FORECASTS``).

    `interval_levels` are central intervals as fractions; the median is always there.
    """
    levels = sorted({0.5, *(round(0.5 + side * one / 2, 6) for one in interval_levels for side in (-1, 1))})
    parts = []
    for code, panel in forecasted.panels.items():
        quantiles = forecasted.predictives[code].quantiles(levels)  # (units, horizons, levels)
        n_units, n_horizons, n_levels = quantiles.shape
        frequency = periods.frequency_of(panel.periods[-1])
        last = int(periods.ordinals(panel.periods[-1:])[0])
        ahead = np.array(periods.codes(range(last + 1, last + 1 + n_horizons), frequency=frequency), dtype=object)
        horizons = np.arange(1, n_horizons + 1)
        parts.append(
            pd.DataFrame(
                {
                    "unit": np.repeat(np.array(panel.units, dtype=object), n_horizons * n_levels),
                    "indicator": code,
                    "cutoff": forecasted.cutoff,
                    "horizon": np.tile(np.repeat(horizons, n_levels), n_units),
                    "quantile_level": np.tile(levels, n_units * n_horizons),
                    "period": np.tile(np.repeat(ahead, n_levels), n_units),
                    "member": "ensemble",
                    "predicted": quantiles.reshape(-1),
                }
            )
        )
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    table = table[table["predicted"].notna()] if parts else schema.FORECASTS.empty()
    return schema.as_table(table, schema.FORECASTS, where="forecasts")


def evidence_of(cases: pd.DataFrame) -> pd.DataFrame:
    """How the forecasts did at past cutoffs (``schema.EVIDENCE``); an indicator with a short history has no row."""
    parts = [evidence(rows, indicator=code) for code, rows in cases.groupby("indicator")] if len(cases) else []
    table = pd.concat(parts, ignore_index=True) if parts else schema.EVIDENCE.empty()
    return schema.as_table(table, schema.EVIDENCE, where="evidence")


def backtest_cases(inputs: Inputs, panels: Mapping[str, Panel], *, seed: int, **options: Any) -> pd.DataFrame:
    """Past questions of every indicator with their answers and outcomes; column ``indicator`` says whose.

    `options` (`scored`, `peers`) are those of :class:`analysis.forecasting.backtest.Plan`.
    """
    parts = [indicator_cases(inputs, panel, code=code, seed=seed, **options) for code, panel in panels.items()]
    parts = [cases for cases in parts if len(cases)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def indicator_cases(inputs: Inputs, panel: Panel, *, code: str, seed: int, **options: Any) -> pd.DataFrame:
    """Past questions of one indicator; empty where its history is too short or no target can be asked again."""
    frequency = periods.frequency_of(panel.periods[-1])
    horizons = [one for one in EVIDENCE_HORIZONS[frequency] if panel.n_periods - one >= 2 * MIN_HISTORY]
    parts = []
    for at_least, thresholds in _questions(inputs, code=code, panel=panel).items() if horizons else ():
        plan, event = Plan(horizons, n_origins=N_ORIGINS, **options), Event(at_least)
        known = _known_panels(inputs, panel, plan, code=code)
        plan = dataclasses.replace(plan, known=known)
        cases = backtest_panel(panel, plan, thresholds=thresholds, event=event, options=Options(seed=seed))
        parts.append(cases.assign(indicator=code, figures_then=cases["cutoff"].isin(list(known))))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _known_panels(inputs: Inputs, panel: Panel, plan: Plan, *, code: str) -> dict[str, Panel]:
    """The indicator as it was known at the plan's cutoffs, where figures have vintages of that time."""
    seen = inputs.observations[inputs.observations["indicator"] == code]
    (indicator,) = inputs.indicators[inputs.indicators["indicator"] == code].to_dict("records")
    days = first_known(seen, periods=[panel.periods[column] for column in cutoff_columns(panel, plan)])
    found = {}
    for period, day in days.items():
        then = figures_then(seen, known_on=day, cutoff=period, kept=seen.head(0))
        found[period] = as_panel(then, indicator=indicator, cutoff=period)
    return found


def _questions(inputs: Inputs, *, code: str, panel: Panel) -> dict[bool, dict[str, np.ndarray]]:
    """Thresholds a unit of an indicator's targets, by "at least" or "at most"; NaN for units outside a target's scope.

    "More than 0.6" is asked as "at least a hair above 0.6", so that one set of past forecasts serves all.
    """
    found: dict[bool, dict[str, np.ndarray]] = {}
    for target in inputs.targets:
        if target.indicator != code or target.kind not in EVIDENCE_KINDS or target.threshold is None:
            continue
        if getattr(target, "of", "count") == "quota":
            continue  # a quota differs by unit and quarter; its past values are not known
        scope = set(units_of(target, inputs.units))
        own = getattr(target, "unit_thresholds", {})
        values = np.array([own.get(unit, target.threshold) if unit in scope else np.nan for unit in panel.units])
        at_least = target.operator.startswith(">")
        if "=" not in target.operator:
            values = values + (HAIR if at_least else -HAIR) * np.maximum(1, np.abs(values))
        found.setdefault(at_least, {})[target.target] = values
    return found


Tables = dict[str, pd.DataFrame]
CHANGES = "extra_changes"
EXTRA_ORDER = ("target", "unit", "scenario", "reading", "component", "member", "period", "task")


def independent_groups(inputs: Inputs) -> list[Inputs]:
    """Split the inputs into groups of indicators that no target joins, in the order of the registry.

    Indicators without a target go with the first group that has one.
    """
    leader: dict[str, str] = {}

    def lead(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for target in inputs.targets:
        for other in _looks_at(target):
            leader[lead(other)] = lead(f"target {target.target}")
    codes = inputs.indicators["indicator"].tolist()
    bound = {lead(f"target {target.target}") for target in inputs.targets}
    first = next((lead(f"target {target.target}") for target in inputs.targets if target.indicator), "")
    of_code = {code: found if (found := lead(f"indicator {code}")) in bound else first for code in codes}
    of_target = {target.target: lead(f"target {target.target}") for target in inputs.targets}
    groups = []
    for group in dict.fromkeys([*of_code.values(), *of_target.values()]):
        targets = tuple(target for target in inputs.targets if of_target[target.target] == group)
        part = _only(inputs, codes=[code for code in codes if of_code[code] == group], targets=targets)
        groups.append(part)
    return groups


def _looks_at(target: Target) -> list[str]:
    """What a target depends on: indicators and other targets, as ``"indicator x"``, ``"target y"``."""
    indicators = [f"indicator {code}" for code in indicators_of(target)]
    return indicators + [f"target {code}" for code in members_of(target)]


def _only(inputs: Inputs, *, codes: Sequence[str], targets: tuple[Target, ...]) -> Inputs:
    """The inputs of some indicators and targets; tasks only where a target counts tasks."""
    tasks = any("tasks_k_of_n" in (target.kind, getattr(target, "then", "")) for target in targets)
    return dataclasses.replace(
        inputs,
        indicators=inputs.indicators[inputs.indicators["indicator"].isin(codes)],
        targets=targets,
        observations=inputs.observations[inputs.observations["indicator"].isin(codes)],
        tasks=inputs.tasks if tasks else None,
    )


def map_parallel(
    tasks: Mapping[str, Callable[[], Tables]],
    *,
    jobs: int = 1,
    on_done: Callable[[], None] = lambda: None,
) -> dict[str, Tables]:
    """Call every task and return its tables, in the order of `tasks`.

    Every result passes through a Parquet file, so it is the same whichever process made it. Without ``fork`` (Windows),
    or with one job, the tasks run one after the other in this process.

    ModelError: a process ended without an answer (killed, out of memory).
    """
    with tempfile.TemporaryDirectory(prefix="candich-") as scratch:
        folders = {name: Path(scratch) / str(number) for number, name in enumerate(tasks)}
        if jobs > 1 and len(tasks) > 1 and sys.platform.startswith("linux"):
            _run_forked(tasks, folders, jobs=jobs, on_done=on_done)
        else:
            for name, task in tasks.items():
                _write_tables(task(), folders[name])
                on_done()
        return {name: _read_tables(folder) for name, folder in folders.items()}


_inherited: dict[str, tuple[Callable[[], Tables], Path]] = {}  # forked children find their task here by its name


def _run_forked(
    tasks: Mapping[str, Callable[[], Tables]], folders: Mapping[str, Path], *, jobs: int, on_done: Callable[[], None]
) -> None:
    _inherited.update({name: (task, folders[name]) for name, task in tasks.items()})
    try:
        with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=multiprocessing.get_context("fork")) as pool:
            waiting = [pool.submit(_run_inherited, name) for name in tasks]
            for done in as_completed(waiting):
                done.result()
                on_done()
    except BrokenProcessPool as error:
        found, remedy = "one of its processes was killed, by hand or for want of memory", "Free memory, or use --jobs 1"
        raise ModelError(Problem("statistics", found, "", remedy)) from error
    finally:
        _inherited.clear()


def _run_inherited(name: str) -> None:
    task, folder = _inherited[name]
    _write_tables(task(), folder)


def _write_tables(tables: Tables, folder: Path) -> None:
    folder.mkdir()
    for number, (name, table) in enumerate(tables.items()):  # the number keeps their order
        records.write_table(table, folder / f"{number:03d}" / f"{name}.parquet")


def _read_tables(folder: Path) -> Tables:
    return {path.stem: records.read_table(path) for path in sorted(folder.glob("*/*.parquet"))}


def merge_tables(parts: Iterable[pd.DataFrame], *, name: str) -> pd.DataFrame:
    """Tables of several groups as one, sorted by its key."""
    table = pd.concat(parts, ignore_index=True)
    known = schema.TABLES.get(name.removeprefix("previous_"))
    if known is not None:
        order = list(known.key)
    elif name == CHANGES:
        order = ["unit", "target"]
    else:
        order = [column for column in EXTRA_ORDER if column in table]
    places = [pd.factorize(table[column], sort=True)[0] for column in reversed(order)]  # sorting texts takes long
    return table.take(np.lexsort(places)).reset_index(drop=True) if order else table


def make_statistics(
    inputs: Inputs,
    *,
    params: RunParams,
    history: Mapping[str, Past] = MappingProxyType({}),
    jobs: int = 1,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Tables:
    """Forecast, assess, look back: today's quarter, what moved since the one before, the scorecard, the evidence.

    `history` is what the register says of earlier cutoffs: statuses, previous probabilities and scorecard come from
    nowhere else. The numbers do not depend on `jobs`. Returns ``forecasts, assessments, evidence, scorecard``,
    ``previous_*`` and ``extra_*``.
    """
    groups = independent_groups(inputs)
    run = _Run(inputs, params=params, history=history, cutoff=cutoff_of(inputs, params=params))
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        report(done, max(total, done))

    again = {cutoff: run.again(cutoff) for cutoff in history}
    looked_back = {key: task for stages in again.values() for tasks in stages.values() for key, task in tasks.items()}
    total = len(groups) + len(looked_back) + len(inputs.indicators)
    tasks = {("today", at): partial(run.today, part) for at, part in enumerate(groups)} | looked_back
    tasks |= {("evidence", code): partial(run.evidence, code) for code in inputs.indicators["indicator"]}
    made = map_parallel(tasks, jobs=jobs, on_done=tick)
    report(total, total)
    tables = _merged(found for (what, _), found in made.items() if what != "again")
    found = {cutoff: _by_stage(stages, made) for cutoff, stages in again.items()}
    return tables | run.compared(tables, again=found)


def _by_stage(stages: Mapping[str, Mapping], made: Mapping[tuple, Tables]) -> Tables:
    """The assessments of a past quarter by stage, and ``expected`` where the last stage looked ahead."""
    merged = lambda keys, name: merge_tables([made[key][name] for key in keys], name="assessments")
    tables = {stage: merged(keys, "assessments") for stage, keys in stages.items() if keys}
    last = stages.get("revision", {})
    return tables | ({"expected": merged(last, "expected")} if last and "expected" in made[next(iter(last))] else {})


def _merged(parts: Iterable[Tables]) -> Tables:
    """The tables of all groups, each whole and in order; one that no group made is empty."""
    by_name: dict[str, list[pd.DataFrame]] = {}
    for tables in parts:
        for name, table in tables.items():
            by_name.setdefault(name, []).append(table)
    merged = {name: merge_tables(found, name=name) for name, found in by_name.items()}
    always = ("forecasts", "assessments", "evidence", "previous_forecasts", "previous_assessments")
    return {name: schema.TABLES[name.removeprefix("previous_")].empty() for name in always} | merged


@dataclasses.dataclass(frozen=True)
class _Run:
    """What the tasks of one run share."""

    inputs: Inputs
    params: RunParams
    history: Mapping[str, Past]
    cutoff: str

    @property
    def before(self) -> str:
        return quarter_before(self.cutoff)

    @property
    def deadlines(self) -> tuple[str, ...]:
        return deadlines_of(self.inputs.targets)

    def again(self, cutoff: str) -> dict[str, dict[tuple[str, str], Callable[[], Tables]]]:
        """The tasks that recompute a past cutoff, by stage; what a stage leaves as it was has the same key and is one.

        The quarter before is wanted whole, earlier ones for the targets whose deadline has passed since.
        """
        wanted = None if cutoff == self.before else self.passed_since(cutoff)
        past = self.history[cutoff]
        when = {"cutoff": cutoff, "known_on": past.entry.known_on or past.entry.published_on}
        found = {}
        for stage, inputs in inputs_by_stage(self.inputs, past, wanted=wanted, **when).items():
            of_then = stage == "model" and past.definitions is not None
            promised = targets_of_entries(past.definitions) if of_then else self.inputs.targets
            at = {"cutoff": cutoff, "deadlines": deadlines_of(promised)}
            parts = [part for part in independent_groups(inputs) if part.targets]
            found[stage] = {("again", digest_of(part, **at)): partial(self.recompute, part, **at) for part in parts}
        if cutoff == self.before:
            found["revision"] = {key: partial(task, ahead=True) for key, task in found["revision"].items()}
        return found

    def passed_since(self, cutoff: str) -> set[str]:
        """Targets that had an open probability at a past cutoff and whose deadline has passed by now."""
        said, today = self.history[cutoff].assessments, periods.last_day(self.cutoff)
        open_then = set(said.loc[~said["settled"].astype(bool) & said["p_attain"].notna(), "target"])
        dated = [one for one in self.inputs.targets if one.deadline and periods.last_day(one.deadline) <= today]
        return {one.target for one in dated} & open_then

    def recompute(self, part: Inputs, *, cutoff: str, deadlines: Iterable[str], ahead: bool = False) -> Tables:
        """A group as today's model assesses it at a past cutoff; with `ahead`, at today's had all come as expected."""
        how = {"params": self.params, "deadlines": deadlines}
        then = forecast_quarter(part, cutoff=cutoff, **how)
        assessed = assess_quarter(part, then, params=self.params, annexes=False)
        return {"assessments": assessed.assessments} | ({"expected": self.ahead(part, then, assessed)} if ahead else {})

    def ahead(self, part: Inputs, then: Forecasted, assessed: Assessed) -> pd.DataFrame:
        """Today's assessments of a group, had the periods since `then` brought its medians.

        A list of tasks has no median: what a model expects its probability to be later is the probability itself.
        """
        if part.tasks is not None:
            return assessed.assessments
        whole = _only(self.inputs, codes=part.indicators["indicator"].tolist(), targets=part.targets)
        figures = at_median(whole.observations, forecasts_table(then, interval_levels=()))
        hoped = dataclasses.replace(whole, observations=schema.as_table(figures, schema.OBSERVATIONS))
        now = forecast_quarter(hoped, cutoff=self.cutoff, params=self.params, deadlines=self.deadlines)
        return assess_quarter(hoped, now, params=self.params, annexes=False).assessments

    def statuses(self, part: Inputs) -> pd.DataFrame:
        """What was published of a group's targets in the quarters whose statuses count."""
        wanted = [target.target for target in part.targets]
        found = [self.history[cutoff].assessments for cutoff in status_cutoffs(self.cutoff) if cutoff in self.history]
        table = pd.concat([rows[rows["target"].isin(wanted)] for rows in found]) if found else None
        return schema.as_table(table, schema.ASSESSMENTS) if found else schema.ASSESSMENTS.empty()

    def today(self, part: Inputs) -> Tables:
        """Forecasts, assessments and the tables around them of a group."""
        statuses = self.statuses(part)
        now = forecast_quarter(part, cutoff=self.cutoff, params=self.params, deadlines=self.deadlines)
        assessed = assess_quarter(part, now, params=self.params, previous=statuses)
        return {
            "forecasts": forecasts_table(now, interval_levels=self.params.interval_levels),
            "assessments": assessed.assessments,
            "previous_assessments": statuses[statuses["cutoff"] == self.before].reset_index(drop=True),
            **{f"extra_{name}": frame for name, frame in assessed.extra.items()},
        }

    def evidence(self, code: str) -> Tables:
        """The backtest of one indicator on its own panel."""
        targets = tuple(target for target in self.inputs.targets if target.indicator == code)
        part = _only(self.inputs, codes=[code], targets=targets)
        panels = panels_at(part, cutoff=self.cutoff)
        return {"evidence": evidence_of(backtest_cases(part, panels, seed=self.params.seed))}

    def compared(self, tables: Tables, *, again: Mapping[str, Tables]) -> Tables:
        """The scorecard, what was forecast a quarter ago, and what changed since."""
        now = tables["assessments"]
        cards = [
            records.build_scorecard(past.assessments, now=now, entry=past.entry, again=again[cutoff])
            for cutoff, past in self.history.items()
        ]
        card = pd.concat(cards, ignore_index=True) if cards else schema.SCORECARD.empty()
        before, recomputed = tables["previous_assessments"], again.get(self.before)
        found = {
            "scorecard": schema.as_table(card, schema.SCORECARD, where="scorecard"),
            "extra_definitions": entries_table(self.inputs.targets),
            CHANGES: records.build_changes(now, before=before, again=recomputed),
        }
        if self.before in self.history:
            found["previous_forecasts"] = self.history[self.before].forecasts
        return found
