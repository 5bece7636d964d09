"""Unit lists: Vietnam's own, and walking one."""

import pandas as pd

from analysis.registry import crosswalk
from analysis.registry.units import descendants
from analysis.words.schema import UNITS, as_table


def vietnam_units(*, edition: str) -> pd.DataFrame:
    """Units of Vietnam before (``edition="2025-06"``) or after (``"2025-07"``) the reform of 1 July 2025.

    The levels are nation, province, (district,) commune. Districts are written ``064.622``: their numbers repeat
    neither commune nor province codes. Five island districts have no communes.
    """
    is_old = edition == "2025-06"
    rows = (crosswalk._old() if is_old else crosswalk._new()).assign(nation=crosswalk.NATION)
    levels = {"province": ("provinceCode", "nation"), "commune": ("wardCode", "provinceCode")}
    if is_old:
        levels |= {"district": ("district_unit", "provinceCode"), "commune": ("wardCode", "district_unit")}
    names = {"province": "province", "district": "district", "commune": "ward"}
    nation = {"unit": crosswalk.NATION, "name": "Việt Nam", "name_en": "Viet Nam", "parent": "", "level": "nation"}
    parts = [pd.DataFrame([nation])]
    for level, (unit, parent) in levels.items():
        part = pd.DataFrame({"unit": rows[unit], "name": rows[names[level]], "parent": rows[parent], "level": level})
        parts.append(part[part["name"].ne("")].drop_duplicates("unit").assign(name_en=""))
    days = {"valid_from": "", "valid_to": "2025-06-30"} if is_old else {"valid_from": "2025-07-01", "valid_to": ""}
    return as_table(pd.concat(parts, ignore_index=True).assign(**days), UNITS, where=f"vietnamadminunits, {edition}")


def leaves(units, unit=None):
    """Units without children, in the whole list or below `unit`."""
    among = units["unit"] if unit is None else descendants(units, unit)
    return sorted(set(among) - set(units["parent"]))
