"""What a page says and draws: sentences, tables, charts. Imports words only; takes tables, returns fragments."""

from analysis.briefing.explore import explorer
from analysis.briefing.forecast import forecast_page
from analysis.briefing.fragment import Fragment
from analysis.briefing.lab import lab_style
from analysis.briefing.overview import overview_page
from analysis.briefing.promises import registry_page
from analysis.briefing.quality import quality_page
from analysis.briefing.scorecard import scorecard_page
from analysis.briefing.slices import unit_digests
from analysis.briefing.unit import unit_page
from analysis.briefing.warm import warm

__all__ = [
    "Fragment",
    "explorer",
    "forecast_page",
    "lab_style",
    "overview_page",
    "quality_page",
    "registry_page",
    "scorecard_page",
    "unit_digests",
    "unit_page",
    "warm",
]
