"""The registry of promises: target files read, checked against indicators and units and against one another.

A changed target is a new entry that `replaces` the old one, which ends the day before. Two promises that no value can
keep together are refused, as is the same promise under two codes.

Different indicators are never made one series, not by a source, not by a chain of targets (:func:`check_joins`). The
sources of Đề án 06 hold four shares that all say "online": filed, received and resolved, processed fully, offered end
to end. In one city in one month three of them stood at 90, 66 and 97 %.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import pandas as pd

from analysis.registry.entries import as_entry, read_entries
from analysis.registry.kinds import KINDS, Scope, Target
from analysis.registry.sources import SourceParams
from analysis.registry.units import descendants
from analysis.words.errors import ParamsError, Problem, did_you_mean, examples, require, unknown
from analysis.words.periods import as_period, last_in
from analysis.words.schema import OPERATORS, TARGETS, as_table

__all__ = [
    "KINDS", "Target", "check_targets", "entries_table", "find_targets", "indicators_of", "members_of",
    "places_of", "read_targets", "targets_of_entries", "targets_of_rows", "targets_table", "units_of",
]  # fmt: skip
ROW = ("target", "indicator", "operator", "threshold", "deadline", "unit")  # a row of a plain table


def read_targets(
    paths: str | Path | Iterable[str | Path], *, indicators: pd.DataFrame, units: pd.DataFrame
) -> tuple[Target, ...]:
    """Read target files: YAML with the one key ``targets``, a list; their order is the order of the briefings.

    `peers` of a rank are unit codes here, however the file names them.

    ParamsError: with all problems of all entries and between them.
    """
    targets, problems = find_targets(paths, indicators=indicators, units=units)
    require(problems, ParamsError)
    return targets


def find_targets(
    paths: str | Path | Iterable[str | Path], *, indicators: pd.DataFrame, units: pd.DataFrame
) -> tuple[tuple[Target, ...], list[Problem]]:
    """As :func:`read_targets`, but what is wrong is returned with the entries that could be read."""
    problems: list[Problem] = []
    targets: list[Target] = []
    places: dict[str, str] = {}
    for path in [paths] if isinstance(paths, str | Path) else paths:
        entries, missing = read_entries(path, key="targets", remedy="See params/targets/README.md")
        problems += missing
        for code, where, entry in entries:
            target, wrong = _as_target(entry, where=where)
            problems += wrong
            if code and code in places:
                found = f"the code occurs twice (also in {places[code]})"
                problems.append(Problem(where, found, "each code once", "Give the new promise its own code"))
            places.setdefault(code, where)
            targets += [] if target is None else [target]
    problems += check_targets(targets, indicators=indicators, units=units, places=places)
    return tuple(_with_peers(one, units) for one in targets), problems


def _with_peers(target: Target, units: pd.DataFrame) -> Target:
    """The target with unit codes as peers, where it is a rank; peers that are not in the list are a problem by then."""
    if target.kind != "rank_le" or (isinstance(target.peers, Scope) and not _units_if_known(target.peers, units)):
        return target
    return target.model_copy(update={"peers": tuple(_units_in(target.peers, units))})


def places_of(paths: Iterable[str | Path]) -> dict[str, str]:
    """Code of a target -> its file and entry, for messages; a file that cannot be read has none."""
    places: dict[str, str] = {}
    for path in paths:
        with suppress(ParamsError):
            for code, where, _entry in read_entries(path, key="targets", remedy="")[0]:
                places.setdefault(code, where)
    return places


def _as_target(raw: object, *, where: str) -> tuple[Target | None, list[Problem]]:
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if isinstance(raw, dict) and kind not in KINDS:
        found = "the key is missing" if kind is None else f"the kind {kind!r} is not known"
        remedy = did_you_mean(kind, KINDS) or "See params/targets/README.md"
        return None, [Problem(f"{where}: kind", found, ", ".join(KINDS), remedy)]
    if isinstance(raw, dict) and raw.get("operator") not in (None, *OPERATORS):
        operator = raw["operator"]
        known = {"≥": ">=", "≤": "<=", "=>": ">=", "=<": "<=", "=": ">=", "==": ">=", "at_least": ">=", "at_most": "<="}
        remedy = f"Did you mean {known[operator]!r}?" if operator in known else "Choose one of them"
        others = as_entry(KINDS[kind], raw | {"operator": None}, where=where)[1]
        others = [one for one in others if not one.where.endswith(": operator")]
        return None, [
            Problem(f"{where}: operator", f"the operator {operator!r} is not known", ", ".join(OPERATORS), remedy),
            *others,
        ]
    return as_entry(KINDS.get(kind, KINDS["level_at"]), raw, where=where)


def targets_of_rows(
    rows: pd.DataFrame, *, kinds: dict[str, str], units: Iterable[str], also: Callable[[Target], list[Problem]]
) -> tuple[tuple[Target, ...], pd.DataFrame]:
    """Targets of a plain table: a row is a promise for the unit that it names, or for all units that no row names.

    `rows` are `ROW` as text; `units` are those that a row without one is for; `also` gives further problems of a
    target, whose `where` is a column. One target stands for all rows that differ in unit and threshold only. Refused
    rows come once for each problem, with ``row`` (its label) and ``reason, found, allowed, remedy``.
    """
    again = rows.duplicated(["target", "unit"], keep=False)
    groups: dict[tuple, dict[str, Target]] = {}
    refused = []
    for row, cells in rows.to_dict("index").items():
        entry = {name: cells[name] or None for name in ROW if name != "unit"}
        names = {"kind": "level_at", "scope": "all", "name_vi": cells["target"], "name_en": cells["target"]}
        target, problems = _as_target(names | entry, where="")
        if target is not None:
            problems += _check_indicators(target, kinds, "") or also(target)
        if again[row]:
            found = f"{cells['target']!r} occurs twice"
            problems.append(Problem("target", found, "each code once", "Give the new promise its own code"))
        if not problems:
            same = (target.target, target.indicator, target.operator, target.deadline)
            groups.setdefault(same, {})[cells["unit"]] = target
        for one in problems:
            name = one.where.removeprefix(": ")
            said = {"reason": f"{name}_refused", "found": f"{name}: {one.found} (row {row})", "allowed": one.allowed}
            refused.append(cells | said | {"row": row, "remedy": one.remedy})
    return tuple(_bind(groups, units)), pd.DataFrame(refused)


def _bind(groups: dict[tuple, dict[str, Target]], units: Iterable[str]) -> Iterator[Target]:
    """Each group as one target with its units and their thresholds."""
    named: dict[str, set[str]] = {}
    for (code, *_same), group in groups.items():
        named.setdefault(code, set()).update(group)
    for (code, *_same), group in groups.items():
        own = {unit: one.threshold for unit, one in group.items() if unit}
        scope = tuple(sorted(set(own) | (set(units) - named[code] if "" in group else set())))
        if scope:
            one = group.get("", next(iter(group.values())))
            yield one.model_copy(update={"scope": scope, "unit_thresholds": own})


def check_targets(
    targets: Sequence[Target], *, indicators: pd.DataFrame, units: pd.DataFrame, places: dict[str, str] | None = None
) -> list[Problem]:
    """What is wrong with targets beyond each entry's own form.

    Unknown indicators, units, levels and members; thresholds outside the indicator's range; contradictions.
    """
    places = places or {}
    kinds = indicators.set_index("indicator")["kind"].to_dict()
    frequencies = indicators.set_index("indicator")["frequency"].to_dict()
    known = set(units["unit"])
    codes = {one.target for one in targets}
    problems: list[Problem] = []
    for target in targets:
        where = places.get(target.target, f"target {target.target}")
        problems += _check_indicators(target, kinds, where)
        problems += _check_units(target, units, known, where)
        problems += _check_span(target, frequencies.get(target.indicator, ""), where)
        members = target.members if target.kind == "indicators_k_of_n" else ()
        for key, named in (("replaces", {target.replaces} - {""}), ("members", members)):
            problems += unknown(named, codes, where=f"{where}: {key}", what="target", remedy="Check the code")
    return problems + _check_pairs(targets, units, places)


def _check_indicators(target: Target, kinds: dict[str, str], where: str) -> list[Problem]:
    named = [("indicator", target.indicator)] if target.indicator else []
    named += [("components", one.indicator) for one in getattr(target, "components", ())]
    problems = [
        Problem(
            f"{where}: {key}",
            f"there is no indicator {one!r}",
            examples(sorted(kinds)),
            did_you_mean(one, kinds) or "Take one of them",
        )
        for key, one in named
        if one not in kinds
    ]
    if kinds.get(target.indicator) != "rate" or target.kind in ("rank_le", "score_ge", "relative_change"):
        return problems
    but = "but the indicator is a rate"
    if getattr(target, "of", None) == "count":
        remedy = "Name the indicator of the count, or set `of: eligible`"
        problems.append(Problem(f"{where}: of", f"found 'count', {but}", "quota, eligible", remedy))
    thresholds = [("threshold", target.threshold), ("baseline", target.baseline)]
    thresholds += [("milestones", one.threshold) for one in target.milestones]
    thresholds += [(f"unit_thresholds.{unit}", value) for unit, value in target.unit_thresholds.items()]
    for key, value in thresholds:
        if value is not None and not 0 <= value <= 1:
            remedy = f"Write {value / 100:g} for {value:g} %" if 1 < value <= 100 else "Change the value"
            allowed = "a fraction between 0 and 1"
            problems.append(Problem(f"{where}: {key}", f"found {value:g}, {but}", allowed, remedy))
        elif (target.operator, value) in ((">", 1), ("<", 0)):
            found, allowed = f"no share is {target.operator} {value:g}", "a threshold that a share can meet"
            problems.append(Problem(f"{where}: {key}", found, allowed, f"Write the operator '{target.operator}='"))
    return problems


def _check_units(target: Target, units: pd.DataFrame, known: set[str], where: str) -> list[Problem]:
    problems, levels = [], sorted(set(units["level"]))
    named = {key: getattr(target, key, None) for key in ("unit_thresholds", "quota", "population", "baseline")}
    named = {key: value for key, value in named.items() if isinstance(value, dict)}
    for key in ("scope", "peers"):
        scope = getattr(target, key, "all")
        named[key] = scope if isinstance(scope, tuple) else ()
        if isinstance(scope, Scope):
            named[key] = {scope.within} - {None}
            if scope.level not in levels:
                found = f"no unit has the level {scope.level!r}"
                remedy = did_you_mean(scope.level, levels) or "Choose one of them"
                problems.append(Problem(f"{where}: {key}.level", found, ", ".join(levels), remedy))
    for key, codes in named.items():
        remedy = "Take a code of the unit list"
        problems += unknown(codes, known, where=f"{where}: {key}", what="unit", remedy=remedy)
    return problems


def _check_span(target: Target, frequency: str, where: str) -> list[Problem]:
    """Three neighbouring periods have to lie between the start and the deadline of a target that is read by threes."""
    if target.reading != "rolling_3" or not (target.start and target.deadline and frequency):
        return []
    first = as_period(target.start).asfreq(frequency, how="start")
    n_periods = last_in(target.deadline, frequency).ordinal - first.ordinal + 1
    found = f"{n_periods} of the indicator's periods from {target.start} to {target.deadline}"
    allowed = "at least three for `reading: rolling_3`"
    return [] if n_periods >= 3 else [Problem(f"{where}: deadline", found, allowed, "Take another reading")]


_SAME_EVENT = (  # targets alike in these are about the same figure of the same period
    "kind", "indicator", "components", "start", "deadline", "reading", "of", "baseline", "baseline_period", "peers",
)  # fmt: skip


def _check_pairs(targets: Sequence[Target], units: pd.DataFrame, places: dict[str, str]) -> list[Problem]:
    """Promises that contradict or repeat one another: the same event, another number or none, some unit in common."""
    problems = []
    groups: dict[tuple, list[Target]] = {}
    for one in targets:
        if one.operator and one.threshold is not None:
            groups.setdefault(tuple(repr(getattr(one, name, None)) for name in _SAME_EVENT), []).append(one)
    for one, other in (pair for group in groups.values() for pair in combinations(group, 2) if _same_days(*pair)):
        shared = sorted(set(_units_if_known(one.scope, units)) & set(_units_if_known(other.scope, units)))
        found = next(((said, unit) for unit in shared if (said := _contradiction(one, other, unit))), None)
        if found:
            said, unit = found
            problems.append(
                Problem(
                    places.get(other.target, f"target {other.target}"),
                    f"{said} (unit {unit!r} and {len(shared) - 1} more)",
                    "promises that can be kept together, each stated once",
                    "Correct one, or end it with `valid_to` and let the other `replaces` it",
                )
            )
    by_code = {one.target: one for one in targets}
    for one in targets:
        old = by_code.get(one.replaces)
        if old is not None and _same_days(one, old):
            where, found = places.get(one.target, f"target {one.target}"), f"it replaces {old.target!r}, and both hold"
            allowed = "the old one's valid_to before the new one's valid_from"
            problems.append(Problem(where, f"{found} on the same days", allowed, "State both dates"))
    return problems


def _contradiction(one: Target, other: Target, unit: str) -> str:
    threshold, against = (target.unit_thresholds.get(unit, target.threshold) for target in (one, other))
    mine, theirs = f"{one.operator} {threshold:g}", f"{other.operator} {against:g}"
    if mine == theirs:
        return f"it repeats target {one.target!r} ({mine})"
    if one.operator[0] == other.operator[0]:
        return ""
    low, high = (threshold, against) if one.operator.startswith(">") else (against, threshold)
    closed = one.operator.endswith("=") and other.operator.endswith("=")
    if low > high or (low == high and not closed):
        return f"{theirs} contradicts target {one.target!r} ({mine})"
    return ""


def _same_days(one: Target, other: Target) -> bool:
    return not (one.valid_to and other.valid_from and one.valid_to < other.valid_from) and not (
        other.valid_to and one.valid_from and other.valid_to < one.valid_from
    )


def _units_if_known(scope: str | Scope | Sequence[str], units: pd.DataFrame) -> list[str]:
    unknown = isinstance(scope, Scope) and scope.within and not units["unit"].eq(scope.within).any()
    return [] if unknown else _units_in(scope, units)


def units_of(target: Target, units: pd.DataFrame) -> list[str]:
    """Units that a target binds, sorted by code."""
    return _units_in(target.scope, units)


def _units_in(scope: str | Scope | Sequence[str], units: pd.DataFrame) -> list[str]:
    """Units of a scope or of a peer set, sorted by code."""
    if isinstance(scope, Scope):
        among = units["unit"][units["level"].eq(scope.level)]
        return sorted(among if scope.within is None else set(among) & set(descendants(units, scope.within)))
    return sorted(units["unit"] if scope == "all" else set(scope) & set(units["unit"]))


def targets_table(targets: Sequence[Target]) -> pd.DataFrame:
    """The targets as `schema.TARGETS`; `scope` as text, `inferred` as names with spaces between, `order` as given."""
    rows = []
    for order, target in enumerate(targets):
        row = {name: getattr(target, name) for name in TARGETS.columns if hasattr(target, name)}
        row |= {"order": order, "scope": _scope_text(target.scope), "inferred": " ".join(target.inferred)}
        if isinstance(target.baseline, dict):
            row["baseline"] = None  # one a unit: see the entry
        rows.append(row)
    if not rows:
        return TARGETS.empty()
    return as_table(pd.DataFrame(rows), TARGETS, where="targets")


def entries_table(targets: Sequence[Target]) -> pd.DataFrame:
    """Targets with all they state, a row each: code, kind and the entry as JSON."""
    rows = [(one.target, one.kind, one.model_dump_json()) for one in targets]
    return pd.DataFrame(rows, columns=["target", "kind", "entry"], dtype="str")


def targets_of_entries(table: pd.DataFrame) -> tuple[Target, ...]:
    """The targets of :func:`entries_table`."""
    return tuple(KINDS[row.kind].model_validate_json(row.entry) for row in table.itertuples(index=False))


def indicators_of(target: Target) -> list[str]:
    """The indicators that a target names itself."""
    return [code for code in (target.indicator, *(one.indicator for one in getattr(target, "components", ()))) if code]


def members_of(target: Target) -> tuple[str, ...]:
    """The targets that a target counts."""
    return tuple(target.members) if target.kind == "indicators_k_of_n" else ()


def _scope_text(scope: str | Scope | Sequence[str]) -> str:
    if isinstance(scope, Scope):
        return f"level:{scope.level}" + (f" within:{scope.within}" if scope.within else "")
    return scope if isinstance(scope, str) else " ".join(scope)


def check_joins(*, targets: Sequence[Target] = (), sources: Sequence[SourceParams] = ()) -> list[Problem]:
    """Places where two indicators would become one.

    A target may only replace one on the same indicator; a source may feed each indicator from one of its codes or
    columns only.
    """
    return _joined_by_targets(targets) + [one for source in sources for one in _joined_by_source(source)]


def _joined_by_targets(targets: Sequence[Target]) -> list[Problem]:
    indicator_of = {one.target: one.indicator for one in targets}
    return [
        Problem(
            f"target {one.target}: replaces",
            f"{one.replaces!r} is measured by {indicator_of[one.replaces]!r}, this target by {one.indicator!r}",
            "a target on the same indicator",
            "Keep both targets, each with its own validity",
        )
        for one in targets
        if indicator_of.get(one.replaces, one.indicator) != one.indicator
    ]


def _joined_by_source(source: SourceParams) -> list[Problem]:
    fed = defaultdict(list)
    for theirs, ours in source.indicators.items():
        fed[ours].append(theirs)
    for measure in source.measures:
        if measure.indicator:
            fed[measure.indicator].append(measure.value or measure.numerator)
    return [
        Problem(
            f"source {source.source}",
            f"{examples(sorted(names))} all become the indicator {indicator!r}",
            "one code or column for each indicator",
            "Give each an indicator of its own, or list the others under `ignore_indicators`",
        )
        for indicator, names in sorted(fed.items())
        if len(names) > 1
    ]
