"""The registry of promises: target files read, checked against indicators and units and against one another.

A changed target is a new entry that `replaces` the old one, which ends the day before. Two promises that no value can
keep together are refused, as is the same promise under two codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from analysis.registry.entries import as_entry
from analysis.registry.kinds import KINDS, Scope, Target
from analysis.registry.units import descendants
from analysis.registry.yamls import read_yaml
from analysis.words.errors import ParamsError, Problem, did_you_mean, examples, require
from analysis.words.schema import OPERATORS, TARGETS, as_table

__all__ = [
    "KINDS", "Target", "check_targets", "find_targets", "places_of", "read_targets", "targets_of_rows", "targets_table",
    "units_of",
]  # fmt: skip
ROW = ("target", "indicator", "operator", "threshold", "deadline", "unit")  # a row of a plain table


def read_targets(
    paths: str | Path | Iterable[str | Path], *, indicators: pd.DataFrame, units: pd.DataFrame
) -> tuple[Target, ...]:
    """Read target files: YAML with the one key ``targets``, a list; their order is the order of the briefings.

    Parameters
    ----------
    paths : path or paths
    indicators, units : DataFrame
        `schema.INDICATORS` and `schema.UNITS`; every name in a target must be among them.

    Returns
    -------
    tuple of Target
        `peers` of a rank are unit codes here, however the file names them.

    Raises
    ------
    ParamsError
        With all problems of all entries and between them.
    """
    targets, problems = find_targets(paths, indicators=indicators, units=units)
    require(problems, ParamsError)
    return targets


def find_targets(
    paths: str | Path | Iterable[str | Path], *, indicators: pd.DataFrame, units: pd.DataFrame
) -> tuple[tuple[Target, ...], list[Problem]]:
    """As :func:`read_targets`, but what is wrong is handed back beside the entries that could be read.

    Returns
    -------
    targets, problems : tuple
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    problems: list[Problem] = []
    targets: list[Target] = []
    places: dict[str, str] = {}
    for path in paths:
        raw = read_yaml(path)
        entries = raw.get("targets") if isinstance(raw, dict) else None
        if not isinstance(entries, list) or set(raw) != {"targets"}:
            problems.append(
                Problem(
                    str(path),
                    "the list of targets is missing",
                    "the one key `targets`, a list",
                    "See params/targets/README.md",
                )
            )
            continue
        for order, entry in enumerate(entries):
            code = str(entry.get("target", "")) if isinstance(entry, dict) else ""
            where = f"{path}: target {code or order + 1}"
            target, wrong = _as_target(entry, where=where)
            problems += wrong
            if code and code in places:
                problems.append(
                    Problem(
                        where,
                        f"the code stands twice (also in {places[code]})",
                        "each code once",
                        "Give the new promise its own code",
                    )
                )
            places.setdefault(code, where)
            if target is not None:
                targets.append(target)
    problems += check_targets(targets, indicators=indicators, units=units, places=places)
    return tuple(_with_peers(one, units) for one in targets), problems


def _with_peers(target: Target, units: pd.DataFrame) -> Target:
    """The target with unit codes as peers, where it is a rank; peers that are not in the list are a problem by then."""
    if target.kind != "rank_le" or (isinstance(target.peers, Scope) and not _units_if_known(target.peers, units)):
        return target
    return target.model_copy(update={"peers": tuple(units_in(target.peers, units))})


