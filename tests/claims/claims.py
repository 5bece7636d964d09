# ruff: noqa: E501 - a pattern a line in each language
"""Every kind of sentence with a check: what it claims, and a slow check from the raw files that uses no product code."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from . import raw
from .printed import Printed, found, plain

TODAY = ("level_at", "coverage_all", "cumulative_count", "relative_change")  # kinds that look at the last figure


class Truth:
    """The raw files and targets, read once."""

    @cached_property
    def figures(self) -> pd.DataFrame:
        """One row a figure."""
        return raw.read_raw().set_index(["indicator", "unit", "period"]).sort_index()

    @cached_property
    def values(self) -> dict[str, pd.DataFrame]:
        """Indicator -> units x months, missing where there is no figure."""
        months = [str(one) for one in pd.period_range("2022-10", raw.LAST, freq="M")]
        table = self.figures["value"].unstack("period").reindex(columns=months)
        return {name: table.loc[name] for name in table.index.get_level_values(0).unique()}

    @cached_property
    def targets(self) -> dict[str, dict]:
        """Targets by code."""
        return raw.read_targets()

    @cached_property
    def units(self) -> pd.DataFrame:
        """Units with parent and level."""
        return raw.read_units()

    @cached_property
    def indicators(self) -> dict[str, dict]:
        """Indicators by code."""
        return raw.read_indicators()

    def goal(self, target: str, unit: str) -> float:
        """What is asked of a unit, in the unit of the series; NaN where nothing is."""
        stated = self.targets[target]
        if stated["kind"] == "coverage_all":
            return 1.0
        if stated.get("of") == "quota":
            return float(stated["quota"].get(unit, math.nan)) * stated["threshold"]
        if stated["kind"] == "relative_change":
            values = self.values[stated["indicator"]]
            base = values.at[unit, str(stated["baseline_period"])] if unit in values.index else math.nan
            return base * (1 + stated["threshold"])
        return float(stated["threshold"])

    def last(self, indicator: str, unit: str) -> tuple[float, int]:
        """The last figure and how many months ago it was."""
        row = self.values[indicator].loc[unit].to_numpy()
        at = np.flatnonzero(np.isfinite(row))[-1]
        return float(row[at]), len(row) - 1 - int(at)

    def left(self, target: str) -> int:
        """Months from the last month to the deadline."""
        ends = [pd.Period(str(one), freq="M").ordinal for one in (self.targets[target]["deadline"], raw.LAST)]
        return ends[0] - ends[1]


@dataclass(frozen=True)
class Claim:
    """A kind of sentence; `check` returns what contradicts the raw files, `plant` a copy with a falsehood."""

    says: str  # The message, as the catalogue has it
    means: str
    how: str
    check: Callable[[Printed, Truth], list[str]]
    plant: Callable[[Printed], Printed]


# ---- pace

KEPT = {
    "some": {"vi": r": {n}/{n} đơn vị từng nhanh như vậy trong {n} kỳ liền", "en": r": {n} of {n} units have kept this pace before, over {n} periods"},
    "none": {"vi": r": chưa đơn vị nào trong {n} đơn vị từng nhanh như vậy trong {n} kỳ liền", "en": r": none of {n} units has ever kept this pace over {n} periods"},
    "own": {"vi": r"đơn vị này từng nhanh như vậy trong {n}/{n} giai đoạn {n} kỳ trước đây", "en": r"this unit kept this pace in {n} of its {n} past stretches of {n} periods"},
    "never": {"vi": r"đơn vị này chưa từng nhanh như vậy trong {n} giai đoạn {n} kỳ trước đây", "en": r"this unit never kept this pace in its {n} past stretches of {n} periods"},
}  # fmt: skip


def kept_pace(printed: Printed, truth: Truth) -> list[str]:
    """Paces as printed, of the units of the same level, counts as shares of their quotas."""
    wrong, n_seen = [], 0
    for row in printed.rows.itertuples():
        for kind, patterns in KEPT.items():
            numbers = found(patterns[row.language], row.pace, row.language)
            if numbers is None or printed_reading(truth, row.target) == "cumulative":
                continue
            n_seen += 1
            k, m, window = [0.0, *numbers] if len(numbers) == 2 else numbers
            low, high, of = _kept(truth, row, window=int(window), own=kind in ("own", "never"))
            if not (low <= k <= high and m == of):
                wrong.append(f"{row.language} {row.unit} {row.target}: {k:g}/{m:g} printed, {low}..{high}/{of} found")
    return wrong if n_seen > 1000 else [f"only {n_seen} sentences of this kind"]


# ---- a promise over a whole time

REST = {
    "vi": r"cần bình quân {n}% trong {n} kỳ còn lại",
    "en": r"needed on average over the remaining {n} periods: {n}%",
}
SO_FAR = {"vi": r"từ tháng \d+/\d+ đến tháng \d+/\d+: {n}%", "en": r"from \w+ \d+ to \w+ \d+: {n}%"}
MORE = {"vi": r"^thêm {n} ", "en": r": {n} more needed"}
LEVEL = {
    "some": {"vi": r": {n}/{n} đơn vị từng giữ được mức này trong {n} kỳ liền", "en": r": {n} of {n} units have kept this level before, over {n} periods"},
    "none": {"vi": r": chưa đơn vị nào trong {n} đơn vị từng giữ được mức này trong {n} kỳ liền", "en": r": none of {n} units has ever kept this level over {n} periods"},
}  # fmt: skip


def over_the_whole_time(printed: Printed, truth: Truth) -> list[str]:
    """Value so far, gap, level that the rest needs and who ever held it, of promises read cumulatively."""
    wrong, n_seen = [], 0
    for row in printed.rows.itertuples():
        if printed_reading(truth, row.target) != "cumulative":
            continue
        stated = truth.targets[row.target]
        months = truth.figures.loc[stated["indicator"]]
        mine = months.loc[row.unit]
        mine = mine[mine.index >= str(stated["start"])]
        top, bottom, goal = mine["top"].sum(), mine["bottom"].sum(), stated["threshold"]
        usual = months.loc[row.unit].loc[lambda table: table.index > "2025-09", "bottom"].mean()
        n_rest = truth.left(row.target)
        needed = (goal * (bottom + n_rest * usual) - top) / (n_rest * usual)
        n_seen += 1
        shown = found(SO_FAR[row.language], row.level, row.language)
        if shown is None or abs(shown[0] - 100 * top / bottom) > 0.05 + 1e-9:
            wrong.append(f"{row.language} {row.unit} {row.target}: {shown} so far, {100 * top / bottom:.2f} found")
        rest = found(REST[row.language], row.pace, row.language)
        share, periods = (None, None) if rest is None else rest if row.language == "vi" else rest[::-1]
        if rest is None or periods != n_rest or abs(share - 100 * max(needed, 0)) > 0.05 + 1e-9:
            wrong.append(f"{row.language} {row.unit} {row.target}: {rest} of the rest, {100 * needed:.2f} found")
        missing = math.ceil(round(goal * bottom, 6)) - top
        more = found(MORE[row.language], row.closing, row.language)
        if (missing > 0) != (more is not None) or more is not None and more[0] != missing:
            wrong.append(f"{row.language} {row.unit} {row.target}: {more} more, {missing} found")
        wrong += _held_level(row, truth, needed=needed, n_rest=n_rest)
    return wrong if n_seen == 40 else [*wrong, f"{n_seen} rows of this kind, 40 expected"]


def _held_level(row, truth: Truth, *, needed: float, n_rest: int) -> list[str]:
    months = truth.figures.loc[truth.targets[row.target]["indicator"]]
    level = truth.units["level"]
    wrong = []
    for patterns in LEVEL.values():
        numbers = found(patterns[row.language], row.pace, row.language)
        if numbers is None:
            continue
        held, of = 0, 0
        for unit in level.index[level == level[row.unit]]:
            table = months.loc[unit].reindex(truth.values[truth.targets[row.target]["indicator"]].columns)
            reached = (table["top"].rolling(n_rest).sum() / table["bottom"].rolling(n_rest).sum()).dropna()
            of += len(reached) > 0
            held += bool((reached >= needed - 1e-9).any())
        k, m, n = [0.0, *numbers] if len(numbers) == 2 else numbers
        if (k, m, n) != (held, of, n_rest):
            wrong.append(f"{row.language} {row.unit} {row.target}: {k:g}/{m:g} kept the level, {held}/{of} found")
    return wrong


def _plant_rest(printed: Printed) -> Printed:
    at = printed.rows.index[(printed.rows["target"] == "ONL-BAND") & (printed.rows["unit"] == "099S14")][0]
    return printed.with_text("closing", at, printed.rows.at[at, "closing"].replace("thêm 483", "thêm 40"))


def printed_reading(truth: Truth, target: str) -> str:
    """The reading of a sustained target."""
    return truth.targets[target].get("reading", "")


def _kept(truth: Truth, row, *, window: int, own: bool) -> tuple[int, int, int]:
    stated = truth.targets[row.target]
    level = truth.units["level"]
    values = truth.values[stated["indicator"]]
    values = values[[level[one] == level[row.unit] for one in values.index]]
    now, stale = truth.last(stated["indicator"], row.unit)
    goal = truth.goal(row.target, row.unit)
    needed = (goal - now) / (truth.left(row.target) + stale)
    if truth.indicators[stated["indicator"]]["kind"] == "count":
        values = values.div([truth.goal(row.target, one) for one in values.index], axis=0)
        needed /= goal
    sign = -1 if str(stated.get("operator", ">=")).startswith("<") else 1
    moved = sign * (values - values.shift(window, axis=1)) / window
    moved = moved[moved.notna().any(axis=1)]
    # one carried-over commune has 9,399 or 9,400 citizens, by how halves are rounded: its share may differ by 2e-5
    near = 2e-5 / window if stated["indicator"] == "vneid_activated" else 1e-11
    least = sign * needed
    if own:
        moved = moved.stack()
        return int((moved >= least + near).sum()), int((moved >= least - near).sum()), len(moved)
    best = moved.max(axis=1)
    return int((best >= least + near).sum()), int((best >= least - near).sum()), len(best)


def _plant_pace(printed: Printed) -> Printed:
    at = printed.rows.index[
        (printed.rows["unit"] == "099001") & printed.rows["pace"].str.contains("134 đơn vị|135 đơn vị")
    ]
    text = printed.rows.at[at[0], "pace"]
    return printed.with_text(
        "pace", at[0], text.replace("135 đơn vị", "136 đơn vị").replace("134 đơn vị", "135 đơn vị")
    )


# ---- gap and steps

STEPS = {
    "rise": {"vi": r"số lượng phải tăng thêm khoảng {n} mỗi tháng: từ {n} hiện nay lên {n} vào", "en": r"the number must rise by about {n} a month: from {n} now to {n} in"},
    "fall": {"vi": r"số lượng phải giảm khoảng {n} mỗi tháng: từ {n} hiện nay xuống {n} vào", "en": r"the number must fall by about {n} a month: from {n} now to {n} in"},
}  # fmt: skip
ADD = {"vi": r"khoảng {n} mỗi tháng", "en": r"about {n} a month"}


def steps(printed: Printed, truth: Truth) -> list[str]:
    """A monthly number rises (falls) by n a month from today's to the one that keeps the target; a total is added to."""
    wrong, n_seen = [], {"rise": 0, "fall": 0, "add": 0}
    for row in printed.rows.itertuples():
        stated = truth.targets[row.target]
        said = {kind: found(patterns[row.language], row.closing, row.language) for kind, patterns in STEPS.items()}
        added = found(ADD[row.language], row.closing, row.language)
        if stated["kind"] not in TODAY or added is None:
            continue
        now, stale = truth.last(stated["indicator"], row.unit)
        goal, left = truth.goal(row.target, row.unit), truth.left(row.target) + stale
        total = truth.indicators[stated["indicator"]]["cumulative"]
        figure = truth.figures.loc[stated["indicator"], row.unit].iloc[-1]
        of = figure["bottom"] if math.isfinite(figure["bottom"]) else 1.0
        at_most = str(stated.get("operator", ">=")).startswith("<")
        then = math.floor(round(goal * of, 6)) if at_most else math.ceil(round(goal * of, 6))
        step = math.ceil(abs(then - figure["top"]) / left - 1e-9)
        kind = "add" if total else "fall" if at_most else "rise"
        n_seen[kind] += 1
        wanted = [step, figure["top"], then]
        shown = [added[0], figure["top"], then] if total and not any(said.values()) else said.get(kind)
        if shown != wanted:
            wrong.append(f"{row.language} {row.unit} {row.target}: {shown} printed, {wanted} found")
    return wrong if min(n_seen.values()) > 50 else [*wrong, f"sentences seen: {n_seen}"]


