"""Upper levels of the tree as sums of numerators and denominators, or of counts; percentages are never averaged.

A unit that is missing at a date is not invented. A rate is summed over the units present while they hold at least
`MIN_COVERAGE` of the base, with the bounds that any figure of the missing ones would leave; a count with a unit missing
would only seem to fall, so it stays empty with the sum of the others as its lower bound. Either way it is flagged.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.words.errors import MAX_EXAMPLES
from analysis.words.findings import finding
from analysis.words.periods import codes, ordinals

MIN_COVERAGE = 0.95  # share of the base (denominators, else last known counts) that must be present
LATE_PERIODS = {"M": 3, "Q": 1, "Y": 1}  # silent for longer than this at the end of the series: closed, not late
_BLOCKS = ("value", "numerator", "denominator")


def sum_up(
    observations: pd.DataFrame, *, units: pd.DataFrame, indicators: pd.DataFrame
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Figures of upper units that the sources do not report themselves."""
    below = units[units["parent"].ne("")].groupby("parent")["unit"].agg(list).to_dict()
    below = {unit: below[unit] for unit in _bottom_up(units, below)}
    rows, findings = [], []
    by_indicator = dict(tuple(observations.groupby("indicator", sort=True)))
    for row in indicators[indicators["aggregation"].eq("sum")].to_dict("records"):
        if row["indicator"] in by_indicator:
            part = by_indicator[row["indicator"]]
            summed, found = _sum_indicator(part, indicator=row, below=below, units=list(units["unit"]))
            rows += summed
            findings += found
    return (pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()), findings


def _bottom_up(units: pd.DataFrame, below: dict[str, list[str]]) -> list[str]:
    """Upper units, those farthest from the root first."""
    parent_of = dict(zip(units["unit"], units["parent"]))

    def depth(unit: str) -> int:
        n = 0
        while parent_of.get(unit):
            unit, n = parent_of[unit], n + 1
        return n

    return sorted(below, key=lambda unit: (-depth(unit), unit))


def as_blocks(rows: pd.DataFrame, *, units: list[str], frequency: str) -> tuple[list[str], dict[str, np.ndarray]]:
    """All T period codes; value, numerator, denominator as (len(units), T), NaN where there is no row."""
    when, row = ordinals(rows["period"]), pd.Index(units).get_indexer(rows["unit"])
    first, known = int(when.min()), row >= 0
    periods = codes(range(first, int(when.max()) + 1), frequency=frequency)
    blocks = {name: np.full((len(units), len(periods)), np.nan) for name in _BLOCKS}
    for name, block in blocks.items():
        block[row[known], when[known] - first] = rows[name].to_numpy(dtype=float)[known]
    return periods, blocks


def _sum_indicator(
    part: pd.DataFrame, *, indicator: dict, below: dict[str, list[str]], units: list[str]
) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    frequency, rate = indicator["frequency"], indicator["kind"] == "rate"
    periods, block = as_blocks(part, units=units, frequency=frequency)
    figure = np.where(np.isfinite(block["denominator"]), block["numerator"], np.nan) if rate else block["value"]
    base = block["denominator"] if rate else block["value"]
    reported = np.isfinite(block["value"]).any(axis=1)
    place = {unit: n for n, unit in enumerate(units)}
    absent = np.zeros_like(base)  # base of missing units inside each unit that is itself a sum
    rows, findings = [], []
    for unit, parts in below.items():
        index, here = [place[one] for one in parts], place[unit]
        sums = _sum_block(figure[index], base[index], absent[index], rate=rate, late=LATE_PERIODS[frequency])
        if sums is None:
            continue
        where = pd.DataFrame({"unit": unit, "indicator": indicator["indicator"], "period": periods})
        if reported[here]:
            findings += _compare(where, indicator, block["value"][here], sums, rate=rate)
            continue
        figure[here], base[here] = sums["figure"], sums["base"]
        absent[here] = np.where(np.isfinite(sums["figure"]), sums["absent"], 0.0)
        rows.append(_rows(where, sums, rate=rate))
        findings += _missing(where, sums, parts) if sums["partial"].any() else []
    return rows, findings


