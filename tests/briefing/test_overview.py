"""The overview: counts that add up, a heat map that says all in three ways, changes with causes, honest empties."""

import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from factory import UNITS, make_run

from analysis.briefing import overview_page
from analysis.briefing.fragment import PAGE_MIME
from analysis.briefing.maps import CODES
from analysis.briefing.wording import ICONS, SHORT_WORDS, status_word
from analysis.publishing.sanitise import is_clean
from analysis.words.files import page_slug
from analysis.words.schema import ON_TRACK, STATUSES

METHODS = (
    "title",
    "answer",
    "decisions",
    "changes",
    "sub_units",
    "heat_map",
    "scenarios",
    "thin_evidence",
    "provenance",
    "end",
)


def soup(fragment):
    return BeautifulSoup(str(fragment.html), "html.parser")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_is_whole_and_clean(run, bare_run, language):
    for one in (run, bare_run):
        page = overview_page(one, language=language)
        html = "".join(str(getattr(page, name)().html) for name in METHODS)
        assert is_clean(html) and html.count("<h1") == 1
        ids = re.findall(r'\sid="([^"]*)"', html)
        assert len(ids) == len(set(ids))


def test_the_answer_counts_what_the_table_holds(run):
    root = run.assessments[run.assessments.unit == "64"]
    text = overview_page(run, language="en").answer().text
    assert text.startswith(
        f"Gia Lai province is on track for {root.status.isin(ON_TRACK).sum()} of {len(root)} targets; "
    )
    below = run.assessments[run.assessments.unit != "64"]
    in_doubt = below[below.status.isin(["at_risk", "unlikely"])].unit.nunique()
    assert f"{in_doubt} of {below.unit.nunique()} units below it have at least one target at risk or unlikely." in text


def test_the_three_numbers_are_the_tables(run):
    numbers = [one.text for one in soup(overview_page(run, language="en").answer()).find_all("dd")]
    table = run.assessments
    open_ = table[~table.status.isin(["met", "missed"]) & table.p_attain.notna()]
    assert numbers == [
        f"{table.status.isin(ON_TRACK).sum()}/{len(table)}",
        f"{round((1 - open_.p_attain).sum())} of {len(open_)}",
        str((table.status == "not_assessable").sum()),
    ]


def test_the_heat_map_says_every_status_by_icon_word_and_class(run):
    page = soup(overview_page(run, language="en").heat_map())
    seen = 0
    for table in page.select("table.heat"):
        targets = [one.text for one in table.thead.find_all("th")[1:-1]]
        for tr in table.tbody.find_all("tr"):
            unit = next(one for one in run.units.unit if f"units/{page_slug(one)}.html" == tr.a["href"])
            mine = run.assessments[run.assessments.unit == unit].set_index("target").status
            for target, td in zip(targets, tr.find_all("td")):
                status = mine[target]
                assert td.get("class", tr["class"]) == [CODES[status]]
                assert td.text == SHORT_WORDS[status]
                seen += 1
    assert seen == len(run.assessments)


def test_the_style_sheet_gives_every_status_its_own_icon():
    css = files("analysis.briefing").joinpath("theme.css").read_text(encoding="utf-8")
    for status in STATUSES:
        assert re.search(rf'\.heat \.{CODES[status]} {{ [^}}]*--i: "{ICONS[status]} "', css)
    assert 'content: var(--i); content: var(--i) / "";' in css  # the second, read out as nothing, where it is known


def test_the_worst_unit_of_a_level_comes_first_and_levels_from_the_top(run):
    tables = soup(overview_page(run, language="en").heat_map()).select("table.heat")
    assert [one.caption.text for one in tables] == ["Provinces (1)", "Communes (6)", "Departments (2)"]
    cells = [[td.get("class", tr["class"]) for td in tr.find_all("td")[:-1]] for tr in tables[1].tbody.find_all("tr")]
    unlikely = [one.count(["u"]) for one in cells]
    assert unlikely[0] == max(unlikely) > unlikely[-1]


def test_the_legend_explains_all_eight_statuses(run):
    legend = soup(overview_page(run, language="vi").heat_map()).select_one(".legend").text
    assert all(status_word(one, "vi") in legend for one in STATUSES)


def test_many_units_of_one_level_are_cut_with_a_pointer_to_the_index(run):
    many = [*UNITS, *[(f"x{at:03d}", f"Xã {at}", "", "64", "hamlet") for at in range(3)]]
    run = make_run(units=many)
    assert "Hamlet (3)" in str(overview_page(run, language="vi").heat_map().html)


def test_changes_are_counted_by_direction_and_cause(run):
    table = run.extra["changes"]
    moved = table[table.status != table.status_before]
    up = (moved.status.isin(ON_TRACK) & ~moved.status_before.isin(ON_TRACK)).sum()
    text = overview_page(run, language="en").changes().text
    expected = (
        f"Since last quarter, {up} targets came on track and 0 went off track; {len(moved)} of {len(table)} statuses "
        f"changed (new figures: {len(moved)})."
    )
    assert text.startswith(expected)
    rank = {one: at for at, one in enumerate(STATUSES)}
    known = moved[~moved.status.eq("not_assessable") & ~moved.status_before.eq("not_assessable")]
    falls = known[known.status.map(rank) > known.status_before.map(rank)].target.value_counts()
    assert f" (units: {falls.max()})." in text and "Most downgrades: “" in text


