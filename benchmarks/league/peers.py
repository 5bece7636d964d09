"""Peers of the league: those of ``analysis.forecasting.peers``, and Prophet where it is installed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecasting import peers as ours
from analysis.forecasting.peers import PEERS, SCUM, Z95, TwoSided, filled, forecast_block, peers

__all__ = ["PEERS", "SCUM", "SLOW", "Z95", "TwoSided", "filled", "forecast_block", "peers"]
SLOW = ("scum", "prophet")  # asked on a sample, and of the panels those without months: half a second a series and more


def _prophet(values: np.ndarray, *, season: int, horizon: int) -> np.ndarray:
    """Prophet with its defaults, on dates of the series' frequency; only where it is installed (in no lock of ours)."""
    from prophet import Prophet

    out = np.full((3, len(values), horizon), np.nan)
    for i, row in enumerate(values):
        one = filled(row)
        dates = pd.date_range("2000-01-01", periods=len(one) + horizon, freq={12: "MS", 4: "QS"}.get(season, "YS"))
        model = Prophet(interval_width=0.95).fit(pd.DataFrame({"ds": dates[: len(one)], "y": one}))
        ahead = model.predict(pd.DataFrame({"ds": dates[len(one) :]}))
        out[:, i] = ahead[["yhat", "yhat_lower", "yhat_upper"]].to_numpy().T
    return out


try:  # Prophet is optional: `pip install prophet`, then `--peers prophet`
    import prophet as _installed  # noqa: F401
except ImportError:
    pass
else:
    ours.MODELS["Prophet"] = _prophet
    PEERS["prophet"] = (("Prophet",), False)
