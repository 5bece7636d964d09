"""The inputs of a past quarter, cause by cause: as they were then, and with today's targets, definitions and figures.

The register keeps what a publication came from: targets, indicators, tasks, and the figures of the last year. Older
figures are read by their vintage; where one has no vintage that early, the earliest there is counts.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Iterable
from typing import Protocol

import numpy as np
import pandas as pd

from analysis.intake.inputs import Inputs
from analysis.registry.targets import indicators_of, members_of, targets_of_entries
from analysis.words import schema
from analysis.words.periods import due_of, last_day

_KEY = ["unit", "indicator", "period"]
_MEASURED = ["unit", "indicator", "period", "flags", "value", "numerator", "denominator"]


class Kept(Protocol):
    """What the register keeps of a publication that its probabilities came from."""

    observations: pd.DataFrame
    indicators: pd.DataFrame
    definitions: pd.DataFrame | None
    task_list: pd.DataFrame | None


def inputs_by_stage(
    inputs: Inputs, past: Kept, *, cutoff: str, known_on: str, wanted: Collection[str] | None = None
) -> dict[str, Inputs]:
    """The inputs at a past cutoff for each of ``records.STAGES``; with `wanted`, of these targets only."""
    today = _table(newest(up_to(inputs.observations, cutoff)))
    figures = _table(figures_then(inputs.observations, known_on=known_on, cutoff=cutoff, kept=past.observations))
    listed = past.indicators[past.indicators["indicator"].isin(inputs.indicators["indicator"])]
    new = inputs.indicators[~inputs.indicators["indicator"].isin(listed["indicator"])]
    indicators = schema.as_table(pd.concat([listed, new], ignore_index=True), schema.INDICATORS)
    promised = inputs.targets if past.definitions is None else targets_of_entries(past.definitions)
    have = set(inputs.indicators["indicator"])
    promised = tuple(one for one in promised if set(indicators_of(one)) <= have)
    tasks = inputs.tasks if past.task_list is None else past.task_list
    then = dataclasses.replace(inputs, observations=figures, indicators=indicators, targets=promised, tasks=tasks)
    retargeted = dataclasses.replace(then, targets=inputs.targets)
    figures = _table(redefined(figures, today))
    defined = dataclasses.replace(retargeted, indicators=inputs.indicators, observations=figures)
    revised = dataclasses.replace(defined, observations=today, tasks=inputs.tasks)
    found = {"model": then, "target": retargeted, "definition": defined, "revision": revised}
    return {stage: _needed(one, wanted) for stage, one in found.items()}


def _table(observations: pd.DataFrame) -> pd.DataFrame:
    return schema.as_table(observations, schema.OBSERVATIONS)


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


def newest(observations: pd.DataFrame) -> pd.DataFrame:
    """The last vintage of every figure."""
    return observations.sort_values([*_KEY, "vintage"], kind="stable").drop_duplicates(_KEY, keep="last")


def up_to(observations: pd.DataFrame, cutoff: str) -> pd.DataFrame:
    """The figures of periods that had ended with the cutoff."""
    ended = {one: last_day(one) <= last_day(cutoff) for one in observations["period"].unique()}
    return observations[observations["period"].map(ended).to_numpy(dtype=bool)]


def figures_then(observations: pd.DataFrame, *, known_on: str, cutoff: str, kept: pd.DataFrame) -> pd.DataFrame:
    """Today's observations up to `cutoff` as they were known on a day; `kept` is what the register holds of them."""
    past = up_to(observations, cutoff)
    early = past[past["vintage"] <= known_on]
    earliest = past.sort_values([*_KEY, "vintage"], kind="stable").drop_duplicates(_KEY)
    then = newest(pd.concat([earliest, early], ignore_index=True))
    spans = {code: set(rows["period"]) for code, rows in kept.groupby("indicator")}
    replaced = [period in spans.get(code, ()) for code, period in zip(then["indicator"], then["period"])]
    known = kept[kept["indicator"].isin(past["indicator"].unique()) & kept["unit"].isin(past["unit"].unique())]
    then = pd.concat([then[~np.array(replaced, dtype=bool)], known], ignore_index=True)
    return then.sort_values(_KEY, ignore_index=True)


def first_known(observations: pd.DataFrame, *, periods: Iterable[str]) -> dict[str, str]:
    """Period -> the day its first figures were known, where that was within the quarter after it."""
    if "vintage" not in observations:  # plain tables state none
        return {}
    days = observations[observations["value"].notna()].groupby("period")["vintage"].min()
    return {one: days[one] for one in periods if one in days and "" < days[one] <= due_of(one)}


def redefined(then: pd.DataFrame, observations: pd.DataFrame) -> pd.DataFrame:
    """The figures of then; those of a series with a break that was not declared then are today's."""
    broken = lambda rows: set(map(tuple, rows.loc[rows["flags"].str.contains("break"), _KEY].to_numpy()))
    new = {key[:2] for key in broken(observations) - broken(then)}
    if not new:
        return then
    inside = lambda rows: np.array([key in new for key in zip(rows["unit"], rows["indicator"])], dtype=bool)
    parts = [then[~inside(then)], observations[inside(observations)]]
    return pd.concat(parts, ignore_index=True).sort_values(_KEY, ignore_index=True)


def at_median(observations: pd.DataFrame, medians: pd.DataFrame) -> pd.DataFrame:
    """The newest figures, as they would be had those with a forecast come in at its median (column ``predicted``).

    A share keeps the denominator that came; a period without a figure keeps none.
    """
    merged = newest(observations).merge(medians[[*_KEY, "predicted"]], on=_KEY, how="left")
    swap = merged["predicted"].notna() & merged["value"].notna()
    value = merged["predicted"].where(swap, merged["value"])
    numerator = (merged["predicted"] * merged["denominator"]).where(swap, merged["numerator"])
    bounds = {name: merged[name].where(~swap) for name in ("lower", "upper")}
    return merged.assign(value=value, numerator=numerator, **bounds).drop(columns="predicted")
