"""A finished run checked: every file against its hash, its pages made again, one thing changed at a time."""

import json
import shutil

import nbformat
import pytest
from tests.publishing.conftest import make_notebook, publish, published_files
from tests.publishing.test_site import make_run

from analysis import records
from analysis.publishing.environment import environment_hashes
from analysis.publishing.jobs import SITE
from analysis.publishing.page_jobs import page_jobs
from analysis.publishing.verify import FILES, altered_files, same_after_rounding, verify_run
from analysis.records.manifest import build_manifest
from analysis.records.store import MANIFEST
from analysis.run_folder import RunFolder, RunKey
from analysis.words.errors import DataError, ParamsError
from analysis.words.files import json_text, write_file

SHOW = """from pathlib import Path
figure = Path(project, "figure.txt").read_text()
Fragment(tag("p", f"{unit}: {figure}"), "sentence", figure)"""
LEAKS = "import colorsys\ncolorsys.left = getattr(colorsys, 'left', 0) + 5 * (unit == 'u05')\nprint(colorsys.left)"
PARAMS = {"run_id": "demo", "language": "en", "publish": {"unit": True, "downloads": False}, "simulated": True}


def finished(project, units, *cells, maker):
    """A finished run of a small project: units without figures, and a page for each."""
    for folder in ("notebooks", "params"):
        (project / folder).mkdir(exist_ok=True)
    parameters = f'run_dir: str = "."\nunit: str = "a"\nlanguage: str = "en"\nproject: str = {str(project)!r}'
    nbformat.write(make_notebook(*cells, parameters=parameters), project / "notebooks/unit_briefing.ipynb")
    tables = make_run([(unit, f"Unit {unit}", "") for unit in units])
    with RunFolder.locked(project / "outputs/demo", run_id="demo") as folder:
        previous = folder.current
        with folder.build(RunKey({}, "", f"{len(folder.finished())}" * 12), cutoff="2026-09") as building:
            stored = records.write_run({name: getattr(tables, name) for name in records.store.RUN_TABLES}, building)
            manifest = build_manifest(
                run_id="demo",
                params=PARAMS,
                cutoff="2026-09",
                hashes=environment_hashes(),
                sources=[],
                tables=stored,
            )
            write_file(building / MANIFEST, json_text(manifest))
            jobs = page_jobs(records.load_run(building), root=project, run_dir=building)
            publish(jobs, building, previous=previous, maker=maker)
            write_file(building / SITE / "index.html", "index")
        return folder.current


@pytest.fixture(scope="module")
def project(tmp_path_factory, maker):
    folder = tmp_path_factory.mktemp("verify")
    (folder / "figure.txt").write_text("45,7%")
    finished(folder, "ab", SHOW, maker=maker)
    return folder


@pytest.fixture
def run(project, tmp_path):
    """A copy of the run at its own place, and of its project."""
    shutil.copytree(project, tmp_path / "project", symlinks=True)
    return RunFolder(tmp_path / "project/outputs/demo").current


def found(run, **more):
    """What is said of each page, by unit; and of the other files."""
    table = verify_run(run, **more)
    return {row.file: row for row in table.itertuples(index=False)}


@pytest.fixture(scope="module")
def verified(project):
    """One thing changed at a time; each is what is said of the run."""
    run = RunFolder(project / "outputs/demo").current
    before = published_files(run)
    out = {"same": found(project / "outputs/demo"), "untouched": published_files(run) == before}
    figure = project / "figure.txt"
    for name, text in (("rounded", "45,8%"), ("data", "51,2%"), ("broken", None), ("again", "45,7%")):
        figure.unlink(missing_ok=True) if text is None else figure.write_text(text)
        out[name] = found(run, unit="a")
    notebook = project / "notebooks/unit_briefing.ipynb"
    text = notebook.read_text()
    notebook.write_text(text.replace("{unit}: {figure}", "{unit} = {figure}"))
    out["notebook"] = found(run, unit="b")
    notebook.unlink()
    out["no notebook"] = found(run, unit="b")
    notebook.write_text(text)
    return out


def test_an_unchanged_run_is_identical_to_the_byte_and_not_touched(verified):
    assert {file: row.verdict for file, row in verified["same"].items()} == {
        "site/units/a.html": "identical",
        "site/units/b.html": "identical",
    }
    assert verified["untouched"]


def test_a_last_digit_is_told_from_a_difference(verified):
    row = verified["rounded"]["site/units/a.html"]
    assert (row.verdict, row.cell) == ("identical after rounding", "cell-0")
    assert "45,7%" in row.before and "45,8%" in row.after
    assert list(verified["rounded"]) == ["site/units/a.html"]  # the other unit's page was not asked for


def test_a_difference_is_named_with_the_cell_that_shows_it(verified):
    row = verified["data"]["site/units/a.html"]
    assert (row.verdict, row.cell) == ("different", "cell-0")
    assert "45,7%" in row.before and "51,2%" in row.after
    assert row.reason == "changed since: no known input; look for a clock, a seed or another processor"


def test_a_changed_notebook_is_named(verified):
    row = verified["notebook"]["site/units/b.html"]
    assert (row.verdict, row.cell) == ("different", "cell-0")
    assert row.reason == "changed since: notebook unit_briefing.ipynb"


