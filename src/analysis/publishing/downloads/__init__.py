"""Everything a reader can take away: workbook, CSV, Parquet, hubverse files, Word report, ZIP, PDF.

Files only; which figures and words they hold is decided by the run's tables and by `briefing`. The same run gives the
same bytes, and no text of the data can become a formula, markup or a path.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from analysis.briefing.found import found_words
from analysis.briefing.locale import Translator, number
from analysis.briefing.view import view_of
from analysis.publishing.downloads import csvs, docx, hubverse, xlsx
from analysis.publishing.downloads.pdf import write_pdfs
from analysis.publishing.downloads.texts import write_archive
from analysis.words.files import page_slug
from analysis.words.schema import RunTables

__all__ = ["Download", "write_archive", "write_downloads", "write_pdfs"]


@dataclass(frozen=True)
class Download:
    """One file that is offered.

    Parameters
    ----------
    path : str
        From the downloads folder, with forward slashes.
    title : str
        What it is, in the language.
    n_bytes : int
    """

    path: str
    title: str
    n_bytes: int

    def link(self, *, folder: str, language: str) -> dict[str, str]:
        """What the site's index needs: ``href, name, about, size``.

        `folder`: the downloads folder as seen from the page.
        """
        size = number(max(self.n_bytes / 1000, 1), language)
        href = f"{folder}/{self.path}" if folder else self.path
        return {"href": href, "name": Path(self.path).name, "about": self.title, "size": f"{size} kB"}


def write_downloads(run: RunTables, *, out_dir: Path, language: str) -> list[Download]:
    """Write every file that goes with a run.

    The most wanted come first: workbook, report, ZIP, README; then CSV, Parquet, hubverse.

    ParamsError: when `language` is not supported.
    OSError: when a file cannot be written.
    """
    view, stem = view_of(run, language), page_slug(run.run_id)
    _ = view._
    book, report, whole = (out_dir / f"{stem}{ending}" for ending in (".xlsx", ".docx", "-data.zip"))
    readme = out_dir / "README.txt"
    csvs.write_readme(view, readme)
    quality = run.quality.assign(words=[found_words(view, row) for row in run.quality.itertuples(index=False)])
    tables = csvs.write_tables(replace(run, quality=quality), out_dir)
    hub = hubverse.write_hub(run, out_dir / "hubverse")
    docx.write_report(view, report)
    xlsx.write_workbook(view, book)
    files = [book, report, readme, *tables, *hub]
    inside = [file for file in files if file.parent.name != "csv-excel"]  # the same rows as csv/
    write_archive({file.relative_to(out_dir).as_posix(): file for file in inside}, whole)
    hub_title = _("Forecasts in the hubverse format, {name}")
    titles = {
        book: _("Workbook of all tables (Excel)"),
        report: _("One-page report in the form of Decree 30/2020 (Word)"),
        whole: _("All files of this list in one ZIP"),
        readme: _("How to read the CSV, Parquet and hubverse files"),
        **{file: _table_title(file, _) for file in tables},
        **{file: hub_title.format(name=file.relative_to(out_dir / "hubverse").as_posix()) for file in hub},
    }
    return [
        Download(file.relative_to(out_dir).as_posix(), title, file.stat().st_size) for file, title in titles.items()
    ]


def _table_title(file: Path, _: Translator) -> str:
    """What a table's file holds, and for which program."""
    tables = {
        "units": _("Units of this run"),
        "indicators": _("Indicators"),
        "targets": _("Register of commitments"),
        "observations": _("Observations"),
        "forecasts": _("Forecasts"),
        "assessments": _("Assessments"),
        "quality": _("Data quality"),
        "evidence": _("Evidence"),
        "scorecard": _("Scorecard"),
    }
    kinds = {"csv-excel": _("{table}: CSV for Excel"), "csv": _("{table}: CSV"), "parquet": _("{table}: Parquet")}
    return kinds[file.parent.name].format(table=tables[file.stem])
