"""All inputs of a run: sources, registry and figures read, checked and joined; every problem told at once.

Nothing is written. A row that cannot be used stands in `quality` with its value; nothing is dropped silently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.intake.carry import former_units
from analysis.intake.checks import as_quality
from analysis.intake.deadlines import check_cutoff, check_deadlines
from analysis.intake.join import COLUMNS, join
from analysis.intake.keys import one_row_a_key
from analysis.intake.mend import prepare
from analysis.intake.named import check_named
from analysis.intake.observe import check_share, observe, refused_findings
from analysis.intake.read import RawFile, read_raw
from analysis.intake.tasks import read_tasks
from analysis.intake.tree import merge_trees, tree_of
from analysis.intake.vintages import Vintage, vintages_of
from analysis.registry.crosswalk import read_crosswalk
from analysis.registry.indicators import read_indicators
from analysis.registry.joins import check_joins
from analysis.registry.params import RunParams
from analysis.registry.sources import SIDES, SourceParams, read_source
from analysis.registry.targets import Target, find_targets
from analysis.registry.units import check_tree, read_units
from analysis.words.errors import AnalysisError, DataError, ParamsError, Problem, require


@dataclass(frozen=True)
class Inputs:
    """Checked inputs of one run.

    Attributes
    ----------
    units, indicators, observations, quality : DataFrame
        `schema.UNITS`, `INDICATORS`, `OBSERVATIONS` (upper levels summed), `QUALITY`.
    targets : tuple of Target
    sources : tuple of dict
        One a file: source, path, vintage, sha256, title, publisher, licence, url, rows, rows_used, rows_refused,
        rows_empty, rows_ignored.
    tasks : DataFrame or None
        See :mod:`analysis.intake.tasks`.
    """

    units: pd.DataFrame
    indicators: pd.DataFrame
    targets: tuple[Target, ...]
    observations: pd.DataFrame
    quality: pd.DataFrame
    sources: tuple[dict, ...]
    tasks: pd.DataFrame | None = None


@dataclass(frozen=True)
class _Prepared:
    """One raw file, corrected, its rows not yet read."""

    source: SourceParams
    vintage: Vintage
    raw: RawFile
    frame: pd.DataFrame


def read_inputs(params: RunParams, *, data_dir: Path | None, root: Path) -> Inputs:
    """Read and check everything a run needs.

    Parameters
    ----------
    params : RunParams
    data_dir : Path or None
        Folder that paths of raw files start at; None: the project folder.
    root : Path
        The project folder.

    Returns
    -------
    Inputs

    Raises
    ------
    ParamsError, DataError
        With every problem found, in sources, indicators, units, targets and figures together.
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
    from_sources = [one.source for one in prepared]
    targets: tuple[Target, ...] = ()
    paths = [root / one for one in params.targets]
    if indicators is not None and units is not None:
        found = caught.run(lambda: find_targets(paths, indicators=indicators, units=units))
        targets, problems = found or ((), [])
        caught.add(problems, ParamsError)
    tasks = None
    if params.tasks and units is not None:
        tasks = caught.run(lambda: read_tasks(root / params.tasks, units=units, targets=targets))
    each = {one.source.source: one.source for one in prepared}
    caught.add(check_joins(targets=targets, sources=list(each.values())), ParamsError)
    if indicators is None or units is None:
        caught.stop()
    tables = {"indicators": indicators, "units": units}
    former = former_units(crosswalk, units=units)
    rows, sources = _observe_all(prepared, **tables, former=former, findings=findings, caught=caught)
    caught.add(_passed(targets, rows, indicators=indicators, cutoff=params.cutoff, paths=paths), ParamsError)
    caught.stop()
    observations, found = join(rows, sources=from_sources, **tables, crosswalk=crosswalk)
    quality = as_quality(findings + found)
    dated = {"observations": observations, "indicators": indicators, "cutoff": params.cutoff}
    require(check_cutoff(**dated), ParamsError)
    return Inputs(units, indicators, targets, observations, quality, tuple(sources), tasks)


def _passed(
    targets: tuple[Target, ...],
    rows: list[pd.DataFrame],
    *,
    indicators: pd.DataFrame,
    cutoff: str | None,
    paths: list[Path],
) -> list[Problem]:
    """Deadlines that have passed, from the rows of all files: told beside everything else that is wrong."""
    if not any(map(len, rows)):
        return []
    seen = pd.concat(rows, ignore_index=True)
    seen = seen.assign(value=seen[list(SIDES)].bfill(axis=1).iloc[:, 0])
    return check_deadlines(targets, observations=seen, indicators=indicators, cutoff=cutoff, paths=paths)


def _near(root: Path) -> Path:
    """The project folder as a relative path where that is shorter to read in a message."""
    try:
        return root.resolve().relative_to(Path.cwd())
    except ValueError:
        return root


class _Caught:
    """Collects problems of several steps, so that they are told together."""

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
            told = f"found {source.source!r}, as in {seen[source.source]}"
            caught.add([Problem(f"{name}: source", told, "each code once", "Rename one of them")], ParamsError)
        seen.setdefault(source.source, name)
        caught.add(check_named(source, has_units=params.units is not None, where=name), ParamsError)
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


def _observe_all(
    prepared: list[_Prepared],
    *,
    indicators: pd.DataFrame,
    units: pd.DataFrame,
    former: set[str],
    findings: list,
    caught: _Caught,
) -> tuple[list[pd.DataFrame], list[dict]]:
    rows, sources = [], []
    for one in prepared:
        observed = observe(one.frame, source=one.source, indicators=indicators, units=units, former=former)
        settled, found = one_row_a_key(observed.rows, source=one.source)
        findings += observed.findings + found + refused_findings(settled, source=one.source.source)
        caught.add(check_share(settled, source=one.source, n_rows=observed.n_rows, where=one.vintage.where))
        refused = settled["refused"].ne("")
        figures = settled[~refused & settled[list(SIDES)].notna().any(axis=1)]
        n_refused = settled.loc[refused, "row"].nunique()
        n_used = figures["row"].nunique()
        flags = np.where(figures["bound"], "bound_only", "")
        rows.append(figures.assign(vintage=one.vintage.vintage, flags=flags)[COLUMNS])
        n_empty = observed.n_rows - n_used - n_refused - observed.n_ignored
        sources.append(
            {
                "source": one.source.source,
                "path": one.vintage.where,
                "vintage": one.vintage.vintage,
                "sha256": one.raw.sha256,
            }
            | {key: getattr(one.source, key) for key in ("title", "publisher", "licence", "url")}
            | {"rows": observed.n_rows, "rows_used": n_used, "rows_refused": n_refused}
            | {"rows_empty": n_empty, "rows_ignored": observed.n_ignored}
        )
    return rows, sources
