"""Pooled trend forecasts on arrays and their scores. Imports words only; knows no targets, files or clock."""
