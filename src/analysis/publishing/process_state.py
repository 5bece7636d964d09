"""What a notebook can leave behind in its process that the next one there would see.

A page may be made after another one in the same process only as long as nothing here differs from what the first one
found: settings of the libraries, the environment, random numbers, open figures, threads and processes, our own code.
What a snapshot cannot see (a dict changed in place, say) is found by comparing with pages made alone: the tests and
`candich verify` do that.
"""

from __future__ import annotations

import builtins
import copy
import decimal
import locale
import os
import random
import sys
import warnings
from collections.abc import Callable

from analysis.publishing.processes import count_threads

OURS = "analysis"


def traces_of(before: dict[str, object]) -> list[str]:
    """What differs from a snapshot, by name; empty when the process is as it was.

    Parameters
    ----------
    before : dict
        Of :func:`snapshot`.
    """
    differ = [name for name, look in _LOOKS.items() if name != OURS and look() != before[name]]
    now = {name: vars(sys.modules[name]) for name in before[OURS] if name in sys.modules}
    for name, held in before[OURS].items():  # what was imported since is no trace: a name that means another thing is
        differ += [f"{name}.{key}" for key, value in held.items() if now.get(name, {}).get(key) is not value]
    return sorted(differ)


def snapshot() -> dict[str, object]:
    """The state of this process, by what a reader would call it."""
    return {name: look() for name, look in _LOOKS.items()}


def _hooks() -> list[int]:
    held = [sys.stdout, sys.stderr, sys.stdin, sys.displayhook, sys.excepthook, sys.modules.get("__main__")]
    return [*map(id, held), sys.getrecursionlimit()]


def _children() -> bool:
    """Whether this process has started others that it did not wait for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _numpy() -> object:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    name, keys, at, has_gauss, gauss = numpy.random.get_state()
    return name, keys.tobytes(), at, has_gauss, gauss, numpy.geterr(), numpy.get_printoptions()


def _pandas() -> object:
    pandas = sys.modules.get("pandas")
    return None if pandas is None else copy.deepcopy(pandas.options.d)


def _matplotlib() -> object:
    matplotlib = sys.modules.get("matplotlib")
    return None if matplotlib is None else dict.copy(matplotlib.rcParams)


def _figures() -> list:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return [] if helpers is None else list(helpers.Gcf.figs)


def _our_modules() -> dict[str, dict[str, object]]:
    """What every name in our modules stands for."""
    return {name: dict(vars(module)) for name, module in list(sys.modules.items()) if name.partition(".")[0] == OURS}


_LOOKS: dict[str, Callable[[], object]] = {
    "environment": lambda: dict(os.environ),
    "working folder": os.getcwd,
    "import path": lambda: list(sys.path),
    "streams and hooks": _hooks,
    "built-ins": lambda: {name: id(value) for name, value in vars(builtins).items() if name != "_"},
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "warnings": lambda: list(warnings.filters),
    "random numbers": random.getstate,
    "decimals": lambda: repr(decimal.getcontext()),
    "NumPy": _numpy,
    "pandas": _pandas,
    "Matplotlib": _matplotlib,
    "figures": _figures,
    "threads": count_threads,
    "processes": _children,
    OURS: _our_modules,
}
