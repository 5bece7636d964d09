"""From a probability to a word: the one function that every view reads, and the evidence grade behind it.

Bands are bounded below by the cut points; a band is left only when p lies past its bound by more than the margin
(hysteresis), so that a colour does not flip with noise. Settled events and missing evidence come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

BANDS = ("unlikely", "at_risk", "likely", "on_track")  # from worst to best; "holding" is on_track and kept today
_BAND_OF = {**{name: i for i, name in enumerate(BANDS)}, "holding": 3}
_TINY = 1e-12  # 0.8 - 0.05 is not exactly 0.75 in every order of arithmetic


@dataclass(frozen=True)
class Bands:
    """Lower bounds of ``on_track``, ``likely`` and ``at_risk``, and how far p may pass one before its band is left."""

    cut_points: Mapping[str, float]
    margin: float = 0.0


def status_of(p, *, settled, attained_now, grade, bands: Bands, previous=None):
    """Status of every unit and target.

    `p` is exactly 0 or 1 where `settled`; NaN, or a `grade` of ``D``, is "not_assessable" unless settled. `previous` is
    the status at the cutoff before, "" where there is none or where the promise's text has changed since.

    >>> bands = Bands({"on_track": 0.8, "likely": 0.5, "at_risk": 0.2}, margin=0.05)
    >>> status_of([0.78, 0.78, 1.0], settled=[False, False, True], attained_now=[False, False, True],
    ...           grade=["A", "A", "D"], bands=bands, previous=["on_track", "likely", ""]).tolist()
    ['on_track', 'likely', 'met']
    """
    p = np.atleast_1d(np.asarray(p, dtype=float))
    settled, attained_now = np.broadcast_to(settled, p.shape), np.broadcast_to(attained_now, p.shape)
    grade = np.broadcast_to(np.asarray(grade, dtype=object), p.shape)
    lows = np.array([-np.inf, *(bands.cut_points[one] for one in ("at_risk", "likely", "on_track"))])
    band = np.clip(np.searchsorted(lows, p, side="right") - 1, 0, 3)
    if previous is not None:
        previous = np.broadcast_to(np.asarray(previous, dtype=object), p.shape)
        band = apply_hysteresis(p, band, lows=lows, margin=bands.margin, previous=previous)
    status = np.array(BANDS, dtype=object)[band]
    status[(band == 3) & attained_now] = "holding"
    status[(grade == "D") | np.isnan(p)] = "not_assessable"
    status[settled & (p >= 0.5)] = "met"
    status[settled & (p < 0.5)] = "missed"
    return status


def apply_hysteresis(p: np.ndarray, band: np.ndarray, *, lows: np.ndarray, margin: float, previous) -> np.ndarray:
    """Bands (0 worst to 3 best): that of the `previous` status is left only when p lies past its bound by `margin`."""
    before = np.array([_BAND_OF.get(one, -1) for one in previous])
    low = np.append(lows, np.inf)[before]
    high = np.append(lows[1:], [np.inf, np.inf])[before]
    stays = (before >= 0) & (p >= low - margin - _TINY) & (p <= high + margin + _TINY)
    return np.where(stays, before, band)


def grade_of(n_points, *, n_origins, stale, min_points: int, max_stale_share: float, broken=False) -> np.ndarray:
    """Grade of the evidence behind a probability.

    ====== ====================================================================================
    grade  at least
    ====== ====================================================================================
    A      24 points, 8 realised origins, last observation no older than one period
    B      12 points, 2 realised origins, last observation no older than three periods
    C      `min_points` points, the gap since the last one at most `max_stale_share` of them
    D      less, or every point lies before a declared break: not assessable
    ====== ====================================================================================

    `n_points` the model used; `n_origins` J of the panel's own calibration; `stale` periods since the last observation.

    >>> grade_of([36, 14, 5, 3], n_origins=[9, 3, 0, 0], stale=[0, 0, 1, 0], min_points=4, max_stale_share=0.5).tolist()
    ['A', 'B', 'C', 'D']
    """
    n_points, stale = np.asarray(n_points), np.asarray(stale)
    n_origins = np.broadcast_to(n_origins, n_points.shape)
    grade = np.full(n_points.shape, "C", dtype=object)
    grade[(n_points >= 12) & (n_origins >= 2) & (stale <= 3)] = "B"
    grade[(n_points >= 24) & (n_origins >= 8) & (stale <= 1)] = "A"
    grade[(n_points < min_points) | (stale > max_stale_share * n_points) | np.broadcast_to(broken, n_points.shape)] = (
        "D"
    )
    return grade


def bounded(p, *, settled, floor: float) -> np.ndarray:
    """Keep p off 0 and 1 unless the event is settled.

    >>> bounded([0.0, 0.0, 0.4], settled=[True, False, False], floor=0.01).tolist()
    [0.0, 0.01, 0.4]
    """
    p = np.asarray(p, dtype=float)
    return np.where(settled, p, np.clip(p, floor, 1 - floor))


def flip_flop_index(statuses) -> float:
    """Share of changes of status that undo the change before: 0 steady or one-way, 1 back and forth each time.

    Only statuses with a band count; a run of the same status is one.

    NaN with fewer than three statuses that have a band.

    >>> flip_flop_index(["likely", "on_track", "likely", "likely", "at_risk"])   # up, down, down: 1 reversal of 2
    0.5
    """
    bands = [_BAND_OF[one] for one in statuses if one in _BAND_OF]
    if len(bands) < 3:
        return float("nan")
    moves = [b - a for a, b in zip(bands[:-1], bands[1:]) if a != b]
    if len(moves) < 2:
        return 0.0
    return sum(a * b < 0 for a, b in zip(moves[:-1], moves[1:])) / (len(moves) - 1)


def flip_flops(now: pd.DataFrame, previous: pd.DataFrame | None) -> pd.DataFrame:
    """Flip-flop index of every unit and target over the cutoffs before and this one.

    `previous` may hold many cutoffs; empty with fewer than three in all.
    """
    columns = ["unit", "target", "cutoff", "status"]
    if previous is None or previous["cutoff"].nunique() < 2:
        return pd.DataFrame(columns=["unit", "target", "n_cutoffs", "flip_flop_index"])
    table = pd.concat([previous[columns], now[columns]], ignore_index=True)
    table = table.sort_values(["unit", "target", "cutoff"], kind="stable")
    groups = table.groupby(["unit", "target"], sort=True)["status"]
    out = pd.DataFrame(
        {"n_cutoffs": groups.size(), "flip_flop_index": groups.agg(lambda one: flip_flop_index(list(one)))}
    )
    return out.reset_index()


def with_statuses(frame: pd.DataFrame, previous: pd.DataFrame | None, *, bands: Bands) -> pd.DataFrame:
    """Add `status`, and the status and probability at the cutoff before; the first is kept within the margin.

    `cut_status` is what the probability alone says.

    `frame` holds judged rows of one cutoff, `previous` those of earlier ones; the latest counts.
    """
    before = before_of(frame, previous)
    judged = partial(
        status_of,
        frame["p_attain"],
        settled=frame["settled"].to_numpy(dtype=bool),
        attained_now=frame["attained_now"].to_numpy(dtype=bool),
        grade=np.where(frame["reason"] != "", "D", frame["grade"]),
        bands=bands,
    )
    status = judged(previous=np.where(before["same"], before["status"], ""))
    named = {"cut_status": judged()}
    named |= {"previous_status": before["status"].to_numpy(), "previous_p": before["p_attain"].to_numpy()}
    return frame.assign(status=status, **named)


def before_of(frame: pd.DataFrame, previous: pd.DataFrame | None) -> pd.DataFrame:
    """Status and p of the cutoff before of each row, and whether the promise still has the same text."""
    empty = pd.DataFrame({"status": [""] * len(frame), "p_attain": np.nan, "same": False})
    if previous is None or previous.empty:
        return empty
    text = ["threshold", "operator", "deadline"]
    before = previous.sort_values("cutoff", kind="stable").drop_duplicates(["unit", "target"], keep="last")
    before = before.set_index(["unit", "target"])[["status", "p_attain", *text]]
    before = before.reindex(pd.MultiIndex.from_frame(frame[["unit", "target"]]))
    now = frame[text].reset_index(drop=True)
    before = before.reset_index(drop=True)
    same = (before["operator"] == now["operator"]) & (before["deadline"] == now["deadline"])
    same &= np.isclose(before["threshold"], now["threshold"], rtol=1e-12, equal_nan=True)
    return pd.DataFrame({"status": before["status"].fillna(""), "p_attain": before["p_attain"], "same": same})
