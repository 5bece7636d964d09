"""The registry: exact sentences, sources, states, daggers; nothing invented."""

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup

from analysis.briefing import registry_page
from analysis.publishing.sanitise import is_clean
from analysis.words import schema

METHODS = ("title", "answer", "promises", "inferred", "indicators", "provenance", "end")


def soup(fragment):
    return BeautifulSoup(str(fragment.html), "html.parser")


def row_of(page, code):
    return next(tr for tr in soup(page.promises()).tbody.find_all("tr") if code in tr.th.text)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_is_whole_and_clean_with_and_without_targets(run, language):
    for one in (run, replace(run, targets=schema.TARGETS.empty(), indicators=schema.INDICATORS.empty())):
        page = registry_page(one, language=language)
        html = "".join(str(getattr(page, name)().html) for name in METHODS)
        assert is_clean(html) and html.count("<h1") == 1


def test_every_sentence_stands_exactly_as_in_its_source_and_says_its_language(run):
    quotes = soup(registry_page(run, language="en").promises()).find_all("blockquote")
    assert [one.text for one in quotes] == [one for one in run.targets.sort_values("order").sentence if one]
    assert {one["lang"] for one in quotes} == {"vi"}


def test_inferred_promises_carry_a_dagger_and_are_listed_with_their_fields(run):
    page = registry_page(run, language="en")
    assert "†" in row_of(page, "GL-FULL-80").th.text and "†" not in row_of(page, "LATE-5").th.text
    listed = {tr.th.text: tr.td.text for tr in soup(page.inferred()).tbody.find_all("tr")}
    assert listed["Quota of VNeID accounts"] == "at least or more than and deadline"


def test_the_state_counts_units_by_status(run):
    states = row_of(registry_page(run, language="en"), "GL-FULL-80").find_all("td")[-1].text
    counts = run.assessments[run.assessments.target == "GL-FULL-80"].status.value_counts()
    for status, n in counts.items():
        assert f"{n} {status.replace('_', ' ')}" in states


def test_a_promise_without_a_number_gets_none(run):
    page = registry_page(run, language="vi")
    assert "tăng (văn bản không nêu số)" in row_of(page, "DIG-UP").text
    assert "theo số giao từng đơn vị vào tháng 12/2026" in row_of(page, "GL-VNEID").text


def test_shares_of_a_quota_and_changes_are_not_read_as_counts(run):
    targets = run.targets.copy()
    targets.loc[targets.target == "GL-VNEID", "threshold"] = 1.0
    targets.loc[targets.target == "LATE-5", ["kind", "threshold"]] = ["relative_change", -0.5]
    page = registry_page(replace(run, targets=targets), language="vi")
    assert "100% số giao từng đơn vị vào tháng 12/2026" in row_of(page, "GL-VNEID").text
    assert "−50% so với mốc gốc vào tháng 12/2026" in row_of(page, "LATE-5").text


def test_indicators_come_with_definition_and_direction(run):
    text = soup(registry_page(run, language="en").indicators()).text
    assert "Dossiers filed online out of all dossiers received" in text
    assert "lower is better" in text and "higher is better" in text
