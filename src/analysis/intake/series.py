"""What the series themselves show: gaps, late and closed units, falls, jumps, runs of zeros, tiny denominators.

Flags only; no figure is changed here. Figures are those of the sources, not our sums.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.intake.aggregate import LATE_PERIODS, expected
from analysis.intake.checks import finding
from analysis.intake.keys import pivot
from analysis.words.periods import codes, ordinals

TINY = 30  # cases a period; below, one case moves a rate by more than 3 points
JUMP = 8.0  # robust standard deviations; a normal step passes it less than once in 10^14
JUMP_THAT_DATE = 4.0  # robust standard deviations of all units' steps at that date
UNKNOWN_BASE = 1000.0  # cases assumed behind a rate that states none
MIN_STEPS = 8  # steps that a scale is estimated from
MIN_ZEROS = 3  # zeros in a row that are worth a word


def check_series(
    observations: pd.DataFrame, *, indicators: pd.DataFrame, source_of: dict[str, str]
) -> list[pd.DataFrame]:
    """Findings about the series of every indicator.

    Parameters
    ----------
    observations : DataFrame
        One row a unit, indicator and period: the latest known figures of the sources.
    indicators : DataFrame
        `schema.INDICATORS`.
    source_of : dict
        Indicator -> source, for the register.

    Returns
    -------
    list of DataFrame
        Columns of `checks.COLUMNS`.
    """
    findings: list[pd.DataFrame] = []
    by_indicator = dict(tuple(observations.groupby("indicator", sort=True)))
    for row in indicators.to_dict("records"):
        part = by_indicator.get(row["indicator"])
        if part is None:
            continue
        series = _Series(part, row, source_of.get(row["indicator"], ""))
        for check in (_gaps, _falls, _jumps, _zeros, _tiny):
            findings += check(series)
    return findings


def check_empty(observations: pd.DataFrame, *, units: pd.DataFrame) -> list[pd.DataFrame]:
    """Units without any figure, sums included."""
    empty = units[~units["unit"].isin(observations.loc[observations["value"].notna(), "unit"].unique())]
    return [finding(empty, flag="empty_unit", found="no figure in any source", source="")] if len(empty) else []


class _Series:
    """Blocks of one indicator, shape (n, T), with what a finding needs to say where it is."""

    def __init__(self, part: pd.DataFrame, indicator: dict, source: str) -> None:
        self.indicator, self.source = indicator, source
        self.frequency = indicator["frequency"]
        when = ordinals(part["period"])
        self.periods = codes(range(int(when.min()), int(when.max()) + 1), frequency=self.frequency)
        self.units = sorted(part["unit"].unique())
        self.value, self.numerator, self.denominator = (
            pivot(part, column=name, units=self.units, periods=self.periods)
            for name in ("value", "numerator", "denominator")
        )
        self.present = np.isfinite(self.value) | (self.denominator == 0)  # nothing to count is a report, too

    def found(self, rows: list[tuple[str, str, str]], flag: str) -> list[pd.DataFrame]:
        """Findings of (unit, period, what was found)."""
        if not rows:
            return []
        frame = pd.DataFrame(rows, columns=["unit", "period", "told"])
        frame["indicator"] = self.indicator["indicator"]
        return [finding(frame, flag=flag, found=frame["told"], source=self.source)]

    def number(self, value: float) -> str:
        """A figure as the register quotes it: at most six significant digits."""
        return f"{value:.6g}"


def _gaps(series: _Series) -> list[pd.DataFrame]:
    """Periods that nobody reports (unit ""), gaps of single units, late and closed units."""
    anyone = series.present.any(axis=0)
    whole = [("", series.periods[at], "no unit reports this period") for at in np.flatnonzero(~anyone)]
    here = np.flatnonzero(anyone)
    present = series.present[:, here]
    grace = LATE_PERIODS[series.frequency]
    wanted = expected(present, late=grace)
    single, late, closed = [], [], []
    for row in np.flatnonzero((wanted & ~present).any(axis=1) | ~wanted[:, -1]):
        unit = series.units[row]
        last = np.flatnonzero(present[row])
        if not len(last):
            continue
        for start, stop in _runs(wanted[row] & ~present[row]):
            first_code, last_code = series.periods[here[start]], series.periods[here[stop - 1]]
            if stop == len(here):
                late.append((unit, first_code, f"last reported {series.periods[here[last[-1]]]}"))
            else:
                told = f"missing from {first_code} to {last_code} ({stop - start} periods)"
                single.append((unit, first_code, told))
        if not wanted[row, -1]:
            closed.append((unit, series.periods[here[last[-1]]], "last figure; nothing since"))
    return (
        series.found(whole + single, "missing_period")
        + series.found(late, "late_unit")
        + series.found(closed, "closed_unit")
    )


def _runs(hit: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hit, [False]]).astype(int)))
    return [(int(one), int(other)) for one, other in edges.reshape(-1, 2)]


def _steps(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each figure the one before it (over gaps) and the column where that stands; NaN and -1 for none."""
    n_units, n_periods = block.shape
    column = np.where(np.isfinite(block), np.arange(n_periods), -1)
    latest = np.maximum.accumulate(column, axis=1)
    before = np.concatenate([np.full((n_units, 1), -1), latest[:, :-1]], axis=1)
    values = np.take_along_axis(block, np.maximum(before, 0), axis=1)
    return np.where(before >= 0, values, np.nan), before


