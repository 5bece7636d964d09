"""What will each unit's figures be, and how sure are we? Arrays in, arrays out: no files, no clock.

From one indicator's history to the distribution of what will be published, and from there to a probability that has
been compared with the panel's own past. Two functions are the way in: ``ensemble.forecast_panel`` and
``calibration.calibrate_level``; ``backtest.backtest_panel`` measures how good they have been. In the order of the flow:

============  ==========================================================================================================
module        question
============  ==========================================================================================================
panel         What does one indicator look like as a block of units x periods, and what kind of figure is it?
sums          How do units share a number that no order of the units changes, to the last bit?
scales        On which scale are trends straight and errors even, and which step is published? (logit, log, raw)
seasonality   Which part of a change is the season's, for the panel and for each unit?
grid          How likely is each level-and-trend setting, for one series and for all of them together?
members       What do the three members forecast? (pooled grid, damped Holt, Theta)
variance      How far does one step miss, for a unit that borrows from its panel?
past          What would the same models have forecast before, and what do those errors teach? (width, common shocks)
bounds        What happened to others that were at 100 % (or 0)?
published     What is published of a latent value? (steps, counts of few cases)
ensemble      All of the above in one call: from a panel to its predictive distribution.
predictive    Quantiles, P(value beyond a threshold) and joint paths of such a distribution.
calibration   How is a probability corrected by how the panel's past probabilities came true?
backtest      What would we and simple models have answered at past cutoffs?
scores        How good were probabilities and intervals? (Brier, skill, ECE, reliability, coverage)
evidence      The scores of a backtest as the table that every page's method note prints.
============  ==========================================================================================================

``words`` is the only other room this one imports. Peers from other libraries and the scores of forecasting
competitions are in ``benchmarks/league``.
"""
