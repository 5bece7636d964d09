"""How a problem reads: where, found, allowed, remedy, each a sentence with one mark at its end."""

import pytest

from analysis.words.errors import AnalysisError, DataError, Problem, did_you_mean, require


@pytest.mark.parametrize(
    ("remedy", "told"),
    [
        ("Correct it", "f: found 'x'. Allowed: y, z. Correct it."),
        ("Correct it.", "f: found 'x'. Allowed: y, z. Correct it."),
        ("Did you mean 'y'?", "f: found 'x'. Allowed: y, z. Did you mean 'y'?"),
        ("Is it a bomb? Save it anew", "f: found 'x'. Allowed: y, z. Is it a bomb? Save it anew."),
        ("", "f: found 'x'. Allowed: y, z."),
    ],
)
def test_every_sentence_ends_with_one_mark(remedy, told):
    assert str(Problem("f", "found 'x'", "y, z", remedy)) == told


def test_a_question_may_also_be_what_was_found():
    assert str(Problem("f", "not measured?", "", "Declare it")) == "f: not measured? Declare it."


def test_all_problems_are_told_at_once_and_each_once():
    one, other = Problem("a", "wrong"), Problem("b", "odd", remedy=did_you_mean("ren", ["red"]))
    with pytest.raises(DataError) as error:
        require([one, other, one])
    assert str(error.value) == "a: wrong.\nb: odd. Did you mean 'red'?"
    assert isinstance(error.value, AnalysisError) and error.value.exit_code == 2
