"""Pieces that every page shares: status chips, facts, figures, provenance, the sentinel; what a row's numbers count."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import SimpleNamespace
from typing import ClassVar

from markupsafe import Markup, escape

from analysis.briefing.fragment import Fragment, details, name_html, tag
from analysis.briefing.locale import date, number, period, translator
from analysis.briefing.view import View, view_of
from analysis.briefing.wording import (
    ICONS,
    probability,
    reason_word,
    say_chance,
    say_publication,
    status_word,
    upper_first,
)
from analysis.words.files import page_slug
from analysis.words.periods import last_day
from analysis.words.schema import STATUSES, RunTables

PAGE_SCHEMA = 1
DAGGER = "†"


@dataclass(frozen=True)
class Page:
    """What every page has: its title, where its figures come from, the sentinel at its end with the page's answer."""

    view: View
    NOTEBOOK: ClassVar[str]
    TITLE: ClassVar[str]

    def title(self) -> Fragment:
        """What the page is about."""
        return title(self.view, self.view._(self.TITLE))

    def provenance(self) -> Fragment:
        """Where the figures come from."""
        return provenance(self.view, notebook=self.NOTEBOOK)

    def end(self) -> Fragment:
        """The sentinel."""
        heading, said = self.view._(self.TITLE), self.answer().text
        return end(self.view, title=heading, notebook=self.NOTEBOOK, description=said)


def opener(kind: type[Page]) -> Callable[..., Page]:
    """The function that opens this kind of page, of a run and in a language."""

    def open_page(run: RunTables, *, language: str) -> Page:
        """A page of a run; its methods give the sections: sentences, tables, charts.

        Parameters
        ----------
        run : RunTables
            From :func:`analysis.load_run`.
        language : {"vi", "en"}

        Returns
        -------
        Page

        Raises
        ------
        ParamsError
            When we do not speak `language`.
        """
        return kind(view_of(run, language))

    return open_page


def chip(status: str, language: str, *, word: str = "") -> Markup:
    """Status as icon, word and colour (the colour is the style sheet's)."""
    icon = ICONS.get(status, "?")
    begin = Markup(f'<span class="status status-{escape(status)}"><span aria-hidden="true">{icon}</span> ')
    return begin + (word or status_word(status, language)) + Markup("</span>")


def chance(row, language: str) -> Markup:
    """Probability as per cent and as a natural frequency; the reason where there is none; settled cases say so."""
    _ = translator(language)
    if row.settled:
        return tag("span", _("result known"), class_="soft")
    if row.status == "not_assessable" or row.p_attain != row.p_attain:
        return tag("span", reason_word(row.reason, language) or _("no probability"), class_="soft")
    p = tag("b", probability(row.p_attain, language), class_="p")
    said = say_chance(row.p_attain, language)
    alone = getattr(row, "cut_status", "")
    if alone not in ("", row.status):
        kept = _("status kept from last quarter; by the probability alone: {status}")
        said = f"{said}; {kept.format(status=status_word(alone, language).lower())}"
    return p + Markup(" ") + tag("span", said, class_="soft")


def counted(rows: Sequence[tuple], language: str) -> Markup:
    """How many targets have which status; nothing for a single target."""
    return tag("p", status_counts(rows, language), class_="counts") if len(rows) > 1 else Markup("")


def status_counts(rows: Iterable[tuple], language: str) -> Markup:
    """A chip for every status that rows have, with their number."""
    counts = Counter(row.status for row in rows)
    words = {one: f"{number(counts[one], language)} {status_word(one, language).lower()}" for one in STATUSES}
    return Markup(" ").join(chip(one, language, word=words[one]) for one in STATUSES if counts[one])


def answered(text: str, *more: Markup) -> Fragment:
    """The sentence that answers, what follows it below."""
    return Fragment(Markup("").join([tag("p", text, class_="answer"), *more]), "sentence", text)


def note(text: str) -> Fragment:
    """Why there is nothing to show."""
    return Fragment(tag("p", text, class_="note"), "note", text)


def figure(view: View, drawn: Markup, data: Markup, *, said: tuple[str, str], class_: str = "") -> Fragment:
    """A chart with what it says (headline, subtitle) above it and its figures as tables below, to be opened."""
    headline, subtitle = said
    caption = tag("figcaption", tag("b", headline), Markup(" "), tag("span", subtitle, class_="soft"))
    html = tag("figure", caption, drawn, details(view._("Figures in this chart"), data), class_=class_ or None)
    return Fragment(html, "chart", f"{headline} ({subtitle})")


def facts(pairs: Iterable[tuple[object, object]]) -> Markup:
    """A few numbers with what they mean; the number is read after its name."""
    items = [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs]
    return tag("dl", *items, class_="facts")


def sentence(text: object, *, class_: str = "") -> Markup:
    """A paragraph."""
    return tag("p", text, class_=class_ or None)


def bullets(items: Sequence[object]) -> Markup:
    """A list."""
    return tag("ul", *[tag("li", one) for one in items])


def unit_link(view: View, unit: str, *, folder: str) -> Markup:
    """Link to a unit's page from a page in `folder` ("" from the site's root, "units" from another unit's page).

    A unit that the run does not know has no page: its code alone.
    """
    prefix, name = "" if folder == "units" else "units/", name_html(view.name(unit))
    return Markup(f'<a href="{prefix}{page_slug(unit)}.html">') + name + Markup("</a>") if unit in view.units else name


def validity(view: View, target) -> str:
    """Which promise it replaces, or by which and from when it was replaced; "" for one that stands alone."""
    _ = view._
    said = [_("replaces {code}").format(code=target.replaces)] if target.replaces else []
    for other in view.targets.values():
        if other.replaces == target.target:
            since = date(other.valid_from, view.language) if other.valid_from else "–"
            said.append(_("replaced by {code} from {date}").format(code=other.target, date=since))
    return "; ".join(said)


