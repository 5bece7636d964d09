"""Units whose codes and names are code, paths, formulas or marks, through a whole run: text wherever they stand."""

import csv
import re
import subprocess
import sys

import openpyxl
import pandas as pd
import pytest
from benchmarks.country import write_country

from analysis.words.files import page_slug

ODD = [
    "<script>alert(1)</script>",
    '"; import os; os.system("touch hit") #',
    "../../etc/passwd",
    "=cmd|'/c calc'!A1",
    "x" * 10_000,
    "\u202egnp.exe",
    "con",
    "A/B\\C",
    "{{7*7}}",
    "${jndi:ldap}",
    "%00",
    "a\nb",
    "Đà Nẵng & <b>",
]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    params = write_country(folder, communes=16, provinces=2, indicators=1)
    text = params.read_text(encoding="utf-8")
    params.write_text(text.replace('"overview": true', '"overview": true, "downloads": true'), encoding="utf-8")
    units = pd.read_csv(folder / "data/units.csv", dtype=str, keep_default_na=False)
    odd = dict(zip(units["unit"].tolist()[-len(ODD) :], ODD))
    units["unit"] = units["unit"].map(lambda one: odd.get(one, one))
    for name in ("name", "name_en"):
        units[name] = units[name].where(~units["unit"].isin(ODD), units["unit"])
    units.to_csv(folder / "data/units.csv", index=False)
    path = folder / "data/observations.parquet"
    rows = pd.read_parquet(path)
    rows.assign(unit=rows["unit"].map(lambda one: odd.get(one, one))).to_parquet(path, index=False)
    command = [sys.executable, "-m", "analysis", "run", str(params)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, done


def test_every_unit_has_its_page_and_nothing_left_the_run(made):
    folder, _done = made
    pages = {path.stem for path in (folder / "outputs/country/site/units").glob("*.html")}
    assert {page_slug(one) for one in ODD} <= pages and len(pages) == 16 + 2 + 1
    assert {path.name for path in folder.iterdir()} == {"data", "notebooks", "outputs", "params"}
    assert {path.name for path in (folder / "outputs").iterdir()} == {"country"}


def test_on_every_page_they_are_text(made):
    site = made[0] / "outputs/country/site"
    for path in site.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        assert "<script>alert" not in html and "\u202e" not in html, path.name
        for href in re.findall(r'href="([^"]+)"', html):
            place = href.split("#")[0]
            assert not place or (path.parent / place).resolve().is_relative_to(site.resolve()), href
    page = (site / f"units/{page_slug(ODD[0])}.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_in_every_file_they_are_text(made):
    downloads = made[0] / "outputs/country/site/downloads"
    book = openpyxl.load_workbook(downloads / "country.xlsx", read_only=True)
    cells = [cell for sheet in book for row in sheet.iter_rows(max_row=60) for cell in row]
    formula = [cell for cell in cells if str(cell.value).startswith("=cmd")]
    assert formula and all(cell.data_type == "s" for cell in formula)
    assert not [cell for cell in cells if cell.data_type == "f"]
    tables = sorted(downloads.rglob("*.csv"))
    assert tables
    for path in tables:
        with open(path, encoding="utf-8-sig", newline="") as file:
            texts = {cell for row in csv.reader(file) for cell in row}
        assert not [one for one in texts if one.startswith(("=", "@", "\t", "\r"))], path.name


def test_in_the_log_they_move_nothing(made):
    _folder, done = made
    assert all(one.isprintable() or one in "\n\r" for one in done.stdout + done.stderr)
