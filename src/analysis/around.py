"""What goes with the pages of a run: the files to take away, the index of the site, one ZIP of all.

The files do not depend on the pages and are made beside them, in a process of their own, which also packs them; the
ZIP is then put together from what is packed already and the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import records
from analysis.publishing.apart import Beside
from analysis.publishing.jobs import FAILED, SITE, PageResult
from analysis.publishing.site import INDEX, build_site
from analysis.words.schema import RunTables

if TYPE_CHECKING:
    from analysis.publishing.downloads import Download

DOWNLOADS = "downloads"  # folder inside the site
EARLY = ".early.zip"  # inside the run's folder: everything but the pages, packed while these are made


def files_beside(run_dir: Path, *, language: str, wanted: bool, jobs: int) -> Beside[list[Download]]:
    """The process that makes the files to take away, once the run's tables stand; with `wanted` false it makes none."""
    work: Callable = partial(_make_files, run_dir=run_dir, language=language, jobs=jobs) if wanted else list
    return Beside(work, ready=_ready if wanted else lambda: None, what="downloads")


def _ready() -> None:
    import_module("analysis.publishing.downloads")  # office formats: only when they are asked for


def _make_files(*, run_dir: Path, language: str, jobs: int) -> list[Download]:
    from analysis.publishing.downloads import write_archive, write_downloads

    folder = run_dir / SITE / DOWNLOADS
    parts = _whole_run(run_dir) | {f"{SITE}/{DOWNLOADS}": folder}
    stored = (".zip", ".xlsx")  # made last, and not packed again
    pack = lambda: write_archive(parts, run_dir / EARLY, leave_out=stored, also=[_archive(run_dir)])
    meanwhile = pack if jobs > 1 else None
    return write_downloads(records.load_run(run_dir), out_dir=folder, language=language, meanwhile=meanwhile)


def build(
    tables: RunTables, results: Sequence[PageResult], *, run_dir: Path, language: str, files: Sequence[Download]
) -> Path:
    """Write the index of the site around its pages and files."""
    links = [one.link(folder=DOWNLOADS, language=language) for one in files]
    return build_site(tables, results, run_dir / SITE, language, downloads=links)


def build_archive(run_dir: Path, results: Sequence[PageResult], *, files: Sequence[Download]) -> Path:
    """Put the site, the tables, the params and the manifest into one ZIP beside them."""
    from analysis.publishing.downloads import remove_zip, write_archive

    hashes = _hashes(files) | {f"{SITE}/{one.page}": one.sha256 for one in results if one.status != FAILED}
    path, early = _archive(run_dir), run_dir / EARLY
    write_archive(_whole_run(run_dir) | {SITE: run_dir / SITE}, path, hashes=hashes, also=[early])
    remove_zip(early)
    return path


def around(run_dir: Path) -> list[Path]:
    """The files of a run's site that are no pages: the index, the downloads, the archive."""
    beside = [run_dir / SITE / INDEX, _archive(run_dir)]
    files = [*beside, *(run_dir / SITE / DOWNLOADS).rglob("*")]
    return [path for path in files if path.is_file()]


def _archive(run_dir: Path) -> Path:
    return run_dir / f"{run_dir.name}.zip"


def _whole_run(run_dir: Path) -> dict[str, Path]:
    return {one: run_dir / one for one in ("tables", "params.yml", "manifest.json")}


def _hashes(files: Sequence[Download]) -> dict[str, str]:
    return {f"{SITE}/{DOWNLOADS}/{one.path}": one.sha256 for one in files}
