"""The registry: exact sentences, sources, states, daggers; nothing invented."""

from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from analysis.briefing import registry_page, unit_page
from analysis.publishing.sanitise import is_clean
from analysis.registry.indicators import read_indicators
from analysis.registry.targets import read_targets, targets_table
from analysis.registry.units import read_units
from analysis.words import schema

ROOT = Path(__file__).parents[2]
METHODS = ("title", "answer", "promises", "inferred", "indicators", "provenance", "end")


def soup(fragment):
    return BeautifulSoup(str(fragment.html), "html.parser")


def row_of(page, code):
    return next(tr for tr in soup(page.promises()).tbody.find_all("tr") if code == tr.th.find(class_="soft").text)


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
    assert listed["Quota of VNeID accounts"] == "“at least” or “more than” and deadline"


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


@pytest.fixture(scope="module")
def real():
    """The registry of Đề án 06 as it is shipped, on a page."""
    indicators = read_indicators(ROOT / "data/reference/indicators_de_an_06.yml")
    units = read_units(ROOT / "data/reference/units_provinces_2025-06.csv")
    targets = read_targets(ROOT / "params/targets/de-an-06.yml", indicators=indicators, units=units)
    return targets_table(targets), indicators, units


@pytest.mark.parametrize(
    ("code", "goal"),
    [
        ("GL-ONL-60", "trên 60% ở mọi kỳ từ tháng 9/2023"), ("GL-VNEID-50", "tối thiểu 50% vào tháng 12/2023"),
        ("VN-TASK-2022", "hoàn thành cả 126 nhiệm vụ vào tháng 12/2022"), ("VN-ESS-25", "đủ cả 25 mục trong danh mục"),
        ("VN-422-29", "đủ cả 29 mục trong danh mục vào tháng 12/2022"),
        ("GL-2025", "đạt toàn bộ chỉ tiêu vào tháng 12/2025"),
        ("GL-DX-12", "đạt cả 12 chỉ tiêu vào tháng 12/2024"), ("TQ-766", "nâng hạng (văn bản không nêu số)"),
        ("TQ-766-C", "tăng (văn bản không nêu số)"), ("GL-E2E-100", "đủ toàn bộ danh mục vào tháng 12/2025"),
        ("GL-FULL-80", "tối thiểu 80% vào tháng 12/2025"), ("GL-INT-50a", "−50% so với mốc gốc"),
        ("GL-ESS", "đủ toàn bộ danh mục, sau khi bộ, ngành triển khai thực hiện"),
        ("GL-ZERO", "giảm (văn bản không nêu số)"),
    ],
)  # fmt: skip
def test_the_real_registry_says_what_each_promise_asks(run, real, code, goal):
    targets, indicators, units = real
    page = registry_page(replace(run, targets=targets, indicators=indicators, units=units), language="vi")
    row = row_of(page, code)
    shown = row.find_all("td")[1]
    shown.span.extract()  # the kind
    assert " ".join(shown.text.split()) == goal


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_inferred_field_of_the_real_registry_has_a_word(run, real, language):
    targets, indicators, units = real
    page = registry_page(replace(run, targets=targets, indicators=indicators, units=units), language=language)
    text = soup(page.inferred()).text
    assert soup(page.promises()).text.count("†") == targets["inferred"].ne("").sum() + 1  # and the caption
    assert not any(code in text for code in ("document_date", "_"))


def test_a_promise_that_was_replaced_names_its_successor_and_the_other_way(run):
    targets = run.targets.copy()
    targets.loc[targets.target == "LATE-5", ["replaces", "valid_from"]] = ["GL-FULL-80", "2026-01-15"]
    page = registry_page(replace(run, targets=targets), language="vi")
    assert "thay cho GL-FULL-80" in row_of(page, "LATE-5").th.text
    assert "được thay bằng LATE-5 từ 15/01/2026" in row_of(page, "GL-FULL-80").th.text
    unit = unit_page(replace(run, targets=targets), unit="001", language="vi")
    text = soup(unit.targets()).text
    assert "thay cho GL-FULL-80" in text and "được thay bằng LATE-5 từ 15/01/2026" in text
