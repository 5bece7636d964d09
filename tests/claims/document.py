# ruff: noqa: E501 - a pattern a line in each language
"""Writes ``docs/claims.md`` from the list of claims: ``python -m tests.claims.document``."""

from .claims import CLAIMS
from .raw import ROOT

DOCUMENT = ROOT / "docs" / "claims.md"
HEAD = """# Sentences that are checked as claims

Made from `tests/claims/claims.py` by `python -m tests.claims.document`; a test fails when it is stale. Each check recomputes what is
printed, in both languages and over all rows of the demonstration, from the raw files in `data/demo` and the targets' YAML with pandas
only. A planted falsehood turns each check red.

| sentence | what it claims | how it is checked |
|---|---|---|
"""
OPEN = """
## Not checked yet

{open}
"""
UNCHECKED = (
    "status words and the headline counts of statuses (held statuses come from the register)",
    "natural frequencies of a probability, intervals of the forecast, the forecast of the deadline in a chart's headline",
    "what changed since last quarter and why; the track record, evidence grades and J",
    "the 766 components, ranks and bands of places, the two denominators of a quota, milestones",
    "labels of other bodies; control-chart signals; findings of the data checks other than heaping",
    "sub-units on track, the level of the worst tenth, which sub-units hold a parent back",
    "downloads (they are made from the same tables)",
)


def written() -> str:
    """The document's text."""
    rows = [f"| {one.says} | {one.means} | {one.how} |\n" for one in CLAIMS]
    return HEAD + "".join(rows) + OPEN.format(open="\n".join(f"- {one}" for one in UNCHECKED))


if __name__ == "__main__":
    DOCUMENT.write_text(written(), encoding="utf-8")
