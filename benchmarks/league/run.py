"""One task of the league: every model of the product and the peers, on the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from analysis.forecasting.backtest import Plan, backtest_panel
from analysis.forecasting.calibration import Event
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.panel import Panel
from league.panels import Task
from league.peers import SLOW
from league.peers import peers as peers_of

MODELS = ("ensemble", "ensemble_raw", "climatology", "pace12", "pace3", "naive", "drift", "straight_line")


def run_task(
    task: Task,
    *,
    peers: Sequence[str] = (),
    cache: Path = Path("outputs/league-cache"),
    options: Options = Options(),  # noqa: B008
) -> pd.DataFrame:
    """The cases of one task (see :func:`analysis.forecasting.backtest.backtest_panel`)."""
    names = [name for name in peers if name not in SLOW or task.panel.season_length < 12]
    asked = dict(peers_of(names, cache=cache, scored=task.scored))
    asked = {name: one for name, one in asked.items() if task.panel.kind == "rate" or not name.endswith("_logit")}
    asked["no_shocks"] = _without_shocks(options)
    plan = Plan(task.horizons, cutoffs=task.cutoffs, models=MODELS, peers=asked, scored=task.scored)
    event = Event(task.at_least)
    return backtest_panel(task.panel, plan, thresholds=task.thresholds, event=event, options=options)


def _without_shocks(options: Options):
    def ask(panel: Panel, horizon: int):
        return forecast_panel(panel, horizon=horizon, options=replace(options, shocks=False))

    return ask
