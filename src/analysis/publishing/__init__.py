"""Papermill runs the notebooks, nbconvert publishes the pages. Imports words and briefing."""
