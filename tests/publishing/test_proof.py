import pytest

from analysis.publishing.sanitise import check_page

PAGE = (
    '<!DOCTYPE html>\n<html lang="vi"><head><meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">\n<title>T</title>'
    "<style>a > b { color: red }</style></head>\n"
    '<body><h1 id="a">Đề án</h1><p>1 &lt; 2<br></p><svg viewBox="0 0 1 1"><path d="M0"/></svg></body></html>\n'
)
BROKEN = {
    "the page does not begin and end as an HTML document": PAGE.replace("</html>", ""),
    "the page does not say that its language is 'vi'": PAGE.replace('lang="vi"', 'lang="en"'),
    "the page has no title": PAGE.replace("<title>T</title>", "<title> </title>"),
    "the page has no content policy": PAGE.replace("Content-Security-Policy", "refresh"),
    "<p> is not closed before </body>": PAGE.replace("</p>", ""),
    "<body> is not closed before </p>": PAGE.replace("<p>", ""),
    "</p> closes nothing that is open": PAGE.replace("</html>", "</html></p></html>"),
    "<td> is not closed before </tr>": PAGE.replace("<p>", "<table><tr><td>a</tr></table><p>"),
    "the id 'a' occurs on the page twice": PAGE.replace("<p>", '<p id="a">'),
    "the page has 2 main headings instead of one": PAGE.replace("<p>", "<h1>x</h1><p>"),
    "the page has 0 main headings instead of one": PAGE.replace("h1", "h2"),
}


def test_a_whole_page_passes():
    assert check_page(PAGE, where="p", language="vi") == []


@pytest.mark.parametrize("found", BROKEN)
def test_a_broken_page_does_not(found):
    problems = check_page(BROKEN[found], where="units/a.html", language="vi")
    assert any(found in one.found for one in problems), problems


@pytest.mark.parametrize(
    "piece",
    [
        '<img src="https://x.example/a.png">',
        '<link rel="stylesheet" href="//x.example/a.css">',
        "<script src=http://x.example/a.js></script>",
        '<a href="https://x.example/">x</a>',
    ],
)
def test_a_page_never_points_outside_itself(piece):
    (problem,) = check_page(PAGE.replace("<p>", f"<p>{piece}"), where="p", language="vi")
    assert problem.found.startswith("the page points outside itself")


def test_a_page_that_ran_away_is_refused():
    (problem,) = check_page(PAGE.replace("Đề án", "x" * 900), where="p", language="vi", max_bytes=1000)
    assert problem.found == "the page has more than 1000 bytes"
