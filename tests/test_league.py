"""The league's own parts: peers' distributions, Naive2, goals, and the page that is rendered from results."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from league import competition, peers, render, tables  # noqa: E402

from analysis.forecasting.backtest import Plan, backtest_panel  # noqa: E402
from analysis.forecasting.panel import Panel  # noqa: E402
from analysis.words.errors import ParamsError  # noqa: E402


def two_sided(*, logit=False):
    return peers.TwoSided(np.array([[0.0]]), np.array([[1.0]]), np.array([[2.0]]), logit)


def test_a_peers_probability_and_quantiles_agree():
    one = two_sided()
    for level in (0.1, 0.5, 0.9):
        threshold = one.quantiles([level])[0, 0]
        assert one.p_exceeds(threshold, horizon=1, strict=False) == pytest.approx(1 - level)


def test_a_peer_on_the_logit_scale_answers_in_shares():
    one = two_sided(logit=True)
    assert one.quantiles([0.5])[0, 0, 0] == 0.5
    assert one.p_exceeds(np.array([0.5]), horizon=1, strict=False) == pytest.approx([0.5])


def test_gaps_are_filled_on_the_line_and_beginnings_dropped():
    assert peers.filled(np.array([np.nan, 1.0, np.nan, 3.0, np.nan])).tolist() == [1, 2, 3, 3]


def test_naive2_repeats_the_last_value_without_a_season():
    history = np.cumsum(np.random.default_rng(0).normal(size=(3, 36)), axis=1) + 50
    assert competition.naive2(history, season=1, horizon=2).tolist() == [[row[-1]] * 2 for row in history]


def test_naive2_carries_a_multiplicative_season_on():
    season = np.array([0.8, 1.2, 0.9, 1.1])
    history = (100 * season[np.arange(60) % 4])[None, :]
    assert competition.naive2(history, season=4, horizon=4)[0] == pytest.approx(100 * season)


def test_peers_answer_through_the_cache(tmp_path):
    pytest.importorskip("statsforecast")
    values = np.linspace(0.2, 0.5, 10) + np.random.default_rng(0).normal(0, 0.005, (2, 10))
    panel = Panel(("a", "b"), tuple(str(2010 + t) for t in range(10)), values)
    ask = peers.peers(["auto_ets_logit"], cache=tmp_path, scored=["b"])["auto_ets_logit"]
    once, again = ask(panel, 3), ask(panel, 3)
    assert len(list(tmp_path.iterdir())) == 1
    np.testing.assert_array_equal(once.point, again.point)
    assert np.isnan(once.point[0]).all()  # not asked
    assert 0.45 < once.quantiles([0.5])[1, 2, 0] < 0.65


def make_rates():
    random = np.random.default_rng(1)
    values = np.clip(0.5 + random.normal(0, 0.02, (3, 20)).cumsum(axis=1), 0.01, 0.99)
    return Panel(("a", "b", "c"), tuple(str(2000 + at) for at in range(20)), values)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["auto_ets", "auto_theta", "scum"])
def test_a_peer_is_asked_the_same_cases(name):
    pytest.importorskip("statsforecast")
    asked = peers.peers([name], scored=["a", "c"])
    plan = Plan([1, 2], n_origins=2, models=["pace3"], peers=asked, scored=["a", "c"])
    cases = backtest_panel(make_rates(), plan, thresholds=0.5)
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


def make_cases(p, *, outcome=(1.0, 0.0)):
    frames = [
        pd.DataFrame(
            {
                "target": "t",
                "cutoff": "2021",
                "horizon": 1,
                "unit": ["a", "b"],
                "model": name,
                "p_attain": said,
                "outcome": outcome,
                "observed": [0.5, 0.4],
                "predicted_median": 0.5,
                "lower80": 0.4,
                "upper80": 0.6,
                "lower95": 0.3,
                "upper95": 0.7,
            }
        )
        for name, said in p.items()
    ]
    return pd.concat(frames, ignore_index=True)


def test_a_panels_row_by_hand():
    cases = make_cases(
        {
            "ensemble": [0.8, 0.4],
            "pace12": [1, 1],
            "climatology": [0.5, 0.5],
            "auto_ets": [0.8, 0.6],
            "auto_ets_logit": 0.5,
        }
    )
    table = tables.score_panel(cases, panel="x", task="y").set_index("model")
    ours = table.loc["ensemble"]
    assert ours["brier"] == pytest.approx((0.04 + 0.16) / 2)
    assert ours["skill_pace"] == pytest.approx(1 - 0.1 / 0.5)
    assert ours["skill_ets"] == pytest.approx(1 - 0.1 / 0.2)
    assert ours["skill_best_ets"] == pytest.approx(1 - 0.1 / 0.2)  # .2 raw, .25 logit
    assert ours["worst_origin"] == pytest.approx(1 - 0.1 / 0.5)


def test_goals_say_by_how_much_and_whether():
    series = pd.DataFrame(
        {
            "set": ["M3 monthly"] * 3,
            "model": ["ensemble", "scum", "auto_ets"],
            "owa": [0.80, 0.79, 0.9],
            "msis": [3.9, 5, 5],
        }
    )
    found = tables.goals(pd.DataFrame(), pd.DataFrame(), series).set_index("measure")
    assert found["reached"].to_dict() == {
        "OWA, M3 monthly": "yes",
        "OWA less SCUM's, M3 monthly": "no",
        "MSIS against AutoETS, M3 monthly": "yes",
    }
    assert found.loc["OWA less SCUM's, M3 monthly", "result"] == pytest.approx(0.01)


def test_ours_is_compared_with_a_peer_on_the_peers_cells():
    slices = pd.DataFrame(
        {
            "panel": "x",
            "task": ["a", "b", "a", "a"],
            "slice_kind": "horizon",
            "slice": ["1", "1", "1", "1"],
            "model": ["ensemble", "ensemble", "auto_ets", "pace12"],
            "coverage80": [0.85, 0.70, 0.60, np.nan],
            "coverage95": [0.95, 0.90, 0.80, np.nan],
        }
    )
    panels = pd.DataFrame(
        {
            "panel": "x",
            "task": ["a", "b", "a", "all"],
            "model": ["ensemble", "ensemble", "auto_ets", "ensemble"],
            "ece": [0.02, 0.04, 0.10, 0.5],
            "slope": [1.0, 1.2, 0.6, 9.0],
        }
    )
    found = tables.against_peers(panels, slices).set_index("model")
    assert list(found.index) == ["ensemble", "auto_ets", "ensemble, same cells"]
    assert found["cells"].tolist() == [2, 1, 1]
    assert found["error80"].tolist() == pytest.approx([0.075, 0.2, 0.05])
    assert found["signed80"].tolist() == pytest.approx([-0.025, -0.2, 0.05])
    assert found["signed95"].tolist() == pytest.approx([-0.025, -0.15, 0.0])
    assert found["ece"].tolist() == pytest.approx([0.03, 0.10, 0.02])
    assert found["greatest_slope"].tolist() == [1.2, 0.6, 1.0]


def test_a_block_is_put_between_its_markers_only():
    text = f"before\n{render.BEGIN}\nold\n{render.END}\nafter\n"
    assert render.put_into(text, "new") == "before\nnew\nafter\n"
    with pytest.raises(ValueError, match="does not hold"):
        render.put_into("no markers", "new")


def test_the_page_of_evidence_is_what_the_committed_results_say():
    document = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    block = render.as_markdown(ROOT / "benchmarks" / "results")
    assert block in document, "run: python benchmarks/skill.py --render"
