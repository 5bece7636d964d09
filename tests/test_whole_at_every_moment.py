"""Two quarters of a small project: what readers see while the second is made, and whether any altered byte is named."""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from tests.crash_points import write_project

import analysis as cd
from analysis.publishing.forks import can_fork
from analysis.publishing.verify import FILES, altered_files, listed_files
from analysis.records import current_run

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not can_fork(), reason="needs fork")]


def start(folder, *arguments):
    command = [sys.executable, "-m", "analysis", *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def candich(folder, *arguments, code=0):
    process = start(folder, *arguments)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == code, said
    return said


def run(folder, *arguments, code=0):
    return candich(folder, "run", "params/country.yml", *arguments, code=code)


@pytest.fixture(scope="module")
def first_quarter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    write_project(folder)
    run(folder, "--period", "2026-06")
    return folder


@pytest.fixture
def project(first_quarter, tmp_path):
    return shutil.copytree(first_quarter, tmp_path / "project", symlinks=True)


@pytest.fixture(scope="module")
def finished(first_quarter, tmp_path_factory):
    folder = shutil.copytree(first_quarter, tmp_path_factory.mktemp("second") / "project", symlinks=True)
    run(folder)
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(project):
    handler = functools.partial(Quiet, directory=project / "outputs/country/site")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_readers_see_the_old_run_or_the_new_one_all_the_while(project, served):
    top = project / "outputs/country"
    old = current_run(top)
    pages = [path.relative_to(old / "site").as_posix() for path in sorted((old / "site").rglob("*.html"))]
    got, loaded = {page: set() for page in pages}, []
    process, end = start(project, "run", "params/country.yml"), float("inf")
    while time.monotonic() < end:
        if end == float("inf") and process.poll() is not None:
            end = time.monotonic() + 0.5
        for page in pages:
            with urllib.request.urlopen(f"{served}/{page}", timeout=10) as response:
                got[page].add(response.read())
        found = cd.load_run(top)
        loaded.append((found.manifest["cutoff"], set(found.assessments["cutoff"]), set(found.forecasts["cutoff"])))
    assert process.wait() == 0, process.stdout.read()
    new = current_run(top)
    assert new != old and altered_files(old) == altered_files(new) == []
    for page in pages:
        assert got[page] == {(run / "site" / page).read_bytes() for run in (old, new)}, page
    assert {cutoff for cutoff, *_ in loaded} == {"2026-06", "2026-09"}
    assert all(assessed == forecast == {cutoff} for cutoff, assessed, forecast in loaded)
    assert [cutoff for cutoff, *_ in loaded] == sorted(cutoff for cutoff, *_ in loaded)


def alter(path):
    """Another byte in the middle; gives what was there."""
    before = path.read_bytes()
    content = bytearray(before)
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    return before


def test_one_byte_altered_in_any_stored_or_published_file_is_named(finished):
    run = current_run(finished / "outputs/country")
    files = [*listed_files(run), run / FILES]
    kinds = {path.relative_to(run).parts[0] for path in files}
    assert {"tables", "notebooks", "site", "manifest.json", "country.zip", "params.yml", FILES} <= kinds
    missed = []
    for path in files:
        before = alter(path)
        named = [name for name, _ in altered_files(run)]
        path.write_bytes(before)
        if path.relative_to(run).as_posix() not in named:
            missed.append(path)
    assert missed == [] and altered_files(run) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("country.zip", 1),
        ("site/downloads/*.xlsx", 1),
        ("site/index.html", 1),
        ("site/quarters/*/index.html", 1),
        ("notebooks/units/*.ipynb", 1),
        ("tables/assessments.parquet", 2),
    ],
)
def test_candich_verify_names_the_altered_file(finished, name, code):
    run = current_run(finished / "outputs/country")
    path = sorted(run.glob(name))[0]
    before = alter(path)
    said = candich(finished, "verify", "outputs/country", code=code)
    path.write_bytes(before)
    assert path.relative_to(run).as_posix() in said


def test_an_altered_page_is_not_archived_as_the_last_quarter(project):
    old = current_run(project / "outputs/country")
    path = sorted((old / "site").rglob("units/*.html"))[0]
    before = alter(path)
    said = run(project, code=1)
    assert path.name in said and "Put the file back" in said
    assert current_run(project / "outputs/country") == old
    path.write_bytes(before)
    run(project)
    kept = current_run(project / "outputs/country") / "site/quarters/2026-06/units" / path.name
    body = lambda html: html.split('<main id="content" tabindex="-1">\n')[1]
    notice = re.compile(r'<div class="notice" role="note" data-notice="earlier-quarter">.*?</div>\n')
    assert notice.sub("", body(kept.read_text(encoding="utf-8"))) == body(before.decode())
    assert os.readlink(project / "outputs/country/site") == "current/site"
