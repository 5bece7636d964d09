"""Units at the bound fare as others fared from there."""

import numpy as np
import pytest
from forecasting_make import expit, make_panel, make_walks

from analysis.forecasting.bounds import learn_relapse
from analysis.forecasting.ensemble import Options, forecast_panel


def at_the_top(*, units=60, periods=24, relapse=0.25, seed=0):
    """Units at 1 that fall to .8 for one period with chance `relapse`; half of all units; the others wander."""
    rng = np.random.default_rng(seed)
    top = np.where(rng.random((units // 2, periods)) < relapse, 0.8, 1.0)
    top[:, -1] = 1.0
    return np.vstack([top, expit(make_walks(units=units // 2, periods=periods))])


def test_the_relapse_rate_is_the_panels():
    panel = make_panel(at_the_top())
    found = learn_relapse(panel, horizon=2)
    assert np.unique(found.side[:30]).tolist() == [1] and np.all(found.side[30:] == 0)
    assert np.mean(found.segments[1] < 0.9) == pytest.approx(0.25, abs=0.06)
    assert found.weight[1] == pytest.approx(30 / 35)
    p = forecast_panel(panel, horizon=2).p_exceeds(0.95, horizon=1)
    assert np.all(np.abs(p[:30] - 0.75) < 0.12)


def test_quantiles_probabilities_and_paths_agree_at_the_bound():
    predictive = forecast_panel(make_panel(at_the_top(relapse=0.4)), horizon=3)
    p = predictive.p_exceeds(0.9, horizon=2)[:30]
    paths = predictive.paths(n_paths=4000)[:30, 1]
    np.testing.assert_allclose((paths >= 0.9).mean(axis=1), p, atol=0.04)
    quantiles = predictive.quantiles([0.05, 0.2, 0.5, 0.95])[:30, 1]
    assert np.all(np.diff(quantiles, axis=1) >= 0)
    assert np.all(quantiles[:, 1] < 0.9) and np.all(quantiles[:, 3] == pytest.approx(1.0, abs=1e-6))


def test_nobody_at_a_bound_or_too_few_to_tell_means_no_relapse():
    assert learn_relapse(make_panel(expit(make_walks())), horizon=2) is None
    assert learn_relapse(make_panel(np.ones((3, 20))), horizon=2) is None
    assert learn_relapse(make_panel(np.full((9, 20), 5.0), kind="count"), horizon=2) is None
    assert learn_relapse(make_panel(np.full((2, 4), np.nan)), horizon=2) is None


def test_it_can_be_left_out():
    panel = make_panel(at_the_top())
    assert forecast_panel(panel, horizon=1, options=Options(relapse=False)).relapse is None


def test_the_same_for_any_order_of_the_units():
    values = at_the_top()
    order = np.random.default_rng(5).permutation(len(values))
    one, other = (learn_relapse(make_panel(v), horizon=3) for v in (values, values[order]))
    np.testing.assert_array_equal(one.segments[1], other.segments[1])
    np.testing.assert_array_equal(one.side[order], other.side)


@pytest.mark.parametrize("top", [1.0, 100.0])
def test_a_bound_can_be_reached_and_left(top):
    """Published without a step: what is forecast beyond a bound lies on it, in probabilities as in paths."""
    values = top * np.ones((1, 20))
    kind = "rate" if top == 1.0 else "level"
    full = forecast_panel(make_panel(values, kind=kind), horizon=2, options=Options(scale="logit"))
    assert full.p_exceeds(top, horizon=1)[0] == pytest.approx(0.5, abs=0.05)  # one unit: nobody tells more
    assert full.p_exceeds(top, horizon=1, strict=True)[0] == 0.0
    assert (full.paths(n_paths=4000)[0, 0] >= top).mean() == pytest.approx(full.p_exceeds(top, horizon=1)[0], abs=0.03)
    none = forecast_panel(make_panel(top - values, kind="rate"), horizon=1, options=Options(scale="logit"))
    assert none.p_exceeds(0.0, horizon=1)[0] == 1.0
    assert none.p_exceeds(0.0, horizon=1, strict=True)[0] == pytest.approx(0.5, abs=0.05)


def test_a_per_cent_that_stands_at_100_fares_as_others_fared_from_there():
    percents = forecast_panel(make_panel(100 * at_the_top(), kind="level"), horizon=2)
    shares = forecast_panel(make_panel(at_the_top()), horizon=2)
    assert percents.scale.name == "logit"
    np.testing.assert_allclose(
        percents.p_exceeds(100.0, horizon=1)[:30], shares.p_exceeds(1.0, horizon=1)[:30], atol=0.02
    )
    assert percents.p_exceeds(100.0, horizon=1)[:30].mean() == pytest.approx(0.70, abs=0.12)
