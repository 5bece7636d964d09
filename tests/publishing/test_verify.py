"""A finished run checked: every file against its hash, its pages made again, one thing changed at a time."""

import json
import shutil

import nbformat
import pytest
from tests.publishing.conftest import make_notebook, publish, published_files, write_small_run

from analysis import records
from analysis.publishing.environment import environment_hashes
from analysis.publishing.jobs import SITE
from analysis.publishing.site import page_jobs
from analysis.publishing.verify import FILES, altered_files, same_after_rounding, verify_run
from analysis.records.store import MANIFEST
from analysis.run_folder import RunFolder, RunKey
from analysis.words.errors import DataError, ParamsError
from analysis.words.files import write_file

pytestmark = pytest.mark.slow

SHOW = """from pathlib import Path
figure = Path(project, unit + ".txt").read_text()
Fragment(tag("p", f"{unit}: {figure}"), "sentence", figure)"""
LEAKS = "import colorsys\ncolorsys.left = getattr(colorsys, 'left', 0) + 5 * (unit == 'u05')\nprint(colorsys.left)"
UNITS = ["same", "rounded", "data", "broken", "forged", "lost", "garbled"]
PARAMS = {"run_id": "demo", "language": "en", "publish": {"unit": True, "downloads": False}, "simulated": True}


def finished(project, units, *cells, maker):
    """A finished run of a small project: units without figures, and a page for each."""
    for folder in ("notebooks", "params"):
        (project / folder).mkdir(exist_ok=True)
    parameters = f'run_dir: str = "."\nunit: str = "a"\nlanguage: str = "en"\nproject: str = {str(project)!r}'
    nbformat.write(make_notebook(*cells, parameters=parameters), project / "notebooks/unit_briefing.ipynb")
    with RunFolder.locked(project / "outputs/demo", run_id="demo") as folder:
        previous = folder.current
        with folder.build(RunKey({}, "", f"{len(folder.finished())}" * 12), cutoff="2026-09") as building:
            write_small_run(building, units, PARAMS)
            jobs = page_jobs(records.load_run(building), root=project, run_dir=building)
            publish(jobs, building, previous=previous, maker=maker)
            write_file(building / SITE / "index.html", "index")
        return folder.current


def write_figures(project, units, **figures):
    for unit in units:
        (project / f"{unit}.txt").write_text(figures.get(unit, "45,7%"))


@pytest.fixture(scope="module")
def project(tmp_path_factory, maker):
    folder = tmp_path_factory.mktemp("verify")
    write_figures(folder, UNITS)
    finished(folder, UNITS, SHOW, maker=maker)
    return folder


@pytest.fixture
def run(project, tmp_path):
    """A copy of the run, in a project of its own."""
    shutil.copytree(project, tmp_path / "project", symlinks=True)
    return RunFolder(tmp_path / "project/outputs/demo").current


def found(run, **more):
    """What is said of each page and of each altered file."""
    rows = list(verify_run(run, **more).itertuples(index=False))
    pages = {
        row.file.removeprefix("site/units/").removesuffix(".html"): row for row in rows if row.verdict != "altered"
    }
    return pages, {row.file: row.reason for row in rows if row.verdict == "altered"}


@pytest.fixture(scope="module")
def verified(project, tmp_path_factory):
    """What is said of a run in which nothing was changed, then of one in which each page meets something else."""
    run = RunFolder(project / "outputs/demo").current
    before = published_files(run)
    out = {"same": found(project / "outputs/demo"), "untouched": published_files(run) == before}
    changed = tmp_path_factory.mktemp("changed") / run.name
    shutil.copytree(run, changed)
    write_figures(project, UNITS, rounded="45,8%", data="51,2%")
    (project / "broken.txt").unlink()
    page = changed / "site/units/forged.html"
    page.write_text(page.read_text(encoding="utf-8").replace("Made by", "Forged by"), encoding="utf-8")
    (changed / "site/units/lost.html").unlink()
    (changed / "notebooks/units/garbled.ipynb").write_text("{")
    out["pages"], out["altered"] = found(changed, project=project)
    write_figures(project, UNITS)
    return out


def test_an_unchanged_run_is_identical_to_the_byte_and_not_touched(verified):
    pages, altered = verified["same"]
    assert {unit: row.verdict for unit, row in pages.items()} == dict.fromkeys(UNITS, "identical") and altered == {}
    assert verified["untouched"]


def test_a_last_digit_is_told_from_a_difference(verified):
    row = verified["pages"]["rounded"]
    assert (row.verdict, row.cell) == ("identical after rounding", "cell-0")
    assert "45,7%" in row.before and "45,8%" in row.after


def test_a_difference_is_named_with_the_cell_that_shows_it(verified):
    row = verified["pages"]["data"]
    assert (row.verdict, row.cell) == ("different", "cell-0")
    assert "45,7%" in row.before and "51,2%" in row.after
    assert row.reason == "changed since: no known input; look for a clock, a seed or another processor"


def test_what_cannot_be_made_again_says_why(verified):
    row = verified["pages"]["broken"]
    assert row.verdict == "cannot be made again" and "FileNotFoundError" in row.reason


def test_a_page_changed_by_hand_is_altered_and_found_outside_the_cells(verified):
    assert verified["altered"]["site/units/forged.html"] == "other bytes than were published"
    row = verified["pages"]["forged"]
    assert (row.verdict, row.cell) == ("different", "(the frame around the cells)")
    assert "Forged by" in row.before and "Made by" in row.after


def test_a_page_that_is_lost_is_said_so(verified):
    assert verified["altered"]["site/units/lost.html"] == "missing"
    row = verified["pages"]["lost"]
    assert row.verdict == "cannot be made again" and "the published page cannot be read" in row.reason


