"""What the series themselves show: gaps, late and closed units, falls, jumps, runs of zeros, tiny denominators.

Flags only; no figure is changed here. Figures are those of the sources, not our sums.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.intake.aggregate import LATE_PERIODS, as_blocks, expected
from analysis.words.findings import finding

TINY = 30  # cases a period; below, one case moves a rate by more than 3 points
JUMP = 8.0  # robust standard deviations; a normal step passes it less than once in 10^14
JUMP_THAT_DATE = 4.0  # robust standard deviations of all units' steps at that date
UNKNOWN_BASE = 1000.0  # cases assumed behind a rate that states none
MIN_STEPS = 8  # steps that a scale is estimated from
MIN_ZEROS = 3  # zeros in a row that are worth a word


def check_series(
    observations: pd.DataFrame, *, indicators: pd.DataFrame, source_of: dict[str, str]
) -> list[pd.DataFrame]:
    """Findings about the series of every indicator."""
    findings: list[pd.DataFrame] = []
    by_indicator = dict(tuple(observations.groupby("indicator", sort=True)))
    for row in indicators.to_dict("records"):
        if row["indicator"] in by_indicator:
            series = _Series(by_indicator[row["indicator"]], row, source_of.get(row["indicator"], ""), findings)
            for check in (_gaps, _falls, _jumps, _zeros, _tiny):
                check(series)
    return findings


class _Series:
    """Blocks of one indicator, shape (n, T), with what a finding needs to say where it is."""

    def __init__(self, part: pd.DataFrame, indicator: dict, source: str, findings: list[pd.DataFrame]) -> None:
        self.indicator, self.source, self.findings = indicator, source, findings
        units = sorted(part["unit"].unique())
        periods, blocks = as_blocks(part, units=units, frequency=indicator["frequency"])
        self.units, self.periods = np.array([*units, ""], dtype=object), np.array(periods, dtype=object)
        self.value, self.numerator, self.denominator = blocks["value"], blocks["numerator"], blocks["denominator"]
        self.present = np.isfinite(self.value) | (self.denominator == 0)  # nothing to count is a report, too

    def note(self, flag: str, row: np.ndarray, at: np.ndarray, **values: np.ndarray | str | int) -> None:
        """Findings at rows and columns of the blocks (row -1: all units), with a value for each or one for all."""
        if len(row):
            where = pd.DataFrame({"unit": self.units[row], "period": self.periods[at]})
            where["indicator"] = self.indicator["indicator"]
            each = {name: pd.Series(one) if isinstance(one, np.ndarray) else one for name, one in values.items()}
            self.findings.append(finding(where, flag=flag, source=self.source, **each))


def _gaps(series: _Series) -> None:
    """Periods that nobody reports (unit ""), gaps of single units, late and closed units."""
    anyone = series.present.any(axis=0)
    nobody, here = np.flatnonzero(~anyone), np.flatnonzero(anyone)
    series.note("missing_period", np.full(len(nobody), -1), nobody, case="all")
    if not len(here):  # bounds alone
        return
    present = series.present[:, here]
    wanted = expected(present, late=LATE_PERIODS[series.indicator["frequency"]])
    edges = np.diff(np.pad(wanted & ~present, ((0, 0), (1, 1))).astype(int), axis=1)
    (row, start), stop = np.nonzero(edges == 1), np.nonzero(edges == -1)[1]
    late, begin, end = stop == len(here), here[start], here[stop - 1]
    gap = {"first": series.periods[begin], "last": series.periods[end], "n": stop - start}
    series.note("missing_period", row[~late], begin[~late], **{name: one[~late] for name, one in gap.items()})
    last = here[::-1][present[:, ::-1].argmax(axis=1)]
    series.note("late_unit", row[late], begin[late], last=series.periods[last[row[late]]])
    closed = np.flatnonzero(present.any(axis=1) & ~wanted[:, -1])
    series.note("closed_unit", closed, last[closed])


def _before(block: np.ndarray) -> np.ndarray:
    """For each figure the one before it, over gaps; NaN for none."""
    return pd.DataFrame(block).ffill(axis=1).shift(axis=1).to_numpy()


def _falls(series: _Series) -> None:
    """Cumulative figures that fall: the count itself (a warning), or only the share because its base grew."""
    if not series.indicator["cumulative"]:
        return
    counted = np.isfinite(series.numerator).any()
    count = series.numerator if counted else series.value
    before = _before(count)
    falls = count < before
    series.note("falling_cumulative", *np.nonzero(falls), v=before[falls], w=count[falls])
    if counted:
        value_before, base_before = _before(series.value), _before(series.denominator)
        falls = (series.value < value_before) & ~falls
        bases = {"a": base_before[falls], "b": series.denominator[falls]}
        series.note("falling_share", *np.nonzero(falls), p=value_before[falls], q=series.value[falls], **bases)


def _jumps(series: _Series) -> None:
    """Steps far outside the unit's own, the panel's and that date's, that the next figure does not take back."""
    if series.indicator["kind"] == "rank":  # places jump without anything behind it
        return
    level, noise = _scaled(series)
    step = level - _before(level)
    own = step - _nanmedian(step, axis=0)
    spread = 1.4826 * _nanmedian(np.abs(own - _nanmedian(own, axis=1)[:, None]), axis=1)
    floor = max(float(np.nanmedian(spread)) if np.isfinite(spread).any() else 0.0, 1e-6)
    wide = 1.4826 * _nanmedian(np.abs(own), axis=0)  # of all units at that date: a season's start is no jump
    usual = np.maximum(np.maximum(np.nan_to_num(spread), floor)[:, None], _by_season(series, own)[None, :])
    scale = np.sqrt(usual**2 + noise + np.nan_to_num(_before(noise)))
    far = np.abs(own) > np.maximum(JUMP * scale, JUMP_THAT_DATE * np.nan_to_num(wide))
    far &= (np.isfinite(step).sum(axis=1) >= MIN_STEPS)[:, None]
    far &= ~_opposite(step, after=True) & ~_opposite(step, after=False)  # there and back is odd, but no new level
    series.note("level_jump", *np.nonzero(far), v=_before(series.value)[far], w=series.value[far])


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


