"""Surprises that nearly all units share: the overview's sentences, recomputed from the tables with pandas only."""

import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup

pytestmark = pytest.mark.slow
SENTENCE = re.compile(
    r"^(?P<name>.+): (?:cả (?P<all>[\d.]+)|(?P<k>[\d.]+)/(?P<n>[\d.]+)) số liệu mới nhất (?P<side>thấp|cao) hơn "
    r"dự báo quý trước, thường (?:thấp|cao) hơn (?P<size>[\d.,]+)(?:%| điểm phần trăm| [^(]+)? \([^)]+\)\.$"
)


def number(text):
    return float(text.replace(".", "").replace(",", "."))


def printed(html):
    """Indicator's name -> figures on the side, figures in all, side, typical difference; as the page has them."""
    found = {}
    for item in BeautifulSoup(html, "html.parser").find_all("li"):
        if said := SENTENCE.match(item.get_text()):
            k, n = said["k"] or said["all"], said["n"] or said["all"]
            found[said["name"]] = (number(k), number(n), said["side"], number(said["size"]))
    return found


def recomputed(tables):
    read = lambda name: pd.read_parquet(tables / f"{name}.parquet")
    seen, before = read("observations"), read("previous_forecasts")
    seen = seen.sort_values(["period", "vintage"]).groupby(["unit", "indicator", "period"]).tail(1)
    median = before[before["quantile_level"].between(0.499, 0.501)]
    both = seen.merge(median, on=["unit", "indicator", "period"]).merge(read("units"), on="unit")
    both = both.sort_values("period").groupby(["unit", "indicator"]).tail(1).merge(read("indicators"), on="indicator")
    found = {}
    for (name, _level), rows in both.groupby(["name_vi", "level"]):
        off = rows["value"] - rows["predicted"]
        for side, mine in (("thấp", rows[off < -1e-9]), ("cao", rows[off > 1e-9])):
            if len(rows) < 10 or len(mine) < 0.9 * len(rows) or len(rows) <= found.get(name, (0, 0))[1]:
                continue
            size = (mine["value"] - mine["predicted"]).abs()
            kind = rows["kind"].iloc[0]
            size = 100 * size / mine["predicted"] if kind == "count" else 100 * size if kind == "rate" else size
            found[name] = (len(mine), len(rows), side, round(float(size.median()), 1))
    return found


def test_the_overview_names_the_surprises_that_the_tables_hold(demo_run):
    found = recomputed(demo_run / "current/tables")
    html = (demo_run / "site/overview.html").read_text(encoding="utf-8")
    assert printed(html) == found
    books = found["Số sổ sức khỏe điện tử tích hợp trên VNeID (cộng dồn)"]
    assert books == (133, 133, "thấp", 7.4)


def test_a_planted_wrong_number_is_found(demo_run):
    found = recomputed(demo_run / "current/tables")
    html = (demo_run / "site/overview.html").read_text(encoding="utf-8")
    for right, wrong in (("cả 133 số liệu", "cả 134 số liệu"), ("thường thấp hơn 7,4%", "thường thấp hơn 3,0%")):
        assert right in html
        assert printed(html.replace(right, wrong, 1)) != found
    item = next(one for one in re.findall(r"<li>.*?</li>", html, re.DOTALL) if "số liệu mới nhất" in one)
    assert printed(html.replace(item, "", 1)) != found  # a surprise that is left out