def expected(present: np.ndarray, *, late: int) -> np.ndarray:
    """Which figures ought to be there: from a unit's first figure to its last, to the end where it is only late.

    >>> present = np.array([[1, 0, 1, 1, 0], [1, 0, 0, 0, 0]], dtype=bool)
    >>> expected(present, late=2).astype(int).tolist()
    [[1, 1, 1, 1, 1], [1, 0, 0, 0, 0]]
    """
    n_periods = present.shape[1]
    at = np.arange(n_periods)
    first = np.where(present.any(axis=1), present.argmax(axis=1), n_periods)
    last = np.where(present.any(axis=1), n_periods - 1 - present[:, ::-1].argmax(axis=1), -1)
    end = np.where(last >= n_periods - 1 - late, n_periods - 1, last)
    return (at >= first[:, None]) & (at <= end[:, None])


def _sum_block(
    figure: np.ndarray, base: np.ndarray, inside: np.ndarray, *, rate: bool, late: int
) -> dict[str, np.ndarray] | None:
    """Sums over the rows; what is missing, and how much of the base it holds (each unit's last known base)."""
    present = np.isfinite(figure) & np.isfinite(base)
    if not present.any():
        return None
    anyone = present.any(axis=0)
    missing = expected(present, late=late) & ~present & anyone
    total = np.where(present, figure, 0.0).sum(axis=0)
    total_base = np.where(present, base, 0.0).sum(axis=0)
    known = pd.DataFrame(np.where(present, base, np.nan).T).ffill().bfill().to_numpy().T
    absent = np.where(missing, np.nan_to_num(known), 0.0).sum(axis=0) + inside.sum(axis=0)
    partial = missing.any(axis=0) | (inside > 0).any(axis=0)
    whole = anyone & ~partial
    enough = whole | (anyone & rate & (total_base >= MIN_COVERAGE * (total_base + absent)))
    return {
        "figure": np.where(enough, total, np.nan),
        "base": np.where(enough, total_base, np.nan),
        "total": np.where(anyone, total, np.nan),
        "total_base": np.where(anyone, total_base, np.nan),
        "absent": absent,
        "missing": missing,
        "partial": partial & anyone,
        "anyone": anyone,
    }


def _rows(where: pd.DataFrame, sums: dict[str, np.ndarray], *, rate: bool) -> pd.DataFrame:
    some, value, lower, upper = sums["partial"], sums["figure"], sums["total"], np.nan
    if rate:
        base, full = (np.where(one > 0, one, np.nan) for one in (sums["base"], sums["total_base"] + sums["absent"]))
        value, lower, upper = value / base, sums["total"] / full, (sums["total"] + sums["absent"]) / full
    frame = where.assign(
        value=value,
        numerator=sums["figure"] if rate else np.nan,
        denominator=sums["base"] if rate else np.nan,
        lower=np.where(some, lower, np.nan),
        upper=np.where(some, upper, np.nan),
        flags=np.where(some, "summed missing_unit_in_sum", "summed"),
    )
    return frame[sums["anyone"]]


def _missing(where: pd.DataFrame, sums: dict[str, np.ndarray], below: list[str]) -> list[pd.DataFrame]:
    at = np.flatnonzero(sums["partial"])
    missing, absent, present = sums["missing"][:, at], sums["absent"][at], sums["total_base"][at]
    units = [[below[n] for n in np.flatnonzero(column)] for column in missing.T]
    empty = ["summed" if summed else "empty" for summed in np.isfinite(sums["figure"][at])]
    values = pd.DataFrame({"k": missing.sum(axis=0), "share": absent / np.maximum(absent + present, 1e-12)}, index=at)
    values["units"] = [[*one[:MAX_EXAMPLES], "…"] if len(one) > MAX_EXAMPLES else one for one in units]
    values["case"] = [case if one else f"below_{case}" for one, case in zip(units, empty)]
    return [finding(where.iloc[at], flag="missing_unit_in_sum", source="sum", n=len(below), **values)]


def _compare(
    where: pd.DataFrame, indicator: dict, reported: np.ndarray, sums: dict[str, np.ndarray], *, rate: bool
) -> list[pd.DataFrame]:
    """A reported total next to the sum of its parts; the reported one stays."""
    parts = sums["figure"] / np.where(sums["base"] > 0, sums["base"], np.nan) if rate else sums["figure"]
    tolerance = max(indicator["resolution"] / 2 if indicator["resolution"] > 0 else 0.0, 0.0005) if rate else 0.5
    differs = np.abs(reported - parts) > tolerance
    values = pd.DataFrame({"p": reported, "q": parts})
    return [finding(where[differs], flag="sum_differs", source="sum", **values)] if differs.any() else []
