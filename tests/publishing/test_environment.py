import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from tests.publishing.conftest import run_clean

import analysis
from analysis.publishing.environment import dependency_closure, pinned_environment, restart_pinned

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
    started = "import sys; from analysis.publishing.environment import restart_pinned as f; f(['python']); print('on')"
    environment = {**os.environ, **pinned_environment()}
    run = lambda **more: subprocess.run(
        [sys.executable, "-c", started], env={**environment, **more}, stdin=-3, stdout=-1
    )
    assert run().stdout == b"on\n"
    assert run(TZ="Asia/Ho_Chi_Minh").stdout == b""  # started again, with nothing to do


def test_a_refused_value_does_not_start_it_for_ever(monkeypatch):
    monkeypatch.setenv("CANDICH_PINNED", "1")
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    assert restart_pinned() is None


@pytest.mark.slow
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


HASHES = (
    "import json; from analysis.publishing.environment import environment_hashes as found; print(json.dumps(found()))"
)


@pytest.mark.slow
def test_code_templates_styles_and_words_are_in_the_hash_of_the_code_and_nothing_that_python_writes(tmp_path):
    copy = tmp_path / "analysis"
    shutil.copytree(Path(analysis.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    look = lambda **more: run_clean(
        HASHES, cwd=tmp_path, environment={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "", **more}
    )
    first = look()
    assert look() == first and list(tmp_path.rglob("__pycache__"))
    seen = {first["code"]}
    for name in (
        "words/errors.py",
        "publishing/template/page.html.j2",
        "publishing/template/page.css",
        "briefing/locale/vi/LC_MESSAGES/candich.po",
        "words/new.py",
    ):
        (copy / name).open("a").write("\n")
        found = look()
        assert found["code"] not in seen and found["libraries"] == first["libraries"], name
        seen.add(found["code"])
    other = look(OPENBLAS_CORETYPE="Zen")
    assert other["code"] == found["code"] and other["libraries"] != first["libraries"]


def test_the_dependency_closure_has_what_the_project_needs_through_others_and_nothing_else(tmp_path):
    found = dependency_closure()
    assert found["pandas"] == version("pandas") and found["traitlets"] == version("traitlets")  # of IPython
    assert "candich" not in found and "pytest" not in found and list(found) == sorted(found)
    with pytest.raises(PackageNotFoundError):
        dependency_closure("no-such-package")


PACKAGES = {  # name -> version, what it requires
    "top": ("1", ["Middle_one[fast]>=1", "not-here", "old ; python_version < '3'", "loop"]),
    "middle-one": ("2", ["base", "speed ; extra == 'fast'", "tests ; extra == 'test'"]),
    "base": ("3", []),
    "speed": ("4", []),
    "tests": ("5", []),
    "loop": ("6", ["top"]),
    "stranger": ("7", []),
}


def test_extras_and_markers_are_followed_as_an_installer_does(tmp_path):
    for name, (number, needed) in PACKAGES.items():
        folder = tmp_path / f"{name.replace('-', '_')}-{number}.dist-info"
        folder.mkdir()
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            f"Version: {number}",
            *[f"Requires-Dist: {one}" for one in needed],
        ]
        (folder / "METADATA").write_text("\n".join(lines) + "\n")
    script = (
        "import json; from analysis.publishing.environment import dependency_closure as f; print(json.dumps(f('top')))"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    found = run_clean(script, cwd=tmp_path, environment={"PYTHONPATH": path})
    assert found == {"base": "3", "loop": "6", "middle-one": "2", "speed": "4"}
