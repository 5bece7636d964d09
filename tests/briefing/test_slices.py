"""A unit's page may read its own rows and what it names of others; everything else is refused by name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factory import make_run

from analysis.briefing.view import unit_view, view_of
from analysis.words.errors import DataError


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
        lambda: view.rows("ranks", "002", "X"),
        lambda: view.ancestors("002"),
    ):
        with pytest.raises(DataError, match="which is another unit's"):
            ask()
    assert not hasattr(view, "all_assessed") and not hasattr(view.run, "assessments")
    with pytest.raises(AttributeError):
        view.assessed(view.peers[0])[0].p_attain  # noqa: B018


def test_peers_are_the_nearest_in_ratio_by_sorting_all():
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
            (one for one in codes if one != unit),
            key=lambda one: (max(size[one] / size[unit], size[unit] / size[one]), one),
        )
        assert view.nearest_in_size(unit) == plain[:5]
