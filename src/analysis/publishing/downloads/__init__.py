"""Everything a reader can take away: workbook, CSV, Parquet, hubverse files, Word report, ZIP, PDF.

Files only; which figures and words they hold is decided by the run's tables and by `briefing`. The same run gives the
same bytes, and no text of the data can become a formula, markup or a path.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from analysis.briefing.found import found_words
from analysis.briefing.locale import number, period
from analysis.briefing.view import View, view_of
from analysis.publishing.downloads import csvs, docx, hubverse, xlsx
from analysis.publishing.downloads.archive import write_archive
from analysis.publishing.downloads.files import sha256_of, write_bytes
from analysis.publishing.downloads.packed import remove_zip, repack_zip
from analysis.publishing.downloads.pdf import write_pdfs
from analysis.publishing.downloads.phrases import run_title, words
from analysis.publishing.downloads.texts import shown
from analysis.words.schema import RunTables
from analysis.words.slugs import page_slug

__all__ = ["Download", "remove_zip", "write_archive", "write_downloads", "write_pdfs"]

FOLDERS = ("csv", "csv-excel", "hubverse", "parquet", "reports")  # ours alone: older files there are removed
JOURNAL = ".downloads.json"
_LIBRARIES = ("openpyxl", "python-docx", "pyarrow", "pandas", "Babel")
_TABS = {
    "units": "Units of this run",
    "indicators": "Indicators",
    "targets": "Registry of promises",
    "observations": "Observations",
    "forecasts": "Forecasts",
    "assessments": "Assessments",
    "quality": "Data quality",
    "evidence": "Evidence",
    "scorecard": "Scorecard",
}


@dataclass(frozen=True)
class Download:
    """One file that is offered.

    Parameters
    ----------
    name : str
        File name.
    path : str
        From the downloads folder, with forward slashes.
    title : str
        What it is, in the language.
    format : str
        ``xlsx, docx, csv, parquet, json, yml, txt`` or ``zip``.
    n_bytes : int
    sha256 : str
    """

    name: str
    path: str
    title: str
    format: str
    n_bytes: int
    sha256: str

    def link(self, *, folder: str, language: str) -> dict[str, str]:
        """What the site's index asks for: ``href, name, about, size``.

        Parameters
        ----------
        folder : str
            The downloads folder as seen from the page, such as ``"downloads"``.
        language : str
        """
        size = number(max(self.n_bytes / 1000, 1), language)
        href = f"{folder}/{self.path}" if folder else self.path
        return {"href": href, "name": self.name, "about": self.title, "size": f"{size} kB"}


def write_downloads(
    run: RunTables,
    *,
    out_dir: Path,
    language: str,
    units: Sequence[str] | None = None,
    on_done: Callable[[int, int], None] = lambda done, total: None,
    meanwhile: Callable[[], None] | None = None,
) -> list[Download]:
    """Write every file that goes with a run.

    The files are left alone where nothing they are made of has changed (tables, params, language, code, libraries) and
    each still has its bytes.

    Parameters
    ----------
    run : RunTables
    out_dir : Path
        Ours alone: usually ``site/downloads``.
    language : {"vi", "en"}
    units : sequence of str, optional
        Units that get a Word report of their own below ``reports/``; default: none. The overview's report is always
        written.
    on_done : callable
        Told ``(done, total)`` while the files are made.
    meanwhile : callable, optional
        With it the workbook is made in a process of its own; called when all but the workbook and the ZIP stand.

    Returns
    -------
    list of Download
        The most asked for first: workbook, report, ZIP, README; then the units' reports, CSV, Parquet, hubverse.

    Raises
    ------
    DataError
        When the run does not have one of `units`.
    ParamsError
        When we do not speak `language`.
    OSError
        When a file cannot be written.
    """
    out_dir, wanted = Path(out_dir), list(dict.fromkeys(units or ()))
    view = view_of(run, language)
    for unit in wanted:
        view.unit(unit)
    key = _key(run, language=language, units=wanted)
    kept = _kept(out_dir, key=key)
    if kept is not None:
        on_done(1, 1)
        return kept
    made = _write(view, out_dir, units=wanted, on_done=on_done, meanwhile=meanwhile)
    _sweep(out_dir, kept={one.path for one in made})
    journal = {"key": key, "files": [asdict(one) for one in made]}
    write_bytes(out_dir / JOURNAL, (json.dumps(journal, indent=1) + "\n").encode("ascii"))
    return made


def _write(
    view: View,
    out_dir: Path,
    *,
    units: Sequence[str],
    on_done: Callable[[int, int], None],
    meanwhile: Callable[[], None] | None,
) -> list[Download]:
    """Write the files; return them in the order they are offered."""
    stem, total = page_slug(view.run.run_id), len(units) + 5
    done = iter(range(1, total + 1))
    tick = lambda: on_done(next(done), total)
    (out_dir / JOURNAL).unlink(missing_ok=True)  # a run that is cut short must not look finished
    whole, book = f"{stem}-data.zip", out_dir / f"{stem}.xlsx"
    titles = _write_all_but_workbook(view, out_dir, stem=stem, units=units, tick=tick)
    xlsx.write_workbook(view, book)
    tick()
    made = {path: _download(out_dir, path, title) for path, title in titles.items() if path != whole}
    inside = {path: one.sha256 for path, one in made.items() if not path.startswith("csv-excel/")}  # same as csv/
    repack_zip(out_dir / whole, {one: out_dir / one for one in inside}, level=2, hashes=inside)
    made[whole] = _download(out_dir, whole, titles[whole])
    tick()
    return [made[path] for path in titles]


def _write_all_but_workbook(
    view: View, out_dir: Path, *, stem: str, units: Sequence[str], tick: Callable[[], None]
) -> dict[str, str]:
    """Write reports and tables; path to title of all files, in the order they are offered."""
    run, language, _ = view.run, view.language, words(view.language)
    docx.write_report(view, out_dir / f"{stem}.docx")
    tick()
    reports = {}
    for unit in units:
        path = f"reports/{page_slug(unit)}.docx"
        docx.write_report(view, out_dir / path, unit=unit)
        reports[path] = _("One-page report of {unit} (Word)").format(unit=shown(view.name(unit)))
        tick()
    quality = run.quality.assign(words=[found_words(view, row) for row in run.quality.itertuples(index=False)])
    tables = csvs.write_tables(replace(run, quality=quality), out_dir)
    tick()
    hub = hubverse.write_hub(run, out_dir / "hubverse")
    title = run_title(run.params, run.run_id, language)
    csvs.write_readme(run, out_dir / "README.txt", title=title, cutoff=period(view.cutoff, language), language=language)
    tick()
    return {
        f"{stem}.xlsx": _("Workbook of all tables (Excel)"),
        f"{stem}.docx": _("One-page report in the form of Decree 30/2020 (Word)"),
        f"{stem}-data.zip": _("All files of this list in one ZIP"),
        "README.txt": _("How to read the CSV, Parquet and hubverse files"),
        **reports,
        **_table_titles(tables, language),
        **{f"hubverse/{one}": _("Forecasts in the hubverse format, {name}").format(name=one) for one in hub},
    }


def _table_titles(tables: Sequence[str], language: str) -> dict[str, str]:
    _ = words(language)
    patterns = {"csv-excel": _("{table}: CSV for Excel"), "csv": _("{table}: CSV"), "parquet": _("{table}: Parquet")}
    found = {}
    for folder, pattern in patterns.items():
        for path in tables:
            if path.startswith(f"{folder}/"):
                found[path] = pattern.format(table=_(_TABS[Path(path).stem]))
    return found


def _download(out_dir: Path, path: str, title: str) -> Download:
    file = out_dir / path
    return Download(file.name, path, title, file.suffix.lstrip("."), file.stat().st_size, sha256_of(file))


def _key(run, *, language, units):
    return ""


def _kept(out_dir: Path, *, key: str) -> list[Download] | None:
    """The files of the last time, when they were made of the same and still are what they were."""
    try:
        journal = json.loads((out_dir / JOURNAL).read_bytes())
        files = [Download(**one) for one in journal["files"]]
        same = bool(key) and journal["key"] == key and all(sha256_of(out_dir / one.path) == one.sha256 for one in files)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files if same else None


def _sweep(out_dir: Path, *, kept: set[str]) -> None:
    """Remove what an earlier run left in our folders: its figures are no longer those of the run."""
    for folder in FOLDERS:
        for file in sorted((out_dir / folder).rglob("*")):
            if file.is_file() and file.relative_to(out_dir).as_posix() not in kept:
                file.unlink()
