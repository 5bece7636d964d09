"""Which pages a run has, and the one hash that decides whether those of a type are made again."""

import json
from dataclasses import replace

import pytest
from tests.publishing.conftest import make_run
from tests.publishing.test_site import TREE

from analysis.publishing.site import RUN_PAGES, UNIT_NOTEBOOK, page_jobs, page_name, type_hash

MANIFEST = {
    "tables": {"units": "1", "forecasts": "2"},
    "params": {"language": "vi", "max_failed_share": 0.1, "keep_runs": 3},
    "hashes": {"code": "3", "libraries": "4", "data": "5"},
    "cutoff": "2026-Q3",
}
PUBLISH = {**dict.fromkeys(RUN_PAGES, True), "unit": True, "downloads": True}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name in [UNIT_NOTEBOOK, *[notebook for notebook, _ in RUN_PAGES.values()]]:
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(json.dumps({"name": name}))
    return tmp_path


def jobs_of(root, *, units=None, publish=PUBLISH):
    run = replace(make_run(TREE), manifest=MANIFEST, params={"language": "vi", "publish": publish})
    return page_jobs(run, root=root, run_dir=root / "run", units=units)


def test_pages_of_the_whole_run_come_first_then_a_page_a_unit(root):
    jobs = jobs_of(root)
    assert [job.page for job in jobs] == [
        *[page for _, page in RUN_PAGES.values()],
        *[page_name(one) for one, *_ in TREE],
    ]
    assert [job.together for job in jobs] == [False] * len(RUN_PAGES) + [True] * len(TREE)
    assert {job.parameters["run_dir"] for job in jobs} == {str(root / "run")} and {job.language for job in jobs} == {
        "vi"
    }
    assert [job.unit for job in jobs[len(RUN_PAGES) :]] == [unit for unit, *_ in TREE]
    assert all(job.notebook.is_file() and job.context["cutoff"] == "2026-Q3" for job in jobs)


def test_what_the_params_do_not_want_is_left_out(root):
    pages = [job.page for job in jobs_of(root, publish={**PUBLISH, "overview": False, "unit": False})]
    assert pages == [page for name, (_, page) in RUN_PAGES.items() if name != "overview"]


def test_named_units_have_their_pages_alone_and_no_link_to_others(root):
    (job,) = jobs_of(root, units=["01"])
    assert job.page == page_name("01")
    assert [one["href"] for one in job.context["nav"]] == ["../index.html"]  # no downloads are made


def test_pages_of_a_type_have_one_hash_and_types_have_hashes_of_their_own(root):
    jobs = jobs_of(root)
    hashes = [job.type_hash for job in jobs]
    assert len(set(hashes)) == len(RUN_PAGES) + 1 and len(set(hashes[len(RUN_PAGES) :])) == 1 and all(hashes)


@pytest.mark.parametrize(
    "change",
    [
        {"tables": {"units": "1", "forecasts": "other"}},
        {"params": {"language": "en"}},
        {"hashes": {"code": "other", "libraries": "4"}},
        {"hashes": {"code": "3", "libraries": "other"}},
    ],
)
def test_whatever_a_page_shows_is_in_its_hash(root, change):
    notebook, pages = root / "notebooks" / f"{UNIT_NOTEBOOK}.ipynb", {"a.html"}
    before = type_hash(MANIFEST, notebook, pages=pages)
    assert type_hash(MANIFEST | change, notebook, pages=pages) != before


def test_the_notebook_and_the_pages_that_can_be_linked_to_are_in_the_hash(root):
    notebook, pages = root / "notebooks" / f"{UNIT_NOTEBOOK}.ipynb", {"a.html", "b.html"}
    before = type_hash(MANIFEST, notebook, pages=pages)
    assert type_hash(MANIFEST, notebook, pages={"a.html"}) != before
    assert type_hash(MANIFEST, notebook, pages={"b.html", "a.html"}) == before
    notebook.write_text("{ }")
    assert type_hash(MANIFEST, notebook, pages=pages) != before


def test_what_no_page_shows_is_not_in_the_hash(root):
    notebook = root / "notebooks" / f"{UNIT_NOTEBOOK}.ipynb"
    params = MANIFEST["params"] | {"max_failed_share": 0.9, "keep_runs": 9}
    other = MANIFEST | {"params": params, "hashes": MANIFEST["hashes"] | {"data": "other"}}
    assert type_hash(other, notebook, pages=set()) == type_hash(MANIFEST, notebook, pages=set())


def test_a_notebook_that_does_not_exist_has_no_hash(root):
    assert type_hash(MANIFEST, root / "nowhere.ipynb", pages=set()) == ""
