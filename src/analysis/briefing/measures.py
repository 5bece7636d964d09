"""In which unit an assessment's numbers are: its indicator's, or places, tasks, targets met.

A place among peers may be read from a score, a composite from several indicators: such rows speak of another quantity
than the indicator's series, and are not drawn into its chart.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

from analysis.briefing.view import View

_PLAIN = {"maximum": math.nan, "frequency": "", "numerator_vi": "", "numerator_en": ""}
_ALONE = {**_PLAIN, "denominator_vi": "", "denominator_en": ""}
PLACES = SimpleNamespace(kind="rank", better="down", unit_vi="bậc", unit_en="places", **_ALONE)
TARGETS_MET = SimpleNamespace(kind="count", better="up", unit_vi="chỉ tiêu", unit_en="targets", **_ALONE)
TASKS = SimpleNamespace(
    kind="count",
    better="up",
    unit_vi="nhiệm vụ",
    unit_en="tasks",
    denominator_vi="nhiệm vụ",
    denominator_en="tasks",
    **_PLAIN,
)
POINTS = SimpleNamespace(kind="level", better="up", unit_vi="điểm", unit_en="points", **_ALONE)


def measure_of(view: View, row):
    """What the numbers of an assessment count: a row of ``schema.INDICATORS`` or something like it; None if unknown."""
    indicator = view.indicators.get(row.indicator)
    if row.kind == "rank_le" and getattr(indicator, "kind", "") != "rank":
        return PLACES
    if row.kind == "tasks_k_of_n" or (row.kind == "conditional" and not row.indicator):
        return TASKS
    if row.kind == "indicators_k_of_n":
        return TARGETS_MET
    if row.kind == "score_ge" and indicator is None:
        return POINTS
    if indicator is not None and not speaks_of_series(view, row):
        return SimpleNamespace(**{**indicator._asdict(), "maximum": math.nan})
    return indicator


def speaks_of_series(view: View, row) -> bool:
    """Whether the row's current value is the series' own: its threshold may then be drawn into the chart."""
    indicator = view.indicators.get(row.indicator)
    if indicator is None or row.kind in ("tasks_k_of_n", "indicators_k_of_n"):
        return False
    if row.kind == "rank_le":
        return indicator.kind == "rank"
    if row.kind != "score_ge" or not math.isfinite(row.current):
        return True
    history = view.history(row.unit, row.indicator)
    if row.current_period not in history.periods:
        return False
    return math.isclose(row.current, history.values[history.periods.index(row.current_period)], rel_tol=1e-6)
