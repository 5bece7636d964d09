"""The site around the pages: their names, their navigation, and the index of all units with its search.

The index is whole without a script; the one inline script only filters, and the page's policy allows it by its hash
alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from analysis.briefing.fragment import clean_text
from analysis.briefing.locale import N_, translator
from analysis.publishing.chrome import SIMULATED, TEMPLATES, policy, short_script, stylesheet
from analysis.publishing.jobs import FAILED, PageResult
from analysis.publishing.proof import check_page
from analysis.publishing.quarters import quarters_of
from analysis.words.errors import PublishError, require
from analysis.words.files import write_file
from analysis.words.schema import ON_TRACK, RunTables
from analysis.words.slugs import page_slug

INDEX = "index.html"
DOWNLOADS = "downloads"  # folder inside the site, and section of the index
TOP_PAGES = {  # page of the whole run -> what its link says
    INDEX: N_("All units"),
    "overview.html": N_("Overview"),
    "forecast.html": N_("Forecast"),
    "registry.html": N_("Register of commitments"),
    "quality.html": N_("Data quality"),
    "scorecard.html": N_("Scorecard"),
}
METHOD = ("forecast.html", "about-method")  # page and heading that tell how it is done


def page_name(unit: str) -> str:
    """A unit's page inside the site, safe for any code.

    Examples
    --------
    >>> page_name("079"), page_name("../../etc")
    ('units/079.html', 'units/etc--74ccf3c5b4c1.html')
    """
    return f"units/{page_slug(unit)}.html"


def page_frame(
    run: RunTables, *, page: str, language: str, pages: Iterable[str], unit: str = "", cutoff: str = ""
) -> dict:
    """Navigation, breadcrumb and notices for one page: the ``context`` of its job.

    Parameters
    ----------
    run : RunTables
    page : str
        Its path inside the site.
    language : str
    pages : iterable of str
        Every page of the run, and `DOWNLOADS` where there are any, so that no link leads nowhere.
    unit : str
        The unit it is about, ``""`` for pages of the whole run.
    cutoff : str
        Last period its figures know, a period code.

    Returns
    -------
    dict
    """
    _ = translator(language)
    there = pages if isinstance(pages, set | frozenset) else set(pages)  # asked once a unit: not copied
    up = "../" * (len(PurePosixPath(page).parts) - 1)
    nav = [
        {"title": _(title), "href": up + name, "current": name == page}
        for name, title in TOP_PAGES.items()
        if name in there or name == INDEX
    ]
    if METHOD[0] in there:
        nav.append({"title": _("Method"), "href": f"{up}{METHOD[0]}#{METHOD[1]}", "current": False})
    if DOWNLOADS in there:
        nav.append({"title": _("Downloads"), "href": f"{up}{INDEX}#downloads", "current": False})
    frame = {"language": language, "nav": nav, "cutoff": cutoff}
    if run.params.get("simulated"):
        frame["banner"] = _(SIMULATED)
    if unit:
        names, parents = unit_names(run.units, language=language), _parents(run.units)
        chain = [one for one in _lineage(parents, unit) if page_name(one) in there or one == unit]
        frame["breadcrumbs"] = [{"title": _("Home"), "href": up + INDEX}] + [
            {"title": clean_text(names.get(one, one)), "href": up + page_name(one) if one != unit else ""}
            for one in chain
        ]
    return frame


def unit_names(units: pd.DataFrame, *, language: str) -> dict[str, str]:
    """Code to name in a language; the other language's where it has none, the code where there is no name."""
    return _remembered(units)[language]


def _lineage(parents: dict[str, str], unit: str) -> list[str]:
    """The codes from the top of the tree down to `unit`."""
    chain = [unit]
    while (above := parents.get(chain[-1], "")) and above not in chain:
        chain.append(above)
    return chain[::-1]


def _parents(units: pd.DataFrame) -> dict[str, str]:
    return _remembered(units)["parent"]


_last: tuple[pd.DataFrame, dict] | None = None  # one run at a time asks, once a unit


