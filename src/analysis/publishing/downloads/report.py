"""The content of the one-page report: sentences and table rows from the run, in the words of the briefings.

No file is written here; :mod:`analysis.publishing.downloads.docx` lays it out. Every number is in the run's tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from analysis.briefing import decisions
from analysis.briefing.locale import number, period
from analysis.briefing.overview import say_overview
from analysis.briefing.view import View, view_of
from analysis.briefing.wording import ICONS, difference, probability, quantity, reason_word, say_goal, status_word
from analysis.publishing.downloads.texts import shown
from analysis.words.schema import LANGUAGES, STATUSES

MAX_LINES = 12  # lines of the table of targets that fit one page with everything else
LETTERS = (26, 18, 11, 19, 16)  # about as many letters of size 11 fit a line of each column
MAX_DECISIONS = 3
MAX_LETTERS = 70  # of a name in a row
ORDER = ("unlikely", "at_risk", "likely", "missed", "not_assessable", "on_track", "holding", "met")
RANKS = {status: at for at, status in enumerate(STATUSES[:7])}  # "met" best, "missed" worst; not assessable has no rank


@dataclass(frozen=True)
class Section:
    """A heading with sentences, and perhaps a table (header first) or a list."""

    heading: str
    sentences: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)
    caption: str = ""


@dataclass(frozen=True)
class Report:
    """One page about the unit of the overview."""

    title: str
    period: str
    sections: list[Section]
    note: str


def build_report(view: View) -> Report:
    """The report about the unit of the overview, in the view's language."""
    _ = view._
    sections = [_general(view), _doubtful(view)]
    if (decided := _decisions(view)) is not None:
        sections.append(decided)
    sections.append(_compared(view, place=len(sections) + 1))
    return Report(
        title=_("Progress and likelihood of reaching the targets: {unit}").format(unit=shown(view.name(view.root))),
        period=_("Figures up to {period}").format(period=period(view.cutoff, view.language)),
        sections=sections,
        note=_("Probabilities are forecasts; the workbook has every figure and its source."),
    )


def _general(view: View) -> Section:
    rows = [row for mine in view.all_assessed().values() for row in mine]
    text = say_overview(view, view.assessed(view.root), rows)
    return Section(view._("1. General result"), [shown(text, limit=600)])


def _doubtful(view: View) -> Section:
    """The targets, the most in doubt first; what does not fit the page is counted."""
    _, language = view._, view.language
    rows = sorted(view.assessed(view.root), key=_urgency)
    heading = _("2. Targets")
    if not rows:
        return Section(heading, [_("This unit has no target in this run.")])
    n_rows = min(_n_fitting(view_of(view.run, name), rows) for name in LANGUAGES)  # the same facts in both
    header = [_("Target"), _("Status and probability"), _("Now"), _("Commitment"), _("Gap")]
    table = [header, *[_target_row(view, row) for row in rows[:n_rows]]]
    caption = _("Targets of {unit}: status, probability, value now, commitment").format(
        unit=shown(view.name(view.root))
    )
    if len(rows) > n_rows:
        heading = _("2. Targets most in doubt ({k} of {n}; all are in the workbook)").format(
            k=number(n_rows, language), n=number(len(rows), language)
        )
    return Section(heading, table=table, caption=caption)


def _n_fitting(view: View, rows: list[tuple]) -> int:
    """How many rows fit the page in the view's language; at least one."""
    n_lines = MAX_LINES
    for at, row in enumerate(rows):
        cells = _target_row(view, row)
        n_lines -= max(math.ceil(len(cell) / letters) for cell, letters in zip(cells, LETTERS, strict=True))
        if n_lines < 0:
            return max(at, 1)
    return len(rows)


def _urgency(row) -> tuple:
    at = ORDER.index(row.status) if row.status in ORDER else len(ORDER)
    return at, row.p_attain if math.isfinite(row.p_attain) else 2.0, row.target


