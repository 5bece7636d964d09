"""Cán Đích: will each unit reach each of its targets, how sure are we, what is the gap, what would close it.

Read :mod:`analysis.pipeline` first: it is the table of contents.
"""

__version__ = "0.1.0"
