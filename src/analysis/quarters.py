"""The statistics of one quarter: panels, forecasts, assessments, evidence, as they follow from what was known then.

The same functions make today's assessment, last quarter's (for "what changed") and those of earlier quarters (for the
scorecard): only the cutoff differs, and nothing later than it is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analysis.attainment.assess import Assessed, assess
from analysis.attainment.checks import check_targets
from analysis.attainment.options import AssessOptions
from analysis.attainment.promise import promises_of
from analysis.attainment.status import chained
from analysis.forecasting.backtest import backtest_panel
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.evidence import evidence
from analysis.forecasting.panel import Panel, as_panel
from analysis.forecasting.predictive import Predictive
from analysis.intake import Inputs
from analysis.registry.params import RunParams
from analysis.registry.targets import Target, units_of
from analysis.words import periods, schema
from analysis.words.errors import ParamsError, require

MAX_HORIZON = 120  # periods; a promise further off is assessed as far as this and says so
EVIDENCE_KINDS = ("level_at", "cumulative_count", "sustained_from")  # events that a backtest can ask again
EVIDENCE_HORIZONS = {"M": (3, 6, 12), "Q": (1, 2, 4), "Y": (1, 2)}
N_ORIGINS = 4
HAIR = 1e-8  # above the tolerance with which thresholds are compared, below anything published
N_PAST_QUARTERS = 6  # how far the scorecard looks back
N_STATUS_QUARTERS = 3  # quarters before this one whose statuses tell whether colours go back and forth
MIN_HISTORY = 4  # points before a past cutoff
PERIODS_A_QUARTER = {"M": 3, "Q": 1, "Y": 1}  # the step from one run to the next, in periods of each frequency


@dataclass(frozen=True)
class Forecasted:
    """Panels and predictive distributions of every indicator, as known at `cutoff`."""

    cutoff: str
    panels: dict[str, Panel]
    predictives: dict[str, Predictive]


def cutoff_of(inputs: Inputs, *, params: RunParams) -> str:
    """The run's cutoff: as the params say, else the last period that any indicator was observed in.

    In the finest frequency that an indicator has, so that ``2026Q3`` and ``2026-09`` are one cutoff for months.
    """
    cutoff = params.cutoff
    if cutoff is None:
        observed = inputs.observations.loc[inputs.observations["value"].notna(), "period"].unique()
        cutoff = max(observed, key=lambda code: (periods.last_day(code), -len(code)))
    finest = max(inputs.indicators["frequency"], key=periods.FREQUENCIES.__getitem__)
    return periods.last_ended(cutoff, finest)


def quarter_before(cutoff: str, *, quarters: int = 1) -> str:
    """The cutoff `quarters` quarters earlier.

    Examples
    --------
    >>> quarter_before("2026-09"), quarter_before("2026-Q1", quarters=2)
    ('2026-06', '2025-Q3')
    """
    return periods.shift(cutoff, -quarters * PERIODS_A_QUARTER[periods.frequency_of(cutoff)])


def deadlines_of(targets: Iterable[Target]) -> tuple[str, ...]:
    """The deadlines of targets, each once, sorted."""
    return tuple(sorted({one.deadline for one in targets if getattr(one, "deadline", None)}))


def horizon_of(*, indicator: dict, cutoff: str, params: RunParams, deadlines: Iterable[str]) -> int:
    """How many periods ahead an indicator is forecast: the fan's length, or the last deadline if that is later."""
    start = periods.last_ended(cutoff, indicator["frequency"])
    ahead = [periods.between(start, one) for one in deadlines]
    return int(min(MAX_HORIZON, max([params.horizon_periods, *ahead])))


def panels_at(inputs: Inputs, *, cutoff: str) -> dict[str, Panel]:
    """Every indicator's figures as known at `cutoff`; an indicator without an observation by then is left out."""
    by_indicator = dict(tuple(inputs.observations.groupby("indicator", sort=False)))
    panels = {}
    for indicator in inputs.indicators.to_dict("records"):
        start = periods.last_ended(cutoff, indicator["frequency"])
        rows = by_indicator.get(indicator["indicator"])
        if rows is not None and ((rows["period"] <= start) & rows["value"].notna()).any():
            panels[indicator["indicator"]] = as_panel(rows, indicator=indicator, cutoff=start)
    return panels


