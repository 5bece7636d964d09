import pytest
from tests.publishing.test_exporter import page_of

from analysis.publishing.notice import mark_not_updated
from analysis.publishing.proof import check_page


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(page_of("1", context={"cutoff": "2026-Q2"}), encoding="utf-8")
    return path


def test_the_old_page_says_that_it_is_not_updated_and_why(page):
    before = page.read_text(encoding="utf-8")
    assert mark_not_updated(page, reason="cell 3 raised ValueError: <b>")
    after = page.read_text(encoding="utf-8")
    assert "<strong>Not updated</strong>" in after and "Figures up to Q2 2026." in after
    assert "cell 3 raised ValueError: &lt;b&gt;" in after
    assert check_page(after, where="p", language="en") == []
    start, end = after.index('<div class="notice"'), after.index("</div>\n", after.index('<div class="notice"')) + 7
    assert after[:start] + after[end:] == before


def test_a_second_failure_replaces_the_first_notice(page):
    mark_not_updated(page, reason="REASON ONE")
    mark_not_updated(page, reason="REASON TWO")
    text = page.read_text(encoding="utf-8")
    assert text.count("data-notice") == 1 and "REASON TWO" in text and "REASON ONE" not in text


@pytest.mark.parametrize("content", ["", "<html>", "<!DOCTYPE html>\n<html lang='vi'><body></body></html>"])
def test_what_is_no_page_of_ours_is_left_alone(tmp_path, content):
    path = tmp_path / "a.html"
    path.write_text(content, encoding="utf-8")
    assert not mark_not_updated(path, reason="x")
    assert path.read_text(encoding="utf-8") == content


def test_a_page_that_is_not_there_is_not_marked(tmp_path):
    assert not mark_not_updated(tmp_path / "a.html", reason="x")


def test_a_vietnamese_page_is_marked_in_vietnamese(page):
    text = page.read_text(encoding="utf-8").replace('<html lang="en">', '<html lang="vi">')
    page.write_text(text, encoding="utf-8")
    mark_not_updated(page, reason="x")
    assert "<strong>Chưa cập nhật</strong>" in page.read_text(encoding="utf-8")
    assert "Số liệu đến quý II/2026." in page.read_text(encoding="utf-8")
