"""A run's statistics in pieces that do not touch one another: made side by side, and made again only where they must.

Indicators that no target joins (a composite's components, the members of a bundle) are forecast and assessed apart. A
piece is one of three things: a group of such indicators today and a quarter ago; the backtest of one indicator; a group
at an earlier quarter. It is kept under the hash of all it is made from: its own figures as known then, its targets, the
units, the params, our code, the versions. A corrected figure makes only the pieces again that it is part of.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from analysis import quarters, records
from analysis.intake import Inputs
from analysis.joined import CHANGES, join_tables
from analysis.kept import FOLDER, Forecasts
from analysis.parallel import Tables, forget, make_all
from analysis.publishing import keys
from analysis.records.prints import Figures, add_frame
from analysis.registry.params import RunParams
from analysis.registry.targets import Target
from analysis.words import schema

UNUSED = ("run_id", "title_vi", "title_en", "language", "simulated", "cutoff", "publish", "max_failed_share")
UNUSED_FILES = ("sources", "units", "indicators", "targets", "tasks", "crosswalk", "as_of")  # their content counts


def groups_of(inputs: Inputs) -> list[Inputs]:
    """The inputs in parts that no target joins, in the order of the registry.

    Indicators without a target go with the first part that has one.
    """
    leader: dict[str, str] = {}

    def lead(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for target in inputs.targets:
        for other in joined_to(target):
            leader[lead(other)] = lead(f"target {target.target}")
    codes = inputs.indicators["indicator"].tolist()
    bound = {lead(f"target {one.target}") for one in inputs.targets}
    first = next((lead(f"target {one.target}") for one in inputs.targets if one.indicator), "")
    of_code = {code: found if (found := lead(f"indicator {code}")) in bound else first for code in codes}
    of_target = {one.target: lead(f"target {one.target}") for one in inputs.targets}
    order = dict.fromkeys([*of_code.values(), *of_target.values()])
    return [_part(inputs, group, of_code=of_code, of_target=of_target) for group in order]


def joined_to(target: Target) -> list[str]:
    """What a target looks at: indicators and other targets, as ``"indicator x"``, ``"target y"``."""
    names = [target.indicator, *(one.indicator for one in getattr(target, "components", ()))]
    members = target.members if target.kind == "indicators_k_of_n" else ()
    return [f"indicator {one}" for one in names if one] + [f"target {one}" for one in members]


def _part(inputs: Inputs, group: str, *, of_code: Mapping[str, str], of_target: Mapping[str, str]) -> Inputs:
    codes = [code for code, found in of_code.items() if found == group]
    targets = tuple(one for one in inputs.targets if of_target[one.target] == group)
    rows = inputs.observations["indicator"].isin(codes) if len(codes) < len(of_code) else slice(None)
    return dataclasses.replace(
        inputs,
        indicators=inputs.indicators[inputs.indicators["indicator"].isin(codes)],
        targets=targets,
        observations=inputs.observations[rows],
        tasks=inputs.tasks if any(_of_tasks(one) for one in targets) else None,
    )


def _of_tasks(target: Target) -> bool:
    return "tasks_k_of_n" in (target.kind, getattr(target, "then", ""))


def make_statistics(
    inputs: Inputs,
    *,
    params: RunParams,
    published: Mapping[str, pd.DataFrame] = MappingProxyType({}),
    jobs: int = 1,
    keep: Path | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Tables:
    """Forecast, assess, look back: today's quarter, the one before, the scorecard of earlier ones, the evidence.

    Parameters
    ----------
    inputs : Inputs
    params : RunParams
    published : mapping of cutoff to DataFrame
        What stored runs said at earlier cutoffs; a quarter without one is computed again from what was known then.
    jobs : int
        Processes at a time; the numbers do not depend on it.
    keep : Path, optional
        Folder of the pieces of the run before; afterwards it holds those of this one.
    report : callable
        Told how many pieces of how many are done.

    Returns
    -------
    dict of name to DataFrame
        ``forecasts, assessments, evidence, scorecard``, ``previous_*`` and ``extra_*``.
    """
    maker = Maker(inputs, params=params, published=published, keep=keep)
    done = 0

    def tick(name: str) -> None:
        nonlocal done
        done += 1
        report(done, max(total, done))

    used: dict[str, str] = {}

    def make(pieces: Mapping[str, Piece]) -> dict[str, Tables]:
        keys = {name: key for name, (key, _task) in pieces.items()}
        used.update(keys)
        tasks = {name: task for name, (_key, task) in pieces.items()}
        return make_all(tasks, keys=keys, n_jobs=jobs, on_done=tick, keep=keep)

    first = maker.then() | maker.evidence()
    total = len(first) + len(maker.groups) * (1 + quarters.N_PAST_QUARTERS - quarters.N_STATUS_QUARTERS)
    made = make(first)
    then = {name: tables for name, tables in made.items() if name.startswith("then ")}
    before = [tables.pop("forecasts") for tables in then.values() if "forecasts" in tables]
    tables = maker.joined([*make(maker.today(then)).values(), *(made[one] for one in made if one not in then)])
    if before:
        tables["previous_forecasts"] = join_tables(before, name="previous_forecasts")
    past = make(maker.past(tables["assessments"]))
    if keep is not None:
        forget(keep, but=[*used.values(), *(f"{FOLDER}{at}" for at in range(len(maker.groups)))])
    report(total, total)
    return tables | maker.compared(tables, then=then, past=past)


Piece = tuple[str, Callable[[], Tables]]  # the hash of all it is made from, and how it is made


@dataclasses.dataclass
class Maker:
    """The pieces of one run; see :func:`make_statistics`.

    Parameters
    ----------
    inputs : Inputs
    params : RunParams
    published : mapping of cutoff to DataFrame
        What stored runs said at earlier cutoffs.
    keep : Path, optional
        Where today's forecasts are kept, and those of the run before are found.
    """

    inputs: Inputs
    params: RunParams
    published: Mapping[str, pd.DataFrame]
    keep: Path | None = None

    def __post_init__(self) -> None:
        self.groups = groups_of(self.inputs)
        of_code = [(code, at) for at, part in enumerate(self.groups) for code in part.indicators["indicator"]]
        self.group_of: dict[str, int] = dict(of_code)
        self.figures: dict[int, Figures] = {}
        self.cutoff = quarters.cutoff_of(self.inputs, params=self.params)
        self.before = quarters.quarter_before(self.cutoff)
        back = range(1, quarters.N_PAST_QUARTERS + 1)
        self.looked_back = [quarters.quarter_before(self.cutoff, quarters=one) for one in back]
        plain = self.params.model_dump(mode="json")
        used = {name: value for name, value in plain.items() if name not in (*UNUSED, *UNUSED_FILES)}
        common = [used, self.cutoff, keys.code_hash(), keys.environment()]
        self.common = hashlib.sha256(json.dumps(common, sort_keys=True).encode("utf-8"))
        add_frame(self.common, self.inputs.units)

    def key(self, what: str, part: Inputs, *, until: str = "", more: Any = None) -> str:
        """Hash of all that a piece is made from; `until`: of figures up to this period."""
        digest = self.common.copy()
        deadlines = quarters.deadlines_of(self.inputs.targets)
        targets = [one.model_dump(mode="json") for one in part.targets]
        digest.update(json.dumps([what, until, deadlines, targets], sort_keys=True, default=str).encode("utf-8"))
        add_frame(digest, part.indicators)
        self._figures(part).add(digest, indicators=part.indicators["indicator"], until=until)
        for frame in (part.tasks, more):
            add_frame(digest, frame)
        return digest.hexdigest()

    def _figures(self, part: Inputs) -> Figures:
        """Hashes of the figures of the group that holds the part's indicators, made once."""
        at = self.group_of[part.indicators["indicator"].iloc[0]] if len(part.indicators) else 0
        if at not in self.figures:
            self.figures[at] = Figures(self.groups[at].observations)
        return self.figures[at]

    def then(self, groups: Collection[int] | None = None) -> dict[str, Piece]:
        """Every group, or some, at the quarters whose statuses count; the last also where a stored run spoke for it."""
        found = {}
        deadlines = quarters.deadlines_of(self.inputs.targets)
        for cutoff in quarters.status_cutoffs(self.cutoff):
            if cutoff in self.published and cutoff != self.before:
                continue
            for at in range(len(self.groups)) if groups is None else groups:
                part = self.groups[at]
                task = lambda part=part, cutoff=cutoff: self._past(part, cutoff, deadlines)
                found[f"then {cutoff} {at}"] = (self.key(f"then {cutoff}", part, until=cutoff), task)
        return found

    def today(self, then: Mapping[str, Tables]) -> dict[str, Piece]:
        """Every group today, after what was said of it in the quarters before."""
        found = {}
        for at, part in enumerate(self.groups):
            history = self.history(part, then, at=at)
            key = self.key("today", part, until=self.cutoff, more=history)
            found[f"today {at}"] = (key, partial(self._make_today_alone, part, history, at=at))
        return found

    def _make_today_alone(self, part: Inputs, history: pd.DataFrame, *, at: int) -> Tables:
        forecasts = self.forecasts(at)
        made = self.make_today(part, history, forecast=forecasts)
        forecasts.forget()
        return made

    def forecasts(self, at: int) -> Forecasts:
        """Today's forecasts of group `at`, those that are kept among them."""
        return Forecasts(self.keep / f"{FOLDER}{at}" if self.keep is not None else None)

    def history(self, part: Inputs, then: Mapping[str, Tables], *, at: int) -> pd.DataFrame:
        """What was said of the targets of a part of group `at` in the quarters whose statuses count."""
        said = {
            cutoff: self.published[cutoff] if cutoff in self.published else then[f"then {cutoff} {at}"]["assessments"]
            for cutoff in quarters.status_cutoffs(self.cutoff)
        }
        wanted = [one.target for one in part.targets]
        said = {cutoff: rows[rows["target"].isin(wanted)] for cutoff, rows in said.items()}
        return quarters.past_assessments(said, published=self.published, params=self.params)

    def make_today(self, part: Inputs, history: pd.DataFrame, *, forecast: Forecasts) -> Tables:
        """Forecasts, assessments and all beside them of a group, or of targets that need no others."""
        deadlines = quarters.deadlines_of(self.inputs.targets)
        how = {"params": self.params, "deadlines": deadlines, "forecast": forecast}
        now = quarters.forecast_quarter(part, cutoff=self.cutoff, **how)
        assessed = quarters.assess_quarter(part, now, params=self.params, previous=history)
        return {
            "forecasts": quarters.forecasts_table(now, interval_levels=self.params.interval_levels),
            "assessments": assessed.assessments,
            "previous_assessments": history[history["cutoff"] == self.before].reset_index(drop=True),
            **{f"extra_{name}": frame for name, frame in assessed.extra.items()},
        }

    def evidence(self) -> dict[str, Piece]:
        """The backtest of every indicator on its own panel."""
        found = {}
        for code in self.inputs.indicators["indicator"].tolist():
            group = self.groups[self.group_of[code]]
            alone = len(group.indicators) == 1
            part = dataclasses.replace(
                group,
                indicators=group.indicators[group.indicators["indicator"] == code],
                targets=tuple(one for one in group.targets if one.indicator == code),
                observations=group.observations
                if alone
                else group.observations[group.observations["indicator"] == code],
                tasks=None,
            )
            task = lambda part=part: {"evidence": self._evidence(part)}
            found[f"evidence {code}"] = (self.key("evidence", part, until=self.cutoff), task)
        return found

    def _evidence(self, part: Inputs) -> pd.DataFrame:
        panels = quarters.panels_at(part, cutoff=self.cutoff)
        return quarters.evidence_of(quarters.backtest_cases(part, panels, params=self.params))

    def past(self, now: pd.DataFrame) -> dict[str, Piece]:
        """Every group at the earlier quarters that no stored run speaks for, for targets that are settled by now."""
        settled = set(now.loc[now["settled"], "target"])
        kept = tuple(one for one in self.inputs.targets if one.target in settled)
        deadlines, recent = quarters.deadlines_of(kept), quarters.status_cutoffs(self.cutoff)
        found = {}
        for at, part in enumerate(self.groups):
            targets = tuple(one for one in part.targets if one.target in settled)
            named = {one.removeprefix("indicator ") for target in targets for one in joined_to(target)}
            used = part.indicators["indicator"].isin({*named, *(one.indicator for one in targets)})
            then_part = dataclasses.replace(part, targets=targets, indicators=part.indicators[used])
            earlier = [one for one in self.looked_back if one not in (*self.published, *recent)]
            for cutoff in earlier if targets else ():
                task = lambda part=then_part, cutoff=cutoff: self._past(part, cutoff, deadlines)
                key = self.key(f"past {cutoff} {deadlines}", then_part, until=cutoff)
                found[f"past {cutoff} {at}"] = (key, task)
        return found

    def _past(self, part: Inputs, cutoff: str, deadlines: tuple[str, ...]) -> Tables:
        then = quarters.forecast_quarter(part, cutoff=cutoff, params=self.params, deadlines=deadlines)
        tables = {"assessments": quarters.assess_quarter(part, then, params=self.params, annexes=False).assessments}
        if cutoff == self.before:
            tables["forecasts"] = quarters.forecasts_table(then, interval_levels=self.params.interval_levels)
        return tables

    def joined(self, made: list[Tables]) -> Tables:
        """The tables of all pieces put together, each in the order of its key; `made` is empty afterwards."""
        names = dict.fromkeys(name for tables in made for name in tables)
        tables = {name: join_tables([one.pop(name) for one in made if name in one], name=name) for name in names}
        for name in ("forecasts", "assessments", "evidence"):
            tables.setdefault(name, schema.TABLES[name].empty())
            if name != "evidence":
                tables.setdefault(f"previous_{name}", schema.TABLES[name].empty())
        return tables

    def compared(self, tables: Tables, *, then: Mapping[str, Tables], past: Mapping[str, Tables]) -> Tables:
        """The scorecard, and what changed since the quarter before."""
        now, known = tables["assessments"], self.inputs.observations
        again = self._again(then | past)
        settled = set(now.loc[now["settled"], "target"])
        cards = []
        for cutoff in self.looked_back if settled else ():
            if cutoff in self.published:  # only what was published can have been revised since
                marked = records.with_current_now(self.published[cutoff], known)
                cards.append(records.build_scorecard(marked, now=now, origin="published"))
            elif cutoff in again:
                cards.append(records.build_scorecard(again[cutoff], now=now, origin="recomputed"))
        card = pd.concat(cards, ignore_index=True) if cards else schema.SCORECARD.empty()
        return {
            "scorecard": schema.as_table(card, schema.SCORECARD, where="scorecard"),
            CHANGES: self._changes(tables, again=again),
        }

    def changes(self, tables: Tables, *, then: Mapping[str, Tables]) -> pd.DataFrame:
        """What changed since the quarter before, of the targets in `tables`."""
        return self._changes(tables, again=self._again(then))

    def _changes(self, tables: Tables, *, again: Tables) -> pd.DataFrame:
        said = tables["previous_assessments"]
        if self.before in self.published:
            said = records.with_current_now(said, self.inputs.observations)
        return records.build_changes(tables["assessments"], before=said, again=again.get(self.before))

    def _again(self, pieces: Mapping[str, Tables]) -> Tables:
        """Assessments computed again, by the quarter they are of."""
        parts: dict[str, list[pd.DataFrame]] = {}
        for name, one in pieces.items():
            parts.setdefault(name.split()[1], []).append(one["assessments"])
        return {cutoff: join_tables(rows, name="assessments") for cutoff, rows in parts.items()}