def _plant_steps(printed: Printed) -> Printed:
    at = printed.rows.index[printed.rows["closing"].str.contains("phải tăng thêm")][0]
    text = printed.rows.at[at, "closing"]
    return printed.with_text(
        "closing",
        at,
        re.sub(r"số lượng phải tăng thêm khoảng ([\d.]+) mỗi tháng.*? vào", r"khoảng \1 mỗi tháng vào", text),
    )


# ---- what cannot be assessed

EXPECTED = {
    "unit": {"vi": r"chỉ tiêu dự kiến không đạt, trên số đánh giá được {n}/{n}", "en": r"targets expected to be missed, of those that can be assessed {n} of {n}"},
    "all": {"vi": r"lượt chỉ tiêu dự kiến không đạt, trên số chưa có kết quả và đánh giá được {n}/{n}", "en": r"targets expected to be missed, of those still open that can be assessed {n} of {n}"},
}  # fmt: skip
PROBABILITY = r"\d%|\d+ trong 10|\d+ in 10"


def not_assessed(printed: Printed, truth: Truth) -> list[str]:
    """A unit with fewer than four months of figures has no probability in any table or cell, and no count has it."""
    few = [unit for unit in truth.units.index if _months(truth, unit, "online_filed") < 4]
    table = printed.tables["assessments"]
    unknown = table[table["status"] == "not_assessable"]
    wrong = [f"{row.unit} {row.target}: {row.p_attain} stored" for row in unknown.itertuples() if row.p_attain >= 0]
    told = {(row.unit, row.target) for row in unknown.itertuples()}
    wrong += [
        f"{unit} {row.target}: assessed with fewer than four months"
        for unit in few
        for row in table[(table["unit"] == unit) & ~table["settled"]].itertuples()
        if (unit, row.target) not in told
    ]
    for name, column in (
        ("scenarios", "p_attain"),
        ("readings", "p"),
        ("milestones", "p"),
        ("denominators", "p_quota"),
    ):
        extra = printed.tables[name]
        extra = extra[~extra["settled"]] if "settled" in extra else extra
        wrong += [
            f"{name}: {row.unit} {row.target} has a probability"
            for row in extra[extra[column].notna()].itertuples()
            if (row.unit, row.target) in told
        ]
    mine = [(row.unit, row.target) in told for row in printed.rows.itertuples()]
    wrong += [
        f"{row.language} {row.unit} {row.target}: {row.probability!r}"
        for row in printed.rows[mine].itertuples()
        if pd.Series([row.probability]).str.contains(PROBABILITY).iloc[0]
    ]
    return wrong if few == ["099130"] else [*wrong, f"units with fewer than four months: {few}"]


