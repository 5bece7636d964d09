"""Earlier quarters stay in the site: their pages as they were, an index that says which quarter it is, no dead link."""

import re

import pytest
from tests.publishing.conftest import make_run
from tests.publishing.test_site import TREE, published

from analysis.publishing.chrome import archived_pages, keep_quarters, quarters_of
from analysis.publishing.site import build_site, page_name

PAGES = [published(unit) for unit, *_ in TREE]
STATUS = [("00", "T", "on_track"), ("01", "T", "missed")]


def site_of(site, cutoff, language="vi", *, before=None):
    """A new site whose pages say their cutoff, with the quarters of the one before, and its index."""
    run = make_run(TREE, assessments=STATUS)
    run.manifest["cutoff"] = cutoff
    for unit, *_ in TREE:
        page = site / page_name(unit)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"<p>{unit} {cutoff}</p>")
    (site / "downloads").mkdir()
    (site / "downloads/a.csv").write_text(cutoff)
    if before is not None:
        keep_quarters(site, before=before, cutoff=cutoff)
    link = {"href": "downloads/a.csv", "name": "a.csv", "about": "a", "size": "1 kB"}
    build_site(run, PAGES, site, language, downloads=[link])
    return site


def tree(site):
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def test_a_first_site_has_no_earlier_quarters(tmp_path):
    site = site_of(tmp_path / "site", "2026-09")
    assert quarters_of(site, language="vi") == [] and not (site / "quarters").exists()


def test_the_earlier_quarter_is_as_it_was_after_the_next_is_published(tmp_path):
    first = site_of(tmp_path / "first", "2026-06")
    as_published = tree(first)
    site = site_of(tmp_path / "second", "2026-09", before=first)
    assert tree(first) == as_published
    kept = site / "quarters/2026-06"
    for unit, *_ in TREE:
        assert (kept / page_name(unit)).read_text() == f"<p>{unit} 2026-06</p>"
        assert (site / page_name(unit)).read_text() == f"<p>{unit} 2026-09</p>"
    html = (site / "index.html").read_text(encoding="utf-8")
    assert '<a href="quarters/2026-06/index.html">tháng 6/2026</a>' in html
    old = (kept / "index.html").read_text(encoding="utf-8")
    assert "Quý trước" in old and 'href="../../index.html"' in old and "Số liệu đến tháng 6/2026" in old
    assert "downloads" not in re.sub(r"<style>.*?</style>", "", old, flags=re.DOTALL)
    assert {path.suffix for path in kept.rglob("*") if path.is_file()} == {".html"}


def test_three_quarters_are_listed_latest_first_and_do_not_nest(tmp_path):
    site = None
    for cutoff in ("2026-03", "2026-06", "2026-09"):
        site = site_of(tmp_path / cutoff, cutoff, before=site)
    assert [one["title"] for one in quarters_of(site, language="en")] == ["June 2026", "March 2026"]
    assert not list(site.glob("quarters/*/quarters"))
    assert "quarters/" not in (site / "quarters/2026-06/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("cutoff", ["2026-06", "2026-03", ""])
def test_the_same_or_an_older_quarter_published_again_keeps_nothing_of_its_own(tmp_path, cutoff):
    first = site_of(tmp_path / "first", "2026-06")
    keep_quarters(tmp_path / "site", before=first, cutoff=cutoff)
    assert not (tmp_path / "site").exists()


def test_a_quarter_published_again_has_the_earlier_quarters_that_it_had(tmp_path):
    first = site_of(tmp_path / "first", "2026-06")
    second = site_of(tmp_path / "second", "2026-09", before=first)
    third = site_of(tmp_path / "third", "2026-09", before=second)
    assert tree(third) == tree(second)


def test_an_archived_page_says_so_and_leads_to_the_same_page_or_the_index(tmp_path):
    for folder, cutoff in (("first", "2026-03"), ("second", "2026-06")):
        (tmp_path / folder / "units").mkdir(parents=True)
        for page in ("index.html", "units/a.html", "units/b.html"):
            html = f'<html lang="en"><meta name="candich-cutoff" content="{cutoff}"><main id="content" tabindex="-1">\n'
            (tmp_path / folder / page).write_text(html)
    keep_quarters(tmp_path / "second", before=tmp_path / "first", cutoff="2026-06", pages={"units/a.html"})
    keep_quarters(tmp_path / "third", before=tmp_path / "second", cutoff="2026-09", pages={"units/b.html"})
    for code, said in (("2026-03", "March 2026"), ("2026-06", "June 2026")):
        for page, goal in (("units/a.html", "index.html"), ("units/b.html", "units/b.html")):
            html = (tmp_path / "third/quarters" / code / page).read_text()
            assert html.count("Earlier quarter") == 1 and f"Figures up to {said}" in html
            assert f'href="../../../{goal}"' in html
    assert archived_pages(tmp_path / "third")["units/a.html"] == ["2026-06", "2026-03"]


def test_quarters_left_by_an_interrupted_build_are_replaced(tmp_path):
    first = site_of(tmp_path / "first", "2026-06")
    left = tmp_path / "site/quarters/2026-06/units/left.html"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    keep_quarters(tmp_path / "site", before=first, cutoff="2026-09")
    assert not left.exists() and (tmp_path / "site/quarters/2026-06" / page_name("00")).exists()


def test_a_cutoff_that_is_no_period_makes_no_path(tmp_path):
    first = site_of(tmp_path / "first", "2026-06")
    index = first / "index.html"
    index.write_text(index.read_text(encoding="utf-8").replace('content="2026-06"', 'content="../../etc"'))
    keep_quarters(tmp_path / "site", before=first, cutoff="2026-09")
    assert not (tmp_path / "site").exists()
