"""A correction between two full runs: units whose figures changed get new numbers, all others keep what was published.

The models pool all units, so that one corrected figure moves every number a little, and a full run publishes every page
again. Statistical offices that adjust for season hold their models' settings between the dates at which these are
estimated again (Eurostat 2015, *ESS guidelines on seasonal adjustment*, on general revision policies). A correction
does the like: the corrected unit, the units above it and what ranks it are told anew, from models that see the
correction; the rest waits for the next full run. The manifest names the run that was corrected, the quality table the
figures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis import records
from analysis.intake import Inputs
from analysis.joined import CHANGES, sort_extra
from analysis.parallel import Tables, make_all
from analysis.pieces import Maker, joined_to
from analysis.registry.params import RunParams
from analysis.registry.targets import Target
from analysis.registry.units import ancestors
from analysis.words import schema
from analysis.words.errors import DataError, ParamsError, Problem, examples, require

FLAG = "revised"  # of the quality table
COMPARING = frozenset(["rank_le"])  # kinds whose answer for a unit hangs on other units' figures
FIGURES = ("value", "numerator", "denominator", "lower", "upper", "flags")
_KEY = ["unit", "indicator", "period", "vintage"]
SAME = ("targets", "registry", "code", "lock")  # hashes that must be those of the run that is corrected


@dataclasses.dataclass(frozen=True)
class Corrected:
    """What a correction came to.

    Attributes
    ----------
    tables : dict of name to DataFrame
        As :func:`analysis.pieces.make_statistics` makes them.
    quality : DataFrame
        Findings of the data with the corrected figures beside them, ``schema.QUALITY``.
    note : dict
        For the manifest: ``of`` (hash of the corrected run's manifest), ``units`` told anew, ``indicators``.
    """

    tables: Tables
    quality: pd.DataFrame
    note: dict


def correct(
    inputs: Inputs,
    stored: schema.RunTables,
    *,
    params: RunParams,
    published: Mapping[str, pd.DataFrame] = MappingProxyType({}),
    jobs: int = 1,
    keep: Path | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Corrected:
    """Tell anew the units whose figures differ from those of a stored run.

    Parameters
    ----------
    inputs : Inputs
        With the corrected figures.
    stored : RunTables
        The run that stands.
    params, published, jobs, keep, report
        As for :func:`analysis.pieces.make_statistics`.

    Returns
    -------
    Corrected

    Raises
    ------
    DataError
        Figures came that are no correction: a later period than the stored run's last, or another list of units or
        indicators.
    """
    _require_correction(inputs, stored)
    changed = changed_figures(stored.observations, inputs.observations)
    maker = Maker(inputs, params=params, published=published, keep=keep)
    was = Maker(dataclasses.replace(inputs, observations=stored.observations), params=params, published=published)
    hit = set(changed["indicator"])
    groups = [at for at, part in enumerate(maker.groups) if hit & set(part.indicators["indicator"])]
    units = {one for unit in changed["unit"].unique() for one in (unit, *ancestors(inputs.units, unit))}
    total = 2 if groups else 1
    parts = {at: looking_at(hit, maker.groups[at]) for at in groups}
    new = _made_anew(maker, was, parts=parts, jobs=jobs, keep=keep, tick=lambda done: report(done, total))
    tables = _stored_tables(stored)
    about = {
        "units": units,
        "comparing": comparing(inputs.targets),
        "targets": {one.target for part in parts.values() for one in part.targets},
        "indicators": {code for part in parts.values() for code in part.indicators["indicator"]},
    }
    for name, fresh in new.items():
        tables[name] = spliced(tables.get(name), fresh, name=name, **about)
    report(total, total)
    note = {
        "of": records.sha256_of(records.manifest_text(stored.manifest)),
        "units": sorted(units),
        "indicators": sorted(hit),
    }
    return Corrected(tables, _quality(inputs, stored, changed), note)


def changed_figures(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Figures that differ between two tables of observations.

    Returns
    -------
    DataFrame
        ``unit, indicator, period, value_before, value``, sorted; a figure that came or went is NaN on one side.

    Examples
    --------
    >>> before = pd.DataFrame({"unit": ["a", "b"], "indicator": "x", "period": "2026", "vintage": "",
    ...                        "value": [1.0, 2.0], "numerator": 1.0, "denominator": 2.0, "lower": None, "upper": None,
    ...                        "flags": ""})
    >>> changed_figures(before, before.assign(value=[1.0, 3.0]))
      unit indicator period  value_before  value
    0    b         x   2026           2.0    3.0
    """
    if _same_rows(before, now, key=_KEY):  # the usual case, without sorting a country's figures
        both = now.assign(**{f"{name}_before": before[name].to_numpy() for name in FIGURES})
        same = np.ones(len(both), dtype=bool)
    else:
        both = before.merge(now, on=_KEY, how="outer", suffixes=("_before", ""), indicator="side")
        same = both["side"].eq("both").to_numpy()
    for name in FIGURES:
        here, there = both[name], both[f"{name}_before"]
        same &= ((here == there) | (here.isna() & there.isna())).to_numpy()
    columns = ["unit", "indicator", "period", "value_before", "value"]
    return both.loc[~same, columns].sort_values(columns[:3], ignore_index=True)


def require_same(stored: schema.RunTables, *, hashes: Mapping[str, str], where: str) -> None:
    """Refuse to correct a run that was made of something else than figures.

    Raises
    ------
    ParamsError
        Targets, registry, code or lock file are not those of the stored run.
    """
    then = stored.manifest.get("hashes", {})
    differ = [name for name in SAME if then.get(name) != hashes.get(name)]
    if differ:
        found = f"the run that stands was made with other {' and '.join(differ)}"
        allowed = "a correction changes figures only"
        raise ParamsError(Problem(where, found, allowed, "Run without --correct: every number is made anew"))


def spliced(
    old: pd.DataFrame | None,
    new: pd.DataFrame,
    *,
    name: str,
    units: Collection[str],
    comparing: Collection[str],
    targets: Collection[str],
    indicators: Collection[str],
) -> pd.DataFrame:
    """A table with the new rows of some units, and the old ones of all others.

    Parameters
    ----------
    old : DataFrame or None
        The whole table as it stands; None: it had no row.
    new : DataFrame
        Rows of all units for `targets` and `indicators`.
    name : str
        Of the table, which says what it is sorted by.
    units : collection of str
        Whose rows are taken from `new`.
    comparing : collection of str
        Targets whose rows of all units are.
    targets, indicators : collection of str
        What `new` speaks of.
    """
    if old is None or not len(old):
        old = new.iloc[:0]
    known = schema.TABLES.get(name.removeprefix("previous_"))
    gone = _about(old, targets=targets, indicators=indicators) & _of(old, units=units, comparing=comparing)
    fresh = new[_of(new, units=units, comparing=comparing)]
    if known is not None and _same_rows(old[gone], fresh, key=list(known.key)):  # each in its place: nothing to sort
        columns = {column: old[column].copy() for column in old}
        for column, values in columns.items():
            values[gone] = fresh[column].array
        return pd.DataFrame(columns, copy=False)
    table = pd.concat([old[~gone], fresh], ignore_index=True)
    if known is not None:
        return schema.as_table(table, known, where=name)
    return sort_extra(table, name=name)


def _same_rows(one: pd.DataFrame, other: pd.DataFrame, *, key: list[str]) -> bool:
    """Whether two tables have the same keys in the same order."""
    return len(one) == len(other) and all((one[name].to_numpy() == other[name].to_numpy()).all() for name in key)


def _about(table: pd.DataFrame, *, targets: Collection[str], indicators: Collection[str]) -> np.ndarray:
    column, among = ("target", targets) if "target" in table else ("indicator", indicators)
    return table[column].isin(among).to_numpy()


def _of(table: pd.DataFrame, *, units: Collection[str], comparing: Collection[str]) -> np.ndarray:
    found = table["unit"].isin(units).to_numpy()
    return found | table["target"].isin(comparing).to_numpy() if "target" in table else found


def _require_correction(inputs: Inputs, stored: schema.RunTables) -> None:
    remedy = "Run without --correct: every number is made anew"
    problems = []
    for name in ("units", "indicators"):
        if not getattr(inputs, name).reset_index(drop=True).equals(getattr(stored, name).reset_index(drop=True)):
            problems.append(Problem("--correct", f"the {name} are not those of the run that stands", "", remedy))
    late = sorted(set(inputs.observations["period"]) - set(stored.observations["period"]))
    if late:
        found = f"figures of periods that the run that stands has not: {examples(late)}"
        problems.append(Problem("--correct", found, "corrected figures of the same periods", remedy))
    require(problems, DataError)


def looking_at(indicators: Collection[str], part: Inputs) -> Inputs:
    """A group cut down to the targets that look at some indicators, with all that these targets look at.

    Parameters
    ----------
    indicators : collection of str
    part : Inputs
        A group of :func:`analysis.pieces.groups_of`.
    """
    looks = {one.target: set(joined_to(one)) for one in part.targets}
    needed = _reached(looks, {f"indicator {one}" for one in indicators})
    while more := {one for one in looks if f"target {one}" in set().union(*(looks[two] for two in needed))} - needed:
        needed |= more
    seen = {one.removeprefix("indicator ") for target in needed for one in looks[target]} | set(indicators)
    rows = part.indicators["indicator"].isin(seen)
    return dataclasses.replace(
        part,
        targets=tuple(one for one in part.targets if one.target in needed),
        indicators=part.indicators[rows],
        observations=part.observations[part.observations["indicator"].isin(seen)],
    )


def comparing(targets: Iterable[Target]) -> set[str]:
    """Targets whose answer for one unit hangs on the figures of others: ranks, and bundles with a rank among them."""
    targets = list(targets)
    ranks = {one.target for one in targets if one.kind in COMPARING}
    looks = {one.target: set(joined_to(one)) for one in targets}
    return ranks | _reached(looks, {f"target {one}" for one in ranks})


def _reached(looks: Mapping[str, set[str]], start: set[str]) -> set[str]:
    """Targets that look at something of `start`, or at a target that does: a bundle looks at what its members do."""
    hit = set(start)
    while more := {f"target {one}" for one, at in looks.items() if at & hit} - hit:
        hit |= more
    return {one for one in looks if f"target {one}" in hit}


def _made_anew(
    maker: Maker, was: Maker, *, parts: Mapping[int, Inputs], jobs: int, keep: Path | None, tick: Callable[[int], None]
) -> Tables:
    """Today's tables of the parts that were hit, after what was said of them before the correction."""
    if not parts:
        return {}
    said = was.then(parts)
    keys = {name: key for name, (key, _task) in said.items()}
    then = make_all({name: task for name, (_key, task) in said.items()}, keys=keys, n_jobs=jobs, keep=keep)
    for tables in then.values():
        tables.pop("forecasts", None)
    tick(1)
    tasks = {
        str(at): partial(maker.make_today, part, maker.history(part, then, at=at), forecast=maker.forecasts(at))
        for at, part in parts.items()
    }
    new = maker.joined(list(make_all(tasks, n_jobs=jobs).values()))
    changes = maker.changes(new, then=then)
    kept = {name: table for name, table in new.items() if not name.startswith("previous_") and name != "evidence"}
    return kept | {CHANGES: changes}


def _stored_tables(stored: schema.RunTables) -> Tables:
    tables = {name: getattr(stored, name) for name in ("forecasts", "assessments", "evidence", "scorecard")}
    if stored.previous is not None:
        tables |= {f"previous_{name}": getattr(stored.previous, name) for name in ("forecasts", "assessments")}
    extra = {f"extra_{name}": table for name, table in stored.extra.items() if name != "task_list"}  # an input
    return tables | extra


def _quality(inputs: Inputs, stored: schema.RunTables, changed: pd.DataFrame) -> pd.DataFrame:
    """The findings of the data, and a note on every figure that was corrected, also by an earlier correction."""
    told = changed["value_before"].map(_plain) + " -> " + changed["value"].map(_plain)
    new = changed[["unit", "indicator", "period"]].assign(flag=FLAG, severity="info", found=told, source="")
    earlier = stored.quality[stored.quality["flag"] == FLAG]
    rows = pd.concat([inputs.quality, earlier, new.drop_duplicates(["unit", "indicator", "period"], keep="last")])
    rows = rows.drop_duplicates(list(schema.QUALITY.key), keep="last")
    return schema.as_table(rows, schema.QUALITY, where="quality")


def _plain(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else "?"
