import pytest
from tests.publishing.test_exporter import page_of

from analysis.publishing.chrome import marked_not_updated, without_notice
from analysis.publishing.sanitise import check_page


@pytest.fixture
def page():
    return page_of("1", context={"cutoff": "2026-Q2"})


def test_the_old_page_says_that_it_is_not_updated_and_what_kind_of_error_it_was(page):
    after = marked_not_updated(page, kind="Odd<Error>", reference="1a2b3c4d")
    assert "<strong>Not updated</strong>" in after and "Figures up to Q2 2026." in after
    assert "<p>Error: Odd&lt;Error&gt;; reference: 1a2b3c4d</p>" in after
    assert check_page(after, where="p", language="en") == []
    start, end = after.index('<div class="notice"'), after.index("</div>\n", after.index('<div class="notice"')) + 7
    assert after[:start] + after[end:] == page == without_notice(after)


def test_a_second_failure_replaces_the_first_notice(page):
    once = marked_not_updated(page, kind="First", reference="1")
    twice = marked_not_updated(once, kind="Second", reference="2")
    assert twice.count("data-notice") == 1 and "Second" in twice and "First" not in twice


@pytest.mark.parametrize("content", ["", "<html>", "<!DOCTYPE html>\n<html lang='vi'><body></body></html>"])
def test_what_is_no_page_of_ours_is_not_marked(content):
    assert marked_not_updated(content, kind="x", reference="1") == ""


def test_a_page_that_was_cut_off_is_not_marked(page):
    assert marked_not_updated(page[:-20], kind="x", reference="1") == ""


def test_a_vietnamese_page_is_marked_in_vietnamese(page):
    text = marked_not_updated(page.replace('<html lang="en">', '<html lang="vi">'), kind="x", reference="1")
    assert "<strong>Chưa cập nhật</strong>" in text and "<p>Lỗi: x; mã tham chiếu: 1</p>" in text
    assert "Số liệu đến quý II/2026." in text
