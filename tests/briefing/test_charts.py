"""Charts: marks where the numbers say, labels apart, ids unique, small, the same bytes twice, readable without eyes."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.briefing.charts import evidence, svg, trajectory
from analysis.briefing.charts.bars import bullet, strip
from analysis.briefing.charts.svg import ROLES
from analysis.briefing.charts.trajectory import BOTTOM, LEFT, RIGHT, TOP, Panel, Promised, Scale
from analysis.briefing.view import view_of
from analysis.publishing.sanitise import is_clean


@pytest.fixture
def panel(run):
    view = view_of(run, "vi")
    history, fan = view.history("001", "online"), view.fan("001", "online")
    span = trajectory.span_of(history.periods, until=[fan.periods[-1]])
    return Panel(
        view.indicators["online"],
        history,
        fan,
        [Promised(0.8, start="2024-01", deadline="2026-12", baseline=0.3)],
        span,
        Scale(0.0, 1.0),
        "vi",
    )


def draw(panel, key="c0"):
    return trajectory.draw(panel, key=key, title="Tỷ lệ <b>", description="Mô tả & số")


def test_a_scale_puts_its_ends_on_the_edges_and_a_rank_downwards():
    assert Scale(0, 1).y([0, 1]).tolist() == [BOTTOM, TOP]
    assert Scale(1, 9, turned=True).y([1, 9]).tolist() == [TOP, BOTTOM]
    assert Scale(1, 9, turned=True).ticks() == [9, 7, 5, 3, 1]


def test_values_far_off_the_scale_end_at_its_edge():
    assert Scale(0, 1).y([5.0])[0] >= 0


def test_periods_run_from_left_to_right():
    one = trajectory.lay_out(630, 690, "M")
    assert one.x([630, 631, 690]).tolist() == [LEFT, LEFT + 4, LEFT + 240]  # whole steps: 264 pixels / 60 periods = 4.4
    assert one.right == LEFT + 240 <= RIGHT


def test_the_frame_is_drawn_once_and_holds_five_tick_labels(panel):
    one = trajectory.lay_out(630, 690, "M")
    assert trajectory.lay_out(630, 690, "M") is one
    assert [f"@{at}@" in one.labels for at in range(5)] == [True] * 5 and one.grid.count("<text") >= 4
    body = trajectory.tick_labels(one, panel, key="k")
    assert [text in body for text in ("0%", "25%", "50%", "75%", "100%")] == [True] * 5 and "@" not in body


@pytest.mark.parametrize(
    ("value", "top"), [(0.3, 0.3), (99, 100), (101, 200), (1234567, 2e6), (0, 1), (float("nan"), 1)]
)
def test_nice_tops(value, top):
    assert trajectory.nice_top(value) == pytest.approx(top)


def test_tick_texts_are_short():
    texts = [trajectory.tick_text(value, "count", "vi") for value in (0, 25_000, 750_000, 1_500_000, 2e9)]
    assert texts == ["0", "25.000", "750.000", "1,5 tr", "2 tỷ"]


def test_a_gap_breaks_the_line_and_a_lone_point_becomes_a_dot():
    drawn = svg.line([0, 1, 2, 3, 4], [1, 2, np.nan, 3, np.nan], role="history")
    assert drawn.count("M") == 1 and drawn.count("<circle") == 1


def test_missing_months_are_a_gap_not_a_straight_line(run):
    view = view_of(run, "vi")
    history, fan = view.history("002", "online"), view.fan("002", "online")
    span = trajectory.span_of(history.periods, until=[])
    drawn = draw(Panel(view.indicators["online"], history, fan, [], span, Scale(0.0, 1.0), "vi"))
    [data] = re.findall(r'class="r-history ln" d="([^"]*)"', drawn)
    assert data.count("M") == 2


def test_the_marks_stand_at_their_numbers(panel):
    drawn = draw(panel)
    one = trajectory.lay_out(*panel.span, "M")
    x = float(one.x(trajectory.ordinal("2026-12")))
    y = float(panel.scale.y(0.8))
    assert f'd="M{x:.1f},{y - 5:.1f}l5,5' in drawn  # diamond of the promise at its deadline
    last = float(panel.scale.y(panel.history.values[-1]))
    assert f'cy="{last:.1f}" r="3"' in drawn


def points_of(data):
    """The points of ``x,yl dx dy dx dy``: a start and steps."""
    start, steps = data.split("l")
    found = [float(one) for one in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", steps)]
    return np.cumsum([[float(one) for one in start.split(",")], *zip(found[::2], found[1::2], strict=True)], axis=0)


def test_steps_lead_to_the_rounded_points_without_drift():
    rng = np.random.default_rng(3)
    x, y = np.arange(200) * 4.0, rng.uniform(16, 188, 200)
    assert np.abs(points_of(svg.coordinates(x, y)) - np.column_stack([x, y])).max() <= 0.05 + 1e-9


def test_a_band_starts_where_both_its_bounds_are_known():
    x, low, high = np.array([0.0, 4, 8]), np.array([np.nan, 10, 11]), np.array([np.nan, 5, 4])
    assert svg.band(x, low, high, role="fan80") == '<path class="r-fan80" d="M4,10l4 1 0-7-4 1Z"/>'
    assert svg.band(x[:1], low[:1], high[:1], role="fan80") == ""


def test_the_bands_lie_inside_one_another_and_the_densest_is_drawn_last(panel):
    drawn = draw(panel)
    places = [drawn.index(f'class="r-{role}"') for role in ("fan95", "fan80", "fan50")]
    assert places == sorted(places)
    areas = []
    for role in ("fan95", "fan80", "fan50"):
        [data] = re.findall(rf'class="r-{role}" d="M([^"]*)Z"', drawn)
        areas.append(np.ptp(points_of(data)[:, 1]))
    assert areas[0] > areas[1] > areas[2]


def test_flagged_points_are_hollow_and_a_break_is_a_vertical_line(run, panel):
    view = view_of(run, "vi")
    broken = replace(panel, history=view.history("003", "online"))
    assert draw(broken).count("hollow") == 2  # the change of definition and the merger
    assert draw(broken).count('class="r-flag ln"') == 2
    assert draw(panel).count("hollow") == 1  # unit 001: one doubtful figure, no break
    assert draw(panel).count('class="r-flag ln"') == 0


def test_months_before_a_merger_are_marked_by_its_line_only(run, panel):
    history = view_of(run, "vi").history("003", "online")
    merged = history._replace(flags=["merger" if one == "merger" else "rebased" for one in history.flags])
    drawn = draw(replace(panel, history=merged))
    assert drawn.count("hollow") == 1 and drawn.count('class="r-flag ln"') == 1


def test_labels_move_apart_and_stay_within_the_axes():
    placed = trajectory.spread([(BOTTOM, "a", "target"), (BOTTOM - 2, "b", "median"), (BOTTOM - 3, "c", "target")])
    at = [one[0] for one in placed]
    assert np.diff(at).min() >= 13 - 0.5 and max(at) <= BOTTOM + 1e-9
    assert [one[1] for one in placed] == ["c", "b", "a"]
    assert trajectory.spread([]) == []


def test_a_chart_names_and_describes_itself_and_is_well_formed(panel):
    root = ElementTree.fromstring(str(draw(panel)))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == "t-c0 d-c0"
    assert [(one.tag, one.attrib["id"], one.text) for one in root[:2]] == [
        ("title", "t-c0", "Tỷ lệ <b>"),
        ("desc", "d-c0", "Mô tả & số"),
    ]


def test_all_text_is_text_and_horizontal(panel):
    drawn = draw(panel)
    assert "rotate" not in drawn
    assert "63,4%" in drawn or re.search(r">\d+,\d%<", drawn)


def test_later_panels_of_a_page_use_the_first_ones_grid(panel):
    drawn = trajectory.draw(panel, key="c1", title="t", description="d", shared="c0", labels="c0")
    assert '<use href="#g-c0"/><use href="#l-c0"/>' in drawn
    assert 'id="g-c0"' in draw(panel) and 'id="l-c0"' in draw(panel)
    assert len(drawn) < len(draw(panel)) - 200


def test_same_data_same_bytes_and_other_keys_other_ids(panel):
    assert draw(panel) == draw(panel)
    trajectory.lay_out.cache_clear()
    first = draw(panel)
    trajectory.lay_out.cache_clear()
    assert first == draw(panel)
    ids = [set(re.findall(r'id="([^"]*)"', str(draw(panel, key=key)))) for key in ("c0", "c1")]
    assert not ids[0] & ids[1]


def test_a_panel_is_small_clean_and_holds_no_date(panel):
    drawn = str(draw(panel))
    assert len(drawn) < 4500
    assert is_clean(drawn)
    assert "style=" not in drawn and "clip" not in drawn and "metadata" not in drawn


@pytest.mark.parametrize("code", ["online", "vneid", "late", "score", "rank", "digit"])
def test_every_kind_of_indicator_has_a_scale_that_holds_its_values(run, code):
    view = view_of(run, "vi")
    row = view.indicators[code]
    values = [*view.history("001", code).values, *view.fan("001", code).predicted[:, -1]]
    scale = trajectory.scale_of(row, values=values)
    if row.kind != "rate":
        assert scale.low <= min(values) and max(values) <= scale.high * 1.001
    assert scale.turned == (code == "rank")


def test_shares_stand_on_one_scale_where_more_is_better():
    row = type("Row", (), {"kind": "rate", "better": "up", "maximum": float("nan")})
    assert trajectory.scale_of(row, values=[0.02, 0.03]) == Scale(0.0, 1.0)


def test_a_deadline_decades_away_does_not_squeeze_the_history():
    first, last = trajectory.span_of(["2024-01", "2024-12"], until=["2050"])
    assert last - trajectory.ordinal("2024-12") <= 11


def test_the_bullet_leaves_out_what_is_missing():
    nan = float("nan")
    whole = bullet(scale=Scale(0, 1), current=0.5, median=0.6, lower=0.5, upper=0.7, threshold=0.8)
    bare = bullet(scale=Scale(0, 1), current=0.5, median=nan, lower=nan, upper=nan, threshold=nan)
    assert (whole.count("<rect"), whole.count("r-target")) == (4, 1)
    assert (bare.count("<rect"), bare.count("r-target")) == (2, 0)
    assert 'width="87"' in whole  # half of the 174 pixels between the ends


def test_a_strip_spans_from_low_to_high():
    drawn = strip(low=0.25, high=0.75, now=0.5)
    assert 'x="41" y="5" width="78"' in drawn


BINS = pd.DataFrame(
    {"mean_p": [0.1, 0.9], "share": [0.2, 0.8], "share_lower": [0.1, 0.7], "share_upper": [0.3, 0.9], "n": [10, 40]}
)


def test_the_reliability_diagram_is_clean_text_with_a_name():
    first, again = (evidence.reliability(BINS, language="vi", key="k", title="T", description="D") for _ in range(2))
    assert first == again and is_clean(str(first))
    assert "xác suất dự báo" in first and "tỷ lệ đạt thực tế" in first
    ElementTree.fromstring(str(first))


def test_skill_lines_are_labelled_directly():
    lines = [("a", np.array([1.0, 3.0]), np.array([0.4, 0.2])), ("b", np.array([1.0, 3.0]), np.array([0.4, -0.2]))]
    drawn = evidence.skill_by_horizon(lines, language="en", key="k", title="T", description="D")
    assert [f">{label}<" in drawn for label in ("a", "b", "linear pace")] == [True] * 3
    assert is_clean(str(drawn))


def test_colours_of_words_are_readable_on_white_and_roles_differ():
    for role in ("ink", "soft", "median", "target", "flag", "pace"):
        assert contrast(ROLES[role], "#ffffff") >= 4.5, role
    assert len(set(ROLES.values())) >= len(ROLES) - 1  # ink and history are one


def contrast(a, b):
    first, second = sorted((luminance(a), luminance(b)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
