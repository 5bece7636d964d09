"""Pieces that every page shares: the status chip, a probability, a row's facts, provenance, the closing sentinel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from analysis.briefing.fragment import Fragment, name_html, tag
from analysis.briefing.locale import date, number, period, translator
from analysis.briefing.view import View
from analysis.briefing.wording import (
    ICONS,
    probability,
    reason_word,
    say_chance,
    status_word,
    upper_first,
)
from analysis.words.periods import last_day
from analysis.words.schema import STATUSES
from analysis.words.slugs import page_slug

PAGE_SCHEMA = 1
DAGGER = "†"


def chip(status: str, language: str, *, word: str = "") -> Markup:
    """Status as icon, word and colour (the colour is the style sheet's)."""
    icon = ICONS.get(status, "?")
    text = escape(word or status_word(status, language))
    return Markup(f'<span class="status status-{escape(status)}"><span aria-hidden="true">{icon}</span> ') + (
        text + Markup("</span>")
    )


def chance(row, language: str) -> Markup:
    """Probability as per cent and as a natural frequency; the reason where there is none; settled cases say so."""
    _ = translator(language)
    if row.settled:
        return tag("span", _("settled"), class_="soft")
    if row.status == "not_assessable" or row.p_attain != row.p_attain:
        return tag("span", reason_word(row.reason, language) or _("no probability"), class_="soft")
    p = tag("b", probability(row.p_attain, language), class_="p")
    return p + Markup(" ") + tag("span", say_chance(row.p_attain, language), class_="soft")


def counted(rows: Sequence[tuple], language: str) -> Markup:
    """How many targets have which status, as chips; nothing for a single target."""
    counts = Counter(row.status for row in rows)
    if len(rows) < 2:
        return Markup("")
    chips = [
        chip(status, language, word=f"{number(counts[status], language)} {status_word(status, language).lower()}")
        for status in STATUSES
        if counts[status]
    ]
    return tag("p", Markup(" ").join(chips), class_="counts")


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
    """Link to a unit's page from a page in `folder` ("" from the site's root, "units" from another unit's page)."""
    prefix = "" if folder == "units" else "units/"
    return Markup(f'<a href="{prefix}{page_slug(unit)}.html">') + name_html(view.name(unit)) + Markup("</a>")


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
    _ = view._
    run = view.run
    pairs = [
        (_("Run"), run.run_id),
        (_("Data up to"), period(view.newest or view.cutoff, view.language)),
        (_("Forecast as of the end of"), period(view.cutoff, view.language)),
        (_("Notebook"), notebook),
    ]
    for source in source_rows(run.manifest):
        said = [source.get("path", "")]
        if source.get("rows") is not None:
            said.append(_("{n} rows").format(n=number(source["rows"], view.language)))
        if source.get("sha256"):
            said.append(Markup("{} {}").format(_("SHA-256"), tag("code", str(source["sha256"])[:16])))
        pairs.append((_("Source"), Markup(" · ").join(said)))
    how = _("The same inputs give the same page, byte for byte; {command} checks it.")
    check = Markup(escape(how)).format(command=tag("code", f"candich verify {run.run_id}"))
    listing = tag("dl", *[tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs], class_="provenance")
    text = "; ".join(f"{name}: {Markup(value).striptags()}" for name, value in pairs)
    return Fragment(listing + tag("p", check, class_="soft"), "provenance", text)


def source_rows(manifest: dict) -> list[dict]:
    """The manifest's raw files, each as a mapping with at least its path."""
    sources = manifest.get("sources", [])
    if isinstance(sources, dict):
        sources = [{"path": path, "sha256": digest} for path, digest in sorted(sources.items())]
    return [one if isinstance(one, dict) else {"path": str(one)} for one in sources]


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
