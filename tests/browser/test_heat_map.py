"""The heat map in a browser: whole without scripts; sorted, filtered, searched with them, by mouse and keyboard."""

import pytest

from analysis.words.files import ascii_stem

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def overview(sites, open_page):
    return open_page(sites["vi"]["site"] / "overview.html")


def communes(page):
    return page.locator("table.heat").nth(1)


def names(page):
    return communes(page).locator("tbody tr:visible th").all_inner_texts()


def test_without_scripts_every_unit_and_status_stands_there(sites, open_page, overview):
    page = open_page(sites["vi"]["site"] / "overview.html", scripts=False)
    assert page.locator("table.heat tbody tr:visible").count() == 156
    assert names(page) == names(overview) and not page.locator("#heat-tools").is_visible()
    assert page.locator("table.heat thead button").count() == 0
    assert page.locator("table.heat thead th").first.inner_text() == "Đơn vị"


def test_a_column_sorts_from_the_worst_and_back_and_says_so(overview):
    button = communes(overview).locator("thead button").nth(1)
    head = communes(overview).locator("thead th").nth(1)
    order = ["không đạt", "khó", "nguy cơ", "chưa rõ", "có thể", "đúng", "giữ", "đạt"]

    def column():
        texts = communes(overview).locator("tbody tr td:nth-child(2)").all_inner_texts()
        return [order.index(one) for one in texts]

    before = column()
    button.click()
    assert head.get_attribute("aria-sort") == "ascending" and column() == sorted(before) != before
    button.click()
    assert head.get_attribute("aria-sort") == "descending" and column() == sorted(before, reverse=True)
    communes(overview).locator("thead button").first.click()
    assert head.get_attribute("aria-sort") is None
    plain = [ascii_stem(one) for one in names(overview)]
    assert plain == sorted(plain)


def test_the_last_column_sorts_by_share_and_keeps_ties_in_their_order(overview):
    communes(overview).locator("thead button").last.click()
    texts = communes(overview).locator("tbody td:last-child").all_inner_texts()  # "3/16"
    shares = [int(one.split("/")[0]) / int(one.split("/")[1]) for one in texts]
    assert shares == sorted(shares)


def test_a_name_is_found_without_diacritics_and_a_status_filters(overview):
    overview.locator("#heat-tools input").fill("dong lam")
    assert overview.locator("table.heat tbody tr:visible th").all_inner_texts() == ["Xã Đồng Lẫm"]
    assert overview.locator("#heat-tools output").inner_text() == "Hiện 1/156 đơn vị"
    assert overview.locator("table.heat caption:visible").count() == 1  # levels without a hit go
    overview.locator("#heat-tools input").fill("")
    overview.locator("#heat-tools select").select_option("n")
    shown = overview.locator("table.heat tbody tr:visible")
    assert 0 < shown.count() < 156
    assert all("chưa rõ" in one for one in shown.all_inner_texts())


def test_all_of_it_works_from_the_keyboard_alone(overview):
    overview.locator("#heat-tools input").focus()
    overview.keyboard.type("dong lam")
    overview.keyboard.press("Tab")
    assert overview.evaluate("document.activeElement.tagName") == "SELECT"
    overview.keyboard.press("Tab")
    assert overview.evaluate("document.activeElement.tagName") == "BUTTON"
    overview.keyboard.press("Enter")
    assert communes(overview).locator("thead th").first.get_attribute("aria-sort") == "ascending"
    assert overview.seen["errors"] == [] and overview.seen["console"] == []


def test_paper_repeats_the_head_of_the_heat_map_and_numbers_its_pages(overview, tmp_path):
    import re
    import subprocess

    overview.pdf(path=tmp_path / "a.pdf", prefer_css_page_size=True, tagged=True)
    told = subprocess.run(["pdftotext", "-raw", tmp_path / "a.pdf", "-"], capture_output=True, check=True)
    sheets = told.stdout.decode("utf-8").split("\f")[:-1]
    n = len(sheets)
    assert n > 3 and all(re.search(rf"(?<!\d){at} / {n}(?!\d)", one) for at, one in enumerate(sheets, start=1))
    of_units = [one for one in sheets if one.count("\nXã ") > 20]
    assert len(of_units) >= 2
    assert all("Đơn vị" in one and "E2E" in one and "PAY" in one for one in of_units)
