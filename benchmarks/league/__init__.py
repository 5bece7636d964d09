"""Helpers of benchmarks/skill.py: panels, competition series, peers, tables. Never part of the product."""
