"""All inputs of a run: sources, registry and figures read, checked and joined; every problem reported at once.

Nothing is written. A row that cannot be used stands in `quality` with its value; nothing is dropped silently.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.intake.join import COLUMNS, join, latest
from analysis.intake.observe import Observed, check_share, observe
from analysis.intake.prepare import merge_trees, prepare, tree_of
from analysis.intake.read import RawFile, Vintage, read_raw, vintages_of
from analysis.registry.crosswalk import read_crosswalk
from analysis.registry.indicators import read_indicators
from analysis.registry.params import RunParams
from analysis.registry.sources import SIDES, SourceParams, read_source
from analysis.registry.targets import Target, check_joins, find_targets, places_of
from analysis.registry.units import check_tree, read_csv, read_units
from analysis.words.errors import (
    AnalysisError,
    DataError,
    ParamsError,
    Problem,
    examples,
    require,
    unknown,
)
from analysis.words.findings import SEVERITIES, as_quality, say
from analysis.words.periods import as_period, between, last_day, last_in, ordinals, period_code

MAX_REFUSED = 20  # rows quoted by `candich check`; the rest is counted


@dataclass(frozen=True)
class Inputs:
    """Checked inputs of one run."""

    units: pd.DataFrame  # `schema.UNITS`
    indicators: pd.DataFrame  # `schema.INDICATORS`
    targets: tuple[Target, ...]
    observations: pd.DataFrame  # `schema.OBSERVATIONS`, upper levels summed
    quality: pd.DataFrame  # `schema.QUALITY`
    # One per file: source, path, vintage, sha256, title, publisher, licence, url, rows, rows_used, rows_refused,
    # rows_empty, rows_ignored
    sources: tuple[dict, ...]
    tasks: pd.DataFrame | None = None  # of :func:`read_tasks`
    sources_of: dict[str, tuple[str, ...]] = field(default_factory=dict)  # indicator -> sources with figures of it


@dataclass(frozen=True)
class _Prepared:
    """One raw file, corrected, its rows not yet read."""

    source: SourceParams
    vintage: Vintage
    raw: RawFile
    frame: pd.DataFrame


def read_inputs(params: RunParams, *, data_dir: Path | None, root: Path) -> Inputs:
    """Read and check everything a run needs; raw files are below `data_dir` (None: the project folder `root`).

    ParamsError, DataError: every problem found, in sources, indicators, units, targets and figures together.
    """
    with pd.option_context("mode.copy_on_write", True):  # a column that is set copies no other: a third of the time
        return _read_inputs(params, data_dir=data_dir, root=_near(Path(root)))


def _read_inputs(params: RunParams, *, data_dir: Path | None, root: Path) -> Inputs:
    caught = _Caught()
    indicators = caught.run(lambda: read_indicators(root / params.indicators))
    units = caught.run(lambda: read_units(root / params.units)) if params.units else None
    prepared, findings = _prepare_all(params, data_dir=Path(data_dir or root), root=root, caught=caught)
    if params.units is None and prepared:
        units = caught.run(lambda: _units_of(prepared, findings))
    crosswalk = caught.run(lambda: read_crosswalk(params.crosswalk, root=root)) if params.crosswalk else None
    targets: tuple[Target, ...] = ()
    tasks, paths = None, [root / one for one in params.targets]
    if indicators is not None and units is not None:
        found = caught.run(lambda: find_targets(paths, indicators=indicators, units=units))
        targets, problems = found or ((), [])
        caught.add(problems, ParamsError)
    if params.tasks and units is not None:
        tasks = caught.run(lambda: read_tasks(root / params.tasks, units=units, targets=targets))
    sources = [one.source for one in prepared]
    caught.add(check_joins(targets=targets, sources=list({one.source: one for one in sources}.values())), ParamsError)
    if indicators is None or units is None:
        caught.stop()
    moved = crosswalk.rows if crosswalk is not None else pd.DataFrame(columns=["old", "new"])
    former = set(moved.loc[moved["new"].isin(set(units["unit"])), "old"])  # old units of which a part lies in a unit
    rows, files = [], []
    for one in prepared:
        observed = observe(one.frame, source=one.source, indicators=indicators, units=units, former=former)
        findings += observed.findings
        caught.add(check_share(observed, source=one.source, where=one.vintage.where))
        rows.append(_figures(observed, one.vintage.vintage))
        files.append(_account(one, observed, n_used=rows[-1]["row"].nunique()))
    dated = {"indicators": indicators, "cutoff": params.cutoff}
    if any(map(len, rows)):
        seen = pd.concat(rows, ignore_index=True)
        seen = seen.assign(value=seen[list(SIDES)].bfill(axis=1).iloc[:, 0])
        caught.add(check_deadlines(targets, observations=seen, places=places_of(paths), **dated), ParamsError)
    caught.stop()
    sources_of: dict[str, tuple[str, ...]] = {}
    for file, part in zip(prepared, rows):
        for code in part["indicator"].unique():
            sources_of[code] = tuple(dict.fromkeys([*sources_of.get(code, ()), file.source.source]))
    rows = [one[COLUMNS] for one in rows]
    observations, found = join(rows, sources=sources, units=units, indicators=indicators, crosswalk=crosswalk)
    require(check_cutoff(observations, **dated), ParamsError)
    quality = as_quality(findings + found)
    return Inputs(units, indicators, targets, observations, quality, tuple(files), tasks, sources_of)


def _near(root: Path) -> Path:
    """The project folder as a relative path where that is shorter to read in a message."""
    try:
        return root.resolve().relative_to(Path.cwd())
    except ValueError:
        return root


class _Caught:
    """Collects problems of several steps, so that they are reported together."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.kind: type[AnalysisError] = ParamsError

    def run(self, step: Callable[[], Any]) -> Any:
        """The step's result, or None where it raised."""
        try:
            return step()
        except AnalysisError as error:
            self.add(error.problems, type(error))
            return None

    def add(self, problems: list[Problem], kind: type[AnalysisError] = DataError) -> None:
        """Keep problems; one about data makes the whole a DataError."""
        self.problems += problems
        if problems and kind is DataError:
            self.kind = DataError

    def stop(self) -> None:
        """Raise if anything was caught."""
        require(self.problems, self.kind)


