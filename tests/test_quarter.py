"""The scheduled command on a small simulated country: once a quarter, refused on incomplete data, never half done."""

import datetime as dt
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tests.crash_points import write_project

import analysis as cd
from analysis.publishing.forks import can_fork
from analysis.records import Register
from analysis.words.errors import DataError, ParamsError, PublishError
from analysis.words.files import locked

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not can_fork(), reason="needs fork")]


def day(text):
    return dt.datetime.fromisoformat(f"{text}T06:00:00+07:00")


OCTOBER = day("2026-10-05")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """September, made by the command on its day, with what it returned."""
    folder = tmp_path_factory.mktemp("quarter")
    write_project(folder)
    return folder, cd.quarter(folder / "params/country.yml", now=OCTOBER)


@pytest.fixture
def project(published, tmp_path):
    return Path(shutil.copytree(published[0], tmp_path / "project", symlinks=True))


@pytest.fixture
def fresh(tmp_path):
    write_project(tmp_path)
    return tmp_path


def quarter(folder, now, **more):
    return cd.quarter(folder / "params/country.yml", now=now, **more)


def figures(folder):
    return pd.read_parquet(folder / "data/observations.parquet")


def write_figures(folder, rows):
    rows.to_parquet(folder / "data/observations.parquet", index=False)


