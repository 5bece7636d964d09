"""What every page of a run needs once: sorted views, the catalogue, the charts' frames; filled before the fork."""

from __future__ import annotations

from analysis.briefing.unit import unit_page
from analysis.briefing.view import view_of
from analysis.words.schema import RunTables


def warm(run: RunTables, *, language: str) -> None:
    """Fill the caches that all unit pages share, so that a forked child finds them ready (some 75 ms a page otherwise).

    Starts no thread and changes nothing a page shows.

    Parameters
    ----------
    run : RunTables
        The very object that the pages will get (the views belong to it).
    language : {"vi", "en"}

    Raises
    ------
    ParamsError
        When we do not speak `language`.
    """
    view = view_of(run, language)
    for unit in [view.root, *view.units][:2]:  # the root and one ordinary unit touch every cache
        if unit in view.units:
            page = unit_page(run, unit=unit, language=language)
            for section in (page.answer, page.targets, page.trajectories, page.peers, page.last_forecast, page.method):
                section()
