"""The task list: read as text, refused with every mistake."""

import pandas as pd
import pytest

from analysis.intake.inputs import TASK_COLUMNS, read_tasks
from analysis.words.errors import DataError, ParamsError
from intake.factory import TARGET, read_project, write_text

TASKS = "task,target,unit,due,done\nT2,ALL,01,2023-12-31,\nT1,ALL,01,2023-06-30,2023-07-02\n"
PROMISE = {key: TARGET[key] for key in ("name_vi", "name_en", "scope")} | {"target": "ALL", "kind": "tasks_k_of_n"}


def read(tmp_path, text):
    write_text(tmp_path / "params/tasks.csv", text)
    return read_project(tmp_path, params={"tasks": "params/tasks.csv"}, targets=[TARGET, PROMISE]).tasks


def test_tasks_are_text_and_sorted(tmp_path):
    tasks = read(tmp_path, TASKS)
    assert tasks.columns.tolist() == list(TASK_COLUMNS)
    assert tasks[["task", "due", "done"]].to_numpy().tolist() == [
        ["T1", "2023-06-30", "2023-07-02"],
        ["T2", "2023-12-31", ""],
    ]


def test_a_run_without_tasks_has_none(tmp_path):
    assert read_project(tmp_path).tasks is None


def test_every_mistake_is_told(tmp_path):
    text = "task,target,unit,due,done\nT1,AL,001,31/12/2023,\nT1,AL,001,,2023-02-30\n"
    with pytest.raises(DataError) as error:
        read(tmp_path, text)
    assert [str(one).replace(f"{tmp_path}/params/", "") for one in error.value.problems] == [
        "tasks.csv: tasks occur twice: 'T1'. Allowed: each once. Remove one.",
        "tasks.csv: unit: there is no unit '001'. Allowed: one of 3 codes. Did you mean '01'?",
        "tasks.csv: target: there is no target 'AL'. Allowed: one of 2 codes. Did you mean 'ALL'?",
        "tasks.csv: due: found ''. Allowed: a date such as 2023-12-31. Correct the cell.",
        "tasks.csv: due: found '31/12/2023'. Allowed: a date such as 2023-12-31. Correct the cell.",
        "tasks.csv: done: found '2023-02-30'. Allowed: a date such as 2023-12-31. Correct the cell.",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task,target,unit,du\n", "column 'du' is not known. Allowed: task, target, unit, name_vi, name_en, owner, due, done. Did you mean 'due'?"),  # noqa: E501
        ("", "it cannot be read: No columns to parse from file. Allowed: CSV in UTF-8."),
    ],
)  # fmt: skip
def test_wrong_columns_are_told(tmp_path, text, message):
    path = write_text(tmp_path / "t.csv", text)
    with pytest.raises(ParamsError) as error:
        read_tasks(path, units=pd.DataFrame({"unit": []}), targets=[])
    assert str(error.value.problems[0]) == f"{path}: {message}"
