"""From raw files to checked tables: what was reported, when it was known, and what is wrong with it."""

from analysis.intake import deliveries
from analysis.intake.inputs import Inputs, read_inputs, summarise_inputs

__all__ = ["Inputs", "deliveries", "read_inputs", "summarise_inputs"]
