"""The statistics of one quarter: panels, forecasts, assessments, evidence, as they follow from what was known then.

The same functions make today's assessment, last quarter's (for "what changed") and those of earlier quarters (for the
scorecard): only the cutoff differs, and nothing later than it is seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis import records
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
from analysis.parallel import make_tables
from analysis.registry.params import RunParams
from analysis.registry.targets import units_of
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


def horizon_of(inputs: Inputs, *, indicator: dict, cutoff: str, params: RunParams) -> int:
    """How many periods ahead an indicator is forecast: the fan's length, or the last deadline if that is later."""
    start = periods.last_ended(cutoff, indicator["frequency"])
    deadlines = [target.deadline for target in inputs.targets if getattr(target, "deadline", None)]
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
    inputs: Inputs, *, cutoff: str, params: RunParams, on_done: Callable[[str], None] = lambda name: None
) -> Forecasted:
    """Forecast every indicator from what was known at `cutoff`."""
    options = Options(seed=params.seed)
    panels, predictives = panels_at(inputs, cutoff=cutoff), {}
    for indicator in inputs.indicators.to_dict("records"):
        code = indicator["indicator"]
        if code in panels:
            horizon = horizon_of(inputs, indicator=indicator, cutoff=cutoff, params=params)
            predictives[code] = forecast_panel(panels[code], horizon=horizon, options=options)
            on_done(code)
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


def past_assessments(
    inputs: Inputs,
    *,
    cutoff: str,
    params: RunParams,
    published: Mapping[str, pd.DataFrame],
    known: Mapping[str, pd.DataFrame],
    jobs: int = 1,
) -> pd.DataFrame:
    """Assessments of the quarters before, with the statuses they had: what hysteresis and the flip-flop index look at.

    Parameters
    ----------
    inputs : Inputs
    cutoff : str
        Today's.
    params : RunParams
    published : mapping of cutoff to DataFrame
        What stored runs said; the others are computed from what was known then, status after status.
    known : mapping of cutoff to DataFrame
        Quarters that have been computed already.
    jobs : int

    Returns
    -------
    DataFrame
        ``schema.ASSESSMENTS`` of up to `N_STATUS_QUARTERS` cutoffs.
    """

    def quarter(then: str) -> pd.DataFrame:
        forecasted = forecast_quarter(inputs, cutoff=then, params=params)
        return assess_quarter(inputs, forecasted, params=params, annexes=False).assessments

    cutoffs = [quarter_before(cutoff, quarters=back) for back in range(N_STATUS_QUARTERS, 0, -1)]
    have = dict(known) | dict(published)
    missing = [one for one in cutoffs if one not in have]
    have |= make_tables({then: lambda then=then: quarter(then) for then in missing}, n_jobs=jobs)
    options, out = assess_options(params), []
    for then in cutoffs:
        said = have[then]
        if then not in published and len(said):
            said = chained([*out[-1:], said], cut_points=options.cut_points, margin=options.hysteresis_margin)[-1]
        out += [said] if len(said) else []
    table = pd.concat(out, ignore_index=True) if out else schema.ASSESSMENTS.empty()
    return schema.as_table(table, schema.ASSESSMENTS, where="past assessments")  # another process loses whole numbers


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


def evidence_table(
    inputs: Inputs,
    forecasted: Forecasted,
    *,
    params: RunParams,
    jobs: int = 1,
    on_done: Callable[[str], None] = lambda name: None,
) -> pd.DataFrame:
    """How the forecasts did on this very panel, from past cutoffs: what the method note of every page says.

    Returns
    -------
    DataFrame
        ``schema.EVIDENCE``; an indicator whose history is too short for any past cutoff has no row.
    """
    tasks = {
        code: lambda code=code: evidence_of(indicator_cases(inputs, forecasted, code=code, params=params))
        for code in forecasted.panels
    }
    parts = [one for one in make_tables(tasks, n_jobs=jobs, on_done=on_done).values() if len(one)]
    table = pd.concat(parts, ignore_index=True) if parts else schema.EVIDENCE.empty()
    return schema.as_table(table, schema.EVIDENCE, where="evidence")


def evidence_of(cases: pd.DataFrame) -> pd.DataFrame:
    """Scores of backtest cases, indicator by indicator (``schema.EVIDENCE``)."""
    parts = [evidence(rows, indicator=code) for code, rows in cases.groupby("indicator")] if len(cases) else []
    table = pd.concat(parts, ignore_index=True) if parts else schema.EVIDENCE.empty()
    return schema.as_table(table, schema.EVIDENCE, where="evidence")


def backtest_cases(inputs: Inputs, forecasted: Forecasted, *, params: RunParams) -> pd.DataFrame:
    """Past questions of every indicator with their answers and outcomes; column ``indicator`` says whose."""
    parts = [indicator_cases(inputs, forecasted, code=code, params=params) for code in forecasted.panels]
    parts = [one for one in parts if len(one)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def indicator_cases(inputs: Inputs, forecasted: Forecasted, *, code: str, params: RunParams) -> pd.DataFrame:
    """Past questions of one indicator; empty where its history is too short or no target can be asked again."""
    panel = forecasted.panels[code]
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


def scorecard_table(
    inputs: Inputs,
    *,
    now: pd.DataFrame,
    cutoff: str,
    params: RunParams,
    published: Mapping[str, pd.DataFrame],
    jobs: int = 1,
) -> pd.DataFrame:
    """Our probabilities of the last quarters beside what happened, for targets that are settled now.

    A quarter that a stored run speaks for counts as it was published; the others are computed from what was known then.

    Returns
    -------
    DataFrame
        ``schema.SCORECARD``; empty where nothing is settled.
    """
    settled = set(now.loc[now["settled"], "target"])
    targets = tuple(one for one in inputs.targets if one.target in settled)
    if not targets:
        return schema.SCORECARD.empty()
    used = inputs.indicators["indicator"].isin({one.indicator for one in targets})
    kept = dataclasses.replace(inputs, targets=targets, indicators=inputs.indicators[used])

    def quarter(then: str) -> pd.DataFrame:
        if then in published:  # only what was published can have been revised since
            past = records.with_current_now(published[then], inputs.observations)
            return records.build_scorecard(past, now=now, origin="published")
        forecasted = forecast_quarter(kept, cutoff=then, params=params)
        past = assess_quarter(kept, forecasted, params=params, annexes=False).assessments
        return records.build_scorecard(past, now=now, origin="recomputed")

    cutoffs = [quarter_before(cutoff, quarters=back) for back in range(1, N_PAST_QUARTERS + 1)]
    parts = make_tables({then: lambda then=then: quarter(then) for then in cutoffs}, n_jobs=jobs)
    return schema.as_table(pd.concat(parts.values(), ignore_index=True), schema.SCORECARD, where="scorecard")
