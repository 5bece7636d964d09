"""From raw files to checked tables: what was reported, when it was known, and what is wrong with it."""

from analysis.intake.checks import FLAGS
from analysis.intake.deadlines import cutoffs
from analysis.intake.inputs import Inputs, read_inputs
from analysis.intake.summary import summarise_inputs

__all__ = ["FLAGS", "Inputs", "cutoffs", "read_inputs", "summarise_inputs"]
