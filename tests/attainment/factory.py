"""Small worlds whose truth is known: panels by hand, and forecasts with a stated normal distribution."""

import numpy as np
import pandas as pd

from analysis.attainment.world import AssessOptions, World
from analysis.forecasting.panel import Panel
from analysis.forecasting.predictive import Predictive
from analysis.forecasting.scales import Scale
from analysis.registry.kinds import KINDS
from analysis.words.periods import codes
from analysis.words.schema import INDICATORS, UNITS, as_table

END = "2023-12"  # last period of every panel here
NORMAL = 1e7  # degrees of freedom at which Student's t is the normal distribution


def periods(n):
    return tuple(codes(range(648 - n, 648), frequency="M"))  # 647 is 2023-12


def make_panel(values, *, kind="level", numerator=None, denominator=None, units=None, **more):
    values = np.atleast_2d(np.asarray(values, dtype=float))
    return Panel(
        units=tuple(units or [f"u{i}" for i in range(len(values))]),
        periods=periods(values.shape[1]),
        values=values,
        numerator=None if numerator is None else np.atleast_2d(np.asarray(numerator, dtype=float)),
        denominator=None if denominator is None else np.atleast_2d(np.asarray(denominator, dtype=float)),
        kind=kind,
        **more,
    )


def make_shares(numerator, denominator, **more):
    top, bottom = np.atleast_2d(np.asarray(numerator, float)), np.atleast_2d(np.asarray(denominator, float))
    bottom = np.broadcast_to(bottom, top.shape).copy()
    return make_panel(top / bottom, kind="rate", numerator=top, denominator=bottom, **more)


def make_forecast(panel, mean, sd, *, common=0.0, carry=None, cumulative=False, lower=-np.inf, upper=np.inf):
    """Values at horizon h are normal with `mean[:, h]` and `sd[:, h]`, independent over h unless `carry` is given."""
    n = panel.n_units
    mean = np.broadcast_to(np.asarray(mean, dtype=float), (n, np.shape(mean)[-1])).copy()
    sd = np.broadcast_to(np.asarray(sd, dtype=float), mean.shape).copy()
    return Predictive(
        units=panel.units,
        scale=Scale("raw", np.full(n, 1000.0), np.ones(n), None, lower, upper),
        mean=mean,
        sd=sd,
        df=np.full(n, NORMAL),
        carry=np.zeros((n, mean.shape[1] - 1)) if carry is None else carry,
        common=np.full(mean.shape[1], common),
        last=panel.last_value(),
        cumulative=cumulative,
        seed=1,
    )


def make_units(parents=None, *, units=()):
    """A unit list: ``{unit: parent}``, and single units."""
    rows = dict.fromkeys(units, "") | dict(parents or {})
    rows |= {parent: "" for parent in set(rows.values()) if parent and parent not in rows}
    table = pd.DataFrame({"unit": list(rows), "parent": list(rows.values())})
    return as_table(table.assign(name=table["unit"], level="x"), UNITS)


NEEDED = {  # what a kind has to state
    "level_at": {"operator": ">="},
    "sustained_from": {"operator": ">=", "reading": "each_period"},
    "cumulative_count": {"operator": ">=", "of": "count"},
    "score_ge": {"operator": ">=", "version": "1"},
    "conditional": {"condition_vi": "c", "condition_en": "c", "then": "level_at"},
}


def make_target(target, indicator, kind, units, operator=None, threshold=None, *, weights=None, milestones=(), **more):
    """A target of the registry that binds `units`.

    `weights`: component indicator -> highest points; `milestones`: pairs of period and threshold.
    """
    stated = {"target": target, "indicator": indicator, "operator": operator, "threshold": threshold}
    stated = {name: value for name, value in stated.items() if value is not None}
    if weights:
        parts = [{"indicator": name, "weight": weight} for name, weight in weights.items()]
        more = {"components": parts, "total": sum(weights.values())} | more
    steps = [{"period": period, "threshold": threshold} for period, threshold in milestones]
    names = {"name_vi": "", "name_en": "", "scope": tuple(units), "kind": kind, "milestones": steps}
    return KINDS[kind](**names | NEEDED.get(kind, {}) | stated | more)


def make_indicators(panels, *, better=None, cumulative=()):
    table = pd.DataFrame({"indicator": sorted(panels)})
    better = table["indicator"].map(better or {}).fillna("up")
    return as_table(table.assign(better=better, cumulative=table["indicator"].isin(cumulative)), INDICATORS)


def make_world(targets, *, panels, predictives=None, parents=None, tasks=None, cutoff=END, **options):
    about = {name: options.pop(name) for name in ("better", "cumulative") if name in options}
    bound = {unit for target in targets for unit in target.scope}
    return World(
        targets=tuple(targets),
        panels=panels,
        predictives=predictives or {},
        units=make_units(parents, units=sorted({unit for panel in panels.values() for unit in panel.units} | bound)),
        indicators=make_indicators(panels, **about),
        cutoff=cutoff,
        options=AssessOptions(**{"calibrate": False, "n_paths": 20_000} | options),
        tasks=tasks,
    )