def _months(truth: Truth, unit: str, indicator: str) -> int:
    values = truth.values[indicator]
    return int(values.loc[unit].notna().sum()) if unit in values.index else 0


def expected_missed(printed: Printed, truth: Truth) -> list[str]:
    """Numbers expected to be missed add 1 - p over the rows that can be assessed, and say how many these are."""
    table = printed.tables["assessments"]
    known = table[(table["status"] != "not_assessable") & table["p_attain"].notna()]
    open_ = known[~known["status"].isin(["met", "missed"])]
    wrong, n_seen = [], 0
    for row in printed.pages[printed.pages["section"] == "answer"].itertuples():
        if row.page == "quality":
            continue
        mine = open_ if row.page == "overview" else known[known["unit"] == row.page]
        kind, digits = ("all", 0) if row.page == "overview" else ("unit", 1)
        numbers = found(EXPECTED[kind][row.language], plain(row.text), row.language)
        wanted = (round((1 - mine["p_attain"]).sum(), digits), len(mine)) if len(mine) else None
        n_seen += numbers is not None
        if (numbers is None) != (wanted is None):
            wrong.append(f"{row.language} {row.page}: {numbers} printed, {wanted} found")
        elif numbers and (abs(numbers[0] - wanted[0]) > 10**-digits * 0.51 or numbers[1] != wanted[1]):
            wrong.append(f"{row.language} {row.page}: {numbers} printed, {wanted} found")
    return wrong if n_seen > 300 else [*wrong, f"only {n_seen} of these numbers"]


