"""Processes, not notebooks: each script runs in a clean interpreter, as publishing does."""

import json
import time

import pytest
from tests.publishing.conftest import is_running, run_clean, wait_for

START = """
import json, os, signal, subprocess, sys, time
from analysis.publishing.forks import run_forked
from analysis.publishing.forks import Limits

def fork(work, tasks, n_jobs=2, **limits):
    found = dict(run_forked(tasks, work, n_jobs=n_jobs, limits=Limits(**limits)))
    return [[found[i].value, found[i].reason] for i in range(len(tasks))]
"""


def show(body, tmp_path, **options):
    return run_clean(START + body, cwd=tmp_path, **options)


def test_each_task_runs_in_a_process_of_its_own_and_answers(tmp_path):
    body = """
state = []
def work(task):
    state.append(task)
    return {"twice": 2 * task, "pid": os.getpid(), "seen": state, "session": os.getsid(0)}
found = fork(work, list(range(5)))
print(json.dumps([found, state, os.getpid()]))
"""
    found, state, parent = show(body, tmp_path)
    assert [value["twice"] for value, _ in found] == [0, 2, 4, 6, 8]
    assert [value["seen"] for value, _ in found] == [[0], [1], [2], [3], [4]] and state == []
    pids = {value["pid"] for value, _ in found}
    assert len(pids) == 5 and parent not in pids
    assert all(value["session"] == value["pid"] for value, _ in found)


def test_no_more_than_asked_run_at_a_time(tmp_path):
    body = """
def work(task):
    start = time.monotonic(); time.sleep(.15); return {"from": start, "to": time.monotonic()}
print(json.dumps(fork(work, list(range(6)), n_jobs=2)))
"""
    spans = [value for value, _ in show(body, tmp_path)]
    for span in spans:
        assert sum(one["from"] < span["from"] < one["to"] for one in spans) <= 1


@pytest.mark.parametrize(
    ("work", "limits", "reason"),
    [
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "",
            "its process was killed (SIGKILL), by hand or for want of memory.",
        ),
        ("os._exit(0)", "", "its process ended by itself (exit code 0) without handing it back."),
        ("os._exit(7)", "", "its process ended by itself (exit code 7) without handing it back."),
        ("1 / 0", "", "ZeroDivisionError: division by zero"),
        ("sys.exit(0)", "", "SystemExit: 0"),
        ("raise KeyboardInterrupt", "", "KeyboardInterrupt: "),
        ("time.sleep(60)", "seconds=.5", "it took longer than 0.5 s and was stopped."),
        ("bytearray(400 * 2**20)", "memory_mb=200", "MemoryError: "),
        (
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    while True: pass",
            "cpu_seconds=1",
            "it used more than 1 s of CPU time and was stopped.",
        ),
    ],
)
def test_every_way_to_fail_has_its_reason_and_the_rest_goes_on(work, limits, reason, tmp_path):
    body = f"""
def work(task):
    if task != 1: return {{"task": task}}
    {work}
    return {{"task": task}}
print(json.dumps(fork(work, [0, 1, 2], {limits})))
"""
    found = show(body, tmp_path)
    assert [found[0], found[2]] == [[{"task": 0}, ""], [{"task": 2}, ""]]
    assert found[1][0] is None and found[1][1].endswith(reason)


def test_what_a_task_started_goes_with_it_and_the_callers_group_stays(tmp_path):
    body = """
def work(task):
    pids = [subprocess.Popen(["sleep", "60"], start_new_session=new).pid for new in (False, True)]
    open(f"{task}.txt", "w").write(" ".join(map(str, pids)))
    time.sleep(60 if task else 0)
    return {}
bystander = subprocess.Popen(["sleep", "60"])
found = fork(work, [0, 1], seconds=1)
alive = bystander.poll() is None
bystander.kill()
print(json.dumps([alive, found]))
"""
    alive, found = show(body, tmp_path)
    assert alive and found[0][0] == {} and found[1][0] is None
    late = [int(pid) for pid in (tmp_path / "1.txt").read_text().split()]
    in_group = int((tmp_path / "0.txt").read_text().split()[0])
    time.sleep(0.2)
    for pid in [*late, in_group]:
        assert not is_running(pid)


def test_a_process_with_threads_does_not_fork(tmp_path):
    body = """
import threading
threading.Thread(target=time.sleep, args=(5,), name="clock", daemon=True).start()
try:
    fork(lambda task: {}, [0])
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
    name, text = show(body, tmp_path)
    assert name == "PublishError"
    assert text.startswith("publishing: the process that forks the pages holds 2 threads: ")


def test_children_are_gone_when_the_caller_stops_early(tmp_path):
    body = """
def work(task):
    open(f"{task}.pid", "w").write(str(os.getpid())); time.sleep(60 if task else 0); return {}
for index, outcome in run_forked([0, 1], work, n_jobs=2, limits=Limits()):
    while not os.path.exists("1.pid") or not open("1.pid").read(): time.sleep(.01)
    break
print(json.dumps(index))
"""
    assert show(body, tmp_path) == 0
    assert not is_running(int((tmp_path / "1.pid").read_text()))


def test_what_a_task_prints_goes_nowhere_and_its_use_is_measured(tmp_path):
    body = """
def work(task):
    print("NOISE"); os.system("echo NOISE; echo NOISE >&2")
    x = bytearray(150 * 2**20); sum(range(3_000_000)); return {}
