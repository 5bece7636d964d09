"""The process that makes pages: pages made in batches are the pages made alone, whatever is around."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.publishing.conftest import is_running, jobs_of, make_notebook, wait_for

from analysis.publishing.environment import environment_hashes
from analysis.publishing.forks import descendants
from analysis.publishing.jobs import NOTEBOOKS, PageJob
from analysis.publishing.page_maker import BATCH, PageMaker, batch_length, warmup_pages
from analysis.words.errors import PublishError

CHARTS = (
    "import matplotlib.pyplot as plt\nimport pandas as pd",
    "plt.plot([len(unit), 2])\nNone",
    "fig, axes = plt.subplots(2, layout='constrained')\naxes[0].bar([unit, 'ộ'], [1, int(unit[1:])])\n"
    "axes[1].set_title('Tỉnh $x^2$'); fig.suptitle(unit)\nNone",
    "pd.DataFrame({'unit': [unit], 'value': [1 / 3]})",
    "_, In[-2], get_ipython().execution_count, sorted(name for name in globals() if name.startswith('left'))",
    "left_by = unit\nget_ipython().events.register('post_run_cell', lambda result: print('left by', left_by))\nunit",
    "Fragment(tag('p', 'Figures of ' + unit), 'sentence', unit)",
)


@pytest.fixture(autouse=True)
def folders(tmp_path):
    """A run in which pages of units are made, and another place for them."""
    for run in (tmp_path, tmp_path / "run"):
        (run / NOTEBOOKS / "units").mkdir(parents=True)


def made(jobs, folder, maker, **how):
    """Every page and notebook by job, and the outcomes."""
    folder.mkdir()
    outcomes = dict(maker.make(jobs, folder=folder, **how))
    assert not [outcome.reason for outcome in outcomes.values() if outcome.reason]
    read = lambda at: [(folder / f"{at}{suffix}").read_bytes() for suffix in (".html", ".ipynb")]
    return [read(at) for at in range(len(jobs))], outcomes


@pytest.mark.slow
def test_pages_made_in_batches_are_those_made_alone(tmp_path, write_notebook):
    """Looping in one process once turned charts silently into text."""
    notebook, units = write_notebook(make_notebook(*CHARTS)), [f"u{n:02}" for n in range(25)]
    jobs = jobs_of(notebook, units, tmp_path / "run", together=True)
    with PageMaker(n_jobs=2) as maker:
        batches, outcomes = made(jobs, tmp_path / "batches", maker)
        one_by_one, others = made(jobs, tmp_path / "one-by-one", maker, alone=True)
        assert batches == one_by_one
    assert max(outcome.after for outcome in outcomes.values()) == 2  # 24 pages in batches of 3, after the first
    assert {outcome.after for outcome in others.values()} == {0}
    for at in (0, 24):  # the only page of a new process, which warms up with no page
        with PageMaker(n_jobs=1) as maker:
            assert made([jobs[at]], tmp_path / f"only-{at}", maker)[0] == [batches[at]]
    for at, (html, executed) in enumerate(batches):
        assert f"<p>Figures of {units[at]}</p>".encode() in html
        assert executed.count(b"image/png") == 2 and f"left by {units[at]}".encode() in executed
        assert (
            executed.count(b"left by") == 1 + 3 and b"left_by']" not in executed
        )  # the code, and three cells that ran


@pytest.mark.slow
def test_a_page_that_leaves_traces_is_the_last_of_its_process(tmp_path, write_notebook, maker):
    notebook = write_notebook(
        make_notebook("import os\nif unit == 'u6': os.environ['LEFT'] = '1'\nprint('LEFT' in os.environ)")
    )
    units = [f"u{n}" for n in range(17)]
    pages, outcomes = made(jobs_of(notebook, units, tmp_path, together=True), tmp_path / "pages", maker)
    after = [outcomes[at].after for at in range(17)]
    assert after == [0] + [0, 1] * 3 + [0] + [0, 1] * 4 + [0] or after == [0] + [0, 1] * 8
    assert [b'"True\\n"' in executed for _, executed in pages] == [unit == "u6" for unit in units]


def test_only_pages_that_may_share_a_process_do(tmp_path, write_notebook, maker):
    jobs = jobs_of(write_notebook(make_notebook("1")), [f"u{n}" for n in range(17)], tmp_path)
    _, outcomes = made(jobs, tmp_path / "pages", maker)
    assert {outcome.after for outcome in outcomes.values()} == {0}


@pytest.mark.parametrize("n_jobs", [1, 2, 8])
def test_no_batch_is_so_long_that_others_wait_for_it(n_jobs):
    for n in range(0, 4000, 7):
        length = batch_length(n, n_jobs=n_jobs)
        assert 1 <= length <= BATCH
        assert length == 1 or n / length >= 4 * n_jobs


def test_a_notebook_is_warmed_up_with_when_it_makes_many_pages_and_leaves_nothing_behind():
    job = lambda notebook, together: PageJob("a.html", Path(notebook), {}, together=together)
    jobs = [job("few", True)] * 3 + [job("many", True)] * 4 + [job("others", False)] * 9
    assert warmup_pages(jobs) == [3]


def test_requests_follow_one_another_and_what_is_wrong_with_one_is_told_to_its_caller(tmp_path, write_notebook, maker):
    (tmp_path / "not.ipynb").write_text("{")
    with pytest.raises(PublishError) as caught:
        made(jobs_of(tmp_path / "not.ipynb", ["a"], tmp_path), tmp_path / "first", maker)
    (problem,) = caught.value.problems
    assert problem.where == str(tmp_path / "not.ipynb") and problem.found.startswith("it cannot be read as a notebook")
    assert (problem.allowed, problem.remedy) == ("a Jupyter notebook (nbformat 4)", "Restore it")
    made(jobs_of(write_notebook(make_notebook("1")), ["a"], tmp_path), tmp_path / "second", maker)


def test_other_code_or_libraries_are_refused_by_name(tmp_path, write_notebook, maker):
    jobs = jobs_of(write_notebook(make_notebook("1")), ["a"], tmp_path)
    with pytest.raises(PublishError) as caught:
        made(jobs, tmp_path / "other", maker, code={"code": "other", "libraries": "other"})
    assert str(caught.value) == (
        "publishing: this machine has other code and libraries than the one that wants the pages. "
        "Allowed: the same on all. Install the same version of candich."
    )
    made(jobs, tmp_path / "same", maker, code={"code": environment_hashes()["code"]})


@pytest.mark.slow
def test_a_folder_with_modules_of_known_names_is_not_in_the_way(tmp_path, write_notebook, monkeypatch):
    (tmp_path / "here").mkdir()
    for name in ("json", "signal", "nbformat", "analysis"):
        (tmp_path / "here" / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path / "here")
    with PageMaker(n_jobs=1) as maker:
        made(jobs_of(write_notebook(make_notebook("1")), ["a"], tmp_path), tmp_path / "pages", maker)


@pytest.mark.slow
def test_an_answer_cut_off_in_the_middle_is_the_end_of_the_process(tmp_path, write_notebook):
    """Answers longer than the pipe holds: the process is killed while it waits for a reader."""
    notebook = write_notebook(make_notebook("raise ValueError('ộ' * 1400)"))
    before = set(descendants(os.getpid()))
    with PageMaker(n_jobs=2) as maker:
        (tmp_path / "pages").mkdir()
        answers = maker.make(jobs_of(notebook, [f"u{n}" for n in range(40)], tmp_path), folder=tmp_path / "pages")
        assert "ValueError" in next(answers)[1].reason
        process = next(pid for pid in descendants(os.getpid()) if pid not in before and b"page_maker" in command(pid))
        wait_for(lambda: state(process) == "S" and not any(map(is_running, descendants(process))), seconds=60)
        os.kill(process, signal.SIGKILL)
        with pytest.raises(PublishError, match="ended with exit code -9"):
            list(answers)
        with pytest.raises(PublishError, match="ended with exit code -9"):  # as is every later request
            list(maker.make(jobs_of(notebook, ["u1"], tmp_path), folder=tmp_path / "pages"))


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.slow
def test_what_pages_started_ends_with_the_page_maker(tmp_path, write_notebook):
    sleeper = "import os, time\nopen(os.path.join(run_dir, 'pid'), 'w').write(str(os.getpid()))\ntime.sleep(60)"
    jobs = jobs_of(write_notebook(make_notebook(sleeper)), ["a"], tmp_path)
    (tmp_path / "pages").mkdir()
    with PageMaker(n_jobs=1) as maker, ThreadPoolExecutor(1) as pool:
        answers = pool.submit(lambda: list(maker.make(jobs, folder=tmp_path / "pages")))
        wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        maker.close()
        assert isinstance(answers.exception(timeout=30), PublishError)
    wait_for(lambda: not is_running(int((tmp_path / "pid").read_text())), seconds=10)
