"""The process environment in which the same inputs give the same bytes; to be set before NumPy is imported.

OpenBLAS picks its kernels, and NumPy its SIMD loops, by the processor they meet: the same fit differed by up to 0.7
per cent between kernels. Threads are held to one because children are forked from this process. Imports nothing
heavy, so that the command line can start itself again with it.
"""

from __future__ import annotations

import os
import platform
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from analysis.words.files import sha256_of_json, tree_sha256

PROJECT = "candich"
CODE = Path(__file__).parents[1]

_EVERYWHERE = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "SOURCE_DATE_EPOCH": "315532800",  # 1980-01-01, the first day a zip member can carry
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # or pyarrow starts a thread as soon as it is imported
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # large pages: a fork copies tables of pages, one entry each (3x less)
}
_X86 = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # NumPy ignores those this processor does not have
}
_MARK = "CANDICH_PINNED"  # set once, so that a platform that refuses a value cannot make us start for ever


def pinned_environment() -> dict[str, str]:
    """The variables that publishing needs set, for this kind of processor.

    >>> pinned_environment()["OPENBLAS_NUM_THREADS"]
    '1'
    """
    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    return {**_EVERYWHERE, **(_X86 if x86 else {})}


def restart_pinned(arguments: list[str] | None = None) -> None:
    """Start this program again with the pinned environment; returns only when there is nothing to do."""
    if _MARK in os.environ or pinned_environment().items() <= os.environ.items():
        return
    if not hasattr(os, "fork"):  # Windows' exec gives the terminal back at once: set for child processes only
        os.environ.update(pinned_environment())
        return
    environment = {**os.environ, **pinned_environment(), _MARK: "1"}
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, arguments or [sys.executable, *sys.orig_argv[1:]], environment)


@lru_cache(maxsize=1)
def environment_hashes() -> dict[str, str]:
    """Hashes of our code with its templates and catalogue, and of the libraries and settings that it runs with."""
    code = [path for path in CODE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    set_here = {name: os.environ.get(name, "") for name in pinned_environment()}
    python = [platform.python_version(), platform.machine(), sys.platform]
    return {
        "code": tree_sha256(code, root=CODE),
        "libraries": sha256_of_json([dependency_closure(), set_here, python]),
    }


def dependency_closure(name: str = PROJECT) -> dict[str, str]:
    """Every installed package that a package needs, directly or through others, with its version; itself left out.

    What is not installed here (extras, other systems) is left out.

    PackageNotFoundError: when `name` is not installed.
    """
    distribution(name)
    found: dict[str, str] = {}
    waiting = [(name, frozenset())]
    seen = set(waiting)
    while waiting:
        package, extras = waiting.pop()
        try:
            installed = distribution(package)
        except PackageNotFoundError:
            continue
        found[canonicalize_name(package)] = installed.version
        for text in installed.requires or ():
            needed = Requirement(text)
            wanted = needed.marker is None or any(needed.marker.evaluate({"extra": one}) for one in extras or ("",))
            following = (needed.name, frozenset(needed.extras))
            if wanted and following not in seen:
                seen.add(following)
                waiting.append(following)
    found.pop(canonicalize_name(name))
    return dict(sorted(found.items()))
