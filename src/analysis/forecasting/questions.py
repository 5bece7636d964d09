"""One question to every model at one past cutoff: will the value reach the threshold, so many periods ahead?

Keeps each model's forecast a cutoff, so that it is fitted once for all horizons, targets and later calibrations. A
panel at a cutoff holds nothing dated after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from analysis.forecasting import comparators, past
from analysis.forecasting.calibration import Calibration, calibrate_level, cap, ladder
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.panel import Panel, truncate

MIN_POINTS = 4  # a unit with fewer observed periods is not assessable, so it is no case
EPSILON = 1e-9  # 0.8 read from a file as 0.7999999999999999 is 0.8
PACES = {"pace12": 12, "pace3": 3}  # name -> periods looked back


class Forecast(Protocol):
    """What a model returns: a predictive distribution for every unit and horizon."""

    def quantiles(self, levels: ArrayLike) -> np.ndarray:
        """Natural units, shape (n, H, L)."""

    def p_exceeds(self, threshold: ArrayLike, *, horizon: int, strict: bool) -> np.ndarray:
        """P(value at `horizon` >= threshold), or > where `strict`, shape (n,)."""


Model = Callable[[Panel, int], Forecast]
Threshold = float | np.ndarray | Callable[[Panel], np.ndarray]


@dataclass(frozen=True)
class Event:
    """Which values count as attained: at least (or at most) the threshold, or strictly beyond it."""

    at_least: bool = True
    strict: bool = False

    def happened(self, values: ArrayLike, threshold: ArrayLike) -> np.ndarray:
        """1.0, 0.0, or NaN where the value or the threshold is missing.

        Examples
        --------
        >>> Event().happened([0.79, 0.8, np.nan], 0.8).tolist(), Event(strict=True).happened([0.8], 0.8).tolist()
        ([0.0, 1.0, nan], [0.0])
        """
        threshold = np.asarray(threshold, float)
        margin = EPSILON * np.maximum(1, np.abs(threshold))
        gap = (1 if self.at_least else -1) * (np.asarray(values, float) - threshold)
        met = gap > margin if self.strict else gap >= -margin
        return np.where(np.isnan(gap), np.nan, met.astype(float))

    def probability(self, forecast: Forecast, threshold: np.ndarray, *, horizon: int) -> np.ndarray:
        """P(attained) under `forecast`, shape (n,)."""
        if self.at_least:
            return np.asarray(forecast.p_exceeds(threshold, horizon=horizon, strict=self.strict), float)
        return 1 - np.asarray(forecast.p_exceeds(threshold, horizon=horizon, strict=not self.strict), float)


@dataclass(frozen=True)
class Question:
    """An event at a threshold, `horizon` periods after whichever cutoff it is asked at."""

    event: Event
    threshold: Threshold
    horizon: int

    def threshold_at(self, panel: Panel) -> np.ndarray:
        """The threshold of every unit as known at the panel's cutoff, shape (n,)."""
        value = self.threshold(panel) if callable(self.threshold) else self.threshold
        return np.broadcast_to(np.asarray(value, float), (panel.n_units,)).copy()


@dataclass(frozen=True)
class Case:
    """What there was to say and what happened, every field of shape (n,)."""

    threshold: np.ndarray
    current: np.ndarray
    attained_now: np.ndarray
    n_points: np.ndarray
    observed: np.ndarray
    outcome: np.ndarray
    open: np.ndarray  # assessable, not settled, and with an outcome


class Points:
    """A point forecast read as a dashboard reads it: the event is certain or impossible, intervals are missing."""

    def __init__(self, points: np.ndarray):
        self.points = points

    def quantiles(self, levels: ArrayLike) -> np.ndarray:
        """The point at level 0.5, NaN elsewhere."""
        return np.where(np.asarray(levels) == 0.5, self.points[:, :, None], np.nan)

    def p_exceeds(self, threshold: ArrayLike, *, horizon: int, strict: bool) -> np.ndarray:
        """1.0 or 0.0."""
        return Event(strict=strict).happened(self.points[:, horizon - 1], threshold)


