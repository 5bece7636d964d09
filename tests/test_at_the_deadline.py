"""Every kind of target at its own deadline, after it, without one, and on a series with one observed period.

One small made-up country binds all of them. Each is assessed in the quick tests; one slow run publishes every page.
"""

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from benchmarks.country import write_country

from analysis import pipeline, statistics
from analysis.registry.kinds import KINDS
from analysis.registry.params import project_root, read_params
from analysis.words.schema import STATUSES

CUTOFF, PAST, AHEAD, FAR = "2026-09", "2026-03", "2026-12", "2060-12"
WITHOUT_AN_ANSWER = (  # whatever is observed at the deadline
    "no_series", "no_baseline", "no_quota", "no_peers", "no_tasks", "no_members", "not_started", "component_missing",
    "member_not_assessable", "no_threshold",
)  # fmt: skip
SITUATIONS = {  # name -> (deadline, settled, which series: "" is three years long, "new_" has one period)
    "ahead": (AHEAD, False, ""),
    "at": (CUTOFF, False, ""),
    "past": (PAST, True, ""),
    "never": (None, False, ""),
    "far": (FAR, False, ""),
    "new": (AHEAD, False, "new_"),
    "new_at": (CUTOFF, False, "new_"),
    "new_past": (PAST, True, "new_"),
}
DEADLINE_NEEDED = ("level_at", "cumulative_count", "relative_change")
THEN = ("level_at", "coverage_all", "tasks_k_of_n")  # what a conditional target may become
SORTS = {"rate": "rate0", "count": "count", "level": "score", "rank": "rank"}  # kind of indicator -> code


def targets_of(kind, situation):
    """Entries of a kind in a situation, by code."""
    deadline, settled, new = SITUATIONS[situation]
    if deadline is None and kind in DEADLINE_NEEDED:
        return {}
    rate, count, score, rank = (f"{new}{one}" for one in SORTS.values())
    end = deadline or CUTOFF
    since = {"each_period": end, "cumulative": end} | ({} if new else {"rolling_3": "2026-01"})
    step = {"milestones": [{"period": "2026-03", "threshold": 0.4}]}
    forms = {
        "level_at": {
            "": {"indicator": rate, "operator": ">=", "threshold": 0.5, **step},
            "between": {"indicator": rate, "operator": ">=", "threshold": 0.1, "upper": 0.9},
            "points": {"indicator": score, "operator": "<", "threshold": 50},
        },
        "sustained_from": {
            reading: {"indicator": rate, "operator": ">", "threshold": 0.05, "start": start, "reading": reading}
            for reading, start in since.items()
        },
        "cumulative_count": {
            "count": {"indicator": count, "operator": ">=", "threshold": 300, "of": "count"},
            "quota": {"indicator": count, "operator": ">=", "threshold": 1, "of": "quota",
                      "quota": {"00001": 200, "00002": 9000}, "population": {"00001": 500}},
            "eligible": {"indicator": rate, "operator": ">=", "threshold": 0.2, "of": "eligible"},
        },
        "coverage_all": {"": {"indicator": rate}, "k": {"indicator": count, "k": 100, "n": 900}},
        "tasks_k_of_n": {"": {}, "k": {"k": 1, "n": 2}},
        "rank_le": {
            "": {"indicator": score, "threshold": 2, "peers": {"level": "commune"}},
            "published": {"indicator": rank, "threshold": 2, "peers": {"level": "commune"}},
        },
        "score_ge": {
            "": {"operator": ">=", "threshold": 40, "total": 100, "version": "1",
                 "components": [{"indicator": rate, "weight": 60}, {"indicator": f"{new}rate1", "weight": 40}]},
            "more": {"operator": ">", "total": 60, "version": "1", "components": [{"indicator": rate, "weight": 60}]},
        },
        "relative_change": {
            "": {"indicator": rate, "operator": ">=", "threshold": 0.1, "baseline_period": "2025-09"},
            "stated": {"indicator": score, "operator": "<=", "threshold": -0.2, "baseline": 50},
            "nowhere": {"indicator": rate, "operator": ">=", "threshold": 0.1},
        },
        "indicators_k_of_n": {
            "": {"members": [f"level_at-{situation}", f"rank_le-{situation}", f"tasks_k_of_n-{situation}"], "k": 2}
            if deadline else {"members": [f"rank_le-{situation}", f"tasks_k_of_n-{situation}"]},
            "none": {"k": 2, "n": 3},
        },
        "directional": {"": {"indicator": rate, "start": "2025-12"}, "today": {"indicator": score}},
        "conditional": {
            f"{then}-{'running' if running else 'waiting'}": {
                "indicator": "" if then == "tasks_k_of_n" else rate, "then": then,
                "condition_vi": "điều kiện", "condition_en": "a condition",
                **({"start": "2026-01"} if running else {}),
                **({"operator": ">=", "threshold": 0.5} if then == "level_at" else {}),
            }
            for then in THEN for running in (True, False)
        },
    }  # fmt: skip
    common = {"kind": kind, "scope": "all", "settled": settled} | ({"deadline": deadline} if deadline else {})
    codes = {"-".join(filter(None, (kind, situation, form))): own for form, own in forms[kind].items()}
    names = lambda code: {"target": code, "name_vi": f"Chỉ tiêu {code}", "name_en": f"Target {code}"}
    return {code: common | names(code) | own for code, own in codes.items()}


