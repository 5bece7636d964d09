"""Pages made one after the other in a process are the pages made alone, or they are made alone."""

import json

import nbformat
import pytest
from analysis.publishing.series import LONGEST, series_length
from tests.publishing.conftest import PUBLISH, make_notebook, run_clean
from tests.publishing.test_forks import START

from analysis.publishing import series
from analysis.publishing.forks import Outcome
from analysis.publishing.jobs import PageJob

SERIES = """
def series(work, tasks, n_jobs=1, length=3, watch=lambda: lambda: True, **limits):
    found = dict(run_forked(tasks, work, n_jobs=n_jobs, limits=Limits(**limits), series=length, watch=watch))
    return [[found[i].value, found[i].reason, found[i].after] for i in range(len(tasks))]
"""


def show(body, tmp_path):
    return run_clean(START + SERIES + body, cwd=tmp_path)


def test_a_process_does_a_series_of_tasks_and_then_the_next_one_does(tmp_path):
    body = """
state = []
def work(task):
    state.append(task); return {"seen": list(state), "pid": os.getpid()}
print(json.dumps(series(work, list(range(7)))))
"""
    found = show(body, tmp_path)
    assert [value["seen"] for value, _, _ in found] == [[0], [0, 1], [0, 1, 2], [3], [3, 4], [3, 4, 5], [6]]
    assert [after for _, _, after in found] == [0, 1, 2, 0, 1, 2, 0]
    assert len({value["pid"] for value, _, _ in found}) == 3


def test_a_task_that_leaves_traces_is_the_last_of_its_process(tmp_path):
    body = """
state = []
def work(task):
    state.append(task); return {"seen": list(state)}
print(json.dumps(series(work, list(range(6)), watch=lambda: lambda: state[-1] != 1)))
"""
    found = show(body, tmp_path)
    assert [value["seen"] for value, _, _ in found] == [[0], [0, 1], [2], [3], [3, 4], [3, 4, 5]]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["os.kill(os.getpid(), signal.SIGKILL)", "1 / 0", "os._exit(0)", "time.sleep(60)"])
def test_what_fails_after_others_is_done_again_alone_and_only_then_given_up(how, tmp_path):
    """Task 1 fails in a used process only, task 4 wherever it is."""
    body = f"""
state = []
def work(task):
    state.append(task)
    open("log", "a").write(f"{{task}} ")
    if task == 4 or (task == 1 and len(state) > 1):
        {how}
    return {{"seen": list(state)}}
print(json.dumps(series(work, list(range(6)), seconds=2)))
"""
    found = show(body, tmp_path)
    assert [value and value["seen"] for value, _, _ in found] == [[0], [1], [2], [3], None, [5]]
    assert found[4][1] and not any(reason for _, reason, _ in found[:4])
    assert (tmp_path / "log").read_text().split() == list("011234" + "45")


def test_what_is_done_is_handed_on_while_the_process_goes_on(tmp_path):
    body = """
def work(task):
    if task == 2:
        deadline = time.monotonic() + 30
        while not os.path.exists("heard 0") and time.monotonic() < deadline: time.sleep(.01)
    return {"heard": os.path.exists("heard 0")}
heard = {}
for at, outcome in run_forked([0, 1, 2], work, n_jobs=1, series=3, watch=lambda: lambda: True):
    open(f"heard {at}", "w").close()
    heard[at] = outcome.value["heard"]
print(json.dumps(heard))
"""
    assert show(body, tmp_path) == {"0": False, "1": False, "2": True}


@pytest.mark.slow
def test_cpu_time_is_limited_a_task_and_charged_once(tmp_path):
    body = """
def work(task):
    end = time.process_time() + .7
    while time.process_time() < end: pass
    return {}
as_found = lambda: True
limits = Limits(cpu_seconds=2)
found = dict(run_forked([0, 1, 2, 3], work, n_jobs=1, series=4, watch=lambda: as_found, limits=limits))
used = os.times()
all_used = used.children_user + used.children_system
print(json.dumps([[found[i].cpu_seconds, found[i].after] for i in range(4)] + [all_used]))
"""
    *found, used = show(body, tmp_path)
    assert [after for _, after in found] == [0, 1, 2, 3]
    assert all(0.69 < cpu < 1.2 for cpu, _ in found)
    assert sum(cpu for cpu, _ in found) == pytest.approx(used, abs=0.05)


