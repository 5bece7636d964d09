"""What the checks found, in both languages: every code has its sentences, and no English word in a Vietnamese one."""

import ast
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from factory import NASTY

from analysis.briefing.found import found_words
from analysis.briefing.locale import translator
from analysis.briefing.view import view_of
from analysis.intake import read_inputs
from analysis.registry.params import read_params
from analysis.words.findings import AT_CELL, AT_ROW, FINDINGS, MORE, SENTENCES, pack

ROOT = Path(__file__).parents[2]
CASES = [  # flag, values, Vietnamese, English
    ("numerator_above_denominator", {"a": 145, "b": 1310, "row": 4541},
     "tử số 145, mẫu số 1.310 (dòng 4.541)", "numerator 145, denominator 1,310 (row 4,541)"),
    ("zero_denominator", {"a": 0, "row": 39}, "mẫu số 0 (dòng 39)", "denominator 0 (row 39)"),
    ("missing_unit_in_sum", {"case": "summed", "k": 1, "n": 155, "share": 0.003, "units": ["001"]},
     "thiếu 1/155 đơn vị, 0,3% mẫu số: Phường Pleiku", "1 of 155 units missing, 0.3% of the denominator: Pleiku ward"),
    ("missing_period", {"first": "2024-03", "last": "2024-05", "n": 3},
     "thiếu từ 3/2024 đến 5/2024, số kỳ: 3", "missing from Mar 2024 to May 2024, periods: 3"),
    ("late_unit", {"last": "2026-06"}, "báo cáo gần nhất 6/2026", "last reported Jun 2026"),
    ("tiny_denominator", {"n": 11.5}, "trung vị số hồ sơ mỗi kỳ: 11,5", "median number of cases per period: 11.5"),
    ("falling_share", {"p": 0.811169, "q": 0.810501, "a": 6482, "b": 6533},
     "từ 81,12% xuống 81,05%, mẫu số từ 6.482 lên 6.533", "from 81.12% to 81.05%, denominator from 6,482 to 6,533"),
    ("level_jump", {"v": 0.339623, "w": 0.84252}, "từ 34,0% sang 84,3%", "from 34.0% to 84.3%"),
    ("falling_cumulative", {"v": 4077, "w": 3932}, "từ 4.077 sang 3.932", "from 4,077 to 3,932"),
    ("break", {"case": "definition", "first": "2025-07", "n": 155},
     "155 đơn vị bắt đầu chuỗi số liệu mới: định nghĩa này áp dụng từ 7/2025",
     "units that start a new series: 155; this definition is valid from Jul 2025"),
    ("rebased_partial", {"k": 2, "n": 3}, "2/3 đơn vị cũ không có số liệu", "old units without a figure: 2 of 3"),
    ("merger", {"n": 12}, "từ kỳ này 12 đơn vị sáp nhập hoặc chia tách tự báo cáo",
     "merged or divided units that report for themselves from this period on: 12"),
    ("rebased", {"first": "2025-07", "old": ["Xã Cũ A", "Xã Cũ B"]},
     "số liệu trước 7/2025 là của Xã Cũ A, Xã Cũ B", "figures before Jul 2025 come from Xã Cũ A, Xã Cũ B"),
    ("split_estimated", {"first": "2025-07", "old": ["Xã Cũ A"]},
     "một phần chia đều của Xã Cũ A", "an equal part of Xã Cũ A"),
    ("empty_unit", {}, "không nguồn nào có số liệu", "no figure in any source"),
    ("unreadable_number", {"case": "vi", "text": "22.8", "column": "filed", "row": 6},
     "“22.8” không phải là số có dấu chấm hàng nghìn và dấu phẩy thập phân (cột “filed”, dòng 6)",
     "“22.8” is not a number with dots for thousands and a comma for decimals (column “filed”, row 6)"),
    ("several_dates", {"day": "2024-01-31", "row": 2},
     "không dùng số liệu ngày 31/01/2024 (dòng 2)", "the figure of 31 January 2024 is not used (row 2)"),
    ("duplicate_key",
     {"which": [5, 6], "a": 0.4, "row": 5, "also": [{"which": [5, 6], "a": None, "row": 6}], "more": 2},
     "các dòng 5, 6 khác nhau, giá trị ở đây: 0,4 (dòng 5); các dòng 5, 6 khác nhau, giá trị ở đây: – (dòng 6); "
     "và 2 trường hợp khác",
     "rows 5, 6 disagree, value here: 0.4 (row 5); rows 5, 6 disagree, value here: – (row 6); and 2 more"),
    ("value_differs", {"p": 0.41, "q": 0.4, "row": 2},
     "nguồn ghi 41,00%, tính lại được 40,00% (dòng 2)", "stated 41.00%, computed 40.00% (row 2)"),
]  # fmt: skip


def row(flag, values, indicator="online"):
    return SimpleNamespace(flag=flag, details=pack(values), indicator=indicator)


@pytest.mark.parametrize(("flag", "values", "vietnamese", "english"), CASES)
def test_a_finding_in_words(run, flag, values, vietnamese, english):
    assert found_words(view_of(run, "vi"), row(flag, values)) == vietnamese
    assert found_words(view_of(run, "en"), row(flag, values)) == english


