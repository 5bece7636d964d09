"""An analyst's own notebook over many values: the pages of the two commands, one process each."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from tests.publishing.conftest import KERNEL, is_running, wait_for

from analysis.publishing.environment import pinned_environment

CELLS = (
    "import pandas as pd\nimport matplotlib.pyplot as plt\nfrom pathlib import Path",
    "table = pd.read_csv('figures.csv', dtype={'unit': str})\nmine = table[table.unit == unit]",
    "if unit == 'bad':\n    raise ValueError('no rows for it')\nif unit == 'gone':\n    raise SystemExit(0)",
    "plt.plot(mine.value.tolist())\nprint('figures of', unit, len(mine), Path.cwd().name)",
)
pytestmark = pytest.mark.slow


def command(*arguments, cwd):
    env = {**os.environ, **pinned_environment()}
    return subprocess.run([sys.executable, "-m", "analysis", *map(str, arguments)], cwd=cwd, env=env, **CAPTURED)


CAPTURED = {"capture_output": True, "text": True, "check": False}


@pytest.fixture
def mine(tmp_path):
    folder = tmp_path / "my notebooks"
    folder.mkdir()
    (folder / "figures.csv").write_text("unit,value\n007,1\n007,2\n008,5\n", encoding="utf-8")
    cells = [new_markdown_cell("# Figures", id="a"), new_code_cell("unit: str = '007'", id="p")]
    cells[1].metadata["tags"] = ["parameters"]
    cells += [new_code_cell(one, id=f"c{at}") for at, one in enumerate(CELLS)]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "mine.ipynb")
    return folder / "mine.ipynb"


def test_every_value_has_its_page_and_what_fails_is_a_row(mine, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "bad.html").write_text("the last good page")
    (tmp_path / "units.txt").write_text("007\n008\nbad\ngone\n", encoding="utf-8")
    done = command("each", mine, "--values-file", "units.txt", "--out", out, cwd=tmp_path)
    assert done.returncode == 1 and "Pages: 2 made, 2 failed" in done.stderr
    assert "failed: bad: mine.ipynb: cell 6 raised ValueError: no rows for it." in done.stderr
    assert "failed: gone: mine.ipynb: cell 6 ended the notebook" in done.stderr
    assert sorted(one.name for one in out.iterdir()) == ["007.html", "007.ipynb", "008.html", "008.ipynb", "bad.html"]
    assert (out / "bad.html").read_text() == "the last good page"
    for unit, rows in (("007", 2), ("008", 1)):
        page = (out / f"{unit}.html").read_text(encoding="utf-8")
        assert f"figures of {unit} {rows} my notebooks" in page and "data:image/png;base64" in page
        cells = json.loads((out / f"{unit}.ipynb").read_text(encoding="utf-8"))["cells"]
        assert [one.get("execution_count") for one in cells if one["cell_type"] == "code"] == [1, 2, 3, 4, 5, 6]


def test_the_pages_are_those_of_the_two_commands(mine, tmp_path):
    assert command("each", mine, "--values", "007,008", "--out", tmp_path, cwd=tmp_path).returncode == 0
    folder = os.path.dirname(sys.executable)
    run = ([f"{folder}/papermill", mine, "theirs.ipynb", "-r", "unit", "008"], [f"{folder}/jupyter", "nbconvert"])
    run[1].extend(["--to", "html", "theirs.ipynb"])
    for one in run:
        done = subprocess.run(one, cwd=mine.parent, env={**os.environ, **pinned_environment()}, **CAPTURED)
        assert done.returncode == 0, done.stderr
    theirs = (mine.parent / "theirs.html").read_text(encoding="utf-8")
    ours = (tmp_path / "008.html").read_text(encoding="utf-8")
    assert settled(ours) == settled(theirs)


def settled(html):
    """Without the title, which is the file's name, and the ids that Papermill draws."""
    return re.sub(r"<title>.*?</title>|cell-id=[0-9a-f]{8}", "", html)


def test_what_the_notebook_does_not_take_is_said_at_once(mine, tmp_path):
    done = command("each", mine, "--parameter", "unt", "--values", "a,a", "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 2 and "Did you mean 'unit'" in done.stderr and "twice: 'a'" in done.stderr
    done = command("each", mine, "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 2 and "--values: there is none" in done.stderr


def test_values_take_the_type_that_the_notebook_names(tmp_path):
    cells = [new_code_cell("year: int = 2025", id="p", metadata={"tags": ["parameters"]})]
    cells.append(new_code_cell("print('next is', year + 1)", id="c"))
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), tmp_path / "year.ipynb")
    asked = ("each", "year.ipynb", "--parameter", "year", "--out", tmp_path / "out")
    assert command(*asked, "--values", "2026,2030", cwd=tmp_path).returncode == 0
    assert "next is 2031" in (tmp_path / "out/2030.html").read_text(encoding="utf-8")
    done = command(*asked, "--values", "2026,soon", cwd=tmp_path)
    assert done.returncode == 2 and "'soon'" in done.stderr and "a value of type int" in done.stderr


