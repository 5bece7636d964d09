"""What the documents say can be done: commands and files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def linked(text):
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    named = re.findall(r"`((?:docs|params|notebooks|data|tests|benchmarks|src)/[\w./-]+\.\w+)`", text)
    return sorted({*links, *named})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(path):
    for name in linked(path.read_text(encoding="utf-8")):
        assert (ROOT / name).exists() or (path.parent / name).exists(), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_and_command_that_a_document_names_exists(path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)
    assert set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", text, flags=re.M)) <= {
        pair for one in targets for pair in ((one, ""), ("", one))
    }
    commands = re.findall(r"@app\.command\(\)\ndef (\w+)", (ROOT / "src/analysis/cli.py").read_text(encoding="utf-8"))
    assert {"run", "check", "assess"} <= set(commands)
    for command in re.findall(r"(?:bin/|Scripts\\|`)candich ([a-z]+)", text):
        assert command in commands, command


def test_the_schedule_leaves_the_quarter_and_the_limits_to_the_product():
    """Documents write no date arithmetic and no unit of their own: `candich schedule` writes them, tested."""
    text = (ROOT / "docs/schedule.md").read_text(encoding="utf-8")
    assert "candich schedule systemd" in text and "date -d" not in text and "OnCalendar" not in text


def test_every_option_of_a_command_in_the_plan_for_scale_exists():
    """Each line of a shell block that runs `candich`, `python benchmarks/...` or `dask` names options that exist."""
    text = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    lines = re.findall(r"(?:candich|python benchmarks/\w+\.py)[^`\n#]*", text)
    ours = (ROOT / "src/analysis/cli.py").read_text(encoding="utf-8")
    names = set(re.findall(r"^    (\w+): ", ours, flags=re.M)) | {"from"}
    seen = set()
    for line in lines:
        script = re.match(r"python (benchmarks/\w+\.py)", line)
        for option in re.findall(r"--([a-z]+)", line):
            known = f'"--{option}"' in (ROOT / script[1]).read_text(encoding="utf-8") if script else option in names
            assert known, line
            seen.add(option)
    assert {"dask", "from", "language", "out", "country"} <= seen
