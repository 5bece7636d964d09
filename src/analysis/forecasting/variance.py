"""How wide one step is: every unit's own recent errors, drawn to the panel's as far as the panel's past supports it.

``log s2_i = w_i log own_i + (1 - w_i) log centre`` with own_i the faded mean of squared errors, centre the panel's
median and ``w_i = A / (A + (2 / n_i) v / 4)``, A the variance between units of the true log variances. How fast old
errors fade (d) and how much a unit borrows (v) are chosen once for the panel: by how well the variance stated before
each period predicted its error. On the logarithmic scale, because a mean with the panel's variance would treble a calm
unit's spread; a flat unit's errors do not count there, it adds v errors of the panel's size (4 at least).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.forecasting.past import some_rows
from analysis.forecasting.sums import median

FADES = (1.0, 0.95, 0.88, 0.75)
BORROWED = (1.0, 4.0, 16.0)
USUAL_APART = 0.5  # variance between units of their log variances, where too few show it
LEAST_APART, MIN_APART = 0.02, 20  # its least value, and the units that can show it
MOST_LENT = 16.0  # degrees of freedom the panel lends at most
USUAL = (1.0, 4.0)  # what is taken when the panel is too short to choose, and the centre of the choice
MIN_JUDGED = 30  # errors predicted, over all units, below which the usual choice is kept
CHOSEN = 2.0  # level and slope of a short series are chosen by the very errors that are then measured
CHOSEN_ALONE = 3.0  # and so are alpha, beta and phi where no other unit has a say in them
TINY = 1e-12
FLAT = 1e-3  # of the panel's typical squared error: a unit below it has not moved, which is no proof that it cannot
UNSEEN = 0.05**2  # squared error borrowed where nothing has ever moved: 5 % of the level, or of the odds


@dataclass(frozen=True)
class Spread:
    """One-step variance of every unit."""

    variance: np.ndarray  # (n,)
    # (n,): What errors beyond `most` add: the slope has not taken it, so it does not grow with the slope
    spikes: np.ndarray
    df: np.ndarray  # (n,): Errors it rests on, borrowed ones included
    fade: float  # of the panel
    borrowed: float  # of the panel


def one_step(
    errors: np.ndarray,
    *,
    noise: np.ndarray | None,
    floor: np.ndarray,
    choice: tuple[float, float] | None = None,
    most: np.ndarray | None = None,
) -> Spread:
    """Estimate every unit's one-step variance from its errors, shape (n, T), NaN where nothing was forecast.

    `noise`: what a unit's size suggests of its variance, up to a factor; `floor`: the publication's rounding; `choice`:
    fade and borrowing, if already chosen; `most`: errors count up to this (:func:`.grid.most_handed_on`).
    """
    square = np.where(np.isfinite(errors), errors * errors, np.nan)
    whole, square = square, square if most is None else np.minimum(square, most * most)
    relative = size_factor(square, noise=noise)
    fade, borrowed = choice or choose(square, relative=relative, floor=floor)
    state = _State.begin(len(square), fade=fade)
    for column in square.T:
        state.take(column)
    own = state.own(relative)
    variance = own.variance(borrowed, relative=relative, floor=floor)
    count = np.maximum(np.isfinite(square).sum(axis=1), 1)
    beyond = np.where(np.isfinite(square), whole - square, 0.0).sum(axis=1) / count  # too rare to fade
    return Spread(variance * (1.0 + CHOSEN / count), beyond, own.df(), fade, borrowed)


def alone(n_scored: np.ndarray) -> np.ndarray:
    """Factor on the standard deviation of a unit that has no panel, from the number of its errors.

    >>> alone(np.array([8.0, 30.0])).round(3)
    array([1.14 , 1.046])
    """
    n = np.maximum(n_scored, 1.0)
    return np.sqrt((n + CHOSEN + CHOSEN_ALONE) / (n + CHOSEN))


@dataclass
class _State:
    """Faded sums of squared errors, one a unit."""

    fade: float
    total: np.ndarray
    weight: np.ndarray
    weight2: np.ndarray

    @classmethod
    def begin(cls, n: int, *, fade: float) -> _State:
        return cls(fade, np.zeros(n), np.zeros(n), np.zeros(n))

    def take(self, column: np.ndarray) -> None:
        seen = np.isfinite(column)
        self.total = np.where(seen, self.fade * self.total + np.where(seen, column, 0.0), self.total)
        self.weight = np.where(seen, self.fade * self.weight + 1.0, self.weight)
        self.weight2 = np.where(seen, self.fade**2 * self.weight2 + 1.0, self.weight2)

    def own(self, relative: np.ndarray) -> _Own:
        own = self.total / np.maximum(self.weight, 1.0) / relative
        seen = self.weight > 0
        n_own = np.maximum(self.weight**2 / np.where(self.weight2 > 0, self.weight2, 1.0), 1.0)
        centre = _centre(own[seen])
        enough = seen & (self.weight >= 1.5)
        apart = _apart(own[enough], n_own[enough])
        known = seen & (own > max(FLAT * centre, TINY))
        return _Own(own, n_own, centre, apart, seen, known, np.log(np.where(known, own, centre)))


@dataclass
class _Own:
    """What the units' own errors say, before a unit borrows from the panel."""

    mean: np.ndarray
    n: np.ndarray
    centre: float
    apart: float
    seen: np.ndarray
    known: np.ndarray
    log: np.ndarray

    def variance(self, borrowed: float, *, relative: np.ndarray, floor: np.ndarray) -> np.ndarray:
        kept = self.apart / (self.apart + 2.0 / self.n * borrowed / USUAL[1])
        mixed = np.exp(kept * self.log + (1.0 - kept) * np.log(self.centre))
        lend = max(borrowed, USUAL[1])  # a flat unit's logarithm says nothing
        additive = (self.n * self.mean + lend * self.centre) / (self.n + lend)
        variance = np.where(self.known, mixed, np.where(self.seen, additive, self.centre)) * relative + floor
        return np.maximum(variance, np.maximum(floor, TINY))

    def df(self) -> np.ndarray:
        lent = min(2.0 / self.apart, MOST_LENT)
        lent *= 1.0 - 0.5 / max(int(self.seen.sum()), 1)  # a unit alone has nobody to borrow from
        return np.maximum(self.n - 1.0, 1.0) + lent


