"""Units x targets: status as a word, with icon and colour by class (theme.css); a table a level, worst first."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup, escape

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, tag
from analysis.briefing.locale import number, ratio
from analysis.briefing.view import View
from analysis.briefing.wording import ICONS, SHORT_WORDS, level_word, status_word
from analysis.words.schema import ON_TRACK, STATUSES

MAX_ROWS = 170  # of one level: no province has more than 168 communes, the page stays below 130 kB; the index has all
CODES = {  # status -> class of its cells: one letter, for there are thousands of them
    "met": "m",
    "holding": "h",
    "on_track": "t",
    "likely": "l",
    "at_risk": "r",
    "unlikely": "u",
    "missed": "x",
    "not_assessable": "n",
}
_WEIGHT = {"unlikely": 4.0, "at_risk": 3.0, "missed": 2.5, "likely": 1.5, "not_assessable": 1.0}


def heat_map(view: View) -> Fragment:
    """The whole panel at a glance."""
    _ = view._
    caption = _("Status of {n} units in {m} targets; worst first within each level").format(
        n=number(len(view.all_assessed()), view.language), m=number(len(_targets(view)), view.language)
    )
    tables = Markup("").join(_table(view, level, units) for level, units in _groups(view))
    html = parts.sentence(caption) + legend(view) + _names(view, _targets(view)) + _tools(view) + tables
    return Fragment(html, "table", caption)


def _tools(view: View) -> Markup:
    """Where the page's script puts its filter, with the words it needs; hidden, and empty, without scripts."""
    _, language = view._, view.language
    statuses = ";".join(f"{CODES[one]}={ICONS[one]} {status_word(one, language)}" for one in STATUSES)
    return tag(
        "div",
        class_="tools",
        id="heat-tools",
        hidden=True,
        data_find=_("Find a unit"),
        data_status=_("Show units with the status"),
        data_all=_("any status"),
        data_count=_("{n} of {m} units shown"),
        data_sort=_("Sort by {column}"),
        data_statuses=statuses,
    )


def _table(view: View, level: str, units: list[str]) -> Markup:
    """One level: only the targets that bind it."""
    _, language = view._, view.language
    used = {row.target for unit in units for row in view.assessed(unit)}
    targets = [one for one in _targets(view) if one in used]
    caption = f"{level_word(level, language)} ({number(len(units), language)})"
    names = [_breakable(one) for one in targets]
    head = [f'<th scope="col">{escape(one)}</th>' for one in (_("Unit"), *names, _("on track"))]
    return Markup(
        f'<div class="table-wrap wide"><table class="heat"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{''.join(head)}"
        f"</tr></thead>{_body(view, units, targets)}</table></div>"
    )


def legend(view: View) -> Markup:
    """Icon and full word of every status."""
    return tag("p", *[Markup("{} ").format(parts.chip(one, view.language)) for one in STATUSES], class_="soft legend")


def _names(view: View, targets: list[str]) -> Markup:
    items = [tag("div", tag("dt", one, id=f"t-{one}"), tag("dd", view.target_name(one))) for one in targets]
    return tag("dl", *items, class_="codes")


def _targets(view: View) -> list[str]:
    used = {row.target for rows in view.all_assessed().values() for row in rows}
    return [one for one in view.targets if one in used] + sorted(used - set(view.targets))


def _groups(view: View) -> list[tuple[str, list[str]]]:
    """Units by level, from the top of the tree down; the worst first."""
    depth = {unit: len(view.ancestors(unit)) for unit in view.all_assessed()}
    levels: dict[tuple[int, str], list[str]] = {}
    for unit in view.all_assessed():
        level = view.units[unit].level if unit in view.units else ""
        levels.setdefault((depth[unit], level), []).append(unit)
    return [
        (level, sorted(units, key=lambda one: (-_badness(view.assessed(one)), view.name(one), one)))
        for (_depth, level), units in sorted(levels.items())
    ]


def _badness(rows: list[tuple]) -> float:
    return sum(_WEIGHT.get(row.status, 0.0) for row in rows) / max(len(rows), 1)


def _usual(statuses: list[str]) -> str:
    """Class of the status most cells of a row have: these cells go without, the row says it once."""
    counts = Counter(statuses)
    return CODES[min(counts, key=lambda one: (-counts[one], one))] if counts else CODES["not_assessable"]


def _body(view: View, units: list[str], targets: list[str]) -> str:
    _, language = view._, view.language
    words = {one: escape(_(SHORT_WORDS[one])) for one in STATUSES}
    out = ["<tbody>"]
    for unit in units[:MAX_ROWS]:
        mine = {row.target: row.status for row in view.assessed(unit)}
        usual = _usual(list(mine.values()))
        row = "".join([_cell(mine.get(one, ""), words=words, usual=usual) for one in targets])
        share = ratio(sum(one in ON_TRACK for one in mine.values()), len(mine), language)
        link = parts.unit_link(view, unit, folder="")
        out.append(f'<tr class="{usual}"><th scope="row">{link}</th>{row}<td>{share}</td></tr>')
    if len(units) > MAX_ROWS:
        rest = _("{n} more units of this level are in the index.").format(n=number(len(units) - MAX_ROWS, language))
        out.append(f'<tr><td class="z" colspan="{len(targets) + 2}">{escape(rest)}</td></tr>')
    return "".join(out) + "</tbody>"


def _cell(status: str, *, words: dict[str, str], usual: str) -> str:
    if not status:
        return '<td class="z">–</td>'
    mark = "" if CODES[status] == usual else f' class="{CODES[status]}"'
    return f"<td{mark}>{words[status]}</td>"


def _breakable(code: str) -> Markup:
    """A code that may break after its hyphens: columns stay narrow, text horizontal."""
    return Markup("-<wbr>").join(code.split("-"))
