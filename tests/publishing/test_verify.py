"""Published pages made again: one real run, then one thing changed at a time."""

import json

import nbformat
import pytest
from tests.publishing.conftest import PUBLISH, make_notebook, run_clean

from analysis.publishing.verify import Verdict, same_after_rounding

SHOW = """from pathlib import Path
figure = Path(run_dir, "figure.txt").read_text()
Fragment(tag("p", f"{unit}: {figure}"), "sentence", figure)"""
SCRIPT = (
    PUBLISH
    + """
import shutil
from analysis.publishing.verify import verify_pages
spec = json.loads(sys.argv[1]); run_dir = Path(spec["run_dir"]); notebooks = Path(spec["jobs"][0]["notebook"]).parent
run_dir.mkdir()
def verify(**more):
    found = verify_pages(run_dir, notebooks=notebooks, **more)
    return [
        [one.page, one.verdict, one.cell, one.before, one.after, list(one.changed), one.reason, str(one)]
        for one in found
    ]
def tree():
    return {p.relative_to(run_dir).as_posix(): p.read_bytes().hex() for p in sorted(run_dir.rglob("*")) if p.is_file()}
figure = run_dir / "figure.txt"
figure.write_text("45,7%")
publish(spec)
before = tree()
out = {"same": verify(), "untouched": before == tree()}
figure.write_text("45,8%"); out["rounded"] = verify(pages=["units/a.html"])
figure.write_text("51,2%"); out["data"] = verify(inputs={"units/a.html": "other rows", "units/b.html": "rows"})
figure.unlink(); out["broken"] = verify(pages=["units/a.html"])
figure.write_text("45,7%")
page = run_dir / "site/units/a.html"
whole = page.read_text()
page.write_text(whole.replace("Made by", "Forged by")); out["forged"] = verify(pages=["units/a.html"])
from analysis.publishing.notice import mark_not_updated
page.write_text(whole); mark_not_updated(page, reason="x"); out["marked"] = verify(pages=["units/a.html"])
page.unlink(); out["lost"] = verify(pages=["units/a.html", "units/zzz.html"])
page.write_text(whole)
notebook = Path(spec["jobs"][0]["notebook"])
notebook.write_text(notebook.read_text().replace("{unit}: {figure}", "{unit} = {figure}"))
keys.file_hash.cache_clear()
from analysis.publishing.make import read_notebook
read_notebook.cache_clear()
out["notebook"] = verify(pages=["units/a.html"])
print(json.dumps(out))
"""
)


@pytest.fixture(scope="module")
def verified(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify")
    nbformat.write(make_notebook(SHOW), folder / "unit.ipynb")
    jobs = [{"unit": one, "notebook": str(folder / "unit.ipynb")} for one in ("a", "b")]
    return run_clean(SCRIPT, json.dumps({"run_dir": str(folder / "run"), "jobs": jobs}), cwd=folder)


def test_an_unchanged_run_is_identical_to_the_byte_and_not_touched(verified):
    assert [one[:2] for one in verified["same"]] == [["units/a.html", "identical"], ["units/b.html", "identical"]]
    assert verified["untouched"]


def test_a_last_digit_is_told_from_a_difference(verified):
    ((_, verdict, cell, before, after, changed, _, _),) = verified["rounded"]
    assert (verdict, cell, changed) == ("identical after rounding", "cell-0", [])
    assert "45,7%" in before and "45,8%" in after


def test_changed_data_is_named_with_the_cell_that_shows_it(verified):
    first, second = verified["data"]
    assert first[1:3] == ["different", "cell-0"] and first[5] == ["the unit's rows"]
    assert second[1] == "different" and second[5] == []
    assert "no known input changed" in second[7]


def test_a_changed_notebook_is_named(verified):
    assert verified["notebook"][0][1:3] == ["different", "cell-0"]
    assert verified["notebook"][0][5] == ["the notebook"]


def test_a_page_changed_by_hand_is_found_outside_the_cells(verified):
    assert verified["forged"][0][1:3] == ["different", "(the frame around the cells)"]
    assert "Forged by" in verified["forged"][0][3]


def test_a_page_marked_as_not_updated_is_compared_without_its_mark(verified):
    assert verified["marked"][0][1] == "identical"


def test_what_cannot_be_made_again_says_why(verified):
    assert verified["broken"][0][1] == "cannot be made again"
    assert "FileNotFoundError" in verified["broken"][0][6]
    lost, unknown = verified["lost"]
    assert "the published page cannot be read" in lost[6]
    assert "its executed notebook cannot be read" in unknown[6]


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


def test_a_verdict_reads_as_a_sentence():
    verdict = Verdict("p", "different", cell="answer", before="1", after="2", changed=("the notebook", "the program"))
    assert str(verdict) == (
        "p: different; first difference in cell answer: '1' is now '2'; changed since: the notebook, the program"
    )