def _prepare_all(
    params: RunParams, *, data_dir: Path, root: Path, caught: _Caught
) -> tuple[list[_Prepared], list[pd.DataFrame]]:
    prepared, findings, seen = [], [], {}
    for name in params.sources:
        source = caught.run(lambda name=name: read_source(root / name))
        if source is None:
            continue
        if source.source in seen:
            found = f"found {source.source!r}, as in {seen[source.source]}"
            caught.add([Problem(f"{name}: source", found, "each code once", "Rename one of them")], ParamsError)
        seen.setdefault(source.source, name)
        if source.units_by == "name" and params.units is None:
            remedy = "Name a unit file under `units` in the params file"
            found = "found 'name', but the run names no unit file"
            caught.add([Problem(f"{name}: units_by", found, "code", remedy)], ParamsError)
        for vintage in caught.run(lambda: vintages_of(source, base=data_dir, as_of=params.as_of)) or []:  # noqa: B023
            raw = caught.run(
                lambda: read_raw(source, path=vintage.path, where=vintage.where, sha256=vintage.sha256)  # noqa: B023
            )
            if raw is None:
                continue
            frame, found, problems = prepare(raw, source=source)
            caught.add(problems)
            if not problems:
                findings += found
                prepared.append(_Prepared(source, vintage, raw, frame))
    return prepared, findings


def _units_of(prepared: list[_Prepared], findings: list[pd.DataFrame]) -> pd.DataFrame:
    """The tree that the sources themselves state."""
    parts = []
    for one in prepared:
        with_code = one.frame[one.frame[one.source.columns.unit].ne("")]
        units, found = tree_of(with_code, source=one.source)
        parts.append(units)
        findings += found
    units = merge_trees(parts)
    require(check_tree(units, where="units of the sources"), DataError)
    return units


def _figures(observed: Observed, vintage: str) -> pd.DataFrame:
    rows = observed.rows
    used = rows[rows["refused"].eq("") & rows[list(SIDES)].notna().any(axis=1)]
    return used.assign(vintage=vintage, flags=np.where(used["bound"], "bound_only", ""))


def _account(one: _Prepared, observed: Observed, *, n_used: int) -> dict:
    """What became of a file's rows; see `Inputs.sources`."""
    n_refused = observed.rows.loc[observed.rows["refused"].ne(""), "row"].nunique()
    place = {"source": one.source.source, "path": one.vintage.where, "vintage": one.vintage.vintage}
    about = {key: getattr(one.source, key) for key in ("title", "publisher", "licence", "url")}
    counts = {"rows": observed.n_rows, "rows_used": n_used, "rows_refused": n_refused}
    counts["rows_empty"] = observed.n_rows - n_used - n_refused - observed.n_ignored
    return place | {"sha256": one.raw.sha256} | about | counts | {"rows_ignored": observed.n_ignored}


