"""Tables come back as they were written; same rows, same bytes; never half a file."""

import numpy as np
import pandas as pd
import pytest

from analysis.records import store
from analysis.words import files, schema
from analysis.words.errors import DataError


def run_tables():
    observations = pd.DataFrame(
        {"unit": ["007", "010"], "indicator": "online", "period": "2026-09", "vintage": "", "value": [0.5, np.nan]}
    )
    tables = {name: schema.TABLES[name].empty() for name in store.RUN_TABLES}
    return tables | {"observations": schema.as_table(observations, schema.OBSERVATIONS)}


def finish(tables, run_dir, run_id="demo"):
    paths = store.write_run(tables, run_dir)
    made = store.build_manifest(
        run_id=run_id, params={"seed": 1}, cutoff="2026-09", hashes={}, sources=[], tables=paths
    )
    files.write_file(run_dir / "manifest.json", files.json_text(made))
    return paths


def test_a_run_comes_back_as_it_was_written(tmp_path):
    tables = run_tables()
    finish(tables, tmp_path)
    run = store.load_run(tmp_path)
    assert run.run_id == "demo" and run.previous is None
    for name in store.RUN_TABLES:
        pd.testing.assert_frame_equal(getattr(run, name), tables[name], obj=name)
    assert run.observations["unit"].tolist() == ["007", "010"]


def test_the_same_tables_are_the_same_bytes(tmp_path):
    first = finish(run_tables(), tmp_path / "a")
    second = finish(run_tables(), tmp_path / "b")
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()


def test_previous_and_extra_tables_have_their_place(tmp_path):
    tables = run_tables()
    row = {"unit": "007", "target": "T", "cutoff": "2026-06", "p_attain": 0.7, "horizon": 6}
    before = schema.as_table(pd.DataFrame([row]), schema.ASSESSMENTS)
    finish(tables | {"previous_assessments": before, "extra_ranks": pd.DataFrame({"unit": ["007"]})}, tmp_path)
    run = store.load_run(tmp_path)
    pd.testing.assert_frame_equal(run.previous.assessments, before)
    assert run.extra["ranks"]["unit"].tolist() == ["007"]


def test_a_foreign_table_stops_the_reading_and_is_named(tmp_path):
    finish(run_tables(), tmp_path)
    store.write_table(pd.DataFrame({"unit": ["007"]}), tmp_path / "tables/extra_ranks.parquet")
    store._load_run.cache_clear()
    with pytest.raises(DataError, match=r"extra_ranks\.parquet: the table is not one of this run"):
        store.load_run(tmp_path)


def test_a_probability_changed_by_hand_stops_the_reading_and_the_table_is_named(tmp_path):
    row = {"unit": "007", "target": "T", "cutoff": "2026-06", "p_attain": 0.579, "horizon": 6}
    assessed = schema.as_table(pd.DataFrame([row]), schema.ASSESSMENTS)
    paths = finish(run_tables() | {"assessments": assessed}, tmp_path)
    store.write_table(assessed.assign(p_attain=0.999), paths["assessments"])
    paths["scorecard"].unlink()
    store._load_run.cache_clear()
    with pytest.raises(DataError) as caught:
        store.load_run(tmp_path)
    assert [problem.found for problem in caught.value.problems] == [
        "the table was altered after the run",
        "the table is missing",
    ]
    assert "assessments.parquet" in str(caught.value) and "run again" in str(caught.value)


def test_one_stored_table_is_read_alone_and_refused_when_altered(tmp_path):
    tables = run_tables()
    paths = finish(tables, tmp_path)
    paths["forecasts"].unlink()  # the others are not looked at
    pd.testing.assert_frame_equal(store.read_stored(tmp_path, "observations"), tables["observations"])
    store.write_table(tables["observations"].assign(value=0.1), paths["observations"])
    with pytest.raises(DataError, match=r"observations\.parquet: the table was altered after the run"):
        store.read_stored(tmp_path, "observations")


def test_a_folder_without_a_run_is_named_with_the_remedy(tmp_path):
    with pytest.raises(DataError, match="no finished run in it.*Run `candich run params/demo.yml` first"):
        store.load_run(tmp_path / "none")


def test_a_broken_parquet_file_is_named(tmp_path):
    paths = finish(run_tables(), tmp_path)
    paths["observations"].write_bytes(b"PAR1 broken")
    with pytest.raises(DataError, match=r"observations\.parquet: it cannot be read"):
        store.read_table(paths["observations"])


def test_a_failed_write_leaves_the_whole_old_file(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    files.write_file(path, b"whole")

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left.*page.html"):
        files.write_file(path, b"new")
    assert path.read_bytes() == b"whole"
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(DataError, match="'scorecard'"):
        store.write_run({name: frame for name, frame in run_tables().items() if name != "scorecard"}, tmp_path)


def test_a_tree_hash_sees_names_and_bytes(tmp_path):
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "b.txt").write_text("2")
    paths = [tmp_path / "b.txt", tmp_path / "a.txt"]
    before = files.tree_sha256(paths, root=tmp_path)
    assert before == files.tree_sha256(reversed(paths), root=tmp_path)
    (tmp_path / "b.txt").write_text("3")
    assert files.tree_sha256(paths, root=tmp_path) != before


def test_a_broken_manifest_is_named(tmp_path):
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="a run's manifest"):
        store.read_manifest(tmp_path / "manifest.json")