def check_promises(inputs: Inputs, *, cutoff: str, places: Mapping[str, str] = MappingProxyType({})) -> None:
    """Refuse promises that cannot be assessed as written, now that the figures are known.

    Parameters
    ----------
    inputs : Inputs
    cutoff : str
    places : mapping
        Code of a target -> its file and entry, for the messages.

    Raises
    ------
    ParamsError
        With every such promise: no value can keep it, its members do not exist, two of them contradict each other.
    """
    better = dict(zip(inputs.indicators["indicator"], inputs.indicators["better"], strict=True))
    promises = promises_of(inputs.targets, units=inputs.units, units_of=units_of, better=better)
    panels = panels_at(inputs, cutoff=cutoff)
    require(check_targets(promises, panels=panels, cutoff=cutoff, places=places), ParamsError)


def forecast_quarter(
    inputs: Inputs,
    *,
    cutoff: str,
    params: RunParams,
    deadlines: Iterable[str] | None = None,
    forecast: Callable[..., Predictive] = forecast_panel,
) -> Forecasted:
    """Forecast every indicator from what was known at `cutoff`, as far as the last of `deadlines` (default: all)."""
    deadlines = deadlines_of(inputs.targets) if deadlines is None else tuple(deadlines)
    options = Options(seed=params.seed)
    panels, predictives = panels_at(inputs, cutoff=cutoff), {}
    for indicator in inputs.indicators.to_dict("records"):
        code = indicator["indicator"]
        if code in panels:
            horizon = horizon_of(indicator=indicator, cutoff=cutoff, params=params, deadlines=deadlines)
            predictives[code] = forecast(panels[code], horizon=horizon, options=options)
    return Forecasted(cutoff, panels, predictives)


def assess_quarter(
    inputs: Inputs,
    forecasted: Forecasted,
    *,
    params: RunParams,
    previous: pd.DataFrame | None = None,
    annexes: bool = True,
) -> Assessed:
    """Turn forecasts into probabilities and statuses; `previous` assessments feed the hysteresis.

    Without `annexes` (past quarters) only the assessments themselves and what a kind cannot do without are made.
    """
    return assess(
        inputs.targets,
        panels=forecasted.panels,
        predictives=forecasted.predictives,
        units=inputs.units,
        indicators=inputs.indicators,
        cutoff=forecasted.cutoff,
        options=assess_options(params),
        previous=previous,
        tasks=inputs.tasks,
        annexes=annexes,
    )


def status_cutoffs(cutoff: str) -> list[str]:
    """The quarters before `cutoff` whose statuses count, oldest first.

    Examples
    --------
    >>> status_cutoffs("2026-09")
    ['2025-12', '2026-03', '2026-06']
    """
    return [quarter_before(cutoff, quarters=back) for back in range(N_STATUS_QUARTERS, 0, -1)]


def past_assessments(
    said: Mapping[str, pd.DataFrame], *, published: Collection[str], params: RunParams
) -> pd.DataFrame:
    """Assessments of the quarters before, with the statuses they had: what hysteresis and the flip-flop index look at.

    Parameters
    ----------
    said : mapping of cutoff to DataFrame
        ``schema.ASSESSMENTS``, oldest cutoff first.
    published : collection of str
        Cutoffs that a stored run spoke for, whose statuses stand; the others follow, status after status.
    params : RunParams

    Returns
    -------
    DataFrame
        ``schema.ASSESSMENTS`` of all cutoffs, oldest first.
    """
    options, out = assess_options(params), []
    for cutoff, rows in said.items():
        if cutoff not in published and len(rows):
            rows = chained([*out[-1:], rows], cut_points=options.cut_points, margin=options.hysteresis_margin)[-1]
        out += [rows] if len(rows) else []
    table = pd.concat(out, ignore_index=True) if out else schema.ASSESSMENTS.empty()
    return schema.as_table(table, schema.ASSESSMENTS, where="past assessments")


def assess_options(params: RunParams) -> AssessOptions:
    """What the params say about assessments, in the words of `attainment`."""
    return AssessOptions(
        cut_points=params.cut_points.model_dump(),
        hysteresis_margin=params.hysteresis_margin,
        min_points=params.min_points,
        horizon_periods=params.horizon_periods,
        n_paths=params.n_paths,
        seed=params.seed,
        forecast=Options(seed=params.seed),
    )