def summarise_inputs(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """What a run would use, for ``candich check``.

    Tables "sources" (rows, used, refused, empty, ignored), "indicators" (units, periods, first, latest, share of unit-
    periods without a figure), "units" (a level), "targets" (a kind), "problems" (a flag and severity), "refused" (the
    first of them, in words, with value and row).
    """
    known = latest(inputs.observations[~inputs.observations["flags"].str.contains("summed", regex=False)])
    known = known[known["value"].notna()]
    rows = []
    for code in inputs.indicators.sort_values("order")["indicator"]:
        part = known[known["indicator"].eq(code)]
        first, last = (part["period"].min(), part["period"].max()) if len(part) else ("", "")
        n_units, n_periods = part["unit"].nunique(), part["period"].nunique()
        missing = 1 - len(part) / (n_units * (np.ptp(ordinals([first, last])) + 1)) if len(part) else np.nan
        rows.append((code, n_units, n_periods, first, last, missing))
    problems = inputs.quality.groupby(["severity", "flag"]).size().rename("rows").reset_index()
    problems = problems.sort_values("severity", key=lambda one: one.map(SEVERITIES.index), kind="stable")
    columns = ["source", "path", "vintage", "rows", "rows_used", "rows_refused", "rows_empty", "rows_ignored"]
    refused = inputs.quality[inputs.quality["severity"].eq("error")].head(MAX_REFUSED).reset_index(drop=True)
    words = [say(flag, details) for flag, details in zip(refused["flag"], refused["details"])]
    kinds = pd.Series([one.kind for one in inputs.targets], dtype=object, name="kind")
    return {
        "sources": pd.DataFrame(list(inputs.sources), columns=columns).rename(
            columns=lambda name: name.removeprefix("rows_")
        ),
        "indicators": pd.DataFrame(rows, columns="indicator units periods first latest missing_share".split()),
        "units": inputs.units.groupby("level").size().rename("units").reset_index(),
        "targets": kinds.value_counts(sort=False).rename("targets").rename_axis("kind").reset_index(),
        "problems": problems.reset_index(drop=True),
        "refused": refused[["unit", "indicator", "period", "flag"]].assign(found=words),
    }


def check_deadlines(
    targets: tuple[Target, ...],
    *,
    observations: pd.DataFrame,
    indicators: pd.DataFrame,
    cutoff: str | None,
    places: Mapping[str, str],
) -> list[Problem]:
    """Targets whose deadline lies before the cutoff without saying that they are settled.

    A deadline at the cutoff is the moment at which a target settles, and is well. Both are compared in the indicator's
    own frequency: of a monthly one the deadline 2026 is 2026-12. `places` says where each target is written.
    """
    last = cutoffs(observations, indicators=indicators, cutoff=cutoff)
    overall = cutoff or max(last.values(), key=lambda code: (last_day(code), len(code)), default=None)
    passed = []
    for target in targets:
        here = last.get(target.indicator, overall)
        if not target.settled and target.deadline and here and between(here, target.deadline) < 0:
            passed.append((target, here))
    return [
        Problem(
            f"{places.get(target.target, f'target {target.target}')}: deadline",
            f"found {target.deadline!r}, but the cutoff is {here}",
            f"{here} or later",
            "Set `settled: true` to keep it on the board as met or missed, or correct the deadline or the cutoff",
        )
        for target, here in passed
    ]


def check_cutoff(observations: pd.DataFrame, *, indicators: pd.DataFrame, cutoff: str | None) -> list[Problem]:
    """A cutoff before an indicator's first figure leaves nothing to forecast from."""
    if cutoff is None:
        return []
    first = observations[observations["value"].notna()].groupby("indicator")["period"].min().to_dict()
    here = cutoffs(observations, indicators=indicators, cutoff=cutoff)
    late = sorted(code for code in first if as_period(first[code]) > as_period(here[code]))
    if not first or len(late) < len(first):  # an indicator that begins later is not assessable, and says so
        return []
    begins = min(first.values(), key=last_day)
    return [
        Problem("cutoff", f"found {cutoff!r}, but the first figure is of {begins}", f"{begins} or later", "Correct it")
    ]


def cutoffs(observations: pd.DataFrame, *, indicators: pd.DataFrame, cutoff: str | None) -> dict[str, str]:
    """Cutoff of each indicator, in its own frequency: the run's, or its last observed period."""
    seen = observations[observations["value"].notna()]
    last = seen.groupby("indicator")["period"].max().to_dict()
    if cutoff is None:
        return last
    frequency = indicators.set_index("indicator")["frequency"]
    return {code: period_code(last_in(cutoff, frequency[code])) for code in last}


TASK_COLUMNS = ("task", "target", "unit", "name_vi", "name_en", "owner", "due", "done")
TASK_REQUIRED = ("task", "target", "unit", "due")


def read_tasks(path: str | Path, *, units: pd.DataFrame, targets: Sequence[Target]) -> pd.DataFrame:
    """Read a task list as `TASK_COLUMNS`, all text; `done` is empty while a task is open."""
    frame = read_csv(path, columns=TASK_COLUMNS, required=TASK_REQUIRED, key="tasks").reindex(
        columns=list(TASK_COLUMNS), fill_value=""
    )
    require(_check(frame, units, targets, str(path)), DataError)
    return frame.sort_values(["target", "unit", "task"], kind="stable", ignore_index=True)


def _check(frame: pd.DataFrame, units: pd.DataFrame, targets: Sequence[Target], where: str) -> list[Problem]:
    problems = []
    twice = frame[frame.duplicated(["task", "target", "unit"], keep=False)]
    if len(twice):
        problems.append(
            Problem(where, f"tasks occur twice: {examples(sorted(set(twice['task'])))}", "each once", "Remove one")
        )
    for column, known in (("unit", set(units["unit"])), ("target", {one.target for one in targets})):
        problems += unknown(frame[column], known, where=f"{where}: {column}", what=column, remedy="Correct the code")
    for column in ("due", "done"):
        for one in sorted(set(frame[column]) - ({""} if column == "done" else set())):
            try:
                dt.date.fromisoformat(one)
            except ValueError:
                problems.append(
                    Problem(f"{where}: {column}", f"found {one!r}", "a date such as 2023-12-31", "Correct the cell")
                )
    return problems