def test_a_notebook_that_is_no_notebook_any_more_is_said_so(verified):
    assert verified["altered"]["notebooks/units/garbled.ipynb"] == "other bytes than were published"
    row = verified["pages"]["garbled"]
    assert (row.verdict, row.cell, row.before) == ("different", "(notebook)", "it cannot be read as a notebook")


def test_nothing_else_is_altered(verified):
    assert len(verified["altered"]) == 3 and verified["pages"]["same"].verdict == "identical"


def test_a_changed_notebook_is_named(run, tmp_path):
    notebook = tmp_path / "project/notebooks/unit_briefing.ipynb"
    notebook.write_text(notebook.read_text().replace("{unit}: {figure}", "{unit} = {figure}"))
    pages, altered = found(run, unit="same")
    assert altered == {} and list(pages) == ["same"]  # the others' pages were not wanted
    row = pages["same"]
    assert (row.verdict, row.cell) == ("different", "cell-0")
    assert row.reason == "changed since: notebook unit_briefing.ipynb"


@pytest.mark.slow
def test_changed_code_is_named(run, tmp_path):
    (run / MANIFEST).write_text((run / MANIFEST).read_text().replace(environment_hashes()["code"], "0" * 64))
    (tmp_path / "project/notebooks/unit_briefing.ipynb").write_text(
        (tmp_path / "project/notebooks/unit_briefing.ipynb").read_text().replace("{unit}: ", "{unit} = ")
    )
    pages, altered = found(run, unit="same")
    assert altered == {MANIFEST: "other bytes than were published"}
    assert (pages["same"].verdict, pages["same"].reason) == ("different", "changed since: code")


def test_without_its_notebook_no_page_can_be_made(run, tmp_path):
    (tmp_path / "project/notebooks/unit_briefing.ipynb").unlink()
    row = found(run)[0]["data"]
    assert (row.verdict, row.reason) == ("cannot be made again", "no notebook unit_briefing.ipynb")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("site/units/data.html", "other bytes than were published"),
        ("site/index.html", "other bytes than were published"),
    ],
)
def test_a_file_changed_by_hand_is_altered(run, name, reason):
    (run / name).write_text((run / name).read_text() + " ")
    assert altered_files(run) == [(name, reason)]


def test_every_file_is_checked_missing_and_foreign_ones_too(run):
    (run / "site/units/data.html").unlink()
    (run / "site/units/zzz.html").write_text("not ours")
    (run / "site/link.html").symlink_to("/etc/hostname")
    assert altered_files(run) == [
        ("site/link.html", "not a file of this run"),
        ("site/units/data.html", "missing"),
        ("site/units/zzz.html", "not a file of this run"),
    ]


def test_a_list_of_files_that_was_changed_with_them_does_not_fit_the_name_of_the_folder(run):
    named = json.loads((run / FILES).read_text())
    (run / FILES).write_text(json.dumps(named))
    assert altered_files(run) == [(FILES, "other bytes than the folder's name states")]
    (run / FILES).unlink()
    assert altered_files(run) == [(FILES, "missing or unreadable")]


def test_pages_are_not_made_from_an_altered_table(run):
    table = run / "tables/units.parquet"
    table.write_bytes(table.read_bytes() + b" ")
    with pytest.raises(DataError, match="units"):
        verify_run(run)


def test_an_unknown_unit_and_a_run_outside_a_project_are_refused(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the project of the working folder would do
    with pytest.raises(ParamsError) as caught:
        verify_run(run, unit="c")
    assert str(caught.value).startswith("--unit: there is no unit 'c'. Allowed: codes of the unit table.")
    shutil.copytree(run, tmp_path / "elsewhere" / run.name)
    with pytest.raises(ParamsError) as caught:
        verify_run(tmp_path / "elsewhere" / run.name)
    assert str(caught.value) == (
        f"{tmp_path}/elsewhere/{run.name}: no folder above the run holds notebooks and params. "
        "Allowed: a project. Name it (--project DIR), or move the run."
    )


@pytest.mark.slow
def test_a_page_that_shows_what_another_one_left_is_found(tmp_path, maker):
    """What a process's state does not show (a name set in somebody else's module) is seen on the page made alone."""
    units = [f"u{n:02}" for n in range(33)]
    run = finished(tmp_path, units, LEAKS, maker=maker)
    pages, _ = found(run)
    assert {unit for unit, row in pages.items() if row.verdict == "different"} == {"u06", "u07", "u08"}


@pytest.mark.slow
def test_a_page_kept_from_an_earlier_run_cannot_be_made_from_this_one(tmp_path, maker):
    write_figures(tmp_path, "ab")
    finished(tmp_path, "ab", SHOW, maker=maker)
    run = finished(tmp_path, "ab", SHOW, "1 / (unit != 'b')", maker=maker)
    assert "Not updated" in (run / "site/units/b.html").read_text(encoding="utf-8")
    pages, altered = found(run)
    assert altered == {} and pages["a"].verdict == "identical"
    assert (pages["b"].verdict, pages["b"].reason) == ("cannot be made again", "it was not made in this run")


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("a 1.473 b", "a 1.474 b", True),
        ("a 1.473 b", "a 1.475 b", False),
        ("0,99", "1,00", True),
        ("9", "10", True),
        ("9.9", "10", False),
        ("x1", "y1", False),
        ("1 2", "1", False),
        ("1,5", "1.5", False),
        ("", "", True),
    ],
)
def test_rounding_is_one_unit_of_the_last_printed_digit(before, after, same):
    assert same_after_rounding(before, after) is same