def test_the_largest_changes_come_first_changed_statuses_before_others(run):
    table = run.extra["changes"].copy()
    table["p_change"] = np.linspace(-0.5, 0.5, len(table))
    table.loc[table.index[:2], "status"] = table.loc[table.index[:2], "status_before"]
    page = overview_page(replace(run, extra={"changes": table}), language="en")
    rows = soup(page.changes()).tbody.find_all("tr")
    points = [int(re.sub(r"[^\d−-]", "", tr.find_all("td")[3].text).replace("−", "-")) for tr in rows]
    assert [abs(one) for one in points] == sorted((abs(one) for one in points), reverse=True)
    assert len(rows) == 6
    names = [tr.td.text for tr in rows]
    assert max(names.count(one) for one in names) <= 2  # one target alone does not fill the table


def test_statuses_that_go_back_and_forth_are_counted(run):
    flips = pd.DataFrame({"unit": list("abc"), "target": "T", "n_cutoffs": 4, "flip_flop_index": [0.0, 1.0, np.nan]})
    text = overview_page(replace(run, extra=run.extra | {"flip_flops": flips}), language="en").changes().text
    assert text.endswith("Over 4 quarters, 1 of 2 statuses moved back and forth (flip-flop index 0.50).")


def test_a_change_with_several_causes_shows_the_part_of_each(run):
    sizes = {"from_target": 0.0, "from_revision": -0.1, "from_surprise": 0.3, "from_model": 0.001}
    table = run.extra["changes"].head(1).assign(p_change=0.2, cause="surprise", **sizes)
    page = overview_page(replace(run, extra={"changes": table}), language="en")
    why = soup(page.changes()).tbody.find_all("td")[-1].text
    said = "new figures, other than forecast: +30 percentage points; an old figure was revised: −10 percentage points"
    assert why == said


def test_sub_units_stand_beside_the_whole(run):
    rows = soup(overview_page(run, language="en").sub_units()).tbody.find_all("tr")
    root = run.assessments[(run.assessments.unit == "64") & (run.assessments.n_sub_units > 0)]
    assert len(rows) == len(root)
    assert all(re.search(r"\d/9", tr.text) for tr in rows)


def test_levers_and_the_band_of_sub_units_are_labelled(run):
    table = soup(overview_page(run, language="en").scenarios()).table
    header = [one.text for one in table.thead.find_all("th")]
    assert header == [
        "Target",
        "As forecast",
        "a tenth of the gap closed on top of the forecast",
        "the 5 weakest sub-units at the median",
        "Sub-units that will meet it, of those that can be assessed, 80% interval",
        "Interval, from none to all",
    ]
    assert "2 to 6 of 9" in table.tbody.text


def test_a_lever_is_named_in_points_and_an_unknown_one_by_its_code(run):
    from analysis.briefing.overview import scenario_word
    from analysis.briefing.view import view_of

    view = view_of(run, "vi")
    assert scenario_word(view, "points_per_period:-0.01") == "−1 điểm phần trăm mỗi kỳ"
    assert scenario_word(view, "odd_one") == "odd one"


def test_thin_evidence_names_targets_and_reasons(run):
    page = overview_page(run, language="en").thin_evidence()
    n = (run.assessments.status == "not_assessable").sum()
    assert page.text.startswith(f"{n} of {len(run.assessments)} targets cannot be assessed")
    assert "no data" in soup(page).text or "too few observed periods" in soup(page).text


def test_optional_tables_that_are_missing_are_said_to_be(bare_run):
    page = overview_page(bare_run, language="en")
    assert page.changes().text == "There is no earlier run to compare with."
    assert page.scenarios().text == "This run has no scenarios."


def test_a_run_without_a_tree_speaks_of_all_units(run):
    flat = run.units.assign(parent="")
    none = run.assessments[run.assessments.unit != run.units.unit.iloc[0]]
    text = overview_page(replace(run, units=flat, assessments=none.reset_index(drop=True)), language="en").answer().text
    assert "On track, all units together" in text or "is on track for" in text


def test_the_sentinel_closes_the_page(run):
    meta = overview_page(run, language="vi").end()._repr_mimebundle_()[PAGE_MIME]
    assert (meta["notebook"], meta["unit"], meta["title"]) == ("overview_briefing", "", "Đề án 06 tỉnh Gia Lai")


def test_an_empty_run_still_says_something():
    run = make_run(previous=False, extra=False)
    empty = replace(run, assessments=run.assessments.iloc[:0], scorecard=run.scorecard.iloc[:0])
    page = overview_page(empty, language="en")
    assert all(is_clean(str(getattr(page, name)().html)) for name in METHODS)
    assert isinstance(page.answer().text, str)