def _apart(own: np.ndarray, n_own: np.ndarray) -> float:
    """Variance of the units' true log variances: robust spread of the estimated ones less their sampling variance."""
    use = own > TINY
    if use.sum() < MIN_APART:
        return USUAL_APART
    logs = np.log(own[use])
    spread = 2.2 * median(np.abs(logs - median(logs))) ** 2  # 2.2 = 1.4826^2: a normal's variance
    return max(spread - median(2.0 / n_own[use]), LEAST_APART)


def size_factor(square: np.ndarray, *, noise: np.ndarray | None) -> np.ndarray:
    """How much larger the errors of a unit of this size are expected to be than a typical one's, shape (n,), about 1.

    A power of `noise` relative to its median. The power lies in 0..1: the slope of the mean squared error (`square`,
    shape (n, T)) between the third of the units with the least and with the most noise, on the logarithmic scale.
    """
    seen = np.isfinite(square)
    count = seen.sum(axis=1)
    even = np.ones(len(square))
    if noise is None:
        return even
    known = (count > 0) & np.isfinite(noise) & (noise > 0)
    if known.sum() < MIN_JUDGED:
        return even
    own = np.where(seen, square, 0.0).sum(axis=1) / np.maximum(count, 1)
    low, high = np.quantile(noise[known], [1 / 3, 2 / 3])
    quiet, loud = known & (noise <= low), known & (noise >= high)
    apart = math.log(np.median(noise[loud]) / np.median(noise[quiet]))
    small, large = np.median(own[quiet]), np.median(own[loud])
    if apart < 0.1 or small <= 0 or large <= 0:
        return even
    power = min(max(math.log(large / small) / apart, 0.0), 1.0)
    return (np.where(known, noise, np.median(noise[known])) / np.median(noise[known])) ** power


def _centre(own: np.ndarray) -> float:
    """Median, or where most units are flat the mean: some movement has been seen, and may be seen again."""
    if own.size == 0:
        return UNSEEN
    middle = median(own)
    if middle > TINY:
        return middle
    mean = math.fsum(own) / len(own)
    return mean if mean > TINY else UNSEEN


def choose(square: np.ndarray, *, relative: np.ndarray, floor: np.ndarray) -> tuple[float, float]:
    """Fade and borrowing with the highest log score of the next error, over units and periods."""
    rows = some_rows(square)
    square, relative, floor = square[rows], relative[rows], floor[rows]
    best, found = -np.inf, USUAL
    for fade in FADES:
        scores, judged = _predicted(square, relative=relative, floor=floor, fade=fade)
        if judged < MIN_JUDGED:
            return USUAL
        for score, borrowed in zip(scores, BORROWED):
            if score > best + 1e-9:
                best, found = score, (fade, borrowed)
    return found


def _predicted(square: np.ndarray, *, relative: np.ndarray, floor: np.ndarray, fade: float) -> tuple[list[float], int]:
    """Log score of every borrowing, and how many errors were predicted."""
    state = _State.begin(len(square), fade=fade)
    scores, judged = np.zeros((len(BORROWED), len(square))), 0
    for column in square.T:
        ready = np.isfinite(column) & (state.weight >= 1.5)
        if ready.any():
            own = state.own(relative)
            df = own.df()
            error = np.where(ready, column, 0.0)
            shape = special.gammaln((df + 1.0) / 2.0) - special.gammaln(df / 2.0) - 0.5 * np.log(df)
            for score, borrowed in zip(scores, BORROWED):
                variance = own.variance(borrowed, relative=relative, floor=floor)
                tail = shape - 0.5 * (df + 1.0) * np.log1p(error / variance / df) - 0.5 * np.log(variance)
                score += np.where(ready, tail, 0.0)
            judged += int(ready.sum())
        state.take(column)
    return [math.fsum(score) for score in scores], judged
