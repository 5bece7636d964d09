"""A run on another class of processor: the same pages to the byte, tables to a millionth of a millionth.

What an older processor would do is asked of this one: OpenBLAS's kernels for Nehalem, NumPy without its loops for AVX2
and later, the C library without AVX, FMA and BMI. Only the pinned kernels keep two machines alike otherwise.
"""

import os
import platform
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from benchmarks.country import write_country

from analysis.publishing.environment import pinned_environment

OLDER = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX,-AVX512F,-FMA4,-BMI2",
    "CANDICH_PINNED": "1",  # or it would start again with the pinned kernels
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.machine().lower() not in {"x86_64", "amd64"} or not sys.platform.startswith("linux"),
        reason="kernels of x86 under Linux",
    ),
]


def candich(*arguments, **environment):
    command = [sys.executable, "-m", "analysis", *map(str, arguments)]
    env = {**os.environ, **pinned_environment(), **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """This processor's run and an older one's."""
    folder = tmp_path_factory.mktemp("processor")
    params = write_country(folder, communes=16, provinces=2, indicators=2)
    for name, environment in (("here", {}), ("older", OLDER)):
        candich("run", params, "--out", folder / name / "country", **environment)
    return folder / "here/country", folder / "older/country"


def test_the_pages_are_the_same_to_the_byte(runs):
    here, older = [
        {path.relative_to(run).as_posix(): path.read_bytes() for path in sorted((run / "site").rglob("*.html"))}
        for run in runs
    ]
    assert len(here) > 16 + 2 and here == older


def test_tables_agree_as_far_as_any_reader_looks_and_not_further(runs):
    """Were they the same to the last bit, the kernels would be the same, and the test above would say nothing."""
    here, there = (run / "current/tables" for run in runs)
    pairs = [(path, there / path.name) for path in sorted(here.glob("*.parquet"))]
    assert any(one.read_bytes() != other.read_bytes() for one, other in pairs)
    for one, other in pairs:
        now, older = pd.read_parquet(one), pd.read_parquet(other)
        for name in now:
            if pd.api.types.is_float_dtype(now[name]):
                a, b = (table[name].to_numpy(float, na_value=np.nan) for table in (now, older))
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=f"{one.name} {name}")
            else:
                assert now[name].astype(str).tolist() == older[name].astype(str).tolist(), (one.name, name)


def test_verify_on_this_processor_finds_the_older_ones_pages_identical(runs):
    done = candich("verify", runs[1], "--project", runs[1].parents[1])
    assert done.stdout.strip().endswith("identical")
    assert "different" not in done.stdout and "rounding" not in done.stdout
