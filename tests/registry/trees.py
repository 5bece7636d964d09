"""Walking a unit list."""

from analysis.registry.units import descendants


def leaves(units, unit=None):
    """Units without children, in the whole list or below `unit`."""
    among = units["unit"] if unit is None else descendants(units, unit)
    return sorted(set(among) - set(units["parent"]))
