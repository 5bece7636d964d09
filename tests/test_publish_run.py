"""Publishing a run: an entry in the register, its seal on the pages, nothing half done or rewritten unnoticed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.crash_points import write_project

import analysis as cd
from analysis.publishing.forks import can_fork
from analysis.publishing.verify import altered_files
from analysis.records import Register, current_run

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not can_fork(), reason="needs fork")]


def candich(folder, *arguments, code=0):
    command = [sys.executable, "-m", "analysis", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def two_quarters(tmp_path_factory):
    """June published in July, September published in October; everything simulated."""
    folder = tmp_path_factory.mktemp("published")
    write_project(folder)
    for period, day in (("2026-06", "2026-07-05"), ("2026-09", "2026-10-05")):
        candich(folder, "run", "params/country.yml", "--period", period)
        candich(folder, "publish", "outputs/country", "--on", day)
    return folder


@pytest.fixture
def project(two_quarters, tmp_path):
    return Path(shutil.copytree(two_quarters, tmp_path / "project", symlinks=True))


def pages(folder):
    site = current_run(folder / "outputs/country") / "site"
    return {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_a_draft_says_so_on_every_page_and_a_published_run_shows_its_seal(project):
    register = Register(project, "country")
    seals = [entry.seal for entry in register.entries()]
    assert len(seals) == 2 and seals[1] in pages(project)["overview.html"]
    assert not any("Bản thảo" in html for name, html in pages(project).items() if not name.startswith("quarters"))
    text = (project / "params/country.yml").read_text()
    (project / "params/country.yml").write_text(text.replace('"seed": ', '"seed": 1'))
    candich(project, "run", "params/country.yml", "--period", "2026-09")
    shown = {name: html for name, html in pages(project).items() if not name.startswith("quarters")}
    assert shown and all("Bản thảo: đã tính toán, chưa công bố." in html for html in shown.values())
    assert [entry.seal for entry in register.entries()] == seals
    candich(project, "publish", "outputs/country", "--on", "2026-10-09")
    assert [(entry.cutoff, entry.edition) for entry in register.entries()] == [
        ("2026-06", 1), ("2026-09", 1), ("2026-09", 2),
    ]  # fmt: skip


def test_published_runs_stay_and_the_unchanged_command_keeps_the_published_run_current(project):
    before, runs = pages(project), sorted((project / "outputs/country/runs").iterdir())
    candich(project, "run", "params/country.yml", "--period", "2026-09")
    assert pages(project) == before and sorted((project / "outputs/country/runs").iterdir()) == runs
    candich(project, "publish", "outputs/country", "--on", "2026-10-20")
    assert pages(project) == before and len(Register(project, "country").entries()) == 2


def test_a_deleted_run_folder_changes_nothing_of_the_next_quarter(project, tmp_path):
    other = Path(shutil.copytree(project, tmp_path / "other", symlinks=True))
    shutil.rmtree(other / "outputs")
    tables = {}
    for folder in (project, other):
        candich(folder, "run", "params/country.yml", "--period", "2026-12")
        run = cd.load_run(folder / "outputs/country")
        tables[folder] = run.manifest["tables"]
        assert set(run.assessments["previous_status"]) - {""}
    assert tables[project] == tables[other]


def test_a_seal_is_found_and_a_forged_entry_is_named(project):
    seals = [entry.seal for entry in Register(project, "country").entries()]
    assert "2026-06" in candich(project, "verify", "outputs/country", "--seal", seals[0])
    said = candich(project, "verify", "outputs/country", "--seal", "0000-0000-0000-0000", code=2)
    assert "no entry has the seal" in said
    path = project / "data/register/country.jsonl"
    path.write_text(path.read_text().replace("2026-07-05", "2026-07-04"))
    for command in (
        ("verify", "outputs/country", "--seal", seals[1]),
        ("run", "params/country.yml", "--period", "2026-12"),
        ("publish", "outputs/country", "--on", "2026-10-20"),
    ):
        said = candich(project, *command, code=2)
        assert "entry 1 was edited" in said and "line 1" in said


def test_verify_names_a_published_run_that_the_register_does_not_hold_any_more(project):
    for name in ("country.jsonl", "country.pages.jsonl"):
        path = project / "data/register" / name
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:1]))
    said = candich(project, "verify", "outputs/country", code=1)
    assert "data/register/country.jsonl" in said and "no entry has the seal" in said


def test_an_earlier_run_that_is_named_is_not_published_in_place_of_the_current_one(project):
    top = project / "outputs/country"
    june = next(path for path in sorted((top / "runs").iterdir()) if path.name.startswith("2026-06"))
    before = current_run(top)
    said = candich(project, "publish", june, "--on", "2026-10-20", code=2)
    assert "the current run is of 2026-09, later than 2026-06" in said
    assert current_run(top) == before and len(Register(project, "country").entries()) == 2


def test_the_day_may_be_given_for_simulated_runs_only(project):
    path = project / "params/country.yml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"simulated": False}))
    candich(project, "run", "params/country.yml", "--period", "2026-09")
    said = candich(project, "publish", "outputs/country", "--on", "2026-10-05", code=2)
    assert "--on" in said and "simulated" in said
    assert altered_files(current_run(project / "outputs/country")) == []
