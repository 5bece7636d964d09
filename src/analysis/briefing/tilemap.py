"""A tile map of Vietnam's 34 provinces: every province the same size, roughly where it lies; a number in each.

Drawn only where the tree holds them. Shade goes with the share of targets on track and is only a help: the share is
written in each tile.
"""

from __future__ import annotations

from types import MappingProxyType

from markupsafe import Markup

from analysis.briefing import parts
from analysis.briefing.fragment import Fragment, tag
from analysis.briefing.locale import number, ratio
from analysis.briefing.view import View
from analysis.words.schema import ON_TRACK
from analysis.words.slugs import ascii_stem

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


def place_of(name: str) -> tuple[int, int] | None:
    """Row and column of a province's tile, None where the name is none of the 34.

    Examples
    --------
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
    caption = _("Targets on track, {n} of 34 provinces; each tile is a province, darker is more").format(
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
