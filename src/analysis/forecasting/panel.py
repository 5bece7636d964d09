"""One indicator as a block ``(n_units, n_periods)``: what the models see, and what a table says about itself.

Arrays in, arrays out; no files. Periods are consecutive; a period nobody reported is a column of NaN. Values before a
declared break stay visible but are not fitted (`first`). What the indicator file leaves open is inferred with caution:
a per cent 0..100 is never rescaled (it is a level), and a doubt means "level", not cumulative, exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.words import periods as words
from analysis.words.errors import DataError, Problem, examples

BREAK_FLAG = "break"  # token of `flags` at the first period of a new definition or boundary
STEPS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.001, 0.0001)  # published steps of a share, coarse first
LEVEL_STEPS = (100.0, 10.0, 5.0, 1.0, 0.5, 0.1, 0.05, 0.01, 0.001)
MAX_FALLS = 0.02  # share of steps that may fall in a cumulative count (corrections at the source)


@dataclass(frozen=True)
class Panel:
    """Values of one indicator, a row a unit, a column a period."""

    units: tuple[str, ...]  # length n
    periods: tuple[str, ...]  # length T: Consecutive period codes; the last is the cutoff
    values: np.ndarray  # (n, T): Share as a fraction, count, or level; NaN where not reported
    numerator: np.ndarray | None = None  # (n, T)
    denominator: np.ndarray | None = None  # (n, T)
    kind: str = "rate"  # "rate", "count", "level" or "rank"
    cumulative: bool = False  # A value never falls below the one before
    season_length: int = 1  # 12, 4 or 1
    resolution: float | None = None  # Published step in natural units (0.01: whole per cent); None: exact
    first: np.ndarray | None = None  # (n,): First usable period (after the last declared break)

    def __post_init__(self) -> None:
        if self.first is None:
            object.__setattr__(self, "first", np.zeros(len(self.units), dtype=np.int64))

    @property
    def n_units(self) -> int:
        """Number of rows."""
        return len(self.units)

    @property
    def n_periods(self) -> int:
        """Number of columns."""
        return len(self.periods)

    def usable(self) -> np.ndarray:
        """Values with NaN before each unit's `first`, shape (n, T)."""
        before = np.arange(self.n_periods) < self.first[:, None]
        return np.where(before, np.nan, self.values)

    def last_value(self) -> np.ndarray:
        """Last usable observed value of every unit, NaN where there is none, shape (n,)."""
        values = self.usable()
        index = last_observed(values)
        found = np.take_along_axis(values, np.maximum(index, 0)[:, None], axis=1)[:, 0]
        return np.where(index >= 0, found, np.nan)

    def rows(self, index: np.ndarray) -> Panel:
        """The panel with only the rows `index`, in that order."""
        units = tuple(self.units[one] for one in index)
        return self.changed(lambda block: block[index], units=units, first=self.first[index])

    def changed(self, change: Callable[[np.ndarray], np.ndarray], **fields: Any) -> Panel:
        """The panel with its values, numerators and denominators changed alike, and other `fields`."""
        blocks = {name: getattr(self, name) for name in ("values", "numerator", "denominator")}
        return replace(self, **{name: None if one is None else change(one) for name, one in blocks.items()}, **fields)


def last_observed(values: np.ndarray) -> np.ndarray:
    """Column of the last finite value of every row, -1 where there is none.

    >>> last_observed(np.array([[1.0, 2.0, np.nan], [np.nan, np.nan, np.nan]]))
    array([ 1, -1])
    """
    seen = np.isfinite(values)
    last = values.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
    return np.where(seen.any(axis=1), last, -1)


def truncate(panel: Panel, n_periods: int) -> Panel:
    """The panel as it was `n_periods` periods after its start: for backtests.

    A break that is declared later than that is not known yet; the unit then uses all its periods.
    """
    if not 1 <= n_periods <= panel.n_periods:
        raise DataError(
            Problem("truncate", f"n_periods is {n_periods!r}", f"1..{panel.n_periods}", "Ask for fewer periods")
        )
    first = np.where(panel.first < n_periods, panel.first, 0)
    return panel.changed(lambda block: block[:, :n_periods], periods=panel.periods[:n_periods], first=first)


def with_figures(panel: Panel, then: Panel) -> Panel:
    """The panel cut where `then` ends, with the figures of `then`: the same indicator as it was known at that time."""
    cut = truncate(panel, panel.periods.index(then.periods[-1]) + 1)
    rows = np.array([cut.units.index(unit) for unit in then.units], dtype=np.int64)
    start = cut.periods.index(then.periods[0])
    blocks, first = {}, np.zeros(cut.n_units, dtype=np.int64)
    for name in ("values", "numerator", "denominator"):
        old = getattr(then, name)
        if getattr(cut, name) is not None:
            blocks[name] = np.full(cut.values.shape, np.nan)
            blocks[name][rows, start:] = np.nan if old is None else old
    first[rows] = np.where(then.first > 0, then.first + start, 0)
    return replace(cut, first=first, **blocks)


