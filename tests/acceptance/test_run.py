"""The main job on real series, from the raw file to the published site, by the command a user types."""

import base64
import hashlib
import json
import re
import subprocess
import sys

import pytest

from acceptance.data import ROOT, data_dir
from analysis.records import load_run

pytestmark = [pytest.mark.acceptance, pytest.mark.slow]


def run(name, *, file, out, units=""):
    command = [sys.executable, "-m", "analysis", "run", f"params/{name}.yml", "--data", str(data_dir(file))]
    command += ["--out", str(out), *(["--units", units] if units else [])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out / "site" / "index.html")
    return load_run(out)


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "mynumber"
    return run("mynumber", file="mynumber/cards_issued.csv", out=out), out


def test_every_unit_and_the_overview_are_published(cards):
    _, out = cards
    pages = sorted((out / "site" / "units").glob("*.html"))
    assert len(pages) == 1789 == 1741 + 47 + 1
    assert (out / "site" / "overview.html").is_file()
    entries = json.loads((out / "current/pages.json").read_text(encoding="utf-8"))
    assert {one["status"] for one in entries} == {"published"}
    for page in pages[::200]:
        text = page.read_text(encoding="utf-8")
        assert text.rstrip().endswith("</html>") and 'lang="en"' in text
        assert not re.search(r'(?:src|href)="https?://', text)
        script = re.findall(r"<script[^>]*>(.*?)</script>", text, flags=re.S)  # none but the one the policy names
        hashed = ["sha256-" + base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in script]
        assert len(hashed) <= 1 and all(one in text[: text.index("<body")] for one in hashed)


def test_upper_levels_are_sums_of_counts_and_codes_keep_their_zeros(cards):
    tables, _ = cards
    then = tables.observations[tables.observations["period"] == "2022-02"].set_index("unit")
    leaves = tables.units.loc[tables.units["level"] == "municipality", "unit"]
    assert then.loc["JP", "numerator"] == then.loc[leaves, "numerator"].sum()
    assert then.loc["JP", "denominator"] == then.loc[leaves, "denominator"].sum()
    assert then.loc["JP", "value"] == pytest.approx(then.loc["JP", "numerator"] / then.loc["JP", "denominator"])
    assert "011002" in set(leaves)


def test_every_unit_and_target_has_an_answer(cards):
    tables, _ = cards
    assessed = tables.assessments
    assert len(assessed) == 1789 * 2 and assessed["status"].ne("").all()
    known = assessed[assessed["status"] != "not_assessable"]
    assert len(known) > 3500 and known["p_attain"].between(0, 1).all()
    wide = known.pivot(index="unit", columns="target", values="p_attain").dropna()
    assert (wide["CARDS-40"] >= wide["CARDS-50"]).all()  # the easier promise is never the less likely


def test_the_traps_of_the_file_are_reported(cards):
    flags = set(cards[0].quality["flag"])
    assert {"missing_period", "mended_code"} <= flags
    assert flags & {"falling_cumulative", "falling_share"}


def test_the_seasonal_panel_runs_through_the_same_command(tmp_path):
    out = tmp_path / "nhs"
    tables = run("nhs", file="nhs_ae/attendances_within_4h.csv", out=out, units="AAH,AC008")
    assert tables.units["level"].value_counts().max() == 274
    assert tables.assessments["p_attain"].notna().sum() > 200
    assert len(list((out / "site" / "units").glob("*.html"))) == 2
