"""An analyst's way: JupyterLab in a real browser, `explore.ipynb` opened, run whole, a unit chosen."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
START = 90  # seconds that a busy machine may need to start the server or a kernel


@pytest.fixture
def lab(tmp_path, demo_run):
    """JupyterLab on copies of the notebooks next to a finished run; yields its address."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    (tmp_path / "outputs").symlink_to(demo_run.parent)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "HOME": str(tmp_path)}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START
        while True:
            try:
                urllib.request.urlopen(f"{address}/api", timeout=2).close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < until, "JupyterLab did not start"
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def test_explore_runs_in_jupyterlab_and_answers_when_a_unit_is_chosen(lab, chromium):
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{lab}/lab/tree/notebooks/explore.ipynb", timeout=START * 1000)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=START * 1000)
    page.wait_for_selector('.jp-NotebookPanel-toolbar [data-status="idle"]', state="attached", timeout=START * 1000)
    page.get_by_text(re.compile(r"\| Idle$")).first.wait_for(timeout=START * 1000)
    page.wait_for_timeout(3000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text(re.compile(r"^Run All Cells$")).first.click()
    dialog = page.get_by_role("button", name="Select", exact=True)
    page.wait_for_timeout(2000)
    if dialog.count():  # JupyterLab asks when a notebook is run before its session is known
        dialog.first.click()
        page.get_by_text(re.compile(r"\| Idle$")).first.wait_for(timeout=START * 1000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text(re.compile(r"^Run All Cells$")).first.click()
    choices = page.locator(".jp-OutputArea .widget-dropdown select")
    choices.first.wait_for(timeout=START * 1000)
    page.locator(".jp-OutputArea svg").first.wait_for(timeout=START * 1000)
    assert page.locator(".jp-OutputArea [data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    before = page.locator(".jp-OutputArea").all_inner_texts()
    other = choices.first.locator("option").nth(3).inner_text()
    choices.first.select_option(index=3)
    name = other.split("·")[-1].strip()
    page.locator(".jp-OutputArea", has_text=name).first.wait_for(timeout=START * 1000)
    page.wait_for_timeout(2000)
    assert page.locator(".jp-OutputArea").all_inner_texts() != before
    page.screenshot(path=os.environ.get("CANDICH_LAB_PICTURE", os.devnull) or None, type="png")
    page.close()