TRACES = {
    "environment": "os.environ['LEFT'] = '1'",
    "working folder": "os.chdir('/')",
    "import path": "sys.path.append('/left')",
    "streams and hooks": "sys.displayhook = print",
    "built-ins": "import builtins; builtins.left = 1",
    "locale": "import locale; locale.setlocale(locale.LC_ALL, 'C.UTF-8')",
    "warnings": "import warnings; warnings.simplefilter('ignore', UserWarning)",
    "random numbers": "import random; random.random()",
    "decimals": "import decimal; decimal.getcontext().prec = 7",
    "NumPy": "import numpy; numpy.random.random()",
    "pandas": "import pandas; pandas.set_option('display.precision', 2)",
    "Matplotlib": "import matplotlib; matplotlib.rcParams['axes.grid'] = True",
    "figures": "import matplotlib.pyplot as plt; plt.figure()",
    "threads": "import threading; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
    "processes": "import subprocess; left = subprocess.Popen(['sleep', '9'])",
    "analysis.publishing.keys.code_hash": "import analysis.publishing.keys as keys; keys.code_hash = print",
}


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """What is seen after nothing, and after each trace, in a process of its own."""
    body = f"""
import analysis.publishing.keys, matplotlib, numpy, pandas, matplotlib.pyplot
from analysis.publishing.traces import snapshot, traces_of
def work(code):
    before = snapshot()
    exec(code, {{"os": os, "sys": sys, "time": time}})
    return {{"traces": traces_of(before)}}
codes = {["pass", "import analysis.briefing.unit", *TRACES.values()]!r}
print(json.dumps([value and value["traces"] or reason for value, reason in fork(work, codes)]))
"""
    nothing, imported, *found = run_clean(START + body, cwd=tmp_path_factory.mktemp("traces"))
    return {"nothing": nothing, "imported": imported, **dict(zip(TRACES, found, strict=True))}


def test_nothing_done_and_a_module_imported_leave_no_trace(traces):
    assert (traces["nothing"], traces["imported"]) == ("", "")


@pytest.mark.parametrize("name", TRACES)
def test_every_trace_is_seen_and_named(traces, name):
    assert traces[name] == [name]


MAKE = (
    PUBLISH
    + """
import analysis.publishing.keys as keys
keys._left = []  # a list changed in place: no snapshot sees it
together, folder, units, notebook = json.loads(sys.argv[1])
jobs = [dataclasses.replace(one, together=together) for one in jobs_of(
    {"run_dir": folder, "jobs": [{"unit": unit, "notebook": notebook} for unit in units]}
)]
told = []
results = publish_pages(jobs, run_dir=Path(folder), n_jobs=2, on_done=told.append)
site = {one.unit: (Path(folder) / "site" / one.page).read_text() for one in results}
notebooks = {one.unit: (Path(folder) / "notebooks" / one.page).with_suffix(".ipynb").read_text() for one in results}
print(json.dumps([site, notebooks, [one.status for one in results], sorted(one.unit for one in told)]))
"""
)


def made(tmp_path, leaked, *, together):
    notebook = make_notebook(
        "from analysis.publishing import keys\nkeys._left.append(unit)\nimport matplotlib.pyplot as plt",
        "plt.plot([len(unit), 2])\nNone",
        f"Fragment(tag('p', 'Figures of ' + unit + {leaked}), 'sentence', unit)",
    )
    nbformat.write(notebook, tmp_path / "unit.ipynb")
    units = [f"u{n:02}" for n in range(36)]
    asked = [together, str(tmp_path / f"run-{together}"), units, str(tmp_path / "unit.ipynb")]
    done = run_clean(MAKE, json.dumps(asked), cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stderr, units


@pytest.mark.slow
def test_pages_in_series_are_those_made_alone(tmp_path):
    """Looping in one process once turned charts silently into text."""
    (series, warned, units), (alone, _, _) = (made(tmp_path, "''", together=one) for one in (True, False))
    assert series == alone and "made after others" not in warned
    site, notebooks, status, told = series
    assert set(status) == {"published"} and told == units
    assert all("image/png" in text for text in notebooks.values())
    assert all(f"<p>Figures of {unit}</p>" in site[unit] for unit in units)


@pytest.mark.slow
def test_pages_that_show_what_others_left_are_all_made_alone_and_said_so(tmp_path):
    (series, warned, units), (alone, _, _) = (made(tmp_path, "str(len(keys._left))", together=one) for one in (True, 0))
    assert "not the same page when it is made after others in a process" in warned
    assert series == alone and series[3] == units  # each told once, though some were made twice
    assert all(f"Figures of {unit}2</p>" in series[0][unit] for unit in units[1:])  # 2: the first was rehearsed


def test_a_late_leak_is_found_by_the_sample_and_every_page_made_again(monkeypatch):
    """Pages 40 and after show what was left; a page of the sample is among them."""

    def run_forked(tasks, work, *, series=1, **_):
        for place, at in enumerate(tasks):
            yield place, Outcome({**work(at), "after": place % series}, after=place % series)

    in_series = {"now": False}

    def work(at, aside):
        leaked = "left" if at >= 40 and in_series["now"] and not aside else ""
        return {"sha256": f"{at}{leaked}", "notebook_sha256": ""}

    def forked(tasks, work, *, series=1, **how):
        in_series["now"] = series > 1
        yield from run_forked(tasks, work, series=series, **how)

    jobs = [PageJob(page=f"units/{n}.html", notebook="x", parameters={}, together=True) for n in range(200)]
    monkeypatch.setattr(series, "run_forked", forked)
    told = list(series.make_in_series(jobs, work, among=range(200), n_jobs=2))
    assert len(told) == 400
    final = dict(told)
    assert [final[at].value["sha256"] for at in range(200)] == [str(at) for at in range(200)]


@pytest.mark.parametrize("n_jobs", [1, 2, 8])
def test_no_series_is_so_long_that_others_wait_for_it(n_jobs):
    for n in range(0, 4000, 7):
        length = series_length(n, n_jobs=n_jobs)
        assert 1 <= length <= LONGEST
        assert length == 1 or n / length >= 4 * n_jobs