def _remembered(units: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Names and parents by code, made once a table."""
    global _last
    if _last is None or _last[0] is not units:
        codes = units["unit"].tolist()
        english = units["name_en"].where(units["name_en"] != "", units["name"])
        found = {"parent": dict(zip(codes, units["parent"], strict=True))}
        for language, names in (("vi", units["name"]), ("en", english)):
            found[language] = {code: name or code for code, name in zip(codes, names, strict=True)}
        _last = (units, found)
    return _last[1]


def build_site(
    run: RunTables,
    pages: Sequence[PageResult],
    out_dir: Path,
    language: str,
    *,
    downloads: Sequence[dict] = (),
) -> Path:
    """Write the index of the site.

    Parameters
    ----------
    run : RunTables
    pages : sequence of PageResult
        All pages of the run, failed ones too.
    out_dir : Path
        The site's folder.
    language : str
    downloads : sequence of dict
        ``href``, ``name``, ``about``, ``size`` of each file offered.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    PublishError
        When the index does not pass the checks.
    """
    out_dir = Path(out_dir)
    _ = translator(language)
    script = short_script("search.js")
    there = {*(one.page for one in pages if one.shown), *([DOWNLOADS] if downloads else [])}
    title = clean_text(str(run.params.get(f"title_{language}") or run.run_id))
    page = {
        **page_frame(run, page=INDEX, language=language, pages=there, cutoff=str(run.manifest.get("cutoff", ""))),
        "_": _,
        "title": title,
        "heading": title,
        "description": "",
        "intro": _intro(run, language=language),
        "overview": "overview.html" if "overview.html" in there else "",
        "quarters": quarters_of(out_dir, language=language),
        "policy": Markup(policy(script)),
        "stylesheet": Markup(stylesheet()),
        "script": Markup(script),
        "tree": _tree(run, pages, language=language),
        "failed": _failed(run, pages, language=language),
        "downloads": grouped(downloads, language=language),
    }
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    html = environment.get_template("index.html.j2").render(page=page).lstrip()
    require(check_page(html, where=INDEX, language=language, max_bytes=50_000_000), PublishError)
    write_file(out_dir / INDEX, html.encode("utf-8", "replace"))
    return out_dir / INDEX


def _intro(run: RunTables, *, language: str) -> str:
    """The overview's one sentence; nothing where nothing is assessed."""
    if not len(run.assessments):
        return ""
    from analysis.briefing.overview import say_overview  # with Matplotlib: not for a run that stands
    from analysis.briefing.view import view_of

    view = view_of(run, language)
    rows = [row for mine in view.all_assessed().values() for row in mine]
    return clean_text(say_overview(view, view.assessed(view.root), rows))


def _tree(run: RunTables, pages: Sequence[PageResult], *, language: str) -> list[dict]:
    results = {one.unit: one for one in pages if one.unit}
    names, parents = unit_names(run.units, language=language), _parents(run.units)
    on_track = _on_track(run)
    children: dict[str, list[str]] = {}
    for unit in run.units["unit"]:
        above = parents.get(unit, "")
        children.setdefault(above if above in parents and above != unit else "", []).append(unit)
    _ = translator(language)

    def entry(unit: str) -> dict:
        result = results.get(unit)
        has_page = result is not None and result.shown
        return {
            "code": clean_text(unit),
            "name": clean_text(names.get(unit, unit)),
            "href": page_name(unit) if has_page else "",
            "summary": "{}/{}".format(*on_track[unit]) if unit in on_track else "",
            "flag": _("Not updated") if result is not None and result.status == FAILED else "",
            "children": [entry(one) for one in children.get(unit, [])],
        }

    return [entry(unit) for unit in children.get("", [])]


def grouped(downloads: Sequence[dict], *, language: str) -> list[dict]:
    """Files in rows by what they hold: a table's CSV for Excel, CSV and Parquet in one, the hubverse files in one.

    Examples
    --------
    >>> file = {"href": "downloads/csv/units.csv", "name": "units.csv", "about": "Units: CSV", "size": "1 kB"}
    >>> grouped([file], language="en")
    [{'about': 'Units', 'files': [{'href': 'downloads/csv/units.csv', 'name': 'CSV', 'size': '1 kB'}]}]
    """
    _ = translator(language)
    kinds = {"csv-excel": _("CSV for Excel"), "csv": "CSV", "parquet": "Parquet"}
    rows: dict[str, dict] = {}
    for one in downloads:
        parts = PurePosixPath(one["href"]).parts
        folder = parts[1] if len(parts) > 2 else ""
        file = {"href": one["href"], "name": kinds.get(folder, one["name"]), "size": one["size"]}
        about = one["about"].partition(":")[0] if folder in kinds else one["about"]
        if folder == "hubverse":
            about = _("Forecasts in the hubverse format")
        rows.setdefault(about, {"about": about, "files": []})["files"].append(file)
    return list(rows.values())


def _failed(run: RunTables, pages: Sequence[PageResult], *, language: str) -> list[dict]:
    names = unit_names(run.units, language=language)
    return [
        {
            "title": clean_text(names.get(one.unit, one.unit) if one.unit else one.page),
            "href": one.page if one.kept else "",
            "reason": f"{one.kind} · {one.reference}",
        }
        for one in pages
        if one.status == FAILED
    ]


def _on_track(run: RunTables) -> dict[str, tuple[int, int]]:
    """Unit to how many of its targets are on track, of how many (those not assessable count as not on track)."""
    rows = run.assessments
    good = rows["status"].isin(ON_TRACK).groupby(rows["unit"]).agg(["sum", "size"])
    return {unit: (int(k), int(n)) for unit, k, n in good.itertuples(name=None)}
