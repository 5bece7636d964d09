import json
from pathlib import Path

import pytest

from analysis.publishing.jobs import PageJob, PageResult, check_jobs


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
    assert str(problem) == "nowhere.ipynb: the notebook does not exist. Check the project's notebooks."


def test_the_executed_notebook_lies_as_its_page_does():
    assert job("units/a.html", Path("n.ipynb")).executed == "units/a.ipynb"


def test_a_job_reaches_another_process_as_it_is():
    first = PageJob(
        "units/a.html", Path("n.ipynb"), {"unit": "a\udc80"}, {"nav": [{"title": "ộ"}]}, "hash", True, "lab"
    )
    assert PageJob.from_plain(json.loads(json.dumps(first.plain()))) == first


@pytest.mark.parametrize(
    ("context", "parameters", "language"),
    [({"language": "en"}, {"language": "vi"}, "en"), ({}, {"language": "en"}, "en"), ({}, {}, "vi")],
)
def test_the_language_is_the_frame_s_then_the_parameter_s(context, parameters, language):
    assert PageJob("a.html", Path("n.ipynb"), parameters, context).language == language


def test_a_reference_joins_a_page_and_a_kind_of_error_and_holds_nothing_of_the_reason():
    one, other = (PageResult("a.html", "a", "n.ipynb", "failed", reason, "KeyError") for reason in ("secret", "other"))
    assert one.reference == other.reference and len(one.reference) == 8
    assert one.reference != PageResult("b.html", "a", "n.ipynb", "failed", "secret", "KeyError").reference


def test_a_page_is_shown_unless_it_failed_and_none_was_kept():
    shown = [PageResult("a", "", "", *rest).shown for rest in (["published"], ["unchanged"], ["failed"])]
    assert shown == [True, True, False] and PageResult("a", "", "", "failed", kept=True).shown
