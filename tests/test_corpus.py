"""The kept corpus of hostile files: each is read or refused, within bounded time and memory, and nothing is run."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.publishing.forks import can_fork

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path.name for path in CORPUS.iterdir() if path.suffix != ".md")
SECONDS, MEGABYTES = 5, 900  # CPU of one file; of all files of a kind, libraries included
READ = """
import json, sys, time
from pathlib import Path
from analysis.intake.read import read_raw
from analysis.publishing.sanitise import is_clean, sanitise
from analysis.registry.sources import SourceParams
from analysis.registry.entries import read_yaml
from analysis.words.errors import AnalysisError

def read(path):
    if path.suffix == ".yml":
        return repr(read_yaml(path))[:80]
    if path.suffix == ".html":
        left = sanitise(path.read_text(encoding="utf-8"))
        assert is_clean(left), left[:300]
        return left
    measures = [{"indicator": "online", "numerator": "filed", "denominator": "all"}]
    columns = {"unit": "unit", "period": "period"}
    source = SourceParams(
        source="s", title="t", licence="MIT", format=path.suffix[1:], path=path.name, vintage="2024-03-01",
        numbers="plain", dates="code", columns=columns, measures=measures,
    )
    return str(read_raw(source, path=path, where=path.name).frame.shape)

found = {}
for path in sorted(Path(sys.argv[1]).glob("*" + sys.argv[2])):
    start = time.process_time()
    try:
        how, what = "read", read(path)
    except AnalysisError as error:
        how, what = type(error).__name__, [str(one) for one in error.problems]
    except Exception as error:
        how, what = "escaped", repr(error)[:300]
    found[path.name] = [how, what, time.process_time() - start]
print(json.dumps(found))
"""
SUFFIXES = (".csv", ".yml", ".html", ".xlsx", ".parquet")


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
    resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))


@pytest.mark.slow
@pytest.mark.skipif(not can_fork(), reason="needs limits")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_kept_file_is_read_or_refused_within_bounds(suffix, tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    command = [sys.executable, "-c", READ, str(CORPUS), suffix]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not list(tmp_path.iterdir())  # nothing was run
    found = json.loads(done.stdout)
    assert set(found) == {name for name in FILES if name.endswith(suffix)}
    for name, (how, what, seconds) in found.items():
        assert how in {"read", "DataError", "ParamsError"} and what is not None, (name, how, what)
        assert seconds < SECONDS, (name, seconds)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of all children so far
    assert peak == before or peak < MEGABYTES * 1024, f"{peak // 1024} MB"


def test_the_corpus_speaks_of_every_reader():
    assert {Path(name).suffix for name in FILES} == set(SUFFIXES) and len(FILES) > 80