def _plant_assessed(printed: Printed) -> Printed:
    table = printed.tables["assessments"].copy()
    table.loc[(table["unit"] == "099130") & (table["target"] == "ONL-80"), "p_attain"] = 0.72
    return printed.with_table("assessments", table)


def _plant_expected(printed: Printed) -> Printed:
    pages = printed.pages
    at = pages.index[(pages["page"] == "overview") & (pages["section"] == "answer") & (pages["language"] == "vi")][0]
    all_rows = f"/{len(printed.tables['assessments']):,}".replace(",", ".")  # of the other counts on the page
    match = next(one for one in re.finditer(r"(\d+)(/2\.\d{3})", pages.at[at, "text"]) if one[2] != all_rows)
    return printed.with_page(at, pages.at[at, "text"].replace(match[0], f"{int(match[1]) + 3}{match[2]}"))


# ---- figures to be checked

HEAPED = {"vi": "nhiều đơn vị vừa đủ đạt mục tiêu", "en": "many units only just meet the target"}


def heaped(printed: Printed, truth: Truth) -> list[str]:
    """A unit flagged for heaping is just on the good side of the target, and the quality page counts the same units."""
    goal = truth.targets["LATE-2"]["threshold"]
    values = truth.values["overdue"][raw.LAST].drop("099")
    near = set(values.index[(values <= goal) & (values > 0.9 * goal - 1e-3)])
    wrong = []
    for language, words in HEAPED.items():
        pages = printed.pages[printed.pages["language"] == language]
        notes = pages[(pages["section"] == "notes") & pages["text"].str.contains(words)]
        flagged = set(notes["page"])
        wrong += [f"{language} {unit}: {values[unit]:.4f} is not just below {goal}" for unit in sorted(flagged - near)]
        table = plain(pages.loc[pages["section"] == "findings", "text"].iloc[0])
        counted = found(words + " {n} {n}", table, language)
        if counted != [len(flagged)] * 2:
            wrong.append(f"{language}: {counted} on the quality page, {len(flagged)} pages of units")
    return wrong


