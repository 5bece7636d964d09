"""What goes with the pages, made beside them and from what stands, is what would be made afresh."""

import json
import shutil
import zipfile

import pandas as pd
import pytest
from benchmarks.country import write_country

from analysis import pipeline, records
from analysis.publishing.downloads import write_downloads
from analysis.publishing.downloads.files import files_below, write_zip


@pytest.fixture(scope="module")
def corrected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("country")
    path = write_country(folder, communes=6, provinces=2, indicators=2)
    params = json.loads(path.read_text(encoding="utf-8"))
    params["publish"] |= {"forecast": False, "data_quality": True, "unit": False, "downloads": True}
    path.write_text(json.dumps(params), encoding="utf-8")
    pipeline.run(path, jobs=2)
    shutil.copytree(folder / "outputs/country", folder / "alone/country")
    rows = pd.read_parquet(folder / "data/observations.parquet")
    at = (rows["unit"] == "00003") & (rows["indicator"] == "rate1") & (rows["period"] == "2026-08")
    rows.loc[at, "numerator"] = (0.8 * rows.loc[at, "numerator"]).astype("int64")
    rows.to_parquet(folder / "data/observations.parquet", index=False)
    pipeline.run(path, jobs=2, correct=True)
    pipeline.run(path, jobs=1, correct=True, out_dir=folder / "alone/country")
    return folder


def contents(folder):
    hidden = {one.relative_to(folder).as_posix(): one for one in folder.rglob(".*") if one.is_file()}
    assert not [one for one in hidden if "early" in one or one.endswith(".part")]
    return {name: path.read_bytes() for name, path in files_below(folder).items()}


@pytest.mark.slow
def test_the_zip_of_a_corrected_run_is_the_zip_made_afresh(corrected, tmp_path):
    run_dir = corrected / "outputs/country"
    members = {f"site/{name}": path for name, path in files_below(run_dir / "site", leave_out=(".zip",)).items()}
    members |= {f"tables/{name}": path for name, path in files_below(run_dir / "tables").items()}
    members |= {name: run_dir / name for name in ("params.yml", "manifest.json")}
    fresh = write_zip(tmp_path / "fresh.zip", members)
    assert (run_dir / "country.zip").read_bytes() == fresh.read_bytes()
    assert "site/downloads/country.xlsx" in zipfile.ZipFile(fresh).namelist()


@pytest.mark.slow
def test_files_of_a_corrected_run_are_those_made_afresh(corrected, tmp_path):
    run_dir = corrected / "outputs/country"
    made = write_downloads(records.load_run(run_dir), out_dir=tmp_path / "afresh", language="vi")
    assert contents(tmp_path / "afresh") == contents(run_dir / "site/downloads") and len(made) > 20


@pytest.mark.slow
def test_one_process_makes_the_same_bytes(corrected):
    one, other = (contents(corrected / folder / "country") for folder in ("alone", "outputs"))
    left_out = {"pages.jsonl", "made.json"}
    assert {name for name in one if one[name] != other.get(name)} <= left_out and set(one) == set(other)