def write(path, *cells, parameter="unit: str = '1'"):
    made = [new_code_cell(parameter, id="p", metadata={"tags": ["parameters"]})]
    made += [new_code_cell(cell, id=f"c{at}") for at, cell in enumerate(cells)]
    nbformat.write(new_notebook(cells=made, metadata=json.loads(json.dumps(KERNEL))), path)
    return path


LEAVES = (
    "%matplotlib inline\nimport colorsys, pandas as pd, matplotlib.pyplot as plt, noisy, wrong.name",
    "pd.DataFrame({'a': [1.23456]})",
    "plt.figure(figsize=(2, 1)); plt.plot([1, 2]);",
    "print('seen:', getattr(colorsys, 'left', 0), noisy.used)\nnoisy.used += 1",
    "pd.set_option('display.precision', 2); plt.rcParams['lines.linewidth'] = 9; colorsys.left = 1",
)


def test_what_a_notebook_changes_is_not_seen_by_the_next(tmp_path):
    """Settings after the first table and chart, a module of the analyst's own that prints, one that is not there."""
    (tmp_path / "noisy.py").write_text("used = 0\nprint('noisy:', __name__)")
    cells = [
        LEAVES[0].replace(", wrong.name", "\ntry:\n    import wrong.name\nexcept ImportError:\n    pass"),
        *LEAVES[1:],
    ]
    notebook = write(tmp_path / "leaves.ipynb", *cells)
    done = command("each", notebook, "--values", "1,2,3,4,5,6", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    command("each", notebook, "--values", "6", "--out", tmp_path / "alone", cwd=tmp_path)
    pages = [
        settled((tmp_path / f"out/{unit}.html").read_text()).replace(f"unit = &quot;{unit}", "") for unit in "123456"
    ]
    assert settled((tmp_path / "alone/6.html").read_text()) == settled((tmp_path / "out/6.html").read_text())
    assert len({re.sub(r'"\d"|&quot;\d&quot;', "", page) for page in pages}) == 1
    assert all(">1.23456<" in page and "seen: 0 0" in page and "noisy: noisy" in page for page in pages)


def test_a_kill_leaves_nothing_that_the_next_run_does_not_remove(tmp_path):
    notebook = write(
        tmp_path / "slow.ipynb",
        "import os, time\nopen(unit + '.pid', 'w').write(str(os.getpid()))\n"
        "while unit != '1' and not os.path.exists('go'): time.sleep(.02)",
    )
    out = tmp_path / "out"
    arguments = [sys.executable, "-m", "analysis", "each", str(notebook), "--values", "1,2,3", "--out", str(out)]
    first = subprocess.Popen([*arguments, "--jobs", "2"], cwd=tmp_path, env={**os.environ, **pinned_environment()})
    wait_for(lambda: (out / "1.html").exists() and all((tmp_path / f"{unit}.pid").exists() for unit in "23"))
    busy = command("each", notebook, "--values", "1", "--out", out, cwd=tmp_path)
    assert busy.returncode == 1 and busy.stderr.strip().splitlines()[-1] == (
        f"candich: {out}: another run is writing into this folder. Allowed: one run at a time. "
        "Wait for it to end, or name another with --out."
    )
    (out / ".candich-each" / "1.html").write_text("half")  # as a page that was cut off in the middle
    first.kill()
    first.wait()
    assert sorted(path.name for path in out.iterdir()) == [".candich-each", "1.html", "1.ipynb"]
    wait_for(lambda: not any(is_running(int((tmp_path / f"{unit}.pid").read_text())) for unit in "23"), seconds=10)
    (tmp_path / "go").touch()
    assert command("each", notebook, "--values", "1,2,3", "--out", out, cwd=tmp_path).returncode == 0
    assert sorted(path.name for path in out.iterdir()) == [
        f"{unit}.{kind}" for unit in "123" for kind in ("html", "ipynb")
    ]
    assert all((out / f"{unit}.html").read_text().rstrip().endswith("</html>") for unit in "123")


def test_a_notebook_that_fails_in_every_page_leaves_an_empty_folder(tmp_path):
    notebook = write(tmp_path / "fails.ipynb", "1 / 0")
    done = command("each", notebook, "--values", "1,2", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 1 and "Pages: 0 made, 2 failed" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
