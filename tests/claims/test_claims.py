"""Each kind of sentence is recomputed from the raw files, and each check has been seen red on a planted falsehood."""

import pytest

from .claims import CLAIMS, Truth
from .document import DOCUMENT, written
from .printed import read_printed

IDS = [one.says[:40] for one in CLAIMS]


@pytest.fixture(scope="session")
def printed(demo_run):
    return read_printed(demo_run)


@pytest.fixture(scope="session")
def truth():
    return Truth()


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=IDS)
def test_what_is_printed_is_true(claim, printed, truth):
    assert claim.check(printed, truth) == []


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=IDS)
def test_a_planted_falsehood_is_found(claim, printed, truth):
    assert claim.check(claim.plant(printed), truth) != []


def test_the_document_lists_every_claim():
    assert DOCUMENT.read_text(encoding="utf-8") == written(), "run python -m tests.claims.document"
