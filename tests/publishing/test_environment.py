import json
import subprocess
import sys

from tests.publishing.conftest import run_clean

from analysis.publishing.environment import is_pinned, pinned_environment, restart_pinned

SHOW = (
    "from analysis.publishing.environment import restart_pinned; restart_pinned(); import json, os, sys;"
    "print(json.dumps([os.environ['OPENBLAS_NUM_THREADS'], sys.flags.hash_randomization, sys.argv[1:]]))"
)


def test_this_numpy_takes_every_value_without_a_word(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import numpy; print(numpy.dot([1.0], [2.0]))"],
        env=pinned_environment(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2.0\n", "")


def test_a_program_starts_itself_anew_once_with_its_arguments():
    done = subprocess.run([sys.executable, "-c", SHOW, "--units", "Hà Nội"], env={}, capture_output=True, text=True)
    assert json.loads(done.stdout) == ["1", 0, ["--units", "Hà Nội"]], done.stderr


def test_a_pinned_program_goes_on():
    assert is_pinned(pinned_environment())
    assert not is_pinned({**pinned_environment(), "TZ": "Asia/Ho_Chi_Minh"})


def test_a_refused_value_does_not_start_it_for_ever(monkeypatch):
    monkeypatch.setenv("CANDICH_PINNED", "1")
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    assert restart_pinned() is None


def test_numpy_pandas_and_pyarrow_start_no_thread(tmp_path):
    """Parquet is read with ``use_threads=False`` and ``pre_buffer=False``; without either a thread stays."""
    script = (
        "import numpy, pandas, pyarrow.parquet as pq, papermill, os, sys\n"
        "import analysis.publishing.exporter\n"
        "pandas.DataFrame({'a': [1.5, 2.5]}).to_parquet(sys.argv[1])\n"
        "file = pq.ParquetFile(sys.argv[1], pre_buffer=False)\n"
        "file.read(use_threads=False).to_pandas(use_threads=False)\n"
        "print(len(os.listdir('/proc/self/task')))"
    )
    assert run_clean(script, tmp_path / "a.parquet", cwd=tmp_path) == 1
