import re
import time
from dataclasses import replace

import pandas as pd
import pytest
from tests.publishing.conftest import make_run

from analysis.publishing.jobs import PageResult
from analysis.publishing.site import build_site, page_frame, page_name
from analysis.words import schema
from analysis.words.schema import as_table

ODD = ["<script>alert(1)</script>", '"; import os', "../../etc", "=cmd()", "\u202eabc", "a\udc80b", "x" * 10_000, "đ/Đ"]


TREE = [("00", "Tỉnh", ""), ("01", "Sở A", "00"), ("0101", "Xã <b>", "01"), ("02", "Sở B", "00")]


def published(unit, **more):
    return PageResult(page_name(unit), unit, "unit.ipynb", **{"status": "published", **more})


def index_of(run, pages, tmp_path, language="vi", **more):
    return build_site(run, pages, tmp_path / "site", language, **more).read_text(encoding="utf-8")


@pytest.mark.parametrize("unit", ODD)
def test_any_code_has_a_plain_file_name(unit):
    assert re.fullmatch(r"units/[0-9a-z_-]{1,63}\.html", page_name(unit))


def test_odd_codes_have_names_of_their_own():
    assert len({page_name(unit) for unit in ODD}) == len(ODD)


def test_the_index_lists_every_unit_under_its_parent(tmp_path):
    html = index_of(make_run(TREE), [published(unit) for unit, *_ in TREE], tmp_path)
    order = [html.index(f'href="{page_name(unit)}"') for unit in ("00", "01", "0101", "02")]
    assert order == sorted(order)
    assert "<bdi>Xã &lt;b&gt;</bdi>" in html and "<h1>Đề án 06</h1>" in html and "Dữ liệu mô phỏng" in html
    assert re.search(
        r'units/01\.html.*?<ul>\s*<li><a href="units/0101\.html".*?</ul></li>\s*<li><a href="units/02', html, re.S
    )


ENTRY = {"state": "published", "origin": "published", "published_on": "2026-10-05", "edition": 1, "seal": "ab-cd"}


@pytest.mark.parametrize(
    ("entry", "banner"),
    [
        ({"state": "draft"}, "Draft: computed, not published."),
        (ENTRY, ""),
        (ENTRY | {"origin": "recomputed"}, "Recomputed: recorded on 5 October 2026, too late to count as a forecast"),
    ],
)
def test_only_a_published_run_of_real_figures_has_no_banner(tmp_path, entry, banner):
    run = make_run(TREE, simulated=False)
    run.manifest["register"] = entry
    html = index_of(run, [], tmp_path, language="en")
    assert (f'class="banner">{banner}' in html) if banner else 'class="banner"' not in html


def test_failed_pages_are_rows_with_the_class_of_their_error_alone(tmp_path):
    pages = [
        published("01", status="failed", kind="Odd<Error>", reason="cell 3 raised <KeyError>: hunter2", kept=True),
        published("02", status="failed", kind="Killed", reason="killed"),
        PageResult("overview.html", "", "overview.ipynb", "failed", kind="ValueError", reason="no rows"),
    ]
    html = index_of(make_run(TREE), pages, tmp_path, language="en")
    assert "Pages that could not be rebuilt: 3" in html and '<th scope="col">Error and reference</th>' in html
    assert (
        f'<td lang="en">Odd&lt;Error&gt; · {pages[0].reference}</td>' in html
        and f"Killed · {pages[1].reference}" in html
    )
    assert "hunter2" not in html and "cell 3" not in html and "no rows" not in html
    assert 'href="units/01.html"' in html and 'href="units/02.html"' not in html and 'href="overview.html"' not in html
    assert html.count('<span class="flag">Not updated</span>') == 2
    assert "<td>earlier page kept</td>" in html and "<td>no page</td>" in html


def test_units_without_a_page_are_listed_without_a_link(tmp_path):
    html = index_of(make_run(TREE), [published("01")], tmp_path)
    assert 'href="units/01.html"' in html and '<span class="missing"><bdi>Sở B</bdi></span>' in html


def test_each_unit_says_how_many_of_its_targets_are_on_track(tmp_path):
    rows = [("01", "a", "met"), ("01", "b", "at_risk"), ("01", "c", "not_assessable"), ("02", "a", "not_assessable")]
    html = index_of(make_run(TREE, assessments=rows), [published("01")], tmp_path, language="en")
    assert html.count(">1/3<") == 1 and html.count(">0/1<") == 1


