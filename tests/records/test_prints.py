"""Two tables have the same hash where they hold the same cells, and no other does."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from analysis.records.prints import Figures, add_frame

TABLE = pd.DataFrame(
    {
        "unit": ["a", "a", "b", "b"],
        "indicator": ["x", "y", "x", "x"],
        "period": ["2026-01", "2026-01", "2026-01", "2026-02"],
        "value": [0.1, 0.2, np.nan, 0.4],
        "flags": ["", "break", "", ""],
    }
)


def print_of(table, indicators=("x", "y"), until=""):
    digest = hashlib.sha256()
    Figures(table).add(digest, indicators=indicators, until=until)
    return digest.hexdigest()


def whole(frame):
    digest = hashlib.sha256()
    add_frame(digest, frame)
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("row", "name", "cell"), [(0, "value", 0.1000001), (1, "flags", ""), (2, "unit", "c"), (2, "value", 0.0)]
)
def test_any_cell_that_changes_changes_the_hash(row, name, cell):
    changed = TABLE.copy()
    changed.loc[row, name] = cell
    assert print_of(changed) != print_of(TABLE) and whole(changed) != whole(TABLE)
    assert print_of(TABLE.copy()) == print_of(TABLE) and whole(TABLE.copy()) == whole(TABLE)


def test_figures_that_come_later_do_not_change_the_hash_of_earlier_ones():
    later = pd.DataFrame({"unit": ["0", "c"], "indicator": "x", "period": "2026-03", "value": 1.0, "flags": "new"})
    longer = pd.concat([later.iloc[:1], TABLE, later.iloc[1:]], ignore_index=True)
    assert print_of(longer, until="2026-02") == print_of(TABLE, until="2026-02") == print_of(TABLE)
    assert print_of(longer) != print_of(TABLE)
    assert print_of(longer, until="2026-01") == print_of(TABLE, until="2026-01") != print_of(TABLE)


def test_only_the_indicators_asked_for_count():
    other = TABLE.copy()
    other.loc[1, "value"] = 0.9
    assert print_of(other, indicators=["x"]) == print_of(TABLE, indicators=["x"])
    assert print_of(other, indicators=["y"]) != print_of(TABLE, indicators=["y"])


def test_rows_that_change_places_change_the_hash():
    assert whole(TABLE.iloc[::-1]) != whole(TABLE)
    assert whole(None) != whole(TABLE.iloc[:0])
