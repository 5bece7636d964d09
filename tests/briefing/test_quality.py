"""Data quality: every finding counted and said with its values, freshness by hand."""

from dataclasses import replace

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.briefing import quality_page
from analysis.publishing.sanitise import is_clean
from analysis.words import schema
from analysis.words.schema import as_table

METHODS = ("title", "answer", "findings", "units", "freshness", "sources", "provenance", "end")


def soup(fragment):
    return BeautifulSoup(str(fragment.html), "html.parser")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_is_whole_and_clean_with_and_without_findings(run, language):
    for one in (
        run,
        replace(run, quality=schema.QUALITY.empty(), manifest={}, observations=schema.OBSERVATIONS.empty()),
    ):
        page = quality_page(one, language=language)
        html = "".join(str(getattr(page, name)().html) for name in METHODS)
        assert is_clean(html) and html.count("<h1") == 1


def test_the_answer_counts_by_gravity(run):
    assert quality_page(run, language="en").answer().text == (
        f"Figures used: {len(run.observations):,}; rejected: 1; to be checked: 3; notes: 1."
    )


def test_findings_are_grouped_grave_first_and_show_their_values(run):
    rows = soup(quality_page(run, language="en").findings()).tbody.find_all("tr")
    first = [one.get_text(" ", strip=True) for one in rows[0].find_all(["th", "td"])]
    assert first[:4] == ["Rejected", "the numerator is above the denominator", "1", "1"]
    assert "numerator 104, denominator 100 (row 7)" in first[4]
    assert [tr.th.text for tr in rows] == ["Rejected", "To be checked", "To be checked", "Note"]


def test_units_with_most_findings_come_first(run):
    rows = soup(quality_page(run, language="en").units()).tbody.find_all("tr")
    assert rows[0].th.text == "Ia Grai commune" and rows[0].td.text == "2"


def test_freshness_counts_units_and_filled_periods(run):
    two = pd.DataFrame(
        {
            "unit": ["001", "001", "002"],
            "indicator": "online",
            "period": ["2026-08", "2026-09", "2026-08"],
            "vintage": "v",
            "value": [0.1, 0.2, 0.3],
        }
    )
    page = quality_page(replace(run, observations=as_table(two, schema.OBSERVATIONS)), language="en")
    rows = {tr.th.text: [one.text for one in tr.find_all("td")] for tr in soup(page.freshness()).tbody.find_all("tr")}
    assert rows["Dossiers filed online"] == ["September 2026", "1/2", "75.0%"]
    assert rows["Dossiers digitised"] == ["–", "–", "–"]


def test_sources_come_with_rows_and_hash(run):
    cells = [one.text for one in soup(quality_page(run, language="en").sources()).tbody.find_all(["th", "td"])]
    assert cells == ["data/demo/online.csv", "480", "–", "–", "cdcdcdcdcdcdcdcd"]
