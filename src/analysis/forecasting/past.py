"""What the panel's own past forecasts teach: how wide forecasts should be, what units share, which view was nearer.

`look_back` runs the same models at earlier origins. Every origin sees only its own past (values, season, pooled
weights); an error, on the modelling scale, is NaN until its period has been observed.

A campaign, a new rule or an epidemic moves every unit at once. Units then err together, and a thousand of them say
little more than one: the effective number of past errors at a horizon is ``J / (r + (1 - r) / k)``: J origins that do
not overlap, k units, r the share of the error variance they have in common. The width factor is estimated with that
weight against a prior centred on 1, by the likelihood of the standardised errors, recent origins counting more; the
sign of past common errors is not carried on (`learn_shocks`).

A unit's own noise hides a change of the common speed from it; the mean of all units shows it within a period or two. So
the panel is forecast a second time as a common path plus each unit's departure from it (`common_path`). Which of the
two views is nearer is read from the past origins; without evidence both count the same (`common_weight`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.forecasting.scales import inverse_logit
from analysis.forecasting.seasonality import bridge
from analysis.forecasting.sums import ordered_mean

MIN_SAME = 3  # origins at the cutoff's own point of the season that are enough to leave out all others
MIN_KNOWN = 6  # periods an origin has to know
MAX_ORIGINS = 8
MAX_UNITS = 250  # units asked; more add cost and no independent origin
LOG_WIDTHS = np.linspace(np.log(0.4), np.log(5.0), 29)
PRIOR_SD = 0.35  # of the log width; weighs as much as four errors
PRIOR_COMMON = 0.25  # share of the variance in common, before any origin has been seen
PRIOR_ORIGINS = 2.0
LEAST_HALF = 3.0  # periods after which an origin counts half as much, at least; else the horizon or the origins' step
CLIP = 4.0  # standardised errors beyond this count as this in the common share
TRIMMED = 0.1  # of the units' changes at either end, in every period
MIN_CHANGES = 3  # periods in which at least two units changed
CLIP_SQUARE = 16.0  # squared standardised error that one unit counts at most


@dataclass(frozen=True)
class Past:
    """Forecasts from earlier origins and their standardised errors."""

    rows: np.ndarray  # (k,): Units used, as rows of the panel
    origins: np.ndarray  # (K,): Periods known at each origin, increasing
    mean: np.ndarray  # (K, k, H)
    sd: np.ndarray  # (K, k, H)
    error: np.ndarray  # (K, k, H): Observed less predicted mean; NaN where not (yet) observed
    df: np.ndarray  # (K, k)
    # (K, k, H): From the mean to the forecast of the view with a common path; the other is as far away
    lean: np.ndarray


Forecaster = Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]


def some_rows(values: np.ndarray, *, at_most: int = MAX_UNITS) -> np.ndarray:
    """Rows of at most `at_most` units, chosen by the shape of their history.

    The same units in any order, under any name, in any unit of measure and for a share's complement: each row's
    absolute steps relative to its largest, to six digits, decide.

    >>> values = np.array([[0.1, 0.2, 0.4], [0.3, 0.4, 0.45], [0.5, 0.4, 0.1]])
    >>> bool((some_rows(values, at_most=2) == some_rows(1 - values, at_most=2)).all())
    True
    """
    if len(values) <= at_most:
        return np.arange(len(values))
    step = np.abs(np.diff(values, axis=1))
    largest = np.where(np.isfinite(step), step, 0.0).max(axis=1, keepdims=True, initial=0.0)
    shape = np.round(step / np.maximum(largest, 1e-300), 6) + 0.0  # + 0.0: no minus zero in the bytes
    digest = np.array([zlib.crc32(row.tobytes()) for row in np.where(np.isfinite(shape), shape, -1.0)])
    known = np.isfinite(values[:, -1])
    last = np.abs(values[:, -1] - (np.median(values[known, -1]) if known.any() else 0.0))
    return np.sort(np.lexsort((last, digest))[:at_most])


def origins_of(
    n_periods: int, *, at_most: int = MAX_ORIGINS, first: int = MIN_KNOWN, season_length: int = 1
) -> np.ndarray:
    """Evenly spaced origins from `first` to the last but one period, the most recent always among them.

    With a `season_length` (for a series that its season rules): origins at the cutoff's own point of the season, when
    there are three; from another one the same horizon is another question.

    >>> origins_of(9), origins_of(36, at_most=6), origins_of(6)
    (array([6, 7, 8]), array([10, 15, 20, 25, 30, 35]), array([], dtype=int64))
    """
    same = np.arange(n_periods - season_length, first - 1, -season_length, dtype=np.int64)[:at_most][::-1]
    if season_length > 1 and len(same) >= MIN_SAME:
        return same
    last = n_periods - 1
    if last < first:
        return np.zeros(0, dtype=np.int64)
    step = -(-(last - first + 1) // at_most)
    return np.arange(last, first - 1, -step, dtype=np.int64)[::-1]


def n_apart(origins: np.ndarray, *, horizon: int, n_periods: int) -> int:
    """J: how many of the origins are realised and do not overlap.

    >>> n_apart(np.array([6, 7, 8, 9, 10]), horizon=2, n_periods=12)
    3
    """
    realised = origins[origins + horizon <= n_periods]
    count, free = 0, -1
    for origin in realised[::-1]:
        if free < 0 or origin <= free:
            count, free = count + 1, origin - horizon
    return count


def look_back(y: np.ndarray, *, forecast: Forecaster, horizon: int, origins: np.ndarray, rows: np.ndarray) -> Past:
    """Forecast from every origin and compare with what came (`y`, modelling scale, shape (n, T)).

    ``forecast(n_periods)`` gives mean and sd, shape (k, H), df, shape (k,), and lean, shape (k, H), of the units `rows`
    from the first `n_periods`.
    """
    shape = (len(origins), len(rows), horizon)
    mean, sd, lean, error = np.empty(shape), np.empty(shape), np.empty(shape), np.full(shape, np.nan)
    df = np.empty(shape[:2])
    for k, origin in enumerate(origins):
        mean[k], sd[k], df[k], lean[k] = forecast(int(origin))
        seen = y[rows, origin : origin + horizon]
        error[k, :, : seen.shape[1]] = seen - mean[k, :, : seen.shape[1]]
    return Past(rows, origins, mean, sd, error, df, lean)


@dataclass(frozen=True)
class Shocks:
    """What past origins teach, by horizon."""

    width: np.ndarray  # (H,): Factor on the standard deviation
    common: np.ndarray  # (H,): Share of the error variance that all units have in common
    n_origins: np.ndarray  # (H,): J


def no_shocks(horizon: int) -> Shocks:
    """What is assumed when no past origin can be looked at."""
    return Shocks(np.ones(horizon), np.full(horizon, PRIOR_COMMON), np.zeros(horizon, dtype=np.int64))


def learn_shocks(past: Past, *, n_periods: int) -> Shocks:
    """Learn width and common share from past standardised errors; origins whose horizon ends after `n_periods` wait."""
    horizon = past.mean.shape[2]
    out = no_shocks(horizon)
    for h in range(1, horizon + 1):
        realised = past.origins + h <= n_periods
        z = past.error[realised, :, h - 1] / past.sd[realised, :, h - 1]
        seen = np.isfinite(z).sum(axis=1) > 0
        j = n_apart(past.origins[realised][seen], horizon=h, n_periods=n_periods)
        if j == 0:
            if h > 1:
                out.width[h - 1], out.common[h - 1] = out.width[h - 2], out.common[h - 2]
            continue
        z, df = z[seen], past.df[realised][seen]
        common = common_share(z, n_origins=j)
        k = np.isfinite(z).sum(axis=1).mean()
        weight = recency(past.origins[realised][seen], horizon=h)
        effective = max(j * weight.sum() ** 2 / (weight**2).sum() / len(weight), 1.0)
        out.width[h - 1] = width_factor(z, df=df, effective=effective / (common + (1.0 - common) / k), weight=weight)
        out.common[h - 1], out.n_origins[h - 1] = common, j
    return out


def recency(origins: np.ndarray, *, horizon: int) -> np.ndarray:
    """Weight of every origin, 1 for the newest: the models learn, and do not repeat their first errors.

    >>> recency(np.array([6, 9, 12]), horizon=1)
    array([0.25, 0.5 , 1.  ])
    """
    step = float(np.diff(origins).min()) if len(origins) > 1 else 0.0
    half = max(float(horizon), LEAST_HALF, step)
    return 0.5 ** ((origins[-1] - origins) / half)


def common_share(z: np.ndarray, *, n_origins: int) -> float:
    """Share of the variance of standardised errors, shape (K, k), that the units of one origin have in common.

    The estimate is drawn to PRIOR_COMMON with weight ``PRIOR_ORIGINS / (J + PRIOR_ORIGINS)``, J = `n_origins`.
    """
    seen = np.isfinite(z)
    clipped = np.clip(np.where(seen, z, 0.0), -CLIP, CLIP)
    count = seen.sum(axis=1)
    square = ordered_mean(clipped * clipped, count, axis=1)
    mean = ordered_mean(clipped, count, axis=1)
    some = count > 1
    if not some.any() or square[some].sum() == 0:
        return PRIOR_COMMON
    together = (count * mean**2 - square)[some] / (count - 1)[some]  # mean product of two units' errors
    share = min(max(float(together.sum() / square[some].sum()), 0.0), 0.98)
    return (n_origins * share + PRIOR_ORIGINS * PRIOR_COMMON) / (n_origins + PRIOR_ORIGINS)


def width_factor(z: np.ndarray, *, df: np.ndarray, effective: float, weight: np.ndarray) -> float:
    """Factor on the standard deviation: posterior mean of its logarithm under a normal prior around 0.

    `z` are standardised errors, shape (K, k), worth `effective` independent ones; `weight`, shape (K,), that of the
    origins.
    """
    seen = np.isfinite(z)
    count = seen.sum(axis=1)
    square = np.where(seen, z * z, 0.0) / df
    score = np.empty(len(LOG_WIDTHS))
    for index, log_width in enumerate(LOG_WIDTHS):
        loglik = -0.5 * (df + 1.0) * np.log1p(square * np.exp(-2.0 * log_width)) - log_width
        score[index] = ordered_mean(np.where(seen, loglik, 0.0), count, axis=1) @ weight / weight.sum()
    score = effective * score - 0.5 * (LOG_WIDTHS / PRIOR_SD) ** 2
    posterior = np.exp(score - score.max())
    return float(np.exp((posterior * LOG_WIDTHS).sum() / posterior.sum()))


def common_path(y: np.ndarray) -> np.ndarray:
    """Cumulated common change of all units, starting at 0, shape (T,).

    A period's common change is the trimmed mean of the units' changes, drawn to the mean of all periods by what its
    noise allows: with few units, or units that move apart, the path is nearly a straight line.

    >>> common_path(np.array([[0.0, 1, 1, 2, 5], [3.0, 4, 4, 5, 8]]))
    array([0., 1., 1., 2., 5.])
    """
    change = np.diff(bridge(y), axis=1)
    count = np.isfinite(change).sum(axis=0)
    known = count > 1
    if known.sum() < MIN_CHANGES:
        return np.zeros(y.shape[1])
    ordered = np.sort(np.where(np.isfinite(change), change, np.inf), axis=0)  # sums do not depend on the units' order
    rank, cut = np.arange(len(y))[:, None], np.floor(TRIMMED * count)
    inside = (rank >= cut) & (rank < count - cut)
    kept = np.maximum(inside.sum(axis=0), 1)
    mean = np.add.accumulate(np.where(inside, ordered, 0.0), axis=0)[-1] / kept
    square = np.where(inside, ordered - mean, 0.0) ** 2
    noise = np.add.accumulate(square, axis=0)[-1] / np.maximum(kept - 1, 1) / np.maximum(count, 1)
    usual = mean[known].mean()
    apart = max(float(((mean - usual) ** 2 - noise)[known].mean()), 0.0)
    trusted = np.where(known, apart / np.maximum(apart + noise, 1e-300), 0.0)
    return np.concatenate([[0.0], np.cumsum(usual + trusted * np.where(known, mean - usual, 0.0))])


def settled(past: Past) -> Past:
    """Every origin's forecast with the weight of the views that could be known there."""
    shift = np.zeros_like(past.mean)
    for k, origin in enumerate(past.origins):
        shift[k] = (2.0 * common_weight(past, n_periods=int(origin)) - 1.0) * past.lean[k]
    return replace(past, mean=past.mean + shift, error=past.error - shift)


