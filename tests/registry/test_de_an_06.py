"""The registry of Đề án 06: every promise of the source texts, word for word, with what is inferred marked.

The texts and the list of promises stand in ``../shared``, which the product does not contain. Without the folder the
tests that need it are left out; where ``CI=true`` they fail instead.
"""

import os
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from analysis.briefing.locale import number, percent, ratio
from analysis.registry.crosswalk import vietnam_crosswalk
from analysis.registry.entries import read_yaml
from analysis.registry.indicators import read_indicators
from analysis.registry.targets import check_joins, read_targets, targets_table
from analysis.registry.units import read_units
from registry.trees import vietnam_units

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "data" / "reference"
SHARED = ROOT.parent / "shared"
FILE = ROOT / "params" / "targets" / "de-an-06.yml"
ONLINE = {  # text -> promise or observation -> indicator: four different things called "online"
    "000": "online_filed",
    "001": "online_resolved",
    "004": "online_full",
    "004 (procedures)": "procedures_end_to_end",
}


@pytest.fixture(scope="module")
def indicators():
    return read_indicators(REFERENCE / "indicators_de_an_06.yml")


@pytest.fixture(scope="module")
def targets(indicators):
    units = read_units(REFERENCE / "units_provinces_2025-06.csv")
    return {one.target: one for one in read_targets(FILE, indicators=indicators, units=units)}


@pytest.fixture(scope="module")
def shared():
    if not (SHARED / "seeds").is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("the folder ../shared/seeds is missing, and CI=true")
        pytest.skip("the folder ../shared/seeds is missing")
    return SHARED


@pytest.fixture(scope="module")
def promises(shared):
    """Rows of domain.md section 3.1: code -> kind, number, sentence, text."""
    text = (shared / "domain.md").read_text(encoding="utf-8")
    section = text.split("### 3.1 Targets")[1].split("### 3.2")[0]
    rows, sentence = {}, ""
    for line in section.splitlines():
        cells = [one.strip() for one in line.strip().strip("|").split("|")]
        if len(cells) != 9 or cells[0] in ("id", "---"):
            continue
        quoted = re.search(r'"(.+)"', cells[7])
        sentence = quoted.group(1) if quoted else sentence  # "same sentence"
        codes = [cells[0]] if not cells[0].endswith("a/b") else [cells[0][:-2], cells[0][:-3] + "b"]
        rows |= {code: {"kind": cells[2], "op": cells[3], "sentence": sentence, "text": cells[8]} for code in codes}
    return rows


@pytest.fixture(scope="module")
def texts(shared):
    return {path.name[:3]: path.read_text(encoding="utf-8") for path in sorted((shared / "seeds").glob("*.txt"))}


def test_no_promise_is_missing_and_none_is_invented(promises, targets):
    assert sorted(targets) == sorted(promises)
    assert len(targets) == 26


def test_every_sentence_stands_letter_by_letter_in_its_text(promises, targets, texts):
    for code, target in targets.items():
        assert target.sentence == promises[code]["sentence"], code
        assert target.sentence in texts[promises[code]["text"]], code


def test_the_search_for_a_sentence_can_fail(texts, targets):
    changed = targets["GL-ONL-60"].sentence.replace("trên 60%", "trên 61%")
    assert changed not in texts["000"]


def test_sentences_are_kept_in_composed_form_as_in_the_texts(targets, texts):
    for target in targets.values():
        assert unicodedata.is_normalized("NFC", target.sentence)


def test_kinds_are_those_of_the_list_of_promises(promises, targets):
    for code, target in targets.items():
        said = promises[code]["kind"]
        assert target.kind in said or (target.kind == "conditional" and "coverage_all" in said), code
    kinds = Counter(target.kind for target in targets.values())
    assert kinds == {
        "directional": 8, "tasks_k_of_n": 6, "coverage_all": 3, "indicators_k_of_n": 2, "relative_change": 2,
        "sustained_from": 1, "cumulative_count": 1, "score_ge": 1, "level_at": 1, "conditional": 1,
    }  # fmt: skip


