"""The inputs of a past quarter, cause by cause: as they were then, and with today's targets, definitions and figures.

What an entry of the register came from is in the register; :mod:`analysis.records.known` reads its figures.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Iterable

import pandas as pd

from analysis.intake import Inputs
from analysis.records import known
from analysis.records.register import Past
from analysis.registry.targets import Target, targets_of_entries
from analysis.words import schema
from analysis.words.periods import last_day

_MEASURED = ["unit", "indicator", "period", "flags", "value", "numerator", "denominator"]


def inputs_by_stage(inputs: Inputs, past: Past, *, wanted: Collection[str] | None = None) -> dict[str, Inputs]:
    """The inputs at a past cutoff for each of ``records.STAGES``; with `wanted`, of these targets only."""
    entry = past.entry
    today = _table(known.newest(known.up_to(inputs.observations, entry.cutoff)))
    when = {"known_on": entry.known_on or entry.published_on, "cutoff": entry.cutoff}
    figures = _table(known.figures_then(inputs.observations, kept=past.observations, **when))
    listed = past.indicators[past.indicators["indicator"].isin(inputs.indicators["indicator"])]
    new = inputs.indicators[~inputs.indicators["indicator"].isin(listed["indicator"])]
    indicators = schema.as_table(pd.concat([listed, new], ignore_index=True), schema.INDICATORS)
    promised = inputs.targets if past.definitions is None else targets_of_entries(past.definitions)
    have = set(inputs.indicators["indicator"])
    promised = tuple(one for one in promised if set(indicators_of(one)) <= have)
    tasks = inputs.tasks if past.task_list is None else past.task_list
    then = dataclasses.replace(inputs, observations=figures, indicators=indicators, targets=promised, tasks=tasks)
    retargeted = dataclasses.replace(then, targets=inputs.targets)
    redefined = dataclasses.replace(
        retargeted, indicators=inputs.indicators, observations=_table(known.redefined(figures, today))
    )
    revised = dataclasses.replace(redefined, observations=today, tasks=inputs.tasks)
    found = {"model": then, "target": retargeted, "definition": redefined, "revision": revised}
    return {stage: _needed(one, wanted) for stage, one in found.items()}


def _table(observations: pd.DataFrame) -> pd.DataFrame:
    return schema.as_table(observations, schema.OBSERVATIONS)


def indicators_of(target: Target) -> list[str]:
    """The indicators that a target names itself."""
    return [code for code in (target.indicator, *(one.indicator for one in getattr(target, "components", ()))) if code]


def members_of(target: Target) -> tuple[str, ...]:
    """The targets that a target counts."""
    return tuple(target.members) if target.kind == "indicators_k_of_n" else ()


def _needed(inputs: Inputs, wanted: Collection[str] | None) -> Inputs:
    """The inputs with some targets, what they count, and the indicators of these."""
    by_code = {one.target: one for one in inputs.targets}
    codes = set(by_code if wanted is None else wanted) & set(by_code)
    codes |= {member for code in codes for member in members_of(by_code[code])}
    targets = tuple(one for one in inputs.targets if one.target in codes)
    used = {code for one in targets for code in indicators_of(one)}
    return dataclasses.replace(
        inputs,
        targets=targets,
        indicators=inputs.indicators[inputs.indicators["indicator"].isin(used)],
        observations=inputs.observations[inputs.observations["indicator"].isin(used)],
    )


def digest_of(part: Inputs, *, cutoff: str, deadlines: Iterable[str]) -> str:
    """The same for inputs of which nothing that an assessment at the cutoff reads is different."""
    said = [cutoff, *deadlines, *(one.model_dump_json() for one in part.targets)]
    digest = hashlib.sha256("\n".join(said).encode())
    tasks = pd.DataFrame() if part.tasks is None else part.tasks
    for frame in (part.indicators, part.observations[_MEASURED], tasks):
        table = frame.astype({name: object for name in frame if not pd.api.types.is_numeric_dtype(frame[name])})
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def as_expected(part: Inputs, *, medians: pd.DataFrame, done: pd.DataFrame | None, before: str, cutoff: str) -> Inputs:
    """Today's inputs, had the quarter since `before` brought what was forecast: medians, and as many tasks `done`.

    `done` has unit, task and ``p_done``, the probability of each task at `before` to be done by `cutoff`.
    """
    figures = _table(known.at_median(part.observations, medians))
    tasks = part.tasks
    if tasks is not None and done is not None:
        tasks = _tasks_as_expected(tasks, done, start=last_day(before).isoformat(), end=last_day(cutoff).isoformat())
    return dataclasses.replace(part, observations=figures, tasks=tasks)


def _tasks_as_expected(tasks: pd.DataFrame, done: pd.DataFrame, *, start: str, end: str) -> pd.DataFrame:
    """The list at `end` with as many of each unit's tasks done since `start` as expected, the likeliest, when due."""
    was_open = ~((tasks["done"] != "") & (tasks["done"] <= start))
    chance = tasks.merge(done.drop_duplicates(["unit", "task"]), on=["unit", "task"], how="left")["p_done"]
    chance = pd.Series(chance.to_numpy(), index=tasks.index).where(was_open).fillna(0.0)
    rank = chance.groupby(tasks["unit"]).rank(method="first", ascending=False)
    likely = was_open & (rank <= chance.groupby(tasks["unit"]).transform("sum").round())
    day = tasks["due"].where((tasks["due"] > start) & (tasks["due"] <= end), end)
    return tasks.assign(done=tasks["done"].where(~was_open, day.where(likely, "")))