def common_weight(past: Past, *, n_periods: int) -> float:
    """Weight of the view with a common path, from the origins realised by `n_periods`: 1/2 where there are none.

    The odds are ``(S_alone / S_together)^(J / 2)``, S the mean squared standardised error over units and origins, the
    logarithm averaged over horizons: what a normal likelihood of J independent errors would give.
    """
    logs = []
    for h in range(1, past.mean.shape[2] + 1):
        realised = np.flatnonzero(past.origins + h <= n_periods)
        error, lean, sd = (one[realised, :, h - 1] for one in (past.error, past.lean, past.sd))
        known = np.isfinite(error) & np.isfinite(sd)
        if not known.any():
            continue
        realised = realised[known.any(axis=1)]
        alone, together = (_mean_square((error + sign * lean) / sd, known) for sign in (1.0, -1.0))
        j = n_apart(past.origins[realised], horizon=h, n_periods=n_periods)
        logs.append(0.5 * j * np.log(max(alone, 1e-12) / max(together, 1e-12)))
    return float(inverse_logit(np.clip(np.mean(logs), -30.0, 30.0))) if logs else 0.5


def _mean_square(z: np.ndarray, known: np.ndarray) -> float:
    square = np.minimum(np.where(known, z, 0.0) ** 2, CLIP_SQUARE)
    return float(ordered_mean(square.ravel(), known.sum(), axis=0))