def test_what_cannot_be_made_again_says_why(verified):
    row = verified["broken"]["site/units/a.html"]
    assert row.verdict == "cannot be made again" and "FileNotFoundError" in row.reason
    assert verified["again"]["site/units/a.html"].verdict == "identical"
    row = verified["no notebook"]["site/units/b.html"]
    assert (row.verdict, row.reason) == ("cannot be made again", "no notebook unit_briefing.ipynb")


def test_changed_code_is_named(run, tmp_path):
    (run / MANIFEST).write_text((run / MANIFEST).read_text().replace(environment_hashes()["code"], "0" * 64))
    notebook = tmp_path / "project/notebooks/unit_briefing.ipynb"
    notebook.write_text(notebook.read_text().replace("{unit}: {figure}", "{unit} = {figure}"))
    altered, made_again = verify_run(run, unit="a").itertuples(index=False)
    assert (altered.file, altered.reason) == (MANIFEST, "other bytes than were published")
    assert (made_again.verdict, made_again.reason) == ("different", "changed since: code")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("site/units/a.html", "other bytes than were published"), ("site/index.html", "other bytes than were published")],
)
def test_a_file_changed_by_hand_is_altered(run, name, reason):
    (run / name).write_text((run / name).read_text() + " ")
    assert altered_files(run) == [(name, reason)]


def test_every_file_is_checked_missing_and_foreign_ones_too(run):
    (run / "site/units/a.html").unlink()
    (run / "site/units/zzz.html").write_text("not ours")
    (run / "site/link.html").symlink_to("/etc/hostname")
    assert altered_files(run) == [
        ("site/link.html", "not a file of this run"),
        ("site/units/a.html", "missing"),
        ("site/units/zzz.html", "not a file of this run"),
    ]


def test_a_list_of_files_that_was_changed_with_them_does_not_fit_the_name_of_the_folder(run):
    named = json.loads((run / FILES).read_text())
    (run / FILES).write_text(json.dumps(named))
    assert altered_files(run) == [(FILES, "other bytes than the folder's name states")]
    (run / FILES).unlink()
    assert altered_files(run) == [(FILES, "missing or unreadable")]


def test_a_page_changed_by_hand_is_altered_and_found_outside_the_cells(run):
    page = run / "site/units/a.html"
    page.write_text(page.read_text(encoding="utf-8").replace("Made by", "Forged by"), encoding="utf-8")
    altered, made_again = verify_run(run, unit="a").itertuples(index=False)
    assert (altered.file, altered.verdict) == (made_again.file, "altered") == ("site/units/a.html", "altered")
    assert (made_again.verdict, made_again.cell) == ("different", "(the frame around the cells)")
    assert "Forged by" in made_again.before and "Made by" in made_again.after


def test_a_page_or_notebook_that_is_lost_is_said_so(run):
    (run / "site/units/a.html").unlink()
    missing, made_again = verify_run(run, unit="a").itertuples(index=False)
    assert missing.reason == "missing" and "the published page cannot be read" in made_again.reason


def test_a_notebook_that_is_no_notebook_any_more_is_said_so(run):
    (run / "notebooks/units/a.ipynb").write_text("{")
    _, made_again = verify_run(run, unit="a").itertuples(index=False)
    assert (made_again.verdict, made_again.cell) == ("different", "(notebook)")


def test_pages_are_not_made_from_an_altered_table(run):
    table = run / "tables/units.parquet"
    table.write_bytes(table.read_bytes() + b" ")
    with pytest.raises(DataError, match="units"):
        verify_run(run)


def test_an_unknown_unit_and_a_run_outside_a_project_are_refused(run, tmp_path):
    with pytest.raises(ParamsError) as caught:
        verify_run(run, unit="c")
    assert str(caught.value).startswith("--unit: there is no unit 'c'. Allowed: codes of the unit table.")
    shutil.copytree(run, tmp_path / "elsewhere" / run.name)
    with pytest.raises(ParamsError) as caught:
        verify_run(tmp_path / "elsewhere" / run.name)
    assert str(caught.value) == (
        f"{tmp_path}/elsewhere/{run.name}: no folder above the run holds notebooks and params. "
        "Allowed: a project. Name it: --project DIR."
    )


@pytest.mark.slow
def test_a_page_that_shows_what_another_one_left_is_found(tmp_path, maker):
    """What a process's state does not show (a name set in somebody else's module) is seen on the page made alone."""
    units = [f"u{n:02}" for n in range(33)]
    (tmp_path / "figure.txt").write_text("1")
    run = finished(tmp_path, units, LEAKS, maker=maker)
    different = {file for file, row in found(run).items() if row.verdict == "different"}
    assert different and "site/units/u05.html" not in different
    assert different < {f"site/units/{unit}.html" for unit in ("u06", "u07", "u08")}


def test_a_page_kept_from_an_earlier_run_cannot_be_made_from_this_one(tmp_path, maker):
    (tmp_path / "figure.txt").write_text("45,7%")
    finished(tmp_path, "ab", SHOW, maker=maker)
    run = finished(tmp_path, "ab", SHOW, "1 / (unit != 'b')", maker=maker)
    assert "Not updated" in (run / "site/units/b.html").read_text(encoding="utf-8")
    rows = found(run)
    assert rows["site/units/a.html"].verdict == "identical"
    assert (rows["site/units/b.html"].verdict, rows["site/units/b.html"].reason) == (
        "cannot be made again",
        "it was not made in this run",
    )


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
