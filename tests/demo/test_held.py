"""Statuses kept from the quarter before: the overview's counts, recomputed from probabilities and cut points."""

import json
import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup

pytestmark = pytest.mark.slow


def by_probability_alone(row):
    if row["settled"]:
        return "met" if row["p_attain"] == 1 else "missed"
    if row["status"] == "not_assessable":
        return "not_assessable"
    if row["p_attain"] >= 0.8:
        return "holding" if row["attained_now"] else "on_track"
    return "likely" if row["p_attain"] >= 0.5 else "at_risk" if row["p_attain"] >= 0.2 else "unlikely"


def counts_of(table):
    good = lambda column: int(column.isin(["met", "holding", "on_track"]).sum())
    alone = table.apply(by_probability_alone, axis=1)
    return [int((alone != table["status"]).sum()), len(table), good(alone), len(table), good(table["status"])]


def printed(html):
    text = BeautifulSoup(html, "html.parser").get_text(" ")
    said = re.search(
        r"([\d.]+)/([\d.]+) trạng thái được giữ.*?có ([\d.]+)/([\d.]+) lượt chỉ tiêu.*?hiện là ([\d.]+)",
        text,
        re.DOTALL,
    )
    return [int(number.replace(".", "")) for number in said.groups()]


def test_the_overview_counts_held_statuses_and_both_headlines(demo_run):
    table = pd.read_parquet(demo_run / "current/tables/assessments.parquet")
    html = (demo_run / "site/overview.html").read_text(encoding="utf-8")
    assert printed(html) == counts_of(table) and printed(html)[0] > 50
    assert (table.apply(by_probability_alone, axis=1) == table["cut_status"]).all()
    forged = table.assign(status=table["status"].mask(table.index == 0, "missed"))
    assert printed(html) != counts_of(forged)  # the check can fail


def test_each_held_row_says_so_on_its_unit_page(demo_run):
    table = pd.read_parquet(demo_run / "current/tables/assessments.parquet")
    held = set(table.loc[table["cut_status"] != table["status"], "unit"])
    pages = json.loads((demo_run / "current/pages.json").read_text(encoding="utf-8"))
    units = {page["unit"]: page["page"] for page in pages if page["unit"]}
    assert held and held < set(units)
    for unit, page in units.items():
        text = BeautifulSoup((demo_run / "site" / page).read_text(encoding="utf-8"), "html.parser").get_text()
        assert ("trạng thái giữ theo quý trước" in text) == (unit in held), unit
