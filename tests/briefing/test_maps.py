"""The tile map: every province once, only where the tree holds them, the share written in each tile."""

import pytest
from bs4 import BeautifulSoup
from factory import UNITS, make_run

from analysis.briefing import overview_page
from analysis.briefing.maps import PLACES, place_of, tile_map
from analysis.briefing.view import view_of
from analysis.publishing.sanitise import is_clean
from analysis.words.schema import ON_TRACK

NAMES = """Lai Châu, Lào Cai, Tuyên Quang, Cao Bằng, Điện Biên, Sơn La, Phú Thọ, Thái Nguyên, Lạng Sơn,
Hà Nội, Bắc Ninh, Hải Phòng, Quảng Ninh, Ninh Bình, Hưng Yên, Thanh Hóa, Nghệ An, Hà Tĩnh,
Quảng Trị, Huế, Đà Nẵng, Quảng Ngãi, Gia Lai, Đắk Lắk, Lâm Đồng, Khánh Hòa, Tây Ninh,
Đồng Nai, An Giang, Đồng Tháp, Hồ Chí Minh, Cần Thơ, Vĩnh Long, Cà Mau"""
PROVINCES = [one.strip() for one in NAMES.split(",")]


@pytest.fixture(scope="module")
def country():
    units = [("vn", "Việt Nam", "Viet Nam", "", "nation")]
    units += [(f"p{at:02d}", f"Tỉnh {name}", "", "vn", "province") for at, name in enumerate(PROVINCES)]
    return make_run(units=units, previous=False, extra=False)


def test_the_34_provinces_have_34_places():
    assert len(PROVINCES) == len(PLACES) == len(set(PLACES.values())) == 34
    assert {place_of(one) for one in PROVINCES} == set(PLACES.values())


def test_the_names_are_those_of_the_published_list_of_units():
    from vietnamadminunits.database import get_data

    names = {row["province"] for row in get_data(fields=["province"], table="admin_units")}
    assert len(names) == 34 and {place_of(one) for one in names} == set(PLACES.values())


def test_each_tile_counts_its_targets_on_track(country):
    tiles = BeautifulSoup(str(tile_map(view_of(country, "vi")).html), "html.parser").select(".tile")
    assert len(tiles) == 34
    for tile in tiles:
        unit = tile.a["href"].removeprefix("units/").removesuffix(".html")
        mine = country.assessments[country.assessments.unit == unit].status
        assert tile.b.text == f"{mine.isin(ON_TRACK).sum()}/{len(mine)}"


def test_the_overview_holds_map_and_heat_map(country):
    html = str(overview_page(country, language="en").heat_map().html)
    assert is_clean(html) and html.index("tiles") < html.index("heat")


def test_without_the_provinces_there_is_no_map(run):
    assert tile_map(view_of(run, "vi")).html == ""
    few = make_run(units=[*UNITS, ("p", "Tỉnh Gia Lai", "", "", "province")], previous=False, extra=False)
    assert tile_map(view_of(few, "vi")).html == ""


def test_the_63_provinces_of_before_are_not_squeezed_into_34_tiles():
    units = [(f"p{at:02d}", f"Tỉnh {name}", "", "", "province") for at, name in enumerate([*PROVINCES, "Bình Dương"])]
    assert tile_map(view_of(make_run(units=units, previous=False, extra=False), "vi")).html == ""
