"""A unit's page may read its slice and no more; whatever it can show is in the slice's digest."""

import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factory import make_run

from analysis.briefing import unit_digests, unit_page
from analysis.briefing.slices import unit_view
from analysis.briefing.view import nearest_in_size, view_of
from analysis.words.errors import DataError

SECTIONS = "title answer targets trajectories peers last_forecast data_notes method provenance end".split()
TABLES = "units indicators targets observations forecasts assessments quality evidence scorecard".split()


def page_of(run, unit, language="vi"):
    try:
        page = unit_page(run, unit=unit, language=language)
        return "".join(str(getattr(page, one)()._repr_mimebundle_()) for one in SECTIONS)
    except Exception as error:  # a word no registry would let in ("Mx" for monthly): not made, so not stale either
        assert "slices.py" not in str(error)
        return repr(error)


def changed(frame, row, column):
    """The table with one cell changed to another value of its type, keys left alone."""
    frame = frame.copy()
    value = frame[column].iloc[row]
    if isinstance(value, bool | np.bool_):
        other = not value
    elif isinstance(value, str):
        other = value + "x" if value else "x"
    elif pd.isna(value):
        other = 7
    else:
        other = value * 1.25 + 1
    frame[column] = frame[column].astype(object)
    frame.iloc[row, frame.columns.get_loc(column)] = other
    return frame.astype({column: frame[column].infer_objects().dtype})


def cells(run, n_cells):
    """Some cells of every table, of the quarter before and of the extra tables too."""
    of = random.Random(20261125)
    keys = {"unit", "target", "indicator", "cutoff", "period", "horizon", "quantile_level", "scenario"}
    for name in TABLES:
        frame = getattr(run, name)
        free = [one for one in frame.columns if one not in keys or name in ("units",) and one != "unit"]
        for _ in range(n_cells if len(frame) else 0):
            row, column = of.randrange(len(frame)), of.choice(free)
            yield f"{name} {row} {column}", replace(run, **{name: changed(frame, row, column)})
    for name, frame in run.extra.items():
        free = [one for one in frame.columns if one not in keys]
        for _ in range(10 if len(frame) else 0):
            row, column = of.randrange(len(frame)), of.choice(free)
            yield f"{name} {row} {column}", replace(run, extra={**run.extra, name: changed(frame, row, column)})
    frame = run.previous.forecasts
    for row in of.sample(range(len(frame)), n_cells):
        before = replace(run.previous, forecasts=changed(frame, row, "predicted"))
        yield f"previous forecasts {row}", replace(run, previous=before)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "n_cells"), [("vi", 20), ("en", 5)])
def test_a_stale_page_cannot_survive(run, language, n_cells):
    """Change any cell: where a page would look different its digest does, and other units' pages keep theirs."""
    units = ["64", "001", "002", "64-D1"]
    before = unit_digests(run, units=units, language=language)
    pages = {unit: page_of(run, unit, language) for unit in units}
    assert all("<h1" in one for one in pages.values())
    kept = rebuilt = 0
    for what, other in cells(run, n_cells):
        after = unit_digests(other, units=units, language=language)
        for unit in units:
            if page_of(other, unit, language) != pages[unit]:
                assert after[unit] != before[unit], (what, unit)
                rebuilt += 1
            kept += after[unit] == before[unit]
    assert rebuilt > n_cells and kept > 10 * n_cells  # the test means something in both directions


@pytest.mark.parametrize("unit", ["001", "64"])
def test_params_names_and_hashes_of_the_run_are_in_the_digest(run, unit):
    seen = {unit_digests(run, units=[unit], language="vi")[unit]}
    hashes = {**run.manifest["hashes"], "code": "0" * 64}
    params = [{**run.params, one: value} for one, value in (("title_vi", "T"), ("hysteresis_margin", 0.07))]
    others = [replace(run, params=one) for one in params]
    others += [replace(run, run_id="other"), replace(run, manifest={**run.manifest, "hashes": hashes})]
    others += [replace(run, previous=None)]
    for other in others:
        digest = unit_digests(other, units=[unit], language="vi")[unit]
        assert digest not in seen
        seen.add(digest)
    assert unit_digests(run, units=[unit], language="en")[unit] not in seen


def test_what_no_page_shows_is_in_no_digest(run):
    units = ["001", "64"]
    before = unit_digests(run, units=units, language="vi")
    sources = [{**one, "sha256": "f" * 64, "rows": 1} for one in run.manifest["sources"]]
    params = {**run.params, "max_failed_share": 0.5, "publish": {}}
    far = run.observations.index[run.observations["unit"] == "004"][0]
    observations = run.observations.copy()
    observations.loc[far, "value"] = 0.123
    other = replace(run, manifest={**run.manifest, "sources": sources}, params=params, observations=observations)
    assert unit_digests(other, units=units, language="vi") == before


def test_another_units_rows_are_refused_by_name(run):
    view = unit_view(run, unit="001", language="vi")
    stranger = next(one for one in run.units["unit"] if one not in view.units)
    for ask in (
        lambda: view.unit(stranger),
        lambda: view.name(stranger),
        lambda: view.assessed(stranger),
        lambda: view.history("002", "online"),
        lambda: view.fan("002", "online"),
        lambda: view.fan_before("002", "online"),
        lambda: view.rows("quality", "002"),
        lambda: view.extra_rows("ranks", "002", "X"),
        lambda: view.extra_rows("rollup", "001", "X"),
        lambda: view.ancestors("002"),
    ):
        with pytest.raises(DataError, match="slices.py"):
            ask()
    assert not hasattr(view, "all_assessed") and not hasattr(view.run, "assessments")
    with pytest.raises(AttributeError):
        view.assessed(view.peers[0])[0].p_attain  # noqa: B018


def test_peers_by_bisection_are_the_peers_by_sorting_all():
    of = np.random.default_rng(4)
    sizes = np.r_[of.integers(1, 40, 60), of.lognormal(6, 2, 60)]  # many ties
    codes = [f"u{at:03d}" for at in of.permutation(len(sizes))]
    run = make_run()
    units = pd.DataFrame({**{one: "" for one in run.units.columns}, "unit": codes, "level": "commune"})
    rows = pd.concat([run.assessments.iloc[[0]]] * len(codes), ignore_index=True)
    rows = rows.assign(unit=codes, current_denominator=sizes).sort_values("unit", ignore_index=True)
    view = view_of(replace(run, units=units.sort_values("unit", ignore_index=True), assessments=rows), "vi")
    size = dict(zip(codes, sizes.tolist()))
    for unit in codes:
        plain = sorted(
            (one for one in codes if one != unit), key=lambda one: (abs(np.log(size[one] / size[unit])), one)
        )
        assert nearest_in_size(view, unit) == plain[:5]
