"""Cán Đích: will each unit reach each of its targets, how sure are we, what is the gap, what would close it.

What an analyst types in a notebook, what the command line calls and what a page shows are these functions.

>>> import pandas as pd
>>> import analysis as cd
>>> months = pd.period_range("2024-01", "2025-12", freq="M").astype(str)
>>> online = pd.DataFrame({"unit": "007", "indicator": "online", "period": months, "value": range(24)})
>>> online["value"] /= 50
>>> promise = {"target": "T", "indicator": "online", "operator": ">=", "threshold": 0.8, "deadline": "2026-06"}
>>> cd.assess(online, pd.DataFrame([promise]), cutoff="2025-12")[["unit", "target", "status"]]
  unit target    status
0  007      T  unlikely

On plain tables: :func:`assess`, :func:`check`, :func:`forecast`, :func:`backtest`, :func:`score`. On a finished run:
:func:`load_run`, then :func:`worst`, :func:`what_if`, :func:`compare`, :func:`explain`, :func:`changes`,
:func:`diagnose`, :func:`explore`; :func:`sql` queries all runs. A notebook asks for its page: :func:`unit_page`,
:func:`overview_page` and their kin. :func:`check_run` reads what a run would use, :func:`run` makes it,
:func:`publish` enters it in the register, :func:`find_seal` finds it there, :func:`verify_run` audits it;
:func:`make_each` executes a notebook of your own for many values. :func:`quarter` is the scheduled run,
:func:`write_schedule` writes the files that start it.
:mod:`analysis.pipeline` is the table of contents of the code.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
_HOME = {
    "assess": "analyst.plain_tables",
    "assess_files": "analyst.plain_tables",
    "backtest": "analyst.plain_tables",
    "backtest_run": "pipeline",
    "changes": "analyst.answers",
    "check": "analyst.plain_tables",
    "check_run": "pipeline",
    "compare": "analyst.answers",
    "diagnose": "analyst.answers",
    "explain": "analyst.answers",
    "explore": "analyst.answers",
    "find_seal": "records",
    "forecast": "analyst.plain_tables",
    "forecast_page": "briefing",
    "lab_style": "briefing",
    "load_run": "records",
    "make_each": "publishing.each",
    "overview_page": "briefing",
    "publish": "pipeline",
    "quarter": "pipeline",
    "quality_page": "briefing",
    "registry_page": "briefing",
    "run": "pipeline",
    "RunOptions": "pipeline",
    "score": "analyst.plain_tables",
    "scorecard_page": "briefing",
    "sql": "analyst.answers",
    "unit_page": "briefing",
    "verify_run": "publishing.verify",
    "what_if": "analyst.answers",
    "write_schedule": "publishing.schedule",
    "worst": "analyst.answers",
}
__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    """A public function, imported when it is first used: `import analysis` takes milliseconds."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return found


def __dir__() -> list[str]:
    """The public names, for completion."""
    return __all__
