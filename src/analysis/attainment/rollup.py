"""A parent's probability never stands alone: how many sub-units are on track, and where the worst tenth stands."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment.compare import at_least
from analysis.attainment.world import World
from analysis.words.schema import ON_TRACK

WORST = 0.1


def add_sub_units(frame: pd.DataFrame, world: World) -> None:
    """Fill n_sub_units, n_sub_on_track and worst_decile of every unit that has direct sub-units under the same target.

    ``worst_decile`` is the current value that the worst tenth of the sub-units do not pass: the 10 % quantile for "at
    least", the 90 % quantile for "at most". A sub-unit that is not assessable counts as a sub-unit, not as on track.
    """
    frame["n_sub_units"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    frame["n_sub_on_track"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    frame["worst_decile"] = np.nan
    if not len(world.units):
        return
    parent = dict(zip(world.units["unit"], world.units["parent"]))
    parts = frame.assign(parent=frame["unit"].map(parent).fillna(""), good=frame["status"].isin(ON_TRACK))
    parts = parts[parts["parent"] != ""]
    if not len(parts):
        return
    up = parts["operator"].map({one: at_least(one) for one in parts["operator"].unique()})
    parts = parts.assign(worse=np.where(up, parts["current"], -parts["current"]))
    groups = parts.groupby(["parent", "target"])
    table = pd.DataFrame(
        {
            "n": groups.size(),
            "good": groups["good"].sum(),
            "worst": groups["worse"].quantile(WORST),
            "up": groups["operator"].first().map(at_least),
        }
    )
    table = table.reindex(pd.MultiIndex.from_frame(frame[["unit", "target"]]))
    has = table["n"].notna().to_numpy()
    frame.loc[has, "n_sub_units"] = table["n"].to_numpy()[has].astype(int)
    frame.loc[has, "n_sub_on_track"] = table["good"].to_numpy()[has].astype(int)
    worst = np.where(table["up"].eq(True), table["worst"], -table["worst"])
    frame.loc[has, "worst_decile"] = worst[has]
