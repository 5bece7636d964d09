"""The site: which pages a run has, their names, their navigation, and the index of all units with its search.

The index is whole without a script; the one inline script only filters, and the page's policy allows it by its hash
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from analysis.briefing.fragment import clean_text
from analysis.briefing.locale import N_, period, translator
from analysis.briefing.view import view_of
from analysis.briefing.wording import is_published, say_publication
from analysis.publishing.chrome import (
    FOLDER,
    SIMULATED,
    TEMPLATES,
    archived_pages,
    policy,
    quarters_of,
    short_script,
    stylesheet,
)
from analysis.publishing.jobs import FAILED, SITE, PageJob, PageResult
from analysis.publishing.sanitise import check_page
from analysis.words.errors import PublishError, require
from analysis.words.files import file_sha256, page_slug, sha256_of_json, write_file
from analysis.words.schema import ON_TRACK, RunTables

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

    >>> page_name("079"), page_name("../../etc")
    ('units/079.html', 'units/etc--74ccf3c5b4c1.html')
    """
    return f"units/{page_slug(unit)}.html"


def page_frame(run: RunTables, *, page: str, language: str, pages: set[str], unit: str = "", cutoff: str = "") -> dict:
    """Navigation, breadcrumb and notices for one page: the ``context`` of its job.

    `pages` are all of the run, with `DOWNLOADS` where there are any, so that no link leads nowhere; `unit` is "" for
    pages of the whole run.
    """
    _ = translator(language)
    up = "../" * (len(PurePosixPath(page).parts) - 1)
    nav = [
        {"title": _(title), "href": up + name, "current": name == page}
        for name, title in TOP_PAGES.items()
        if name in pages or name == INDEX
    ]
    if METHOD[0] in pages:
        nav.append({"title": _("Method"), "href": f"{up}{METHOD[0]}#{METHOD[1]}", "current": False})
    if DOWNLOADS in pages:
        nav.append({"title": _("Downloads"), "href": f"{up}{INDEX}#downloads", "current": False})
    frame = {"language": language, "nav": nav, "cutoff": cutoff}
    warnings = [_(SIMULATED)] if run.params.get("simulated") else []
    warnings += [] if is_published(run.manifest) else [say_publication(run.manifest, language)]
    if warnings:
        frame["banner"] = " ".join(warnings)
    if unit:
        view = view_of(run, language)
        above = [one for one in reversed(view.ancestors(unit)) if page_name(one) in pages and one != unit]
        frame["breadcrumbs"] = [
            {"title": _("Home"), "href": up + INDEX},
            *({"title": clean_text(view.name(one)), "href": up + page_name(one)} for one in above),
            {"title": clean_text(view.name(unit)), "href": ""},
        ]
    return frame