_, outcome = next(run_forked([0], work, n_jobs=1))
print(json.dumps([outcome.cpu_seconds, outcome.seconds, outcome.peak_mb]))
"""
    done = run_clean(START + body, cwd=tmp_path, check=False)
    assert "NOISE" not in done.stdout + done.stderr
    cpu, wall, peak = json.loads(done.stdout)
    assert 0.01 < cpu < 5 and wall > 0 and 150 < peak < 500


DESCRIPTORS = """
import json, os
from analysis.publishing.forks import run_forked
before = sorted(os.listdir("/proc/self/fd"))
found = dict(run_forked(list(range(5)), lambda task: {"task": task}, n_jobs=2))
print(json.dumps([[found[at].value["task"] for at in range(5)], sorted(os.listdir("/proc/self/fd")) == before]))
"""


def test_every_descriptor_is_closed_again():
    assert run_clean(DESCRIPTORS, cwd=".") == [[0, 1, 2, 3, 4], True]


BATCH = """
def batches(work, tasks, n_jobs=1, batch=3, **limits):
    found = dict(run_forked(tasks, work, n_jobs=n_jobs, limits=Limits(**limits), batch=batch))
    return [[found[i].value, found[i].reason, found[i].after] for i in range(len(tasks))]
"""


def show_batches(body, tmp_path):
    return run_clean(START + BATCH + body, cwd=tmp_path)


def test_a_process_does_a_batch_of_tasks_and_then_the_next_one_does(tmp_path):
    body = """
state = []
def work(task):
    state.append(task); return {"seen": list(state), "pid": os.getpid()}
print(json.dumps(batches(work, list(range(7)))))
"""
    found = show_batches(body, tmp_path)
    assert [value["seen"] for value, _, _ in found] == [[0], [0, 1], [0, 1, 2], [3], [3, 4], [3, 4, 5], [6]]
    assert [after for _, _, after in found] == [0, 1, 2, 0, 1, 2, 0]
    assert len({value["pid"] for value, _, _ in found}) == 3


def test_a_task_that_leaves_traces_is_the_last_of_its_process(tmp_path):
    body = """
state = []
def work(task):
    state.append(task)
    if task == 1:
        os.environ["LEFT"] = "1"
    return {"seen": list(state), "left": "LEFT" in os.environ}
print(json.dumps(batches(work, list(range(6)))))
"""
    found = show_batches(body, tmp_path)
    assert [value["seen"] for value, _, _ in found] == [[0], [0, 1], [2], [3], [3, 4], [3, 4, 5]]
    assert [value["left"] for value, _, _ in found] == [False, True, False, False, False, False]


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
print(json.dumps(batches(work, list(range(6)), seconds=2)))
"""
    found = show_batches(body, tmp_path)
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
for at, outcome in run_forked([0, 1, 2], work, n_jobs=1, batch=3):
    open(f"heard {at}", "w").close()
    heard[at] = outcome.value["heard"]
print(json.dumps(heard))
"""
    assert show_batches(body, tmp_path) == {"0": False, "1": False, "2": True}


@pytest.mark.slow
def test_cpu_time_is_limited_a_task_and_charged_once(tmp_path):
    body = """
def work(task):
    end = time.process_time() + .7
    while time.process_time() < end: pass
    return {}
found = dict(run_forked([0, 1, 2, 3], work, n_jobs=1, batch=4, limits=Limits(cpu_seconds=2)))
used = os.times()
all_used = used.children_user + used.children_system
print(json.dumps([[found[i].cpu_seconds, found[i].after] for i in range(4)] + [all_used]))
"""
    *found, used = show_batches(body, tmp_path)
    assert [after for _, after in found] == [0, 1, 2, 3]
    assert all(0.69 < cpu < 1.2 for cpu, _ in found)
    assert sum(cpu for cpu, _ in found) == pytest.approx(used, abs=0.05)


def test_when_the_one_who_wants_the_answers_is_gone_the_work_ends(tmp_path):
    body = """
def work(task):
    open(f"{task}.pid", "w").write(str(os.getpid())); time.sleep(60); return {}
if os.fork() == 0:
    try:
        list(run_forked([0, 1], work, n_jobs=2))
    except Exception as error:
        open("said", "w").write(str(error))
    os._exit(0)
while not all(os.path.exists(f"{at}.pid") and open(f"{at}.pid").read() for at in (0, 1)): time.sleep(.01)
print("null", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    run_clean(START + body, cwd=tmp_path, check=False)
    wait_for(lambda: (tmp_path / "said").exists() and (tmp_path / "said").read_text(), seconds=10)
    assert (tmp_path / "said").read_text() == "publishing: the process that wants the pages has ended."
    assert not any(is_running(int((tmp_path / f"{at}.pid").read_text())) for at in (0, 1))


KINDS = """
class Odd(Exception): ...
def work(task):
    if task == 0: raise Odd("half")
    if task == 1: os.kill(os.getpid(), signal.SIGKILL)
    if task == 2: time.sleep(60)
    return {}
found = dict(run_forked([0, 1, 2, 3], work, n_jobs=4, limits=Limits(seconds=.5)))
print(json.dumps([[found[at].kind, found[at].reason] for at in range(4)]))
"""


def test_the_kind_of_an_error_is_its_class_alone(tmp_path):
    """Readers may see it, so it holds nothing of what the error says."""
    odd, killed, late, well = show(KINDS, tmp_path)
    assert odd == ["Odd", "Odd: half"] and killed[0] == "Killed" and late[0] == "TimeLimit" and well == ["", ""]
