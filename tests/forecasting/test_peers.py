"""Peers answer the questions that our models are asked, and say so when they cannot."""

import numpy as np
import pytest

from analysis.forecasting import peers
from analysis.forecasting.backtest import backtest_panel
from analysis.forecasting.panel import Panel
from analysis.words.errors import ParamsError


def make_panel():
    random = np.random.default_rng(1)
    values = np.clip(0.5 + random.normal(0, 0.02, (3, 20)).cumsum(axis=1), 0.01, 0.99)
    return Panel(("a", "b", "c"), tuple(str(2000 + at) for at in range(20)), values)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["auto_ets", "auto_theta", "scum"])
def test_a_peer_is_asked_the_same_cases(name):
    pytest.importorskip("statsforecast")
    about = {"thresholds": 0.5, "horizons": [1, 2], "n_origins": 2, "models": ["pace3"]}
    cases = backtest_panel(make_panel(), peers=peers.peers([name], scored=["a", "c"]), scored=["a", "c"], **about)
    key = ["target", "cutoff", "horizon", "unit"]
    ours, theirs = (cases[cases["model"] == one].reset_index(drop=True) for one in ("pace3", name))
    assert len(theirs) and ours[key].equals(theirs[key]) and set(theirs["unit"]) == {"a", "c"}
    assert theirs["p_attain"].between(0, 1).all() and (theirs["lower95"] <= theirs["upper95"]).all()


def test_a_peer_that_is_not_known_or_not_installed_is_refused(monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    with pytest.raises(ParamsError, match="'auto_etz' is no peer") as caught:
        peers.peers(["auto_etz"])
    assert "statsforecast is not installed" in str(caught.value)
    assert peers.peers([]) == {}