def test_numbers_operators_and_deadlines_by_hand(targets):
    def said(code):
        one = targets[code]
        return one.operator, one.threshold, one.start, one.deadline, one.n

    assert said("GL-ONL-60") == (">", 0.60, "2023-09", None, None)  # trên 60%: above, not at least
    assert said("GL-VNEID-50") == (">=", 0.50, None, "2023-12", None)
    assert said("GL-TTHC-Q3") == (None, None, None, "2023-09", 1)
    assert said("VN-TASK-2022") == (None, None, None, "2022-12", 126)
    assert said("VN-TASK-H1") == (None, None, None, "2022-06", 46)
    assert said("VN-ESS-25") == (None, None, None, None, 25)
    assert said("VN-422-29") == (None, None, None, "2022-12", 29)
    assert said("GL-DX-12") == (None, None, None, "2024-12", 12)
    assert said("GL-E2E-100") == (None, None, None, "2025-12", None)
    assert said("GL-FULL-80") == (">=", 0.80, None, "2025-12", None)  # tối thiểu 80%: at least
    assert said("GL-INT-50a") == said("GL-INT-50b") == ("<=", -0.5, None, None, None)
    assert targets["GL-ONL-60"].reading == "each_period"
    assert targets["GL-INT-50a"].baseline is None


def test_what_the_text_does_not_say_is_marked_as_inferred(promises, targets):
    inferred = {code: one.inferred for code, one in targets.items() if one.inferred}
    assert inferred == {
        "GL-ONL-60": ("reading",),
        "GL-VNEID-50": ("operator", "deadline"),
        "GL-TTHC-Q3": ("deadline", "n"),
        "VN-TASK-H1": ("deadline",),
        "VN-422-29": ("deadline",),
        "GL-DX-12": ("deadline",),
        "TQ-766": ("indicator", "document_date"),
        "TQ-766-C": ("operator", "components", "total", "version", "document_date"),
        "TQ-TASK-23": ("document_date",),
        "TQ-INTAKE": ("document_date",),
        "GL-E2E-100": ("deadline",),
        "GL-FULL-80": ("deadline",),
        "GL-INT-50a": ("operator",),
        "GL-INT-50b": ("operator",),
    }


def test_a_directional_promise_has_no_number(targets):
    for target in targets.values():
        if target.kind == "directional":
            assert target.threshold is None and target.operator is None


def test_every_promise_names_its_document_and_owner_in_both_languages_where_printed(targets):
    for target in targets.values():
        assert target.document and target.owner and target.name_vi and target.name_en
        assert bool(target.note_vi) == bool(target.note_en)
        assert target.valid_from == target.document_date
    dated = {target.document_date for target in targets.values()}
    assert dated == {"2023-08-22", "2022-08-09", "2023-09-06", ""}  # 002 and 004 state no day


def test_the_clock_of_the_conditional_promise_has_not_started(targets):
    target = targets["GL-ESS"]
    assert not target.started and target.then == "coverage_all"
    assert target.condition_vi in target.sentence


def test_the_six_components_are_those_of_decision_766_and_sum_to_100(targets):
    assert list(targets["TQ-766-C"].weights.values()) == [18, 20, 12, 10, 18, 22]
    assert targets["TQ-766-C"].total == 100


def test_the_four_online_indicators_are_four(indicators, targets):
    rows = indicators.set_index("indicator").loc[list(ONLINE.values())]
    assert len(set(zip(rows["numerator_vi"], rows["denominator_vi"]))) == 4
    assert rows["definition_en"].nunique() == rows["name_vi"].nunique() == 4
    promised = {code: targets[code].indicator for code in ("GL-ONL-60", "GL-FULL-80", "GL-E2E-100")}
    assert promised == {"GL-ONL-60": "online_filed", "GL-FULL-80": "online_full", "GL-E2E-100": "procedures_end_to_end"}


@pytest.mark.parametrize("old", ["GL-ONL-60", "GL-E2E-100"])
def test_joining_two_online_promises_is_refused(targets, old):
    joined = targets["GL-FULL-80"].model_copy(update={"replaces": old})
    problems = check_joins(targets=[*targets.values(), joined])
    assert [one.where for one in problems] == ["target GL-FULL-80: replaces"]
    assert check_joins(targets=list(targets.values())) == []


def test_every_indicator_is_named_by_a_promise_or_an_observation(indicators, targets):
    named = {one.indicator for one in targets.values()} | set(targets["TQ-766-C"].weights) | {""}
    assert set(indicators["indicator"]) - named == {"online_resolved"}  # 001: "lên 72%", reported, not promised


