"""One series looked at by statsmodels: season (STL), residuals, a break in the mean change, the straight line."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.words.errors import DataError, Problem

SHORTEST = 8


def diagnose_series(periods: np.ndarray, values: np.ndarray, *, season_length: int) -> pd.DataFrame:
    """Describe a series without gaps at its ends.

    Parameters
    ----------
    periods : array of str, shape (n,)
        Sorted.
    values : array, shape (n,)
        Natural units, finite.
    season_length : int
        12, 4 or 1.

    Returns
    -------
    DataFrame
        what, value, meaning. ``season_strength`` is 1 - Var(residual) / Var(season + residual) of an STL decomposition
        (absent below two seasons); ``ljung_box_p`` and ``jarque_bera_p`` are p-values of tests of the straight line's
        residuals; ``break_period`` is where a change of the mean step would fit best, ``break_p`` its p-value (CUSUM).

    Raises
    ------
    DataError
        Fewer than eight figures.

    References
    ----------
    Cleveland et al. (1990), STL, Journal of Official Statistics 6(1); Wang, Smith & Hyndman (2006) for the strength.
    """
    import statsmodels.api as sm
    from statsmodels.stats.diagnostic import acorr_ljungbox, breaks_cusumolsresid
    from statsmodels.stats.stattools import jarque_bera
    from statsmodels.tsa.seasonal import STL

    if len(values) < SHORTEST:
        found = f"{len(values)} figures"
        raise DataError(Problem("diagnose", found, f"at least {SHORTEST}", "Choose a unit with a longer history"))
    time = np.arange(len(values), dtype=float)
    line = sm.OLS(values, sm.add_constant(time)).fit()
    low, high = line.conf_int(0.2)[1]
    lags = min(10, len(values) // 2 - 1)
    found = [
        ("slope", line.params[1], "straight line, change a period"),
        ("slope_lower80", low, "lower end of its 80 % interval"),
        ("slope_upper80", high, "upper end of its 80 % interval"),
        ("ljung_box_p", float(acorr_ljungbox(line.resid, lags=[lags])["lb_pvalue"].iloc[0]), "residuals independent?"),
        ("jarque_bera_p", float(jarque_bera(line.resid)[1]), "residuals normal?"),
    ]
    steps = np.diff(values)
    split = max(range(2, len(steps) - 1), key=lambda at: _gain(steps, at))
    break_p = float(breaks_cusumolsresid(steps - steps.mean(), ddof=1)[1])
    found += [
        ("break_period", periods[split + 1], "where a change of the mean step fits best"),
        ("break_p", break_p, "no break in the mean step?"),
    ]
    if season_length > 1 and len(values) >= 2 * season_length + 1:
        parts = STL(values, period=season_length, robust=True).fit()
        noise = np.var(parts.resid) / max(np.var(parts.seasonal + parts.resid), 1e-300)
        found.append(("season_strength", max(0.0, 1 - noise), "0: no season; 1: nothing but season"))
    return pd.DataFrame(found, columns=["what", "value", "meaning"])


def _gain(steps: np.ndarray, at: int) -> float:
    """How much of the sum of squares a change of the mean before step `at` explains."""
    return at * steps[:at].mean() ** 2 + (len(steps) - at) * steps[at:].mean() ** 2
