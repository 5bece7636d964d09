"""Forecasts that are kept: read back to the last bit, and made again when anything they are made from changes."""

import dataclasses
import pickle

import numpy as np
import pytest

from analysis import kept
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.panel import Panel
from analysis.forecasting.portable import as_arrays, from_arrays
from analysis.kept import Forecasts


def panel(n=12, n_periods=30, seed=1, **about):
    random = np.random.default_rng(seed)
    denominator = random.integers(20, 400, size=(n, n_periods)).astype(float)
    share = 1 / (1 + np.exp(-np.cumsum(random.normal(0.05, 0.2, size=(n, n_periods)), axis=1)))
    numerator = np.round(share * denominator)
    numerator[0] = denominator[0]  # stands at the bound
    numerator[1, :4] = np.nan
    periods = tuple(f"{2023 + at // 12}-{at % 12 + 1:02d}" for at in range(n_periods))
    units = tuple(f"đv {at}" for at in range(n))
    made = {"numerator": numerator, "denominator": denominator, "season_length": 12, **about}
    return Panel(units=units, periods=periods, values=numerator / denominator, **made)


def same(one, other):
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    else:
        assert one == other


@pytest.mark.parametrize(
    "about",
    [{}, {"kind": "count", "numerator": None, "denominator": None, "cumulative": True}, {"resolution": 0.001}],
    ids=["rate", "count", "rounded"],
)
def test_what_is_read_back_is_what_was_made(tmp_path, monkeypatch, about):
    asked = {"horizon": 6, "options": Options(seed=3)}
    afresh = forecast_panel(panel(**about), **asked)
    same(from_arrays(as_arrays(afresh)), afresh)
    made = Forecasts(tmp_path / "k")(panel(**about), **asked)
    monkeypatch.setattr(kept, "forecast_panel", None)
    again = Forecasts(tmp_path / "k")(panel(**about), **asked)
    same(again, made)
    same(again, afresh)
    levels = [0.1, 0.5, 0.9]
    assert again.quantiles(levels).tobytes() == afresh.quantiles(levels).tobytes()
    chances = [one.p_exceeds(0.5, horizon=3).tobytes() for one in (again, afresh)]
    assert chances[0] == chances[1]


def changes():
    base = panel()
    for name in ("values", "numerator", "denominator"):
        moved = getattr(base, name).copy()
        moved[3, 7] += 1e-9
        yield f"a figure of {name}", dataclasses.replace(base, **{name: moved}), {}
    gone = base.values.copy()
    gone[5, 5] = np.nan
    yield "a figure that went", dataclasses.replace(base, values=gone), {}
    yield "a unit's code", dataclasses.replace(base, units=("khác", *base.units[1:])), {}
    yield (
        "periods",
        dataclasses.replace(base, periods=tuple(f"{int(one[:4]) + 1}{one[4:]}" for one in base.periods)),
        {},
    )
    yield "no denominators", dataclasses.replace(base, denominator=None), {}
    yield "kind", dataclasses.replace(base, kind="level"), {}
    yield "cumulative", dataclasses.replace(base, cumulative=True), {}
    yield "season", dataclasses.replace(base, season_length=1), {}
    yield "resolution", dataclasses.replace(base, resolution=0.01), {}
    yield "first", dataclasses.replace(base, first=base.values), {}
    yield "horizon", base, {"horizon": 7}
    yield "seed", base, {"options": Options(seed=4)}
    yield "season option", base, {"options": Options(seed=3, season=False)}


@pytest.mark.parametrize(("changed", "asked"), [one[1:] for one in changes()], ids=[one[0] for one in changes()])
def test_a_change_of_anything_makes_it_again(changed, asked):
    usual = {"horizon": 6, "options": Options(seed=3)}
    assert kept.key_of(changed, **usual | asked) != kept.key_of(panel(), **usual)
    assert kept.key_of(panel(), **usual) == kept.key_of(panel(), **usual)


def test_every_field_of_a_panel_is_among_the_changes():
    told = {field.name for field in dataclasses.fields(Panel)}
    seen = {
        name
        for _what, changed, _asked in changes()
        for name in told
        if pickle.dumps(getattr(changed, name)) != pickle.dumps(getattr(panel(), name))
    }
    assert seen == told


@pytest.mark.parametrize("what", ["code", "versions"])
def test_other_code_or_versions_make_it_again(monkeypatch, what):
    usual = {"horizon": 6, "options": Options()}
    before = kept.key_of(panel(), **usual)
    monkeypatch.setattr(kept.keys, "code_hash" if what == "code" else "environment", lambda: {"numpy": "0"})
    assert kept.key_of(panel(), **usual) != before


@pytest.mark.parametrize("damage", ["cut", "bit", "text", "gone", "foreign"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    asked = {"horizon": 4, "options": Options()}
    made = Forecasts(tmp_path)(panel(), **asked)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "bit":
        at = whole.index(made.mean.tobytes()) + 8
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    elif damage == "text":
        path.write_text("not an archive")
    elif damage == "foreign":
        np.savez(path, shape=np.frombuffer(b'{"class": "Path", "fields": {}}', dtype=np.uint8))
    else:
        path.unlink()
    same(Forecasts(tmp_path)(panel(), **asked), made)
    assert path.read_bytes() == whole


def test_what_was_not_asked_for_is_removed(tmp_path):
    Forecasts(tmp_path)(panel(seed=1), horizon=3, options=Options())
    now = Forecasts(tmp_path)
    now(panel(seed=2), horizon=3, options=Options())
    assert len(list(tmp_path.iterdir())) == 2
    now.forget()
    assert {one.name for one in tmp_path.iterdir()} == now.used and len(now.used) == 1
    Forecasts(None).forget()
