"""One run = one params file: complete, flat, checked here, copied and hashed into the outputs.

Nothing in code has a default that changes a published number, so every key is in the file; the few that may be
left out only switch pages on or narrow what is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from analysis.registry.crosswalk import BUILT_IN
from analysis.registry.entries import Entry, IsoDate, PeriodCode, Text, as_entry, read_yaml
from analysis.words.errors import ParamsError, Problem, require

Share = Annotated[float, Field(ge=0, le=1)]


class CutPoints(Entry):
    """Probabilities from which a status is given; below `at_risk` it is "unlikely"."""

    on_track: Share
    likely: Share
    at_risk: Share

    @model_validator(mode="after")
    def _falling(self) -> CutPoints:
        if not 1 > self.on_track > self.likely > self.at_risk > 0:
            raise ValueError("1 > on_track > likely > at_risk > 0")
        return self


class Publish(Entry):
    """Which pages a run publishes, and whether the files that go with them."""

    unit: bool
    overview: bool
    forecast: bool
    data_quality: bool = False
    scorecard: bool = False
    registry: bool = False
    downloads: bool = False


class RunParams(Entry):
    """Checked params of one run; every key is explained in ``params/README.md``."""

    run_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    title_vi: str
    title_en: str
    language: Literal["vi", "en"]
    simulated: bool
    cutoff: PeriodCode | None
    as_of: IsoDate | None = None
    sources: Annotated[tuple[Text, ...], Field(min_length=1)]
    units: Text | None
    crosswalk: Text | None = None
    indicators: Text
    targets: Annotated[tuple[Text, ...], Field(min_length=1)]
    tasks: Text | None = None
    horizon_periods: Annotated[int, Field(ge=1, le=240)]
    interval_levels: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(min_length=1)]
    model: Literal["ensemble"]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    n_paths: Annotated[int, Field(ge=100, le=100_000)]
    cut_points: CutPoints
    hysteresis_margin: Annotated[float, Field(ge=0, le=0.2)]
    min_points: Annotated[int, Field(ge=4)]
    max_failed_share: Share
    keep_runs: Annotated[int, Field(ge=0, le=1000)] = 2
    publish: Publish


def read_params(path: str | Path, *, period: str | None = None, language: str | None = None) -> RunParams:
    """Read and check one params file.

    Relative paths inside it start at the folder above this file's folder. `period` and `language` replace the params'
    own.

    ParamsError: with all problems: an unknown or missing key, a wrong type, a value out of bounds, a file name unlike
    `run_id`, a listed file that does not exist.
    """
    raw = read_yaml(path)
    if isinstance(raw, dict):
        raw = raw | ({"cutoff": period} if period else {}) | ({"language": language} if language else {})
    params, problems = as_entry(RunParams, raw, where=str(path))
    if params is not None:
        problems += _check_files(params, Path(path))
    require(problems, ParamsError)
    return params


def project_root(path: str | Path) -> Path:
    """The folder that a params file's relative paths start at: the folder above its own."""
    return Path(path).resolve().parent.parent


def _check_files(params: RunParams, path: Path) -> list[Problem]:
    problems = []
    if path.stem != params.run_id:
        problems.append(
            Problem(
                f"{path}: run_id",
                f"found {params.run_id!r}",
                f"the file's own name, {path.stem!r}",
                "Rename the file or the run; one file is one run",
            )
        )
    root = project_root(path)
    listed = [("indicators", params.indicators)] + [("sources", one) for one in params.sources]
    listed += [("targets", one) for one in params.targets] + [
        (key, one) for key, one in (("units", params.units), ("tasks", params.tasks)) if one
    ]
    if params.crosswalk and params.crosswalk != BUILT_IN:
        listed.append(("crosswalk", params.crosswalk))
    if params.crosswalk and not params.units:
        problems.append(
            Problem(f"{path}: crosswalk", "the run names no unit file", "a run with `units`",
                    "Name the file with the units of today")
        )  # fmt: skip
    for key, name in listed:
        if not (root / name).is_file():
            problems.append(
                Problem(f"{path}: {key}", f"there is no file {name!r}", f"a path from {root}", "Check the path")
            )
    return problems
