from pathlib import Path

import pytest

from analysis.publishing.jobs import PageJob, check_jobs


def job(page, notebook, unit="a"):
    return PageJob(page=page, notebook=notebook, parameters={"unit": unit})


@pytest.mark.parametrize("page", ["units/079.html", "overview.html", "units/da-nang--93371901e3dc.html"])
def test_plain_pages_pass(page, tmp_path):
    (tmp_path / "n.ipynb").touch()
    assert check_jobs([job(page, tmp_path / "n.ipynb")]) == []


@pytest.mark.parametrize(
    "page",
    ["../x.html", "/etc/x.html", "units/../../x.html", "x.ipynb", "", "a b.html", ".lock.html", "x\0.html", "ộ.html"],
)
def test_a_page_outside_the_site_is_refused(page, tmp_path):
    (tmp_path / "n.ipynb").touch()
    (problem,) = check_jobs([job(page, tmp_path / "n.ipynb")])
    assert problem.found == f"{page!r} cannot be a page"


def test_two_jobs_for_one_page_are_refused_also_where_case_is_not_told_apart(tmp_path):
    (tmp_path / "n.ipynb").touch()
    jobs = [job("units/a.html", tmp_path / "n.ipynb", "a"), job("units/A.html", tmp_path / "n.ipynb", "b")]
    (problem,) = check_jobs(jobs)
    assert problem.found == "two jobs make 'units/A.html': units 'a' and 'b'"


def test_a_missing_notebook_is_named():
    (problem,) = check_jobs([job("a.html", Path("nowhere.ipynb"))])
    assert str(problem) == "nowhere.ipynb: the notebook is not there. Check the params' notebooks."


def test_the_executed_notebook_lies_as_its_page_does():
    assert job("units/a.html", Path("n.ipynb")).executed == "units/a.ipynb"
