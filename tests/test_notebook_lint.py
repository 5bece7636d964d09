from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from tests.notebook_lint import check_determinism

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
HAND_ONLY = {"explore.ipynb"}  # used by hand with widgets, never published
BAD = {
    "import datetime\ndatetime.datetime.now()": "line 2: clock: datetime.datetime.now",
    "from datetime import date\ndate.today()": "line 2: clock: date.today",
    "time.time()": "line 1: clock: time.time",
    "pd.Timestamp('now')": "line 1: clock: pd.Timestamp('now')",
    "pd.Timestamp.now()": "line 1: clock: pd.Timestamp.now",
    "import random\nrandom.random()": "line 2: random: random.random",
    "np.random.normal(size=3)": "line 1: random: np.random.normal",
    "np.random.default_rng()": "line 1: random: np.random.default_rng",
    "frame.sample(3)": "line 1: random: frame.sample",
    "for one in {'a', 'b'}:\n    print(one)": "line 1: order: {'a', 'b'}",
    "list(set(names))": "line 1: order: set(names)",
    "', '.join({str(n) for n in names})": "line 1: order: {str(n) for n in names}",
    "{1, 2}": "line 1: order: {1, 2}",
    "os.listdir('.')": "line 1: order: os.listdir",
    "list(folder.glob('*.csv'))": "line 1: order: folder.glob",
    "model.fit().summary()": "line 1: summary: ?.summary",
    "frame.style": "line 1: style: frame.style",
    "frame.style.format('x')": "line 1: style: frame.style",
    "import requests": "line 1: network: import requests",
    "from urllib.request import urlopen": "line 1: network: import urllib.request",
    "pd.read_csv('https://example.org/a.csv')": "line 1: network: https://example.org/a.csv",
    "open('/home/me/a.csv')": "line 1: path: /home/me/a.csv",
    "open('C:\\\\data\\\\a.csv')": "line 1: path: C:\\data\\a.csv",
    "open('~/a.csv')": "line 1: path: ~/a.csv",
    "id(frame)": "line 1: identity: id",
    "hash('a')": "line 1: identity: hash",
    "import uuid": "line 1: identity: import uuid",
    "os.environ['HOME']": "line 1: identity: os.environ",
    "from tqdm import tqdm": "line 1: identity: import tqdm",
    "%matplotlib inline": "line 1: magic: %matplotlib inline",
    "!ls": "line 1: magic: !ls",
    "frame?": "line 1: magic: frame?",
    "1 +": "line 1: syntax: invalid syntax",
}
GOOD = [
    "sorted({'a', 'b'})",
    "len(set(names))",
    "sorted(folder.glob('*.csv'))",
    "np.random.default_rng(seed)",
    "np.random.default_rng(seed=3).normal()",
    "frame.sample(3, random_state=1)",
    "'a' in {'a', 'b'}",
    "page.answer()",
    "x = 7 / 2\ny = 'and/or'\nz = '../outputs/demo'",
    "pd.Timestamp('2026-01-01')",
    "",
]


@pytest.mark.parametrize("source", BAD)
def test_each_trap_is_found_where_it_stands(source):
    found = check_determinism(new_notebook(cells=[new_code_cell(source, id="c")]), where="a.ipynb")
    assert [f"{one.where}: {one.found}" for one in found] == [f"a.ipynb: cell c, {BAD[source]}"]
    assert all(one.remedy for one in found)


@pytest.mark.parametrize("source", GOOD)
def test_what_is_the_same_in_every_run_passes(source):
    assert check_determinism(new_notebook(cells=[new_code_cell(source, id="c")]), where="a.ipynb") == []


def test_nothing_is_run():
    cell = new_code_cell("raise SystemExit('run!')", id="c")
    assert check_determinism(new_notebook(cells=[cell]), where="a.ipynb") == []


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_our_published_notebooks_hold_no_trap(path):
    if path.name in HAND_ONLY:
        pytest.skip("never published")
    assert check_determinism(nbformat.read(path, 4), where=path.name) == []
