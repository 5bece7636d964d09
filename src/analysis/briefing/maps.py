"""The whole panel at a glance: units x targets by status (a table a level, worst first), and Vietnam as tiles.

Status is a word, with icon and colour by class (theme.css). A tile is a province, all of the same size, roughly where
it lies; its shade goes with the share of targets on track and is only a help: the share is written in it.
"""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType

from markupsafe import Markup, escape

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, tag
from analysis.briefing.locale import number, ratio
from analysis.briefing.view import View
from analysis.briefing.wording import ICONS, SHORT_WORDS, level_word, status_word
from analysis.words.files import ascii_stem
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
LEAST = 25  # fewer of the 34 make no map
SHADES = 4
# name without diacritics and without "tỉnh" or "thành phố" -> (row, column); the 34 provinces since 1 July 2025
PLACES = MappingProxyType(
    {
        **{"lai-chau": (1, 2), "lao-cai": (1, 3), "tuyen-quang": (1, 4), "cao-bang": (1, 5)},
        **{"dien-bien": (2, 1), "son-la": (2, 2), "phu-tho": (2, 3), "thai-nguyen": (2, 4), "lang-son": (2, 5)},
        **{"ha-noi": (3, 3), "bac-ninh": (3, 4), "hai-phong": (3, 5), "quang-ninh": (3, 6)},
        **{"ninh-binh": (4, 4), "hung-yen": (4, 5), "thanh-hoa": (5, 3), "nghe-an": (6, 3), "ha-tinh": (7, 4)},
        **{"quang-tri": (8, 4), "hue": (9, 5), "da-nang": (10, 5), "quang-ngai": (11, 6), "gia-lai": (12, 6)},
        **{"dak-lak": (13, 6), "lam-dong": (14, 5), "khanh-hoa": (14, 6), "tay-ninh": (15, 3), "dong-nai": (15, 4)},
        **{"an-giang": (16, 2), "dong-thap": (16, 3), "ho-chi-minh": (16, 4), "can-tho": (17, 2), "vinh-long": (17, 3)},
        "ca-mau": (18, 2),
    }
)
_PREFIXES = ("tinh-", "thanh-pho-", "tp-", "province-", "city-")


def heat_map(view: View) -> Fragment:
    """The whole panel at a glance."""
    targets = _targets(view)
    caption = view._(
        "Status by unit and target (units: {n}, targets: {m}); the worst units of each level come first"
    ).format(n=number(len(view.all_assessed()), view.language), m=number(len(targets), view.language))
    icons = [Markup("{} ").format(parts.chip(one, view.language)) for one in STATUSES]
    legend = tag("p", *icons, class_="soft legend")
    names = [tag("div", tag("dt", one, id=f"t-{one}"), tag("dd", view.target_name(one))) for one in targets]
    tables = Markup("").join(_table(view, level, units) for level, units in _groups(view))
    html = parts.sentence(caption) + legend + tag("dl", *names, class_="codes") + _tools(view) + tables
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
        data_status=_("Show units with status"),
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
    names = [Markup("-<wbr>").join(one.split("-")) for one in targets]  # columns stay narrow, text horizontal
    head = [f'<th scope="col">{escape(one)}</th>' for one in (_("Unit"), *names, _("on track"))]
    return Markup(
        f'<div class="table-wrap wide"><table class="heat"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{''.join(head)}</tr></thead>{_body(view, units, targets)}</table></div>"
    )


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


def _body(view: View, units: list[str], targets: list[str]) -> str:
    _, language = view._, view.language
    words = {one: escape(_(SHORT_WORDS[one])) for one in STATUSES}
    out = ["<tbody>"]
    for unit in units[:MAX_ROWS]:
        mine = {row.target: row.status for row in view.assessed(unit)}
        counts = Counter(mine.values())
        usual = CODES[min(counts, key=lambda one: (-counts[one], one))]  # most of the row's cells: they need no class
        row = "".join([_cell(mine.get(one, ""), words=words, usual=usual) for one in targets])
        share = ratio(sum(one in ON_TRACK for one in mine.values()), len(mine), language)
        link = parts.unit_link(view, unit, folder="")
        out.append(f'<tr class="{usual}"><th scope="row">{link}</th>{row}<td>{share}</td></tr>')
    if len(units) > MAX_ROWS:
        rest = _("More units of this level in the list of units: {n}.").format(
            n=number(len(units) - MAX_ROWS, language)
        )
        out.append(f'<tr><td class="z" colspan="{len(targets) + 2}">{escape(rest)}</td></tr>')
    return "".join(out) + "</tbody>"


def _cell(status: str, *, words: dict[str, str], usual: str) -> str:
    if not status:
        return '<td class="z">–</td>'
    mark = "" if CODES[status] == usual else f' class="{CODES[status]}"'
    return f"<td{mark}>{words[status]}</td>"


def place_of(name: str) -> tuple[int, int] | None:
    """Row and column of a province's tile, None where the name is none of the 34.

    >>> place_of("Thành phố Hồ Chí Minh"), place_of("Tỉnh Đắk Lắk"), place_of("Huế"), place_of("Xã Ia Grai")
    ((16, 4), (13, 6), (9, 5), None)
    """
    stem = ascii_stem(name)
    for prefix in _PREFIXES:
        stem = stem.removeprefix(prefix)
    return PLACES.get(stem)


def tile_map(view: View) -> Fragment:
    """Targets on track of every province, laid out as the country; a short note where the tree does not hold them."""
    _, language = view._, view.language
    found = {unit: at for unit, row in view.units.items() if view.assessed(unit) and (at := place_of(row.name))}
    levels = {view.units[unit].level for unit in found}
    others = sum(row.level in levels for unit, row in view.units.items() if unit not in found)
    if len(found) < LEAST or others:  # 63 provinces of before July 2025 are another map
        return Fragment("", "note", "")
    tiles = [_tile(view, unit, at) for unit, at in sorted(found.items(), key=lambda one: one[1])]
    caption = _("Targets on track, {n} of 34 provinces; each tile is one province, a darker tile has more").format(
        n=number(len(found), language)
    )
    html = tag("h3", _("Map")) + parts.sentence(caption) + tag("ul", *tiles, class_="tiles")
    return Fragment(html, "chart", caption)


def _tile(view: View, unit: str, at: tuple[int, int]) -> Markup:
    rows = view.assessed(unit)
    good = sum(row.status in ON_TRACK for row in rows)
    shade = min(int(SHADES * good / len(rows)), SHADES - 1)
    label = tag("b", ratio(good, len(rows), view.language))
    link = parts.unit_link(view, unit, folder="")
    return tag("li", link, Markup(" "), label, class_=f"tile shade{shade}", style=f"grid-area:{at[0]}/{at[1]}")
