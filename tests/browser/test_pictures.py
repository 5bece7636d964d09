"""Each page type as a picture beside the one that was looked at and kept; Vietnam's stacked diacritics in a picture.

The pages are of the briefings' small simulated run, so that only layout, words and drawing can move a picture, not a
model. A picture is the first ``HEIGHT`` pixels of the page at half size, in DejaVu Sans (fonts-dejavu-core). Tolerance:
at most ``MAX_SHARE`` of the pixels may differ by more than ``MAX_STEP`` of 255 in any colour; a picture of another size
fails. ``CANDICH_PICTURES=write`` writes the pictures anew: look at them before they are committed.
"""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_output
from tests.browser.conftest import violations

from analysis import briefing
from analysis.publishing.exporter import BriefingExporter
from analysis.publishing.jobs import PageResult
from analysis.publishing.site import build_site, page_frame, page_name

sys.path.append(str(Path(__file__).parents[1] / "briefing"))
from factory import make_run  # noqa: E402
from test_maps import PROVINCES  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).parent / "pictures"
WIDTH, HEIGHT, SCALE = 1000, 2600, 0.5
MAX_SHARE, MAX_STEP = 0.001, 64
UNIT = "001"
NOTEBOOKS = {
    "overview.html": ("overview_briefing", briefing.overview_page),
    "forecast.html": ("forecast", briefing.forecast_page),
    "registry.html": ("registry", briefing.registry_page),
    "quality.html": ("data_quality", briefing.quality_page),
    "scorecard.html": ("scorecard", briefing.scorecard_page),
    page_name(UNIT): ("unit_briefing", briefing.unit_page),
}
PAGES = ["index.html", *NOTEBOOKS]
FONT = "* { font-family: 'DejaVu Sans' !important }"
CASES = [(name, language, look) for name in PAGES for language in ("vi", "en") for look in ("light",)]
CASES += [
    ("country.html", "vi", "light"),
    ("overview.html", "vi", "dark"),
    (page_name(UNIT), "vi", "dark"),
    (page_name(UNIT), "vi", "phone"),
]


@pytest.fixture(scope="module")
def run():
    return make_run()


@pytest.fixture(scope="module")
def country():
    """A run whose tree holds the 34 provinces: its overview has the tile map."""
    units = [("vn", "Việt Nam", "Viet Nam", "", "nation")]
    units += [(f"p{at:02d}", f"Tỉnh {name}", "", "vn", "province") for at, name in enumerate(PROVINCES)]
    return make_run(units=units, previous=False, extra=False)


@pytest.fixture(scope="module")
def site(run, country, tmp_path_factory):
    """Both languages' pages: the notebooks' own cells, the briefing room's fragments, the exporter's HTML."""
    folder = tmp_path_factory.mktemp("pictures")
    for language in ("vi", "en"):
        out = folder / language
        (out / "units").mkdir(parents=True)
        for name, (notebook, make) in NOTEBOOKS.items():
            unit = {"unit": UNIT} if notebook == "unit_briefing" else {}
            html = page_html(run, notebook, make(run, language=language, **unit), name=name, language=language, **unit)
            (out / name).write_text(html, encoding="utf-8")
        results = [PageResult(one, UNIT if "units/" in one else "", "n.ipynb", "published") for one in NOTEBOOKS]
        build_site(run, results, out, language)
        nation = briefing.overview_page(country, language=language)
        html = page_html(country, "overview_briefing", nation, name="overview.html", language=language)
        (out / "country.html").write_text(html, encoding="utf-8")
    return folder


def page_html(run, notebook, page, *, name, language, unit=""):
    """A page without a kernel: every ``page.part()`` cell gets what that part returns."""
    made = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4)
    for cell in made.cells:
        if cell.cell_type == "code" and cell.source.startswith("page."):
            fragment = getattr(page, cell.source.removeprefix("page.").removesuffix("()"))()
            cell.outputs = [new_output("execute_result", data=fragment._repr_mimebundle_())]
    frame = page_frame(run, page=name, language=language, pages=PAGES, unit=unit, cutoff="2026-09")
    return BriefingExporter().from_notebook_node(made, {"briefing": frame})[0]


