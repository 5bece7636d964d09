"""A unit's page: the answer, every number traced to its table, and everything that may be missing."""

import re
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from factory import NASTY, UNITS, make_run

from analysis.briefing import unit_page, warm
from analysis.briefing.charts import trajectory
from analysis.briefing.fragment import PAGE_MIME, clean_text
from analysis.briefing.locale import number, percent
from analysis.briefing.unit import urgent
from analysis.briefing.view import view_of
from analysis.briefing.wording import status_word
from analysis.publishing.sanitise import is_clean
from analysis.words import schema
from analysis.words.errors import DataError, ParamsError
from analysis.words.schema import ON_TRACK, as_table

METHODS = (
    "title",
    "answer",
    "targets",
    "trajectories",
    "peers",
    "last_forecast",
    "data_notes",
    "method",
    "provenance",
    "end",
)
ALL_UNITS = [one[0] for one in UNITS]


def whole(page):
    return "".join(str(getattr(page, one)().html) for one in METHODS)


def soup(fragment):
    return BeautifulSoup(str(fragment.html), "html.parser")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("unit", ALL_UNITS, ids=ascii)
def test_every_unit_gets_a_whole_clean_page(run, unit, language):
    page = unit_page(run, unit=unit, language=language)
    for name in METHODS:
        assert is_clean(str(getattr(page, name)().html)), name
    html = whole(page)
    ids = re.findall(r'\sid="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert html.count("<h1") == 1
    assert "<script" not in html and "http" not in html


def test_the_answer_counts_statuses_and_names_the_most_doubtful(run):
    rows = run.assessments[run.assessments.unit == "001"]
    text = unit_page(run, unit="001", language="vi").answer().text
    assert f"Phường Pleiku đúng lộ trình ở {rows.status.isin(ON_TRACK).sum()}/{len(rows)} chỉ tiêu" in text
    doubt = rows[rows.status.isin(["likely", "at_risk", "unlikely"])].sort_values("p_attain").iloc[0]
    name = run.targets.set_index("target").name_vi[doubt.target]
    assert f"“{name}”, xác suất đạt {percent(doubt.p_attain, 'vi', 0)}, khoảng " in text


def test_a_single_target_is_answered_with_word_per_cent_and_frequency(run):
    only = run.assessments[(run.assessments.unit == "001") & (run.assessments.target == "GL-VNEID")].reset_index(
        drop=True
    )
    only = only.assign(p_attain=0.72, status="likely", settled=False)
    text = unit_page(replace(run, assessments=only), unit="001", language="vi").answer().text
    assert (
        text == "Phường Pleiku: “Chỉ tiêu giao tài khoản VNeID” – có khả năng đạt, xác suất 72%, "
        "khoảng 7 trong 10 trường hợp."
    )


def test_a_unit_without_targets_says_so(run):
    page = unit_page(run, unit="64-D2", language="vi")
    assert page.answer().text == "Sở Y tế không được giao chỉ tiêu trong kỳ này."
    assert page.targets().text == "Đơn vị không được giao chỉ tiêu trong kỳ này."
    assert page.trajectories().kind == "note"


def test_each_row_of_the_table_shows_what_the_assessment_says(run):
    page = unit_page(run, unit="003", language="vi")
    rows = {one.target: one for one in page.rows}
    shown = soup(page.targets()).tbody.find_all("tr")
    assert len(shown) == len(rows)
    for tr, row in zip(shown, page.rows):
        text = tr.get_text(" ", strip=True)
        assert status_word(row.status, "vi") in text
        if np.isfinite(row.p_attain) and not row.settled:
            assert percent(row.p_attain, "vi", 0) in text
        if row.indicator in {"online", "late"}:
            assert percent(row.current, "vi") in text and percent(row.predicted_median, "vi") in text
        if np.isfinite(row.gap_cases) and row.gap_cases > 0 and not row.attained_now:
            assert number(row.gap_cases, "vi") in text


def test_status_is_icon_and_word_and_class(run):
    chips = soup(unit_page(run, unit="003", language="en").targets()).select(".status")
    for chip in chips:
        [code] = [one.removeprefix("status-") for one in chip["class"] if one.startswith("status-")]
        assert chip.get_text(" ", strip=True).endswith(status_word(code, "en"))
        assert chip.select_one("span")["aria-hidden"] == "true"


def test_inferred_fields_carry_a_dagger_and_its_note(run):
    html = soup(unit_page(run, unit="003", language="vi").targets()).get_text(" ")
    assert html.count("†") == 3  # two targets and the note
    assert "do chúng tôi suy ra" in html


def test_the_most_urgent_row_is_the_least_likely_open_one(run):
    rows = view_of(run, "vi").assessed("64")
    worst = urgent(rows)
    assert worst.p_attain == min(one.p_attain for one in rows if one.status in ("likely", "at_risk", "unlikely"))
    assert urgent([]) is None


def test_every_chart_has_title_description_headline_subtitle_and_table(run):
    page = soup(unit_page(run, unit="001", language="vi").trajectories())
    figures = page.find_all("figure")
    assert len(figures) == 6
    for figure in figures:
        assert figure.figcaption.b.text.startswith(figure.svg.title.text)
        assert "Từ " in figure.svg.desc.text
        assert "theo tháng" in figure.figcaption.span.text
        assert len(figure.details.find_all("table")) == 2
        assert all(one.has_attr("scope") for one in figure.find_all("th"))


def test_the_data_table_holds_every_observed_value_and_every_quantile(run):
    view = view_of(run, "vi")
    figure = soup(unit_page(run, unit="001", language="vi").trajectories()).find("figure")
    observed, forecast = (one.get_text(" ") for one in figure.details.find_all("table"))
    assert all(number(100 * value, "vi", 1) in observed for value in view.history("001", "online").values)
    for value in view.fan("001", "online").predicted[[0, 2, 5, 8, 11, 14]].ravel():
        assert number(100 * value, "vi", 1) in forecast
    assert "(%)" in observed and "(%)" in forecast


def test_charts_of_a_unit_with_one_point_or_none_do_not_break(run):
    assert soup(unit_page(run, unit="004", language="vi").trajectories()).find("svg")
    html = unit_page(run, unit="999", language="vi").trajectories().html
    assert str(html).count("<svg") == 4  # two of its six indicators have no series


def test_a_series_that_is_all_missing_is_said_and_not_drawn(run):
    blank = run.observations.assign(value=np.nan)
    page = unit_page(replace(run, observations=blank), unit="001", language="vi")
    assert is_clean(whole(page))


def test_peers_are_the_nearest_in_size_of_the_same_level(run):
    page = unit_page(run, unit="002", language="vi")
    names = [one.get_text(strip=True) for one in soup(page.peers()).tbody.find_all("th")]
    view = view_of(run, "vi")
    sizes = {
        one: max(row.current_denominator for row in view.assessed(one) if row.current_denominator > 0)
        for one in ("001", "002", "003", "004", NASTY, "999")
    }
    nearest = sorted(
        (one for one in sizes if one != "002"), key=lambda one: (abs(np.log(sizes[one] / sizes["002"])), one)
    )
    assert names == [clean_text(view.name(one)).strip() for one in ("002", *nearest)]


def test_the_only_unit_of_its_level_has_no_peers(run):
    assert unit_page(run, unit="64", language="vi").peers().kind == "note"


def test_last_quarters_forecast_stands_beside_what_came(run):
    page = unit_page(run, unit="001", language="en")
    text = page.last_forecast().text
    view, before = view_of(run, "en"), view_of(run.previous, "en")
    held = 0
    for code in ("online", "vneid", "late", "score", "rank", "digit"):
        fan, seen = before.fan("001", code), view.history("001", code).values[-1]
        low, high = (one[fan.periods.index("2026-09")] for one in fan.band(0.8))
        held += low <= seen <= high
    assert f"Within last quarter's 80% intervals: {held} of 6 figures." in text


def test_without_a_quarter_before_it_says_so(bare_run):
    bare = replace(bare_run, scorecard=schema.SCORECARD.empty())
    text = unit_page(bare, unit="001", language="vi").last_forecast().text
    assert text == "Chưa lưu dự báo trước đó của đơn vị này: đây là kỳ đầu hoặc đơn vị mới."


def test_data_notes_count_periods_and_put_refusals_first(run):
    text = unit_page(run, unit="002", language="vi").data_notes().text
    assert "thiếu kỳ số liệu (tháng 3/2024 và tháng 4/2024): Hồ sơ phát sinh qua dịch vụ công trực tuyến" in text
    assert unit_page(run, unit="003", language="en").data_notes().text.startswith("Rejected:")
    assert unit_page(run, unit="64", language="vi").data_notes().text == "Số liệu của đơn vị không có lưu ý."


def test_the_method_says_the_runs_own_cut_points_and_its_record(run):
    method = unit_page(run, unit="001", language="vi").method()
    assert "đúng lộ trình từ 80%, có khả năng đạt từ 50%, nguy cơ không hoàn thành từ 20%" in method.text
    text = soup(method).get_text(" ")
    assert "chưa tốt hơn tiến độ đều" in text and "tốt hơn tiến độ đều" in text
    assert len(soup(method).ol.find_all("li")) == 5


def test_without_evidence_the_method_says_there_is_no_record(run):
    page = unit_page(replace(run, evidence=schema.EVIDENCE.empty()), unit="001", language="en")
    assert "There is no track record yet" in soup(page.method()).get_text(" ")


def test_provenance_names_run_and_sources_with_their_hash_and_no_other_hash_and_no_clock(run):
    text = unit_page(run, unit="001", language="vi").provenance().text
    assert "factory" in text and "data/demo/online.csv · 480 dòng · SHA-256 cdcdcdcdcdcdcdcd" in text
    assert re.findall(r"[0-9a-f]{8,}", text) == ["cd" * 8]  # not those of params, code and libraries: the manifest's
    assert not re.search(r"\d{1,2}:\d{2}", text)


def test_the_sentinel_tells_the_exporter_what_page_it_closes(run):
    meta = unit_page(run, unit="001", language="vi").end()._repr_mimebundle_()[PAGE_MIME]
    assert meta == {
        "schema": 1,
        "title": "Phường Pleiku",
        "language": "vi",
        "unit": "001",
        "notebook": "unit_briefing",
        "simulated": True,
        "description": unit_page(run, unit="001", language="vi").answer().text,
    }


def test_names_from_the_data_stay_text_and_are_isolated(run):
    html = whole(unit_page(run, unit=NASTY, language="vi"))
    assert "<bdi>&lt;b&gt;Xã&lt;/b&gt;" in html
    assert "alert(" not in html.replace("&lt;script&gt;alert(", "")


def test_order_of_rows_in_the_tables_does_not_matter_to_the_page(run):
    shuffled = {
        name: as_table(getattr(run, name).sample(frac=1, random_state=3), getattr(schema, name.upper()))
        for name in (
            "units",
            "indicators",
            "targets",
            "observations",
            "forecasts",
            "assessments",
            "quality",
            "evidence",
        )
    }
    again = replace(run, **shuffled)
    assert whole(unit_page(again, unit="001", language="vi")) == whole(unit_page(run, unit="001", language="vi"))


def test_another_unit_changes_nothing_but_the_peers(run):
    extra = make_run(units=[*UNITS, ("zzz", "Xã Mới", "", "64", "ward")])
    before, after = (unit_page(one, unit="001", language="vi") for one in (run, extra))
    for name in ("answer", "targets", "data_notes", "method"):
        assert getattr(before, name)().html == getattr(after, name)().html, name


def test_unknown_unit_and_unknown_language_are_refused(run):
    with pytest.raises(DataError, match="there is no unit .nope."):
        unit_page(run, unit="nope", language="vi")
    with pytest.raises(ParamsError, match="'xx' is not supported"):
        unit_page(run, unit="001", language="xx")


def test_a_unit_page_is_small(run):
    assert len(whole(unit_page(run, unit="001", language="vi")).encode()) < 85_000


def test_a_table_without_optional_columns_still_makes_a_page():
    bare = make_run(previous=False, extra=False)
    empty = bare.assessments.assign(previous_status="", previous_p=np.nan, n_sub_units=pd.NA)
    empty = as_table(empty, schema.ASSESSMENTS)
    assert is_clean(whole(unit_page(replace(bare, assessments=empty), unit="64", language="en")))


def test_signals_are_told_as_something_to_check_and_never_accuse(run):
    rows = [
        ("001", "online", "2026-09", "special_cause_concern"),
        ("001", "vneid", "2026-06", "end_of_period"),
        ("001", "score", "2026-09", "odd_signal"),
        ("002", "online", "2026-09", "heaping"),
    ]
    signals = pd.DataFrame(rows, columns=["unit", "indicator", "period", "signal"])
    text = unit_page(replace(run, extra={"signals": signals}), unit="001", language="vi").data_notes().text
    assert (
        "Cần kiểm tra: kém hơn mức dao động ngẫu nhiên (tháng 9/2026): Hồ sơ phát sinh qua dịch vụ công trực tuyến"
        in text
    )
    assert "tháng cuối 6 tháng nổi bật bất thường (tháng 6/2026): Tài khoản VNeID mức 2" in text
    assert "odd signal" in text and "sát trên mục tiêu" not in text


def test_a_score_is_taken_apart_into_its_components(run):
    target = run.assessments[run.assessments.unit == "64"].target.iloc[0]
    parts = pd.DataFrame(
        [("64", "online", 12.0, 9.0, 0.75, 3.0, 1.8, target), ("64", "late", 20.0, 10.0, 0.5, 10.0, 8.0, target)],
        columns=["unit", "component", "weight", "points", "share", "headroom", "gain_at_90", "target"],
    )
    page = unit_page(replace(run, extra={**run.extra, "components": parts}), unit="64", language="en")
    table = soup(page.targets()).select_one("table.components")
    rows = [[one.text for one in tr.find_all(["th", "td"])] for tr in table.tbody.find_all("tr")]
    before = page.view.history("64", "online").values[-4]  # three months earlier: a quarter
    assert rows[0][1:4] + rows[0][5:] == ["10.0", "20", "50.0%", "10.0", "8.0"]
    assert rows[1][1:] == ["9.0", "12", "75.0%", f"{before:.1%}", "3.0", "1.8"]
    assert table.thead.find_all("th")[4].text == "Share in June 2026"


def test_a_lever_that_moves_nothing_is_not_told(run):
    rows = run.assessments
    row = rows[rows.p_attain.between(0.2, 0.7) & ~rows.settled].iloc[0]
    said = {}
    for gain in (0.0, 0.2):
        table = pd.DataFrame(
            [(row.unit, row.target, "gap_tenth", row.p_attain + gain)],
            columns=["unit", "target", "scenario", "p_attain"],
        )
        page = unit_page(replace(run, extra={**run.extra, "scenarios": table}), unit=row.unit, language="en")
        said[gain] = "of the gap" in str(page.targets().html)
    assert said == {0.0: False, 0.2: True}


def test_a_share_that_should_fall_speaks_of_a_limit_and_not_of_passing_a_target(run):
    text = "\n".join(unit_page(run, unit=unit, language="en").trajectories().text for unit in ("64", "001", "002"))
    late = [line for line in text.splitlines() if line.startswith("Dossiers decided late")]
    assert late and all("past the target" not in line and "short of the target" not in line for line in late)
    assert any("below the limit" in line or "above the limit" in line or "just the target" in line for line in late)


def test_a_new_unit_says_whose_figures_it_carries(run):
    row = {"unit": "001", "indicator": "", "period": "2025-07", "flag": "rebased", "severity": "info", "source": ""}
    found = pd.DataFrame([row | {"details": '{"first":"2025-07","old":["Xã Cũ A","Xã Cũ B"]}'}])
    quality = schema.as_table(pd.concat([run.quality, found], ignore_index=True), schema.QUALITY)
    text = unit_page(replace(run, quality=quality), unit="001", language="vi").data_notes().text
    assert "số liệu trước 7/2025 là của Xã Cũ A, Xã Cũ B" in text


def test_milestones_are_small_diamonds_in_the_panel(run):
    drawn = str(unit_page(run, unit="001", language="vi").trajectories().html)
    assert drawn.count("l3.5,3.5l-3.5,3.5l") == len(view_of(run, "vi").rows("milestones", "001", "GL-FULL-80")) == 2


def test_a_warm_run_makes_the_same_page_and_starts_no_thread():
    run = make_run()
    cold = str(unit_page(run, unit="001", language="vi").trajectories().html)
    trajectory.lay_out.cache_clear()
    run = replace(run)  # a new object: no view of it is kept
    before = threading.active_count()
    warm(run, language="vi")
    assert trajectory.lay_out.cache_info().currsize > 0
    assert threading.active_count() == before
    assert str(unit_page(run, unit="001", language="vi").trajectories().html) == cold


def test_a_run_without_units_can_be_warmed():
    run = make_run(previous=False, extra=False, units=[("a", "A", "", "", "province")])
    warm(run, language="en")