def _plant_heaped(printed: Printed) -> Printed:
    pages = printed.pages
    at = pages.index[(pages["section"] == "notes") & (pages["page"] == "099018") & (pages["language"] == "vi")][0]
    return printed.with_page(at, f"Cần kiểm tra: {HEAPED['vi']} (tháng 9/2026)")


CLAIMS = (
    Claim(
        "{level}: {k} of {m} units have kept this pace before, over {n} periods",
        "Of the units of the same level with a figure n months apart, k ever moved as fast as is needed, in points a "
        "month (a count: as a share of each unit's own quota); the parent is not one of them.",
        "Every pair of figures n months apart is taken from the raw files and compared with the pace that is printed.",
        kept_pace,
        _plant_pace,
    ),
    Claim(
        "needed on average over the remaining {n} periods: {level}",
        "For a promise over a whole time: the share so far, the cases missing over that time, the mean share that the "
        "remaining months need at the mean denominator of the last twelve, and how many units ever held it so long.",
        "Numerators and denominators are added up from the raw files from the start on.",
        over_the_whole_time,
        _plant_rest,
    ),
    Claim(
        "Not assessable",
        "A unit with fewer than four months of figures is not assessed; no table and no cell has a probability of what "
        "is not assessable.",
        "Months with figures are counted in the raw files; every table with probabilities is searched.",
        not_assessed,
        _plant_assessed,
    ),
    Claim(
        "targets expected to be missed, of those that can be assessed",
        "The sum of 1 - p over the targets that can be assessed (on the overview: and are open), and their number.",
        "The stored probabilities are added up.",
        expected_missed,
        _plant_expected,
    ),
    Claim(
        "the number must rise by about {n} {per}: from {now} now to {then} in {deadline}",
        "A month's own number (dossiers filed online) must grow by n every month, to the number that keeps the target at "
        "today's denominator; only of totals that keep (accounts, books) it says that n are added a month.",
        "Last numerator and denominator, threshold and months left are read from the raw files.",
        steps,
        _plant_steps,
    ),
    Claim(
        "many units only just meet the target",
        "The unit's figure lies just on the good side of the target (within a tenth of it), and the data quality page "
        "counts as many units as have the note on their page.",
        "The last month's shares are read from the raw files; notes on the units' pages are counted.",
        heaped,
        _plant_heaped,
    ),
)