def forecasts_table(forecasted: Forecasted, *, interval_levels: Iterable[float]) -> pd.DataFrame:
    """Predicted quantiles of every unit, indicator and horizon (``schema.FORECASTS``).

    Parameters
    ----------
    forecasted : Forecasted
    interval_levels : iterable of float
        Central intervals as fractions; the median is always there.
    """
    levels = sorted({0.5, *(round(0.5 + side * one / 2, 6) for one in interval_levels for side in (-1, 1))})
    parts = []
    for code, panel in forecasted.panels.items():
        quantiles = forecasted.predictives[code].quantiles(levels)  # (units, horizons, levels)
        n_units, n_horizons, n_levels = quantiles.shape
        frequency = periods.frequency_of(panel.periods[-1])
        last = int(periods.ordinals(panel.periods[-1:])[0])
        ahead = np.array(periods.codes(range(last + 1, last + 1 + n_horizons), frequency=frequency), dtype=object)
        horizons = np.arange(1, n_horizons + 1)
        parts.append(
            pd.DataFrame(
                {
                    "unit": np.repeat(np.array(panel.units, dtype=object), n_horizons * n_levels),
                    "indicator": code,
                    "cutoff": forecasted.cutoff,
                    "horizon": np.tile(np.repeat(horizons, n_levels), n_units),
                    "quantile_level": np.tile(levels, n_units * n_horizons),
                    "period": np.tile(np.repeat(ahead, n_levels), n_units),
                    "member": "ensemble",
                    "predicted": quantiles.reshape(-1),
                }
            )
        )
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    table = table[table["predicted"].notna()] if parts else schema.FORECASTS.empty()
    return schema.as_table(table, schema.FORECASTS, where="forecasts")


def evidence_of(cases: pd.DataFrame) -> pd.DataFrame:
    """How the forecasts did at past cutoffs of this very panel: what the method note of every page says.

    Parameters
    ----------
    cases : DataFrame
        See :func:`backtest_cases`.

    Returns
    -------
    DataFrame
        ``schema.EVIDENCE``; an indicator whose history is too short for any past cutoff has no row.
    """
    parts = [evidence(rows, indicator=code) for code, rows in cases.groupby("indicator")] if len(cases) else []
    table = pd.concat(parts, ignore_index=True) if parts else schema.EVIDENCE.empty()
    return schema.as_table(table, schema.EVIDENCE, where="evidence")


def backtest_cases(
    inputs: Inputs, panels: Mapping[str, Panel], *, params: RunParams, **asked: Any
) -> pd.DataFrame:
    """Past questions of every indicator with their answers and outcomes; column ``indicator`` says whose.

    `asked` (`scored`, `peers`) goes to :func:`analysis.forecasting.backtest.backtest_panel`.
    """
    parts = [indicator_cases(inputs, panel, code=code, params=params, **asked) for code, panel in panels.items()]
    parts = [one for one in parts if len(one)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def indicator_cases(inputs: Inputs, panel: Panel, *, code: str, params: RunParams, **asked: Any) -> pd.DataFrame:
    """Past questions of one indicator; empty where its history is too short or no target can be asked again."""
    frequency = periods.frequency_of(panel.periods[-1])
    horizons = [one for one in EVIDENCE_HORIZONS[frequency] if panel.n_periods - one >= 2 * MIN_HISTORY]
    parts = []
    for at_least, thresholds in _questions(inputs, code=code, panel=panel).items() if horizons else ():
        cases = backtest_panel(
            panel,
            thresholds=thresholds,
            horizons=horizons,
            n_origins=N_ORIGINS,
            at_least=at_least,
            options=Options(seed=params.seed),
            **asked,
        )
        parts.append(cases.assign(indicator=code))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _questions(inputs: Inputs, *, code: str, panel: Panel) -> dict[bool, dict[str, np.ndarray]]:
    """Thresholds a unit of an indicator's targets, by "at least" or "at most"; NaN for units outside a target's scope.

    "More than 0.6" is asked as "at least a hair above 0.6", so that one set of past forecasts serves all.
    """
    found: dict[bool, dict[str, np.ndarray]] = {}
    for target in inputs.targets:
        if target.indicator != code or target.kind not in EVIDENCE_KINDS or target.threshold is None:
            continue
        if getattr(target, "of", "count") == "quota":
            continue  # a quota differs by unit and quarter; its past values are not known
        scope = set(units_of(target, inputs.units))
        own = getattr(target, "unit_thresholds", {})
        values = np.array([own.get(unit, target.threshold) if unit in scope else np.nan for unit in panel.units])
        at_least = target.operator.startswith(">")
        if "=" not in target.operator:
            values = values + (HAIR if at_least else -HAIR) * np.maximum(1, np.abs(values))
        found.setdefault(at_least, {})[target.target] = values
    return found
