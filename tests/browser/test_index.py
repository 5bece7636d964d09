"""The index's instant search, from a file, with and without diacritics, by keyboard, and without scripts."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def index(sites, open_page):
    return open_page(sites["vi"]["site"] / "index.html")


def shown(page):
    return [one.inner_text() for one in page.locator("#tree li:visible > :first-child").all()]


def test_it_opens_with_every_unit_and_an_empty_search(index):
    assert len(shown(index)) == 156
    assert index.locator("#search-count").inner_text() == "Hiện 156/156 đơn vị"


@pytest.mark.parametrize("typed", ["hoa nguong", "Hoà Ngưỡng", "HOÀ NGƯỠNG", "  nguong   hoa ", "099001"])
def test_a_unit_is_found_with_and_without_diacritics_by_name_or_code(index, typed):
    index.locator("#search-box").type(typed)
    assert "Xã Hoà Ngưỡng" in shown(index)
    assert shown(index)[0] == "Tỉnh Mô Phỏng"  # what stands above it in the tree stays
    assert index.locator("#search-count").inner_text() == "Hiện 1/156 đơn vị"


def test_d_with_a_stroke_is_a_d(index):
    index.locator("#search-box").type("dong quynh")
    assert any("Đồng Quỳnh" in one for one in shown(index))


def test_decomposed_letters_are_the_same_letters(index):
    index.locator("#search-box").type("Hoa\u0300 Ngưỡng")
    assert "Xã Hoà Ngưỡng" in shown(index)


def test_nothing_found_says_so_and_clearing_brings_all_back(index):
    index.locator("#search-box").fill("không có nơi này")
    assert shown(index) == [] and index.locator("#search-count").inner_text() == "Hiện 0/156 đơn vị"
    index.locator("#search-box").fill("")
    assert len(shown(index)) == 156


def test_marks_of_pattern_languages_are_only_letters(index):
    for typed in (".*", "[", "\\", "<script>", "(", "\u202e"):
        index.locator("#search-box").fill(typed)
        assert index.seen["errors"] == []


def test_a_found_unit_opens_by_keyboard_alone(index):
    index.locator("#search-box").focus()
    index.keyboard.type("hoa nguong")
    for _ in range(6):
        index.keyboard.press("Tab")
        if index.evaluate("document.activeElement.textContent") == "Xã Hoà Ngưỡng":
            break
    index.keyboard.press("Enter")
    index.wait_for_url("**/units/099001.html")
    assert "Xã Hoà Ngưỡng" in index.locator("h1").inner_text()


def test_without_scripts_the_index_is_whole_and_has_no_dead_search(sites, open_page):
    page = open_page(sites["vi"]["site"] / "index.html", scripts=False)
    assert len(shown(page)) == 156 and not page.locator("#search").is_visible()


def test_pages_that_failed_stand_with_their_reason(sites, open_page):
    page = open_page(sites["vi"]["site"] / "failed/index.html")
    rows = page.locator("#not-updated tbody tr").all_inner_texts()
    assert len(rows) == 2 and "ValueError · " in rows[0] and "cell 5" not in rows[0] and "giữ bản trước" in rows[0]
    assert "scorecard.html" in rows[1] and "chưa có trang" in rows[1]
