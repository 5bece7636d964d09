"""Warming fills caches and changes nothing that a page shows."""

import threading
from dataclasses import replace

from factory import make_run

from analysis.briefing import unit_page, warm
from analysis.briefing.charts import trajectory


def test_a_warm_run_makes_the_same_page_and_starts_no_thread():
    run = make_run()
    cold = str(unit_page(run, unit="001", language="vi").trajectories().html)
    trajectory.lay_out.cache_clear()
    run = replace(run)  # a new object: no view of it is kept
    before = threading.active_count()
    warm(run, language="vi")
    assert trajectory.lay_out.cache_info().currsize > 0
    assert threading.active_count() == before
    assert str(unit_page(run, unit="001", language="vi").trajectories().html) == cold


def test_a_run_without_units_can_be_warmed():
    run = make_run(previous=False, extra=False, units=[("a", "A", "", "", "province")])
    warm(run, language="en")