def test_the_table_of_targets_keeps_order_sentence_and_marks(targets):
    table = targets_table(list(targets.values()))
    first = table.set_index("target").loc["GL-ONL-60"]
    assert (first["order"], first["inferred"], first["scope"]) == (0, "reading", "64")
    assert table["sentence"].ne("").all()


def test_a_code_stands_in_quotes_where_its_zero_leads():
    raw = {one["target"]: one for one in read_yaml(FILE)["targets"]}
    assert raw["TQ-766"]["scope"] == ["08"]


@pytest.mark.parametrize("edition", ["2025-06", "2025-07"])
def test_the_provinces_in_data_reference_are_those_of_the_package(edition):
    units = vietnam_units(edition=edition)
    expected = units[units["level"].isin(["nation", "province"])].reset_index(drop=True)
    assert read_units(REFERENCE / f"units_provinces_{edition}.csv").equals(expected)


def test_the_province_changes_in_data_reference_are_those_of_the_package():
    lines = (REFERENCE / "unit_changes_provinces.csv").read_text(encoding="utf-8").splitlines()
    rows = vietnam_crosswalk(level="province").rows
    assert lines[1:] == [f"{row.old},{row.new},{row.weight:g},{row.basis}" for row in rows.itertuples()]
    assert lines[0] == "old,new,weight,basis"


# Observations of the texts (domain.md section 3.2): value, English rendering, the quotation, its text
OBSERVED = [
    ("percent1", 21 / 46, "45,7%", "45.7%", "21/46 nhiệm vụ (45,7%)", "001"),
    ("percent1", 25 / 46, "54,3%", "54.3%", "còn lại 25 nhiệm vụ chưa hoàn thành (chiếm 54,3%)", "001"),
    ("number", 1473, "1.473", "1,473", "1.473 Tổ công nghệ số cộng đồng", "001"),
    ("ratio", (177, 177), "177/177", "177/177", "bao phủ 177/177 xã, phường, thị trấn", "001"),
    ("ratio", (1452, 1452), "1.452/1.452", "1,452/1,452", "1.452/1.452 thôn, bản, khu phố", "001"),
    ("number", 11255, "11.255", "11,255", "với sự tham gia của 11.255 thành viên", "001"),
    ("percent0", 0.72, "72%", "72%", "lên 72%", "001"),
    ("number", 63000, "63.000", "63,000", "8/11 dịch vụ phát sinh gần 63.000 hồ sơ", "001"),
    ("number", 126000, "126.000", "126,000", "trên tổng số hơn 126.000 hồ sơ (đạt tỷ lệ gần 50%)", "001"),
    ("number", 23000, "23.000", "23,000", "9/14 dịch vụ phát sinh hơn 23.000 hồ sơ", "001"),
    ("number", 27000, "27.000", "27,000", "trên tổng số hơn 27.000 hồ sơ (đạt tỷ lệ trên 85%)", "001"),
    ("number", 11000, "11.000", "11,000", "gần 11.000 điểm cầu", "001"),
    ("percent0", 1.0, "100%", "100%", "17 huyện, thị xã, thành phố và 100% xã, phường, thị trấn", "000"),
    ("ratio", (7, 12), "7/12", "7/12", "7/12 chỉ tiêu chưa đạt", "002"),
    ("number", 2000, "2.000", "2,000", "trên 2.000 đại biểu", "002"),
]


@pytest.mark.parametrize(("quotation", "text"), [row[-2:] for row in OBSERVED])
def test_an_observation_stands_in_its_text(quotation, text, texts):
    assert quotation in texts[text]


@pytest.mark.parametrize(("how", "value", "vi", "en", "quotation", "text"), OBSERVED)
def test_an_observation_renders_as_in_its_text(how, value, vi, en, quotation, text):
    assert vi in quotation
    for language, expected in (("vi", vi), ("en", en)):
        if how == "ratio":
            shown = ratio(*value, language)
        elif how == "number":
            shown = number(value, language)
        else:
            shown = percent(value, language, int(how[-1]))
        assert shown == expected


def test_shares_are_rounded_once_from_the_raw_counts():
    """25/46 = 54.3478...: rounded to 54,35 first it would read 54,4."""
    assert percent(25 / 46, "vi", 1) == "54,3%"