def say_upto(view: View) -> str:
    """Up to when the figures go; where they end before the cutoff, both are said."""
    _, cutoff = view._, period(view.cutoff, view.language)
    if view.newest and last_day(view.newest) < last_day(view.cutoff):
        pattern = _("data up to {newest} only, forecast as of the end of {period}")
        return pattern.format(newest=period(view.newest, view.language), period=cutoff)
    return _("data up to {period}").format(period=cutoff)


def title(view: View, heading: object, *, about: str = "") -> Fragment:
    """Page heading: what the page speaks of, what it belongs to, the run's name, the period of the data."""
    _ = view._
    name = view.run.params.get(f"title_{view.language}") or view.run.run_id
    said = (about, name, say_upto(view))
    line = " · ".join(dict.fromkeys(one for one in said if one and one != Markup(heading).striptags()))
    html = Markup('<header class="page-title">') + tag("h1", heading) + tag("p", line, class_="kicker")
    return Fragment(html + Markup("</header>"), "banner", f"{Markup(heading).striptags()}\n{line}")


def provenance(view: View, *, notebook: str) -> Fragment:
    """Where every figure on the page comes from: run, periods, notebook, raw files by their hashes; no clock."""
    _, run = view._, view.run
    pairs = [
        (_("Run"), run.run_id),
        (_("Data up to"), period(view.newest or view.cutoff, view.language)),
        (_("Forecast as of the end of"), period(view.cutoff, view.language)),
        (_("Notebook"), notebook),
        (_("Publication"), say_publication(run.manifest, view.language)),
    ]
    for source in run.manifest.get("sources", ()):
        said = [source.get("path", "")]
        if source.get("rows") is not None:
            rows = _.plural("{n} row", "{n} rows", source["rows"])
            said.append(rows.format(n=number(source["rows"], view.language)))
        if source.get("sha256"):
            said.append(Markup("{} {}").format(_("SHA-256"), tag("code", str(source["sha256"])[:16])))
        pairs.append((_("Source"), Markup(" · ").join(said)))
    how = _("The same inputs give the same page, byte for byte; check this with the command {command}.")
    check = Markup(escape(how)).format(command=tag("code", f"candich verify {run.run_id}"))
    listing = tag("dl", *[tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs], class_="provenance")
    text = "; ".join(f"{name}: {Markup(value).striptags()}" for name, value in pairs)
    return Fragment(listing + tag("p", check, class_="soft"), "provenance", text)


def end(view: View, *, title: str, notebook: str, unit: str = "", description: str = "") -> Fragment:
    """The sentinel: a page whose notebook did not come this far is not published."""
    meta = {
        "schema": PAGE_SCHEMA,
        "title": title,
        "language": view.language,
        "unit": unit,
        "notebook": notebook,
        "simulated": bool(view.run.params.get("simulated")),
        "description": upper_first(description),
    }
    return Fragment("", "page", title, meta)


def measure_of(view: View, row):
    """What the numbers of an assessment count: a row of ``schema.INDICATORS`` or something like it; None if unknown.

    A place among peers may be read from a score, a composite from several indicators: such rows are about another
    quantity than the indicator's series, and are not drawn into its chart.
    """
    _, indicator = view._, view.indicators.get(row.indicator)
    if row.kind == "rank_le" and getattr(indicator, "kind", "") != "rank":
        return _counting(_("places"), _("place"), kind="rank", better="down")
    if row.kind == "tasks_k_of_n" or (row.kind == "conditional" and not row.indicator):
        return _counting(_("tasks"), _("task"), denominator=_("tasks"))
    if row.kind == "indicators_k_of_n":
        return _counting(_("targets"), _("target"))
    if row.kind == "score_ge" and indicator is None:
        return _counting(_("points"), _("point"), kind="level")
    if indicator is not None and not speaks_of_series(view, row):
        return SimpleNamespace(**{**indicator._asdict(), "maximum": math.nan})
    return indicator


def _counting(
    unit: str, unit_one: str, *, kind: str = "count", better: str = "up", denominator: str = ""
) -> SimpleNamespace:
    """A measure of places, tasks or targets, its words in the page's language."""
    words = {"unit_en": unit, "unit_one_en": unit_one, "denominator_en": denominator, "numerator_en": ""}
    return SimpleNamespace(kind=kind, better=better, maximum=math.nan, frequency="", **words)


def speaks_of_series(view: View, row) -> bool:
    """Whether the row's current value is the series' own: its threshold may then be drawn into the chart."""
    indicator = view.indicators.get(row.indicator)
    if indicator is None or row.kind in ("tasks_k_of_n", "indicators_k_of_n"):
        return False
    if row.kind == "rank_le":
        return indicator.kind == "rank"
    if row.kind == "sustained_from" and row.target in view.targets:
        return view.targets[row.target].reading not in ("cumulative", "rolling_3")
    if row.kind != "score_ge" or not math.isfinite(row.current):
        return True
    history = view.history(row.unit, row.indicator)
    if row.current_period not in history.periods:
        return False
    return math.isclose(row.current, history.values[history.periods.index(row.current_period)], rel_tol=1e-6)


class LabStyle:
    """The pages' style sheet for an analyst's JupyterLab: shows nothing; a page has it in its head."""

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        theme = files("analysis.briefing").joinpath("theme.css").read_text(encoding="utf-8")
        return {"text/html": f"<style>{theme}</style>", "text/plain": ""}


def lab_style() -> LabStyle:
    """The pages' style sheet for JupyterLab, to be the last expression of a notebook's setup cell.

    Returns
    -------
    LabStyle
        Shows nothing of its own.
    """
    return LabStyle()
