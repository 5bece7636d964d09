"""Every page type in both languages, in a real browser: access, reading on a phone, paper, no network."""

import subprocess
import unicodedata

import pytest
from tests.browser.conftest import violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LANGUAGES = ("vi", "en")


def each(sites, language):
    site = sites[language]
    return [(name, site["site"] / name) for name in site["pages"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_any_page(sites, open_page, axe, language):
    found = {name: violations(open_page(path), axe) for name, path in each(sites, language)}
    assert {name: one for name, one in found.items() if one} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_any_dark_page(sites, open_page, axe, language):
    """By the rules that look at colours: the page is the same else."""
    found = {}
    for name, path in each(sites, language):
        found[name] = violations(open_page(path, scheme="dark"), axe, only=["color-contrast", "link-in-text-block"])
    assert {name: one for name, one in found.items() if one} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_paper(sites, open_page, axe, language):
    """Without ``target-size``: nobody points at paper."""
    found = {}
    for name, path in each(sites, language):
        found[name] = violations(open_page(path, media="print", width=718), axe, without=["target-size"])
    assert {name: one for name, one in found.items() if one} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_leaves_a_page_and_nothing_is_complained_of(sites, open_page, language):
    for name, path in each(sites, language):
        page = open_page(path)
        outside = [one for one in page.seen["requests"] if not one.startswith(("file:", "data:"))]
        assert (name, outside, page.seen["console"], page.seen["errors"]) == (name, [], [], [])
        others = [one for one in page.seen["requests"] if one.startswith("file:") and one != path.as_uri()]
        assert (name, others) == (name, [])  # one file a page, usable alone when sent by mail


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_scrolls_sideways(sites, open_page, language):
    wide = {}
    for name, path in each(sites, language):
        page = open_page(path)
        for width in (320, 768):
            page.set_viewport_size({"width": width, "height": 900})
            needed = page.evaluate("document.documentElement.scrollWidth")
            if needed > width:
                wide[name, width] = needed
    assert wide == {}


def test_nothing_moves_whether_or_not_motion_is_to_be_reduced(sites, open_page):
    for name, path in each(sites, "vi"):
        page = open_page(path)
        for wish in ("no-preference", "reduce"):
            page.emulate_media(reduced_motion=wish)
            assert page.evaluate("document.getAnimations().length") == 0, name
            found = "[...document.querySelectorAll('*')].filter(one => parseFloat(getComputedStyle(one).{}))"
            assert page.evaluate(found.format("transitionDuration") + ".length") == 0, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_title_and_headings_are_in_order(sites, open_page, language):
    for name, path in each(sites, language):
        page = open_page(path, scripts=False)
        assert page.locator("html").get_attribute("lang") == language
        assert page.title().strip()
        levels = [int(one.evaluate("one => one.tagName[1]")) for one in page.locator("h1,h2,h3,h4").all()]
        assert levels[0] == 1 and levels.count(1) == 1, name
        assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:], strict=False)), (name, levels)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_leads_somewhere(sites, open_page, language):
    for name, path in each(sites, language):
        page = open_page(path)
        for link in page.locator("a[href]").all():
            href = link.get_attribute("href")
            target, _, anchor = href.partition("#")
            if target:
                goal = (path.parent / target).resolve()
                # the test's site has few of the units; tests/test_demo_run.py follows every link of a whole one
                unpublished = not goal.exists() and goal.parent.name == "units"
                assert goal.exists() or unpublished, (name, href)
            elif anchor:
                assert page.locator(f'[id="{anchor}"]').count() == 1, (name, href)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_tab_stop_skips_to_the_content_and_each_stop_is_seen(sites, open_page, language):
    for name, path in each(sites, language):
        page = open_page(path)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip-link", name
        assert page.locator(".skip-link").bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content", name
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", name


def letters(text):
    """A text without blanks and with composed letters: a PDF's reader takes accents and words apart as it likes."""
    return "".join(unicodedata.normalize("NFC", text).split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_paper_holds_the_whole_page_on_a4(sites, open_page, language, tmp_path):
    """Every cell and sentence that the printed page shows stands in the PDF; A4, tagged, its language set.

    Poppler reads the text: pypdf parts a letter from its mark where the font draws them as two glyphs.
    """
    import pypdf

    for name, path in each(sites, language):
        page = open_page(path, media="print", width=718)
        shown = page.evaluate(
            "[...document.querySelectorAll('h1,h2,.answer,caption,main th,main td,main li,figcaption b')]"
            ".filter(one => one.getClientRects().length && !one.closest('.heat')).map(one => one.innerText)"
        )
        page.pdf(path=tmp_path / "a.pdf", prefer_css_page_size=True, tagged=True)
        pdf = pypdf.PdfReader(tmp_path / "a.pdf")
        assert {tuple(round(float(one)) for one in sheet.mediabox[2:]) for sheet in pdf.pages} == {(595, 842)}, name
        assert pdf.trailer["/Root"]["/MarkInfo"]["/Marked"] and pdf.trailer["/Root"]["/Lang"].startswith(language), name
        told = ["pdftotext", "-raw", tmp_path / "a.pdf", "-"]
        text = letters(subprocess.run(told, capture_output=True, check=True).stdout.decode("utf-8"))
        parts = [letters(line) for one in shown for line in one.splitlines() if line.strip()]
        lost = [one for one in dict.fromkeys(parts) if one not in text]
        assert len(parts) > 20 and (name, lost[:5], len(lost)) == (name, [], 0)


def test_a_marked_page_says_so_at_the_top(sites, open_page):
    page = open_page(sites["vi"]["site"] / "units/099018.html")
    assert page.locator(".notice strong").inner_text() == "Chưa cập nhật"
    assert page.locator(".notice").bounding_box()["y"] < 400


def test_the_policy_stops_a_script_that_got_in_all_the_same(sites, open_page, tmp_path):
    whole = (sites["vi"]["site"] / "units/099001.html").read_text(encoding="utf-8")
    path = tmp_path / "forged.html"
    path.write_text(
        whole.replace("</main>", "<script>document.title='x'</script><img src='https://example.org/a'></main>")
    )
    page = open_page(path)
    assert page.title() != "x"
    assert any("Content Security Policy" in one for one in page.seen["console"])