def places_of(paths: Iterable[str | Path]) -> dict[str, str]:
    """Code of a target -> its file and entry, for messages; a file that cannot be read has none.

    Returns
    -------
    dict
    """
    places: dict[str, str] = {}
    for path in paths:
        try:
            raw = read_yaml(path)
        except ParamsError:
            continue
        entries = raw.get("targets") if isinstance(raw, dict) else None
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and "target" in entry:
                places.setdefault(str(entry["target"]), f"{path}: target {entry['target']}")
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

    Parameters
    ----------
    rows : DataFrame
        `ROW` as text, "" where a cell is empty.
    kinds : dict
        Indicator -> its kind.
    units : iterable of str
        Units that a row without one is for.
    also : callable
        Further problems of a target; their `where` is a column.

    Returns
    -------
    targets, refused : tuple
        One target for all rows that differ in unit and threshold only. Refused rows, once for each problem, with
        ``row`` (its label) and ``reason, found, allowed, remedy``.
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

    Parameters
    ----------
    targets : sequence of Target
    indicators, units : DataFrame
    places : dict, optional
        Code of a target -> file and entry, for the messages.

    Returns
    -------
    list of Problem
        Unknown indicators, units, levels and members; thresholds outside the indicator's range; contradictions.
    """
    places = places or {}
    kinds = indicators.set_index("indicator")["kind"].to_dict()
    known = set(units["unit"])
    codes = {one.target for one in targets}
    problems: list[Problem] = []
    for target in targets:
        where = places.get(target.target, f"target {target.target}")
        problems += _check_indicators(target, kinds, where)
        problems += _check_units(target, units, known, where)
        for key, named in (
            ("replaces", [target.replaces] if target.replaces else []),
            ("members", target.members if target.kind == "indicators_k_of_n" else ()),
        ):
            for one in sorted(set(named) - codes):
                problems.append(
                    Problem(
                        f"{where}: {key}",
                        f"there is no target {one!r}",
                        f"one of {len(codes)} codes",
                        did_you_mean(one, codes) or "Check the code",
                    )
                )
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
    if getattr(target, "of", None) == "count":
        problems.append(
            Problem(
                f"{where}: of",
                "found 'count', but the indicator is a rate",
                "quota, eligible",
                "Name the indicator of the count, or set `of: eligible`",
            )
        )
    thresholds = [("threshold", target.threshold), ("baseline", target.baseline)]
    thresholds += [("milestones", one.threshold) for one in target.milestones]
    thresholds += [(f"unit_thresholds.{unit}", value) for unit, value in target.unit_thresholds.items()]
    for key, value in thresholds:
        if value is not None and not 0 <= value <= 1:
            remedy = f"Write {value / 100:g} for {value:g} %" if 1 < value <= 100 else "Change the value"
            problems.append(
                Problem(
                    f"{where}: {key}",
                    f"found {value:g}, but the indicator is a rate",
                    "a fraction between 0 and 1",
                    remedy,
                )
            )
    return problems


def _check_units(target: Target, units: pd.DataFrame, known: set[str], where: str) -> list[Problem]:
    problems = []
    scopes = [("scope", target.scope)] + ([("peers", target.peers)] if target.kind == "rank_le" else [])
    for key, scope in scopes:
        named = (
            scope if isinstance(scope, tuple) else [scope.within] if isinstance(scope, Scope) and scope.within else []
        )
        for one in sorted(set(named) - known):
            problems.append(
                Problem(
                    f"{where}: {key}",
                    f"there is no unit {one!r}",
                    f"one of {len(known)} codes",
                    did_you_mean(one, known) or "Take a code of the unit list",
                )
            )
        levels = sorted(set(units["level"]))
        if isinstance(scope, Scope) and scope.level not in levels:
            problems.append(
                Problem(
                    f"{where}: {key}.level",
                    f"no unit has the level {scope.level!r}",
                    ", ".join(levels),
                    did_you_mean(scope.level, levels) or "Choose one of them",
                )
            )
    for key in ("unit_thresholds", "quota", "population", "baseline"):
        for one in sorted(set(_mapping(getattr(target, key, None))) - known):
            problems.append(
                Problem(
                    f"{where}: {key}",
                    f"there is no unit {one!r}",
                    f"one of {len(known)} codes",
                    did_you_mean(one, known) or "Take a code of the unit list",
                )
            )
    return problems


_SAME_EVENT = (  # targets alike in these are about the same figure of the same period
    "kind", "indicator", "components", "start", "deadline", "reading", "of", "baseline", "baseline_period", "peers",
)  # fmt: skip


def _mapping(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _check_pairs(targets: Sequence[Target], units: pd.DataFrame, places: dict[str, str]) -> list[Problem]:
    """Promises that contradict or repeat one another: the same event, another number or none, some unit in common."""
    problems = []
    groups: dict[tuple, list[Target]] = {}
    for one in targets:
        if one.operator and one.threshold is not None:
            groups.setdefault(tuple(repr(getattr(one, name, None)) for name in _SAME_EVENT), []).append(one)
    for group in groups.values():
        for one, other in combinations(group, 2):
            if not _same_days(one, other):
                continue
            shared = set(_units_if_known(one.scope, units)) & set(_units_if_known(other.scope, units))
            where = places.get(other.target, f"target {other.target}")
            for unit in sorted(shared):
                found = _contradiction(one, other, unit)
                if found:
                    problems.append(
                        Problem(
                            where,
                            f"{found} (unit {unit!r} and {len(shared) - 1} more)",
                            "promises that can be kept together, each stated once",
                            "Correct one, or end it with `valid_to` and let the other `replaces` it",
                        )
                    )
                    break
    by_code = {one.target: one for one in targets}
    for one in targets:
        old = by_code.get(one.replaces)
        if old is not None and _same_days(one, old):
            problems.append(
                Problem(
                    places.get(one.target, f"target {one.target}"),
                    f"it replaces {old.target!r}, and both hold on the same days",
                    "the old one's valid_to before the new one's valid_from",
                    "State both dates",
                )
            )
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
    if isinstance(scope, Scope) and scope.within and not units["unit"].eq(scope.within).any():
        return []
    return units_in(scope, units)


def units_of(target: Target, units: pd.DataFrame) -> list[str]:
    """Units that a target speaks of, sorted by code.

    Parameters
    ----------
    target : Target
    units : DataFrame
        `schema.UNITS`.

    Returns
    -------
    list of str
    """
    return units_in(target.scope, units)


def units_in(scope: str | Scope | Sequence[str], units: pd.DataFrame) -> list[str]:
    """Units of a scope or of a peer set, sorted by code.

    Raises
    ------
    DataError
        If the scope's `within` is not in the list.
    """
    if isinstance(scope, Scope):
        among = units["unit"][units["level"].eq(scope.level)]
        return sorted(among if scope.within is None else set(among) & set(descendants(units, scope.within)))
    if scope == "all":
        return sorted(units["unit"])
    return sorted(set(scope) & set(units["unit"]))


def targets_table(targets: Sequence[Target]) -> pd.DataFrame:
    """The targets as `schema.TARGETS`; `scope` as text, `inferred` as names with spaces between, `order` as given.

    Returns
    -------
    DataFrame
        Sorted by code; one row a target.
    """
    rows = []
    for order, target in enumerate(targets):
        row = {name: getattr(target, name) for name in TARGETS.columns if hasattr(target, name)}
        row |= {"order": order, "scope": _scope_text(target.scope), "inferred": " ".join(target.inferred)}
        if isinstance(target.baseline, dict):
            row["baseline"] = None  # one a unit: stands in the entry
        rows.append(row)
    if not rows:
        return TARGETS.empty()
    return as_table(pd.DataFrame(rows), TARGETS, where="targets")


def _scope_text(scope: str | Scope | Sequence[str]) -> str:
    if isinstance(scope, Scope):
        return f"level:{scope.level}" + (f" within:{scope.within}" if scope.within else "")
    return scope if isinstance(scope, str) else " ".join(scope)