def picture(chromium, path, look):
    """The page's upper part at half size, few colours, as an array."""
    from PIL import Image

    width = 360 if look == "phone" else WIDTH
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        device_scale_factor=SCALE if look != "phone" else 1,
        color_scheme="dark" if look == "dark" else "light",
    )
    page = context.new_page()
    page.goto(path.as_uri())
    page.add_style_tag(content=FONT)
    tall = min(page.evaluate("document.documentElement.scrollHeight"), HEIGHT)
    raw = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": tall})
    context.close()
    image = Image.open(io.BytesIO(raw)).convert("RGB")
    return image.quantize(32, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def differing(one, other):
    """Share of the pixels that differ by more than the step; 1 where the sizes differ."""
    a, b = (np.asarray(image.convert("RGB"), dtype=int) for image in (one, other))
    if a.shape != b.shape:
        return 1.0
    return float((np.abs(a - b).max(axis=2) > MAX_STEP).mean())


def need_font():
    listed = subprocess.run(["fc-list", ":family=DejaVu Sans"], capture_output=True, text=True) if FC else None
    if listed is None or not listed.stdout.strip():
        pytest.skip("the pictures are in DejaVu Sans: fonts-dejavu-core (apt-packages.txt)")


FC = shutil.which("fc-list")


@pytest.mark.parametrize(("name", "language", "look"), CASES)
def test_a_page_looks_as_it_did_when_it_was_looked_at(site, chromium, name, language, look):
    from PIL import Image

    need_font()
    made = picture(chromium, site / language / name, look)
    stem = Path(name).stem if "units/" not in name else "unit"
    kept = KEPT / f"{stem}-{language}-{look}.png"
    if os.environ.get("CANDICH_PICTURES") == "write":
        KEPT.mkdir(exist_ok=True)
        made.save(kept, optimize=True)
    assert kept.is_file(), f"no picture is kept: CANDICH_PICTURES=write, then look at {kept.name}"
    share = differing(made, Image.open(kept))
    if share > MAX_SHARE:
        made.save(Path(site) / kept.name)
    assert share <= MAX_SHARE, f"{share:.2%} of the picture differ; the new one: {site / kept.name}"


@pytest.mark.parametrize(
    "change",
    [
        ".status { background: #fff !important }",  # statuses lose their colour
        ".trajectory .r-history { stroke: none }",  # the observed line is gone
        "h2 { margin-top: 2.6rem }",  # everything moves down a little
        ".targets td:nth-child(4) svg { display: none }",  # no bullet graphs
    ],
)
def test_a_change_of_the_page_is_seen_in_its_picture(site, chromium, tmp_path, change):
    from PIL import Image

    need_font()
    path = site / "vi" / page_name(UNIT)
    changed = tmp_path / "changed.html"
    changed.write_text(path.read_text(encoding="utf-8").replace("</style>", change + "</style>", 1), encoding="utf-8")
    assert differing(picture(chromium, changed, "light"), Image.open(KEPT / "unit-vi-light.png")) > MAX_SHARE


PLACE = """html => { document.body.innerHTML = '<p id=here style="width:60px">' + html + '</p>' }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_map_of_provinces(site, open_page, axe, scheme):
    for language in ("vi", "en"):
        page = open_page(site / language / "country.html", scheme=scheme)
        assert page.locator(".tile").count() == 34
        assert violations(page, axe) == []


@pytest.mark.parametrize("width", [1280, 320])
def test_the_map_of_provinces_fits_its_screen(site, open_page, width):
    page = open_page(site / "vi/country.html", width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [one.bounding_box() for one in page.locator(".tile").all()]
    places = {(round(one["x"]), round(one["y"])) for one in boxes}
    assert len(places) == 34  # no tile lies on another


LETTERS = ["e", "ê", "é", "ế", "o", "ô", "ọ", "ộ", "u", "ư", "ũ", "ữ", "Ặ", "Ỗ", "ỷ", "\uffff"]


@pytest.mark.parametrize("place", ["p", "svg"])
def test_stacked_diacritics_are_drawn_letter_by_letter(site, chromium, place):
    """Each letter has a picture of its own, more ink than the letter under its mark, and is no empty box."""
    from PIL import Image

    context = chromium.new_context(viewport={"width": 400, "height": 200}, device_scale_factor=4)
    page = context.new_page()
    page.goto((site / "vi" / page_name(UNIT)).as_uri())
    drawn = {}
    for letter in LETTERS:
        svg = f"<svg class=chart width=60 height=40><text x=10 y=30>{letter}</text></svg>"
        page.evaluate(PLACE, svg if place == "svg" else letter)
        raw = page.locator("#here").screenshot()
        drawn[letter] = np.asarray(Image.open(io.BytesIO(raw)).convert("L"), dtype=int)
    context.close()
    ink = {letter: int((255 - image).sum()) for letter, image in drawn.items()}
    box = drawn["\uffff"]
    for at, one in enumerate(LETTERS[:-1]):
        assert ink[one] > 0 and (drawn[one].shape != box.shape or (drawn[one] != box).any()), one
        assert all((drawn[one] != drawn[other]).any() for other in LETTERS[:at]), one
    for plain, marked in (("e", "ê"), ("ê", "ế"), ("o", "ô"), ("ô", "ộ"), ("u", "ư"), ("ư", "ữ")):
        assert ink[marked] > 1.02 * ink[plain], marked
