"""What an assessment may be told from outside: cut points, margins, seeds. Defaults stand here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from analysis.words.errors import ParamsError, Problem, require

CUT_POINTS = MappingProxyType({"on_track": 0.8, "likely": 0.5, "at_risk": 0.2})


@dataclass(frozen=True)
class AssessOptions:
    """How probabilities become statuses, and how events are simulated.

    Parameters
    ----------
    cut_points : mapping
        Lower bounds of the bands ``on_track``, ``likely`` and ``at_risk``; below the last one is ``unlikely``.
    hysteresis_margin : float
        A status changes only when p lies further than this beyond the bound of the band it had.
    min_points : int
        Fewer observed points than this: grade D, not assessable.
    max_stale_share : float
        Periods since the last observation, as a share of the observed points; above it: grade D.
    horizon_periods : int
        How far an open-ended or undated promise is looked at.
    p_floor : float
        Unless settled, ``p_floor <= p <= 1 - p_floor``.
    n_paths, seed : int
        Joint paths for events of more than one period, unit or indicator. Same seed, same numbers.
    block_units : int
        Units whose paths are held at once; changes memory, not results.
    calibrate : bool
        Apply the panel's own calibration where it has realised origins.
    pace_window : int
        Length in periods of the windows that say how often a pace was ever kept.
    scenario_points : float
        What-if lever: extra share a period (0.01 = one point).
    weakest : int
        What-if lever: how many of the weakest sub-units are lifted to the median.

    Raises
    ------
    ParamsError
        Cut points not falling within (0, 1), or a number out of its range; all at once.
    """

    cut_points: Mapping[str, float] = field(default_factory=lambda: CUT_POINTS)
    hysteresis_margin: float = 0.05
    min_points: int = 4
    max_stale_share: float = 0.5
    horizon_periods: int = 12
    p_floor: float = 0.01
    n_paths: int = 2000
    seed: int = 2026
    block_units: int = 256
    calibrate: bool = True
    pace_window: int = 6
    scenario_points: float = 0.01
    weakest: int = 5
    forecast: object | None = None  # forecasting.ensemble.Options for calibration; None: its defaults

    def __post_init__(self) -> None:
        require(_problems(self), ParamsError)


def _problems(options: AssessOptions) -> list[Problem]:
    cuts = [options.cut_points.get(name) for name in CUT_POINTS]
    problems = []
    if None in cuts or set(options.cut_points) != set(CUT_POINTS) or not 1 > cuts[0] > cuts[1] > cuts[2] > 0:
        problems.append(
            Problem(
                "cut_points",
                f"they are {dict(options.cut_points)!r}",
                "on_track, likely and at_risk, falling, each in (0, 1)",
                "Write them as fractions, e.g. {on_track: 0.8, likely: 0.5, at_risk: 0.2}",
            )
        )
    ranges = {
        "hysteresis_margin": (0, 0.2), "min_points": (1, 1000), "horizon_periods": (1, 600), "p_floor": (0, 0.2),
        "n_paths": (10, 1_000_000), "block_units": (1, 1_000_000), "pace_window": (1, 600), "weakest": (1, 10_000),
    }  # fmt: skip
    for name, (low, high) in ranges.items():
        value = getattr(options, name)
        if not low <= value <= high:
            problems.append(Problem(name, f"it is {value!r}", f"{low} to {high}", "Mend the params file"))
    return problems
