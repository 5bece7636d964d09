"""Whether what a run would make stands already: its recipe, its tables, its pages, each told by hashes alone.

A recipe is one hash of all that goes into a run: raw files, params, targets, registry, code, notebooks, lock file,
versions and pinned variables, and what earlier runs of the same params published. ``made.json`` in the run's folder
says by which recipe its tables and its site were made; both count only while every file is still the one that was
written. What cannot be known without asking (a database) has no recipe, and is made again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import folders, records
from analysis.intake.vintages import vintages_of
from analysis.publishing import keys
from analysis.publishing.jobs import FAILED, NOTEBOOKS, SITE, UNCHANGED, PageResult
from analysis.publishing.lock import run_lock
from analysis.registry.params import RunParams, project_root, read_params
from analysis.registry.sources import read_source
from analysis.words.errors import AnalysisError

MADE = "made.json"
INDEX = "index.html"


@dataclass(frozen=True)
class RunResult:
    """What a run left behind."""

    run_dir: Path
    index: Path
    pages: Sequence[PageResult]

    def count(self, status: str) -> int:
        """How many pages ended as `status`."""
        return sum(one.status == status for one in self.pages)


def unchanged(
    params_path: str | Path,
    *,
    data_dir: str | Path | None = None,
    out_dir: str | Path | None = None,
    period: str | None = None,
    language: str | None = None,
) -> RunResult | None:
    """The whole run, when nothing it is made from has changed and all of it stands; None: it must be run.

    Raises
    ------
    ParamsError, DataError, PublishError
        As a run would: wrong params, a folder that something else lives in or that another run holds.
    """
    params = read_params(params_path, period=period, language=language)
    root = project_root(params_path)
    run_dir = Path(out_dir) if out_dir else root / "outputs" / folders.run_name(params, period=period)
    if not (run_dir / MADE).is_file():
        return None
    folders.check_run_dir(run_dir, run_id=params.run_id)
    with run_lock(run_dir):
        made = recipe(params, params_path=params_path, root=root, run_dir=run_dir, data_dir=data_dir)
        if not tables_stand(run_dir, recipe=made):
            return None
        pages = _site_stands(run_dir, recipe=made)
    return None if pages is None else RunResult(run_dir, run_dir / SITE / INDEX, pages)


def recipe(
    params: RunParams, *, params_path: str | Path, root: Path, run_dir: Path, data_dir: str | Path | None
) -> str:
    """One hash of all that goes into a run; ``""`` where that cannot be known.

    Parameters
    ----------
    params : RunParams
        As read, with the period and language asked for.
    params_path, root, run_dir, data_dir
        As for :func:`analysis.pipeline.run`.

    Returns
    -------
    str
    """
    try:
        raw = _raw_files(params, base=Path(data_dir or root), root=root)
        hashes = folders.hashes(params, params_path=params_path, root=root)
        before = _published(run_dir, run_id=params.run_id)
    except (AnalysisError, OSError, ValueError):  # the run itself will say what is wrong
        return ""
    if raw is None:
        return ""
    parts = [params.model_dump(mode="json"), hashes, raw, before, keys.environment()]
    return records.sha256_of(json.dumps(parts, sort_keys=True))


def _raw_files(params: RunParams, *, base: Path, root: Path) -> list[list[str]] | None:
    """Name, day and hash of every raw file and of the note beside it; None where a source is no file."""
    found = []
    for name in params.sources:
        source = read_source(root / name)
        if source.format == "sql":
            return None
        for one in vintages_of(source, base=base, as_of=params.as_of):
            note = Path(f"{one.path}.meta.yml")
            digests = [records.file_sha256(path) for path in (Path(one.path), note) if path.is_file()]
            found.append([source.source, one.where, one.vintage, *digests])
    return found


def _published(run_dir: Path, *, run_id: str) -> list[list[str]]:
    """What other runs of the same params have said: it makes the scorecard and what changed."""
    found = []
    for path in sorted(Path(run_dir).parent.glob("*/manifest.json")):
        manifest, table = records.read_manifest(path), path.parent / "tables" / "assessments.parquet"
        if path.parent.name != Path(run_dir).name and manifest.get("run_id") == run_id and table.is_file():
            found.append([path.parent.name, str(manifest.get("cutoff")), records.file_sha256(table)])
    return found


def tables_stand(run_dir: Path, *, recipe: str) -> bool:
    """Whether the tables in a folder were made by `recipe` and are as they were written."""
    made = _read(run_dir)
    if not recipe or made.get("tables") != recipe:
        return False
    try:
        manifest = json.loads((run_dir / "manifest.json").read_text(encoding="utf-8"))
        tables = {f"tables/{name}.parquet": digest for name, digest in manifest["tables"].items()}
    except (OSError, ValueError, KeyError, AttributeError):
        return False
    found = {path.relative_to(run_dir).as_posix() for path in (run_dir / "tables").glob("*.parquet")}
    return found == set(tables) and _as_written(run_dir, {**tables, "manifest.json": made.get("manifest", "")})


def note_tables(run_dir: Path, *, recipe: str) -> None:
    """Remember by what the tables were made, now that they stand; what was said of the site before is forgotten."""
    _write(run_dir, {"tables": recipe, "manifest": records.file_sha256(run_dir / "manifest.json")})


def note_site(run_dir: Path, *, recipe: str, pages: Iterable[PageResult], others: Iterable[Path]) -> None:
    """Remember by what the site was made, unless a page failed.

    Parameters
    ----------
    run_dir : Path
    recipe : str
    pages : iterable of PageResult
        All pages of the run.
    others : iterable of Path
        Files that go with them: the index, downloads, the archive.
    """
    pages = list(pages)
    made = _read(run_dir)
    if not recipe or made.get("tables") != recipe or any(one.status == FAILED for one in pages):
        return
    files = {path.relative_to(run_dir).as_posix(): records.file_sha256(path) for path in sorted(others)}
    _write(run_dir, made | {"site": recipe, "pages": [one.page for one in pages], "files": files})


def _site_stands(run_dir: Path, *, recipe: str) -> list[PageResult] | None:
    """The pages of a site made by `recipe`, when every one of its files is as it was written."""
    made, journal = _read(run_dir), keys.read_journal(run_dir)
    if made.get("site") != recipe or not _as_written(run_dir, made.get("files", {})):
        return None
    entries = [journal.get(page, {}) for page in made.get("pages", [])]
    if not all(one.get("sha256") and one.get("status") != FAILED for one in entries):
        return None
    if not _as_written(run_dir, {f"{SITE}/{one['page']}": one["sha256"] for one in entries}):
        return None
    results = [
        PageResult(
            status=UNCHANGED, **{name: one[name] for name in ("page", "unit", "notebook", "key", "sha256", "n_bytes")}
        )
        for one in entries
    ]
    executed = (run_dir / NOTEBOOKS / Path(one.page).with_suffix(".ipynb") for one in results)
    return results if all(path.is_file() for path in executed) else None


def _as_written(run_dir: Path, files: dict[str, str]) -> bool:
    try:
        return all(records.file_sha256(run_dir / name) == digest for name, digest in files.items())
    except OSError:
        return False


def _read(run_dir: Path) -> dict:
    try:
        made = json.loads((run_dir / MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, dict) else {}


def _write(run_dir: Path, made: dict) -> None:
    records.write_bytes(run_dir / MADE, (json.dumps(made, indent=1, sort_keys=True) + "\n").encode("utf-8"))
