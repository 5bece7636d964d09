"""Who may import whom (the house of docs/architecture.md), read from the code's own imports."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "analysis"
STAGES = {"words", "registry", "intake", "forecasting", "attainment", "briefing", "records", "publishing"}
MAY_IMPORT = {
    "words": set(),
    "registry": {"words"},
    "intake": {"words", "registry"},
    "forecasting": {"words"},
    "attainment": {"words", "registry", "forecasting"},
    "briefing": {"words"},
    "records": {"words", "forecasting.scores"},
    "publishing": {"words", "briefing", "records"},
    # joiners, top to bottom: cli > analyst, pipeline > statistics, run_folder
    "statistics": STAGES,
    "run_folder": STAGES,
    "analyst": STAGES | {"statistics"},
    "pipeline": STAGES | {"statistics", "run_folder"},
    "cli": {
        "words",
        "pipeline",
        "analyst",
        "publishing.environment",
        "publishing.each",
        "publishing.verify",
    },
}
ONLY_IN = {  # third-party package -> rooms that may import it
    "papermill": {"publishing"},
    "nbconvert": {"publishing"},
    "IPython": {"publishing"},
    "matplotlib": {"briefing"},
    "seaborn": {"briefing"},
    "statsmodels": {"forecasting"},
    "statsforecast": set(),  # the league, not the product
}
PURE = ("forecasting", "attainment")  # no files, clock, environment or global random state
IMPURE_CALLS = {"open", "read_csv", "read_parquet", "getenv", "now", "today", "seed"}


def modules():
    return sorted(SOURCE.rglob("*.py"))


def room_of(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return parts[0]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module.split(".")[0] == "analysis":  # the name may be a module: `from analysis.words import schema`
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def violations(path, names):
    room = room_of(path)
    if room in {"__init__", "__main__"}:
        return []
    found = []
    for name in names:
        if name.startswith("analysis."):
            inner = name.removeprefix("analysis.")
            other = inner.split(".")[0]
            allowed = MAY_IMPORT[room] | {room}
            if other not in allowed and not any(inner == one or inner.startswith(one + ".") for one in allowed):
                found.append(f"{path.name} ({room}) imports {name}")
        top = name.split(".")[0]
        if top in ONLY_IN and room not in ONLY_IN[top]:
            found.append(f"{path.name} ({room}) imports {name}; only {sorted(ONLY_IN[top])} may")
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down_only(path):
    assert violations(path, imported(path)) == []


def test_the_picture_of_the_house_is_that_of_the_imports():
    text = (SOURCE.parents[1] / "docs/architecture.md").read_text(encoding="utf-8")
    drawn = {
        row[0]: set(row[1].replace("`", "").replace(",", " ").split())
        for row in re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    }
    found = {room: set() for room in drawn}
    for path in modules():
        room = room_of(path)
        inner = {name.split(".")[1] for name in imported(path) if name.startswith("analysis.")}
        if not room.startswith("__"):
            found.setdefault(room, set()).update(inner - {room})
    assert drawn == found


def test_no_rooms_import_each_other_in_a_circle():
    above = {room: {name.split(".")[0] for name in allowed} - {room} for room, allowed in MAY_IMPORT.items()}
    while above:
        free = [room for room, below in above.items() if not below & above.keys()]
        assert free, f"a circle among {sorted(above)}"
        above = {room: below for room, below in above.items() if room not in free}


def test_at_most_six_modules_are_at_the_top():
    assert len(list(SOURCE.glob("*.py"))) <= 6


def test_an_arrow_back_up_is_found():
    path = SOURCE / "forecasting" / "grid.py"
    assert violations(path, ["analysis.attainment.events"]) != []
    assert violations(path, ["papermill"]) != []
    assert violations(SOURCE / "records" / "store.py", ["analysis.forecasting.grid"]) != []
    assert violations(SOURCE / "records" / "store.py", ["analysis.forecasting.scores"]) == []


@pytest.mark.parametrize(
    "path", [one for one in modules() if room_of(one) in PURE], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_statistics_touch_no_file_clock_or_environment(path):
    names = [
        node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    assert sorted(IMPURE_CALLS & set(names)) == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 600
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            lines = node.end_lineno - node.lineno + 1 - docstring.count("\n")
            assert lines <= 60, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_functions_have_at_most_six_parameters_and_commands_one_for_each_option(path):
    """A typer command (decorated ``@app.command``) has a parameter for each option, so it is exempt."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(ast.unparse(one).startswith("app.command") for one in node.decorator_list):
                continue
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            counted = [one for one in names if one not in ("self", "cls")]
            assert len(counted) <= 6, f"{node.name} has {len(counted)} parameters"