def state(folder):
    """All that readers and the register see, and what is current."""
    top = folder / "outputs/country"
    files = [*top.glob("runs/**/*"), *(folder / "data/register").rglob("*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}, os.readlink(
        top / "current"
    )


def last_summary(folder):
    return max((folder / "outputs/country/operator").glob("*.txt"), key=lambda path: path.stat().st_mtime_ns)


def test_the_quarter_is_made_published_and_summed_up(published):
    folder, done = published
    (entry,) = Register(folder, "country").entries()
    assert (done.period, done.made, done.exit_code) == ("2026-Q3", True, 0)
    assert (entry.cutoff, entry.published_on) == ("2026-09", "2026-10-05")
    text = done.summary.read_text(encoding="utf-8").splitlines()
    assert done.summary.name == "2026-10-05T060000.txt"
    assert text[0].startswith("country 2026-Q3: published, ") and done.run.run_dir.name in text[0]
    assert text[1] == "Do this: Nothing." and text[2] == "Started: 2026-10-05 06:00 +0700"
    events = [json.loads(line) for line in done.summary.with_suffix(".jsonl").read_text().splitlines()]
    assert [one["event"] for one in events][:2] == ["start", "step"] and events[-1]["exit_code"] == 0
    assert {one["step"] for one in events if one["event"] == "step"} == {"read", "forecast", "publish"}


@pytest.mark.parametrize("now", ["2026-10-05", "2026-10-09", "2026-12-31"])
def test_a_second_start_does_nothing_even_when_a_draft_or_a_figure_changed(project, now):
    write_figures(project, figures(project).assign(numerator=lambda rows: rows["numerator"] * 0.99 // 1))
    before = state(project)
    done = quarter(project, day(now) + dt.timedelta(minutes=1))
    assert not done.made and done.exit_code == 0 and state(project) == before
    assert "nothing to do" in done.summary.read_text()


def test_a_quarter_that_is_named_is_published_again_after_a_correction(project):
    write_figures(project, figures(project).assign(numerator=lambda rows: rows["numerator"] * 0.99 // 1))
    assert quarter(project, day("2026-10-09"), period="2026Q3").made
    assert [(one.cutoff, one.edition) for one in Register(project, "country").entries()] == [
        ("2026-09", 1), ("2026-09", 2)
    ]  # fmt: skip


def test_incomplete_data_are_refused_by_name_and_change_nothing(project):
    before = state(project)
    said = "no figure of 2026-12 for rate0 from its only unit of source 'country'"
    with pytest.raises(DataError, match=said) as raised:
        quarter(project, day("2027-01-05"))
    assert "--incomplete country" in str(raised.value) and state(project) == before
    text = last_summary(project).read_text(encoding="utf-8").splitlines()
    assert text[0] == "country 2026-Q4: NOT published"
    assert text[1].startswith("Do this: Ask for the figures") and text[-1].startswith("Exit code: 2.")
    with pytest.raises(ParamsError, match="--incomplete: there is no source, indicator or unit 'contry'"):
        quarter(project, day("2027-01-05"), incomplete=["contry"])
    assert state(project) == before


def test_what_is_accepted_as_missing_is_published_and_stated(fresh):
    rows = figures(fresh)
    unit = sorted(rows["unit"].unique())[-1]
    write_figures(fresh, rows[~(rows["unit"].eq(unit) & rows["period"].eq("2026-09"))])
    with pytest.raises(DataError, match="--incomplete country"):
        quarter(fresh, OCTOBER)
    assert not (fresh / "outputs/country/current").exists() and not list((fresh / "data").glob("register/*"))
    done = quarter(fresh, OCTOBER, incomplete=[unit])
    assert done.made and "Published without these figures (1)" in done.summary.read_text()
    assert "no figure of 2026-09 for rate0 from its only unit of source 'country'" in done.summary.read_text()


def test_a_run_missed_in_january_takes_its_own_quarter_in_april(project):
    with pytest.raises(DataError, match="no figure of 2026-12"):
        quarter(project, day("2027-04-02"))
    with pytest.raises(ParamsError, match="the cutoff is 2027-03"):  # a target has passed: April's own quarter is asked
        quarter(project, day("2027-04-05"))


def test_a_clock_that_was_set_back_is_named_and_changes_nothing(project, fresh):
    before = state(project)
    with pytest.raises(ParamsError, match="date is 2026-08-01, but the current run is of 2026-09.*clock was set back"):
        quarter(project, day("2026-08-01"))
    assert state(project) == before
    assert "The clock was set back" in last_summary(project).read_text()


def test_without_a_run_a_clock_that_was_set_back_is_seen_from_the_data(fresh):
    with pytest.raises(DataError, match="date is 2026-07-05, but there are figures of '2026-08', '2026-09'"):
        quarter(fresh, day("2026-07-05"))
    assert not (fresh / "outputs/country/current").exists()


def test_two_schedulers_at_once_publish_once(fresh):
    """One holds the folder: the other says so; after it, the quarter is published once."""
    top = fresh / "outputs/country"
    top.mkdir(parents=True)
    (top / "runs").mkdir()
    with locked(top / ".lock"), pytest.raises(PublishError, match="another run is writing into this folder"):
        quarter(fresh, OCTOBER)
    assert "NOT published" in last_summary(fresh).read_text()
    code = (
        "import datetime as dt, sys, analysis as cd\n"
        "now = dt.datetime.fromisoformat('2026-10-05T06:00:00+07:00')\n"
        "sys.exit(cd.quarter('params/country.yml', now=now).exit_code)"
    )
    starts = [
        subprocess.Popen([sys.executable, "-c", code], cwd=fresh, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [one.communicate(timeout=300)[1] for one in starts]
    codes = sorted(one.returncode for one in starts)
    assert codes in ([0, 0], [0, 1]), said
    assert len(Register(fresh, "country").entries()) == 1
    assert len(list((top / "operator").glob("2026-10-05T060000*.txt"))) == 3
    assert not quarter(fresh, day("2026-10-06")).made


def test_a_run_that_was_made_but_not_published_is_published_by_the_next_start(fresh):
    cd.run(fresh / "params/country.yml", period="2026Q3")
    assert quarter(fresh, OCTOBER).made
    assert len(Register(fresh, "country").entries()) == 1


def test_a_publication_killed_before_it_became_current_is_completed_by_the_next_start(project):
    """The register has the entry, the published run is whole, and `current` still leads to the draft."""
    top = project / "outputs/country"
    published = os.readlink(top / "current")
    (draft,) = [path.name for path in (top / "runs").iterdir() if not (path / "entry.json").exists()]
    (top / "current").unlink()
    (top / "current").symlink_to(f"runs/{draft}")
    assert quarter(project, day("2026-10-06")).made
    assert os.readlink(top / "current") == published and len(Register(project, "country").entries()) == 1


def test_a_mail_server_that_is_down_leaves_a_published_quarter_and_exit_code_3(fresh, monkeypatch):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    monkeypatch.setenv("CANDICH_MAIL_TO", "an@example.org")
    monkeypatch.setenv("CANDICH_SMTP_PORT", port)
    done = quarter(fresh, OCTOBER)
    assert (done.made, done.exit_code) == (True, 3) and len(Register(fresh, "country").entries()) == 1
    assert "The mail was not sent" in done.summary.read_text()
    monkeypatch.setenv("CANDICH_SMTP_PORT", "99999")
    with pytest.raises(ParamsError, match="CANDICH_SMTP_PORT"):
        quarter(fresh, day("2026-10-06"))


def test_the_command_prints_the_summary_once_and_every_problem_with_the_place_of_the_summary(project):
    def candich(*arguments):
        command = [sys.executable, "-m", "analysis", *arguments]
        return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)

    refused = candich("quarter", "params/country.yml", "--period", "2026Q4")
    assert refused.returncode == 2 and "no figure of 2026-12" in refused.stderr
    assert f"summary: {last_summary(project)}" in refused.stderr and "Traceback" not in refused.stderr
    checked = candich("check", "params/country.yml", "--period", "2026Q4")
    assert checked.returncode == 0 and "warning, not delivered" in checked.stdout and "2026-12" in checked.stdout
    assert "not delivered" not in candich("check", "params/country.yml", "--period", "2026Q3").stdout
    last = candich("check", "params/country.yml", "--period", "last")
    today = dt.datetime.now(dt.UTC).astimezone().date()
    month = pd.Period(pd.Period(today, "Q") - 1, "Q").asfreq("M", how="end")
    assert last.returncode == 0 and f"cutoff: {month}" in last.stdout