def test_the_one_script_is_allowed_by_its_hash_alone(tmp_path):
    import base64
    import hashlib

    html = index_of(make_run(TREE), [], tmp_path)
    script = re.search(r"<script>(.*?)</script>", html, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html and "'unsafe-inline'; base-uri" in html
    assert html.count("<script") == 1 and " onclick" not in html


def test_the_order_of_results_does_not_matter(tmp_path):
    pages = [published(unit) for unit, *_ in TREE]
    assert index_of(make_run(TREE), pages, tmp_path / "a") == index_of(make_run(TREE), pages[::-1], tmp_path / "b")


def test_odd_units_come_out_as_text(tmp_path):
    run = make_run([(unit, unit, "") for unit in ODD])
    html = index_of(run, [published(unit) for unit in ODD], tmp_path)
    assert html.count("<script") == 1 and "&lt;script&gt;alert(1)" in html
    assert "\ufffd" in html and html.count('href="units/') == len(ODD)


def test_a_tree_that_bites_its_tail_still_ends():
    run = make_run([("a", "A", "b"), ("b", "B", "a")])
    pages = {page_name(unit) for unit in "ab"}
    frame = page_frame(run, page=page_name("a"), unit="a", language="vi", pages=pages, cutoff="2026-Q3")
    assert [one["title"] for one in frame["breadcrumbs"][1:]] == ["B", "A"]


def test_the_frame_links_only_to_pages_that_are_there():
    run = make_run(TREE)
    frame = page_frame(
        run,
        page=page_name("0101"),
        unit="0101",
        language="vi",
        pages={"overview.html", page_name("00"), page_name("0101")},
        cutoff="2026-Q3",
    )
    assert [one["href"] for one in frame["nav"]] == ["../index.html", "../overview.html"]
    assert frame["breadcrumbs"] == [
        {"title": "Trang đầu", "href": "../index.html"},
        {"title": "Tỉnh", "href": "../units/00.html"},
        {"title": "Xã <b>", "href": ""},
    ]
    assert frame["cutoff"] == "2026-Q3" and "mô phỏng" in frame["banner"]


def test_names_fall_back_to_the_other_language_and_to_the_code():
    rows = {"unit": ["1", "2"], "name": ["Một", ""], "name_en": ["", ""], "parent": ["", "1"]}
    run = replace(make_run([]), units=as_table(pd.DataFrame(rows), schema.UNITS))
    frame = page_frame(run, page=page_name("2"), unit="2", language="en", pages={page_name("1")})
    assert [one["title"] for one in frame["breadcrumbs"]] == ["Home", "Một", "2"]


@pytest.mark.slow
def test_ten_thousand_units_are_framed_and_indexed_in_seconds(tmp_path):
    run = make_run([("p", "P", "")] + [(f"u{n}", f"Unit {n}", "p") for n in range(10_000)])
    pages = {page_name(unit) for unit in run.units["unit"]}
    start = time.process_time()
    for unit in run.units["unit"]:
        page_frame(run, page=page_name(unit), unit=unit, language="vi", pages=pages)
    index_of(run, [published(unit) for unit in run.units["unit"]], tmp_path)
    assert time.process_time() - start < 20  # about 2 s alone; quadratic work would take minutes


def test_a_table_s_files_stand_in_one_row_and_each_link_says_what_it_is(tmp_path):
    files = [
        ("demo.xlsx", "Workbook"),
        ("csv-excel/units.csv", "Units: CSV for Excel"),
        ("csv/units.csv", "Units: CSV"),
        ("parquet/units.parquet", "Units: Parquet"),
        ("hubverse/hub-config/admin.json", "Forecasts in the hubverse format, hub-config/admin.json"),
        ("hubverse/hub-config/tasks.json", "Forecasts in the hubverse format, hub-config/tasks.json"),
    ]
    links = [
        {"href": f"downloads/{path}", "name": path.rsplit("/")[-1], "about": about, "size": "1 kB"}
        for path, about in files
    ]
    html = index_of(make_run(TREE), [], tmp_path, language="en", downloads=links)
    section = html[html.index('<section id="downloads"') :]
    assert [path for path, _about in files] == re.findall(r'href="downloads/([^"]+)"', section)
    assert section.count("<tr>") == 1 + 3  # the head, the workbook, the units, the hubverse files
    assert ">CSV for Excel</a>" in section and ">CSV</a>" in section and ">admin.json</a>" in section
