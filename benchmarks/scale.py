"""How fast the statistics are at a country's size, goals and results; data made up by seed, answers looked at.

    python benchmarks/scale.py                        # both sections
    python benchmarks/scale.py --section forecasting  # 3,355 units x 20 indicators x 36 months, on one core
    python benchmarks/scale.py --section attainment   # 3,321 communes x 12 indicators, every kind of target

Each section runs in an interpreter of its own. CPU seconds are the main figure: they hold on a busy machine, wall
seconds do not. statsforecast's AutoETS runs on a sample of the same series in the same process. A time counts only
when the answers are finite, in bounds, and paths agree with closed forms; the largest gap between a share and its
complement is printed with its own goal.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.measure import watch_memory  # noqa: E402

from analysis.publishing.environment import pinned_environment, restart_pinned  # noqa: E402

SEED = 20261121
N_MONTHS, HORIZON = 36, 12
THRESHOLD = 0.6
GOALS = {  # figure -> less than
    "a share against its complement, largest gap in p": 1e-9,
    "forecasts and probabilities, CPU s": 10.0,
    "joint paths, CPU s": 30.0,
    "forecasting, peak MB": 2048.0,
    "attainment and its forecasts, CPU s": 60.0,
    "attainment, peak MB": 4096.0,
}


@contextmanager
def timed(found: dict, name: str) -> Iterator[None]:
    """Add CPU and wall seconds of a block to `found`."""
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    found[f"{name}, CPU s"] = found.get(f"{name}, CPU s", 0.0) + time.process_time() - cpu
    found[f"{name}, wall s"] = found.get(f"{name}, wall s", 0.0) + time.perf_counter() - wall


def make_rates(n_units: int, *, seed: int, start: float = -1.0):
    """A panel of rates with binomial noise: S-curves of their own speed, a common season, common bursts."""
    from analysis.forecasting.panel import Panel
    from analysis.words import periods

    random = np.random.default_rng(seed)
    months = periods.codes(range(12 * 53 + 9, 12 * 53 + 9 + N_MONTHS), frequency="M")
    shape = (n_units, N_MONTHS)
    speed = random.uniform(0.0, 0.08, (n_units, 1)) * (1 + 0.5 * random.standard_normal(N_MONTHS))
    season = 0.15 * np.sin(2 * np.pi * (np.arange(N_MONTHS) % 12) / 12)
    logit = start + 0.5 * random.standard_normal((n_units, 1)) + speed.cumsum(axis=1) + season
    logit += (0.08 * random.standard_normal(shape)).cumsum(axis=1)
    denominator = random.integers(50, 2000, (n_units, 1)) + np.zeros(shape)
    numerator = random.binomial(denominator.astype(int), 1 / (1 + np.exp(-logit))).astype(float)
    units = tuple(f"{one:05d}" for one in range(n_units))
    return Panel(units, tuple(months), numerator / denominator, numerator, denominator, "rate", False, 12, None)


def forecasting(*, n_units: int = 3355, n_indicators: int = 20, n_paths: int = 1000, n_peer: int = 150) -> dict:
    """Ensemble, season, closed-form probabilities, joint paths of every series; AutoETS on some of them."""
    from analysis.forecasting.ensemble import forecast_panel

    found = {"series": n_units * n_indicators}
    panels = [make_rates(n_units, seed=SEED + one, start=-1.5 + 0.1 * one) for one in range(n_indicators)]
    ours, gap = "forecasts and probabilities", []
    forecast_panel(make_rates(50, seed=1), horizon=HORIZON)  # imports
    for panel in panels:
        with timed(found, ours):
            predictive = forecast_panel(panel, horizon=HORIZON)
            fan = predictive.quantiles([0.1, 0.5, 0.9])
            p = predictive.p_exceeds(THRESHOLD, horizon=HORIZON, strict=False)
        with timed(found, "joint paths"):
            paths = predictive.paths(n_paths=n_paths)
            share = (paths[:, -1] >= THRESHOLD).mean(axis=1)
        gap.append(np.abs(share - p).mean())
        _require("finite fans, paths in bounds", np.isfinite(fan).all() and paths.min() >= 0 and paths.max() <= 1)
        _require("fans in order, p in bounds", (np.diff(fan, axis=2) >= 0).all() and p.min() >= 0 and p.max() <= 1)
        del paths
    _require(f"paths agree with closed forms (mean gap {max(gap):.4f})", max(gap) < 0.02)
    found["paths against closed forms, mean gap in p"] = float(np.mean(gap))
    found["a share against its complement, largest gap in p"] = _framing(panels[0])
    found["series a second a core, ours"] = found["series"] / found[f"{ours}, CPU s"]
    return found | (_peer(panels[0], n_peer=n_peer, ours=found["series a second a core, ours"]) if n_peer else {})


def _framing(panel) -> float:
    """Largest difference between P(share >= t) and 1 - P(complement > 1 - t), for five hundred units."""
    from dataclasses import replace

    from analysis.forecasting.ensemble import forecast_panel

    rows = slice(0, 500)
    cut = {name: getattr(panel, name)[rows] for name in ("units", "values", "numerator", "denominator")}
    share = replace(panel, **cut, first=None)
    rest = replace(share, values=1 - share.values, numerator=share.denominator - share.numerator, first=None)
    p = forecast_panel(share, horizon=HORIZON).p_exceeds(THRESHOLD, horizon=HORIZON, strict=False)
    q = forecast_panel(rest, horizon=HORIZON).p_exceeds(1 - THRESHOLD, horizon=HORIZON, strict=True)
    return float(np.abs(p - (1 - q)).max())


def _peer(panel, *, n_peer: int, ours: float) -> dict:
    """statsforecast's AutoETS with an interval, without a season (its faster form) and with one."""
    import pandas as pd
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS

    found: dict = {}
    start = pd.Timestamp(panel.periods[0])
    for season, name in ((1, "AutoETS without a season"), (12, "AutoETS with a season")):
        n_series = n_peer if season == 1 else max(10, n_peer // 5)
        ids = np.repeat(panel.units[:n_series], N_MONTHS)
        dates = np.tile(pd.date_range(start, periods=N_MONTHS, freq="MS"), n_series)
        frame = pd.DataFrame({"unique_id": ids, "ds": dates, "y": panel.values[:n_series].ravel()})
        peer = StatsForecast(models=[AutoETS(season_length=season)], freq="MS", n_jobs=1)
        peer.forecast(df=frame.head(2 * N_MONTHS), h=HORIZON, level=[80])  # compiled before it is timed
        with timed(found, name):
            peer.forecast(df=frame, h=HORIZON, level=[80])
        rate = n_series / found[f"{name}, CPU s"]
        found |= {f"{name}, series": n_series, f"series a second a core, {name}": rate, f"ours / {name}": ours / rate}
    return found


def attainment(*, n_units: int = 3321, n_paths: int = 2000) -> dict:
    """Every kind of target for every commune, by joint paths, roll-ups and annexes included."""
    from analysis.attainment.assess import assess
    from analysis.attainment.world import AssessOptions, World
    from analysis.forecasting.ensemble import forecast_panel

    found: dict = {"communes": n_units}
    panels = make_panels(n_units)
    units, indicators = _units_and_indicators(panels)
    targets, tasks = make_targets(panels)
    forecast_panel(make_rates(50, seed=1), horizon=HORIZON)  # imports
    with timed(found, "forecasts of 12 indicators"):
        predictives = {code: forecast_panel(panel, horizon=HORIZON) for code, panel in panels.items()}
    with timed(found, "attainment"):
        world = World(
            targets=targets,
            panels=panels,
            predictives=predictives,
            units=units,
            indicators=indicators,
            cutoff=panels["x0"].periods[-1],
            options=AssessOptions(n_paths=n_paths),
            tasks=tasks,
        )
        made = assess(world)
    for kind in ("CPU", "wall"):
        parts = (found[f"{one}, {kind} s"] for one in ("forecasts of 12 indicators", "attainment"))
        found[f"attainment and its forecasts, {kind} s"] = sum(parts)
    p = made.assessments["p_attain"].dropna()
    _require("p in bounds", len(p) > 0 and p.between(0, 1).all())
    asked = {one.target for one in targets}
    _require("every target is assessed", set(made.assessments["target"]) == asked)
    _require("every commune and target once", not made.assessments.duplicated(["unit", "target"]).any())
    _require("a status each", made.assessments["status"].ne("").all())
    kinds = len({one.kind for one in targets})
    return found | {"assessments": len(made.assessments), "kinds of target": kinds, "extra tables": len(made.extra)}


def make_panels(n_units: int) -> dict:
    """Ten rates, a cumulative count and a score."""
    from dataclasses import replace

    panels = {f"x{one}": make_rates(n_units, seed=SEED + one, start=-1 + 0.1 * one) for one in range(10)}
    random, base = np.random.default_rng(SEED), panels["x0"]
    shape, other = (n_units, N_MONTHS), {"numerator": None, "denominator": None}
    counts = random.poisson(30, shape).cumsum(axis=1).astype(float)
    scores = 50 + (random.standard_normal(shape) + 0.3).cumsum(axis=1)
    panels["count"] = replace(base, values=counts, kind="count", cumulative=True, resolution=1.0, **other)
    panels["score"] = replace(base, values=scores.round(2), kind="level", resolution=0.01, **other)
    return panels


def _units_and_indicators(panels: dict):
    import pandas as pd

    from analysis.words.schema import INDICATORS, UNITS, as_table

    parents = {unit: f"P{at % 34:02d}" for at, unit in enumerate(panels["x0"].units)}
    provinces = sorted(set(parents.values()))
    rows = {"unit": [*parents, *provinces], "parent": [*parents.values(), *[""] * len(provinces)]}
    units = pd.DataFrame(rows).assign(name="made up", level="made up")
    cumulative = [panel.cumulative for panel in panels.values()]
    indicators = pd.DataFrame({"indicator": list(panels), "better": "up", "cumulative": cumulative})
    return as_table(units, UNITS), as_table(indicators, INDICATORS)


def make_targets(panels: dict) -> tuple[tuple, object]:
    """One target a kind and three more levels, each for every commune; the tasks of the last."""
    import pandas as pd

    from analysis.registry.kinds import KINDS
    from analysis.words import periods

    units, last = panels["x0"].units, panels["x0"].periods[-1]
    year, half = periods.shift(last, 12), periods.shift(last, 6)
    then, since = panels["x0"].periods[20], periods.shift(last, -5)
    weights = {"x6": 18, "x7": 20, "x8": 12, "x9": 10, "x0": 18, "x1": 22}  # Decision 766's six parts
    parts = [{"indicator": code, "weight": weight} for code, weight in weights.items()]
    reach = {"operator": ">=", "deadline": year}
    names = {"name_vi": "", "name_en": "", "scope": units}
    stated = [
        *(("level_at", f"L{one}", {"indicator": f"x{one}", "threshold": THRESHOLD, **reach}) for one in range(4)),
        ("sustained_from", "S", {"indicator": "x4", "operator": ">", "threshold": 0.5, "start": since,
                                 "deadline": half, "reading": "each_period"}),
        ("cumulative_count", "C", {"indicator": "count", "threshold": 1.0, "of": "quota",
                                   "quota": dict.fromkeys(units, 1500), **reach}),
        ("coverage_all", "CO", {"indicator": "x5", "deadline": year}),
        ("rank_le", "R", {"indicator": "score", "threshold": 100, "peers": units, "deadline": year}),
        ("score_ge", "SC", {"threshold": 65, "components": parts, "total": 100, "version": "766", **reach}),
        ("relative_change", "RC", {"indicator": "x6", "threshold": 0.5, "baseline_period": then, **reach}),
        ("directional", "DI", {"indicator": "x7", "start": then, "deadline": year}),
        ("conditional", "CN", {"indicator": "x8", "threshold": 0.5, "then": "level_at", "condition_vi": "",
                               "condition_en": "", **reach}),
        ("tasks_k_of_n", "T", {"deadline": year}),
    ]  # fmt: skip
    members = tuple(code for _kind, code, _more in stated if code not in ("CN", "T"))
    stated.append(("indicators_k_of_n", "K", {"members": members, "k": 8, "deadline": year}))
    targets = tuple(KINDS[kind](kind=kind, target=code, **names, **more) for kind, code, more in stated)
    rows = [
        (f"t{task}", "T", unit, f"{last[:4]}-{1 + (at + task) % 12:02d}-15", _done(at, task, year=last[:4]))
        for at, unit in enumerate(units)
        for task in range(10)
    ]
    return targets, pd.DataFrame(rows, columns=["task", "target", "unit", "due", "done"])


def _done(at: int, task: int, *, year: str) -> str:
    month = 1 + (at + task) % 12
    return f"{year}-{month:02d}-{10 + (at * 7 + task) % 9:02d}" if (at + task) % 3 and month <= 9 else ""


def _require(what: str, holds: bool) -> None:
    if not holds:
        raise SystemExit(f"the answers are wrong, so their time does not count: {what}")


SECTIONS = {"forecasting": forecasting, "attainment": attainment}


def measure(section: str, *, shrink: int = 1) -> dict:
    """Run a section in an interpreter of its own; its figures and the peak memory of its processes."""
    command = [sys.executable, __file__, "--section", section, "--shrink", str(shrink), "--inside"]
    run = subprocess.Popen(command, env={**os.environ, **pinned_environment()}, stdout=subprocess.PIPE, text=True)
    peak = watch_memory(run)
    if run.returncode:
        raise SystemExit(run.returncode)
    return json.loads(run.stdout.read()) | {f"{section}, peak MB": peak}


def main(argv: list[str] | None = None) -> dict:
    """Print each figure, with its goal where it has one, and everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--section", choices=SECTIONS, help="only this one")
    parser.add_argument("--shrink", type=int, default=1, help="a country this many times smaller, for a quick look")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    sizes = {"forecasting": 3355 // arguments.shrink, "attainment": 3321 // arguments.shrink}
    if arguments.inside:
        print(json.dumps(SECTIONS[arguments.section](n_units=sizes[arguments.section])))
        return {}
    found: dict = {}
    for section in [arguments.section] if arguments.section else SECTIONS:
        found |= measure(section, shrink=arguments.shrink)
    for name, value in found.items():
        goal = f"   goal: under {GOALS[name]:,.6g}" if name in GOALS else ""
        goal += "  MISSED" if name in GOALS and value >= GOALS[name] else ""
        shown = f"{value:12,.3g}" if isinstance(value, float) and value < 1 else f"{value:12,.1f}"
        print(f"{name:55} {value:12,}" if isinstance(value, int) else f"{name:55} {shown}{goal}")
    print(json.dumps(found))
    return found


if __name__ == "__main__":
    restart_pinned()
    main()