def test_a_figure_has_the_unit_of_its_indicator_and_a_sum_is_exact_enough_to_see_the_difference(run):
    values = {"p": 0.45671, "q": 0.45612}
    assert found_words(view_of(run, "en"), row("sum_differs", values)) == "reported 45.67%, sum of the parts 45.61%"
    counts = row("sum_differs", {"p": 1473, "q": 1470.5}, indicator="")
    assert found_words(view_of(run, "vi"), counts) == "báo cáo 1.473, tổng các đơn vị 1.470,5"


def test_a_raw_text_is_quoted_cut_and_clean(run):
    words = found_words(view_of(run, "vi"), row("unknown_unit", {"case": "unknown", "text": "\u202e" + "x" * 200}))
    assert words == "“\ufffd" + "x" * 79 + "” không có trong danh mục đơn vị"


def constants():
    """Names of module constants that hold a text, anywhere in the package."""
    found = {}
    for path in (ROOT / "src/analysis").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                found |= {one.id: node.value.value for one in node.targets if isinstance(one, ast.Name)}
    return found


def codes_in_source():
    """Codes of findings and cases that the checks name; a part that is computed stands as ``*``."""
    flags, cases, known = set(), set(), constants()

    def texts(node):
        for one in ast.walk(node):
            if isinstance(one, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "*" for part in one.values)
                return
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.value
            elif isinstance(one, ast.Name) and one.id in known:
                yield known[one.id]

    for room in ("intake", "registry"):
        for path in sorted((ROOT / "src/analysis" / room).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Dict):
                    pairs = [(getattr(key, "value", ""), value) for key, value in zip(node.keys, node.values)]
                    cases.update(one.value for key, one in pairs if key == "case" and isinstance(one, ast.Constant))
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                keywords = {one.arg: one.value for one in node.keywords}
                at = {"finding": keywords.get("flag"), "note": next(iter(node.args), None)}
                at["add"] = node.args[2] if name == "add" and len(node.args) > 2 else None
                if at.get(name) is not None:
                    flags.update(texts(at[name]))
                    if isinstance(keywords.get("case"), ast.Constant):
                        cases.add(keywords["case"].value)
    return flags, cases


def test_every_code_in_the_source_has_a_meaning_and_a_sentence():
    flags, cases = codes_in_source()
    assert len(flags) > 20 and len(cases) > 8  # the scan sees them
    fits = lambda flag: [one for one in FINDINGS if re.fullmatch(flag.replace("*", ".+"), one)]
    assert [flag for flag in flags if not fits(flag)] == []
    assert [case for case in cases if not any(key.partition(".")[2] == case for key in SENTENCES)] == []


def test_every_code_has_a_sentence_and_every_sentence_a_code():
    assert {key.partition(".")[0] for key in SENTENCES} == set(FINDINGS)


def test_every_meaning_and_sentence_has_a_vietnamese_one():
    wanted = [*SENTENCES.values(), *(one.name for one in FINDINGS.values()), AT_ROW, AT_CELL, MORE]
    assert [one for one in wanted if one not in translator("vi")] == []


def english_words(sentence):
    """Words of a sentence that are English and nothing else: without places for values, names of keys and symbols."""
    bare = re.sub(r"\{\w+\}|`\w+`", " ", sentence)
    return {one.lower() for one in re.findall(r"[A-Za-z']{3,}", bare)}


SAMPLES = {"first": "2024-01", "last": "2024-03", "day": "2024-01-31", "units": ["001"]}
SAMPLES |= dict.fromkeys(("old", "set", "names", "near"), ["Xã Cũ"]) | dict.fromkeys(("text", "name", "reason"), "22.8")


@pytest.mark.parametrize("key", SENTENCES)
def test_no_english_word_of_a_sentence_is_in_the_vietnamese_one(run, key):
    flag, _, case = key.partition(".")
    values = {name: SAMPLES.get(name, 0.25) for name in re.findall(r"\{(\w+)\}", SENTENCES[key])}
    values |= {"case": case} if case else {}
    words = {language: found_words(view_of(run, language), row(flag, values)) for language in ("vi", "en")}
    assert english_words(words["vi"]) & english_words(SENTENCES[key]) == set()
    assert words["vi"] != words["en"] and "{" not in words["vi"] + words["en"]


@pytest.fixture(scope="module")
def demonstration():
    inputs = read_inputs(read_params(ROOT / "params/demo.yml"), data_dir=None, root=ROOT)
    tables = {name: getattr(inputs, name) for name in ("units", "indicators", "observations", "quality")}
    return lambda run, language: view_of(replace(run, **tables), language)


def test_every_finding_of_the_demonstration_is_said_in_both_languages(run, demonstration):
    views = {language: demonstration(run, language) for language in ("vi", "en")}
    rows = list(views["vi"].run.quality.itertuples(index=False))
    assert len(rows) > 200 and len({one.flag for one in rows}) > 10
    for one in rows:
        vietnamese, english = (found_words(views[language], one) for language in ("vi", "en"))
        shared = english_words(english) & english_words(vietnamese)
        names = english_words(" ".join(views["vi"].units[unit].name for unit in views["vi"].units))
        assert shared - names == set(), vietnamese
        assert vietnamese != english and "{" not in vietnamese + english


def test_what_is_said_of_a_raw_file_is_text_on_the_page_and_no_markup(run):
    from analysis.briefing import quality_page
    from analysis.words import schema

    quality = run.quality.assign(details=pack({"case": "unknown", "text": NASTY}), flag="unknown_unit")
    page = quality_page(replace(run, quality=schema.as_table(quality[:1], schema.QUALITY)), language="vi")
    assert NASTY not in page.findings().html and "“&lt;script&gt;" in page.findings().html
