"""A small site in both languages, and a real headless Chromium without a network to look at it."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tests.publishing.conftest import run_clean

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
AXE = ROOT / "tests/browser/node_modules/axe-core/axe.min.js"
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
UNITS = ("099", "099S01", "099001", "099018")  # the province, a department, a commune, one with tiny denominators
MAKE_SITE = """
import json, shutil, sys
from pathlib import Path
from analysis import records
from analysis.publishing.jobs import PageResult
from analysis.publishing.chrome import marked_not_updated
from analysis.publishing.site import page_jobs
from analysis.publishing.page_maker import PageMaker
from analysis.publishing.publish import publish_pages
from analysis.publishing.site import build_site, page_name
from analysis.words.files import json_text
out, root, stored, units = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4].split(",")
run_dir = records.find_run(stored)
made = {}
for language in ("vi", "en"):
    here = out / language
    shutil.copytree(run_dir / "tables", here / "tables")
    manifest = records.read_manifest(run_dir / "manifest.json")
    manifest["params"]["language"] = language
    (here / "manifest.json").write_text(json_text(manifest))
    tables = records.load_run(here)
    jobs = page_jobs(tables, root=root, run_dir=here)
    jobs = [job for job in jobs if not job.unit or job.unit in units]
    with PageMaker(n_jobs=2) as maker:
        results = publish_pages(jobs, building=here, previous=None, maker=lambda: maker)
    bad = [one.reason for one in results if one.status != "published"]
    assert not bad, bad
    site = here / "site"
    build_site(tables, results, site, language)
    marked = site / page_name(units[-1])
    marked.write_text(marked_not_updated(marked.read_text(), kind="ValueError", reference="1f3a77c2"))
    failed = [
        PageResult(page_name(units[-1]), units[-1], "n.ipynb", "failed", kind="ValueError", kept=True),
        PageResult("scorecard.html", "", "scorecard.ipynb", "failed", kind="KeyError"),
    ]
    (site / "failed").mkdir()
    for one in ["units", *(job.page for job in jobs if not job.unit and job.page != "scorecard.html")]:
        (site / "failed" / one).symlink_to(site / one)
    bad = {one.page for one in failed}
    build_site(tables, [*(one for one in results if one.page not in bad), *failed], site / "failed", language)
    names = sorted(one.page for one in results) + ["index.html", "failed/index.html"]
    made[language] = {"site": str(site), "pages": names}
print(json.dumps(made))
"""


@pytest.fixture(scope="session")
def sites(made_once, request):
    """Language to its site; ``CANDICH_BROWSER_RUN`` names a finished run to take instead of a fresh one."""
    stored = os.environ.get("CANDICH_BROWSER_RUN") or request.getfixturevalue("demo_run")
    _folder, said = made_once("sites", lambda folder: _make_sites(folder, stored))
    return {language: one | {"site": Path(one["site"])} for language, one in json.loads(said).items()}


def _make_sites(folder, stored):
    return json.dumps(run_clean(MAKE_SITE, folder, ROOT, stored, ",".join(UNITS), cwd=ROOT, timeout=900))


def _missing(said):
    """A machine that has no browser skips; continuous integration, which installs one, fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)


@pytest.fixture(scope="module")
def chromium():
    """A browser for one file of tests: Playwright's event loop must not outlive it, other tests start loops too."""
    if CHROMIUM is None:
        _missing("Debian's chromium is not installed: sh .ci/browser.sh")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open a file; every request, console message and error is kept on the page as ``seen``."""
    contexts = []

    def opened(path, *, width=1280, height=900, media=None, scheme="light", scripts=True):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        page = context.new_page()
        page.seen = {"requests": [], "console": [], "errors": []}
        page.on("request", lambda request: page.seen["requests"].append(request.url))
        page.on("console", lambda message: page.seen["console"].append(message.text))
        page.on("pageerror", lambda error: page.seen["errors"].append(str(error)))
        if media:
            page.emulate_media(media=media, color_scheme=scheme)
        page.goto(Path(path).as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def axe():
    if not AXE.is_file():
        _missing("axe-core is not installed: npm ci --prefix tests/browser")
    return AXE.read_text(encoding="utf-8")


def violations(page, axe, *, without=(), only=()):
    """What axe-core finds against WCAG 2.2 A and AA and its own best practices, or by some rules, as short lines."""
    page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    rules = {"type": "rule", "values": list(only)} if only else {"type": "tag", "values": tags}
    options = {"runOnly": rules, "rules": {one: {"enabled": False} for one in without}}
    found = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    return [_line(one) for one in found["violations"]]


def _line(found):
    first = found["nodes"][0]
    return f"{found['id']} ({len(found['nodes'])}): {first['html'][:160]} | {first.get('failureSummary', '')[:200]}"
