"""Scales: there and back, in bounds, the half-unit rule at equality, framing invariance."""

import numpy as np
import pytest
from forecasting_make import make_panel

from analysis.forecasting import scales


def one(name, *, kind="rate", values=((0.2, 0.5, 0.9),), **rest):
    panel = make_panel(values, kind=kind, **rest)
    return next(scale for scale in scales.candidates(panel) if scale.name == name)


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [("logit", "rate", [0.0, 0.3, 1.0]), ("raw", "rate", [0.0, 0.3, 1.0]), ("raw", "level", [-5.0, 0.0, 80.0]),
     ("raw", "count", [0.0, 7.0, 1e9]), ("log", "count", [3.0, 7.0, 1e9])],
)  # fmt: skip
def test_there_and_back(name, kind, values):
    scale = one(name, kind=kind, values=[values])
    values = np.array([values])
    np.testing.assert_allclose(scale.inverse(scale.forward(values)), values, atol=1e-12, rtol=1e-12)


def test_a_share_becomes_k_and_a_half_over_n_and_one():
    denominator = np.full((1, 3), 20.0)
    scale = one("logit", values=[[0.0, 0.5, 1.0]], numerator=denominator * [[0.0, 0.5, 1.0]], denominator=denominator)
    odds = np.exp(scale.forward(np.array([[0.0, 0.5, 1.0]])))
    np.testing.assert_allclose(odds, [[0.5 / 20.5, 1.0, 20.5 / 0.5]])


def test_forecasts_stay_in_bounds():
    assert one("logit").inverse(np.array([[-50.0, 50.0]])).tolist() == [[0.0, 1.0]]
    assert one("raw", kind="count", values=[[5.0, 7.0]]).inverse(np.array([[-3.0]])).tolist() == [[0.0]]
    assert one("raw", kind="rank", values=[[5.0, 7.0]]).inverse(np.array([[-3.0]])).tolist() == [[1.0]]


@pytest.mark.parametrize("name", ["logit", "raw"])
def test_log_slope_is_the_derivative(name):
    scale = one(name)
    x, step = np.array([[0.3]]), 1e-6
    numeric = (scale.forward(x + step) - scale.forward(x - step)) / (2 * step)
    np.testing.assert_allclose(np.exp(scale.log_slope(x)), numeric, rtol=1e-6)


def test_log_slope_of_the_log_scale():
    scale = one("log", kind="level", values=[[2.0, 4.0]])
    assert np.exp(scale.log_slope(np.array([[4.0]]))) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("threshold", "step", "strict", "expected"),
    [
        (0.80, 0.01, False, 0.795),  # 80 % is enough
        (0.80, 0.01, True, 0.805),  # 81 % is needed
        (0.805, 0.01, False, 0.805),  # between the steps: 81 % is needed either way
        (0.805, 0.01, True, 0.805),
        (0.57, 0.01, False, 0.565),  # 57 * 0.01 is not 0.57 in binary
        (0.29, 0.01, True, 0.295),
        (150.0, 1.0, False, 149.5),
        (150.0, 1.0, True, 150.5),
        (0.8, 0.0, True, 0.8),
    ],
)
def test_the_half_unit_rule(threshold, step, strict, expected):
    found = scales.edge(np.array([threshold]), step=np.array([step]), strict=strict)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_is_published_is_the_very_number_a_table_would_hold():
    latent = np.array([[0.5651, 0.2949, 0.9999]])
    assert scales.publish(latent, step=np.array([0.01])).tolist() == [[0.57, 0.29, 1.0]]
    assert scales.publish(np.array([[7.4, 7.5]]), step=np.array([1.0])).tolist() == [[7.0, 8.0]]
    assert scales.publish(latent, step=None) is latent


def test_published_step_is_the_coarser_of_resolution_and_one_case():
    denominator = np.array([[50.0, 50.0], [1000.0, 1000.0], [np.nan, np.nan]])
    numerator = denominator / 2
    panel = make_panel(np.full((3, 2), 0.5), numerator=numerator, denominator=denominator, resolution=0.01)
    np.testing.assert_allclose(scales.published_step(panel), [0.02, 0.01, 0.01])
    assert scales.published_step(make_panel([[0.1, 0.2]])) is None


def test_a_unit_at_the_bound_has_half_a_case_of_noise_and_one_inside_almost_none():
    panel = make_panel([[1.0, 1.0], [0.5, 0.5]])
    found = scales.rounding_variance(panel, scale=scales.candidates(panel)[0])
    assert 0.2 < found[0] < 0.4
    assert found[1] < 1e-5


def test_a_per_cent_is_bounded_by_0_and_100_without_being_rescaled():
    shares = np.array([[0.2, 0.55, 0.97], [0.3, 0.31, 0.4]])
    share = one("logit", values=shares, resolution=0.01)
    per_cent = one("logit", kind="level", values=100 * shares, resolution=1.0)
    np.testing.assert_allclose(per_cent.forward(100 * shares), share.forward(shares), rtol=1e-12)
    np.testing.assert_allclose(per_cent.inverse(share.forward(shares)), 100 * shares, rtol=1e-12)
    np.testing.assert_allclose(per_cent.log_slope(100 * shares), share.log_slope(shares) - np.log(100), rtol=1e-12)
    assert per_cent.inverse(np.array([[60.0], [-60.0]])).ravel().tolist() == [100.0, 0.0]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([[20.0, 97.0]], ["logit", "raw", "log"]),  # comes near 100
        ([[20.0, 40.0]], ["raw", "log", "logit"]),
        ([[0.0, 40.0]], ["raw", "logit"]),
        ([[20.0, 140.0]], ["raw", "log"]),
        ([[-2.0, 40.0]], ["raw"]),
    ],
)
def test_scales_that_a_level_may_take(values, names):
    assert [scale.name for scale in scales.candidates(make_panel(values, kind="level"))] == names
