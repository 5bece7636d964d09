"""Figures, tables and words of a page. Imports words only."""
