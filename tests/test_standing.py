"""A run again: what stands is left alone, what its inputs reach is made again, and nothing stale survives.

Real runs of a made-up country of 12 units through the command a user types.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from benchmarks.country import write_country

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def candich(*arguments, code=0, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "analysis", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def write(folder):
    params = write_country(folder, communes=8, provinces=3, indicators=2)
    (folder / "notebooks").unlink()
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb*"))
    return params


def files(run_dir):
    """Every file of a run that a reader sees, and what it holds."""
    skipped = (".kept", ".lock", "made.json", "pages.jsonl")
    paths = [path for path in sorted(run_dir.rglob("*")) if path.is_file()]
    names = {path.relative_to(run_dir).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(skipped)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("country")
    params = write(folder)
    candich("run", params)
    return folder


@pytest.fixture
def country(finished, tmp_path):
    """A finished run of our own."""
    shutil.copytree(finished, tmp_path / "c", symlinks=True)
    return tmp_path / "c"


def run(country, *arguments, **options):
    return candich("run", country / "params/country.yml", *arguments, **options)


def correct(country, *, unit="00003", indicator="rate1", period="2026-08"):
    """One figure of one unit, corrected at the source."""
    path = country / "data/observations.parquet"
    frame = pd.read_parquet(path)
    row = (frame["unit"] == unit) & (frame["indicator"] == indicator) & (frame["period"] == period)
    frame.loc[row, "numerator"] -= 25
    assert row.sum() == 1 and frame.loc[row, "numerator"].item() > 0
    frame.to_parquet(path, index=False)


def test_with_nothing_changed_nothing_is_made_nor_loaded(country):
    run_dir = country / "outputs/country"
    stamps = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*") if path.is_file() and path.name != ".lock"}
    done = run(country)
    assert "0 published, 14 unchanged, 0 failed" in done.stderr and "Forecasting" not in done.stderr
    assert done.stdout.strip() == str(run_dir / "site/index.html")
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
    script = (
        "import sys; from analysis import standing; assert standing.unchanged(sys.argv[1]) is not None;"
        "print([one for one in ('analysis.quarters', 'statsmodels', 'matplotlib', 'papermill') if one in sys.modules])"
    )
    from analysis.publishing.environment import pinned_environment

    environment = {**os.environ, **pinned_environment()}
    command = [sys.executable, "-c", script, str(country / "params/country.yml")]
    assert subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout.strip() == "[]"


def damage(run_dir, what):
    if what == "corrupt table":
        path = run_dir / "tables/forecasts.parquet"
        path.write_bytes(path.read_bytes()[:-100])
    elif what == "foreign table":
        shutil.copy(run_dir / "tables/units.parquet", run_dir / "tables/extra_scenarios.parquet")
    elif what == "lost page":
        (run_dir / "site/units/00003.html").unlink()
    elif what == "touched page":
        path = run_dir / "site/overview.html"
        path.write_bytes(path.read_bytes().replace(b"</html>", b" </html>"))
    elif what == "lost notebook":
        (run_dir / "notebooks/units/00003.ipynb").unlink()
    elif what == "lost index":
        (run_dir / "site/index.html").unlink()
    elif what == "torn manifest":
        (run_dir / "manifest.json").write_bytes((run_dir / "manifest.json").read_bytes()[:-30])
    elif what == "lost notes":
        (run_dir / "made.json").write_text("[]")
    elif what == "corrupt piece and table":
        for path in [*(run_dir / ".kept").glob("*/forecasts.parquet"), run_dir / "tables/forecasts.parquet"]:
            path.write_bytes(b"PAR1" + path.read_bytes()[4:-50])


@pytest.mark.parametrize(
    ("what", "n_made"),
    [
        ("corrupt table", 0),
        ("foreign table", 0),
        ("lost page", 1),
        ("touched page", 1),
        ("lost notebook", 1),
        ("lost index", 0),
        ("lost notes", 0),
        ("corrupt piece and table", 0),
    ],
)
def test_what_is_lost_or_damaged_is_made_again_and_nothing_else(country, finished, what, n_made):
    run_dir = country / "outputs/country"
    damage(run_dir, what)
    done = run(country)
    assert f"{n_made} published, {14 - n_made} unchanged, 0 failed" in done.stderr
    assert files(run_dir) == files(finished / "outputs/country")
    assert "0 published, 14 unchanged" in run(country).stderr


def test_a_manifest_that_is_torn_is_told_not_overwritten(country):
    damage(country / "outputs/country", "torn manifest")
    done = run(country, code=2)
    assert "manifest.json" in done.stderr and "Move it away" in done.stderr


def test_a_corrected_figure_makes_again_what_it_reaches_and_nothing_more(country, tmp_path):
    """The same bytes as a run from nothing; pages that would be the same were not made."""
    run_dir, before = country / "outputs/country", files(country / "outputs/country")
    pieces = {path.name for path in (run_dir / ".kept").iterdir()}
    correct(country)
    done = run(country)
    after = files(run_dir)
    kept = {path.name for path in (run_dir / ".kept").iterdir()} & pieces
    assert len(pieces - kept) == 2  # today and the backtest of one indicator: earlier quarters did not know the figure
    fresh = tmp_path / "fresh"
    shutil.copytree(country, fresh, symlinks=True, ignore=shutil.ignore_patterns("outputs"))
    candich("run", fresh / "params/country.yml", "--jobs", 1)
    assert after == files(fresh / "outputs/country")
    assert before["site/units/00003.html"] != after["site/units/00003.html"]
    moved = {name for name in after if name.startswith("site/units/") and before[name] != after[name]}
    assert "12 units" not in done.stderr and f"{len(moved) + 2} published" in done.stderr


def test_a_unit_that_is_renamed_is_renamed_on_every_page_that_names_it(country):
    run_dir = country / "outputs/country"
    path = country / "data/units.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Xã số 3,", "Xã Ba,"), encoding="utf-8")
    before = files(run_dir)
    run(country)
    after = files(run_dir)
    moved = {name for name in after if name.startswith("site/units/") and before[name] != after[name]}
    named = {name for name in after if name.startswith("site/units/") and "Xã Ba" in after[name].decode()}
    assert named and named <= moved


def change(country, what):
    def edit(name, old, new):
        path = country / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    if what == "raw file":
        correct(country)
    elif what == "params":
        edit("params/country.yml", '"n_paths": 1000', '"n_paths": 1001')
    elif what == "targets":
        edit("params/targets/country.yml", "0.8", "0.7")
    elif what == "source":
        edit("params/sources/country.yml", "2026-10-10", "2026-10-11")
    elif what == "indicators":
        edit("data/indicators.yml", "Rate 1", "Rate one")
    elif what == "units":
        edit("data/units.csv", "Commune 3", "Commune Three")
    elif what == "notebook":
        edit("notebooks/unit_briefing.ipynb", "Our last forecast", "Our own last forecast")
    elif what == "lock file":
        (country / "requirements.lock").write_text("numpy==9\n")
    elif what == "an earlier run":
        other = country / "outputs/country-2026-Q2"
        (other / "tables").mkdir(parents=True)
        (other / "manifest.json").write_text(json.dumps({"run_id": "country", "cutoff": "2026-06"}))
        said = country / "outputs/country/tables/previous_assessments.parquet"
        shutil.copy(said, other / "tables/assessments.parquet")


@pytest.mark.parametrize(
    "what",
    ["raw file", "params", "targets", "source", "indicators", "units", "notebook", "lock file", "an earlier run"],
)
def test_every_input_is_in_the_recipe(country, what):
    from analysis import standing

    path = country / "params/country.yml"

    def recipe():
        params = standing.read_params(path)
        options = {"root": country, "run_dir": country / "outputs/country", "data_dir": None}
        return standing.recipe(params, params_path=path, **options)

    before = recipe()
    assert before and before == recipe()
    change(country, what)
    assert recipe() not in {"", before}


def test_code_versions_and_language_are_in_the_recipe(country, monkeypatch):
    from analysis import standing

    path, seen, hashes = country / "params/country.yml", set(), standing.folders.hashes
    options = {"params_path": path, "root": country, "run_dir": country / "outputs/country", "data_dir": None}
    for at, change in enumerate(("nothing", "code", "versions", "language")):
        if change == "code":
            monkeypatch.setattr(standing.folders, "hashes", lambda *a, **k: {**hashes(*a, **k), "code": "other"})
        elif change == "versions":
            monkeypatch.setattr(standing.keys, "environment", lambda: {"numpy": "9"})
        params = standing.read_params(path, language="en" if change == "language" else None)
        seen.add(standing.recipe(params, **options))
        assert len(seen) == at + 1


def test_a_database_is_asked_again(country):
    from analysis import standing

    path = country / "params/sources/country.yml"
    source = json.loads(path.read_text(encoding="utf-8")) | {"format": "sql", "path": "sqlite:///x.db", "query": "q"}
    path.write_text(json.dumps(source), encoding="utf-8")
    params = standing.read_params(country / "params/country.yml")
    options = {"params_path": country / "params/country.yml", "root": country, "run_dir": country, "data_dir": None}
    assert standing.recipe(params, **options) == ""


def test_force_makes_everything_again(country, finished):
    done = run(country, "--force")
    assert "14 published, 0 unchanged" in done.stderr and "Forecasting" in done.stderr
    assert files(country / "outputs/country") == files(finished / "outputs/country")