def _zeros(series: _Series) -> None:
    """Zeros of all units before the first figure (unit ""), and zeros at the end of a unit that had figures."""
    if series.indicator["kind"] not in ("rate", "count"):
        return
    zero, positive, n_units = series.value == 0, series.value > 0, len(series.value)
    started = positive.any(axis=0)
    lead = int(started.argmax())
    nothing = np.flatnonzero((zero | ~series.present).all(axis=0)[:lead] & zero.any(axis=0)[:lead])
    if len(nothing) >= 2 and n_units > 1:
        span = {"first": series.periods[nothing[0]], "last": series.periods[lead - 1]}
        series.note("zero_run", np.array([-1]), nothing[:1], case="all", n=n_units, **span)
    if series.indicator["better"] == "down":  # 0 overdue dossiers are good news, no gap
        return
    for row in np.flatnonzero(zero.any(axis=1) & positive.any(axis=1)):
        seen = np.flatnonzero(series.present[row])
        start = np.flatnonzero(~zero[row, seen])[-1] + 1
        n = len(seen) - start
        if n >= MIN_ZEROS and positive[row, seen[:start]].sum() >= MIN_ZEROS:
            series.note("zero_run", np.array([row]), seen[start : start + 1], case="end", n=n)


def _tiny(series: _Series) -> None:
    """Rates whose base, in the middle of the unit's periods, is below `TINY`."""
    if series.indicator["kind"] == "rate":
        middle, known = _nanmedian(series.denominator, axis=1), np.isfinite(series.denominator)
        row = np.flatnonzero(middle < TINY)
        last = known.shape[1] - 1 - known[row, ::-1].argmax(axis=1)
        series.note("tiny_denominator", row, last, n=middle[row])


def _nanmedian(block: np.ndarray, *, axis: int) -> np.ndarray:
    """Median of the finite figures, NaN where there is none, without a warning."""
    empty = ~np.isfinite(block).any(axis=axis)
    filled = np.where(np.expand_dims(empty, axis), 0.0, block)
    return np.where(empty, np.nan, np.nanmedian(filled, axis=axis))
