"""A long step in a process of its own: its notes and its errors arrive, its memory does not stay."""

import os

import pytest
from tests.publishing.conftest import run_clean

from analysis.publishing import apart
from analysis.publishing.forks import can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="this system does not fork")

START = """
import json, os, signal, sys, time
from analysis.publishing.apart import run_apart
from analysis.words.errors import DataError, Problem

def caught(work):
    try:
        run_apart(work)
    except BaseException as error:
        return error

def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
"""


def show(body):
    return run_clean(START + body, cwd=".")


def test_it_runs_in_another_process_and_its_notes_arrive_in_order():
    body = """
told = []
def work(note):
    for at in range(3):
        note("forecast", at, 3)
    note("pid", os.getpid())
run_apart(work, note=lambda *what: told.append(what))
print(json.dumps([told, os.getpid()]))
"""
    told, pid = show(body)
    assert told[:3] == [["forecast", 0, 3], ["forecast", 1, 3], ["forecast", 2, 3]]
    assert told[3][1] != pid


def test_an_error_is_raised_here_with_all_its_problems_and_where_it_came_from():
    body = """
def work(note):
    raise DataError([Problem("a.csv", "one"), Problem("b.csv", "two", "three", "four")])
error = caught(work)
print(json.dumps([type(error).__name__, [str(one) for one in error.problems], error.exit_code, error.__notes__]))
"""
    name, problems, code, notes = show(body)
    assert (name, code) == ("DataError", 2)
    assert problems == ["a.csv: one.", "b.csv: two. Allowed: three. four."]
    assert "in work" in notes[0]


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ("raise Local('half')", "RuntimeError: Local: half"),  # its class cannot be found again: sent as words
        ("os.kill(os.getpid(), signal.SIGKILL)", "ModelError: statistics: their process was killed (SIGKILL)"),
        ("os._exit(3)", "ModelError: statistics: their process ended by itself (exit code 3)"),
        ("sys.exit(0)", "SystemExit: 0"),
        ("return None", "NoneType: None"),
    ],
)
def test_whatever_ends_it_is_told(work, expected):
    body = f"""
def work(note):
    class Local(Exception): pass
    {work}
error = caught(work)
print(json.dumps(f"{{type(error).__name__}}: {{error}}"))
"""
    assert show(body).startswith(expected)


def test_when_we_are_stopped_it_is_stopped_with_its_children():
    body = """
found = []
def work(note):
    child = os.fork()
    if child == 0:
        time.sleep(60)
    note(os.getpid(), child)
    time.sleep(60)
def stop(*pids):
    found.extend(pids)
    raise KeyboardInterrupt
try:
    run_apart(work, note=stop)
except KeyboardInterrupt:
    stopped = True
for _ in range(100):
    if any(map(alive, found)):
        time.sleep(0.05)
print(json.dumps([stopped, len(found), [alive(pid) for pid in found]]))
"""
    assert show(body) == [True, 2, [False, False]]


def test_what_it_loads_and_builds_does_not_stay():
    body = """
def work(note):
    import sqlite3
    note(len(bytearray(50_000_000)), "sqlite3" in sys.modules)
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
before, told = held(), []
run_apart(work, note=lambda *what: told.extend(what))
print(json.dumps([told, "sqlite3" in sys.modules, held() - before]))
"""
    told, loaded, grown = show(body)
    assert told == [50_000_000, True] and not loaded and grown < 10_000_000


def test_without_fork_it_is_an_ordinary_call(monkeypatch):
    monkeypatch.setattr(apart, "may_fork", lambda: False)
    found, told = [], []

    def work(note):
        note("read", 1, 1)
        found.append(os.getpid())

    apart.run_apart(work, note=lambda *what: told.append(what))
    assert found == [os.getpid()] and told == [("read", 1, 1)]


BESIDE = """
from analysis.publishing.apart import Beside
"""


def test_a_value_is_made_beside_once_it_is_told_to_begin():
    body = (
        BESIDE
        + """
marks = os.pipe()
def ready():
    os.write(marks[1], b"r")
def work():
    os.write(marks[1], b"w")
    return {"pid": os.getpid(), "rows": [1, 2]}
with Beside(work, ready=ready, what="files") as made:
    made.load()
    first = os.read(marks[0], 1)
    time.sleep(0.2)
    os.set_blocking(marks[0], False)
    try:
        early = os.read(marks[0], 1)
    except BlockingIOError:
        early = b""
    made.begin()
    value = made.value()
print(json.dumps([first.decode(), early.decode(), value["rows"], value["pid"] != os.getpid(), alive(value["pid"])]))
"""
    )
    assert show(body) == ["r", "", [1, 2], True, False]


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ("raise DataError([Problem('a.csv', 'one')])", "DataError: candich: a.csv: one."),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ModelError: files: their process was killed (SIGKILL)"),
        ("return lambda: 1", "AttributeError: Can't pickle local object"),
    ],
)
def test_why_a_value_beside_was_not_made_is_told(work, expected):
    body = (
        BESIDE
        + f"""
def work():
    {work}
try:
    with Beside(work, what="files") as made:
        made.begin()
        made.value()
except BaseException as error:
    print(json.dumps(f"{{type(error).__name__}}: {{error}}"))
"""
    )
    assert show(body).startswith(expected)


def test_a_value_that_nobody_asks_for_leaves_no_process():
    body = (
        BESIDE
        + """
read, write = os.pipe()
def ready():
    os.write(write, str(os.getpid()).encode() + b" ")
    time.sleep(60)
try:
    with Beside(int, ready=ready, what="files") as made:
        made.load()
        pid = int(os.read(read, 20))
        made.begin()
        raise KeyboardInterrupt
except KeyboardInterrupt:
    print(json.dumps(alive(pid)))
"""
    )
    assert show(body) is False


def test_a_value_that_nobody_let_begin_is_made_here():
    body = (
        BESIDE
        + """
with Beside(os.getpid, what="files") as made:
    print(json.dumps(made.value() == os.getpid()))
"""
    )
    assert show(body) is True


def test_without_fork_a_value_is_made_when_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(apart, "may_fork", lambda: False)
    with apart.Beside(os.getpid, what="files") as made:
        made.begin()
        assert made.value() == os.getpid()
