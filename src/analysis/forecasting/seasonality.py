"""Month-of-year (or quarter) profiles: what the panel has in common, plus what a unit shows beyond it, both shrunk.

Classical decomposition: a centred moving average of one season gives the trend, the mean deviation from it by season
the index. The panel's profile is that of the units' mean deviation; a unit's own index departs from it as far as its
noise allows (James-Stein, after Miller & Williams 2003, Int. J. Forecasting 19(4)), averaged with one that is drawn to
nothing, by how likely the unit follows the panel. No test decides anything: with little evidence the shrinkage takes
the profile to nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.forecasting.sums import FIXED, ordered_mean, whole_multiples

MIN_SEASONS = 2  # full seasons of history below which no profile is estimated
MOST_SPENT = 0.5  # of the degrees of freedom: what a unit has left is at least half its periods
BORROWED = 4.0  # errors of the panel that a unit's sampling variance borrows
EVEN = 2.0  # units on either side that the odds of following the common season start from
EM_STEPS = 15
MIN_SEEN = 0.75  # share of a moving window that has to be observed


@dataclass(frozen=True)
class Profile:
    """Seasonal profile of every unit."""

    index: np.ndarray  # (n, m): Additive deviation (sums to about zero), or ratio (about one) when `ratio`
    variance: np.ndarray  # (n,): Sampling variance left in a shrunk index
    ratio: bool
    # (n,): Share of the degrees of freedom that a unit's own index has used up: its errors are that much too small.
    # In a panel that has past errors these give the width instead
    spent: np.ndarray

    def at(self, *, start: int, length: int) -> np.ndarray:
        """Index of `length` columns from column `start` on (column 0 is season 0), shape (n, length)."""
        m = self.index.shape[1]
        return self.index[:, (start + np.arange(length)) % m]


def no_profile(n: int) -> Profile:
    """A profile that changes nothing."""
    return Profile(np.zeros((n, 1)), np.zeros(n), False, np.zeros(n))


def seasonal_profile(values: np.ndarray, *, season_length: int, ratio: bool) -> Profile:
    """Profile on the modelling scale, or in natural units (`ratio`); empty for m = 1 or a history below two seasons."""
    n, n_periods = values.shape
    m = season_length
    if m < 2 or n_periods < MIN_SEASONS * m:
        return no_profile(n)
    apart = _deviations(values, m=m, ratio=ratio)
    season = np.arange(n_periods) % m
    count = np.isfinite(apart).sum(axis=0)
    known = np.where(np.isfinite(apart), apart, 0.0)
    mean = np.where(count > 0, ordered_mean(known, count, axis=0), np.nan)[None, :]
    common, common_variance, common_kept = shrunk(mean_by_season(mean, season=season, m=m), m=m)
    if n == 1:
        spent = common_kept * (m - 1) / max(int(np.isfinite(values).sum()), 1)
        return Profile(common + 1.0 if ratio else common, common_variance, ratio, np.minimum(spent, MOST_SPENT))
    raw = mean_by_season(apart, season=season, m=m)
    lone, lone_variance, lone_kept = shrunk(raw, m=m)
    own, own_variance, own_kept = shrunk(raw.less(common[0]), m=m)
    with_all = _follows(raw, common[0])
    share = with_all[:, None]
    index = share * (common + own) + (1.0 - share) * lone + (1.0 if ratio else 0.0)
    variance = with_all * (own_variance + common_variance) + (1.0 - with_all) * lone_variance
    kept = with_all * own_kept + (1.0 - with_all) * lone_kept
    spent = kept * (2.0 - kept) * (m - 1) / np.maximum(np.isfinite(values).sum(axis=1), 1)
    return Profile(index, variance, ratio, np.minimum(spent, MOST_SPENT))


def _follows(raw: BySeason, common: np.ndarray) -> np.ndarray:
    """How likely each unit has the common season, rather than none or one of its own; shape (n,).

    Normal likelihoods of the unit's indices around the common ones and around nothing, with their sampling variance
    (drawn to the panel's, as few errors show it); the odds beforehand are the panel's own. Shrinking every unit to the
    common season would give one to those that have none.
    """
    known = raw.sampling > 0
    if not known.any():
        return np.full(len(known), 0.5)
    usual = np.log(np.median(raw.sampling[known]))
    own = np.log(np.where(known, raw.sampling, 1.0))
    noise = np.exp(np.where(known, (raw.free * own + BORROWED * usual) / (raw.free + BORROWED), usual))
    closer = np.where(raw.count > 0, raw.index**2 - (raw.index - common) ** 2, 0.0).sum(axis=1)
    odds = np.exp(np.clip(closer / (2.0 * noise), -30.0, 30.0))
    before = 1.0
    for _ in range(EM_STEPS):
        chance = before * odds / (1.0 + before * odds)
        total = whole_multiples(chance).sum() / FIXED
        before = (total + EVEN) / (len(odds) - total + EVEN)
    return before * odds / (1.0 + before * odds)


def _deviations(values: np.ndarray, *, m: int, ratio: bool) -> np.ndarray:
    trend = moving_average(values, m=m)
    if not ratio:
        return values - trend
    return np.where(trend > 0, values / np.where(trend > 0, trend, 1.0), np.nan) - 1.0


def moving_average(values: np.ndarray, *, m: int) -> np.ndarray:
    """Centred moving average over one season, carried on in a straight line at both ends.

    Missing periods are bridged by straight lines; where less than three quarters of a window is observed the average
    is NaN. T >= 2 m.
    """
    n, n_periods = values.shape
    half = m // 2
    weights = np.full(m, 1.0 / m) if m % 2 else np.r_[0.5, np.ones(m - 1), 0.5] / m
    filled = bridge(values)
    seen = np.isfinite(values).astype(float)
    out = np.full((n, n_periods), np.nan)
    width = len(weights)
    inner = slice(half, n_periods - half)
    average, share = np.zeros((2, n, n_periods - width + 1))
    for k, weight in enumerate(weights):
        average += weight * filled[:, k : n_periods - width + 1 + k]
        share += weight * seen[:, k : n_periods - width + 1 + k]
    out[:, inner] = np.where(share >= MIN_SEEN, average, np.nan)
    return _extend(out, reach=half)


def _extend(trend: np.ndarray, *, reach: int) -> np.ndarray:
    """Carry the trend `reach` periods beyond its first and last value, with the slope of its nearest `reach` steps."""
    for flip in (False, True):
        side = trend[:, ::-1] if flip else trend
        known = np.isfinite(side)
        begin = np.argmax(known, axis=1)
        rows = np.arange(len(side))
        inner = np.minimum(begin + reach, side.shape[1] - 1)
        slope = (side[rows, inner] - side[rows, begin]) / np.maximum(inner - begin, 1)
        offset = np.arange(side.shape[1]) - begin[:, None]
        line = side[rows, begin][:, None] + slope[:, None] * offset
        side[:] = np.where((offset < 0) & (offset >= -reach) & np.isfinite(line), line, side)
    return trend


def bridge(values: np.ndarray) -> np.ndarray:
    """Fill missing periods between observed ones by straight lines; the ends stay NaN."""
    seen = np.isfinite(values)
    column = np.arange(values.shape[1])
    before = np.maximum.accumulate(np.where(seen, column, -1), axis=1)
    after = np.minimum.accumulate(np.where(seen, column, values.shape[1])[:, ::-1], axis=1)[:, ::-1]
    inside = (before >= 0) & (after < values.shape[1])
    low, high = np.maximum(before, 0), np.minimum(after, values.shape[1] - 1)
    left, right = np.take_along_axis(values, low, axis=1), np.take_along_axis(values, high, axis=1)
    share = (column - low) / np.maximum(high - low, 1)
    return np.where(inside, left + (right - left) * share, np.nan)


def shrunk(raw: BySeason, *, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean deviation by season, drawn to zero by James-Stein.

    With V the sampling variance of an index and A the variance of the indices beyond it, an index keeps
    ``1 - (m - 3) / (m - 1) * V / (V + A)`` of its size.
    """
    n_known = np.maximum((raw.count > 0).sum(axis=1), 1)
    size = (raw.index * raw.index).sum(axis=1) / np.maximum(n_known - 1, 1)
    lost = (max(m - 3, 1) / max(m - 1, 1)) * raw.sampling / np.where(size > 0, size, 1.0)
    kept = np.where((raw.free > 0) & (size > 0), 1.0 - np.minimum(lost, 1.0), 0.0)
    return raw.index * kept[:, None], raw.sampling * kept, kept


@dataclass(frozen=True)
class BySeason:
    """Mean deviations by season as they come: `index`, `count` (n, m); `sampling` variance, `free` degrees (n,)."""

    index: np.ndarray
    count: np.ndarray
    sampling: np.ndarray
    free: np.ndarray

    def less(self, common: np.ndarray) -> BySeason:
        """The same of deviations from a `common` index, shape (m,): what varies within a season stays."""
        known = self.count > 0
        mean = np.where(known, common, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return replace(self, index=np.where(known, self.index - (common - mean[:, None]), 0.0))


def mean_by_season(apart: np.ndarray, *, season: np.ndarray, m: int) -> BySeason:
    """Mean deviation of every season, centred, and the variance it has by chance; `season`, shape (T,)."""
    n = apart.shape[0]
    index, count, within = np.zeros((n, m)), np.zeros((n, m)), np.zeros(n)
    for k in range(m):
        cell = apart[:, season == k]
        seen = np.isfinite(cell)
        count[:, k] = seen.sum(axis=1)
        index[:, k] = np.where(seen, cell, 0.0).sum(axis=1) / np.maximum(count[:, k], 1)
        gap = np.where(seen, cell - index[:, k, None], 0.0)
        within += (gap * gap).sum(axis=1)
    known = count > 0
    n_known = np.maximum(known.sum(axis=1), 1)
    index = np.where(known, index - ((index * known).sum(axis=1) / n_known)[:, None], 0.0)
    free = count.sum(axis=1) - known.sum(axis=1)
    noise = within / np.maximum(free, 1)
    return BySeason(index, count, noise * (known / np.maximum(count, 1)).sum(axis=1) / n_known, free)
