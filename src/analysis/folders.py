"""A run's folder: its name, whose it is, what it was made of, and what a later step may take from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from analysis import records
from analysis.registry.params import RunParams
from analysis.words import schema
from analysis.words.errors import DataError, ParamsError, Problem, did_you_mean, examples, require

# what may stand in a folder without a manifest yet
OWN = {"tables", "params.yml", "site", "notebooks", "downloads", "pages.jsonl", "made.json"}
MAY_DIFFER = {"language", "publish", "max_failed_share"}  # params that do not change a table


def run_name(params: RunParams, *, period: str | None) -> str:
    """Folder of a run: its id, and the period where one was asked for, so that quarters stand side by side.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> run_name(SimpleNamespace(run_id="demo", cutoff="2026-Q3"), period="2026Q3")
    'demo-2026-Q3'
    """
    return f"{params.run_id}-{params.cutoff}" if period else params.run_id


def check_run_dir(run_dir: Path, *, run_id: str) -> None:
    """Refuse a folder that something else lives in.

    Raises
    ------
    DataError
        When the folder holds another run, or files but no run.
    """
    manifest = run_dir / "manifest.json"
    if manifest.is_file():
        found = records.read_manifest(manifest).get("run_id")
        if found != run_id:
            raise DataError(
                Problem(str(run_dir), f"it holds another run, {found!r}", f"an empty folder or a run of {run_id!r}",
                        "Name another folder with --out, or move the old run away")
            )  # fmt: skip
        return
    strange = [one.name for one in sorted(run_dir.glob("*")) if one.name not in OWN and not one.name.startswith(".")]
    if strange:
        raise DataError(
            Problem(str(run_dir), f"it holds files that are not of a run: {examples(strange)}", "an empty folder",
                    "Name another folder with --out, or empty this one")
        )  # fmt: skip


def hashes(params: RunParams, *, params_path: str | Path, root: Path) -> dict[str, str]:
    """Digests of what a run was made of: params file, targets, code, notebooks, lock file."""
    source = Path(__file__).parent
    code = [one for one in source.rglob("*") if one.is_file() and "__pycache__" not in one.parts]
    lock = root / "requirements.lock"
    return {
        "params": records.file_sha256(Path(params_path)),
        "targets": records.tree_sha256([root / one for one in params.targets], root=root),
        "registry": records.tree_sha256([root / one for one in _registry_files(params, root=root)], root=root),
        "code": records.tree_sha256(code, root=source),
        "notebooks": records.tree_sha256(sorted((root / "notebooks").glob("*.ipynb")), root=root),
        "lock": records.file_sha256(lock) if lock.is_file() else "",
    }


def _registry_files(params: RunParams, *, root: Path) -> list[str]:
    """Files that the params name beside raw data and targets: sources, units, indicators, tasks, crosswalk."""
    named = [*params.sources, params.units, params.indicators, params.tasks, params.crosswalk]
    return sorted({one for one in named if one and (root / one).is_file()})


def stored_tables(run_dir: Path, *, params: RunParams) -> schema.RunTables:
    """The tables of an earlier run into this folder, for a run that starts at a later step.

    Raises
    ------
    DataError
        There is no finished run.
    ParamsError
        It was made with other params.
    """
    stored = records.load_run(run_dir)
    now, then = params.model_dump(mode="json"), stored.params
    changed = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    changed = [name for name in changed if name not in MAY_DIFFER]
    if changed:
        raise ParamsError(
            Problem(str(run_dir), f"its tables were made with other params: {examples(changed)} differ", "",
                    "Run from the first step: leave out --from")
        )  # fmt: skip
    return stored


def check_units(units: Sequence[str] | None, *, known: Iterable[str]) -> None:
    """Refuse unit codes that the run does not know.

    Raises
    ------
    ParamsError
        With every unknown code.
    """
    known = set(known)
    require(
        [
            Problem(
                "--units",
                f"there is no unit {one!r}",
                "codes of the unit table",
                did_you_mean(one, known) or "Take a code of the unit list",
            )
            for one in units or []
            if one not in known
        ],
        ParamsError,
    )