def test_new_figures_are_told_beside_what_had_been_forecast(run):
    page = soup(overview_page(run, language="en").changes())
    why = [tr.find_all("td")[-1].text for tr in page.table.tbody.find_all("tr")]
    assert any(re.fullmatch(r"new figures: \S+.*, last forecast \S+.*", one) for one in why)
    alone = soup(overview_page(replace(run, previous=None), language="en").changes())
    assert not any("had been forecast" in tr.text for tr in alone.table.tbody.find_all("tr"))


UNIT_CODES = [one[0] for one in UNITS]


def test_real_moves_name_their_units_by_indicator_and_count_the_rest(run):
    rows = [(unit, code, "2026-09", "special_cause_concern") for unit in UNIT_CODES[:9] for code in ("online", "late")]
    many = pd.DataFrame(rows, columns=["unit", "indicator", "period", "signal"])
    html = overview_page(replace(run, extra={**run.extra, "signals": many}), language="vi").changes().html
    line = next(li.text for li in BeautifulSoup(str(html), "html.parser").find_all("li") if "Kém đi thật" in li.text)
    assert line.startswith("Kém đi thật (18):") and line.endswith("10 trường hợp khác ở trang từng đơn vị")
    old = many.assign(period="2026-01")
    quiet = overview_page(replace(run, extra={**run.extra, "signals": old}), language="vi").changes().html
    assert "Kém đi thật" not in quiet


def test_overdue_tasks_come_first_with_their_lead_and_due_date(run):
    tasks = pd.DataFrame(
        [
            ("64", "T1", "open_in_time", "2026-10-31", "", 0.9, False, "TASK-126"),
            ("64", "T2", "open_overdue", "2026-09-05", "", 0.4, True, "TASK-126"),
            ("64", "T3", "done_on_time", "2026-06-30", "2026-06-01", 1.0, False, "TASK-126"),
        ],
        columns=["unit", "task", "state", "due", "done", "p_done", "blocking", "target"],
    )
    names = pd.DataFrame(
        [("T2", "Kết nối dữ liệu", "Connect the data", "Sở A")], columns=["task", "name_vi", "name_en", "owner"]
    )
    page = overview_page(replace(run, extra={**run.extra, "tasks": tasks, "task_list": names}), language="vi")
    table = soup(page.decisions()).select_one("table.tasks")
    rows = [[cell.text for cell in tr.find_all(["th", "td"])] for tr in table.tbody.find_all("tr")]
    assert rows == [
        ["Kết nối dữ liệu", "Sở A", "05/9/2026", "✕ quá hạn", "40%"],
        ["T1", "văn bản không nêu", "31/10/2026", "chưa xong, trong hạn", "90%"],
    ]
    assert table.caption.text == "Nhiệm vụ chưa xong: nêu 2/2, trong đó 1 quá hạn"
    assert not soup(overview_page(run, language="vi").decisions()).select("table.tasks")


def many_communes(*, above):
    """Twelve communes; last quarter's forecast of late dossiers is below the figures of `above` of them, else above."""
    units = [UNITS[0], *((f"{at:03d}", f"Xã {at}", "", "64", "commune") for at in range(100, 112))]
    run = make_run(units=units)
    before = run.previous.forecasts
    low = before["unit"].isin([unit for unit, *_others in units[1 : above + 1]])
    forged = before["predicted"].mask(before["indicator"] == "late", np.where(low, 0.0, 0.9))
    return replace(run, previous=replace(run.previous, forecasts=before.assign(predicted=forged)))


def common(run):
    page = soup(overview_page(run, language="en").changes())
    return [one.get_text() for one in page.find_all("li") if one.get_text().startswith("Dossiers decided late: ")]


def test_a_surprise_that_nearly_all_units_share_is_named_by_indicator():
    run = many_communes(above=12)
    newest = run.observations[(run.observations["indicator"] == "late") & (run.observations["period"] == "2026-09")]
    size = 100 * newest.loc[newest["unit"] != "64", "value"].median()
    assert common(run) == [
        "Dossiers decided late: all 12 newest figures came in above last quarter's forecast, "
        f"typically by {size:.1f} percentage points (communes)."
    ]
    assert common(many_communes(above=1))[0].startswith(
        "Dossiers decided late: 11 of 12 newest figures came in below last quarter's forecast, "
    )
    lead = "Surprises that nearly all units share"
    assert lead in overview_page(run, language="en").changes().html


def test_a_surprise_of_fewer_than_nine_in_ten_or_of_fewer_than_ten_units_is_not_common(run):
    assert common(many_communes(above=10)) == common(many_communes(above=2)) == []  # 10 of 12
    beyond = run.previous.forecasts.assign(predicted=1e9)  # every figure below, five communes only
    assert common(replace(run, previous=replace(run.previous, forecasts=beyond))) == []


def test_without_a_quarter_before_there_is_no_surprise():
    assert common(replace(many_communes(above=12), previous=None)) == []
