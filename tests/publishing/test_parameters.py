import pytest
from tests.publishing.conftest import make_notebook

from analysis.publishing.jobs import check_parameters, notebook_parameters

NOTEBOOK = make_notebook(
    parameters='unit: str = "a"  # a code\nn: int = 3\nshare: float = 0.5\nfull: bool = True\nfree = 1'
)


def test_names_and_types_are_read_and_nothing_is_run():
    notebook = make_notebook(parameters="unit: str = __import__('os').abort()\nx, y = 1, 2\nz = w = 3")
    assert notebook_parameters(notebook) == {"unit": "str", "z": "", "w": ""}


def test_right_parameters_pass():
    good = {"unit": "01", "n": 3, "share": 1, "full": False, "free": "x"}
    assert check_parameters(NOTEBOOK, good, where="unit.ipynb") == []


@pytest.mark.parametrize(
    "text", ['a"; import os', "../../etc", "<script>", "=cmd()", "\u202e", "\udc80", "x" * 10_000, ""]
)
def test_any_text_is_a_value(text):
    assert check_parameters(NOTEBOOK, {"unit": text}, where="unit.ipynb") == []


@pytest.mark.parametrize(
    "name", ["x; import os; y", "unit\nimport os", "class", "a-b", "", "print", "__builtins__", "1a", 3, ("unit",)]
)
def test_what_is_no_name_never_reaches_papermill(name):
    (problem,) = check_parameters(NOTEBOOK, {name: 1}, where="unit.ipynb")
    assert str(problem) == (
        f"unit.ipynb: parameter name {name!r} is not a name a notebook may be given. "
        "Allowed: a Python name that is not taken by the language. Rename it."
    ) or "has no parameter" in str(problem)


def test_builtins_dunder_is_refused():
    assert check_parameters(NOTEBOOK, {"__builtins__": "x"}, where="unit.ipynb") != []


def test_an_unknown_name_is_an_error_with_a_suggestion():
    (problem,) = check_parameters(NOTEBOOK, {"unt": "a"}, where="unit.ipynb")
    assert str(problem) == (
        "unit.ipynb: the notebook has no parameter 'unt'. Allowed: unit, n, share, full, free. Did you mean 'unit'?"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("unit", 1), ("n", "3"), ("n", True), ("n", 3.0), ("share", "x"), ("share", True), ("full", 1), ("unit", None),
     ("unit", ["a"]), ("free", {"a": 1}), ("share", float("nan")), ("share", float("inf")), ("unit", b"a")],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(name, value):
    (problem,) = check_parameters(NOTEBOOK, {name: value}, where="unit.ipynb")
    assert f"parameter {name!r} is {value!r}" in problem.found


def test_a_text_without_end_is_refused():
    (problem,) = check_parameters(NOTEBOOK, {"unit": "x" * 20_001}, where="unit.ipynb")
    assert problem.found == "parameter 'unit' has 20001 characters"


def test_all_problems_come_at_once():
    assert len(check_parameters(NOTEBOOK, {"unit": 1, "nn": 2, "a b": 3}, where="unit.ipynb")) == 3
