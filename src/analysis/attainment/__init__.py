"""From forecasts to the probability that each unit reaches each target. Imports words, registry, forecasting."""