@dataclass
class Answers:
    """The panel as it stood at past cutoffs, and every model's answer from it.

    Parameters
    ----------
    panel : Panel
        All that is known today: outcomes are read here, never inputs.
    horizon : int
        Farthest period ahead that will be asked for.
    options : Options
        Of the ensemble.
    known : function of a period code, optional
        The panel as it was known when that period was the last one; default: today's panel, cut.
    peers : mapping name -> Model
    """

    panel: Panel
    horizon: int
    options: Options
    known: Callable[[str], Panel] | None = None
    peers: Mapping[str, Model] = field(default_factory=dict)
    _panels: dict[int, Panel] = field(default_factory=dict)
    _forecasts: dict[tuple[str, int], Forecast] = field(default_factory=dict)
    _quantiles: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)

    def panel_at(self, index: int) -> Panel:
        """What was known when column `index` was the last one."""
        if index not in self._panels:
            seen = truncate(self.panel, index + 1)
            self._panels[index] = seen if self.known is None else aligned(self.known(seen.periods[-1]), to=seen)
        return self._panels[index]

    def case(self, question: Question, index: int) -> Case:
        """The question's case of every unit at column `index`; ``open`` marks those that count."""
        then = self.panel_at(index)
        threshold, current = question.threshold_at(then), then.last_value()
        attained_now = question.event.happened(current, threshold) == 1
        n_points = np.isfinite(then.usable()).sum(axis=1)
        observed = self.panel.values[:, index + question.horizon]
        outcome = question.event.happened(observed, threshold)
        settled = attained_now & (then.cumulative and question.event.at_least)
        # a break after the cutoff makes the outcome another indicator's
        broken = (self.panel.first > index) & (self.panel.first <= index + question.horizon)
        is_open = (n_points >= MIN_POINTS) & ~np.isnan(outcome) & ~settled & ~broken
        return Case(threshold, current, attained_now, n_points, observed, outcome, is_open)

    def forecast(self, name: str, index: int) -> Forecast:
        """The model's forecast at column `index`, made once, to the farthest horizon."""
        name = "ensemble" if name == "ensemble_raw" else name
        if (name, index) not in self._forecasts:
            self._forecasts[name, index] = self._ask(name, self.panel_at(index))
        return self._forecasts[name, index]

    def quantiles(self, name: str, index: int, *, levels: ArrayLike) -> np.ndarray:
        """The forecast's quantiles, shape (n, H, L)."""
        if (name, index) not in self._quantiles:
            self._quantiles[name, index] = np.asarray(self.forecast(name, index).quantiles(levels), float)
        return self._quantiles[name, index]

    def probability(self, name: str, question: Question, index: int) -> np.ndarray:
        """P(attained) of every unit, shape (n,); "ensemble" is calibrated on deadlines passed by column `index`."""
        p = self._raw(name, question, index)
        if name != "ensemble":
            return p
        return self._calibrated(p, question, index)

    def _ask(self, name: str, panel: Panel) -> Forecast:
        if name in self.peers:
            return self.peers[name](panel, self.horizon)
        if name == "ensemble":
            return forecast_panel(panel, horizon=self.horizon, options=self.options)
        if name in PACES:
            return Points(comparators.linear_pace(panel, horizon=self.horizon, window=PACES[name]))
        return Points(getattr(comparators, name)(panel, horizon=self.horizon))

    def _raw(self, name: str, question: Question, index: int) -> np.ndarray:
        threshold = question.threshold_at(self.panel_at(index))
        return question.event.probability(self.forecast(name, index), threshold, horizon=question.horizon)

    def _calibrated(self, p: np.ndarray, question: Question, index: int) -> np.ndarray:
        panel, event = self.panel_at(index), question.event
        if callable(question.threshold):
            correction = self._ladder(question, index)
        else:
            correction = calibrate_level(
                panel,
                threshold=question.threshold_at(panel),
                horizon=question.horizon,
                strict=event.strict,
                at_least=event.at_least,
                options=self.options,
                predictive=self.forecast("ensemble", index),
            )
        return cap(correction.apply(p))

    def _ladder(self, question: Question, index: int) -> Calibration:
        """For a threshold that moves with the cutoff: the same ladder on our own past answers."""
        columns = [one - 1 for one in past.origins_of(index + 1) if one + question.horizon <= index + 1]
        cases = [self.case(question, one) for one in columns]
        p = [self._raw("ensemble", question, one)[case.open] for one, case in zip(columns, cases)]
        origin = [np.full(len(one), column) for one, column in zip(p, columns)]
        outcome = [case.outcome[case.open] for case in cases]
        if not columns:
            return Calibration(0.0, 1.0, 0.0, 0)
        n_origins = past.n_apart(np.array(columns) + 1, horizon=question.horizon, n_periods=index + 1)
        return ladder(*(np.concatenate(one) for one in (p, outcome, origin)), n_origins=n_origins)


def aligned(panel: Panel, *, to: Panel) -> Panel:
    """`panel` with the units and periods of `to`; what it does not hold is missing."""
    if panel.units == to.units and panel.periods == to.periods:
        return panel
    row = {unit: i for i, unit in enumerate(panel.units)}
    column = {period: j for j, period in enumerate(panel.periods)}
    rows = [(i, row[unit]) for i, unit in enumerate(to.units) if unit in row]
    columns = [(j, column[period]) for j, period in enumerate(to.periods) if period in column]
    target = np.ix_([i for i, _ in rows], [j for j, _ in columns])
    source = np.ix_([i for _, i in rows], [j for _, j in columns])

    def moved(block: np.ndarray | None) -> np.ndarray | None:
        if block is None:
            return None
        out = np.full((len(to.units), len(to.periods)), np.nan)
        out[target] = block[source]
        return out

    return replace(
        panel,
        units=to.units,
        periods=to.periods,
        values=moved(panel.values),
        numerator=moved(panel.numerator),
        denominator=moved(panel.denominator),
        first=to.first,
    )
