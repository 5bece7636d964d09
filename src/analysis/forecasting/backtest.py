"""What would we have said? Answers at past cutoffs, each from what was known then, beside what happened.

Nothing dated after a cutoff reaches an answer given at it: the panel is cut (or read as it was known), and the
calibration at a cutoff learns only from earlier cutoffs whose deadlines had passed. The one exception says so in its
name's entry: "climatology" is the base rate of the very cases, known only in hindsight, and so a stern reference.

A case is a unit, a target, a cutoff and a horizon that has an outcome. A cumulative indicator already at its target
is settled, a unit with fewer than `MIN_POINTS` periods is not assessable: neither is a case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis.forecasting.ensemble import Options
from analysis.forecasting.panel import Panel
from analysis.forecasting.questions import MIN_POINTS, Answers, Event, Model, Question, Threshold
from analysis.words.errors import Problem, did_you_mean, examples, require

MODELS = MappingProxyType(
    {
        "ensemble": "the product's probability: ensemble and calibration ladder",
        "ensemble_raw": "the ensemble before calibration",
        "climatology": "base rate of these very cases, by target and horizon, known only in hindsight",
        "pace12": "last value plus the mean change of the last 12 periods: says 0 or 1",
        "pace3": "the same over 3 periods",
        "naive": "no change: says 0 or 1",
        "drift": "line through first and last value: says 0 or 1",
        "straight_line": "least-squares line: says 0 or 1",
    }
)
STANDARD = ("ensemble", "climatology", "pace12", "pace3", "naive", "drift", "straight_line")
QUANTILE_LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
QUANTILE_COLUMNS = ("lower95", "lower80", "predicted_median", "upper80", "upper95")
CASE_KEY = ("target", "cutoff", "horizon", "unit", "model")
CASE_COLUMNS = (
    *CASE_KEY,
    *("period", "p_attain", "outcome", "observed", "current", "threshold", "attained_now", "n_points"),
    *QUANTILE_COLUMNS,
)


def backtest_panel(
    panel: Panel,
    *,
    thresholds: Threshold | Mapping[str, Threshold],
    horizons: Sequence[int],
    cutoffs: Sequence[str] | None = None,
    n_origins: int = 6,
    at_least: bool = True,
    strict: bool = False,
    options: Options | None = None,
    models: Sequence[str] = STANDARD,
    peers: Mapping[str, Model] = MappingProxyType({}),
    known: Callable[[str], Panel] | None = None,
    scored: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Ask every model at past cutoffs, and set its answer beside what happened.

    Parameters
    ----------
    panel : Panel
        All that is known today; its values are the outcomes.
    thresholds : number, array (n,), function of the panel at the cutoff, or a mapping label -> one of these
        Natural units. A function serves targets that start from the value at the cutoff (growth by 10 %).
    horizons : sequence of int
        Periods ahead, 1 = first after the cutoff.
    cutoffs : sequence of period codes, optional
        Default: `n_origins` spread evenly over the last two thirds of the history.
    at_least, strict : bool
        Attained when the value is at least (False: at most) the threshold; `strict`: beyond it.
    options : Options, optional
        Of the ensemble; default ``Options()``.
    models : sequence of names
        Keys of `MODELS`.
    peers : mapping name -> function of (panel at the cutoff, number of horizons) that returns a :class:`Forecast`
        More models, asked on the same cases.
    known : function of a period code, optional
        The panel as it was known when that period was the last one; default: today's panel, cut.
    scored : sequence of unit codes, optional
        Only these units are cases; all units inform the pooled models.

    Returns
    -------
    DataFrame
        One row a case and model: the columns of `CASE_COLUMNS`, sorted by the first five.

    Raises
    ------
    DataError
        An unknown model or cutoff, no horizon, or no outcome after any cutoff.

    Examples
    --------
    >>> values = np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.3, 0.3, 0.4, 0.4, 0.4, 0.4]])
    >>> panel = Panel(("a", "b"), ("2018", "2019", "2020", "2021", "2022", "2023"), values)
    >>> cases = backtest_panel(panel, thresholds=0.5, horizons=[2], cutoffs=["2021"], models=["pace3"])
    >>> cases[["unit", "cutoff", "horizon", "model", "p_attain", "outcome"]].values.tolist()
    [['a', '2021', 2, 'pace3', 1.0, 1.0], ['b', '2021', 2, 'pace3', 0.0, 0.0]]
    """
    require(_problems(panel, horizons=horizons, cutoffs=cutoffs, models=models))
    answers = Answers(panel, horizon=max(horizons), known=known, options=options or Options(), peers=peers)
    targets = dict(thresholds) if isinstance(thresholds, Mapping) else {"target": thresholds}
    wanted = np.ones(panel.n_units, bool) if scored is None else np.isin(panel.units, list(scored))
    names = [name for name in (*models, *peers) if name != "climatology"]
    blocks = []
    for index in cutoff_columns(panel, cutoffs=cutoffs, n_origins=n_origins, shortest=min(horizons)):
        for label, threshold in targets.items():
            for horizon in (h for h in sorted(set(horizons)) if index + h < panel.n_periods):
                question = Question(Event(at_least, strict), threshold, horizon)
                blocks += _blocks(answers, question, index, names=names, label=label, wanted=wanted)
    return _as_cases(blocks, climatology="climatology" in models)


