"""An analyst's table of choices in JupyterLab: unit, indicator, target, and a threshold to try; the rest follows.

The same fragments as on the published pages, so what is seen here is what a page would say.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
from markupsafe import Markup

from analysis.briefing import parts, unit_sections, unit_targets
from analysis.briefing.charts import trajectory
from analysis.briefing.fragment import tag
from analysis.briefing.locale import period
from analysis.briefing.view import Fan, View, view_of
from analysis.briefing.wording import probability, quantity, say_chance, say_chance_of
from analysis.words.periods import last_day
from analysis.words.schema import RunTables

_NO_PROMISE = {  # an indicator of a unit that no target binds
    **{"kind": "", "target": "", "deadline": "", "operator": "", "status": "", "settled": False, "current_period": ""},
    **{
        "threshold": math.nan,
        "predicted_median": math.nan,
        "upper80": math.nan,
        "p_attain": math.nan,
        "current": math.nan,
    },
}


def explorer(run: RunTables, *, language: str):
    """The explorer as one widget.

    Parameters
    ----------
    run : RunTables
    language : {"vi", "en"}

    Returns
    -------
    ipywidgets.VBox
        Its children: choices of unit, indicator and target, a slider with a threshold to try, the answer.

    Raises
    ------
    ParamsError
        When we do not speak `language`.
    """
    import ipywidgets as widgets  # only an analyst's notebook needs it

    view = view_of(run, language)
    _ = view._
    wide = widgets.Layout(width="34rem")
    unit = widgets.Combobox(
        options=list(_codes(view)),
        placeholder=view.name(view.root),
        ensure_option=True,
        description=_("Unit"),
        layout=wide,
    )
    indicator = widgets.Dropdown(options=_indicators(view, view.root), description=_("Indicator"), layout=wide)
    target = widgets.Dropdown(options=_targets(view, view.root, indicator.value), description=_("Target"), layout=wide)
    tried = widgets.FloatSlider(
        min=0, max=1, step=0.01, description=_("Try value"), readout_format=".2f", layout=wide, continuous_update=False
    )
    shown = widgets.HTML()
    busy = {"on": False}

    def chosen_unit() -> str:
        return _codes(view).get(unit.value, view.root)

    def refresh(change: dict | None = None) -> None:
        if busy["on"]:
            return
        busy["on"] = True
        owner = change["owner"] if change else unit
        if owner is unit:
            indicator.options = _indicators(view, chosen_unit())
        if owner in (unit, indicator):
            target.options = _targets(view, chosen_unit(), indicator.value)
        if owner is not tried:
            low, high, at = _range(view, chosen_unit(), indicator.value, target.value)
            tried.min, tried.max = min(low, tried.min), max(high, tried.max)
            tried.min, tried.max, tried.step, tried.value = low, high, (high - low) / 100, at
            tried.disabled = not _can_try(view, chosen_unit(), target.value)
        busy["on"] = False
        shown.value = str(
            answer(view, unit=chosen_unit(), indicator=indicator.value, target=target.value, tried=tried.value)
        )

    for one in (unit, indicator, target, tried):
        one.observe(refresh, names="value")
    refresh()
    return widgets.VBox([unit, indicator, target, tried, shown])


def answer(view: View, *, unit: str, indicator: str, target: str, tried: float) -> Markup:
    """What the explorer shows for one choice: status row, chart, probability of the threshold tried."""
    rows = [row for row in view.assessed(unit) if row.target == target]
    pieces = [tag("h3", view.name(unit))]
    if rows:
        pieces.append(Markup(unit_targets.targets_table(view, unit=unit, rows=rows).html))
    mine = [row for row in view.assessed(unit) if row.indicator == indicator]
    series = mine or [SimpleNamespace(**_NO_PROMISE, unit=unit, indicator=indicator)]
    pieces.append(Markup(unit_sections.trajectories(view, unit=unit, rows=series).html))
    pieces.append(parts.sentence(say_tried(view, unit=unit, indicator=indicator, target=target, tried=tried)))
    return Markup("").join(pieces)


def say_tried(view: View, *, unit: str, indicator: str, target: str, tried: float) -> str:
    """Probability of the threshold tried at the target's own deadline; without a target, at the end of the fan."""
    _, language = view._, view.language
    fan, measure = view.fan(unit, indicator), view.indicators.get(indicator)
    row = next((one for one in view.assessed(unit) if one.target == target), None)
    if row is not None and (row.settled or row.status == "not_assessable" or not math.isfinite(row.p_attain)):
        return _("{target}: {reason}; there is no probability.").format(
            target=view.target_name(target), reason=say_chance_of(row, language)
        )
    if row is not None and not _one_level(view, row):
        pattern = _(
            "{target}: {chance}; no other value can be tried, as this target is not about one value of this indicator "
            "at one deadline."
        )
        return pattern.format(target=view.target_name(target), chance=say_chance_of(row, language))
    if measure is None or not fan.periods:
        return _("There is no forecast for this choice.")
    if row is None:
        at, p = len(fan.periods) - 1, p_from_quantiles(fan, at=-1, threshold=tried, up=measure.better != "down")
        pattern = _("{value} by {period}: probability {p}, {chance}; read from the stored quantiles, not calibrated.")
    else:
        at, p = _place(fan, row), p_tried(fan, row, tried=tried)
        pattern = _("{value} by {period}: probability {p}, {chance}; the calibrated probability of this target.")
        if not _own(row, tried):
            pattern = _(
                "{value} by {period}: probability {p}, {chance}; approximate: from the stored quantiles, shifted to "
                "the calibrated probability of this target."
            )
    return pattern.format(
        value=quantity(tried, measure, language),
        period=period(row.deadline if row is not None else fan.periods[at], language),
        p=probability(p, language),
        chance=say_chance(p, language),
    )


