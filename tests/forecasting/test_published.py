"""Rates of few cases: a slow oracle, known truth from simulated beta-binomial panels, and who is left alone."""

from dataclasses import replace

import numpy as np
import pytest
from forecasting_make import expit, make_panel, make_walks
from scipy import optimize, stats

from analysis.forecasting import published, scores
from analysis.forecasting.calibration import calibrate_level, cap
from analysis.forecasting.ensemble import forecast_panel
from analysis.forecasting.panel import truncate
from analysis.forecasting.published import Counted, Latent, p_beyond
from analysis.forecasting.scales import candidates


def counts(size, *, units=300, periods=36, seed=0, beta=None):
    """k of `size` in every unit and period: true rates wander; with `beta` each period's rate is a draw around them."""
    rng = np.random.default_rng(seed)
    walk = rng.normal(0.8, 0.8, (units, 1)) + np.cumsum(rng.normal(0.01, 0.06, (units, periods)), axis=1)
    rate = expit(walk) if beta is None else rng.beta(beta * expit(walk), beta * expit(-walk))
    denominator = np.broadcast_to(np.asarray(size, float).reshape(-1, 1), rate.shape).copy()
    numerator = rng.binomial(denominator.astype(int), rate).astype(float)
    return make_panel(numerator / denominator, numerator=numerator, denominator=denominator)


def oracle(k, *, size, mean, sd, noise, df):
    """P(K >= k) from first principles: the rate whose counts have that mean logit, one value of t after another."""
    cases = np.arange(size + 1)
    logits = np.log((cases + 0.5) / (size - cases + 0.5))
    latent = np.sqrt(max(sd**2 - noise, published.LEAST_LATENT * sd**2))
    total = 0.0
    for level in (np.arange(150) + 0.5) / 150:
        y = mean + latent * stats.t.ppf(level, df)
        if y <= logits[0] or y >= logits[-1]:
            rate = float(y > 0)
        else:
            rate = optimize.brentq(lambda p, y=y: stats.binom.pmf(cases, size, p) @ logits - y, 0.0, 1.0)
        total += stats.binom.sf(k - 1, size, rate) / 150
    return total


@pytest.mark.parametrize("size", [5, 20, 60])
def test_probabilities_are_those_of_a_slow_oracle(size):
    mean, sd, noise, df = np.array([-1.0, 0.4, 1.9]), np.array([0.9, 0.5, 0.7]), np.array([0.3, 0.2, 0.1]), 8.0
    panel = make_panel(np.full((3, 4), 0.4), numerator=np.full((3, 4), 0.4 * size), denominator=np.full((3, 4), size))
    few = Counted(np.full(3, size), noise, 0.0)
    latent = Latent(candidates(panel)[0], mean, sd, np.full(3, df))
    for share in (0.2, 0.6, 0.8, 1.0):
        found = p_beyond(np.full(3, share), latent, strict=False, counted=few)
        rows = zip(mean, sd, noise)
        wanted = [oracle(round(share * size), size=size, mean=m, sd=s, noise=v, df=df) for m, s, v in rows]
        np.testing.assert_allclose(found, wanted, atol=0.006)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "beta"), [(5, None), (10, None), (20, None), (60, None), (20, 60.0)])
def test_coverage_and_calibration_of_simulated_counts(size, beta):
    rng, inside, pit, stated, came = np.random.default_rng(1), [], [], [], []
    for seed in (0, 1):
        panel = counts(size, seed=seed, beta=beta)
        known = truncate(panel, 30)
        found = forecast_panel(known, horizon=6)
        assert np.all(found.counted.size == size)
        low, high = np.moveaxis(found.quantiles([0.1, 0.9]), 2, 0)
        for h in (1, 3, 6):
            seen = panel.values[:, 29 + h]
            inside.append((seen >= low[:, h - 1]) & (seen <= high[:, h - 1]))
            at, above = (found.p_exceeds(seen, horizon=h, strict=strict) for strict in (False, True))
            pit.append(above + (at - above) * rng.random(len(seen)))
            for threshold in (0.6, 0.75, 0.9):
                correction = calibrate_level(known, threshold=threshold, horizon=h, predictive=found)
                stated.append(cap(correction.apply(found.p_exceeds(threshold, horizon=h))))
                came.append(seen >= threshold - 1e-12)
    pit, stated, came = np.concatenate(pit), np.concatenate(stated), np.concatenate(came).astype(float)
    assert 0.76 <= np.mean((pit > 0.1) & (pit < 0.9)) <= 0.84
    assert 0.92 <= np.mean((pit > 0.025) & (pit < 0.975)) <= 0.97
    assert 0.78 <= np.mean(inside) <= (0.83 if size >= 20 else 0.90)  # a step of a fifth holds more than its share
    assert scores.ece(stated, came) < 0.035
    assert 0.85 <= scores.calibration_slope(stated, came) <= 1.2


