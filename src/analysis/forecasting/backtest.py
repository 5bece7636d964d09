"""Forecasts at past cutoffs, each using only data available at the cutoff, next to the outcomes.

Nothing dated after a cutoff reaches an answer given at it: the panel is cut, and the
calibration at a cutoff learns only from earlier cutoffs whose deadlines had passed. The one exception is
"climatology", the base rate of the very cases, known only in hindsight, and so a stern reference.

A case is a unit, a target, a cutoff and a horizon that has an outcome. A cumulative indicator already at its target
is settled, a unit with fewer than `MIN_POINTS` periods is not assessable: neither is a case.

`Answers` keeps each model's forecast a cutoff, so that it is fitted once for all horizons, targets and later
calibrations. The simple models at the end are what ours has to beat: what a reader would do by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.forecasting import past
from analysis.forecasting.calibration import Calibration, Event, Threshold, calibrate_level, cap, ladder
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.panel import Panel, last_observed, truncate, with_figures

MODELS = MappingProxyType(
    {
        "ensemble": "the product's probability: ensemble and calibration ladder",
        "ensemble_raw": "the ensemble before calibration",
        "climatology": "base rate of these very cases, by target and horizon, known only in hindsight",
        "pace12": "last value plus the mean change of the last 12 periods: says 0 or 1",
        "pace3": "the same over 3 periods",
        "naive": "no change: says 0 or 1",
        "drift": "line through first and last value: says 0 or 1",
        "straight_line": "least-squares line: says 0 or 1",
    }
)
STANDARD = ("ensemble", "climatology", "pace12", "pace3", "naive", "drift", "straight_line")
QUANTILE_LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
QUANTILE_COLUMNS = ("lower95", "lower80", "predicted_median", "upper80", "upper95")
CASE_KEY = ("target", "cutoff", "horizon", "unit", "model")
CASE_COLUMNS = (
    *CASE_KEY,
    *("period", "p_attain", "outcome", "observed", "current", "threshold", "attained_now", "n_points"),
    *QUANTILE_COLUMNS,
)
MIN_POINTS = 4  # a unit with fewer observed periods is not assessable, so it is no case


class Forecast(Protocol):
    """What a model returns: a predictive distribution for every unit and horizon."""

    def quantiles(self, levels: ArrayLike) -> np.ndarray:
        """Natural units, shape (n, H, L)."""

    def p_exceeds(self, threshold: ArrayLike, *, horizon: int, strict: bool) -> np.ndarray:
        """P(value at `horizon` >= threshold), or > where `strict`, shape (n,)."""


Model = Callable[[Panel, int], Forecast]


@dataclass(frozen=True)
class Question:
    """An event at a threshold, `horizon` periods after any cutoff."""

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
    """The panel as it was at past cutoffs, and every model's answer from it."""

    panel: Panel
    horizon: int
    options: Options
    peers: Mapping[str, Model] = field(default_factory=dict)
    known: Mapping[str, Panel] = field(default_factory=dict)
    _panels: dict[int, Panel] = field(default_factory=dict)
    _forecasts: dict[tuple[str, int], Forecast] = field(default_factory=dict)
    _quantiles: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)

    def panel_at(self, index: int) -> Panel:
        """What was known when column `index` was the last one."""
        if index not in self._panels:
            then = self.known.get(self.panel.periods[index])
            self._panels[index] = truncate(self.panel, index + 1) if then is None else with_figures(self.panel, then)
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
        return self._calibrated(p, question, index) if name == "ensemble" else p

    def _ask(self, name: str, panel: Panel) -> Forecast:
        if name in self.peers:
            return self.peers[name](panel, self.horizon)
        if name == "ensemble":
            return forecast_panel(panel, horizon=self.horizon, options=self.options)
        return Points(SIMPLE[name](panel, horizon=self.horizon))

    def _raw(self, name: str, question: Question, index: int) -> np.ndarray:
        event, threshold = question.event, question.threshold_at(self.panel_at(index))
        p = self.forecast(name, index).p_exceeds(threshold, horizon=question.horizon, strict=event.above)
        return np.asarray(p, float) if event.at_least else 1 - np.asarray(p, float)

    def _calibrated(self, p: np.ndarray, question: Question, index: int) -> np.ndarray:
        panel = self.panel_at(index)
        if callable(question.threshold):
            correction = self._ladder(question, index)
        else:
            correction = calibrate_level(
                panel,
                question.event,
                threshold=question.threshold_at(panel),
                horizon=question.horizon,
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
            return Calibration()
        n_origins = past.n_apart(np.array(columns) + 1, horizon=question.horizon, n_periods=index + 1)
        return ladder(*(np.concatenate(one) for one in (p, outcome, origin)), n_origins=n_origins)


@dataclass(frozen=True)
class Plan:
    """When every model is asked, which ones, and whose answers count."""

    horizons: Sequence[int]  # Periods ahead, 1 = first after the cutoff
    cutoffs: Sequence[str] | None = None  # Periods; default: `n_origins` spread over the last two thirds of the history
    n_origins: int = 6
    models: Sequence[str] = STANDARD  # Keys of `MODELS`
    peers: Mapping[str, Model] = field(default_factory=dict)  # More models, on the same cases
    known: Mapping[str, Panel] = field(default_factory=dict)  # Cutoff -> what was known then; default: today's figures
    scored: Sequence[str] | None = None  # Only these units are cases (default: all); all units inform the pooled models


def backtest_panel(
    panel: Panel,
    plan: Plan,
    *,
    thresholds: Threshold | Mapping[str, Threshold],
    event: Event = Event(),  # noqa: B008  frozen
    options: Options = Options(),  # noqa: B008
) -> pd.DataFrame:
    """Query every model at past cutoffs and put its answer next to what happened (all that `panel` knows today).

    `thresholds` are numbers, arrays (n,) or functions of the panel at the cutoff (for growth by 10 %) in natural units,
    one of them or a mapping from labels. Returns a row for each case and model: `CASE_COLUMNS`, sorted by `CASE_KEY`.

    >>> values = np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.3, 0.3, 0.4, 0.4, 0.4, 0.4]])
    >>> panel = Panel(("a", "b"), ("2018", "2019", "2020", "2021", "2022", "2023"), values)
    >>> cases = backtest_panel(panel, Plan([2], cutoffs=["2021"], models=["pace3"]), thresholds=0.5)
    >>> cases[["unit", "cutoff", "horizon", "model", "p_attain", "outcome"]].values.tolist()
    [['a', '2021', 2, 'pace3', 1.0, 1.0], ['b', '2021', 2, 'pace3', 0.0, 0.0]]
    """
    answers = Answers(panel, horizon=max(plan.horizons), options=options, peers=plan.peers, known=plan.known)
    targets = dict(thresholds) if isinstance(thresholds, Mapping) else {"target": thresholds}
    wanted = np.ones(panel.n_units, bool) if plan.scored is None else np.isin(panel.units, list(plan.scored))
    names = [name for name in (*plan.models, *plan.peers) if name != "climatology"]
    blocks = []
    for index in cutoff_columns(panel, plan):
        for label, threshold in targets.items():
            for horizon in (h for h in sorted(set(plan.horizons)) if index + h < panel.n_periods):
                question = Question(event, threshold, horizon)
                blocks += _blocks(answers, question, index, names=names, label=label, wanted=wanted)
    return _as_cases(blocks, climatology="climatology" in plan.models)


def cutoff_columns(panel: Panel, plan: Plan) -> list[int]:
    """Columns of the plan's cutoffs; the last one is the newest that still has an outcome at the shortest horizon.

    >>> panel = Panel(("a",), tuple(str(2000 + t) for t in range(13)), np.zeros((1, 13)))
    >>> cutoff_columns(panel, Plan([2], n_origins=3))
    [4, 7, 10]
    >>> cutoff_columns(panel, Plan([2], cutoffs=["2005"]))
    [5]
    """
    if plan.cutoffs is not None:
        return sorted(panel.periods.index(one) for one in plan.cutoffs)
    newest = panel.n_periods - 1 - min(plan.horizons)
    oldest = max(MIN_POINTS - 1, panel.n_periods // 3)
    if newest < oldest:
        return []
    return sorted({int(round(one)) for one in np.linspace(oldest, newest, plan.n_origins)})


def _blocks(
    answers: Answers, question: Question, index: int, *, names: list[str], label: str, wanted: np.ndarray
) -> list[dict]:
    case = answers.case(question, index)
    keep = case.open & wanted
    periods, n = answers.panel.periods, int(keep.sum())
    common = {
        "target": np.full(n, label, object),
        "cutoff": np.full(n, periods[index], object),
        "horizon": np.full(n, question.horizon),
        "unit": np.asarray(answers.panel.units, object)[keep],
        "period": np.full(n, periods[index + question.horizon], object),
        "n_points": case.n_points[keep],
    }
    for name in ("outcome", "observed", "current", "threshold", "attained_now"):
        common[name] = getattr(case, name)[keep]
    blocks = []
    for name in names:
        block = dict(common, model=np.full(n, name, object), p_attain=answers.probability(name, question, index)[keep])
        quantiles = answers.quantiles(name, index, levels=QUANTILE_LEVELS)[keep, question.horizon - 1]
        blocks.append(block | dict(zip(QUANTILE_COLUMNS, quantiles.T)))
    return blocks if n else []


def _as_cases(blocks: list[dict], *, climatology: bool) -> pd.DataFrame:
    if not blocks:
        return pd.DataFrame({name: [] for name in CASE_COLUMNS})
    cases = pd.DataFrame({name: np.concatenate([block[name] for block in blocks]) for name in CASE_COLUMNS})
    if climatology:
        base = cases[cases["model"] == cases["model"].iloc[0]].copy()
        base["model"] = "climatology"
        base["p_attain"] = base.groupby(["target", "horizon"])["outcome"].transform("mean")
        base[list(QUANTILE_COLUMNS)] = np.nan
        cases = pd.concat([cases, base], ignore_index=True)
    return cases.sort_values(list(CASE_KEY), kind="stable", ignore_index=True)


def naive(panel: Panel, *, horizon: int) -> np.ndarray:
    """The last observed value, carried on, shape (n, horizon)."""
    return np.repeat(panel.last_value()[:, None], horizon, axis=1)


def drift(panel: Panel, *, horizon: int) -> np.ndarray:
    """The line through the first and the last observed value, carried on, shape (n, horizon)."""
    values = panel.usable()
    return _from_pace(panel, _pace(values, window=values.shape[1]), horizon=horizon)


def linear_pace(panel: Panel, *, horizon: int, window: int) -> np.ndarray:
    """The last observed value plus the mean change of the last `window` periods, carried on, shape (n, horizon).

    A unit with a shorter history uses what it has.
    """
    return _from_pace(panel, _pace(panel.usable(), window=window), horizon=horizon)


def straight_line(panel: Panel, *, horizon: int) -> np.ndarray:
    """Least-squares line through all observed values (statsmodels OLS), carried on, shape (n, horizon)."""
    import statsmodels.api as sm  # half a second, for a backtest alone

    values = panel.usable()
    n_periods = values.shape[1]
    time = np.arange(n_periods, dtype=float)
    ahead = np.arange(n_periods, n_periods + horizon, dtype=float)
    out = np.full((len(values), horizon), np.nan)
    patterns, group = np.unique(np.isfinite(values), axis=0, return_inverse=True)
    for index, seen in enumerate(patterns):  # units seen in the same periods share one design
        if seen.sum() < 2:
            continue
        rows = np.flatnonzero(group.ravel() == index)
        lines = sm.OLS(values[np.ix_(rows, seen)].T, sm.add_constant(time[seen])).fit()  # all units' lines at once
        out[rows] = (sm.add_constant(ahead, has_constant="add") @ lines.params).T
    return _bounded(panel, out)


def _pace(values: np.ndarray, *, window: int) -> np.ndarray:
    last = last_observed(values)
    column = np.arange(values.shape[1])
    within = np.isfinite(values) & (column >= (last - window)[:, None])
    begin = np.argmax(within, axis=1)
    span = last - begin
    rows = np.arange(len(values))
    change = values[rows, np.maximum(last, 0)] - values[rows, begin]
    return np.where(span > 0, change / np.maximum(span, 1), np.nan)


def _from_pace(panel: Panel, pace: np.ndarray, *, horizon: int) -> np.ndarray:
    values = panel.usable()
    gap = values.shape[1] - 1 - last_observed(values)
    ahead = gap[:, None] + np.arange(1, horizon + 1)
    return _bounded(panel, panel.last_value()[:, None] + pace[:, None] * ahead)


def _bounded(panel: Panel, forecast: np.ndarray) -> np.ndarray:
    lower = {"rate": 0.0, "count": 0.0, "rank": 1.0}.get(panel.kind, -np.inf)
    return np.clip(forecast, lower, 1.0 if panel.kind == "rate" else np.inf)


SIMPLE = {
    "pace12": partial(linear_pace, window=12),
    "pace3": partial(linear_pace, window=3),
    "naive": naive,
    "drift": drift,
    "straight_line": straight_line,
}
