"""The two commands' main job on the shipped demonstration data, run whole and by the command a user types."""

import json
import os
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pytest

from analysis.records import load_run

ROOT = Path(__file__).parents[1]
BANNER = "Dữ liệu mô phỏng"
pytestmark = pytest.mark.slow


def candich(*arguments, cwd=ROOT, **environment):
    env = {**os.environ, **environment}
    for name in ("TZ", "LC_ALL", "PYTHONHASHSEED"):  # what a machine may have set otherwise
        if name not in environment:
            env.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-m", "analysis", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=env,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def demo(demo_run):
    return demo_run


def test_every_unit_is_briefed_and_every_page_says_it_is_simulated(demo):
    units = sorted((demo / "site/units").glob("*.html"))
    assert len(units) == 156 == 1 + 20 + 135
    pages = [*units, *(demo / "site").glob("*.html")]
    assert {"index", "overview", "forecast", "registry", "quality", "scorecard"} == {
        path.stem for path in pages if path not in units
    }
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert BANNER in text and '<html lang="vi"' in text and text.rstrip().endswith("</html>"), path.name
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text), path.name
        assert all("scope=" in one for one in re.findall(r"<th\b[^>]*>", text)), path.name


@lru_cache(maxsize=256)
def ids_of(path):
    return set(re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8")))


def test_every_link_of_every_page_leads_somewhere(demo):
    site = demo / "site"
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for link in set(re.findall(r'href="([^"]+)"', text)):
            target, _, anchor = link.partition("#")
            goal = (path.parent / target).resolve() if target else path
            assert goal.exists(), (path.name, link)
            assert not anchor or anchor in ids_of(goal), (path.name, link)


def test_all_eight_statuses_occur_and_p_is_bounded_unless_settled(demo):
    assessed = load_run(demo).assessments
    assert set(assessed["status"]) == {
        *("met", "holding", "on_track", "likely", "at_risk", "unlikely", "missed", "not_assessable")
    }
    open_ = assessed[~assessed["settled"] & assessed["p_attain"].notna()]
    assert open_["p_attain"].between(0.01, 0.99).all()
    assert assessed.loc[assessed["settled"], "p_attain"].isin([0, 1]).all()


def test_the_run_scores_its_own_past(demo):
    run = load_run(demo)
    assert len(run.scorecard) > 100 and run.scorecard["outcome"].isin([0, 1]).all()
    ours = run.evidence[(run.evidence["model"] == "ensemble") & (run.evidence["slice_kind"] == "overall")]
    assert len(ours) and ours["brier"].between(0, 1).all()
    assert run.previous is not None and set(run.previous.assessments["cutoff"]) == {"2026-06"}


def test_running_again_keeps_every_page(demo):
    before = {path: path.stat().st_mtime_ns for path in (demo / "runs").rglob("*")}
    done = candich("run", "params/demo.yml", "--out", demo)
    assert "0 published, 161 unchanged, 0 failed" in done.stderr and "Reading" not in done.stderr
    assert before == {path: path.stat().st_mtime_ns for path in (demo / "runs").rglob("*")}


def test_the_same_inputs_give_the_same_bytes_elsewhere(demo, tmp_path):
    """Another folder, another working directory, one process, another hash seed, zone and locale."""
    out = tmp_path / "elsewhere"
    arguments = ("run", ROOT / "params/demo.yml", "--out", out, "--jobs", 1, "--units", "099,099001")
    candich(*arguments, cwd=tmp_path, PYTHONHASHSEED="7", TZ="Asia/Ho_Chi_Minh", LC_ALL="C")
    for path in sorted((out / "current/tables").glob("*.parquet")):
        assert path.read_bytes() == (demo / "current/tables" / path.name).read_bytes(), path.name
    manifests = [json.loads((run / "current/manifest.json").read_text(encoding="utf-8")) for run in (out, demo)]
    assert manifests[0]["hashes"].pop("published") != manifests[1]["hashes"].pop("published")  # some units, all units
    assert manifests[0] == manifests[1]
    pages = sorted(path.name for path in (out / "site/units").glob("*.html"))
    assert pages == ["099.html", "099001.html"]
    for name in pages:
        one, other = ((folder / "site/units" / name).read_text(encoding="utf-8") for folder in (out, demo))
        assert _body(one) == _body(other), name  # the frame links to the pages that were asked for


def _body(html):
    return html[html.index("<main") : html.index("</main>")]


def test_verify_finds_the_same_bytes(demo):
    done = candich("verify", demo, "--unit", "099001", "--project", ROOT)
    assert "1 identical" in done.stdout


def test_a_scheduled_run_names_its_quarter_and_is_idempotent(demo, tmp_path):
    out = tmp_path / "demo-2026-Q3"
    arguments = ("run", "params/demo.yml", "--period", "2026Q3", "--units", "099001", "--out", out)
    candich(*arguments)
    page = (out / "site/units/099001.html").read_bytes()
    manifest = (out / "current/manifest.json").read_bytes()
    done = candich(*arguments)
    assert "0 published, 1 unchanged, 0 failed" in done.stderr
    assert (out / "site/units/099001.html").read_bytes() == page
    assert (out / "current/manifest.json").read_bytes() == manifest
    quarter, month = (load_run(folder).assessments.drop(columns="cutoff") for folder in (out, demo))
    pd.testing.assert_frame_equal(quarter, month)


def test_the_params_are_copied_and_hashed(demo):
    manifest = json.loads((demo / "current/manifest.json").read_text(encoding="utf-8"))
    assert (demo / "current/params.yml").read_bytes() == (ROOT / "params/demo.yml").read_bytes()
    assert re.fullmatch("[0-9a-f]{64}", manifest["hashes"]["params"])
    assert {one["rows_refused"] for one in manifest["sources"]} != {0}
    text = json.dumps(manifest)
    assert str(ROOT) not in text and str(demo) not in text