def p_tried(fan: Fan, row, *, tried: float) -> float:
    """P(value meets `tried` at the target's deadline): the stored probability at the target's own threshold.

    For other thresholds the log odds of the stored quantiles are shifted by one amount, which makes them pass through
    the stored probability; within 1 % and 99 %, and never on the wrong side of the stored one.

    >>> fan = Fan(["2026-12"], np.array([0.1, 0.5, 0.9]), np.array([[0.4, 0.5, 0.6]]))
    >>> row = SimpleNamespace(deadline="2026-12", operator=">=", threshold=0.6, p_attain=0.2)
    >>> [round(p_tried(fan, row, tried=one), 3) for one in (0.5, 0.6, 0.7)]
    [0.692, 0.2, 0.2]
    """
    if _own(row, tried):
        return row.p_attain
    up, at = row.operator.startswith(">"), _place(fan, row)
    read, read_own = (p_from_quantiles(fan, at=at, threshold=one, up=up) for one in (tried, row.threshold))
    odds = lambda p: math.log(p / (1 - p))
    stored = min(max(row.p_attain, 0.001), 0.999)
    p = 1 / (1 + math.exp(-(odds(read) + odds(stored) - odds(read_own))))
    p = min(max(p, 0.01), 0.99)
    return max(p, row.p_attain) if (tried < row.threshold) == up else min(p, row.p_attain)


def _own(row, tried: float) -> bool:
    """Whether the value tried is the target's own threshold; a slider's steps are not exact."""
    return math.isclose(tried, row.threshold, rel_tol=1e-9, abs_tol=1e-12)


def _place(fan: Fan, row) -> int:
    """Place of the target's deadline in the fan, -1 where it is not in it."""
    day = last_day(row.deadline) if row.deadline else None
    return next((at for at, one in enumerate(fan.periods) if last_day(one) == day), -1)


def _can_try(view: View, unit: str, target: str) -> bool:
    """Whether another value has a probability: the target is open and one level, or there is no target."""
    rows = [row for row in view.assessed(unit) if row.target == target]
    return all(not row.settled and math.isfinite(row.p_attain) and _one_level(view, row) for row in rows)


def _one_level(view: View, row) -> bool:
    """Whether the target asks for one value of the series at a deadline that the fan reaches."""
    upper = getattr(view.targets.get(row.target), "upper", math.nan)
    return (
        row.kind in ("level_at", "cumulative_count", "score_ge", "rank_le")
        and math.isfinite(row.threshold)
        and not math.isfinite(upper)
        and parts.speaks_of_series(view, row)
        and _place(view.fan(row.unit, row.indicator), row) >= 0
    )


def p_from_quantiles(fan: Fan, *, at: int, threshold: float, up: bool) -> float:
    """P(value at or beyond `threshold`), linear between stored quantiles, held within the outermost ones.

    >>> fan = Fan(["2026-12"], np.array([0.1, 0.5, 0.9]), np.array([[0.4, 0.5, 0.6]]))
    >>> p_from_quantiles(fan, at=0, threshold=0.55, up=True), p_from_quantiles(fan, at=0, threshold=0.9, up=True)
    (0.3, 0.1)
    """
    below = float(np.interp(threshold, fan.predicted[at], fan.levels))
    return round(1 - below if up else below, 6)


def _codes(view: View) -> dict[str, str]:
    """Label -> unit; the code stands in it, so no two labels are the same."""
    return {f"{view.name(code)} ({code})": code for code in view.units}


def _indicators(view: View, unit: str) -> list[tuple[str, str]]:
    found = [(view.indicator_name(code), code) for code in view.indicators if view.history(unit, code).periods]
    return found or [("–", "")]


def _targets(view: View, unit: str, indicator: str) -> list[tuple[str, str]]:
    found = [(view.target_name(row.target), row.target) for row in view.assessed(unit) if row.indicator == indicator]
    return found or [("–", "")]


def _range(view: View, unit: str, indicator: str, target: str) -> tuple[float, float, float]:
    """Slider's ends and place: the chart's own scale, at the promise where there is one."""
    row = view.indicators.get(indicator)
    history, fan = view.history(unit, indicator), view.fan(unit, indicator)
    if row is None or not history.periods:
        return 0.0, 1.0, 0.0
    promised = [one.threshold for one in view.assessed(unit) if one.target == target and _one_level(view, one)]
    values = [*history.values.tolist(), *promised, *([float(fan.predicted.max())] if fan.periods else [])]
    scale = trajectory.scale_of(row, values=values)
    at = promised[0] if promised else float(history.values[-1])
    return scale.low, scale.high, min(max(at, scale.low), scale.high) if math.isfinite(at) else scale.low