def cutoff_columns(panel: Panel, *, cutoffs: Sequence[str] | None, n_origins: int, shortest: int) -> list[int]:
    """Columns to ask at: those named, or `n_origins` spread evenly over the last two thirds of the history.

    The last one is the newest that still has an outcome at the shortest horizon.

    Examples
    --------
    >>> panel = Panel(("a",), tuple(str(2000 + t) for t in range(13)), np.zeros((1, 13)))
    >>> cutoff_columns(panel, cutoffs=None, n_origins=3, shortest=2)
    [4, 7, 10]
    >>> cutoff_columns(panel, cutoffs=["2005"], n_origins=3, shortest=2)
    [5]
    """
    if cutoffs is not None:
        return sorted(panel.periods.index(one) for one in cutoffs)
    newest = panel.n_periods - 1 - shortest
    oldest = max(MIN_POINTS - 1, panel.n_periods // 3)
    if newest < oldest:
        return []
    return sorted({int(round(one)) for one in np.linspace(oldest, newest, n_origins)})


def _blocks(
    answers: Answers, question: Question, index: int, *, names: list[str], label: str, wanted: np.ndarray
) -> list[dict]:
    case = answers.case(question, index)
    keep = case.open & wanted
    periods, n = answers.panel.periods, int(keep.sum())
    common = {
        "target": np.full(n, label, object),
        "cutoff": np.full(n, periods[index], object),
        "horizon": np.full(n, question.horizon),
        "unit": np.asarray(answers.panel.units, object)[keep],
        "period": np.full(n, periods[index + question.horizon], object),
        "n_points": case.n_points[keep],
    }
    for name in ("outcome", "observed", "current", "threshold", "attained_now"):
        common[name] = getattr(case, name)[keep]
    blocks = []
    for name in names:
        block = dict(common, model=np.full(n, name, object), p_attain=answers.probability(name, question, index)[keep])
        quantiles = answers.quantiles(name, index, levels=QUANTILE_LEVELS)[keep, question.horizon - 1]
        blocks.append(block | dict(zip(QUANTILE_COLUMNS, quantiles.T)))
    return blocks if n else []


def _as_cases(blocks: list[dict], *, climatology: bool) -> pd.DataFrame:
    if not blocks:
        return pd.DataFrame({name: [] for name in CASE_COLUMNS})
    cases = pd.DataFrame({name: np.concatenate([block[name] for block in blocks]) for name in CASE_COLUMNS})
    if climatology:
        base = cases[cases["model"] == cases["model"].iloc[0]].copy()
        base["model"] = "climatology"
        base["p_attain"] = base.groupby(["target", "horizon"])["outcome"].transform("mean")
        base[list(QUANTILE_COLUMNS)] = np.nan
        cases = pd.concat([cases, base], ignore_index=True)
    return cases.sort_values(list(CASE_KEY), kind="stable", ignore_index=True)


def _problems(
    panel: Panel, *, horizons: Sequence[int], cutoffs: Sequence[str] | None, models: Sequence[str]
) -> list[Problem]:
    problems = []
    if not len(horizons) or min(horizons) < 1:
        found = f"horizons are {examples(horizons) or 'empty'}"
        problems.append(Problem("backtest", found, "whole numbers from 1", "Name at least one horizon"))
    for name in models:
        if name not in MODELS:
            found = f"model {name!r} is not known"
            problems.append(Problem("backtest", found, ", ".join(MODELS), did_you_mean(name, MODELS)))
    unknown = [one for one in cutoffs or () if one not in panel.periods]
    if unknown:
        allowed = f"{panel.periods[0]} .. {panel.periods[-1]}"
        found = f"cutoffs {examples(unknown)} are not periods of the panel"
        problems.append(Problem("backtest", found, allowed, "Name periods of the panel"))
    return problems