def _target_row(view: View, row) -> list[str]:
    language, indicator = view.language, view.indicators.get(row.indicator)
    now = view._("no figure")
    if math.isfinite(row.current):
        now = number(row.current, language) if row.kind == "rank_le" else quantity(row.current, indicator, language)
        if row.current_period not in ("", view.cutoff):  # the report's own period is in its title
            now += f" ({period(row.current_period, language, short=True)})"
    gap = _gap(view, row) if not row.settled and not row.attained_now else ""
    cells = [
        view.target_name(row.target),
        f"{ICONS.get(row.status, '?')} {status_word(row.status, language)}{_chance(row, language)}",
        now,
        say_goal(row, indicator, language, view.targets.get(row.target)),
        gap or number(None, language),
    ]
    return [shown(one, limit=MAX_LETTERS) for one in cells]


def _chance(row, language: str) -> str:
    if row.settled:
        return ""
    if math.isfinite(row.p_attain) and row.status != "not_assessable":
        return f", {probability(row.p_attain, language)}"
    return f": {reason_word(row.reason, language)}" if row.reason else ""


def _gap(view: View, row) -> str:
    """What the promise still lacks, or has too much of, in cases or in the indicator's unit; ``""`` where nothing."""
    _, language, indicator = view._, view.language, view.indicators.get(row.indicator)
    if row.kind == "rank_le":  # counted in places, whatever the indicator is measured in
        behind = _.plural("{n} place behind", "{n} places behind", row.gap)
        return behind.format(n=number(row.gap, language)) if row.gap > 0 else ""
    if math.isfinite(row.gap_cases) and row.gap_cases > 0 and indicator is not None:
        things = view.text(indicator, "numerator") or view.text(indicator, "unit")
        amount = f"{number(row.gap_cases, language)} {things}".strip()
    elif math.isfinite(row.gap) and row.gap > 0:
        amount = difference(row.gap, indicator, language, signed=False)
    else:
        return ""
    over = row.operator in ("<", "<=")
    return (_("{amount} too many") if over else _("{amount} missing")).format(amount=amount)


def _decisions(view: View) -> Section | None:
    """Units whose decision would give most to the whole; None where no promise is in doubt below."""
    _, language = view._, view.language
    ranked = decisions.rank(view)
    if not ranked:
        return None
    items = []
    for one in ranked[:MAX_DECISIONS]:
        gap = _gap(view, one.row)
        pattern = _("{unit}: {target} ({status}; {gap})") if gap else _("{unit}: {target} ({status})")
        text = pattern.format(
            unit=shown(view.name(one.unit), limit=MAX_LETTERS),
            target=shown(view.target_name(one.row.target), limit=MAX_LETTERS),
            status=f"{status_word(one.row.status, language).lower()}{_chance(one.row, language)}",
            gap=gap,
        )
        items.append(shown(text, limit=260))
    heading = _("3. Units that need a decision ({k} of {n}, ranked by what they would add)").format(
        k=number(len(items), language), n=number(len(ranked), language)
    )
    return Section(heading, items=items)


def _compared(view: View, *, place: int) -> Section:
    """Statuses against a quarter ago, from the assessments themselves."""
    _, language = view._, view.language
    heading = _("3. Compared with last quarter") if place == 3 else _("4. Compared with last quarter")
    known = [row for row in view.assessed(view.root) if row.status in RANKS and row.previous_status in RANKS]
    if not known:
        return Section(heading, [_("There is no earlier quarter to compare with.")])
    moves = [(RANKS[row.previous_status] - RANKS[row.status], row) for row in known]
    up, down = sum(move > 0 for move, _row in moves), sum(move < 0 for move, _row in moves)
    text = _("Targets whose status improved: {up}; worsened: {down}; unchanged: {same}.").format(
        up=number(up, language), down=number(down, language), same=number(len(known) - up - down, language)
    )
    sentences = [text]
    move, row = max(moves, key=lambda one: (abs(one[0]), one[1].target))
    if move:
        sentences[0] += " " + (
            _("The largest change: {target}, from {before} to {now}.").format(
                target=shown(view.target_name(row.target)),
                before=status_word(row.previous_status, language).lower(),
                now=status_word(row.status, language).lower(),
            )
        )
    return Section(heading, sentences)