def _falls(series: _Series) -> list[pd.DataFrame]:
    """Cumulative figures that fall: the count itself (a warning), or only the share because its base grew."""
    if not series.indicator["cumulative"]:
        return []
    counted = np.isfinite(series.numerator).any()
    count = np.where(np.isfinite(series.numerator), series.numerator, np.nan) if counted else series.value
    before, _ = _steps(count)
    falls = count < before
    rows = [
        (series.units[row], series.periods[at], f"{series.number(before[row, at])} -> {series.number(count[row, at])}")
        for row, at in np.argwhere(falls)
    ]
    found = series.found(rows, "falling_cumulative")
    if not counted:
        return found
    value_before, _ = _steps(series.value)
    base_before, _ = _steps(series.denominator)
    shares = [
        (
            series.units[row],
            series.periods[at],
            f"{value_before[row, at]:.4%} -> {series.value[row, at]:.4%}: denominator "
            f"{series.number(base_before[row, at])} -> {series.number(series.denominator[row, at])}",
        )
        for row, at in np.argwhere((series.value < value_before) & ~falls)
    ]
    return found + series.found(shares, "falling_share")


def _jumps(series: _Series) -> list[pd.DataFrame]:
    """Steps far outside the unit's own, the panel's and that date's, that the next figure does not take back."""
    if series.indicator["kind"] == "rank":  # places jump without anything behind it
        return []
    level, noise = _scaled(series)
    before, _ = _steps(level)
    step = level - before
    common = _nanmedian(step, axis=0)
    own = step - common
    spread = 1.4826 * _nanmedian(np.abs(own - _nanmedian(own, axis=1)[:, None]), axis=1)
    floor = max(float(np.nanmedian(spread)) if np.isfinite(spread).any() else 0.0, 1e-6)
    noise_before, _ = _steps(noise)
    wide = 1.4826 * _nanmedian(np.abs(own), axis=0)  # of all units at that date: a season's start is no jump
    usual = np.maximum(np.maximum(np.nan_to_num(spread), floor)[:, None], _by_season(series, own)[None, :])
    scale = np.sqrt(usual**2 + noise + np.nan_to_num(noise_before))
    far = (np.abs(own) > np.maximum(JUMP * scale, JUMP_THAT_DATE * np.nan_to_num(wide))) & (
        np.isfinite(step).sum(axis=1) >= MIN_STEPS
    )[:, None]
    blip = _opposite(step, after=True) | _opposite(step, after=False)  # there and back is an odd figure, no new level
    value_before, _ = _steps(series.value)
    rows = [
        (series.units[row], series.periods[at],
         f"{series.number(value_before[row, at])} -> {series.number(series.value[row, at])}")
        for row, at in np.argwhere(far & ~blip)
    ]  # fmt: skip
    return series.found(rows, "level_jump")