def all_targets():
    return [one for pair in product(KINDS, SITUATIONS) for one in targets_of(*pair).values()]


def indicators():
    """The country's two rates, a count, a level and a published place; each again with one observed period."""
    country = {
        "better": "up", "frequency": "M", "season_length": 1, "cumulative": False, "aggregation": "none",
        "unit_vi": "", "unit_en": "", "definition_vi": "Dựng ra.", "definition_en": "Made up.",
    }  # fmt: skip
    kinds = {"rate0": "rate", "rate1": "rate", "count": "count", "score": "level", "rank": "rank"}
    more = {"rate": {"aggregation": "sum"}, "count": {"aggregation": "sum", "cumulative": True},
            "rank": {"better": "down", "resolution": 1}, "level": {}}  # fmt: skip
    return [
        {**country, "indicator": f"{new}{code}", "name_vi": code, "name_en": code, "kind": kind, **more[kind]}
        for new in ("", "new_")
        for code, kind in kinds.items()
    ]


def write_project(folder):
    """Write the country with these indicators, targets and tasks; returns its params file."""
    path = write_country(folder, communes=5, provinces=2, indicators=2)
    rates = pd.read_parquet(folder / "data/observations.parquet").assign(value=np.nan)
    shape = rates[rates["indicator"].eq("rate0")].assign(numerator=np.nan, denominator=np.nan)
    months = sorted(shape["period"].unique())
    at, unit = shape["period"].map(months.index), shape["unit"].astype(int)
    more = {"count": 10 * unit * (at + 1), "score": 40 + unit + (at * unit) % 7, "rank": 1 + (unit + at) % 5}
    added = [shape.assign(indicator=code, value=value.astype(float)) for code, value in more.items()]
    rows = pd.concat([rates, *added])
    last = rows[rows["period"].eq(CUTOFF)]
    rows = pd.concat([rows, last.assign(indicator="new_" + last["indicator"])])
    rows.to_parquet(folder / "data/observations.parquet", index=False)
    tasks = [one["target"] for one in all_targets() if "tasks_k_of_n" in (one["kind"], one.get("then"))]
    with open(folder / "data/tasks.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["task", "target", "unit", "due", "done"])
        for target, commune in product(tasks, ("00001", "00002")):
            out.writerow([f"{target}.1", target, commune, "2026-03-31", "2026-03-20"])
            out.writerow([f"{target}.2", target, commune, "2026-08-31", ""])
    source = json.loads((folder / "params/sources/country.yml").read_text(encoding="utf-8"))
    source["measures"] = [{"value": "value", "numerator": "numerator", "denominator": "denominator"}]
    params = json.loads(path.read_text(encoding="utf-8"))
    pages = {"data_quality": True, "scorecard": True, "registry": True, "downloads": True}
    params |= {"tasks": "data/tasks.csv", "n_paths": 200, "publish": params["publish"] | pages}
    for name, content in {
        "data/indicators.yml": {"indicators": indicators()},
        "params/targets/country.yml": {"targets": all_targets()},
        "params/sources/country.yml": source,
        "params/country.yml": params,
    }.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    """``assess(codes) -> Assessed`` of the project's figures, and all its targets."""
    path = write_project(tmp_path_factory.mktemp("deadlines"))
    params = read_params(path)
    inputs = pipeline.read_step(params, root=project_root(path))
    forecasted = statistics.forecast_quarter(inputs, cutoff=CUTOFF, params=params, deadlines=[AHEAD])

    @cache
    def assess(codes):
        targets = tuple(one for one in inputs.targets if one.target in codes)
        return statistics.assess_quarter(replace(inputs, targets=targets), forecasted, params=params)

    return assess, inputs.targets


def assessed(country, kind, situation):
    """The answers to the targets of a kind in a situation alone: no other target lends a table its columns."""
    assess, targets = country
    codes = set(targets_of(kind, situation))
    members = {one for target in targets if target.target in codes for one in getattr(target, "members", ())}
    made = assess(frozenset(codes | members))
    keep = lambda table: table[table["target"].isin(codes)] if "target" in table else table
    return keep(made.assessments), {name: keep(table) for name, table in made.extra.items()}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_unit_has_a_status_or_a_reason(country, kind, situation):
    table, _extra = assessed(country, kind, situation)
    assert len(table) == 8 * len(targets_of(kind, situation))
    assert table["status"].isin(STATUSES).all()
    open_ = table["status"].eq("not_assessable")
    assert (open_ == table["reason"].ne("")).all(), table.loc[open_ != table["reason"].ne(""), ["target", "reason"]]
    assert table.loc[~open_, "p_attain"].between(0, 1).all()
    assert (table["settled"] == table["status"].isin(["met", "missed"])).all()
    assert table.loc[table["settled"], "p_attain"].isin([0.0, 1.0]).all()


@pytest.mark.parametrize("situation", ["at", "past", "new_at"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_deadline_that_was_observed_settles(country, kind, situation):
    table, _extra = assessed(country, kind, situation)
    table = table[~table["reason"].isin(WITHOUT_AN_ANSWER)]
    assert table["settled"].all(), table.loc[~table["settled"], ["unit", "target", "reason"]]
    assert len(table) or (kind, situation) == ("directional", "new_at")  # whose start was not observed


@pytest.mark.parametrize("kind", KINDS)
def test_one_observed_period_is_too_few_and_the_sub_units_add_up_to_no_probability(country, kind):
    table, extra = assessed(country, kind, "new")
    open_ = table[~table["settled"] & ~table["reason"].isin(WITHOUT_AN_ANSWER)]
    assert set(open_["reason"]) <= {"too_few_points"}
    if "rollup" in extra:
        assert extra["rollup"]["p_from_parts"].isna().all()


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_table_has_the_same_columns_in_every_situation(country, kind, situation):
    if not targets_of(kind, situation):
        pytest.skip(f"{kind} needs a deadline")
    _table, extra = assessed(country, kind, situation)
    _table, usual = assessed(country, kind, "ahead")
    assert not set(extra) - set(usual) - {"signals"}
    for name in set(extra) & set(usual):
        assert list(extra[name]) == list(usual[name]), name


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deadlines_run")
    command = [sys.executable, "-m", "analysis", "run", str(write_project(folder))]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "outputs/country/site"


@pytest.mark.slow
def test_every_page_is_published(site):
    assert len(list(site.glob("units/*.html"))) == 8
    pages = {"index", "overview", "forecast", "registry", "quality", "scorecard"}
    assert {path.stem for path in site.glob("*.html")} == pages


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_unit_page_states_what_was_settled_and_expects_nothing_after_a_deadline(site, kind):
    text = (site / "units/00001.html").read_text(encoding="utf-8")
    for situation in ("at", "past"):
        codes = targets_of(kind, situation)
        rows = {code: re.search(rf"<b>Chỉ tiêu {code}</b>.*?(?=<tr|</table>)", text, re.S) for code in codes}
        assert all(rows.values())
        for row in rows.values():
            assert "dự kiến" not in row.group() and "kỳ vọng" not in row.group()
            assert "cần giữ đến hạn" not in row.group()
        settled = [code for code, row in rows.items() if "đã có kết quả" in row.group()]
        assert settled, kind
