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
from analysis.briefing.wording import probability, quantity, say_chance
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
    pieces.append(parts.sentence(say_tried(view, unit=unit, indicator=indicator, tried=tried)))
    return Markup("").join(pieces)


def say_tried(view: View, *, unit: str, indicator: str, tried: float) -> str:
    """Probability of the threshold tried at the end of the fan, read off the stored quantiles."""
    _, language = view._, view.language
    fan, row = view.fan(unit, indicator), view.indicators.get(indicator)
    if row is None or not fan.periods:
        return _("There is no forecast for this choice.")
    p = p_from_quantiles(fan, at=len(fan.periods) - 1, threshold=tried, up=row.better != "down")
    return _("{value} by {period}: probability {p}, {chance}; read from the stored quantiles, not calibrated.").format(
        value=quantity(tried, row, language),
        period=period(fan.periods[-1], language),
        p=probability(p, language),
        chance=say_chance(p, language),
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
    promised = [one.threshold for one in view.assessed(unit) if one.target == target and math.isfinite(one.threshold)]
    values = [*history.values.tolist(), *promised, *([float(fan.predicted.max())] if fan.periods else [])]
    scale = trajectory.scale_of(row, values=values)
    at = promised[0] if promised else float(history.values[-1])
    return scale.low, scale.high, min(max(at, scale.low), scale.high) if math.isfinite(at) else scale.low
