"""A target as the statistics see it: one promise, the units it binds, its threshold for each of them.

The registry's typed entries come in through :func:`promises_of`. Nothing is invented here: what an entry does not say
stays None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

NO_THRESHOLDS = MappingProxyType({})


@dataclass(frozen=True)
class Promise:
    """One promise and the units it binds; fields of other kinds stay at their defaults.

    Parameters
    ----------
    target, indicator, kind : str
        Codes; `kind` is one of the registry's.
    units : tuple of str
        Units bound, in any order.
    operator, threshold : str, float
        As written; NaN where the promise states no number.
    upper : float
        Upper bound of a two-sided promise (``threshold <= value <= upper``); NaN otherwise.
    unit_thresholds : mapping
        Threshold of single units, where it differs.
    deadline, start : str or None
        Period codes.
    reading : str
        "each_period", "cumulative" or "rolling_3": the official reading of a sustained promise.
    baseline : float or mapping or None
        Stated baseline: one number, or one for each unit.
    k, n : float
        k of n.
    members : tuple of str
        Indicators of a composite, targets of "k of n", services of a coverage.
    weights : mapping
        Component indicator -> highest points.
    peers : tuple of str
        Peer set of a rank.
    quota, population : mapping or float or None
        The two denominators of a count.
    milestones : tuple of (period, threshold)
    started : bool
        False while the clock of a conditional promise has not started.
    inner : str
        Kind that a conditional promise becomes once it has started.
    better : str
        "up" or "down", for promises without a number and for ranks.
    of : str
        "count", "quota" or "eligible": what the threshold of a count is a share of.
    baseline_period : str or None
        Period whose value is the baseline.
    total : float
        Points of a composite; its weights sum to it.
    settled : bool
        The deadline lies in the history on purpose: the promise stays on the board as met or missed.
    """

    target: str
    indicator: str
    kind: str
    units: tuple[str, ...]
    operator: str = ">="
    threshold: float = float("nan")
    upper: float = float("nan")
    unit_thresholds: Mapping[str, float] = field(default_factory=lambda: NO_THRESHOLDS)
    deadline: str | None = None
    start: str | None = None
    reading: str = "each_period"
    baseline: object = None
    k: float = float("nan")
    n: float = float("nan")
    members: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=lambda: NO_THRESHOLDS)
    peers: tuple[str, ...] = ()
    quota: object = None
    population: object = None
    milestones: tuple[tuple[str, float], ...] = ()
    started: bool = True
    inner: str = ""
    better: str = "up"
    of: str = "count"
    baseline_period: str | None = None
    total: float = float("nan")
    settled: bool = False

    def thresholds(self, units: Iterable[str]) -> np.ndarray:
        """Threshold of each unit, shape (n,)."""
        return per_unit(self.unit_thresholds, units, default=self.threshold)


def per_unit(value: object, units: Iterable[str], *, default: float = float("nan")) -> np.ndarray:
    """One number for each unit from a number, a mapping or nothing.

    Examples
    --------
    >>> per_unit({"a": 3}, ["a", "b"], default=1.0).tolist(), per_unit(2, ["a"]).tolist()
    ([3.0, 1.0], [2.0])
    """
    units = list(units)
    if isinstance(value, Mapping):
        return np.array([value.get(one, default) for one in units], dtype=float)
    return np.full(len(units), default if value is None else float(value))


def promises_of(
    targets: Iterable[object], *, units: pd.DataFrame, units_of, better: Mapping[str, str]
) -> list[Promise]:
    """Promises of the registry's entries, in the order of their codes.

    Parameters
    ----------
    targets : iterable of registry.targets.Target
    units : DataFrame
        ``schema.UNITS``.
    units_of : callable
        ``units_of(target, units) -> list[str]``, the registry's rule of scope.
    better : mapping
        Indicator -> "up" or "down".
    """
    out = [_promise(one, tuple(units_of(one, units)), better) for one in targets]
    return sorted(out, key=lambda one: one.target)


def _promise(target: object, units: tuple[str, ...], better: Mapping[str, str]) -> Promise:
    def read(name: str, default: object = None) -> object:
        value = getattr(target, name, None)
        return default if value is None else value

    nan = float("nan")
    milestones = tuple((_field(one, "period"), float(_field(one, "threshold"))) for one in read("milestones", ()))
    return Promise(
        target=target.target,
        indicator=read("indicator", ""),
        kind=target.kind,
        units=units,
        operator=read("operator") or ("<=" if target.kind == "rank_le" else ">="),
        threshold=float(read("threshold", nan)),
        upper=float(read("upper", nan)),
        unit_thresholds=dict(read("unit_thresholds", {})),
        deadline=read("deadline") or None,
        start=read("start") or None,
        reading=read("reading", "each_period"),
        baseline=read("baseline"),
        k=float(read("k", nan)),
        n=float(read("n", nan)),
        members=tuple(read("members", ())),
        weights=dict(read("weights", {})),
        peers=tuple(read("peers", ())),
        quota=read("quota"),
        population=read("population"),
        milestones=milestones,
        started=bool(read("started", True)),
        inner=read("inner", ""),
        better=read("better") or better.get(read("indicator", ""), "up"),
        of=read("of", "count"),
        baseline_period=read("baseline_period") or None,
        total=float(read("total", nan)),
        settled=bool(read("settled", False)),
    )


def _field(entry: object, name: str) -> object:
    return entry[name] if isinstance(entry, Mapping) else getattr(entry, name)