def as_panel(
    observations: pd.DataFrame,
    *,
    indicator: dict,
    cutoff: str | None,
) -> Panel:
    """Arrange one indicator's observations as a panel that ends at `cutoff`.

    Of several vintages of one unit and period the latest counts. What the indicator leaves open (kind, cumulative,
    season length, resolution: None, NaN or "") is inferred from the values up to the cutoff.

    Parameters
    ----------
    observations : DataFrame
        Columns of ``schema.OBSERVATIONS``; vintage, numerator, denominator and flags may be absent.
    indicator : dict
        A row of ``schema.INDICATORS``; only "indicator" is required.
    cutoff : str or None
        Last period the model may see; None: the last observed one.

    Raises
    ------
    DataError
        No row of the indicator up to the cutoff, or periods of mixed frequency.
    """
    code = indicator["indicator"]
    rows = observations[observations["indicator"] == code]
    rows = rows.assign(_at=words.ordinals(rows["period"]))
    end = words.as_period(cutoff).ordinal if cutoff is not None else rows["_at"].max()
    rows = rows[rows["_at"] <= end] if len(rows) else rows
    rows = _latest_vintage(rows)
    if rows.empty:
        found = examples(sorted(set(map(str, observations["indicator"]))))
        raise DataError(
            Problem(
                f"indicator {code!r}",
                f"it has no observation up to {cutoff!r}; indicators present: {found}",
                "at least one row",
                "Correct the indicator's code or the cutoff",
            )
        )
    names = tuple(sorted(set(rows["unit"])))
    start = int(rows["_at"].min())
    return _fill(rows, indicator=indicator, names=names, start=start, n_periods=int(end) - start + 1)


def _latest_vintage(rows: pd.DataFrame) -> pd.DataFrame:
    if "vintage" not in rows.columns:
        return rows.drop_duplicates(["unit", "_at"], keep="last")
    texts = {one: "" if pd.isna(one) else str(one) for one in rows["vintage"].unique()}
    if any(one != text for one, text in texts.items()):
        rows = rows.assign(vintage=rows["vintage"].map(texts))
    if len(set(texts.values())) > 1:
        rows = rows.sort_values("vintage", kind="stable")
    return rows.drop_duplicates(["unit", "_at"], keep="last")


def _fill(rows: pd.DataFrame, *, indicator: dict, names: tuple[str, ...], start: int, n_periods: int) -> Panel:
    row = rows["unit"].map({name: index for index, name in enumerate(names)}).to_numpy()
    column = rows["_at"].to_numpy() - start

    def block(name: str) -> np.ndarray:
        out = np.full((len(names), n_periods), np.nan)
        if name in rows.columns:
            out[row, column] = pd.to_numeric(rows[name], errors="coerce").to_numpy(dtype=float)
        out[~np.isfinite(out)] = np.nan
        return out

    values, numerator, denominator = block("value"), block("numerator"), block("denominator")
    ratio = np.divide(numerator, denominator, out=np.full_like(values, np.nan), where=denominator > 0)
    values = np.where(np.isnan(values), ratio, values)
    first = np.zeros(len(names), dtype=np.int64)
    if "flags" in rows.columns:
        breaks = [one for one in rows["flags"].unique() if BREAK_FLAG in str(one).replace(",", " ").split()]
        broken = rows["flags"].isin(breaks).to_numpy()
        np.maximum.at(first, row[broken], column[broken])
    frequency = words.frequency_of(str(rows["period"].iloc[0]))
    kind = infer_kind(values)
    return Panel(
        units=names,
        periods=tuple(words.codes(range(start, start + n_periods), frequency=frequency)),
        values=values,
        numerator=numerator if np.isfinite(numerator).any() else None,
        denominator=denominator if np.isfinite(denominator).any() else None,
        kind=str(_stated(indicator, "kind", kind)),
        cumulative=bool(_stated(indicator, "cumulative", infer_cumulative(values, kind=kind))),
        season_length=int(_stated(indicator, "season_length", words.FREQUENCIES[frequency])),
        resolution=_stated(indicator, "resolution", infer_resolution(values, kind=kind)),
        first=first,
    )


def _stated(indicator: dict, name: str, otherwise: object) -> object:
    value = indicator.get(name)
    if value is None or value == "" or pd.isna(value):
        return otherwise
    return value


def infer_kind(values: np.ndarray) -> str:
    """Return "rate", "count" or "level".

    Rate: every value lies in 0..1. Count: whole numbers >= 0 that exceed 100 somewhere (whole numbers up to 100 may as
    well be a per cent or a score: level, which only loses the observation noise). Level: anything else.

    >>> infer_kind(np.array([[0.2, 0.5]])), infer_kind(np.array([[10.0, 2050.0]])), infer_kind(np.array([[-1.5, 80]]))
    ('rate', 'count', 'level')
    """
    seen = values[np.isfinite(values)]
    if seen.size == 0:
        return "level"
    if np.all((seen >= 0) & (seen <= 1)):
        return "rate"
    whole = bool(np.all((seen >= 0) & (seen == np.floor(seen))))
    return "count" if whole and seen.max() > 100 else "level"


def infer_cumulative(values: np.ndarray, *, kind: str) -> bool:
    """Return True for a count that (nearly) never falls and mostly rises.

    A share is never taken as cumulative: its denominator moves.

    >>> infer_cumulative(np.array([[100.0, 150, 220, 300, 310]]), kind="count")
    True
    """
    if kind != "count":
        return False
    steps = np.diff(values, axis=1)
    steps = steps[np.isfinite(steps)]
    if steps.size < 4:
        return False
    return bool(np.mean(steps < 0) <= MAX_FALLS and np.mean(steps > 0) >= 0.5)


def infer_resolution(values: np.ndarray, *, kind: str) -> float | None:
    """Coarsest step of which every published value is a multiple; None where there is none.

    Needs at least four different values (a panel of 0 and 1 says nothing about its step). A count's step is 1.

    >>> infer_resolution(np.array([[0.17, 0.25, 0.33, 0.51, 0.9]]), kind="rate")
    0.01
    """
    if kind in ("count", "rank"):
        return 1.0
    seen = np.unique(values[np.isfinite(values)])
    if seen.size < 4:
        return None
    for step in STEPS if kind == "rate" else LEVEL_STEPS:
        units = seen / step
        if np.all(np.abs(units - np.rint(units)) < 1e-6 * np.maximum(1.0, np.abs(units))):
            return step
    return None
