"""What the demonstration prints, in both languages, and small readers of printed numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pandas as pd
from bs4 import BeautifulSoup

from analysis import briefing
from analysis.records import load_run

from . import raw

CELLS = ("name", "status", "probability", "level", "pace", "closing")
NUMBER = r"[−-]?[\d.,]*\d"


@dataclass(frozen=True)
class Printed:
    """Tables of the run, and every row of every unit's table of targets, with each cell's text."""

    tables: dict[str, pd.DataFrame]
    rows: pd.DataFrame
    pages: pd.DataFrame  # language, page, text: the answers, and the sections that a claim is about

    def with_text(self, name: str, at: int, text: str) -> Printed:
        """A copy with another text in one cell."""
        rows = self.rows.copy()
        rows.at[at, name] = text
        return replace(self, rows=rows)

    def with_table(self, name: str, table: pd.DataFrame) -> Printed:
        """A copy with another table."""
        return replace(self, tables=self.tables | {name: table})

    def with_page(self, at: int, text: str) -> Printed:
        """A copy with another text of a page."""
        pages = self.pages.copy()
        pages.at[at, "text"] = text
        return replace(self, pages=pages)


def read_printed(folder) -> Printed:
    """Everything printed about the targets of a finished run."""
    run = load_run(folder)
    tables = {"assessments": run.assessments, "quality": run.quality, **run.extra}
    names = {("vi", one["name_vi"]): code for code, one in raw.read_targets().items()}
    names |= {("en", one["name_en"]): code for code, one in raw.read_targets().items()}
    rows, pages = [], []
    for language in ("vi", "en"):
        for unit in run.units["unit"]:
            page = briefing.unit_page(run, unit=unit, language=language)
            pages.append((language, unit, str(page.answer().html), "answer"))
            pages.append((language, unit, page.data_notes().text, "notes"))
            soup = BeautifulSoup(str(page.targets().html), "html.parser")
            for line in soup.select("table.targets tbody tr"):
                cells = [_text(one) for one in line.find_all(["th", "td"])]
                name = line.find("b").get_text().strip()
                rows.append((language, unit, names[language, name], *cells))
        for name, kind in (("overview", briefing.overview_page), ("quality", briefing.quality_page)):
            page = kind(run, language=language)
            pages.append((language, name, str(page.answer().html), "answer"))
            if name == "overview":
                pages.append((language, name, str(page.scenarios().html), "scenarios"))
                pages.append((language, name, str(page.decisions().html), "decisions"))
            else:
                pages.append((language, name, str(page.findings().html), "findings"))
    rows = pd.DataFrame(rows, columns=["language", "unit", "target", *CELLS])
    return Printed(tables, rows, pd.DataFrame(pages, columns=["language", "page", "text", "section"]))


def _text(cell) -> str:
    return re.sub(r"\s+", " ", cell.get_text(" ")).strip()


def plain(html: str) -> str:
    """A page's text without markup, one space between words."""
    return _text(BeautifulSoup(html, "html.parser"))


def number(text: str, language: str) -> float:
    """A printed number.

    >>> number("1.473,5", "vi"), number("−1,473.5", "en")
    (1473.5, -1473.5)
    """
    text = text.replace("−", "-")
    text = text.replace(".", "").replace(",", ".") if language == "vi" else text.replace(",", "")
    return float(text)


def found(pattern: str, text: str, language: str) -> list[float] | None:
    """The numbers in the groups of a pattern, None where the text does not say it; {n} is a number."""
    match = re.search(pattern.replace("{n}", f"({NUMBER})"), text)
    return None if match is None else [number(one, language) for one in match.groups()]
