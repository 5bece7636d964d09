"""Fewer bytes and the same tree: what HTML lets one leave out is left out, and nothing else."""

import re

import pytest
from bs4 import BeautifulSoup

from analysis.briefing.fragment import name_html, table, tag
from analysis.publishing.exporter import needed, policy, short_script, stylesheet
from analysis.publishing.lean import lean
from analysis.publishing.proof import check_page

PAGE = (
    '<!DOCTYPE html>\n<html lang="vi">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" '
    'content="x">\n<title>a</title></head><body><h1>a</h1>{}</body></html>'
)
SAMPLES = [
    str(table("Bảng", ["Đơn vị", "Số"], [["a", "1"], ["b<c", '"2"']], class_="data x", numeric={1})),
    str(table("Một cột", ["A"], [])),
    "<ul><li>a</li><li>b <b>c</b></li></ul><dl><div><dt>x</dt><dd>y</dd></div></dl>",
    '<figure><svg class="chart" viewBox="0 0 1 1"><path d="M1,2l3 4" class="r-grid"/></svg></figure>',
    str(tag("p", '=1+1 a="b"', class_="soft")),
]


@pytest.mark.parametrize("html", SAMPLES)
def test_no_text_and_no_element_is_lost(html):
    """That a browser builds the very same tree is asked of one in tests/browser."""
    before, after = (BeautifulSoup(one, "html.parser") for one in (html, lean(html)))
    names = lambda soup: [one.name for one in soup.find_all(True) if one.name != "bdi"]
    assert names(after) == names(before) and after.get_text() == before.get_text()
    assert len(lean(html)) <= len(html)


def test_cells_lose_their_ends_and_safe_values_their_quotes():
    made = lean(SAMPLES[0])
    assert "</td>" not in made and "</th>" not in made and "</tr>" not in made
    assert "scope=col" in made and 'class="data x"' in made and "class=num" in made
    assert "&#34;2&#34;" in made and "b&lt;c" in made  # what was escaped stays so


def test_drawings_and_ids_keep_their_quotes():
    assert lean(SAMPLES[3]) == SAMPLES[3]
    assert lean('<p id="a" class="b">c</p>') == '<p id="a" class=b>c</p>'


def test_only_latin_names_lose_their_isolation():
    assert lean(f"<p>{name_html('Xã Đắk Nhiễu')}</p>") == "<p>Xã Đắk Nhiễu</p>"
    arabic = f"<p>{name_html('القاهرة')}</p>"
    assert lean(arabic) == arabic


def test_the_proof_reads_left_out_ends_as_html_does_and_still_sees_broken_ones():
    check = lambda body: check_page(PAGE.format(body), where="p", language="vi")
    for html in SAMPLES:
        assert check(lean(html)) == []
    assert any("not closed" in str(one) for one in check("<table><tr><td><b>a</table>"))
    assert any("not closed" in str(one) for one in check("<div><ul><li>a</ul>"))
    assert any("closes nothing" in str(one) or "not closed" in str(one) for one in check("<p>a</p></td>"))


def test_a_page_has_the_rules_of_its_own_classes_and_no_others():
    css = needed(stylesheet(), '<table class="heat"><td class="u">')
    assert ".heat .u" in css and ".multiples" not in css and ".notice" in css and "@page" in css
    assert ".heat td:not(:last-child):not(.z)" in css  # what a rule must not have it need not find
    assert css.count("{") == css.count("}")
    every = {one for one in re.findall(r"\.([a-zA-Z][-\w]*)", stylesheet()) if not one[0].isdigit()}
    whole = needed(stylesheet(), f'<p class="{" ".join(sorted(every))}">')
    assert re.sub(r"\s+", "", whole) == re.sub(r"\s+", "", stylesheet())


def test_the_policy_allows_no_script_but_the_page_s_own():
    assert "script-src" not in policy("")
    script = short_script("heat.js")
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='$", policy(script))
    assert policy(script) != policy(script + " ")
    for name in ("heat.js", "figures.js", "search.js"):
        assert "</" not in short_script(name) and "innerHTML" not in short_script(name)


def test_what_looks_like_an_attribute_in_a_text_stays():
    assert lean('<p class="a">say class="b" here</p>') == '<p class=a>say class="b" here</p>'