def build_site(
    run: RunTables,
    pages: Sequence[PageResult],
    out_dir: Path,
    language: str,
    *,
    downloads: Sequence[dict] = (),
) -> Path:
    """Write the index of the site.

    `pages` are all of the run, failed ones too; `downloads` has ``href``, ``name``, ``about``, ``size`` of each file.

    PublishError: when the index does not pass the checks.
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

    view = view_of(run, language)
    rows = [row for mine in view.all_assessed().values() for row in mine]
    return clean_text(say_overview(view, view.assessed(view.root), rows))


def _tree(run: RunTables, pages: Sequence[PageResult], *, language: str) -> list[dict]:
    results = {one.unit: one for one in pages if one.unit}
    view, on_track = view_of(run, language), _on_track(run)

    def entry(unit: str) -> dict:
        result = results.get(unit)
        return {
            "code": clean_text(unit),
            "name": clean_text(view.name(unit)),
            "href": page_name(unit) if result is not None and result.shown else "",
            "summary": "{}/{}".format(*on_track[unit]) if unit in on_track else "",
            "flag": view._("Not updated") if result is not None and result.status == FAILED else "",
            "children": [entry(one) for one in view.children(unit)],
        }

    return [entry(unit) for unit in view.roots]


def grouped(downloads: Sequence[dict], *, language: str) -> list[dict]:
    """Files in rows by what they hold: a table's CSV for Excel, CSV and Parquet in one, the hubverse files in one.

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
    view = view_of(run, language)
    return [
        {
            "title": clean_text(view.name(one.unit) if one.unit else one.page),
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


NOT_ON_PAGES = ("max_failed_share", "keep_runs")  # params that no page shows
UNIT_NOTEBOOK = "unit_briefing"
RUN_PAGES = {  # key of params' `publish` -> (notebook, page of the whole run)
    "overview": ("overview_briefing", "overview.html"),
    "forecast": ("forecast", "forecast.html"),
    "registry": ("registry", "registry.html"),
    "data_quality": ("data_quality", "quality.html"),
    "scorecard": ("scorecard", "scorecard.html"),
}


def pages_of(tables: RunTables, *, units: Sequence[str] | None = None) -> dict[str, str]:
    """The pages that the params ask for, in the order of the site, each with its unit (``""``: of the whole run)."""
    wanted = tables.params["publish"]
    whole_run = [] if units is not None else [page for key, (_, page) in RUN_PAGES.items() if wanted.get(key)]
    codes = units if units is not None else tables.units["unit"] if wanted["unit"] else []
    return dict.fromkeys(whole_run, "") | {page_name(unit): unit for unit in codes}


def page_jobs(tables: RunTables, *, root: Path, run_dir: Path, units: Sequence[str] | None = None) -> list[PageJob]:
    """Every page the params ask for, in the order of the site: pages of the whole run, then a page a unit.

    With `units`, only these units' pages; pages of the whole run are left out then.
    """
    language, cutoff = tables.params["language"], tables.manifest["cutoff"]
    _ = translator(language)
    notebooks = {page: root / "notebooks" / f"{name}.ipynb" for name, page in RUN_PAGES.values()}
    pages = pages_of(tables, units=units)
    downloads = [DOWNLOADS] if tables.params["publish"].get("downloads") and units is None else []  # not of some units
    there, earlier = {*pages, *downloads}, archived_pages(run_dir / SITE)
    common = {"run_dir": str(run_dir), "language": language}
    unit_notebook = root / "notebooks" / f"{UNIT_NOTEBOOK}.ipynb"
    linked = {*there, *(f"{FOLDER}/{code}/{page}" for page, codes in earlier.items() for code in codes[:1])}
    hashes = {path: type_hash(tables.manifest, path, pages=linked) for path in {*notebooks.values(), unit_notebook}}

    def frame(page: str, unit: str = "") -> dict:
        made = page_frame(tables, page=page, language=language, pages=there, unit=unit, cutoff=cutoff)
        for code in earlier.get(page, [])[:1]:
            up, title = "../" * page.count("/"), _("Earlier: {period}").format(period=period(code, language))
            made["nav"].append({"title": title, "href": f"{up}{FOLDER}/{code}/{page}", "current": False})
        return made

    jobs = [
        PageJob(
            page=page,
            notebook=notebooks[page],
            parameters=common,
            context=frame(page),
            type_hash=hashes[notebooks[page]],
        )
        for page, unit in pages.items()
        if not unit
    ]
    return jobs + [
        PageJob(
            page=page,
            notebook=unit_notebook,
            parameters=common | {"unit": unit},
            context=frame(page, unit),
            type_hash=hashes[unit_notebook],
            together=True,  # it reads through UnitView and leaves nothing behind
        )
        for page, unit in pages.items()
        if unit
    ]


def type_hash(manifest: Mapping, notebook: Path, *, pages: set[str]) -> str:
    """One hash of all that the pages of a notebook are made from; ``""`` where the notebook does not exist.

    The manifest holds the hashes of the tables, and of the code, catalogue and libraries that the run uses.
    """
    params = {name: value for name, value in manifest["params"].items() if name not in NOT_ON_PAGES}
    parts = [manifest["tables"], params, manifest["hashes"]["code"], manifest["hashes"]["libraries"]]
    parts.append(manifest.get("register"))  # a draft, or the seal it was published with
    return sha256_of_json([*parts, sorted(pages), file_sha256(notebook)]) if notebook.is_file() else ""