def test_quantiles_probabilities_and_paths_agree():
    sizes = np.repeat([4, 11, 30, 60, 400], 20)
    found = forecast_panel(counts(sizes, units=100), horizon=4)
    paths = found.paths(n_paths=4000)
    lattice = paths * sizes[:, None, None]
    np.testing.assert_allclose(lattice, np.rint(lattice), atol=1e-9)
    for threshold in (0.5, 0.75, 1.0):
        p = found.p_exceeds(threshold, horizon=3)
        assert np.abs((paths[:, 2] >= threshold - 1e-12).mean(axis=1) - p).max() < 0.05
    middle = (found.quantiles([0.3])[:, 2, 0] * sizes + 0.5) // 1 / sizes  # the count whose step holds the quantile
    assert np.all(found.p_exceeds(middle, horizon=3) >= 0.7 - 1e-9)
    assert np.all(found.p_exceeds(middle, horizon=3, strict=True) <= 0.7 + 1e-9)


def test_a_block_of_units_or_periods_gets_the_same_paths():
    found = forecast_panel(counts(9, units=40), horizon=5)
    whole = found.paths(n_paths=50)
    np.testing.assert_array_equal(found.paths(n_paths=50, rows=np.array([30, 3]), horizon=2), whole[[30, 3], :2])


def test_order_and_complement_change_nothing():
    panel = counts(12, units=60, seed=3)
    order = np.random.default_rng(0).permutation(60)
    one, other = forecast_panel(panel, horizon=3), forecast_panel(panel.rows(order), horizon=3)
    np.testing.assert_array_equal(one.quantiles([0.1, 0.5])[order], other.quantiles([0.1, 0.5]))
    rest = replace(panel, values=1 - panel.values, numerator=panel.denominator - panel.numerator)
    p = one.p_exceeds(0.75, horizon=3)
    q = forecast_panel(rest, horizon=3).p_exceeds(0.25, horizon=3, strict=True)
    np.testing.assert_allclose(p, 1 - q, atol=1e-9)


def test_the_least_count_that_meets_a_threshold_by_hand():
    few = Counted(np.array([5, 8, 3]), np.ones(3), 0.0)
    assert few.least(np.array([0.8, 0.8, 0.67]), strict=False).tolist() == [4, 7, 3]
    assert few.least(np.array([0.8, 0.75, 0.66]), strict=True).tolist() == [5, 7, 2]
    rounded = replace(few, resolution=0.01)  # 2 of 3 is published as .67
    assert rounded.least(np.array([0.8, 0.8, 0.67]), strict=False).tolist() == [4, 7, 2]


def test_who_is_left_alone():
    walks = expit(make_walks(units=40, periods=24))
    assert forecast_panel(make_panel(walks), horizon=2).counted is None
    assert forecast_panel(counts(500, units=40), horizon=2).counted is None
    panel = counts(20, units=40)
    assert forecast_panel(replace(panel, numerator=None, resolution=0.1), horizon=2).counted is None
    halves = replace(panel, numerator=panel.numerator - 0.5)
    assert forecast_panel(halves, horizon=2).counted is None
    mixed = forecast_panel(counts(np.repeat([20, 500], 20), units=40), horizon=2).counted
    assert mixed.size.tolist() == [20] * 20 + [0] * 20


def test_cases_that_never_go_back_are_no_draws():
    """Communes that have joined do not leave: their share wavers far less than binomial counts would."""
    rng = np.random.default_rng(2)
    joined = np.minimum(np.cumsum(rng.random((40, 30)) < 0.3, axis=1) + 5.0, 30.0)
    panel = make_panel(joined / 30, numerator=joined, denominator=np.full(joined.shape, 30.0))
    assert forecast_panel(panel, horizon=3).counted is None
