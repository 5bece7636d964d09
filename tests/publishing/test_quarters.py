"""Earlier quarters stay in the site: their pages as they were, an index that says which quarter it is, no dead link."""

import os
import re

import pytest
from tests.publishing.test_site import TREE, make_run, published

from analysis.publishing.quarters import keep_quarter, quarters_of
from analysis.publishing.site import build_site, page_name

PAGES = [published(unit) for unit, *_ in TREE]
STATUS = [("00", "T", "on_track"), ("01", "T", "missed")]


def site_of(tmp_path, cutoff, language="vi"):
    """A site whose pages say their cutoff, and its index."""
    site = tmp_path / "site"
    run = make_run(TREE, assessments=STATUS)
    run.manifest["cutoff"] = cutoff
    for unit, *_ in TREE:
        page = site / page_name(unit)
        page.parent.mkdir(parents=True, exist_ok=True)
        fresh = page.with_suffix(".new")
        fresh.write_text(f"<p>{unit} {cutoff}</p>")
        os.replace(fresh, page)  # as publishing does: a new file in place of the old one
    link = {"href": "downloads/a.csv", "name": "a.csv", "about": "a", "size": "1 kB"}
    build_site(run, PAGES, site, language, downloads=[link])
    return site


def test_the_first_quarter_keeps_nothing(tmp_path):
    assert keep_quarter(tmp_path / "site", cutoff="2026-09") == ""
    assert quarters_of(tmp_path / "site", language="vi") == []


def test_the_earlier_quarter_stands_as_it_was_after_the_next_is_published(tmp_path):
    site = site_of(tmp_path, "2026-06")
    assert keep_quarter(site, cutoff="2026-09") == "2026-06"
    site = site_of(tmp_path, "2026-09")
    kept = site / "quarters/2026-06"
    for unit, *_ in TREE:
        assert (kept / page_name(unit)).read_text() == f"<p>{unit} 2026-06</p>"
        assert (site / page_name(unit)).read_text() == f"<p>{unit} 2026-09</p>"
    html = (site / "index.html").read_text(encoding="utf-8")
    assert '<a href="quarters/2026-06/index.html">tháng 6/2026</a>' in html
    old = (kept / "index.html").read_text(encoding="utf-8")
    assert "Quý trước" in old and 'href="../../index.html"' in old and "Số liệu đến tháng 6/2026" in old
    assert "downloads" not in re.sub(r"<style>.*?</style>", "", old, flags=re.DOTALL)


def test_three_quarters_are_listed_latest_first_and_do_not_nest(tmp_path):
    for cutoff in ("2026-03", "2026-06", "2026-09"):
        keep_quarter(tmp_path / "site", cutoff=cutoff)
        site = site_of(tmp_path, cutoff)
    assert [one["title"] for one in quarters_of(site, language="en")] == ["June 2026", "March 2026"]
    assert not list(site.glob("quarters/*/quarters"))
    assert "quarters/" not in (site / "quarters/2026-06/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("cutoff", ["2026-06", "2026-03", ""])
def test_the_same_or_an_older_quarter_published_again_keeps_nothing(tmp_path, cutoff):
    site = site_of(tmp_path, "2026-06")
    assert keep_quarter(site, cutoff=cutoff) == "" and not (site / "quarters").exists()


def test_a_cutoff_that_is_no_period_makes_no_path(tmp_path):
    site = site_of(tmp_path, "2026-06")
    index = site / "index.html"
    index.write_text(index.read_text(encoding="utf-8").replace('content="2026-06"', 'content="../../etc"'))
    assert keep_quarter(site, cutoff="2026-09") == ""


def test_a_disk_without_links_gets_copies(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links")))
    site = site_of(tmp_path, "2026-06")
    assert keep_quarter(site, cutoff="2026-09") == "2026-06"
    assert (site / "quarters/2026-06" / page_name("00")).read_text() == "<p>00 2026-06</p>"
