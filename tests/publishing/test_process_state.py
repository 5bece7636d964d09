"""What a page leaves behind in its process is seen, by name: no other page is made there then."""

import pytest
from tests.publishing.conftest import run_clean
from tests.publishing.test_forks import START

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
    "analysis.publishing.jobs.check_jobs": "import analysis.publishing.jobs as jobs; jobs.check_jobs = print",
}


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """What is seen after nothing, and after each trace, in a process of its own."""
    body = f"""
import analysis.publishing.jobs, matplotlib, numpy, pandas, matplotlib.pyplot
from analysis.publishing.forks import snapshot, traces_of
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