def _opposite(step: np.ndarray, *, after: bool) -> np.ndarray:
    """Steps that the next one (or the one before) undoes by more than half."""
    nothing = np.full((len(step), 1), np.nan)
    other = np.concatenate([step[:, 1:], nothing] if after else [nothing, step[:, :-1]], axis=1)
    return np.nan_to_num(other * np.sign(step)) < -np.abs(np.nan_to_num(step)) / 2


def _by_season(series: _Series, own: np.ndarray) -> np.ndarray:
    """Spread of all units' steps in the same month of all years, shape (T,); 0 where there is no season."""
    length = int(series.indicator["season_length"])
    phase = np.arange(own.shape[1]) % length
    if length == 1:
        return np.zeros(own.shape[1])
    spread = [1.4826 * _nanmedian(np.abs(own[:, phase == one]).reshape(1, -1), axis=1)[0] for one in range(length)]
    return np.nan_to_num(np.array(spread))[phase]


def _scaled(series: _Series) -> tuple[np.ndarray, np.ndarray]:
    """Figures on the scale of comparison, and the variance that counting alone gives them."""
    if series.indicator["kind"] == "rate":
        n = np.where(np.isfinite(series.denominator) & (series.denominator > 0), series.denominator, UNKNOWN_BASE)
        k = series.value * n
        p = (k + 0.5) / (n + 1)  # as the models do: no infinity at 0 and 1
        return np.log(p / (1 - p)), 1 / (n * p * (1 - p))
    if series.indicator["kind"] == "count":
        return np.log(series.value + 0.5), 1 / (series.value + 0.5)
    return series.value, np.zeros_like(series.value)


def _zeros(series: _Series) -> list[pd.DataFrame]:
    """Zeros of all units before the first figure (unit ""), and zeros at the end of a unit that had figures."""
    if series.indicator["kind"] not in ("rate", "count"):
        return []
    zero, positive = series.value == 0, series.value > 0
    all_zero = (zero | ~series.present).all(axis=0) & zero.any(axis=0)
    started = positive.any(axis=0)
    lead = int(started.argmax()) if started.any() else 0
    rows = []
    if lead >= 2 and all_zero[:lead].sum() >= 2 and len(series.units) > 1:
        first, last = series.periods[int(all_zero[:lead].argmax())], series.periods[lead - 1]
        rows.append(("", first, f"all {len(series.units)} units report 0 from {first} to {last}: not measured?"))
    falling = series.indicator["better"] == "down"  # 0 overdue dossiers are good news, no gap
    for row in [] if falling else np.flatnonzero(zero.any(axis=1) & positive.any(axis=1)):
        seen = np.flatnonzero(series.present[row])
        start, stop = _runs(zero[row, seen])[-1]
        if stop == len(seen) and stop - start >= MIN_ZEROS and positive[row, seen[:start]].sum() >= MIN_ZEROS:
            first = series.periods[seen[start]]
            rows.append((series.units[row], first, f"0 in the last {stop - start} periods, after figures above 0"))
    return series.found(rows, "zero_run")


def _tiny(series: _Series) -> list[pd.DataFrame]:
    """Rates whose base, in the middle of the unit's periods, is below `TINY`."""
    if series.indicator["kind"] != "rate" or not np.isfinite(series.denominator).any():
        return []
    middle = _nanmedian(series.denominator, axis=1)
    rows = []
    for row in np.flatnonzero(middle < TINY):
        last = series.periods[int(np.flatnonzero(np.isfinite(series.denominator[row]))[-1])]
        rows.append((series.units[row], last, f"{middle[row]:.6g} cases in the median period"))
    return series.found(rows, "tiny_denominator")


def _nanmedian(block: np.ndarray, *, axis: int) -> np.ndarray:
    """Median of the finite figures, NaN where there is none, without a warning."""
    empty = ~np.isfinite(block).any(axis=axis)
    filled = np.where(np.expand_dims(empty, axis), 0.0, block)
    return np.where(empty, np.nan, np.nanmedian(filled, axis=axis))
